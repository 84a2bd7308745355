"""Opens a run store: takes the lock, refuses what is none, and looks for damage before anything is believed."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from evalkit.errors import Busy, StorageError
from evalkit.store.rows import APPLICATION, NAMES, SCHEMA_VERSION, TABLES
from evalkit.store.session import Session, host, read_session

LOCK, STORE, SESSION = "run.lock", "run.sqlite", "run.sqlite-session"
SMALL = 64 << 20  # bytes up to which a store is checked whole although its run ended in order
PATIENCE = 5.0  # seconds a check of the file's structure may take
NAMED = 0.5  # seconds that a run which has just taken the lock is given to say who it is
DAMAGE = (sqlite3.Error, UnicodeDecodeError)  # what SQLite raises where a file is not as it was
UNWRITABLE = ("unable to open database file", "attempt to write a readonly database")
OTHERWISE = "restore the file, or give another --out"


def lock(folder: Path) -> sqlite3.Connection:
    """An exclusive lock that the system itself releases when the process ends, however it ends."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        _owned(folder / LOCK)
    except OSError as error:
        raise StorageError(f"{folder}: cannot be written: {_why(folder, error)}") from error
    try:
        held = sqlite3.connect(folder / LOCK, timeout=0, isolation_level=None)
    except sqlite3.Error as error:
        raise StorageError(f"{folder}: cannot be written: {error}") from error
    try:
        held.execute("BEGIN EXCLUSIVE")
    except sqlite3.Error as error:
        held.close()
        if "locked" not in str(error):
            raise StorageError(f"{folder}: cannot be written: {error}") from error
        raise Busy(f"{folder}: {_busy(folder)}") from None
    return held


def _why(folder: Path, error: OSError) -> str | None:
    """Why no folder can be made there, where the system's own words would not say it."""
    if isinstance(error, FileExistsError):
        gone = folder.is_symlink() and not folder.exists()
        return "it is a link that leads nowhere" if gone else "it is a file, not a folder"
    if isinstance(error, FileNotFoundError) and not folder.is_absolute():
        try:
            Path.cwd()
        except FileNotFoundError:
            return "the folder you are in was deleted; change to another"
    return error.strerror


def _busy(folder: Path) -> str:
    deadline = time.monotonic() + NAMED
    while (holder := _holder(folder)) is None and time.monotonic() < deadline:
        time.sleep(0.02)
    who = f" (process {holder.pid} on {holder.host})" if holder else ""
    return f"another run is writing here{who}; wait for it, or give another --out"


def _holder(folder: Path) -> Session | None:
    """Who holds the lock; None where that is not written yet: what stands there is of one who has ended, or died."""
    holder = read_session(folder / SESSION)
    if holder is None or not holder.open:
        return None
    if holder.host != host() or os.name == "nt":  # where signal 0 is no question
        return holder
    try:
        os.kill(holder.pid, 0)
    except ProcessLookupError:
        return None
    except OSError:  # another user's
        return holder
    return holder


def _owned(file: Path) -> None:
    """Make the file, for its owner only, if it is not there."""
    if not file.exists():
        os.close(os.open(file, os.O_CREAT | os.O_WRONLY, 0o600))


def open_to_write(file: Path) -> sqlite3.Connection:
    """The database, made if there is none or an empty file."""
    try:
        _owned(file)
        db = sqlite3.connect(file, check_same_thread=False)
    except (sqlite3.Error, OSError) as error:
        raise StorageError(f"{file}: cannot be opened: {error}") from error
    try:
        new = _empty(db, file)
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = FULL")
        if new:
            numbers = (
                f"PRAGMA application_id = {APPLICATION}; PRAGMA user_version = {SCHEMA_VERSION};"
            )
            db.executescript(f"BEGIN; {TABLES} {numbers} COMMIT;")
    except DAMAGE as error:
        db.close()
        raise damaged(file, str(error)) from error
    except StorageError:
        db.close()
        raise
    return db


class NothingStoredError(StorageError):
    """A store that holds nothing yet: whoever made it died before its tables were there."""


def open_to_read(file: Path) -> sqlite3.Connection:
    """The database as it is at this moment, whoever writes in it; nothing is changed."""
    if not file.exists():
        raise StorageError(f"{file}: there is no run store")
    db = _readable(file)
    try:
        empty = _empty(db, file)
        db.execute("BEGIN")
    except DAMAGE as error:
        db.close()
        if getattr(error, "sqlite_errorcode", None) != sqlite3.SQLITE_READONLY_ROLLBACK:
            raise damaged(file, str(error)) from error
        empty = True  # a journal to be taken back: only the very first writes have one, later ones a log
    except StorageError:
        db.close()
        raise
    if empty:
        db.close()
        raise NothingStoredError(f"{file}: is empty; {OTHERWISE}")
    return db


def _readable(file: Path) -> sqlite3.Connection:
    """A connection that reads; in a folder that cannot be written there is no log to share, and none is needed."""
    address = f"{file.absolute().as_uri()}?mode=ro"
    shared = file.with_name(f"{file.name}-wal").exists()
    if not shared and not os.access(file.parent, os.W_OK):
        address += "&immutable=1"
    try:
        return sqlite3.connect(address, uri=True, check_same_thread=False, isolation_level=None)
    except sqlite3.Error as error:
        raise StorageError(f"{file}: cannot be opened: {error}") from error


def tidy(file: Path) -> None:
    """Take away the empty log that reading makes beside a store, where nobody else has it open: a reader may not do so itself."""
    with suppress(OSError, sqlite3.Error):
        if file.with_name(f"{file.name}-wal").stat().st_size == 0:
            address = f"{file.absolute().as_uri()}?mode=rw"
            with closing(sqlite3.connect(address, uri=True, timeout=0)) as last:
                last.execute("PRAGMA schema_version").fetchone()  # the last to close takes it away


def damaged(file: Path, what: str) -> StorageError:
    """What is said of a store that cannot be read as it is."""
    if not file.exists() or os.access(file.parent, os.W_OK) or what not in UNWRITABLE:
        return StorageError(f"{file}: is no run store, or damaged ({what}); {OTHERWISE}")
    return StorageError(
        f"{file.parent}: cannot be written (a read-only folder or file system), which its store needs; "
        "that is no sign of damage: copy the folder to where it can be written"
    )


def _empty(db: sqlite3.Connection, file: Path) -> bool:
    """Whether the database is empty; ``StorageError`` unless it is empty or a store of this version."""
    version, application, tables = _made_of(db)
    if not tables and (version, application) == (0, 0):
        return True
    ours = application == APPLICATION or {"recipe", "traces"} <= tables
    if not ours or version == 0:
        raise StorageError(f"{file}: is a database, but no run store")
    if version != SCHEMA_VERSION:
        raise StorageError(
            f"{file}: was written by another version of evalkit (store {version}, this one reads {SCHEMA_VERSION}); "
            "give another --out, or replay its traces.jsonl"
        )
    if not tables >= NAMES:
        raise damaged(file, f"it has no table {min(NAMES - tables)}")
    return False


def _made_of(db: sqlite3.Connection) -> tuple[int, int, set[str]]:
    """The versions and tables of a database, as of one moment: another process may be making them just now."""
    db.execute("BEGIN")
    try:
        (version,), (application,) = (
            db.execute(f"PRAGMA {name}").fetchone() for name in ("user_version", "application_id")
        )
        found = db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        return version, application, {name for (name,) in found}
    finally:
        if db.in_transaction:
            db.rollback()


def check_structure(db: sqlite3.Connection, file: Path) -> None:
    """SQLite's own quick check, given up after ``PATIENCE``; ``StorageError`` says what was found."""
    deadline = time.monotonic() + PATIENCE
    db.set_progress_handler(lambda: int(time.monotonic() > deadline), 100_000)
    try:
        found = [str(text) for (text,) in db.execute("PRAGMA quick_check(3)")]
    except sqlite3.OperationalError as error:
        if "interrupt" not in str(error):
            raise damaged(file, str(error)) from error
        return
    except DAMAGE as error:
        raise damaged(file, str(error)) from error
    finally:
        db.set_progress_handler(None, 0)
    if found != ["ok"]:
        raise damaged(file, "; ".join(" ".join(text.split()) for text in found))


@contextmanager
def usable(db: sqlite3.Connection, file: Path) -> Iterator[None]:
    """Close the connection where the store turns out to be of no use; damage is a ``StorageError``."""
    try:
        yield
    except DAMAGE as error:
        db.close()
        raise damaged(file, str(error)) from error
    except (StorageError, OSError):
        db.close()
        raise
