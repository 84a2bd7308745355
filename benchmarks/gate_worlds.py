"""Does the gate keep its stated error rates? Simulated runs through the real gate; prints Markdown tables.

    python benchmarks/gate_worlds.py [--sims 2000] [--only G1]

A world draws what a baseline and a candidate scored on every case, with no model involved; the gate (``evalkit.gate.judge``)
is handed the columns as `evalkit gate` hands them. A rate is within its bound when it is at most alpha plus 2.33 standard
errors of as many simulations.
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from evalkit.gate import Answer, Line, Measured, judge
from evalkit.gating.noise import measure_noise
from evalkit.gating.trials import Level

ALPHA = 0.05
LEVEL = Level(resamples=399)
SPREAD = 1.133  # of the Beta distribution of cases' pass rates: at 80 % about 17 % of the cases flip between equal runs
FLIP_RUNS, FLIP_CASES = 2, 20_000
Random = np.random.Generator
Draw = Callable[[Random], Sequence[Line]]


@dataclass(frozen=True)
class World:
    """A kind of run: its name and how one pair of runs is drawn as the lines of a gate."""

    name: str
    draw: Draw
    tolerance: float = 0.02
    allowed: dict[str, float] = field(default_factory=lambda: {"regression": ALPHA})


# --- drawing ---------------------------------------------------------------------------------


def column(values: np.ndarray, lost: np.ndarray | None = None) -> Measured:
    """Values without a gap, or with some cases lost (an error or an unreadable grade)."""
    worst, best = values.astype(float), values.astype(float)
    missing = np.zeros(len(values))
    if lost is not None:
        worst, best = np.where(lost, 0.0, worst), np.where(lost, 1.0, best)
        missing = lost.astype(float)
    return Measured(worst, best, missing)


def rates(random: Random, n: int, mean: float) -> np.ndarray:
    """The chance of each case to pass; cases differ, so that two runs agree on most."""
    return random.beta(mean * SPREAD, (1 - mean) * SPREAD, n)


def asked(random: Random, p: np.ndarray) -> np.ndarray:
    return random.random(len(p)) < p


def pair(random: Random, n: int, mean: float, drop: float = 0.0, wrong: float = 0.0) -> list[Line]:
    """Pass or fail once a side; ``drop`` points less in the candidate; a judge that errs on ``wrong`` of the answers."""
    p = rates(random, n, mean)
    before, after = asked(random, p), asked(random, p * (1 - drop / mean))
    if wrong:
        before, after = (x ^ (random.random(n) < wrong) for x in (before, after))
    return [Line("passed", column(after), column(before))]


def repeated(random: Random, n: int, times: int, wobble: float) -> list[Line]:
    """Means of repeats that share what wobbles between runs."""
    p = rates(random, n, 0.8)

    def run() -> np.ndarray:
        mine = np.clip(p + random.normal(0, wobble, n), 0, 1)
        return random.binomial(times, mine) / times

    return [Line("passed", column(run()), column(run()))]


def documents(random: Random, documents: int, questions: int, shift: float) -> list[Line]:
    """Questions about one document do well or badly together, anew in every run."""
    n = documents * questions
    p, group = rates(random, n, 0.8), np.repeat(np.arange(documents), questions)

    def run() -> np.ndarray:
        return asked(random, np.clip(p + random.normal(0, shift, documents)[group], 0, 1))

    return [Line("passed", column(run()), column(run()), clusters=group.tolist())]


def graded(random: Random, n: int, a: float, noise: float) -> list[Line]:
    """Scores between 0 and 1, many of them at the top."""
    x = random.beta(a, 1, n)
    runs = [np.clip(x + random.normal(0, noise, n), 0, 1) for _ in range(2)]
    return [Line("groundedness", column(runs[1]), column(runs[0]))]


def many(random: Random, n: int, metrics: int) -> list[Line]:
    """Several metrics of the same answers, each on all cases or on a slice of a third of them."""
    p = rates(random, n, 0.8)
    lines = []
    for i in range(metrics):
        before, after = asked(random, p), asked(random, p)
        asks = (np.arange(n) % 3 == i % 3) if i % 2 else np.ones(n, bool)
        gone = np.where(asks, 0.0, np.nan)
        lines.append(Line(f"m{i}", column(after + gone), column(before + gone)))
    return lines


def on_the_line(
    random: Random, n: int, truth: float, limit: float, margin: float, kind: str
) -> list[Line]:
    """A hand-drawn limit, and a system whose true value is ``truth``."""
    clusters = None
    if kind == "binary":
        values = random.random(n) < truth
    elif kind == "graded":
        values = random.beta(truth * 4, (1 - truth) * 4, n)
    else:
        group = np.repeat(np.arange(n // 5), 5)
        clusters = group.tolist()
        values = random.random(n) < random.beta(truth * 4, (1 - truth) * 4, n // 5)[group]
    return [Line("passed", column(values), clusters=clusters, limit=limit, margin=margin)]


def tolerated(random: Random, n: int, drop: float, margin: float) -> list[Line]:
    """A true drop, and a margin that tolerates some."""
    (line,) = pair(random, n, 0.8, drop)
    return [Line("passed", line.candidate, line.baseline, margin=margin)]


# --- measuring -------------------------------------------------------------------------------


def answers(world: World, sims: int, seed: int = 0) -> Counter[str]:
    """How often the gate gave each answer."""
    found: Counter[str] = Counter()
    for i in range(sims):
        lines = world.draw(np.random.default_rng([seed, i]))
        first = lines[0]
        verdict = judge(
            lines,
            level=LEVEL,
            tolerance=world.tolerance,
            outcome=first.candidate,
            outcome_before=first.baseline,
        )
        found[verdict.answer.value] += 1
    return found


def bound(rate: float, sims: int) -> float:
    return rate + 2.33 * math.sqrt(rate * (1 - rate) / sims)


def null_worlds() -> Iterator[World]:
    for n in (30, 100, 300, 1000):
        yield World(f"{n} cases, 80 % pass", lambda r, n=n: pair(r, n, 0.8))
    for mean in (0.2, 0.5, 0.97):
        yield World(f"300 cases, {mean:.0%} pass", lambda r, m=mean: pair(r, 300, m))
    yield World("30 cases, 97 % pass", lambda r: pair(r, 30, 0.97))
    for wrong in (0.05, 0.2):
        yield World(
            f"300 cases, judge wrong on {wrong:.0%}", lambda r, w=wrong: pair(r, 300, 0.8, wrong=w)
        )
    yield World("60 cases, 10 repeats that wobble together", lambda r: repeated(r, 60, 10, 0.15))
    yield World("30 documents, 10 questions each", lambda r: documents(r, 30, 10, 0.15))
    yield World("100 documents, 3 questions each", lambda r: documents(r, 100, 3, 0.15))
    yield World("100 graded scores", lambda r: graded(r, 100, 4, 0.15))
    yield World("100 graded scores near the top", lambda r: graded(r, 100, 30, 0.05))


def limit_worlds() -> Iterator[World]:
    for kind, n in (("binary", 30), ("binary", 300), ("graded", 100), ("grouped", 300)):
        for truth in (0.8, 0.95):
            name = f"{n} cases ({kind}), truth on the line of {truth:.0%}"
            draw = lambda r, k=kind, n=n, t=truth: on_the_line(r, n, t, t, 0.05, k)  # noqa: E731
            yield World(name, draw)
            name = f"{n} cases ({kind}), truth {truth:.0%}, a margin of 4 points below the line"
            draw = lambda r, k=kind, n=n, t=truth: on_the_line(r, n, t, t + 0.04, 0.04, k)  # noqa: E731
            yield World(name, draw, allowed={"pass": ALPHA})
    for n in (100, 500):
        both = {"pass": ALPHA, "regression": ALPHA}
        name = f"{n} cases, a drop of 5 points, 5 tolerated"
        yield World(name, lambda r, n=n: tolerated(r, n, 0.05, 0.05), allowed=both)


def family_worlds() -> Iterator[World]:
    for metrics in (1, 2, 5, 10, 20):
        yield World(
            f"{metrics} metrics and slices, 300 cases", lambda r, m=metrics: many(r, 300, m)
        )
    for metrics in (2, 5, 20):
        yield World(
            f"{metrics} metrics and slices, 300 cases, in a hierarchy",
            lambda r, m=metrics: in_order(many(r, 300, m)),
        )


def in_order(lines: list[Line]) -> list[Line]:
    """The lines as steps of a declared hierarchy."""
    return [replace(line, step=i) for i, line in enumerate(lines)]


def lossy(random: Random, share: float, where: str, side: str) -> list[Line]:
    """Equal runs of 500 cases, of which some are lost on one side or both."""
    n = 500
    p = rates(random, n, 0.8)
    before, after = asked(random, p), asked(random, p)
    order = {
        "random": random.random(n),
        "hard": p,
        "passing": -before.astype(float) - random.random(n) / 2,
    }[where]
    lost = np.zeros(n, bool)
    lost[np.argsort(order)[: round(share * n)]] = True
    one, other = (lost, None) if side == "candidate" else (None, lost)
    if side == "both":
        one = other = lost
    return [Line("passed", column(after, one), column(before, other))]


def error_worlds() -> Iterator[World]:
    for where in ("random", "hard", "passing"):
        for share in (0.01, 0.02, 0.03, 0.1, 0.3, 1.0):
            name = f"{share:.0%} of the candidate's cases erred ({where})"
            allowed = {"pass": 0.0} if share > 0.02 else {}
            yield World(
                name, lambda r, s=share, w=where: lossy(r, s, w, "candidate"), allowed=allowed
            )


def grader_worlds() -> Iterator[World]:
    for side in ("baseline", "both"):
        for share in (0.01, 0.06, 0.2):
            name = f"{share:.0%} ungraded ({side})"
            allowed = {"pass": 0.0} if share > 0.02 else {}
            yield World(name, lambda r, s=share, d=side: lossy(r, s, "random", d), allowed=allowed)
    name = "6 % ungraded in the baseline, 30 % tolerated"
    draw = lambda r: lossy(r, 0.06, "random", "baseline")  # noqa: E731
    yield World(name, draw, tolerance=0.3, allowed={"pass": 0.0})


def lucky(random: Random, runs: int) -> list[Line]:
    """An unchanged system, compared with the best of several runs of it."""
    p = rates(random, 300, 0.8)
    best = max((asked(random, p) for _ in range(runs)), key=np.sum)
    return [Line("passed", column(asked(random, p)), column(best))]


def lucky_worlds() -> Iterator[World]:
    for runs in (1, 2, 3, 5):
        yield World(
            f"baseline = best of {runs}, 300 cases", lambda r, k=runs: lucky(r, k), allowed={}
        )


def few_cases() -> Iterator[tuple[int, str, set[str]]]:
    """Every number of cases from 1 to 10, the most telling outcomes there are: what the gate answers."""
    for n in range(1, 11):
        ones, zeros = np.ones(n), np.zeros(n)
        told = {
            "all broken": Line("passed", column(zeros), column(ones)),
            "all mended": Line("passed", column(ones), column(zeros)),
            "all the same": Line("passed", column(ones), column(ones)),
            "a limit of 90 %, all right": Line("passed", column(ones), limit=0.9),
            "a limit of 90 %, all wrong": Line("passed", column(zeros), limit=0.9),
        }
        for what, line in told.items():
            yield n, what, {judge([line], level=LEVEL).answer.value}


def stated_cases(seed: int = 1) -> dict[float, int]:
    """What the tool itself says that drops of 10, 5 and 3 points cost, after an A/A test of the simulated system."""
    random = np.random.default_rng(seed)
    p = rates(random, FLIP_CASES, 0.8)
    names = [f"c{i}" for i in range(FLIP_CASES)]
    runs = [dict(zip(names, asked(random, p).astype(float), strict=True)) for _ in range(FLIP_RUNS)]
    found = measure_noise(runs, {}, LEVEL)
    print(
        f"\nAn A/A test finds that {found.flip_rate:.1%} of the cases flip between two equal runs.\n"
    )
    return {float(drop): n for drop, n in found.cases_for.items()}


# --- tables ----------------------------------------------------------------------------------


def table(title: str, worlds: Sequence[World], sims: int) -> bool:
    """Print one table; whether every rate is within its bound."""
    print(f"\n### {title} ({sims} simulations each)\n")
    print("| world | regression | pass | inconclusive | incomplete | bound kept |")
    print("|---|---|---|---|---|---|")
    fine = True
    for world in worlds:
        found = answers(world, sims)
        broken = [n for n, rate in world.allowed.items() if found[n] / sims > bound(rate, sims)]
        fine = fine and not broken
        cells = [f"{found[answer] / sims:.1%}" for answer in order()]
        kept = "no: " + ", ".join(broken) if broken else "yes" if world.allowed else ""
        print(f"| {world.name} | {' | '.join(cells)} | {kept} |", flush=True)
    return fine


def order() -> list[str]:
    return [
        a.value for a in (Answer.REGRESSION, Answer.PASS, Answer.INCONCLUSIVE, Answer.INCOMPLETE)
    ]


def power_table(sims: int) -> bool:
    print(f"\n### G2: true drops at the number of cases the tool states ({sims} simulations each)")
    stated = stated_cases()
    print("| true drop | cases stated | found | at least 77 % |")
    print("|---|---|---|---|")
    fine = True
    for drop, n in stated.items():
        found = (
            answers(World("", lambda r, n=n, d=drop: pair(r, n, 0.8, d)), sims)["regression"] / sims
        )
        fine = fine and found >= 0.77
        print(
            f"| {100 * drop:g} points | {n} | {found:.1%} | {'yes' if found >= 0.77 else 'no'} |",
            flush=True,
        )
    return fine


def few_table() -> bool:
    found = list(few_cases())
    wrong = [(n, what) for n, what, answer in found if answer != {"inconclusive"}]
    print("\n### G4: 1 to 10 cases\n")
    print(
        f"{len(found)} situations, {len(found) - len(wrong)} inconclusive, {len(wrong)} pass or regression."
    )
    return not wrong


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--sims", type=int, default=2000)
    parser.add_argument("--only", help="one table: G1, limits, G2, G3, G4, G5, G6 or G8")
    given = parser.parse_args()
    sims, half = given.sims, max(1, given.sims // 2)
    parts: dict[str, Callable[[], bool]] = {
        "G1": lambda: table("G1: nothing changed", list(null_worlds()), sims),
        "limits": lambda: table(
            "Limits and margins, the truth on the edge", list(limit_worlds()), sims
        ),
        "G2": lambda: power_table(half),
        "G3": lambda: table("G3: several metrics, nothing changed", list(family_worlds()), sims),
        "G4": few_table,
        "G5": lambda: table(
            "G5: errors, nothing else changed", list(error_worlds()), max(1, sims // 10)
        ),
        "G6": lambda: table("G6: ungraded cases", list(grader_worlds()), max(1, sims // 10)),
        "G8": lambda: table("G8: what a chosen baseline does", list(lucky_worlds()), sims),
    }
    began = time.perf_counter()
    fine = [part() for name, part in parts.items() if given.only in (None, name)]
    print(
        f"\n{time.perf_counter() - began:.0f} s, {'every' if all(fine) else 'NOT every'} bound kept"
    )
    return 0 if all(fine) else 1


if __name__ == "__main__":
    sys.exit(main())
