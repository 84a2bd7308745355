"""One worker process: started, asked many questions at a time, and ended with all it has started."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import selectors
import signal
import socket
import subprocess
import sys
import uuid
import weakref
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep
from typing import Any

from evalkit.records import JsonObject
from evalkit.workers.orphans import TOKEN, end_all_with
from evalkit.workers.output import Output, Pipe
from evalkit.workers.protocol import Channel, pack

GRACE = 1.0  # seconds after its deadline at which a process that says nothing is taken for hung
STARTING = 600.0  # seconds in which the system must be imported and made
CLOSING = 2.0  # seconds for the system to close and the interpreter to end
INTERRUPTED = 0.5  # the same where a question was taken back: perhaps it still blocks the process
_DYING = 0.1  # seconds between a closed connection and the end of a process that is ending
_BOOT = (
    "import sys; sys.path.insert(0, sys.argv[2]); from evalkit.workers.child import main; main()"
)
_ROOT = str(Path(__file__).resolve().parents[2])


@dataclass(frozen=True, slots=True)
class Lost:
    """The process ended before it answered.

    ``certain`` says that this question ended it: no other was under way. Otherwise what became of the
    question is unknown. ``sent`` is false where the process had ended before it could be asked.
    """

    reason: str
    hung: bool
    certain: bool
    sent: bool = True


Reply = dict[str, Any] | Lost


class Process:
    """A child process that imports a system once and answers questions about it until it is closed.

    ``hello`` is its first message, ``None`` until it came; ``reason`` says why the process ended.
    """

    def __init__(self, order: JsonObject, output: Output) -> None:
        self.hello: dict[str, Any] | None = None
        self.reason: str | None = None
        self.hung = False
        self.answered = 0
        self.pending: dict[int, asyncio.Future[Reply]] = {}
        self._numbers = itertools.count(1)
        self._closing = False
        self._interrupted = False
        self._token = uuid.uuid4().hex
        ours, theirs = socket.socketpair()
        printed, printing = os.pipe()
        self._popen = _spawn(theirs.fileno(), printing, self._token)
        theirs.close()
        os.close(printing)
        self._pipe = Pipe(printed, output)
        self._channel = Channel(ours, self._take, self._ended)
        self._end = weakref.finalize(self, _abandon, self._popen, ours, self._pipe, self._token)
        self._channel.send(pack(order))

    @property
    def alive(self) -> bool:
        """Whether it can be asked."""
        return self._channel.open

    @property
    def number(self) -> int:
        """Its process id."""
        return self._popen.pid

    def wait_started(self, seconds: float = STARTING) -> None:
        """Block until it has said hello or ended."""
        deadline = monotonic() + seconds
        try:
            while self.hello is None and self.alive:
                self._wait_readable(deadline - monotonic())
                if self.hello is None and monotonic() >= deadline:
                    self.hang()
        except BaseException:
            self.kill()
            raise

    async def started(self, seconds: float = STARTING) -> None:
        """Wait until it has said hello or ended."""
        self._attach()
        deadline = monotonic() + seconds
        while self.hello is None and self.alive:
            await asyncio.sleep(0.005)
            if monotonic() >= deadline:
                self.hang()

    async def ask(self, request: JsonObject, seconds: float | None) -> Reply:
        """Its answer; ``seconds`` from now it must be there, or the process is ended."""
        if not self.alive:
            return Lost(self.reason or "", self.hung, certain=False, sent=False)
        loop = self._attach()
        number = next(self._numbers)
        packed = pack({**request, "id": number, "seconds": seconds})
        future: asyncio.Future[Reply] = loop.create_future()
        self.pending[number] = future
        timer = None if seconds is None else loop.call_later(seconds + GRACE, self.hang)
        try:
            self._channel.send(packed)
            return await future
        finally:
            if timer is not None:
                timer.cancel()
            if self.pending.pop(number, None) is not None and self.alive:  # we were cancelled
                self._interrupted = True
                self._channel.send(pack({"cancel": number}))

    def hang(self) -> None:
        """End it because an answer is overdue."""
        self.hung = True
        self._channel.end("")

    def kill(self) -> None:
        """End it at once, with everything it has started."""
        self._closing = True
        self._channel.end("")

    async def close(self) -> None:
        """Let the system close and the process end by itself; end it when that takes longer."""
        if self.alive:
            self._closing = True
            self._attach()
            self._channel.send(pack({"close": True}))
            deadline = monotonic() + (INTERRUPTED if self._interrupted else CLOSING)
            while self.alive and monotonic() < deadline:
                await asyncio.sleep(0.005)
        self.kill()

    def _attach(self) -> asyncio.AbstractEventLoop:
        loop = asyncio.get_running_loop()
        self._channel.attach(loop)
        self._pipe.attach(loop)
        return loop

    def _wait_readable(self, seconds: float) -> None:
        with selectors.DefaultSelector() as selector:
            for source in (self._channel, self._pipe):
                if source.open:
                    selector.register(source, selectors.EVENT_READ, source.read)
            for key, _ in selector.select(max(seconds, 0)):
                key.data()

    def _take(self, message: dict[str, Any]) -> None:
        if self.hello is None:
            self.hello = message
            return
        future = self.pending.pop(int(message.get("id", 0)), None)
        if future is not None and not future.done():
            self.answered += 1
            future.set_result(message)

    def _ended(self, wrong: str) -> None:
        """The connection is gone: learn why, end the process and its kin, tell those who wait."""
        known = self.hung or self._closing or bool(wrong)
        exited = _exited(self._popen.pid, 0.0 if known else _DYING)
        _kill_group(self._popen.pid)
        code = self._popen.wait()
        self._end.detach()
        self._pipe.drain()
        end_all_with(self._token)
        self.reason = wrong or _told(code, exited=exited, hung=self.hung)
        alone = len(self.pending) == 1 and (self.hung or self.answered == 0)
        lost = Lost(self.reason, self.hung, certain=alone)
        waiting, self.pending = list(self.pending.values()), {}
        for future in waiting:
            if not future.done() and not future.get_loop().is_closed():
                future.set_result(lost)


def _spawn(connection: int, printing: int, token: str) -> subprocess.Popen[bytes]:
    """A fresh interpreter (never a fork) in a session of its own, so that Ctrl-C reaches only us."""
    command = [sys.executable, "-P", "-c", _BOOT, str(connection), _ROOT]
    return subprocess.Popen(  # noqa: S603 - our own interpreter and code
        command,
        stdin=subprocess.DEVNULL,
        stdout=printing,
        stderr=printing,
        pass_fds=[connection],
        start_new_session=True,
        env={**os.environ, TOKEN: token},
    )


def _exited(pid: int, seconds: float) -> bool:
    """Whether the process has ended by itself, waiting a moment for it; it is not reaped."""
    deadline = monotonic() + seconds
    while True:
        with contextlib.suppress(ChildProcessError):
            if os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None:
                return True
        if monotonic() >= deadline:
            return False
        sleep(0.002)


def _kill_group(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def _abandon(
    popen: subprocess.Popen[bytes], connection: socket.socket, pipe: Pipe, token: str
) -> None:
    """End a process that nobody holds any more, or that is left when the program ends."""
    _kill_group(popen.pid)
    popen.wait()
    end_all_with(token)
    connection.close()
    pipe.close()


def _told(code: int, *, exited: bool, hung: bool) -> str:
    """How the process ended, for a message."""
    if hung:
        return "no answer in time"
    if not exited:
        return "it closed its connection to evalkit"
    if code == -signal.SIGKILL:
        return "SIGKILL, perhaps because the memory ran out"
    if code < 0:
        with contextlib.suppress(ValueError):
            return signal.Signals(-code).name
        return f"signal {-code}"
    return f"exit code {code}"
