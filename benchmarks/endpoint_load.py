"""How does evalkit fare at an endpoint that limits, fails by chance, or serves hundreds at a time? A real server with books of its own.

- A burst of 429: a bucket of ``BURST`` calls that fills by ``RATE`` a second. The least time for n calls is
  (n - BURST) / RATE, and the time of the last of them; refusals tell the wait in every spelling, or not at all.
- A fifth of all requests fail by chance: n / (1 - 1/5) requests answer n calls, n / 4 of them extra.
- As many calls at a time as allowed, up to 500: no wait for a connection, nobody left out.

``tests/test_endpoint_load.py`` runs a short version.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import random
import sys
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

from evalkit.adapters.openai import build
from evalkit.pool import each
from evalkit.records import Approach, Case, Outcome, Question, Suite, System, SystemSpec

RATE, BURST, LATENCY = 40.0, 20, 0.05  # calls a second, calls, seconds
MOST = 1.3  # times the least that time and requests may take
FAILING = 0.2
FINE = {
    "choices": [{"message": {"role": "assistant", "content": "fine"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 1, "completion_tokens": 1},
}


def _date(wait: float) -> str:
    return format_datetime(datetime.now(UTC) + timedelta(seconds=math.ceil(wait)), usegmt=True)


# how a refusal tells how many seconds to wait
SPELLINGS: dict[str, Callable[[float], str]] = {
    "seconds": lambda wait: f"retry-after: {max(1, math.ceil(wait))}",
    "fractions": lambda wait: f"retry-after: {wait:.3f}",
    "milliseconds": lambda wait: f"retry-after-ms: {math.ceil(wait * 1000)}",
    "date": lambda wait: f"retry-after: {_date(wait)}",
    "rate limit": lambda wait: (
        f"x-ratelimit-remaining-requests: 0\r\nx-ratelimit-reset-requests: {wait:.3f}s"
    ),
    "garbage": lambda _: "retry-after: soon",
    "nothing": lambda _: "x-nothing: 1",
}


@dataclass
class Endpoint:
    """A server. ``refuse`` says how long to wait, None where a request is let in; ``fails`` how one fails, None not."""

    refuse: Callable[[], float | None] = lambda: None
    fails: Callable[[], str | None] = lambda: None
    spelling: str = "nothing"
    latency: float = LATENCY
    heard: int = 0
    early: int = 0
    inside: int = 0
    peak: int = 0
    waits: dict[str, float] = field(default_factory=dict)

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            while await self._one(reader, writer):
                await writer.drain()
        writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
        body = await reader.readexactly(int(head.partition("content-length:")[2].split()[0]))
        self.heard += 1
        who = json.loads(body)["messages"][-1]["content"]
        self.early += time.time() < self.waits.pop(who, 0.0)
        wait = self.refuse()
        if wait is not None:
            self._note(who, wait)
            writer.write(_packet(429, {"error": {}}, SPELLINGS[self.spelling](wait)))
            return True
        self.inside += 1
        self.peak = max(self.peak, self.inside)
        await asyncio.sleep(self.latency)
        self.inside -= 1
        how = self.fails()
        if how in ("reset", "cut"):
            writer.write(
                b"" if how == "reset" else b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{"
            )
            return False
        writer.write(_packet(200 if how is None else int(how), FINE if how is None else {}))
        return True

    def _note(self, who: str, wait: float) -> None:
        """When the question may come again, as it was told."""
        if self.spelling in ("seconds", "fractions", "milliseconds"):
            told = max(1, math.ceil(wait)) if self.spelling == "seconds" else wait - 0.001
            self.waits[who] = time.time() + told


def _packet(status: int, body: object, header: str = "x-nothing: 1") -> bytes:
    data = json.dumps(body).encode()
    head = f"HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {len(data)}\r\n{header}\r\n\r\n"
    return head.encode() + data


def bucket(rate: float, burst: float) -> Callable[[], float | None]:
    """A bucket of tokens, as providers count requests: how long until there is one, None where one was taken."""
    state = {"tokens": burst, "at": time.monotonic()}

    def take() -> float | None:
        now = time.monotonic()
        state["tokens"] = min(burst, state["tokens"] + (now - state["at"]) * rate)
        state["at"] = now
        if state["tokens"] < 1:
            return (1 - state["tokens"]) / rate
        state["tokens"] -= 1
        return None

    return take


@asynccontextmanager
async def serving(endpoint: Endpoint, **given: object) -> AsyncIterator[System]:
    """The endpoint, and a system that asks it."""
    server = await asyncio.start_server(endpoint, "127.0.0.1", 0, backlog=1024)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    whole = {"model": "m", "base_url": url, "timeout": 60, "attempts": 6, **given}
    spec = SystemSpec("s", Approach.PROMPT, "openai", whole, Path())
    system = build(spec, Suite("s", Path(), (Case("c", "q"),), {}, "x"))
    try:
        yield system
    finally:
        await system.aclose()
        server.close()
        await asyncio.sleep(0.05)


def ask(
    endpoint: Endpoint, calls: int, workers: int, **given: object
) -> tuple[list[Outcome], float]:
    """The answers to so many questions, and the seconds they took."""

    async def main() -> tuple[list[Outcome], float]:
        async with serving(endpoint, **given) as system:
            told: list[Outcome] = []

            async def one(i: int) -> None:
                told.append(await system.ask(Question(f"question {i}")))

            began = time.monotonic()
            await each(range(calls), one, workers)
            return told, time.monotonic() - began

    return asyncio.run(main())


def burst(calls: int, spelling: str) -> tuple[bool, str]:
    """Calls against a bucket: whether they end within ``MOST`` times the least time, none earlier than told."""
    endpoint = Endpoint(bucket(RATE, BURST), spelling=spelling)
    told, seconds = ask(endpoint, calls, 32)
    least = (calls - BURST) / RATE + LATENCY
    failed = sum(outcome.error is not None for outcome in told)
    fine = seconds <= MOST * least and not failed and not endpoint.early
    return fine, (
        f"429, wait told by {spelling}: {calls} calls in {seconds:.1f} s, least {least:.1f} s, ratio {seconds / least:.2f}; "
        f"failed {failed}, refused {endpoint.heard - calls}, earlier than told {endpoint.early}"
    )


def by_chance(calls: int, seed: int = 0) -> tuple[bool, str]:
    """Calls of which a fifth of all requests fail: whether each is accounted for, with no more requests than it takes."""
    chance = random.Random(seed)
    hows = ("500", "502", "503", "529", "408", "reset", "cut")
    endpoint = Endpoint(
        fails=lambda: chance.choice(hows) if chance.random() < FAILING else None, latency=0.005
    )
    told, _ = ask(endpoint, calls, 64, attempts=8)
    attempts = sum(int(outcome.meta.get("attempts", 1)) for outcome in told)
    failed = sum(outcome.error is not None for outcome in told)
    least = calls * FAILING / (1 - FAILING)
    extra = endpoint.heard - calls
    astray = abs(attempts - endpoint.heard) + calls - len(told)
    return not astray and extra <= MOST * least, (
        f"a fifth fails: {calls} calls, {endpoint.heard} requests; unaccounted {astray}, "
        f"without an answer in the end {failed}, extra requests / theory {extra / least:.2f}"
    )


def at_a_time(cap: int) -> tuple[bool, str]:
    """As many calls at a time as allowed: whether that many are under way, and all are answered."""
    endpoint = Endpoint(latency=0.3)
    told, seconds = ask(endpoint, 3 * cap, 2 * cap, concurrency=cap)
    failed = sum(outcome.error is not None for outcome in told)
    fine = not failed and 0.9 * cap <= endpoint.peak <= cap
    return fine, (
        f"{cap} at a time: {len(told)} calls, at most {endpoint.peak} under way, errors {failed}, {seconds:.1f} s"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run every load and print its figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=5000, help="of chance; a tenth in each burst")
    options = parser.parse_args(arguments)
    loads: list[Callable[[], tuple[bool, str]]] = [
        *(lambda s=spelling: burst(options.calls // 10, s) for spelling in SPELLINGS),
        lambda: by_chance(options.calls),
        *(lambda c=cap: at_a_time(c) for cap in (1, 10, 100, 500)),
    ]
    bad = 0
    for load in loads:
        fine, told = load()
        bad += not fine
        print(told + ("" if fine else "  MISSED"), flush=True)
    print(f"{len(loads)} loads, {bad} missed")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
