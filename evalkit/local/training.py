"""Reading train.jsonl: queries with the answers a fine-tuned model is trained on."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evalkit.errors import InvalidInput


@dataclass(frozen=True, slots=True)
class Example:
    """One training example: a text answer or an object, never both ``None``."""

    query: str
    text: str | None
    fields: Mapping[str, Any] | None


def read_examples(path: Path | None) -> tuple[Example, ...]:
    """The examples of a train file in order; none without a file. Lines without a reference are skipped."""
    if path is None:
        return ()
    found: list[Example] = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if line.strip():
            example = _example(_row(line, path, number))
            found.extend([example] if example else [])
    return tuple(found)


def _row(line: str, path: Path, number: int) -> Mapping[str, Any]:
    try:
        row = json.loads(line)
    except json.JSONDecodeError as error:
        raise InvalidInput(f"is not JSON: {error.msg}", file=path, line=number) from None
    if not isinstance(row, dict):
        raise InvalidInput("wanted an object", file=path, line=number)
    return row


def _example(row: Mapping[str, Any]) -> Example | None:
    query = row.get("query") or _last_turn(row.get("messages") or ())
    reference = row.get("reference")
    if isinstance(reference, list):
        reference = reference[0] if reference else None
    if not query or reference is None:
        return None
    fields = reference if isinstance(reference, dict) else None
    return Example(query, None if fields is not None else str(reference), fields)


def _last_turn(messages: Sequence[Mapping[str, str]]) -> str:
    return messages[-1]["content"] if messages else ""
