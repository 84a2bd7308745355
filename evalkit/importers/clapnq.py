"""ClapNQ as a suite: real questions with human gold passages and answers, a part of them unanswerable."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from evalkit.start import jsonl, write_new
from evalkit.strict import read_jsonl
from evalkit.validation import validate


class _Answer(BaseModel):
    text: str


class _Question(BaseModel):
    """One line of qa.jsonl; what else it holds is passed over."""

    model_config = ConfigDict(strict=True)

    id: str | int
    question: str
    answerable: bool
    passage_id: str
    title: str
    passage: str
    answers: list[_Answer]


def import_clapnq(source: Path, folder: Path) -> list[Path]:
    """Write a suite from ClapNQ's ``qa.jsonl`` (or the folder that holds it); the files written.

    Every passage becomes a document, those of unanswerable questions too: they are near misses. Answerable
    questions want the human answers; unanswerable ones want a refusal, with nothing relevant.
    """
    file = source / "qa.jsonl" if source.is_dir() else source
    rows = [validate(_Question, row.value, file=file, line=row.line) for row in read_jsonl(file)]
    return write_new(
        folder,
        {
            "suite.yaml": _SUITE,
            "cases.jsonl": jsonl(map(_case, rows)),
            "corpus.jsonl": jsonl(_documents(rows)),
            "systems.yaml": _SYSTEMS,
        },
    )


def _case(row: _Question) -> dict[str, Any]:
    case: dict[str, Any] = {"id": str(row.id), "query": row.question}
    if row.answerable:
        case["reference"] = [answer.text for answer in row.answers]
        case["relevant"] = {row.passage_id: 1}
        case["tags"] = ["answerable"]
    else:
        case |= {"relevant": {}, "expected": "refuse", "tags": ["unanswerable"]}
    return case


def _documents(rows: Iterable[_Question]) -> Iterator[dict[str, Any]]:
    for row in {row.passage_id: row for row in rows}.values():
        yield {"_id": row.passage_id, "title": row.title, "text": row.passage}


_SUITE = """\
format: 1
name: clapnq
description: ClapNQ's development questions over their own passages.
licence: Apache-2.0 (questions and answers), CC BY-SA 3.0 (Wikipedia passages)
k: 5
"""
_SYSTEMS = """\
systems:
  - {name: prompt, approach: prompt, adapter: local, kind: prompt}
  - {name: rag, approach: rag, adapter: local, kind: rag}
  - {name: hybrid, approach: hybrid, adapter: local, kind: hybrid}
"""
