"""The store: one SQLite file a run, in which every call is noted before it is made and every answer when it is there."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from evalkit.errors import InvalidInput, StorageError
from evalkit.records import AS_IS, Trace
from evalkit.store import merging, rows
from evalkit.store.accounts import Counts, count, give_up, unknown_answers
from evalkit.store.damage import examine, examine_reading
from evalkit.store.opening import (
    DAMAGE,
    OTHERWISE,
    SESSION,
    STORE,
    damaged,
    lock,
    open_to_read,
    open_to_write,
)
from evalkit.store.rows import Key as Key
from evalkit.store.rows import difference as difference
from evalkit.store.session import SessionFile, read_session
from evalkit.traces import trace_from_json

_Batch = list[tuple[str, tuple[Any, ...]]]  # statements with their values, in order


class Store:
    """The traces of one run folder. One process writes at a time (a second one gets ``Busy``), any number read.

    With ``reading`` the store is as it was when it was opened, whoever writes meanwhile. Answers and intents that wait
    at the same moment share one durable commit (WAL, synchronous FULL). ``healed`` says what was found damaged or
    missing, and dropped, when the store was opened for writing.
    """

    def __init__(self, folder: Path, *, reading: bool = False) -> None:
        self.folder = folder
        self.file = folder / STORE
        self.healed: list[str] = []
        self._lock = None if reading else lock(folder)
        self._mark: SessionFile | None = None
        self._session = self._last = 0
        try:
            self._db = self._read() if reading else self._open()
        except BaseException:
            if self._lock is not None:
                self._lock.close()
            raise
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="evalkit-store")
        self._waiting: list[tuple[_Batch, asyncio.Future[None]]] = []
        self._flushing: asyncio.Task[None] | None = None
        self._failed: StorageError | None = None
        self._begun: dict[int, tuple[Key, int, float]] = {}

    # opening and closing

    def _open(self) -> sqlite3.Connection:
        before = read_session(self.folder / SESSION)
        if before and before.commits and self.file.exists() and not self.file.stat().st_size:
            what = f"is empty, and {before.commits} commits were made to it"
            raise StorageError(f"{self.file}: {what}; {OTHERWISE}")
        db = open_to_write(self.file)
        try:
            self.healed = examine(db, self.file, before)
            give_up(db)
            self._begin_session(db)
        except DAMAGE as error:
            db.close()
            raise damaged(self.file, str(error)) from error
        except (StorageError, OSError):
            db.close()
            raise
        return db

    def _read(self) -> sqlite3.Connection:
        before = read_session(self.folder / SESSION)  # first: the store may only be newer
        db = open_to_read(self.file)
        try:
            examine_reading(db, self.file, before)
        except DAMAGE as error:
            db.close()
            raise damaged(self.file, str(error)) from error
        except StorageError:
            db.close()
            raise
        return db

    def _begin_session(self, db: sqlite3.Connection) -> None:
        (before,) = db.execute("SELECT coalesce(sum(commits), 0) FROM sessions").fetchone()
        (self._last,) = db.execute("SELECT coalesce(max(id), 0) FROM attempts").fetchone()
        insert = "INSERT INTO sessions (began, planned, commits) VALUES (?, 0, 1)"
        try:
            with db:
                self._session = int(db.execute(insert, [time.time()]).lastrowid or 0)
            self._mark = SessionFile(self.folder / SESSION, before + 1)
        except (sqlite3.Error, OSError) as error:
            raise StorageError(f"{self.folder}: cannot be written: {error}") from error

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
                self._commit([line for batch, _ in handed for line in batch])
            if self._begun:
                self._begun.clear()
                with suppress(sqlite3.Error):  # a full disk: the next run does it
                    give_up(self._db)
        finally:
            self._let_go()

    def _let_go(self) -> None:
        self._db.close()
        if self._mark is not None:
            with suppress(OSError):  # it only helps to notice a loss
                self._mark.close()
        if self._lock is not None:
            self._lock.close()

    # recipe: what a resumed run must agree with

    def recipe(self) -> dict[str, Any]:
        """What this run was started with, in the order in which it was noted; empty for a new one."""
        return {name: self._parsed(value) for name, value in self._named("recipe")}

    def agree(self, recipe: Mapping[str, Any]) -> None:
        """Note what the run is made of; ``InvalidInput`` with the difference when it was another."""
        before = self.recipe()
        changed = [difference(n, before[n], v) for n, v in recipe.items() if before.get(n, v) != v]
        if changed:
            raise InvalidInput(
                "this run was started with something else: " + "; ".join(changed),
                file=self.folder,
                hint="give another --out, or delete the folder to start afresh",
            )
        self.note_recipe(recipe)

    def note_recipe(
        self,
        recipe: Mapping[str, Any],
        details: Mapping[str, str] | None = None,
        *,
        instead_of: Collection[str] = (),
    ) -> None:
        """Note in one commit what the run is made of, whatever it was before, and the parts of it.

        The parts named by ``instead_of`` are forgotten.
        """
        named = {name: rows.as_text(value) for name, value in recipe.items()}
        gone = [("DELETE FROM details WHERE name = ?", (name,)) for name in instead_of]
        self._commit(
            [*gone, *rows.upserts("recipe", named), *rows.upserts("details", details or {})]
        )

    def details(self) -> dict[str, str]:
        """The parts that the recipe's digests stand for, by name, so that a difference can be told."""
        return dict(self._named("details"))

    # notes: what helps to find one's way, and changes no answer

    def notes(self) -> dict[str, str]:
        """What was noted of the run, such as where its suite lies."""
        return dict(self._named("notes"))

    def note(self, name: str, value: str) -> None:
        """Note something of the run; the last word holds."""
        self._write("notes", {name: value})

    # attempts: what was paid for, or may have been

    def plan(self, attempts: int) -> None:
        """Note how many questions this session means to put."""
        self._commit([("UPDATE sessions SET planned = ? WHERE id = ?", (attempts, self._session))])

    async def begin(self, key: Key, calls: int = 1) -> int:
        """Return once it is on disk that ``calls`` calls are about to be made; the attempt's number."""
        self._last += 1
        number = self._last
        self._begun[number] = (key, calls, time.monotonic())
        row = rows.intent_row(number, self._session, key, calls, time.time())
        await self._hand_over([(rows.BEGIN_ATTEMPT, row)])
        return number

    async def fail(self, attempt: int) -> None:
        """Return once it is on disk that an attempt brought no answer, and cost nothing."""
        key, calls, began = self._begun.pop(attempt)
        seconds = time.monotonic() - began
        ended = rows.outcome_row(attempt, key, calls, rows.FAILED, seconds, None)
        await self._hand_over([(rows.END_ATTEMPT, ended)])

    def counts(self) -> Counts:
        """The attempts so far by state."""
        return count(self._db)

    # traces

    def done(self, *, errors: bool = True) -> set[Key]:
        """The keys already answered; without ``errors`` those that failed are left out, to be asked again."""
        where = "" if errors else " WHERE error IS NULL"
        query = f"SELECT system, case_id, condition, repeat FROM traces{where}"  # noqa: S608 (constant)
        return set(self._select(query))

    def unknown(self) -> set[Key]:
        """The keys of answers that were waited for in vain after the question had been sent: to be asked again."""
        return unknown_answers(self._db)

    async def put(self, trace: Trace, attempt: int | None = None) -> None:
        """Return once the trace is on disk, and with it how the attempt ended that brought it."""
        await self.hand_in(trace, attempt)

    def hand_in(self, trace: Trace, attempt: int | None = None) -> asyncio.Future[None]:
        """The same without waiting: whoever begins the next attempt waits for both, and for one commit instead of two."""
        batch: _Batch = [(rows.PUT_TRACE, rows.trace_row(trace))]
        if attempt is not None:
            key, calls, began = self._begun.pop(attempt)
            seconds = time.monotonic() - began
            ended = rows.outcome_row(attempt, key, calls, rows.state_of(trace), seconds, trace)
            batch.append((rows.END_ATTEMPT, ended))
        return self._hand_over(batch)

    async def written(self) -> None:
        """Return once all that was handed in is on disk."""
        if self._flushing is not None and not self._flushing.done():
            await asyncio.wait([self._flushing])
        if self._failed is not None:
            raise self._failed

    def _hand_over(self, batch: _Batch) -> asyncio.Future[None]:
        loop = asyncio.get_running_loop()
        written: asyncio.Future[None] = loop.create_future()
        self._waiting.append((batch, written))
        if self._flushing is None or self._flushing.done():
            self._flushing = loop.create_task(self._flush(loop))
        return written

    async def _flush(self, loop: asyncio.AbstractEventLoop) -> None:
        while self._waiting:
            handed, self._waiting = self._waiting, []
            lines = [line for batch, _ in handed for line in batch]
            try:
                await loop.run_in_executor(self._thread, self._commit, lines)
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

    def put_all(self, traces: Iterable[Trace]) -> None:
        """Write traces in one durable commit."""
        self._commit([(rows.PUT_TRACE, rows.trace_row(trace)) for trace in traces])

    def drop(self, system: str, cases: Collection[str] | None = None, *, as_is: bool = True) -> int:
        """Forget answers of a system (of some cases), without ``as_is`` only those under conditions; how many."""
        keys = [k for k in self.done() if k[0] == system and (cases is None or k[1] in cases)]
        gone = [key for key in keys if as_is or key[2] != AS_IS]
        self.forget(gone)
        return len(gone)

    def forget(self, keys: Iterable[Key]) -> None:
        """Forget answers; the account of their calls stays."""
        self._commit([(rows.DROP_TRACE, key) for key in keys])

    def traces(self, system: str) -> Iterator[Trace]:
        """The traces of one system, in the order of case id, condition and repeat."""
        query = "SELECT * FROM traces WHERE system = ? ORDER BY case_id, condition, repeat"
        for row in self._select(query, system):
            if not rows.checked(row):
                answer = " ".join(map(str, row[:4]))
                raise damaged(self.file, f"the answer {answer} is not as it was written")
            yield trace_from_json(self._parsed(row[5]), where=self.file)

    def systems(self) -> list[str]:
        """The names of the systems that have traces."""
        return [name for (name,) in self._select("SELECT DISTINCT system FROM traces ORDER BY 1")]

    def take_over(self, other: Store, *, account: bool) -> list[Key]:
        """Copy another store's answers, and its ``account`` of calls; the keys that both answer, and not alike."""
        unlike = merging.copy_answers(self._db, other._db, other.file, self._commit)
        if account:
            self._last = merging.copy_account(self._db, other._db, self._last, self._commit)
        return unlike

    # SQLite

    def _named(self, table: str) -> Iterator[tuple[str, str]]:
        query = f"SELECT name, value, sum FROM {table} ORDER BY rowid"  # noqa: S608 (constant)
        for row in self._select(query):
            if not rows.checked(row):
                raise damaged(self.file, f"{table} {row[0]!r} is not as it was written")
            yield row[0], row[1]

    def _select(self, query: str, *values: Any) -> Iterator[Any]:
        try:
            yield from self._db.execute(query, values)
        except DAMAGE as error:
            raise StorageError(f"{self.file}: cannot be read: {error}") from error

    def _write(self, table: str, lines: Mapping[str, str]) -> None:
        self._commit(rows.upserts(table, lines))

    def _commit(self, lines: Sequence[tuple[str, tuple[Any, ...]]]) -> None:
        """Write lines in one durable commit; statements of one kind go together, intents first."""
        kinds: dict[str, list[tuple[Any, ...]]] = {rows.BEGIN_ATTEMPT: []}
        for statement, values in lines:
            kinds.setdefault(statement, []).append(values)
        try:
            with self._db:
                for statement, of_kind in kinds.items():
                    self._db.executemany(statement, of_kind)
                self._db.execute(rows.COUNT_COMMIT, (self._session,))
            if self._mark is not None:
                self._mark.count()
        except sqlite3.Error as error:
            raise StorageError(f"{self.file}: cannot be written: {error}") from error
        except OSError as error:
            raise StorageError(f"{self.folder / SESSION}: {error.strerror}") from error

    def _parsed(self, text: str) -> Any:
        try:
            return json.loads(text)
        except ValueError as error:
            raise StorageError(f"{self.file}: is damaged: {error}") from error
