"""Who writes in a run folder, and how many commits there must be: a small file beside the store."""

from __future__ import annotations

import json
import os
import socket
import zlib
from dataclasses import asdict, dataclass
from pathlib import Path

SIZE = 256  # bytes; a fixed size, so that it is overwritten in one call and never half as long


@dataclass(frozen=True, slots=True)
class Session:
    """The last process that wrote in the folder. ``open`` is true until it has ended in order."""

    pid: int
    host: str
    commits: int
    open: bool


def host() -> str:
    """The name of the machine, as it fits into the file."""
    return socket.gethostname()[:100]


def read_session(file: Path) -> Session | None:
    """What the file says; None where there is none, or none that can be read."""
    try:
        text, _, told = file.read_text("utf-8").strip().rpartition(" ")
        if zlib.crc32(text.encode()) != int(told):
            return None
        return Session(**json.loads(text))
    except (OSError, ValueError, TypeError):
        return None


class SessionFile:
    """The file held open: it is overwritten after every commit, without waiting for the disk.

    It is there to notice that commits are gone (a log that was deleted, an older copy of the store), and never says
    more than the store holds: the store's commit is on disk before.
    """

    def __init__(self, file: Path, commits: int) -> None:
        self._number = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
        first = Session(os.getpid(), host(), commits, open=True)
        self._session = asdict(first)
        self._write()

    def count(self) -> None:
        """One more commit was made."""
        self._session["commits"] += 1
        self._write()

    def _write(self) -> None:
        text = json.dumps(self._session)
        line = f"{text} {zlib.crc32(text.encode())}"
        os.lseek(self._number, 0, os.SEEK_SET)
        os.write(self._number, f"{line:<{SIZE - 1}}\n".encode())

    def close(self) -> None:
        """Say that the process ended in order, and let go of the file; may be called twice."""
        if self._number < 0:
            return
        self._session["open"] = False
        try:
            self._write()
            os.fsync(self._number)
        finally:
            os.close(self._number)
            self._number = -1
