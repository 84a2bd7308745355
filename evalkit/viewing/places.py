"""Where runs lie below a folder, and how a known file of one is opened: never through a link, never outside."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, unquote

DEEPEST, MOST = 4, 2000  # levels below the folder, and folders looked into
STORE, SUMMARY = "run.sqlite", "summary.json"
ROOT = "@root"  # the key of the folder itself; a name never yields it, since @ is encoded
TEXT, HTML, JSON = "text/plain; charset=utf-8", "text/html; charset=utf-8", "application/json"
FILES = {  # what is served of a run, and as what
    "report.html": HTML,
    "decision.html": HTML,
    "report.md": TEXT,
    "decision.md": TEXT,
    "comparison.md": TEXT,
    "summary.json": JSON,
    "diagnosis.json": JSON,
    "comparison.json": JSON,
    "decision.json": JSON,
    "manifest.json": JSON,
    "verdict.json": JSON,
    "scores.csv": TEXT,
    "traces.jsonl": TEXT,
    "junit.xml": TEXT,
}
_FLAGS = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
_FOLDER = _FLAGS | getattr(os, "O_DIRECTORY", 0)
_FILE = _FLAGS | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


@dataclass(frozen=True, slots=True)
class Place:
    """A run folder: the ``parts`` of its path below ``root``, and the ``key`` it has in addresses."""

    root: Path
    parts: tuple[str, ...]

    @property
    def key(self) -> str:
        """The path below the root, percent-encoded into one segment of an address."""
        return quote("/".join(self.parts), safe="", errors="surrogateescape") or ROOT

    @property
    def name(self) -> str:
        """What the run is called: its path below the root, or the root's own name."""
        return "/".join(self.parts) or self.root.name

    @property
    def folder(self) -> Path:
        """The folder itself."""
        return self.root.joinpath(*self.parts)


def normal_key(segment: str) -> str:
    """A segment of an address in the form that ``Place.key`` has, however it was encoded."""
    if segment == ROOT:
        return segment
    return quote(unquote(segment, errors="surrogateescape"), safe="", errors="surrogateescape")


def find_runs(root: Path) -> Iterator[Place]:
    """Every run at ``root`` or below it; hidden folders and links are passed over."""
    waiting: list[tuple[str, ...]] = [()]
    looked = 0
    while waiting and looked < MOST:
        parts = waiting.pop()
        looked += 1
        place = Place(root, parts)
        try:
            with os.scandir(place.folder) as found:
                entries = list(found)
        except OSError:  # gone, or not ours to read
            continue
        names = {e.name for e in entries if e.is_file(follow_symlinks=False)}
        if STORE in names or SUMMARY in names:
            yield place
        if len(parts) < DEEPEST:
            below = (e.name for e in entries if e.is_dir(follow_symlinks=False))
            waiting += [(*parts, name) for name in below if not name.startswith(".")]


def open_file(place: Place, name: str) -> tuple[int, os.stat_result] | None:
    """A regular file of a run by its known name, opened without following a link; None where there is none."""
    try:
        number = _descend(place, name)
    except (OSError, ValueError):
        return None
    about = os.fstat(number)
    if not stat.S_ISREG(about.st_mode):
        os.close(number)
        return None
    return number, about


def _descend(place: Place, name: str) -> int:
    if os.open not in os.supports_dir_fd:  # Windows
        path = place.folder / name
        if any(part.is_symlink() for part in (path, *path.parents[: len(place.parts)])):
            raise OSError("a link")
        return os.open(path, _FILE)
    here = os.open(place.root, os.O_RDONLY)
    try:
        for part in place.parts:
            above, here = here, os.open(part, _FOLDER, dir_fd=here)
            os.close(above)
        return os.open(name, _FILE, dir_fd=here)
    finally:
        os.close(here)


def read_file(place: Place, name: str, limit: int) -> bytes | None:
    """The content of a file of at most ``limit`` bytes; None where there is none, or a larger one."""
    opened = open_file(place, name)
    if opened is None:
        return None
    number, about = opened
    with os.fdopen(number, "rb") as stream:
        return stream.read(limit) if about.st_size <= limit else None


def signature(place: Place, name: str) -> tuple[int, int, int] | None:
    """What changes when a file does: its number, size and time; None where there is no such regular file."""
    try:
        about = (place.folder / name).lstat()
    except (OSError, ValueError):
        return None
    if not stat.S_ISREG(about.st_mode):
        return None
    return about.st_ino, about.st_size, about.st_mtime_ns
