"""Recorded systems: their traces are filed in the store as they are, and nobody is asked."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from itertools import islice

from evalkit.inquiry import OF_THE_RETRIEVER
from evalkit.records import Approach, Failure, System, Trace
from evalkit.store import Store

BATCH = 1000  # traces that share a commit


def replay(one: System, store: Store, only: Collection[str] | None) -> bool:
    """File the traces of a recorded system (of ``only`` these cases) as they are; False for a live one."""
    if not getattr(one, "recorded", False):
        return False
    held = getattr(one, "traces").values()  # noqa: B009 (not in the protocol of live systems)
    shared = (trace for trace in held if only is None or trace.case_id in only)
    while batch := list(islice(shared, BATCH)):
        store.put_all([_filed(trace, one) for trace in batch])
    return True


def _filed(trace: Trace, one: System) -> Trace:
    """A recorded trace under its system's name; an answer that was not recorded is an error, as a live one is."""
    silent = trace.response is None or not trace.response.strip()
    wanted = one.approach is not Approach.RETRIEVER and trace.condition not in OF_THE_RETRIEVER
    if silent and wanted and trace.error is None:
        trace = replace(trace, error=Failure("empty", "the recording holds no response"))
    return replace(trace, system=one.name)
