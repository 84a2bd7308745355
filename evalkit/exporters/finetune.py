"""Training rows from a run: answers that were approved, and failures repaired by their label or their evidence."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from evalkit.adapters.openai_prompt import Prompt
from evalkit.doctor.complaint import CLOSED_BOOK
from evalkit.finetune.chat_file import chat_row
from evalkit.finetune.near_copies import near_copies
from evalkit.finetune.personal_data import personal_data
from evalkit.metrics.style import is_prose, style_report
from evalkit.outcome import CaseOutcome
from evalkit.records import AS_IS, Case, Expected, Message, Passage, Question, Suite, Trace
from evalkit.text.json_schema import SchemaRefusedError, is_valid

if TYPE_CHECKING:
    from evalkit.api import Run
    from evalkit.diagnosis import SystemDiagnosis

APPROVED, REPAIRED = "approved", "repaired"
WITH_CONTEXT = Prompt("Passages:\n{context}\n\n{query}")
PLAIN = Prompt("{query}")
Passages = tuple[Passage, ...] | None


@dataclass(frozen=True, slots=True)
class Choice:
    """What to export. ``context``: put the passages into the user's turn, as a retrieving system will see them.

    ``system_prompt`` must be the one used later with the tuned model; empty is none.
    """

    include: frozenset[str] = frozenset({APPROVED, REPAIRED})
    system_prompt: str = ""
    context: bool = True
    allow_test: bool = False
    allow_personal: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """One row with where it comes from."""

    case: Case
    source: str
    answer_from: str  # response, label, oracle_context
    repeat: int | None
    turns: tuple[Message, ...]
    answer: str


@dataclass(frozen=True, slots=True)
class Exported:
    """The chat rows, one provenance row each, and how many cases were left out for which reason."""

    rows: tuple[Mapping[str, Any], ...]
    provenance: tuple[Mapping[str, Any], ...]
    left_out: Counter[str] = field(default_factory=Counter)


def export_rows(run: Run, system: str, choice: Choice) -> Exported:
    """The training rows that the answers of ``system`` give, in the order of the suite's cases. Pure."""
    found = run.systems[system]
    left_out: Counter[str] = Counter()
    doubtful = _doubtful(run, found)
    split = any(case.split == "test" for case in run.suite.cases)
    kept: list[Row] = []
    for case in run.suite.cases:
        if why := _held_out(case, choice, split=split):
            left_out[why] += 1
        elif case.id in doubtful:
            left_out["has a doubtful label"] += 1
        else:
            row = _row(run.suite, found, case, choice)
            if isinstance(row, str):
                left_out[row] += 1
            else:
                kept.append(row)
    kept = list(_clean(kept, run.suite, choice, left_out))
    rows = [chat_row(row.turns, row.answer) for row in kept]
    origin = {
        "suite": run.suite.name,
        "suite_digest": run.suite.digest,
        "run": run.folder.name if run.folder else None,
        "system": system,
    }
    told = [
        _provenance(i, row, made, origin)
        for i, (row, made) in enumerate(zip(kept, rows, strict=True), 1)
    ]
    return Exported(tuple(rows), tuple(told), left_out)


def _held_out(case: Case, choice: Choice, *, split: bool) -> str | None:
    """Why a case is kept for testing; without a test ``split`` whatever is not marked for training is the test."""
    if choice.allow_test:
        return None
    if case.split == "test":
        return "is of the test split"
    if case.split is None and not split:
        return "has no split, and no case of the suite has split test: nothing would be left to test with (--allow-test)"
    return None


def _doubtful(run: Run, found: SystemDiagnosis) -> set[str]:
    """Cases whose label the doctor or the diagnosis doubts."""
    complaints = {c.subject for c in run.doctor["labels"] if c.kind != CLOSED_BOOK}
    return complaints | {f.case_id for f in found.findings if f.cause == "label_issue"}


def _row(suite: Suite, found: SystemDiagnosis, case: Case, choice: Choice) -> Row | str:
    """The row that a case gives, or why it gives none."""
    outcome = found.graded.cases.get(case.id)
    if outcome is None:
        return "was not asked"
    if outcome is CaseOutcome.UNGRADED:
        return "could not be graded"
    if outcome is CaseOutcome.ERROR:
        return "ended in an error, which no training row repairs"
    if outcome is CaseOutcome.PASSED:
        return (
            _approved(found, case, choice)
            if APPROVED in choice.include
            else "passes, and approved ones are not included"
        )
    if REPAIRED not in choice.include:
        return "fails, and repaired ones are not included"
    return _repaired(suite, found, case, choice)


def _approved(found: SystemDiagnosis, case: Case, choice: Choice) -> Row | str:
    if any(f.case_id == case.id for f in found.findings):
        return "passes with a warning (its answer does not rest on its evidence)"
    index = found.graded.repeats()[case.id][0]
    grounded = found.graded.scores.value("groundedness", index)
    if grounded is not None and grounded < 1 - 1e-9:
        return "passes, but says something that its context does not hold"
    trace = found.graded.traces[index]
    turns = _turns(case, trace.context, choice)
    return Row(case, APPROVED, "response", trace.repeat, turns, (trace.response or "").strip())


def _repaired(suite: Suite, found: SystemDiagnosis, case: Case, choice: Choice) -> Row | str:
    """The label as the answer where there is one that keeps the contract, else the answer from gold context."""
    oracle = _passing_oracle(found, case)
    label = _label(case)
    shown = (found.graded.traces[i].context for i in found.graded.repeats()[case.id])
    retrieves = any(context is not None for context in shown)
    context = (oracle.context if oracle else _gold(suite, case)) if retrieves else None
    if label is not None and oracle is None and _suspected(found, case):
        return "fails, its label may be the reason, and no probe passed"
    if label is not None and _keeps_contract(case, label):
        if choice.context and retrieves and not context and case.expected is Expected.ANSWER:
            return "fails, and no passage is known that its label could rest on"
        return Row(case, REPAIRED, "label", None, _turns(case, context, choice), label)
    if oracle is not None and oracle.response:
        turns = _turns(case, oracle.context if retrieves else None, choice)
        return Row(case, REPAIRED, "oracle_context", oracle.repeat, turns, oracle.response.strip())
    return "fails, and neither its label nor a passing answer from gold context can be taught"


def _suspected(found: SystemDiagnosis, case: Case) -> bool:
    """Whether the diagnosis leaves open that the label is wrong."""
    mine = (f for f in found.findings if f.case_id == case.id)
    return any("label_issue" in (*f.also, *f.set) for f in mine)


def _passing_oracle(found: SystemDiagnosis, case: Case) -> Trace | None:
    graded = found.graded
    return next(
        (
            trace
            for i, trace in enumerate(graded.traces)
            if trace.case_id == case.id and trace.condition == "oracle_context" and graded.passed(i)
        ),
        None,
    )


def _label(case: Case) -> str | None:
    if case.reference_object is not None:
        return json.dumps(case.reference_object, ensure_ascii=False)
    return case.reference[0] if case.reference else None


def _keeps_contract(case: Case, answer: str) -> bool:
    """Whether a label is itself valid and in style: what is taught must be what is demanded."""
    if case.schema is not None and case.expected is Expected.ANSWER:
        try:
            if not is_valid(json.loads(answer), case.schema):
                return False
        except (ValueError, SchemaRefusedError):
            return False
    if case.style is not None and is_prose(answer):
        return all(style_report(case.style, answer).values())
    return True


def _gold(suite: Suite, case: Case) -> Passages:
    ids = [d for d, grade in (case.relevant or {}).items() if grade > 0 and d in suite.corpus]
    return tuple(Passage(d, text=suite.corpus[d].text, title=suite.corpus[d].title) for d in ids)


def _turns(case: Case, context: Passages, choice: Choice) -> tuple[Message, ...]:
    """The system turn, earlier turns, and the user's, with the passages where they belong to the request."""
    shown = context if choice.context else None
    template = WITH_CONTEXT if shown else PLAIN
    prompt = Prompt(template.template, choice.system_prompt or None)
    question = Question(case.query, case.messages, case.inputs)
    return tuple(Message(m["role"], m["content"]) for m in prompt.messages(question, shown))


# --- what may not go in ------------------------------------------------------------------------


def _clean(
    rows: Sequence[Row], suite: Suite, choice: Choice, left_out: Counter[str]
) -> Iterator[Row]:
    """Rows without repetitions, copies of test cases, and personal data."""
    tests = [case for case in suite.cases if case.split == "test"]
    copies = {p.first for p in near_copies([r.case.query for r in rows], [c.query for c in tests])}
    seen: set[tuple[str, ...]] = set()
    for i, row in enumerate(rows):
        key = tuple(turn.content for turn in row.turns)
        if i in copies and not choice.allow_test:
            left_out["nearly repeats a case of the test split"] += 1
        elif key in seen:
            left_out["repeats an earlier row"] += 1
        elif not choice.allow_personal and any(personal_data(t) for t in (*key, row.answer)):
            left_out["holds personal data (--allow-personal keeps it)"] += 1
        else:
            seen.add(key)
            yield row


def _provenance(
    line: int, row: Row, made: Mapping[str, Any], origin: Mapping[str, Any]
) -> dict[str, Any]:
    text = json.dumps(made, ensure_ascii=False, sort_keys=True)
    return {
        "line": line,
        "case_id": row.case.id,
        "split": row.case.split,
        **origin,
        "source": row.source,
        "answer_from": row.answer_from,
        "condition": "oracle_context" if row.answer_from == "oracle_context" else AS_IS,
        "repeat": row.repeat,
        "digest": hashlib.sha256(text.encode()).hexdigest()[:16],
    }
