"""What the report shows of several systems against each other: quality against price, pairs, and where causes went."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from evalkit.pages.charts import Figure
from evalkit.pages.charts.scatter import Point, scatter
from evalkit.pages.links import cause_link
from evalkit.pages.wording import (
    MINUS,
    count,
    listed,
    percent,
    plain_interval,
    signed_points,
    words,
)
from evalkit.records import Interval

if TYPE_CHECKING:
    from evalkit.api import Run
    from evalkit.comparison.shape import CauseShift, Comparison, Pair, Standing

ALPHA = 0.05
SHIFTS = 8  # causes shown of a shift
Price = tuple[str, str, str, Callable[[float], str]]


def _tokens(value: float) -> str:
    return f"{value:,.0f}"


def _duration(value: float) -> str:
    """Times on an axis: the finest steps stay apart."""
    return f"{1000 * value:.3g} ms" if 0 < value < 1 else f"{value:.3g} s" if value else "0"


PRICES: tuple[Price, ...] = (
    ("seconds", "Quality against latency", "median time of an answer", _duration),
    ("prompt_tokens", "Quality against prompt size", "median prompt tokens of an answer", _tokens),
    ("cost", "Quality against cost", "median cost of an answer", lambda v: f"{v:.4g}"),
)


def compared(run: Run) -> Comparison | None:
    """All pairs of systems by their pass rates; None for one system, or where they share no case."""
    from evalkit.compare import compare
    from evalkit.errors import NothingToDo

    if len(run.systems) < 2 or run.large is not None:
        return None
    try:
        return compare(run.suite, run.systems, metrics=("passed",))
    except NothingToDo:
        return None


def compare_view(found: Comparison | None, best: str | None) -> dict[str, Any] | None:
    """Scatters, the table of pairs, and the cause shift from each other system to the best one."""
    if found is None:
        return None
    scatters = [figure for price in PRICES if (figure := _scatter(found.systems, price))]
    drawn = {figure.title for figure in scatters}
    return {
        "scatters": scatters,
        "unpriced": [below for _, title, below, _ in PRICES if title not in drawn],
        "pairs": [_pair(pair) for pair in found.pairs],
        "shifts": [_shift(pair, best) for pair in found.pairs if best in (pair.a, pair.b)],
        "notes": list(found.notes),
    }


def _scatter(systems: Sequence[Standing], price: Price) -> Figure | None:
    field, title, below, say = price
    points = [
        Point(s.system, number, paid, s.passed, s.on_front)
        for number, s in enumerate(systems)
        if (paid := getattr(s, field)) is not None and s.passed is not None
    ]
    if len(points) < 2:
        return None
    front = listed([p.name for p in points if p.front])
    note = (
        f"On the Pareto front: {front}. A hollow point is dominated: another system passes no less and is worse in nothing, "
        "time and tokens together. Crosses are 95 % intervals."
    )
    name = f"scatter-{field.replace('_', '-')}"
    picture = scatter(name, (title, note), points, names=("pass rate", below), say=say)
    rows = tuple(
        (
            p.name,
            plain_interval(p.quality),
            f"{p.quality.n:,}",
            f"{say(p.price.value)} [{say(p.price.low)}, {say(p.price.high)}]",
            f"{p.price.n:,}",
            "yes" if p.front else "no",
        )
        for p in points
    )
    head = ("system", "pass rate", "cases", below, "answers", "on the front")
    return Figure(name, title, note, picture, head, rows)


def _pair(pair: Pair) -> dict[str, Any]:
    found = next((m for m in pair.metrics if m.metric == "passed"), None)
    if found is None or found.difference is None:
        nothing = {"wins": 0, "losses": 0, "n": 0, "p": "", "apart": False, "verdict": ""}
        return {"a": pair.a, "b": pair.b, "difference": "not compared", **nothing}
    p = found.p_adjusted if found.p_adjusted is not None else found.p
    apart = p is not None and p <= ALPHA
    better = pair.b if found.difference.value > 0 else pair.a
    return {
        "a": pair.a,
        "b": pair.b,
        "difference": signed_points(found.difference),
        "wins": found.wins,
        "losses": found.losses,
        "n": found.n,
        "p": "n/a" if p is None else "p < 0.001" if p < 0.001 else f"p = {p:.2g}",
        "apart": apart,
        "verdict": f"{better} passes more" if apart else "not told apart",
    }


def ties(found: Comparison | None, best: str | None) -> list[str]:
    """Which systems are not told apart from the best one, a sentence each."""
    told = []
    for pair in found.pairs if found is not None else ():
        metric = next((m for m in pair.metrics if m.metric == "passed"), None)
        if best not in (pair.a, pair.b) or metric is None or metric.difference is None:
            continue
        if metric.p is not None and metric.p > ALPHA:
            other = pair.a if pair.b == best else pair.b
            gain = _towards(metric.difference, forward=pair.b == best)
            told.append(f"{other} is not told apart from it: {signed_points(gain)}.")
    return told


def _towards(difference: Interval, *, forward: bool) -> Interval:
    """The difference as the gain of the second system over the first, or the other way round."""
    if forward:
        return difference
    return Interval(-difference.value, -difference.high, -difference.low, difference.n)


def instead(run: Run, found: Comparison | None, name: str, best: str | None) -> str:
    """What a change to the best system would bring, where it passes more than chance would have it; else empty."""
    if best is None or best == name:
        return ""
    gain, sure = _gain(run, found, name, best)
    if gain is None or not sure:
        return ""
    return f"Change to {best}: {signed_points(gain)}, measured on the same {count(gain.n, 'case')}."


def measured_gain(run: Run, found: Comparison | None, name: str, approach: str) -> Interval | None:
    """What the best measured system of an approach passes more than ``name``; None where there is no such pair."""
    rated = {
        n: one.pass_rate.value
        for n, one in run.systems.items()
        if one.graded.approach.value == approach and n != name and one.pass_rate is not None
    }
    return _gain(run, found, name, max(rated, key=rated.__getitem__))[0] if rated else None


def _gain(
    run: Run, found: Comparison | None, name: str, other: str
) -> tuple[Interval | None, bool]:
    """What ``other`` passes more than ``name``, and whether that is more than chance; a run too large for pairs has its outcomes."""
    if found is None:
        from evalkit.decide import head_to_head

        duel = head_to_head(run.suite, run.systems[name], run.systems[other])
        return (None, False) if duel is None else (duel.interval, duel.interval.low > 0)
    pair = next((p for p in found.pairs if {p.a, p.b} == {name, other}), None)
    metric = next((m for m in pair.metrics if m.metric == "passed"), None) if pair else None
    if pair is None or metric is None or metric.difference is None:
        return None, False
    sure = metric.p is not None and metric.p <= ALPHA
    return _towards(metric.difference, forward=pair.b == other), sure


def _shift(pair: Pair, best: str | None) -> dict[str, Any]:
    """From the other system to the best: what is repaired, what is new."""
    other = pair.a if pair.b == best else pair.b
    forward = pair.b == best
    shift = pair.causes
    repairs, harms = (shift.repairs, shift.harms) if forward else (shift.harms, shift.repairs)
    rows = sorted(_changes(shift, other, best or "", forward=forward), key=lambda r: -abs(r["by"]))
    return {
        "from": other,
        "to": best,
        "cases": shift.cases,
        "repairs": repairs,
        "harms": harms,
        "rows": rows[:SHIFTS],
        "tested": all(change.p is not None for change in shift.causes),
        "most": max((max(r["before"], r["after"]) for r in rows), default=1),
        "said": f"{count(repairs, 'case')} that {other} fails pass in {best}; {harms:,} that it passes fail there.",
    }


def _changes(
    shift: CauseShift, other: str, best: str, *, forward: bool
) -> Iterator[dict[str, Any]]:
    for change in shift.causes:
        before, after = change.before, change.after
        if not forward:
            before, after = after, before
        if not before and not after:
            continue
        yield {
            "cause": words(change.cause),
            "before": before,
            "after": after,
            "by": after - before,
            "signed": "0"
            if after == before
            else f"{'+' if after > before else MINUS}{abs(after - before)}",
            "of": shift.cases,
            "share": f"{percent(before / shift.cases)} → {percent(after / shift.cases)}",
            "sure": change.p_adjusted is not None and change.p_adjusted <= ALPHA,
            "before_href": cause_link(other, change.cause),
            "after_href": cause_link(best, change.cause),
        }
