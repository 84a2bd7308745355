"""Do the intervals of a diagnosis hold? Worlds with known truth, diagnosed by the real functions with a fallible diagnoser.

Run: python benchmarks/worlds.py [--sims 1000] [--world NAME]     (offline; minutes)
Every case passes or has a true cause; the diagnoser names a cause by a confusion matrix drawn around the measured one, with
the certainty that findings of that name have. Coverage is the share of simulations whose 95 % interval holds the truth of
the population; errors are mean distances of all sides (or causes) together.
"""

from __future__ import annotations

import argparse
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from evalkit.confidence import RUNGS, Features, calibration, confidence_of
from evalkit.confusion import PRIOR_ROW, Confusion, known_confusion
from evalkit.diagnosis import SystemDiagnosis, summarise_findings
from evalkit.grade import Graded
from evalkit.loss import FLIPS
from evalkit.outcome import CORRECT, PASSED, Outcomes, case_outcomes
from evalkit.records import Approach, Case, Certainty, Finding, Side, Status, Suite, Trace
from evalkit.score import CODE, Column, Scores

NOMINAL, ERRORS = 0.95, 2.33


@dataclass(frozen=True)
class World:
    """A population: how many pass, what the others suffer from, and how the diagnoser sees it.

    ``mixed`` of the failing cases have a second fault of style, of which ``cured`` pass all the same when their
    condition is asked; ``unlabelled`` cannot be told; ``group`` is the number of cases of one source, whose rates
    vary with strength ``alike`` (0 none, towards 1 all). ``exact`` is a diagnoser that never errs.
    """

    name: str
    n: int
    passing: float
    shares: Mapping[str, float]
    mixed: float = 0.1
    cured: float = 0.3
    unlabelled: float = 0.05
    group: int = 1
    alike: float = 0.0
    repeats: int = 1
    probed: bool = True
    exact: bool = False


_EVEN = ("retrieval_miss", "ranking_low", "context_truncated", "noise_distraction", "over_refusal")
_RETRIEVAL = {
    "retrieval_miss": 0.5,
    "ranking_low": 0.2,
    "corpus_gap": 0.1,
    "misinterpretation": 0.1,
}
_GENERATION = {"misinterpretation": 0.35, "incomplete_answer": 0.2, "parametric_override": 0.15}
WORLDS = (
    World("small, exact", 60, 0.6, dict.fromkeys(_EVEN, 0.2), exact=True),
    World("small, retrieval", 60, 0.5, {**_RETRIEVAL, "style_violation": 0.1}),
    World(
        "even causes",
        200,
        0.7,
        dict.fromkeys((*_EVEN, *_GENERATION, "format_violation", "infra_error"), 0.1),
    ),
    World(
        "generation",
        300,
        0.8,
        {**_GENERATION, "label_issue": 0.1, "inconsistency": 0.1, "retrieval_miss": 0.1},
    ),
    World(
        "good system",
        600,
        0.95,
        {"retrieval_miss": 0.4, "citation_error": 0.3, "over_refusal": 0.3},
    ),
    World("large, mixed", 1000, 0.75, {**_RETRIEVAL, "citation_error": 0.1}, mixed=0.4),
    World("sources of 10", 400, 0.7, {**_RETRIEVAL, "format_violation": 0.1}, group=10, alike=0.2),
    World("twenty sources", 200, 0.6, {**_RETRIEVAL, "format_violation": 0.1}, group=10, alike=0.3),
    World("repeats", 150, 0.7, {**_GENERATION, "inconsistency": 0.3}, repeats=3),
    World(
        "often confused",
        600,
        0.7,
        {
            "label_issue": 0.3,
            "citation_error": 0.3,
            "query_underspecified": 0.2,
            "inconsistency": 0.2,
        },
    ),
    World("without probes", 300, 0.7, {**_RETRIEVAL, "query_underspecified": 0.1}, probed=False),
)


def simulate(world: World, seed: int) -> tuple[Suite, Graded, list[Finding]]:
    """One run in the world: its suite, its graded traces and the findings of a fallible diagnoser."""
    random = np.random.default_rng(seed)
    known = known_confusion(probed=world.probed)
    assert known is not None
    causes = tuple(world.shares)
    rates = _rates(known, causes, world, random)
    cases, traces, passed, findings = [], [], [], []
    for i, true in enumerate(_true_causes(world, causes, random)):
        group = f"g{i // world.group}" if world.group > 1 else None
        cases.append(Case(f"c{i}", "", group=group))
        wrong = random.integers(world.repeats) if true else -1
        for r in range(world.repeats):
            traces.append(Trace(system="s", case_id=f"c{i}", repeat=r, response="x"))
            passed.append(float(r != wrong))
        if true:
            found, cured = _finding(f"c{i}", true, known, rates[true], world, random)
            findings.append(found)
            if cured is not None and found.cause in FLIPS:
                (condition, *_) = FLIPS[found.cause]
                traces.append(Trace(system="s", case_id=f"c{i}", condition=condition, response="x"))
                passed.append(float(cured))
    return _suite(cases), _graded(traces, np.array(passed)), findings


def _true_causes(
    world: World, causes: tuple[str, ...], random: np.random.Generator
) -> Iterator[str | None]:
    """The true cause of every case, None where it passes; sources differ in their rates."""
    shares = np.array([world.shares[c] for c in causes])
    whole = np.array([world.passing, *((1 - world.passing) * shares / shares.sum())])
    for start in range(0, world.n, world.group):
        own = whole
        if world.alike:
            own = random.dirichlet(whole * (1 / world.alike - 1))
        for place in random.choice(len(own), min(world.group, world.n - start), p=own):
            yield causes[place - 1] if place else None


def _rates(
    known: Confusion, causes: tuple[str, ...], world: World, random: np.random.Generator
) -> dict[str, np.ndarray[Any, Any]]:
    """How often each name is given to each true cause in this run."""
    if world.exact:
        return {c: np.eye(len(known.causes))[known.causes.index(c)] for c in causes}
    rows = {c: known.counts[known.causes.index(c)] + PRIOR_ROW for c in causes}
    return {c: random.dirichlet(row) for c, row in rows.items()}


def _finding(
    case_id: str,
    true: str,
    known: Confusion,
    rates: np.ndarray[Any, Any],
    world: World,
    random: np.random.Generator,
) -> tuple[Finding, bool | None]:
    """What the diagnoser says of one failing case, and whether its condition, if asked, cured all of it."""
    mixed = random.random() < world.mixed
    cured = bool(random.random() < world.cured) if mixed and world.probed else None
    probes = {"oracle_context": "pass"} if world.probed else {}
    if random.random() < world.unlabelled:
        return Finding(case_id, 0, "fail", Certainty.UNDETERMINED, probes=probes), None
    named = known.causes[random.choice(len(known.causes), p=rates)]
    side = Side(known.sides[named])
    rung = "proven" if world.exact else _rung(named, named == true, random)
    features = Features(named, side, rung == "proven", RUNGS.index(rung) or 1)
    also = ("style_violation",) if mixed and named != "style_violation" else ()
    status = Certainty.PROVEN if features.proven else Certainty.SUSPECTED
    sure = confidence_of(features)
    found = Finding(
        case_id, 0, "fail", status, named, side, None, sure, also, (named,), probes=probes
    )
    return found, cured


def _rung(named: str, right: bool, random: np.random.Generator) -> str:  # noqa: FBT001
    """How sure the finding is, as findings of this name were when they were right, or wrong."""
    bins = calibration_bins()[named]
    counts = [bins[r]["right"] if right else bins[r]["findings"] - bins[r]["right"] for r in RUNGS]
    total = sum(counts)
    return "proven" if not total else str(random.choice(RUNGS, p=np.array(counts) / total))


_BINS: dict[str, Any] = {}


def calibration_bins() -> dict[str, Any]:
    """The bins of calibration.json, read once."""
    if not _BINS:
        _BINS.update(calibration()["bins"])
    return _BINS


def _suite(cases: list[Case]) -> Suite:
    return Suite("world", Path(), tuple(cases), {}, "world")


def _graded(traces: list[Trace], passed: np.ndarray[Any, Any]) -> Graded:
    status = np.full(len(passed), CODE[Status.SCORED], np.uint8)
    column = Column(PASSED, passed, status)
    right = tuple(bool(p) for p in passed)
    outcomes = Outcomes(Column(CORRECT, passed, status), column, right, ((),) * len(passed))
    scores = Scores("s", Approach.RAG, tuple(traces), {}, (), {}, {})
    cases = case_outcomes(traces, column)
    evidence = (None,) * len(traces)
    return Graded("s", Approach.RAG, tuple(traces), evidence, scores, outcomes, cases)


# --- truth against intervals -----------------------------------------------------------------


@dataclass(frozen=True)
class Truth:
    """The parts of the loss by side, the gains by cause, and the shares of the failing cases."""

    parts: Mapping[str, float]
    gains: Mapping[str, float]
    causes: Mapping[str, float]
    sides: Mapping[str, float]


def truth_of(world: World) -> Truth:
    """What the world's population has, so far as it can be told (not ``unlabelled``)."""
    known = known_confusion(probed=world.probed)
    assert known is not None
    total, told, loss = sum(world.shares.values()), 1 - world.unlabelled, 1 - world.passing
    causes = {c: told * share / total for c, share in world.shares.items()}
    sides = {s.value: sum(v for c, v in causes.items() if known.sides[c] == s) for s in Side}
    won = {
        c: (1 - world.mixed + world.mixed * world.cured * (world.probed and c in FLIPS))
        for c in causes
    }
    won["style_violation"] = 1.0
    return Truth(
        {s: v * loss for s, v in sides.items()},
        {c: v * loss * won[c] for c, v in causes.items()},
        causes,
        sides,
    )


def measured(found: SystemDiagnosis, truth: Truth) -> Iterator[tuple[str, float]]:
    """(what, value) of one diagnosis: whether each interval holds the truth, and how far each point is off."""
    for what, parts, true in (
        ("parts", found.decomposition, truth.parts),
        ("gains", found.headroom, truth.gains),
        ("sides", found.corrected_sides, truth.sides),
        ("causes", found.corrected_causes, truth.causes),
    ):
        for name, value in true.items():
            if name in parts:
                yield (
                    what,
                    float(parts[name].low <= value + 1e-12 and value <= parts[name].high + 1e-12),
                )
                yield f"{what} width", parts[name].high - parts[name].low
    failing = found.counts["failed"]
    if found.corrected_causes and failing:
        named = {c: n / failing for c, (n, _) in found.causes.items()}
        yield "raw error", _distance(named, truth.causes)
        points = {c: i.value for c, i in found.corrected_causes.items()}
        yield "corrected error", _distance(points, truth.causes)
        named = {s: n / failing for s, (n, _) in found.sides.items()}
        yield "raw side error", _distance(named, truth.sides)
        points = {s: i.value for s, i in found.corrected_sides.items()}
        yield "corrected side error", _distance(points, truth.sides)


def _distance(found: Mapping[str, float], true: Mapping[str, float]) -> float:
    """Total variation: half the sum of the absolute differences."""
    return sum(abs(found.get(n, 0) - true.get(n, 0)) for n in {*found, *true}) / 2


def covered(world: World, sims: int, first_seed: int = 0) -> dict[str, float]:
    """The mean of every measured quantity over ``sims`` simulations of a world."""
    found: defaultdict[str, list[float]] = defaultdict(list)
    truth = truth_of(world)
    for seed in range(first_seed, first_seed + sims):
        suite, graded, findings = simulate(world, seed)
        for what, value in measured(summarise_findings(suite, graded, findings, ()), truth):
            found[what].append(value)
    return {what: float(np.mean(values)) for what, values in found.items()}


def main() -> None:
    """Print a row a world: coverage of the intervals, and errors of raw and corrected shares."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sims", type=int, default=1000)
    parser.add_argument("--world", default="", help="only worlds whose name has this in it")
    options = parser.parse_args()
    least = NOMINAL - ERRORS * (NOMINAL * (1 - NOMINAL) / options.sims) ** 0.5
    print(f"{options.sims} simulations a world; coverage below {least:.3f} is marked")
    columns = ("parts", "gains", "sides", "causes")
    print(
        f"{'world':18} {'n':>5}"
        + "".join(f"{c:>16}" for c in columns)
        + "   error raw > corrected: causes, sides"
    )
    for world in WORLDS:
        if options.world in world.name:
            began = time.process_time()
            row = covered(world, options.sims)
            cells = [
                f"{row[c]:.3f}{'*' if row[c] < least else ' '} ({row[f'{c} width']:.3f})"
                if c in row
                else "-"
                for c in columns
            ]
            print(
                f"{world.name:18} {world.n:>5}"
                + "".join(f"{c:>16}" for c in cells)
                + f"   {row.get('raw error', 0):.3f} > {row.get('corrected error', 0):.3f},"
                + f" {row.get('raw side error', 0):.3f} > {row.get('corrected side error', 0):.3f}"
                + f"   {time.process_time() - began:.0f} s",
                flush=True,
            )


if __name__ == "__main__":
    main()
