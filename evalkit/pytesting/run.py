"""The one run behind a pytest session, whichever worker needs it first, and a run inside a user's own test."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from itertools import count
from pathlib import Path
from typing import Any

from evalkit.api import Run, run
from evalkit.artefacts import write_json
from evalkit.diagnosis import SystemDiagnosis
from evalkit.errors import EvalkitError
from evalkit.gating.shown import short, visible
from evalkit.judging.brought import tools_of_run
from evalkit.outcome import CaseOutcome
from evalkit.pytesting.cells import Cell, case_cell, limit_text
from evalkit.pytesting.limits import limit_cells
from evalkit.records import Suite, SystemSpec
from evalkit.store import Store
from evalkit.tools import tools_for

PATIENCE = 24 * 3600.0  # seconds a worker waits for the one that asks
SHOWN = 5  # failing cases told by assert_passed


class SuiteRun:
    """Asks the systems once a session, when the first test needs an answer, and remembers how every test ended.

    Under pytest-xdist every worker has one of these, with the same ``shared`` folder. A lock there lets one worker
    ask; the others wait and read what it found from a file. The lock is a transaction of SQLite, which the
    operating system ends with the process, so a worker that dies leaves none behind. The report is written only
    into a folder that is ``kept``.
    """

    def __init__(
        self,
        suite: Suite,
        specs: Sequence[SystemSpec],
        shared: Path,
        kept: Path | None,
        judge: str | None = None,
    ) -> None:
        self.suite, self.specs, self.shared, self.kept = suite, specs, shared, kept
        self.judge = judge
        self.folder = kept or shared / "run"
        self.wanted: dict[str, set[str]] = {}
        self.limited: set[str] = set()
        self.cells: Mapping[str, Cell] | None = None

    def want(self, system: str, *cases: str) -> None:
        """Note that these cases of a system are to be asked."""
        self.wanted.setdefault(system, set()).update(cases)

    def want_limits(self, system: str) -> None:
        """Note that the limits are to be judged for a system, which takes every case."""
        self.want(system, *(case.id for case in self.suite.cases))
        self.limited.add(system)

    def case(self, system: str, case_id: str) -> Cell:
        """How a case ended; asks on first use."""
        return self._found()[_key(system, "case", case_id)]

    def limit(self, system: str, text: str) -> Cell:
        """Whether a limit was kept; asks on first use."""
        return self._found()[_key(system, "limit", text)]

    def _found(self) -> Mapping[str, Cell]:
        if self.cells is None:
            with _alone(self.shared / "pytest.lock"):
                self.cells = self._read() or self._asked()
        return self.cells

    @property
    def _file(self) -> Path:
        return self.shared / "cells.json"

    def _read(self) -> Mapping[str, Cell] | None:
        if not self._file.exists():
            return None
        kept = json.loads(self._file.read_text(encoding="utf-8"))
        return {key: Cell(**cell) for key, cell in kept.items()}

    def _asked(self) -> Mapping[str, Cell]:
        try:
            done = self._run()
            if self.kept:
                done.write()
            cells = dict(_cells(done, self.limited))
        except (
            EvalkitError
        ) as error:  # of the whole run: every test says so, and nobody tries again
            cells = dict(self._broken(visible(f"evalkit: {error}")))
        write_json(self._file, {key: asdict(cell) for key, cell in cells.items()})
        return cells

    def _run(self) -> Run:
        """Ask what was chosen. Cases that the folder has from before are graded with them."""
        wanted = set().union(*self.wanted.values())
        if (self.folder / "run.sqlite").exists():
            with Store(self.folder, reading=True) as store:
                wanted |= {case_id for _, case_id, _, _ in store.done()}
        part = replace(self.suite, cases=tuple(c for c in self.suite.cases if c.id in wanted))
        specs = [spec for spec in self.specs if spec.name in self.wanted]
        return run(part, specs, out=self.folder, judge=self.judge)

    def _broken(self, message: str) -> Iterator[tuple[str, Cell]]:
        for system, cases in self.wanted.items():
            for case_id in cases:
                yield _key(system, "case", case_id), Cell("errors", message)
            for limit in self.suite.limits:
                yield _key(system, "limit", limit_text(limit)), Cell("errors", message)


def _key(system: str, kind: str, name: str) -> str:
    return json.dumps([system, kind, name], ensure_ascii=False)


@contextmanager
def _alone(file: Path) -> Iterator[None]:
    """Hold a lock that no other process has; waits for it."""
    lock = sqlite3.connect(file, timeout=PATIENCE, isolation_level=None)
    try:
        lock.execute("BEGIN EXCLUSIVE")
        yield
    finally:
        lock.close()


def _cells(done: Run, limited: Collection[str]) -> Iterator[tuple[str, Cell]]:
    tools = tools_for(done.suite) if done.folder is None else tools_of_run(done.suite, done.folder)
    for name, found in done.systems.items():
        cases = {case.id: case for case in done.suite.cases}
        for case_id in found.graded.cases:
            yield _key(name, "case", case_id), case_cell(found, cases[case_id])
        if name in limited:
            for limit, cell in zip(
                done.suite.limits, limit_cells(found, done.suite, tools), strict=True
            ):
                yield _key(name, "limit", limit_text(limit)), cell


# --- inside a user's own tests -----------------------------------------------------------------


@dataclass(frozen=True)
class Asked:
    """A run inside a test; ``run`` is everything that was found (an ``evalkit.Run``)."""

    run: Run

    @property
    def found(self) -> SystemDiagnosis:
        """The diagnosis of the one system."""
        return next(iter(self.run.systems.values()))

    @property
    def pass_rate(self) -> float | None:
        """Share of the graded cases that passed, 0..1; errors are failures. None where nothing was graded."""
        rate = self.found.pass_rate
        return None if rate is None else rate.value

    def failures(self) -> dict[str, str]:
        """The chain of evidence of every case that failed or erred, by case id."""
        bad = (CaseOutcome.FAILED, CaseOutcome.ERROR)
        ended = self.found.graded.cases
        cases = [case for case in self.run.suite.cases if ended.get(case.id) in bad]
        return {case.id: case_cell(self.found, case).message for case in cases}

    def assert_passed(self, min_rate: float = 1.0) -> None:
        """Fail with the evidence unless at least this share (0..1) of the graded cases passed."""
        __tracebackhide__ = True
        rate, failures = self.pass_rate, self.failures()
        if rate is not None and rate >= min_rate - 1e-9:
            return
        counts = self.found.counts
        said = "nothing could be graded" if rate is None else f"{rate:.3g} passed"
        told = [
            f"{short(case_id)}: {message}" for case_id, message in list(failures.items())[:SHOWN]
        ]
        more = [f"... and {len(failures) - SHOWN} more"] if len(failures) > SHOWN else []
        head = f"{said}, wanted {min_rate:g} ({counts['passed']} of {counts['due']} cases)"
        raise AssertionError("\n".join([head, *told, *more]))


class Ask:
    """What the fixture ``evalkit_run`` hands out; every call is a run of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.numbers = folder, count(1)

    def __call__(self, suite: Suite | str | Path, system: Any, **options: Any) -> Asked:
        """Ask one system (a function or an object, as in ``evalkit.run``) every case; ``options`` are ``evalkit.run``'s."""
        out = options.pop("out", self.folder / str(next(self.numbers)))
        systems = [system] if isinstance(system, SystemSpec) else {"system": system}
        return Asked(run(suite, systems, out=out, **options))
