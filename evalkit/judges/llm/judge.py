"""A judge that asks a model behind any OpenAI-compatible endpoint, one or two calls a trace."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from evalkit.adapters.endpoint import Endpoint, keyed_endpoint
from evalkit.adapters.openai_replies import read_body
from evalkit.adapters.transport import Transport
from evalkit.judges.llm.ask import ASKED_AGAIN, Asker, JudgeFailedError, Spending
from evalkit.judges.llm.blank import says_nothing
from evalkit.judges.llm.fence import Fence
from evalkit.judges.llm.grading import Grading, graded, nothing_said
from evalkit.judges.llm.kept import Kept, Recording, salt_in
from evalkit.judges.llm.parse import Verdict
from evalkit.judges.llm.plan import Plan, Request, plan
from evalkit.judges.llm.prompts import digest_of_prompts, instructions
from evalkit.judges.llm.schema import Asked
from evalkit.judges.llm.settings import CALLS_AT_A_TIME, Settings, read_settings
from evalkit.judges.llm.streak import Streak
from evalkit.judges.llm.under_way import Noted, UnderWay
from evalkit.judges.llm.vote import vote
from evalkit.judges.replied import Models, who
from evalkit.judges.spending import Expected, Purse, priced, tokens_of
from evalkit.pool import each
from evalkit.records import Case, Evidence, Trace

Result = TypeVar("Result")
AHEAD = 2  # traces at a time for each call: while one waits for its reply, another is made ready


class LlmJudge:
    """Grades one trace by the verdict of a language model.

    An answer that says nothing fails without a call. Whatever goes wrong with a call is ``Evidence.error``,
    never a score. After ``unusable`` replies in a row of which none is a verdict it makes no further call. ``name`` carries the digest of the prompts; ``spending`` counts the calls so far;
    ``concurrency`` is how many traces should be judged at a time. Close it with ``aclose``.

    ``cache`` and ``record`` are folders: of verdicts to use again, and where every call is written down.
    ``salt`` is the secret that the marks and canaries of the messages come from; ``None`` takes that of the
    record's folder, or draws one. ``offline`` makes no call and needs no key: only what the cache has is judged.
    ``parts`` names what the fingerprint stands for. Raises ``EndpointUnusable`` without a key.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        cache: Path | None = None,
        record: Path | None = None,
        salt: bytes | None = None,
        offline: bool = False,
    ) -> None:
        if salt is None:
            salt = secrets.token_bytes(16) if record is None or offline else salt_in(record)
        self.settings = settings
        self.name = f"{settings.name} (prompts {digest_of_prompts()[:12]})"
        self.fingerprint = settings.fingerprint()
        self.parts = settings.parts()
        self.concurrency = AHEAD * (settings.concurrency or CALLS_AT_A_TIME)
        self._turns = Turns()
        under_way = None if record is None or offline else UnderWay(record)
        self._asker = Asker(
            settings,
            None if offline else _endpoint(settings, under_way),
            salt,
            kept=None if cache is None else Kept(cache),
            recording=None if record is None or offline else Recording(record),
            under_way=under_way,
            streak=Streak(f"judge {settings.called()}", settings.unusable),
        )

    @property
    def spending(self) -> Spending:
        """Calls, tokens and money so far."""
        return self._asker.spending

    @property
    def models(self) -> Models:
        """Which models the replies have named so far, and how often."""
        found = self._asker.models
        return {who(self.name, self.settings.model): dict(found)} if found else {}

    @property
    def down(self) -> bool:
        """Whether the endpoint was given up because it only failed."""
        endpoint = self._asker.endpoint
        return endpoint is not None and endpoint.breaker.down

    @property
    def stopped(self) -> str | None:
        """Why no call is made any more: what came back instead of verdicts; None while calls are made."""
        return self._asker.streak.stopped

    @property
    def given_up(self) -> str | None:
        """The same where it left answers without a verdict; else None."""
        return self._asker.streak.given_up

    def pay_from(self, purse: Purse | None) -> None:
        """Take every call from ``purse`` first; what it refuses is not judged."""
        self._asker.purse = purse

    def expected(self, case: Case, trace: Trace) -> Expected:
        """What judging the trace is expected to take; what the cache has takes nothing."""
        if _answers_nothing(case, trace):
            return Expected()
        found = Expected()
        for request in plan(case, trace, self.settings.limits).requests:
            due = sum(not self._asker.has(request, n) for n in range(self.settings.repeats))
            prompt, reply = _prompt_tokens(request), _reply_tokens(request.asked)
            cost = priced(prompt, reply, self.settings.price)
            found += Expected(1, 1 + ASKED_AGAIN, prompt, reply, cost).times(due)
        return found

    def calls_for(self, case: Case, trace: Trace) -> int:
        """Calls that judging the trace takes when no reply is unreadable; fewer when some are in the cache."""
        if _answers_nothing(case, trace):
            return 0
        return len(plan(case, trace, self.settings.limits).requests) * self.settings.repeats

    def most_calls_for(self, case: Case, trace: Trace) -> int:
        """Calls that judging the trace takes at most: every unreadable reply is asked for once more."""
        return self.calls_for(case, trace) * (1 + ASKED_AGAIN)

    async def judge(self, case: Case, trace: Trace) -> Evidence:
        """Evidence about one trace."""
        return (await self.grade(case, trace)).shown()

    async def grade(self, case: Case, trace: Trace) -> Grading:
        """The same with the remarks apart, for a panel."""
        if _answers_nothing(case, trace):
            return nothing_said(self.name, case, trace)
        async with self._turns.lock():
            made = plan(case, trace, self.settings.limits)
            await asyncio.sleep(0)  # what others have ready to be sent goes out now

        async def once(repeat: int) -> Grading:
            return await self._once(case, trace, made, repeat)

        return vote(self.name, await together(self.settings.repeats, once), "repeat")

    async def _once(self, case: Case, trace: Trace, made: Plan, repeat: int) -> Grading:
        async def one(number: int) -> Verdict:
            filed = {"judge": self.name, **_filed(trace, repeat, number)}
            return await self._asker.ask(made.requests[number], repeat, filed)

        try:
            verdicts = await together(len(made.requests), one)
        except JudgeFailedError as error:
            return Grading(Evidence(self.name, reasons=made.notes, error=str(error)))
        return graded(self.name, case, trace, made, verdicts)

    async def aclose(self) -> None:
        """Close the connections; a second call does nothing."""
        if self._asker.endpoint is not None:
            await self._asker.endpoint.transport.aclose()


class Turns:
    """Lets one coroutine of a loop at a time prepare its calls.

    Without it a burst of replies is a burst of preparations, and no request goes out before the last is made:
    the endpoint would stand idle meanwhile.
    """

    def __init__(self) -> None:
        self._lock: tuple[asyncio.AbstractEventLoop, asyncio.Lock] | None = None

    def lock(self) -> asyncio.Lock:
        """Held while preparing; a lock serves one loop only."""
        loop = asyncio.get_running_loop()
        if self._lock is None or self._lock[0] is not loop:
            self._lock = loop, asyncio.Lock()
        return self._lock[1]


async def together(count: int, do: Callable[[int], Awaitable[Result]]) -> list[Result]:
    """``do(number)`` for the first ``count`` numbers at the same time; the first exception is raised."""
    if count == 1:  # most often: spare the tasks
        return [await do(0)]
    found: dict[int, Result] = {}

    async def keep(number: int) -> None:
        found[number] = await do(number)

    await each(range(count), keep, count)
    return [found[number] for number in range(count)]


def build(options: Mapping[str, Any], place: str = "judge", **where: Any) -> LlmJudge:
    """The judge that the options describe (see ``Settings``); ``where`` as for ``LlmJudge``."""
    return LlmJudge(read_settings(options, place), **where)


def _answers_nothing(case: Case, trace: Trace) -> bool:
    labels = case.format.labels if case.format is not None else ()
    allowed = (*(case.reference or ()), *labels)
    return trace.response is None or says_nothing(trace.response, allowed)


# Words of a reply, by what is asked: its canary and reason, and an entry of each list.
_REPLY, _ENTRY = 80, 20
_MARKS = 25  # tokens of the marks around a block


def _prompt_tokens(request: Request) -> int:
    """About how many tokens one message has."""
    told = instructions(request.asked.parts(), Fence("0" * 24, "0" * 24))
    blocks = sum(tokens_of(text) + _MARKS for _, text in request.blocks)
    return tokens_of(told) + blocks


def _reply_tokens(asked: Asked) -> int:
    entries = asked.claims + asked.key_points + asked.criteria + asked.style
    return _REPLY + _ENTRY * entries


def _filed(trace: Trace, repeat: int, number: int) -> dict[str, Any]:
    return {
        "system": trace.system,
        "case_id": trace.case_id,
        "condition": trace.condition,
        "repeat": trace.repeat,
        "judge_repeat": repeat,
        "number": number,
    }


def _endpoint(settings: Settings, under_way: UnderWay | None) -> Endpoint:
    transport = Transport()
    found = keyed_endpoint(
        f"{settings.base_url}/chat/completions",
        settings.api_key_env,
        policy=settings.policy,
        concurrency=settings.concurrency or None,
        patience=settings.patience,
        transport=transport if under_way is None else Noted(transport, under_way),
        read=read_body,
        seed=settings.name,
    )
    found.breaker.again = "run again with the same --out when it is well"
    return found
