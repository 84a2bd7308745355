"""How long a text may be in the case browser, and how a longer one is cut: never without a note."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

NAME, LABEL, LINE, TEXT = 200, 2_000, 300, 6_000  # characters of an id, a label, a note, an answer
ITEMS = 200  # entries of a list: tags, key points, citations, ranks


def cut(text: str, limit: int = LABEL) -> str:
    """The text, or its beginning with a note of how long it is in all."""
    if len(text) <= limit:
        return text
    return f"{text[:limit].rstrip()} … (cut, {len(text):,} characters in all)"


def name(text: str) -> str:
    """An id or a name, as a key of the page: a long one is cut, and stays unique by a digest of the whole."""
    if len(text) <= NAME:
        return text
    mark = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{text[:NAME]} … (cut, {len(text):,} characters in all, {mark})"


def first(items: Sequence[Any] | None, limit: int = ITEMS) -> Sequence[Any]:
    """At most ``limit`` entries of a list; none of None."""
    return (items or ())[:limit]


def case_link(case_id: str, system: str | None = None) -> str:
    """The address of a case's page within the report, shown for a system if one is named."""
    found = f"#case={_quoted(case_id)}"
    return found if system is None else f"{found}&system={_quoted(system)}"


def _quoted(text: str) -> str:
    return quote(name(text).encode("utf-8", "surrogatepass"), safe="")
