"""A/A: how much a system's outcomes vary when nothing has changed, and the drop that is visible through it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from evalkit.errors import InvalidInput
from evalkit.gating.snapshot import Cell, Snapshot
from evalkit.gating.trials import Clusters, Level, Trial, drop_trial
from evalkit.stats.intervals import mean_interval

Floats = npt.NDArray[np.float64]

DROPS = (0.1, 0.05, 0.03)  # drops whose price in cases is told


@dataclass(frozen=True, slots=True)
class Noise:
    """What repeated runs of one unchanged system show.

    ``flip_rate`` is the share of cases (0..1, with its 95 % interval) that come out differently in two runs;
    ``detectable`` the smallest drop that one run against another would show with the stated power, and
    ``false_alarms`` how many of the ``pairs`` of runs the test of a drop called one (either way round).
    ``cases_for`` prices drops of 10, 5 and 3 points in cases.
    """

    runs: int
    cases: int
    pairs: int
    flip_rate: float
    low: float | None
    high: float | None
    detectable: float
    false_alarms: int
    cases_for: dict[str, int]

    def to_json(self) -> dict[str, Any]:
        """As it stands in verdict.json."""
        return asdict(self)


def columns_of(found: Sequence[Snapshot], most: int) -> list[dict[str, float]]:
    """At most ``most`` runs of the system as outcomes by case: the repeats of each snapshot in turn."""
    repeats = [(snapshot, i) for snapshot in found for i in range(snapshot.repeats)]
    return [
        {
            case: value
            for case, row in snapshot.cells["passed"].items()
            if (value := _at(row, i)) is not None
        }
        for snapshot, i in repeats[:most]
    ]


def sources_of(found: Sequence[Snapshot], most: int) -> list[str]:
    """The names of the run folders that ``columns_of`` draws on."""
    names = [Path(one.source).name for one in found for _ in range(one.repeats)]
    return list(dict.fromkeys(names[:most]))


def _at(row: tuple[Cell, ...], repeat: int) -> float | None:
    cell = row[repeat] if repeat < len(row) else None
    return cell if isinstance(cell, float) else None


def measure_noise(
    columns: Sequence[dict[str, float]], groups: dict[str, str | None], level: Level
) -> Noise:
    """The noise of a system from two or more runs of it; cases that did not pass or fail in all are left out."""
    if len(columns) < 2:
        raise InvalidInput(
            "an A/A test takes at least two runs or repeats of the unchanged system",
            hint="`evalkit run SUITE --repeats 3` asks each case three times",
        )
    cases = sorted(set.intersection(*(set(column) for column in columns)))
    if not cases:
        raise InvalidInput("no case passed or failed in every run: there is nothing to compare")
    table = np.array([[column[case] for case in cases] for column in columns])
    clusters = [("group", g) if (g := groups.get(case)) else ("case", case) for case in cases]
    pairs = list(combinations(range(len(table)), 2))
    flips: Floats = np.mean([table[i] != table[j] for i, j in pairs], axis=0)
    spread = mean_interval(flips, clusters)
    flat = Level(level.alpha, level.power)
    trials = [_trials(table[i], table[j], clusters, flat) for i, j in pairs]
    alarms = [any(one.p_missed <= flat.alpha for one in found) for found in trials]
    return Noise(
        runs=len(table),
        cases=len(cases),
        pairs=len(pairs),
        flip_rate=float(flips.mean()),
        low=spread.low if spread else None,
        high=spread.high if spread else None,
        detectable=sum(found[0].detectable or 0.0 for found in trials) / len(pairs),
        false_alarms=sum(alarms),
        cases_for={f"{drop:g}": _price(table, pairs, clusters, drop, flat) for drop in DROPS},
    )


def _trials(
    a: Floats, b: Floats, clusters: Clusters, level: Level, detect: float = 1
) -> list[Trial]:
    """The gate's own test of two equal runs, either of which may be taken for the newer one."""
    return [
        drop_trial(x, y, clusters, margin=0, detect=detect, span=1, level=level)
        for x, y in ((a, b), (b, a))
    ]


def _price(
    table: Floats, pairs: Sequence[tuple[int, int]], clusters: Clusters, drop: float, level: Level
) -> int:
    """The cases that a drop takes, on average over the pairs of runs."""
    found = [_trials(table[i], table[j], clusters, level, drop)[0].needed or 0 for i, j in pairs]
    return round(sum(found) / len(found))
