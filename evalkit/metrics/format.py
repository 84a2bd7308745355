"""Metrics of the contract's shape: JSON, schema, table, sections, label, and the fields in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from evalkit.metrics.format_errors import FormatError, format_errors
from evalkit.records import Format, JsonObject, Level, Metric, Stage
from evalkit.text.extract import Parsed, parse_json
from evalkit.text.field_match import field_credit
from evalkit.text.json_schema import compiled, is_valid
from evalkit.text.longest import readable
from evalkit.text.tables import (
    extract_label,
    fold,
    heading_key,
    headings,
    in_order,
    label_key,
    read_table,
)

__all__ = [
    "METRICS",
    "FormatError",
    "confusion",
    "extractable",
    "field_score",
    "format_errors",
    "format_valid",
    "json_valid",
    "label_accuracy",
    "macro_f1",
    "schema_valid",
    "schema_valid_repaired",
]


def json_valid(parsed: Parsed) -> float:
    """1 if the whole answer, less white space and one enclosing code fence, is strict JSON."""
    return float(parsed.parses)


def extractable(parsed: Parsed) -> float:
    """1 if JSON could be located in the answer, whatever stands around it and however broken it is."""
    return float(parsed.extractable)


def schema_valid(schema: JsonObject, parsed: Parsed) -> float:
    """1 if the answer is strict JSON and valid; ``ValueError`` when the schema itself is at fault."""
    compiled(schema)  # a bad schema is the grader's error, whatever the answer
    return float(parsed.parses and is_valid(parsed.value, schema))


def schema_valid_repaired(schema: JsonObject, parsed: Parsed) -> float:
    """The same of the content, after it was cut out of its prose and mended."""
    compiled(schema)
    return float(parsed.readable and is_valid(parsed.content, schema))


@readable
def format_valid(format: Format, response: str) -> float | None:  # noqa: A002 - the need's name
    """1 if the answer has the shape the case asks for; ``None`` for a kind that is not known."""
    checks = {
        "json": _is_object,
        "csv": _has_columns,
        "sections": _has_headings,
        "label": _is_label,
    }
    check = checks.get(format.kind)
    return float(check(format, response)) if check else None


def _is_object(_wanted: Format, response: str) -> bool:
    parsed = parse_json(response)
    return parsed.parses and isinstance(parsed.value, dict)


def _has_columns(wanted: Format, response: str) -> bool:
    table = read_table(response)
    header = [fold(cell) for cell in table.header]
    if table.error is not None or not (wanted.columns or len(header) > 1):
        return False
    return in_order([fold(column) for column in wanted.columns], header)


def _has_headings(wanted: Format, response: str) -> bool:
    return in_order([heading_key(heading) for heading in wanted.headings], headings(response))


def _is_label(wanted: Format, response: str) -> bool:
    return label_key(response) in {label_key(label) for label in wanted.labels}


def field_score(reference_object: Mapping[str, Any], parsed: Parsed) -> float:
    """Share of the ideal object's leaves that the answer has, 0..1; 0 where nothing is readable."""
    return field_credit(reference_object, parsed.content) if parsed.readable else 0.0


@readable
def label_accuracy(
    format: Format,  # noqa: A002 - the need's name
    reference: tuple[str, ...],
    response: str,
) -> float | None:
    """1 if the answer gives a wanted label, 0 if another, none or several; else undefined."""
    if format.kind != "label" or not reference:
        return None
    given = extract_label(response, format.labels)
    return float(given is not None and label_key(given) in {label_key(one) for one in reference})


def macro_f1(label_pairs: Sequence[tuple[str, str]]) -> float | None:
    """Mean of the F1 of every label that is wanted or given, 0..1; ``None`` without pairs.

    A given "" (no clear label) is a miss of the wanted label, but no label of its own.
    """
    labels, matrix = confusion(label_pairs)
    scores = []
    for i, label in enumerate(labels):
        due = sum(matrix[i]) + sum(row[i] for row in matrix)
        if label and due:
            scores.append(2 * matrix[i][i] / due)
    return sum(scores) / len(scores) if scores else None


def confusion(
    label_pairs: Sequence[tuple[str, str]],
) -> tuple[tuple[str, ...], tuple[tuple[int, ...], ...]]:
    """(labels, counts): ``counts[i][j]`` answers wanted label i and gave label j.

    Labels are sorted; "" (no clear label) comes last where it occurs.
    """
    seen = {label for pair in label_pairs for label in pair}
    labels = (*sorted(seen - {""}), *({""} & seen))
    place = {label: i for i, label in enumerate(labels)}
    counts = [[0] * len(labels) for _ in labels]
    for wanted, given in label_pairs:
        counts[place[wanted]][place[given]] += 1
    return labels, tuple(tuple(row) for row in counts)


METRICS: tuple[Metric, ...] = (
    Metric(
        "json_valid",
        Stage.CONTRACT,
        json_valid,
        "1 when the whole answer is strict JSON (RFC 8259) after trimming white space, a byte order mark and one "
        "enclosing code fence; 0 otherwise. Prose before or after the JSON makes it 0 while `extractable` stays 1. "
        "Repeated keys, NaN and Infinity, more than 100 levels and integers above 4,300 digits are not strict. "
        "Asked only of cases that want JSON.",
        outcome=True,
    ),
    Metric(
        "extractable",
        Stage.CONTRACT,
        extractable,
        "1 when an object or array could be located: the whole answer, a code fence, or the first balanced brackets "
        "in prose that look like JSON (a lone citation such as [1] does not); it may be broken or cut off. "
        "json_valid <= extractable.",
        outcome=True,
    ),
    Metric(
        "schema_valid",
        Stage.CONTRACT,
        schema_valid,
        "1 when `json_valid` is 1 and the value is valid under the case's JSON Schema (the draft `$schema` names, else "
        "2020-12). The formats date, date-time and email are asserted, others are annotations. `$ref` reaches into "
        "the schema only: a reference elsewhere is never fetched and is a grader error, as is an invalid schema. "
        "Patterns that could backtrack without end run on a linear-time automaton, or are refused (grader error).",
        outcome=True,
    ),
    Metric(
        "schema_valid_repaired",
        Stage.CONTRACT,
        schema_valid_repaired,
        "`schema_valid` of the content: the JSON is first cut out of its prose and mended (commas, quotes, keys, "
        "constants, comments, missing brackets; deterministic). The difference to `schema_valid` is what enforcing "
        "the format would bring; what remains is content.",
        outcome=True,
    ),
    Metric(
        "format_valid",
        Stage.CONTRACT,
        format_valid,
        "1 when the answer has the shape of `format`. json: one strict JSON object. csv: nothing but a table "
        "(delimiter , ; tab or |, or Markdown) whose rows all have the header's width and whose header has the "
        "columns in order. sections: all headings, in order. label: exactly one of the labels and nothing else but "
        "quotes, emphasis or a final stop. Columns, headings and labels compare without regard to case and width; "
        "further columns and headings are allowed. Undefined for an unknown kind.",
        outcome=True,
    ),
    Metric(
        "field_score",
        Stage.GENERATION,
        field_score,
        "Share of leaves of the ideal object that the answer's object has, 0..1. Numbers agree within 1e-9 relative "
        "(1 is 1.0); strings exactly after NFKC and white space; a string of more than five words is free text, which "
        "counts 1 from a token F1 of 0.5 if it has the reference's numbers, else its F1 (half, at most, when a number "
        "differs). Arrays are aligned by best match, greedily, so order carries no weight (by position above 20,000 "
        "pairs). Keys and elements beyond the reference count as wrong leaves. Read strictly, else after repair; 0 "
        "where neither works. Definition after partial-credit JSON scoring (autoevals' JSONDiff).",
        outcome=True,
    ),
    Metric(
        "label_accuracy",
        Stage.GENERATION,
        label_accuracy,
        "1 when the answer gives a wanted label: it is one, is a small JSON object with one, states one on a line such "
        "as `Label: X`, or is short and names exactly one without negating it. Several or none is 0. Undefined for "
        "other kinds of format.",
        outcome=True,
    ),
    Metric(
        "macro_f1",
        Stage.GENERATION,
        macro_f1,
        "Unweighted mean of the F1 of every label that occurs as wanted or given (van Rijsbergen 1979; scikit-learn's "
        "macro average). An answer without a clear label is a miss of the wanted one. Undefined without labelled "
        "answers.",
        level=Level.SUITE,
    ),
)
