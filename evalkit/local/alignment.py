"""Finds the values of a training record in its paper, so that the reader can learn where they stand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from evalkit.local.units import Unit

NONE = "-"  # the label of a unit that is no field's value
REACH = 4  # the next number of a row lies at most so many numbers on


def align(units: Sequence[Unit], record: Mapping[str, Any]) -> list[str]:
    """One label a unit: a field's name, ``rows.part`` for the numbers of a row, or ``NONE``."""
    labels = [NONE] * len(units)
    for name, value in record.items():
        if isinstance(value, list):
            _align_rows(units, labels, name, value)
    for value in dict.fromkeys(v for v in record.values() if isinstance(v, (str, int, float))):
        names = [
            name for name, other in record.items() if other == value and not isinstance(other, bool)
        ]
        places = [at for at, unit in enumerate(units) if labels[at] == NONE and _is(unit, value)]
        places = _preferred(units, places)
        for nth, name in enumerate(names[: len(places)]):
            # Where fields share a value, the last field is taken to stand last.
            at = places[-1] if nth and nth == len(names) - 1 else places[nth]
            labels[at] = name
        for at in places[len(names) :]:
            if len(names) == 1:
                labels[at] = names[0]
    return labels


def _preferred(units: Sequence[Unit], places: list[int]) -> list[int]:
    """Percentages before plain numbers, where both have the value."""
    percent = [at for at in places if units[at].kind == "percent"]
    return percent or places


def _is(unit: Unit, value: str | float) -> bool:
    if isinstance(value, str):
        return unit.kind != "word" and value in (unit.value, unit.other, unit.text)
    return unit.kind in ("number", "percent") and abs(unit.value - value) < 1e-6


def _align_rows(units: Sequence[Unit], labels: list[str], name: str, rows: list[Any]) -> None:
    numbers = [at for at, unit in enumerate(units) if unit.kind == "number"]
    start = 0
    for row in rows:
        parts = {part: value for part, value in row.items() if isinstance(value, (int, float))}
        found = _find_row(units, numbers, start, list(parts.values()))
        for part, position in zip(parts, found, strict=False):
            labels[numbers[position]] = f"{name}.{part}"
        if found:
            start = found[-1] + 1


def _find_row(
    units: Sequence[Unit], numbers: Sequence[int], start: int, values: Sequence[float]
) -> list[int]:
    """Positions in ``numbers`` of the values in order, each near the one before; the last may lack."""
    for first in range(start, len(numbers)):
        if not _is(units[numbers[first]], values[0]):
            continue
        found = [first]
        for value in values[1:]:
            ahead = range(found[-1] + 1, min(found[-1] + REACH, len(numbers)))
            at = next((i for i in ahead if _is(units[numbers[i]], value)), None)
            if at is None:
                break
            found.append(at)
        if len(found) >= max(2, len(values) - 1):
            return found
    return []
