"""One HTTP endpoint: posts with retries, and says of every reply whether it can be used."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from evalkit.adapters.breaker import Breaker
from evalkit.adapters.retry import (
    Attempt,
    Deadline,
    RetryBudget,
    RetryPolicy,
    Tried,
    booked,
    wait_asked,
    with_retries,
)
from evalkit.adapters.secrets import Secrets, key_from_environment
from evalkit.adapters.throttle import Sign, Throttle
from evalkit.adapters.transport import NoReply, PostJson, Reply, Transport
from evalkit.errors import InvalidInput
from evalkit.records import Failure
from evalkit.resending import WAY, in_time
from evalkit.strict import parse_json

RETRIED = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524, 529})
BUSY = frozenset({429, 503, 529})  # too much for the endpoint, by its own word
LONGEST = 400  # characters of an endpoint's own words that are kept


def read_json(body: bytes) -> Any:
    """A reply's JSON value, read strictly; raises ``InvalidInput``."""
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidInput(f"is not UTF-8 at byte {error.start}") from None
    if not text.strip():
        raise InvalidInput("is empty")
    return parse_json(text)


def _body(reply: Reply) -> Any:
    return read_json(reply.body)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where to post, how hard to try, and what must not be shown.

    ``chance`` draws the jitter of the waits; ``read`` takes the value out of a good reply, or raises
    ``InvalidInput``. ``throttle``, ``breaker`` and ``budget`` remember how the endpoint fared in this run:
    make one ``Endpoint`` for each endpoint, and share it between all who ask there.
    """

    url: str
    transport: PostJson
    policy: RetryPolicy
    chance: random.Random
    headers: Mapping[str, str] = field(repr=False)
    secrets: Secrets
    method: str = "POST"
    read: Callable[[Reply], Any] = _body
    throttle: Throttle = field(default_factory=Throttle, repr=False)
    breaker: Breaker = field(default_factory=Breaker, repr=False)
    budget: RetryBudget = field(default_factory=RetryBudget, repr=False)

    def __post_init__(self) -> None:
        self.breaker.name = urlsplit(self.url).netloc

    def deadline(self) -> Deadline:
        """By when a question that starts now must be answered; it may be shared by several calls."""
        return Deadline(self.policy.timeout)

    async def post(
        self,
        payload: Any,
        deadline: Deadline | None = None,
        *,
        refusals: frozenset[int] = frozenset(),
    ) -> Tried[Any]:
        """The JSON value of the reply, or the failure of the last attempt: a ``Tried``, whatever the network does.

        For everybody who talks to an endpoint: systems, judges, embedders. ``deadline`` covers all attempts and
        the waits between them; ``None`` is the policy's timeout from now. What the call waits before its first
        attempt, because the endpoint is full or rests, moves it. A status in ``refusals`` is not tried again:
        the caller has another way to ask. Of the result ``failure.kind`` is one of ``FAILURE_KINDS``, ``meta()``
        is what a record should keep, ``lost`` says how many attempts may cost though nothing came back.

        Raises ``EndpointUnusable``, at once and from then on for every call, when the key or the quota is
        refused or the breaker gives the endpoint up: let it pass, the run ends with exit code 7. ::

            endpoint = keyed_endpoint("https://host/v1/embeddings", "OPENAI_API_KEY")
            tried = await endpoint.post({"model": "m", "input": ["text"]})
            if tried.failure is None:
                vectors = tried.value["data"]
            await endpoint.transport.aclose()
        """
        loop = asyncio.get_running_loop()
        due = deadline or self.deadline()
        left = due.moment - loop.time()
        self.budget.calls += 1

        async def call() -> Tried[Any]:
            await in_time(self.throttle.enter())
            due.moment = loop.time() + left
            return await self._try(payload, due.moment, refusals)

        return await self.breaker.guard(call, refusals)

    async def _try(self, payload: Any, deadline: float, refusals: frozenset[int]) -> Tried[Any]:
        """All attempts of one call that has a place already."""
        before: Attempt | None = None

        async def send() -> Any:
            nonlocal before
            if before is not None:
                await self._enter_again(before, deadline)
            try:
                return await self._attempt(payload, deadline, refusals)
            except Attempt as failed:
                before = failed
                raise

        return await with_retries(
            send, self.policy, deadline, self.chance, affordable=self._affordable
        )

    async def _enter_again(self, before: Attempt, deadline: float) -> None:
        try:
            async with asyncio.timeout_at(deadline):
                await in_time(self.throttle.enter(again=True), lost=before.lost)
        except TimeoutError:
            failure = Failure("rate_limit", "the endpoint left no room before the deadline")
            raise Attempt(failure, retry=False, after=before) from None
        try:
            await booked(before)
        except BaseException:
            self.throttle.leave(asyncio.get_running_loop().time(), Sign.NONE, None)
            raise

    async def _attempt(self, payload: Any, deadline: float, refusals: frozenset[int]) -> Any:
        way = WAY.get()
        if way is not None:
            way.made, way.rests = True, False
        sent = asyncio.get_running_loop().time()
        sign, asked = Sign.NONE, None
        try:
            reply = await self.transport.post_json(
                self.url, payload, self.headers, deadline, method=self.method
            )
            sign = Sign.BUSY if reply.status in BUSY else Sign.GOOD
            asked = None if sign is Sign.GOOD else wait_asked(reply.headers)
        except NoReply as nothing:
            sign = Sign.BUSY if nothing.failure.kind == "timeout" else Sign.NONE
            failure = Failure(nothing.failure.kind, self.secrets.redact(nothing.failure.message))
            raise Attempt(failure, retry=nothing.retry, lost=nothing.sent) from None
        finally:
            patient = asked is not None and asked < self.policy.timeout
            self.throttle.leave(sent, sign, asked if patient else None)
        return self._usable(reply, refusals)

    def _affordable(self, failed: Attempt) -> str | None:
        return None if failed.status == 429 or self.budget.take() else self.budget.used_up

    def _usable(self, reply: Reply, refusals: frozenset[int]) -> Any:
        if 200 <= reply.status < 300:
            try:
                return self.read(self._scrubbed(reply))
            except InvalidInput as error:
                message = self.secrets.redact(f"the reply {error.message}")
                raise Attempt(Failure("malformed", message), retry=False) from None
        said = self.secrets.redact(_words_of(reply))
        what = f"HTTP {reply.status} from {urlsplit(self.url).netloc}{said}"
        if reply.status in (401, 402, 403) or _out_of_quota(reply):
            raise self.breaker.stop(f"{what}; {self.secrets.hint()}")
        retry = reply.status in RETRIED and reply.status not in refusals
        asked = wait_asked(reply.headers)
        failure = Failure(_kind(reply), what)
        raise Attempt(failure, retry=retry, asked=asked, status=reply.status)

    def _scrubbed(self, reply: Reply) -> Reply:
        """The reply without our key, should the endpoint have echoed it."""
        body = self.secrets.scrub(reply.body)
        return reply if body is reply.body else Reply(reply.status, reply.headers, body)


def keyed_endpoint(  # noqa: PLR0913 (keyword-only settings)
    url: str,
    variable: str,
    *,
    policy: RetryPolicy | None = None,
    concurrency: int | None = None,
    patience: float = 30.0,
    transport: PostJson | None = None,
    read: Callable[[Reply], Any] = _body,
    seed: str = "",
) -> Endpoint:
    """An endpoint whose key stands in an environment variable and goes out as a bearer token.

    ``concurrency`` bounds the calls at a time, ``None`` leaves that to the callers; ``patience`` is how many
    seconds an outage is waited out. Raises ``EndpointUnusable`` where the variable is not set and the endpoint
    is not on this machine.
    """
    key = key_from_environment(variable, url)
    return Endpoint(
        url=url,
        transport=transport or Transport(),
        policy=policy or RetryPolicy(),
        chance=random.Random(seed or url),
        headers={"authorization": f"Bearer {key}"} if key else {},
        secrets=Secrets([key] if key else [], [variable]),
        read=read,
        throttle=Throttle(concurrency),
        breaker=Breaker(patience=patience),
    )


def _kind(reply: Reply) -> str:
    if reply.status == 429:
        return "rate_limit"
    if reply.status == 407:
        return "auth"
    if "content_filter" in _code(reply):
        return "content_filter"
    if reply.status >= 500 or 300 <= reply.status < 400 or reply.status in RETRIED:
        return "connection"
    return "exception"


def _words_of(reply: Reply) -> str:
    """What the endpoint says about an error, on one line."""
    if 300 <= reply.status < 400:
        return ": redirects are not followed"
    error = _error_of(reply)
    words = error.get("message") if isinstance(error, Mapping) else error
    if not isinstance(words, str) or not words.strip():
        return ""
    clean = "".join(c if c.isprintable() else " " for c in words)
    return f": {' '.join(clean.split())[:LONGEST]}"


def _error_of(reply: Reply) -> Any:
    try:
        value = read_json(reply.body)
    except InvalidInput:
        return None
    if not isinstance(value, Mapping):
        return None
    return value.get("error") or value.get("detail") or value.get("message")


def _code(reply: Reply) -> str:
    error = _error_of(reply)
    return str(error.get("code") or error.get("type") or "") if isinstance(error, Mapping) else ""


def _out_of_quota(reply: Reply) -> bool:
    return reply.status == 429 and _code(reply) == "insufficient_quota"
