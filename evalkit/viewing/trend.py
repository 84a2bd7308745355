"""How the metrics and causes of each system went over the runs of one suite."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any

from evalkit.pages.wording import NBSP, count, number, number_bounds, percent, percent_bounds, words
from evalkit.records import Interval
from evalkit.viewing.figures import RATE, SystemFigures
from evalkit.viewing.lines import Line, Point, chart
from evalkit.viewing.runs import Entry
from evalkit.viewing.wording import day, failing_link

# What most readers ask of a trend: the first SHOWN of these that a run has; all others can be chosen.
MAIN = (
    *(RATE, "correct", "evidence_in_context", "groundedness", "key_points", "consistency"),
    *("citation_recall", "schema_valid", "style", "field_score", "R@5", "macro_f1"),
)
SHOWN = 6
CAUSES = 5  # lines of a chart of causes
SHARES = ("", "share")  # units of metrics that lie in 0..1


def trend_view(runs: Sequence[Entry], suite: str, metric: str) -> dict[str, Any]:
    """Everything that the page of a trend shows; ``runs`` are those of the suite, in any order."""
    told = sorted((r for r in runs if r.systems), key=lambda r: (r.date or 0.0, r.name))
    choices = _choices(told)
    chosen = metric if any(metric in names for names in choices.values()) else RATE
    history: dict[str, list[tuple[int, SystemFigures]]] = defaultdict(list)
    for at, run in enumerate(told):
        for system in run.systems:
            history[system.name].append((at, system))
    return {
        "suite": suite,
        "metric": chosen,
        "main": _main(choices),
        "choices": choices,
        "runs": len(told),
        "changes": [title for _, title in _breaks(told)],
        "systems": [_system(name, seen, told, chosen) for name, seen in history.items()],
    }


def _choices(runs: Sequence[Entry]) -> dict[str, list[str]]:
    """The metrics to choose from, by stage; the pass rate first."""
    found: dict[str, list[str]] = {"outcome": [RATE]}
    for run in runs:
        for system in run.systems:
            for name, mean in system.means.items():
                group = found.setdefault(mean.stage, [])
                if name not in group:
                    group.append(name)
    return found


def _main(choices: Mapping[str, Sequence[str]]) -> list[str]:
    held = {name for names in choices.values() for name in names}
    return [name for name in MAIN if name in held][:SHOWN]


def value_of(system: SystemFigures, metric: str) -> Interval | None:
    """A metric of a system, or its pass rate; None where it has none."""
    if metric == RATE:
        return system.rate
    mean = system.means.get(metric)
    return mean.interval if mean else None


def _breaks(runs: Sequence[Entry]) -> list[tuple[int, str]]:
    """The runs before which the suite or the judge changed: figures on both sides are of different things."""
    found = []
    for at, (before, now) in enumerate(pairwise(runs), 1):
        told = [
            f"{what} {a} → {b}"
            for what, a, b in (
                ("suite", before.digest, now.digest),
                ("judge", before.recipe.get("judge"), now.recipe.get("judge")),
            )
            if a != b
        ]
        if told:
            found.append((at, f"{', '.join(told)} between {before.name} and {now.name}"))
    return found


def _system(
    name: str, seen: Sequence[tuple[int, SystemFigures]], runs: Sequence[Entry], metric: str
) -> dict[str, Any]:
    dates = [_dated(run) for run in runs]
    breaks = _breaks(runs)
    units = {s.means[metric].unit for _, s in seen if metric in s.means}
    unit = next(iter(units), "")
    points = [
        _point(at, found, runs[at], metric, unit)
        for at, system in seen
        if (found := value_of(system, metric)) is not None
    ]
    inside = all(p.low >= 0 and p.high <= 1 for p in points)
    bounds = (0.0, 1.0) if unit in SHARES and inside else None
    label = f"{words(metric)} of {name} over {count(len(points), 'run')}"
    shown = _shown(metric, unit)
    return {
        "name": name,
        "approach": seen[-1][1].approach,
        "chart": chart([Line("main", points)], dates, breaks, label, shown, bounds)
        if points
        else None,
        "rows": [_row(system, runs[at], metric, unit) for at, system in reversed(seen)],
        **_causes(name, seen, runs, dates, breaks),
    }


def _dated(run: Entry) -> tuple[str, ...]:
    return (*day(run.date).split(NBSP), *(commit[:7] for commit in run.commits[-1:]))


def _shown(metric: str, unit: str) -> Callable[[float], str]:
    return (
        percent
        if metric == RATE
        else lambda value: f"{value:g}{NBSP + unit if unit not in SHARES else ''}"
    )


def _worded(found: Interval, metric: str, unit: str) -> tuple[str, str]:
    """A value and its interval in words."""
    ends: Mapping[str, Any] = {"low": found.low, "high": found.high}
    if metric == RATE:
        return percent(found.value), percent_bounds(ends)
    bounds = number_bounds(ends, unit) if found.low < found.high else ""
    return number(found.value, unit), bounds


def _point(at: int, found: Interval, run: Entry, metric: str, unit: str) -> Point:
    value, bounds = _worded(found, metric, unit)
    commit = f", commit {run.commits[-1][:7]}" if run.commits else ""
    title = f"{run.name}, {day(run.date)}{commit}: {value} {bounds}, n = {found.n:,}"
    return Point(at, found.value, found.low, found.high, title, f"/run/{run.key}/")


def _row(system: SystemFigures, run: Entry, metric: str, unit: str) -> dict[str, Any]:
    found = value_of(system, metric)
    value, bounds = _worded(found, metric, unit) if found else ("not measured", "")
    return {
        "run": run,
        "day": day(run.date),
        "value": value,
        "bounds": bounds,
        "n": found.n if found else 0,
        "causes": ", ".join(f"{words(c.id)} {c.cases:,}" for c in system.causes[:3]) or "none",
    }


# --- causes ------------------------------------------------------------------------------------


def _causes(
    name: str,
    seen: Sequence[tuple[int, SystemFigures]],
    runs: Sequence[Entry],
    dates: Sequence[Sequence[str]],
    breaks: Sequence[tuple[int, str]],
) -> dict[str, Any]:
    """The causes with most cases over all runs, each as a share of the graded cases."""
    sums: Counter[str] = Counter()
    sides: dict[str, str] = {}
    for _, system in seen:
        for cause in system.causes:
            sums[cause.id] += cause.cases
            sides[cause.id] = cause.side or sides.get(cause.id, "")
    first = [cause for cause, _ in sums.most_common(CAUSES)]
    graded = [(at, s) for at, s in seen if s.graded]
    lines = [
        Line(f"c{i}", [_share(at, s, cause, runs[at]) for at, s in graded], whiskers=False)
        for i, cause in enumerate(first)
    ]
    if not first or not graded:
        return {"causes": [], "shift": None, "others": 0}
    label = f"Causes of failure of {name}, as shares of graded cases"
    last = graded[-1]
    return {
        "causes": [
            {
                "id": cause,
                "line": f"c{i}",
                "side": sides[cause],
                "now": _share(*last, cause, runs[last[0]]),
            }
            for i, cause in enumerate(first)
        ],
        "shift": chart(lines, dates, breaks, label, percent),
        "others": len(sums) - len(first),
    }


def _share(at: int, system: SystemFigures, cause: str, run: Entry) -> Point:
    from evalkit.stats.intervals import wilson

    cases = next((c.cases for c in system.causes if c.id == cause), 0)
    found = wilson(min(cases, system.graded), system.graded)
    assert found is not None  # there are graded cases
    bounds = percent_bounds({"low": found.low, "high": found.high})
    title = (
        f"{words(cause)}, {run.name}, {day(run.date)}: {percent(found.value)} {bounds}, "
        f"{cases:,} of {count(system.graded, 'case')}"
    )
    href = f"/run/{run.key}/report.html{failing_link(system.name, cause)}"
    return Point(at, found.value, found.low, found.high, title, href)
