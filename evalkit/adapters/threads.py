"""A thread pool for blocking systems that neither starves behind a hung call nor keeps the program alive."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable
from concurrent.futures import Executor, Future
from queue import SimpleQueue
from typing import Any

Job = tuple[Future[Any], Callable[[], Any]]


class DaemonPool(Executor):
    """At most ``size`` daemon threads, started when needed.

    A standard pool is joined when the interpreter exits, so one hung call would hang the program; and
    ``size`` hung calls would leave no thread for the rest. ``replace_one`` is called for a call that
    was given up: it lets a fresh thread take its place.
    """

    def __init__(self, size: int) -> None:
        self._jobs: SimpleQueue[Job | None] = SimpleQueue()
        self._free = threading.Semaphore(0)
        self._size = size
        self._running = 0
        self.stuck = 0  # threads that are still in a call that was given up
        self._closed = False
        self._lock = threading.Lock()
        self._end = weakref.finalize(self, self._jobs.put, None)  # a pool that is dropped ends too

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Queue a call; a thread is started when none is idle and there is room."""
        future: Future[Any] = Future()
        with self._lock:
            if self._closed:
                raise RuntimeError("the system was closed")
            self._jobs.put((future, lambda: fn(*args, **kwargs)))
            if not self._free.acquire(blocking=False) and self._running < self._size:
                self._running += 1
                self._start()
        return future

    def _start(self) -> None:
        work = (self._jobs, self._free)
        threading.Thread(target=_work, args=work, name="evalkit-system", daemon=True).start()

    def replace_one(self, stuck: Future[Any]) -> None:
        """Make room for one more thread, because one is stuck in a call that was given up."""
        stuck.add_done_callback(self._unstick)
        with self._lock:
            self.stuck += 1
            self._size += 1
            if not self._jobs.empty():
                self._running += 1
                self._start()

    def _unstick(self, _: Future[Any]) -> None:
        with self._lock:
            self.stuck -= 1

    def shutdown(self, wait: bool = False, *, cancel_futures: bool = True) -> None:  # noqa: FBT001, FBT002 - the standard signature
        """Let idle threads end; a stuck one is left to die with the program."""
        with self._lock:
            self._closed = True
        self._end()


def _work(jobs: SimpleQueue[Job | None], free: threading.Semaphore) -> None:
    while True:
        job = jobs.get()
        if job is None:
            jobs.put(None)  # for the next thread
            return
        future, call = job
        if future.set_running_or_notify_cancel():
            try:
                future.set_result(call())
            except BaseException as error:  # noqa: BLE001 - handed to whoever awaits the future
                future.set_exception(error)
        del job, future, call
        free.release()
