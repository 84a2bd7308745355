"""Verdicts on disk: those of earlier calls, to be used again, and a record of every call that is made."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from evalkit.errors import StorageError

VERSION = 1  # of what a key is made of and how an entry is written
CALLS = "judge-calls.jsonl"
SALT = "judge-salt"


class Kept:
    """Verdicts in a folder, one file each, found by everything they depend on; runs may share it.

    The secrets of a message are in neither key nor entry: they change with every run, and say nothing of the
    verdict. An entry that is damaged is as none. Only verdicts that could be read are kept.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        _make(folder)

    def get(self, key: str) -> Mapping[str, Any] | None:
        """The object that was kept under ``key``; ``None`` where there is none, or none that can be trusted."""
        try:
            entry = json.loads(self._file(key).read_text("utf-8"))
            text = entry["verdict"]
            if entry["format"] != VERSION or entry["sha256"] != _sum(key + text):
                return None
            found = json.loads(text)
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            return None
        return found if isinstance(found, dict) else None

    def put(self, key: str, verdict: Mapping[str, Any]) -> None:
        """Keep a verdict; where that cannot be done the run goes on without."""
        text = json.dumps(dict(verdict), ensure_ascii=True, allow_nan=False)
        file = self._file(key)
        other = file.with_name(f"{file.stem}.{os.getpid()}-{secrets.token_hex(4)}.tmp")
        try:
            file.parent.mkdir(exist_ok=True, mode=0o700)
            number = os.open(other, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
            with os.fdopen(number, "w", encoding="utf-8") as stream:
                json.dump({"format": VERSION, "sha256": _sum(key + text), "verdict": text}, stream)
            other.replace(file)
        except OSError:
            with contextlib.suppress(OSError):
                other.unlink()

    def _file(self, key: str) -> Path:
        return self.folder / key[:2] / f"{key}.json"


def key_of(wording: str, blocks: Sequence[tuple[str, str]], asked: str, repeat: int) -> str:
    """Names everything that a verdict depends on, and which draw it is."""
    text = json.dumps([VERSION, wording, list(blocks), asked, repeat], ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()


class Recording:
    """Every call as one line of a JSONL file in a folder: what was sent, what came back, what was made of it."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / CALLS
        _make(folder)

    def add(self, entry: Mapping[str, Any]) -> None:
        """Append one line; raises ``StorageError``, for a record with gaps is none."""
        line = json.dumps(dict(entry), ensure_ascii=False, allow_nan=False) + "\n"
        try:
            number = os.open(self.file, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600)
            with os.fdopen(number, "wb") as stream:
                stream.write(line.encode("utf-8", "replace"))
        except OSError as error:
            raise StorageError(f"{self.file}: cannot be written: {error.strerror}") from error


def salt_in(folder: Path) -> bytes:
    """The secret of the run that is recorded in ``folder``, drawn when there is none: so a resumed run asks the same."""
    file = folder / SALT
    _make(folder)
    try:
        with contextlib.suppress(FileExistsError):
            number = os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
            with os.fdopen(number, "w", encoding="ascii") as stream:
                stream.write(secrets.token_hex(16))
        found = bytes.fromhex(file.read_text("ascii").strip())
    except OSError as error:
        raise StorageError(f"{file}: {error.strerror}") from error
    except ValueError:
        found = b""
    if len(found) != 16:
        raise StorageError(f"{file}: is damaged; remove it and another is drawn")
    return found


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise StorageError(f"{folder}: cannot be made: {error.strerror}") from error


def _sum(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
