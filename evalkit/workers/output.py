"""What worker processes print: read away as it comes, its beginning filed, its end remembered."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

HEAD = 2**20  # bytes that go to the file as they come
TAIL = 64 * 2**10  # bytes remembered of what follows
TAKEN = 64 * 2**10  # bytes read at a time


class Output:
    """The stdout and stderr of all processes of one system, in bounded form.

    ``path`` is the log file, made when the first byte comes; ``None`` keeps no file. A disk that
    cannot take the log is no reason to end a run: the file then stays as it is.
    """

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self.bytes = 0
        self._tail = bytearray()

    def feed(self, data: bytes) -> None:
        """File what was printed while there is room, remember the last of it in any case."""
        room = HEAD - self.bytes
        self.bytes += len(data)
        self._tail += data
        del self._tail[:-TAIL]
        if room > 0:
            self._write(data[:room])

    @property
    def last(self) -> str:
        """The last that was printed, at most ``TAIL`` bytes of it."""
        return self._tail.decode("utf-8", "replace")

    def close(self) -> None:
        """Add the end of what found no room to the file."""
        over = self.bytes - HEAD
        if over > 0:
            end = bytes(self._tail[-over:])
            self._write(f"\n[{over - len(end)} bytes are left out here]\n".encode() + end)
        self.bytes = 0

    def _write(self, data: bytes) -> None:
        if self.path is None:
            return
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
            with os.fdopen(os.open(self.path, flags, 0o600), "ab") as file:
                file.write(data)
        except OSError:
            self.path = None


class Pipe:
    """The reading end of one process's stdout and stderr."""

    def __init__(self, descriptor: int, output: Output) -> None:
        os.set_blocking(descriptor, False)
        self._descriptor: int | None = descriptor
        self._output = output
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def open(self) -> bool:
        """Whether more may come."""
        return self._descriptor is not None

    def fileno(self) -> int:
        """The file descriptor, to wait for; -1 when it is closed."""
        return -1 if self._descriptor is None else self._descriptor

    def attach(self, loop: asyncio.AbstractEventLoop) -> None:
        """Read when something comes, on ``loop``."""
        if self._loop is not loop and self._descriptor is not None:
            self._loop = loop
            loop.add_reader(self._descriptor, self.read)

    def read(self) -> bool:
        """Take what has come, without waiting; false when there was nothing."""
        if self._descriptor is None:
            return False
        try:
            data = os.read(self._descriptor, TAKEN)
        except BlockingIOError:
            return False
        if not data:
            self.close()
            return False
        self._output.feed(data)
        return True

    def drain(self) -> None:
        """Take what a process that has ended left behind, and close."""
        for _ in range(32):  # a pipe holds 64 kB to 1 MB
            if not self.read():
                break
        self.close()

    def close(self) -> None:
        """Close the reading end; a second call does nothing."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is None:
            return
        if self._loop is not None and not self._loop.is_closed():
            self._loop.remove_reader(descriptor)
        os.close(descriptor)
