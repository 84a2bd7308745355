"""What a test of a suite says: how a case or a limit ended, with the chain of evidence."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from evalkit.diagnosis import SystemDiagnosis
from evalkit.gating.shown import short, visible
from evalkit.outcome import CaseOutcome
from evalkit.pages.remedies import case_fix, causes_by_id
from evalkit.records import Case, Finding, Limit
from evalkit.score import STATUSES

TEXT = 300  # characters of a query or an answer in a message


@dataclass(frozen=True, slots=True)
class Cell:
    """How one test ended: passed, failed, errors or ungraded, and what there is to say."""

    outcome: str
    message: str = ""


def limit_text(limit: Limit) -> str:
    """A limit as the name of a test: ``limit passed >= 0.9``, with its tags in brackets."""
    tags = f"[{','.join(limit.tags)}]" if limit.tags else ""
    line = f">= {limit.at_least:g}" if limit.at_least is not None else f"<= {limit.at_most:g}"
    return f"limit {limit.metric}{tags} {line}"


def case_cell(found: SystemDiagnosis, case: Case) -> Cell:
    """How a case ended, with the chain of evidence of its finding."""
    outcome = found.graded.cases[case.id]
    finding = next((f for f in found.findings if f.case_id == case.id), None)
    if outcome is CaseOutcome.UNGRADED:
        return Cell(outcome.value, _ungraded(found, case))
    if finding is None:
        return Cell(outcome.value, "" if outcome is CaseOutcome.PASSED else "no finding")
    return Cell(outcome.value, chain(found, case, finding))


def node_name(name: str) -> str:
    """A name as pytest may print it: one line of bounded length in which nothing acts, and still its own."""
    shown = short(name)
    if shown == name:
        return name
    return f"{shown} {hashlib.sha256(name.encode(errors='surrogatepass')).hexdigest()[:8]}"


def _ungraded(found: SystemDiagnosis, case: Case) -> str:
    column = found.graded.outcomes.passed
    states = {STATUSES[column.status[i]].value for i in found.graded.repeats()[case.id]}
    return f"not graded: {', '.join(sorted(states)).replace('_', ' ')}"


def chain(found: SystemDiagnosis, case: Case, finding: Finding) -> str:
    """A finding as people read it: the cause, what was asked and answered, the evidence, and what to do first."""
    causes = causes_by_id()
    cause = causes.get(finding.cause or "")
    sure = "" if finding.confidence is None else f", confidence {finding.confidence:.2f}"
    side = f"{finding.side.value}, " if finding.side else ""
    named = finding.cause or "no cause named"
    lines = [f"{named} ({side}{finding.status.value}{sure})", f"  asked:     {_short(case.query)}"]
    lines += [f"  answered:  {_answer(found, finding)}"]
    lines += [f"  evidence:  {fact.text}" for fact in finding.evidence]
    if finding.probes:
        probes = ", ".join(f"{condition}: {read}" for condition, read in finding.probes.items())
        lines.append(f"  probes:    {probes}")
    if finding.also:
        lines.append(f"  also:      {', '.join(finding.also)}")
    if cause is None and len(finding.set) > 1:
        lines.append(f"  one of:    {', '.join(finding.set)}")
    if finding.missing:
        lines.append(f"  would tell: {', '.join(finding.missing)}")
    if cause is not None:
        lines.append(f"  first fix: {case_fix(finding, causes)}")
    return "\n".join(map(visible, lines))


def _answer(found: SystemDiagnosis, finding: Finding) -> str:
    graded = found.graded
    indices = graded.repeats()[finding.case_id]
    traces = [graded.traces[i] for i in indices]
    trace = next((t for t in traces if t.repeat == finding.repeat), traces[0])
    if trace.error is not None:
        return f"{trace.error.kind}: {_short(trace.error.message)}"
    return _short(trace.response or "")


def _short(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= TEXT else f"{flat[:TEXT]} ..."
