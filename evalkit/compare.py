"""Stage 7, scores x scores -> paired comparison of two or more systems on the cases they share."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import combinations

import numpy as np
import numpy.typing as npt

from evalkit.comparison.cause_shift import cause_shift, unlike
from evalkit.comparison.shape import Comparison, Half, MetricDifference, Pair, SliceDifference
from evalkit.comparison.sheet import Row, Sheet, sheet_of
from evalkit.comparison.standing import economy, standings
from evalkit.diagnosis import SystemDiagnosis
from evalkit.errors import InvalidInput, NothingToDo, did_you_mean
from evalkit.records import Approach, Case, Metric, Suite
from evalkit.stats.multiplicity import benjamini_hochberg, holm
from evalkit.stats.paired import (
    Floats,
    difference,
    effect_size,
    is_binary,
    paired_p,
    standard_error,
    units_of,
)
from evalkit.stats.power import smallest_detectable, smallest_detectable_mean

LISTED = 100  # case ids named for the wins, and for the losses, of a metric
TIE = 1e-9
ALL = "all"
Places = npt.NDArray[np.intp]


def shown_by_default(suite: Suite) -> tuple[str, ...]:
    """The metrics compared unless others are named: the verdicts, and one or two of every stage."""
    return (
        *("passed", "correct", f"R@{suite.k}", f"nDCG@{suite.k}", "context_recall", "groundedness"),
        *("key_points", "field_score", "behaviour", "criteria", "schema_valid", "format_valid"),
        *("style", "citation_precision", "citation_recall", "consistency"),
    )


def compare(
    suite: Suite,
    systems: Mapping[str, SystemDiagnosis],
    *,
    metrics: Sequence[str] | None = None,
    judge: str | None = None,
    notes: Sequence[str] = (),
) -> Comparison:
    """Compare every pair of ``systems`` on the cases both have answered; b is the later one of a pair.

    ``metrics`` names what to compare (``all``: everything); None takes ``shown_by_default``. Repeats are averaged
    within the case, but a case has passed only when all of them do; cases of one ``group`` are one unit. ``NothingToDo`` for fewer than two systems, or
    where no two of them share a case; ``InvalidInput`` for a metric nobody knows.
    """
    if len(systems) < 2:
        raise NothingToDo("a comparison takes two systems")
    sheets = {name: sheet_of(suite, found.graded) for name, found in systems.items()}
    names = _chosen(suite, sheets, metrics)
    pairs = tuple(
        _pair(a, b, systems, sheets, names)
        for a, b in combinations(systems, 2)
        if sheets[a].place.keys() & sheets[b].place.keys()
    )
    if not pairs:
        raise NothingToDo(f"{', '.join(systems)} have no case in common")
    shared = [c for c in suite.cases if all(c.id in sheet.place for sheet in sheets.values())]
    return Comparison(
        suite=suite.name,
        digest=suite.digest,
        judge=judge,
        cases=len(shared),
        systems=standings(sheets, shared),
        pairs=pairs,
        economy=economy(sheets, shared),
        notes=(*notes, *_asked(suite, sheets), *_notes(sheets), *_unlike(systems)),
    )


def _chosen(
    suite: Suite, sheets: Mapping[str, Sheet], metrics: Sequence[str] | None
) -> tuple[str, ...]:
    known = dict.fromkeys(name for sheet in sheets.values() for name in sheet.rows)
    if metrics and ALL in metrics:
        return tuple(known)
    for name in metrics or ():
        if name not in known:
            raise InvalidInput(
                f"no metric by case is called {name!r}", hint=did_you_mean(name, known)
            )
    if metrics:
        return tuple(dict.fromkeys(metrics))
    return tuple(name for name in shown_by_default(suite) if name in known)


def _asked(suite: Suite, sheets: Mapping[str, Sheet]) -> list[str]:
    """Which systems were not asked every case of the suite, or some cases less often than others."""
    told = []
    for name, sheet in sheets.items():
        n, of = len(sheet.cases), len(suite.cases)
        if n < of:
            told.append(f"{name}: {n} of {of} cases asked")
        times = [len(r) for r in sheet.graded.repeats().values()]
        most = max(times, default=0)
        fewer = sum(t < most for t in times)
        if fewer:
            told.append(f"{name}: {fewer} of {n} cases asked fewer than {most} times")
    return told


def _notes(sheets: Mapping[str, Sheet]) -> list[str]:
    """What is not alike between systems, though it may be compared."""
    repeats = {
        name: max((len(r) for r in sheet.graded.repeats().values()), default=0)
        for name, sheet in sheets.items()
    }
    if len(set(repeats.values())) < 2:
        return []
    asked = ", ".join(f"{name} {n}" for name, n in repeats.items())
    rule = "they are averaged within each case, and a case passes when all of its own pass"
    return [f"repeats differ ({asked}): {rule}"]


def _unlike(systems: Mapping[str, SystemDiagnosis]) -> list[str]:
    """Of which pairs the causes are not tested, for only one of them was diagnosed with probes."""
    apart = (f"{a} and {b}" for a, b in combinations(systems, 2) if unlike(systems[a], systems[b]))
    why = "one was diagnosed with probes, the other without: their causes are shown, and not tested"
    return [f"{names}: {why}" for names in apart]


# --- one pair ----------------------------------------------------------------------------------


def _pair(
    a: str,
    b: str,
    systems: Mapping[str, SystemDiagnosis],
    sheets: Mapping[str, Sheet],
    names: Sequence[str],
) -> Pair:
    first, second = sheets[a], sheets[b]
    cases = [case for case in first.cases if case.id in second.place]
    clusters = groups_of(cases)
    places = places_of(first, cases), places_of(second, cases)
    tried = [_metric((a, first), (b, second), places, name, cases, clusters) for name in names]
    found = [one for one in tried if one is not None]
    tested = [one.p for one in found if one.p is not None]
    adjusted = iter(holm(tested))
    metrics = tuple(
        one if one.p is None else replace(one, p_adjusted=next(adjusted)) for one in found
    )
    return Pair(
        a=a,
        b=b,
        cases=len(cases),
        only_a=len(first.cases) - len(cases),
        only_b=len(second.cases) - len(cases),
        groups=None if clusters is None else len(set(clusters)),
        metrics=metrics,
        slices=_slices(first.rows["passed"], second.rows["passed"], places, cases),
        causes=cause_shift(systems[a], systems[b], [case.id for case in cases], clusters),
        alone=(_without(first, second), _without(second, first)),
    )


def _without(one: Sheet, other: Sheet) -> tuple[str, ...]:
    """The cases that only ``one`` was asked."""
    return tuple(case.id for case in one.cases if case.id not in other.place)


def groups_of(cases: Sequence[Case]) -> list[str] | None:
    """The cluster of every case; None where no two cases share one."""
    names = [f"group {case.group}" if case.group else f"case {case.id}" for case in cases]
    return names if len(set(names)) < len(names) else None


def places_of(sheet: Sheet, cases: Sequence[Case]) -> Places:
    """Where the cases stand on a sheet."""
    return np.array([sheet.place[case.id] for case in cases], np.intp)


def _metric(
    a: tuple[str, Sheet],
    b: tuple[str, Sheet],
    places: tuple[Places, Places],
    name: str,
    cases: Sequence[Case],
    clusters: Sequence[str] | None,
) -> MetricDifference | None:
    """One metric of one pair; None where neither system owes it on any shared case."""
    rows = [sheet.rows.get(name) for _, sheet in (a, b)]
    known = next(row for row in rows if row is not None)
    halves = [_half(row, at) for row, at in zip(rows, places, strict=True)]
    if not any(half.due for half in halves):
        return None
    frame = _frame(known.metric, *halves)
    for (system, sheet), row, half in zip((a, b), rows, halves, strict=True):
        if row is None or not half.due:
            return replace(frame, not_compared=f"{system}: n/a, {_why(sheet)}")
        if half.mean is None:
            return replace(frame, not_compared=f"{system}: nothing scored, {row.reason}")
    x, y = (row.values[at] for row, at in zip(rows, places, strict=True) if row is not None)
    both: list[int] = np.flatnonzero(~np.isnan(x) & ~np.isnan(y)).tolist()
    if not both:
        return replace(frame, not_compared="no case has a value in both systems")
    x, y = x[both], y[both]
    ids = [cases[i].id for i in both]
    own = None if clusters is None else [clusters[i] for i in both]
    first, second = (
        replace(half, mean=math.fsum(v) / len(both)) for half, v in zip(halves, (x, y), strict=True)
    )
    return measured(replace(frame, a=first, b=second), x, y, ids, own)


def _frame(metric: Metric, a: Half, b: Half) -> MetricDifference:
    return MetricDifference(
        metric=metric.name,
        stage=metric.stage.value,
        unit=metric.unit,
        higher_is_better=metric.higher_is_better,
        a=a,
        b=b,
    )


def _half(row: Row | None, places: Places) -> Half:
    if row is None:
        return Half(None, 0, 0)
    values = row.values[places]
    values = values[~np.isnan(values)]
    mean = math.fsum(values) / len(values) if len(values) else None
    return Half(mean, int(row.scored[places].sum()), int(row.due[places].sum()))


def _why(sheet: Sheet) -> str:
    if sheet.graded.approach in (Approach.PROMPT, Approach.FINETUNED):
        return f"a {sheet.graded.approach.value} system has nothing to measure it on"
    return "no shared case asks it of this system"


def measured(
    frame: MetricDifference,
    x: Floats,
    y: Floats,
    ids: Sequence[str],
    clusters: Sequence[str] | None,
) -> MetricDifference:
    """Fill in the paired difference of two aligned columns without gaps."""
    if clusters is not None and len(set(clusters)) == len(clusters):
        clusters = None
    binary = clusters is None and is_binary(x) and is_binary(y)
    gain = (y - x) if frame.higher_is_better else (x - y)
    best_first = np.argsort(-gain, kind="stable")
    wins, losses = int((gain > TIE).sum()), int((gain < -TIE).sum())
    p = paired_p(x, y, clusters)
    return replace(
        frame,
        n=len(x),
        difference=difference(x, y, clusters),
        test="mcnemar" if binary else "sign_flip",
        p=p,
        p_adjusted=p,
        effect="h" if is_binary(x) and is_binary(y) else "d",
        effect_size=effect_size(x, y),
        detectable=_detectable(x, y, clusters, binary=binary),
        wins=wins,
        ties=len(x) - wins - losses,
        losses=losses,
        win_ids=tuple(ids[i] for i in best_first[: min(wins, LISTED)]),
        loss_ids=tuple(ids[i] for i in best_first[::-1][: min(losses, LISTED)]),
    )


def _detectable(
    x: Floats, y: Floats, clusters: Sequence[str] | None, *, binary: bool
) -> float | None:
    """What this many cases, differing as these do, would show two-sided with power 0.8."""
    change = y - x
    if binary:
        shift, discordant = abs(float(change.mean())), float(np.count_nonzero(change)) / len(change)
        flips = max(0.0, (discordant - shift) / (1 - shift)) if shift < 1 else 0.0
        return smallest_detectable(len(x), flips, sides=2)
    sums, sizes = units_of(change, clusters)
    if len(sums) < 2:
        return None
    error = standard_error(float(change.mean()), sums, sizes)
    if error == 0:  # nothing varied: what that says of the next case is known of yes and no alone
        both = is_binary(x) and is_binary(y)
        return smallest_detectable(len(sums), 0.0, sides=2) if both else None
    return smallest_detectable_mean(len(sums), error * math.sqrt(len(sums)), sides=2)


# --- slices --------------------------------------------------------------------------------------


def _slices(
    a: Row, b: Row, places: tuple[Places, Places], cases: Sequence[Case]
) -> tuple[SliceDifference, ...]:
    """The pass rate by tag, in alphabetical order."""
    x, y = a.values[places[0]], b.values[places[1]]
    members: dict[str, list[int]] = {}
    for i in np.flatnonzero(~np.isnan(x) & ~np.isnan(y)).tolist():
        for tag in cases[i].tags:
            members.setdefault(tag, []).append(i)
    found = [_slice(tag, x, y, cases, members[tag]) for tag in sorted(members)]
    adjusted = benjamini_hochberg([one.p for one in found])
    return tuple(replace(one, p_adjusted=p) for one, p in zip(found, adjusted, strict=True))


def _slice(
    tag: str, x: Floats, y: Floats, cases: Sequence[Case], members: Sequence[int]
) -> SliceDifference:
    first, second = x[members], y[members]
    clusters = groups_of([cases[i] for i in members])
    p = paired_p(first, second, clusters)
    interval = difference(first, second, clusters)
    return SliceDifference(
        tag, len(members), float(first.mean()), float(second.mean()), interval, p, p
    )
