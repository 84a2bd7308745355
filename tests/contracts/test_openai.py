"""The OpenAI-compatible adapter: replies, structured output, both transports and APIs."""

import asyncio
import json
from dataclasses import replace

import pytest
from aiohttp import web
from hypothesis import given, settings
from hypothesis import strategies as st
from loopback import (
    Service,
    chat,
    make_suite,
    openai_system,
    responses,
    run_openai,
    serving,
)

from evalkit.adapters.openai_replies import Price, read_chat, read_responses, read_usage
from evalkit.adapters.openai_structured import is_strict
from evalkit.records import Case, Outcome, Passage, Question, System

SCHEMA = {
    "type": "object",
    "properties": {"answer": {"type": "string"}},
    "required": ["answer"],
    "additionalProperties": False,
}
PASSAGES = (
    Passage("d1", text="eins", title="T"),
    Passage("7", text="zwei"),
    Passage("契約-3", text="三"),
)


# --- replies ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reply", "kind", "response"),
    [
        (chat("half", finish="length"), "truncated", "half"),
        (chat("", finish="length"), "truncated", ""),
        (chat(None, finish="content_filter"), "content_filter", None),
        (chat(""), "empty", ""),
        (chat(" \n "), "empty", " \n "),
        (chat(None), "empty", None),
        ({"error": {"message": "overloaded"}}, "exception", None),
        ({"choices": [{"message": {"content": ["x"]}}]}, "malformed", None),
    ],
)
def test_a_reply_without_a_full_answer_says_why(
    reply: dict, kind: str, response: str | None
) -> None:
    outcome = read_chat(reply)
    assert (outcome.error.kind, outcome.response) == (kind, response)


def test_a_refusal_is_an_answer() -> None:
    outcome = read_chat(chat(None, refusal="申し訳ありませんが、お答えできません。"))
    assert outcome.error is None
    assert outcome.response.startswith("申し訳")
    assert outcome.meta["refusal"] is True


def test_a_tool_call_is_an_action() -> None:
    call = {"type": "function", "function": {"name": "search", "arguments": "{}"}}
    outcome = read_chat(chat(None, finish="tool_calls", tool_calls=[call]))
    assert (outcome.action, outcome.error) == ("tool:search", None)


def test_content_in_parts_is_joined() -> None:
    assert (
        read_chat(chat([{"type": "text", "text": "a"}, {"type": "text", "text": "b"}])).response
        == "ab"
    )


@pytest.mark.parametrize(
    "usage", [None, [], {}, {"prompt_tokens": -1}, {"prompt_tokens": "7"}, {"prompt_tokens": True}]
)
def test_odd_usage_is_unknown(usage: object) -> None:
    found = read_usage(usage, Price(1, 1))
    assert found.prompt_tokens is None
    assert found.cost is None


def test_cost_follows_from_the_price() -> None:
    usage = {"prompt_tokens": 1000, "completion_tokens": 500}
    assert read_usage(usage, Price(2.0, 8.0)).cost == pytest.approx(0.006)
    assert read_usage(usage, None).cost is None


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (responses("", status="completed"), "empty"),
        (
            responses("h", status="incomplete", incomplete_details={"reason": "max_output_tokens"}),
            "truncated",
        ),
        (
            responses("h", status="incomplete", incomplete_details={"reason": "content_filter"}),
            "content_filter",
        ),
        ({"status": "failed", "error": {"message": "x"}}, "exception"),
        ({"output": None}, "malformed"),
        ({"output": [{"type": "message"}]}, "malformed"),
        ([], "malformed"),
    ],
)
def test_a_response_without_a_full_answer_says_why(reply: object, kind: str) -> None:
    assert read_responses(reply).error.kind == kind


@settings(max_examples=50)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=3),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    ["choices", "message", "content", "output", "usage", "error", "refusal", "type"]
                ),
                inner,
                max_size=4,
            )
        ),
        max_leaves=12,
    )
)
def test_any_json_is_read_without_an_exception(value: object) -> None:
    for read in (read_chat, read_responses):
        outcome = read(value)
        assert outcome.error is not None or outcome.response or outcome.action


# --- structured output -----------------------------------------------------------------------


class Picky:
    """Accepts only some response formats; says 500 or 400 to the others."""

    def __init__(self, accepts: tuple[str, ...], status: int) -> None:
        self.accepts, self.status = accepts, status
        self.asked: list[str] = []

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        body = json.loads(await request.read())
        kind = body.get("response_format", {}).get("type", "prompt")
        self.asked.append(kind)
        if kind not in self.accepts:
            return web.json_response({"error": {"message": "unknown format"}}, status=self.status)
        return web.json_response(chat('{"answer": "ja"}'))


@pytest.mark.parametrize(
    ("accepts", "status", "mode", "asked"),
    [
        (("json_schema",), 400, "json_schema", ["json_schema"] * 2),
        (
            ("json_object", "prompt"),
            400,
            "json_object",
            ["json_schema", "json_object", "json_object"],
        ),
        (("prompt",), 422, "prompt", ["json_schema", "json_object", "prompt", "prompt"]),
        (("json_object",), 500, "json_object", ["json_schema"] * 2 + ["json_object"] * 2),
    ],
)
def test_the_strictest_accepted_mode_is_found_and_remembered(
    accepts: tuple[str, ...], status: int, mode: str, asked: list[str]
) -> None:
    picky = Picky(accepts, status)

    async def do(system: System) -> list[Outcome]:
        return [await system.ask(Question("q", schema=SCHEMA)) for _ in range(2)]

    for outcome in run_openai(picky, do):
        assert outcome.response == '{"answer": "ja"}'
        assert outcome.meta["structured"] == mode
    assert picky.asked == asked


def test_structured_auto_uses_the_schema_that_all_cases_share() -> None:
    service = Service()
    cases = (Case("a", "q", schema=SCHEMA), Case("b", "q", schema=dict(SCHEMA)), Case("c", "q"))

    async def main(suite, **options: object) -> dict:
        async with serving(service) as url:
            system = openai_system(suite, base_url=f"{url}/v1", **options)
            await system.ask(Question("q"))
            await system.aclose()
        return service.seen[-1]

    sent = asyncio.run(main(make_suite(cases=cases), structured="auto"))
    assert sent["response_format"]["json_schema"]["schema"] == SCHEMA
    assert sent["response_format"]["json_schema"]["strict"] is True
    assert "response_format" not in asyncio.run(main(make_suite(cases=cases)))
    mixed = make_suite(cases=(cases[0], replace(cases[1], schema={"type": "array"})))
    assert "response_format" not in asyncio.run(main(mixed, structured="auto"))


def test_only_closed_and_complete_schemas_are_strict() -> None:
    assert is_strict(SCHEMA)
    assert not is_strict({**SCHEMA, "required": []})
    assert not is_strict({"type": "object", "properties": {"a": {"type": "object"}}})


# --- transports ------------------------------------------------------------------------------


@pytest.mark.parametrize("api", ["chat", "responses"])
@pytest.mark.parametrize("schema", [None, SCHEMA])
def test_both_transports_send_and_read_the_same(
    api: str, schema: dict | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEST_KEY", "secret-key")
    options = {
        "api": api,
        "api_key_env": "TEST_KEY",
        "temperature": 0.5,
        "max_tokens": 64,
        "seed": 3,
        "extra_body": {"top_k": 7},
        "price": {"prompt_per_million": 1, "completion_per_million": 2},
    }

    async def do(system: System) -> Outcome:
        return await system.generate(Question("Wie? 何?", schema=schema), PASSAGES)

    services = {name: Service() for name in ("http", "sdk")}
    http, sdk = (run_openai(services[name], do, transport=name, **options) for name in services)
    unimportant = {"seconds": None}
    assert replace(http, **unimportant) == replace(sdk, **unimportant)
    assert http.usage.cost == pytest.approx(20e-6)
    assert services["http"].seen == services["sdk"].seen
    for service in services.values():
        assert service.headers[0]["authorization"] == "Bearer secret-key"


@pytest.mark.parametrize("status", [302, 400, 404, 429, 500, 503])
def test_both_transports_fail_alike(status: int) -> None:
    async def do(system: System) -> Outcome:
        return await system.ask(Question("q"))

    async def main(transport: str) -> Outcome:
        async with serving(service) as url:
            system = openai_system(
                base_url=f"{url.replace('127.0.0.1', 'localhost')}/v1", transport=transport
            )
            outcome = await do(system)
            await system.aclose()
            return outcome

    service = Service(fault=status)
    http, sdk = (asyncio.run(main(name)) for name in ("http", "sdk"))
    assert http.error.kind == sdk.error.kind
    assert http.error.message.split(": ")[-1] == sdk.error.message.split(": ")[-1]
    assert len(service.seen) == 2


def test_neither_transport_sends_a_key_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    for name in ("http", "sdk"):
        service = Service()
        run_openai(service, lambda s: s.ask(Question("q")), transport=name)
        assert "authorization" not in service.headers[0]


def test_a_stream_that_nobody_asked_for_is_read() -> None:
    final = json.dumps({"type": "response.completed", "response": responses("fertig")})
    events = f'event: x\ndata: {{"type": "response.created"}}\n\ndata: {final}\n\n'

    async def stream(request: web.Request) -> web.StreamResponse:
        return web.Response(text=events, content_type="text/event-stream")

    outcome = run_openai(stream, lambda s: s.ask(Question("q")), api="responses")
    assert outcome.response == "fertig"
