"""Compares two runs in a process of its own, one pair at a time, and keeps what was found."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from evalkit.viewing.places import STORE, signature
from evalkit.viewing.runs import UNDER_WAY, Entry

PATIENCE = 1800  # seconds that one comparison may take
KEPT, WAITING = 32, 4  # comparisons remembered, and those that may wait for their turn
RUNNING, DONE, FAILED = "running", "done", "failed"


@dataclass(frozen=True, slots=True)
class Outcome:
    """How far a comparison is: ``running``, ``done`` with what was found, or ``failed`` with a sentence that says why."""

    state: str
    found: Mapping[str, Any] | None = None
    why: str = ""


def hindrance(a: Entry, b: Entry) -> str | None:
    """Why two runs cannot be compared here, in a sentence; None where they can."""
    for run in (a, b):
        if run.state == UNDER_WAY:
            return f"{run.name} is under way: compare it when it has ended."
        if run.account is None:
            return f"{run.name} has no store that can be read: only its report is here."
        if not run.account.plain_judge:
            return f"{run.name} has a judge that may be code: `evalkit compare` runs it, the viewer does not."
    if a.digest != b.digest:
        return f"They are of different suites ({a.suite} {a.digest}, {b.suite} {b.digest})."
    judges = a.recipe.get("judge"), b.recipe.get("judge")
    if judges[0] != judges[1]:
        return f"They were graded by different judges ({judges[0]}, {judges[1]})."
    return None


class Comparisons:
    """Comparisons by what they compare; a run that changes is compared anew."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._turn = threading.Lock()
        self._known: OrderedDict[object, Outcome] = OrderedDict()
        self._process: subprocess.Popen[bytes] | None = None
        self._closed = False

    def of(self, a: Entry, b: Entry) -> Outcome:
        """The comparison of two runs, begun now if it is not known yet."""
        why = hindrance(a, b)
        if why is not None:
            return Outcome(FAILED, why=why)
        key = tuple((run.key, signature(run.place, STORE)) for run in (a, b))
        with self._lock:
            if key in self._known:
                self._known.move_to_end(key)
                return self._known[key]
            if sum(known.state == RUNNING for known in self._known.values()) >= WAITING:
                return Outcome(
                    FAILED, why="Other comparisons are being made: ask again when they are done."
                )
            self._known[key] = Outcome(RUNNING)
            while len(self._known) > KEPT:
                self._known.popitem(last=False)
        threading.Thread(target=self._work, args=(key, a, b), daemon=True).start()
        return Outcome(RUNNING)

    def _work(self, key: object, a: Entry, b: Entry) -> None:
        with self._turn:
            outcome = self._compared(a, b)
        with self._lock:
            self._known[key] = outcome

    def _compared(self, a: Entry, b: Entry) -> Outcome:
        names = [str(a.place.folder), a.name, str(b.place.folder), b.name]
        command = [sys.executable, "-m", "evalkit.viewing.pairing", *names]
        try:
            with self._lock:
                if self._closed:
                    return Outcome(FAILED, why="The viewer is ending.")
                self._process = subprocess.Popen(  # noqa: S603 (our own module; folders as arguments)
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                )
            said, _ = self._process.communicate(timeout=PATIENCE)
            found = json.loads(said)
        except subprocess.TimeoutExpired:
            self._stop()
            return Outcome(FAILED, why="Comparing took too long.")
        except (OSError, ValueError):
            return Outcome(FAILED, why="Comparing failed; `evalkit compare` says why.")
        if "why" in found:
            return Outcome(FAILED, why=str(found["why"]))
        return Outcome(DONE, found)

    def _stop(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    def close(self) -> None:
        """End what is being compared."""
        with self._lock:
            self._closed = True
            self._stop()
