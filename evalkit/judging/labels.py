"""People's verdicts on answers, as a JSONL file: read strictly into cases, traces and ratings."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from evalkit.errors import InvalidInput, NothingToDo, did_you_mean
from evalkit.records import Case, KeyPoint, Passage, Suite, Trace
from evalkit.strict import Row, read_jsonl
from evalkit.validation import validate

QUANTITIES = ("correct", "grounded", "refused", "covered")
ONE = "human"  # the annotator's name where the file gives none

Text = Annotated[str, Field(min_length=1)]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Value = bool | Share | None
Values = tuple[float | None, ...]  # one entry; for `covered` one a key point


class PassageRow(BaseModel):
    """What stood in the prompt; with --suite its ``doc_id`` alone will do."""

    model_config = ConfigDict(extra="forbid", strict=True)

    doc_id: Text
    text: str | None = None
    title: str | None = None
    chunk_id: str | None = None


class LabelRow(BaseModel):
    """One answer with what people say of it. A value is true, false, a share 0..1, or null for "cannot tell"."""

    model_config = ConfigDict(extra="forbid", strict=True)

    id: Text | None = None
    case_id: Text | None = None
    question: Text | None = None
    answer: str
    reference: Text | list[Text] | None = None
    passages: list[Text | PassageRow] | None = None
    key_points: list[Text] | None = None
    correct: Value | dict[Text, Value] = None
    grounded: Value | dict[Text, Value] = None
    refused: Value | dict[Text, Value] = None
    covered: list[Value] | dict[Text, list[Value]] | None = None


@dataclass(frozen=True, slots=True)
class Labelled:
    """One answer with people's ratings: by quantity, by annotator, 0..1 or None where that one cannot tell."""

    case: Case
    trace: Trace
    human: Mapping[str, Mapping[str, Values]] = field(default_factory=dict)


def read_labels(path: Path, suite: Suite | None = None) -> list[Labelled]:
    """The rows of a labels file; ``InvalidInput`` names file, line and field, ``NothingToDo`` an empty one.

    With ``suite`` a row may name a case by ``case_id``, which then gives question, reference and key points.
    """
    cases = {case.id: case for case in suite.cases} if suite else {}
    found: list[Labelled] = []
    seen: dict[str, int] = {}
    for row in read_jsonl(path):
        made = _labelled(row, path, cases, suite)
        name = made.case.id
        if name in seen:
            message = f"{name!r} is given twice, first on line {seen[name]}"
            raise InvalidInput(message, file=path, line=row.line, field="id")
        seen[name] = row.line
        found.append(made)
    if not found:
        raise NothingToDo(f"{path}: holds no labelled answer")
    return found


def digest_of(rows: Sequence[Labelled]) -> str:
    """Names the labels, answers and references that a check rests on, whatever their order."""
    parts = sorted(
        repr((r.case.query, r.case.reference, r.trace.response, _plain(r.human))) for r in rows
    )
    return hashlib.sha256("\n".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:16]


def _plain(human: Mapping[str, Mapping[str, Values]]) -> list[Any]:
    return sorted((name, sorted(by.items(), key=str)) for name, by in human.items())


def _labelled(row: Row, path: Path, cases: Mapping[str, Case], suite: Suite | None) -> Labelled:
    model = validate(LabelRow, row.value, file=path, line=row.line)
    known = _case_of(model, row, path, cases)
    name: str = model.id or f"line {row.line}"
    points = None if model.key_points is None else tuple(map(KeyPoint, model.key_points))
    given = model.reference
    references = [given] if isinstance(given, str) else given
    case = Case(
        id=name,
        query=model.question or (known and known.query) or "",
        reference=tuple(references) if references else known.reference if known else None,
        key_points=points if points is not None else known.key_points if known else None,
    )
    context = None if model.passages is None else _context(model.passages, row, path, suite)
    trace = Trace(response=model.answer, context=context, case_id=name)
    return Labelled(case, trace, _human(model, case, row, path))


def _case_of(model: LabelRow, row: Row, path: Path, cases: Mapping[str, Case]) -> Case | None:
    if model.case_id is None:
        if model.question is None:
            hint = "or give --suite and a case_id"
            raise InvalidInput("is missing", file=path, line=row.line, field="question", hint=hint)
        return None
    if model.case_id not in cases:
        nearest = did_you_mean(model.case_id, cases) if cases else "give --suite"
        message = f"there is no case {model.case_id!r}"
        raise InvalidInput(message, file=path, line=row.line, field="case_id", hint=nearest)
    return cases[model.case_id]


def _context(
    given: Sequence[str | PassageRow], row: Row, path: Path, suite: Suite | None
) -> tuple[Passage, ...]:
    corpus = suite.corpus if suite else {}
    found = []
    for i, one in enumerate(given):
        if isinstance(one, str):
            found.append(Passage(f"passage {i + 1}", text=one))
            continue
        held = corpus.get(one.doc_id)
        text = one.text if one.text is not None else held.text if held else None
        if text is None:
            where = f"passages[{i}].text"
            message = f"is missing, and no suite has document {one.doc_id!r}"
            raise InvalidInput(message, file=path, line=row.line, field=where)
        title = one.title if one.title is not None else held.title if held else None
        found.append(Passage(one.doc_id, one.chunk_id, text, title or None))
    return tuple(found)


def _human(model: LabelRow, case: Case, row: Row, path: Path) -> dict[str, dict[str, Values]]:
    found: dict[str, dict[str, Values]] = {}
    for name in QUANTITIES:
        given: Any = getattr(model, name)
        if given is None:
            continue
        by = given if isinstance(given, dict) else {ONE: given}
        rated = {who: _values(value) for who, value in by.items()}
        if name == "covered":
            _check_points(rated, case, row, path)
        found[name] = rated
    if not found:
        hint = f"give at least one of {', '.join(QUANTITIES)}"
        raise InvalidInput("holds no verdict of a person", file=path, line=row.line, hint=hint)
    return found


def _values(given: Any) -> Values:
    listed = given if isinstance(given, list) else [given]
    return tuple(None if value is None else float(value) for value in listed)


def _check_points(rated: Mapping[str, Values], case: Case, row: Row, path: Path) -> None:
    due = len(case.key_points or ())
    for values in rated.values():
        if len(values) != due:
            message = f"holds {len(values)} verdicts for {due} key points"
            raise InvalidInput(message, file=path, line=row.line, field="covered")
