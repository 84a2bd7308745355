"""Builders of small records for tests: a case, a trace, a suite, evidence and a graded system."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from evalkit.grade import Graded, grade
from evalkit.judge import judge_traces
from evalkit.records import (
    AS_IS,
    Approach,
    Case,
    Document,
    Evidence,
    Failure,
    KeyPoint,
    Metric,
    Passage,
    Suite,
    Trace,
)
from evalkit.tools import Tools, tools_for


def make_case(id: str = "c1", query: str = "What does it cost?", **labels: Any) -> Case:  # noqa: A002
    """A case; a plain str as ``reference``, strs or pairs as ``key_points``, ids as ``relevant`` will do."""
    reference, relevant = labels.get("reference"), labels.get("relevant")
    if isinstance(reference, str):
        labels["reference"] = (reference,)
    if relevant is not None and not isinstance(relevant, Mapping):
        labels["relevant"] = dict.fromkeys(relevant, 1)
    if labels.get("key_points") is not None:
        labels["key_points"] = tuple(map(make_point, labels["key_points"]))
    return Case(id=id, query=query, **labels)


def make_point(given: KeyPoint | str | tuple[str, Sequence[str]]) -> KeyPoint:
    """A key point from its text, or from (text, ids of its evidence)."""
    if isinstance(given, KeyPoint):
        return given
    text, evidence = (given, ()) if isinstance(given, str) else given
    return KeyPoint(text, tuple(evidence))


def make_passages(
    given: Iterable[Passage | str], corpus: Mapping[str, Document]
) -> tuple[Passage, ...]:
    """Passages from ids: the whole document, where the corpus has it."""
    return tuple(
        p if isinstance(p, Passage) else Passage(p, text=corpus[p].text if p in corpus else p)
        for p in given
    )


def make_trace(
    response: str | None = "It costs 5 euros.",
    case_id: str = "c1",
    *,
    corpus: Mapping[str, Document] | None = None,
    error: str | None = None,
    condition: str = AS_IS,
    repeat: int = 0,
    **seen: Any,
) -> Trace:
    """A trace of system ``s``; ``error`` is a kind, ``retrieved`` and ``context`` may be ids of ``corpus``."""
    for name in ("retrieved", "context"):
        if seen.get(name) is not None:
            seen[name] = make_passages(seen[name], corpus or {})
    failure = None if error is None else Failure(error, "it broke")
    return Trace(
        response=response,
        error=failure,
        system="s",
        case_id=case_id,
        condition=condition,
        repeat=repeat,
        **seen,
    )


def make_corpus(**texts: str) -> dict[str, Document]:
    """Documents by id."""
    return {doc_id: Document(doc_id, text) for doc_id, text in texts.items()}


def make_suite(
    cases: Sequence[Case], corpus: Mapping[str, Document] | None = None, **settings: Any
) -> Suite:
    """A suite in memory, with ``k`` 5 and ``pool`` 20 unless said otherwise."""
    return Suite("made", Path(), tuple(cases), corpus or {}, "digest", **settings)


def evidence_for(
    suite: Suite, traces: Sequence[Trace], tools: Tools | None = None
) -> list[Evidence | None]:
    """What the embedded judge says of every trace."""
    cases = {case.id: case for case in suite.cases}
    judge = (tools or tools_for(suite)).judge
    return asyncio.run(judge_traces(cases, traces, judge))


def make_graded(
    suite: Suite,
    traces: Sequence[Trace],
    *,
    approach: str = "rag",
    evidence: Sequence[Evidence | None] | None = None,
    metrics: Sequence[Metric] | None = None,
) -> Graded:
    """The traces of one system scored by everything on the shelves (or ``metrics`` alone)."""
    tools = tools_for(suite)
    found = evidence_for(suite, traces, tools) if evidence is None else evidence
    shelf = tools.metrics if metrics is None else metrics
    return grade(suite, "s", Approach(approach), traces, found, shelf)
