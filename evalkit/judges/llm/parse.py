"""Reads a model's reply into a verdict, strictly: what is not exactly as asked is refused, never repaired."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from evalkit.errors import InvalidInput
from evalkit.judges.llm.fence import Fence, clean, fold
from evalkit.judges.llm.schema import FINDINGS, STANCES, SUFFICIENCY, Asked
from evalkit.strict import parse_json

LONGEST = 100_000  # characters of a reply
REASON = 400  # characters of a reason that are kept
T = TypeVar("T")
_THOUGHT = re.compile(r"\s*<think>.*?</think>", re.DOTALL)
_CODE = re.compile(r"```(?:json)?[ \t]*\n(.*)\n```", re.DOTALL)


class UnreadableVerdictError(ValueError):
    """The reply is not the object that was asked for."""


@dataclass(frozen=True, slots=True)
class ClaimVerdict:
    """``stance`` is one of ``STANCES``; ``passage`` counts from 0; ``None`` where there is none."""

    stance: str
    passage: int | None
    in_reference: bool | None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the model found; ``None`` for what was not asked. Numbers are in 0..1."""

    reason: str
    claims: tuple[ClaimVerdict, ...] = ()
    correct: float | None = None
    covered: tuple[float, ...] | None = None
    criteria: tuple[tuple[bool, str], ...] | None = None
    style: tuple[bool, ...] | None = None
    context: str | None = None
    refused: float | None = None


def read_verdict(text: str, asked: Asked, fence: Fence) -> tuple[Verdict, Mapping[str, Any]]:
    """The verdict in a reply and the object itself; raises ``UnreadableVerdictError``.

    The whole reply must be the one object; a thought before it and a code block around it are taken off.
    """
    if len(text) > LONGEST:
        raise UnreadableVerdictError(f"the judge's output has {len(text)} characters")
    if fence.code in fold(text):
        raise UnreadableVerdictError("judge output repeats the secret mark of the blocks")
    bare = _THOUGHT.sub("", text, count=1).strip() if _THOUGHT.match(text) else text.strip()
    packed = _CODE.fullmatch(bare)
    try:
        value = parse_json(packed[1] if packed else bare)
    except InvalidInput as error:
        raise UnreadableVerdictError(f"judge output {error.message[:160]}") from None
    given = _object(value, "judge output", ("canary", "reason", *asked.parts()))
    if given["canary"] != fence.canary:
        raise UnreadableVerdictError("judge output does not carry the canary")
    return verdict_of(given, asked), given


def verdict_of(given: Mapping[str, Any], asked: Asked) -> Verdict:
    """The verdict that an object with the right fields holds; raises ``UnreadableVerdictError``."""
    _object(given, "verdict", ("canary", "reason", *asked.parts()))
    if not isinstance(given["reason"], str):
        raise UnreadableVerdictError("reason is not a text")
    read: dict[str, Callable[[Any], Any]] = {
        "claims": lambda part: _entries(part, "claims", asked.claims, _claim(asked)),
        "correct": lambda part: _share(part, "correct"),
        "key_points": lambda part: _entries(part, "key_points", asked.key_points, _covered),
        "criteria": lambda part: _entries(part, "criteria", asked.criteria, _criterion),
        "style": lambda part: _entries(part, "style", asked.style, _kept),
        "context": lambda part: _word(part, "context", SUFFICIENCY),
        "refused": lambda part: _share(part, "refused"),
    }
    found = {name: read[name](given[name]) for name in asked.parts()}
    if "key_points" in found:
        found["covered"] = found.pop("key_points")
    return Verdict(reason=" ".join(clean(given["reason"]).text.split())[:REASON], **found)


def _object(value: Any, what: str, fields: tuple[str, ...]) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise UnreadableVerdictError(f"{what} is no JSON object")
    missing = [name for name in fields if name not in value]
    extra = [str(name)[:40] for name in value if name not in fields]
    if missing or extra:
        told = [f"lacks {', '.join(missing)}"] * bool(missing)
        told += [f"has unknown fields ({', '.join(extra[:5])})"] * bool(extra)
        raise UnreadableVerdictError(f"{what} {' and '.join(told)}")
    return value


def _entries(
    value: Any, name: str, count: int, read: Callable[[Mapping[str, Any], str], T]
) -> tuple[T, ...]:
    if not isinstance(value, list):
        raise UnreadableVerdictError(f"{name} is no list")
    if len(value) != count:
        raise UnreadableVerdictError(f"{name} has {len(value)} entries, not {count}")
    found = []
    for number, entry in enumerate(value, start=1):
        where = f"{name}[{number}]"
        if not isinstance(entry, Mapping) or not _is_whole(entry.get("n")) or entry["n"] != number:
            raise UnreadableVerdictError(f"{where} does not have the number {number}")
        found.append(read(entry, where))
    return tuple(found)


def _claim(asked: Asked) -> Callable[[Mapping[str, Any], str], ClaimVerdict]:
    def read(entry: Mapping[str, Any], where: str) -> ClaimVerdict:
        _object(entry, where, ("n", "verdict", "passage", "in_reference"))
        stance = _word(entry["verdict"], f"{where}.verdict", STANCES)
        passage, known = entry["passage"], entry["in_reference"]
        if passage is not None and not (_is_whole(passage) and 1 <= passage <= asked.passages):
            raise UnreadableVerdictError(f"{where}.passage is out of range")
        if passage is None and stance != "absent":
            raise UnreadableVerdictError(f"{where} is {stance} by no passage")
        if known is not None and not isinstance(known, bool):
            raise UnreadableVerdictError(f"{where}.in_reference is neither true, false nor null")
        if known is None and asked.references:
            raise UnreadableVerdictError(f"{where}.in_reference is not decided")
        number = passage - 1 if passage is not None and stance != "absent" else None
        return ClaimVerdict(stance, number, known if asked.references else None)

    return read


def _covered(entry: Mapping[str, Any], where: str) -> float:
    return _share(_object(entry, where, ("n", "covered"))["covered"], f"{where}.covered")


def _criterion(entry: Mapping[str, Any], where: str) -> tuple[bool, str]:
    _object(entry, where, ("n", "addressed", "finding"))
    finding = _word(entry["finding"], f"{where}.finding", FINDINGS)
    return _truth(entry["addressed"], f"{where}.addressed"), finding


def _kept(entry: Mapping[str, Any], where: str) -> bool:
    return _truth(_object(entry, where, ("n", "kept"))["kept"], f"{where}.kept")


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _share(value: Any, where: str) -> float:
    """A number in 0..1; a bool is none, and JSON as we read it has no NaN."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= 1:
        raise UnreadableVerdictError(f"{where} is no number from 0 to 1")
    return float(value)


def _truth(value: Any, where: str) -> bool:
    if not isinstance(value, bool):
        raise UnreadableVerdictError(f"{where} is neither true nor false")
    return value


def _word(value: Any, where: str, words: tuple[str, ...]) -> str:
    if not isinstance(value, str) or value not in words:
        raise UnreadableVerdictError(f"{where} is not one of {', '.join(words)}")
    return value
