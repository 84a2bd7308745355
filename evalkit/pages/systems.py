"""What the report shows of each system: its card, the parts of its lost pass rate, its causes, what varies."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from evalkit import plugins
from evalkit.diagnosis import UNDETERMINED, SystemDiagnosis
from evalkit.pages import charts
from evalkit.pages.headline import STATUSES, certainty, gain_sentence, step_of
from evalkit.pages.wording import MINUS, count, percent, percent_bounds, points, sentence, words
from evalkit.records import Approach, Side

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
            "funnel": _funnel(found),
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


STAGES = {
    "in_corpus": "Evidence in the corpus",
    "chunk_intact": "Its chunk holds it",
    "retrieved": "Retrieved",
    "ranked": "Ranked within k",
    "in_prompt": "In the prompt",
    "used": "Used by the answer",
    "grounded": "Nothing added",
    "correct": "Answered right",
    "well_formed": "Well-formed",
    "on_style": "On style",
}
SIDE_OF = {"well_formed": Side.CONTRACT, "on_style": Side.CONTRACT}


def _funnel(found: SystemDiagnosis) -> dict[str, Any]:
    """The stages as rows: how many cases get past each, of all that set out."""
    of = max((step.due for step in found.funnel), default=0)
    plain = found.graded.approach in (Approach.PROMPT, Approach.FINETUNED)
    rows, seen, alive = [], False, of
    for step in found.funnel:
        lost, unseen = len(step.case_ids), alive - step.due
        alive -= lost
        kept = alive
        seen = seen or (step.stage == "in_prompt" and step.due > 0)
        row: dict[str, Any] = {"label": STAGES[step.stage], "note": "", "n": None, "of": of}
        row |= {"lost": lost, "share": "", "bar": charts.NOTHING}
        retrieval = list(STAGES).index(step.stage) < list(STAGES).index("grounded")
        if step.due:
            side = _side_of(step.stage, seen=seen or plain)
            label = f"{row['label']}: {kept} of {of}"
            bar = charts.kept_and_lost(kept / of, lost / of, f"side {side}", label)
            row |= {"n": kept, "share": percent(kept / of), "bar": bar}
            row["note"] = f"{unseen} not observed" if unseen > 0 else ""
        else:
            row["note"] = "has no retrieval" if plain and retrieval else "not observed"
        rows.append(row)
    return {"of": of, "rows": rows}


def _side_of(stage: str, *, seen: bool) -> str:
    """Whose loss a stage is; a wrong answer is the generator's only where the prompt was ``seen``."""
    if stage in SIDE_OF:
        return SIDE_OF[stage].value
    if stage in ("used", "grounded", "correct"):
        return Side.GENERATION.value if seen else UNDETERMINED
    return Side.RETRIEVAL.value


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
                "corrected": _corrected(found),
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


def _corrected(found: Mapping[str, Any]) -> str:
    """The share corrected for what the diagnoser is known to confuse; empty where it could not be."""
    fixed = found.get("corrected")
    return f"{percent(fixed['share'])} {percent_bounds(fixed)}" if fixed else ""


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
        "judge": "no two repeats had the same text",
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
