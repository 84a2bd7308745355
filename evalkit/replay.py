"""Recorded systems: their traces are filed in the store as they are, and nobody is asked."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace
from itertools import islice
from typing import Any

from evalkit.adapters.trace_file import TraceFile
from evalkit.inquiry import OF_THE_RETRIEVER
from evalkit.ledger.filing import Filing
from evalkit.ledger.memory import without_cycles
from evalkit.records import Approach, Failure, System, Trace
from evalkit.store import Store
from evalkit.store.rows import trace_row

BATCH = 2000  # traces that share a commit


def replay(one: System, store: Store, only: Collection[str] | None) -> bool:
    """File the traces of a recorded system (of ``only`` these cases) as they are; False for a live one."""
    if not getattr(one, "recorded", False):
        return False
    rows = _rows(one)
    shared = rows if only is None else (row for row in rows if row[1] in only)
    with without_cycles():
        # In the order of the keys: neighbours in the store are then written once.
        while batch := sorted(islice(shared, BATCH), key=lambda row: row[:4]):
            store.put_rows(batch)
    return True


def _rows(one: System) -> Iterator[tuple[Any, ...]]:
    """The rows of the store."""
    held = getattr(one, "traces")  # noqa: B009 (not in the protocol of live systems)
    filing = Filing(one.name)
    # Of a retriever alone there are no answers, and of others none that is empty: see ``_filed``.
    for trace in held.filed() if isinstance(held, TraceFile) else held.values():
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
