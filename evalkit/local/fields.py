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
from evalkit.text.tokens import stem, tokens

_ASKS_JSON = re.compile(r"\bjson\b", re.IGNORECASE)
_NAME = r"[a-z][a-z0-9]*(?:_[a-z0-9]+)*"
_LIST = re.compile(rf"(?<!\w){_NAME}(?:(?:,\s+(?:and\s+)?|\s+and\s+){_NAME}(?!\w))*")
_NAMES = re.compile(rf"(?<!\w){_NAME}(?!\w)")
_TRIGGER = re.compile(
    r"(?:fields?|keys?|with|give|json|:|;|plus)\s*(?:please)?:?\s*(?:the fields)?\s*$",
    re.IGNORECASE,
)
_HINT = re.compile(r"\s*\(([^)]*)\)")
_NUMBER = re.compile(r"(?<![\w.])\d[\d.,]*\d|(?<![\w.])\d")
_NEGATED = re.compile(
    r"\b(?:not?|never|cannot|without|nicht|kein\w*|không)\b|ない|ません", re.IGNORECASE
)
_EMPTY = {"number": 0, "boolean": False}
SENTENCES = 10  # looked through for one value
_CODE = re.compile(r"\b[A-Z]{2,}(?:-?\d+)?\b")


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
    hints = {m.group(1): m.group(2) for m in re.finditer(r"([a-z]\w*)\s*\(([^)]*)\)", query)}
    names = listed_names(query)
    return {name: _hinted(hints.get(name, "")) for name in names}


def listed_names(query: str) -> list[str]:
    """The names a question lists: the list with most names in snake case, best after "fields" or a colon."""
    plain = _HINT.sub("", query)
    best, names = 0, list[str]()
    for found in _LIST.finditer(plain):
        listed = [n for n in _NAMES.findall(found.group()) if n != "and"]
        triggered = bool(_TRIGGER.search(plain[: found.start()]))
        weight = 3 * sum("_" in name for name in listed) + 2 * triggered + len(listed)
        if len(listed) + sum("_" in name for name in listed) > 1 and weight > best:
            best, names = weight, listed
    return list(dict.fromkeys(names))


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
        """The best value among the best sentences, and the document it stands in."""
        words = name.replace("_", " ")
        best: tuple[float, Any, str | None] = (-1.0, _EMPTY.get(kind, ""), None)
        for candidate in self.reader.candidates(f"{words} {query}", known)[:SENTENCES]:
            fit = candidate.score + self.reader.share(words, candidate.text)
            for value, bonus in values_in(candidate.text, words, kind):
                if fit + bonus > best[0]:
                    best = (fit + bonus, value, candidate.doc_id)
        return best[1], best[2]


def values_in(sentence: str, words: str, kind: str) -> list[tuple[Any, float]]:
    """The values of a kind that a sentence holds, each with how near it stands to the field's words."""
    if kind == "boolean":
        return [(not _NEGATED.search(sentence), 0.0)]
    found: list[tuple[Any, float]] = []
    if kind != "text":
        found = [
            (int(value) if value == int(value) else value, _nearness(sentence, match, words))
            for match in _NUMBER.finditer(sentence)
            if (value := read_amount(match.group())) is not None
        ]
    if kind != "number":
        found += [(code.group(), -0.1) for code in _CODE.finditer(sentence)]
    return found


def _nearness(sentence: str, number: re.Match[str], words: str) -> float:
    """Up to 0.8: the field's words just after the number count most, those just before it less."""
    stems = {stem(word) for word in words.split()}
    after = {stem(word) for word in tokens(sentence[number.end() : number.end() + 24])[:2]}
    before = {stem(word) for word in tokens(sentence[: number.start()])[-4:]}
    return 0.5 * bool(stems & after) + 0.3 * bool(stems & before)


def wrapped(text: str, chance: random.Random) -> str:
    """JSON as an untrained model hands it over: bare, fenced, or with a sentence before it."""
    way = chance.random()
    if way < 0.5:
        return text
    return (
        f"```json\n{text}\n```" if way < 0.75 else f"Here is the information you asked for: {text}"
    )
