"""What metrics may ask for, by parameter name: where each need comes from and why it may be absent."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from operator import attrgetter
from typing import Any

from evalkit.errors import did_you_mean
from evalkit.records import Approach, Case, Document, Evidence, Metric, Suite, Trace


class Source(StrEnum):
    """Who owes a need; decides the status when it is absent."""

    CASE = "case"  # the label is not given: not applicable
    TRACE = "trace"  # the system does not show it: unobserved
    CITED = "cited"  # shown by choice: not applicable when absent
    JUDGE = "judge"  # the judge failed: grader error
    SUITE = "suite"


@dataclass(slots=True)
class View:
    """One trace with everything that metrics may know about it."""

    suite: Suite
    case: Case
    trace: Trace
    evidence: Evidence | None
    approach: Approach
    memory: dict[str, Any] = field(default_factory=dict)


Reader = Callable[[View], Any]


def wants_json(case: Case) -> bool:
    """Whether the case asks for a JSON answer."""
    kind = case.format.kind if case.format else None
    return case.schema is not None or case.reference_object is not None or kind == "json"


def _parsed(view: View) -> Any:
    """The JSON found in the answer, read once a trace; None where the case wants none."""
    if view.trace.response is None or not wants_json(view.case):
        return None
    if "parsed" not in view.memory:
        from evalkit.text.extract import parse_json

        view.memory["parsed"] = parse_json(view.trace.response)
    return view.memory["parsed"]


def _corpus(view: View) -> Mapping[str, Document] | None:
    return view.suite.corpus or None


def _evidence(view: View) -> Evidence | None:
    return view.evidence if view.evidence is not None and view.evidence.error is None else None


_CASE_FIELDS = (
    "query",
    "reference",
    "reference_object",
    "key_points",
    "relevant",
    "expected",
    "expected_action",
    "schema",
    "format",
    "style",
    "criteria",
    "forbidden",
)
_TRACE_FIELDS = ("response", "retrieved", "context", "action", "seconds", "usage")


def _field(owner: str, name: str) -> Reader:
    return attrgetter(f"{owner}.{name}")


ROW_NEEDS: Mapping[str, tuple[Source, Reader]] = {
    **{name: (Source.CASE, _field("case", name)) for name in _CASE_FIELDS},
    **{name: (Source.TRACE, _field("trace", name)) for name in _TRACE_FIELDS},
    "citations": (Source.CITED, _field("trace", "citations")),
    "parsed": (Source.TRACE, _parsed),
    "evidence": (Source.JUDGE, _evidence),
    "corpus": (Source.SUITE, _corpus),
}
LABELS = (Source.CASE, Source.SUITE)  # without these nothing is due
COLUMN_NEEDS = ("rankings", "chunk_rankings")
CASE_NEEDS = ("responses", "retrievals", "passes")
SUITE_NEEDS = ("label_pairs",)
KNOWN = (*ROW_NEEDS, *COLUMN_NEEDS, *CASE_NEEDS, *SUITE_NEEDS)


def column_need(name: str) -> Callable[..., Any]:
    """The builder of a column need, from the labels and the ranked lists of all due traces."""
    from evalkit.metrics import rankings

    return {"rankings": rankings.rankings, "chunk_rankings": rankings.chunk_rankings}[name]


@cache
def needs_of(metric: Metric) -> tuple[str, ...]:
    """The needs of a metric: the names of its positional parameters, in order.

    Raises ``ValueError`` naming the nearest known need for a name that nobody provides.
    """
    parameters = inspect.signature(metric.compute).parameters.values()
    names = tuple(p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD)
    for name in names:
        if name not in KNOWN:
            hint = did_you_mean(name, KNOWN)
            raise ValueError(f"metric {metric.name}: nobody provides {name!r}; {hint}")
    return names
