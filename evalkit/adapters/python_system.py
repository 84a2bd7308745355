"""A Python object as a ``System``: its methods called, timed and their results checked."""

from __future__ import annotations

import asyncio
import dataclasses
import inspect
from collections.abc import Mapping, Sequence
from time import perf_counter
from typing import Any

from evalkit import shapes
from evalkit.adapters.calling import Called, Function, call
from evalkit.adapters.threads import DaemonPool
from evalkit.errors import SystemFailed
from evalkit.records import (
    Approach,
    Capability,
    Document,
    Failure,
    Outcome,
    Passage,
    Question,
    Seconds,
)

_METHODS = {
    "ask": Capability.ASK,
    "retrieve": Capability.RETRIEVE,
    "generate": Capability.GENERATE,
    "lookup": Capability.LOOKUP,
}
_SWITCHES = {
    "schema": Capability.SCHEMA,
    "instructions": Capability.INSTRUCTIONS,
    "budget": Capability.BUDGET,
}


class PythonSystem:
    """A Python object as a ``System``; made by ``wrap`` or ``build``."""

    def __init__(
        self,
        functions: Mapping[str, Function],
        *,
        name: str,
        approach: Approach,
        fingerprint: str,
        threads: int,
        timeout: float | None,
        corpus: Mapping[str, Document],
    ) -> None:
        self.name = name
        self.approach = approach
        self.fingerprint = fingerprint
        self.capabilities = capabilities_of(functions)
        self._functions = functions
        self._pool = DaemonPool(threads)
        self._timeout = timeout
        self._corpus = corpus
        self._owned: object = None

    async def ask(self, question: Question) -> Outcome:
        """Answer end to end: the object's own ``ask``, else ``retrieve`` then ``generate``.

        A retriever alone gives an ``Outcome`` without a response.
        """
        if "ask" in self._functions:
            called = await self._call("ask", [question.query], question, self._deadline())
            return self._outcome("ask", called)
        return await self._compose(question)

    async def retrieve(self, question: Question) -> tuple[Passage, ...]:
        """The ranked passages for a question; raises ``SystemFailed``."""
        found, _ = await self._find(question, self._deadline())
        if isinstance(found, Failure):
            raise SystemFailed(found)
        return found

    async def generate(self, question: Question, passages: Sequence[Passage]) -> Outcome:
        """Answer from the given passages; ``context`` is what the object says it used, else all of them."""
        return await self._generate(question, tuple(passages), self._deadline())

    async def lookup(self, doc_id: str) -> bool:
        """Is the document in the index? Raises ``SystemFailed``."""
        called = await self._call("lookup", [doc_id], None, self._deadline())
        if called.failure is not None:
            raise SystemFailed(called.failure)
        if not isinstance(called.value, bool):
            kind = type(called.value).__name__
            raise SystemFailed(Failure("malformed", f"lookup returned {kind}, expected bool"))
        return called.value

    async def aclose(self) -> None:
        """Let the threads go and close the object if we made it; a second call does nothing."""
        self._pool.shutdown(wait=False)
        owned, self._owned = self._owned, None
        closer = getattr(owned, "aclose", None) or getattr(owned, "close", None)
        if callable(closer):
            closed = closer()
            if inspect.isawaitable(closed):
                await closed

    def own(self, target: object) -> None:
        """Close ``target`` with this system."""
        self._owned = target

    async def _compose(self, question: Question) -> Outcome:
        started, deadline = perf_counter(), self._deadline()
        found, taken = await self._find(question, deadline)
        if isinstance(found, Failure):
            return Outcome(error=found, seconds=Seconds(retrieval=taken, total=taken))
        if "generate" not in self._functions:
            return Outcome(retrieved=found, seconds=Seconds(retrieval=taken, total=taken))
        outcome = await self._generate(question, found, deadline)
        seconds = Seconds(taken, outcome.seconds.generation, perf_counter() - started)
        return dataclasses.replace(outcome, retrieved=found, seconds=seconds)

    async def _find(
        self, question: Question, deadline: float | None
    ) -> tuple[tuple[Passage, ...] | Failure, float]:
        function = self._functions["retrieve"]
        arguments: list[Any] = [question.query]
        if function.leading == 2:
            arguments.append(question.k)
        called = await self._call("retrieve", arguments, question, deadline)
        if called.failure is not None:
            return called.failure, called.seconds
        try:
            return shapes.passages(called.value, "retrieve()", self._corpus), called.seconds
        except shapes.ShapeError as error:
            return Failure("malformed", str(error)), called.seconds

    async def _generate(
        self, question: Question, passages: tuple[Passage, ...], deadline: float | None
    ) -> Outcome:
        arguments = [question.query, list(passages)]
        called = await self._call("generate", arguments, question, deadline)
        outcome = self._outcome("generate", called)
        taken = outcome.seconds.generation
        seconds = dataclasses.replace(
            outcome.seconds, generation=called.seconds if taken is None else taken
        )
        context = passages if outcome.context is None else outcome.context
        return dataclasses.replace(outcome, context=context, seconds=seconds)

    async def _call(
        self,
        method: str,
        arguments: Sequence[Any],
        question: Question | None,
        deadline: float | None,
    ) -> Called:
        return await call(self._functions[method], arguments, question, self._pool, deadline)

    def _deadline(self) -> float | None:
        return None if self._timeout is None else asyncio.get_running_loop().time() + self._timeout

    def _outcome(self, method: str, called: Called) -> Outcome:
        if called.failure is not None:
            return Outcome(error=called.failure, seconds=Seconds(total=called.seconds))
        try:
            outcome = read_answer(called.value, f"{method}()", self._corpus)
        except shapes.ShapeError as error:
            outcome = Outcome(error=Failure("malformed", str(error)))
        except RecursionError:
            outcome = Outcome(error=Failure("malformed", f"{method}() is nested too deeply"))
        if outcome.seconds.total is None:
            seconds = dataclasses.replace(outcome.seconds, total=called.seconds)
            outcome = dataclasses.replace(outcome, seconds=seconds)
        return outcome if self.approach is Approach.RETRIEVER else refuse_empty(outcome)


def read_answer(value: Any, label: str, corpus: Mapping[str, Document]) -> Outcome:
    """What a system returned, as an ``Outcome``; raises ``ShapeError`` naming what is wrong."""
    if isinstance(value, str):
        return Outcome(response=shapes.response(value, "response"))
    if isinstance(value, (Outcome, Mapping)):
        return shapes.outcome(value, corpus)
    kind = type(value).__name__
    raise shapes.ShapeError(f"returned {kind}, expected a str, a dict or a Trace", label)


def refuse_empty(outcome: Outcome) -> Outcome:
    """An answer of nothing but white space is a failure of its own; what there is of it is kept."""
    if outcome.error is not None or outcome.action is not None or (outcome.response or "").strip():
        return outcome
    what = "no response" if outcome.response is None else "an empty response"
    return dataclasses.replace(outcome, error=Failure("empty", f"the system gave {what}"))


def capabilities_of(functions: Mapping[str, Function]) -> frozenset[Capability]:
    """What follows from the methods offered and from the parameters they name.

    A catch-all ``**kwargs`` is handed everything but promises nothing.
    """
    found = {_METHODS[method] for method in functions}
    if {"retrieve", "generate"} <= set(functions):
        found.add(Capability.ASK)
    for function in functions.values():
        found |= {_SWITCHES[n] for n in function.named if n in _SWITCHES}
    return frozenset(found)
