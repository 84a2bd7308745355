"""The OpenAI-compatible adapter against servers in processes of their own: a fast mock and a real model."""

import asyncio
import importlib.util
import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from loopback import make_spec, make_suite

from evalkit.plugins import resolve
from evalkit.records import Outcome, Passage, Question, System

MOCK = Path(__file__).parents[3] / "shared" / "bench" / "mock_server.py"
SCHEMA = {
    "type": "object",
    "properties": {"answer": {"type": "string", "maxLength": 8}},
    "required": ["answer"],
    "additionalProperties": False,
}


@contextmanager
def started(*command: str, models: str, patience: float = 30.0) -> Iterator[None]:
    """Run a server until the block ends; wait until ``models`` answers."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        late = time.monotonic() + patience
        while True:
            try:
                urllib.request.urlopen(models, timeout=1).close()
                break
            except OSError:
                assert process.poll() is None, "the server ended before it answered"
                assert time.monotonic() < late, "the server did not answer in time"
                time.sleep(0.05)
        yield
    finally:
        process.terminate()
        process.wait(10)


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@pytest.fixture(scope="module")
def mock() -> Iterator[str]:
    if not MOCK.is_file():
        pytest.skip("the shared mock server is not beside the repository")
    missing = [n for n in ("uvloop", "httptools", "orjson") if importlib.util.find_spec(n) is None]
    if missing:
        pytest.skip(f"the mock server needs {', '.join(missing)}")
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, str(MOCK), "--port", str(port), "--latency-ms", "1"]
    with started(*command, models=f"{url}/v1/models"):
        yield url


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    if os.environ.get("EVALKIT_REALSERVER") != "1":
        pytest.skip("set EVALKIT_REALSERVER=1 to talk to a real llama.cpp server")
    python = os.environ.get("EVALKIT_REALSERVER_PYTHON", sys.executable)
    check = [python, "-c", "import llama_cpp.server.app, gguf"]
    if subprocess.run(check, capture_output=True, check=False).returncode:
        pytest.skip(f"{python} lacks llama-cpp-python[server] or gguf")
    model = tmp_path_factory.mktemp("model") / "tiny.gguf"
    subprocess.run([python, str(Path(__file__).with_name("tiny_model.py")), str(model)], check=True)
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    options = [
        "--model",
        str(model),
        "--model_alias",
        "tiny",
        "--n_ctx",
        "2048",
        "--port",
        str(port),
    ]
    with started(python, "-m", "llama_cpp.server", *options, models=f"{url}/v1/models"):
        yield url


def configure(url: str, **changes: float) -> dict:
    request = urllib.request.Request(f"{url}/config", json.dumps(changes).encode(), method="POST")
    urllib.request.urlopen(request).close()
    urllib.request.urlopen(urllib.request.Request(f"{url}/reset", b"{}", method="POST")).close()
    return changes


def counts(url: str) -> dict:
    with urllib.request.urlopen(f"{url}/stats") as reply:
        return json.load(reply)


def ask_many(url: str, questions: list[Question], **options: object) -> list[Outcome]:
    async def main() -> list[Outcome]:
        given = {"model": "mock", "base_url": f"{url}/v1", "timeout": 20, **options}
        system: System = resolve("adapters", "openai")(make_spec("openai", **given), make_suite())
        outcomes = await asyncio.gather(*(system.ask(question) for question in questions))
        await system.aclose()
        return outcomes

    return asyncio.run(main())


@pytest.mark.parametrize("transport", ["http", "sdk"])
def test_a_hundred_questions_at_a_time_get_their_own_answers(mock: str, transport: str) -> None:
    configure(mock, p429=0, p500=0, pdrop=0, ptrunc=0)
    questions = [Question(f"ECHO:{i}") for i in range(100)]
    outcomes = ask_many(mock, questions, transport=transport)
    assert [outcome.response for outcome in outcomes] == [str(i) for i in range(100)]
    assert all(outcome.usage.completion_tokens == 16 for outcome in outcomes)
    assert counts(mock)["chat"] == 100


def test_random_faults_heal_and_every_call_is_accounted_for(mock: str) -> None:
    configure(mock, p429=0.1, p500=0.05, pdrop=0.05, ptrunc=0.0, retry_after=0.01)
    outcomes = ask_many(mock, [Question(f"ECHO:{i}") for i in range(200)], attempts=8)
    assert [outcome.response for outcome in outcomes] == [str(i) for i in range(200)]
    asked = sum(outcome.meta.get("attempts", 1) for outcome in outcomes)
    seen = counts(mock)
    assert asked == seen["chat"] > 200
    assert asked - 200 == seen["429"] + seen["500"] + seen["drop"]


def test_a_cut_answer_is_truncated_and_kept(mock: str) -> None:
    configure(mock, p429=0, p500=0, pdrop=0, ptrunc=1.0)
    (outcome,) = ask_many(mock, [Question("ECHO:abcdef")])
    assert (outcome.error.kind, outcome.response) == ("truncated", "abc")


def test_a_schema_is_followed(mock: str) -> None:
    configure(mock, p429=0, p500=0, pdrop=0, ptrunc=0)
    (outcome,) = ask_many(mock, [Question("q", schema=SCHEMA)])
    assert set(json.loads(outcome.response)) == {"answer"}
    assert outcome.meta["structured"] == "json_schema"


@pytest.mark.realserver
def test_a_real_server_answers_the_same_at_temperature_zero(real: str) -> None:
    options = {"model": "tiny", "temperature": 0, "max_tokens": 12}
    one, two = (ask_many(real, [Question("Wie lange? 何日?")], **options)[0] for _ in range(2))
    assert one.response == two.response
    assert one.usage.prompt_tokens > 10
    assert one.error is None or one.error.kind in ("truncated", "empty")


@pytest.mark.realserver
@pytest.mark.parametrize("transport", ["http", "sdk"])
def test_a_real_server_is_led_to_json(real: str, transport: str) -> None:
    closed = {**SCHEMA, "properties": {"answer": {"enum": ["ja", "nein"]}}}
    questions = [Question("q", schema=closed)]
    options = {"model": "tiny", "max_tokens": 200, "temperature": 0.8, "transport": transport}
    (outcome,) = ask_many(real, questions, **options)
    assert outcome.meta["structured"] in ("json_schema", "json_object")
    assert json.loads(outcome.response)["answer"] in ("ja", "nein")


@pytest.mark.realserver
def test_a_real_server_lacks_the_responses_api_and_says_so(real: str) -> None:
    (outcome,) = ask_many(real, [Question("q")], model="tiny", api="responses")
    assert outcome.error.kind == "exception"
    assert "404" in outcome.error.message


@pytest.mark.realserver
def test_a_real_server_can_be_forced(real: str) -> None:
    async def main() -> Outcome:
        given = {
            "model": "tiny",
            "base_url": f"{real}/v1",
            "max_tokens": 4,
            "retriever": {"kind": "bm25"},
        }
        system = resolve("adapters", "openai")(make_spec("openai", **given), make_suite())
        outcome = await system.generate(Question("q"), (Passage("d1", text="Versand: drei Tage"),))
        await system.aclose()
        return outcome

    outcome = asyncio.run(main())
    assert outcome.context[0].doc_id == "d1"
    assert outcome.usage.prompt_tokens > 50
