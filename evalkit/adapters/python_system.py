"""A Python object as a ``System``: its methods called, timed and their results checked."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Coroutine, Mapping, Sequence
from typing import Any, Protocol

from evalkit import shapes
from evalkit.adapters.answers import read_outcome, usage_in
from evalkit.adapters.calling import Called, Function, Signature, call
from evalkit.adapters.deadlines import Deadline
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


class Callee(Protocol):
    """Where the object's methods are called: in threads of this process, or in one of its own."""

    signatures: Mapping[str, Signature]

    async def call(
        self,
        method: str,
        arguments: Sequence[Any],
        question: Question | None,
        seconds: float | None,
    ) -> Called:
        """What the method gave within so many seconds of its own; ``None`` is no limit."""
        ...

    async def aclose(self) -> None:
        """Let everything go; a second call does nothing."""
        ...


class InProcess:
    """Calls methods in this process: coroutines on the running loop, all else in threads."""

    def __init__(
        self, functions: Mapping[str, Function], threads: int, owned: object = None
    ) -> None:
        self.signatures: Mapping[str, Signature] = {
            name: function.signature for name, function in functions.items()
        }
        self._functions = functions
        self._pool = DaemonPool(threads)
        self._owned = owned

    def call(
        self,
        method: str,
        arguments: Sequence[Any],
        question: Question | None,
        seconds: float | None,
    ) -> Coroutine[Any, Any, Called]:
        """What the method gave; every exception is a failure."""
        return call(self._functions[method], arguments, question, self._pool, Deadline(seconds))

    @property
    def stuck(self) -> int:
        """How many threads are still in a call that was given up."""
        return self._pool.stuck

    async def aclose(self) -> None:
        """Let the threads go and close the object if we made it."""
        self._pool.shutdown(wait=False)
        owned, self._owned = self._owned, None
        closer = getattr(owned, "aclose", None) or getattr(owned, "close", None)
        if callable(closer):
            closed = closer()
            if inspect.isawaitable(closed):
                await closed


class PythonSystem:
    """A Python object as a ``System``; made by ``wrap`` or ``build``. ``free``: its calls cost nothing."""

    free = False

    def __init__(
        self,
        callee: Callee,
        *,
        name: str,
        approach: Approach,
        fingerprint: str,
        timeout: float | None,
        corpus: Mapping[str, Document],
    ) -> None:
        self.name = name
        self.approach = approach
        self.fingerprint = fingerprint
        self.capabilities = capabilities_of(callee.signatures)
        self._callee = callee
        self._timeout = timeout
        self._corpus = corpus

    async def ask(self, question: Question) -> Outcome:
        """Answer end to end: the object's own ``ask``, else ``retrieve`` then ``generate``.

        A retriever alone gives an ``Outcome`` without a response.
        """
        if "ask" in self._callee.signatures:
            arguments = [question.query]
            called = await self._callee.call("ask", arguments, question, self._timeout)
            return self._outcome("ask", called)
        return await self._compose(question)

    async def retrieve(self, question: Question) -> tuple[Passage, ...]:
        """The ranked passages for a question; raises ``SystemFailed``."""
        found, _ = await self._find(question)
        if isinstance(found, Failure):
            raise SystemFailed(found)
        return found

    async def generate(self, question: Question, passages: Sequence[Passage]) -> Outcome:
        """Answer from the given passages; ``context`` is what the object says it used, else all of them."""
        outcome, _ = await self._generate(question, tuple(passages), self._timeout)
        return outcome

    async def lookup(self, doc_id: str) -> bool:
        """Is the document in the index? Raises ``SystemFailed``."""
        called = await self._callee.call("lookup", [doc_id], None, self._timeout)
        if called.failure is not None:
            raise SystemFailed(called.failure)
        try:
            return read_lookup(called.value)
        except shapes.ShapeError as error:
            raise SystemFailed(Failure("malformed", str(error))) from None

    async def aclose(self) -> None:
        """Let the threads or processes go and close the object if we made it; a second call does nothing."""
        await self._callee.aclose()

    async def _compose(self, question: Question) -> Outcome:
        found, taken = await self._find(question)
        if isinstance(found, Failure):
            return Outcome(error=found, seconds=Seconds(retrieval=taken, total=taken))
        if "generate" not in self._callee.signatures:
            return Outcome(retrieved=found, seconds=Seconds(retrieval=taken, total=taken))
        left = None if self._timeout is None else max(self._timeout - taken, 0.0)
        outcome, more = await self._generate(question, found, left)
        seconds = Seconds(taken, outcome.seconds.generation, taken + more)
        return dataclasses.replace(outcome, retrieved=found, seconds=seconds)

    async def _find(self, question: Question) -> tuple[tuple[Passage, ...] | Failure, float]:
        arguments: list[Any] = [question.query]
        if self._callee.signatures["retrieve"].leading == 2:
            arguments.append(question.k)
        called = await self._callee.call("retrieve", arguments, question, self._timeout)
        if called.failure is not None:
            return called.failure, called.seconds
        try:
            return read_passages(called.value, self._corpus), called.seconds
        except shapes.ShapeError as error:
            return Failure("malformed", str(error)), called.seconds

    async def _generate(
        self, question: Question, passages: tuple[Passage, ...], within: float | None
    ) -> tuple[Outcome, float]:
        """The outcome, and the seconds that it took, whatever the object says of them."""
        arguments = [question.query, list(passages)]
        called = await self._callee.call("generate", arguments, question, within)
        outcome = self._outcome("generate", called)
        taken = outcome.seconds.generation
        seconds = dataclasses.replace(
            outcome.seconds, generation=called.seconds if taken is None else taken
        )
        context = passages if outcome.context is None else outcome.context
        return dataclasses.replace(outcome, context=context, seconds=seconds), called.seconds

    def _outcome(self, method: str, called: Called) -> Outcome:
        if called.failure is not None:
            return Outcome(error=called.failure, seconds=Seconds(total=called.seconds))
        if type(called.value) is str and (text := called.value.strip()) and text.isascii():
            return Outcome(response=called.value, seconds=Seconds(total=called.seconds))
        try:
            outcome = read_answer(called.value, f"{method}()", self._corpus)
        except shapes.ShapeError as error:
            failure = Failure("malformed", str(error))
            outcome = Outcome(error=failure, usage=usage_in(called.value))
        except RecursionError:
            outcome = Outcome(error=too_deep(method))
        if outcome.seconds.total is None:
            given = outcome.seconds
            seconds = Seconds(given.retrieval, given.generation, called.seconds)
            outcome = dataclasses.replace(outcome, seconds=seconds)
        return outcome if self.approach is Approach.RETRIEVER else refuse_empty(outcome)


def read_answer(value: Any, label: str, corpus: Mapping[str, Document]) -> Outcome:
    """What a system returned, as an ``Outcome``; raises ``ShapeError`` naming what is wrong."""
    if isinstance(value, str):
        return Outcome(response=shapes.response(value, "response"))
    if isinstance(value, (Outcome, Mapping)):
        return read_outcome(value, corpus)
    kind = type(value).__name__
    raise shapes.ShapeError(f"returned {kind}, expected a str, a dict or a Trace", label)


def read_passages(value: Any, corpus: Mapping[str, Document]) -> tuple[Passage, ...]:
    """What ``retrieve`` returned; raises ``ShapeError`` naming what is wrong."""
    return shapes.passages(value, "retrieve()", corpus)


def read_lookup(value: Any) -> bool:
    """What ``lookup`` returned; raises ``ShapeError`` unless it is true or false."""
    if isinstance(value, bool):
        return value
    raise shapes.ShapeError(f"lookup returned {type(value).__name__}, expected bool", "")


def too_deep(method: str) -> Failure:
    """The failure of an answer that cannot be read to its end."""
    return Failure("malformed", f"{method}() is nested too deeply")


def refuse_empty(outcome: Outcome) -> Outcome:
    """An answer of nothing but white space is a failure of its own; what there is of it is kept."""
    if outcome.error is not None or outcome.action is not None or (outcome.response or "").strip():
        return outcome
    what = "no response" if outcome.response is None else "an empty response"
    return dataclasses.replace(outcome, error=Failure("empty", f"the system gave {what}"))


def capabilities_of(signatures: Mapping[str, Signature]) -> frozenset[Capability]:
    """What follows from the methods offered and from the parameters they name.

    A catch-all ``**kwargs`` is handed everything but promises nothing.
    """
    found = {_METHODS[method] for method in signatures}
    if {"retrieve", "generate"} <= set(signatures):
        found.add(Capability.ASK)
    for signature in signatures.values():
        found |= {_SWITCHES[n] for n in signature.named if n in _SWITCHES}
    return frozenset(found)
