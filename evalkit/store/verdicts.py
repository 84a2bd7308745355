"""What a judge said of answers, kept beside them so that it is asked once; rows that are damaged are passed over."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator

from evalkit.store.rows import Key, checksum
from evalkit.store.writing import Line

TABLE = """
CREATE TABLE IF NOT EXISTS evidence (
  system TEXT NOT NULL, case_id TEXT NOT NULL, condition TEXT NOT NULL, repeat INTEGER NOT NULL,
  made_of TEXT NOT NULL, evidence TEXT NOT NULL, sum INTEGER NOT NULL,
  PRIMARY KEY (system, case_id, condition, repeat)
) WITHOUT ROWID
"""
PUT = "INSERT OR REPLACE INTO evidence VALUES (?,?,?,?,?,?,?)"
_FIND = (
    "SELECT CAST(case_id AS BLOB), CAST(condition AS BLOB), repeat, CAST(made_of AS BLOB), "
    "CAST(evidence AS BLOB), sum FROM evidence WHERE system = ? AND case_id >= ? AND case_id <= ?"
)

Said = tuple[Key, str, str]  # of which answer, a digest of all it depends on, the evidence as JSON


def lines_of(said: Iterable[Said]) -> list[Line]:
    """The statements that keep what a judge said."""
    rows = ((*key, made_of, evidence) for key, made_of, evidence in said)
    return [(PUT, (*row, checksum(*row))) for row in rows]


def said_of(db: sqlite3.Connection, system: str, first: str, last: str) -> Iterator[Said | None]:
    """What was said of a system's answers to the cases from ``first`` to ``last``; None stands for a damaged row."""
    try:
        for row in db.execute(_FIND, [system, first, last]):
            yield _said(system, row)
    except sqlite3.OperationalError as error:  # a store from before there was such a table
        if "no such table" not in str(error):
            raise


def _said(system: str, row: tuple[bytes, bytes, int, bytes, bytes, int]) -> Said | None:
    case_id, condition, repeat, made_of, evidence, total = row
    if checksum(system.encode("utf-8", "replace"), *row[:-1]) != total:
        return None
    return (
        (system, case_id.decode(), condition.decode(), repeat),
        made_of.decode(),
        evidence.decode(),
    )
