"""Reads the JSON a model nearly wrote: a tolerant, deterministic, linear-time reader.

Tolerated: trailing and missing commas, single and typographic quotes, unquoted keys, Python's and
JavaScript's constants, comments, raw line breaks in strings, bad escapes, and anything a cut-off
leaves open. Nothing is guessed: a text that needs more than that is not repaired.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any

MAX_DEPTH = 100
MAX_DIGITS = 4300

# Possessive quantifiers (*+, ++) never give back, so each character is looked at a bounded number
# of times, whatever the text. A string that is never closed reaches to the end.
_TOKEN = re.compile(
    r"""
      (?P<skip>\s++|//[^\n]*+|\#[^\n]*+|/\*(?:[^*]|\*(?!/))*+(?:\*/)?)
    | (?P<mark>[{}\[\]:,])
    | (?P<double>"(?:[^"\\]++|\\.?)*+"?)
    | (?P<smart>[“”„](?:[^“”\\]++|\\.?)*+[“”]?)
    | (?P<single>['‘’](?:[^'‘’\\]++|\\.?|['‘’](?!\s{0,20}(?:[,:}\]]|\Z)))*+['‘’]?)
    | (?P<word>[^\s{}\[\]:,"“”„]++)
    """,
    re.VERBOSE | re.DOTALL,
)
_NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?")
_CONSTANTS: dict[str, Any] = {
    "true": True,
    "false": False,
    "null": None,
    "none": None,
    "undefined": None,
    "nan": None,
    "infinity": None,
    "-infinity": None,
}
_BAD_ESCAPE = re.compile(r"""\\(?:(u[0-9a-fA-F]{4}|["\\/bfnrt])|(.?))""", re.DOTALL)

Token = tuple[str, str]  # kind, text


class UnrepairableError(ValueError):
    """The text needs more than the repairs this module knows."""


def repair_json(text: str) -> Any:
    """Return the value ``text`` nearly spells; raises ``UnrepairableError``. Valid JSON keeps its value.

    A repeated key keeps its last value, NaN and infinities become null, a key whose value was cut
    off is dropped. Text after the first complete value is ignored.
    """
    return _Reader(_tokens(text)).value(0)


def _tokens(text: str) -> list[Token]:
    found = ((match.lastgroup or "", match.group()) for match in _TOKEN.finditer(text))
    return [token for token in found if token[0] != "skip"]


class _Reader:
    """A recursive-descent reader over tokens; the depth is bounded by ``MAX_DEPTH``."""

    def __init__(self, tokens: list[Token]) -> None:
        self.tokens = tokens
        self.at = 0

    def peek(self) -> str:
        """The next mark, ``""`` at the end, or the kind of the next scalar."""
        if self.at >= len(self.tokens):
            return ""
        kind, text = self.tokens[self.at]
        return text if kind == "mark" else kind

    def value(self, depth: int) -> Any:
        if depth >= MAX_DEPTH:
            raise UnrepairableError("nested too deeply")
        ahead = self.peek()
        if ahead in ("", ":", ",", "}", "]"):
            raise UnrepairableError("a value is missing")
        kind, text = self.tokens[self.at]
        self.at += 1
        if ahead == "{":
            return self.members(depth + 1)
        if ahead == "[":
            return self.items(depth + 1)
        return _scalar(text) if kind == "word" else _string(text)

    def members(self, depth: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        while self.more("}"):
            key = self.key()
            if self.peek() == "":
                break  # cut off between key and value
            if self.peek() != ":":
                raise UnrepairableError("a key has no colon")
            self.at += 1
            if self.peek() == "":
                break
            found[key] = self.value(depth)
        return found

    def items(self, depth: int) -> list[Any]:
        found: list[Any] = []
        while self.more("]"):
            found.append(self.value(depth))
        return found

    def key(self) -> str:
        kind, text = self.tokens[self.at]
        if kind == "mark":
            raise UnrepairableError("a key is missing")
        self.at += 1
        return text if kind == "word" else _string(text)

    def more(self, closer: str) -> bool:
        """Step over commas; ``False`` at the closing mark (or where it is missing)."""
        while self.peek() == ",":
            self.at += 1
        ahead = self.peek()
        if ahead == closer:
            self.at += 1
        return ahead not in ("", "}", "]")  # the other closer belongs to a parent: ours is missing


def _scalar(word: str) -> Any:
    name = word.lower()
    if name in _CONSTANTS:
        return _CONSTANTS[name]
    if not _NUMBER.fullmatch(word) or len(word) > MAX_DIGITS:
        raise UnrepairableError(f"{word[:40]!r} is no JSON value")
    if re.fullmatch(r"[+-]?\d+", word):
        return int(word)
    number = float(word)
    return number if math.isfinite(number) else None


def _string(quoted: str) -> str:
    """Drop the quotes and undo the escapes, keeping bad ones as they stand."""
    closed = len(quoted) > 1 and quoted[-1] in "\"'“”‘’" and not _escaped(quoted)
    body = quoted[1:-1] if closed else quoted[1:]
    body = _BAD_ESCAPE.sub(_good_escape, body)
    body = re.sub(r'(\\.)|"', lambda found: found.group(1) or '\\"', body, flags=re.DOTALL)
    value: str = json.loads(f'"{body}"', strict=False)
    return value


def _escaped(quoted: str) -> bool:
    """Whether the last character is escaped, so that the string was cut off behind it."""
    inner = quoted[1:-1]
    return (len(inner) - len(inner.rstrip("\\"))) % 2 == 1


def _good_escape(found: re.Match[str]) -> str:
    known, other = found.groups()
    if known is not None:
        return found.group()
    return other if other in ("'", "‘", "’", "“", "”") else "\\\\" + other
