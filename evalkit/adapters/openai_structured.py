"""Structured output: asks for JSON in the strictest way that the endpoint accepts, and remembers which."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from evalkit.adapters.calling import plain
from evalkit.adapters.retry import Tried
from evalkit.records import JsonObject

MODES = ("json_schema", "json_object", "prompt")
NOT_ACCEPTED = frozenset(
    {400, 415, 422, 500, 501}
)  # some servers answer 500 to a format they do not know
NAME = "answer"

Post = Callable[[str, frozenset[int]], Awaitable[Tried[Any]]]


class Negotiation:
    """Steps down from ``json_schema`` to ``json_object`` to the prompt until the endpoint accepts one.

    The mode that first works is kept for the system's other questions.
    """

    def __init__(self) -> None:
        self.settled: str | None = None

    async def post(self, post: Post) -> tuple[Tried[Any], str]:
        """Await ``post(mode, refusals)``; returns what came of it and the mode that was used."""
        for mode in MODES[MODES.index(self.settled or MODES[0]) :]:
            tried = await self._try(post, mode)
            if tried.failure is None:
                self.settled = self.settled or mode
            if tried.status not in NOT_ACCEPTED or mode == MODES[-1]:
                break
        return tried, mode

    async def _try(self, post: Post, mode: str) -> Tried[Any]:
        if mode in (self.settled, MODES[-1]):
            return await post(mode, frozenset())
        tried = await post(mode, NOT_ACCEPTED)
        if tried.status == 500:  # refused for good, or just a hiccup: a second try tells
            tried = await post(mode, NOT_ACCEPTED)
        return tried


@dataclass(frozen=True, slots=True)
class Shape:
    """How one API spells a response format."""

    wrapped: bool  # Chat Completions nests the schema under a key of its own

    def fields(self, mode: str, schema: JsonObject) -> dict[str, Any]:
        """The request fields that ask for ``mode``; none for ``prompt``."""
        asked = response_format(mode, schema, wrapped=self.wrapped)
        if asked is None:
            return {}
        return {"response_format": asked} if self.wrapped else {"text": {"format": asked}}


def response_format(mode: str, schema: JsonObject, *, wrapped: bool) -> dict[str, Any] | None:
    """The value that asks for ``mode``; ``json_object`` carries the schema for servers that can bind to it."""
    copied = plain(schema)
    if mode == "json_schema":
        named = {"name": NAME, "schema": copied, "strict": is_strict(schema)}
        return {"type": mode, mode: named} if wrapped else {"type": mode, **named}
    if mode == "json_object":
        return {"type": mode, "schema": copied} if wrapped else {"type": mode}
    return None


def is_strict(schema: Any) -> bool:
    """Whether every object in the schema is closed and requires all its properties, as strict mode asks."""
    if isinstance(schema, (list, tuple)):
        return all(is_strict(item) for item in schema)
    if not isinstance(schema, Mapping):
        return True
    if schema.get("type") == "object" or isinstance(schema.get("properties"), Mapping):
        properties = schema.get("properties")
        if not isinstance(properties, Mapping) or schema.get("additionalProperties") is not False:
            return False
        if set(properties) != set(schema.get("required", ())):
            return False
    return all(is_strict(value) for value in schema.values())
