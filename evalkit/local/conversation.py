"""Completing a follow-up question from the turns before it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from evalkit.records import Message

Turn = Message | Mapping[str, str]

EARLIER_TURNS = 2


def turns(messages: Sequence[Turn] | None, role: str) -> list[str]:
    """What ``role`` said, in order; a turn is a ``Message`` or a dict with its fields."""
    pairs = (
        (turn.role, turn.content) if isinstance(turn, Message) else (turn["role"], turn["content"])
        for turn in messages or ()
    )
    return [content for speaker, content in pairs if speaker == role]


def with_history(query: str, messages: Sequence[Turn] | None) -> str:
    """``query`` preceded by the user's last earlier turns; ``query`` itself without any."""
    earlier = [text for text in turns(messages, "user") if text != query][-EARLIER_TURNS:]
    return " ".join([*earlier, query])
