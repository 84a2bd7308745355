"""One system's run reduced to what a gate compares: a value a case, repeat and measure, and no text."""

from __future__ import annotations

import csv
import math
import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from evalkit.artefacts import SCORE_COLUMNS, plain_cell
from evalkit.errors import InvalidInput, did_you_mean
from evalkit.fingerprints import Parts, digest
from evalkit.gate import Measured
from evalkit.gating.intact import check_fresh, check_intact
from evalkit.gating.shown import short
from evalkit.records import AS_IS, Metric, Status
from evalkit.resume import SEPARATOR
from evalkit.store import Store
from evalkit.store.opening import STORE, lock
from evalkit.strict import read_json

Cell = float | str | None  # a value; why there is none ("error", "ungraded", "unobserved"); not due

MISSING = {
    Status.SYSTEM_ERROR: "error",
    Status.GRADER_ERROR: "ungraded",
    Status.UNOBSERVED: "unobserved",
}
# What a gate or a recommendation goes by, and no answer or grade depends on.
JUDGED_BY = {("suite", name) for name in ("limits", "max_error_rate", "profile")}
# Whether a case has the cause is not known where the judge could not grade this measure of it, or did not see what it takes.
RESTS_ON = {"ungrounded_content": "groundedness"}
REQUIRED = ("manifest.json", "diagnosis.json", "scores.csv", "verdict.json")


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One system's run. ``cells`` holds, by metric and case, one entry a repeat; ``causes`` the failing cases' causes.

    ``causes`` maps to None where a failing case has no cause named. ``whole`` holds the measures of the whole suite.
    """

    source: str
    system: str
    approach: str
    fingerprint: str
    suite: Mapping[
        str, str
    ]  # name, digest; asked: the digest of what was asked and measured, if it is known
    judge: str
    evalkit: str
    counts: Mapping[str, int]
    cells: Mapping[str, Mapping[str, tuple[Cell, ...]]]
    causes: Mapping[str, str | None]
    findings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    whole: Mapping[str, float] = field(default_factory=dict)

    @property
    def cases(self) -> list[str]:
        """The ids of the cases that were asked."""
        return sorted(self.cells.get("passed", {}))

    @property
    def repeats(self) -> int:
        """The most repeats a case has."""
        return max((len(row) for row in self.cells.get("passed", {}).values()), default=0)


def how_it_ended(row: Sequence[Cell]) -> str:
    """passed, failed, errors or ungraded, over a case's repeats: as the run counts them."""
    if 0.0 in row:
        return "failed"
    if "error" in row:
        return "errors"
    return "passed" if all(cell == 1.0 for cell in row) else "ungraded"


def measured(found: Snapshot, metric: Metric, cases: Collection[str]) -> Measured:
    """A metric's column over ``cases``; a case that was not asked is missing."""
    low, high = metric.low, metric.high
    rows = found.cells.get(metric.name, {})
    asked = found.cells.get("passed", {})
    lost: tuple[Cell, ...] = ("error",)
    cells = [rows.get(case, () if case in asked else lost) for case in cases]
    _check_range(found, metric, cases, cells)
    bad, good = (low, high) if metric.higher_is_better else (high, low)
    table = np.array([_bounds(row, bad, good) for row in cells]).reshape(len(cells), 3)
    return Measured(table[:, 0], table[:, 1], table[:, 2])


def _check_range(
    found: Snapshot, metric: Metric, cases: Collection[str], cells: Collection[tuple[Cell, ...]]
) -> None:
    low, high = metric.low - 1e-6, metric.high + 1e-6
    for case, row in zip(cases, cells, strict=True):
        for cell in row:
            if isinstance(cell, float) and not low <= cell <= high:
                message = f"is {cell:g}, outside {metric.low:g}..{metric.high:g}"
                raise InvalidInput(message, file=found.source, field=f"{short(case)}.{metric.name}")


def _bounds(row: tuple[Cell, ...], bad: float, good: float) -> tuple[float, float, float]:
    """The case's mean if what is missing were bad, and if it were good; the share that is missing."""
    due = [cell for cell in row if cell is not None]
    if not due:
        return math.nan, math.nan, 0.0
    values = [cell for cell in due if not isinstance(cell, str)]
    lost, total = len(due) - len(values), math.fsum(values)
    if math.isfinite(bad) and math.isfinite(good):
        worst, best = (total + lost * bad) / len(due), (total + lost * good) / len(due)
        return worst, best, lost / len(due)
    mean = total / len(values) if values else math.nan
    return mean, mean, lost / len(due)


def with_cause(found: Snapshot, cause: str, cases: Collection[str]) -> Measured:
    """1 for a case that failed with this cause, 0 for any other; missing where the case erred or was not graded.

    It is missing, too, where what the cause is seen by has no grade: a claim that nobody decided is not grounded by that.
    """
    table = np.array([_caused(found, cause, case) for case in cases]).reshape(len(cases), 3)
    return Measured(table[:, 0], table[:, 1], table[:, 2])


def _caused(found: Snapshot, cause: str, case: str) -> tuple[float, float, float]:
    row = found.cells.get("passed", {}).get(case, ("error",))
    due = [cell for cell in row if cell is not None]
    if not due:
        return math.nan, math.nan, 0.0
    if case in found.causes:
        named = found.causes[case]
        if named == cause:
            return 1.0, 1.0, 0.0
        lost = 0.0 not in due and named in (None, "infra_error")
    else:
        lost = any(isinstance(cell, str) for cell in due)
    seen_by = found.cells.get(RESTS_ON.get(cause, ""), {}).get(case, ())
    blind = any(isinstance(cell, str) for cell in seen_by)
    return (1.0, 0.0, 1.0) if lost or blind else (0.0, 0.0, 0.0)


# --- from a run folder -----------------------------------------------------------------------


def snapshot_of(folder: Path, system: str | None, *, metrics: Collection[str]) -> Snapshot:
    """A system of a finished run, read from its derived files; ``metrics`` are the measures to keep.

    Raises ``InvalidInput`` where the run is unfinished, or its files are older than its answers or not as they were
    written, ``Busy`` while it is being written.
    """
    _check_idle(folder)
    _check_finished(folder)
    try:
        check_fresh(folder)
        found = _read(folder, system, {"passed", *metrics})
    except (KeyError, TypeError, AttributeError) as error:
        message = f"a derived file has another shape than evalkit's ({error})"
        hint = "`evalkit score RUN` writes the derived files again"
        raise InvalidInput(message, file=folder, hint=hint) from None
    check_intact(folder)  # last, for a file that cannot be read says more about itself
    return found


def _read(folder: Path, system: str | None, metrics: Collection[str]) -> Snapshot:
    manifest, diagnosis = read_json(folder / "manifest.json"), read_json(folder / "diagnosis.json")
    recipe, systems = manifest["recipe"], manifest["systems"]
    name = chosen_system(system, list(systems), folder)
    mine = diagnosis["systems"][name]
    approach, _, fingerprint = str(recipe.get(f"system {name}", "")).partition(" ")
    failing = {f["case_id"]: f for f in mine["findings"] if f["outcome"] == "fail"}
    cells, whole = _scores(folder / "scores.csv", name, metrics)
    return Snapshot(
        source=str(folder),
        system=name,
        approach=approach or systems[name]["approach"],
        fingerprint=fingerprint,
        suite={key: manifest["suite"][key] for key in ("name", "digest")} | _asked(folder),
        judge=str(recipe.get("judge", "")),
        evalkit=str(recipe.get("evalkit", "")),
        counts=mine["cases"],
        cells=cells,
        causes={case: f["cause"] for case, f in failing.items()},
        findings=failing,
        whole=whole,
    )


def _asked(folder: Path) -> dict[str, str]:
    """What was asked and measured of the suite, as a digest; nothing for a run that has not noted it."""
    if not (folder / STORE).exists():
        return {}
    with Store(folder, reading=True) as store:
        parts = {tuple(name.split(SEPARATOR)): value for name, value in store.details().items()}
    return {"asked": asked_digest(parts)} if any(place[0] == "suite" for place in parts) else {}


def asked_digest(parts: Parts) -> str:
    """A digest of the parts of a suite that answers and grades depend on: neither limits nor what decides by them."""
    kept = {p: v for p, v in parts.items() if p[0] != "system" and p not in JUDGED_BY}
    return digest(*sorted(kept.items()))


def _check_idle(folder: Path) -> None:
    """``Busy`` while a run writes here, finished before or not; a folder nobody may write to has no such run."""
    if (folder / STORE).exists() and os.access(folder, os.W_OK):
        lock(folder).close()


def _check_finished(folder: Path) -> None:
    absent = [name for name in REQUIRED if not (folder / name).is_file()]
    if not absent:
        return
    started = (folder / STORE).exists() or len(absent) < len(REQUIRED)
    what = f"the run is not finished ({absent[0]} is missing)" if started else "there is no run"
    hint = "`evalkit run SUITE --out` with the same folder goes on from here"
    raise InvalidInput(what, file=folder, hint=hint if started else "`evalkit run` makes one")


def chosen_system(wanted: str | None, known: list[str], where: Path) -> str:
    """The system asked for, or the only one there is."""
    if wanted is not None and wanted not in known:
        raise InvalidInput(
            f"there is no system called {short(wanted)!r}",
            file=where,
            hint=did_you_mean(wanted, known),
        )
    if wanted is None and len(known) != 1:
        raise InvalidInput(
            f"one system is judged at a time, and {len(known)} are there",
            file=where,
            hint=f"give --system with one of {', '.join(map(short, known))}",
        )
    return wanted if wanted is not None else known[0]


_Cells = dict[str, dict[str, tuple[Cell, ...]]]


def _scores(file: Path, system: str, metrics: Collection[str]) -> tuple[_Cells, dict[str, float]]:
    """The cells of the wanted measures by metric and case, repeats in order; and the suite-wide values."""
    wanted, written = frozenset(metrics), plain_cell(system)
    by_repeat: dict[str, dict[str, dict[int, Cell]]] = {}
    whole: dict[str, float] = {}
    for number, row in _rows(file):
        name, case_id, condition, repeat, metric, value, status, _ = row
        if name != written or metric not in wanted or condition != AS_IS:
            continue
        cell = _cell(value, status, file, number)
        if case_id:
            place = by_repeat.setdefault(metric, {}).setdefault(_unplain(case_id), {})
            place[int(repeat) if repeat.isdecimal() else 0] = cell
        elif isinstance(cell, float):
            whole[metric] = cell
    cells = {
        metric: {case: tuple(row[i] for i in sorted(row)) for case, row in rows.items()}
        for metric, rows in by_repeat.items()
    }
    return cells, whole


def _rows(file: Path) -> Iterator[tuple[int, list[str]]]:
    with suppress(UnicodeDecodeError), file.open(encoding="utf-8", newline="") as stream:
        reader = csv.reader(stream, strict=True)
        try:
            if tuple(next(reader, ())) != SCORE_COLUMNS:
                raise InvalidInput(
                    f"the header is not {','.join(SCORE_COLUMNS)}", file=file, line=1
                )
            for row in reader:
                if len(row) != len(SCORE_COLUMNS):
                    raise InvalidInput(
                        "has another number of cells", file=file, line=reader.line_num
                    )
                yield reader.line_num, row
        except csv.Error as error:
            raise InvalidInput(f"is not CSV: {error}", file=file, line=reader.line_num) from None
        return
    raise InvalidInput("is not UTF-8", file=file)


def _cell(value: str, status: str, file: Path, line: int) -> Cell:
    try:
        state = Status(status)
        number = float(value) if value else None
    except ValueError as error:
        raise InvalidInput(str(error), file=file, line=line) from None
    if state in MISSING:
        return MISSING[state]
    if state is Status.NOT_APPLICABLE:
        return None
    if number is None or not math.isfinite(number):
        raise InvalidInput("a scored cell has no finite value", file=file, line=line, field="value")
    return number


def _unplain(text: str) -> str:
    """The text that ``plain_cell`` was given."""
    return text[1:] if text[:1] == "'" and plain_cell(text[1:]) == text else text
