"""What a call costs, and how a run gets along with an endpoint's limits, against a server on this machine.

speed: CPU milliseconds a call, beside a bare aiohttp loop. limits: wall time over the least possible one, extra
calls and cases without an answer, with token buckets, a bound of calls at a time and faults by chance.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import multiprocessing
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from evalkit.adapters.openai import build
from evalkit.adapters.retry import RetryPolicy
from evalkit.pool import each
from evalkit.records import Approach, Case, Outcome, Question, Suite, System, SystemSpec

ANSWER = json.dumps(
    {
        "model": "m",
        "choices": [
            {"message": {"role": "assistant", "content": "x " * 40}, "finish_reason": "stop"}
        ],
        "usage": {"prompt_tokens": 50, "completion_tokens": 40},
    }
).encode()
REFUSED = b'{"error": {"message": "slow down"}}'
STATUS = {200: "OK", 429: "Too Many Requests", 500: "Internal Server Error", 503: "Unavailable"}


@dataclass
class World:
    """How the server behaves: seconds a call, its limits, and what it says when they are reached."""

    latency: float = 0.05
    rate: float = math.inf  # calls a second, infinity for no limit
    burst: float = 0.0
    places: float = math.inf  # calls at a time
    told: str = "exact"  # the wait in a 429: exact, seconds (whole ones), none
    faults: dict[int, float] = field(
        default_factory=dict
    )  # share of calls by status; 0 cuts the line


class Server(asyncio.Protocol):
    """As much HTTP as a keep-alive client needs."""

    world, tokens, filled, busy, chance = World(), 0.0, 0.0, 0, random.Random(0)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.line, self.seen = transport, b""

    def data_received(self, data: bytes) -> None:
        self.seen += data
        head, there, body = self.seen.partition(b"\r\n\r\n")
        at = head.lower().find(b"content-length:")
        length = int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
        if there and len(body) >= length:
            self.seen = b""
            self.answer()

    def answer(self) -> None:
        status, wait = self.verdict()
        if status == 200:
            Server.busy += 1
        delay = self.world.latency if status == 200 else 0.001
        asyncio.get_running_loop().call_later(delay, self.finish, status, wait)

    def verdict(self) -> tuple[int, float]:
        world, now = Server.world, time.monotonic()
        drawn = self.chance.random()
        for status, share in world.faults.items():
            drawn -= share
            if drawn < 0:
                return status, 0.0
        if Server.busy >= world.places:
            return 429, 0.0
        if world.rate < math.inf:
            gained = (now - Server.filled) * world.rate
            Server.tokens, Server.filled = min(world.burst, Server.tokens + gained), now
            if Server.tokens < 1:
                return 429, (1 - Server.tokens) / world.rate
            Server.tokens -= 1
        return 200, 0.0

    def finish(self, status: int, wait: float) -> None:
        if status == 200:
            Server.busy -= 1
        if status == 0:
            self.line.abort()
            return
        body = ANSWER if status == 200 else REFUSED
        said = {"exact": f"{wait:.4f}", "seconds": str(max(1, math.ceil(wait))), "none": ""}
        told = said[self.world.told] if wait else ""
        after = f"retry-after: {told}\r\n" if told else ""
        head = f"HTTP/1.1 {status} {STATUS[status]}\r\ncontent-type: application/json\r\n{after}content-length: {len(body)}\r\n\r\n"
        self.line.write(head.encode() + body)


def serve(world: World, told: Connection) -> None:
    """Serve until killed; sends the port."""

    async def main() -> None:
        Server.world, Server.tokens, Server.filled = world, world.burst, time.monotonic()
        loop = asyncio.get_running_loop()
        server = await loop.create_server(Server, "127.0.0.1", 0, backlog=2048)
        told.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(main())


def against(world: World, do: Callable[[str], Awaitable[Any]]) -> Any:
    """What ``do(base URL)`` returns while a server of that world runs in a process of its own."""
    here, there = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=serve, args=(world, there))
    process.start()
    try:
        return asyncio.run(do(f"http://127.0.0.1:{here.recv()}/v1"))
    finally:
        process.kill()
        process.join()


def system_at(url: str, **options: Any) -> System:
    """An ``openai`` system without a key."""
    given = {"model": "m", "base_url": url, "api_key_env": "EVALKIT_BENCHMARK_KEY", **options}
    suite = Suite("s", Path(), (Case("c", "q"),), {}, "x")
    return build(SystemSpec("s", Approach.PROMPT, "openai", given, Path()), suite)


async def ask_through(
    system: System, calls: int, workers: int
) -> tuple[float, float, list[Outcome]]:
    """Wall and CPU seconds of ``calls`` questions, and what came of them."""
    found: list[Outcome] = []

    async def one(i: int) -> None:
        found.append(await system.ask(Question(f"What does number {i} cost? {'word ' * 30}")))

    await each(range(20), one, 4)  # connections and imports
    found.clear()
    await asyncio.sleep(1.0)  # until a bucket is full again
    began, spent = time.perf_counter(), time.process_time()
    await each(range(calls), one, workers)
    taken = time.perf_counter() - began, time.process_time() - spent
    await system.aclose()
    return *taken, found


async def bare(url: str, calls: int, workers: int) -> tuple[float, float]:
    """The same requests by nothing but aiohttp and json."""
    import aiohttp

    prompt = "word " * 30
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as client:

        async def one(i: int) -> None:
            asked = [{"role": "user", "content": f"What does number {i} cost? {prompt}"}]
            body = json.dumps({"model": "m", "messages": asked}).encode()
            headers = {"content-type": "application/json"}
            async with client.post(f"{url}/chat/completions", data=body, headers=headers) as got:
                json.loads(await got.read())["choices"][0]["message"]["content"]

        await each(range(20), one, 4)
        began, spent = time.perf_counter(), time.process_time()
        await each(range(calls), one, workers)
        return time.perf_counter() - began, time.process_time() - spent


def speed(calls: int, workers: int) -> None:
    """A row for each way to ask: CPU and wall of the best of two rounds."""
    ways: dict[str, Callable[[str], Awaitable[Any]]] = {
        "bare aiohttp": lambda url: bare(url, calls, workers),
        "evalkit": lambda url: ask_through(system_at(url), calls, workers),
        "evalkit, transport: sdk": lambda url: ask_through(
            system_at(url, transport="sdk"), calls, workers
        ),
    }
    print(f"speed: {calls} calls of 50 ms, {workers} at a time")
    print(f"{'':<26} {'CPU ms/call':>11} {'wall/ideal':>10}")
    for name, way in ways.items():
        rounds = [against(World(), way) for _ in range(2)]
        cpu = min(taken[1] for taken in rounds) / calls * 1000
        wall = min(taken[0] for taken in rounds) / (calls * 0.05 / workers)
        print(f"{name:<26} {cpu:>11.3f} {wall:>10.2f}")


LIMITS = {
    "100 a second, waits told": (World(rate=100, burst=20), 800),
    "100 a second, none told": (World(rate=100, burst=20, told="none"), 800),
    "100 a second, whole seconds": (World(rate=100, burst=20, told="seconds"), 800),
    "20 a second, 1 s a call": (World(latency=1.0, rate=20, burst=20), 320),
    "8 at a time": (World(places=8, told="none"), 800),
    "20 % faults by chance": (World(faults={429: 0.03, 503: 0.03, 500: 0.1, 0: 0.04}), 5000),
}


def least_seconds(world: World, calls: int, workers: int) -> float:
    """How long the calls take at least; after a fault the worker waits, as retries do, and asks again."""
    places = min(workers, world.places)
    share, policy = sum(world.faults.values()), RetryPolicy()
    waits = sum(share**n * policy.first_wait * 2.0 ** (n - 2) for n in range(1, policy.attempts))
    by_rate = (calls - world.burst) / world.rate if world.rate < math.inf else 0.0
    return max(calls * (world.latency / (1 - share) + waits) / places, by_rate + world.latency)


def limits(workers: int) -> None:
    """A row for each world."""
    print(f"\nlimits: {workers} workers")
    print(f"{'':<30} {'calls':>6} {'least s':>8} {'took':>6} {'extra':>6} {'failed':>6}")
    for name, (world, calls) in LIMITS.items():
        took, _, found = against(
            world, lambda url, calls=calls: ask_through(system_at(url), calls, workers)
        )
        least = least_seconds(world, calls, workers)
        extra = sum(outcome.meta.get("attempts", 1) - 1 for outcome in found) / calls
        failed = sum(outcome.error is not None for outcome in found)
        assert len(found) == calls, "a call is unaccounted for"
        print(
            f"{name:<30} {calls:>6} {least:>8.1f} {took / least:>5.2f}x {extra:>6.2f} {failed:>6}"
        )


def load(calls: int) -> None:
    """Errors at concurrency 1 to 500."""
    print(f"\nload: {calls} calls of 50 ms")
    for workers in (1, 32, 100, 500):
        some = min(calls, 60 * workers)
        took, cpu, found = against(
            World(),
            lambda url, some=some, workers=workers: ask_through(
                system_at(url, concurrency=workers), some, workers
            ),
        )
        failed = sum(outcome.error is not None for outcome in found)
        ideal = some * 0.05 / workers
        print(
            f"{workers:>4} at a time: {failed} errors, wall/ideal {took / ideal:.2f}, CPU {cpu / some * 1000:.3f} ms/call"
        )


def main() -> None:
    """Print the parts that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", default=["speed", "limits", "load"])
    parser.add_argument("--calls", type=int, default=2000)
    parser.add_argument("--workers", type=int, default=32)
    args = parser.parse_args()
    if "speed" in args.parts:
        speed(args.calls, args.workers)
    if "limits" in args.parts:
        limits(args.workers)
    if "load" in args.parts:
        load(args.calls)


if __name__ == "__main__":
    main()
