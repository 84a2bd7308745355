"""A call that has to be made again is a call: booked before it goes out, counted against every limit, and told at the end."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

import evalkit
from evalkit.adapters.answers import ODD
from evalkit.budget import Budget, money
from evalkit.errors import BudgetExceeded, EndpointUnusable
from evalkit.records import Trace
from evalkit.store import Store
from evalkit.store.accounts import Counts
from evalkit.watch import Watcher

COST, CASES = 0.01, 20


class Ear(Watcher):
    """Keeps what is said."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def say(self, text: str) -> None:
        self.told.append(text)


def suite_of(folder: Path, systems: list[dict[str, Any]], cases: int = CASES) -> Path:
    folder.mkdir()
    (folder / "suite.yaml").write_text("format: 1\nname: s\n")
    lines = [{"id": f"c{i:02}", "query": f"q{i}", "reference": f"to q{i}"} for i in range(cases)]
    (folder / "cases.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    (folder / "systems.yaml").write_text(json.dumps({"systems": systems}))
    return folder


def run(suite: Path, out: Path, **options: Any) -> list[str]:
    """What a run said; what ends it before its time is raised."""
    ear = Ear()
    systems = evalkit.load_systems(suite / "systems.yaml")
    try:
        evalkit.run(suite, systems, out=out, probes="none", watch=ear, isolate=True, **options)
    except (BudgetExceeded, EndpointUnusable) as ended:
        ear.told.append(str(ended))
    return ear.told


def counts_of(out: Path) -> Counts:
    with Store(out, reading=True) as store:
        return store.counts()


def traces_of(out: Path) -> list[Trace]:
    with Store(out, reading=True) as store:
        return [trace for name in store.systems() for trace in store.traces(name)]


# a Python system whose process ends

CRASHING = """
import os, time
def answer(query):
    with open({log!r}, "a") as log:
        log.write(query + "\\n")
    if query in {crashing}:
        time.sleep(0.1)
        os._exit(1)
    time.sleep(0.2)
    return {{"response": "to " + query, "usage": {{"cost": 0.01}}}}
"""


def crashing(folder: Path, *queries: str) -> tuple[Path, Callable[[], list[str]]]:
    """A suite whose system ends its process at these questions, and what it was asked so far."""
    system = {"name": "m", "approach": "prompt", "adapter": "python", "target": "ends:answer"}
    suite, log = suite_of(folder / "suite", [system], cases=10), folder / "asked.log"
    (suite / "ends.py").write_text(CRASHING.format(log=str(log), crashing=queries))
    return suite, lambda: log.read_text().split()


def test_neighbours_of_a_crash_are_booked_as_unknown_and_asked_again(tmp_path: Path) -> None:
    suite, asked = crashing(tmp_path, "q2", "q7")
    told = run(suite, tmp_path / "out", concurrency=4)
    counts = counts_of(tmp_path / "out")
    # Those that end the process may have been paid for as well before they did.
    assert (counts.done, counts.failed) == (8, 0)
    assert counts.done + counts.unknown == len(asked()) > 10
    assert counts.possible_cost == pytest.approx(COST * counts.unknown)
    assert any(f"{counts.unknown} sent without an answer coming back" in line for line in told)
    kinds = Counter(t.error.kind if t.error else "answered" for t in traces_of(tmp_path / "out"))
    assert kinds == {"answered": 8, "crashed": 2}


@pytest.mark.parametrize("limits", [{"max_calls": 5}, {"max_cost": 5 * COST}])
def test_calls_lost_in_a_crash_are_taken_from_the_limits(
    tmp_path: Path, limits: dict[str, Any]
) -> None:
    suite, asked = crashing(tmp_path, "q2")
    told = run(suite, tmp_path / "out", concurrency=4, **limits)
    assert len(asked()) <= 5
    assert told[-1].startswith("stopped at the limit of")
    counts = counts_of(tmp_path / "out")
    assert counts.done + counts.failed + counts.unknown == len(asked())
    run(suite, tmp_path / "out", concurrency=1)  # what the limit left open is asked
    assert len(traces_of(tmp_path / "out")) == 10


# an endpoint

Say = tuple[int, dict[str, Any] | str]


class Service:
    """A loopback endpoint: ``reply`` says by the question and how often it came what it gets; "cut" is a reply cut short."""

    def __init__(self) -> None:
        self.asked: Counter[str] = Counter()
        self.reply: Callable[[str, int, str], Say] = lambda query, _n, _path: good(query)
        self.lock, self.well = threading.Lock(), threading.Event()

    def hang(self, query: str, _times: int, _path: str) -> Say:
        self.well.wait(20)
        return good(query)


def good(query: str, **more: Any) -> Say:
    return 200, {"response": f"to {query}", "usage": {"cost": COST}, **more}


def once(first: Say) -> Callable[[str, int, str], Say]:
    return lambda query, times, _path: first if times == 1 else good(query)


@pytest.fixture
def service() -> Iterator[tuple[Service, str]]:
    state = Service()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            query = json.loads(self.rfile.read(int(self.headers["content-length"])))["query"]
            with state.lock:
                state.asked[query] += 1
                times = state.asked[query]
            status, value = state.reply(query, times, self.path)
            body = json.dumps(value).encode()
            self.send_response(status)
            self.send_header("content-length", str(len(body) + (50 if value == "cut" else 0)))
            self.end_headers()
            with suppress(OSError):
                self.wfile.write(body)
            self.close_connection = value == "cut"

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: object) -> None:
            pass

    server = Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield state, f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        state.well.set()
        server.shutdown()
        server.server_close()
        thread.join()


def at(url: str, **more: Any) -> dict[str, Any]:
    return {"name": "s", "approach": "prompt", "adapter": "http", "url": url, **more}


def test_a_reply_that_was_cut_off_is_taken_from_the_limit_of_cost(
    tmp_path: Path, service: tuple[Service, str]
) -> None:
    state, url = service
    state.reply = once((200, "cut"))
    told = run(suite_of(tmp_path / "s", [at(url)]), tmp_path / "out", max_cost=5 * COST)
    assert told[-1].startswith("stopped at the limit of cost")
    assert 2 <= state.asked.total() <= 5
    counts = counts_of(tmp_path / "out")
    assert counts.done + counts.unknown == state.asked.total()


@pytest.mark.parametrize("first", [(200, "cut"), (500, {"error": "x"})], ids=["cut", "500"])
def test_a_request_that_is_sent_again_is_a_call(
    tmp_path: Path, service: tuple[Service, str], first: Say
) -> None:
    state, url = service
    state.reply = once(first)
    suite = suite_of(tmp_path / "s", [at(url)])
    told = run(suite, tmp_path / "out", max_calls=9, concurrency=2)
    assert state.asked.total() == 9
    assert told[-1].startswith("stopped at the limit of calls: 4 of 20")
    run(suite, tmp_path / "out")
    assert all(trace.error is None for trace in traces_of(tmp_path / "out"))
    counts = counts_of(tmp_path / "out")
    assert counts.done == CASES
    assert counts.done + counts.failed + counts.unknown == state.asked.total()
    assert counts.failed == 0 if first[0] == 200 else counts.unknown == 0


def test_every_question_of_a_small_run_may_fail_once(
    tmp_path: Path, service: tuple[Service, str]
) -> None:
    state, url = service
    state.reply = once((500, {"error": "x"}))
    run(suite_of(tmp_path / "s", [at(url, attempts=3)]), tmp_path / "out")
    assert all(trace.error is None for trace in traces_of(tmp_path / "out"))
    assert state.asked.total() == 2 * CASES


def test_the_call_at_which_an_endpoint_is_given_up_may_have_been_carried_out(
    tmp_path: Path, service: tuple[Service, str]
) -> None:
    state, url = service
    state.reply = state.hang
    suite = suite_of(tmp_path / "s", [at(url, attempts=1, timeout=1.5)])
    told = run(suite, tmp_path / "out", concurrency=CASES)
    assert "failed 20 times in a row" in told[-1]
    counts = counts_of(tmp_path / "out")
    assert counts.unknown >= state.asked.total() > 0  # nothing that it heard of is booked as free
    assert counts.unknown + counts.failed == CASES


def test_what_both_addresses_of_a_service_took_is_added_up(
    tmp_path: Path, service: tuple[Service, str]
) -> None:
    state, url = service

    def reply(query: str, _n: int, path: str) -> Say:
        found = {"retrieved": [{"doc_id": "d", "text": "t"}]}
        if path == "/find":
            return 200, {**found, "usage": {"cost": 0.02, "prompt_tokens": 7}}
        return good(query, usage={"cost": 0.03, "completion_tokens": 5})

    state.reply = reply
    system = {"name": "r", "approach": "rag", "adapter": "http"}
    system |= {"retrieve": {"url": f"{url}/find"}, "generate": {"url": f"{url}/say"}}  # type: ignore[dict-item]
    run(suite_of(tmp_path / "s", [system]), tmp_path / "out", max_cost=0.1)
    traces = traces_of(tmp_path / "out")
    assert [trace.usage.cost for trace in traces] == [pytest.approx(0.05)] * 2
    assert (traces[0].usage.prompt_tokens, traces[0].usage.completion_tokens) == (7, 5)


@pytest.mark.parametrize(
    "odd", [{"cost": "0.01"}, {"cost": -1}, {"cost": True}, {"cost": 1e308}, {"tokens": 5}, 7]
)
def test_an_answer_with_odd_usage_is_kept_and_its_usage_unknown(
    tmp_path: Path, service: tuple[Service, str], odd: Any
) -> None:
    state, url = service
    state.reply = lambda query, _n, _p: good(query, usage=odd)
    told = run(suite_of(tmp_path / "s", [at(url)], cases=6), tmp_path / "out")
    for trace in traces_of(tmp_path / "out"):
        assert (trace.response, trace.error) == (f"to {state_query(trace)}", None)
        assert trace.usage.cost is None
        assert trace.meta[ODD].startswith("usage")
    assert sum("partly unknown" in line for line in told) == 1


def state_query(trace: Trace) -> str:
    return f"q{int(trace.case_id[1:])}"


def test_tokens_that_are_odd_do_not_hide_the_cost(
    tmp_path: Path, service: tuple[Service, str]
) -> None:
    state, url = service
    state.reply = lambda query, _n, _p: good(query, usage={"prompt_tokens": 1.5, "cost": COST})
    run(suite_of(tmp_path / "s", [at(url)], cases=2), tmp_path / "out")
    usage = traces_of(tmp_path / "out")[0].usage
    assert (usage.prompt_tokens, usage.cost) == (None, COST)


def test_a_bad_answer_still_tells_its_cost(tmp_path: Path, service: tuple[Service, str]) -> None:
    state, url = service
    state.reply = lambda query, _n, _p: good(query, response=42)
    told = run(suite_of(tmp_path / "s", [at(url)]), tmp_path / "out", max_cost=5 * COST)
    assert told[-1].startswith("stopped at the limit of cost: 5 of 20")
    first = traces_of(tmp_path / "out")[0]
    assert (first.error and first.error.kind, first.usage.cost) == ("malformed", COST)


def test_a_bad_answer_of_a_python_system_tells_its_cost_too(tmp_path: Path) -> None:
    system = {"name": "m", "approach": "prompt", "adapter": "python", "target": "bad:answer"}
    suite = suite_of(tmp_path / "suite", [system], cases=2)
    code = 'def answer(query):\n    return {"response": 42, "usage": {"cost": 0.01}}\n'
    (suite / "bad.py").write_text(code)
    run(suite, tmp_path / "out")
    first = traces_of(tmp_path / "out")[0]
    assert (first.error and first.error.kind, first.usage.cost) == ("malformed", COST)


def test_a_run_that_goes_on_tells_how_many_questions_of_all_are_answered(
    tmp_path: Path, service: tuple[Service, str]
) -> None:
    suite = suite_of(tmp_path / "s", [at(service[1])])
    assert "7 of 20 questions" in run(suite, tmp_path / "out", max_calls=7)[-1]
    assert "14 of 20 questions" in run(suite, tmp_path / "out", max_calls=7)[-1]


def test_a_recorded_cost_that_cannot_be_added_up_is_refused_with_its_line(tmp_path: Path) -> None:
    system = {"name": "r", "approach": "prompt", "adapter": "recorded", "path": "t.jsonl"}
    suite = suite_of(tmp_path / "s", [system], cases=2)
    lines = [{"case_id": f"c0{i}", "response": "x", "usage": {"cost": 1e308}} for i in range(2)]
    (suite / "t.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    with pytest.raises(evalkit.errors.InvalidInput, match="too large"):
        run(suite, tmp_path / "out")


# the budget alone


def test_a_lost_call_counts_as_the_dearest_and_a_refused_one_as_nothing() -> None:
    for lost, cost in ((True, 3.0), (False, 2.0)):
        budget = Budget(max_calls=9)
        assert budget.take(1)
        budget.settle(1, 1.0)
        assert budget.take(1)
        assert budget.again(lost=lost)
        budget.settle(1, 1.0)
        assert (budget.calls, budget.cost) == (3, cost)


def test_the_first_question_may_be_put_again_until_its_price_is_known() -> None:
    budget = Budget(max_cost=1.0)
    assert budget.take(1)
    assert not budget.take(1)
    assert budget.again(lost=True)
    budget.settle(1, 0.4)
    assert budget.cost == pytest.approx(0.8)
    assert not budget.take(1)


def test_nothing_is_sent_again_after_a_stop() -> None:
    budget = Budget()
    assert budget.take(1)
    budget.stop()
    assert not budget.again(lost=True)
    budget.settle(1, 1.0)
    assert budget.cost == 1.0


def test_huge_amounts_are_told_in_short() -> None:
    assert money(3e200) == "3e+200"
    assert money(1234567.0) == "1234567.00"
