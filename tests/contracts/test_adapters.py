"""What every adapter promises, asked of every adapter and of every shape a Python system may have."""

import asyncio
import dataclasses
import gc
import json
import time
from pathlib import Path
from types import MappingProxyType

import pytest
from loopback import CORPUS, LABEL, Service, make_spec, make_suite, serving

from evalkit.adapters.python import wrap
from evalkit.errors import SystemFailed
from evalkit.plugins import resolve
from evalkit.records import Capability, Message, Outcome, Passage, Question, System

PASSAGES = (Passage("d1", "d1#0", "Refunds take 14 days.", "Refunds"),)


class Wire:
    """Stands for the service inside a Python system: sees what arrives, can be slow or broken."""

    def __init__(self, service: Service) -> None:
        self.service = service

    def answer(self, query: str, **given: object) -> str:
        self.service.seen.append({"query": query, **given})
        time.sleep(self.service.delay)
        if self.service.fault:
            raise ValueError("broken")
        return f"answer to {query}"

    async def later(self, query: str, **given: object) -> str:
        self.service.seen.append({"query": query, **given})
        await asyncio.sleep(self.service.delay)
        if self.service.fault:
            raise ValueError("broken")
        return f"answer to {query}"


def sync_function(service: Service) -> object:
    return lambda query: Wire(service).answer(query)


def async_function(service: Service) -> object:
    async def ask(query: str, *, messages: list, inputs: dict, principal: str) -> dict:
        text = await Wire(service).later(
            query, messages=messages, inputs=inputs, principal=principal
        )
        return {"response": text, "retrieved": [{"doc_id": "d1"}]}

    return ask


def catch_all(service: Service) -> object:
    return lambda query, **given: Outcome(response=Wire(service).answer(query, **given))


class Asked:
    def __init__(self, service: Service) -> None:
        self.wire = Wire(service)

    async def ask(self, query: str, schema: object = None) -> str:
        return await self.wire.later(query)


class Split:
    def __init__(self, service: Service) -> None:
        self.wire = Wire(service)

    def retrieve(self, query: str, k: int) -> list:
        return [{"doc_id": "d1", "text": "Refunds take 14 days."}] * k

    async def generate(self, query: str, passages: list, instructions: str | None = None) -> dict:
        text = await self.wire.later(query, texts=[p["text"] for p in passages])
        return {"response": text, "context": passages}

    def lookup(self, doc_id: str) -> bool:
        return doc_id == "d1"


PYTHON = {f.__name__: f for f in (sync_function, async_function, catch_all, Asked, Split)}
OPENAI = {"model": "m", "attempts": 1}
RAG = {"retriever": {"kind": "bm25"}, "prompt": "{context}\n{query}", "budget": 200}
HTTP = {"attempts": 1, "request": {"query": "{query}", "turns": "{messages}", "x": "{inputs.lang}"}}
NETWORK = {
    "chat": ("openai", OPENAI, "/v1"),
    "chat_rag": ("openai", {**OPENAI, **RAG}, "/v1"),
    "chat_sdk": ("openai", {**OPENAI, "transport": "sdk"}, "/v1"),
    "responses": ("openai", {**OPENAI, "api": "responses"}, "/v1"),
    "responses_sdk": ("openai", {**OPENAI, "api": "responses", "transport": "sdk"}, "/v1"),
    "http": ("http", {**HTTP, "response": "$.answer"}, "/ask"),
    "http_split": (
        "http",
        {
            "attempts": 1,
            "retrieve": {
                "url": "/retrieve",
                "response": {"retrieved": {"path": "$.hits[*]", "doc_id": "id", "text": "body"}},
            },
            "generate": {"url": "/generate", "response": "$.answer"},
        },
        None,
    ),
}
ALL = [*PYTHON, *NETWORK]


def make(kind: str, service: Service, url: str) -> System:
    if kind in PYTHON:
        return wrap(PYTHON[kind](service), name="sys", approach="rag", threads=32)
    adapter, options, path = NETWORK[kind]
    options = json.loads(json.dumps(options))
    if path is not None:
        options["base_url" if adapter == "openai" else "url"] = url + path
    for part in ("retrieve", "generate"):
        if part in options:
            options[part]["url"] = url + options[part]["url"]
    return resolve("adapters", adapter)(make_spec(adapter, **options), make_suite())


def with_system(kind: str, do, **service_options):
    """Run ``do(system, service)`` against a running service, and close everything."""
    service = Service(**service_options)

    async def main():
        async with serving(service) as url:
            system = make(kind, service, url)
            try:
                return await do(system, service)
            finally:
                await system.aclose()
                await system.aclose()

    return asyncio.run(main())


def question(query: str = "How long do refunds take?", **changes: object) -> Question:
    return Question(query, inputs=MappingProxyType({"lang": "vi", "nested": [1]}), k=2, **changes)


@pytest.mark.parametrize("kind", ALL)
def test_answers_come_back_to_their_own_questions(kind: str) -> None:
    async def do(system: System, service: Service) -> list[Outcome]:
        return await asyncio.gather(*(system.ask(question(f"Frage {i} 質問")) for i in range(30)))

    for i, outcome in enumerate(with_system(kind, do)):
        assert outcome.error is None
        assert outcome.response.startswith("answer to")
        assert outcome.response.endswith(f"Frage {i} 質問")


@pytest.mark.parametrize("kind", ALL)
def test_labels_never_reach_a_system(kind: str) -> None:
    async def do(system: System, service: Service) -> list[dict]:
        await system.ask(
            question(messages=(Message("user", "hi"), Message("user", "q")), principal="p")
        )
        return service.seen

    seen = json.dumps(with_system(kind, do), default=str)
    assert "How long do refunds take?" in seen
    assert LABEL not in seen


@pytest.mark.parametrize("kind", ALL)
def test_errors_become_outcomes(kind: str) -> None:
    async def do(system: System, service: Service) -> Outcome:
        return await system.ask(question())

    outcome = with_system(kind, do, fault=500)
    assert outcome.error.kind == ("exception" if kind in PYTHON else "connection")
    assert "broken" in outcome.error.message
    assert outcome.seconds.total > 0


@pytest.mark.parametrize("kind", ALL)
def test_every_capability_that_is_claimed_works(kind: str) -> None:
    async def do(system: System, service: Service) -> None:
        claimed = system.capabilities
        asked = question(schema={"type": "object"}, instructions="Sei kurz.", budget=10_000)
        if Capability.ASK in claimed:
            assert (await system.ask(asked)).response
        if Capability.RETRIEVE in claimed:
            found = await system.retrieve(asked)
            assert found
            assert all(isinstance(p, Passage) for p in found)
        if Capability.GENERATE in claimed:
            outcome = await system.generate(asked, PASSAGES)
            assert outcome.context == PASSAGES
        if Capability.LOOKUP in claimed:
            assert await system.lookup("d1") is True
            assert await system.lookup("d99") is False
        sent = json.dumps(service.seen, ensure_ascii=False)
        if kind not in PYTHON:
            assert (Capability.INSTRUCTIONS in claimed) == ("Sei kurz." in sent)

    with_system(kind, do)


@pytest.mark.parametrize("kind", ALL)
def test_forced_passages_reach_the_generator(kind: str) -> None:
    async def do(system: System, service: Service) -> list[dict] | None:
        if Capability.GENERATE not in system.capabilities:
            return None
        await system.generate(question(), (Passage("dx", text="Đổi trả trong 14 ngày."),))
        return service.seen

    seen = with_system(kind, do)
    assert seen is None or "Đổi trả trong 14 ngày." in json.dumps(seen, ensure_ascii=False)


@pytest.mark.parametrize("kind", ALL)
def test_a_cancelled_question_ends_at_once(kind: str) -> None:
    async def do(system: System, service: Service) -> float:
        task = asyncio.ensure_future(system.ask(question()))
        await asyncio.sleep(0.1)
        started = time.perf_counter()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return time.perf_counter() - started

    assert with_system(kind, do, delay=1.0) < 0.5


@pytest.mark.parametrize("kind", ALL)
def test_the_fingerprint_is_the_same_each_time(kind: str) -> None:
    one, two = (make(kind, Service(), "http://127.0.0.1:9") for _ in range(2))
    assert one.fingerprint == two.fingerprint
    assert one.fingerprint


CHANGED = {
    "openai": {
        "model": "other",
        "prompt": "Bitte: {query} {context}",
        "temperature": 0.5,
        "base_url": "http://127.0.0.1:10/v1",
        "structured": "auto",
    },
    "http": {"url": "http://127.0.0.1:10", "request": {"q": "{query}"}, "response": "$.text"},
}


@pytest.mark.parametrize(
    ("kind", "option"),
    [
        (kind, option)
        for kind in ("chat", "chat_rag", "http")
        for option in CHANGED[NETWORK[kind][0]]
    ],
)
def test_the_fingerprint_changes_with_what_could_change_answers(kind: str, option: str) -> None:
    adapter, options, _ = NETWORK[kind]
    changed = CHANGED[adapter]
    start = {("base_url" if adapter == "openai" else "url"): "http://127.0.0.1:9/v1", **options}
    build = resolve("adapters", adapter)
    first = build(make_spec(adapter, **start), make_suite())
    second = build(make_spec(adapter, **{**start, option: changed[option]}), make_suite())
    third = build(make_spec(adapter, **{**start, "timeout": 5, "attempts": 2}), make_suite())
    assert first.fingerprint != second.fingerprint
    assert first.fingerprint == third.fingerprint


@pytest.mark.parametrize("kind", [kind for kind in ALL if not kind.endswith("_sdk")])
def test_one_system_serves_several_loops(kind: str) -> None:
    service = Service()
    made: list[System] = []

    async def once() -> Outcome:
        async with serving(service) as url:
            made.append(make(kind, service, url))
            return await made[-1].ask(question())

    async def again() -> Outcome:
        async with serving(service):
            outcome = await made[-1].ask(question())
            await made[-1].aclose()
            return outcome

    assert asyncio.run(once()).error is None
    second = asyncio.run(again())
    assert second.error is None or second.error.kind == "connection"  # the port is another one
    gc.collect()


def test_a_failed_retrieval_is_raised_with_its_kind() -> None:
    async def do(system: System, service: Service) -> None:
        with pytest.raises(SystemFailed) as failed:
            await system.retrieve(question())
        assert failed.value.failure.kind == "connection"

    with_system("http_split", do, fault=503)


@pytest.mark.parametrize("adapter", ["python", "http", "openai", "recorded"])
def test_an_unknown_option_is_refused_with_the_nearest_name(adapter: str) -> None:
    from evalkit.errors import InvalidInput

    near = {"python": "targt", "http": "ulr", "openai": "modle", "recorded": "pth"}[adapter]
    right = {"python": "target", "http": "url", "openai": "model", "recorded": "path"}[adapter]
    with pytest.raises(
        InvalidInput, match=f"systems.sys.{near}: unknown option; did you mean '{right}'"
    ):
        resolve("adapters", adapter)(make_spec(adapter, **{near: "x"}), make_suite())


def test_records_of_the_question_are_not_changed_by_a_system() -> None:
    inputs = {"list": [1], "map": {"a": 1}}

    def greedy(query: str, inputs: dict, messages: list) -> str:
        inputs["map"]["a"] = 2
        inputs["list"].append(2)
        messages.clear()
        return "x"

    asked = Question("q", inputs=inputs, messages=(Message("user", "q"),))
    before = dataclasses.asdict(asked)
    asyncio.run(wrap(greedy, name="s", approach="prompt").ask(asked))
    assert json.dumps(before) == json.dumps(dataclasses.asdict(asked))


def test_recorded_outputs_answer_like_the_system_that_wrote_them(tmp_path: Path) -> None:
    from evalkit.records import Trace
    from evalkit.traces import write_traces

    traces = [
        Trace(system="sys", case_id="c1", response="14 日", retrieved=(Passage("d2", text="x"),))
    ]
    with (tmp_path / "traces.jsonl").open("w", encoding="utf-8") as stream:
        write_traces(traces, stream)
    spec = make_spec("recorded", tmp_path, path="traces.jsonl")
    system = resolve("adapters", "recorded")(spec, make_suite())
    assert system.recorded
    assert system.trace("c1", "as_is", 0) == traces[0]
    assert system.trace("c1", "closed_book", 0) is None
    assert not system.capabilities
    assert CORPUS["d2"].text != traces[0].retrieved[0].text
