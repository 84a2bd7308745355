"""Prompts: a question and its passages become chat messages, and citations are read back."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from evalkit.adapters.calling import plain
from evalkit.adapters.placeholders import fill_text
from evalkit.records import JsonObject, Passage, Question

PLACEHOLDERS = ("query", "context", "instructions", "inputs")
PLAIN = "{query}"
GROUNDED = (
    "Answer the question from the passages below and from nothing else. After each statement cite the "
    "passage it comes from by its document id in square brackets. If the passages do not hold the "
    "answer, say that you cannot answer it from them.\n\nPassages:\n{context}\n\nQuestion: {query}"
)
SCHEMA_REQUEST = (
    "Reply with one JSON value and nothing else. It must be valid under this JSON Schema:\n"
)
_BRACKETS = re.compile(r"[\[【［]([^\[\]【】［］\n]{1,400})[\]】］]")
_SEPARATOR = re.compile(r"\s*[,;、，；]\s*")

ChatMessage = dict[str, str]


@dataclass(frozen=True, slots=True)
class Prompt:
    """The text of the last user turn and, if there is one, of the system turn, with placeholders."""

    template: str
    system: str | None = None

    def messages(
        self,
        question: Question,
        passages: Sequence[Passage] | None,
        schema: JsonObject | None = None,
    ) -> list[ChatMessage]:
        """The chat turns: system, earlier turns of the conversation, then the filled template.

        Passages that the template has no place for come before it; instructions and a schema that it has
        no place for go to the system turn.
        """
        context = "" if passages is None else render_context(passages)
        instructions = question.instructions or ""
        values = {
            "query": question.query,
            "context": context,
            "instructions": instructions,
            "inputs": plain(question.inputs),
        }
        user = fill_text(self.template, values)
        if context and not self._has("context"):
            user = f"{context}\n\n{user}"
        parts = [fill_text(self.system, values)] if self.system else []
        if instructions and not self._has("instructions"):
            parts.append(instructions)
        if schema is not None:
            parts.append(SCHEMA_REQUEST + json.dumps(plain(schema), ensure_ascii=False))
        first = [{"role": "system", "content": "\n\n".join(parts)}] if parts else []
        return [*first, *_earlier(question), {"role": "user", "content": user}]

    def _has(self, name: str) -> bool:
        return f"{{{name}}}" in self.template + (self.system or "")


def _earlier(question: Question) -> Iterator[ChatMessage]:
    turns = question.messages or ()
    if turns and turns[-1].role == "user":
        turns = turns[:-1]
    for turn in turns:
        yield {"role": turn.role, "content": turn.content}


def render_context(passages: Sequence[Passage]) -> str:
    """Numbered passages, each headed by its document id in the brackets it is to be cited with."""
    return "\n\n".join(_rendered(n, passage) for n, passage in enumerate(passages, start=1))


def _rendered(n: int, passage: Passage) -> str:
    title = f" {passage.title}" if passage.title else ""
    return f"{n}. [{passage.doc_id}]{title}\n{passage.text}"


def fit_budget(passages: Sequence[Passage], budget: int | None) -> tuple[Passage, ...]:
    """The passages whose texts fit ``budget`` characters, the last one cut; ``None`` is no bound."""
    if budget is None:
        return tuple(passages)
    kept: list[Passage] = []
    for passage in passages:
        if budget <= 0:
            break
        kept.append(dataclasses.replace(passage, text=passage.text[:budget]))
        budget -= len(passage.text)
    return tuple(kept)


def read_citations(
    response: str, context: Sequence[Passage], corpus: Mapping[str, Any]
) -> tuple[str, ...]:
    """Document ids that the response cites as ``[id]`` or by a passage's number, in order of mention.

    An id of the corpus that was not in the context counts too: it is a citation, and a wrong one. Other
    bracketed text is no citation.
    """
    ids = [passage.doc_id for passage in context]
    cited: list[str] = []
    for inside in _BRACKETS.findall(response):
        whole = inside.strip()
        parts = [whole] if whole in ids else _SEPARATOR.split(whole)
        cited += [doc for doc in (_cited(part.strip(), ids, corpus) for part in parts) if doc]
    bracketed = [doc for doc in ids if _BRACKETS.search(doc) and f"[{doc}]" in response]
    return tuple(dict.fromkeys(cited + bracketed))


def _cited(part: str, ids: Sequence[str], corpus: Mapping[str, Any]) -> str | None:
    if part in ids:
        return part
    if part.isdecimal() and len(part) <= 4 and 1 <= int(part) <= len(ids):
        return ids[int(part) - 1]
    return part if part in corpus else None
