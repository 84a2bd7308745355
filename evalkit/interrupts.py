"""How Ctrl-C ends a run: in order while questions are under way, at once where nothing but this process is at work."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

Given = ParamSpec("Given")
Result = TypeVar("Result")
GRACE = 0.2  # seconds after a second Ctrl-C: processes that are being started are not ended halfway
_OURS = str(Path(__file__).parent)
_ORDERLY: ContextVar[Any] = ContextVar("_ORDERLY", default=None)  # the handler of asyncio


def at_once(
    function: Callable[Given, Coroutine[Any, Any, Result]],
) -> Callable[Given, Coroutine[Any, Any, Result]]:
    """While ``function`` runs, Ctrl-C ends it where the program stands, with ``KeyboardInterrupt``.

    asyncio would only end what next waits for something, and to read, grade or diagnose many answers waits for nothing.
    Handlers that are not asyncio's own stay.
    """

    @wraps(function)
    async def wrapped(*args: Given.args, **kwargs: Given.kwargs) -> Result:
        orderly, task = _of_asyncio(), asyncio.current_task()
        if orderly is None or task is None:
            return await function(*args, **kwargs)
        ending, kept = _Ending(task), _ORDERLY.set(orderly)
        try:
            with _handled_by(ending):
                return await function(*args, **kwargs)
        except asyncio.CancelledError:
            if ending.asked and not ending.ended:
                raise KeyboardInterrupt from None
            raise
        finally:
            ending.ended = True
            _ORDERLY.reset(kept)

    return wrapped


@contextmanager
def in_order() -> Iterator[None]:
    """Meanwhile, within ``at_once``, Ctrl-C ends what waits: answers under way, which were paid for, are given their time."""
    orderly = _ORDERLY.get()
    if orderly is None or not isinstance(signal.getsignal(signal.SIGINT), _Ending):
        yield
        return
    with _handled_by(orderly):
        yield


class _Ending:
    """Cancels a task, and whatever task of ours is at work now where it stands; after a second time the loop itself ends.

    Tasks of asyncio's own are not cut short: a process that one of them connects would be waited for without end.
    """

    def __init__(self, task: asyncio.Task[Any]) -> None:
        self._task, self.asked, self.ended = task, False, False

    def __call__(self, _number: int, _frame: object) -> None:
        loop = self._task.get_loop()
        at_work = asyncio.current_task(loop)
        if at_work is not self._task:
            self._task.cancel()
        if self.asked:  # raised by a task, it would be told as an error that nobody looked at
            loop.call_soon_threadsafe(loop.call_later, GRACE, self._end)
        else:
            loop.call_soon_threadsafe(int)  # it may wait, and is woken up
        self.asked = True
        if at_work is self._task or _is_ours(at_work):
            raise asyncio.CancelledError

    def _end(self) -> None:
        if not self.ended:
            self.ended = True
            raise KeyboardInterrupt


def _is_ours(task: asyncio.Task[Any] | None) -> bool:
    code = getattr(task and task.get_coro(), "cr_code", None)
    return code is not None and code.co_filename.startswith(_OURS)


def _of_asyncio() -> Any:
    """The handler that asyncio has set; None where there is another, or none can be set here."""
    if threading.current_thread() is not threading.main_thread():
        return None
    handler = signal.getsignal(signal.SIGINT)
    name = getattr(getattr(handler, "func", None), "__qualname__", "")
    return handler if name == "Runner._on_sigint" else None


@contextmanager
def _handled_by(handler: Any) -> Iterator[None]:
    before = signal.signal(signal.SIGINT, handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
