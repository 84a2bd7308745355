"""What must not befall a folder that a run is to be made in: answers paid for twice, somebody's files overwritten."""

from __future__ import annotations

from pathlib import Path

from evalkit.errors import InvalidInput, StorageError
from evalkit.store.opening import SESSION, STORE
from evalkit.store.session import read_session

DERIVED = ("manifest.json", "finished.json")  # what only a run that has answers writes
RECORDED = "traces.jsonl"
WRITTEN = (RECORDED, "scores.csv", "summary.json", "diagnosis.json", "report.html", "report.md")


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
        f"again; restore the file, give another --out, or delete the folder to start afresh{also}"
    )


def check_vacant(folder: Path) -> None:
    """That a run can be made, or gone on with: nothing is lost, and (``InvalidInput``) nothing that is no run's would be overwritten."""
    check_not_lost(folder)
    if _there(folder / STORE):
        return
    names = [name for name in WRITTEN if (folder / name).is_file() and _there(folder / name)]
    if names:
        told = f"there is no run, and {' and '.join(names)} would be overwritten"
        raise InvalidInput(told, file=folder, hint="give another --out, or move what lies there")


def _left(folder: Path) -> list[str]:
    """What says that there was a run."""
    session = read_session(folder / SESSION)
    found = [f"{session.commits} commits"] if session is not None and session.commits else []
    return [*found, *(name for name in DERIVED if (folder / name).exists())]


def _there(file: Path) -> bool:
    try:
        return file.stat().st_size > 0
    except FileNotFoundError:
        return False
    except OSError:
        return True  # whoever opens it tells what is wrong
