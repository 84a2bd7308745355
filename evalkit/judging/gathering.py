"""What the judge of a run in shares has said, gathered for the whole: verdicts, records of calls, and what it spent."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path

from evalkit.errors import InvalidInput, StorageError
from evalkit.judges.llm.kept import CALLS
from evalkit.judges.llm.under_way import FILE as BEGUN
from evalkit.judges.replied import REPLIED, notes_together
from evalkit.judges.spending import Spending
from evalkit.judging.books import SPENT, Book, added, books_text, read_books
from evalkit.judging.of_run import EMBEDDED, JUDGE, OPTIONS, PARTS, TROUBLES
from evalkit.judging.uncounted import COUNTED, counted_now
from evalkit.store import Store

VERDICTS = "judge"  # the folder of verdicts in a run folder
RAGAS_CALLS = "ragas-calls.sqlite"
_COLUMNS = "key, at, subject, request, reply, error, prompt_tokens, completion_tokens, cost, seconds, attempts"


def check_same_judge(first: Store, other: Store) -> None:
    """``InvalidInput`` where the answers of two shares were not graded by the same judge."""
    was, now = (_fingerprint(store.notes()) for store in (first, other))
    if was != now:
        names = [store.notes().get(JUDGE, EMBEDDED) for store in (first, other)]
        told = f"by {names[1]}, not by {names[0]}" if names[0] != names[1] else "by another judge"
        raise InvalidInput(
            f"was graded {told} as {first.folder}",
            file=other.folder,
            hint="`evalkit run` with the same --judge and the share's --out grades it again",
        )


def _fingerprint(notes: Mapping[str, str]) -> str:
    if PARTS not in notes:
        return notes.get(JUDGE, EMBEDDED)
    return str(json.loads(notes[PARTS])["fingerprint"])


def gather(store: Store, shares: Sequence[Store]) -> None:
    """Take over the judge of the shares, everything that it said, and the sum of what it spent."""
    notes = [share.notes() for share in shares]
    for name in (JUDGE, OPTIONS, PARTS):
        if name in notes[0]:
            store.note(name, notes[0][name])
    parts = json.loads(notes[0].get(PARTS, "{}"))
    spent = added(book for note in notes for book in read_books(note.get(SPENT), parts))
    if spent:
        mine = Book(parts.get("name", EMBEDDED), parts.get("fingerprint", EMBEDDED), Spending())
        others = [one for one in spent if one.fingerprint != mine.fingerprint]
        own = [one for one in spent if one.fingerprint == mine.fingerprint]
        store.note(SPENT, books_text([*others, *(own or [mine])]))
    told = dict.fromkeys(text for note in notes for text in json.loads(note.get(TROUBLES, "[]")))
    replied = [note[REPLIED] for note in notes if REPLIED in note]
    if replied:
        store.note(REPLIED, notes_together(replied))
    if told:
        store.note(TROUBLES, json.dumps(list(told), ensure_ascii=False))
    try:
        for share in shares:
            _copy(share.folder, store.folder)
        if spent:
            store.note(COUNTED, counted_now(store.folder))
    except (OSError, sqlite3.Error) as error:
        raise StorageError(f"{store.folder}: the verdicts cannot be gathered: {error}") from error


def _copy(folder: Path, into: Path) -> None:
    """Verdicts are named by all they depend on, so that those of two shares under one name are alike."""
    if (folder / VERDICTS).is_dir():
        shutil.copytree(folder / VERDICTS, into / VERDICTS, dirs_exist_ok=True)
        (into / VERDICTS).chmod(0o700)
    for name in (CALLS, BEGUN):
        if (folder / name).exists():
            number = os.open(into / name, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600)
            with os.fdopen(number, "ab") as stream, (folder / name).open("rb") as share:
                shutil.copyfileobj(share, stream)
    if (folder / RAGAS_CALLS).exists():
        _copy_calls(folder / RAGAS_CALLS, into / RAGAS_CALLS)


def _copy_calls(theirs: Path, ours: Path) -> None:
    from evalkit.judges.ragas.record import CallRecord

    CallRecord(ours).close()  # the table is there
    with closing(sqlite3.connect(ours)) as base:
        base.execute("ATTACH ? AS share", (str(theirs),))
        with base:
            base.execute(
                f"INSERT INTO calls ({_COLUMNS}) SELECT {_COLUMNS} FROM share.calls ORDER BY id"  # noqa: S608 (constants)
            )
