"""The worker processes of one system: who is asked, who is asked again alone, and when it is enough."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from time import perf_counter
from typing import Any

from evalkit.adapters.calling import Called, Signature, too_late
from evalkit.errors import EndpointUnusable
from evalkit.records import Failure, JsonObject, Question
from evalkit.resending import resend
from evalkit.workers.output import Output
from evalkit.workers.process import Lost, Process, Reply
from evalkit.workers.protocol import plain_arguments, question_to_json, signature_from_json
from evalkit.workers.restarts import Restarts

STUCK = 4  # threads lost in calls that were given up before a fresh process takes over


class Pool:
    """Calls a system's methods in worker processes, the least busy of them first.

    ``first`` is a process that has said hello. The others are started when there is work for them.
    """

    def __init__(
        self, name: str, order: JsonObject, output: Output, first: Process, workers: int
    ) -> None:
        hello = first.hello or {}
        methods: Mapping[str, Any] = hello["methods"]
        self.signatures: Mapping[str, Signature] = {
            method: signature_from_json(given) for method, given in methods.items()
        }
        self.name = name
        self.output = output
        self.restarts = Restarts()
        self.last = ""  # how a process ended that was not told to
        self._order = order
        self._slots = [Slot(self) for _ in range(workers)]
        self._slots[0].process = first
        self._closed = False

    async def call(
        self,
        method: str,
        arguments: Sequence[Any],
        question: Question | None,
        seconds: float | None,
    ) -> Called:
        """What the method gave. A call that was lost with others is made once more, alone, if no limit forbids it.

        ``seconds`` count from when the process is asked, each time anew: no question pays for the
        time that another cost.
        """
        signature = self.signatures[method]
        request: dict[str, Any] = {
            "method": method,
            "arguments": plain_arguments(method, arguments),
        }
        if question is not None:
            request["question"] = question_to_json(question, signature)
        started = perf_counter()
        slot = min(self._slots, key=lambda each: each.load)
        reply = await slot.ask(request, seconds, alone=False)
        if isinstance(reply, Lost) and not reply.certain:
            reply = await slot.ask(request, seconds, alone=True, lost=reply)
        if isinstance(reply, Lost):
            return _lost(reply, signature, seconds, perf_counter() - started)
        return _called(reply)

    def start(self) -> Process:
        """Another process; raises ``EndpointUnusable`` when too many have ended."""
        if self._closed:
            raise RuntimeError("the system was closed")
        spent = self.restarts.spent
        if spent is not None:
            raise self.unusable(f"its process ended {spent} (the last time: {self.last})")
        return Process(self._order, self.output)

    def unusable(self, why: str) -> EndpointUnusable:
        """The error that ends the run for this system."""
        log = self.output.path
        where = f"; what it printed is in {log}" if log is not None and log.exists() else ""
        return EndpointUnusable(f"system {self.name!r} cannot be asked: {why}{where}")

    async def aclose(self) -> None:
        """Let the system close in each process, then end them all; a second call does nothing."""
        self._closed = True
        await asyncio.gather(*(slot.close() for slot in self._slots))
        self.output.close()


class Slot:
    """One place for a process; when its process has ended, the next question starts another."""

    def __init__(self, pool: Pool) -> None:
        self.process: Process | None = None
        self._pool = pool
        self._retired: set[Process] = set()
        self._starting: asyncio.Task[Process] | None = None
        self._inside = 0  # questions under way
        self._waiting: list[asyncio.Future[None]] = []  # questions that must be asked alone
        self._passed: asyncio.Event | None = None  # unset while a question is or waits to be alone

    @property
    def load(self) -> int:
        """How many questions are under way or wait."""
        return self._inside + len(self._waiting)

    async def ask(
        self,
        request: JsonObject,
        seconds: float | None,
        *,
        alone: bool,
        lost: Lost | None = None,
    ) -> Reply:
        """The process's answer; ``alone`` waits until no other question is under way and keeps them out.

        ``lost`` is what became of the same call before.
        """
        if alone:
            await self._wait_alone()
        else:
            while self._passed is not None:
                await self._passed.wait()
            self._inside += 1
        try:
            sent = lost is not None and lost.sent
            process = await self._running(sent=sent)
            if sent:
                await resend("crashed", lost=True)
            reply = await process.ask(request, seconds)
            self._note(process, reply)
            return reply
        finally:
            self._inside -= 1
            self._let_next()

    async def close(self) -> None:
        """End the process and those that were retired."""
        if self._starting is not None:
            self._starting.cancel()
            await asyncio.gather(self._starting, return_exceptions=True)
        for retired in self._retired:
            retired.kill()
        process, self.process = self.process, None
        if process is not None:
            await process.close()

    async def _wait_alone(self) -> None:
        if self._passed is None:
            self._passed = asyncio.Event()
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        self._let_next()
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():  # our turn came with the cancellation
                self._inside -= 1
            else:
                self._waiting.remove(turn)
            self._let_next()
            raise

    def _let_next(self) -> None:
        """Where nobody is inside, let one in that must be alone; without any, let everybody in."""
        if self._inside:
            return
        if self._waiting:
            self._inside += 1
            self._waiting.pop(0).set_result(None)
        elif self._passed is not None:
            self._passed.set()
            self._passed = None

    async def _running(self, *, sent: bool) -> Process:
        """The process, started anew where it has ended; ``sent``: whoever needs it had sent a call to the one before."""
        if self.process is not None and self.process.alive:
            return self.process
        if self._starting is None or self._starting.done():
            self._starting = asyncio.get_running_loop().create_task(self._start())
        try:
            return await asyncio.shield(self._starting)
        except EndpointUnusable as error:  # of all who wait for it
            own = EndpointUnusable(str(error))
            own.lost = sent
            raise own from None

    async def _start(self) -> Process:
        process = self._pool.start()
        try:
            await process.started()
        except asyncio.CancelledError:
            process.kill()
            raise
        if process.hello is None or "methods" not in process.hello:
            refused = (process.hello or {}).get("refused", {})
            why = str(refused.get("message") or process.reason)
            process.kill()
            raise self._pool.unusable(f"it could not be started again: {why}")
        self.process = process
        return process

    def _note(self, process: Process, reply: Reply) -> None:
        pool = self._pool
        if not isinstance(reply, Lost):
            pool.restarts.answered()
            if reply.get("stuck", 0) >= STUCK and process is self.process:
                self.process = None
                self._retired.add(process)
        elif process is self.process:  # the first of those that were lost together
            self.process = None
            pool.restarts.ended(hung=reply.hung)
            pool.last = reply.reason
        if process in self._retired and not process.pending:
            self._retired.discard(process)
            process.kill()


def _called(reply: Mapping[str, Any]) -> Called:
    failure = reply.get("failure")
    if failure is not None:
        failed = Failure(str(failure["kind"]), str(failure["message"]))
        return Called(failure=failed, seconds=float(reply["took"]))
    return Called(reply["value"], seconds=float(reply["took"]))


def _lost(reply: Lost, signature: Signature, seconds: float | None, taken: float) -> Called:
    if reply.hung and seconds is not None:
        return Called(failure=too_late(signature, seconds), seconds=taken)
    message = f"{signature.label} ended its process: {reply.reason}"
    return Called(failure=Failure("crashed", message), seconds=taken)
