"""What the report shows of each system: its card, the parts of its lost pass rate, its causes, what varies."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from evalkit import plugins
from evalkit.diagnosis import UNDETERMINED, SystemDiagnosis
from evalkit.pages import charts
from evalkit.pages.funnel import Step, funnel
from evalkit.pages.headline import STATUSES, certainty, gain_sentence, step_of
from evalkit.pages.wording import MINUS, count, percent, percent_bounds, points, sentence, words
from evalkit.records import Side

if TYPE_CHECKING:
    from evalkit.api import Run

SIDES = (*(side.value for side in Side), UNDETERMINED)


def system_views(
    run: Run, summary: Mapping[str, Any], diagnosis: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """One view a system, in the order of the run."""
    return [
        {
            **_card(name, summary["systems"][name], diagnosis["systems"][name]),
            "loss": _loss(summary["systems"][name], diagnosis["systems"][name]),
            "funnel": _funnel(run, found),
            "causes": _causes(name, diagnosis["systems"][name]),
            "variability": _variability(
                found, diagnosis["systems"][name], summary["systems"][name]
            ),
            "format_errors": summary["systems"][name]["format_errors"],
            "format_checked": _format_checked(found),
            "confusion": summary["systems"][name]["confusion"],
        }
        for name, found in run.systems.items()
    ]


def _card(name: str, system: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    cases, rate, advice = system["cases"], system["pass_rate"], own["recommendation"]
    graded, failing = cases["due"] - cases["ungraded"], cases["failed"] + cases["errors"]
    sure = certainty(own)
    return {
        "name": name,
        "approach": system["approach"],
        "kind": "" if name == system["approach"] else system["approach"],  # not "rag, rag"
        "cases": cases,
        "graded": graded,
        "failing": failing,
        "rate": percent(rate["value"]) if rate else "n/a",
        "bounds": percent_bounds(rate),
        "rate_bar": _rate_bar(rate),
        "leading": _leading(own, failing),
        "sure": [(status, sure[status]) for status in STATUSES if sure[status]],
        "warned": sum(f["outcome"] == "warn" for f in own["findings"]),
        "step": step_of(advice),
        "reasons": [sentence(reason) for reason in advice["reasons"]],
        "against": [sentence(reason) for reason in advice["against"]],
        "gain": gain_sentence(advice["headroom"]),
    }


def _rate_bar(rate: Mapping[str, Any] | None) -> Any:
    if not rate:
        return charts.NOTHING
    label = f"pass rate {percent(rate['value'])} {percent_bounds(rate)}"
    return charts.bar(rate["value"], rate["low"], rate["high"], name="fill pass", label=label)


def _leading(own: Mapping[str, Any], failing: int) -> dict[str, Any] | None:
    if not own["causes"]:
        return None
    name, cause = next(iter(own["causes"].items()))
    return {
        "cause": name,
        "cases": cause["cases"],
        "of": failing,
        "share": percent(cause["share"]),
        "bounds": percent_bounds(cause),
    }


def _loss(system: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """The lost pass rate as a stack and as a waterfall: each side's part, the largest first."""
    rate = system["pass_rate"]
    if not rate:
        return {"stack": charts.NOTHING, "rows": []}
    graded = rate["n"]
    parts = [(side, part) for side, part in own["decomposition"].items() if part["loss"] > 0]
    start, rows = rate["value"], []
    for side, part in parts:
        ends = part["low"], part["high"]
        label = f"{side}: {percent(part['loss'])}"
        rows.append(
            {
                "side": side,
                "cases": round(part["loss"] * graded),
                "graded": graded,
                "points": points(part["loss"]),
                "sign": MINUS if part["loss"] >= 0.005 else "",
                "bounds": percent_bounds(part),
                "bar": charts.bar(
                    part["loss"], *ends, start=start, name=f"side {side}", label=label
                ),
            }
        )
        start += part["loss"]
    stacked = [("passed", rate["value"]), *((side, part["loss"]) for side, part in parts)]
    label = ", ".join(f"{words(side)} {percent(share)}" for side, share in stacked)
    return {"stack": charts.stack(stacked, label, rate["low"], rate["high"]), "rows": rows}


def _funnel(run: Run, found: SystemDiagnosis) -> dict[str, Any]:
    made = funnel(run.suite, found)
    rows, before = [], made.of
    observed = any(step.id == "prompt" and step.n is not None for step in made.steps)
    for step in made.steps:
        row: dict[str, Any] = {"label": step.label, "note": step.note, "n": step.n, "of": made.of}
        row["lost"] = 0 if step.n is None else before - step.n
        row["share"], row["bar"] = _step_bar(step, before, made.of, observed=observed)
        before = before if step.n is None else step.n
        rows.append(row)
    return {"of": made.of, "rows": rows, "without_evidence": made.without_evidence}


def _step_bar(step: Step, before: int, of: int, *, observed: bool) -> tuple[str, Any]:
    """The share that gets this far, and a bar that shows the loss in the colour of the side that has it.

    A wrong answer is the generator's only where the prompt was ``observed``.
    """
    if step.n is None or not of:
        return "", charts.NOTHING
    share, lost = step.n / of, (before - step.n) / of
    side = {"right": "generation", "passed": "contract"}.get(step.id, "retrieval")
    side = UNDETERMINED if step.id == "right" and not observed else side
    label = f"{step.label}: {step.n} of {of}"
    return percent(share), charts.kept_and_lost(share, lost, f"side {side}", label)


def _causes(system: str, own: Mapping[str, Any]) -> list[dict[str, Any]]:
    known = {cause.id: cause for cause in plugins.members("causes")}
    failing = own["cases"]["failed"] + own["cases"]["errors"]
    rows = []
    for name, found in own["causes"].items():
        cause, gain = known.get(name), own["headroom"].get(name)
        label = f"{words(name)}: {percent(found['share'])} of the failing cases"
        ends = found["low"], found["high"]
        side = cause.side.value if cause else UNDETERMINED
        rows.append(
            {
                "id": name,
                "system": system,
                "side": side,
                "cases": found["cases"],
                "of": failing,
                "share": percent(found["share"]),
                "bounds": percent_bounds(found),
                "proven": found["proven"],
                "suspected": found["suspected"],
                "bar": charts.bar(found["share"] or 0.0, *ends, name=f"side {side}", label=label),
                "meaning": cause.meaning if cause else "A cause from a plug-in.",
                "first_fix": cause.first_fix if cause else "see its documentation",
                "fine_tuning": cause.fine_tuning if cause else "unknown",
                "gain": f"{points(gain['gain'])} {percent_bounds(gain)}" if gain else "n/a",
            }
        )
    return rows


def _format_checked(found: SystemDiagnosis) -> int:
    """How many answers were held against a schema: the denominator of the format errors."""
    column = found.graded.scores.columns.get("schema_valid")
    if column is None:
        return 0
    scored = column.scored()
    return sum(bool(scored[i]) for indices in found.graded.repeats().values() for i in indices)


def _variability(
    found: SystemDiagnosis, own: Mapping[str, Any], system: Mapping[str, Any]
) -> list[dict[str, str]]:
    """How much answers vary between repeats, by where it arises; with the cases behind each figure."""
    stability = system["metrics"].get("retrieval_stability", {}).get("scored", 0)
    behind = {"retrieval": stability, "generation": _cases_of_generation(found), "judge": 0}
    once = system["metrics"].get("consistency", {}).get("scored", 0) == 0
    why = {
        "retrieval": "needs repeats that show their lists",
        "generation": "needs repeats" if once else "no case kept the same list in all repeats",
        "judge": "needs repeated judging",
    }
    rows = []
    for where, value in own["variability"].items():
        n = count(behind.get(where, 0), "case")
        shown = f"{value:.3f}" if value is not None else "not measured"
        rows.append(
            {"where": where, "value": shown, "note": why.get(where, "") if value is None else n}
        )
    return rows


def _cases_of_generation(found: SystemDiagnosis) -> int:
    """The cases whose lists did not vary, over which the generator's own variability is taken."""
    columns = found.graded.scores.case_columns
    if "consistency" not in columns:
        return 0
    fixed = columns["consistency"].scored()
    stability = columns.get("retrieval_stability")
    if stability is not None and stability.scored().any():
        fixed = fixed & (stability.values == 1)
    return int(fixed.sum())
