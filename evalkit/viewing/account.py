"""What the store of a run tells while it is written: when it was made, how far it is, what it has cost."""

from __future__ import annotations

import json
import os
import socket
import sqlite3
import stat
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from evalkit.commit import COMMIT
from evalkit.store.opening import LOCK, SESSION, STORE
from evalkit.store.rows import APPLICATION, NAMES, SCHEMA_VERSION, STARTED
from evalkit.store.session import read_session
from evalkit.viewing.places import Place, signature

PATIENCE = 2.0  # seconds that reading an account may take
RECENT = 30.0  # seconds over which the rate is told
SESSION_BYTES = 4096
FRESH = 120.0  # seconds since the last commit, where nothing else tells
SUITE_FOLDER = "suite_folder"  # a note
_PENDING, _LOCKED = 0x40000000, 512  # the bytes that SQLite locks in a file
TROUBLE = (sqlite3.Error, OSError, ValueError, TypeError, RecursionError, OverflowError)


@dataclass(frozen=True, slots=True)
class Tally:
    """Attempts of one system in the last session: first answers or (not ``first``) answers under conditions."""

    system: str
    first: bool
    ended: int
    open: int
    errors: int


@dataclass(frozen=True, slots=True)
class Account:
    """What a store says. Times are seconds since 1970; ``planned`` are the first answers of the last session.

    ``cost`` is what all answers that tell it have cost together, None where none does; ``rate`` the answers a second of
    late. ``plain_judge`` says that grading again runs no code but evalkit's.
    """

    recipe: Mapping[str, Any]
    suite_name: str | None
    commits: tuple[str, ...]
    plain_judge: bool
    began: float | None
    last_began: float | None
    planned: int
    tallies: tuple[Tally, ...]
    earlier: int
    cost: float | None
    priced: int
    tokens: int | None
    attempts: int
    rate: float

    @property
    def asked(self) -> int:
        """First answers of the last session that are there."""
        return sum(t.ended for t in self.tallies if t.first)

    @property
    def probed(self) -> int:
        """Answers under conditions in the last session."""
        return sum(t.ended for t in self.tallies if not t.first)

    @property
    def errors(self) -> int:
        """Attempts of the last session that ended in an error."""
        return sum(t.errors for t in self.tallies)

    @property
    def waiting(self) -> int:
        """Questions put and not yet answered."""
        return sum(t.open for t in self.tallies)

    @property
    def left(self) -> float | None:
        """Seconds until the first answers are there; None where nobody can tell."""
        missing = self.planned - self.asked
        return missing / self.rate if missing > 0 and self.rate > 0 else None


def read_account(place: Place) -> Account | None:
    """The account of a run, read without writing anything; None where there is no store that can be read."""
    try:
        with _opened(place) as db:
            return _account(db, time.time())
    except TROUBLE:
        return None


@contextmanager
def _opened(place: Place) -> Iterator[sqlite3.Connection]:
    file = place.folder / STORE
    if not stat.S_ISREG(file.lstat().st_mode):
        raise OSError("not a regular file")
    address = f"{file.absolute().as_uri()}?mode=ro"
    if not file.with_name(
        f"{STORE}-wal"
    ).exists():  # closed in order: nothing to share, and nothing is left behind
        address += "&immutable=1"
    db = sqlite3.connect(address, uri=True, timeout=PATIENCE, isolation_level=None)
    try:
        db.text_factory = lambda raw: raw.decode("utf-8", "replace")
        deadline = time.monotonic() + PATIENCE
        db.set_progress_handler(lambda: int(time.monotonic() > deadline), 10_000)
        db.execute("PRAGMA trusted_schema = OFF")
        numbers = [
            db.execute(f"PRAGMA {n}").fetchone()[0] for n in ("application_id", "user_version")
        ]
        tables = {
            name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        }
        if numbers != [APPLICATION, SCHEMA_VERSION] or not tables >= NAMES:
            raise ValueError("no store of this version")
        db.execute("BEGIN")
        yield db
    finally:
        db.close()


def _account(db: sqlite3.Connection, now: float) -> Account:
    recipe = {
        str(n): json.loads(v)
        for n, v in db.execute("SELECT name, value FROM recipe ORDER BY rowid")
    }
    notes = {str(n): str(v) for n, v in db.execute("SELECT name, value FROM notes")}
    worked = "SELECT id, began, planned FROM sessions ORDER BY planned > 0 DESC, id DESC LIMIT 1"
    number, last, planned = db.execute(worked).fetchone() or (0, None, 0)
    (first,) = db.execute("SELECT min(began) FROM sessions").fetchone()
    sums = (
        "SELECT sum(cost), count(cost), sum(prompt_tokens + completion_tokens), sum(state != ?), count(*) "
        "FROM attempts"
    )
    cost, priced, tokens, attempts, begun = db.execute(sums, (STARTED,)).fetchone()
    tallies = tuple(_tallies(db, number))
    mine = sum(t.ended + t.open for t in tallies)
    folder = notes.get(SUITE_FOLDER, "").replace("\\", "/").rstrip("/")
    return Account(
        recipe=recipe,
        suite_name=folder.rpartition("/")[2] or None,
        commits=tuple(notes.get(COMMIT, "").split()[:20]),
        plain_judge=_plain_judge(notes),
        began=_number(first),
        last_began=_number(last),
        planned=int(planned),
        tallies=tallies,
        earlier=int(begun) - mine,
        cost=_number(cost),
        priced=int(priced),
        tokens=None if tokens is None else int(tokens),
        attempts=int(attempts or 0),
        rate=_rate(db, number, now),
    )


def _plain_judge(notes: Mapping[str, str]) -> bool:
    """Whether the judge is the embedded one or a model alone: others may be made of code that the run names."""
    choice, options = notes.get("judge", "embedded"), notes.get("judge options")
    made = choice if options is None else json.loads(options)
    if isinstance(made, dict):
        return made.get("kind") == "llm" and not {"panel", "inner", "critics"} & made.keys()
    return bool(made == "embedded")


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) else None


def _tallies(db: sqlite3.Connection, session: int) -> Iterator[Tally]:
    query = (
        "SELECT system, condition = 'as_is', sum(state != ?), sum(state = ?), "
        "sum(error IS NOT NULL OR state = 'failed') FROM attempts WHERE session = ? GROUP BY 1, 2 ORDER BY min(id)"
    )
    for system, first, ended, waiting, errors in db.execute(query, (STARTED, STARTED, session)):
        yield Tally(str(system), bool(first), int(ended), int(waiting), int(errors))


def _rate(db: sqlite3.Connection, session: int, now: float) -> float:
    """Answers a second over the last ``RECENT`` seconds, or since the first question where that is less."""
    query = "SELECT min(began), sum(began + coalesce(seconds, 0) > ?) FROM attempts WHERE session = ? AND state != ?"
    first, recent = db.execute(query, (now - RECENT, session, STARTED)).fetchone()
    if first is None:
        return 0.0
    return float(recent or 0) / min(RECENT, max(1.0, now - float(first)))


def under_way(place: Place, written: float | None = None) -> bool:
    """Whether a process works on the run now; asked without taking part in its lock.

    ``written`` is when the run's files were written: a process that has closed the store writes them next.
    """
    about = signature(place, SESSION)
    if about is None or about[1] > SESSION_BYTES:
        return False
    session = read_session(place.folder / SESSION)
    if session is None:
        return False
    here = session.host == socket.gethostname()[:100]
    last = about[2] / 1e9
    if not session.open:
        new = time.time() - last < FRESH and (written is None or written < last)
        other = here and os.name == "posix" and session.pid != os.getpid()
        return new and other and _alive(session.pid)
    if here and session.pid == os.getpid():
        return True  # asking about one's own lock would give it up
    locked = _locked(place)
    if locked is not None:
        return locked
    return _alive(session.pid) if here and os.name == "posix" else time.time() - last < FRESH


def _locked(place: Place) -> bool | None:
    """Whether another process holds the run's lock; None where the system cannot be asked."""
    try:
        import fcntl
        import struct
    except ImportError:  # Windows
        return None
    if not hasattr(fcntl, "F_GETLK") or struct.calcsize("l") != 8 or os.uname().sysname != "Linux":
        return None
    layout = "hhllixxxx"  # struct flock: type, whence, start, length, pid
    asked = struct.pack(layout, fcntl.F_WRLCK, os.SEEK_SET, _PENDING, _LOCKED, 0)
    try:
        number = os.open(place.folder / LOCK, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return False
    try:
        told = struct.unpack(layout, fcntl.fcntl(number, fcntl.F_GETLK, asked))
    except OSError:
        return None
    finally:
        os.close(number)
    return bool(told[0] != fcntl.F_UNLCK)


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):  # somebody else's
        return True
    return True
