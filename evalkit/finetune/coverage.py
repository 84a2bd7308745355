"""Audit: how many examples there are, of which kinds, how long, and what the test asks that training never shows."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from statistics import median, quantiles
from typing import Any

from evalkit.finetune.conformity import suite_rule
from evalkit.finetune.duplicates import held_out_cases, said_in
from evalkit.finetune.finding import AuditFinding, Example, Severity, places
from evalkit.finetune.rows import TrainingRow
from evalkit.local.usage import estimate_tokens
from evalkit.records import Expected, Suite
from evalkit.text.languages import detect_language
from evalkit.text.tables import label_key

ENOUGH = 500  # distinct examples below which tuning seldom beats a good prompt: a rule of thumb, see the docs
FEW = 200  # and below which it is not worth trying
LEAST = 10  # what endpoints accept at all
CLASS = 10  # examples of a class below which it is hardly learned
CLASSES = 20  # distinct short answers at most, for answers to be taken for classes
LONG = 16_384  # estimated tokens of a row beyond which many endpoints cut or refuse it
A_TURN = 4  # tokens that frame a turn, in the usual chat templates
FAR = 3.0  # interquartile ranges beyond the quartiles (of the logarithm), from which on a length is an outlier
RARE = 1 / 3  # share of the test's share below which training shows a behaviour too seldom
_SPECIAL = (Expected.REFUSE, Expected.CLARIFY, Expected.PARTIAL, Expected.CORRECT_PREMISE)


def tokens_of(row: TrainingRow) -> int:
    """Estimated tokens of a row, four bytes each: the real tokenizer may differ by a quarter either way."""
    turns = [turn.content for turn in row.turns] + [row.answer]
    return sum(estimate_tokens(text) + A_TURN for text in turns)


def size_findings(distinct: int) -> Iterator[AuditFinding]:
    """Too few examples, by the number of distinct ones."""
    if distinct >= ENOUGH:
        return
    severity = Severity.BLOCKER if distinct < FEW else Severity.WARNING
    least = f" (endpoints want {LEAST} at least)" if distinct < LEAST else ""
    text = (
        f"{distinct} distinct examples; fewer than about {ENOUGH} speak against fine-tuning{least}"
    )
    todo = "collect more (`evalkit export finetune` turns approved answers into rows); `evalkit finetune curve` says whether more would help"
    yield AuditFinding("size", severity, distinct, ENOUGH, text, todo)


def behaviour_findings(rows: Sequence[TrainingRow], suite: Suite | None) -> Iterator[AuditFinding]:
    """Refusals, questions back and the like, against what the test asks for."""
    trained = Counter(row.behaviour for row in rows)
    if suite is None:
        if not trained[Expected.REFUSE]:
            text = "no row refuses or says that something is not known"
            yield AuditFinding("refusals", Severity.WARNING, 0, len(rows), text, _TEACH)
        return
    cases = held_out_cases(suite)
    asked = Counter(case.expected for case in cases)
    for kind in _SPECIAL:
        share = asked[kind] / len(cases) if cases else 0.0
        given = trained[kind] / len(rows)
        if kind in (Expected.PARTIAL, Expected.CORRECT_PREMISE):
            given = max(given, 0.0 if _labelled(rows) else RARE)  # words alone do not show these
        if share and given < RARE * share:
            severity = Severity.NOTE if trained[kind] else Severity.WARNING
            wanted = f"{asked[kind]} of {len(cases)} test cases expect {kind.value}"
            text = f"{wanted}; {trained[kind]} of {len(rows)} training rows show it"
            shown = tuple(
                Example(f"case {c.id}", c.query[:80]) for c in cases if c.expected is kind
            )[:3]
            yield AuditFinding(
                f"coverage_{kind.value}", severity, trained[kind], len(rows), text, _TEACH, shown
            )


_TEACH = "add rows that show it: a model tuned on answers alone learns to answer everything"


def _labelled(rows: Sequence[TrainingRow]) -> bool:
    return any(row.case is not None and row.case.expected is not Expected.ANSWER for row in rows)


def edge_findings(rows: Sequence[TrainingRow], suite: Suite | None) -> Iterator[AuditFinding]:
    """Tags and languages of the test that no training row has."""
    cases = held_out_cases(suite) if suite else ()
    if not cases:
        return
    trained = {tag for row in rows if row.case for tag in row.case.tags}
    asked = Counter(tag for case in cases for tag in case.tags)
    missing = [tag for tag in asked if tag not in trained]
    n = sum(bool(set(missing) & set(case.tags)) for case in cases)
    if 0 < n <= len(cases) / 2:  # otherwise the two files tag by different schemes
        text = f"{n} of {len(cases)} test cases have a tag that no training row has: {', '.join(missing)}"
        todo = "add rows of these kinds, unless the test is meant to ask what was never trained"
        yield AuditFinding("coverage_tags", Severity.NOTE, n, len(cases), text, todo)
    spoken = {detect_language(row.prompt) for row in rows}
    tongues = Counter(detect_language(said_in(case)) for case in cases)
    unknown = {name: n for name, n in tongues.items() if name and n >= 3 and name not in spoken}
    if unknown:
        text = f"the test asks in languages that training never shows: {', '.join(unknown)}"
        todo = "add rows in these languages"
        yield AuditFinding(
            "coverage_languages", Severity.WARNING, sum(unknown.values()), len(cases), text, todo
        )


def class_findings(rows: Sequence[TrainingRow], suite: Suite | None) -> Iterator[AuditFinding]:
    """Classes with few or no examples, where the answers are labels."""
    counts = classes(rows, suite)
    if not counts:
        return
    thin = {name: n for name, n in counts.items() if n < CLASS}
    if thin:
        listed = ", ".join(
            f"{name} {n}" for name, n in sorted(thin.items(), key=lambda item: item[1])
        )
        severity = Severity.BLOCKER if 0 in thin.values() else Severity.WARNING
        text = f"{len(thin)} of {len(counts)} classes have fewer than {CLASS} examples: {listed}"
        todo = "collect more of them; what is rare in training is rarely answered"
        yield AuditFinding("class_balance", severity, len(thin), len(counts), text, todo)
    elif max(counts.values()) > 10 * min(counts.values()):
        least, most = min(counts, key=counts.__getitem__), max(counts, key=counts.__getitem__)
        text = f"{most} has {counts[most]} examples, {least} has {counts[least]}"
        todo = "even the classes out, unless the imbalance is the one of real use"
        yield AuditFinding("class_balance", Severity.NOTE, counts[least], len(rows), text, todo)


def classes(rows: Sequence[TrainingRow], suite: Suite | None) -> dict[str, int]:
    """Examples by class, commonest first; empty where answers are no labels.

    They are where the format says so, or where a few short answers make up at least fifty rows.
    """
    shape = suite_rule(suite, lambda case: case.format) if suite else None
    own = next((row.case.format for row in rows if row.case and row.case.format), None)
    shape = own or shape
    answers = [row.answer.strip() for row in rows if row.answer]
    counts = Counter(answers)
    if shape is not None and shape.kind == "label":
        found = Counter(label_key(answer) for answer in answers)
        return (
            {label: found[label_key(label)] for label in shape.labels}
            if shape.labels
            else dict(counts.most_common())
        )
    short = all(len(answer) <= 40 for answer in counts)
    return (
        dict(counts.most_common())
        if short and 1 < len(counts) <= CLASSES and len(answers) >= 50
        else {}
    )


def length_findings(rows: Sequence[TrainingRow]) -> Iterator[AuditFinding]:
    """Rows that are far longer or shorter than the others, or too long for an endpoint."""
    sizes = [tokens_of(row) for row in rows]
    too_long = [row for row, n in zip(rows, sizes, strict=True) if n > LONG]
    if too_long:
        text = f"{len(too_long)} rows have more than about {LONG} tokens"
        todo = "shorten or split them: what is over the endpoint's limit is cut off or refused"
        yield AuditFinding(
            "too_long", Severity.WARNING, len(too_long), len(rows), text, todo, places(too_long)
        )
    for name, values in (
        ("prompt", [len(r.prompt) for r in rows]),
        ("answer", [len(r.answer) for r in rows]),
    ):
        odd = _outliers(values)
        if odd:
            text = f"{len(odd)} {name}s are far longer or shorter than the others (median {median(values):.0f} characters)"
            todo = "look at them: often two texts in one row, or one that was cut off"
            said = [f"{values[i]} characters: {getattr(rows[i], name)}" for i in odd]
            yield AuditFinding(
                f"length_{name}",
                Severity.NOTE,
                len(odd),
                len(rows),
                text,
                todo,
                places([rows[i] for i in odd], said),
            )


def _outliers(values: Sequence[int]) -> list[int]:
    if len(values) < 20:
        return []
    logs = [math.log1p(value) for value in values]
    low, _, high = quantiles(logs, n=4, method="inclusive")
    reach = FAR * max(high - low, 0.1)
    return [i for i, value in enumerate(logs) if not low - reach <= value <= high + reach]


def figures(rows: Sequence[TrainingRow], suite: Suite | None) -> dict[str, Any]:
    """What describes the file: tokens (estimated), behaviours, classes."""
    sizes = sorted(tokens_of(row) for row in rows)
    return {
        "tokens": {
            "estimated": True,
            "total": sum(sizes),
            "median": int(median(sizes)),
            "p95": sizes[min(len(sizes) - 1, math.ceil(0.95 * len(sizes)) - 1)],
            "largest": sizes[-1],
        },
        "behaviours": {
            kind.value: n for kind, n in Counter(row.behaviour for row in rows).most_common()
        },
        "classes": classes(rows, suite),
    }
