"""Grades and diagnoses a run too large to be held: part by part, the parts' columns added up at the end."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Collection, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from evalkit.case_file import CaseFile, long_file
from evalkit.diagnosis import SystemDiagnosis, diagnosis_of
from evalkit.doctor.complaint import Complaint
from evalkit.fingerprints import digest
from evalkit.grade import Graded, kinds_of
from evalkit.inquiry import STEADY, Varies
from evalkit.ledger import crew, disk
from evalkit.ledger.answers import Answers
from evalkit.ledger.crew import Part
from evalkit.ledger.large import Large, LargeFindings, LargeGraded
from evalkit.ledger.memory import ROOM, give_back
from evalkit.ledger.part import bench_for
from evalkit.ledger.pieces import findings_of
from evalkit.records import Approach, Suite
from evalkit.store.session import host
from evalkit.tools import Tools
from evalkit.watch import Watcher

if TYPE_CHECKING:
    from evalkit.replay import Intake

PART = 500  # cases of a part


@dataclass(frozen=True, slots=True)
class How:
    """How a large run is graded: cases of a part, processes beside this one (0: none), and the user's playbook.

    ``intake`` files the answers that are not stored yet, None where all are.
    """

    part: int = PART
    processes: int = min(crew.MOST, os.cpu_count() or 1)
    playbook: Path | None = None
    intake: Intake | None = None


async def diagnosed_in_parts(
    suite: Suite,
    store: Path,
    systems: Mapping[str, Approach],
    tools: Tools,
    watch: Watcher,
    only: Collection[str] | None = None,
    how: How | None = None,
) -> Large:
    """Every system of the store in folder ``store``, graded and diagnosed; nothing but slim columns is held.

    ``only`` are the ids of the cases that are looked at, None is all. ``suite`` is one that is read as a stream.
    """
    settings = how or How()
    give_back()  # what filing the answers took
    cases = _chosen(suite, only)
    bench = bench_for(suite, cases, Answers(store), tools, systems, _folder_in(store))
    large = Large(bench, settings.part)
    todo = crew.parts(len(cases.places.by_id), settings.part)
    seen: dict[str, dict[int, tuple[Varies, bool]]] = {name: {} for name in systems}
    if settings.intake is not None and not _beside(settings, todo):
        settings.intake.everything()
    with disk.kept_in(bench.out):
        await _do(large, todo, settings, store, watch, seen)
        settings = replace(settings, intake=None)
        again = _again(todo, seen)
        if again:
            told = f"{len(again)} parts are diagnosed anew: in others the system was seen to vary"
            watch.say(told)
            await _do(large, again, settings, store, watch, seen)
        for name, approach in systems.items():
            if seen[name]:
                large.systems[name] = _added_up(large, name, approach, sorted(seen[name]))
    return large


def _folder_in(store: Path) -> Path:
    """A folder for parts, named after this process; what a killed one left on this machine is cleared away."""
    here = f".parts-{digest(host())}-"
    for left in store.glob(f"{here}*"):
        if not _alive(left.name.removeprefix(here).partition("-")[0]):
            shutil.rmtree(left, ignore_errors=True)
    try:
        return Path(tempfile.mkdtemp(prefix=f"{here}{os.getpid()}-", dir=store))
    except OSError:  # a run that is only read may lie where nothing can be written
        return Path(tempfile.mkdtemp(prefix="evalkit-parts-"))


def _alive(process: str) -> bool:
    """Whether a process of this machine may still be there: one that grades without the run's lock as well."""
    if os.name == "nt" or not process.isascii() or not process.isdigit():
        return True  # there signal 0 is no question; nor is a name that is not ours
    try:
        os.kill(int(process), 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:  # another user's
        return True
    return True


def _chosen(suite: Suite, only: Collection[str] | None) -> CaseFile:
    """The cases, of which some may have been chosen."""
    cases = long_file(suite.cases)
    if cases is None:
        raise TypeError("the cases of a large run are read from a file")
    if only is None:
        return cases
    rows = [row for row in cases.places.by_id.tolist() if cases.places.ids[row] in only]
    return CaseFile(cases.reader, replace(cases.places, by_id=np.array(rows, np.int64)))


async def _do(
    large: Large,
    todo: Sequence[Part],
    how: How,
    store: Path,
    watch: Watcher,
    seen: dict[str, dict[int, tuple[Varies, bool]]],
) -> None:
    """Have parts done, and note of each what the others need to know."""
    bench = large.bench
    watch.start("grading and diagnosing parts", len(todo))
    if _beside(how, todo):
        file = None if how.intake is None else partial(how.intake.file, lines_of=bench.lines)
        replies = crew.in_processes(bench, _order(large, how, store), todo, how.processes, file)
    else:
        replies = crew.in_this_process(bench, todo)
    async with aclosing(replies) as coming:
        async for reply in coming:
            number = reply["part"]
            for name, (answers, lists, probed) in reply["systems"].items():
                seen[name][number] = Varies(answers, lists), probed
            large.complaints[number] = [
                Complaint(kind, subject, text, tuple(others))
                for kind, subject, text, others in reply["complaints"]
            ]
            watch.step()
    watch.done()


def _beside(how: How, todo: Sequence[Part]) -> bool:
    """Whether parts are done in processes beside this one."""
    return bool(how.processes) and len(todo) > 1


def _order(large: Large, how: How, store: Path) -> dict[str, Any]:
    """What a process needs to know to do parts of this run."""
    bench, places = large.bench, large.bench.out / "places.npz"
    bench.cases.places.save(places)
    return {
        "suite": str(bench.cases.reader.suite_file),
        "places": str(places),
        "digest": bench.suite.digest,
        "store": str(store),
        "out": str(bench.out),
        "systems": {name: approach.value for name, approach in bench.systems.items()},
        "playbook": None if how.playbook is None else str(how.playbook),
        "room": ROOM // how.processes,
        "growing": how.intake is not None,
    }


def _again(
    todo: Sequence[Part], seen: Mapping[str, Mapping[int, tuple[Varies, bool]]]
) -> list[Part]:
    """Parts with probes that would have been read otherwise, had it been known how systems vary in other parts."""
    whole = {}
    for name, parts in seen.items():
        whole[name] = STEADY
        for own, _ in parts.values():
            whole[name] |= own
    changed = {
        number
        for name, parts in seen.items()
        for number, (own, probed) in parts.items()
        if probed and own != whole[name]
    }
    return [replace(part, elsewhere=whole) for part in todo if part.number in changed]


def _added_up(
    large: Large, name: str, approach: Approach, numbers: Sequence[int]
) -> SystemDiagnosis:
    large.parts[name] = list(numbers)
    tools, stems = large.bench.tools, large.stems(name)
    ids = large.bench.cases.places.ids
    ledger = disk.load(stems, name, approach, kinds_of(tools.metrics), ids)
    graded = LargeGraded(ledger, lambda: large.graded(name), lambda: large.whole(name))
    findings = LargeFindings(ledger, findings_of(stems, disk.finding_places(stems)))
    return diagnosis_of(ledger, cast("Graded", graded), findings, tools.playbook)
