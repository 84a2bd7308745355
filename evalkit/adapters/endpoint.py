"""One HTTP endpoint: posts with retries, and says of every reply whether it can be used."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from evalkit.adapters.retry import Attempt, RetryPolicy, Tried, wait_asked, with_retries
from evalkit.adapters.secrets import Secrets
from evalkit.adapters.transport import NoReply, PostJson, Reply
from evalkit.errors import EndpointUnusable, InvalidInput
from evalkit.records import Failure
from evalkit.strict import parse_json

RETRIED = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524, 529})
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
    ``InvalidInput``.
    """

    url: str
    transport: PostJson
    policy: RetryPolicy
    chance: random.Random
    headers: Mapping[str, str] = field(repr=False)
    secrets: Secrets
    method: str = "POST"
    read: Callable[[Reply], Any] = _body

    def deadline(self) -> float:
        """The time of the running loop by which a question that starts now must be answered."""
        return asyncio.get_running_loop().time() + self.policy.timeout

    async def post(
        self,
        payload: Any,
        deadline: float,
        *,
        refusals: frozenset[int] = frozenset(),
    ) -> Tried[Any]:
        """The JSON value of the reply, or the failure of the last attempt.

        A status in ``refusals`` is not tried again: the caller has another way to ask. Raises
        ``EndpointUnusable`` when the key or the quota is refused.
        """

        async def send() -> Any:
            try:
                reply = await self.transport.post_json(
                    self.url, payload, self.headers, deadline, method=self.method
                )
            except NoReply as nothing:
                raise Attempt(self._hide(nothing.failure), retry=nothing.retry) from None
            return self._usable(reply, refusals)

        return await with_retries(send, self.policy, deadline, self.chance)

    def _usable(self, reply: Reply, refusals: frozenset[int]) -> Any:
        if 200 <= reply.status < 300:
            try:
                return self.read(reply)
            except InvalidInput as error:
                raise Attempt(
                    Failure("malformed", f"the reply {error.message}"), retry=False
                ) from None
        said = self.secrets.redact(_words_of(reply))
        what = f"HTTP {reply.status} from {urlsplit(self.url).netloc}{said}"
        if reply.status in (401, 403) or _out_of_quota(reply):
            raise EndpointUnusable(f"{what}; {self.secrets.hint()}")
        retry = reply.status in RETRIED and reply.status not in refusals
        asked = wait_asked(reply.headers)
        failure = Failure(_kind(reply), what)
        raise Attempt(failure, retry=retry, asked=asked, status=reply.status)

    def _hide(self, failure: Failure) -> Failure:
        return Failure(failure.kind, self.secrets.redact(failure.message))


def _kind(reply: Reply) -> str:
    if reply.status == 429:
        return "rate_limit"
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
    return reply.status in (402, 429) and _code(reply) == "insufficient_quota"
