"""Any OpenAI-compatible endpoint, with or without a retriever of ours in front of it."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Sequence
from time import perf_counter
from typing import TYPE_CHECKING, Any

from evalkit.adapters.endpoint import Endpoint, keyed_endpoint
from evalkit.adapters.openai_options import Settings, read_settings
from evalkit.adapters.openai_prompt import fit_budget, read_citations
from evalkit.adapters.openai_replies import read_body, read_chat, read_responses
from evalkit.adapters.openai_sdk import SdkTransport
from evalkit.adapters.openai_structured import Negotiation, Shape
from evalkit.adapters.options import digest
from evalkit.adapters.retry import Tried
from evalkit.adapters.secrets import key_from_environment
from evalkit.adapters.transport import Transport
from evalkit.records import (
    Approach,
    Capability,
    JsonObject,
    Outcome,
    Passage,
    Question,
    Seconds,
    Suite,
    System,
    SystemSpec,
)

if TYPE_CHECKING:
    from pathlib import Path

    from evalkit.retrievers import Retriever

PRICE = "give it price: {prompt_per_million: X, completion_per_million: Y} in the systems file"
PATHS = {"chat": "/chat/completions", "responses": "/responses"}


class OpenAISystem:
    """A model behind an OpenAI-compatible endpoint as a ``System``.

    ``retriever`` is ``None`` for a system that answers from the prompt alone; it can be forced with
    passages all the same, which shows what retrieval would bring. ``unpriced`` says how to tell what its calls cost;
    ``None`` where that is told.
    """

    def __init__(
        self,
        name: str,
        approach: Approach,
        settings: Settings,
        endpoint: Endpoint,
        retriever: Retriever | None,
        suite: Suite,
    ) -> None:
        self.name = name
        self.approach = approach
        self.fingerprint = settings.fingerprint()
        # A model folder may change under its name.
        if retriever is not None and retriever.fingerprint:
            self.fingerprint = digest(self.fingerprint, retriever.fingerprint)
        self.capabilities = _capabilities(settings, retriever)
        self._settings = settings
        self._endpoint = endpoint
        self._retriever = retriever
        self._k = suite.k
        self._corpus = suite.corpus
        self._schema = shared_schema(suite) if settings.structured == "auto" else None
        self._negotiation = Negotiation()
        self.unpriced = None if settings.price is not None else PRICE

    async def ask(self, question: Question) -> Outcome:
        """Answer, from what the retriever finds where there is one."""
        if self._retriever is None:
            return await self._answer(question, None)
        started = perf_counter()
        found = await self.retrieve(question)
        taken = perf_counter() - started
        outcome = await self._answer(question, found)
        answering = outcome.seconds.generation or 0.0
        seconds = Seconds(taken, answering, taken + answering)
        return dataclasses.replace(outcome, retrieved=found, seconds=seconds)

    async def retrieve(self, question: Question) -> tuple[Passage, ...]:
        """The ranked passages: as many as the system is set to use, or more when more are asked for."""
        if self._retriever is None:
            raise NotImplementedError
        k = self._settings.k or self._k
        depth = k if question.k <= self._k else max(question.k, k)
        find = self._retriever.retrieve
        return tuple(await asyncio.to_thread(find, question.query, depth, question.principal))

    async def generate(self, question: Question, passages: Sequence[Passage]) -> Outcome:
        """Answer with the given passages in the prompt's place for context."""
        return await self._answer(question, tuple(passages))

    async def lookup(self, doc_id: str) -> bool:
        """Whether the document is in the retriever's index."""
        if self._retriever is None:
            raise NotImplementedError
        return self._retriever.lookup(doc_id)

    async def aclose(self) -> None:
        """Close the connections; a second call does nothing."""
        await self._endpoint.transport.aclose()
        if self._retriever is not None:
            self._retriever.close()

    async def _answer(self, question: Question, passages: tuple[Passage, ...] | None) -> Outcome:
        settings = self._settings
        context = passages
        if passages is not None:
            context = fit_budget(passages, question.budget or settings.budget)
        tried, mode = await self._post(question, context)
        outcome = self._read(tried)
        meta = {**outcome.meta, **tried.meta()}
        if mode is not None:
            meta["structured"] = mode
        return Outcome(
            response=outcome.response,
            context=context,
            citations=self._citations(outcome, context),
            action=outcome.action,
            error=outcome.error,
            seconds=Seconds(None, tried.seconds, tried.seconds),
            usage=outcome.usage,
            meta=meta,
        )

    async def _post(
        self, question: Question, context: tuple[Passage, ...] | None
    ) -> tuple[Tried[Any], str | None]:
        deadline = self._endpoint.deadline()
        schema = question.schema if question.schema is not None else self._schema
        if schema is None:
            return await self._endpoint.post(self._payload(question, context), deadline), None

        async def post(mode: str, refusals: frozenset[int]) -> Tried[Any]:
            payload = self._payload(question, context, schema, mode)
            return await self._endpoint.post(payload, deadline, refusals=refusals)

        return await self._negotiation.post(post)

    def _payload(
        self,
        question: Question,
        context: tuple[Passage, ...] | None,
        schema: JsonObject | None = None,
        mode: str = "",
    ) -> dict[str, Any]:
        settings = self._settings
        told = schema if mode in ("json_object", "prompt") else None
        messages = settings.prompt.messages(question, context, told)
        payload = settings.payload(messages)
        if schema is not None:
            payload.update(Shape(wrapped=settings.api == "chat").fields(mode, schema))
        return payload

    def _read(self, tried: Tried[Any]) -> Outcome:
        if tried.failure is not None:
            return Outcome(error=tried.failure)
        read = read_chat if self._settings.api == "chat" else read_responses
        return read(tried.value, self._settings.price)

    def _citations(
        self, outcome: Outcome, context: tuple[Passage, ...] | None
    ) -> tuple[str, ...] | None:
        if not context or outcome.response is None or not self._settings.citations:
            return None
        return read_citations(outcome.response, context, self._corpus)


def shared_schema(suite: Suite) -> JsonObject | None:
    """The output schema that all cases with a schema have in common; ``None`` when they differ."""
    schemas = [case.schema for case in suite.cases if case.schema is not None]
    return schemas[0] if schemas and all(schema == schemas[0] for schema in schemas) else None


def build(spec: SystemSpec, suite: Suite) -> System:
    """The system that the options describe (see ``Settings``); raises ``EndpointUnusable`` without a key."""
    settings = read_settings(spec)
    key = key_from_environment(settings.api_key_env, settings.base_url)
    return OpenAISystem(
        spec.name,
        spec.approach,
        settings,
        _endpoint(settings, key, spec.name),
        _retriever(settings, suite, spec.folder),
        suite,
    )


def _endpoint(settings: Settings, key: str | None, seed: str) -> Endpoint:
    sdk = settings.transport == "sdk"
    return keyed_endpoint(
        settings.base_url + PATHS[settings.api],
        settings.api_key_env,
        policy=settings.policy,
        concurrency=settings.concurrency,
        patience=settings.patience,
        transport=SdkTransport(settings.base_url, key) if sdk else Transport(),
        read=read_body,
        seed=seed,
    )


def _retriever(settings: Settings, suite: Suite, folder: Path) -> Retriever | None:
    if settings.retriever is None:
        return None
    from evalkit.retrievers import build_retriever

    return build_retriever(settings.retriever, suite.corpus, folder=folder)


def _capabilities(settings: Settings, retriever: Retriever | None) -> frozenset[Capability]:
    found = {Capability.ASK, Capability.GENERATE, Capability.SCHEMA, Capability.INSTRUCTIONS}
    if retriever is not None:
        found |= {Capability.RETRIEVE, Capability.LOOKUP}
    if settings.budget is not None:
        found.add(Capability.BUDGET)
    return frozenset(found)
