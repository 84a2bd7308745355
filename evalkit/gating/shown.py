"""Foreign text on a terminal, in a log or in a message: one line of bounded length in which nothing acts."""

from __future__ import annotations

import re
import unicodedata

_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_JOINERS = "\u200c\u200d"  # what Persian, Hindi and emoji are written with
NAME, LINE = 80, 4_000  # characters of an id or a name, and of a whole line


def visible(text: str, most: int = LINE) -> str:
    """One line in which nothing acts: control and direction marks become visible, CI commands lose their form.

    What is longer than ``most`` characters is cut, and says so.
    """
    cut = text[:most]
    shown = "".join(
        c
        if unicodedata.category(c) not in _INVISIBLE or c in _JOINERS
        else c.encode("unicode_escape").decode()
        if not "\ud800" <= c <= "\udfff"
        else "\ufffd"
        for c in cut
    )
    shown = re.sub(r"##(?=\w*\[)", "# #", shown)
    shown = re.sub(r"^(\s*)::", r"\1: :", shown)
    return shown if len(text) <= most else f"{shown}... ({len(text)} characters)"


def short(name: str) -> str:
    """An id, a tag or a name inside a sentence."""
    return visible(name, NAME)
