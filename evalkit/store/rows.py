"""What the store keeps, as tables and rows; every row carries a checksum of itself."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from evalkit.records import Trace
from evalkit.traces import trace_text

Key = tuple[str, str, str, int]  # system, case_id, condition, repeat

SCHEMA_VERSION = 2
APPLICATION = 0x65766B74  # "evkt": tells a run store from any other SQLite file
STARTED, DONE, FAILED, UNKNOWN = "started", "done", "failed", "unknown"

TABLES = """
CREATE TABLE recipe (name TEXT PRIMARY KEY, value TEXT NOT NULL, sum INTEGER NOT NULL);
CREATE TABLE notes (name TEXT PRIMARY KEY, value TEXT NOT NULL, sum INTEGER NOT NULL);
CREATE TABLE details (name TEXT PRIMARY KEY, value TEXT NOT NULL, sum INTEGER NOT NULL);
CREATE TABLE sessions (
  id INTEGER PRIMARY KEY, began REAL NOT NULL, planned INTEGER NOT NULL, commits INTEGER NOT NULL
);
CREATE TABLE attempts (
  id INTEGER PRIMARY KEY, session INTEGER NOT NULL,
  system TEXT NOT NULL, case_id TEXT NOT NULL, condition TEXT NOT NULL, repeat INTEGER NOT NULL,
  calls INTEGER NOT NULL, began REAL NOT NULL, state TEXT NOT NULL, seconds REAL, error TEXT,
  prompt_tokens INTEGER, completion_tokens INTEGER, cost REAL, sum INTEGER NOT NULL
);
CREATE TABLE traces (
  system TEXT NOT NULL, case_id TEXT NOT NULL, condition TEXT NOT NULL, repeat INTEGER NOT NULL,
  error TEXT, trace TEXT NOT NULL, sum INTEGER NOT NULL,
  PRIMARY KEY (system, case_id, condition, repeat)
) WITHOUT ROWID;
"""
NAMES = {"recipe", "notes", "details", "sessions", "attempts", "traces"}
NAMED = ("recipe", "notes", "details")  # tables of names and values

PUT_TRACE = "INSERT OR REPLACE INTO traces VALUES (?,?,?,?,?,?,?)"
BEGIN_ATTEMPT = "INSERT INTO attempts VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)"
END_ATTEMPT = (
    "UPDATE attempts SET state = ?, seconds = ?, error = ?, prompt_tokens = ?, completion_tokens = ?, "
    "cost = ?, sum = ? WHERE id = ?"
)
DROP_ATTEMPT = "DELETE FROM attempts WHERE id = ?"
DROP_TRACE = "DELETE FROM traces WHERE system = ? AND case_id = ? AND condition = ? AND repeat = ?"
OF_ANSWERS = (PUT_TRACE, DROP_TRACE)
_NOT_ENDED = (None, None, None)  # error, cost and prompt tokens
COUNT_COMMIT = "UPDATE sessions SET commits = commits + 1 WHERE id = ?"


def checksum(*values: object) -> int:
    """A checksum (CRC-32) of what stands in a row; what is NULL counts as empty."""
    if bytes in map(type, values):  # a row read as bytes
        return zlib.crc32(b"\x1f".join([v if type(v) is bytes else _bytes(v) for v in values]))
    parts = [v if type(v) is str else "" if v is None else str(v) for v in values]
    return zlib.crc32("\x1f".join(parts).encode())


def _bytes(value: object) -> bytes:
    if type(value) is int:
        return b"%d" % value
    return b"" if value is None else str(value).encode()


def name_of(sums: Iterable[int]) -> str:
    """Names rows by their checksums: how many, the checksum of all in their order, and their total. None are held."""
    count = whole = total = 0
    for one in sums:
        whole = zlib.crc32(b"\x1f%d" % one if count else b"%d" % one, whole)
        count, total = count + 1, total + one
    return f"{count} {whole} {total}"


def as_text(value: Any) -> str:
    """A value as JSON that can be stored: half a surrogate pair must not stop a run."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, sort_keys=True)
    return text.encode("utf-8", "replace").decode()


def key_of(trace: Trace) -> Key:
    """Under which a trace is filed."""
    return trace.system, trace.case_id, trace.condition, trace.repeat


def trace_row(trace: Trace) -> tuple[Any, ...]:
    """The row of a trace. Raises ``ValueError`` for what is no JSON."""
    text = trace_text(trace)
    if not text.isascii():
        text = text.encode("utf-8", "replace").decode()
    system, case_id, condition, repeat = key = key_of(trace)
    error = trace.error.kind if trace.error else None
    told = f"{system}\x1f{case_id}\x1f{condition}\x1f{repeat}\x1f{error or ''}\x1f{text}"
    return (
        *key,
        error,
        text,
        zlib.crc32(told.encode()),
    )  # the ``checksum`` of all that stands before it


def named_row(name: str, value: str) -> tuple[str, str, int]:
    """A row of one of the tables of names and values."""
    return name, value, checksum(name, value)


def upserts(table: str, lines: Mapping[str, str]) -> list[tuple[str, tuple[Any, ...]]]:
    """Statements that give names their values, whatever they had before."""
    statement = (
        f"INSERT INTO {table} VALUES (?, ?, ?) "  # noqa: S608 (constant)
        "ON CONFLICT (name) DO UPDATE SET value = excluded.value, sum = excluded.sum"
    )
    return [(statement, named_row(name, value)) for name, value in lines.items()]


def intent_row(number: int, session: int, key: Key, calls: int, began: float) -> tuple[Any, ...]:
    """The row that says a question is about to be put."""
    total = attempt_sum(number, key, calls, STARTED)
    return (number, session, *key, calls, began, STARTED, None, None, None, None, None, total)


def resent_row(
    number: int, session: int, key: Key, began: float, error: str, *, lost: bool
) -> tuple[Any, ...]:
    """The row of a call of a question that is over without an answer, and is made again."""
    state = UNKNOWN if lost else FAILED
    total = attempt_sum(number, key, 1, state, (error, None, None))
    return (number, session, *key, 1, began, state, None, error, None, None, None, total)


def outcome_row(
    number: int, key: Key, calls: int, state: str, seconds: float | None, trace: Trace | None
) -> tuple[Any, ...]:
    """What ``END_ATTEMPT`` writes of an attempt that is over."""
    error = trace.error.kind if trace and trace.error else None
    usage = trace.usage if trace else None
    cost = float(usage.cost) if usage and usage.cost is not None else None  # as SQLite keeps it
    tokens = (usage.prompt_tokens, usage.completion_tokens) if usage else (None, None)
    total = attempt_sum(number, key, calls, state, (error, cost, tokens[0]))
    return (state, seconds, error, *tokens, cost, total, number)


def attempt_sum(
    number: int, key: Key, calls: int, state: str, ended: tuple[object, ...] = _NOT_ENDED
) -> int:
    """The ``checksum`` of what counts in an attempt; ``ended`` are its error, cost and prompt tokens."""
    system, case_id, condition, repeat = key
    text = f"{number}\x1f{system}\x1f{case_id}\x1f{condition}\x1f{repeat}\x1f{calls}\x1f{state}\x1f"
    if ended == _NOT_ENDED:
        return zlib.crc32(f"{text}\x1f\x1f".encode())
    error, cost, prompt = ["" if value is None else value for value in ended]
    return zlib.crc32(f"{text}{error}\x1f{cost}\x1f{prompt}".encode())


def state_of(trace: Trace) -> str:
    """How an attempt ended. After a timeout, a cut connection or the end of its process nobody knows whether the call was paid for."""
    if trace.error is None:
        return DONE
    lost = trace.error.kind in ("timeout", "crashed") or trace.meta.get("sent")
    return UNKNOWN if lost else FAILED


def checked(row: Sequence[Any]) -> bool:
    """Whether a row that ends in its checksum is as it was written."""
    return bool(checksum(*row[:-1]) == row[-1])


def difference(name: str, before: Any, now: Any) -> str:
    """What was one thing and is another, key by key where it is an object."""
    if isinstance(before, dict) and isinstance(now, dict):
        keys = [k for k in sorted({*before, *now}) if before.get(k) != now.get(k)]
        return "; ".join(difference(f"{name} {k}", before.get(k), now.get(k)) for k in keys)
    return f"{name} was {before}, now {now}"
