"""What a test of a suite says: how a case or a limit ended, with the chain of evidence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from evalkit import plugins
from evalkit.diagnosis import SystemDiagnosis
from evalkit.outcome import CaseOutcome
from evalkit.records import Case, Finding, Limit, Suite
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


def _ungraded(found: SystemDiagnosis, case: Case) -> str:
    column = found.graded.outcomes.passed
    states = {STATUSES[column.status[i]].value for i in found.graded.repeats()[case.id]}
    return f"not graded: {', '.join(sorted(states)).replace('_', ' ')}"


def chain(found: SystemDiagnosis, case: Case, finding: Finding) -> str:
    """A finding as people read it: the cause, what was asked and answered, the evidence, and what to do first."""
    causes = {cause.id: cause for cause in plugins.members("causes")}
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
        lines.append(f"  first fix: {cause.first_fix}")
    return "\n".join(lines)


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


def limit_cell(found: SystemDiagnosis, suite: Suite, limit: Limit) -> Cell:
    """Whether the mean keeps the limit, its margin granted; a plain reading without inference (see ``evalkit gate``)."""
    value, n = limit_value(found, suite, limit)
    if value is None:
        return Cell("ungraded", f"{limit.metric} has no value: no case is due or could be scored")
    line = limit.at_least if limit.at_least is not None else limit.at_most or 0.0
    kept = (
        value >= line - limit.margin - 1e-9
        if limit.at_least is not None
        else value <= line + limit.margin + 1e-9
    )
    told = f"{limit.metric} is {value:.3g} over {n} cases; {limit_text(limit)}"
    return Cell("passed") if kept else Cell("failed", told)


def limit_value(found: SystemDiagnosis, suite: Suite, limit: Limit) -> tuple[float | None, int]:
    """(mean over the cases with the limit's tags, their number); of a cause, the share of cases that failed with it."""
    graded, metric = found.graded, limit.metric
    cases = [c.id for c in suite.cases if set(limit.tags) <= set(c.tags) and c.id in graded.cases]
    scores = graded.scores
    if metric in scores.suite_values:
        return scores.suite_values[metric].value, len(cases)
    if metric in scores.columns:
        repeats = graded.repeats()
        values = [scores.columns[metric].values[repeats[case_id]] for case_id in cases]
        return _mean([float(v[~np.isnan(v)].mean()) for v in values if not np.isnan(v).all()])
    if metric in scores.case_columns:
        column = dict(zip(scores.case_ids, scores.case_columns[metric].values, strict=True))
        return _mean([float(column[c]) for c in cases if not np.isnan(column.get(c, np.nan))])
    if metric in {cause.id for cause in plugins.members("causes")}:
        failed = {f.case_id for f in found.findings if f.outcome == "fail" and f.cause == metric}
        return _mean([float(case_id in failed) for case_id in cases])
    return None, 0


def _mean(values: Sequence[float]) -> tuple[float | None, int]:
    return (sum(values) / len(values) if values else None), len(values)
