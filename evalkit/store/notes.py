"""The notes of a run without its answers: they can be read whatever became of those."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from evalkit.store.damage import check_named
from evalkit.store.opening import DAMAGE, STORE, NothingStoredError, damaged, open_to_read


def notes_in(folder: Path) -> dict[str, str]:
    """What the run in ``folder`` has noted; empty where nothing is stored. ``StorageError`` where the notes are damaged."""
    file = folder / STORE
    if not file.exists():
        return {}
    try:
        with closing(open_to_read(file)) as db:
            check_named(db, file)
            return dict(db.execute("SELECT name, value FROM notes ORDER BY rowid"))
    except NothingStoredError:
        return {}
    except DAMAGE as error:
        raise damaged(file, str(error)) from error
