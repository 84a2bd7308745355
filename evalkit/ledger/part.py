"""Grades and diagnoses one part of a large run, and leaves its columns and its lines of the derived files on disk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from evalkit.artefacts import case_rows, indented, trace_rows
from evalkit.case_file import CaseFile
from evalkit.diagnose import diagnose
from evalkit.diagnosis import finding_json
from evalkit.doctor.doubt import doubts_of
from evalkit.doctor.labels import label_complaints
from evalkit.doctor.support import Shelf
from evalkit.grade import Graded, grade, kinds_of
from evalkit.inquiry import STEADY, Varies, index_of, varying
from evalkit.judge import judge_traces
from evalkit.ledger import disk
from evalkit.ledger.answers import Answers
from evalkit.ledger.page import Symptoms, keep_page, lost_in, symptoms_in
from evalkit.ledger.pictures import keep_pictures
from evalkit.ledger.reading import read_ledger
from evalkit.ledger.words import Ints, keep_arrays
from evalkit.outcome import CaseOutcome
from evalkit.pages.case_legend import setting_for
from evalkit.pages.case_view import Setting, Shown
from evalkit.records import AS_IS, Approach, Case, Evidence, Finding, Suite, Trace
from evalkit.tools import Tools
from evalkit.verdicts import Verdicts, key_of

if TYPE_CHECKING:
    from evalkit.store import Store

DEPTH = 4  # levels of diagnosis.json around a finding


@dataclass(frozen=True, slots=True)
class Bench:
    """What parts are graded with: a suite that is read as a stream, the answers, what pages share, and where results go."""

    suite: Suite
    cases: CaseFile
    answers: Answers
    tools: Tools
    systems: Mapping[str, Approach]
    out: Path
    shelf: Shelf
    setting: Setting

    def stem(self, number: int, system: str) -> Path:
        """Beside which path the files of a part and a system stand."""
        return stem_of(self.out, number, list(self.systems).index(system))

    def lines(self, system: str) -> Path:
        """Where the lines of traces.jsonl of a system are kept whose answers are filed while parts are graded."""
        return self.out / f"{list(self.systems).index(system)}.traces"

    def page(self, number: int) -> Path:
        """Where the page of the cases of a part is kept."""
        return self.out / f"{number:06}.page"


def bench_for(
    suite: Suite,
    cases: CaseFile,
    answers: Answers,
    tools: Tools,
    systems: Mapping[str, Approach],
    out: Path,
) -> Bench:
    """The bench for some cases of a suite."""
    metrics = [metric.name for metric in kinds_of(tools.metrics)[0]]
    setting = setting_for(suite, systems, metrics, answers.folder)
    return Bench(suite, cases, answers, tools, systems, out, Shelf(suite), setting)


def stem_of(out: Path, number: int, system: int) -> Path:
    """The path whose suffixes name the files of a part of one system."""
    return out / f"{number:06}-{system}"


async def do_part(
    bench: Bench, number: int, rows: Sequence[int], elsewhere: Mapping[str, Varies]
) -> dict[str, Any]:
    """Grade, diagnose and write the cases on these rows; by system, what the other parts need to know of this one."""
    rows = sorted(rows)
    suite = replace(bench.suite, cases=tuple(bench.cases.read(rows)))
    graded = await graded_part(bench, suite)
    places = {case.id: row for case, row in zip(suite.cases, rows, strict=True)}
    failing = {c for g in graded.values() for c, o in g.cases.items() if o is CaseOutcome.FAILED}
    complaints = label_complaints(suite, graded, bench.shelf, failing) if graded else []
    doubts = doubts_of(complaints)
    told: dict[str, Any] = {}
    shown: dict[str, Shown] = {}
    symptoms: dict[str, Symptoms] = {}
    lost: dict[str, dict[str, str]] = {}
    for name, one in graded.items():
        varies = elsewhere.get(name, STEADY)
        findings = diagnose(suite, one, bench.tools.causes, doubts, varies)
        stem = bench.stem(number, name)
        ledger = read_ledger(suite, one, findings, bench.tools.playbook, places)
        disk.save(ledger, stem)
        keep_pictures(stem, suite.cases, one.traces)
        _write_lines(stem, one, findings)
        own = varying(one, index_of(one))
        probed = any(trace.condition != AS_IS for trace in one.traces)
        told[name] = [own.answers, own.lists, probed]
        shown[name] = one, findings
        symptoms[name] = symptoms_in(ledger, bench.tools.playbook)
        lost[name] = lost_in(ledger)
    if shown:
        keep_page(bench.page(number), number, bench.setting, suite.cases, shown, symptoms, lost)
    doubtful = [[c.kind, c.subject, c.text, list(c.others)] for c in complaints]
    return {"part": number, "systems": told, "complaints": doubtful}


async def graded_part(bench: Bench, suite: Suite) -> dict[str, Graded]:
    """The answers of every system to the cases of a part, graded; systems without any are left out."""
    cases: dict[str, Case] = {case.id: case for case in suite.cases}
    found = {}
    for name, approach in bench.systems.items():
        traces = list(bench.answers.of(name, cases))
        if traces:
            evidence = await _judged(bench, cases, traces)
            found[name] = grade(suite, name, approach, traces, evidence, bench.tools.metrics)
    return found


async def _judged(
    bench: Bench, cases: Mapping[str, Case], traces: Sequence[Trace]
) -> list[Evidence | None]:
    """What the judge says of every answer, or said of exactly this one before."""
    verdicts = Verdicts(bench.tools.judge, cast("Store", bench.answers), cases)  # it only reads
    known = verdicts.known(traces)
    new = [trace for trace in traces if key_of(trace) not in known]
    said = iter(await judge_traces(cases, new, bench.tools.judge))
    return [known[key] if (key := key_of(trace)) in known else next(said) for trace in traces]


def _write_lines(stem: Path, graded: Graded, findings: Sequence[Finding]) -> None:
    """The part's pieces of scores.csv and diagnosis.json."""
    shown = [indented(finding_json(finding), DEPTH).encode() for finding in findings]
    stem.with_suffix(".findings").write_bytes(b"".join(shown))
    of_traces = ["".join(rows).encode() for rows in trace_rows(graded.scores)]
    of_cases = [[row.encode() for row in rows] for rows in case_rows(graded.scores)]
    with stem.with_suffix(".scores").open("wb") as stream:
        stream.writelines(of_traces)
        stream.writelines(row for rows in of_cases for row in rows)
    lengths = {
        "findings": _lengths(shown),
        "traces": _lengths(of_traces),
        "cases": np.array([_lengths(rows) for rows in of_cases], np.int64),
    }
    keep_arrays(stem.with_suffix(".lengths"), lengths)


def _lengths(texts: Sequence[bytes]) -> Ints:
    return np.array([len(text) for text in texts], np.int64)
