"""Keeps material apart from instructions: secret marks around each block, and nothing in it that looks like one."""

from __future__ import annotations

import hashlib
import hmac
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

OPEN, CLOSE = "⟦", "⟧"
_BRACKETS = str.maketrans({"⟦": "[", "⟧": "]", "〚": "[", "〛": "]", "\u2028": "\n", "\u2029": "\n"})  # fmt: skip
# Controls, direction marks, zero-width characters (not the joiners, which scripts and emoji need), the
# tag characters that spell hidden ASCII, and all but the first of several variation selectors.
_INVISIBLE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f"
    "\ufeff\ufff9-\ufffb\U000e0000-\U000e0fff]+|(?<=[\ufe00-\ufe0f])[\ufe00-\ufe0f]+"
)
# What chat templates of common models use to begin a turn: some servers read it inside a message too.
_TEMPLATE = re.compile(
    r"(?P<first><|\[)(?=[|｜]|<SYS>>|/?INST\]|/?s>|/?(?:think|system|assistant|user|bos|eos|pad|start_of_turn|end_of_turn)>)"
    r"|(?P<last>[|｜])(?=>)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Clean:
    """A text that can stand in a block, and how many characters or marks had to change for that."""

    text: str
    invisible: int = 0
    marks: int = 0


def clean(text: str) -> Clean:
    """``text`` without invisible characters, block brackets, and tokens of chat templates; else unchanged."""
    whole = text.replace("\r\n", "\n").replace("\r", "\n")
    seen = whole
    if not _is_plain(whole):
        whole = whole.encode("utf-8", "replace").decode().translate(_BRACKETS)
        seen = _INVISIBLE.sub("", whole)
    apart, marks = seen, 0
    if any(sign in seen for sign in "<[|｜"):
        apart, marks = _TEMPLATE.subn(lambda m: f"{m[0]} ", seen)
    return Clean(apart, len(whole) - len(seen), marks)


def _is_plain(text: str) -> bool:
    """Whether a text is ASCII without control characters, which most are: it holds nothing to leave out."""
    return text.isascii() and text.replace("\n", "").replace("\t", "").isprintable()


@dataclass(frozen=True, slots=True)
class Fence:
    """The secrets of one message: ``code`` stands in the marks around blocks, ``canary`` must come back."""

    code: str
    canary: str

    def block(self, name: str, text: str) -> str:
        """``text``, which must be clean, as a block; ``name`` is never taken from data."""
        return f"{OPEN}begin {name} {self.code}{CLOSE}\n{text}\n{OPEN}end {name} {self.code}{CLOSE}"


def fence_for(salt: bytes, texts: Sequence[str], draw: str) -> Fence:
    """The secrets for a message that holds ``texts``: the same for the same salt, texts and ``draw``.

    They are a keyed digest (HMAC-SHA256) of all the texts, so nobody without the salt can know them, and
    whoever has it cannot write a text that holds its own: any change to the text changes them. Should a text
    hold one by chance, also in another width or case, others are drawn.
    """
    parts = [hashlib.sha256(text.encode("utf-8", "replace")).digest() for text in texts]
    content = b"".join(parts) + draw.encode()
    folded: str | None = None
    for number in range(1000):
        code, canary = (_drawn(salt, f"{label} {number}", content) for label in ("code", "canary"))
        folded = folded if folded is not None else fold("\n".join(texts))
        if code not in folded and canary not in folded:
            return Fence(code, canary)
    raise AssertionError("a thousand codes of 96 bits in one text")


def fold(text: str) -> str:
    """``text`` in one width and case, for finding a code in it."""
    return text.lower() if text.isascii() else unicodedata.normalize("NFKC", text).lower()


def _drawn(salt: bytes, label: str, content: bytes) -> str:
    return hmac.new(salt, label.encode() + b"\0" + content, hashlib.sha256).hexdigest()[:24]
