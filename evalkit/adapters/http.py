"""Any JSON service over HTTP: a request template goes out, a mapping reads what comes back."""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from evalkit import shapes
from evalkit.adapters.answers import both
from evalkit.adapters.breaker import Breaker
from evalkit.adapters.calling import plain
from evalkit.adapters.endpoint import Endpoint
from evalkit.adapters.options import EFFORT, Options, digest, read_effort, read_options
from evalkit.adapters.placeholders import fill_tree, misspelt, names_in
from evalkit.adapters.python_system import refuse_empty
from evalkit.adapters.reply_mapping import ReplyMapping, map_reply, read_mapping, usage_of
from evalkit.adapters.retry import Deadline
from evalkit.adapters.secrets import check_url, expand_headers, header_templates, variables_of
from evalkit.adapters.throttle import Throttle
from evalkit.adapters.transport import Transport
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
    Suite,
    System,
    SystemSpec,
)

BLOCK = ("url", "method", "headers", "request", "response")
KNOWN = (*BLOCK, *EFFORT, "retrieve", "generate")
PLACEHOLDERS = (
    *("query", "k", "repeat", "seed", "principal", "messages", "inputs"),
    *("schema", "instructions", "budget", "passages"),
)
PRICE = "map usage: {cost: PATH} under response in the systems file"
METHODS = ("POST", "PUT", "PATCH")
_DEFAULT_REQUEST = {
    "ask": {"query": "{query}", "k": "{k}"},
    "retrieve": {"query": "{query}", "k": "{k}"},
    "generate": {"query": "{query}", "passages": "{passages}"},
}
_SWITCHES = {
    "schema": Capability.SCHEMA,
    "instructions": Capability.INSTRUCTIONS,
    "budget": Capability.BUDGET,
}


@dataclass(frozen=True, slots=True)
class Route:
    """One address of the service: what is sent there and how its reply is read."""

    endpoint: Endpoint
    request: Any
    mapping: ReplyMapping | None


class HttpSystem:
    """A JSON service as a ``System``; ``routes`` has ``ask``, ``retrieve``, ``generate`` as far as given.

    ``unpriced`` says how to tell what its calls cost, ``None`` where replies may tell it.
    """

    def __init__(
        self,
        name: str,
        approach: Approach,
        fingerprint: str,
        routes: Mapping[str, Route],
        transport: Transport,
        corpus: Mapping[str, Document],
    ) -> None:
        self.name = name
        self.approach = approach
        self.fingerprint = fingerprint
        self.capabilities = _capabilities(routes)
        self._routes = routes
        self._transport = transport
        self._corpus = corpus
        self.unpriced = None if any(map(_tells_cost, routes.values())) else PRICE

    async def ask(self, question: Question) -> Outcome:
        """One request, or retrieval followed by generation where only those are given."""
        if "ask" in self._routes:
            return self._checked(await self._post("ask", question))
        deadline = self._routes["retrieve"].endpoint.deadline()
        found = await self._post("retrieve", question, deadline=deadline)
        if found.error is not None or "generate" not in self._routes:
            return found
        passages = found.retrieved or ()
        outcome = await self._generate(question, passages, deadline)
        searching, answering = found.seconds.retrieval or 0.0, outcome.seconds.generation or 0.0
        seconds = Seconds(searching, answering, searching + answering)
        meta = {**found.meta, **outcome.meta}
        if "lost" in found.meta and "lost" in outcome.meta:
            meta["lost"] = found.meta["lost"] + outcome.meta["lost"]
        usage = both(found.usage, outcome.usage)
        return dataclasses.replace(
            outcome, retrieved=passages, seconds=seconds, usage=usage, meta=meta
        )

    async def retrieve(self, question: Question) -> tuple[Passage, ...]:
        """The ranked passages that the service's ``retrieve`` address returns; raises ``SystemFailed``."""
        found = await self._post("retrieve", question)
        if found.error is not None:
            raise SystemFailed(found.error)
        return found.retrieved or ()

    async def generate(self, question: Question, passages: Sequence[Passage]) -> Outcome:
        """An answer from the given passages; ``context`` is all of them unless the reply says otherwise."""
        return await self._generate(question, tuple(passages), None)

    async def _generate(
        self, question: Question, handed: tuple[Passage, ...], deadline: Deadline | None
    ) -> Outcome:
        outcome = self._checked(await self._post("generate", question, handed, deadline=deadline))
        if outcome.context is None:
            outcome = dataclasses.replace(outcome, context=handed)
        return outcome

    async def lookup(self, doc_id: str) -> bool:
        """Not offered."""
        raise NotImplementedError

    async def aclose(self) -> None:
        """Close the connections; a second call does nothing."""
        await self._transport.aclose()

    async def _post(
        self,
        route: str,
        question: Question,
        passages: tuple[Passage, ...] = (),
        *,
        deadline: Deadline | None = None,
    ) -> Outcome:
        asked = self._routes[route]
        payload = fill_tree(asked.request, _values(question, passages))
        tried = await asked.endpoint.post(payload, deadline)
        if tried.failure is not None:
            outcome = Outcome(error=tried.failure)
        else:
            outcome = self._mapped(tried.value, route)
        meta = {**outcome.meta, **tried.meta()}
        return dataclasses.replace(outcome, seconds=_seconds(route, tried.seconds), meta=meta)

    def _mapped(self, value: Any, route: str) -> Outcome:
        try:
            outcome = map_reply(value, self._routes[route].mapping, self._corpus)
        except shapes.ShapeError as error:
            failure = Failure("malformed", f"the reply to {route}: {error}")
            return Outcome(error=failure, usage=usage_of(value, self._routes[route].mapping))
        if route == "retrieve" and outcome.retrieved is None and outcome.error is None:
            failure = Failure("malformed", "the reply to retrieve holds no passages")
            return Outcome(error=failure, usage=outcome.usage, meta=outcome.meta)
        return outcome

    def _checked(self, outcome: Outcome) -> Outcome:
        return outcome if self.approach is Approach.RETRIEVER else refuse_empty(outcome)


def build(spec: SystemSpec, suite: Suite) -> System:
    """The service that ``url`` names; ``retrieve`` and ``generate`` may have addresses of their own."""
    options = read_options(spec, KNOWN)
    transport = Transport()
    parts = {"ask": options} if "url" in options.values else {}
    for name in ("retrieve", "generate"):
        part = options.part(name, BLOCK)
        if part is not None:
            parts[name] = part
    if not parts or set(parts) == {"generate"}:
        raise options.refuse("url", "is required, or a url under retrieve")
    return HttpSystem(
        spec.name,
        spec.approach,
        digest(*(_identity(part) for part in parts.values()), *_variables(options)),
        {name: _route(name, part, options, transport) for name, part in parts.items()},
        transport,
        suite.corpus,
    )


def _route(name: str, part: Options, whole: Options, transport: Transport) -> Route:
    headers, secrets = expand_headers(part if "headers" in part.values else whole, "headers")
    request = part.values.get("request", _DEFAULT_REQUEST[name])
    near = misspelt(request, PLACEHOLDERS)
    if near is not None:
        raise part.refuse(
            "request", f"unknown placeholder {{{near[0]}}}", f"did you mean {{{near[1]}}}?"
        )
    asked = {n.split(".")[0] for n in names_in(request)}
    if not asked & {"query", "messages", "inputs"}:
        raise part.refuse("request", "mentions neither {query} nor {messages} nor {inputs}")
    policy, concurrency, patience = read_effort(whole)
    endpoint = Endpoint(
        url=check_url(part, "url", part.required("url")),
        transport=transport,
        policy=policy,
        chance=random.Random(whole.place),
        headers=headers,
        secrets=secrets,
        method=part.choice("method", METHODS, "POST"),
        throttle=Throttle(concurrency),
        breaker=Breaker(patience=patience),
    )
    only = "retrieved" if name == "retrieve" else "response"
    return Route(endpoint, request, read_mapping(part, "response", only))


def _identity(part: Options) -> dict[str, Any]:
    """What of a route could change the answers; never a header's real value."""
    kept = {name: part.values.get(name) for name in ("url", "method", "request", "response")}
    return {**kept, "headers": header_templates(part.mapping("headers"))}


def _variables(options: Options) -> list[dict[str, str]]:
    found = variables_of(options.values)
    return [found] if found else []


def _values(question: Question, passages: tuple[Passage, ...]) -> dict[str, Any]:
    names = [name for name in PLACEHOLDERS if name != "passages"]
    values = {name: plain(getattr(question, name)) for name in names}
    values["messages"] = values["messages"] or [{"role": "user", "content": question.query}]
    return {**values, "passages": [dataclasses.asdict(passage) for passage in passages]}


def _tells_cost(route: Route) -> bool:
    """Whether a reply may say what the call cost; one without a mapping may have any field."""
    return route.mapping is None or "cost" in route.mapping.objects.get("usage", {})


def _seconds(route: str, taken: float) -> Seconds:
    if route == "retrieve":
        return Seconds(retrieval=taken, total=taken)
    return Seconds(generation=taken if route == "generate" else None, total=taken)


def _capabilities(routes: Mapping[str, Route]) -> frozenset[Capability]:
    found = {Capability(name) for name in routes}
    if {"retrieve", "generate"} <= found:
        found.add(Capability.ASK)
    for route in routes.values():
        found |= {_SWITCHES[name] for name in names_in(route.request) if name in _SWITCHES}
    return frozenset(found)
