"""The store: one SQLite file a run, in which every call is noted before it is made and every answer when it is there."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import time
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from evalkit.errors import InvalidInput, StorageError
from evalkit.records import AS_IS, Trace
from evalkit.store import merging, opening, rows, verdicts
from evalkit.store.accounts import Counts, count, give_up, unknown_answers
from evalkit.store.damage import examine, examine_reading
from evalkit.store.lost import check_vacant
from evalkit.store.opening import DAMAGE, SESSION, STORE, damaged
from evalkit.store.rows import Key as Key
from evalkit.store.rows import difference as difference
from evalkit.store.session import SessionFile, read_session
from evalkit.store.verdicts import Said as Said
from evalkit.store.writing import Line, Writer
from evalkit.traces import trace_from_json


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
        self._lock = None if reading else opening.lock(folder)
        self._last = 0
        try:
            self._db = self._read() if reading else self._open()
        except BaseException:
            if self._lock is not None:
                self._lock.close()
            raise
        self._begun: dict[int, tuple[Key, int, float]] = {}
        self._marker: tuple[int, str] | None = None

    # opening and closing

    def _open(self) -> sqlite3.Connection:
        before = read_session(self.folder / SESSION)
        check_vacant(self.folder)
        db = opening.open_to_write(self.file)
        self._writer = Writer(db, self.file)
        with opening.usable(db, self.file):
            self.healed = examine(db, self.file, before)
            give_up(db)
            db.execute(verdicts.TABLE)
            self._begin_session(db)
        return db

    def _read(self) -> sqlite3.Connection:
        before = read_session(self.folder / SESSION)  # first: the store may only be newer
        db = opening.open_to_read(self.file)
        self._writer = Writer(db, self.file)
        with opening.usable(db, self.file):
            examine_reading(db, self.file, before)
        return db

    def _begin_session(self, db: sqlite3.Connection) -> None:
        (before,) = db.execute("SELECT coalesce(sum(commits), 0) FROM sessions").fetchone()
        (self._last,) = db.execute("SELECT coalesce(max(id), 0) FROM attempts").fetchone()
        insert = "INSERT INTO sessions (began, planned, commits) VALUES (?, 0, 1)"
        try:
            with db:
                self._writer.session = int(db.execute(insert, [time.time()]).lastrowid or 0)
            self._writer.mark = SessionFile(self.folder / SESSION, before + 1)
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
        try:
            self._writer.close()
            self._give_up()
        finally:
            self._let_go()

    async def settle(self) -> None:
        """Return once all that was handed in is on disk; what then is under way is so for good, for nobody waits for it."""
        await self.written()
        self._give_up()

    def _give_up(self) -> None:
        if self._begun:
            self._begun.clear()
            with suppress(sqlite3.Error):  # a full disk: the next run does it
                give_up(self._db)

    def _let_go(self) -> None:
        self._db.close()
        if self._writer.mark is not None:
            with suppress(OSError):  # it only helps to notice a loss
                self._writer.mark.close()
        if self._lock is not None:
            self._lock.close()
        else:
            opening.tidy(self.file)

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
                hint="give another --out",
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
        self._writer.commit(
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
        self._writer.commit(rows.upserts("notes", {name: value}))

    # attempts: what was paid for, or may have been

    def plan(self, attempts: int) -> None:
        """Note how many questions this session means to put."""
        self._writer.commit(
            [("UPDATE sessions SET planned = ? WHERE id = ?", (attempts, self._writer.session))]
        )

    async def begin(self, key: Key, calls: int = 1) -> int:
        """Return once it is on disk that ``calls`` calls are about to be made; the attempt's number."""
        self._last += 1
        number = self._last
        self._begun[number] = (key, calls, time.monotonic())
        row = rows.intent_row(number, self._writer.session, key, calls, time.time())
        try:
            await self._writer.hand_over([(rows.BEGIN_ATTEMPT, row)])
        except asyncio.CancelledError:
            self.withdraw(number)
            raise
        return number

    def withdraw(self, attempt: int) -> asyncio.Future[None]:
        """Forget an attempt whose call was never made; who awaits that knows it is on disk."""
        del self._begun[attempt]
        return self._writer.hand_over([(rows.DROP_ATTEMPT, (attempt,))])

    def fail(self, attempt: int, *, lost: bool = False) -> asyncio.Future[None]:
        """The same of an attempt that brought no answer: it cost nothing, or nobody knows if it is ``lost``."""
        key, calls, began = self._begun.pop(attempt)
        seconds, state = time.monotonic() - began, rows.UNKNOWN if lost else rows.FAILED
        ended = rows.outcome_row(attempt, key, calls, state, seconds, None)
        return self._writer.hand_over([(rows.END_ATTEMPT, ended)])

    async def resend(self, key: Key, error: str, *, lost: bool) -> None:
        """Return once it is on disk that a call of a question under way ended in an error, and is about to be made again."""
        self._last += 1
        row = rows.resent_row(self._last, self._writer.session, key, time.time(), error, lost=lost)
        await self._writer.hand_over([(rows.BEGIN_ATTEMPT, row)])

    def counts(self) -> Counts:
        """The attempts so far by state."""
        with self._reading():
            return count(self._db)

    # traces

    def done(self, *, errors: bool = True) -> set[Key]:
        """The keys already answered; without ``errors`` those that failed are left out, to be asked again."""
        where = "" if errors else " WHERE error IS NULL"
        query = f"SELECT system, case_id, condition, repeat FROM traces{where}"  # noqa: S608 (constant)
        return set(self._select(query))

    def errors(self) -> int:
        """How many answers are errors that came back; those that nobody saw end are ``unknown``."""
        query = "SELECT count(*) FROM traces WHERE error IS NOT NULL AND error <> 'timeout'"
        ((number,),) = self._select(query)
        return int(number)

    def unknown(self) -> set[Key]:
        """The keys of answers that were waited for in vain after the question had been sent: to be asked again."""
        with self._reading():
            return unknown_answers(self._db)

    async def put(self, trace: Trace, attempt: int | None = None) -> None:
        """Return once the trace is on disk, and with it how the attempt ended that brought it."""
        await self.hand_in(trace, attempt)

    def hand_in(self, trace: Trace, attempt: int | None = None) -> asyncio.Future[None]:
        """The same without waiting: whoever begins the next attempt waits for both, and for one commit instead of two."""
        batch: list[Line] = [(rows.PUT_TRACE, rows.trace_row(trace))]
        if attempt is not None:
            key, calls, began = self._begun.pop(attempt)
            seconds = time.monotonic() - began
            ended = rows.outcome_row(attempt, key, calls, rows.state_of(trace), seconds, trace)
            batch.append((rows.END_ATTEMPT, ended))
        return self._writer.hand_over(batch)

    async def written(self) -> None:
        """Return once all that was handed in is on disk."""
        await self._writer.written()

    def put_all(self, traces: Iterable[Trace]) -> None:
        """Write traces in one durable commit."""
        self.put_rows(map(rows.trace_row, traces))

    def put_rows(self, made: Iterable[tuple[Any, ...]]) -> None:
        """Write the rows of traces in one durable commit."""
        self._writer.commit([(rows.PUT_TRACE, row) for row in made])

    def drop(self, system: str, cases: Collection[str] | None = None, *, as_is: bool = True) -> int:
        """Forget answers of a system (of some cases), without ``as_is`` only those under conditions; how many."""
        keys = [k for k in self.done() if k[0] == system and (cases is None or k[1] in cases)]
        gone = [key for key in keys if as_is or key[2] != AS_IS]
        self.forget(gone)
        return len(gone)

    def forget(self, keys: Iterable[Key]) -> None:
        """Forget answers; the account of their calls stays."""
        self._writer.commit([(rows.DROP_TRACE, key) for key in keys])

    def traces(self, system: str) -> Iterator[Trace]:
        """The traces of one system, in the order of case id, condition and repeat."""
        query = "SELECT * FROM traces WHERE system = ? ORDER BY case_id, condition, repeat"
        for row in self._select(query, system):
            if not rows.checked(row):
                answer = " ".join(map(str, row[:4]))
                raise damaged(self.file, f"the answer {answer} is not as it was written")
            yield trace_from_json(self._parsed(row[5]), where=self.file)

    # evidence: what a judge said of answers, so that it is not asked again

    def keep_evidence(self, said: Iterable[Said], *, wait: bool = True) -> None:
        """Keep what a judge said; without ``wait`` (and with a loop running) it goes with the next commit."""
        lines = verdicts.lines_of(said)
        if not lines or self._lock is None:
            return
        if wait:
            self._writer.commit(lines)
        else:
            self._writer.hand_over(lines)

    def evidence(self, system: str, first: str, last: str) -> Iterator[Said | None]:
        """What was said of a system's answers to the cases from ``first`` to ``last``; None is a damaged row."""
        with self._reading():
            yield from verdicts.said_of(self._db, system, first, last)

    def marker(self) -> str:
        """Names the answers that are there, each as it was written; every answer is read for that."""
        if self._marker is None or self._marker[0] != self._writer.changes:
            query = "SELECT sum FROM traces ORDER BY system, case_id, condition, repeat"
            found = rows.name_of(total for (total,) in self._select(query))
            self._marker = self._writer.changes, found
        return self._marker[1]

    def systems(self) -> list[str]:
        """The names of the systems that have traces."""
        return [name for (name,) in self._select("SELECT DISTINCT system FROM traces ORDER BY 1")]

    def take_over(self, other: Store, *, account: bool) -> list[Key]:
        """Copy another store's answers, what was said of them, and its ``account`` of calls; the keys that both answer, and not alike."""
        ours, theirs, commit = self._db, other._db, self._writer.commit
        try:
            unlike = merging.copy_answers(ours, theirs, other.file, commit)
            merging.copy_said(theirs, commit)
            if account:
                self._last = merging.copy_account(ours, theirs, self._last, commit)
        except DAMAGE as error:
            raise damaged(other.file, str(error)) from error
        return unlike

    # SQLite

    def _named(self, table: str) -> Iterator[tuple[str, str]]:
        query = f"SELECT name, value, sum FROM {table} ORDER BY rowid"  # noqa: S608 (constant)
        for row in self._select(query):
            if not rows.checked(row):
                raise damaged(self.file, f"{table} {row[0]!r} is not as it was written")
            yield row[0], row[1]

    def _select(self, query: str, *values: Any) -> Iterator[Any]:
        with self._reading():
            yield from self._db.execute(query, values)

    @contextmanager
    def _reading(self) -> Iterator[None]:
        try:
            yield
        except DAMAGE as error:
            raise StorageError(f"{self.file}: cannot be read: {error}") from error

    def _parsed(self, text: str) -> Any:
        try:
            return json.loads(text)
        except ValueError as error:
            raise StorageError(f"{self.file}: is damaged: {error}") from error
