"""Starting a suite: an example to edit, or a team's spreadsheet of questions and ideal answers."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from evalkit.errors import InvalidInput, StorageError
from evalkit.files import CaseRow
from evalkit.strict import Row, json_cell, read_csv
from evalkit.validation import RowChecker

# How teams head their columns, in lower case and plain words; the first that is there is taken.
QUESTION = ("query", "question", "prompt", "input", "user question", "frage", "pregunta", "質問")
ANSWER = (
    "reference",
    "answer",
    "ideal answer",
    "expected answer",
    "reference answer",
    "ground truth",
    "output",
    "antwort",
    "musterantwort",
    "respuesta",
    "réponse",
    "回答",
)
DOCUMENT = ("document", "context", "source text", "passage", "evidence", "quelle", "dokument")
ID = ("id", "case", "case id", "nr", "no")
TAGS = ("tags", "tag", "category", "topic", "type")


@dataclass(frozen=True, slots=True)
class Columns:
    """Which column of a spreadsheet holds what; None where it has none."""

    question: str
    answer: str | None
    document: str | None
    id: str | None
    tags: str | None

    def told(self, header: Sequence[str]) -> str:
        """Which columns were taken for what, and which were not read at all."""
        named = {f.name: getattr(self, f.name) for f in fields(self)}
        taken = ", ".join(f"{name}: {column or '(none)'}" for name, column in named.items())
        rest = [name for name in header if name not in named.values()]
        return taken + (f"; not read: {', '.join(rest)}" if rest else "")


def start_suite(folder: Path, *, name: str | None = None) -> list[Path]:
    """An example suite of three cases with a system to edit; the files written."""
    documents = {
        "opening-hours": (
            "Opening hours",
            "The workshop is open from Tuesday to Saturday, 10:00 to 18:00.",
        ),
        "returns": (
            "Returns",
            "Bicycles can be returned within 30 days. Used tyres cannot be returned.",
        ),
    }
    cases = [
        _answer_case(
            "hours", "When is the workshop open?", "opening-hours", "open from Tuesday to Saturday"
        ),
        _answer_case("returns", "How long may I return a bicycle?", "returns", "within 30 days"),
        {
            "id": "rental",
            "query": "What does it cost to rent a tandem?",
            "relevant": {},
            "expected": "refuse",
        },
    ]
    corpus = [{"_id": i, "title": title, "text": text} for i, (title, text) in documents.items()]
    return _write_suite(folder, name or folder.resolve().name or "suite", cases, corpus)


def _answer_case(case_id: str, query: str, document: str, point: str) -> dict[str, Any]:
    points = [{"text": point, "evidence": [document]}]
    return {"id": case_id, "query": query, "relevant": [document], "key_points": points}


def suite_from_csv(
    folder: Path,
    file: Path,
    *,
    question: str | None = None,
    answer: str | None = None,
    document: str | None = None,
    name: str | None = None,
) -> tuple[list[Path], str]:
    """A runnable suite from a spreadsheet: one row a question, with its ideal answer and, if given, its document.

    Returns the files written, and which columns were taken for what. Raises ``InvalidInput`` when no column can be taken for the questions; rows without a question are refused.
    """
    rows = list(read_csv(file))
    if not rows:
        raise InvalidInput("holds no rows", file=file)
    header = list(dict.fromkeys(key for row in rows for key in row.value))
    columns = find_columns(header, file, question=question, answer=answer, document=document)
    documents = _documents(rows, columns)
    checker = RowChecker(CaseRow, file, "id")
    cases = []
    for number, row in enumerate(rows, start=1):
        cases.append(_case(row, number, columns, documents, file))
        checker.check(cases[-1], row.line)
    corpus = [{"_id": doc_id, "title": "", "text": text} for text, doc_id in documents.items()]
    called = name or re.sub(r"\W+", "-", file.stem.lower()).strip("-") or "suite"
    return _write_suite(folder, called, cases, corpus), columns.told(header)


def find_columns(
    header: Sequence[str],
    file: Path,
    *,
    question: str | None = None,
    answer: str | None = None,
    document: str | None = None,
) -> Columns:
    """Which columns hold questions, answers, documents, ids and tags."""
    folded = {re.sub(r"[\W_]+", " ", name.lower()).strip(): name for name in header}
    for given in (question, answer, document):
        if given is not None and given not in header:
            raise InvalidInput(
                f"there is no column {given!r}",
                file=file,
                line=1,
                hint=f"columns: {', '.join(header)}",
            )
    found = question or _first(folded, QUESTION)
    if found is None:
        raise InvalidInput(
            "no column can be taken for the questions",
            file=file,
            line=1,
            hint=f"columns: {', '.join(header)}; name it with --question COLUMN",
        )
    return Columns(
        question=found,
        answer=answer or _first(folded, ANSWER),
        document=document or _first(folded, DOCUMENT),
        id=_first(folded, ID),
        tags=_first(folded, TAGS),
    )


def _first(folded: Mapping[str, str], names: Iterable[str]) -> str | None:
    return next((folded[name] for name in names if name in folded), None)


def _documents(rows: Sequence[Row], columns: Columns) -> dict[str, str]:
    """Every distinct document text with the id it gets."""
    if columns.document is None:
        return {}
    texts = dict.fromkeys(
        row.value[columns.document] for row in rows if columns.document in row.value
    )
    return {text: f"doc-{number:03}" for number, text in enumerate(texts, start=1)}


def _case(
    row: Row, number: int, columns: Columns, documents: Mapping[str, str], file: Path
) -> dict[str, Any]:
    def cell(column: str | None) -> str | None:
        return row.value.get(column) if column else None

    if not cell(columns.question):
        raise InvalidInput(
            "the question is missing", file=file, line=row.line, field=columns.question
        )
    case: dict[str, Any] = {
        "id": cell(columns.id) or f"case-{number:03}",
        "query": cell(columns.question),
    }
    answer, document, tags = cell(columns.answer), cell(columns.document), cell(columns.tags)
    if answer:
        column = columns.answer or ""
        case["reference"] = json_cell(answer, file=file, line=row.line, column=column)
    if document:
        case["relevant"] = [documents[document]]
    if tags:
        case["tags"] = [tag.strip() for tag in re.split("[;,]", tags) if tag.strip()]
    return case


def _write_suite(
    folder: Path, name: str, cases: Sequence[Mapping[str, Any]], corpus: Sequence[Mapping[str, Any]]
) -> list[Path]:
    files = {
        "suite.yaml": _SUITE.format(name=json.dumps(name)),
        "cases.jsonl": jsonl(cases),
        **({"corpus.jsonl": jsonl(corpus)} if corpus else {}),
        "systems.yaml": _SYSTEMS + (_RAG if corpus else ""),
        "my_system.py": _MY_SYSTEM,
    }
    return write_new(folder, files)


def write_new(folder: Path, files: Mapping[str, str]) -> list[Path]:
    """Write texts by name into ``folder``; nothing is written when one of the files is there already."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name in files:
            if (folder / name).exists():
                raise InvalidInput(
                    "is already there", file=folder / name, hint="give an empty folder"
                )
        for name, text in files.items():
            (folder / name).write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise StorageError(f"{folder}: cannot be written: {error.strerror}") from error
    return [folder / name for name in files]


def jsonl(rows: Iterable[Mapping[str, Any]]) -> str:
    """Objects as JSON Lines."""
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


_SUITE = """\
format: 1
name: {name}
description: ""
k: 5
repeats: 1
# style: {{max_sentences: 4, forbid_exclamation: true}}
# profile: {{knowledge_changes: monthly, citations: true}}
"""
_SYSTEMS = """\
# The systems to evaluate. `target` is module:attr, with this folder first on the path.
systems:
  - name: mine
    approach: rag
    adapter: python
    target: my_system:answer
"""
_RAG = """\
  - name: baseline
    approach: rag
    adapter: local
    kind: rag
"""
_MY_SYSTEM = '''\
"""Put your own system here: this placeholder refuses every question."""


def answer(query: str) -> str | dict:
    """Return the answer as text; or a dict that also shows what was retrieved and reached the prompt:

    {"response": "...", "retrieved": [{"doc_id": "...", "text": "..."}], "context": [...], "citations": ["..."]}
    """
    return "I do not know."
'''
