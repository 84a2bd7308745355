"""The runs below a folder, each with its state and figures; read again only where files have changed."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from evalkit.store.opening import SESSION
from evalkit.viewing.account import Account, read_account, under_way
from evalkit.viewing.figures import Figures, SystemFigures, read_figures
from evalkit.viewing.places import FILES, STORE, Place, find_runs, signature

SCAN = 1.0  # seconds for which a look at the folders holds
UNDER_WAY, FINISHED, STOPPED, UNREADABLE = "under way", "finished", "stopped", "unreadable"
_DERIVED = ("summary.json", "diagnosis.json", "verdict.json")
_STORED = (STORE, f"{STORE}-wal", SESSION)


@dataclass(frozen=True)
class Entry:
    """One run as the viewer knows it: its place, and what its files and its store tell."""

    place: Place
    figures: Figures | None
    account: Account | None
    writing: bool
    written: float | None

    @property
    def key(self) -> str:
        """The run in addresses."""
        return self.place.key

    @property
    def name(self) -> str:
        """The run in words."""
        return self.place.name

    @property
    def suite(self) -> str:
        """The name of its suite; that of the suite's folder where no summary is written yet."""
        if self.figures is not None:
            return self.figures.suite
        return (self.account and self.account.suite_name) or "unknown suite"

    @property
    def digest(self) -> str:
        """The digest of its suite, empty where it is not known."""
        found = self.recipe.get("suite")
        return (self.figures.digest if self.figures else "") or (
            found if isinstance(found, str) else ""
        )

    @property
    def recipe(self) -> Mapping[str, Any]:
        """What its figures depend on."""
        before = self.figures.recipe if self.figures else {}
        return {**(self.account.recipe if self.account else {}), **before}

    @property
    def systems(self) -> tuple[SystemFigures, ...]:
        """Its systems, none before the first summary, nor where its files are older than its answers."""
        return self.figures.systems if self.figures and not self.overtaken else ()

    @cached_property
    def overtaken(self) -> bool:
        """Whether its last session put questions and ended without writing its files again."""
        last = self.account.last_began if self.account and self.account.planned else None
        return not self.writing and (
            self.written is None or (last is not None and last > self.written)
        )

    @property
    def date(self) -> float | None:
        """When it was begun, in seconds since 1970; when its files were written where the store does not say."""
        begun = self.account.began if self.account else None
        return begun if begun is not None else self.written

    @property
    def commits(self) -> tuple[str, ...]:
        """The commits of the work tree it was made in; empty where none was noted."""
        return self.account.commits if self.account else ()

    @cached_property
    def state(self) -> str:
        """``under way``, ``finished``, ``stopped`` (ended before everything was asked) or ``unreadable``."""
        if self.writing:
            return UNDER_WAY
        if self.figures is None:
            return STOPPED if self.account is not None else UNREADABLE
        ended = self.figures.exit_name in (None, "pass", "incomplete", "regression", "inconclusive")
        return STOPPED if self.overtaken or not ended else FINISHED

    @cached_property
    def files(self) -> tuple[str, ...]:
        """The files of it that are served."""
        return tuple(name for name in FILES if signature(self.place, name) is not None)


class Runs:
    """The runs below ``root``, newest first; safe to be asked from several threads."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._lock = threading.Lock()
        self._places: dict[str, Place] = {}
        self._looked = float("-inf")
        self._figures: dict[str, tuple[object, Figures | None]] = {}
        self._accounts: dict[str, tuple[object, Account | None]] = {}

    def all(self) -> list[Entry]:
        """Every run, the newest first."""
        with self._lock:
            found = [self._entry(place) for place in self._found().values()]
        return sorted(found, key=lambda run: (-(run.date or 0.0), run.name))

    def get(self, key: str) -> Entry | None:
        """The run of this key; None where there is none."""
        with self._lock:
            place = self._found().get(key)
            return None if place is None else self._entry(place)

    def _found(self) -> Mapping[str, Place]:
        if time.monotonic() - self._looked > SCAN:
            self._places = {place.key: place for place in find_runs(self.root)}
            for known in (self._figures, self._accounts):
                for key in known.keys() - self._places.keys():
                    del known[key]
            self._looked = time.monotonic()
        return self._places

    def _entry(self, place: Place) -> Entry:
        key = place.key
        derived = tuple(signature(place, name) for name in _DERIVED)
        if key not in self._figures or self._figures[key][0] != derived:
            self._figures[key] = derived, read_figures(place)
        verdict = derived[-1] or derived[0]
        written = verdict[2] / 1e9 if verdict else None
        writing = under_way(place, written)
        stored = tuple(signature(place, name) for name in _STORED)
        if writing or key not in self._accounts or self._accounts[key][0] != stored:
            self._accounts[key] = stored, read_account(place) if stored[0] else None
        return Entry(place, self._figures[key][1], self._accounts[key][1], writing, written)
