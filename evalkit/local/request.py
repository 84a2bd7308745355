"""What an embedded system is asked: the query and everything that may come with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from evalkit.local.conversation import Turn
from evalkit.records import JsonObject


@dataclass(frozen=True, slots=True)
class Request:
    """One call; ``None`` is not given. ``seed`` is the run's, ``repeat`` counts from 0."""

    query: str
    repeat: int = 0
    seed: int = 0
    messages: Sequence[Turn] | None = None
    inputs: Mapping[str, Any] = field(default_factory=dict)
    schema: JsonObject | None = None
    instructions: str | None = None


@dataclass(frozen=True, slots=True)
class Written:
    """A response and the documents it names; ``cited`` is ``None`` for a system that cites nothing."""

    text: str
    cited: tuple[str, ...] | None = None
    refused: bool = False
