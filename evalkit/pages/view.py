"""Everything the page's template shows, as plain values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from evalkit.judging.judged import trouble_lines
from evalkit.pages.accuracy import accuracy_view, found_causes, stated_sure
from evalkit.pages.causes_table import cause_rows
from evalkit.pages.comparing import compare_view
from evalkit.pages.glossary import GLOSSARY
from evalkit.pages.headline import best_system
from evalkit.pages.output import output_view
from evalkit.pages.retrieval import retrieval_view
from evalkit.pages.reviewing import review_view
from evalkit.pages.story import story_of
from evalkit.pages.systems import SIDES, system_views
from evalkit.pages.tables import metric_groups, resource_rows, slice_rows, symptom_rows
from evalkit.pages.wording import shortened

if TYPE_CHECKING:
    from evalkit.api import Run

LARGE = {  # what the page of a run that was reported in parts leaves to a command
    "compare": "The systems of a run of this size are not compared on this page. `evalkit compare RUN`, with the folder"
    " of this report as RUN, writes comparison.md beside it: every pair with its interval, and how the causes shift.",
    "review": "The grades a person should look at are not picked on this page for a run of this size:"
    " `evalkit review export RUN` writes them, with the folder of this report as RUN.",
}
COMPLAINTS, EXCERPT = 5, 240  # lines of the doctor shown of each part, and characters of one


def report_view(
    run: Run, summary: Mapping[str, Any], diagnosis: Mapping[str, Any]
) -> dict[str, Any]:
    """The view of the whole report."""
    names = best_first(summary)
    summary, diagnosis = _ordered(summary, names), _ordered(diagnosis, names)
    story = story_of(run, summary, diagnosis)
    ranked = replace(run, systems={name: run.systems[name] for name in names})
    sums, comparison = story.sums, story.comparison
    alone = {name: run.decision(names=(name,)) for name in names}
    best = best_system(summary["systems"])
    probed = any(found.probed for found in sums.values())
    return {
        "suite": {
            "name": run.suite.name,
            "description": run.suite.description,
            "cases": len(run.suite.cases),
            "documents": len(run.suite.corpus),
            "k": run.suite.k,
            "pool": run.suite.pool,
        },
        "headline": {**story.headline, "scopes": scopes(story.headline, len(names))},
        "unknowns": story.unknowns,
        "systems": system_views(run, summary, diagnosis, sums, alone, comparison),
        "lost_sides": lost_sides(diagnosis),
        "causes": cause_rows(diagnosis),
        "retrieval": retrieval_view(ranked, summary),
        "output": output_view(ranked, summary),
        "compare": compare_view(comparison, best),
        "large": None if run.large is None else dict(LARGE),
        "accuracy": accuracy_view(found_causes(diagnosis), probed=probed),
        "sure": stated_sure(sums),
        "review": review_view(run),
        "sides": SIDES,
        "symptoms": symptom_rows(run, diagnosis),
        "slices": slice_rows(summary),
        "metrics": metric_groups(run, summary),
        "resources": resource_rows(run, summary),
        "repeats": summary["recipe"].get("repeats"),
        "warnings": summary["warnings"],
        "doctor": doctor_rows(run),
        "recipe": recipe_rows(run, summary),
        "glossary": GLOSSARY,
    }


def best_first(summary: Mapping[str, Any]) -> list[str]:
    """The systems by pass rate, the best first; those without one last, in the order of the run."""
    rates = {name: system["pass_rate"] for name, system in summary["systems"].items()}
    graded = sorted((n for n in rates if rates[n]), key=lambda n: (rates[n]["value"], n))
    return [*reversed(graded), *(n for n in rates if not rates[n])]


def _ordered(held: Mapping[str, Any], names: list[str]) -> dict[str, Any]:
    return {**held, "systems": {name: held["systems"][name] for name in names}}


def scopes(headline: Mapping[str, Any], systems: int) -> dict[str, str]:
    """Which systems each opening answer is about; empty where there is only one."""
    if systems == 1:
        return {}
    about_best = ("What fails", "Whose fault", "How sure")
    return {
        a["question"]: headline["system"] if a["question"] in about_best else "all systems"
        for a in headline["answers"]
    }


def lost_sides(diagnosis: Mapping[str, Any]) -> list[str]:
    """The sides that cost any system anything, for one legend."""
    parts = [own["decomposition"] for own in diagnosis["systems"].values()]
    return [s for s in SIDES if any(p[s]["loss"] > 0 for p in parts if s in p)]


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
    if "judge" not in recipe:
        rows.append(("judge", ", ".join(_judges(run)) or "none"))
    rows += [("judging", line) for line in trouble_lines(summary.get("judge"))]
    rows.append(("cut of the ranked list", f"k = {run.suite.k}, pool = {run.suite.pool}"))
    return rows


def _judges(run: Run) -> list[str]:
    return sorted({judge for system in run.systems.values() for judge in system.ledger.judges})
