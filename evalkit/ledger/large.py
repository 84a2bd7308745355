"""A large run and its systems as others see them: how cases ended and what was found, without answers held in memory."""

from __future__ import annotations

import shutil
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import isnan
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

import numpy as np

from evalkit.artefacts import Ready, suite_block
from evalkit.case_file import LARGE
from evalkit.doctor.complaint import Complaint
from evalkit.doctor.corpus import corpus_complaints
from evalkit.grade import Graded, grade, score_labels
from evalkit.ledger import disk
from evalkit.ledger.columns import OUTCOMES, Ledger
from evalkit.ledger.page import kept_pages
from evalkit.ledger.part import Bench, graded_part
from evalkit.ledger.pictures import ranks_of, styles_of
from evalkit.ledger.pieces import StoredFindings, blocks_of
from evalkit.ledger.words import Ints, find, narrow
from evalkit.outcome import CaseOutcome
from evalkit.pages.case_pages import Page
from evalkit.pages.ranks import RankCounts
from evalkit.pages.styling import StyleCounts
from evalkit.pool import block_on
from evalkit.records import Approach, Certainty, Fact, Finding, Side, Stage, Suite

if TYPE_CHECKING:
    from evalkit.diagnosis import SystemDiagnosis

UNEXAMINED = (
    f"with more than {LARGE:,} cases the doctor does not examine: labels of cases that pass, labels that contradict "
    "each other far apart in the suite, and what systems retrieve (documents never found, broken chunks)"
)
UNSHOWN = (
    f"with more than {LARGE:,} cases the report leaves out the table of systems against each other (`evalkit compare`), the queue "
    "for review (`evalkit review`) and, at its top, single cases: the pages of the cases have them all"
)


def _let_go(bench: Bench) -> None:
    bench.answers.close()
    shutil.rmtree(bench.out, ignore_errors=True)


class Large:
    """What a large run left on disk: everything that its derived files are made of. It is gone when this is."""

    def __init__(self, bench: Bench, size: int) -> None:
        self.bench, self._size = bench, size
        weakref.finalize(self, _let_go, bench)
        self.parts: dict[str, list[int]] = {}
        self.complaints: dict[int, list[Complaint]] = {}
        self.systems: dict[str, SystemDiagnosis] = {}

    @property
    def suite(self) -> Suite:
        """The suite; it says what of it was not examined."""
        suite = self.bench.suite
        if len(suite.cases) <= LARGE:
            return suite
        return replace(suite, warnings=(UNEXAMINED, UNSHOWN, *suite.warnings))

    def stems(self, system: str) -> list[Path]:
        """Beside which paths the files of a system's parts stand."""
        return [self.bench.stem(number, system) for number in self.parts[system]]

    def traces(self) -> Iterator[str]:
        """The lines of traces.jsonl."""
        cases = self.bench.cases
        ids, ordered = cases.places.ids, cases.places.by_id
        for name in self.systems:
            for number in self.parts[name]:
                rows = ordered[number * self._size : (number + 1) * self._size]
                yield from self.bench.answers.lines(name, {ids[row] for row in rows.tolist()})

    def trace_files(self) -> list[Path]:
        """The files that traces.jsonl consists of, where there are such."""
        files = [self.bench.lines(name) for name in self.systems]
        return files if all(file.exists() for file in files) else []

    def scores(self) -> Iterator[bytes]:
        """The blocks of scores.csv."""
        for name, found in self.systems.items():
            stems, ledger = self.stems(name), found.ledger
            yield from blocks_of(stems, disk.case_places(stems))
            values = score_labels(name, ledger.label_pairs(), ledger.suite_metrics)
            yield suite_block(score for _, score in values).encode()

    def pages(self) -> Iterator[Page]:
        """The pages of all cases that were answered, in the order of the ids."""
        numbers = sorted({number for parts in self.parts.values() for number in parts})
        return kept_pages([self.bench.page(number) for number in numbers])

    def ranks(self, system: str) -> RankCounts | None:
        """At which ranks the gold documents of a system stand; None where it shows no list."""
        return ranks_of(self.stems(system))

    def styles(self, system: str) -> StyleCounts:
        """How the answers of a system measure up to the house style."""
        return styles_of(self.stems(system))

    @cached_property
    def doctor(self) -> dict[str, list[Complaint]]:
        """What is doubtful about the suite, as far as it was examined."""
        suite = self.bench.suite
        if len(suite.cases) <= LARGE:
            from evalkit.doctor.examine import examine

            whole = {name: found.graded for name, found in self.systems.items()}
            return examine(replace(suite, cases=tuple(suite.cases)), whole)
        labels = [c for number in sorted(self.complaints) for c in self.complaints[number]]
        return {"labels": labels, "corpus": corpus_complaints(replace(suite, cases=()), {})}

    def graded(self, system: str) -> Iterator[Graded]:
        """The answers of a system graded again, part by part."""
        bench = replace(self.bench, systems={system: self.bench.systems[system]})
        for number in self.parts[system]:
            rows = bench.cases.places.by_id[number * self._size : (number + 1) * self._size]
            suite = replace(bench.suite, cases=tuple(bench.cases.read(sorted(rows.tolist()))))
            yield block_on(graded_part(bench, suite), instead="a thread of its own")[system]

    def whole(self, system: str) -> Graded:
        """The answers of a system graded again, and held as a whole."""
        parts = list(self.graded(system))
        traces = [trace for part in parts for trace in part.traces]
        evidence = [one for part in parts for one in part.evidence]
        suite = replace(self.bench.suite, cases=tuple(self.bench.suite.cases))
        approach = self.bench.systems[system]
        return grade(suite, system, approach, traces, evidence, self.bench.tools.metrics)


class Outcomes(Mapping[str, CaseOutcome]):
    """How every case ended, by id."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def __getitem__(self, case_id: str) -> CaseOutcome:
        row = find(self._ledger.ids, case_id)
        if row is None:
            raise KeyError(case_id)
        return OUTCOMES[int(self._ledger.outcome[row])]

    def __iter__(self) -> Iterator[str]:
        return iter(self._ledger.ids)

    def __len__(self) -> int:
        return len(self._ledger)


class Repeats(Mapping[str, list[int]]):
    """The numbers of every case's ``as_is`` traces, by id."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._ends = np.cumsum(ledger.repeats)

    def __getitem__(self, case_id: str) -> list[int]:
        row = find(self._ledger.ids, case_id)
        if row is None:
            raise KeyError(case_id)
        end = int(self._ends[row])
        found: list[int] = self._ledger.as_is[end - int(self._ledger.repeats[row]) : end].tolist()
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self._ledger.ids)

    def __len__(self) -> int:
        return len(self._ledger)


class LargeGraded:
    """Stands for ``Graded`` where a run is too large to be held.

    How cases ended is at hand. ``parts`` grades the run again part by part. Whoever asks for anything else (``traces``,
    ``evidence``, ``scores``, ``outcomes``) has all of it graded again and held: that takes memory and time.
    """

    def __init__(
        self,
        ledger: Ledger,
        parts: Callable[[], Iterator[Graded]],
        whole: Callable[[], Graded],
    ) -> None:
        self.system: str = ledger.system
        self.approach: Approach = ledger.approach
        self.cases: Mapping[str, CaseOutcome] = Outcomes(ledger)
        self.parts, self._grade, self._ledger = parts, whole, ledger
        self._whole: Graded | None = None

    def repeats(self) -> Mapping[str, list[int]]:
        """The numbers of each case's ``as_is`` traces, in the order of the repeats."""
        return Repeats(self._ledger)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        if self._whole is None:
            self._whole = self._grade()
        return getattr(self._whole, name)


@dataclass(frozen=True, slots=True)
class StoredEvidence(Sequence[Fact]):
    """The evidence of one finding, read when it is asked for."""

    kept: StoredFindings
    row: int

    def _facts(self) -> tuple[Fact, ...]:
        return tuple(Fact(**fact) for fact in self.kept[self.row]["evidence"])

    @overload
    def __getitem__(self, place: int) -> Fact: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[Fact]: ...
    def __getitem__(self, place: int | slice) -> Any:
        return self._facts()[place]

    def __len__(self) -> int:
        return len(self._facts())


class LargeFindings(Sequence[Finding]):
    """The findings of a large run, each made of the ledger's columns when it is asked for, its evidence read from disk."""

    def __init__(self, ledger: Ledger, kept: StoredFindings) -> None:
        self._ledger, self._kept = ledger, kept

    def as_json(self) -> Ready:
        """The findings in their published shape."""
        return self._kept

    def __len__(self) -> int:
        return len(self._ledger.findings)

    @overload
    def __getitem__(self, place: int) -> Finding: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[Finding]: ...
    def __getitem__(self, place: int | slice) -> Any:
        rows = range(len(self))[place]
        if isinstance(rows, range):
            return tuple(map(self._finding, rows))
        return self._finding(rows)

    def __iter__(self) -> Iterator[Finding]:
        return map(self._finding, range(len(self)))

    def kinds(self) -> tuple[Sequence[Finding], Ints, Sequence[str]]:
        """One finding of each kind (their cases differ, and nothing a decision asks for), the kinds of all, and their cases."""
        first, codes = self._kinds
        found = self._ledger.findings
        return tuple(map(self._finding, first)), codes, self._ledger.names(found.row)

    @cached_property
    def _kinds(self) -> tuple[list[int], Ints]:
        found = self._ledger.findings
        words = (found.outcome, found.status, found.cause, found.side, found.also, found.probes)
        codes = np.unique(found.confidence, return_inverse=True)[1]
        for column in words:
            codes = codes.astype(np.int64) * (len(column.words) + 1) + column.codes
            codes = narrow(np.unique(codes, return_inverse=True)[1])
        return np.unique(codes, return_index=True)[1].tolist(), codes

    def _finding(self, row: int) -> Finding:
        found = self._ledger.findings
        side, stage, sure = found.side[row], found.stage[row], float(found.confidence[row])
        return Finding(
            case_id=self._ledger.ids[int(found.row[row])],
            repeat=found.repeat[row],
            outcome=found.outcome[row],
            status=Certainty(found.status[row]),
            cause=found.cause[row],
            side=None if side is None else Side(side),
            stage=None if stage is None else Stage(stage),
            confidence=None if isnan(sure) else sure,
            also=found.also[row],
            set=found.set[row],
            evidence=StoredEvidence(self._kept, row),  # type: ignore[arg-type]
            probes=dict(found.probes[row]),
            missing=found.missing[row],
        )
