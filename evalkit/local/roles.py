"""Which kind of field each property of the training records is, read off its values."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import Any

Record = Mapping[str, Any]

FEW = 12  # different values at most in a category
FEWEST = 8  # records before a relation is believed
_ISO = re.compile(r"\d{4}-\d{2}-\d{2}")


@dataclass(frozen=True, slots=True)
class Roles:
    """Property names by kind; ``sums`` and ``shares`` are relations that always hold between numbers.

    ``sums`` has (a, b, c) with a + b = c; ``shares`` (rate, base, part) with base * rate / 100 = part.
    """

    dates: tuple[str, ...]
    numbers: tuple[str, ...]
    codes: tuple[str, ...]
    categories: tuple[str, ...]
    parties: tuple[str, ...]
    rows: str | None
    row_numbers: tuple[str, ...]
    row_texts: tuple[str, ...]
    sums: tuple[tuple[str, str, str], ...]
    shares: tuple[tuple[str, str, str], ...]


def read_roles(records: Sequence[Record], labelled: Sequence[Sequence[str]]) -> Roles:
    """The kinds of all properties; ``labelled`` are the aligned labels of the same papers."""
    names = list(dict.fromkeys(name for record in records for name in record))
    values = {n: [r[n] for r in records if r.get(n) is not None] for n in names}
    kinds = {n: _kind(n, values[n], labelled) for n in names if values[n]}
    rows = next((n for n, kind in kinds.items() if kind == "rows"), None)
    part = values[rows][0][0] if rows and values[rows][0] else {}
    numbers = _of(kinds, "number")
    return Roles(
        dates=_of(kinds, "date"),
        numbers=numbers,
        codes=_of(kinds, "code"),
        categories=_of(kinds, "category"),
        parties=_of(kinds, "party"),
        rows=rows,
        row_numbers=tuple(n for n, v in part.items() if isinstance(v, (int, float))),
        row_texts=tuple(n for n, v in part.items() if isinstance(v, str)),
        sums=_relations(records, numbers, lambda a, b, c: a + b - c),
        shares=_relations(
            records, _smallest_first(records, numbers), lambda a, b, c: a * b / 100 - c
        ),
    )


def _of(kinds: Mapping[str, str], wanted: str) -> tuple[str, ...]:
    return tuple(name for name, kind in kinds.items() if kind == wanted)


def _kind(name: str, values: Sequence[Any], labelled: Sequence[Sequence[str]]) -> str:
    if all(isinstance(value, list) for value in values):
        return "rows"
    if all(isinstance(value, (int, float)) for value in values):
        return "number"
    if all(isinstance(value, str) and _ISO.fullmatch(value) for value in values):
        return "date"
    found = sum(name in labels for labels in labelled)
    if found >= 0.6 * len(values):
        return "code"
    return "category" if len(set(map(str, values))) <= FEW else "party"


def _relations(
    records: Sequence[Record], names: Sequence[str], rest: Callable[[float, float, float], float]
) -> tuple[tuple[str, str, str], ...]:
    """The ordered triples of fields for which ``rest`` is nothing but rounding, save in 1 % of records."""
    full = [r for r in records if all(isinstance(r.get(n), (int, float)) for n in names)]
    found: list[tuple[str, str, str]] = []
    for a, b, c in permutations(names, 3):
        holds = [abs(rest(r[a], r[b], r[c])) <= _rounding(r[c]) for r in full]
        mirrored = (b, a, c) in found
        if len(full) >= FEWEST and not mirrored and sum(holds) >= 0.99 * len(full):
            found.append((a, b, c))
    return tuple(found)


def _smallest_first(records: Sequence[Record], names: Sequence[str]) -> tuple[str, ...]:
    """Fields by their mean, so that the rate of a share comes before its base."""
    return tuple(sorted(names, key=lambda n: sum(record.get(n) or 0 for record in records)))


def _rounding(value: float) -> float:
    """Half a unit where there are no cents, else a cent."""
    return 0.51 if value == int(value) else 0.0101
