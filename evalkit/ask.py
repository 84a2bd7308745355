"""Stage 2, Suite x System -> traces: every case is asked, and every answer stored as it comes."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, fields

from evalkit.errors import EvalkitError, SystemFailed
from evalkit.pool import each
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
from evalkit.store import Key, Store


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


async def ask_all(
    suite: Suite,
    jobs: Iterable[Job],
    store: Store,
    *,
    concurrency: int = 8,
    seed: int = 0,
    on_trace: Callable[[Trace], None] | None = None,
) -> None:
    """Ask every job's question and store the answer before its worker takes the next job."""

    async def ask_one(job: Job) -> None:
        outcome = await guarded(ask(job.system, question_of(job, suite, seed)))
        trace = file_under(outcome, job.key)
        await store.put(trace)
        if on_trace is not None:
            on_trace(trace)

    await each(jobs, ask_one, concurrency)


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


async def ask(system: System, question: Question) -> Outcome:
    """The system's own answer; of a retriever alone, what it finds. May raise what the system raises."""
    if Capability.ASK in system.capabilities:
        return await system.ask(question)
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
    given = {f.name: getattr(outcome, f.name) for f in fields(Outcome)}
    system, case_id, condition, repeat = key
    return Trace(**given, system=system, case_id=case_id, condition=condition, repeat=repeat)
