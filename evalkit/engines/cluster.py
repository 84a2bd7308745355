"""A Ray to work on: one of our own on this machine, ended when the run ends, or one that is already there."""

from __future__ import annotations

import importlib
import importlib.util
import logging
import os
import secrets
import shutil
import signal
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import IO, Any

from evalkit.errors import InvalidInput, UsageError

OBJECTS = 100 * 2**20  # bytes of Ray's object store: only short texts travel
PREFIX, HELD = "evalkit-ray-", "held"
LONGEST, SHORT = 20, "/tmp"  # noqa: S108 (characters of a folder's path, and one that has fewer; mkdtemp is safe)
QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0",  # no telemetry
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",  # leave CUDA_VISIBLE_DEVICES alone, and do not warn of it
}


def check_installed() -> None:
    """``UsageError`` where Ray is not installed; it is not imported yet, which takes a second."""
    if importlib.util.find_spec("ray") is None:
        raise UsageError("--engine ray needs Ray: pip install 'evalkit[ray]'")


def library() -> Any:
    """Ray, imported now; ``UsageError`` where it cannot be."""
    os.environ.update(QUIET)
    try:
        return importlib.import_module("ray")
    except ImportError as error:
        raise UsageError(f"--engine ray needs Ray ({error}): pip install 'evalkit[ray]'") from None


@contextmanager
def cluster(address: str | None, cpus: int | None = None) -> Iterator[Any]:
    """Ray, connected to the cluster at ``address``; to one of our own on this machine if None, on ``cpus`` of its CPUs.

    One that the program has connected to before is used, and left as it is. Raises ``UsageError`` without Ray,
    ``InvalidInput`` where no cluster answers or none of its machines has a CPU to score on.
    """
    ray = library()
    if ray.is_initialized():
        yield ray
        return
    folder = _folder() if address is None else None
    held = None if folder is None else _hold(Path(folder))
    try:
        with _handlers_kept():
            _connect(ray, address, folder, cpus or os.cpu_count() or 1)
        if ray.cluster_resources().get("CPU", 0) < 1:
            raise InvalidInput("the cluster has no CPU to score on", field="ray_address")
        yield ray
    finally:
        ray.shutdown()
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)
        if held is not None:
            held.close()


def _connect(ray: Any, address: str | None, folder: str | None, cpus: int) -> None:
    how: dict[str, Any] = {"log_to_driver": False, "configure_logging": False}
    logging.getLogger("ray").setLevel(logging.ERROR)
    worker = importlib.import_module("ray._private.worker")
    if hasattr(worker, "_worker_logs_enabled"):  # it would print to stdout of workers that died
        setattr(worker, "_worker_logs_enabled", False)  # noqa: B010 (not in its published types)
    if address is None:
        if (
            "RAY_AUTH_MODE" not in os.environ
        ):  # Ray then asks for a token, and would write one to HOME
            os.environ.setdefault("RAY_AUTH_TOKEN", _token())
        how |= {"address": "local", "include_dashboard": False, "_temp_dir": folder}
        how |= {"num_cpus": cpus, "object_store_memory": OBJECTS}
    else:
        how["address"] = address
    try:
        ray.init(**how)
    except (OSError, RuntimeError, ValueError) as error:
        where = "on this machine" if address is None else f"at {address}"
        told = str(error).strip().partition("\n")[0][:200]
        raise InvalidInput(f"Ray cannot be used {where}: {told}", field="ray_address") from error


def _folder() -> str:
    """A folder for Ray's sockets, whose paths may not be long."""
    long = len(tempfile.gettempdir()) > LONGEST and Path(SHORT).is_dir()
    place = SHORT if long else tempfile.gettempdir()
    _tidy(Path(place))
    return tempfile.mkdtemp(prefix=PREFIX, dir=place)


def _hold(folder: Path) -> IO[bytes] | None:
    """A lock that lasts as long as this process, however it ends; None where there are no such locks."""
    if os.name != "posix":
        return None
    import fcntl

    stream = (folder / f"{HELD}-soon").open("wb")
    fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    Path(stream.name).rename(folder / HELD)  # nobody sees it without its lock
    return stream


def _tidy(place: Path) -> None:
    """Remove what runs left that were killed: folders of ours that nobody holds any more."""
    if os.name != "posix":
        return
    import fcntl

    for held in place.glob(f"{PREFIX}*/{HELD}"):
        with suppress(OSError), held.open("rb") as stream:  # held, gone, or somebody else's
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(held.parent, ignore_errors=True)


@cache
def _token() -> str:
    """The secret that the processes of our own cluster know each other by; Ray keeps the first one it reads."""
    return secrets.token_hex(32)


@contextmanager
def _handlers_kept() -> Iterator[None]:
    """Ray puts a handler of its own in the place of ours for SIGTERM."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
