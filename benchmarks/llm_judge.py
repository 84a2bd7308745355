"""What the judge that asks a model adds to the bare calls, against a server on this machine.

500 traces at 50 ms and 32 calls at a time: wall time of `judge_traces`, over that of a bare aiohttp loop that posts the very
same requests; and the CPU time of both. The server runs in a process of its own.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import re
import time
from collections.abc import Callable, Coroutine, Iterable
from multiprocessing.connection import Connection
from statistics import median
from typing import Any

from evalkit.judge import judge_traces
from evalkit.judges.claims import claims
from evalkit.judges.llm.judge import LlmJudge, build
from evalkit.pool import each
from evalkit.records import Case, KeyPoint, Passage, Trace

CANARY = re.compile(rb"the code ([0-9a-f]{24}) as it stands")
TOPICS = ("The garage", "The lift", "The pool", "The kitchen", "The library", "The gate")


class Server(asyncio.Protocol):
    """As much HTTP as a keep-alive client needs; it answers with a verdict of the right form after ``latency``."""

    latency = 0.05

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.line, self.seen = transport, b""

    def data_received(self, data: bytes) -> None:
        self.seen += data
        head, there, body = self.seen.partition(b"\r\n\r\n")
        at = head.lower().find(b"content-length:")
        length = int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
        if there and len(body) >= length:
            self.seen = b""
            asyncio.get_running_loop().call_later(self.latency, self.answer, verdict(body))

    def answer(self, body: bytes) -> None:
        head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
        self.line.write(head.encode() + body)  # type: ignore[attr-defined]


def verdict(body: bytes) -> bytes:
    """The reply of a model that supports every claim by the first passage."""
    canary = CANARY.search(body)[1].decode()  # type: ignore[index]
    listed = body.rpartition(b"begin claims")[2].split(b"\\n")
    decided = [
        {"n": n, "verdict": "supported", "passage": 1, "in_reference": True}
        for n in range(1, len(listed) - 1)
    ]
    made = {
        "canary": canary,
        "reason": "All statements stand in passage 1.",
        "claims": decided,
        "correct": 1.0,
        "key_points": [{"n": 1, "covered": 1.0}, {"n": 2, "covered": 0.0}],
        "context": "sufficient",
        "refused": 0.0,
    }
    choice = {
        "message": {"role": "assistant", "content": json.dumps(made)},
        "finish_reason": "stop",
    }
    usage = {"prompt_tokens": 2000, "completion_tokens": 200}
    return json.dumps({"model": "m", "choices": [choice], "usage": usage}).encode()


def serve(latency: float, told: Connection) -> None:
    async def work() -> None:
        Server.latency = latency
        server = await asyncio.get_running_loop().create_server(Server, "127.0.0.1", 0)
        told.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(work())


def trace_of(number: int, count: int, passages: int) -> tuple[Case, Trace]:
    """A case and an answer of ``count`` claims, none like that of another number."""
    said = [f"{TOPICS[i % 6]} in house {number} opens at {i + 5} on day {i}." for i in range(count)]
    filler = " ".join(f"Rule {i} of house {number} concerns item {i * 7}." for i in range(20))
    context = tuple(
        Passage(f"d{p}", text=" ".join(said[p::passages]) + " " + filler) for p in range(passages)
    )
    case = Case(
        id=f"c{number}",
        query=f"When does house {number} open?",
        reference=(" ".join(said[:3]),),
        key_points=(KeyPoint(said[0]), KeyPoint("It is closed on holidays.")),
    )
    return case, Trace(response=" ".join(said), context=context, system="s", case_id=case.id)


async def bare(url: str, payloads: Iterable[Any], at_a_time: int) -> None:
    """What anybody would write: post, read, parse."""
    import aiohttp

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

        async def one(payload: Any) -> None:
            async with session.post(url, json=payload) as reply:
                json.loads((await reply.json())["choices"][0]["message"]["content"])

        await each(payloads, one, at_a_time)


class Noted:
    """Keeps what a judge sends."""

    def __init__(self, judge: LlmJudge) -> None:
        self.payloads: list[Any] = []
        inner = judge._asker.endpoint.transport  # noqa: SLF001 (the benchmark looks inside)
        send = inner.post_json

        async def post_json(url: str, payload: Any, *rest: Any, **more: Any) -> Any:
            self.payloads.append(payload)
            return await send(url, payload, *rest, **more)

        inner.post_json = post_json  # type: ignore[method-assign]


def timed(work: Callable[[], Coroutine[Any, Any, None]]) -> tuple[float, float]:
    """Wall and CPU seconds."""
    started, used = time.perf_counter(), time.process_time()
    asyncio.run(work())
    return time.perf_counter() - started, time.process_time() - used


def measure(
    url: str, arguments: argparse.Namespace, round_: int
) -> tuple[float, float, float, float, int]:
    """Wall and CPU of the judge and of the bare loop over the same requests; the number of calls."""
    first = round_ * arguments.traces  # texts that nothing remembers yet
    pairs = [
        trace_of(first + n, arguments.claims, arguments.passages) for n in range(arguments.traces)
    ]
    cases = {case.id: case for case, _ in pairs}
    traces = [trace for _, trace in pairs]

    options = {"base_url": f"{url}/v1", "model": "m", "concurrency": arguments.concurrency}

    async def judged() -> None:
        judge = build(options, salt=b"bench")
        if not arguments.planned:
            claims.cache_clear()
        found = await judge_traces(cases, traces, judge, concurrency=judge.concurrency)
        await judge.aclose()
        assert all(e is not None and e.error is None and e.correct == 1.0 for e in found), found[0]

    noted: list[Any] = []

    async def noting() -> None:
        judge = build(options, salt=b"bench")
        keeper = Noted(judge)
        await judge_traces(cases, traces, judge, concurrency=judge.concurrency)
        await judge.aclose()
        noted.extend(keeper.payloads)

    timed(noting)
    wall, cpu = timed(judged)
    post = f"{url}/v1/chat/completions"
    bare_wall, bare_cpu = timed(lambda: bare(post, noted, arguments.concurrency))
    return wall, cpu, bare_wall, bare_cpu, len(noted)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--traces", type=int, default=500)
    parser.add_argument("--claims", type=int, default=8)
    parser.add_argument("--passages", type=int, default=5)
    parser.add_argument("--latency", type=float, default=0.05)
    parser.add_argument("--concurrency", type=int, default=32)
    parser.add_argument(
        "--planned",
        action="store_true",
        help="leave out the cutting of claims, which `calls_for` does before a run",
    )
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    here, there = multiprocessing.Pipe()
    context = multiprocessing.get_context("spawn")
    server = context.Process(target=serve, args=(arguments.latency, there), daemon=True)
    server.start()
    url = f"http://127.0.0.1:{here.recv()}"
    few = argparse.Namespace(**{**vars(arguments), "traces": 20})
    measure(url, few, 10**6)  # imports, and tables that are made once
    found = [measure(url, arguments, number) for number in range(arguments.rounds)]
    server.terminate()
    for wall, cpu, bare_wall, bare_cpu, calls in found:
        print(
            f"{calls} calls: judge {wall:.3f} s (CPU {1000 * cpu / calls:.2f} ms a call), "
            f"bare loop {bare_wall:.3f} s (CPU {1000 * bare_cpu / calls:.2f} ms), ratio {wall / bare_wall:.3f}"
        )
    ratios = sorted(one[0] / one[2] for one in found)
    print(f"ratio: median {median(ratios):.3f}, least {ratios[0]:.3f}")


if __name__ == "__main__":
    main()
