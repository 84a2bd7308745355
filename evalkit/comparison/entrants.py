"""Who takes part in a comparison: the systems of one or more runs, provided that they can be compared at all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from evalkit.diagnosis import SystemDiagnosis
from evalkit.errors import InvalidInput, NothingToDo, did_you_mean
from evalkit.records import Suite

if TYPE_CHECKING:
    from evalkit.api import Run

ALLOW = "give --allow-different to compare all the same"


@dataclass(frozen=True, slots=True)
class Entrants:
    """The systems by the name they are shown under, and what must be said with the comparison.

    ``origin`` tells for each the run it comes from and its name there.
    """

    suite: Suite
    systems: Mapping[str, SystemDiagnosis]
    origin: Mapping[str, tuple[str, str]]
    judge: str | None
    notes: tuple[str, ...]


def entrants(
    runs: Mapping[str, Run], names: Sequence[str] = (), *, allow_different: bool = False
) -> Entrants:
    """The systems of ``runs`` (label -> run); ``names`` limits them, by their own name or the one shown.

    A name that several runs have is shown with the run's label. Runs of different suites or judges are refused
    with what differs; ``allow_different`` notes it instead. All are measured on the first run's suite.
    """
    if not runs:
        raise NothingToDo("no run is given")
    notes = _differences(runs, allow_different=allow_different)
    often = Counter(name for run in runs.values() for name in run.systems)
    found: dict[str, SystemDiagnosis] = {}
    origin: dict[str, tuple[str, str]] = {}
    for label, run in runs.items():
        for name, diagnosis in run.systems.items():
            shown = f"{name} ({label})" if often[name] > 1 else name
            if not names or name in names or shown in names:
                found[shown], origin[shown] = diagnosis, (label, name)
    _check(names, runs, origin)
    first = next(iter(runs.values()))
    judge = first.recipe.get("judge")
    return Entrants(first.suite, found, origin, None if judge is None else str(judge), notes)


def _check(
    names: Sequence[str], runs: Mapping[str, Run], origin: Mapping[str, tuple[str, str]]
) -> None:
    met = {*origin, *(name for _, name in origin.values())}
    for name in names:
        if name not in met:
            known = [known for run in runs.values() for known in run.systems]
            raise InvalidInput(
                f"no run has a system called {name!r}",
                field="--system",
                hint=did_you_mean(name, known),
            )


def _differences(runs: Mapping[str, Run], *, allow_different: bool) -> tuple[str, ...]:
    """What the runs differ in that their scores depend on."""
    told = []
    for what, values in (
        ("suite", {label: run.suite.digest for label, run in runs.items()}),
        ("judge", {label: run.recipe.get("judge") for label, run in runs.items()}),
    ):
        if len(set(values.values())) > 1:
            listed = ", ".join(f"{label} {value}" for label, value in values.items())
            told.append(f"the {what} differs: {listed}")
    if told and not allow_different:
        raise InvalidInput("; ".join(told), hint=ALLOW)
    return tuple(told)


def open_runs(
    suite: Suite, folders: Sequence[Path], *, allow_different: bool = False
) -> tuple[dict[str, Run], tuple[str, ...]]:
    """The runs by label (the folder's name), graded on ``suite``, and what must be noted about them.

    A run of another suite is refused; with ``allow_different`` its answers to the questions whose ids ``suite`` has
    are graded by the labels of ``suite``.
    """
    from evalkit.api import open_run

    runs: dict[str, Run] = {}
    notes: list[str] = []
    for number, folder in enumerate(folders, 1):
        label = folder.resolve().name
        label = f"{label} {number}" if label in runs else label
        before = _digest(folder)
        if before in (None, suite.digest):
            runs[label] = found = open_run(suite, folder)
            notes += [] if found.stopped is None else [f"{label}: {found.stopped}"]
            continue
        differs = f"the suite differs: {label} is of {before}, not of {suite.digest}"
        if not allow_different:
            raise InvalidInput(differs, file=folder, hint=ALLOW)
        runs[label] = _graded_anew(suite, folder, label)
        notes.append(f"{differs}; its answers are graded by the labels of {suite.digest}")
    return runs, tuple(notes)


def _digest(folder: Path) -> str | None:
    from evalkit.store import Store

    if not (folder / "run.sqlite").exists():
        raise InvalidInput("there is no run", file=folder, hint="`evalkit run` makes one")
    with Store(folder, reading=True) as store:
        found = store.recipe().get("suite")
    return None if found is None else str(found)


def _graded_anew(suite: Suite, folder: Path, label: str) -> Run:
    from evalkit.api import from_traces
    from evalkit.judging.of_run import noted_seat
    from evalkit.store import Store
    from evalkit.work import approaches_of

    known = {case.id for case in suite.cases}
    with Store(folder, reading=True) as store:
        approaches = approaches_of(store.recipe())
        traces = {
            name: [trace for trace in store.traces(name) if trace.case_id in known]
            for name in approaches
        }
        judge = noted_seat(store, suite, folder).judge
    answered = {name: found for name, found in traces.items() if found}
    if not answered:
        raise NothingToDo(
            f"{label} has no case in common with suite {suite.name} ({suite.digest}): none of its answers is to one of "
            f"the {len(suite.cases)} cases"
        )
    named = {name: approaches[name].value for name in answered}
    return from_traces(suite, answered, named, judge=judge)
