"""Rows that are not as they were written: found by their checksums, named, and dropped where that can be mended."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from evalkit.errors import StorageError
from evalkit.store.opening import SMALL, check_structure, damaged
from evalkit.store.rows import NAMED, checked
from evalkit.store.session import Session

_TRACE = "SELECT CAST(system AS BLOB), CAST(case_id AS BLOB), CAST(condition AS BLOB), repeat, CAST(error AS BLOB)"
_TRACES = f"{_TRACE}, CAST(trace AS BLOB), sum FROM traces"
_ATTEMPTS = (
    "SELECT id, CAST(system AS BLOB), CAST(case_id AS BLOB), CAST(condition AS BLOB), repeat, calls, "
    "CAST(state AS BLOB), CAST(error AS BLOB), cost, prompt_tokens, sum FROM attempts"
)
_DROP_TRACE = (
    "DELETE FROM traces WHERE CAST(system AS BLOB) = ? AND CAST(case_id AS BLOB) = ? "
    "AND CAST(condition AS BLOB) = ? AND repeat = ?"
)
SHOWN = 5  # answers that are named in a message


def mend(db: sqlite3.Connection, file: Path) -> list[str]:
    """Drop damaged answers and attempts; what was dropped, in words. ``StorageError`` for what the run is made of."""
    check_named(db, file)
    traces = _damaged_answers(db)
    attempts = [(row[0],) for row in _damaged_attempts(db)]
    with db:
        db.executemany(_DROP_TRACE, traces)
        db.executemany("DELETE FROM attempts WHERE id = ?", attempts)
    told = []
    if traces:
        told.append(f"{told_of(traces)} damaged and dropped, to be asked again")
    if attempts:
        told.append(f"{len(attempts)} damaged records of calls were dropped: counts lack them")
    return told


def _damaged_answers(db: sqlite3.Connection) -> list[tuple[bytes, bytes, bytes, int]]:
    return [row[:4] for row in db.execute(_TRACES) if not checked(row)]


def _damaged_attempts(db: sqlite3.Connection) -> Iterator[tuple[Any, ...]]:
    return (row for row in db.execute(_ATTEMPTS) if not checked(row))


def attempts_are_whole(db: sqlite3.Connection) -> bool:
    """Whether every record of a call is as it was written."""
    return next(_damaged_attempts(db), None) is None


def told_of(keys: list[tuple[bytes, bytes, bytes, int]]) -> str:
    """Answers by name, the first few of them."""
    names = [
        " ".join([*(part.decode("utf-8", "replace") for part in key[:3]), str(key[3])])
        for key in keys
    ]
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return f"{len(names)} answers ({', '.join(names[:SHOWN])}{more}) were"


def check_named(db: sqlite3.Connection, file: Path) -> None:
    """The tables of names and values must be whole."""
    for table in NAMED:
        query = f"SELECT CAST(name AS BLOB), CAST(value AS BLOB), sum FROM {table}"  # noqa: S608
        for row in db.execute(query):
            if not checked(row):
                name = row[0].decode("utf-8", "replace")
                raise damaged(file, f"{table} {name!r} is not as it was written")


def lacking(db: sqlite3.Connection, session: Session | None) -> str | None:
    """What to say where commits are missing that the session's file knows of."""
    (found,) = db.execute("SELECT coalesce(sum(commits), 0) FROM sessions").fetchone()
    if session is None or found >= session.commits:
        return None
    return (
        f"{session.commits - found} of {session.commits} commits are missing from the store "
        "(its -wal file is gone or damaged, or this is an older copy)"
    )


def examine(db: sqlite3.Connection, file: Path, before: Session | None) -> list[str]:
    """Look for damage before a run goes on; what was found and dropped. ``StorageError`` where that is not enough."""
    told = []
    if before is None or before.open or file.stat().st_size <= SMALL:
        check_structure(db, file)
        told = mend(db, file)
    lost = lacking(db, before)
    return [*told, f"{lost}; what is missing is asked again"] if lost else told


def examine_reading(db: sqlite3.Connection, file: Path, before: Session | None) -> None:
    """A reader changes nothing: what a run that goes on would drop is a ``StorageError``."""
    if file.stat().st_size <= SMALL:
        check_structure(db, file)
        found = _damaged_answers(db)  # one whose key is damaged would be passed over, not met
        if found:
            raise StorageError(
                f"{file}: {told_of(found)} damaged; `evalkit run` with the same --out asks them again"
            )
    lost = lacking(db, before)
    if lost:
        raise StorageError(
            f"{file}: {lost}; `evalkit run` with the same --out asks again what is missing"
        )
