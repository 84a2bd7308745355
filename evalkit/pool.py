"""Bounded concurrency: a few workers over one iterator, so that a million jobs need no million tasks."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Any, TypeVar

Job = TypeVar("Job")
Result = TypeVar("Result")

GRACE = 3.0  # seconds that answers under way are waited for when a run ends before its time
YOUNG = 20_000  # new objects after which cycles are looked for among them, instead of 700


@contextmanager
def calm() -> Iterator[None]:
    """Meanwhile the garbage collector leaves alone what is there already, and looks at new objects less often.

    Otherwise it goes through all cases of a suite, and through the stacks of all workers, again and again. A program
    that has settings of its own keeps them.
    """
    before = gc.get_threshold()
    if not gc.isenabled() or gc.get_freeze_count() or not 0 < before[0] < YOUNG:
        yield
        return
    gc.freeze()
    gc.set_threshold(YOUNG, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()


async def each(jobs: Iterable[Job], do: Callable[[Job], Awaitable[None]], workers: int) -> None:
    """Await ``do(job)`` for every job, at most ``workers`` at a time; jobs are drawn as workers are free.

    The first exception stops the others and is raised as it is.
    """
    shared = iter(jobs)

    async def worker() -> None:
        for job in shared:
            await do(job)

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(workers):
                group.create_task(worker())
    except BaseExceptionGroup as errors:
        raise errors.exceptions[0] from None


async def each_until(
    ending: type[Exception],
    jobs: Iterable[Job],
    do: Callable[[Job], Awaitable[None]],
    workers: int,
) -> None:
    """The same, but after an exception that is ``ending`` those under way have ``GRACE`` seconds to end in order.

    No further job is drawn then.
    """
    first: Exception | None = None

    def left() -> Iterator[Job]:
        shared = iter(jobs)
        while first is None and (drawn := list(islice(shared, 1))):
            yield from drawn

    async def carefully(job: Job) -> None:
        nonlocal first
        try:
            await do(job)
        except ending as error:
            if first is None:
                first = error
                limit.reschedule(asyncio.get_running_loop().time() + GRACE)

    try:
        async with asyncio.timeout(None) as limit:
            await each(left(), carefully, workers)
    except TimeoutError:
        if first is None:
            raise
    if first is not None:
        raise first


def block_on(coroutine: Coroutine[Any, Any, Result], *, instead: str) -> Result:
    """Run a coroutine from blocking code; inside a running loop the async twin must be used ``instead``."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return _run(coroutine)
    coroutine.close()
    raise RuntimeError(f"an event loop is running here (a notebook?): use `await {instead}`")


def _run(coroutine: Coroutine[Any, Any, Result]) -> Result:
    kept: list[Result] = []

    async def keep() -> None:  # asyncio writes out what its main task returns, however long that is
        kept.append(await coroutine)

    asyncio.run(keep())
    return kept[0]
