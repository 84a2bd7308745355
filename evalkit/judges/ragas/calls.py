"""The calls of a judge: chat with a schema and embeddings, cached, recorded, retried and counted in one place."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from evalkit.adapters.endpoint import Endpoint, keyed_endpoint
from evalkit.adapters.openai_replies import read_body, read_chat, read_usage
from evalkit.adapters.openai_structured import Negotiation, Shape
from evalkit.adapters.retry import Deadline, Tried
from evalkit.adapters.transport import PostJson, Transport
from evalkit.errors import EndpointUnusable
from evalkit.judges.llm.streak import Streak, came_back
from evalkit.judges.llm.under_way import Noted, UnderWay, call_of, named
from evalkit.judges.ragas.record import Call, CallRecord
from evalkit.judges.ragas.replies import UnusableReplyError, listed, vectors_in
from evalkit.judges.ragas.settings import Settings
from evalkit.judges.ragas.spent import Spent
from evalkit.judges.spending import Purse
from evalkit.records import Failure, Outcome, Usage

TRIES = 3  # times a question is put at most until the reply can be used
LONGEST = 300  # characters of what is wrong with a reply that are kept

Read = TypeVar("Read")


class CallFailedError(Exception):
    """A call that gave nothing usable after every attempt; ``failure`` says why."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(f"{failure.kind}: {failure.message}")
        self.failure = failure


class AnswerSchema:
    """The JSON Schema of an answer, and the request fields that ask for it."""

    def __init__(self, name: str, schema: Mapping[str, Any]) -> None:
        self.name, self.schema = name, schema
        self.text = json.dumps(schema, ensure_ascii=False)
        self._fields: dict[str, dict[str, Any]] = {}

    def fields(self, mode: str) -> dict[str, Any]:
        """The fields for one mode of structured output; shared, not to be changed."""
        if mode not in self._fields:
            self._fields[mode] = Shape(wrapped=True).fields(mode, self.schema)
        return self._fields[mode]

    def told(self, prompt: str, mode: str) -> str:
        """The prompt, with the schema in it where the request does not carry it in full."""
        if mode == "json_schema":
            return prompt
        return (
            f"{prompt}\n\nAnswer with one JSON object that fits this JSON Schema, and nothing else:\n"
            f"{self.text}"
        )


class JudgeCalls:
    """One endpoint for chat and one for embeddings, with a record of all that was asked.

    Equal questions are put once, those under way at the same moment too: what any of the ``records`` has is not asked
    again, what is asked is added to all. ``offline`` makes no call. Raises ``EndpointUnusable`` without a key.
    """

    def __init__(
        self,
        settings: Settings,
        records: Sequence[CallRecord],
        *,
        transport: PostJson | None = None,
        offline: bool = False,
        under_way: UnderWay | None = None,
    ) -> None:
        self.spent = Spent()
        self.streak = Streak(f"judge {settings.called()}", settings.unusable)
        self.purse: Purse | None = None
        self.round = 0  # calls of one round answer no question of another
        self._settings, self._records, self._offline = settings, tuple(records), offline
        self._sent, self._unended = under_way, list[str]()
        own = transport or Transport()
        self._transport = own if under_way is None else Noted(own, under_way)
        if not offline:
            self._chat = self._endpoint(f"{settings.base_url}/chat/completions")
            elsewhere = settings.embedding_base_url or settings.base_url
            self._embed = self._endpoint(f"{elsewhere}/embeddings")
        self._negotiation = Negotiation()
        self._under_way: dict[str, asyncio.Event] = {}
        self._means = settings.wording()

    @property
    def down(self) -> bool:
        """Whether an endpoint was given up because it only failed."""
        return not self._offline and (self._chat.breaker.down or self._embed.breaker.down)

    def _endpoint(self, url: str) -> Endpoint:
        settings = self._settings
        found = keyed_endpoint(
            url,
            settings.api_key_env,
            policy=settings.policy,
            concurrency=settings.concurrency or None,
            patience=settings.patience,
            transport=self._transport,
            read=read_body,
        )
        found.breaker.again = "run again with the same --out when it is well"
        return found

    async def chat(
        self,
        prompt: str,
        schema: AnswerSchema,
        read: Callable[[str], Read],
        *,
        draw: int = 0,
        subject: str = "",
    ) -> Read:
        """What ``read`` makes of the reply; it raises ``UnusableReplyError`` for one that must be asked for again.

        ``draw`` counts how often this prompt was put for this grade: the next draw is a call of its own.
        Raises ``CallFailedError``.
        """
        drawn = f"{self.round}/{draw}" if self.round else str(draw)
        key = _key(self._means, schema.text, drawn, prompt)
        return await self._once(key, read, lambda: self._ask(key, prompt, schema, read, subject))

    async def embed(self, texts: Sequence[str], *, subject: str = "") -> list[list[float]]:
        """One vector a text, in order, all of one length, finite and not zero; raises ``CallFailedError``."""
        key = _key(self._means, "embeddings", json.dumps(list(texts)))
        return await self._once(
            key,
            lambda kept: vectors_in(json.loads(kept), len(texts)),
            lambda: self._ask_embeddings(key, texts, subject),
        )

    async def aclose(self) -> None:
        """Close the connections and the record; a second call does nothing."""
        await self._transport.aclose()
        for record in self._records:
            record.close()

    async def _once(
        self, key: str, read: Callable[[str], Read], ask: Callable[[], Awaitable[Read]]
    ) -> Read:
        """What the record has, or an equal call under way brings, or a call of our own."""
        self.spent.asked += 1
        while True:
            kept = next(
                (r for record in self._records if (r := record.find(key)) is not None), None
            )
            if kept is not None:
                self.spent.kept += 1
                return read(kept)
            if self._offline:
                raise CallFailedError(Failure("connection", "not recorded, and no call is made"))
            other = self._under_way.get(key)
            if other is None:
                break
            await other.wait()
        over = self._under_way[key] = asyncio.Event()
        try:
            return await ask()
        except CallFailedError:
            self.spent.failed += 1
            raise
        finally:
            del self._under_way[key]
            over.set()
            if not self._under_way:
                for record in self._records:
                    record.flush()
                self._end_recorded()

    async def _ask(
        self,
        key: str,
        prompt: str,
        schema: AnswerSchema,
        read: Callable[[str], Read],
        subject: str,
    ) -> Read:
        """Put a question until the reply can be used; each further time with what was wrong with the last."""
        deadline = self._chat.deadline()
        turns: list[dict[str, str]] = []
        wrong = ""
        for _ in range(TRIES):
            self._take()
            outcome = Outcome()
            try:
                with self._noted():
                    tried, request = await self._post(prompt, schema, turns, deadline)
                outcome = _outcome(tried, self._settings)
            finally:
                self._settle(outcome.usage)
            text = outcome.response or ""
            value, wrong = _read(outcome, read)
            self._note(key, subject, request, tried, outcome.usage, text, wrong)
            if value is not None:
                self.streak.usable()
            elif came_back(outcome.error):
                self.streak.unusable(wrong, text)
            if outcome.error is not None:
                raise CallFailedError(outcome.error)
            if value is not None:
                return value
            turns = [
                {"role": "assistant", "content": text},
                {"role": "user", "content": f"That cannot be used: {wrong}. Answer again."},
            ]
        raise CallFailedError(Failure("malformed", f"{TRIES} replies could not be used: {wrong}"))

    async def _post(
        self, prompt: str, schema: AnswerSchema, turns: list[dict[str, str]], deadline: Deadline
    ) -> tuple[Tried[Any], dict[str, Any]]:
        settings, request = self._settings, dict[str, Any]()

        async def post(mode: str, refusals: frozenset[int]) -> Tried[Any]:
            messages = [{"role": "user", "content": schema.told(prompt, mode)}, *turns]
            payload = {"model": settings.model, "messages": messages, **settings.sampling}
            request.clear()
            request.update(payload, **schema.fields(mode))
            return await self._chat.post(request, deadline, refusals=refusals)

        tried, _ = await self._negotiation.post(post)
        return tried, request

    async def _ask_embeddings(
        self, key: str, texts: Sequence[str], subject: str
    ) -> list[list[float]]:
        request = {"model": self._settings.embedding_model, "input": list(texts)}
        self._take()
        try:
            with self._noted():
                tried = await self._embed.post(request)
        finally:
            self._settle(Usage())
        usage, found, failure = Usage(), list[list[float]](), tried.failure
        if failure is None:
            try:
                found = vectors_in(listed(tried.value), len(texts))
            except UnusableReplyError as error:
                failure = Failure("malformed", str(error))
            if isinstance(tried.value, Mapping):
                usage = read_usage(
                    {"completion_tokens": 0, **(tried.value.get("usage") or {})}, None
                )
        wrong = "" if failure is None else f"{failure.kind}: {failure.message}"
        self._note(key, subject, request, tried, usage, json.dumps(found), wrong)
        if failure is not None:
            raise CallFailedError(failure)
        return found

    @contextmanager
    def _noted(self) -> Iterator[None]:
        """Around a call that goes out: known to be under way until it is recorded, and named where it is refused."""
        try:
            with call_of(self._sent) as names:
                yield
        except EndpointUnusable as error:
            raise named(self._settings.name, error) from error
        self._unended += names

    def _end_recorded(self) -> None:
        """What is in the file is over; a call that only waits to be written there would be lost with the process."""
        if self._sent is not None and not any(record.waits for record in self._records):
            done, self._unended = self._unended, []
            self._sent.end(*done)

    def _take(self) -> None:
        """A call from the purse; ``CallFailedError`` where it is spent, or where replies are of no use."""
        if self.streak.stopped is not None:
            self.streak.spared += 1
            raise CallFailedError(Failure("exception", f"not graded: {self.streak.stopped}"))
        if self.purse is not None and not self.purse.take(1):
            told = f"not graded: the limit of {self.purse.refused} is reached"
            raise CallFailedError(Failure("exception", told))

    def _settle(self, usage: Usage) -> None:
        if self.purse is not None:
            self.purse.settle(1, usage.cost)

    def _note(
        self,
        key: str,
        subject: str,
        request: Mapping[str, Any],
        tried: Tried[Any],
        usage: Usage,
        reply: str,
        wrong: str,
    ) -> None:
        self.spent.add(usage)
        error = wrong or None
        call = Call(key, subject, request, reply, error, usage, tried.seconds, tried.attempts)
        for record in self._records:
            record.add(call)
        self._end_recorded()


def _key(*parts: str) -> str:
    """Names everything that a reply depends on; the last part may hold any character."""
    text = "\0".join(parts).encode("utf-8", "surrogatepass")
    return hashlib.sha256(text).hexdigest()


def _outcome(tried: Tried[Any], settings: Settings) -> Outcome:
    if tried.failure is not None:
        return Outcome(error=tried.failure)
    outcome = read_chat(tried.value, settings.price)
    if outcome.error is None and outcome.meta.get("refusal"):
        return Outcome(error=Failure("exception", "the judge's model refused"), usage=outcome.usage)
    return outcome


def _read(outcome: Outcome, read: Callable[[str], Read]) -> tuple[Read | None, str]:
    """What a reply holds, and, where it cannot be used, why."""
    if outcome.error is not None:
        return None, f"{outcome.error.kind}: {outcome.error.message}"
    try:
        return read(outcome.response or ""), ""
    except UnusableReplyError as error:
        return None, str(error)[:LONGEST]
