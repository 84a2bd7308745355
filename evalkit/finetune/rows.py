"""Training rows: what a model is shown and what it shall answer, from evalkit cases or a chat file."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from evalkit.attachments import Attachments
from evalkit.cases import Defaults, read_cases
from evalkit.errors import InvalidInput, NothingToDo
from evalkit.finetune.chat_file import chat_turns
from evalkit.records import Case, Expected, JsonObject, Message, Suite
from evalkit.strict import read_csv, read_jsonl
from evalkit.text.refusal import asks_clarification, refusal_probability

_OF_CASES = frozenset({"id", "query", "reference"})


@dataclass(frozen=True)
class TrainingRow:
    """One training example. ``answer`` is empty where the row has none; ``value`` is a JSON answer's object.

    ``turns`` end with the user's; ``case`` is None in a chat file. ``own_schema`` says whether the row
    itself speaks of a schema (null included).
    """

    file: Path
    line: int
    id: str
    turns: tuple[Message, ...]
    answer: str
    value: JsonObject | None = None
    case: Case | None = None
    own_schema: bool = False

    @property
    def where(self) -> str:
        """``file:line``, as editors take it."""
        return f"{self.file}:{self.line}"

    @cached_property
    def prompt(self) -> str:
        """What the user says: all turns but a system turn."""
        return "\n".join(turn.content for turn in self.turns if turn.role != "system")

    @property
    def group(self) -> str | None:
        """What the row shares with others of one origin; None where it is not told."""
        return self.case.group if self.case else None

    @cached_property
    def behaviour(self) -> Expected:
        """What the answer does: the case's label if it has one, else what its words show."""
        labelled = self.case.expected if self.case else Expected.ANSWER
        if labelled is not Expected.ANSWER or self.value is not None or not self.answer:
            return labelled
        if refusal_probability(self.answer) >= 0.5:
            return Expected.REFUSE
        return Expected.CLARIFY if asks_clarification(self.answer) else Expected.ANSWER


def read_rows(file: Path, suite: Suite | None = None) -> tuple[TrainingRow, ...]:
    """The examples of a train file in its order; which of the two formats it has is read off its first row.

    Raises ``InvalidInput`` naming file and line, ``NothingToDo`` for an empty file.
    """
    first = next(iter(_raw(file)), None)
    if first is None:
        raise NothingToDo(f"{file}: holds no training example")
    chat = "messages" in first[1] and not _OF_CASES & first[1].keys()
    return tuple(_chat_rows(file) if chat else _case_rows(file, suite))


def _raw(file: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    rows = read_csv(file) if file.suffix.lower() == ".csv" else read_jsonl(file)
    return ((row.line, row.value) for row in rows)


def _chat_rows(file: Path) -> Iterator[TrainingRow]:
    for line, value in _raw(file):
        turns = chat_turns(value, file, line)
        answer = turns[-1].content
        yield TrainingRow(file, line, f"line {line}", turns[:-1], answer, object_in(answer))


def _case_rows(file: Path, suite: Suite | None) -> Iterator[TrainingRow]:
    folder = suite.folder if suite is not None else file.parent
    cases = read_cases(file, Attachments(folder), Defaults())
    for (line, value), case in zip(_raw(file), cases, strict=True):
        turns = case.messages or (Message("user", case.query),)
        yield TrainingRow(file, line, case.id, turns, *_answer(case), case, "schema" in value)


def _answer(case: Case) -> tuple[str, JsonObject | None]:
    if case.reference_object is not None:
        return json.dumps(case.reference_object, ensure_ascii=False), case.reference_object
    text = case.reference[0] if case.reference else ""
    return text, object_in(text)


def object_in(text: str) -> JsonObject | None:
    """The object that ``text`` is, when it is wholly one; None otherwise."""
    if not text.lstrip().startswith("{"):
        return None
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def training_file(given: Path, suite: Suite | None) -> Path:
    """The train file meant by a path: the file itself, or the train file of the suite folder."""
    if not given.exists():
        raise InvalidInput("there is no such file or folder", file=given)
    if given.is_file() and given.suffix not in (".yaml", ".yml"):
        return given
    if suite is not None and suite.train is not None:
        return suite.train
    hint = "write `train: train.jsonl` in suite.yaml, or give the file itself"
    raise InvalidInput("this suite names no train file", file=given, hint=hint)
