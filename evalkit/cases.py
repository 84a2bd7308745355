"""Rows of a cases file -> Case records, from JSON Lines or a spreadsheet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evalkit import files
from evalkit.attachments import At, Attachments
from evalkit.records import (
    Case,
    Criterion,
    Expected,
    Format,
    JsonObject,
    KeyPoint,
    Message,
    StyleRules,
)
from evalkit.strict import Row, json_cell, read_csv, read_jsonl
from evalkit.strict.line_file import Line, row_of
from evalkit.validation import RowChecker, validate


@dataclass(frozen=True, slots=True)
class Defaults:
    """What the suite says for every case that says nothing itself."""

    schema: JsonObject | None = None
    format: Format | None = None
    style: StyleRules | None = None


class CaseReader:
    """Makes cases of the lines of one file, each checked by itself."""

    def __init__(
        self, file: Path, suite_file: Path, attachments: Attachments, defaults: Defaults
    ) -> None:
        self.file, self.suite_file = file, suite_file
        self._attachments, self._defaults = attachments, defaults

    def __call__(self, line: Line) -> Case:
        """The case on a line."""
        row = row_of(line, self.file)
        checked = validate(files.CaseRow, row.value, file=self.file, line=row.line)
        at = At(self.file, row.line)
        return _case(checked, row.value, at, self._attachments, self._defaults)

    def all(self) -> Iterator[Case]:
        """All cases of the file, which is read whole."""
        return read_cases(self.file, self._attachments, self._defaults)


def read_cases(file: Path, attachments: Attachments, defaults: Defaults) -> Iterator[Case]:
    """The cases of a JSONL or CSV file, in its order; raises ``InvalidInput`` naming line and field."""
    spreadsheet = file.suffix.lower() == ".csv"
    checker = RowChecker(files.CaseRow, file, "id")
    for row in read_csv(file) if spreadsheet else read_jsonl(file):
        value = _from_cells(row, file) if spreadsheet else row.value
        checked = checker.check(value, row.line)
        yield _case(checked, value, At(file, row.line), attachments, defaults)


# Columns of a spreadsheet that are plain text, whatever they start with; and those in which `a; b` is a list.
_TEXTS = ("id", "query", "clarified", "principal", "group", "split", "expected", "expected_action")
_LISTS = ("tags", "paraphrases", "leading", "forbidden", "relevant", "key_points")


def _from_cells(row: Row, file: Path) -> dict[str, Any]:
    """The cells of a spreadsheet as the JSON fields they stand for."""
    found = dict(row.value)
    for name in found.keys() - set(_TEXTS):
        found[name] = json_cell(found[name], file=file, line=row.line, column=name)
    for name in _LISTS:
        if isinstance(found.get(name), str):
            found[name] = [part.strip() for part in found[name].split(";") if part.strip()]
    if isinstance(found.get("key_points"), list):
        points = found["key_points"]
        found["key_points"] = [{"text": p} if isinstance(p, str) else p for p in points]
    return found


def _case(
    row: files.CaseRow, given: JsonObject, at: At, attachments: Attachments, defaults: Defaults
) -> Case:
    reference, reference_object = _reference(row, at)
    return Case(
        id=row.id,
        query=_query(row, at),
        messages=tuple(Message(m.role, m.content) for m in row.messages) if row.messages else None,
        reference=reference,
        reference_object=reference_object,
        relevant=_grades(row.relevant),
        key_points=_points(row.key_points),
        expected=Expected(row.expected),
        expected_action=row.expected_action,
        schema=attachments.schema(row.schema_, at) if "schema" in given else defaults.schema,
        format=shape(row.format) if row.format else defaults.format,
        style=attachments.style(row.style, at) if row.style else defaults.style,
        criteria=_criteria(row.criteria),
        paraphrases=tuple(row.paraphrases),
        leading=tuple(row.leading),
        clarified=row.clarified,
        principal=row.principal,
        forbidden=None if row.forbidden is None else tuple(row.forbidden),
        inputs=row.inputs,
        group=row.group,
        tags=tuple(row.tags),
        split=row.split,
        metadata=row.metadata,
    )


def _query(row: files.CaseRow, at: At) -> str:
    if row.messages and row.query is not None:
        raise at.refuse("give either query or messages, not both", field="messages")
    if row.messages and row.messages[-1].role != "user":
        raise at.refuse("the last message must be the user's", field="messages")
    query = row.messages[-1].content if row.messages else row.query
    field = "messages" if row.messages else "query"
    if query is None:
        raise at.refuse("a case needs a query (or messages)", field=field)
    if not query.strip():
        raise at.refuse("the query is empty", field=field)
    return query


def _reference(row: files.CaseRow, at: At) -> tuple[tuple[str, ...] | None, JsonObject | None]:
    given = row.reference
    if given is None or isinstance(given, dict):
        return None, given
    texts = (given,) if isinstance(given, str) else tuple(given)
    if not texts or not all(text.strip() for text in texts):
        hint = "leave it out, or give an answer"
        raise at.refuse("a reference is empty", field="reference", hint=hint)
    return texts, None


def _grades(given: dict[str, int] | list[str] | None) -> Mapping[str, int] | None:
    return dict.fromkeys(given, 1) if isinstance(given, list) else given


def _points(given: list[files.KeyPointRow] | None) -> tuple[KeyPoint, ...] | None:
    return tuple(KeyPoint(p.text, tuple(p.evidence)) for p in given) if given else None


def _criteria(given: list[files.CriterionRow] | None) -> tuple[Criterion, ...] | None:
    if not given:
        return None
    return tuple(Criterion(c.id, c.text, tuple(c.any_of), c.verdict) for c in given)


def shape(row: files.FormatRow) -> Format:
    """The shape of an answer as its record."""
    return Format(row.kind, tuple(row.columns), tuple(row.headings), tuple(row.labels))
