"""The rows of a table or a list: numbers grouped by their labels, texts found around them."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from evalkit.local.classifier import Classifier
from evalkit.local.units import Unit, scan_key

BACK = 16  # units before a row's first number in which its text may begin
FIRST, LAST, WHOLE, OTHER = "first", "last", "whole", "other"


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
    style = _gap(text[units[quantity - 1].end : units[quantity].start]) if quantity else "line"
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
            f"lines={lines} {style}", f"from={min(at - row.first, 6)}", f"to={min(row.last - at, 6)}",
            f"passed={passed} lines={lines} {style}", f"gap={_gap(gap)} passed={passed} lines={lines}", f"kind={unit.kind}",
            f"kind={unit.kind} lines={lines} {style}", f"gap={_gap(gap)} lines={lines} {style}",
            f"after={_gap(after)} lines={lines} {style}",
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


def span_of(units: Sequence[Unit], text: str, row: Row, value: str) -> list[int] | None:
    """The units of the region that make up ``value``; ``None`` where the paper does not have it whole."""
    pattern = r"\s+".join(re.escape(word) for word in value.split())
    start = units[row.first].start
    found = re.search(pattern, text[start : units[row.last].end])
    if found is None:
        return None
    low, high = start + found.start(), start + found.end()
    return [at for at in range(row.first, row.last + 1) if low <= units[at].start < high] or None


@dataclass(frozen=True, slots=True)
class TextReader:
    """Where a row's text begins and ends, and the texts of the training rows."""

    edges: Classifier
    known: Mapping[str, str]

    def read(self, units: Sequence[Unit], text: str, row: Row) -> str:
        """The likeliest span without a number of the row in it, as printed, white space made single."""
        features = word_features(units, text, row)
        starts, ends = self.edges.chances(features, (FIRST, WHOLE), (LAST, WHOLE))
        taken = {at - row.first for at in row.places.values()}
        low, high = best_span(starts, ends, taken)
        end = units[row.first + high].end
        piece = text[units[row.first + low].start : end] + _ending(text, end)
        return self._as_known(re.sub(r"\s+", " ", piece))

    def _as_known(self, piece: str) -> str:
        """A text seen in training that differs only as a scanner's errors would make it differ."""
        return self.known.get(scan_key(piece), piece)


def _ending(text: str, end: int) -> str:
    """A full stop or bracket that closes the text just before a gap."""
    found = re.match(r"[.)]+(?=\s{2,}|\s?[|;:\n])", text[end : end + 4])
    return found.group() if found else ""


def best_span(
    starts: Sequence[float], ends: Sequence[float], taken: Collection[int]
) -> tuple[int, int]:
    """The pair first <= last with the greatest product of chances and nothing taken in between."""
    best, span = -1.0, (0, 0)
    first = -1
    for at in range(len(starts)):
        if at in taken:
            first = -1
            continue
        if first < 0 or starts[at] > starts[first]:
            first = at
        if starts[first] * ends[at] > best:
            best, span = starts[first] * ends[at], (first, at)
    return span


def learn_text(
    rows: Sequence[tuple[Sequence[Unit], str, Row, str]],
) -> TextReader:
    """From rows as (units, paper, row, text)."""
    items: list[list[str]] = []
    edges: list[str] = []
    for units, text, row, value in rows:
        span = span_of(units, text, row, value)
        if span is None:
            continue
        items += word_features(units, text, row)
        edges += [_edge(at, span) for at in range(row.first, row.last + 1)]
    known = {scan_key(value): value for _, _, _, value in rows}
    return TextReader(Classifier(items, edges), known)


def _edge(at: int, span: Sequence[int]) -> str:
    if at == span[0]:
        return WHOLE if len(span) == 1 else FIRST
    return LAST if at == span[-1] else OTHER


def row_record(units: Sequence[Unit], row: Row, parts: Sequence[str]) -> dict[str, Any]:
    """The row's numbers; of three, a missing one follows from the product of the first two."""
    found: dict[str, Any] = {part: plain(units[at].value) for part, at in row.places.items()}
    if len(parts) == 3 and len(found) == 2:
        product = found.get(parts[2])
        factor = next(found[part] for part in parts[:2] if part in found)
        if product is None:
            found[parts[2]] = plain(round(found[parts[0]] * found[parts[1]] + 1e-9, 2))
        elif factor:
            missing = next(part for part in parts if part not in found)
            found[missing] = plain(round(product / factor, 2))
    return {part: found[part] for part in parts if part in found}


def plain(value: float) -> int | float:
    """Whole numbers without a fraction."""
    return int(value) if value == int(value) else value
