"""Where the suite of a run lies, noted so that both can move together."""

from __future__ import annotations

import os
from pathlib import Path

from evalkit.errors import InvalidInput
from evalkit.store.lost import check_not_lost
from evalkit.store.notes import notes_in

SUITE_FOLDER = "suite_folder"  # the note by which a run finds its suite


def suite_of(folder: str | Path) -> Path:
    """The folder of the suite that a run was made with, as noted in the run; ``InvalidInput`` where it is gone."""
    path = Path(folder)
    if not (path / "run.sqlite").exists():
        check_not_lost(path)
        raise InvalidInput("there is no run", file=path, hint="`evalkit run` makes one")
    noted = notes_in(path).get(SUITE_FOLDER)
    found = path / noted if noted else None
    if found is None or not (found / "suite.yaml").exists():
        told = (
            f"its suite is no longer at {noted}" if noted else "it does not say where its suite is"
        )
        raise InvalidInput(told, file=path, hint="give --suite FOLDER")
    return found.resolve()


def path_from(start: Path, target: Path) -> str:
    """``target`` as a path relative to ``start``, so that both can move together; absolute where that cannot be."""
    try:
        return os.path.relpath(target.resolve(), start.resolve())
    except ValueError:  # another drive
        return str(target.resolve())
