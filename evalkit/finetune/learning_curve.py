"""Would more training data help? The embedded stand-in is trained on growing parts of it and tested each time."""

from __future__ import annotations

import random
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from evalkit.adapters.local import build
from evalkit.errors import InvalidInput, NothingToDo
from evalkit.finetune.duplicates import held_out_cases
from evalkit.finetune.power_law import Fit, fit, gains
from evalkit.grade import grade
from evalkit.judge import judge_traces
from evalkit.outcome import deciding
from evalkit.records import Approach, Case, Interval, Outcome, Question, Suite, SystemSpec, Trace
from evalkit.stats.intervals import mean_interval
from evalkit.strict import read_text
from evalkit.tools import Tools
from evalkit.watch import Watcher

SIZES = 5
SEEDS = 3
SMALLEST = 16  # of the whole: the first part is a sixteenth
WORTH = 0.02  # gain in the pass rate, by doubling the data, that makes the effort worth while
NAME = "finetuned"
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Point:
    """One size: the pass rate and the mean of ``correct`` over its trainings, with the spread between them."""

    size: int
    trainings: int
    passed: Interval
    correct: float | None
    spread: float | None  # largest less smallest pass rate of the trainings; None for one training


@dataclass(frozen=True, slots=True)
class Curve:
    """The learning curve of the stand-in on one suite, and what it says about more data.

    ``doubling`` is the gain in the pass rate that twice the data would bring by the fit, with interval;
    ``verdict`` is more_data_helps, plateau or unclear. ``left_out`` counts trainings that time forbade.
    """

    suite: str
    rows: int
    cases: int
    points: tuple[Point, ...]
    fitted: Fit
    doubling: tuple[float, float, float]
    verdict: str
    seconds: float
    left_out: int

    @property
    def statement(self) -> str:
        """The verdict as a sentence."""
        gain, low, high = (100 * x for x in self.doubling)
        expected = f"doubling the {self.rows} rows would add {gain:.1f} points of pass rate [{low:.1f}, {high:.1f}]"
        return {
            "more_data_helps": f"More data helps: {expected}.",
            "plateau": f"A plateau is reached: {expected}. Better rows, another model or retrieval will do more than more rows.",
            "unclear": f"Unclear: {expected}; more test cases would tell.",
        }[self.verdict]

    def to_json(self) -> dict[str, Any]:
        """The content of learning_curve.json."""
        value, low, high = self.doubling
        return {
            "format": 1,
            "suite": self.suite,
            "system": "the embedded fine-tuned stand-in: how a model of yours learns may differ",
            "rows": self.rows,
            "cases": self.cases,
            "points": [asdict(point) for point in self.points],
            "fit": {**asdict(self.fitted), "formula": "1 - pass rate = floor + scale * n ** -rate"},
            "doubling": {"gain": value, "low": low, "high": high},
            "verdict": self.verdict,
            "statement": self.statement,
            "seconds": round(self.seconds, 1),
            "left_out": self.left_out,
        }


@dataclass(frozen=True, slots=True)
class _Training:
    """One training: how many rows, and per test case whether it passed and how right it was."""

    size: int
    passed: Floats
    correct: Floats


async def learning_curve(
    suite: Suite,
    tools: Tools,
    *,
    sizes: int = SIZES,
    seeds: int = SEEDS,
    max_seconds: float = 60.0,
    watch: Watcher | None = None,
) -> Curve:
    """Train on ``sizes`` growing parts, each ``seeds`` times (the whole once), and score on the test cases.

    All sizes are trained once before any is trained again, so that a curve is there when time runs out.
    Raises ``InvalidInput`` without a train file, ``NothingToDo`` with too few rows or cases.
    """
    rows, cases = _rows(suite), held_out_cases(suite)
    steps = _steps(len(rows), sizes)
    if len(steps) < 3 or not cases:
        raise NothingToDo(f"{suite.train}: a curve needs 24 rows at least, and test cases")
    plan = [(n, seed) for seed in range(seeds) for n in steps if seed == 0 or n < len(rows)]
    watcher, began = watch or Watcher(), time.monotonic()
    watcher.start("training", len(plan))
    done: list[_Training] = []
    with tempfile.TemporaryDirectory() as folder:
        for n, seed in plan:
            slowest = (time.monotonic() - began) / max(1, len(done))
            if len(done) >= len(steps) and time.monotonic() - began + slowest > max_seconds:
                break
            file = Path(folder) / f"{n}-{seed}.jsonl"
            part = random.Random(f"{seed} {n}").sample(rows, n) if n < len(rows) else rows
            file.write_text("\n".join(part), encoding="utf-8")
            done.append(await _trained(replace(suite, cases=cases, train=file), n, tools))
            watcher.step()
    watcher.done()
    return _curve(suite, cases, done, (len(rows), len(plan), time.monotonic() - began))


def _rows(suite: Suite) -> list[str]:
    if suite.train is None:
        raise InvalidInput("this suite names no train file", file=suite.folder, field="train")
    return [line for line in read_text(suite.train).split("\n") if line.strip()]


def _steps(rows: int, sizes: int) -> list[int]:
    """Growing parts, each the same multiple of the one before, from a sixteenth to the whole."""
    if rows < 24:
        return []
    return sorted({round(rows * SMALLEST ** (i / (sizes - 1) - 1)) for i in range(sizes)})


async def _trained(suite: Suite, size: int, tools: Tools) -> _Training:
    spec = SystemSpec(NAME, Approach.FINETUNED, "local", {}, suite.folder)
    system = build(spec, suite)
    try:
        traces = [_filed(await system.ask(_question(case, suite)), case) for case in suite.cases]
    finally:
        await system.aclose()
    cases = {case.id: case for case in suite.cases}
    evidence = await judge_traces(cases, traces, tools.judge)
    wanted = deciding(suite)
    metrics = [metric for metric in tools.metrics if metric.name in wanted]
    graded = grade(suite, NAME, Approach.FINETUNED, traces, evidence, metrics)
    return _Training(size, graded.outcomes.passed.values, graded.outcomes.correct.values)


def _question(case: Case, suite: Suite) -> Question:
    return Question(case.query, case.messages, case.inputs, case.principal, k=suite.k)


def _filed(outcome: Outcome, case: Case) -> Trace:
    seen = {field.name: getattr(outcome, field.name) for field in fields(Outcome)}
    return Trace(**seen, system=NAME, case_id=case.id)


def _curve(
    suite: Suite, cases: Sequence[Case], done: Sequence[_Training], spent: tuple[int, int, float]
) -> Curve:
    rows, planned, seconds = spent
    gradable = ~np.isnan(np.array([one.passed for one in done])).any(axis=0)
    if not gradable.any():
        raise NothingToDo("no test case could be graded")
    kept = [case for case, ok in zip(cases, gradable, strict=True) if ok]
    groups = [case.group or case.id for case in kept]
    passed = np.array([one.passed[gradable] for one in done])
    sizes = [float(one.size) for one in done]
    doubling = gains(sizes, 1 - passed, groups, 2.0 * rows)
    points = tuple(_points(done, passed, groups))
    fitted = fit(sizes, 1 - passed.mean(axis=1))
    verdict = _verdict(doubling)
    return Curve(
        *(suite.name, rows, len(kept), points, fitted, doubling, verdict, seconds),
        planned - len(done),
    )


def _points(done: Sequence[_Training], passed: Floats, groups: Sequence[str]) -> Iterator[Point]:
    for size in sorted({one.size for one in done}):
        where = [i for i, one in enumerate(done) if one.size == size]
        rates = [float(passed[i].mean()) for i in where]
        means = passed[where].mean(axis=0)
        interval = mean_interval(means, groups) or Interval(
            float(means.mean()), 0.0, 1.0, len(means)
        )
        right = [
            float(np.nanmean(done[i].correct)) for i in where if not np.isnan(done[i].correct).all()
        ]
        yield Point(
            size,
            len(where),
            interval,
            sum(right) / len(right) if right else None,
            max(rates) - min(rates) if len(rates) > 1 else None,
        )


def _verdict(doubling: tuple[float, float, float]) -> str:
    _, low, high = doubling
    if low >= WORTH:
        return "more_data_helps"
    return "plateau" if high < WORTH else "unclear"
