"""The command line at an endpoint that is sick: what each reply ends as, what is said, and how the run goes on."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from evalkit.budget import money
from evalkit.cli import _run

KEY = "EVALKIT_TEST_SHOP_KEY"
RIGHT = "It is open on Mondays."


def chat(content: str | None, reason: str = "stop", **message: Any) -> dict[str, Any]:
    said = {"role": "assistant", "content": content, **message}
    usage = {"prompt_tokens": 100, "completion_tokens": 20}
    return {
        "model": "m",
        "choices": [{"message": said, "finish_reason": reason}],
        "usage": usage,
    }


# how a reply comes: status, body, headers; and the kind of error it ends as
FINE = (200, chat(RIGHT), {}, None)
REPLIES: dict[str, tuple[int, Any, dict[str, str], str | None]] = {
    "fine": FINE,
    "refused": (200, chat(None, refusal="I cannot help with that."), {}, None),
    "truncated": (200, chat("It is open", "length"), {}, "truncated"),
    "filtered": (200, chat(None, "content_filter"), {}, "content_filter"),
    "empty": (200, chat(""), {}, "empty"),
    "malformed": (200, b"<html>", {}, "malformed"),
    "too large": (200, b" " * (11 << 20), {}, "malformed"),
    "redirected": (302, {}, {"location": "http://127.0.0.1:9/elsewhere"}, "connection"),
    "to itself": (307, {}, {"location": "/v1/chat/completions"}, "connection"),
    "overloaded": (429, {}, {"retry-after": "0.01"}, "rate_limit"),
    "not found": (404, {"error": {"message": "no such model"}}, {}, "exception"),
}


class Sick:
    """An endpoint; ``mode`` says how it answers, ``asked`` what it was asked."""

    def __init__(self) -> None:
        self.mode = "fine"
        self.asked: list[str] = []
        self.well = threading.Event()  # ends what hangs

    def reply(self, query: str) -> tuple[int, Any, dict[str, str], str | None]:
        self.asked.append(query)
        if self.mode == "each":
            return list(REPLIES.values())[int(query.split()[2])]
        if self.mode == "hangs":
            self.well.wait(20)
        return REPLIES.get(self.mode) or FINE if not self.mode.isdigit() else (
            int(self.mode), {"error": {"message": "no"}}, {}, None
        )  # fmt: skip


@pytest.fixture
def sick(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Sick, str]]:
    """The endpoint and its address; the key is in the environment."""
    monkeypatch.setenv(KEY, "sk-test")
    state = Sick()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
            status, body, headers, _ = state.reply(asked["messages"][-1]["content"])
            data = body if isinstance(body, bytes) else json.dumps(body).encode()
            try:
                self.send_response(status)
                for name, value in {"content-type": "application/json", **headers}.items():
                    self.send_header(name, value)
                self.send_header("content-length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)
            except ConnectionError:  # given up
                self.close_connection = True

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    serving.start()
    yield state, f"http://127.0.0.1:{server.server_address[1]}/v1"
    state.well.set()
    server.shutdown()
    serving.join()
    server.server_close()


def suite_of(folder: Path, url: str, cases: int, **options: Any) -> Path:
    """A suite of one system at the endpoint."""
    folder.mkdir()
    price = {"prompt_per_million": 1, "completion_per_million": 2}
    system = {
        "name": "bot", "approach": "prompt", "adapter": "openai", "model": "m", "base_url": url,
        "api_key_env": KEY, "timeout": 5, "attempts": 1, "price": price, **options,
    }  # fmt: skip
    rows = [
        {"id": f"c{i:02}", "query": f"When is {i} open?", "reference": RIGHT} for i in range(cases)
    ]
    (folder / "suite.yaml").write_text("format: 1\nname: shops\n")
    (folder / "cases.jsonl").write_text("\n".join(map(json.dumps, rows)))
    (folder / "systems.yaml").write_text(json.dumps({"systems": [system]}))
    return folder


def run(suite: Path, out: Path, *more: object) -> int:
    return _run(["run", str(suite), "--out", str(out), *map(str, more)])


def test_every_reply_ends_as_a_status_of_its_own_and_errors_are_asked_again_on_demand(
    sick, tmp_path, capsys
):
    state, url = sick
    state.mode = "each"
    suite, out = suite_of(tmp_path / "suite", url, len(REPLIES)), tmp_path / "out"
    assert run(suite, out) == 12
    rows = [json.loads(line) for line in (out / "traces.jsonl").read_text().splitlines()]
    ended = [(row.get("error") or {}).get("kind") for row in rows]
    assert ended == [kind for *_, kind in REPLIES.values()]
    assert rows[1]["meta"]["refusal"] is True
    assert len(state.asked) == len(REPLIES)
    said = capsys.readouterr().err
    failed = sum(kind is not None for kind in ended)
    assert f"{failed} questions ended in an error: --retry-errors with --out {out}" in said
    state.mode = "fine"
    assert run(suite, out) == 12
    assert len(state.asked) == len(REPLIES)  # errors are answers, until asked for
    assert run(suite, out, "--retry-errors") == 0
    assert len(state.asked) == len(REPLIES) + failed
    assert "ended in an error" not in capsys.readouterr().err.splitlines()[-1]


def test_a_refused_key_ends_the_run_with_the_name_of_its_variable(
    sick, tmp_path, capsys, monkeypatch
):
    state, url = sick
    state.mode = "401"
    suite, out = suite_of(tmp_path / "suite", url, 30), tmp_path / "out"
    assert run(suite, out, "--concurrency", 4) == 7
    assert f"check the key in {KEY}" in capsys.readouterr().err
    assert len(state.asked) <= 4
    monkeypatch.delenv(KEY)
    assert run(suite, out, "--concurrency", 4) == 7
    assert f"no key was sent: {KEY} is not set" in capsys.readouterr().err
    monkeypatch.setenv(KEY, "sk-right")
    state.mode = "fine"
    assert run(suite, out) == 0


def test_an_endpoint_that_fails_again_and_again_is_given_up_and_what_it_missed_asked_again(
    sick, tmp_path, capsys
):
    state, url = sick
    state.mode = "500"
    suite, out = suite_of(tmp_path / "suite", url, 60), tmp_path / "out"
    assert run(suite, out, "--concurrency", 4) == 7
    assert "20 times in a row" in capsys.readouterr().err
    assert len(state.asked) <= 20 + 4
    state.mode = "fine"
    assert run(suite, out, "--retry-errors") == 0
    rows = [json.loads(line) for line in (out / "traces.jsonl").read_text().splitlines()]
    assert [row["response"] for row in rows] == [RIGHT] * 60


def test_what_was_sent_and_never_answered_is_told_in_words_and_asked_again(sick, tmp_path, capsys):
    state, url = sick
    suite, out = suite_of(tmp_path / "suite", url, 3, timeout=0.5), tmp_path / "out"
    assert run(suite, out, "--limit", 1) == 0
    state.mode = "hangs"
    assert run(suite, out) == 12
    (line,) = [line for line in capsys.readouterr().err.splitlines() if "calls made" in line]
    assert "1 answered, 0 failed, 2 sent without an answer coming back" in line
    assert "(possible cost up to 0.00028)" in line
    assert f"the same command with --out {out} asks them again" in line
    state.mode = "fine"
    state.well.set()
    assert run(suite, out) == 0
    assert len(state.asked) == 5


@pytest.mark.skipif(os.name == "nt", reason="there is no such signal")
def test_an_interrupt_during_the_first_question_alone_ends_in_order(sick, tmp_path, capsys):
    state, url = sick
    state.mode = "hangs"
    suite, out = suite_of(tmp_path / "suite", url, 5, timeout=30), tmp_path / "out"

    def interrupt() -> None:
        while not state.asked:
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt).start()
    before = signal.getsignal(signal.SIGINT)
    try:
        assert run(suite, out, "--max-cost", 1) == 130
    finally:
        signal.signal(signal.SIGINT, before)
    assert f"the same command with --out {out} goes on from here" in capsys.readouterr().err
    assert len(state.asked) == 1
    state.mode = "fine"
    state.well.set()
    assert run(suite, out, "--max-cost", 1) == 0
    assert "1 earlier call was sent, and the answer never came" in capsys.readouterr().err


def test_runs_share_a_cache_and_are_told_how_much_of_it(sick, tmp_path, capsys):
    state, url = sick
    suite, cache = suite_of(tmp_path / "suite", url, 10), tmp_path / "cache"
    assert run(suite, tmp_path / "first", "--cache", cache) == 0
    for file in sorted(cache.rglob("*.json"))[:3]:
        file.write_bytes(file.read_bytes()[:-20])
    capsys.readouterr()
    assert run(suite, tmp_path / "second", "--cache", cache) == 0
    said = capsys.readouterr().err
    assert "cache: 7 of 10 answers (70%) were there already" in said
    assert said.count("set aside and asked again") == 1
    assert len(state.asked) == 13
    assert len(list(cache.rglob("*.damaged"))) == 3


@pytest.mark.parametrize(
    ("amount", "told"),
    [(0.0, "0.00"), (0.00028, "0.00028"), (0.0123, "0.012"), (0.1, "0.10"), (12.345, "12.35")],
)
def test_what_costs_something_is_never_told_as_nothing(amount, told):
    assert money(amount) == told
