"""From findings to the system: sides, causes, funnel, the parts of the loss, headroom; the content of diagnosis.json."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from evalkit.doctor.complaint import Complaint, complaint_json
from evalkit.funnel import Step, funnel, step_json
from evalkit.grade import Graded
from evalkit.ledger.columns import OUTCOMES, Ledger, clusters
from evalkit.ledger.reading import read_ledger
from evalkit.ledger.ungraded import unjudged
from evalkit.ledger.words import Ints, listed
from evalkit.loss import UNDETERMINED as UNDETERMINED  # noqa: PLC0414 (others read it here)
from evalkit.loss import Loss, measure_loss
from evalkit.outcome import CaseOutcome
from evalkit.records import Case, Certainty, Finding, Interval, Side, Suite
from evalkit.stats.intervals import share_interval, wilson
from evalkit.symptoms import Rule, Symptom, measure
from evalkit.variability import variability

UNGRADED = CaseOutcome.UNGRADED


@dataclass(frozen=True, slots=True)
class SystemDiagnosis:
    """What is wrong with one system.

    The parts of ``decomposition`` and ``headroom`` are shares of the graded cases; ``sides`` and ``causes`` hold
    cases and their share of the failing ones, ``corrected_causes`` and ``corrected_sides`` the shares corrected
    for what the diagnoser is known to confuse (empty with fewer than ten failing cases). ``pass_rate`` is that of
    all its cases, as ``pass_rate_of`` has it. ``ledger`` holds the columns that all of this was made of.
    """

    ledger: Ledger
    graded: Graded
    findings: Sequence[Finding]
    counts: Mapping[str, int]
    sides: Mapping[str, tuple[int, Interval | None]]
    causes: Mapping[str, tuple[int, Interval | None]]
    decomposition: Mapping[str, Interval]
    headroom: Mapping[str, Interval]
    symptoms: tuple[Symptom, ...]
    variability: Mapping[str, float | None]
    corrected_causes: Mapping[str, Interval]
    corrected_sides: Mapping[str, Interval]
    funnel: tuple[Step, ...]
    pass_rate: Interval | None

    def _repr_html_(self) -> str:
        from evalkit.pages.notebook import diagnosis_card

        return diagnosis_card(self)

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:  # noqa: FBT001 (IPython's)
        printer.text(f"<evalkit diagnosis of {self.graded.system}>")  # repr() holds every trace

    @property
    def due(self) -> int:
        """Cases whose outcome could be graded: the denominator of pass rate and loss."""
        return self.counts["due"] - self.counts["ungraded"]


def pass_rate_of(cases: Iterable[Case], outcomes: Mapping[str, CaseOutcome]) -> Interval | None:
    """The share of the graded ``cases`` that passed (every repeat of a case; errors count as failures); None of none.

    Wilson's interval; where cases share a ``group`` and are no independent evidence, that of ``share_interval``.
    """
    graded = [case for case in cases if outcomes.get(case.id, UNGRADED) is not UNGRADED]
    values = [float(outcomes[case.id] is CaseOutcome.PASSED) for case in graded]
    names = [f"group {case.group}" if case.group else f"case {case.id}" for case in graded]
    clusters = names if len(set(names)) < len(names) else None
    if clusters is not None:
        return share_interval(values, clusters)
    return wilson(int(sum(values)), len(values))


def pass_rate(ledger: Ledger, rows: Ints) -> Interval | None:
    """The same for these rows of a ledger."""
    rows = rows[ledger.outcome[rows] != OUTCOMES.index(UNGRADED)]
    passed = ledger.ended(CaseOutcome.PASSED)[rows]
    groups = clusters(ledger.group[rows])
    if groups is not None:
        return share_interval(passed.astype(np.float64), groups)
    return wilson(int(passed.sum()), len(rows))


def summarise_findings(
    suite: Suite, graded: Graded, findings: Sequence[Finding], playbook: Sequence[Rule]
) -> SystemDiagnosis:
    """Add the findings of one system up."""
    ledger = read_ledger(suite, graded, findings, playbook)
    return diagnosis_of(ledger, graded, tuple(findings), playbook)


def diagnosis_of(
    ledger: Ledger, graded: Graded, findings: Sequence[Finding], playbook: Sequence[Rule]
) -> SystemDiagnosis:
    """What the columns of one system add up to."""
    failing = ledger.findings.failing()
    by_side = Counter(failing.side)
    loss: Loss = measure_loss(ledger)
    return SystemDiagnosis(
        ledger=ledger,
        graded=graded,
        findings=findings,
        counts=ledger.counts(),
        sides={side.value: _share(by_side[side.value], len(failing)) for side in Side},
        causes={cause: _share(n, len(failing)) for cause, n in failing.causes().most_common()},
        decomposition=loss.decomposition,
        headroom=loss.headroom,
        symptoms=tuple(measure(ledger, playbook)),
        variability=variability(ledger),
        corrected_causes=loss.corrected_causes,
        corrected_sides=loss.corrected_sides,
        funnel=funnel(ledger),
        pass_rate=pass_rate(ledger, ledger.in_suite_order),
    )


def _share(n: int, of: int) -> tuple[int, Interval | None]:
    return n, wilson(n, of)


# --- the published shape ---------------------------------------------------------------------


def diagnosis_json(
    suite: Suite,
    systems: Mapping[str, SystemDiagnosis],
    recommendation: Mapping[str, Any],
    doctor: Mapping[str, Sequence[Complaint]],
) -> dict[str, Any]:
    """The content of diagnosis.json, as design section 9 gives it, with what the doctor says of the suite."""
    return {
        "format": 1,
        "suite": {"name": suite.name, "digest": suite.digest},
        "systems": {name: _system_json(found) for name, found in systems.items()},
        "recommendation": dict(recommendation),
        "doctor": {part: [complaint_json(c) for c in found] for part, found in doctor.items()},
    }


def _system_json(found: SystemDiagnosis) -> dict[str, Any]:
    lost = unjudged(found.ledger)
    return {
        "approach": found.graded.approach.value,
        "cases": dict(found.counts),
        **({"unjudged": {"cases": lost.cases, "reason": lost.reason}} if lost.cases else {}),
        "sides": {
            name: {
                **_side_json(*value),
                "corrected": _corrected_json(found.corrected_sides.get(name)),
            }
            for name, value in found.sides.items()
        },
        "causes": _causes_json(found),
        "decomposition": {
            name: {"loss": i.value, "low": i.low, "high": i.high}
            for name, i in found.decomposition.items()
        },
        "headroom": {
            name: {"gain": i.value, "low": i.low, "high": i.high}
            for name, i in found.headroom.items()
        },
        "symptoms": [_symptom_json(symptom) for symptom in found.symptoms],
        "variability": dict(found.variability),
        "funnel": [step_json(step) for step in found.funnel],
        "findings": _findings_json(found.findings),
    }


def _side_json(cases: int, share: Interval | None) -> dict[str, Any]:
    return {
        "cases": cases,
        "share": share and share.value,
        "low": share and share.low,
        "high": share and share.high,
    }


def _causes_json(found: SystemDiagnosis) -> dict[str, Any]:
    failing = found.ledger.findings.failing()
    proven = failing.at(failing.status.are(Certainty.PROVEN.value)).causes()
    return {
        name: {
            **_side_json(*share),
            "proven": proven[name],
            "suspected": share[0] - proven[name],
            "corrected": _corrected_json(found.corrected_causes.get(name)),
        }
        for name, share in found.causes.items()
    }


def _findings_json(findings: Sequence[Finding]) -> Sequence[Any]:
    """The findings in their published shape; of very many, which are on disk, those stay there."""
    kept = getattr(findings, "as_json", None)
    return kept() if kept is not None else [finding_json(finding) for finding in findings]


def _corrected_json(share: Interval | None) -> dict[str, float] | None:
    if share is None:
        return None
    return {"share": share.value, "low": share.low, "high": share.high}


def _symptom_json(symptom: Symptom) -> dict[str, Any]:
    rate = symptom.rate
    return {
        "id": symptom.rule.id,
        "rate": rate and rate.value,
        "low": rate and rate.low,
        "high": rate and rate.high,
        "n": rate.n if rate else 0,
        "cause": symptom.rule.root_cause,
        "approach": symptom.rule.approach,
        "fine_tuning": symptom.rule.fine_tuning,
        "case_ids": listed(symptom.case_ids),
        "not_measured": symptom.not_measured,
        **({"undecided": symptom.undecided} if symptom.undecided else {}),
    }


def finding_json(finding: Finding) -> dict[str, Any]:
    """One finding as it stands in diagnosis.json."""
    return {
        "case_id": finding.case_id,
        "repeat": finding.repeat,
        "outcome": finding.outcome,
        "side": finding.side,
        "stage": finding.stage,
        "cause": finding.cause,
        "status": finding.status,
        "confidence": finding.confidence,
        "also": list(finding.also),
        "set": list(finding.set),
        "evidence": [{"fact": f.fact, "value": f.value, "text": f.text} for f in finding.evidence],
        "probes": dict(finding.probes),
        "missing": list(finding.missing),
    }
