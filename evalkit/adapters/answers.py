"""Reads what a live system gave: an answer that was paid for is kept, even if what it says of its own cost is odd."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

from evalkit import shapes
from evalkit.errors import did_you_mean
from evalkit.records import Outcome, Usage

DEAREST = 1e9  # of one answer, in any currency
LONGEST = 1e12  # tokens
ODD = "odd_usage"  # where a trace's meta says what could not be read of its usage
_Reader = Callable[[Any, str], int | float]
_READERS: Mapping[str, tuple[_Reader, float]] = {
    "prompt_tokens": (shapes.count, LONGEST),
    "completion_tokens": (shapes.count, LONGEST),
    "cost": (shapes.amount, DEAREST),
}


def read_outcome(value: Any, corpus: shapes.Corpus) -> Outcome:
    """``shapes.outcome``, but what is odd about ``usage`` is unknown, and said in ``meta``."""
    given = value.get("usage") if isinstance(value, Mapping) else getattr(value, "usage", None)
    if given is None:
        return shapes.outcome(value, corpus)
    usage, odd = told_usage(given)
    if isinstance(value, Mapping):
        rest: Any = {name: part for name, part in value.items() if name != "usage"}
    else:
        rest = dataclasses.replace(value, usage=Usage()) if isinstance(value, Outcome) else value
    outcome = shapes.outcome(rest, corpus)
    meta = outcome.meta if odd is None else {**outcome.meta, ODD: odd}
    return dataclasses.replace(outcome, usage=usage, meta=meta)


def usage_in(value: Any) -> Usage:
    """What a value that is no good answer says of its usage all the same."""
    given = value.get("usage") if isinstance(value, Mapping) else getattr(value, "usage", None)
    return Usage() if given is None else told_usage(given)[0]


def told_usage(value: Any) -> tuple[Usage, str | None]:
    """The usage that a system tells, and the first thing in it that is odd; what is odd is unknown."""
    if isinstance(value, Usage):
        value = {name: getattr(value, name) for name in _READERS}
    if not isinstance(value, Mapping):
        return Usage(), f"usage: expected an object, got {type(value).__name__}"
    found: dict[str, Any] = {}
    odd: list[str] = []
    for name, part in value.items():
        if part is None:
            continue
        try:
            found[name] = _part(str(name), part)
        except shapes.ShapeError as error:
            odd.append(str(error))
    return Usage(**found), odd[0] if odd else None


def _part(name: str, value: Any) -> int | float:
    field = f"usage.{name}"
    if name not in _READERS:
        raise shapes.ShapeError("unknown field", field, did_you_mean(name, _READERS))
    read, most = _READERS[name]
    number = read(value, field)
    if number > most:
        raise shapes.ShapeError(f"{number:.3g} cannot be right", field)
    return number


def both(one: Usage, other: Usage) -> Usage:
    """What two calls took together; a call that tells nothing adds nothing."""
    pairs = ((getattr(one, name), getattr(other, name)) for name in _READERS)
    return Usage(*(a if b is None else b if a is None else a + b for a, b in pairs))
