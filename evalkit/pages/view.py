"""Everything the page's template shows, as plain values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from evalkit.pages.glossary import GLOSSARY
from evalkit.pages.headline import headline
from evalkit.pages.systems import SIDES, system_views
from evalkit.pages.tables import metric_groups, resource_rows, slice_rows, symptom_rows
from evalkit.pages.wording import shortened

if TYPE_CHECKING:
    from evalkit.api import Run

COMPLAINTS, EXCERPT = 5, 240  # lines of the doctor shown of each part, and characters of one


def report_view(
    run: Run, summary: Mapping[str, Any], diagnosis: Mapping[str, Any]
) -> dict[str, Any]:
    """The view of the whole report."""
    return {
        "suite": {
            "name": run.suite.name,
            "description": run.suite.description,
            "cases": len(run.suite.cases),
            "documents": len(run.suite.corpus),
            "k": run.suite.k,
            "pool": run.suite.pool,
        },
        "headline": headline(summary, diagnosis),
        "systems": system_views(run, summary, diagnosis),
        "sides": SIDES,
        "symptoms": symptom_rows(run, diagnosis),
        "slices": slice_rows(summary),
        "metrics": metric_groups(run, summary),
        "resources": resource_rows(summary),
        "warnings": summary["warnings"],
        "doctor": doctor_rows(run),
        "recipe": recipe_rows(run, summary),
        "glossary": GLOSSARY,
    }


def doctor_rows(run: Run) -> list[dict[str, Any]]:
    """What the doctor found doubtful in labels and corpus: how much of each kind, and the first lines."""
    from evalkit.doctor.examine import in_turn

    rows = []
    for part, complaints in run.doctor.items():
        counts = Counter(complaint.kind for complaint in complaints)
        first = [shortened(c.line, EXCERPT) for c in in_turn(complaints)[:COMPLAINTS]]
        rows.append(
            {"part": part, "counts": counts.most_common(), "n": len(complaints), "first": first}
        )
    return rows


def recipe_rows(run: Run, summary: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What the figures depend on: anybody who has the same gets the same."""
    recipe = summary["recipe"]
    rows = [("suite", f"{run.suite.name}, digest {run.suite.digest}")]
    for key, value in recipe.items():
        if key != "suite":
            rows.append((key, str(value)))
    rows.append(("judge", ", ".join(_judges(run)) or "none"))
    rows.append(("cut of the ranked list", f"k = {run.suite.k}, pool = {run.suite.pool}"))
    return rows


def _judges(run: Run) -> list[str]:
    found = {e.judge for s in run.systems.values() for e in s.graded.evidence if e is not None}
    return sorted(found)
