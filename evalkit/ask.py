"""Stage 2, Suite x System -> traces: every case is asked, and every answer stored as it comes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Coroutine, Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from functools import partial
from operator import attrgetter
from typing import Any, TypeVar

from evalkit.budget import Budget
from evalkit.cache import Asked, Cache
from evalkit.errors import EndpointUnusable, EvalkitError, SystemFailed
from evalkit.pool import GRACE, calm, each_until
from evalkit.records import (
    AS_IS,
    Capability,
    Case,
    Failure,
    Outcome,
    Question,
    Seconds,
    Suite,
    System,
    Trace,
)
from evalkit.resending import RESEND, WAY, NotAgain, Way
from evalkit.store import Key, Store

CROWD = 200  # calls at a time with which as many answers again wait for the disk: in a burst each waits for all
Result = TypeVar("Result")
_of_outcome = attrgetter(*(field.name for field in fields(Outcome)))  # a Trace's first fields


@dataclass(frozen=True, slots=True)
class Job:
    """One question to one system."""

    system: System
    case: Case
    repeat: int

    @property
    def key(self) -> Key:
        """Under which the answer is stored."""
        return self.system.name, self.case.id, AS_IS, self.repeat


def plan(
    systems: Sequence[System], cases: Sequence[Case], repeats: int, done: set[Key]
) -> Iterator[Job]:
    """The jobs still to do: repeats outermost, so that an early stop leaves every case asked once."""
    for repeat in range(repeats):
        for case in cases:
            for system in systems:
                job = Job(system, case, repeat)
                if job.key not in done:
                    yield job


def answered_of(
    store: Store, jobs: Sequence[Job], answered: int, only: Collection[str] | None = None
) -> tuple[int, int]:
    """How many questions of a run (of some cases) are answered, and how many there are; ``answered`` are of ``jobs``."""
    asked = {job.key for job in jobs}
    before = {k for k in store.done() if k[2] == AS_IS and (only is None or k[1] in only)}
    return answered + len(before - asked), len(before | asked)


class Calls:
    """Puts questions: each is noted in the store before it goes out, its answer before the next one does.

    What the cache has the answer to need not be put. A call that has to be made again counts against ``budget``.
    At most ``places`` are under way at a time; ``workers`` are how many that keeps busy, while answers are on their way to
    the disk.
    """

    def __init__(
        self,
        store: Store,
        cache: Cache | None = None,
        budget: Budget | None = None,
        places: int = 8,
    ) -> None:
        self.store, self.cache, self.budget = store, cache, budget
        self.workers = places + places**2 // CROWD
        self._places = asyncio.Semaphore(places)

    def holds(self, asked: Asked) -> bool:
        """Whether the cache has an answer, as far as can be told without reading it."""
        return self.cache is not None and self.cache.holds(asked)

    async def recall(self, asked: Asked) -> Trace | None:
        """The cache's answer, stored; None where it has none."""
        kept = self.cache.get(asked) if self.cache is not None else None
        if kept is None:
            return None
        trace = file_under(kept, asked.key)
        await self.store.put(trace)
        return trace

    async def answer(
        self, asked: Asked, put: Callable[[], Awaitable[Outcome]], *, wait: bool = True
    ) -> Trace | None:
        """The answer, stored; ``put`` asks the system. None where a limit forbids to ask it, or to ask it again.

        Without ``wait`` it is on its way to the disk, and there before the next intent is: whoever puts another
        question, or waits for ``store.written``, waits for it.
        """
        attempt = await self.store.begin(asked.key, asked.calls)
        if not await self._place(attempt):
            return None
        try:
            outcome = await self._put(put, attempt, asked.key)
        finally:
            self._places.release()
        if outcome is None:
            return None
        trace = file_under(outcome, asked.key)
        written = self.store.hand_in(trace, attempt)
        if wait:
            await written
        if self.cache is not None:
            self.cache.put(asked, trace)
        return trace

    async def _put(
        self, put: Callable[[], Awaitable[Outcome]], attempt: int, key: Key
    ) -> Outcome | None:
        """What the system says; an attempt that ends without that is booked."""
        way = Way()
        before = RESEND.set(partial(self._resend, key)), WAY.set(way)
        try:
            return await guarded(put())
        except NotAgain as error:
            await self._over(attempt, way, lost=error.lost)
            return None
        except EvalkitError as error:  # it ends the run; the call was refused, or never answered
            lost = isinstance(error, EndpointUnusable) and error.lost
            await self._over(attempt, way, lost=lost)
            raise
        except asyncio.CancelledError:
            if way.rests:
                self._over(attempt, way, lost=False)
            raise
        finally:
            RESEND.reset(before[0])
            WAY.reset(before[1])

    def _over(self, attempt: int, way: Way, *, lost: bool) -> asyncio.Future[None]:
        """Book an attempt without an answer, which is none where no call was made."""
        if way.made or lost:
            return self.store.fail(attempt, lost=lost)
        return self.store.withdraw(attempt)

    async def _place(self, attempt: int) -> bool:
        """Wait until one more call may be under way; False, and the attempt is none, where no more may be begun."""
        try:
            await self._places.acquire()
        except asyncio.CancelledError:
            self.store.withdraw(attempt)
            raise
        if self.budget is None or self.budget.goes_on:
            return True
        self._places.release()
        self.store.withdraw(attempt)
        return False

    async def _resend(self, key: Key, kind: str, lost: bool) -> None:  # noqa: FBT001 (as ``Resend`` has it)
        if self.budget is not None and not self.budget.again(lost=lost):
            raise NotAgain(lost=lost)
        await self.store.resend(key, kind, lost=lost)


async def ask_all(
    suite: Suite,
    jobs: Iterable[Job],
    calls: Calls,
    *,
    seed: int = 0,
    on_trace: Callable[[Trace], None] | None = None,
) -> None:
    """Ask every job's question and store the answer before its worker takes the next job."""

    async def ask_one(job: Job) -> None:
        asked = asked_of(job, suite, seed)
        trace = await calls.answer(asked, lambda: ask(job.system, asked.question), wait=False)
        if on_trace is not None and trace is not None:
            on_trace(trace)

    with calm():
        await each_until(EndpointUnusable, jobs, ask_one, calls.workers)
        await calls.store.written()


def asked_of(job: Job, suite: Suite, seed: int) -> Asked:
    """A job as the question that is put."""
    return Asked(job.system, job.key, "ask", question_of(job, suite, seed))


def question_of(job: Job, suite: Suite, seed: int) -> Question:
    """What the system may know of a case: everything but the labels.

    A retriever alone is asked for the whole candidate pool, so that "found, but ranked low" shows.
    """
    whole = Capability.ASK in job.system.capabilities
    return Question(
        query=job.case.query,
        messages=job.case.messages,
        inputs=job.case.inputs,
        principal=job.case.principal,
        repeat=job.repeat,
        k=suite.k if whole else suite.pool,
        seed=seed,
    )


def ask(system: System, question: Question) -> Awaitable[Outcome]:
    """The system's own answer; of a retriever alone, what it finds. May raise what the system raises."""
    return (
        system.ask(question) if Capability.ASK in system.capabilities else _find(system, question)
    )


async def _find(system: System, question: Question) -> Outcome:
    started = time.perf_counter()
    passages = await system.retrieve(question)
    seconds = time.perf_counter() - started
    return Outcome(retrieved=passages, seconds=Seconds(retrieval=seconds, total=seconds))


async def guarded(work: Awaitable[Outcome]) -> Outcome:
    """What a system raises as the outcome's error; what evalkit refuses is raised."""
    started = time.perf_counter()
    try:
        return await work
    except SystemFailed as error:
        return Outcome(error=error.failure, seconds=Seconds(total=time.perf_counter() - started))
    except EvalkitError:
        raise
    except Exception as error:  # noqa: BLE001 (foreign code: a system may be anybody's)
        failure = Failure("exception", f"{type(error).__name__}: {error}")
        return Outcome(error=failure, seconds=Seconds(total=time.perf_counter() - started))


def file_under(outcome: Outcome, key: Key) -> Trace:
    """The outcome as the trace of one case, condition and repeat."""
    filed: tuple[Any, ...] = (*_of_outcome(outcome), *key)
    return Trace(*filed)


async def in_order(work: Coroutine[Any, Any, Result], budget: Budget) -> Result:
    """Await ``work``; when interrupted let it begin no further call, and wait ``GRACE`` for the answers under way."""
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        budget.stop()
        await asyncio.wait([task], timeout=GRACE)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        raise
