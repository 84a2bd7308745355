"""What one store gives another: its answers as they were written, what a judge said of them, and the account of its calls."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from evalkit.errors import StorageError
from evalkit.store import verdicts
from evalkit.store.rows import BEGIN_ATTEMPT, PUT_TRACE, STARTED, UNKNOWN, Key, checked, checksum

BATCH = 500  # rows that share a commit, and are held meanwhile
_TRACES = "SELECT * FROM traces ORDER BY system, case_id, condition, repeat"
_EXTENT = "SELECT count(DISTINCT case_id), coalesce(max(repeat) + 1, 0) FROM traces WHERE condition = 'as_is'"
_SAME_KEY = "SELECT sum, trace FROM traces WHERE system = ? AND case_id = ? AND condition = ? AND repeat = ?"
_PUT_SESSION = "INSERT INTO sessions VALUES (?, ?, ?, 0)"  # its commits were made elsewhere

_SAID = (
    "SELECT CAST(system AS BLOB), CAST(case_id AS BLOB), CAST(condition AS BLOB), repeat, "
    "CAST(made_of AS BLOB), CAST(evidence AS BLOB), sum FROM evidence "
    "ORDER BY system, case_id, condition, repeat"
)

Row = tuple[Any, ...]
Commit = Callable[[Sequence[tuple[str, Row]]], None]


def copy_answers(
    ours: sqlite3.Connection, theirs: sqlite3.Connection, file: Path, commit: Commit
) -> list[Key]:
    """Copy every answer that is not there; the keys of those that are there, and not alike."""
    unlike: list[Key] = []
    for batch in _batches(_answers(theirs, file)):
        there = [(row, _known(ours, row)) for row in batch]
        unlike += [row[:4] for row, same in there if same is False]
        commit([(PUT_TRACE, row) for row, same in there if same is None])
    return unlike


def extent(db: sqlite3.Connection) -> tuple[int, int]:
    """How many cases have an answer ``as_is``, and the most repeats that one of them has."""
    cases, repeats = db.execute(_EXTENT).fetchone()
    return int(cases), int(repeats)


def copy_said(theirs: sqlite3.Connection, commit: Commit) -> None:
    """Copy what a judge said of answers, without rows that are damaged: those answers are judged again."""
    try:
        rows = theirs.execute(_SAID)
    except sqlite3.OperationalError as error:  # a store from before there was such a table
        if "no such table" not in str(error):
            raise
        return
    for batch in _batches(_as_text(row) for row in rows if checked(row)):
        commit([(verdicts.PUT, row) for row in batch])


def _as_text(row: Row) -> Row:
    return tuple(value.decode() if isinstance(value, bytes) else value for value in row)


def copy_account(
    ours: sqlite3.Connection, theirs: sqlite3.Connection, last: int, commit: Commit
) -> int:
    """Copy sessions and attempts, numbered after the ``last`` attempt; the number of the last one now."""
    (first,) = ours.execute("SELECT max(id) + 1 FROM sessions").fetchone()
    made, numbers = _sessions(theirs, first)
    commit([(_PUT_SESSION, row) for row in made])
    for batch in _batches(_attempts(theirs, last + 1, numbers)):
        commit([(BEGIN_ATTEMPT, row) for row in batch])
        last = batch[-1][0]
    return last


def _batches(rows: Iterator[Row]) -> Iterator[list[Row]]:
    """Rows in lists that fit one commit."""
    while batch := list(islice(rows, BATCH)):
        yield batch


def _answers(theirs: sqlite3.Connection, file: Path) -> Iterator[Row]:
    """Every answer, as it was written; ``StorageError`` for one that is not."""
    for row in theirs.execute(_TRACES):
        if not checked(row):
            raise StorageError(f"{file}: the answer {' '.join(map(str, row[:4]))} is damaged")
        yield row


def _known(ours: sqlite3.Connection, row: Row) -> bool | None:
    """Whether the same answer is there: None where there is none, False where there is another."""
    found = ours.execute(_SAME_KEY, row[:4]).fetchone()
    return None if found is None else found == (row[6], row[5])


def _sessions(theirs: sqlite3.Connection, first: int) -> tuple[list[Row], dict[int, int]]:
    """The sessions, numbered from ``first``; and the new number of each."""
    found = theirs.execute("SELECT id, began, planned FROM sessions ORDER BY id").fetchall()
    numbers = {row[0]: first + i for i, row in enumerate(found)}
    return [(numbers[i], began, planned) for i, began, planned in found], numbers


def _attempts(theirs: sqlite3.Connection, first: int, of: dict[int, int]) -> Iterator[Row]:
    """The attempts, numbered from ``first`` in the sessions ``of``; one that never told how it ended is unknown.

    Damaged ones are left out, as they are where a run goes on.
    """
    for i, row in enumerate(theirs.execute("SELECT * FROM attempts ORDER BY id")):
        (
            number,
            session,
            *key,
            calls,
            began,
            state,
            seconds,
            error,
            prompt,
            completion,
            cost,
            was,
        ) = row
        if checksum(number, *key, calls, state, error, cost, prompt) != was:
            continue
        ended = UNKNOWN if state == STARTED else state
        total = checksum(first + i, *key, calls, ended, error, cost, prompt)
        found = (began, ended, seconds, error, prompt, completion, cost, total)
        yield (first + i, of.get(session, 0), *key, calls, *found)
