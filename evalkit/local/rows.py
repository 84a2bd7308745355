"""The rows of a table or a list: numbers grouped by their labels, texts found around them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from evalkit.local.classifier import Classifier
from evalkit.local.units import Unit

BACK = 16  # units before a row's first number in which its text may begin
INSIDE, OUTSIDE = "inside", "outside"


@dataclass(frozen=True, slots=True)
class Row:
    """The positions of one row's numbers by part, and where its text may stand."""

    places: Mapping[str, int]
    first: int
    last: int


def group_rows(labels: Sequence[str], name: str, parts: Sequence[str]) -> list[Row]:
    """Rows from labels ``name.part``: a part that comes again, or out of order, opens a new row."""
    rows: list[dict[str, int]] = []
    order = {part: nth for nth, part in enumerate(parts)}
    for at, label in enumerate(labels):
        head, _, part = label.partition(".")
        if head != name or part not in order:
            continue
        latest = max((order[p] for p in rows[-1]), default=-1) if rows else len(parts)
        if order[part] <= latest:
            rows.append({})
        rows[-1][part] = at
    found: list[Row] = []
    end = -1
    for places in rows:
        if len(places) < max(1, len(parts) - 1):
            continue
        low, high = min(places.values()), max(places.values())
        found.append(Row(places, max(end + 1, low - BACK), high))
        end = high
    return found


def word_features(units: Sequence[Unit], text: str, row: Row) -> list[list[str]]:
    """Features of each unit of a row's region: the words around, the gaps, the numbers before and after."""
    marks = {at: part for part, at in row.places.items()}
    found: list[list[str]] = []
    passed = "^"
    quantity = min(row.places.values())
    opens = quantity == 0 or units[quantity - 1].line != units[quantity].line
    for at in range(row.first, row.last + 1):
        unit = units[at]
        passed = marks.get(at, passed)
        before = units[at - 1] if at else None
        gap = text[before.end : unit.start] if before else "^"
        after = text[unit.end : units[at + 1].start] if at + 1 < len(units) else "$"
        following = _token(units[at + 1]) if at + 1 < len(units) else "$"
        lines = min(max(units[quantity].line - unit.line, -2), 3)
        found.append([
            f"mark={marks.get(at, '')}", f"passed={passed}", f"gap={_gap(gap)}", f"after={_gap(after)}",
            f"t={_token(unit)}", f"p={_token(before) if before else '^'}", f"n={following}",
            f"lines={lines} {opens}", f"from={min(at - row.first, 6)}", f"to={min(row.last - at, 6)}",
            f"passed={passed} lines={lines} {opens}", f"gap={_gap(gap)} passed={passed} lines={lines}", f"kind={unit.kind}",
            f"kind={unit.kind} lines={lines} {opens}",
        ])  # fmt: skip
    return found


def _token(unit: Unit) -> str:
    return unit.text.casefold() if unit.kind == "word" else f"<{unit.kind}>"


def _gap(gap: str) -> str:
    """The punctuation and the kind of white space between two units."""
    if "\n" in gap:
        return "line"
    marks = re.sub(r"\s+", " ", gap)
    return f"{marks}wide" if "  " in gap else marks


def span_labels(units: Sequence[Unit], text: str, row: Row, value: str) -> list[str] | None:
    """Which units of the region make up ``value``; ``None`` where the paper does not have it whole."""
    pattern = r"\s+".join(re.escape(word) for word in value.split())
    start = units[row.first].start
    found = re.search(pattern, text[start : units[row.last].end])
    if found is None:
        return None
    low, high = start + found.start(), start + found.end()
    return [
        INSIDE if low <= units[at].start and units[at].end <= high else OUTSIDE
        for at in range(row.first, row.last + 1)
    ]


def read_text(units: Sequence[Unit], text: str, row: Row, classifier: Classifier) -> str:
    """The run of units that most likely is the row's text, as printed, white space made single."""
    inside = classifier.classes.index(INSIDE) if INSIDE in classifier.classes else 0
    chances = classifier.probabilities(word_features(units, text, row))[:, inside]
    first, last = _best_run([float(chance) - 0.5 for chance in chances])
    piece = text[units[row.first + first].start : units[row.first + last].end]
    if piece.count("(") > piece.count(")"):
        piece += ")"
    return re.sub(r"\s+", " ", piece)


def _best_run(gains: Sequence[float]) -> tuple[int, int]:
    """First and last position of the run with the greatest sum (Kadane's algorithm)."""
    best, best_run, total, start = float("-inf"), (0, 0), 0.0, 0
    for at, gain in enumerate(gains):
        if total <= 0:
            total, start = 0.0, at
        total += gain
        if total > best:
            best, best_run = total, (start, at)
    return best_run


def row_record(units: Sequence[Unit], row: Row, parts: Sequence[str]) -> dict[str, Any]:
    """The row's numbers; where the last is not printed it is the product of the two before."""
    found: dict[str, Any] = {part: plain(units[at].value) for part, at in row.places.items()}
    if len(parts) == 3 and parts[2] not in found and {parts[0], parts[1]} <= found.keys():
        found[parts[2]] = plain(round(found[parts[0]] * found[parts[1]] + 1e-9, 2))
    return found


def plain(value: float) -> int | float:
    """Whole numbers without a fraction."""
    return int(value) if value == int(value) else value
