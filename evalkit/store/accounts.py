"""What was paid for, or may have been: the attempts of a run, counted."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from evalkit.store.rows import DONE, END_ATTEMPT, FAILED, STARTED, UNKNOWN, Key, outcome_row

_UNKNOWN_ANSWERS = (
    "SELECT system, case_id, condition, repeat FROM traces t WHERE error = 'timeout' AND EXISTS "
    "(SELECT 1 FROM attempts a WHERE a.state = 'unknown' AND (a.system, a.case_id, a.condition, a.repeat) = "
    "(t.system, t.case_id, t.condition, t.repeat))"
)
_PLANNED = (
    "SELECT planned - (SELECT count(*) FROM (SELECT DISTINCT system, case_id, condition, repeat FROM attempts "
    "WHERE session = s.id)) FROM sessions s ORDER BY id DESC LIMIT 1"
)
_LAST_PLANNED = "SELECT id, planned FROM sessions WHERE planned > 0 ORDER BY id DESC LIMIT 1"
_ANSWERED_SINCE = (
    "SELECT count(*) FROM (SELECT DISTINCT system, case_id, repeat FROM attempts a WHERE session >= ? "
    "AND condition = 'as_is' AND (state = 'done' OR EXISTS (SELECT 1 FROM traces t WHERE "
    "(t.system, t.case_id, t.condition, t.repeat) = (a.system, a.case_id, a.condition, a.repeat))))"
)
_KEPT = (
    "SELECT count(*) FROM (SELECT system, case_id, repeat FROM traces WHERE condition = 'as_is' "
    "AND system IN (SELECT system FROM attempts) EXCEPT SELECT system, case_id, repeat FROM attempts WHERE condition = 'as_is')"
)


@dataclass(frozen=True, slots=True)
class Counts:
    """The calls of a run by state, counted in attempts: a call that is made again is one more.

    ``unknown`` are those that were sent and of which nobody knows whether they were carried out: a process died,
    the connection was cut, or the wait was given up. ``possible_cost`` is what these may have cost, each as much as the dearest known
    attempt; None where no cost is known. ``planned`` are those of the last session that were not begun.
    """

    planned: int
    started: int
    done: int
    failed: int
    unknown: int
    possible_cost: float | None


def count(db: sqlite3.Connection) -> Counts:
    """The attempts by state."""
    found = dict(db.execute("SELECT state, count(*) FROM attempts GROUP BY state"))
    (worst,) = db.execute("SELECT max(cost / max(calls, 1)) FROM attempts").fetchone()
    (calls,) = db.execute(
        "SELECT coalesce(sum(calls), 0) FROM attempts WHERE state = 'unknown' AND cost IS NULL"
    ).fetchone()
    (planned,) = db.execute(_PLANNED).fetchone() or (0,)
    return Counts(
        planned=max(0, planned),
        started=found.get(STARTED, 0),
        done=found.get(DONE, 0),
        failed=found.get(FAILED, 0),
        unknown=found.get(UNKNOWN, 0),
        possible_cost=None if worst is None else worst * calls,
    )


def not_answered(db: sqlite3.Connection) -> int:
    """How many questions of the last session that meant to put any have no answer, from it or from a session after it."""
    session, planned = db.execute(_LAST_PLANNED).fetchone() or (0, 0)
    if not planned:
        return 0
    (answered,) = db.execute(_ANSWERED_SINCE, [session]).fetchone()
    (last,) = db.execute("SELECT max(id) FROM sessions").fetchone()
    # A later session may have had the rest from a cache, without a call (recorded systems are never called).
    (kept,) = db.execute(_KEPT).fetchone() if last > session else (0,)
    return max(0, int(planned) - int(answered) - int(kept))


def unknown_answers(db: sqlite3.Connection) -> set[Key]:
    """Where the last word of a question is that the wait was given up."""
    if not db.execute("SELECT 1 FROM traces WHERE error = 'timeout' LIMIT 1").fetchone():
        return set()
    return set(db.execute(_UNKNOWN_ANSWERS))


def give_up(db: sqlite3.Connection) -> int:
    """Attempts that were begun and will never tell how they ended become unknown; how many."""
    query = "SELECT id, system, case_id, condition, repeat, calls FROM attempts WHERE state = ?"
    left = db.execute(query, [STARTED]).fetchall()
    lines = [
        outcome_row(n, (s, c, k, r), calls, UNKNOWN, None, None) for n, s, c, k, r, calls in left
    ]
    if lines:
        with db:
            db.executemany(END_ATTEMPT, lines)
    return len(lines)
