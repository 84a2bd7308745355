"""What is asked of the model in one call, and the JSON Schema of the reply."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

STANCES = ("supported", "contradicted", "absent")
FINDINGS = ("met", "unmet", "n/a", "none")
SUFFICIENCY = ("sufficient", "partial", "insufficient")


@dataclass(frozen=True, slots=True)
class Asked:
    """How many entries each part of the verdict must have; 0 and False where the part is not asked for."""

    claims: int = 0
    passages: int = 0
    references: int = 0
    key_points: int = 0
    criteria: int = 0
    style: int = 0
    answer: bool = True  # whether the parts about the answer as a whole are asked for

    def parts(self) -> tuple[str, ...]:
        """The prompts that are needed, which are the fields of the verdict, in order."""
        wanted = {
            "claims": self.claims > 0,
            "correct": self.answer and self.references > 0,
            "key_points": self.answer and self.key_points > 0,
            "criteria": self.answer and self.criteria > 0,
            "style": self.answer and self.style > 0,
            "context": self.answer and self.passages > 0,
            "refused": self.answer,
        }
        return tuple(name for name, asked in wanted.items() if asked)


def _entries(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": _closed({"n": {"type": "integer"}, **fields})}


def _closed(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": dict(fields),
        "required": list(fields),
        "additionalProperties": False,
    }


def _word(words: Sequence[str]) -> dict[str, Any]:
    return {"type": "string", "enum": list(words)}


_FIELDS: Mapping[str, Any] = {
    "claims": _entries(
        {
            "verdict": _word(STANCES),
            "passage": {"type": ["integer", "null"]},
            "in_reference": {"type": ["boolean", "null"]},
        }
    ),
    "correct": {"type": "number"},
    "key_points": _entries({"covered": {"type": "number"}}),
    "criteria": _entries({"addressed": {"type": "boolean"}, "finding": _word(FINDINGS)}),
    "style": _entries({"kept": {"type": "boolean"}}),
    "context": _word(SUFFICIENCY),
    "refused": {"type": "number"},
}


@cache
def schema(parts: tuple[str, ...]) -> Mapping[str, Any]:
    """The schema of a verdict with these parts.

    It depends on nothing else, so that endpoints can keep what they make of it. The counts of entries and the
    ranges of numbers are not in it, for strict modes do not know them all: ``parse`` checks them.
    """
    text = {"type": "string"}
    return _closed({"canary": text, "reason": text, **{name: _FIELDS[name] for name in parts}})
