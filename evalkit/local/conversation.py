"""Completing a follow-up question from the turns before it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from evalkit.records import Message
from evalkit.text.tokens import content_stems

Turn = Message | Mapping[str, str]

EARLIER_TURNS = 2
LEAST_WORDS = 2  # content words of a part worth asking on its own
_PART = re.compile(r"[?;:]\s*|,\s+|\s+(?:and|und|et|y|và)\s+|[、。？]")


def turns(messages: Sequence[Turn] | None, role: str) -> list[str]:
    """What ``role`` said, in order; a turn is a ``Message`` or a dict with its fields."""
    pairs = (
        (turn.role, turn.content) if isinstance(turn, Message) else (turn["role"], turn["content"])
        for turn in messages or ()
    )
    return [content for speaker, content in pairs if speaker == role]


def question_parts(query: str) -> list[str]:
    """The parts of a question that asks several things; empty for one that asks one thing."""
    parts = [part.strip() for part in _PART.split(query)]
    kept = [part for part in parts if len(content_stems(part)) >= LEAST_WORDS]
    return kept if len(kept) > 1 else []


def with_history(query: str, messages: Sequence[Turn] | None) -> str:
    """``query`` preceded by the user's last earlier turns; ``query`` itself without any."""
    earlier = [text for text in turns(messages, "user") if text != query][-EARLIER_TURNS:]
    return " ".join([*earlier, query])
