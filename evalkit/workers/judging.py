"""Judges answers while asking goes on: here where that takes next to nothing, otherwise in a process of its own."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
import weakref
from collections import deque
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from time import thread_time
from typing import TYPE_CHECKING, Any

from evalkit.evidence import given_to_judge, keeps
from evalkit.records import Case, Evidence, Judge, Trace
from evalkit.store import Key, Store
from evalkit.store import Said as Kept
from evalkit.workers.protocol import Channel, pack

if TYPE_CHECKING:
    from evalkit.judges.embedded import EmbeddedJudge

WORTH = 2000  # answers from which anything may be gained
QUICK = 0.0005  # seconds to judge an answer, and score it, in which nobody is kept waiting
PATIENT = 0.02  # seconds more than that, after which it is known that judging takes longer
START = 0.5  # seconds of CPU that a process takes to start; if judging takes less it is no help
BATCH = 32  # answers that are sent together
MOST = 1024  # answers under way; what comes while there are so many is judged at the end
PATIENCE = 10.0  # seconds without a word at the end; then the rest is judged here
Said = Callable[[Trace, Evidence], None]
_BOOT = (
    "import sys; sys.path.insert(0, sys.argv[2]); "
    "from evalkit.workers.judging_child import main; main()"
)
_ROOT = str(Path(__file__).resolve().parents[2])
_ONE_THREAD = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL")}


@contextlib.asynccontextmanager
async def judged_meanwhile(
    judge: Judge, store: Store, answers: int, said: Said | None
) -> AsyncIterator[Callable[[Case, Trace], None]]:
    """What takes answers as they come, and has them judged; where that is not worth it, takes them and does nothing.

    ``said`` is told what was said of an answer here; without it none is judged here. What the process says is kept in the store.
    """
    if answers < WORTH or not keeps(judge):
        yield lambda _case, _trace: None
        return
    meanwhile = Meanwhile(judge, store, answers, said)
    try:
        yield meanwhile.note
        meanwhile.settle()
        if meanwhile.beside is not None:
            await meanwhile.beside.settle()
    finally:
        if meanwhile.beside is not None:
            meanwhile.beside.close()


class Meanwhile:
    """Judges answers here as long as it is quick; then a process does, if what is left takes longer than its start."""

    def __init__(self, judge: EmbeddedJudge, store: Store, answers: int, said: Said | None) -> None:
        self.beside = Beside(store) if said is None and _can_spawn() else None
        self._judge, self._store, self._answers, self._said = judge, store, answers, said
        self._count, self._seconds = 0, 0.0
        self._waiting: deque[tuple[Case, Trace]] = deque()
        self._loop = asyncio.get_running_loop()

    def note(self, case: Case, trace: Trace) -> None:
        """One more answer to judge: when those who asked have gone on, and one at a time."""
        self._waiting.append((case, trace))
        if len(self._waiting) == 1:
            self._loop.call_soon(self._next)

    def settle(self) -> None:
        """Take all that waits."""
        while self._waiting:
            self._take(*self._waiting.popleft())

    def _next(self) -> None:
        if self._waiting:
            self._take(*self._waiting.popleft())
        if self._waiting:
            self._loop.call_soon(self._next)

    def _take(self, case: Case, trace: Trace) -> None:
        if self.beside is not None:
            self.beside.note(case, trace)
        elif trace.response is not None and self._said is not None and self._quick():
            self._judge_here(case, trace, self._said)
            if not self._quick() and self._left() >= START and _can_spawn():
                self.beside = Beside(self._store)

    def _quick(self) -> bool:
        return self._seconds <= PATIENT + QUICK * self._count

    def _left(self) -> float:
        """Seconds that judging all other answers takes."""
        return self._seconds / max(1, self._count - 1) * (self._answers - self._count)

    def _judge_here(self, case: Case, trace: Trace, said: Said) -> None:
        began = thread_time()
        with contextlib.suppress(Exception):  # it is judged again when its turn comes
            said(trace, self._judge.judge(case, trace))
        if self._count:  # the first has the judge's tables made
            self._seconds += thread_time() - began
        self._count += 1


class Beside:
    """One process that judges what it is handed, as long as it lives; nothing depends on it.

    Whatever becomes of the process, an answer it said nothing of is judged like any other when its turn comes.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._batch: list[tuple[Key, str]] = []  # of each answer: its key, and what the judge reads
        self._under_way: deque[list[Key]] = deque()
        self._count = 0
        self._heard = asyncio.Event()
        ours, theirs = socket.socketpair()
        self._popen = _spawn(theirs.fileno())
        theirs.close()
        self._channel = Channel(ours, self._take, self._ended)
        self._channel.attach(asyncio.get_running_loop())
        self._end = weakref.finalize(self, _kill, self._popen)

    @property
    def number(self) -> int:
        """The process's id."""
        return self._popen.pid

    def note(self, case: Case, trace: Trace) -> None:
        """One more answer to judge."""
        if trace.response is None or not self._channel.open or self._count >= MOST:
            return
        key = (trace.system, trace.case_id, trace.condition, trace.repeat)
        self._batch.append((key, given_to_judge(case, trace)))
        self._count += 1
        if len(self._batch) >= BATCH:
            self._send()

    async def settle(self) -> None:
        """Wait for what is under way, as long as something comes."""
        self._send()
        with contextlib.suppress(TimeoutError):
            while self._under_way and self._channel.open:
                self._heard.clear()
                async with asyncio.timeout(PATIENCE):
                    await self._heard.wait()

    def close(self) -> None:
        """End the process at once; may be called twice."""
        self._channel.end("")
        self._end()

    def _send(self) -> None:
        batch, self._batch = self._batch, []
        if batch and self._channel.open:
            self._under_way.append([key for key, _ in batch])
            self._channel.send(pack({"given": [given for _, given in batch]}))

    def _take(self, message: dict[str, Any]) -> None:
        """What it says of the oldest batch: kept with the next commit, so that nobody waits for it."""
        asked = self._under_way.popleft() if self._under_way else []
        self._count -= len(asked)
        said: list[Kept] = [
            (key, *told) for key, told in zip(asked, message.get("said", []), strict=False)
        ]
        self._store.keep_evidence(said, wait=False)
        self._heard.set()

    def _ended(self, _: str) -> None:
        self._under_way.clear()
        self._heard.set()


def _can_spawn() -> bool:
    """Whether there may be a second process, and a processor for it."""
    return os.name == "posix" and _processors() > 1


def _processors() -> int:
    with contextlib.suppress(AttributeError):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _spawn(connection: int) -> subprocess.Popen[bytes]:
    """A fresh interpreter in a session of its own: Ctrl-C reaches only us, and it ends when our socket closes."""
    command = [sys.executable, "-P", "-c", _BOOT, str(connection), _ROOT]
    return subprocess.Popen(  # noqa: S603 - our own interpreter and code
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        pass_fds=[connection],
        start_new_session=True,
        env={**os.environ, **_ONE_THREAD},
    )


def _kill(popen: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        popen.send_signal(signal.SIGKILL)
    popen.wait()
