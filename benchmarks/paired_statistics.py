"""Measure evalkit's paired statistics: false alarms, coverage, power and speed.

Worlds are simulated, so the truth is known: in a null world two runs of one system are compared, and every
significant difference is a false alarm. Prints Markdown tables; exits with 1 when a figure misses its target.

    python benchmarks/paired_statistics.py [--worlds 2000] [--seed 0]
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from evalkit.stats.multiplicity import holm
from evalkit.stats.paired import difference, mcnemar, paired_p
from evalkit.stats.power import cases_needed, cases_needed_mean

Floats = npt.NDArray[np.float64]
Random = np.random.Generator
ALPHA = 0.05
RESAMPLES = 999
Drawn = tuple[Floats, Floats, list[int] | None, float]  # a, b, clusters, the true difference


@dataclass(frozen=True)
class World:
    """One kind of suite, and two runs on it drawn anew each time."""

    name: str
    draw: Callable[[Random], Drawn]


def chances(random: Random, n: int, rate: float, spread: float) -> Floats:
    """How likely each case passes: most of them nearly always or nearly never (smaller ``spread``: more so)."""
    return random.beta(rate * spread, (1 - rate) * spread, n)


def verdicts(
    n: int, rate: float, *, drop: float = 0.0, noise: float = 0.0, spread: float = 0.75
) -> Callable[[Random], Drawn]:
    """One verdict a case; ``drop`` breaks that share of all cases; ``noise``: share of verdicts judged wrongly."""

    def draw(random: Random) -> Drawn:
        p = chances(random, n, rate, spread)
        a, b = random.random(n) < p, random.random(n) < p
        if drop:
            b &= random.random(n) >= drop / rate
        if noise:
            a, b = a ^ (random.random(n) < noise), b ^ (random.random(n) < noise)
        return a.astype(float), b.astype(float), None, -drop * (1 - 2 * noise)

    return draw


def repeated(
    n: int, rate: float, repeats: int, *, wobble: float = 0.0
) -> Callable[[Random], Drawn]:
    """Several repeats a case, averaged; ``wobble`` shifts a whole run's case (its context, say) at once."""

    def draw(random: Random) -> Drawn:
        p = chances(random, n, rate, 0.75)

        def one() -> Floats:
            moved = np.clip(p + random.normal(0, wobble, n), 0, 1) if wobble else p
            return (random.random((repeats, n)) < moved).mean(axis=0)

        return one(), one(), None, 0.0

    return draw


def documents(
    groups: int, each: int, rate: float, *, graded: bool = False
) -> Callable[[Random], Drawn]:
    """Questions that share documents: a run gets a document right or wrong, and most questions follow."""

    def draw(random: Random) -> Drawn:
        sizes = random.integers(max(1, each // 2), each + each // 2 + 1, groups)
        owner = np.repeat(np.arange(groups), sizes)
        p = chances(random, groups, rate, 0.75)

        def one() -> Floats:
            base = (random.random(groups) < p)[owner]
            noise = random.random(len(owner))
            if graded:
                return np.clip(0.7 * base + 0.3 * noise, 0, 1)
            return np.where(noise < 0.8, base, random.random(len(owner)) < p[owner]).astype(float)

        return one(), one(), owner.tolist(), 0.0

    return draw


def graded(n: int, *, sparse: float = 0.0, shift: float = 0.0) -> Callable[[Random], Drawn]:
    """Scores in 0..1; of ``sparse`` of the cases both runs are equal to the letter."""

    def draw(random: Random) -> Drawn:
        centre = random.beta(4, 1.5, n)
        a, b = (np.clip(centre + random.normal(0, 0.12, n), 0, 1) for _ in range(2))
        b = np.where(random.random(n) < sparse, a, b - shift)
        return a, b, None, -shift * (1 - sparse)

    return draw


NULL = [
    World(f"verdicts, n {n}, {rate:.0%} pass", verdicts(n, rate))
    for n in (30, 100, 300, 1000)
    for rate in (0.2, 0.5, 0.8, 0.97)
] + [
    World("noisy judge 5 %, n 200, 80 % pass", verdicts(200, 0.8, noise=0.05)),
    World("noisy judge 10 %, n 200, 80 % pass", verdicts(200, 0.8, noise=0.10)),
    World("3 repeats, n 60", repeated(60, 0.8, 3)),
    World("5 repeats, n 60, shared wobble", repeated(60, 0.8, 5, wobble=0.2)),
    World("10 repeats, n 200, shared wobble", repeated(200, 0.8, 10, wobble=0.2)),
    World("20 documents of about 10", documents(20, 10, 0.8)),
    World("60 documents of about 10", documents(60, 10, 0.8)),
    World("8 documents of about 5", documents(8, 5, 0.7)),
    World("40 documents, graded", documents(40, 6, 0.8, graded=True)),
    World("graded, n 30", graded(30)),
    World("graded, n 200", graded(200)),
    World("graded, n 300, 90 % equal", graded(300, sparse=0.9)),
    World("graded, n 1000", graded(1000)),
]
SHIFTED = [
    World("verdicts, n 100, drop 10 points", verdicts(100, 0.8, drop=0.10)),
    World("verdicts, n 300, drop 5 points", verdicts(300, 0.8, drop=0.05)),
    World("verdicts, n 1000, drop 3 points", verdicts(1000, 0.9, drop=0.03)),
    World("verdicts, n 30, drop 20 points", verdicts(30, 0.8, drop=0.20)),
    World("graded, n 30, shift 0.05", graded(30, shift=0.05)),
    World("graded, n 300, shift 0.02", graded(300, shift=0.02)),
]
FAMILIES = (1, 2, 5, 10, 20)
DROPS = (0.10, 0.05, 0.03)


def allowed(worlds: int, share: float = ALPHA) -> float:
    """The most that chance lets a true share show: 2.33 standard errors above it."""
    return share + 2.33 * math.sqrt(share * (1 - share) / worlds)


def short(worlds: int, power: float = 0.8) -> float:
    """The least that chance lets a true power show."""
    return power - 2.33 * math.sqrt(power * (1 - power) / worlds)


def tried(world: World, worlds: int, seed: int) -> tuple[float, float, float]:
    """Share of significant differences, two-sided and "worse" alone, and of intervals that hold the truth."""
    random = np.random.default_rng(seed)
    alarms = worse = covered = 0
    for i in range(worlds):
        a, b, clusters, truth = world.draw(random)
        alarms += paired_p(a, b, clusters, seed=i, resamples=RESAMPLES) <= ALPHA
        worse += paired_p(a, b, clusters, alternative="less", seed=i, resamples=RESAMPLES) <= ALPHA
        found = difference(a, b, clusters)
        covered += found is not None and found.low - 1e-12 <= truth <= found.high + 1e-12
    return alarms / worlds, worse / worlds, covered / worlds


def family_rates(worlds: int, seed: int) -> dict[int, tuple[float, float]]:
    """Share of null worlds with any significant one of the first so many correlated metrics: each at 5 %, by Holm."""
    random, most = np.random.default_rng(seed), max(FAMILIES)
    plain, adjusted = np.zeros(len(FAMILIES)), np.zeros(len(FAMILIES))
    for _ in range(worlds):
        own = random.normal(0, 1.5, (200, most))
        p = 1 / (1 + np.exp(-(6 * random.random((200, 1)) - 2 + own)))
        a, b = (random.random(p.shape) < p for _ in range(2))
        repairs, harms = (~a & b).sum(axis=0).tolist(), (a & ~b).sum(axis=0).tolist()
        values = [mcnemar(r, h) for r, h in zip(repairs, harms, strict=True)]
        plain += [min(values[:k]) <= ALPHA for k in FAMILIES]
        adjusted += [min(holm(values[:k])) <= ALPHA for k in FAMILIES]
    rates = zip(plain / worlds, adjusted / worlds, strict=True)
    return dict(zip(FAMILIES, rates, strict=True))


def power_at(drop: float, worlds: int, seed: int) -> tuple[float, int, float]:
    """The flips between two runs of one system, the cases needed for ``drop``, and the power measured there."""
    random = np.random.default_rng(seed)
    p = chances(random, 400_000, 0.8, 0.75)
    flips = float((2 * p * (1 - p)).mean())
    n = cases_needed(drop, flips)
    draw, hits = verdicts(n, 0.8, drop=drop), 0
    for _ in range(worlds):
        a, b, _, _ = draw(random)
        hits += paired_p(a, b, alternative="less") <= ALPHA
    return flips, n, hits / worlds


def graded_power(drop: float, worlds: int, seed: int) -> tuple[int, float]:
    """The same for a graded score whose paired differences have a standard deviation of 0.2."""
    random, n, hits = np.random.default_rng(seed), cases_needed_mean(drop, 0.2), 0
    for i in range(worlds):
        change = random.normal(-drop, 0.2, n)
        zero = np.zeros(n)
        hits += paired_p(zero, change, alternative="less", seed=i, resamples=RESAMPLES) <= ALPHA
    return n, hits / worlds


def speed(systems: int = 5, metrics: int = 20, cases: int = 20_000) -> float:
    """Processor seconds to compare the systems pairwise: half of the metrics yes or no, half graded, tags and causes too."""
    from pathlib import Path

    from evalkit.compare import ALL, compare
    from evalkit.diagnosis import SystemDiagnosis
    from evalkit.grade import Graded
    from evalkit.outcome import PASSED, CaseOutcome, Outcomes
    from evalkit.records import Approach, Case, Certainty, Finding, Metric, Stage, Suite, Trace
    from evalkit.score import Column, Scores

    random = np.random.default_rng(0)
    rows = tuple(Case(f"c{i}", "q", tags=(f"t{i % 10}",)) for i in range(cases))
    suite = Suite("speed", Path(), rows, {}, "digest")
    made = {}
    for s in range(systems):
        name = f"s{s}"
        traces = tuple(Trace(response="", system=name, case_id=c.id) for c in rows)
        columns = {}
        for m in range(metrics):
            values = random.random(cases) if m % 2 else (random.random(cases) < 0.8).astype(float)
            metric = Metric(f"m{m}", Stage.GENERATION, lambda: None, "card") if m else PASSED
            columns[metric.name] = Column(metric, values, np.zeros(cases, np.uint8))
        passed = columns["passed"]
        outcomes = Outcomes(passed, passed, (), ())
        ended = {
            c.id: CaseOutcome.PASSED if v else CaseOutcome.FAILED
            for c, v in zip(rows, passed.values, strict=True)
        }
        scores = Scores(name, Approach.RAG, traces, columns)
        graded_ = Graded(name, Approach.RAG, traces, (None,) * cases, scores, outcomes, ended)
        causes = ("retrieval_miss", "misinterpretation", "format_violation")
        findings = tuple(
            Finding(c, 0, "fail", Certainty.PROVEN, causes[i % 3])
            for i, (c, o) in enumerate(ended.items())
            if o is CaseOutcome.FAILED
        )
        counts = {"due": cases, "passed": 0, "failed": 0, "errors": 0, "ungraded": 0}
        parts = {field.name: {} for field in fields(SystemDiagnosis)}
        parts |= {"graded": graded_, "findings": findings, "counts": counts, "symptoms": ()}
        made[name] = SystemDiagnosis(**parts)
    started = time.process_time()  # of the processor: whoever else is at work does not count
    compare(suite, made, metrics=[ALL])
    return time.process_time() - started


def report(worlds: int, seed: int) -> Iterator[tuple[str, bool]]:
    """The lines of the report, each with whether its figure meets its target."""
    most = allowed(worlds)
    least = 0.95 - 2.33 * math.sqrt(0.95 * 0.05 / worlds)
    yield (
        f"{worlds} worlds of each kind; false alarms may show at most {most:.4f}, coverage at least {least:.4f}.",
        True,
    )
    yield (
        "\n| null world | false alarms, two-sided | one-sided | coverage of 95 % |\n|---|---|---|---|",
        True,
    )
    for i, world in enumerate(NULL):
        alarms, worse, covered = tried(world, worlds, seed + i)
        good = max(alarms, worse) <= most and covered >= least
        yield f"| {world.name} | {alarms:.4f} | {worse:.4f} | {covered:.4f} |", good
    yield "\n| shifted world | found, two-sided | coverage of 95 % |\n|---|---|---|", True
    for i, world in enumerate(SHIFTED):
        alarms, _, covered = tried(world, worlds, seed + 100 + i)
        yield f"| {world.name} | {alarms:.4f} | {covered:.4f} |", covered >= least
    yield "\n| metrics, n 200 | any alarm, each at 5 % | any alarm, Holm |\n|---|---|---|", True
    for metrics, (plain, rate) in family_rates(worlds, seed).items():
        yield f"| {metrics} | {plain:.4f} | {rate:.4f} |", rate <= most
    yield "\n| drop | cases needed | power there |\n|---|---|---|", True
    for drop in DROPS:
        flips, n, power = power_at(drop, worlds, seed)
        yield (
            f"| {100 * drop:.0f} points, {flips:.1%} flips | {n} | {power:.3f} |",
            power >= short(worlds),
        )
    for drop in (0.05, 0.02):
        n, power = graded_power(drop, worlds // 4, seed)
        yield (
            f"| {drop} of a graded score, deviation 0.2 | {n} | {power:.3f} |",
            power >= short(worlds // 4),
        )
    seconds = speed()
    yield (
        f"\n5 systems x 20 metrics x 20,000 cases compared in {seconds:.1f} s of processor time.",
        seconds < 20,
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--worlds", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    missed = 0
    for line, good in report(given.worlds, given.seed):
        print(line if good else f"{line} MISSED", flush=True)
        missed += not good
    print(f"\n{missed} figures miss their target.")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
