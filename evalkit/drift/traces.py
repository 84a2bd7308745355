"""Reading the two samples: a baseline's traces and production's, with the file and line of what is wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from evalkit.drift.observe import query_of, unit_of
from evalkit.errors import InvalidInput, NothingToDo, did_you_mean
from evalkit.gating.intact import check_fresh
from evalkit.gating.unfinished import check_whole
from evalkit.records import AS_IS, Document, Suite, Trace
from evalkit.strict import Row, read_jsonl
from evalkit.traces import trace_at


def baseline_file(given: Path) -> Path:
    """traces.jsonl of a run folder; a file is taken as it is."""
    if given.is_dir() and not (given / "traces.jsonl").exists():
        raise InvalidInput("has no traces.jsonl", file=given, hint="`evalkit run` writes one")
    return given / "traces.jsonl" if given.is_dir() else given


def check_run(file: Path, suite: Suite | None) -> None:
    """Refuse a run's own traces.jsonl that lacks answers, since the run was interrupted, or is older than its store."""
    if file.name == "traces.jsonl":
        check_whole(file.parent, suite)
        check_fresh(file.parent)


def read_sample(path: Path, corpus: Mapping[str, Document]) -> list[Trace]:
    """The ``as_is`` traces of a file. Their ``case_id`` may be any name; ``meta`` may give query and session."""
    traces = [_trace(row, path, corpus) for row in read_jsonl(path)]
    return [trace for trace in traces if trace.condition == AS_IS]


def _trace(row: Row, path: Path, corpus: Mapping[str, Document]) -> Trace:
    for name in ("query", "session"):
        if name in row.value:
            hint = f'write "meta": {{"{name}": ...}}'
            raise InvalidInput("unknown field", file=path, line=row.line, field=name, hint=hint)
    trace = trace_at(row, path, corpus)
    try:
        unit_of(trace)
        query_of(trace, {})
    except InvalidInput as error:
        raise InvalidInput(error.message, file=path, line=row.line, field=error.field) from None
    return trace


def of_one_system(traces: Sequence[Trace], name: str | None, path: Path) -> list[Trace]:
    """The traces of the system called ``name``; of the only one, where no name is given or there is no other."""
    if not traces:
        raise NothingToDo(f"{path}: holds no as_is trace")
    known = list(dict.fromkeys(trace.system for trace in traces))
    if len(known) == 1 and (name is None or known[0] in ("", name)):
        return list(traces)
    if name is None:
        hint = f"give --system with one of {', '.join(known)}"
        raise InvalidInput(f"holds the traces of {len(known)} systems", file=path, hint=hint)
    if name not in known:
        raise InvalidInput(
            f"has no traces of a system called {name!r}",
            file=path,
            hint=did_you_mean(name, known),
        )
    return [trace for trace in traces if trace.system == name]
