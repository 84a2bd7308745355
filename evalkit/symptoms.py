"""Symptoms: the six complaints teams know, measured by the rules of an editable playbook."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from math import isnan
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from evalkit.errors import InvalidInput
from evalkit.grade import Graded
from evalkit.ledger.columns import Ledger, ranks_of
from evalkit.ledger.ungraded import GRADER_ERROR, failed_on
from evalkit.outcome import CaseOutcome
from evalkit.records import Case, Expected, Finding, Interval, Side, Status, Suite
from evalkit.score import CODE
from evalkit.stats.intervals import wilson
from evalkit.strict import read_yaml

NOT_DUE, DUE, SHOWN = 0, 1, 2  # what a ledger notes of a rule for each case
RANK_OF_GRADER_ERROR = ranks_of(np.array([GRADER_ERROR], np.uint8))[0]
ALL_ERRED = "every case ended in an error, which is no symptom of any stage"


@dataclass(frozen=True, slots=True)
class Rule:
    """One entry of the playbook."""

    id: str
    symptom: str
    root_cause: str
    approach: str
    fine_tuning: str
    due: tuple[str, ...] | str
    unmeasured: str
    metrics: tuple[str, ...] = ()
    line: float = 1.0
    causes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Symptom:
    """How often one symptom shows: a rate over the cases that can show it, or why it was not measured.

    ``undecided`` cases could show it, and are not in the rate: a measure that tells it got no grade.
    """

    rule: Rule
    rate: Interval | None
    case_ids: Sequence[str]
    not_measured: str | None
    undecided: int = 0


def left_out(undecided: int) -> str:
    """The cases that are in no rate for want of a grade, in words; nothing without any."""
    return (
        f"{undecided:,} more case{'s' * (undecided != 1)} could not be graded" if undecided else ""
    )


@cache
def load_playbook(path: Path | None = None) -> tuple[Rule, ...]:
    """The rules of a playbook file; our own without a path."""
    file = path or Path(str(files("evalkit") / "playbook.yaml"))
    value = read_yaml(file).value
    try:
        return tuple(_rule(row) for row in value["symptoms"])
    except (KeyError, TypeError, AttributeError) as error:
        raise InvalidInput(f"is not a playbook: {error}", file=file, field="symptoms") from None


def _rule(row: Mapping[str, Any]) -> Rule:
    below = row.get("below") or {}
    return Rule(
        id=row["id"],
        symptom=row["symptom"],
        root_cause=row["root_cause"],
        approach=row["approach"],
        fine_tuning=row["fine_tuning"],
        due=row["due"] if isinstance(row["due"], str) else tuple(row["due"]),
        unmeasured=row["unmeasured"],
        metrics=tuple(below.get("metrics", ())),
        line=float(below.get("line", 1.0)),
        causes=tuple(row.get("causes", ())),
    )


def measure(ledger: Ledger, rules: Sequence[Rule]) -> list[Symptom]:
    """Every symptom of the playbook, measured or "not measured" with the reason."""
    return [_measure(ledger, number, rule) for number, rule in enumerate(rules)]


def _measure(ledger: Ledger, number: int, rule: Rule) -> Symptom:
    order = ledger.in_suite_order
    noted = ledger.symptoms[number][order]
    due = int((noted != NOT_DUE).sum())
    if not due:
        return Symptom(rule, None, (), _unmeasured(ledger, rule))
    shown = order[noted == SHOWN]
    undecided = _undecided(ledger, rule, ledger.symptoms[number] == NOT_DUE)
    return Symptom(rule, wilson(len(shown), due), ledger.names(shown), None, undecided)


def _undecided(ledger: Ledger, rule: Rule, apart: npt.NDArray[np.bool_]) -> int:
    """How many of the cases that are ``apart`` would be due, had a judge (or a measure) graded them."""
    names = ("passed",) if isinstance(rule.due, str) else rule.due
    lost = np.zeros(len(ledger), bool)
    for column in (ledger.columns.get(name) for name in names):
        if column is not None and apart.any():
            lost |= ledger.by_case(column)[1] == RANK_OF_GRADER_ERROR
    return int((lost & apart).sum())


def _unmeasured(ledger: Ledger, rule: Rule) -> str:
    """Why no case can show the symptom: everything broke, the judge did, or nobody gave the labels for it."""
    if ledger.ended(CaseOutcome.ERROR).all():
        return ALL_ERRED
    due = ("passed",) if isinstance(rule.due, str) else rule.due
    failed = failed_on(ledger, *due)
    return rule.unmeasured if failed is None else str(failed)


def noted(
    suite: Suite, graded: Graded, findings: Mapping[str, Finding], rules: Sequence[Rule]
) -> Iterator[list[int]]:
    """Of each graded case, rule by rule: whether it can show the symptom, and does."""
    table = _Table(graded, findings)
    cases = {case.id: case for case in suite.cases}
    for case_id in graded.cases:
        case = cases[case_id]
        yield [_noted(case, table, rule) for rule in rules]


def _noted(case: Case, table: _Table, rule: Rule) -> int:
    if not _due(case, table, rule):
        return NOT_DUE
    return SHOWN if _shows(case.id, table, rule) else DUE


class _Table:
    """What the rules look up, by case id."""

    def __init__(self, graded: Graded, findings: Mapping[str, Finding]) -> None:
        self.graded = graded
        self.findings = findings
        self.repeats = graded.repeats()
        self.places = {case_id: i for i, case_id in enumerate(graded.scores.case_ids)}

    def values(self, metric: str, case_id: str) -> list[float]:
        """The values of a metric for one case: of its repeats, or the one of the case as a whole."""
        scores = self.graded.scores
        if metric in scores.columns:
            column, indices = scores.columns[metric], self.repeats[case_id]
            scored = CODE[Status.SCORED]  # a crash is no symptom of a stage
            values = [column.values.item(i) for i in indices if column.status.item(i) == scored]
        elif metric in scores.case_columns:
            values = [scores.case_columns[metric].values.item(self.places[case_id])]
        else:
            return []
        return [value for value in values if not isnan(value)]


def _due(case: Case, table: _Table, rule: Rule) -> bool:
    if isinstance(rule.due, str):
        wants_answer = case.expected not in (Expected.REFUSE, Expected.CLARIFY)
        labelled = case.relevant is not None or case.key_points is not None
        outcome = table.graded.cases[case.id]
        counted = outcome in (CaseOutcome.PASSED, CaseOutcome.FAILED)
        return counted and (rule.due != "answerable" or (wants_answer and labelled))
    if "refusal_due" in rule.due and case.expected is Expected.REFUSE:
        return True
    return any(table.values(name, case.id) for name in rule.due)


def _shows(case_id: str, table: _Table, rule: Rule) -> bool:
    finding = table.findings.get(case_id)
    if finding is not None and _blames(finding, rule):
        return True
    values = (value for name in rule.metrics for value in table.values(name, case_id))
    return any(value < rule.line - 1e-9 for value in values)


def _blames(finding: Finding, rule: Rule) -> bool:
    """Whether a finding is for one of the rule's causes; a right answer lacks no knowledge, whatever was lost."""
    warned = finding.outcome == "warn" and finding.side is not Side.GENERATION
    return not warned and bool({finding.cause, *finding.also} & set(rule.causes))
