"""Measures how sure a finding may be: confidence fitted on injected faults, tested on other seeds and other suites.

Run: python benchmarks/calibrate.py [--write]     (offline; two minutes, five with --write)
Tests the shipped confidences on seeds they were not fitted on; ``--write`` fits them anew first, and tests
them on the other suite as well. Each bin is a cause on a rung of certainty, and one for answers that may be right. Its
confidence is the mean of a beta distribution: the share of its findings that named the injected cause, with a prior that
counts for ten findings, and Jeffreys' half a finding either way. The prior is the share of its side on that rung or
that of all causes, whichever is lower (in doubt that of the last rung, if that is lower still): what other causes reach, a cause without
findings has still to show.
Then the rungs are made non-increasing (pool adjacent violators).
"""

from __future__ import annotations

import json
import re
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

from confusion import TALLY

from evalkit import plugins
from evalkit.api import run as ask_and_diagnose
from evalkit.confidence import (
    ANY,
    CELLS,
    DOUBTFUL,
    FILE,
    FORMAT,
    RUNGS,
    Features,
    calibration,
    confidence_of,
    features_of,
)
from evalkit.faults import OracleSystem, inject, plan_faults, spoil, truth_of
from evalkit.faults.bench import Calibration, calibrate, verdicts
from evalkit.suite import load_suite

ROOT = Path(__file__).resolve().parents[1]
SUITES = ("helpdesk", "invoices")
# Stock of phrases -> seeds: half of them speak with either stock; the third is for published figures only.
FITTED = {"familiar": (101, 102, 103), "second": (104, 105, 106)}
HELD_OUT = {"familiar": (201, 202, 203), "second": (204, 205, 206)}
PROBES = ("auto", "none")
# Settings go round with the seed, so that no single mixture of faults is fitted.
RATES, MIXED, REPEATS, MEMORY = (0.5, 0.8, 0.95), (0.0, 0.25, 0.5), (3, 1, 3, 2), (0.3, 0.0, 0.6)
WEIGHT = 10  # findings that the next wider group counts for in a bin
JEFFREYS = 0.5  # right ones, and as many wrong ones, that every bin is given besides
LEAST, MOST = 0.01, 0.99

Bins = dict[str, dict[str, dict[str, float]]]
Counts = Mapping[str, tuple[int, int]]  # (right, all) by rung
_NONE: Counts = dict.fromkeys(CELLS, (0, 0))


@dataclass(frozen=True, slots=True)
class Row:
    """One finding of the bench: its features, and whether it named the injected cause."""

    suite: str
    seed: int
    features: Features
    right: bool


def measured(name: str, seed: int, stock: str, probes: str, folder: Path) -> Iterator[Row]:
    """The findings of one blind diagnosis of a suite's system with faults."""
    suite = load_suite(ROOT / "datasets" / name)
    plan = plan_faults(suite, rate=RATES[seed % 3], seed=seed, mixed_share=MIXED[seed // 3 % 3])
    oracle = OracleSystem(suite, seed=seed, memory=MEMORY[seed % 3], stock=stock)
    faulty = inject(oracle, suite, plan, seed, stock)
    options: dict[str, Any] = {"repeats": REPEATS[seed % 4], "probes": probes, "out": folder}
    run = ask_and_diagnose(spoil(suite, plan, seed, stock), {"faulty": faulty}, **options)
    (found,) = run.systems.values()
    injected = truth_of(plan)
    truths = {c.id: injected[c.id].cause if c.id in injected else None for c in suite.cases}
    judged = verdicts(truths, found.findings)
    TALLY.add(seed, probes, judged)
    right = {v.case_id: v.exact for v in judged}
    for finding in found.findings:
        features = features_of(finding)
        if features is not None:
            yield Row(name, seed, features, right[finding.case_id])


def fit(rows: Sequence[Row]) -> Bins:
    """The bins: every cause of the shelf, every side, and any cause, by rung.

    The bin of a side has the confidence of a cause of that side without findings of its own, such as a plug-in's.
    """
    causes = {cause.id: cause.side.value for cause in plugins.members("causes")}
    overall = sum(row.right for row in rows) / len(rows)
    everything = _counts(rows, lambda _: ANY)[ANY]
    any_cause = _smoothed(everything, dict.fromkeys(CELLS, overall))
    by_side, by_cause = _counts(rows, _side), _counts(rows, lambda f: f.cause)
    shares = {s: _stated(_smoothed(by_side[s], _stated(any_cause))) for s in {*causes.values()}}
    priors = {side: _prior(held, _stated(any_cause)) for side, held in shares.items()}
    sides = {s: _smoothed(_NONE, priors[s], shown=by_side[s]) for s in sorted(priors)}
    own = {c: _smoothed(by_cause[c], priors[side]) for c, side in causes.items()}
    return {**own, **sides, ANY: any_cause}


def _prior(side: Mapping[str, float], any_cause: Mapping[str, float]) -> dict[str, float]:
    """The lower of two shares by cell; of an answer that may be right at most what the last rung has."""
    found = {cell: min(side[cell], any_cause[cell]) for cell in CELLS}
    return {**found, DOUBTFUL: min(found[DOUBTFUL], found[RUNGS[-1]])}


def _side(features: Features) -> str:
    return features.side.value if features.side else ANY


def _counts(
    rows: Sequence[Row], group: Callable[[Features], Hashable]
) -> defaultdict[Hashable, dict[str, tuple[int, int]]]:
    """(right, all) by group and rung."""
    found: defaultdict[Hashable, dict[str, tuple[int, int]]] = defaultdict(
        lambda: dict.fromkeys(CELLS, (0, 0))
    )
    for row in rows:
        held = found[group(row.features)]
        right, n = held[row.features.rung]
        held[row.features.rung] = (right + row.right, n + 1)
    return found


def _smoothed(
    counts: Counts, prior: Mapping[str, float], shown: Counts | None = None
) -> dict[str, dict[str, float]]:
    """The bins of a group; ``shown`` are the counts told beside them, where they are others than those fitted on."""
    means = {cell: _posterior(*counts[cell], prior[cell]) for cell in CELLS}
    falling = non_increasing([means[r] for r in RUNGS], [counts[r][1] + 1 for r in RUNGS])
    stated = dict(zip(RUNGS, falling, strict=True))
    stated[DOUBTFUL] = min(means[DOUBTFUL], stated["suspected"])  # doubt never makes a cause surer
    told = counts if shown is None else shown
    return {cell: _bin(stated[cell], *told[cell]) for cell in CELLS}


def _posterior(right: int, findings: int, prior: float) -> float:
    """The mean of a beta distribution after ``findings`` of which ``right`` were right."""
    return (right + WEIGHT * prior + JEFFREYS) / (findings + WEIGHT + 2 * JEFFREYS)


def _bin(share: float, right: int, findings: int) -> dict[str, float]:
    """One bin; however many were right, none is stated as certain."""
    stated = round(min(max(share, LEAST), MOST), 3)
    return {"confidence": stated, "findings": findings, "right": right}


def _stated(bins: Mapping[str, Mapping[str, float]]) -> dict[str, float]:
    return {rung: held["confidence"] for rung, held in bins.items()}


def non_increasing(values: Sequence[float], weights: Sequence[float]) -> list[float]:
    """The non-increasing sequence nearest to ``values`` in weighted squares (pool adjacent violators)."""
    pools: list[tuple[float, float, int]] = []  # mean, weight, length
    for value, weight in zip(values, weights, strict=True):
        mean, total, length = value, weight, 1
        while pools and pools[-1][0] < mean:
            other, its, n = pools.pop()
            mean = (mean * total + other * its) / (total + its)
            total, length = total + its, length + n
        pools.append((mean, total, length))
    return [mean for mean, _, length in pools for _ in range(length)]


def tested(bins: Bins, rows: Sequence[Row]) -> Calibration:
    """How well the bins hold on other findings."""
    table = {name: _stated(rungs) for name, rungs in bins.items()}
    found = calibrate([(confidence_of(row.features, table), row.right) for row in rows])
    assert found is not None
    return found


def show(title: str, found: Calibration) -> dict[str, float]:
    print(f"\n{title}: ECE {found.error:.3f} over {found.n} findings")
    for b in found.bins:
        print(
            f"  {b.low:.1f}-{b.high:.1f} {b.n:6} confidence {b.confidence:.3f} right {b.accuracy:.3f}"
        )
    return {"error": round(found.error, 4), "findings": found.n}


def collected(seeds: Mapping[str, Sequence[int]]) -> list[Row]:
    """The findings on every suite, of the seeds of each stock."""
    drawn = [(seed, stock) for stock, members in seeds.items() for seed in members]
    rows: list[Row] = []
    for name, (seed, stock), probes in product(SUITES, drawn, PROBES):
        with tempfile.TemporaryDirectory() as folder:
            rows.extend(measured(name, seed, stock, probes, Path(folder) / "run"))
    return rows


def refit() -> dict[str, Any]:
    """The content of calibration.json, measured anew."""
    train, rest = collected(FITTED), collected(HELD_OUT)
    rows = [*train, *rest]
    bins = fit(train)
    held = {"other seeds": show("other seeds", tested(bins, rest))}
    for name in SUITES:
        own = fit([row for row in rows if row.suite == name])
        title = f"fitted on {name} alone, tested on the other suite"
        held[title] = show(title, tested(own, [row for row in rows if row.suite != name]))
    seeds = [seed for members in FITTED.values() for seed in members]
    fitted = {"suites": SUITES, "seeds": seeds, "stocks": list(FITTED)}
    fitted |= {"probes": PROBES, "findings": len(train)}
    settings = {
        "rates": RATES,
        "mixed": MIXED,
        "repeats": REPEATS,
        "weight": WEIGHT,
        "jeffreys": JEFFREYS,
    }
    return {
        "format": FORMAT,
        "what": "share of findings whose primary cause was the injected one, by cause and rung",
        "fitted_on": {**fitted, **settings},
        "calibration_error_held_out": held,
        "bins": bins,
        "confusion": TALLY.content([seed for members in HELD_OUT.values() for seed in members]),
    }


def main() -> None:
    if "--write" in sys.argv:
        (ROOT / "evalkit" / FILE).write_text(readable(refit()), encoding="utf-8")
    else:
        show("as shipped, other seeds", tested(calibration()["bins"], collected(HELD_OUT)))


def readable(content: Mapping[str, Any]) -> str:
    """JSON with every bin, and every list, on a line of its own."""
    text = json.dumps(content, indent=1, ensure_ascii=False)
    return re.sub(r"([\[{])\s+([^\[\]{}]*?)\s+([\]}])", _one_line, text) + "\n"


def _one_line(found: re.Match[str]) -> str:
    opened, inside, closed = found.groups()
    return opened + re.sub(r"\s*\n\s*", " ", inside) + closed


if __name__ == "__main__":
    main()
