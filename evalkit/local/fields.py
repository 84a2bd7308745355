"""A JSON answer to a question in prose: named fields, their values read off the best sentences."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from evalkit.local.reader import Reader
from evalkit.local.request import Request, Written
from evalkit.local.units import read_amount
from evalkit.records import JsonObject, Passage

_ASKS_JSON = re.compile(r"\bjson\b", re.IGNORECASE)
_LIST = re.compile(
    r"(?:fields?|keys?|holding|json)\b[^:.?]*?:?\s((?:[a-z][a-z0-9_]*(?:\s*\([^)]*\))?(?:,\s*(?:and\s+)?|\s+and\s+)?)+)"
)
_NAME = re.compile(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)*")
_HINT = re.compile(r"\([^)]*\)")
_NUMBER = re.compile(r"(?<![\w.])\d[\d.,]*\d|(?<![\w.])\d")
_CODE = re.compile(r"\b[A-Z]{2,}(?:-?\d+)?\b")
_NO_NAMES = frozenset({"with", "the", "and", "as", "json", "fields", "field", "keys", "of", "in"})


class Recall(Protocol):
    """What a system without passages falls back on."""

    def __call__(self, query: str) -> Sequence[Passage]:
        """Passages it remembers for a question."""
        ...


def asked_fields(query: str, schema: JsonObject | None) -> dict[str, str]:
    """Field name -> the kind of value wanted (``number``, ``boolean``, ``text`` or empty).

    From the schema where one is handed over, else from the names the question lists.
    """
    if schema is not None:
        return {name: _kind(part) for name, part in (schema.get("properties") or {}).items()}
    if not _ASKS_JSON.search(query):
        return {}
    listed = max((m.group(1) for m in _LIST.finditer(query)), key=len, default="")
    hints = {m.group(1): m.group(2) for m in re.finditer(r"([a-z]\w*)\s*\(([^)]*)\)", listed)}
    names = [n for n in _NAME.findall(_HINT.sub(" ", listed)) if n not in _NO_NAMES]
    return {name: _hinted(hints.get(name, "")) for name in dict.fromkeys(names)}


def _kind(part: Mapping[str, Any]) -> str:
    kinds = part.get("type", "")
    kinds = kinds if isinstance(kinds, list) else [kinds]
    if {"number", "integer"} & set(kinds):
        return "number"
    return "boolean" if "boolean" in kinds else "text" if "string" in kinds else ""


def _hinted(hint: str) -> str:
    if "number" in hint or "integer" in hint:
        return "number"
    return "boolean" if "true" in hint or "bool" in hint else ""


@dataclass(frozen=True, slots=True)
class FieldSkill:
    """Answers questions that ask for JSON with named fields.

    ``tidy`` writes bare JSON of the right types, as a trained system does; without it the answer is
    wrapped in prose or a code fence now and then, unless a schema is enforced.
    """

    reader: Reader
    tidy: bool
    cites: bool
    recall: Recall | None = None

    def attempt(
        self, request: Request, passages: Sequence[Passage], chance: random.Random
    ) -> Written | None:
        """The object, or ``None`` where the question names no fields."""
        wanted = asked_fields(request.query, request.schema)
        if not wanted:
            return None
        known = passages or (self.recall(request.query) if self.recall else ())
        found: dict[str, Any] = {}
        used: list[str] = []
        for name, kind in wanted.items():
            found[name], doc_id = self._value(request.query, name, kind, known)
            used += [doc_id] if doc_id else []
        strict = self.tidy or request.schema is not None
        text = json.dumps(found, ensure_ascii=False)
        cited = tuple(dict.fromkeys(used)) if self.cites else None
        return Written(text if strict else wrapped(text, chance), cited)

    def _value(
        self, query: str, name: str, kind: str, known: Sequence[Passage]
    ) -> tuple[Any, str | None]:
        words = name.replace("_", " ")
        candidates = self.reader.candidates(f"{words} {_LIST.sub('', query)}", known)
        for candidate in sorted(
            candidates[:8], key=lambda c: -c.score - self.reader.share(words, c.text)
        ):
            value = value_near(candidate.text, words, kind)
            if value is not None:
                return value, candidate.doc_id
        return (0 if kind == "number" else False if kind == "boolean" else ""), None


def value_near(sentence: str, words: str, kind: str) -> Any:
    """The value of a field in a sentence: the number nearest to a word of its name, else a name.

    ``None`` where the sentence holds nothing of the kind.
    """
    if kind == "boolean":
        return not re.search(r"\b(?:not?|never|cannot|without|nicht|kein\w*|không)\b", sentence)
    numbers = list(_NUMBER.finditer(sentence))
    if numbers and kind != "text":
        at = _mention(sentence, words)
        nearest = min(numbers, key=lambda m: abs(m.start() - at))
        value = read_amount(nearest.group())
        return None if value is None else int(value) if value == int(value) else value
    if kind == "number":
        return None
    code = _CODE.search(sentence)
    tail = sentence.partition(":")[2].strip(" .")
    return code.group() if code else tail or None


def _mention(sentence: str, words: str) -> int:
    lower = sentence.casefold()
    places = [lower.find(word[:5]) for word in words.split()]
    return max([place for place in places if place >= 0], default=0)


def wrapped(text: str, chance: random.Random) -> str:
    """JSON as an untrained model hands it over: bare, fenced, or with a sentence before it."""
    way = chance.random()
    if way < 0.5:
        return text
    return (
        f"```json\n{text}\n```" if way < 0.75 else f"Here is the information you asked for: {text}"
    )
