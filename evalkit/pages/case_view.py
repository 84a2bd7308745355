"""A case with every system's answers as plain data: labels, answers with their claims, passages, probes, the chain."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import isnan
from typing import Any

from evalkit.condition import family
from evalkit.grade import Graded
from evalkit.outcome import CaseOutcome
from evalkit.pages.case_answer import answer_view, other_view, probe_view
from evalkit.pages.case_cut import ITEMS, LABEL, LINE, TEXT, cut, first, name
from evalkit.pages.remedies import case_fix, causes_by_id
from evalkit.pages.shown import shown_index
from evalkit.records import AS_IS, Case, Fact, Finding
from evalkit.score import Column

CaseView = dict[str, Any]
Shown = tuple[
    Graded, Sequence[Finding]
]  # one system's answers to the cases at hand, and their findings
OUTCOMES = {
    CaseOutcome.PASSED: "pass",
    CaseOutcome.FAILED: "fail",
    CaseOutcome.ERROR: "error",
    CaseOutcome.UNGRADED: "ungraded",
}


@dataclass(frozen=True, slots=True)
class Setting:
    """What all cases of a report share.

    ``systems`` and ``metrics`` are the names that rows refer to by number; ``legend`` is what the page explains
    (see ``case_legend``); ``past`` holds, by case and system, how earlier runs ended: (run, outcome, cause).
    """

    systems: tuple[str, ...]
    metrics: tuple[str, ...]
    k: int
    legend: Mapping[str, Any] = field(default_factory=dict)
    past: Mapping[tuple[str, str], Sequence[tuple[str, str, str | None]]] = field(
        default_factory=dict
    )


def case_views(
    setting: Setting,
    cases: Iterable[Case],
    shown: Mapping[str, Shown],
    symptoms: Mapping[str, Mapping[str, Sequence[str]]] | None = None,
    lost: Mapping[str, Mapping[str, str]] | None = None,
) -> Iterator[CaseView]:
    """The view of every case that a system of ``shown`` has answered, in the order of ``cases``.

    ``symptoms`` are the ids of the symptoms that a case shows, by system and case; ``lost`` is the stage of the funnel
    that lost it.
    """
    makers = [
        (
            setting.systems.index(s),
            _rows_of(setting, *shown[s]),
            ((symptoms or {}).get(s, {}), (lost or {}).get(s, {})),
        )
        for s in shown
    ]
    makers.sort(key=lambda maker: maker[0])
    for case in cases:
        rows = [
            {"s": s, **row, **_beside(case.id, *told)}
            for s, made, told in makers
            if (row := made(case)) is not None
        ]
        if rows:
            yield {"case": labels(case), "rows": rows}


def _beside(
    case_id: str, seen: Mapping[str, Sequence[str]], lost: Mapping[str, str]
) -> dict[str, Any]:
    """What is known of a case besides its finding: its symptoms, and where the funnel lost it."""
    found: dict[str, Any] = {"symptoms": list(seen[case_id])} if case_id in seen else {}
    return found | ({"lost": lost[case_id]} if case_id in lost else {})


def labels(case: Case) -> dict[str, Any]:
    """The labels of a case under the names that a cases file gives them; what is not given is left out."""
    points = [{"text": cut(p.text), "evidence": list(p.evidence)} for p in first(case.key_points)]
    found: dict[str, Any] = {
        "id": name(case.id),
        "query": cut(case.query, TEXT),
        "messages": [
            {"role": cut(m.role, LINE), "content": cut(m.content)} for m in first(case.messages)
        ],
        "expected": case.expected.value,
        "expected_action": case.expected_action and cut(case.expected_action, LINE),
        "reference": _reference(case),
        "key_points": points,
        "criteria": [
            {"id": cut(c.id, LINE), "text": cut(c.text), "verdict": c.verdict}
            for c in first(case.criteria)
        ],
        "relevant": None
        if case.relevant is None
        else {name(d): case.relevant[d] for d in first(list(case.relevant))},
        "forbidden": [name(d) for d in first(case.forbidden)],
        "principal": case.principal and cut(case.principal, LINE),
        "clarified": case.clarified and cut(case.clarified),
        "paraphrases": [cut(p) for p in first(case.paraphrases)],
        "leading": [cut(p) for p in first(case.leading)],
        "group": case.group and name(case.group),
        "tags": [name(tag) for tag in first(case.tags)],
    }
    return {key: value for key, value in found.items() if value is not None and value != []}


def _reference(case: Case) -> Any:
    """Text answers as a list; an object as indented JSON under ``object``, which a page can show as it is."""
    if case.reference_object is not None:
        return {
            "object": cut(
                json.dumps(case.reference_object, ensure_ascii=False, indent=2, default=str), TEXT
            )
        }
    return None if case.reference is None else [cut(r, TEXT) for r in first(case.reference)]


def _rows_of(
    setting: Setting, graded: Graded, findings: Sequence[Finding]
) -> Callable[[Case], dict[str, Any] | None]:
    """What one system did with a case, as a function of the case; None where it was not asked."""
    told = {finding.case_id: finding for finding in findings}
    repeats, scores = graded.repeats(), _scores_of(setting, graded)
    probes: dict[str, list[int]] = {}
    for i, trace in enumerate(graded.traces):
        if trace.condition != AS_IS:
            probes.setdefault(trace.case_id, []).append(i)

    def row(case: Case) -> dict[str, Any] | None:
        if case.id not in repeats:
            return None
        finding = told.get(case.id)
        shown = shown_index(graded, repeats[case.id], finding)
        found = _outcome(graded.cases[case.id], finding)
        found |= answer_view(case, graded.traces[shown], graded.evidence[shown], setting.k)
        others = [i for i in repeats[case.id] if i != shown]
        found["others"] = [other_view(graded, i) for i in first(others)]
        found["probed"] = [probe_view(case, graded, i) for i in first(probes.get(case.id))]
        found["scores"], found["notes"] = scores(shown)
        found["past"] = [list(entry) for entry in setting.past.get((case.id, graded.system), ())]
        return {key: value for key, value in found.items() if value not in (None, [], "", {})}

    return row


def _outcome(outcome: CaseOutcome, finding: Finding | None) -> dict[str, Any]:
    if finding is None:
        return {"o": OUTCOMES[outcome]}
    failed = "error" if outcome is CaseOutcome.ERROR else "fail"
    return {
        "o": "warn" if finding.outcome == "warn" else failed,
        "cause": finding.cause,
        "side": finding.side and finding.side.value,
        "stage": finding.stage and finding.stage.value,
        "status": finding.status.value,
        "confidence": finding.confidence,
        "also": list(finding.also),
        "set": [cause for cause in finding.set if cause != finding.cause],
        "chain": [_link(fact, finding.probes) for fact in finding.evidence[:ITEMS]],
        "readings": dict(finding.probes),
        "missing": list(finding.missing),
        "fix": _own_fix(finding),
    }


def _own_fix(finding: Finding) -> str | None:
    """The first remedy of this case where its probes say another than its cause does; None where that one stands."""
    known = causes_by_id()
    fix = case_fix(finding, known)
    return None if fix is None or fix == known[finding.cause or ""].first_fix else fix


def _link(fact: Fact, probes: Mapping[str, str]) -> list[str]:
    """A link of the chain: what kind it is (fact, probe, so, besides), its name, and its sentence."""
    text, kind = cut(fact.text, LABEL), "fact"
    for word in ("so", "besides"):
        if text.startswith(f"{word}: "):
            kind, text = word, text[len(word) + 2 :]
    if kind == "fact" and family(fact.fact) in {family(condition) for condition in probes}:
        kind = "probe"
    return [kind, fact.fact, text]


def _scores_of(
    setting: Setting, graded: Graded
) -> Callable[[int], tuple[list[float | None], dict[str, str]]]:
    """The scores of an answer by number, one entry a metric of the setting, and the notes that there are."""
    columns = [graded.scores.columns.get(metric) for metric in setting.metrics]
    values = [[None] * len(graded.traces) if c is None else _rounded(c) for c in columns]
    noted = [(m, column.notes) for m, column in enumerate(columns) if column and column.notes]

    def scores(index: int) -> tuple[list[float | None], dict[str, str]]:
        found = [column[index] for column in values]
        told = ((m, notes.get(index)) for m, notes in noted if found[m] is not None)
        notes = {str(m): cut(note, LINE) for m, note in told if note}
        while found and found[-1] is None:
            found.pop()
        return found, notes

    return scores


def _rounded(column: Column) -> list[float | None]:
    return [None if isnan(value) else round(value, 4) for value in column.values.tolist()]
