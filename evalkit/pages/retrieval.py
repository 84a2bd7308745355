"""What the report draws of retrieval: recall at every k, and the rank at which the first gold document stands."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from evalkit.pages.charts import Figure
from evalkit.pages.charts.columns import columns
from evalkit.pages.charts.curves import curves
from evalkit.pages.ranks import SHOWN, RankCounts, rank_counts
from evalkit.pages.wording import count, interval_bounds, percent, plain_interval
from evalkit.records import AS_IS, Case, Interval, Trace
from evalkit.stats.intervals import wilson

if TYPE_CHECKING:
    from evalkit.api import Run

SYSTEMS = 6  # curves in one picture
NO_LISTS = "show no ranked list, or no case of theirs names gold documents"


def ranks_of(run: Run) -> dict[str, RankCounts]:
    """The ranks of every system that shows its lists, in the order of the run."""
    found: dict[str, RankCounts] = {}
    for name, system in run.systems.items():
        if run.large is not None:
            counts = run.large.ranks(name)
        else:
            counts = _ranks_in(run.suite.cases, system.graded.traces)
        if counts is not None and counts.cases:
            found[name] = counts
    return found


def _ranks_in(cases: Sequence[Case], traces: Sequence[Trace]) -> RankCounts | None:
    lists = (len(t.retrieved) for t in traces if t.condition == AS_IS and t.retrieved)
    width = min(SHOWN, max(lists, default=0))
    return rank_counts(cases, traces, width) if width else None


def retrieval_view(run: Run, summary: Mapping[str, Any]) -> dict[str, Any]:
    """The figures of retrieval, and why there are none where there are none."""
    ranks = ranks_of(run)
    absent = [name for name in run.systems if name not in ranks]
    return {
        "curve": _curve(run, ranks, summary) if ranks else None,
        "histograms": list(_histograms(run, ranks)),
        "absent": absent,
        "why": NO_LISTS,
    }


def _curve(run: Run, ranks: Mapping[str, RankCounts], summary: Mapping[str, Any]) -> Figure:
    shown = dict(list(ranks.items())[:SYSTEMS])
    lines = {
        name: _points(found, run.suite.k, summary["systems"][name]["metrics"])
        for name, found in shown.items()
    }
    title = "Recall at every k"
    widest = max(r.width for r in ranks.values())
    picture = curves(
        "recall-curve",
        (title, _told(shown, run.suite.k)),
        lines,
        names=("share of the gold documents found", "first k of the list"),
        cut=(run.suite.k, f"k = {run.suite.k}"),
    )
    head = ("system", "cases", *(f"R@{k}" for k in range(1, widest + 1)))
    rows = tuple(
        (name, f"{points[0][1].n:,}", *_cells(dict(points), widest))
        for name, points in lines.items()
    )
    note = (
        "Mean over cases with gold documents; bands are 95 % intervals (Wilson's at the effective "
        "number of cases). A curve that still rises at k asks for a larger k or a reranker; one that is flat and low asks "
        "for better search."
    )
    return Figure("recall-curve", title, note, picture, head, rows, tuple(enumerate(lines)))


def _points(found: RankCounts, k: int, metrics: Mapping[str, Any]) -> list[tuple[int, Interval]]:
    """Recall at every k; at the suite's own k the very figures of the metric."""
    made = [(i, r) for i in range(1, found.width + 1) if (r := found.recall(i)) is not None]
    own = metrics.get(f"R@{k}")
    if own is None or own["low"] is None:
        return made
    same = Interval(own["mean"], own["low"], own["high"], own["n"])
    return [(i, same if i == k else r) for i, r in made]


def _cells(points: Mapping[int, Any], widest: int) -> Iterator[str]:
    for k in range(1, widest + 1):
        yield plain_interval(points[k]) if k in points else "list ends"


def _told(ranks: Mapping[str, RankCounts], k: int) -> str:
    parts = []
    for name, found in ranks.items():
        recall = found.recall(min(k, found.width))
        if recall is not None:
            parts.append(f"{name} finds {plain_interval(recall)} within {min(k, found.width)}")
    return "; ".join(parts)


def _histograms(run: Run, ranks: Mapping[str, RankCounts]) -> Iterator[Figure]:
    most = max((int(max(r.first.max(), r.missing)) for r in ranks.values()), default=1)
    for number, (name, found) in enumerate(ranks.items()):
        bars = [(str(i), round(n), _kind(i, run.suite.k)) for i, n in enumerate(found.first, 1)]
        bars.append(("none", round(found.missing), "column lost"))
        cut = (float(run.suite.k), "cut") if run.suite.k < found.width else None
        title = f"{name}: rank of the first gold document"
        within = sum(n for label, n, _ in bars[: run.suite.k] if label != "none")
        share = within / found.cases
        note = (
            f"{within:,} of {count(round(found.cases), 'case')} ({percent(share)} "
            f"{_bounds(share, found.cases)}) have one within k = {run.suite.k}; {round(found.missing):,} have "
            f"none among the {found.width} passages shown."
        )
        picture = columns(
            f"ranks-{number}", (title, note), bars, most=most, names=("cases", "rank"), cut=cut
        )
        rows = tuple((label, f"{n:,}") for label, n, _ in bars)
        yield Figure(f"ranks-{number}", title, note, picture, ("rank", "cases"), rows)


def _kind(rank: int, k: int) -> str:
    return "column" if rank <= k else "column late"


def _bounds(share: float, n: float) -> str:
    return interval_bounds(wilson(round(share * n), round(n)))
