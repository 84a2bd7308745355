"""The worker process: imports the system, calls its methods as questions come, and answers with JSON."""

from __future__ import annotations

import asyncio
import contextlib
import faulthandler
import functools
import os
import signal
import socket
import sys
import time
from pathlib import Path
from typing import Any

from evalkit import shapes
from evalkit.adapters.answers import usage_in
from evalkit.adapters.calling import Called, failure_from
from evalkit.adapters.python import Imported, import_target, settings_of
from evalkit.adapters.python_system import (
    InProcess,
    read_answer,
    read_lookup,
    read_passages,
    too_deep,
)
from evalkit.errors import InvalidInput
from evalkit.records import Approach, Failure, Outcome, SystemSpec, Usage
from evalkit.workers.orphans import TOKEN, end_all_with, watch_over
from evalkit.workers.protocol import (
    Channel,
    NoTexts,
    TooLargeError,
    arguments_from_json,
    failure_to_json,
    outcome_to_json,
    pack,
    passages_to_json,
    question_from_json,
    receive,
    signature_to_json,
)

_WATCHER = 1.0  # seconds for the watcher to end us, before we do it ourselves
_NO_TEXTS = NoTexts()
_TOKEN_VALUE = os.environ.get(TOKEN, "-")  # now, because the system may clear the environment


def main() -> None:
    """Serve on the socket whose descriptor is the first argument, until told to close."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for evalkit, which ends us in order
    watch_over(_TOKEN_VALUE)
    _prefer_to_die()
    connection = socket.socket(fileno=int(sys.argv[1]))
    connection.set_inheritable(False)
    kept = os.dup(connection.fileno())  # so that the other side sees the end with our process
    os.register_at_fork(after_in_child=functools.partial(_let_go, connection.fileno(), kept))
    faulthandler.enable()
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(encoding="utf-8", errors="backslashreplace", line_buffering=True)  # type: ignore[union-attr]
    order = receive(connection)
    sys.path[:] = order["path"]
    sys.argv[:] = [""]
    asyncio.run(serve(connection, order))


async def serve(connection: socket.socket, order: dict[str, Any]) -> None:
    """Import the system (with a loop running, as in evalkit's own process), then answer until the end."""
    folder = Path(order["folder"])
    spec = SystemSpec(order["name"], Approach(order["approach"]), "", order["options"], folder)
    settings = settings_of(spec)
    try:
        imported = import_target(settings, folder)
    except InvalidInput as refusal:
        told = {"message": refusal.message, "field": refusal.field, "hint": refusal.hint}
        connection.setblocking(True)  # noqa: FBT003 - the socket's own signature
        connection.sendall(pack({"refused": told}))
        return
    await Server(connection, imported, settings.threads).run()


class Server:
    """Answers what comes over the connection, as many questions at a time as come."""

    def __init__(self, connection: socket.socket, imported: Imported, threads: int) -> None:
        self._channel = Channel(connection, self._take, _parent_has_gone)
        self._callee = InProcess(imported.functions, threads, imported.owned)
        self._fingerprint = imported.fingerprint
        self._tasks: dict[int, asyncio.Task[bytes]] = {}
        self._closing = asyncio.Event()
        self._home = os.getpid()

    async def run(self) -> None:
        """Say hello, and answer until told to close."""
        self._channel.attach(asyncio.get_running_loop())
        signatures = self._callee.signatures.items()
        methods = {method: signature_to_json(signature) for method, signature in signatures}
        self._channel.send(pack({"fingerprint": self._fingerprint, "methods": methods}))
        await self._closing.wait()
        await self._callee.aclose()

    def _take(self, message: dict[str, Any]) -> None:
        if "close" in message:
            self._closing.set()
        elif "cancel" in message:
            task = self._tasks.get(message["cancel"])
            if task is not None:
                task.cancel()
        else:
            number = message["id"]
            task = asyncio.get_running_loop().create_task(self._answer(message))
            self._tasks[number] = task
            task.add_done_callback(functools.partial(self._reply, number))

    def _reply(self, number: int, task: asyncio.Task[bytes]) -> None:
        del self._tasks[number]
        if os.getpid() != self._home:  # the system forked, and its copy has come back to us
            os._exit(0)
        if task.cancelled():
            return
        error = task.exception()  # what the system raised while we read its answer
        packed = task.result() if error is None else pack(_failed(number, failure_from(error)))
        self._channel.send(packed)

    async def _answer(self, message: dict[str, Any]) -> bytes:
        number, method = message["id"], message["method"]
        try:
            called = await self._call(method, message)
            reply = {**_read(method, called), "id": number, "took": called.seconds}
            if self._callee.stuck:
                reply["stuck"] = self._callee.stuck
            return pack(reply)
        except TooLargeError as error:
            return pack(_failed(number, Failure("malformed", f"{method}(): {error}")))
        except (KeyboardInterrupt, SystemExit) as error:  # nobody but the system can have meant it
            return pack(_failed(number, failure_from(error)))

    async def _call(self, method: str, message: dict[str, Any]) -> Called:
        arguments = arguments_from_json(method, message["arguments"])
        given = message.get("question")
        question = None if given is None else question_from_json(arguments[0], given)
        return await self._callee.call(method, arguments, question, message["seconds"])


def _read(method: str, called: Called) -> dict[str, Any]:
    """What the system returned, checked here because only here it is what it was."""
    if called.failure is not None:
        return {"failure": failure_to_json(called.failure)}
    try:
        if method == "lookup":
            return {"value": read_lookup(called.value)}
        if method == "retrieve":
            return {"value": passages_to_json(read_passages(called.value, _NO_TEXTS))}
        return {"value": outcome_to_json(read_answer(called.value, f"{method}()", _NO_TEXTS))}
    except shapes.ShapeError as error:
        return _malformed(method, called.value, Failure("malformed", str(error)))
    except RecursionError:
        return {"failure": failure_to_json(too_deep(method))}


def _malformed(method: str, value: Any, failure: Failure) -> dict[str, Any]:
    """No good answer, with what it says it cost all the same."""
    usage = usage_in(value)
    if method in ("retrieve", "lookup") or usage == Usage():
        return {"failure": failure_to_json(failure)}
    return {"value": outcome_to_json(Outcome(error=failure, usage=usage))}


def _failed(number: int, failure: Failure) -> dict[str, Any]:
    return {"id": number, "failure": failure_to_json(failure), "took": 0.0}


def _let_go(*descriptors: int) -> None:
    """In a fork: the connection is not the copy's to use, nor to hold open."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor in descriptors:
        os.dup2(nothing, descriptor, inheritable=False)
    os.close(nothing)


def _parent_has_gone(_: str) -> None:
    """The connection ended without a word: evalkit was killed, and so is everything started here."""
    time.sleep(_WATCHER)
    end_all_with(_TOKEN_VALUE)
    os.killpg(0, signal.SIGKILL)


def _prefer_to_die() -> None:
    """Be the first to go when memory runs out; where the system has no such setting, nothing is lost."""
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000", "ascii")
