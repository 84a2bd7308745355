"""What the network does wrong, and what the adapters make of it."""

import asyncio
import gzip
import resource
import time

import pytest
from aiohttp import web
from loopback import Service, chat, make_spec, make_suite, saying, serving

from evalkit.errors import EndpointUnusable
from evalkit.plugins import resolve
from evalkit.records import Outcome, Question

KEY = "sk-geheim-1234567890/+="


def ask(url: str, **options: object) -> Outcome:
    """Ask the chat endpoint at ``url`` one question."""

    async def main() -> Outcome:
        return await ask_later(url, **options)

    return asyncio.run(main())


async def ask_later(url: str, **options: object) -> Outcome:
    given = {"model": "m", "base_url": f"{url}/v1", "attempts": 3, "timeout": 5, **options}
    system = resolve("adapters", "openai")(
        make_spec("openai", approach="prompt", **given), make_suite()
    )
    try:
        return await system.ask(Question("q"))
    finally:
        await system.aclose()


def ask_against(handler, **options: object) -> Outcome:
    async def main() -> Outcome:
        async with serving(handler) as url:
            return await ask_later(url, **options)

    return asyncio.run(main())


def ask_raw(raw: bytes, *, hang: float = 0.0, **options: object) -> Outcome:
    async def main() -> Outcome:
        async with saying(raw, hang=hang) as url:
            return await ask_later(url, **options)

    return asyncio.run(main())


class Flaky:
    """Answers with the given statuses first, then properly; notes when it was asked."""

    def __init__(
        self, *statuses: int, headers: dict[str, str] | None = None, body: object = None
    ) -> None:
        self.statuses = list(statuses)
        self.headers = headers or {}
        self.body = body if body is not None else {"error": {"message": "no"}}
        self.times: list[float] = []

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        self.times.append(time.monotonic())
        if self.statuses:
            return web.json_response(self.body, status=self.statuses.pop(0), headers=self.headers)
        return web.json_response(chat("fine"))


@pytest.mark.parametrize("status", [408, 409, 429, 500, 502, 503, 529])
def test_a_passing_fault_heals(status: int) -> None:
    flaky = Flaky(status, headers={"retry-after-ms": "1"})
    outcome = ask_against(flaky)
    assert outcome.response == "fine"
    assert outcome.meta["attempts"] == 2


@pytest.mark.parametrize("status", [400, 404, 413, 422])
def test_a_refused_request_is_not_repeated(status: int) -> None:
    flaky = Flaky(status, status, status)
    assert ask_against(flaky).error.kind == "exception"
    assert len(flaky.times) == 1


@pytest.mark.parametrize(("status", "kind"), [(429, "rate_limit"), (503, "connection")])
def test_a_lasting_fault_ends_after_the_attempts(status: int, kind: str) -> None:
    flaky = Flaky(*[status] * 9, headers={"retry-after-ms": "1"})
    assert ask_against(flaky).error.kind == kind
    assert len(flaky.times) == 3


def test_the_asked_wait_is_kept() -> None:
    flaky = Flaky(429, headers={"retry-after": "0.4"})
    ask_against(flaky)
    assert flaky.times[1] - flaky.times[0] >= 0.4


def test_a_wait_beyond_the_deadline_ends_at_once() -> None:
    started = time.monotonic()
    outcome = ask_against(Flaky(429, headers={"retry-after": "3600"}))
    assert outcome.error.kind == "rate_limit"
    assert time.monotonic() - started < 10


@pytest.mark.parametrize("transport", ["http", "sdk"])
@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_key_stops_and_names_the_variable_but_not_the_key(
    status: int, transport: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEST_KEY", KEY)
    flaky = Flaky(status, body={"error": {"message": f"bad key {KEY}"}})
    with pytest.raises(EndpointUnusable, match="TEST_KEY") as error:
        ask_against(flaky, api_key_env="TEST_KEY", transport=transport)
    assert KEY not in str(error.value)
    assert len(flaky.times) == 1


def test_no_quota_stops_the_run() -> None:
    flaky = Flaky(429, body={"error": {"message": "pay", "code": "insufficient_quota"}})
    with pytest.raises(EndpointUnusable):
        ask_against(flaky)


def test_a_missing_key_is_only_fine_on_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    build = resolve("adapters", "openai")
    build(make_spec("openai", model="m", base_url="http://localhost:1/v1"), make_suite())
    with pytest.raises(EndpointUnusable, match="OPENAI_API_KEY"):
        build(make_spec("openai", model="m"), make_suite())


@pytest.mark.parametrize("transport", ["http", "sdk"])
def test_a_redirect_is_not_followed_and_the_key_stays(
    transport: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEST_KEY", KEY)
    thief = Service()

    async def main() -> Outcome:
        async with serving(thief) as elsewhere:

            async def redirect(request: web.Request) -> web.StreamResponse:
                raise web.HTTPTemporaryRedirect(f"{elsewhere}/v1/chat/completions")

            async with serving(redirect) as url:
                return await ask_later(url, api_key_env="TEST_KEY", transport=transport)

    outcome = asyncio.run(main())
    assert outcome.error.kind == "connection"
    assert "redirect" in outcome.error.message
    assert thief.seen == []


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"not http at all\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 5\r\n\r\nhello",
    ],
    ids=["closed", "no http", "cut", "bad chunk", "bad gzip"],
)
def test_a_broken_connection_is_an_outcome(raw: bytes) -> None:
    assert ask_raw(raw, attempts=1).error.kind in ("connection", "malformed")


def test_a_refused_connection_is_an_outcome() -> None:
    assert ask("http://127.0.0.1:9", attempts=1).error.kind == "connection"


@pytest.mark.parametrize("transport", ["http", "sdk"])
@pytest.mark.parametrize(
    "raw", [b"", b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{"], ids=["head", "body"]
)
def test_a_hang_ends_at_the_deadline(raw: bytes, transport: str) -> None:
    started = time.monotonic()
    outcome = ask_raw(raw, hang=30, timeout=0.4, transport=transport)
    assert outcome.error.kind == "timeout"
    assert time.monotonic() - started < 10


BODIES = {
    "empty": b"",
    "html": b"<html>",
    "list": b"[]",
    "null": b"null",
    "no choices": b"{}",
    "null choices": b'{"choices": null}',
    "empty choices": b'{"choices": []}',
    "no message": b'{"choices": [{}]}',
    "number for text": b'{"choices": [{"message": {"content": 3}}]}',
    "NaN": b'{"choices": [{"message": {"content": "x"}}], "usage": NaN}',
    "twice": b'{"choices": [], "choices": []}',
    "surrogate": b'{"choices": [{"message": {"content": "\\ud800"}}]}',
    "not utf-8": b'{"choices": "\xff"}',
    "deep": b"[" * 100_000,
    "long number": b'{"a": ' + b"1" * 6000 + b"}",
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES.keys())
def test_an_unreadable_reply_is_malformed(body: bytes) -> None:
    head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
    assert ask_raw(head % len(body) + body, attempts=1).error.kind == "malformed"


def test_a_byte_order_mark_is_read_over() -> None:
    async def marked(request: web.Request) -> web.StreamResponse:
        return web.Response(body=b"\xef\xbb\xbf" + web.json_response(chat("ja")).body)

    assert ask_against(marked).response == "ja"


@pytest.mark.parametrize("megabytes", [11, 300])
def test_an_inflated_reply_is_stopped(megabytes: int) -> None:
    packed = gzip.compress(b"[" + b" " * (megabytes << 20) + b"]", 9)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    async def bomb(request: web.Request) -> web.StreamResponse:
        return web.Response(body=packed, headers={"content-encoding": "gzip"})

    outcome = ask_against(bomb, attempts=1)
    assert outcome.error.kind == "malformed"
    assert "10 MB" in outcome.error.message
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200 * 1024
