"""Audit: copies within the training file, leakage into the test split, and answers that contradict each other."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

from evalkit.finetune.finding import AuditFinding, Example, Severity, excerpt, places
from evalkit.finetune.near_copies import Pair, near_copies, same_request
from evalkit.finetune.rows import TrainingRow
from evalkit.records import Case, Expected, Judge, Suite, Trace
from evalkit.text.similarity import same_text

MANY = 0.05  # share of near-duplicates from which on they bias the training
UNSEEN = 30  # test cases of groups that training never saw, enough for an honest measure


def held_out_cases(suite: Suite) -> tuple[Case, ...]:
    """The cases that a trained system is measured on: all but those of the train split."""
    return tuple(case for case in suite.cases if case.split != "train")


def said_in(case: Case) -> str:
    """What the user says in a case, all turns together, as ``TrainingRow.prompt`` has it."""
    turns = case.messages or ()
    return "\n".join(t.content for t in turns if t.role != "system") or case.query


def copies(rows: Sequence[TrainingRow]) -> list[Pair]:
    """Rows whose prompts repeat an earlier one; those that only share a long context are none."""
    found = near_copies([row.prompt for row in rows])
    return [p for p in found if p.exact or _same_ends(rows[p.first], rows[p.second])]


def _same_ends(a: TrainingRow, b: TrainingRow) -> bool:
    """Whether the first and the last paragraphs are alike too: the question stands in one of them."""
    first, second = _ends(a), _ends(b)
    return all(near_copies([x], [y]) for x, y in zip(first, second, strict=True))


def _ends(row: TrainingRow) -> tuple[str, str]:
    paragraphs = row.turns[-1].content.strip().split("\n\n")
    return paragraphs[0], paragraphs[-1]


def duplicate_findings(
    rows: Sequence[TrainingRow], pairs: Sequence[Pair]
) -> Iterator[AuditFinding]:
    """Rows that another row repeats: word for word, or nearly."""
    exact = {p.second: p for p in pairs if p.exact and _same_answer(rows[p.first], rows[p.second])}
    near = {p.second: p for p in pairs if not p.exact and p.second not in exact}
    if exact:
        severity = Severity.WARNING if len(exact) > MANY * len(rows) else Severity.NOTE
        text = f"{len(exact)} rows repeat an earlier row word for word"
        todo = "delete the repetitions: a row that stands twice weighs twice"
        yield _paired("exact_duplicates", severity, exact, rows, text, todo)
    if near:
        severity = Severity.WARNING if len(near) > MANY * len(rows) else Severity.NOTE
        text = (
            f"{len(near)} questions nearly repeat an earlier one (same numbers, 90 % of the words)"
        )
        todo = "keep the better one of each pair, or reword it so that it adds something"
        yield _paired("near_duplicates", severity, near, rows, text, todo)


def _paired(
    check: str,
    severity: Severity,
    pairs: dict[int, Pair],
    rows: Sequence[TrainingRow],
    text: str,
    todo: str,
) -> AuditFinding:
    shown = [rows[i] for i in sorted(pairs)]
    said = [f"as line {rows[pairs[i].first].line}: {rows[i].prompt}" for i in sorted(pairs)]
    return AuditFinding(check, severity, len(pairs), len(rows), text, todo, places(shown, said))


def leakage_findings(rows: Sequence[TrainingRow], suite: Suite) -> Iterator[AuditFinding]:
    """Test cases that training gives away: the same question, nearly the same, or one of a shared group."""
    cases = held_out_cases(suite)
    pairs = _leaks(rows, [said_in(case) for case in cases])
    exact = [p for p in pairs if p.exact]
    near = [p for p in pairs if not p.exact]
    for check, found, severity, how in (
        ("leakage_exact", exact, Severity.BLOCKER, "word for word"),
        ("leakage_near", near, Severity.WARNING, "in nearly the same words"),
    ):
        if found:
            leaked = len({p.second for p in found})
            text = f"{leaked} of {len(cases)} test cases stand in the training file {how}"
            todo = "take these rows out of training (or the cases out of the test): their score is memory, not skill"
            shown = [rows[p.first] for p in found]
            said = [f"test case {cases[p.second].id}: {rows[p.first].prompt}" for p in found]
            yield AuditFinding(check, severity, leaked, len(cases), text, todo, places(shown, said))
    yield from _shared_groups(rows, cases)


def _leaks(rows: Sequence[TrainingRow], asked: Sequence[str]) -> list[Pair]:
    """Rows that hold a test question: as the whole prompt, or as a paragraph before or after a context."""
    texts: list[str] = []
    owner: list[int] = []
    for i, row in enumerate(rows):
        for text in dict.fromkeys((row.prompt, *_ends(row))):
            texts.append(text)
            owner.append(i)
    best: dict[tuple[int, int], float] = {}
    for pair in near_copies(texts, asked):
        key = owner[pair.first], pair.second
        best[key] = max(best.get(key, 0.0), pair.similarity)
    return [Pair(*key, similarity) for key, similarity in sorted(best.items())]


def _shared_groups(rows: Sequence[TrainingRow], cases: Sequence[Case]) -> Iterator[AuditFinding]:
    trained = {row.group: row for row in reversed(rows) if row.group is not None}
    known = [case for case in cases if case.group in trained]
    if not known:
        return
    unseen = sum(case.group is not None and case.group not in trained for case in cases)
    severity = Severity.NOTE if unseen >= UNSEEN else Severity.WARNING
    text = f"{len(known)} of {len(cases)} test cases share their group with training rows; {unseen} are of unseen groups"
    todo = "read the score of the unseen groups by itself: only that one says how the system does on what is new"
    if severity is Severity.WARNING:
        todo = "split by group, so that no group is in both; " + todo
    groups = list(dict.fromkeys(str(case.group) for case in known))
    shown = [trained[group] for group in groups]
    said = [f"group {group}" for group in groups]
    yield AuditFinding(
        "leakage_group", severity, len(known), len(cases), text, todo, places(shown, said)
    )


async def contradictions(
    rows: Sequence[TrainingRow], pairs: Sequence[Pair], judge: Judge
) -> list[AuditFinding]:
    """Rows that ask for the same and are taught different answers; prose is compared by ``judge``."""
    found = []
    for a, b in _same_questions(rows, pairs):
        if await _differ(rows[a], rows[b], judge):
            found.append((a, b))
    if not found:
        return []
    concerned = {i for pair in found for i in pair}
    text = f"{len(concerned)} rows ask the same as another row and are answered differently"
    todo = "decide which answer is right and mend the other: contradictions teach guessing"
    examples = tuple(
        Example(
            rows[b].where,
            f"line {rows[a].line}: {excerpt(rows[a].answer)} / here: {excerpt(rows[b].answer)}",
        )
        for a, b in found[:5]
    )
    few = len(concerned) <= 0.01 * len(rows)
    severity = Severity.WARNING if few else Severity.BLOCKER
    return [
        AuditFinding("contradictions", severity, len(concerned), len(rows), text, todo, examples)
    ]


def _same_questions(
    rows: Sequence[TrainingRow], pairs: Sequence[Pair]
) -> Iterator[tuple[int, int]]:
    """Every row with the first row that asks for the same."""
    first: dict[int, int] = {}
    met: dict[int, list[int]] = defaultdict(list)
    for pair in pairs:
        if pair.exact or same_request(rows[pair.first].prompt, rows[pair.second].prompt):
            met[pair.second].append(pair.first)
    for later, earlier in sorted(met.items()):
        root = min(first.get(i, i) for i in earlier)
        first[later] = root
        yield root, later


async def _differ(a: TrainingRow, b: TrainingRow, judge: Judge) -> bool:
    """Whether two answers to one question cannot both be right."""
    if not a.answer or not b.answer or _same_answer(a, b):
        return False
    if a.value is not None or b.value is not None:
        return True
    if (a.behaviour is Expected.REFUSE) != (b.behaviour is Expected.REFUSE):
        return True
    return not (await _implies(a, b, judge) or await _implies(b, a, judge))


async def _implies(a: TrainingRow, b: TrainingRow, judge: Judge) -> bool:
    """Whether the answer of ``b`` would count as right where ``a``'s is the label."""
    case = Case(id=a.id, query=a.turns[-1].content, reference=(a.answer,))
    given: Any = judge.judge(case, Trace(response=b.answer, case_id=a.id))
    evidence = await given if hasattr(given, "__await__") else given
    return evidence.correct is not None and evidence.correct >= 0.5


def _same_answer(a: TrainingRow, b: TrainingRow) -> bool:
    if a.value is not None and b.value is not None:
        return a.value == b.value
    return same_text(a.answer, b.answer)
