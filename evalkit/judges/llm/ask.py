"""One question to the model: from the cache or by a call, read strictly, asked once more when it is unreadable."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from evalkit.adapters.endpoint import Endpoint
from evalkit.adapters.openai_replies import MODEL, read_chat
from evalkit.adapters.openai_structured import MODES, Negotiation, Shape
from evalkit.adapters.retry import Deadline, Tried
from evalkit.errors import EndpointUnusable
from evalkit.judges.llm.fence import Fence, fence_for
from evalkit.judges.llm.kept import Kept, Recording, key_of
from evalkit.judges.llm.parse import UnreadableVerdictError, Verdict, read_verdict, verdict_of
from evalkit.judges.llm.plan import Request
from evalkit.judges.llm.prompts import instructions
from evalkit.judges.llm.schema import schema
from evalkit.judges.llm.settings import Settings
from evalkit.judges.llm.streak import Streak, came_back
from evalkit.judges.llm.under_way import UnderWay, call_of, named
from evalkit.judges.spending import Purse, total_cost
from evalkit.records import Outcome

ASKED_AGAIN = 1  # times that an unreadable reply is asked for again


class JudgeFailedError(Exception):
    """There is no verdict; the message says why."""


@dataclass(slots=True)
class Spending:
    """What a judge has cost so far.

    Tokens and ``cost`` are of the replies that told them; ``untold`` and ``unpriced`` count the others.
    """

    calls: int = 0
    from_cache: int = 0
    unreadable: int = 0
    untold: int = 0
    unpriced: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost: float = 0.0

    def add(self, outcome: Outcome) -> None:
        """Book one call."""
        usage = outcome.usage
        self.calls += 1
        self.untold += usage.prompt_tokens is None
        self.unpriced += usage.cost is None
        self.prompt_tokens += usage.prompt_tokens or 0
        self.completion_tokens += usage.completion_tokens or 0
        self.cost = total_cost(self.cost, usage.cost or 0.0)


@dataclass(slots=True)
class Asker:
    """Puts requests to one endpoint.

    ``salt`` is the secret of this run, from which the secrets of every message are derived. Without an ``endpoint``
    verdicts are taken from the cache only; ``purse`` is what calls are paid from, None for no limit. ``under_way`` is
    told of every call before it is made; ``streak`` says when replies are of no use any more.
    """

    settings: Settings
    endpoint: Endpoint | None
    salt: bytes
    kept: Kept | None = None
    recording: Recording | None = None
    under_way: UnderWay | None = None
    purse: Purse | None = None
    streak: Streak = field(default_factory=lambda: Streak("the judge"))
    spending: Spending = field(default_factory=Spending)
    models: Counter[str] = field(default_factory=Counter)  # that replies have named
    negotiation: Negotiation = field(default_factory=Negotiation)

    async def ask(self, request: Request, repeat: int, filed: Mapping[str, Any]) -> Verdict:
        """The verdict on ``request``; raises ``JudgeFailedError``. ``filed`` is what the record says it was about."""
        parts = request.asked.parts()
        key = self._key(request, repeat)
        known = self._known(key, request)
        if known is not None:
            self.spending.from_cache += 1
            return known
        if self.endpoint is None:
            raise JudgeFailedError("this trace was not judged before, and no call is to be made")
        endpoint, said = self.endpoint, ""
        deadline = endpoint.deadline()
        for attempt in range(1 + ASKED_AGAIN):
            texts = [text for _, text in request.blocks]
            fence = fence_for(self.salt, texts, f"{parts} {repeat} {attempt}")
            self._check_streak()
            self._take()
            call = self._call(endpoint, request, fence, deadline, {**filed, "attempt": attempt})
            outcome = await self._paid(call)
            said, verdict = self._read(outcome, request, fence, key)
            if verdict is not None:
                self.streak.usable()
                return verdict
            if came_back(outcome.error):
                self.streak.unusable(said, outcome.response)
            if outcome.error is not None and outcome.error.kind not in ("empty", "malformed"):
                raise JudgeFailedError(said)
            self.spending.unreadable += 1
        raise JudgeFailedError(f"{said} (asked {1 + ASKED_AGAIN} times)")

    def has(self, request: Request, repeat: int) -> bool:
        """Whether the cache has the verdict."""
        return self._known(self._key(request, repeat), request) is not None

    def _check_streak(self) -> None:
        if self.streak.stopped is not None:
            self.streak.spared += 1
            raise JudgeFailedError(f"not judged: {self.streak.stopped}")

    def _take(self) -> None:
        if self.purse is not None and not self.purse.take(1):
            raise JudgeFailedError(f"not judged: the limit of {self.purse.refused} is reached")

    async def _paid(self, call: Awaitable[tuple[Outcome, float]]) -> Outcome:
        """The outcome of a call that was taken from the purse, and is booked there however it ends."""
        cost, seconds = None, None
        try:
            with call_of(self.under_way) as names:
                outcome, seconds = await call
            if self.under_way is not None:
                self.under_way.end(*names)
            cost = outcome.usage.cost
        except EndpointUnusable as error:
            raise named(self.settings.name, error) from error
        finally:
            if self.purse is not None:
                self.purse.settle(1, cost, seconds)
        return outcome

    def _key(self, request: Request, repeat: int) -> str:
        """Where the cache has the verdict; nothing without a cache."""
        if self.kept is None:
            return ""
        return key_of(self.settings.wording(), request.blocks, repr(request.asked), repeat)

    def _known(self, key: str, request: Request) -> Verdict | None:
        """The verdict in the cache, read as strictly as a reply."""
        found = self.kept.get(key) if self.kept is not None else None
        if found is None:
            return None
        try:
            return verdict_of(found, request.asked)
        except UnreadableVerdictError:
            return None

    def _read(
        self, outcome: Outcome, request: Request, fence: Fence, key: str
    ) -> tuple[str, Verdict | None]:
        """What is wrong with a reply, or its verdict, which is kept."""
        if outcome.error is not None or outcome.response is None:
            error = outcome.error
            return (f"{error.kind}: {error.message}" if error else "no text"), None
        try:
            verdict, given = read_verdict(outcome.response, request.asked, fence)
        except UnreadableVerdictError as wrong:
            return str(wrong), None
        if self.kept is not None:
            self.kept.put(key, {**given, "canary": ""})
        return "", verdict

    async def _call(
        self,
        endpoint: Endpoint,
        request: Request,
        fence: Fence,
        deadline: Deadline,
        filed: Mapping[str, Any],
    ) -> tuple[Outcome, float]:
        parts = request.asked.parts()
        system = instructions(parts, fence)
        material = "\n\n".join(fence.block(name, text) for name, text in request.blocks)

        async def post(mode: str, refusals: frozenset[int]) -> Tried[Any]:
            payload = self._payload(mode, parts, system, material)
            return await endpoint.post(payload, deadline, refusals=refusals)

        if self.settings.structured == "auto":
            tried, mode = await self.negotiation.post(post)
        else:
            mode = self.settings.structured
            tried = await post(mode, frozenset())
        failed = tried.failure
        outcome = Outcome(error=failed) if failed else read_chat(tried.value, self.settings.price)
        self.spending.add(outcome)
        if (model := outcome.meta.get(MODEL)) is not None:
            self.models[model] += 1
        if self.recording is not None:
            payload = self._payload(mode, parts, system, material)
            self.recording.add(_entry(filed, payload, outcome, tried))
        return outcome, tried.seconds

    def _payload(
        self, mode: str, parts: tuple[str, ...], system: str, material: str
    ) -> dict[str, Any]:
        told = system
        if mode != MODES[0]:
            shape = json.dumps(schema(parts), ensure_ascii=False)
            told = f"{system}\n\nThe object's JSON Schema:\n{shape}"
        messages = [{"role": "system", "content": told}, {"role": "user", "content": material}]
        return {**self.settings.payload(messages), **_form(mode, parts)}


@cache
def _form(mode: str, parts: tuple[str, ...]) -> dict[str, Any]:
    """The fields of a request that ask for a verdict with these parts; nobody changes them."""
    return Shape(wrapped=True).fields(mode, schema(parts))


def _entry(
    filed: Mapping[str, Any], payload: Mapping[str, Any], outcome: Outcome, tried: Tried[Any]
) -> dict[str, Any]:
    error = outcome.error
    usage = outcome.usage
    return {
        **filed,
        "request": dict(payload),
        "model": outcome.meta.get(MODEL),
        "reply": outcome.response,
        "error": None if error is None else f"{error.kind}: {error.message}",
        "seconds": round(tried.seconds, 4),
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "cost": usage.cost,
        **tried.meta(),
    }
