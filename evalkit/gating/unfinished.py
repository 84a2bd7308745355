"""Whether all answers that a run was to have are there: repeats that are missing leave no gap in its derived files."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from evalkit.errors import EvalkitError, NotAsked
from evalkit.records import AS_IS, Suite
from evalkit.replay import not_filed
from evalkit.store import Store
from evalkit.store.accounts import not_answered
from evalkit.store.opening import DAMAGE, STORE, damaged, open_to_read
from evalkit.work import approaches_of

UNASKED = "questions that shares did not put"  # a note of a merged store: how many, and its last session then


def check_whole(folder: Path, suite: Suite | None) -> None:
    """``NotFiled`` or ``NotAsked`` where the run in ``folder`` was interrupted, and nothing derived from it shows what is missing.

    A case without any answer is no such gap: who compares with the suite's cases sees it. A folder without a store is believed.
    """
    found = what_is_missing(folder, suite)
    if found is not None:
        raise found


def what_is_missing(folder: Path, suite: Suite | None) -> EvalkitError | None:
    """The same as an error to be told; None where nothing is missing."""
    file = folder / STORE
    if not file.exists():
        return None
    with Store(folder, reading=True) as store:
        unfiled = not_filed(store)
        if unfiled is not None:
            return unfiled
        unasked = not_asked(store)
        if unasked is None or not _of_repeats(store, suite, unasked.left):
            return None
    return unasked


def not_asked(store: Store) -> NotAsked | None:
    """What is said of a store whose run was to put more questions than are answered; None of others."""
    folder, shared, left = store.folder, _of_shares(store), _left(store.file)
    if not (shared or left):
        return None
    told = _told(folder, shared, left)
    told.left = shared or left
    return told


def _told(folder: Path, shared: int, left: int) -> NotAsked:
    if shared:
        return NotAsked(
            f"{folder}: {shared:,} questions were not answered when the shares it was merged from ended; "
            "finish the shares with the same `evalkit run` and their own --out, then `evalkit merge` them again"
        )
    return NotAsked(
        f"{folder}: {left:,} questions that the run was to put are not answered: it was interrupted, stopped at a limit, "
        f"or is under way; the same `evalkit run` command with --out {folder} asks the rest"
    )


def note_unasked(store: Store, left: int) -> None:
    """Note in a merged store what its shares left open; a run that goes on there has an account of its own."""
    store.note(UNASKED, json.dumps([left, _last_session(store.file)]))


def _of_shares(store: Store) -> int:
    left, session = json.loads(store.notes().get(UNASKED, "[0, 0]"))
    return int(left) if _last_session(store.file) == session else 0


def _last_session(file: Path) -> int:
    return _found(file, lambda db: db.execute("SELECT max(id) FROM sessions").fetchone()[0] or 0)


def _left(file: Path) -> int:
    return _found(file, not_answered)


def _found(file: Path, of: Callable[[sqlite3.Connection], int]) -> int:
    try:
        with closing(open_to_read(file)) as db:
            return of(db)
    except DAMAGE as error:
        raise damaged(file, str(error)) from error


def _of_repeats(store: Store, suite: Suite | None, left: int) -> bool:
    """Whether some of what is left are further repeats, and not cases without any answer."""
    if any(key[2] == AS_IS and key[3] > 0 for key in store.done()):
        return True
    if suite is None:
        return False
    answered = {key[:2] for key in store.done(errors=False) if key[2] == AS_IS}
    names = approaches_of(store.recipe())
    lacking = sum((name, case.id) not in answered for name in names for case in suite.cases)
    return suite.repeats > 1 or left > lacking
