"""Recorded systems: their traces are filed in the store as they are, and nobody is asked."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from evalkit.adapters.trace_file import TraceFile
from evalkit.case_file import CaseFile, long_file, number_of
from evalkit.errors import NotFiled
from evalkit.inquiry import OF_THE_RETRIEVER
from evalkit.ledger.filing import Filing, Plain
from evalkit.ledger.memory import without_cycles
from evalkit.ledger.words import Ints
from evalkit.records import Approach, Failure, Suite, System, Trace
from evalkit.store import Store
from evalkit.store.rows import trace_row

BATCH = 2000  # traces that share a commit
FILING = "recorded answers being filed"  # a note of the store: how many there are, of which systems; then empty


def replay(one: System, store: Store, only: Collection[str] | None) -> bool:
    """File the traces of a recorded system (of ``only`` these cases) as they are; False for a live one."""
    if not getattr(one, "recorded", False):
        return False
    held = getattr(one, "traces")  # noqa: B009 (not in the protocol of live systems)
    # Of a retriever alone there are no answers, and of others none that is empty: see ``_filed``.
    given = held.filed() if isinstance(held, TraceFile) else held.values()
    rows = _rows(one, given, Filing(one.name))
    shared = rows if only is None else (row for row in rows if row[1] in only)
    with without_cycles():
        # In the order of the keys: neighbours in the store are then written once.
        while batch := sorted(islice(shared, BATCH), key=lambda row: row[:4]):
            store.put_rows(batch)
    return True


def asked_live(made: Sequence[System], store: Store, only: Collection[str] | None) -> list[System]:
    """The systems that are asked; the traces of the others are filed."""
    _note_filing(made, store, only)
    live = [one for one in made if not replay(one, store, only)]
    if len(live) < len(made):
        store.note(FILING, "")
    return live


def _note_filing(made: Sequence[System], store: Store, only: Collection[str] | None) -> None:
    """Note what is to be filed, so that whoever reads the store before all is there can say so."""
    recorded = [one for one in made if getattr(one, "recorded", False)]
    if recorded:
        total = sum(_count(getattr(one, "traces"), only) for one in recorded)  # noqa: B009 (as in ``replay``)
        store.note(FILING, json.dumps([total, [one.name for one in recorded]]))


def _count(held: Mapping[tuple[str, str, int], Trace], only: Collection[str] | None) -> int:
    """How many traces there are, of ``only`` these cases."""
    if only is None:
        return len(held)
    return held.count(only) if isinstance(held, TraceFile) else sum(key[0] in only for key in held)


def not_filed(store: Store) -> NotFiled | None:
    """What is said of a store that holds only some of the recorded answers, since whoever filed them was interrupted; None of others."""
    there, total, _ = _filing(store)
    if there >= total:
        return None
    return NotFiled(
        f"{there:,} of {total:,} recorded answers are filed: the run was interrupted, "
        f"or is under way; the same `evalkit run` command with --out {store.folder} files the rest"
    )


def _filing(store: Store) -> tuple[int, int, list[str]]:
    """How many recorded answers are there, of how many, of which systems; nothing where all have been filed."""
    noted = store.notes().get(FILING)
    if not noted:
        return 0, 0, []
    total, names = json.loads(noted)
    return sum(key[0] in names for key in store.done()), total, names


def note_unfiled(store: Store, shares: Iterable[Store]) -> None:
    """Note in a merged store what its shares had not filed when they ended, as it is noted in theirs."""
    found = [(total - there, names) for there, total, names in map(_filing, shares)]
    names = sorted({name for lacking, of in found if lacking > 0 for name in of})
    if names:
        there = sum(key[0] in names for key in store.done())
        lacking = sum(max(0, number) for number, _ in found)
        store.note(FILING, json.dumps([there + lacking, names]))


class Intake:
    """Recorded answers on their way into an empty store, in the order of the case ids: what is there is graded meanwhile."""

    def __init__(self, made: Sequence[System], store: Store, cases: CaseFile) -> None:
        self._made, self._store, self._cases = made, store, cases

    @cached_property
    def _in_order(self) -> list[tuple[System, TraceFile, Filing, Ints, Ints]]:
        ids, by_id = self._cases.places.ids, self._cases.places.by_id
        numbers = np.fromiter((number_of(ids[row]) for row in by_id.tolist()), np.uint64)
        found = []
        for one in self._made:
            held: TraceFile = getattr(one, "traces")  # noqa: B009 (not in the protocol of live systems)
            found.append((one, held, Filing(one.name), *held.by_case(numbers)))
        return found

    def file(self, first: int, last: int, lines_of: Callable[[str], Path]) -> None:
        """File the answers to the cases on these places by id; their lines of traces.jsonl go to a file of each system."""
        if not first:
            _note_filing(self._made, self._store, None)
        filed: list[tuple[Any, ...]] = []
        with without_cycles(), ExitStack() as streams:
            for one, held, filing, order, ends in self._in_order:
                chosen = order[ends[first] : ends[last]].tolist()
                rows = sorted(_rows(one, held.filed(chosen), filing), key=lambda row: row[:4])
                stream = streams.enter_context(lines_of(one.name).open("ab"))
                stream.writelines(f"{row[5]}\n".encode() for row in rows)
                filed += rows
            self._store.put_rows(filed)
        if last == len(self._cases.places.by_id):
            self._store.note(FILING, "")

    def everything(self) -> None:
        """File all answers at once."""
        asked_live(self._made, self._store, None)


def intake(made: Sequence[System], store: Store, suite: Suite) -> Intake | None:
    """What files recorded answers while others are graded; None where there are live systems, few cases, or answers already."""
    cases = long_file(suite.cases)
    recorded = all(isinstance(getattr(one, "traces", None), TraceFile) for one in made)
    return Intake(made, store, cases) if cases and recorded and not store.systems() else None


def _rows(one: System, given: Iterable[Plain | Trace], filing: Filing) -> Iterator[tuple[Any, ...]]:
    """The rows of the store."""
    for trace in given:
        if isinstance(trace, Trace):
            yield trace_row(_filed(trace, one))
        else:
            yield filing.row(trace)


def _filed(trace: Trace, one: System) -> Trace:
    """A recorded trace under its system's name; an answer that was not recorded is an error, as a live one is."""
    silent = trace.response is None or not trace.response.strip()
    wanted = one.approach is not Approach.RETRIEVER and trace.condition not in OF_THE_RETRIEVER
    if silent and wanted and trace.error is None and trace.action is None:
        what = "holds no response" if trace.response is None else "holds an empty response"
        trace = replace(trace, error=Failure("empty", f"the recording {what}"))
    return replace(trace, system=one.name)
