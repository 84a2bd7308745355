"""What the command line shows: progress while a run goes on, and the result as tables."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from evalkit.budget import money
from evalkit.pages.ended import extent
from evalkit.pages.wording import shortened, visible
from evalkit.records import Interval, Trace
from evalkit.story import Parts, Story
from evalkit.story import wide_console as wide_console  # noqa: PLC0414 (whoever prints takes it from here)
from evalkit.symptoms import left_out
from evalkit.watch import Watcher

if TYPE_CHECKING:
    from evalkit.api import Run
    from evalkit.diagnosis import SystemDiagnosis

LONGEST = 100  # characters of a word (an id has no spaces) that a line shows
UNKNOWNS = 4  # open questions told
FEW = 10  # cases below which a rate says how many it rests on
COMMAND = re.compile(r"^\s*::|##(?=\w*\[)")  # what a CI that reads the log takes for an instruction
SIDE_BY_SIDE = 6  # systems that fit beside each other in a table
PLAIN_SECONDS = 5.0  # between progress lines where there is no terminal


class Progress(Watcher):
    """Progress on stderr: done of total, rate, time left, errors, tokens and cost; plain lines off a terminal."""

    def __init__(self) -> None:
        self.console = Console(stderr=True)
        self.bar: Any = None
        self.task: Any = None
        self._reset("", 0)

    def _reset(self, stage: str, total: int) -> None:
        self.stage, self.total, self.count = stage, total, 0
        self.errors, self.tokens, self.cost = 0, 0, 0.0
        self.began = self.told = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stop()

    def start(self, stage: str, total: int) -> None:
        """A stage of ``total`` steps begins."""
        self._stop()
        self._reset(stage, total)
        if total and self.console.is_terminal:
            from rich import progress

            self.bar = progress.Progress(
                progress.TextColumn("{task.description}"),
                progress.BarColumn(),
                progress.MofNCompleteColumn(),
                progress.TimeRemainingColumn(),
                progress.TextColumn("{task.fields[note]}"),
                console=self.console,
                transient=True,
            )
            self.bar.start()
            self.task = self.bar.add_task(stage, total=total, note="")

    def step(self, trace: Trace | None = None) -> None:
        """One more step is done."""
        self.count += 1
        self.total = max(self.total, self.count)  # how much probes will ask is not known before
        if trace is not None:
            self._account(trace)
        if self.bar is not None:
            self.bar.update(self.task, advance=1, total=self.total, note=self._note())
        elif time.monotonic() - self.told >= PLAIN_SECONDS:
            self.told = time.monotonic()
            self.console.print(self._line(), markup=False, highlight=False)

    def _account(self, trace: Trace) -> None:
        self.errors += trace.error is not None
        self.tokens += (trace.usage.prompt_tokens or 0) + (trace.usage.completion_tokens or 0)
        self.cost += trace.usage.cost or 0.0

    def _note(self) -> str:
        rate = self.count / max(1e-9, time.monotonic() - self.began)
        parts = [f"{rate:.0f}/s" if rate >= 1 else f"{60 * rate:.0f}/min"]
        if self.errors:
            parts.append(f"{self.errors} errors")
        if self.tokens:
            parts.append(f"{self.tokens:,} tokens")
        if self.cost:
            parts.append(f"cost {money(self.cost)}")
        return " · ".join(parts)

    def _line(self) -> str:
        spent = time.monotonic() - self.began
        left = spent / max(1, self.count) * (self.total - self.count)
        told = f"{left:.0f} s left" if self.total > self.count else "no telling how long still"
        return f"{self.stage}: {self.count} of {self.total} ({self._note()}), {told}"

    def say(self, text: str) -> None:
        """One line, above the bar where there is one."""
        shown = "\n".join(
            COMMAND.sub(lambda m: " ".join(m[0]), line) for line in visible(text).split("\n")
        )
        self.console.print(shown, markup=False, highlight=False, soft_wrap=True)

    def done(self) -> None:
        """The stage is over; a long one leaves a line behind."""
        self._stop()
        if self.total and time.monotonic() - self.began > PLAIN_SECONDS:
            seconds = time.monotonic() - self.began
            line = f"{self.stage}: {self.count} in {seconds:.0f} s ({self._note()})"
            self.console.print(line, markup=False, highlight=False)

    def _stop(self) -> None:
        if self.bar is not None:
            self.bar.stop()
            self.bar = None


def show_run(run: Run, page: Path, story: Parts | None = None) -> int:
    """Print the result of a run, into ``story`` too; the exit code: 0, or 12 when errors are above the suite's tolerance."""
    from evalkit.report import verdict_of
    from evalkit.summarise import warnings_of

    console = Story(wide_console(), [] if story is None else story)
    for line in _answer_lines(run):
        console.print(line, markup=False, highlight=False)
    console.print()
    console.print(_systems_table(run))
    console.print()
    if len(run.systems) <= SIDE_BY_SIDE:
        console.print(_symptoms_table(run))
    for name, found in run.systems.items():
        warned = int(found.ledger.findings.outcome.are("warn").sum())
        if warned:
            cases = "case passes" if warned == 1 else "cases pass"
            console.print(
                f"{plain(name)}: {warned} {cases} with a warning (right, but not from its evidence)",
                markup=False,
            )
    _show_brought(console, run)
    console.print()
    for line in _judge_lines(run):
        console.print(plain(line), markup=False, highlight=False)
    for warning in (*run.suite.warnings[:3], *warnings_of(run.suite, run.systems)):
        console.print(f"warning: {plain(warning)}", markup=False)
    console.print(f"Report: {page.resolve()}", markup=False, highlight=False)
    return int(verdict_of(run)["exit_code"])


def _answer_lines(run: Run) -> list[str]:
    """The answer first, as the report has it: what fails, whose fault, how sure, what to do, what is open."""
    from evalkit.pages.story import outline, story_of

    story = story_of(run, outline(run), run.diagnosis())
    head = story.headline["incomplete"]
    told = [f"{head}."] if head else []
    title = story.headline["title"].removeprefix(f"{head}. ")
    told.append(f"{run.suite.name}: {title}")
    told += [f"{a['question']}: {a['said'].rstrip('.')}." for a in story.headline["answers"]]
    told += [f"- {one['text']} {one['settle']}" for one in story.unknowns[:UNKNOWNS]]
    return [plain(line) for line in told]


def _judge_lines(run: Run) -> list[str]:
    """What judging took, and rates freed from the judge's errors; nothing where evalkit's own judge graded alone."""
    from evalkit.judging.judged import judge_lines

    return judge_lines(run.judged.block().get("judge")) if run.judged is not None else []


def _show_brought(console: Story, run: Run) -> None:
    """The metrics that the judge brings, if it brings any: their means in each system."""
    from evalkit.judging.brought import brought_rows

    rows = brought_rows(run)
    if rows:
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
        for name in ("metric of the judge", *run.systems):
            table.add_column(escape(plain(name)), no_wrap=True)
        for row in rows:
            table.add_row(*(escape(plain(cell)) for cell in row))
        console.print()
        console.print(table)


def plain(text: str) -> str:
    """Foreign text on one line: hidden characters shown, long words (such as ids) shortened, no command to a CI."""
    line = " ".join(shortened(word, LONGEST) for word in visible(text).split())
    return COMMAND.sub(lambda found: " ".join(found[0]), line)


def _systems_table(run: Run) -> Table:
    """One row a system: what passes, what leads the failures, how sure."""
    title = f"{run.suite.name}: {extent(run)}"
    table = Table(
        title=escape(plain(title)),
        title_justify="left",
        box=None,
        pad_edge=False,
        padding=(0, 2, 0, 0),
    )
    for name in ("system", "approach", "passed", "pass rate", f"R@{run.suite.k}", "leading cause"):
        table.add_column(name, no_wrap=name != "leading cause")
    table.add_column("share of failures", no_wrap=True)
    for name, found in run.systems.items():
        table.add_row(*(escape(plain(cell)) for cell in _row(name, found, run.suite.k)))
    return table


def rate_of(rate: Interval) -> str:
    """A rate with its bounds, and of how many cases where these are few."""
    few = f" ({rate.n} case{'s' * (rate.n != 1)})" if rate.n < FEW else ""
    return f"{percent(rate)}{few}"


def _symptoms_table(run: Run) -> Table:
    """One row a symptom: its rate in each system, or why nobody measured it."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("symptom", no_wrap=True)
    for name in run.systems:
        table.add_column(escape(plain(name)), no_wrap=True)
    measured = zip(*(found.symptoms for found in run.systems.values()), strict=True)
    reasons = []
    for symptoms in measured:
        cells = [rate_of(s.rate) if s.rate else "not measured" for s in symptoms]
        table.add_row(escape(plain(symptoms[0].rule.id)), *cells)
        reasons += [
            f"{s.rule.id} of {name}: {left_out(s.undecided)}"
            for name, s in zip(run.systems, symptoms, strict=True)
            if s.undecided
        ]
        if all(s.rate is None for s in symptoms):
            reasons.append(f"{symptoms[0].rule.id}: {symptoms[0].not_measured}")
    if reasons:
        table.caption = "Not measured: " + "; ".join(escape(plain(reason)) for reason in reasons)
        table.caption_justify = "left"
    return table


def _row(name: str, found: SystemDiagnosis, k: int) -> list[str]:
    cause, share = "none", "-"
    if found.causes:
        cause, (n, interval) = next(iter(found.causes.items()))
        share = f"{percent(interval)} ({n}/{found.counts['failed'] + found.counts['errors']})"
    passed = f"{found.counts['passed']}/{found.due}"
    return [
        name,
        found.graded.approach.value,
        passed,
        percent(found.pass_rate),
        _recall(found, k),
        cause,
        share,
    ]


def _recall(found: SystemDiagnosis, k: int) -> str:
    """Mean over cases of the ``as_is`` answers, repeats averaged first."""
    column = found.ledger.columns.get(f"R@{k}")
    if column is None:
        return "n/a"
    means, _ = found.ledger.by_case(column)
    known = means[~np.isnan(means)]
    return f"{known.mean():.2f}" if len(known) else "n/a"


def percent(found: Interval | None) -> str:
    """A share with its interval, as people read it."""
    if found is None:
        return "n/a"
    return f"{100 * found.value:.0f} % [{100 * found.low:.0f}, {100 * found.high:.0f}]"


def show_verdict(run: Run) -> int:
    """Say what keeps a run from being complete; the exit code as in verdict.json."""
    from evalkit.pages.ended import incomplete
    from evalkit.report import verdict_of

    told = incomplete(run)
    if told:
        wide_console().print(f"{plain(told)}.", markup=False, highlight=False)
    return int(verdict_of(run)["exit_code"])


def show_scores(run: Run) -> None:
    """Print every metric of every system: mean, interval, and how many cases were scored of those due."""
    console = wide_console()
    for name, system in run.summary()["systems"].items():
        title = escape(plain(name))
        table = Table(title=title, title_justify="left", box=None, padding=(0, 2, 0, 0))
        for column in ("metric", "mean", "95 % interval", "scored / due"):
            table.add_column(column)
        for metric, cell in system["metrics"].items():
            if cell["mean"] is not None:
                bounds = "" if cell["low"] is None else f"{cell['low']:.3f} .. {cell['high']:.3f}"
                table.add_row(
                    escape(plain(metric)),
                    f"{cell['mean']:.3f}",
                    bounds,
                    f"{cell['scored']} / {cell['due']}",
                )
        console.print(table)
