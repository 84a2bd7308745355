"""Audit: whether the answers keep to one form (schema, format) and to one style, the suite's if there is one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from statistics import median, quantiles
from typing import Any, TypeVar

from evalkit.finetune.finding import AuditFinding, Severity, places
from evalkit.finetune.rows import TrainingRow
from evalkit.metrics.format import format_valid
from evalkit.metrics.style import is_prose, style_report
from evalkit.records import Case, Expected, Format, JsonObject, StyleRules, Suite
from evalkit.text.json_schema import SchemaRefusedError, schema_errors
from evalkit.text.languages import detect_language
from evalkit.text.manner import politeness
from evalkit.text.readability import word_count

MOSTLY = 0.5  # share of the test cases whose rule is taken for the suite's
TOLERATED = 0.02  # share of rows that break a rule, from which on the model learns to break it
MIXED = 0.9  # share of the commonest form or language below which the answers are a mixture
_NO_ANSWER = (Expected.REFUSE, Expected.CLARIFY)
T = TypeVar("T")


def suite_rule(suite: Suite, of: Callable[[Case], T | None]) -> T | None:
    """The rule that most test cases which want an answer share; None without one."""
    cases = [case for case in suite.cases if case.expected not in _NO_ANSWER]
    kinds: dict[str, T] = {}
    count: Counter[str] = Counter()
    for case in cases:
        rule = of(case)
        if rule is not None:
            kinds.setdefault(repr(rule), rule)
            count[repr(rule)] += 1
    if not count or count.most_common(1)[0][1] <= MOSTLY * len(cases):
        return None
    return kinds[count.most_common(1)[0][0]]


def form_findings(rows: Sequence[TrainingRow], suite: Suite | None) -> Iterator[AuditFinding]:
    """Answers that are not valid under their schema or format, and files that mix forms."""
    schema = suite_rule(suite, lambda case: case.schema) if suite else None
    shape = suite_rule(suite, lambda case: case.format) if suite else None
    yield from _empty(rows)
    yield from _schema_findings([row for row in rows if row.answer], schema)
    yield from _format_findings([row for row in rows if row.answer], shape)
    yield from _mixture([row for row in rows if row.answer], schema)


def _empty(rows: Sequence[TrainingRow]) -> Iterator[AuditFinding]:
    empty = [row for row in rows if not row.answer.strip()]
    if empty:
        text = f"{len(empty)} rows have no answer to learn"
        todo = "give each a reference (or an assistant turn), or delete it"
        yield AuditFinding(
            "no_answer", Severity.BLOCKER, len(empty), len(rows), text, todo, places(empty)
        )


def _schema_of(row: TrainingRow, common: JsonObject | None) -> JsonObject | None:
    """The schema that is due: the row's own, else the suite's; none where no answer is wanted."""
    if row.own_schema and row.case is not None:
        return row.case.schema
    return None if row.behaviour in _NO_ANSWER else common


def _schema_findings(
    rows: Sequence[TrainingRow], common: JsonObject | None
) -> Iterator[AuditFinding]:
    due, wrong, said = 0, [], []
    for row in rows:
        schema = _schema_of(row, common)
        if schema is None:
            continue
        due += 1
        problem = _schema_problem(row, schema)
        if problem:
            wrong.append(row)
            said.append(problem)
    if wrong:
        text = f"{len(wrong)} of {due} answers are not valid under the schema"
        todo = "mend them: the model learns the form from these answers"
        yield AuditFinding(
            "schema", _weight(len(wrong), due), len(wrong), due, text, todo, places(wrong, said)
        )


def _schema_problem(row: TrainingRow, schema: JsonObject) -> str | None:
    if row.value is None:
        return "is not one JSON object"
    try:
        errors = schema_errors(row.value, schema)
    except SchemaRefusedError as error:
        return str(error)
    if not errors:
        return None
    place = "/".join(str(part) for part in errors[0].absolute_path) or "the object"
    return f"{place}: {errors[0].message}"


def _weight(wrong: int, due: int) -> Severity:
    return Severity.BLOCKER if wrong > TOLERATED * due else Severity.WARNING


def _format_findings(rows: Sequence[TrainingRow], common: Format | None) -> Iterator[AuditFinding]:
    due, wrong, said = 0, [], []
    for row in rows:
        wanted = row.case.format if row.case and row.case.format else common
        if wanted is None or row.behaviour in _NO_ANSWER:
            continue
        due += 1
        if format_valid(wanted, row.answer) == 0:
            wrong.append(row)
            said.append(f"is no {wanted.kind}: {row.answer}")
    if wrong:
        text = f"{len(wrong)} of {due} answers do not have the format asked for"
        todo = "mend them, or take them out"
        yield AuditFinding(
            "format", _weight(len(wrong), due), len(wrong), due, text, todo, places(wrong, said)
        )


def _mixture(rows: Sequence[TrainingRow], schema: JsonObject | None) -> Iterator[AuditFinding]:
    """Where no schema says it: objects with different keys, or prose among objects."""
    answered = [
        row for row in rows if row.behaviour not in _NO_ANSWER and _schema_of(row, schema) is None
    ]
    if not answered:
        return
    forms = Counter(_form(row) for row in answered)
    form, n = forms.most_common(1)[0]
    if form != "prose" and n < len(answered):
        odd = [row for row in answered if _form(row) != form]
        text = f"the answers have {len(forms)} forms; {n} of {len(answered)} are {form}"
        todo = "give one kind of request one form, and say it in a schema in suite.yaml"
        severity = Severity.WARNING if n < MIXED * len(answered) else Severity.NOTE
        yield AuditFinding(
            "mixed_forms",
            severity,
            len(odd),
            len(answered),
            text,
            todo,
            places(odd, [_form(r) for r in odd]),
        )


def _form(row: TrainingRow) -> str:
    return "prose" if row.value is None else "an object of " + ", ".join(sorted(row.value))[:80]


# --- style -------------------------------------------------------------------------------------


def style_findings(rows: Sequence[TrainingRow], suite: Suite | None) -> Iterator[AuditFinding]:
    """Answers that break the suite's style rules, and prose whose language is mixed."""
    prose = [row for row in rows if row.answer and is_prose(row.answer)]
    rules = suite_rule(suite, lambda case: case.style) if suite else None
    broken: dict[str, list[TrainingRow]] = {}
    for row in prose:
        style = row.case.style if row.case and row.case.style else rules
        for name, held in (style_report(style, row.answer) if style else {}).items():
            if not held:
                broken.setdefault(name, []).append(row)
    for name, wrong in sorted(broken.items(), key=lambda item: -len(item[1])):
        text = (
            f"{len(wrong)} of {len(prose)} answers break the style rule {name}{_limit(rules, name)}"
        )
        todo = "rewrite them in the house style: the model copies the manner of its examples"
        severity = Severity.WARNING if len(wrong) > TOLERATED * len(prose) else Severity.NOTE
        said = [row.answer for row in wrong]
        yield AuditFinding(
            f"style_{name}", severity, len(wrong), len(prose), text, todo, places(wrong, said)
        )
    yield from _languages(prose)


def _limit(rules: StyleRules | None, name: str) -> str:
    value = getattr(rules, name, None) if rules else None
    return f" ({value})" if isinstance(value, int | float | str) and value is not True else ""


def _languages(prose: Sequence[TrainingRow]) -> Iterator[AuditFinding]:
    """Answers in another language than their question, where most keep to it."""
    pairs = [(row, detect_language(row.prompt), detect_language(row.answer)) for row in prose]
    told = [(row, asked, given) for row, asked, given in pairs if asked and given]
    crossed = [(row, asked, given) for row, asked, given in told if asked != given]
    if told and 0 < len(crossed) < (1 - MIXED) * len(told):
        text = f"{len(crossed)} of {len(told)} answers are in another language than their question"
        todo = "answer in the language of the question, or always in one language"
        said = [
            f"asked in {asked}, answered in {given}: {row.answer}" for row, asked, given in crossed
        ]
        rows = [row for row, _, _ in crossed]
        yield AuditFinding(
            "language", Severity.NOTE, len(crossed), len(told), text, todo, places(rows, said)
        )


def spread(rows: Sequence[TrainingRow]) -> dict[str, Any]:
    """How much the manner of the prose answers varies: words and politeness in quartiles, languages counted."""
    prose = [row.answer for row in rows if row.answer and is_prose(row.answer)]
    if len(prose) < 2:
        return {"prose_answers": len(prose)}
    kind = [politeness(text) for text in prose]
    languages = Counter(detect_language(text) or "unknown" for text in prose)
    return {
        "prose_answers": len(prose),
        "words": _quartiles([float(word_count(text)) for text in prose]),
        "politeness": _quartiles(kind),
        "languages": dict(languages.most_common()),
    }


def _quartiles(values: Sequence[float]) -> dict[str, float]:
    low, _, high = quantiles(values, n=4, method="inclusive")
    return {"low": round(low, 3), "median": round(median(values), 3), "high": round(high, 3)}
