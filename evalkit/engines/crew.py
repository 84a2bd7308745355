"""Workers over the shares of a suite: every share is asked by one at a time, and goes on with another where that one dies."""

from __future__ import annotations

import json
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from evalkit import errors
from evalkit.engines.folders import spent
from evalkit.engines.limits import Limits
from evalkit.engines.order import Order
from evalkit.engines.progress import Shown
from evalkit.engines.share import ShardWorker, scored
from evalkit.errors import BudgetExceeded, EvalkitError, SharesMissing

ATTEMPTS = 3  # workers that may die over one share
POLL = 0.25  # seconds between looks at the workers
PAUSE = 1.0  # seconds before a share is begun again
LONGEST = 200  # characters of why a worker died
GRACE = 8.0  # seconds that interrupted workers are waited for
KINDS = (
    *("InvalidInput", "NothingToDo", "Busy", "StorageError", "EndpointUnusable"),
    *("BudgetExceeded", "UsageError"),
)


@dataclass(frozen=True, slots=True)
class Task:
    """A share to be asked: its limits for this run, and what it had spent before."""

    order: Order
    limits: Limits
    before: tuple[int, float]
    attempt: int = 1
    not_until: float = 0.0

    def text(self) -> str:
        """The order, with what its limits leave."""
        calls, cost = spent(Path(self.order.folder))
        left = self.limits.less(calls - self.before[0], cost - self.before[1])
        settings = {**self.order.settings, **left.settings()}
        return replace(self.order, settings=settings).text()


@dataclass(frozen=True, slots=True)
class Busy:
    """A worker under way: the task, the actor, and its next report."""

    task: Task
    actor: Any
    report: Any


class Crew:
    """The workers of a run. ``ended`` are the errors of shares by their name, None for one that was asked to its end.

    ``cut`` says that a limit kept some of them from asking again what was to be asked again.
    """

    def __init__(self, ray: Any, at_once: int, seen: Path, shown: Shown) -> None:
        self.ray, self.at_once, self.seen, self.shown = ray, at_once, str(seen), shown
        self.ended: dict[str, EvalkitError | None] = {}
        self.cut = False
        self._waiting: deque[Task] = deque()
        self._busy: dict[Any, Busy] = {}
        self._idle: list[Any] = []
        self._scoring: dict[Any, str] = {}
        self._actor = ray.remote(ShardWorker).options(
            num_cpus=0, max_concurrency=4, max_restarts=0, scheduling_strategy="SPREAD"
        )
        self._score = ray.remote(scored).options(num_cpus=1, max_retries=ATTEMPTS - 1)

    def work(self, tasks: Sequence[Task]) -> None:
        """Ask every share and score it; returns when all have ended, each in its own way."""
        self._waiting.extend(tasks)
        try:
            while self._waiting or self._busy:
                self._begin()
                self._look()
            while self._idle:
                self.ray.kill(self._idle.pop())
            self.shown.scoring(len(self._scoring))
            while self._scoring:
                self._look_at_scores()
        except BaseException:
            self._stop()
            raise
        finally:
            self.shown.done()

    # asking

    def _begin(self) -> None:
        """Give waiting shares to free workers; after an error that all would meet, begin none."""
        if any(error is not None and _for_all(error) for error in self.ended.values()):
            self._waiting.clear()
            for busy in self._busy.values():
                busy.actor.stop.remote()
        now = time.monotonic()
        for task in [t for t in self._waiting if t.not_until <= now]:
            if len(self._busy) >= self.at_once:
                return
            self._waiting.remove(task)
            actor = self._idle.pop() if self._idle else self._actor.remote()
            ref = actor.ask.remote(task.text(), self.seen)
            self._busy[ref] = Busy(task, actor, actor.fetch.remote())

    def _look(self) -> None:
        """Take note of workers that have ended, and of what the others tell."""
        if not self._busy:
            time.sleep(POLL)  # all wait to be begun again
            return
        ended, _ = self.ray.wait(list(self._busy), num_returns=len(self._busy), timeout=POLL)
        for ref, busy in list(self._busy.items()):
            self._hear(ref, busy, last=ref in ended)
        for ref in ended:
            self._end(self._busy.pop(ref), self._answer(ref))

    def _hear(self, ref: Any, busy: Busy, *, last: bool) -> None:
        """Show what a worker reports; of one that has ended, everything that it still has to tell."""
        name = busy.task.order.shard
        ready, _ = self.ray.wait([busy.report], timeout=GRACE if last else 0)
        if not ready:
            return
        more = self._told(name, busy.report)
        while last and more:
            more = self._told(name, busy.actor.fetch.remote())
        if not last:
            self._busy[ref] = replace(busy, report=busy.actor.fetch.remote())

    def _told(self, name: str, report: Any) -> bool:
        """Whether a report told anything; a worker that has died tells nothing any more."""
        try:
            return self.shown.told(name, json.loads(self.ray.get(report, timeout=GRACE)))
        except self.ray.exceptions.RayError:
            return False

    def _answer(self, ref: Any) -> EvalkitError | str | None:
        """How a worker ended: an error it met, why it died, or None where all went well."""
        try:
            told = self.ray.get(ref)
        except self.ray.exceptions.RayError as error:
            return _why(error)
        self.cut |= bool(json.loads(told).get("cut"))
        return revived(told)

    def _end(self, busy: Busy, how: EvalkitError | str | None) -> None:
        task, name = busy.task, busy.task.order.shard
        if isinstance(how, errors.Busy):  # the one before it is still dying
            how = str(how)
        if not isinstance(how, str):
            self._idle.append(busy.actor)
            self.ended[name] = how
            self.shown.ended(name, how)
            if how is None:
                self._scoring[self._score.remote(task.order.text())] = name
            return
        self.ray.kill(busy.actor)
        if task.attempt >= ATTEMPTS:
            self.ended[name] = SharesMissing(f"its worker ended {ATTEMPTS} times, at last: {how}")
            self.shown.ended(name, self.ended[name])
            return
        again = task.attempt + 1
        self.shown.say(
            f"shard {name}: its worker ended ({how}); it goes on with another, number {again} of {ATTEMPTS}"
        )
        self._waiting.append(replace(task, attempt=again, not_until=time.monotonic() + PAUSE))

    # scoring

    def _look_at_scores(self) -> None:
        ended, _ = self.ray.wait(list(self._scoring), timeout=1.0)
        for ref in ended:
            name, how = self._scoring.pop(ref), self._answer(ref)
            if how is not None:  # its answers are there: the whole is scored all the same
                self.shown.say(f"shard {name}: its own report could not be made: {how}")
            self.shown.scored()

    # the end

    def _stop(self) -> None:
        """Interrupted: let the workers end in order, then end them."""
        for busy in self._busy.values():
            busy.actor.stop.remote()
        if self._busy:
            self.ray.wait(list(self._busy), num_returns=len(self._busy), timeout=GRACE)
        for busy in self._busy.values():
            self.ray.kill(busy.actor)


def revived(text: str) -> EvalkitError | None:
    """The error that a worker told of as JSON; None where there was none."""
    told: Mapping[str, str] | None = json.loads(text).get("error")
    if told is None:
        return None
    made: Callable[[str], EvalkitError] = (
        getattr(errors, told["kind"]) if told["kind"] in KINDS else EvalkitError
    )
    return made(told["message"])


def _for_all(error: EvalkitError) -> bool:
    """Whether every other share would meet the same error."""
    return not isinstance(error, (BudgetExceeded, SharesMissing))


def _why(error: Exception) -> str:
    """Why a worker died, in one line."""
    cause = getattr(error, "cause", None)
    if isinstance(cause, Exception):  # it did not die: something was raised in it
        return " ".join(f"{type(cause).__name__}: {cause}".split())[:LONGEST]
    _, found, detail = " ".join(str(error).split()).partition("Worker exit detail: ")
    return (detail if found else type(error).__name__)[:LONGEST]
