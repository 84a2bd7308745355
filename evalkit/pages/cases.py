"""Every answer of the run as data for the case browser: question, labels, answer, evidence, passages."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit.diagnosis import SystemDiagnosis
from evalkit.outcome import CaseOutcome
from evalkit.pages.shown import cut_in_prompt, is_gold, shown_index
from evalkit.pages.wording import shortened, visible
from evalkit.records import AS_IS, Case, Evidence, Finding, Passage, Trace

if TYPE_CHECKING:
    from evalkit.api import Run

PASSAGE, ANSWER, OTHER = 600, 6_000, 300  # characters shown of a passage, an answer, another repeat
PLAIN = 1_000_000  # characters of data up to which the page carries them uncompressed
OUTCOMES = {
    CaseOutcome.PASSED: "pass",
    CaseOutcome.FAILED: "fail",
    CaseOutcome.ERROR: "error",
    CaseOutcome.UNGRADED: "ungraded",
}


def island(run: Run, diagnosis: Mapping[str, Any]) -> tuple[str, str]:
    """The data of the case browser as (encoding, text), safe inside a script element."""
    text = json.dumps(
        _plain(case_data(run, diagnosis)),
        ensure_ascii=False,
        separators=(",", ":"),
        allow_nan=False,
    )
    if len(text) <= PLAIN:
        return "json", text.replace("<", "\\u003c")
    packed = gzip.compress(text.encode(), compresslevel=9, mtime=0)
    return "gzip", base64.b64encode(packed).decode()


def _plain(value: Any) -> Any:
    """The same data with every hidden character of a foreign text made visible."""
    if isinstance(value, str):
        return visible(value)
    if isinstance(value, Mapping):
        return {visible(str(key)): _plain(child) for key, child in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(child) for child in value]
    return value


def case_data(run: Run, diagnosis: Mapping[str, Any]) -> dict[str, Any]:
    """Cases once, one row a case and system, passages once each; rows refer to them by index."""
    texts: dict[str, int] = {}
    places = {case.id: i for i, case in enumerate(run.suite.cases)}
    rows = [
        row
        for s, found in enumerate(run.systems.values())
        for row in _rows(run, s, found, places, texts)
    ]
    return {
        "systems": list(run.systems),
        "k": run.suite.k,
        "metrics": _metric_names(run),
        "cases": [_case(case) for case in run.suite.cases],
        "rows": rows,
        "texts": list(texts),
        "symptoms": {
            name: {s["id"]: [places[c] for c in s["case_ids"]] for s in system["symptoms"]}
            for name, system in diagnosis["systems"].items()
        },
    }


def _metric_names(run: Run) -> list[str]:
    names = [name for s in run.systems.values() for name in s.graded.scores.columns]
    return list(dict.fromkeys(names))


def _case(case: Case) -> dict[str, Any]:
    """The labels of a case; what it does not give is left out."""
    found = {
        "id": case.id,
        "query": case.query,
        "messages": [[m.role, m.content] for m in case.messages or ()],
        "expected": case.expected.value,
        "action": case.expected_action,
        "reference": list(case.reference or ()),
        "object": _pretty(case.reference_object) if case.reference_object is not None else None,
        "points": [[p.text, list(p.evidence)] for p in case.key_points or ()],
        "criteria": [[c.id, c.text, c.verdict] for c in case.criteria or ()],
        "relevant": [[d, grade] for d, grade in (case.relevant or {}).items()],
        "forbidden": list(case.forbidden or ()),
        "principal": case.principal,
        "tags": list(case.tags),
    }
    return {key: value for key, value in found.items() if value not in (None, [])}


def _pretty(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2, default=str)


def _rows(
    run: Run, s: int, found: SystemDiagnosis, places: Mapping[str, int], texts: dict[str, int]
) -> Iterator[dict[str, Any]]:
    graded = found.graded
    findings = {finding.case_id: finding for finding in found.findings}
    repeats = graded.repeats()
    probes: dict[str, list[int]] = {}
    for i, trace in enumerate(graded.traces):
        if trace.condition != AS_IS:
            probes.setdefault(trace.case_id, []).append(i)
    columns = [graded.scores.columns.get(name) for name in _metric_names(run)]
    for case in run.suite.cases:
        if case.id not in repeats:
            continue
        finding = findings.get(case.id)
        index = shown_index(graded, repeats[case.id], finding)
        row = {"c": places[case.id], "s": s, **_outcome(graded.cases[case.id], finding)}
        row |= _answer(case, graded.traces[index], graded.evidence[index], texts)
        row["others"] = _others(found, [i for i in repeats[case.id] if i != index])
        row["probed"] = _others(found, probes.get(case.id, []))
        row["scores"] = [
            [m, round(float(column.values[index]), 4), column.notes.get(index, "")]
            for m, column in enumerate(columns)
            if column is not None and not np.isnan(column.values[index])
        ]
        yield {key: value for key, value in row.items() if value not in (None, [], "")}


def _outcome(outcome: CaseOutcome, finding: Finding | None) -> dict[str, Any]:
    if finding is None:
        return {"o": OUTCOMES[outcome]}
    failed = "error" if outcome is CaseOutcome.ERROR else "fail"
    return {
        "o": "warn" if finding.outcome == "warn" else failed,
        "cause": finding.cause,
        "side": finding.side and finding.side.value,
        "status": finding.status.value,
        "confidence": finding.confidence,
        "also": list(finding.also),
        "set": [cause for cause in finding.set if cause != finding.cause],
        "evidence": [fact.text for fact in finding.evidence],
        "probes": [[condition, result] for condition, result in finding.probes.items()],
        "missing": list(finding.missing),
    }


def _answer(
    case: Case, trace: Trace, evidence: Evidence | None, texts: dict[str, int]
) -> dict[str, Any]:
    """The shown answer with what was retrieved and what reached the prompt; null where not observed."""
    prompt = {(p.doc_id, p.chunk_id) for p in trace.context or ()}
    found: dict[str, Any] = {
        "repeat": trace.repeat,
        "answer": None if trace.response is None else shortened(trace.response, ANSWER),
        "error": trace.error and f"{trace.error.kind}: {shortened(trace.error.message, OTHER)}",
        "actual": trace.action,
        "citations": list(trace.citations) if trace.citations is not None else None,
        "covered": list(evidence.covered) if evidence and evidence.covered else None,
    }
    if trace.retrieved is not None:
        found["retrieved"] = {
            "list": [
                [*_passage(p, case, texts), int((p.doc_id, p.chunk_id) in prompt), p.score]
                for p in trace.retrieved
            ]
        }
    if trace.context is not None:
        found["prompt"] = {
            "list": [
                [*_passage(p, case, texts), int(cut_in_prompt(trace, p))] for p in trace.context
            ]
        }
    return found


def _passage(passage: Passage, case: Case, texts: dict[str, int]) -> list[Any]:
    """Name, title, number of its text, whether it is gold."""
    text = texts.setdefault(shortened(passage.text, PASSAGE), len(texts))
    return [passage.chunk_id or passage.doc_id, passage.title, text, int(is_gold(case, passage))]


def _others(found: SystemDiagnosis, indices: Sequence[int]) -> list[list[Any]]:
    """Further answers to a case, each as (condition, repeat, passed, shortened text)."""
    rows: list[list[Any]] = []
    for i in indices:
        trace = found.graded.traces[i]
        said = trace.response if trace.response is not None else trace.error and trace.error.kind
        rows.append(
            [trace.condition, trace.repeat, found.graded.passed(i), shortened(said or "", OTHER)]
        )
    return rows
