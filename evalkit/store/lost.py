"""What must not befall a folder that a run is to be made in: answers paid for twice, somebody's files overwritten."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from evalkit.errors import InvalidInput, StorageError
from evalkit.store.opening import SESSION, STORE
from evalkit.store.session import read_session

# What only a run that has answers writes, with keys by which it is told from files of the same name.
DERIVED = {"manifest.json": {"format", "suite", "recipe"}, "finished.json": {"format", "made_of"}}
RECORDED = "traces.jsonl"
WRITTEN = (
    *(RECORDED, "scores.csv", "summary.json", "diagnosis.json", "report.html", "report.md"),
    *("verdict.json", "digests.json", *DERIVED),
)


def check_not_lost(folder: Path) -> None:
    """``StorageError`` where a run wrote in the folder and its store is missing, or holds nothing any more."""
    left = _left(folder)
    if _there(folder / STORE) or not left:
        return
    also = ""
    if (folder / RECORDED).exists():
        also = f"; a system with adapter: recorded answers from {folder / RECORDED}, without a call"
    how = "is empty" if (folder / STORE).exists() else "is missing"
    raise StorageError(
        f"{folder / STORE}: {how}, and a run was here ({', '.join(left)}): all its questions would be asked, and paid for, "
        f"again; restore the file, or give another --out{also}"
    )


def check_vacant(folder: Path) -> None:
    """That a run can be made, or gone on with: nothing is lost, and (``InvalidInput``) nothing that is no run's would be overwritten."""
    check_not_lost(folder)
    if not _there(folder / STORE):
        _check_foreign(folder)


def check_writable(folder: Path, manifest: Mapping[str, Any]) -> None:
    """That the files of a run kept elsewhere can be written: ``InvalidInput`` where another run's, or somebody's, would be overwritten.

    What was written so before is written again: a run of the suite and the systems that ``manifest`` tells.
    """
    blocked = next((place for place in (folder, *folder.parents) if place.is_file()), None)
    if blocked is not None:
        raise InvalidInput("is a file, no folder", file=blocked, hint="write into another folder")
    if _there(folder / STORE) or read_session(folder / SESSION) is not None:
        raise InvalidInput("holds another run", file=folder, hint="write into another folder")
    before = _written(folder, "manifest.json")
    if before is None:
        _check_foreign(folder)
    elif _made_of(before) != _made_of(manifest):
        told = "holds the files of another run, of another suite or other systems"
        raise InvalidInput(told, file=folder, hint="write into another folder")


def _made_of(manifest: Mapping[str, Any]) -> tuple[Any, Any]:
    """The digest of the suite and the names of the systems, None for what is not told."""
    suite, systems = manifest["suite"], manifest.get("systems")
    digest = suite.get("digest") if isinstance(suite, dict) else None
    return digest, sorted(systems) if isinstance(systems, dict) else None


def _check_foreign(folder: Path) -> None:
    names = [name for name in WRITTEN if (folder / name).is_file() and _there(folder / name)]
    if names:
        told = f"there is no run, and {' and '.join(names)} would be overwritten"
        hint = "give another folder (--out), or move what lies there"
        raise InvalidInput(told, file=folder, hint=hint)


def _left(folder: Path) -> list[str]:
    """What says that there was a run."""
    session = read_session(folder / SESSION)
    found = [f"{session.commits} commits"] if session is not None and session.commits else []
    return [*found, *(name for name in DERIVED if _written(folder, name) is not None)]


def _written(folder: Path, name: str) -> dict[str, Any] | None:
    """What a run wrote in a file; None where there is none, or another that is called so."""
    try:
        found: Any = json.loads((folder / name).read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) and found.keys() >= DERIVED[name] else None


def _there(file: Path) -> bool:
    try:
        return file.stat().st_size > 0
    except FileNotFoundError:
        return False
    except OSError:
        return True  # whoever opens it tells what is wrong
