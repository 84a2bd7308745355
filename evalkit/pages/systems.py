"""What the report shows of each system: its minute, the parts of its lost pass rate, its causes, what varies."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from evalkit import plugins
from evalkit.diagnosis import UNDETERMINED
from evalkit.pages import charts
from evalkit.pages.comparing import instead, measured_gain
from evalkit.pages.headline import best_system
from evalkit.pages.links import cases_link, cause_link, side_link, system_link
from evalkit.pages.remedies import first_fix
from evalkit.pages.stages import funnel_view
from evalkit.pages.sums import STATUSES, FindingSums
from evalkit.pages.verdicts import (
    entangled,
    example,
    failing_of,
    fixes,
    gain_sentence,
    leading,
    lost_parts,
    next_step,
    oracle_sentence,
    promise,
    wrong,
)
from evalkit.pages.wording import (
    MINUS,
    count,
    interval_bounds,
    percent,
    percent_bounds,
    points,
    sentence,
    words,
)
from evalkit.records import Interval, Side
from evalkit.stats.intervals import wilson

if TYPE_CHECKING:
    from evalkit.api import Run
    from evalkit.comparison.shape import Comparison
    from evalkit.decide import Decision
    from evalkit.diagnosis import SystemDiagnosis

SIDES = (*(side.value for side in Side), UNDETERMINED)


def system_views(
    run: Run,
    summary: Mapping[str, Any],
    diagnosis: Mapping[str, Any],
    sums: Mapping[str, FindingSums],
    decisions: Mapping[str, Decision],
    comparison: Comparison | None = None,
) -> list[dict[str, Any]]:
    """One view a system, in the order of ``summary``."""
    views, best = [], best_system(summary["systems"])
    for name in summary["systems"]:
        found = run.systems[name]
        system, own = summary["systems"][name], diagnosis["systems"][name]
        decision = decisions.get(name)
        other = measured_gain(run, comparison, name, own["recommendation"]["approach"])
        change = instead(run, comparison, name, best)
        there = summary["systems"][best]["approach"] if best and change else None
        view = _card(name, system, own, sums[name], there)
        view["reasons"] = _reasons(own, decision, other)
        view["minute"] = _minute(name, own, sums[name], decision, other)
        view["minute"]["step"] = view["step"]
        view["minute"] |= {"wrong": wrong(system, own), "instead": change}
        if own["recommendation"]["approach"] == there:  # the change itself tells what it brings
            view["minute"]["promise"] = ""
        view["loss"] = _loss(name, system, own)
        view["funnel"] = funnel_view(name, own["funnel"], system["approach"], found.ledger)
        view["causes"] = _causes(name, own, sums[name])
        view["variability"] = _variability(found, own, system)
        view["confusion"] = system["confusion"]
        views.append(view)
    return views


def _card(
    name: str,
    system: Mapping[str, Any],
    own: Mapping[str, Any],
    sums: FindingSums,
    there: str | None,
) -> dict[str, Any]:
    cases, rate, advice = system["cases"], system["pass_rate"], own["recommendation"]
    known = {cause.id: cause for cause in plugins.members("causes")}
    return {
        "name": name,
        "href": system_link(name),
        "approach": system["approach"],
        "kind": "" if name == system["approach"] else system["approach"],  # not "rag, rag"
        "cases": cases,
        "graded": cases["due"] - cases["ungraded"],
        "failing": failing_of(own),
        "rate": percent(rate["value"]) if rate else "n/a",
        "bounds": percent_bounds(rate),
        "rate_bar": _rate_bar(rate),
        "sure": [(status, sums.statuses[status]) for status in STATUSES if sums.statuses[status]],
        "warned": sums.warned,
        "warned_href": cases_link(system=name, status="warn"),
        "failing_href": cases_link(system=name, status="failing"),
        "step": next_step(own, system["approach"], known, sums, there=there),
        "against": [sentence(reason) for reason in advice["against"]],
        "gain": gain_sentence(advice["headroom"]),
    }


def _minute(
    name: str,
    own: Mapping[str, Any],
    sums: FindingSums,
    decision: Decision | None,
    other: Interval | None,
) -> dict[str, Any]:
    """What a stranger should know of a system: the leading cause, the proof, and what the step brings."""
    known = {cause.id: cause for cause in plugins.members("causes")}
    lead = leading(name, own, known)
    return {
        "leading": lead,
        "oracle": oracle_sentence(sums),
        "example": example(name, sums, None if lead is None else lead["cause"]),
        "promise": _promise(name, decision, other),
        "fixes": [*filter(None, [entangled(own, known, sums)]), *fixes(own, known, sums)],
    }


def _promise(name: str, decision: Decision | None, other: Interval | None) -> str:
    """What the advised approach brings: as measured on this page, else as estimated; the step itself tells its own."""
    if decision is None or decision.stays:
        return ""
    if other is not None:
        return promise(other, measured=True, base=name)
    gain = decision.options[0].gain
    return promise(gain.interval, measured=gain.measured, base=name)


def _reasons(
    own: Mapping[str, Any], decision: Decision | None, other: Interval | None
) -> list[str]:
    """Why, without an estimate of what was measured on this page."""
    estimate = "" if decision is None or decision.stays or other is None else decision.worth
    return [sentence(reason) for reason in own["recommendation"]["reasons"] if reason != estimate]


def _rate_bar(rate: Mapping[str, Any] | None) -> Any:
    if not rate:
        return charts.NOTHING
    label = f"pass rate {percent(rate['value'])} {percent_bounds(rate)}"
    return charts.bar(rate["value"], rate["low"], rate["high"], name="fill pass", label=label)


def _loss(name: str, system: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """The lost pass rate as a stack and as a waterfall: each side's part, the largest first."""
    rate = system["pass_rate"]
    if not rate:
        return {"stack": charts.NOTHING, "rows": []}
    graded = rate["n"]
    parts = lost_parts(own)
    start, rows = rate["value"], []
    for side, part in parts:
        ends = part["low"], part["high"]
        label = f"{side}: {percent(part['loss'])}"
        rows.append(
            {
                "side": side,
                "cases": round(part["loss"] * graded),
                "graded": graded,
                "href": side_link(name, side),
                "points": points(part["loss"]),
                "sign": MINUS if part["loss"] >= 0.005 else "",
                "bounds": percent_bounds(part),
                "bar": charts.bar(
                    part["loss"], *ends, start=start, name=f"side {side}", label=label
                ),
            }
        )
        start += part["loss"]
    in_order = sorted(parts, key=lambda part: SIDES.index(part[0]))  # as in the legend
    stacked = [("passed", rate["value"]), *((side, part["loss"]) for side, part in in_order)]
    label = ", ".join(f"{words(side)} {percent(share)}" for side, share in stacked)
    return {"stack": charts.stack(stacked, label, rate["low"], rate["high"]), "rows": rows}


def _causes(system: str, own: Mapping[str, Any], sums: FindingSums) -> list[dict[str, Any]]:
    known = {cause.id: cause for cause in plugins.members("causes")}
    failing = failing_of(own)
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
                "href": cause_link(system, name),
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
                "first_fix": first_fix(name, known, sums),
                "fine_tuning": cause.fine_tuning if cause else "unknown",
                "gain": f"{points(gain['gain'])} {percent_bounds(gain)}" if gain else "n/a",
            }
        )
    return rows


def _corrected(found: Mapping[str, Any]) -> str:
    """The share corrected for what the diagnoser is known to confuse; empty where it could not be."""
    fixed = found.get("corrected")
    return f"{percent(fixed['share'])} {percent_bounds(fixed)}" if fixed else ""


def _variability(
    found: SystemDiagnosis, own: Mapping[str, Any], system: Mapping[str, Any]
) -> list[dict[str, Any]]:
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
        if value is None:
            row = {"value": "not measured", "note": why.get(where, ""), "bar": charts.NOTHING}
        else:
            n, shown = behind.get(where, 0), percent(value)
            ends = wilson(round(value * n), n)
            low, high = (None, None) if ends is None else (ends.low, ends.high)
            bar = charts.bar(
                value,
                low,
                high,
                name="fill vary",
                label=f"{where}: {shown}",
            )
            bounds = interval_bounds(ends)
            note = f"{bounds} {count(n, 'case')}" if n else "pairs of repeats with the same text"
            row = {"value": shown, "note": note, "bar": bar}
        rows.append({"where": where, **row})
    return rows


def _cases_of_generation(found: SystemDiagnosis) -> int:
    """The cases whose lists did not vary, over which the generator's own variability is taken."""
    columns = found.ledger.case_columns
    if "consistency" not in columns:
        return 0
    fixed = columns["consistency"].scored()
    stability = columns.get("retrieval_stability")
    if stability is not None and stability.scored().any():
        fixed = fixed & (stability.values == 1)
    return int(fixed.sum())
