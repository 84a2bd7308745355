"""Whether the derived files that a gate rests on are as evalkit wrote them: an edited cell must not pass for a measurement."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from evalkit.artefacts import write_json
from evalkit.errors import InvalidInput, StorageError
from evalkit.finished import FILE as FINISHED
from evalkit.store.opening import STORE

FILE = "digests.json"
WATCHED = ("scores.csv", "diagnosis.json", "summary.json", "manifest.json")


def note_digests(folder: Path) -> None:
    """Write down what the files of a run that others judge by are; they have just been written."""
    write_json(folder / FILE, {"format": 1, "files": {n: _digest(folder / n) for n in WATCHED}})


def check_intact(folder: Path) -> None:
    """``InvalidInput`` with the file's name where one is not as it was written, or nothing tells how it was.

    A folder without a store cannot be graded again; what it holds is believed where it came without digests.
    """
    noted = _noted(folder / FILE) or _noted(folder / FINISHED)
    again = f"`evalkit score {folder}` writes the files again from the answers"
    if noted is None:
        if (folder / STORE).exists():
            message = "nothing here says what the run's files were when they were written"
            raise InvalidInput(message, file=folder / FILE, hint=again)
        return
    for name in WATCHED:
        if name in noted and _digest(folder / name) != noted[name]:
            message = (
                "is not as evalkit wrote it (its SHA-256 is another): changed since, or damaged"
            )
            raise InvalidInput(message, file=folder / name, hint=again)


def _noted(file: Path) -> Mapping[str, str] | None:
    """The digests in a file by name; None where there are none to be read."""
    try:
        found: Any = json.loads(file.read_text("utf-8"))["files"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return found if isinstance(found, dict) and set(WATCHED) <= set(found) else None


def _digest(file: Path) -> str:
    try:
        with file.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except FileNotFoundError:
        return "absent"
    except OSError as error:
        raise StorageError(f"{file}: cannot be read: {error.strerror or error}") from error
