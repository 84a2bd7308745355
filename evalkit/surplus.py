"""Which probes of merged shares one run of the whole suite would not have asked: found some cases at a time, little held."""

from __future__ import annotations

import heapq
import sqlite3
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import groupby, islice

from evalkit.condition import family
from evalkit.grade import grade
from evalkit.inquiry import differ
from evalkit.judge import judge_traces
from evalkit.ledger.answers import Answers
from evalkit.outcome import CaseOutcome, deciding
from evalkit.probe import lot
from evalkit.records import AS_IS, Approach, Evidence, Trace
from evalkit.store import Key
from evalkit.store.opening import STORE, open_to_read
from evalkit.verdicts import key_of
from evalkit.work import Work

FIRST = 1024  # cases of which the first ones by lot are looked for
PART = 100  # cases that are graded at once
FAILING = (CaseOutcome.FAILED, CaseOutcome.ERROR)
_CASES = "SELECT DISTINCT case_id FROM traces WHERE system = ? AND condition = 'as_is'"
_COUNT = "SELECT count(DISTINCT case_id) FROM traces WHERE system = ? AND condition = 'as_is'"
_PROBES = (
    "SELECT case_id, condition, repeat FROM traces WHERE system = ? AND condition <> 'as_is' "
    "ORDER BY case_id, condition, repeat"
)
_AGAIN = "SELECT DISTINCT case_id FROM traces WHERE system = ? AND repeat > 0 ORDER BY case_id"


@dataclass(frozen=True, slots=True)
class Drawn:
    """The passing cases that one run asks again as a control (None: all of them), and the case it asks first, and twice."""

    controls: frozenset[str] | None
    first: str


async def surplus(
    work: Work, system: str, approach: Approach, controls: int
) -> AsyncIterator[list[Key]]:
    """The probes of a system that each share asked by itself, and the whole suite would not have asked, in batches.

    Each share asks ``controls`` passing cases again, and its first failing one twice, to learn whether the system
    varies. Cases are drawn each by itself, so what the whole would ask is among what the shares asked.
    """
    with closing(open_to_read(work.store.folder / STORE)) as db:
        if db.execute(_PROBES, [system]).fetchone() is None:
            return
        (answered,) = db.execute(_COUNT, [system]).fetchone()
        with Answers(work.store.folder) as answers:
            grades = _Grades(work, answers, system, approach)
            drawn = await _drawn(db, grades, None if controls >= answered else controls, work.seed)
            varies = _varies(db, answers, system)
            probed = groupby(db.execute(_PROBES, [system]), key=lambda row: str(row[0]))
            by_case = ((case, [(c, r) for _, c, r in found]) for case, found in probed)
            while some := dict(islice(by_case, PART)):
                outcomes = {} if drawn.controls is None else await grades.of(some)
                beside = {
                    case
                    for case, outcome in outcomes.items()
                    if outcome is CaseOutcome.PASSED and case not in (drawn.controls or ())
                }
                yield [
                    (system, case, condition, repeat)
                    for case, asked in some.items()
                    for condition, repeat in asked
                    if case in beside
                    or (not varies and case != drawn.first and _is_again(condition, repeat))
                ]


def _is_again(condition: str, repeat: int) -> bool:
    """Whether a probe was put once more only to see whether the answer is the same."""
    return repeat > 0 and family(condition) != "frozen_context"


class _Grades:
    """How cases of one system ended, graded where somebody asks."""

    def __init__(self, work: Work, answers: Answers, system: str, approach: Approach) -> None:
        wanted = deciding(work.suite)
        self._metrics = [metric for metric in work.tools.metrics if metric.name in wanted]
        self._work, self._answers = work, answers
        self._system, self._approach = system, approach

    async def of(self, ids: Iterable[str]) -> Mapping[str, CaseOutcome]:
        """By case, what the answers ``as_is`` came to."""
        work = self._work
        cases = {case_id: work.cases[case_id] for case_id in ids}
        traces: list[Trace] = []
        known: dict[Key, Evidence] = {}
        for case_id in cases:
            mine = [t for t in self._answers.of(self._system, [case_id]) if t.condition == AS_IS]
            known |= work.verdicts.known(mine)
            traces += mine
        new = [trace for trace in traces if key_of(trace) not in known]
        said = await judge_traces(cases, new, work.judging)
        known |= {key_of(t): found for t, found in zip(new, said, strict=True) if found is not None}
        work.verdicts.keep(new, said)
        graded = grade(
            replace(work.suite, cases=tuple(cases.values())),
            self._system,
            self._approach,
            traces,
            [known.get(key_of(trace)) for trace in traces],
            self._metrics,
        )
        return graded.cases


async def _drawn(db: sqlite3.Connection, grades: _Grades, wanted: int | None, seed: int) -> Drawn:
    """The first passing cases by lot, as many as ``wanted`` (None: all), and the first failing one."""
    passing: list[str] = []
    first: str | None = None
    ids = _by_lot(db, grades._system, seed)  # noqa: SLF001 (a class of this module)
    while first is None or (wanted is not None and len(passing) < wanted):
        some = list(islice(ids, PART))
        if not some:
            break
        outcomes = await grades.of(some)
        passing += [case for case in some if outcomes.get(case) is CaseOutcome.PASSED]
        failing = (case for case in some if outcomes.get(case) in FAILING)
        first = first or next(failing, None)
        passing = passing[: max(1, wanted or 0)]
    chosen = None if wanted is None else frozenset(passing[:wanted])
    fallback = passing[0] if passing and wanted != 0 else ""
    return Drawn(chosen, first or fallback)


def _by_lot(db: sqlite3.Connection, system: str, seed: int) -> Iterator[str]:
    """The answered cases in the order in which one run draws them; only some of them are held at a time."""
    size, last = FIRST, b""
    while True:
        lots = ((lot(case, seed), case) for (case,) in db.execute(_CASES, [system]))
        found = heapq.nsmallest(size, (pair for pair in lots if pair[0] > last))
        yield from (case for _, case in found)
        if len(found) < size:
            return
        size, last = size * 4, found[-1][0]


def _varies(db: sqlite3.Connection, answers: Answers, system: str) -> bool:
    """Whether repeats of some question under one condition have different answers."""
    for (case_id,) in db.execute(_AGAIN, [system]):
        found: dict[str, list[Trace]] = {}
        for trace in answers.of(system, [case_id]):
            found.setdefault(trace.condition, []).append(trace)
        if any(map(differ, found.values())):
            return True
    return False
