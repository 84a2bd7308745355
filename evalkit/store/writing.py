"""Writes rows durably: what waits at the same moment shares one commit, and the disk is waited for elsewhere if it is slow."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from time import perf_counter
from typing import Any

from evalkit.errors import StorageError
from evalkit.store import rows
from evalkit.store.opening import LOCK
from evalkit.store.session import SessionFile

Line = tuple[str, tuple[Any, ...]]  # a statement with its values
SLOW = 0.001  # seconds from which a commit is waited for in a thread of its own
TOGETHER = 32  # batches that share a commit on a quick disk: more would keep the first waiting for the last
PATIENCE = 32  # commits after which the disk may have become quicker


class Writer:
    """One connection's writes, each batch in a durable commit (WAL, synchronous FULL).

    Rows are handed to SQLite by whoever calls, and only a slow disk is waited for in a thread: a thread that needs the
    interpreter for every row would wait for it as often as the event loop is busy, and everybody with it.
    """

    def __init__(self, db: sqlite3.Connection, file: Path) -> None:
        self.session = 0
        self.mark: SessionFile | None = None
        self._db, self._file = db, file
        self._watched = [file, file.with_name(LOCK)]
        self._found = [*map(_identity, self._watched)]
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="evalkit-store")
        self._waiting: list[tuple[Sequence[Line], asyncio.Future[None]]] = []
        self._flushing: asyncio.Task[None] | None = None
        self._failed: StorageError | None = None
        self._elsewhere = 0  # commits that are still waited for in the thread
        self.changes = 0  # of answers, so far

    def hand_over(self, batch: Sequence[Line]) -> asyncio.Future[None]:
        """Write a batch with all that waits; the future is done when it is on the disk."""
        loop = asyncio.get_running_loop()
        written: asyncio.Future[None] = loop.create_future()
        self._waiting.append((batch, written))
        if self._flushing is None or self._flushing.done():
            self._flushing = loop.create_task(self._flush(loop))
        return written

    async def written(self) -> None:
        """Return once all that was handed over is on disk."""
        if self._flushing is not None and not self._flushing.done():
            await asyncio.wait([self._flushing])
        if self._failed is not None:
            raise self._failed

    def commit(self, lines: Sequence[Line]) -> None:
        """Write lines in one durable commit; statements of one kind go together, intents first."""
        self._execute(lines)
        self._finish()

    def close(self) -> None:
        """Wait for the thread, then commit what was handed over; the connection stays open."""
        self._thread.shutdown(wait=True)
        handed, self._waiting = self._waiting, []
        if handed:  # of an interrupted run the loop is over, but its last answers need not be lost
            self.commit([line for batch, _ in handed for line in batch])

    async def _flush(self, loop: asyncio.AbstractEventLoop) -> None:
        while self._waiting:
            most = len(self._waiting) if self._elsewhere else TOGETHER
            handed, self._waiting = self._waiting[:most], self._waiting[most:]
            lines = [line for batch, _ in handed for line in batch]
            try:
                self._execute(lines)
                if self._elsewhere:
                    self._elsewhere -= 1
                    await loop.run_in_executor(self._thread, self._finish)
                else:
                    self._finish_here()
            except StorageError as error:
                self._failed = error
                for _, written in handed:
                    if not written.done():
                        written.set_exception(error)
                        written.exception()  # seen: not everybody waits for it
            else:
                for _, written in handed:
                    if not written.done():
                        written.set_result(None)
            if self._waiting:
                await asyncio.sleep(0)  # those whose rows are written go on

    def _finish_here(self) -> None:
        began = perf_counter()
        self._finish()
        if perf_counter() - began > SLOW:
            self._elsewhere = PATIENCE

    def _execute(self, lines: Sequence[Line]) -> None:
        """Write lines, not yet durably; nothing of them where one fails."""
        kinds: dict[str, list[tuple[Any, ...]]] = {rows.BEGIN_ATTEMPT: []}
        for statement, values in lines:
            kinds.setdefault(statement, []).append(values)
        try:
            for statement, of_kind in kinds.items():
                self._db.executemany(statement, of_kind)
                self.changes += statement in rows.OF_ANSWERS
            self._db.execute(rows.COUNT_COMMIT, (self.session,))
        except sqlite3.Error as error:
            self._undo()
            raise StorageError(f"{self._file}: cannot be written: {error}") from error
        except BaseException:
            self._undo()
            raise

    def _finish(self) -> None:
        """Commit. Of a file that no longer has its name nobody would ever read, and a second writer might pay again."""
        if [*map(_identity, self._watched)] != self._found:
            self._undo()
            raise StorageError(
                f"{self._file}: was deleted, moved or replaced while the run was going on; no further question is put"
            )
        try:
            self._db.commit()
            if self.mark is not None:
                self.mark.count()
        except sqlite3.Error as error:
            self._undo()
            raise StorageError(f"{self._file}: cannot be written: {error}") from error
        except OSError as error:
            where = self._file.with_name(f"{self._file.name}-session")
            raise StorageError(f"{where}: {error.strerror}") from error

    def _undo(self) -> None:
        with suppress(sqlite3.Error):
            self._db.rollback()


def _identity(file: Path) -> tuple[int, int] | None:
    """Which file a name stands for at this moment; None for none."""
    try:
        found = os.stat(file)  # noqa: PTH116 (with every commit: half the time)
    except OSError:
        return None
    return found.st_dev, found.st_ino
