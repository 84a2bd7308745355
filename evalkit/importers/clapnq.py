"""ClapNQ as a suite: real questions with human gold passages and answers, a part of them unanswerable."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from evalkit.errors import InvalidInput
from evalkit.strict import Row, read_jsonl

NEEDED = ("id", "question", "answerable", "passage_id", "title", "passage", "answers")


def import_clapnq(source: Path, folder: Path) -> list[Path]:
    """Write a suite from ClapNQ's ``qa.jsonl`` (or the folder that holds it); the files written.

    Every passage becomes a document, those of unanswerable questions too: they are near misses. Answerable
    questions want the human answers; unanswerable ones want a refusal, with nothing relevant.
    """
    file = source / "qa.jsonl" if source.is_dir() else source
    rows = list(read_jsonl(file))
    for row in rows:
        lacking = [name for name in NEEDED if name not in row.value]
        if lacking:
            raise InvalidInput("is missing", file=file, line=row.line, field=lacking[0])
    folder.mkdir(parents=True, exist_ok=True)
    texts = {
        "suite.yaml": _SUITE,
        "cases.jsonl": _jsonl(_case(row) for row in rows),
        "corpus.jsonl": _jsonl(_documents(rows)),
        "systems.yaml": _SYSTEMS,
    }
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    return [folder / name for name in texts]


def _case(row: Row) -> dict[str, Any]:
    value = row.value
    case: dict[str, Any] = {"id": str(value["id"]), "query": value["question"]}
    if value["answerable"]:
        case["reference"] = [answer["text"] for answer in value["answers"]]
        case["relevant"] = {value["passage_id"]: 1}
        case["tags"] = ["answerable"]
    else:
        case |= {"relevant": {}, "expected": "refuse", "tags": ["unanswerable"]}
    return case


def _documents(rows: list[Row]) -> Iterator[dict[str, Any]]:
    seen: set[str] = set()
    for row in rows:
        value = row.value
        if value["passage_id"] not in seen:
            seen.add(value["passage_id"])
            yield {"_id": value["passage_id"], "title": value["title"], "text": value["passage"]}


def _jsonl(rows: Iterator[Mapping[str, Any]]) -> str:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


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
