"""The git commit of a work tree, read from its files: git itself is not run."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_LARGEST = 16 << 20  # bytes of a file of git's that is read
COMMIT, KEPT = (
    "commit",
    20,
)  # the note of a run, and the commits it holds where the run was taken up again


class Notes(Protocol):
    """Where a run keeps its notes."""

    def notes(self) -> Mapping[str, str]:
        """All of them."""
        ...

    def note(self, name: str, value: str) -> None:
        """Keep one."""
        ...


def note_commit(store: Notes, *starts: Path) -> None:
    """Note the commit a run is made on, if it is made in a work tree; taken up on another, it has both, in order."""
    commit = commit_of(*starts)
    known = store.notes().get(COMMIT, "").split()
    if commit is not None and known[-1:] != [commit]:
        store.note(COMMIT, " ".join([*known, commit][-KEPT:]))


def commit_of(*starts: Path) -> str | None:
    """The commit checked out where one of ``starts`` lies, the first that is in a work tree; None where none is."""
    for start in starts:
        for folder in (start.resolve(), *start.resolve().parents):
            found = folder / ".git"
            if found.exists():
                return _commit(found)
    return None


def _commit(found: Path) -> str | None:
    try:
        folder = _git_folder(found)
        head = _read(folder / "HEAD").strip()
        if not head.startswith("ref: "):
            return head if _COMMIT.fullmatch(head) else None
        name = head.removeprefix("ref: ").strip()
        common = folder / "commondir"
        shared = folder / _read(common).strip() if common.exists() else folder
        return _loose(shared / name) or _packed(shared / "packed-refs", name)
    except (OSError, ValueError):
        return None


def _git_folder(found: Path) -> Path:
    """The folder itself; of a linked work tree or a submodule the one its file names."""
    if found.is_dir():
        return found
    return found.parent / _read(found).strip().removeprefix("gitdir: ")


def _read(path: Path) -> str:
    if path.stat().st_size > _LARGEST:
        raise ValueError("too large")
    return path.read_text("utf-8")


def _loose(path: Path) -> str | None:
    if not path.is_file():
        return None
    found = _read(path).strip()
    return found if _COMMIT.fullmatch(found) else None


def _packed(path: Path, name: str) -> str | None:
    if not path.is_file():
        return None
    for line in _read(path).splitlines():
        commit, _, ref = line.partition(" ")
        if ref == name and _COMMIT.fullmatch(commit):
            return commit
    return None
