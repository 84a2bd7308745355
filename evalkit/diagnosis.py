"""From findings to the system: sides, causes, the parts of the loss, headroom; the content of diagnosis.json."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from evalkit.complaint import Complaint, complaint_json
from evalkit.grade import Graded
from evalkit.outcome import CaseOutcome
from evalkit.records import Certainty, Finding, Interval, Side, Suite
from evalkit.stats import wilson
from evalkit.symptoms import Rule, Symptom, measure

UNDETERMINED = "undetermined"


@dataclass(frozen=True, slots=True)
class SystemDiagnosis:
    """What is wrong with one system. ``loss`` parts and ``headroom`` are shares of the graded cases."""

    graded: Graded
    findings: tuple[Finding, ...]
    counts: Mapping[str, int]
    sides: Mapping[str, tuple[int, Interval | None]]
    causes: Mapping[str, tuple[int, Interval | None]]
    decomposition: Mapping[str, Interval]
    headroom: Mapping[str, Interval]
    symptoms: tuple[Symptom, ...]
    variability: Mapping[str, float | None]

    @property
    def due(self) -> int:
        """Cases whose outcome could be graded: the denominator of pass rate and loss."""
        return self.counts["due"] - self.counts["ungraded"]

    @property
    def pass_rate(self) -> Interval | None:
        """Share of the graded cases that passed; errors count as failures."""
        return wilson(self.counts["passed"], self.due)


def summarise_findings(
    suite: Suite, graded: Graded, findings: Sequence[Finding], playbook: Sequence[Rule]
) -> SystemDiagnosis:
    """Add the findings of one system up."""
    counts = _counts(graded)
    failing = [f for f in findings if f.outcome == "fail"]
    due = counts["due"] - counts["ungraded"]
    by_side = Counter(f.side.value if f.side else UNDETERMINED for f in failing)
    by_cause = Counter(f.cause for f in failing if f.cause)
    alone = Counter(f.cause for f in failing if f.cause and not f.also)
    return SystemDiagnosis(
        graded=graded,
        findings=tuple(findings),
        counts=counts,
        sides={side.value: _share(by_side[side.value], len(failing)) for side in Side},
        causes={cause: _share(n, len(failing)) for cause, n in by_cause.most_common()},
        decomposition=_parts(by_side, due),
        headroom=_parts(Counter({c: alone[c] for c in by_cause}), due),
        symptoms=tuple(measure(suite, graded, findings, playbook)),
        variability=_variability(graded),
    )


def _counts(graded: Graded) -> dict[str, int]:
    found = Counter(graded.cases.values())
    return {"due": len(graded.cases), **{o.value: found[o] for o in CaseOutcome}}


def _share(n: int, of: int) -> tuple[int, Interval | None]:
    return n, wilson(n, of)


def _parts(counts: Mapping[Any, int], due: int) -> dict[str, Interval]:
    """Each count as a share of the graded cases, largest first."""
    parts = {
        name: wilson(n, due) for name, n in sorted(counts.items(), key=lambda c: (-c[1], c[0]))
    }
    return {name: part for name, part in parts.items() if part is not None}


def _variability(graded: Graded) -> dict[str, float | None]:
    """How much answers vary between repeats (0..1), by where: None where it was not measured.

    ``retrieval`` is one minus the stability of the ranked lists; ``generation`` one minus the consistency
    of the answers to cases whose lists did not vary. A judge's own share takes repeated judging.
    """
    columns = graded.scores.case_columns
    stability, consistency = columns.get("retrieval_stability"), columns.get("consistency")
    found: dict[str, float | None] = {"retrieval": None, "generation": None, "judge": None}
    if stability is not None and stability.scored().any():
        found["retrieval"] = float(1 - stability.values[stability.scored()].mean())
    if consistency is not None:
        fixed = consistency.scored()
        if stability is not None and stability.scored().any():
            fixed = fixed & (stability.values == 1)
        if fixed.any():
            found["generation"] = float(1 - consistency.values[fixed].mean())
    return found


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
    return {
        "approach": found.graded.approach.value,
        "cases": dict(found.counts),
        "sides": {name: _side_json(*value) for name, value in found.sides.items()},
        "causes": {name: _cause_json(name, found) for name in found.causes},
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
        "findings": [finding_json(finding) for finding in found.findings],
    }


def _side_json(cases: int, share: Interval | None) -> dict[str, Any]:
    return {
        "cases": cases,
        "share": share and share.value,
        "low": share and share.low,
        "high": share and share.high,
    }


def _cause_json(name: str, found: SystemDiagnosis) -> dict[str, Any]:
    mine = [f for f in found.findings if f.outcome == "fail" and f.cause == name]
    proven = sum(f.status is Certainty.PROVEN for f in mine)
    return {**_side_json(*found.causes[name]), "proven": proven, "suspected": len(mine) - proven}


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
        "case_ids": list(symptom.case_ids),
        "not_measured": symptom.not_measured,
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
