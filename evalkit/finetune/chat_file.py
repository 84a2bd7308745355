"""The chat format of fine-tuning endpoints: one ``{"messages": [...]}`` a line, checked and written."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from evalkit.artefacts import write_text
from evalkit.errors import InvalidInput
from evalkit.records import Message
from evalkit.strict import read_jsonl

ROLES = ("system", "user", "assistant")
# What endpoints allow beside the turns; read over here, since it changes no text.
_BESIDE = frozenset({"messages", "weight", "tools", "parallel_tool_calls", "functions", "metadata"})
_OF_A_TURN = frozenset({"role", "content", "name", "weight"})


def chat_turns(row: Mapping[str, Any], file: Path | None, line: int | None) -> tuple[Message, ...]:
    """The checked turns of one row: text only, a system turn first if any, the assistant's turn last.

    Raises ``InvalidInput`` naming file, line and field.
    """

    def refuse(message: str, field: str, hint: str | None = None) -> InvalidInput:
        return InvalidInput(message, file=file, line=line, field=field, hint=hint)

    unknown = sorted(row.keys() - _BESIDE)
    if unknown:
        raise refuse("unknown field", unknown[0], 'a row is {"messages": [...]}')
    given = row.get("messages")
    if not isinstance(given, list) or not given:
        raise refuse("expected a list of turns", "messages")
    turns = []
    for i, turn in enumerate(given):
        problem = _turn_problem(turn, i)
        if problem:
            raise refuse(problem, f"messages[{i}]")
        turns.append(Message(turn["role"], turn["content"]))
    problem = _order_problem(turns)
    if problem:
        raise refuse(problem, "messages")
    return tuple(turns)


def _turn_problem(turn: Any, place: int) -> str | None:
    if not isinstance(turn, dict) or not {"role", "content"} <= turn.keys():
        return "a turn needs role and content"
    if turn.keys() - _OF_A_TURN:
        return f"a turn has no field {min(turn.keys() - _OF_A_TURN)!r} here"
    if turn["role"] not in ROLES:
        return f"unknown role {turn['role']!r}; known: {', '.join(ROLES)}"
    if not isinstance(turn["content"], str) or not turn["content"].strip():
        return "the content must be text, and not empty"
    if turn["role"] == "system" and place > 0:
        return "a system turn stands first"
    return None


def _order_problem(turns: Sequence[Message]) -> str | None:
    if turns[-1].role != "assistant":
        return "the last turn must be the assistant's: it is what is learned"
    if not any(turn.role == "user" for turn in turns):
        return "there is no user turn"
    return None


def chat_row(turns: Iterable[Message], answer: str) -> dict[str, Any]:
    """A row from the turns before the answer, and the answer; checked as a row read from a file is."""
    messages = [{"role": turn.role, "content": turn.content} for turn in turns]
    row = {"messages": [*messages, {"role": "assistant", "content": answer}]}
    chat_turns(row, None, None)
    return row


def write_jsonl(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    """One JSON object a line, whole or not at all."""
    lines = (json.dumps(row, ensure_ascii=False, allow_nan=False) for row in rows)
    write_text(path, "".join(line + "\n" for line in lines))


def read_chat_file(path: Path) -> list[tuple[Message, ...]]:
    """The turns of every row of a chat file; ``InvalidInput`` names the first row that is none."""
    return [chat_turns(row.value, path, row.line) for row in read_jsonl(path)]
