"""Recorded outputs: a file of traces answers in place of the system that wrote them."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from evalkit.adapters.options import Options, digest, inside, read_options
from evalkit.adapters.trace_file import (
    DOUBLED,
    SHOWN,
    UNANSWERED,
    UNKNOWN,
    TraceFile,
    refuse_ids,
    told_lacking,
)
from evalkit.adapters.trace_lines import Key
from evalkit.case_file import LARGE, long_file
from evalkit.records import (
    AS_IS,
    Approach,
    Capability,
    Outcome,
    Passage,
    Question,
    Suite,
    System,
    SystemSpec,
    Trace,
)
from evalkit.strict import Row, read_jsonl
from evalkit.strict.line_file import LineSum, count_lines, lines_of
from evalkit.traces import trace_at

KNOWN = ("path", "system")
_READ_ONLY = "a recorded system is read with trace(case_id, condition, repeat)"


class RecordedSystem:
    """Serves the traces of a file; nothing can be asked that was not recorded.

    ``traces`` maps (case id, condition, repeat) to the trace. ``repeats`` is the number of ``as_is``
    repeats that every case has at least.
    """

    recorded = True
    capabilities: frozenset[Capability] = frozenset()

    def __init__(
        self, name: str, approach: Approach, fingerprint: str, traces: Mapping[Key, Trace]
    ) -> None:
        self.name = name
        self.approach = approach
        self.fingerprint = fingerprint
        self.traces = traces

    def trace(self, case_id: str, condition: str = AS_IS, repeat: int = 0) -> Trace | None:
        """What was recorded for one case under one condition; ``None`` when nothing was."""
        return self.traces.get((case_id, condition, repeat))

    def conditions(self, case_id: str) -> frozenset[str]:
        """The conditions under which the case was recorded."""
        return frozenset(condition for case, condition, _ in self.traces if case == case_id)

    async def ask(self, question: Question) -> Outcome:
        """Refuse: a question has no case id, so a recording is read through ``trace``."""
        raise NotImplementedError(_READ_ONLY)

    async def retrieve(self, question: Question) -> tuple[Passage, ...]:
        """Refuse, as ``ask`` does."""
        raise NotImplementedError(_READ_ONLY)

    async def generate(self, question: Question, passages: Sequence[Passage]) -> Outcome:
        """Refuse, as ``ask`` does."""
        raise NotImplementedError(_READ_ONLY)

    async def lookup(self, doc_id: str) -> bool:
        """Refuse, as ``ask`` does."""
        raise NotImplementedError(_READ_ONLY)

    async def aclose(self) -> None:
        """Nothing to close."""


def build(spec: SystemSpec, suite: Suite) -> System:
    """Read the file that ``path`` names; raises ``InvalidInput`` unless it fits the suite's cases.

    Lines of other systems are passed over; a line without ``system`` belongs to this one. ``system`` is
    the name under which the lines were recorded, when it differs from this system's.
    """
    options = read_options(spec, KNOWN)
    path = inside(spec.folder, options.required("path"), options, "path")
    recorded_as = options.text("system") or spec.name
    if count_lines(path, LARGE + 1) > LARGE or long_file(suite.cases) is not None:
        large = TraceFile(path, spec.name, recorded_as, suite)
        fingerprint = digest(recorded_as, large.content)
        _refuse_others(large.others, len(large), options, path, recorded_as)
        large.check()
        return RecordedSystem(spec.name, spec.approach, fingerprint, large)
    traces = _file_by_key(_rows_of(path, recorded_as, options), path, suite, spec.name)
    lacking = [case.id for case in suite.cases if (case.id, AS_IS, 0) not in traces]
    if lacking:
        _refuse_ids(told_lacking(lacking, traces), UNANSWERED, path)
    fingerprint = digest(recorded_as, content_digest(path))
    return RecordedSystem(spec.name, spec.approach, fingerprint, traces)


def content_digest(path: Path) -> str:
    """A digest of a file's lines that does not depend on their order."""
    found = LineSum()
    for _, _, raw in lines_of(path):
        found.add(raw)
    return found.digest().hex()


def _rows_of(path: Path, recorded_as: str, options: Options) -> Iterator[Row]:
    found, others = 0, set()
    for row in read_jsonl(path):
        system = row.value.get("system")
        if isinstance(system, str) and system != recorded_as:
            others.add(system)
            continue
        found += 1
        yield row
    _refuse_others(others, found, options, path, recorded_as)


def _refuse_others(
    others: Collection[str], found: int, options: Options, path: Path, recorded_as: str
) -> None:
    """Refuse a file that holds lines of other systems only."""
    if others and not found:
        names = ", ".join(sorted(others)[:SHOWN])
        hint = f"it holds {names}: set `system` to the one that is meant"
        raise options.refuse("path", f"{path.name} has no line of system {recorded_as!r}", hint)


def _file_by_key(rows: Iterable[Row], path: Path, suite: Suite, system: str) -> Mapping[Key, Trace]:
    known = {case.id for case in suite.cases}
    traces: dict[Key, Trace] = {}
    unknown: list[str] = []
    doubled: list[str] = []
    for row in rows:
        trace = dataclasses.replace(trace_at(row, path, suite.corpus), system=system)
        key = (trace.case_id, trace.condition, trace.repeat)
        if trace.case_id not in known:
            unknown.append(f"{trace.case_id} (line {row.line})")
        elif key in traces:
            doubled.append(f"{trace.case_id} {trace.condition} {trace.repeat} (line {row.line})")
        traces[key] = trace
    _refuse_ids(unknown, UNKNOWN, path)
    _refuse_ids(doubled, DOUBLED, path)
    return traces


def _refuse_ids(ids: Sequence[str], what: str, path: Path) -> None:
    refuse_ids(ids[:SHOWN], len(ids), what, path)
