"""Answers shared between runs: one file an answer, found by everything that the answer depends on."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import os
import secrets
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from evalkit.errors import InvalidInput, StorageError
from evalkit.records import Outcome, Passage, Question, System, Trace
from evalkit.store import Key
from evalkit.traces import trace_from_json, trace_to_json

VERSION = (
    1  # of what a key is made of and how an entry is written; entries of another are not found
)


@dataclass(frozen=True, slots=True)
class Asked:
    """One question to one method of a system; ``calls`` is how many calls it takes at most."""

    system: System
    key: Key
    method: str
    question: Question
    passages: tuple[Passage, ...] = ()
    calls: int = 1


class Cache:
    """Answers of earlier calls in a folder that runs may share, at the same moment too.

    ``world`` names what a system may read of the suite beside the question, ``systems`` the options, files and code
    of each system. Errors are never kept. An entry that is damaged is set aside and the question is asked; ``warn``
    is told once. Of the systems in ``closed`` nobody can tell whether they have changed: nothing is kept of them. Raises ``StorageError`` for a folder that cannot be made.
    """

    def __init__(
        self,
        folder: Path,
        *,
        world: str,
        systems: Mapping[str, str],
        warn: Callable[[str], None] | None = None,
        closed: Collection[str] = (),
    ) -> None:
        self.folder, self.world, self.systems = folder, world, systems
        self.hits = self.misses = 0
        self._warn, self._closed = warn, frozenset(closed)
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise StorageError(f"{folder}: cannot be made: {error.strerror}") from error

    def told(self) -> str | None:
        """The hit rate in words; None where nothing was looked up."""
        looked = self.hits + self.misses
        if not looked:
            return None
        return (
            f"cache: {self.hits} of {looked} answers ({self.hits / looked:.0%}) were there already"
        )

    def get(self, asked: Asked) -> Outcome | None:
        """The answer to exactly this question; None where there is none, or none that can be trusted."""
        if asked.key[0] in self._closed:
            return None
        file = self._file(asked)
        try:
            found = _read(file.read_text("utf-8"))
        except FileNotFoundError:
            found = None
        except (OSError, ValueError, KeyError, TypeError, RecursionError, InvalidInput) as error:
            self._set_aside(file, error)
            found = None
        self.hits += found is not None
        self.misses += found is None
        return found

    def holds(self, asked: Asked) -> bool:
        """Whether there is an entry for the question; it is neither read nor counted."""
        return asked.key[0] not in self._closed and self._file(asked).exists()

    def put(self, asked: Asked, trace: Trace) -> None:
        """Keep an answer that is no error; where that cannot be done the run goes on without."""
        if trace.error is not None or asked.key[0] in self._closed:
            return
        file = self._file(asked)
        other = file.with_name(f"{file.stem}.{os.getpid()}-{secrets.token_hex(4)}.tmp")
        try:
            file.parent.mkdir(exist_ok=True, mode=0o700)
            number = os.open(other, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
            with os.fdopen(number, "w", encoding="utf-8", errors="replace") as stream:
                stream.write(_entry(trace))
            other.replace(file)
        except OSError as error:
            with contextlib.suppress(OSError):
                other.unlink()
            self._tell(f"{self.folder}: answers cannot be kept: {error.strerror}")

    def _file(self, asked: Asked) -> Path:
        name = self.key(asked)
        return self.folder / name[:2] / f"{name}.json"

    def key(self, asked: Asked) -> str:
        """Names everything the answer depends on, and which draw it is: two questions of a run share no entry."""
        system, case_id, condition, repeat = asked.key
        parts = {
            "version": VERSION,
            "world": self.world,
            "system": [system, self.systems[system], asked.system.fingerprint],
            "method": asked.method,
            "case": [case_id, condition, repeat],
            "question": dataclasses.asdict(asked.question),
            "passages": [dataclasses.asdict(passage) for passage in asked.passages],
        }
        text = json.dumps(parts, sort_keys=True, default=_plain)
        return hashlib.sha256(text.encode()).hexdigest()

    def _set_aside(self, file: Path, error: Exception) -> None:
        with contextlib.suppress(OSError):
            file.replace(file.with_suffix(".damaged"))
        said = f"{type(error).__name__}: {error}"[:200]
        self._tell(f"{file}: a kept answer is damaged ({said}); set aside and asked again")

    def _tell(self, text: str) -> None:
        warn, self._warn = self._warn, None
        if warn is not None:
            warn(text)


def _plain(value: Any) -> Any:
    return dict(value) if isinstance(value, Mapping) else list(value)


def _entry(trace: Trace) -> str:
    text = json.dumps(trace_to_json(trace), ensure_ascii=False, allow_nan=False)
    text = text.encode("utf-8", "replace").decode()
    return json.dumps({"format": VERSION, "sha256": _sum(text), "trace": text}, ensure_ascii=False)


def _read(text: str) -> Outcome:
    """The outcome of an entry; ``ValueError`` where its checksum says that it is not as it was written."""
    entry = json.loads(text)
    if entry["format"] != VERSION or entry["sha256"] != _sum(entry["trace"]):
        raise ValueError("the checksum does not fit")
    trace = trace_from_json(json.loads(entry["trace"]))
    return Outcome(**{field.name: getattr(trace, field.name) for field in fields(Outcome)})


def _sum(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
