"""Whether the derived files that a gate rests on are as evalkit wrote them: an edited cell must not pass for a measurement."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from evalkit.artefacts import write_json
from evalkit.errors import InvalidInput, StorageError
from evalkit.store import Store
from evalkit.store.opening import STORE
from evalkit.strict import read_json

FILE = "digests.json"
WATCHED = ("scores.csv", "diagnosis.json", "summary.json", "manifest.json")


def note_digests(folder: Path, answers: str | None = None) -> None:
    """Write down what the files of a run that others judge by are, and of which answers they were made; they have just been written."""
    noted = {"format": 1, "files": {n: _digest(folder / n) for n in WATCHED}, "answers": answers}
    write_json(folder / FILE, noted)


def check_fresh(folder: Path) -> None:
    """``InvalidInput`` unless a run's derived files were made of the answers, labels and systems that its store has now."""
    noted = _content(folder / FILE)
    if not noted or not (folder / STORE).exists():
        return  # nothing tells: ``check_intact`` says so
    with Store(folder, reading=True) as store:
        answers, recipe = store.marker(), store.recipe()
    before = read_json(folder / "manifest.json")["recipe"]
    asked = {n: v for n, v in recipe.items() if n == "suite" or n.startswith("system ")}
    same = all(before.get(name) == value for name, value in asked.items())
    if not same or noted.get("answers") != answers:
        raise InvalidInput(
            "the answers are newer than the files derived from them, which a run that went on has not written again",
            file=folder,
            hint=f"`evalkit run` with the same --out goes on; `evalkit score {folder}` derives them from what is there",
        )


def check_intact(folder: Path) -> None:
    """``InvalidInput`` with the file's name where one is not as it was written, or nothing tells how it was.

    A folder without a store cannot be graded again; what it holds is believed where it came without digests.
    """
    noted = _noted(folder / FILE)
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
    found = _content(file).get("files")
    return found if isinstance(found, dict) and set(WATCHED) <= set(found) else None


def _content(file: Path) -> Mapping[str, Any]:
    try:
        found: Any = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _digest(file: Path) -> str:
    try:
        with file.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except FileNotFoundError:
        return "absent"
    except OSError as error:
        raise StorageError(f"{file}: cannot be read: {error.strerror or error}") from error
