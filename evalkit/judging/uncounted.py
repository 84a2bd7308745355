"""Calls of a judge that a killed session recorded and never added to the run's account: read from where that ends."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evalkit.judges.llm.kept import CALLS
from evalkit.judges.llm.under_way import never_ended
from evalkit.judges.ragas.record import FILE as RAGAS
from evalkit.judges.replied import Models, added_models, in_record
from evalkit.judges.spending import Spending

COUNTED = "judge calls counted"  # the note: how far each record was read when the account was made
_SUMS = (
    "SELECT count(*), sum(prompt_tokens), sum(completion_tokens), sum(round(cost, 10)), sum(prompt_tokens IS NULL), "
    "sum(cost IS NULL) FROM calls WHERE id > ?"
)


def counted_now(folder: Path) -> str:
    """How far the records of a run's folder reach, as its note says it."""
    file = folder / CALLS
    size = file.stat().st_size if file.exists() else 0
    return json.dumps({CALLS: size, RAGAS: _rows(folder / RAGAS, "SELECT max(id) FROM calls")[0]})


def uncounted(known: Mapping[str, str], folder: Path, *, settled: bool) -> Spending:
    """What the records hold beyond the note; a damaged line counts for nothing.

    ``settled`` says that there is an account: an older run with one, and without the note, has nothing uncounted.
    """
    if COUNTED not in known and settled:
        return Spending()
    reached = _reached(known)
    found = _of_ragas(folder / RAGAS, int(reached.get(RAGAS) or 0))
    return sum(_of_lines(folder / CALLS, int(reached.get(CALLS) or 0)), found)


def uncounted_models(known: Mapping[str, str], folder: Path) -> Models:
    """Which models replies name that the records hold beyond the note."""
    return added_models(in_record(_lines(folder / CALLS, int(_reached(known).get(CALLS) or 0))))


def _reached(known: Mapping[str, str]) -> Mapping[str, int]:
    found: Mapping[str, int] = json.loads(known.get(COUNTED, "{}"))
    return found


@dataclass(frozen=True, slots=True)
class Unanswered:
    """Calls of a judge of which nobody saw the end, or whose reply was cut off and asked for again: perhaps carried out and charged.

    ``possible_cost`` is what they may have cost, each as much as the dearest known call; None where none is known.
    """

    calls: int
    possible_cost: float | None


def unanswered(folder: Path) -> Unanswered | None:
    """Those of a run, in all its sessions; None without any."""
    rows = list(_ends(folder / CALLS))
    calls = never_ended(folder) + sum(lost for _, lost in rows)
    if not calls:
        return None
    costs = (*(cost for cost, _ in rows), _dearest(folder))
    dearest = [cost for cost in costs if cost is not None]
    return Unanswered(calls, calls * max(dearest) if dearest else None)


def _dearest(folder: Path) -> float | None:
    return _rows(folder / RAGAS, "SELECT max(cost) FROM calls")[0]


def _ends(file: Path) -> Iterator[tuple[float | None, int]]:
    """Of each recorded call what it cost, and how many of its attempts were lost."""
    for row in _lines(file, 0):
        yield row.get("cost"), row.get("lost") or 0


def _of_lines(file: Path, start: int) -> Iterator[Spending]:
    for row in _lines(file, start):
        prompt, cost = row.get("prompt_tokens"), row.get("cost")
        tokens = (prompt or 0, row.get("completion_tokens") or 0)
        yield Spending(1, 0, *tokens, cost or 0.0, prompt is None, cost is None)


def _lines(file: Path, start: int) -> Iterator[Mapping[str, Any]]:
    """The calls in a record from a place in it on; a damaged line is passed over."""
    if not file.exists():
        return
    with file.open("rb") as stream:
        stream.seek(start)
        for line in stream:
            try:
                yield json.loads(line)
            except ValueError:  # cut off by the end of the process
                continue


def _of_ragas(file: Path, start: int) -> Spending:
    calls, prompt, completion, cost, untold, unpriced = (
        value or 0 for value in _rows(file, _SUMS, start, columns=6)
    )
    return Spending(
        int(calls), 0, int(prompt), int(completion), float(cost), int(untold), int(unpriced)
    )


def _rows(file: Path, query: str, *given: int, columns: int = 1) -> tuple[int | float | None, ...]:
    """The one row of a query; nothing where there is no such file."""
    if not file.exists():
        return (None,) * columns
    try:
        with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as base:
            found: tuple[int | float | None, ...] = base.execute(query, given).fetchone()
            return found
    except sqlite3.Error:  # the judge itself says what is wrong with its record
        return (None,) * columns
