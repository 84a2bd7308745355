"""Ends what a worker process left behind, whoever died first: everything that carries the token of its environment."""

from __future__ import annotations

import contextlib
import os
import select
import signal
from pathlib import Path

TOKEN = "EVALKIT_WORKER"  # noqa: S105 - the name of an environment variable
_PROCESSES = Path("/proc")
_ROUNDS = 3  # a process may start another while we look


def watch_over(token: str) -> None:
    """Leave a process behind that ends us and all we start when evalkit is gone, even while a call blocks us.

    To be called by the worker before there are threads. The watcher is a fork of it that sleeps until
    nobody reads the worker's stdout any more, which evalkit does as long as it lives. It is no child of
    the worker's, so that a system that waits for its children does not wait for it.
    """
    middle = os.fork()
    if middle:
        os.waitpid(middle, 0)
        return
    try:
        if os.fork() == 0:
            os.closerange(3, os.sysconf("SC_OPEN_MAX"))
            watcher = select.poll()
            watcher.register(1, 0)  # an error is always reported: that the reader has gone
            watcher.poll()
            end_all_with(token)
            os.killpg(0, signal.SIGKILL)
    finally:
        os._exit(0)


def end_all_with(token: str) -> int:
    """Kill every other process of ours that was started with ``token``; how many there were.

    A daemon leaves its session and its parent, but keeps the environment it was started with. Where
    there is no /proc, nothing is found.
    """
    ended = 0
    for _ in range(_ROUNDS):
        found = _carriers(f"{TOKEN}={token}".encode())
        for pid in found:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
                ended += 1
        if not found:
            break
    return ended


def _carriers(entry: bytes) -> list[int]:
    try:
        names = [name for name in os.listdir(_PROCESSES) if name.isdigit()]  # noqa: PTH208 - thousands of names
    except OSError:
        return []
    return [int(name) for name in names if int(name) != os.getpid() and _carries(name, entry)]


def _carries(name: str, entry: bytes) -> bool:
    """Whether a process has the entry in its environment; one that has ended has none."""
    try:
        return entry in (_PROCESSES / name / "environ").read_bytes().split(b"\0")
    except OSError:
        return False
