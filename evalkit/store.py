"""The store: one SQLite file a run, in which every answer is committed before its worker goes on."""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from evalkit.errors import Busy, InvalidInput, StorageError
from evalkit.records import Trace
from evalkit.traces import trace_from_json, trace_to_json

Key = tuple[str, str, str, int]  # system, case_id, condition, repeat
_Line = tuple[str, str, str, int, str | None, str]  # the key, the kind of error, the trace as JSON

SCHEMA_VERSION = 1
_TABLES = """
CREATE TABLE IF NOT EXISTS recipe (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS notes (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS traces (
  system TEXT NOT NULL, case_id TEXT NOT NULL, condition TEXT NOT NULL, repeat INTEGER NOT NULL,
  error TEXT, trace TEXT NOT NULL,
  PRIMARY KEY (system, case_id, condition, repeat)
) WITHOUT ROWID;
"""
_UPSERT = (
    "INSERT INTO {table} (name, value) VALUES (?, ?) "
    "ON CONFLICT (name) DO UPDATE SET value = excluded.value"
)


class Store:
    """The traces of one run folder. One process writes at a time; a second one gets ``Busy``.

    Answers that wait at the same moment share one durable commit (WAL, synchronous FULL).
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.file = folder / "run.sqlite"
        self._lock = _lock(folder)
        try:
            self._db = _open(self.file)
        except StorageError:
            self._lock.close()
            raise
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="evalkit-store")
        self._waiting: list[tuple[_Line, asyncio.Future[None]]] = []
        self._flushing: asyncio.Task[None] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Commit what was handed over, then let go of the file and the lock; may be called twice."""
        self._thread.shutdown(wait=True)
        handed, self._waiting = self._waiting, []
        try:  # of an interrupted run the event loop is over, but its last answers need not be lost
            if handed:
                self._commit([line for line, _ in handed])
        finally:
            self._db.close()
            self._lock.close()

    # recipe: what a resumed run must agree with

    def recipe(self) -> dict[str, Any]:
        """What this run was started with, in the order in which it was noted; empty for a new one."""
        rows = self._select("SELECT name, value FROM recipe ORDER BY rowid")
        return {name: self._parsed(value) for name, value in rows}

    def agree(self, recipe: Mapping[str, Any]) -> None:
        """Note what the run is made of; ``InvalidInput`` with the difference when it was another."""
        before = self.recipe()
        changed = [_difference(n, before[n], v) for n, v in recipe.items() if before.get(n, v) != v]
        if changed:
            raise InvalidInput(
                "this run was started with something else: " + "; ".join(changed),
                file=self.folder,
                hint="give another --out, or delete the folder to start afresh",
            )
        lines = [(name, json.dumps(value, sort_keys=True)) for name, value in recipe.items()]
        self._write(_UPSERT.format(table="recipe"), lines)

    # notes: what helps to find one's way, and changes no answer

    def notes(self) -> dict[str, str]:
        """What was noted of the run, such as where its suite lies."""
        return dict(self._select("SELECT name, value FROM notes ORDER BY name"))

    def note(self, name: str, value: str) -> None:
        """Note something of the run; the last word holds."""
        self._write(_UPSERT.format(table="notes"), [(name, value)])

    # traces

    def done(self, *, errors: bool = True) -> set[Key]:
        """The keys already answered; without ``errors`` those that failed are left out, to be asked again."""
        where = "" if errors else " WHERE error IS NULL"
        query = f"SELECT system, case_id, condition, repeat FROM traces{where}"  # noqa: S608 (constant)
        return set(self._select(query))

    async def put(self, trace: Trace) -> None:
        """Return once the trace is on disk."""
        loop = asyncio.get_running_loop()
        written: asyncio.Future[None] = loop.create_future()
        self._waiting.append((_line(trace), written))
        if self._flushing is None or self._flushing.done():
            self._flushing = loop.create_task(self._flush(loop))
        await written

    async def _flush(self, loop: asyncio.AbstractEventLoop) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting, []
            try:
                await loop.run_in_executor(self._thread, self._commit, [line for line, _ in batch])
            except StorageError as error:
                for _, written in batch:
                    if not written.done():
                        written.set_exception(error)
            else:
                for _, written in batch:
                    if not written.done():
                        written.set_result(None)

    def put_all(self, traces: Iterable[Trace]) -> None:
        """Write traces in one durable commit."""
        self._commit([_line(trace) for trace in traces])

    def _commit(self, lines: Sequence[_Line]) -> None:
        self._write("INSERT OR REPLACE INTO traces VALUES (?,?,?,?,?,?)", lines)

    def traces(self, system: str) -> Iterator[Trace]:
        """The traces of one system, in the order of case id, condition and repeat."""
        query = "SELECT trace FROM traces WHERE system = ? ORDER BY case_id, condition, repeat"
        for (text,) in self._select(query, system):
            yield trace_from_json(self._parsed(text), where=self.file)

    def systems(self) -> list[str]:
        """The names of the systems that have traces."""
        return [name for (name,) in self._select("SELECT DISTINCT system FROM traces ORDER BY 1")]

    def _select(self, query: str, *values: Any) -> Iterator[Any]:
        try:
            yield from self._db.execute(query, values)
        except sqlite3.Error as error:
            raise StorageError(f"{self.file}: cannot be read: {error}") from error

    def _write(self, statement: str, lines: Sequence[tuple[Any, ...]]) -> None:
        try:
            with self._db:
                self._db.executemany(statement, lines)
        except sqlite3.Error as error:
            raise StorageError(f"{self.file}: cannot be written: {error}") from error

    def _parsed(self, text: str) -> Any:
        try:
            return json.loads(text)
        except ValueError as error:
            raise StorageError(f"{self.file}: is damaged: {error}") from error


def _line(trace: Trace) -> _Line:
    text = json.dumps(trace_to_json(trace), ensure_ascii=False, allow_nan=False)
    text = text.encode("utf-8", "replace").decode()  # half a surrogate pair must not stop a run
    kind = trace.error.kind if trace.error else None
    return trace.system, trace.case_id, trace.condition, trace.repeat, kind, text


def _lock(folder: Path) -> sqlite3.Connection:
    """An exclusive lock that the system itself releases when the process ends, however it ends."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise StorageError(f"{folder}: cannot be made: {error.strerror}") from error
    try:
        lock = sqlite3.connect(folder / "run.lock", timeout=0, isolation_level=None)
    except sqlite3.Error as error:
        raise StorageError(f"{folder}: cannot be written: {error}") from error
    try:
        lock.execute("BEGIN EXCLUSIVE")
    except sqlite3.Error as error:
        lock.close()
        if "locked" not in str(error):
            raise StorageError(f"{folder}: cannot be written: {error}") from error
        message = "another run is writing here; wait for it, or give another --out"
        raise Busy(f"{folder}: {message}") from None
    return lock


def _open(file: Path) -> sqlite3.Connection:
    try:
        if not file.exists():
            os.close(os.open(file, os.O_CREAT | os.O_WRONLY, 0o600))
        db = sqlite3.connect(file, check_same_thread=False)
    except (sqlite3.Error, OSError) as error:
        raise StorageError(f"{file}: cannot be opened: {error}") from error
    try:
        _prepare(db, file)
    except sqlite3.Error as error:
        db.close()
        raise StorageError(f"{file}: is no run store, or damaged: {error}") from error
    except StorageError:
        db.close()
        raise
    return db


def _prepare(db: sqlite3.Connection, file: Path) -> None:
    """Make an empty file a store; anything else must be one already, and is left as it is if not."""
    version = db.execute("PRAGMA user_version").fetchone()[0]
    tables = {name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if tables and (version == 0 or not tables >= {"recipe", "traces"}):
        raise StorageError(f"{file}: is a database, but no run store")
    if version not in (0, SCHEMA_VERSION):
        raise StorageError(f"{file}: was written by another version of evalkit (store {version})")
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = FULL")
    db.executescript(f"BEGIN; {_TABLES} PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;")


def _difference(name: str, before: Any, now: Any) -> str:
    if isinstance(before, dict) and isinstance(now, dict):
        keys = [k for k in sorted({*before, *now}) if before.get(k) != now.get(k)]
        return "; ".join(_difference(f"{name} {k}", before.get(k), now.get(k)) for k in keys)
    return f"{name} was {before}, now {now}"
