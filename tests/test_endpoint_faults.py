"""What endpoints do wrong, in a table, against a real server on this machine, through both transports."""

import asyncio
import gzip
import json
import resource
import struct
import subprocess
import sys
import time
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from functools import partial
from pathlib import Path

import pytest

from evalkit.adapters import options
from evalkit.adapters.http import build as build_service
from evalkit.adapters.openai import build
from evalkit.adapters.retry import RetryPolicy
from evalkit.errors import EndpointUnusable
from evalkit.pool import each
from evalkit.records import Approach, Case, Outcome, Question, Suite, System, SystemSpec

KEY = "sk-geheim-1234567890/+="
TRANSPORTS = ("http", "sdk")
Writer = asyncio.StreamWriter
Mode = Callable[[Writer], Awaitable[None]]


@dataclass
class Heard:
    """One request as the server got it."""

    at: float
    head: dict[str, str]
    body: bytes = field(repr=False)


class Line:
    """A server that answers its requests with ``modes`` in turn, the last for all that follow."""

    def __init__(self, *modes: Mode) -> None:
        self.modes = list(modes)
        self.heard: list[Heard] = []
        self.told: list[Outcome] = []  # what the askers made of it, in the order of their ends
        self.inside = self.peak = 0

    async def __call__(self, reader: asyncio.StreamReader, writer: Writer) -> None:
        try:
            while await self._one(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: Writer) -> bool:
        lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")[1:-2]
        head = {n.lower(): v.strip() for n, _, v in (line.partition(":") for line in lines)}
        body = await reader.readexactly(int(head.get("content-length", 0)))
        self.heard.append(Heard(time.monotonic(), head, body))
        self.inside += 1
        self.peak = max(self.peak, self.inside)
        mode = self.modes.pop(0) if len(self.modes) > 1 else self.modes[0]
        try:
            await mode(writer)
            await writer.drain()
        finally:
            self.inside -= 1
        return not writer.is_closing()


@asynccontextmanager
async def serving(line: Line) -> AsyncIterator[str]:
    server = await asyncio.start_server(line, "127.0.0.1", 0, backlog=1024)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    finally:
        server.close()
        for _ in range(3):  # who was let in at this moment begins first, so that it can be ended
            await asyncio.sleep(0)
        inside = [task for task in asyncio.all_tasks() if "Line.__call__" in repr(task)]
        for task in inside:
            task.cancel()
        await asyncio.gather(*inside, return_exceptions=True)


def packet(status: int, body: bytes, headers: str = "") -> bytes:
    head = f"HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n{headers}\r\n"
    return head.encode() + body


def says(status: int, body: object = None, headers: str = "", *, after: float = 0.0) -> Mode:
    """Answer with JSON, or with ``body`` as it is when that is bytes."""
    given = {"error": {"message": "no"}} if body is None else body
    data = given if isinstance(given, bytes) else json.dumps(given).encode()

    async def write(writer: Writer) -> None:
        await asyncio.sleep(after)
        writer.write(packet(status, data, headers))

    return write


def raw(data: bytes, *, stay: float = 0.0) -> Mode:
    """Write bytes, then cut the line after ``stay`` seconds."""

    async def write(writer: Writer) -> None:
        writer.write(data)
        await writer.drain()
        await asyncio.sleep(stay)
        writer.close()

    return write


async def reset(writer: Writer) -> None:
    writer.transport.abort()


def chat(content: object = "fine", **message: object) -> dict:
    choice = {"message": {"role": "assistant", "content": content, **message}}
    return {
        "model": "m",
        "choices": [{**choice, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 10, "completion_tokens": 5},
    }


FINE = says(200, chat())


def system_at(url: str, **given: object) -> System:
    price = {"prompt_per_million": 1, "completion_per_million": 2}
    whole = {"model": "m", "base_url": url, "timeout": 5, "attempts": 3, "price": price, **given}
    spec = SystemSpec("s", Approach.PROMPT, "openai", whole, Path())
    return build(spec, Suite("s", Path(), (Case("c", "q"),), {}, "x"))


def ask(line: Line, *, times: int = 1, workers: int = 1, **given: object) -> list[Outcome]:
    """Ask that many questions; what came of them is in ``line.told`` even if the run ends early."""

    async def main() -> None:
        async with serving(line) as url:
            system = system_at(url, **given)

            async def one(i: int) -> None:
                line.told.append(await system.ask(Question(f"question {i}")))

            try:
                await each(range(times), one, workers)
            finally:
                await system.aclose()

    asyncio.run(main())
    return line.told


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Our own waits between attempts a tenth as long; what is asked for is kept."""
    monkeypatch.setattr(options, "RetryPolicy", partial(RetryPolicy, first_wait=0.05))


@pytest.fixture(scope="module", autouse=True)
def imported() -> None:
    """What the transports import takes seconds on a busy machine, and is not what is timed here."""
    for transport in TRANSPORTS:
        ask(Line(FINE), transport=transport)


@pytest.fixture(params=TRANSPORTS)
def transport(request: pytest.FixtureRequest) -> str:
    return str(request.param)


# --- E1: the waits that are asked for ----------------------------------------------------------


def soon(seconds: float) -> str:
    return format_datetime(datetime.now(UTC) + timedelta(seconds=seconds), usegmt=True)


@pytest.mark.parametrize(
    ("header", "least"),
    [
        ("retry-after: 0.3", 0.3),
        ("retry-after: 300ms", 0.3),
        ("retry-after-ms: 300\r\nretry-after: 9", 0.3),
        ("x-ratelimit-remaining-requests: 0\r\nx-ratelimit-reset-requests: 0.3s", 0.3),
        ("anthropic-ratelimit-requests-remaining: 0\r\nx-ratelimit-reset: 9", 0.0),
        ("retry-after: -3", 0.0),
        ("retry-after: NaN", 0.0),
        ("retry-after: bald", 0.0),
        ("retry-after: Thu, 99 Foo 2026 99:99:99 GMT", 0.0),
        ("x-nothing: 1", 0.0),
    ],
)
@pytest.mark.parametrize("status", [429, 503])
def test_a_wait_is_obeyed_or_replaced_by_our_own(header: str, least: float, status: int) -> None:
    line = Line(says(status, headers=f"{header}\r\n"), FINE)
    (outcome,) = ask(line)
    assert outcome.response == "fine"
    assert outcome.meta["attempts"] == 2
    assert line.heard[1].at - line.heard[0].at >= least
    assert outcome.seconds.total < 0.3  # of the call that was answered, without the wait


def test_a_date_is_obeyed() -> None:
    until = time.time() + 1.5
    line = Line(says(429, headers=f"retry-after: {soon(2)}\r\n"), FINE)
    assert ask(line)[0].response == "fine"
    assert time.time() >= int(until)


@pytest.mark.parametrize("wait", ["3600", "1e308", "inf", "9" * 400, "2099999999"])
def test_a_wait_beyond_the_deadline_is_not_tried(wait: str) -> None:
    line = Line(says(429, headers=f"retry-after: {wait}\r\n"))
    began = time.monotonic()
    (outcome,) = ask(line)
    assert outcome.error.kind == "rate_limit"
    assert len(line.heard) == 1
    assert time.monotonic() - began < 10


# --- E2, E3: what heals, what does not ---------------------------------------------------------

HEALING = {
    **{str(status): says(status) for status in (408, 409, 425, 429, 500, 502, 503, 504, 520, 529)},
    "html 502": says(502, b"<html><h1>Bad Gateway</h1></html>"),
    "reset": reset,
    "closed": raw(b""),
    "cut": raw(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{"),
    "bad chunk": raw(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n"),
    "no http": raw(b"SSH-2.0-OpenSSH_9.0\r\n\r\n"),
}


@pytest.mark.parametrize("fault", HEALING.values(), ids=HEALING.keys())
def test_a_passing_fault_heals(fault: Mode, transport: str) -> None:
    outcomes = ask(Line(fault, FINE), times=2, transport=transport)
    assert [outcome.response for outcome in outcomes] == ["fine", "fine"]
    assert outcomes[0].meta["attempts"] == 2


def test_a_connection_that_went_stale_is_replaced(transport: str) -> None:
    async def answer_then_close(writer: Writer) -> None:
        await FINE(writer)
        await writer.drain()
        writer.close()

    outcomes = ask(Line(answer_then_close), times=4, transport=transport)
    assert [outcome.response for outcome in outcomes] == ["fine"] * 4


@pytest.mark.parametrize("status", [400, 404, 405, 413, 422])
def test_a_refused_request_is_sent_once(status: int, transport: str) -> None:
    line = Line(says(status))
    (outcome,) = ask(line, transport=transport)
    assert outcome.error.kind == "exception"
    assert len(line.heard) == 1
    assert "sent" not in outcome.meta


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_key_ends_the_run_and_keeps_what_was_answered(
    status: int, transport: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEST_KEY", KEY)
    refusal = says(status, {"error": {"message": f"wrong key {KEY}"}})
    line = Line(*[FINE] * 20, refusal)
    with pytest.raises(EndpointUnusable, match="TEST_KEY") as error:
        ask(line, times=200, workers=4, api_key_env="TEST_KEY", transport=transport)
    assert KEY not in str(error.value)
    assert len(line.heard) <= 20 + 4
    assert len(line.told) >= 20 - 4


# --- E4: hangs ---------------------------------------------------------------------------------


async def drip(writer: Writer) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 999\r\n\r\n")
    while True:
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.02)


async def stream_for_ever(writer: Writer) -> None:
    writer.write(
        b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
    )
    while True:
        writer.write(b"9\r\ndata: {}\n\r\n")
        await writer.drain()
        await asyncio.sleep(0.01)


HANGS = {
    "before the head": raw(b"", stay=20),
    "within the head": raw(b"HTTP/1.1 200 OK\r\nx-a: ", stay=20),
    "after the head": raw(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n", stay=20),
    "one byte now and then": drip,
    "a stream without end": stream_for_ever,
}


@pytest.mark.parametrize("fault", HANGS.values(), ids=HANGS.keys())
def test_a_hang_ends_at_the_deadline_and_may_have_cost(fault: Mode, transport: str) -> None:
    began = time.monotonic()
    (outcome,) = ask(Line(fault), timeout=0.4, transport=transport)
    assert time.monotonic() - began < 10
    assert outcome.error.kind == "timeout"
    assert outcome.meta["sent"] is True


FIRST = """
import asyncio, sys
from pathlib import Path
from evalkit.adapters.openai import build
from evalkit.records import Approach, Case, Question, Suite, SystemSpec

options = {"model": "m", "base_url": "http://127.0.0.1:9/v1", "attempts": 1, "transport": sys.argv[1]}
system = build(SystemSpec("s", Approach.PROMPT, "openai", options, Path()), Suite("s", Path(), (Case("c", "q"),), {}, "x"))
before = set(sys.modules)
outcome = asyncio.run(system.ask(Question("q")))
late = {name.partition(".")[0] for name in set(sys.modules) - before}
print(outcome.error.kind, sorted(late & {"aiohttp", "openai", "yarl", "multidict"}))
"""


def test_no_library_is_imported_in_the_time_of_the_first_question(transport: str) -> None:
    command = [sys.executable, "-c", FIRST, transport]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout == "connection []\n", done.stderr


def test_what_never_went_out_cost_nothing(transport: str) -> None:
    async def main() -> Outcome:
        system = system_at("http://127.0.0.1:9/v1", attempts=1, transport=transport)
        try:
            return await system.ask(Question("q"))
        finally:
            await system.aclose()

    outcome = asyncio.run(main())
    assert outcome.error.kind == "connection"
    assert "sent" not in outcome.meta


def test_a_lost_attempt_is_noted_even_if_the_next_is_answered(transport: str) -> None:
    (outcome,) = ask(Line(reset, FINE), transport=transport)
    assert outcome.response == "fine"
    assert outcome.meta["lost"] == 1


# --- E5: odd replies; both transports read them alike -------------------------------------------


def finished(reason: str, content: object = "half") -> dict:
    reply = chat(content)
    reply["choices"][0]["finish_reason"] = reason
    return reply


def using(**usage: object) -> dict:
    return {**chat(), "usage": usage}


CALL = {"type": "function", "function": {"name": "search", "arguments": "{}"}}
# what is sent, the kind of error, the response, whether the cost is known
REPLIES: dict[str, tuple[object, str | None, str | None, bool]] = {
    "plain": (chat(), None, "fine", True),
    "other scripts": (chat("返品は14日以内。 Größe, مرحبا"), None, "返品は14日以内。 Größe, مرحبا", True),
    "refusal": (chat(None, refusal="Das geht nicht."), None, "Das geht nicht.", True),
    "tool call": (chat(None, tool_calls=[CALL]), None, None, True),
    "other model": ({**chat(), "model": "other"}, None, "fine", True),
    "byte order mark": (b"\xef\xbb\xbf" + json.dumps(chat()).encode(), None, "fine", True),
    "truncated": (finished("length"), "truncated", "half", True),
    "filtered": (finished("content_filter", None), "content_filter", None, True),
    "empty text": (chat(" "), "empty", " ", True),
    "null content": (chat(None), "empty", None, True),
    "error inside": ({"error": {"message": "overloaded"}}, "exception", None, False),
    "no usage": ({**chat(), "usage": None}, None, "fine", False),
    "negative usage": (using(prompt_tokens=-1, completion_tokens=5), None, "fine", False),
    "text for usage": (using(prompt_tokens="7", completion_tokens=5), None, "fine", False),
    "half of usage": (using(prompt_tokens=7), None, "fine", False),
    "huge usage": (using(prompt_tokens=10**4000, completion_tokens=5), None, "fine", False),
    "broken usage": (using(prompt_tokens=1.5, completion_tokens=5), None, "fine", False),
    "no choices": ({"model": "m"}, "malformed", None, False),
    "null choices": ({"choices": None}, "malformed", None, False),
    "number for text": (chat(3), "malformed", None, False),
    "nothing": (b"", "malformed", None, False),
    "html": (b"<html>", "malformed", None, False),
    "a list": (b"[]", "malformed", None, False),
    "NaN": (b'{"choices": [{"message": {"content": "x"}}], "usage": NaN}', "malformed", None, False),
    "a key twice": (b'{"choices": [], "choices": []}', "malformed", None, False),
    "half a surrogate": (b'{"choices": [{"message": {"content": "\\ud800"}}]}', "malformed", None, False),
    "not utf-8": (b'{"choices": "\xff"}', "malformed", None, False),
    "deep": (b"[" * 100_000, "malformed", None, False),
    "6,000 digits": (b'{"a": ' + b"1" * 6000 + b"}", "malformed", None, False),
}  # fmt: skip


@pytest.mark.parametrize("name", REPLIES)
def test_a_reply_is_read_alike_by_both_transports(name: str) -> None:
    sent, kind, response, known = REPLIES[name]
    http, sdk = (ask(Line(says(200, sent)), transport=name)[0] for name in TRANSPORTS)
    assert replace(http, seconds=sdk.seconds) == sdk
    assert (http.error.kind if http.error else None) == kind
    assert http.response == response
    assert (http.usage.cost is not None) == known


def test_both_transports_send_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_KEY", KEY)
    given = {"api_key_env": "TEST_KEY", "temperature": 0.0, "seed": 7, "extra_body": {"top_k": 1}}
    lines = {name: Line(FINE) for name in TRANSPORTS}
    for name, line in lines.items():
        ask(line, transport=name, system="Sei kurz.", **given)
    http, sdk = (lines[name].heard[0] for name in TRANSPORTS)
    assert json.loads(http.body) == json.loads(sdk.body)
    for name in ("authorization", "content-type", "accept", "accept-encoding"):
        assert http.head[name] == sdk.head[name]


def bomb(gigabytes: float) -> bytes:
    """Zeros, packed a thousandfold: one block, over and over."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    block = packer.compress(bytes(1 << 20)) + packer.flush(zlib.Z_FULL_FLUSH)
    head = b"\x1f\x8b\x08\x00" + struct.pack("<I", 0) + b"\x00\x03"
    return head + block * int(gigabytes * 1024)


LARGE = {
    "60 MB": (b" " * (60 << 20), ""),
    "11 MB, packed": (gzip.compress(b" " * (11 << 20)), "content-encoding: gzip\r\n"),
    "2 GB, packed": (bomb(2), "content-encoding: gzip\r\n"),
}


@pytest.mark.parametrize("name", LARGE)
def test_a_reply_is_read_up_to_ten_megabytes(name: str, transport: str) -> None:
    body, headers = LARGE[name]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    (outcome,) = ask(Line(says(200, body, headers)), transport=transport)
    assert outcome.error.kind == "malformed"
    assert "10 MB" in outcome.error.message
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200 * 1024


def test_a_packed_reply_is_read(transport: str) -> None:
    packed = gzip.compress(json.dumps(chat()).encode())
    (outcome,) = ask(Line(says(200, packed, "content-encoding: gzip\r\n")), transport=transport)
    assert outcome.response == "fine"


def test_a_broken_packing_is_no_valid_reply(transport: str) -> None:
    broken = says(200, b"hello", "content-encoding: gzip\r\n")
    (outcome,) = ask(Line(broken), attempts=1, transport=transport)
    assert outcome.error.kind in ("malformed", "connection")


# --- E6: where the key goes ----------------------------------------------------------------------


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_gets_neither_prompt_nor_key(
    status: int, transport: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEST_KEY", KEY)
    thief = Line(FINE)

    async def main() -> Outcome:
        async with serving(thief) as elsewhere:
            turned = Line(says(status, headers=f"location: {elsewhere}/chat/completions\r\n"))
            async with serving(turned) as url:
                system = system_at(url, api_key_env="TEST_KEY", transport=transport)
                try:
                    return await system.ask(Question("q"))
                finally:
                    await system.aclose()

    outcome = asyncio.run(main())
    assert outcome.error.kind == "connection"
    assert thief.heard == []


@pytest.mark.parametrize("status", [200, 400, 500])
def test_a_key_that_is_echoed_is_struck_out(
    status: int, transport: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEST_KEY", KEY)
    said = f"you sent Bearer {KEY}"
    body = chat(said) if status == 200 else {"error": {"message": said}}
    line = Line(says(status, body))
    (outcome,) = ask(line, api_key_env="TEST_KEY", attempts=1, transport=transport)
    assert line.heard[0].head["authorization"] == f"Bearer {KEY}"
    assert KEY not in repr(outcome)
    assert "***" in repr(outcome)


# --- E7, E8: load --------------------------------------------------------------------------------


@pytest.mark.parametrize("cap", [1, 8, 200])
def test_as_many_calls_as_are_allowed_are_under_way(cap: int) -> None:
    line = Line(says(200, chat(), after=0.02))
    outcomes = ask(line, times=max(20, 3 * cap), workers=2 * cap, concurrency=cap)
    assert {outcome.error for outcome in outcomes} == {None}
    assert cap * 0.8 <= line.peak <= cap


def test_a_fifth_of_failures_is_accounted_for() -> None:
    faults = [says(500), reset, says(503), says(429), says(502)]
    modes = [faults[i // 5 % 5] if i % 5 == 0 else FINE for i in range(3000)]
    line = Line(*modes)
    outcomes = ask(line, times=400, workers=32, attempts=5)
    assert len(outcomes) == 400
    assert sum(outcome.meta.get("attempts", 1) for outcome in outcomes) == len(line.heard)
    assert len(line.heard) <= 400 * 1.25 * 1.3
    assert all(outcome.response == "fine" for outcome in outcomes)


# --- any JSON service ----------------------------------------------------------------------------


def ask_service(line: Line, *, times: int = 1, workers: int = 1, **given: object) -> list[Outcome]:
    """As ``ask``, of a service with an address for retrieval and one for generation."""

    async def main() -> None:
        async with serving(line) as url:
            parts = {
                "retrieve": {"url": f"{url}/retrieve", "response": {"retrieved": "$.hits"}},
                "generate": {"url": f"{url}/generate", "response": "$.answer"},
            }
            spec = SystemSpec("s", Approach.RAG, "http", {**parts, **given}, Path())
            system = build_service(spec, Suite("s", Path(), (Case("c", "q"),), {}, "x"))

            async def one(i: int) -> None:
                line.told.append(await system.ask(Question(f"question {i}")))

            try:
                await each(range(times), one, workers)
            finally:
                await system.aclose()

    asyncio.run(main())
    return line.told


BOTH = says(200, {"hits": ["d1"], "answer": "fine"})


def test_a_service_heals_and_tells_what_was_lost_on_the_way() -> None:
    (outcome,) = ask_service(Line(reset, BOTH, reset, BOTH))
    assert outcome.response == "fine"
    assert [passage.doc_id for passage in outcome.retrieved] == ["d1"]
    assert outcome.meta["lost"] == 2


def test_a_service_that_hangs_in_generation_ends_at_the_common_deadline() -> None:
    began = time.monotonic()
    (outcome,) = ask_service(Line(BOTH, drip), timeout=0.4)
    assert time.monotonic() - began < 10
    assert outcome.error.kind == "timeout"
    assert outcome.meta["sent"] is True


def test_a_service_gets_no_more_calls_at_a_time_than_it_may() -> None:
    slow = says(200, {"hits": ["d1"], "answer": "fine"}, after=0.02)
    line = Line(slow)
    outcomes = ask_service(line, times=30, workers=10, concurrency=2)
    assert {outcome.response for outcome in outcomes} == {"fine"}
    assert line.peak <= 2 * 2  # two for each address


def test_a_service_that_refuses_the_key_ends_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_KEY", KEY)
    line = Line(*[BOTH] * 20, says(401))
    with pytest.raises(EndpointUnusable, match="TEST_KEY"):
        ask_service(line, times=100, workers=4, headers={"x-token": "${TEST_KEY}"})
    assert len(line.heard) <= 20 + 4
