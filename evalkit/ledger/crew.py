"""Has the parts of a large run graded, in processes beside this one or in this one."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

from evalkit.errors import EvalkitError, StorageError
from evalkit.inquiry import STEADY, Varies
from evalkit.ledger.memory import without_cycles
from evalkit.ledger.part import Bench, do_part
from evalkit.ledger.worker import STORAGE, means

MOST = 3  # processes
FRUGAL = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "1"}
LONGEST = 1 << 26  # bytes of a reply
FILED = 2  # parts whose answers are filed in one commit
PARTS_EACH = 64  # parts after which a process makes room for a fresh one: what it has remembered goes with it


class PartError(EvalkitError):
    """A process that grades parts has ended before its time."""


@dataclass(frozen=True, slots=True)
class Part:
    """Some of the cases in the order of their ids, and how far systems were seen to vary in other parts."""

    number: int
    start: int
    end: int
    elsewhere: Mapping[str, Varies]


def parts(cases: int, size: int) -> list[Part]:
    """All cases in parts of about ``size``."""
    starts = range(0, cases, size)
    return [Part(i, start, min(start + size, cases), {}) for i, start in enumerate(starts)]


async def in_this_process(
    bench: Bench, todo: Iterable[Part]
) -> AsyncGenerator[dict[str, Any], None]:
    """The replies of the parts, one after the other."""
    for part in todo:
        rows = bench.cases.places.by_id[part.start : part.end].tolist()
        with without_cycles():
            reply = await do_part(bench, part.number, rows, part.elsewhere)
        yield reply


async def in_processes(
    bench: Bench,
    order: Mapping[str, Any],
    todo: Sequence[Part],
    processes: int,
    file: Callable[[int, int], None] | None = None,
) -> AsyncGenerator[dict[str, Any], None]:
    """The replies of the parts as they come; ``file`` stores the answers to some cases before their parts are given out."""
    waiting = _Waiting()
    replies: asyncio.Queue[dict[str, Any] | BaseException] = asyncio.Queue(2 * processes)
    crew = [
        asyncio.create_task(_member(bench, order, waiting, replies))
        for _ in range(min(processes, len(todo)))
    ]
    crew.append(asyncio.create_task(_given_out(todo, waiting, replies, file)))
    try:
        for _ in todo:
            reply = await replies.get()
            if isinstance(reply, BaseException):
                raise reply
            yield reply
    finally:
        for member in crew:
            member.cancel()
        await asyncio.gather(*crew, return_exceptions=True)


class _Waiting:
    """The parts that can be graded, in their order."""

    def __init__(self) -> None:
        self._parts: asyncio.Queue[Part | None] = asyncio.Queue()

    def add(self, parts: Iterable[Part]) -> None:
        """More of them."""
        for part in parts:
            self._parts.put_nowait(part)

    def end(self) -> None:
        """There are no more to come."""
        self._parts.put_nowait(None)

    async def next(self) -> Part | None:
        """The next one; None where there are no more."""
        part = await self._parts.get()
        if part is None:
            self.end()  # for the others who wait
        return part


async def _given_out(
    todo: Sequence[Part],
    waiting: _Waiting,
    replies: asyncio.Queue[dict[str, Any] | BaseException],
    file: Callable[[int, int], None] | None,
) -> None:
    """Give out the parts, those whose answers have to be filed once they are."""
    try:
        for first in range(0, len(todo), FILED):
            some = todo[first : first + FILED]
            if file is not None:
                await _in_a_thread(file, some[0].start, some[-1].end)
            waiting.add(some)
        waiting.end()
    except (EvalkitError, OSError) as error:
        await replies.put(error)


async def _in_a_thread(file: Callable[[int, int], None], first: int, last: int) -> None:
    """File while replies are read; who is cancelled meanwhile waits for the store to be left in order."""
    await _to_its_end(asyncio.ensure_future(asyncio.to_thread(file, first, last)))


async def _to_its_end(work: asyncio.Future[Any]) -> None:
    """Wait for what must not be left halfway, also where whoever waits is cancelled."""
    try:
        await asyncio.shield(work)
    except asyncio.CancelledError:
        await asyncio.wait([work])
        raise


async def _member(
    bench: Bench,
    order: Mapping[str, Any],
    waiting: _Waiting,
    replies: asyncio.Queue[dict[str, Any] | BaseException],
) -> None:
    """One process after the other, each for some parts, until none is left."""
    try:
        while (part := await waiting.next()) is not None:
            async with _process(order) as process:
                if (await _answer(process))["means"] != means(bench.tools):
                    raise PartError("another process has other metrics or causes than this one")
                for _ in range(PARTS_EACH):
                    await replies.put(await _ask(process, part))
                    part = await waiting.next()
                    if part is None:
                        return
                await replies.put(await _ask(process, part))
    except (EvalkitError, OSError) as error:
        await replies.put(error)


async def _ask(process: asyncio.subprocess.Process, part: Part) -> dict[str, Any]:
    seen = {name: [v.answers, v.lists] for name, v in part.elsewhere.items() if v != STEADY}
    order = {"part": part.number, "from": part.start, "to": part.end, "elsewhere": seen}
    await _tell(process, order)
    return await _answer(process)


@asynccontextmanager
async def _process(order: Mapping[str, Any]) -> AsyncIterator[asyncio.subprocess.Process]:
    """A process that has its first order; it ends when nobody gives it orders any more."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "evalkit.ledger.worker",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=LONGEST,
        env={**os.environ, **FRUGAL},
        start_new_session=True,  # Ctrl-C reaches only us, who end it
    )
    try:
        await _tell(process, order)
        yield process
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await _to_its_end(asyncio.ensure_future(process.wait()))


async def _tell(process: asyncio.subprocess.Process, order: Mapping[str, Any]) -> None:
    assert process.stdin is not None
    with suppress(ConnectionError):  # it has ended: that shows when its answer is read
        process.stdin.write(json.dumps(order).encode() + b"\n")
        await process.stdin.drain()


async def _answer(process: asyncio.subprocess.Process) -> dict[str, Any]:
    assert process.stdout is not None
    line = await process.stdout.readline()
    if not line:
        code = await process.wait()
        raise PartError(f"a process that grades parts of the run ended (exit code {code})")
    found: dict[str, Any] = json.loads(line)
    if STORAGE in found:
        raise StorageError(found[STORAGE])
    return found
