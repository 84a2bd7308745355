"""Every call of a judge in one SQLite file: the record of what was asked, and the cache of what was answered."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from evalkit.errors import StorageError
from evalkit.records import Usage

FILE = "ragas-calls.sqlite"
VERSION = 1
TOGETHER = 0.2  # seconds whose calls are written in one go
_TABLE = """
CREATE TABLE IF NOT EXISTS calls (
  id INTEGER PRIMARY KEY, key TEXT NOT NULL, at REAL NOT NULL, subject TEXT NOT NULL,
  request TEXT NOT NULL, reply TEXT, error TEXT,
  prompt_tokens INTEGER, completion_tokens INTEGER, cost REAL, seconds REAL, attempts INTEGER
);
CREATE INDEX IF NOT EXISTS answered ON calls (key) WHERE error IS NULL;
"""
_INSERT = "INSERT INTO calls VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"


@dataclass(frozen=True, slots=True)
class Call:
    """One call as it is kept.

    ``key`` names everything the reply depends on; ``subject`` says what was being graded. ``reply`` is the text that
    came, ``error`` why it could not be used: only a reply without one is ever used again.
    """

    key: str
    subject: str
    request: Mapping[str, Any]
    reply: str | None
    error: str | None = None
    usage: Usage = field(default_factory=Usage)
    seconds: float = 0.0
    attempts: int = 1


class CallRecord:
    """The calls of one judge, appended as they end; ``None`` keeps them in memory.

    What is kept is found at once. It is in the file, safe from the end of the process, with the first call that ends
    ``TOGETHER`` seconds later, or after ``flush``. Two processes may share a file. Raises ``StorageError`` where the file cannot be used.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.path = path
        self._waiting: dict[str, str] = {}
        self._rows: list[tuple[Any, ...]] = []
        try:
            self._base = self._open()
        except (OSError, sqlite3.Error) as error:
            raise StorageError(f"{path}: the judge's record cannot be opened: {error}") from error

    def _open(self) -> sqlite3.Connection:
        if self.path is not None:
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self.path.touch(mode=0o600)
        base = sqlite3.connect(self.path or ":memory:", isolation_level=None, timeout=30.0)
        base.execute("PRAGMA journal_mode=WAL")
        base.execute("PRAGMA synchronous=NORMAL")
        (version,) = base.execute("PRAGMA user_version").fetchone()
        if version not in (0, VERSION):
            base.close()
            raise sqlite3.DatabaseError(f"it is of version {version}, this is {VERSION}")
        base.executescript(_TABLE)
        base.execute(f"PRAGMA user_version={VERSION}")
        return base

    def find(self, key: str) -> str | None:
        """The reply that an equal call got first; ``None`` where none was answered."""
        if key in self._waiting:
            return self._waiting[key]
        asked = "SELECT reply FROM calls WHERE key = ? AND error IS NULL ORDER BY id LIMIT 1"
        try:
            found = self._base.execute(asked, (key,)).fetchone()
        except sqlite3.Error as error:
            raise self._broken(error) from error
        return None if found is None else str(found[0])

    def add(self, call: Call) -> None:
        """Keep a call."""
        usage, reply, error = call.usage, _storable(call.reply), _storable(call.error)
        request = json.dumps(call.request, ensure_ascii=False)
        self._rows.append(
            (
                *(call.key, time.time(), call.subject, _storable(request), reply, error),
                *(usage.prompt_tokens, usage.completion_tokens, usage.cost),
                *(call.seconds, call.attempts),
            )
        )
        if error is None and reply is not None:
            self._waiting.setdefault(call.key, reply)
        if time.time() - self._rows[0][1] >= TOGETHER:
            self.flush()

    @property
    def waits(self) -> bool:
        """Whether a call is kept that is not in the file yet."""
        return bool(self._rows)

    def flush(self) -> None:
        """Write what waits."""
        if not self._rows:
            return
        try:
            with self._base:
                self._base.execute("BEGIN")
                self._base.executemany(_INSERT, self._rows)
        except sqlite3.Error as error:
            raise self._broken(error) from error
        self._rows.clear()
        self._waiting.clear()

    def _broken(self, error: sqlite3.Error) -> StorageError:
        return StorageError(f"{self.path or 'memory'}: the judge's record failed: {error}")

    def close(self) -> None:
        """Write what waits and close the file; a second call does nothing."""
        self.flush()
        self._base.close()


def _storable(text: str | None) -> str | None:
    """``text`` without lone surrogates, which SQLite does not take."""
    return None if text is None else text.encode("utf-8", "replace").decode()
