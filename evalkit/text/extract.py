"""Finds the JSON in a model's answer and reads it strictly, and, where that fails, after repair."""

from __future__ import annotations

import json
import math
import re
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from evalkit.text.repair import MAX_DEPTH, MAX_DIGITS, UnrepairableError, repair_json

LONG = 100_000  # characters from which on an answer is worth remembering
ERRORS = (
    "empty",  # nothing was said
    "not_json",  # no object or array anywhere in the answer
    "surrounding_text",  # good JSON, but prose stands before or after it
    "truncated",  # the text ends before the JSON does
    "invalid_syntax",
    "duplicate_key",
    "non_finite",  # NaN, Infinity, or a number too large for a double
    "too_deep",  # nested deeper than 100 levels
    "long_number",  # an integer of more than 4,300 digits
)


@dataclass(frozen=True, slots=True)
class Parsed:
    """The JSON in one answer.

    ``extractable``: JSON could be located. ``parses``: the whole answer, less white space and one
    enclosing code fence, is strict JSON; then ``value`` holds it and ``error`` is ``None``.
    Otherwise ``error`` is one of ``ERRORS``, and where cutting the JSON out of its prose or
    mending it helped, ``repaired`` is true and ``repaired_value`` holds the content.
    """

    extractable: bool
    parses: bool
    value: Any = None
    repaired: bool = False
    repaired_value: Any = None
    error: str | None = None

    @property
    def readable(self) -> bool:
        """Whether there is content to look at, strictly read or repaired."""
        return self.parses or self.repaired

    @property
    def content(self) -> Any:
        """The strict value, else the repaired one; ``None`` also where nothing is readable."""
        return self.value if self.parses else self.repaired_value


class StrictJsonError(ValueError):
    """``kind`` is one of ``ERRORS``."""

    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.kind = kind


# With what JSON begins: an object, array, string, number, literal, or a constant that is refused.
_FIRST = frozenset('{["-0123456789tfnNI')


def parse_json(response: str) -> Parsed:
    """Read the JSON of an answer; never raises, and takes time linear in its length."""
    return _parse_long(response) if len(response) > LONG else _parse(response)


@lru_cache(1)  # several measures in turn ask of one answer
def _parse_long(response: str) -> Parsed:
    return _parse(response)


def _parse(response: str) -> Parsed:
    text = response.removeprefix("\ufeff").strip()
    if not text:
        return Parsed(extractable=False, parses=False, error="empty")
    body = whole_fence(text)
    if body[:1] in _FIRST:  # most answers are prose, which is soon seen
        with suppress(StrictJsonError):
            return Parsed(extractable=True, parses=True, value=strict_json(body))
    located = _locate(body)
    if located is None:
        return Parsed(extractable=False, parses=False, error="not_json")
    span, complete = located
    try:
        value = strict_json(span)
    except StrictJsonError as error:
        kind = error.kind if complete or error.kind != "invalid_syntax" else "truncated"
        return _mend(span, kind)
    return Parsed(
        extractable=True,
        parses=False,
        repaired=True,
        repaired_value=value,
        error="surrounding_text",
    )


def _mend(span: str, kind: str) -> Parsed:
    try:
        value = repair_json(span)
    except UnrepairableError:
        return Parsed(extractable=True, parses=False, error=kind)
    return Parsed(extractable=True, parses=False, repaired=True, repaired_value=value, error=kind)


# --- strict reading --------------------------------------------------------------------------

# Strings are stepped over; one that is never closed reaches to the end.
_STRUCTURE = re.compile(r'"(?:[^"\\]++|\\.?)*+"?|[{}\[\]]', re.DOTALL)


def strict_json(text: str) -> Any:
    """Parse JSON as RFC 8259 has it, without repeated keys, NaN, infinities, depth or length bombs."""
    if _depth(text) > MAX_DEPTH:
        raise StrictJsonError("too_deep")
    try:
        return json.loads(
            text,
            object_pairs_hook=_unique_keys,
            parse_constant=_refuse_constant,
            parse_int=_bounded_int,
            parse_float=_finite_float,
        )
    except json.JSONDecodeError:
        raise StrictJsonError("invalid_syntax") from None


def _depth(text: str) -> int:
    deepest = depth = 0
    for found in _STRUCTURE.finditer(text):
        mark = found.group()
        if mark in "{[":
            depth += 1
            deepest = max(deepest, depth)
        elif mark in "}]":
            depth -= 1
    return deepest


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise StrictJsonError("duplicate_key")
    return found


def _refuse_constant(_name: str) -> Any:
    raise StrictJsonError("non_finite")


def _bounded_int(digits: str) -> int:
    if len(digits.lstrip("-")) > MAX_DIGITS:
        raise StrictJsonError("long_number")
    return int(digits)


def _finite_float(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise StrictJsonError("non_finite")
    return number


# --- finding it ------------------------------------------------------------------------------

_FENCE = re.compile(r"```[ \t]*[\w+-]*[ \t]*\n?")
_CLOSING_LINE = re.compile(r"^[ \t]*```[ \t]*$", re.MULTILINE)
# A bracket in prose ("[sic]", "{name}") opens JSON only if what follows looks like it.
_OPENING = re.compile(
    r"""\{(?=\s{0,200}+(?:["'“”„‘’}]|//|/\*|\#|[\w$-]{1,200}+\s{0,20}+:|\Z))"""
    r"""|\[(?=\s{0,200}+(?:["'“”„‘’\]\[{\d-]|//|/\*|true\b|false\b|null\b|None\b|True\b|False\b|\Z))"""
)
_CITATION = re.compile(r"\[\d{1,4}\]")


def whole_fence(text: str) -> str:
    """The inside of the code fence that encloses the whole text, or the text itself."""
    opening = _FENCE.match(text)
    if opening is None or len(text) < opening.end() + 3 or not text.endswith("```"):
        return text
    inner = text[opening.end() : -3]
    return text if _CLOSING_LINE.search(inner) else inner.strip()


def fenced_blocks(text: str) -> list[str]:
    """The insides of all code fences, in order; the last may be unclosed."""
    blocks: list[str] = []
    at, closing_ahead = 0, True
    while (opening := _FENCE.search(text, at)) is not None:
        closing = _CLOSING_LINE.search(text, opening.end()) if closing_ahead else None
        closing_ahead = closing is not None  # searched for once in vain, never again
        inline = text.find("```", opening.end())
        end = closing.start() if closing else inline if inline >= 0 else len(text)
        blocks.append(text[opening.end() : end].strip())
        at = closing.end() if closing else end + 3
    return blocks


def _locate(text: str) -> tuple[str, bool] | None:
    """The JSON in ``text`` and whether it is closed: in a fence if there is one, else in the prose."""
    if "{" not in text and "[" not in text:
        return None
    for block in fenced_blocks(text):
        if _OPENING.match(block):
            return _best_span(block) or (block, False)
    return _best_span(text)


def _best_span(text: str) -> tuple[str, bool] | None:
    """The first balanced span that holds an object, else the first; ``[1]`` in prose is a citation."""
    spans = [span for span in _spans(text) if not _CITATION.fullmatch(span[0])]
    with_object = (span for span in spans if "{" in span[0])
    return next(with_object, spans[0] if spans else None)


def _spans(text: str) -> list[tuple[str, bool]]:
    spans: list[tuple[str, bool]] = []
    at = 0
    while (opening := _OPENING.search(text, at)) is not None:
        at = _close(text, opening.start())
        complete = at > 0
        at = at if complete else len(text)
        ends_closed = text.rstrip().endswith(("}", "]"))
        spans.append((text[opening.start() : at], complete or ends_closed))
    return spans


def _close(text: str, start: int) -> int:
    """Where the bracket at ``start`` is closed again, or -1. Wrong closers close what they can."""
    stack: list[str] = []
    open_marks = {"}": 0, "]": 0}
    for found in _STRUCTURE.finditer(text, start):
        mark = found.group()
        if mark in "{[":
            stack.append("}" if mark == "{" else "]")
            open_marks[stack[-1]] += 1
        elif open_marks.get(mark):
            _pop(stack, open_marks, mark)
        if not stack:
            return found.end()
    return -1


def _pop(stack: list[str], open_marks: dict[str, int], mark: str) -> None:
    while True:
        closed = stack.pop()
        open_marks[closed] -= 1
        if closed == mark:
            return
