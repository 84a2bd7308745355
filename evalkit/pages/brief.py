"""The report in Markdown: short enough for a pull request, and inert whatever a model wrote into it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from evalkit.diagnosis import SystemDiagnosis
from evalkit.pages.engine import environment
from evalkit.pages.headline import best_system
from evalkit.pages.shown import shown_index
from evalkit.pages.view import report_view
from evalkit.pages.wording import percent, shortened

if TYPE_CHECKING:
    from evalkit.api import Run

SYSTEMS, CAUSES = 6, 8  # how many are told at length
CASES, VISIBLE, EXCERPT = (
    12,
    5,
    200,
)  # cases shown, those of them that are not folded away, and characters of a foreign text
ESSENTIALS = frozenset(
    {
        "evidence_retrieved", "gold_in_context", "context_recall", "evidence_in_context", "groundedness",
        "key_points", "field_score", "behaviour", "criteria", "citation_precision", "citation_recall",
        "schema_valid", "format_valid", "style", "brand_voice", "consistency", "flip_rate", "macro_f1",
    }
)  # fmt: skip


def brief(run: Run, summary: Mapping[str, Any], diagnosis: Mapping[str, Any]) -> str:
    """The whole text."""
    best = best_system(summary["systems"])
    text = (
        environment()
        .get_template("report.md.j2")
        .render(
            view=report_view(run, summary, diagnosis),
            systems=SYSTEMS,
            causes=CAUSES,
            essentials=ESSENTIALS | {f"{m}@{run.suite.k}" for m in ("R", "Success", "nDCG")},
            cases=VISIBLE,
            worst=list(_worst(run, best)) if best and run.large is None else [],
        )
    )
    return re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"


def _worst(run: Run, best: str) -> Iterator[dict[str, Any]]:
    """Failing cases of the best system: of each cause in turn, the largest cause first, the surest findings first."""
    found = run.systems[best]
    queries = {case.id: case.query for case in run.suite.cases}
    failing = [f for f in found.findings if f.outcome == "fail"]
    by_cause = [[f for f in failing if f.cause == cause] for cause in (*found.causes, None)]
    rows = [
        (place, number, f)
        for number, group in enumerate(by_cause)
        for place, f in enumerate(sorted(group, key=lambda f: f.status.value != "proven"))
    ]
    for _, _, f in sorted(rows, key=lambda row: row[:2])[:CASES]:
        yield {
            "case": f.case_id,
            "system": best,
            "cause": f.cause or "no cause named",
            "status": f.status.value,
            "confidence": None if f.confidence is None else percent(f.confidence),
            "query": shortened(queries[f.case_id], EXCERPT),
            "evidence": [shortened(fact.text, EXCERPT) for fact in f.evidence[:4]],
            "answer": _answer(found, f.case_id),
        }


def _answer(found: SystemDiagnosis, case_id: str) -> str | None:
    graded = found.graded
    finding = next(f for f in found.findings if f.case_id == case_id)
    response = graded.traces[shown_index(graded, graded.repeats()[case_id], finding)].response
    return None if response is None else shortened(response, EXCERPT)
