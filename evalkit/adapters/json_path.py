"""Paths into JSON values: ``$.hits[*].id``, ``a.b[0]``, ``$['odd name']`` or a JSON pointer ``/a/b/0``."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any


class Marker(Enum):
    """What a step or a result may be besides a name, an index or a value."""

    EACH = "[*]"
    MISSING = "missing"


EACH = Marker.EACH
MISSING = Marker.MISSING
Step = str | int | Marker
_STEP = re.compile(
    r"""\.?(?P<name>[^.\[\]'"$*\s]+) | (?P<each>\.?\*|\[\*\]) | \[(?P<index>-?\d+)\]
      | \[(?P<quote>['"])(?P<quoted>.*?)(?P=quote)\]""",
    re.VERBOSE,
)


def parse_path(text: str) -> tuple[Step, ...]:
    """The steps of a path; ``$`` alone is the whole value. Raises ``ValueError`` for anything else."""
    if text.startswith("/"):
        parts = (part.replace("~1", "/").replace("~0", "~") for part in text[1:].split("/"))
        return tuple(int(part) if part.isdigit() else part for part in parts)
    rest = text.removeprefix("$")
    steps: list[Step] = []
    while rest:
        found = _STEP.match(rest)
        if found is None:
            raise ValueError(f"{text!r} is no path; write it like $.hits[*].id")
        steps.append(_step(found))
        rest = rest[found.end() :]
    if not steps and text != "$":
        raise ValueError("an empty path; write it like $.answer")
    return tuple(steps)


def find(value: Any, steps: Sequence[Step]) -> Any:
    """The value at a path, ``MISSING`` when there is none; with ``[*]`` the list of all that is there."""
    for i, step in enumerate(steps):
        if step is EACH:
            return _each(value, steps[i + 1 :])
        value = _child(value, step)
        if value is MISSING:
            return MISSING
    return value


def _each(value: Any, rest: Sequence[Step]) -> Any:
    if not isinstance(value, list):
        return MISSING
    found = [item for item in (find(element, rest) for element in value) if item is not MISSING]
    return [item for inner in found for item in inner] if EACH in rest else found


def _child(value: Any, step: Step) -> Any:
    if isinstance(value, Mapping):
        return value.get(str(step), MISSING)
    if isinstance(value, list) and isinstance(step, int) and -len(value) <= step < len(value):
        return value[step]
    return MISSING


def _step(found: re.Match[str]) -> Step:
    if found["each"] is not None:
        return EACH
    if found["index"] is not None:
        return int(found["index"])
    return found["quoted"] if found["quoted"] is not None else found["name"]
