"""Judges answers beside the asking: a process of its own takes them as they come, and what it says is kept in the store."""

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
from typing import Any

from evalkit.evidence import given_to_judge, keeps, made_of
from evalkit.records import Case, Judge, Trace
from evalkit.store import Key, Said, Store
from evalkit.workers.protocol import Channel, pack

WORTH = 2000  # answers from which a second process may be quicker than its own start
START = 0.5  # seconds of CPU that it takes to start; if judging takes less it is no help
TRIED, PATIENT = 8, 0.02  # answers, or seconds, after which it is known what judging takes
BATCH = 32  # answers that are sent together
MOST = 1024  # answers under way; what comes while there are so many is judged at the end
PATIENCE = 10.0  # seconds without a word at the end; then the rest is judged here
_BOOT = (
    "import sys; sys.path.insert(0, sys.argv[2]); "
    "from evalkit.workers.judging_child import main; main()"
)
_ROOT = str(Path(__file__).resolve().parents[2])
_ONE_THREAD = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL")}


def worth_it(judge: Judge, answers: int) -> bool:
    """Whether a second process would help: many answers, a judge without calls, a processor to spare."""
    return os.name == "posix" and answers >= WORTH and keeps(judge) and _processors() > 1


@contextlib.asynccontextmanager
async def judged_beside(
    judge: Judge, store: Store, answers: int
) -> AsyncIterator[Callable[[Case, Trace], None]]:
    """What takes answers to be judged in a process of its own meanwhile; where that is not worth it, takes them and does nothing."""
    if not worth_it(judge, answers):
        yield lambda _case, _trace: None
        return
    scout = Scout(judge, store, answers)
    try:
        yield scout.note
        if scout.beside is not None:
            await scout.beside.settle()
    finally:
        if scout.beside is not None:
            scout.beside.close()


class Scout:
    """Judges the first few answers here to see what one takes, and starts a process if all of them take longer than that."""

    def __init__(self, judge: Judge, store: Store, answers: int) -> None:
        self.beside: Beside | None = None
        self._judge, self._store, self._answers = judge, store, answers
        self._tried: list[tuple[Case, Trace]] = []
        self._seconds: list[float] = []

    def note(self, case: Case, trace: Trace) -> None:
        """One more answer to judge."""
        if self.beside is not None:
            self.beside.note(case, trace)
        elif trace.response is not None and not self._known():
            began = thread_time()
            with contextlib.suppress(Exception):  # it is judged again when its turn comes
                self._judge.judge(case, trace)
            self._seconds.append(thread_time() - began)
            self._tried.append((case, trace))
            if self._known():
                self._decide()

    def _known(self) -> bool:
        return len(self._seconds) >= TRIED or sum(self._seconds) >= PATIENT

    def _decide(self) -> None:
        tried, self._tried = self._tried, []
        if min(self._seconds) * self._answers >= START:  # the first has the judge's tables made
            self.beside = Beside(self._judge, self._store)
            for case, trace in tried:
                self.beside.note(case, trace)


class Beside:
    """One process that judges what it is handed, as long as it lives; nothing depends on it.

    Whatever becomes of the process, an answer it said nothing of is judged like any other when its turn comes.
    """

    def __init__(self, judge: Judge, store: Store) -> None:
        self._judge, self._store = judge, store
        # of each answer: its key, a digest of what its evidence is made of, and what the judge reads
        self._batch: list[tuple[Key, str, str]] = []
        self._under_way: deque[list[tuple[Key, str]]] = deque()
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
        given = given_to_judge(case, trace)
        key = (trace.system, trace.case_id, trace.condition, trace.repeat)
        self._batch.append((key, made_of(self._judge, given), given))
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
            self._under_way.append([(key, of) for key, of, _ in batch])
            self._channel.send(pack({"given": [given for *_, given in batch]}))

    def _take(self, message: dict[str, Any]) -> None:
        """What it says of the oldest batch: kept with the next commit, so that nobody waits for it."""
        asked = self._under_way.popleft() if self._under_way else []
        self._count -= len(asked)
        said: list[Said] = [
            (key, of, text)
            for (key, of), text in zip(asked, message.get("said", []), strict=False)
            if isinstance(text, str)
        ]
        self._store.keep_evidence(said, wait=False)
        self._heard.set()

    def _ended(self, _: str) -> None:
        self._under_way.clear()
        self._heard.set()


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
