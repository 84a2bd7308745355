"""Runs on Ray, with real workers on this machine: what they give is the local run, whoever dies on the way."""

import asyncio
import importlib.util
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, nullcontext, suppress
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import evalkit
from evalkit.engines.cluster import _hold, _tidy, cluster
from evalkit.engines.crew import revived
from evalkit.engines.folders import check_ours, folder_of, put_together, spent, split_of
from evalkit.engines.limits import Limits, parts
from evalkit.engines.order import Order, read_order, told_systems
from evalkit.engines.progress import Shown
from evalkit.engines.ray_engine import _missing
from evalkit.engines.share import Tally, _judge_of
from evalkit.errors import (
    BudgetExceeded,
    Busy,
    EndpointUnusable,
    InvalidInput,
    SharesMissing,
    StorageError,
    UsageError,
)
from evalkit.finished import Finished
from evalkit.records import Case, Failure, Suite, Trace, Usage
from evalkit.shards import Share
from evalkit.store import Store
from evalkit.store.opening import lock
from evalkit.store.session import read_session
from evalkit.suite import load_suite
from evalkit.watch import Watcher
from tests.test_llm_judge import serving
from tests.test_shards import faulty, judged

ROOT = Path(__file__).parents[1]
HELPDESK = ROOT / "datasets" / "helpdesk"
CASES = 30
CONCURRENCY = 4
DERIVED = (
    *("traces.jsonl", "scores.csv", "summary.json", "diagnosis.json", "manifest.json"),
    *("report.md", "report.html", "verdict.json"),
)
on_ray = pytest.mark.skipif(
    importlib.util.find_spec("ray") is None, reason="Ray is not there: pip install 'evalkit[ray]'"
)
# Ray leaves the processes it has started to the garbage collector.
pytestmark = [
    pytest.mark.filterwarnings("ignore:subprocess .* is still running:ResourceWarning"),
    pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
# A system that workers make from its name: it asks a service on this machine before it says anything, and says the
# same whatever the repeat, in no time.
AGENT = """
import asyncio, json, os, urllib.request
from dataclasses import replace
from evalkit.faults import FAULTS, OracleSystem, inject, plan_faults
from tests.test_shards import Steady

class Asked(Steady):
    def __init__(self, inner, url):
        super().__init__(inner)
        self.url = url

    async def ask(self, question):
        told = json.dumps({"query": question.query, "repeat": question.repeat}).encode()
        reply = await asyncio.to_thread(urllib.request.urlopen, urllib.request.Request(self.url, told))
        if reply.read() == b"die":
            os._exit(1)
        return await super().ask(question)

def build(spec, suite):
    timeless = [fault for fault in FAULTS if fault.cause != "infra_error"]
    faulty = inject(OracleSystem(suite), suite, plan_faults(suite, timeless, 0.5))
    made = Asked(faulty, spec.options["url"])
    made.name, made.approach = spec.name, spec.approach
    return made
"""


class Service:
    """Counts what it is asked; ``deadly`` are the queries whose asker dies, ``hook`` is called with every number."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.deadly: set[str] = set()
        self.hook: Any = lambda number: None
        self.slow = 0.0
        self._lock = threading.Lock()

    def hear(self, body: bytes) -> bytes:
        told = json.loads(body)
        with self._lock:
            self.asked.append(f"{told['query']} {told['repeat']}")
            self.hook(len(self.asked))
        time.sleep(self.slow)
        return b"die" if told["query"] in self.deadly else b"live"


@pytest.fixture(scope="module")
def ray_here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """One Ray for all tests of this file; its workers find the agent."""
    folder = tmp_path_factory.mktemp("agent")
    (folder / "counted_agent.py").write_text(AGENT, "utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", os.pathsep.join(map(str, (ROOT, ROOT / "tests", folder))))
        patch.syspath_prepend(str(folder))
        with cluster(None, cpus=2):
            yield folder


@pytest.fixture(scope="module")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("suites") / "helpdesk"
    shutil.copytree(HELPDESK, folder)
    lines = (folder / "cases.jsonl").read_text("utf-8").splitlines(keepends=True)
    (folder / "cases.jsonl").write_text("".join(lines[:CASES]), "utf-8")
    return folder


@pytest.fixture
def service() -> Iterator[Service]:
    heard = Service()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            answer = heard.hear(self.rfile.read(int(self.headers["content-length"])))
            with suppress(OSError):  # whoever asked was killed
                self.send_response(200)
                self.end_headers()
                self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    heard.url = f"http://127.0.0.1:{server.server_address[1]}/"  # type: ignore[attr-defined]
    yield heard
    server.shutdown()
    server.server_close()
    thread.join()


@on_ray
def test_a_run_whose_store_is_lost_is_refused_before_anything_starts(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    ours = json.dumps({"format": 1, "suite": {}, "recipe": {}})  # what a run's manifest has
    (tmp_path / "out" / "manifest.json").write_text(ours)
    with pytest.raises(StorageError, match="paid for, again"):
        evalkit.run(
            HELPDESK,
            evalkit.load_systems(HELPDESK / "systems.yaml"),
            engine="ray",
            out=tmp_path / "out",
        )
    assert [file.name for file in (tmp_path / "out").iterdir()] == ["manifest.json"]


def test_a_share_that_was_only_begun_has_spent_and_answered_nothing(tmp_path: Path) -> None:
    (tmp_path / "run.sqlite").touch()
    assert spent(tmp_path) == (0, 0.0)
    system = {"name": "s", "approach": "rag", "adapter": "local", "options": {}, "folder": "."}
    order = Order("suite", "x", 2, str(tmp_path), "1/1", (system,), {})
    assert _judge_of(order) == "embedded"
    assert _missing([Case("a", "q"), Case("b", "q")], [order], 3) == [6]


def systems(folder: Path, service: Service) -> tuple[Any, ...]:
    file = folder / "systems.yaml"
    file.write_text(
        "systems:\n  - {name: oracle, approach: rag, adapter: 'counted_agent:build', "
        f"url: '{service.url}'}}\n"  # type: ignore[attr-defined]
    )
    return evalkit.load_systems(file)


class Heard(Watcher):
    def __init__(self) -> None:
        self.said: list[str] = []
        self.stages: list[str] = []
        self.steps = 0

    def start(self, stage: str, total: int) -> None:
        self.stages.append(f"{stage}: {total}")

    def step(self, trace: Trace | None = None) -> None:
        self.steps += 1

    def say(self, text: str) -> None:
        self.said.append(text)


def ask(suite: Path, out: Path, service: Service, **options: Any) -> evalkit.Run:
    chosen = {"repeats": 1, "concurrency": CONCURRENCY, **options}
    run = evalkit.run(suite, systems(out.parent, service), out=out, **chosen)
    run.write()
    return run


def unequal(found: Path, wanted: Path) -> list[str]:
    return [n for n in DERIVED if (found / n).read_bytes() != (wanted / n).read_bytes()]


def shard_folders(out: Path) -> list[Path]:
    return sorted(path for path in (out / "shards").iterdir() if path.is_dir())


def answered(folder: Path) -> set[str]:
    with Store(folder, reading=True) as store:
        return {trace.case_id for trace in store.traces("oracle")}


# --- real workers --------------------------------------------------------------------------------


@on_ray
def test_a_run_on_three_workers_is_byte_for_byte_the_local_one(ray_here, suite, service, tmp_path):
    heard = Heard()
    ask(suite, tmp_path / "ray", service, engine="ray", workers=3, watch=heard)
    on_ray_asked, service.asked = Counter(service.asked), []
    ask(suite, tmp_path / "local", service)
    assert unequal(tmp_path / "ray", tmp_path / "local") == []
    assert set(Counter(service.asked)) <= set(on_ray_asked)  # each share asks controls of its own
    assert [p.name for p in shard_folders(tmp_path / "ray")] == ["1-of-3", "2-of-3", "3-of-3"]
    assert all((p / "report.html").exists() for p in shard_folders(tmp_path / "ray"))
    assert heard.stages[0] == f"asking 3 shares: {CASES}"
    assert any(text.startswith("shard 2/3: oracle: ") for text in heard.said)

    service.asked = []
    with pytest.raises(InvalidInput, match=r"shard ./3: .*seed was 0, now 5"):
        ask(suite, tmp_path / "ray", service, engine="ray", workers=2, seed=5)
    ask(suite, tmp_path / "ray", service)  # a run that is complete goes on locally too
    assert service.asked == []
    with pytest.raises(InvalidInput, match="gone on with by the local engine"):
        ask(suite, tmp_path / "ray", service, engine="ray")


@pytest.fixture
def no_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    """A cluster that is asked for is a failure."""

    def never(*_: object) -> None:
        raise AssertionError("a cluster was started")

    monkeypatch.setattr("evalkit.engines.ray_engine.cluster", never)


@on_ray
def test_a_finished_run_starts_no_cluster_and_grades_nothing(
    ray_here, suite, service, tmp_path, monkeypatch
):
    options: dict[str, Any] = {"engine": "ray", "workers": 2, "probes": "none", "limit": 4}
    out = tmp_path / "ray"
    first = Finished(out)
    ask(suite, out, service, finished=first, **options)
    first.keep([], 0)
    monkeypatch.setattr("evalkit.engines.ray_engine.cluster", None)
    again = Finished(out)
    found = evalkit.run(
        suite, systems(tmp_path, service), out=out, repeats=1, finished=again, **options
    )
    assert (again.parts, found.systems) == ([], {})
    before = {name: (out / name).read_bytes() for name in DERIVED}
    (out / "report.md").write_text("other")
    ask(suite, out, service, finished=Finished(out), **options)  # made again, and nobody asked
    assert {name: (out / name).read_bytes() for name in DERIVED} == before


@on_ray
def test_a_complete_run_is_graded_without_a_cluster_from_python_too(
    ray_here, suite, service, tmp_path, monkeypatch
):
    options: dict[str, Any] = {"engine": "ray", "workers": 2, "limit": 6}
    out = tmp_path / "ray"
    ask(suite, out, service, **options)
    before, asked = {name: (out / name).read_bytes() for name in DERIVED}, len(service.asked)
    monkeypatch.setattr("evalkit.engines.ray_engine.cluster", None)
    run = ask(suite, out, service, **options)
    assert run.systems
    assert len(service.asked) == asked
    assert {name: (out / name).read_bytes() for name in DERIVED} == before
    for other in ({"limit": 7}, {"retry_errors": True}, {"probes": "all"}):
        with pytest.raises(TypeError):  # it would start one
            ask(suite, out, service, **{**options, **other})
    for n in (1, 2):
        with Store(folder_of(out, Share(n, 2))) as store:
            store.forget([key for key in store.done() if key[2] == "as_is"])
    with pytest.raises(TypeError):
        ask(suite, out, service, **options)


@pytest.mark.usefixtures("no_cluster")
@on_ray
@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"max_cost": 1.0}, "what its calls cost is not known"),
        ({"judge": "llm:gone.yaml"}, "gone.yaml"),
        ({"seed": 5}, "shard ./2: .*seed was 0, now 5"),
        ({}, "another run is writing here"),
    ],
)
def test_what_is_refused_is_refused_before_a_cluster_starts(suite, tmp_path, options, told):
    file = tmp_path / "systems.yaml"
    file.write_text(
        "systems: [{name: s, approach: prompt, adapter: openai, base_url: 'http://127.0.0.1:9/v1', model: m}]"
    )
    specs, out = evalkit.load_systems(file), tmp_path / "out"
    with closing(lock(out / "shards" / "1-of-2")) if not options else nullcontext():
        if "seed" in options:
            with pytest.raises(BudgetExceeded):  # a share that was begun
                evalkit.run(suite, specs, out=out / "shards" / "1-of-2", shard="1/2", max_time=1e-6)
        (out / "shards" / "1-of-2" / "run.sqlite").touch() if not options else None
        with pytest.raises((InvalidInput, Busy), match=told):
            evalkit.run(suite, specs, out=out, engine="ray", workers=2, **options)


@on_ray
@pytest.mark.parametrize(
    ("option", "variable", "used"),
    [
        (None, None, None),
        (None, "10.0.0.1:6379", "10.0.0.1:6379"),
        ("auto", "10.0.0.1:6379", "auto"),
        ("local", "10.0.0.1:6379", None),
    ],
)
def test_the_cluster_is_named_by_the_option_else_by_the_variable(
    suite, service, tmp_path, monkeypatch, option, variable, used
):
    class Asked(Exception):  # noqa: N818 (it ends the run where the cluster is asked for)
        pass

    def found(address: str | None) -> None:
        raise Asked(address)

    monkeypatch.setattr("evalkit.engines.ray_engine.cluster", found)
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    if variable is not None:
        monkeypatch.setenv("RAY_ADDRESS", variable)
    with pytest.raises(Asked) as stop:
        ask(suite, tmp_path / "out", service, engine="ray", ray_address=option)
    assert stop.value.args == (used,)


@pytest.mark.usefixtures("no_cluster")
@on_ray
def test_two_runs_do_not_hand_out_the_same_shares(suite, service, tmp_path):
    with closing(lock(tmp_path / "out" / "shards")), pytest.raises(Busy):
        ask(suite, tmp_path / "out", service, engine="ray")


@pytest.mark.parametrize("judge", ["embedded", "llm"])
def test_the_whole_takes_the_place_of_an_earlier_one_with_all_that_the_judge_said(
    suite, tmp_path, judge
):
    few = load_suite(suite)
    few = replace(few, cases=few.cases[:8])
    out, shares = tmp_path / "out", [Share(1, 2), Share(2, 2)]

    async def work() -> None:
        async with serving() as server:
            do = judged if judge == "llm" else _plain
            for share in shares:
                folder = folder_of(out, share)
                folder.parent.mkdir(parents=True, exist_ok=True)
                await asyncio.to_thread(do, few, folder, server, shard=str(share))
            await asyncio.to_thread(do, few, tmp_path / "whole", server)
            heard = len(server.heard)
            for _ in range(2):
                run = await asyncio.to_thread(put_together, out, shares, few, Watcher())
                (out / "run.sqlite-wal").write_bytes(b"of an earlier store")
            run.write()
            assert len(server.heard) == heard

    asyncio.run(work())
    assert unequal(out, tmp_path / "whole") == []
    check_ours(out)
    assert sorted(path.name for path in (out / "shards").iterdir()) == [
        *("1-of-2", "2-of-2"),
        *(["judge.yaml"] if judge == "llm" else []),
        "merged",
    ]


def _plain(suite: Suite, out: Path, _server: object, **options: Any) -> None:
    evalkit.run(suite, faulty(suite), out=out, repeats=1, probes="none", **options).write()


@on_ray
def test_a_killed_worker_costs_what_was_under_way_and_nothing_else(
    ray_here, suite, service, tmp_path
):
    out, killed, kept = tmp_path / "ray", [], set()

    def kill_once(number: int) -> None:
        session = read_session(out / "shards" / "1-of-2" / "run.sqlite-session")
        if killed or number < 8 or session is None or not answered(out / "shards" / "1-of-2"):
            return
        command = Path(f"/proc/{session.pid}/cmdline")
        assert not command.exists() or b"ray::ShardWorker" in command.read_bytes()
        killed.append(session.pid)
        os.kill(session.pid, signal.SIGKILL)
        kept.update(answered(out / "shards" / "1-of-2"))

    service.hook, service.slow = kill_once, 0.05
    heard = Heard()
    ask(suite, out, service, engine="ray", workers=2, probes="none", watch=heard)
    asked, service.asked, service.hook = Counter(service.asked), [], lambda number: None
    ask(suite, tmp_path / "local", service, probes="none")
    assert unequal(out, tmp_path / "local") == []
    assert len(killed) == 1
    assert [text for text in heard.said if "goes on with another, number 2 of 3" in text]
    assert heard.said[0].startswith("shard 1/2: ")
    queries = {c.id: f"{c.query} 0" for c in evalkit.load_suite(suite).cases}
    assert kept
    assert {asked[queries[case]] for case in kept} == {1}
    assert CASES <= asked.total() <= CASES + CONCURRENCY // 2  # calls at a time of one worker


@on_ray
def test_a_share_whose_workers_keep_dying_ends_the_run_incomplete(
    ray_here, suite, service, tmp_path
):
    service.deadly = {evalkit.load_suite(suite).cases[3].query}
    with pytest.raises(SharesMissing, match=r"shard ./2: .* ended 3 times.* same --out") as stop:
        ask(suite, tmp_path / "ray", service, engine="ray", workers=2, probes="none")
    assert stop.value.exit_code == 12
    assert 0 < len(stop.value.run.systems["oracle"].graded.cases) < CASES


@on_ray
def test_limits_hold_for_the_whole_run_and_the_same_folder_goes_on(
    ray_here, suite, service, tmp_path
):
    with pytest.raises(BudgetExceeded, match=r"shard ./2: stopped at the limit of calls") as stop:
        ask(suite, tmp_path / "ray", service, engine="ray", workers=2, max_calls=11)
    assert len(service.asked) == 11
    assert len(stop.value.run.systems["oracle"].graded.cases) == 11
    ask(suite, tmp_path / "ray", service, engine="ray", workers=2, probes="none", max_calls=19)
    assert Counter(service.asked).most_common(1)[0][1] == 1
    assert len(service.asked) == CASES


@on_ray
def test_the_command_leaves_no_process_and_no_file_behind(suite, service, tmp_path):
    start = [sys.executable, "-m", "evalkit"]
    subprocess.run([*start, "init", str(tmp_path / "suite")], check=True, capture_output=True)
    home = tmp_path / "home"
    home.mkdir()
    before = set(Path(tempfile.gettempdir()).glob("evalkit-ray-*"))
    command = [*start, "run", str(tmp_path / "suite"), "--engine", "ray", "--out", "out"]
    done = subprocess.run(
        command,
        cwd=tmp_path,
        env={**os.environ, "HOME": str(home)},
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    assert done.returncode in (0, 12), done.stderr
    assert not re.search(r"raylet|ray::|INFO|WARNING", done.stdout + done.stderr)
    assert list(home.iterdir()) == []
    assert set(Path(tempfile.gettempdir()).glob("evalkit-ray-*")) <= before
    assert (tmp_path / "out" / "report.html").exists()
    deadline = time.monotonic() + 5
    while _descendants(home) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert _descendants(home) == []


@pytest.mark.skipif(os.name != "posix", reason="locks of this kind are POSIX")
def test_what_a_killed_run_left_is_removed_by_the_next_and_nothing_else(tmp_path):
    for name in ("evalkit-ray-dead", "evalkit-ray-alive", "evalkit-ray-older", "other"):
        (tmp_path / name).mkdir()
    (tmp_path / "evalkit-ray-dead" / "held").touch()
    held = _hold(tmp_path / "evalkit-ray-alive")
    assert held is not None
    _tidy(tmp_path)
    left = sorted(path.name for path in tmp_path.iterdir())
    assert left == ["evalkit-ray-alive", "evalkit-ray-older", "other"]
    held.close()


def _descendants(home: Path) -> list[str]:
    """The processes that were started with this home."""
    found = []
    for path in Path("/proc").glob("[0-9]*/environ"):
        with suppress(OSError):
            if f"HOME={home}\0".encode() in path.read_bytes():
                found.append(path.parent.name)
    return found


# --- what cannot travel --------------------------------------------------------------------------


@on_ray
def test_what_no_systems_file_describes_does_not_travel_and_the_message_says_what_does(
    suite, tmp_path
):
    with pytest.raises(InvalidInput, match=r"'mine' is a Python object.*target: module:attribute"):
        evalkit.run(suite, {"mine": lambda query: "ja"}, engine="ray", out=tmp_path / "out")
    fewer = replace(evalkit.load_suite(suite), cases=())
    with pytest.raises(InvalidInput, match="not what its files say"):
        evalkit.run(fewer, [], engine="ray", out=tmp_path / "out")
    with pytest.raises(InvalidInput, match=r"shard: is not for a run on Ray; .* by itself"):
        evalkit.run(suite, [], engine="ray", out=tmp_path / "out", shard="1/2")
    with pytest.raises(InvalidInput, match="no engine 'rai'; did you mean 'ray'"):
        evalkit.run(suite, [], engine="rai", out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_without_ray_the_command_ends_with_what_to_install(suite, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(UsageError, match=r"pip install 'evalkit\[ray\]'") as stop:
        evalkit.run(suite, [], engine="ray", out=tmp_path / "out")
    assert stop.value.exit_code == 2


def test_shares_that_are_not_merged_yet_are_not_asked_again_locally(suite, service, tmp_path):
    (tmp_path / "out" / "shards" / "1-of-2").mkdir(parents=True)
    with pytest.raises(InvalidInput, match="begun with --engine ray"):
        evalkit.run(suite, {"s": lambda query: "ja"}, out=tmp_path / "out")


def test_options_of_ray_without_ray_are_refused(suite):
    command = [sys.executable, "-m", "evalkit", "run", str(suite), "--workers", "2"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, "--workers is for --engine ray" in done.stderr) == (2, True)


def test_an_order_travels_as_plain_text():
    order = Order("/s", "d", 3, "/o", "1/2", ({"name": "mein Prüfling", "options": {"k": 5}},))
    assert read_order(order.text()) == order
    with pytest.raises(InvalidInput, match="cannot travel"):
        Order("/s", "d", 3, "/o", "1/2", ({"options": {"k": {1, 2}}},)).text()
    with pytest.raises(InvalidInput, match="a list of systems"):
        told_systems(5)


def test_an_error_comes_back_as_what_it_was():
    told = {"kind": "EndpointUnusable", "message": "401: set OPENAI_API_KEY"}
    error = revived(json.dumps({"error": told}))
    assert type(error) is EndpointUnusable
    assert str(error) == told["message"]
    assert revived("{}") is None


# --- shares of limits, of cases, and progress ------------------------------------------------------


@given(
    st.integers(0, 500), st.floats(0.001, 100), st.lists(st.integers(0, 50), min_size=1, max_size=9)
)
@settings(max_examples=50)
def test_the_parts_of_a_limit_add_up_to_it_and_go_where_the_work_is(calls, cost, weights):
    found = parts(Limits(calls, cost, None), weights)
    assert sum(part.calls or 0 for part in found) == calls
    assert sum(part.cost or 0.0 for part in found) == pytest.approx(cost)
    if any(weights):
        assert all(
            part.calls == 0 for part, weight in zip(found, weights, strict=True) if not weight
        )
        if calls >= sum(weights):
            assert all((p.calls or 0) >= weight for p, weight in zip(found, weights, strict=True))


def test_what_a_dead_worker_spent_is_not_spent_again():
    assert Limits(10, 2.0, None).less(4, 0.5) == Limits(6, 1.5, None)
    assert Limits(10, 2.0, None).less(40, 5.0).settings()["max_calls"] == 0
    assert Limits().settings() == {"max_calls": None, "max_cost": None, "max_time": None}


def test_a_run_goes_on_in_the_shares_it_was_begun_in(tmp_path):
    assert split_of(tmp_path, 1000, 3) == 3
    assert split_of(tmp_path, 2, 3) == 2
    assert split_of(tmp_path, 10_000_000, 3) == 20
    (tmp_path / "shards" / "2-of-5").mkdir(parents=True)
    assert split_of(tmp_path, 1000, 3) == 5


def test_progress_counts_all_shares_together_and_says_whose_errors_they_were():
    heard, tally = Heard(), Tally()
    shown = Shown(heard, 2, 3)
    tally.start("asking", 2)
    tally.step(Trace(case_id="a", usage=Usage(1, 2, 0.5)))
    tally.step(Trace(case_id="b", error=Failure("timeout", "nach 3 s")))
    tally.say("5 Antworten sind da")
    assert shown.told("1/2", json.loads(tally.fetch()))
    assert not shown.told("1/2", json.loads(tally.fetch()))
    tally.start("probing oracle", 4)
    tally.step()
    shown.told("1/2", json.loads(tally.fetch()))
    assert (heard.stages, heard.steps) == (["asking 2 shares: 3"], 2)  # the other share still asks
    tally.start("asking", 1)
    tally.step(Trace(case_id="c"))
    tally.start("probing oracle", 4)
    tally.step()
    shown.told("2/2", json.loads(tally.fetch()))
    assert heard.stages[-1] == "probing 2 shares: 6"
    shown.ended("1/2", None)
    assert heard.said == [
        "shard 1/2: 5 Antworten sind da",
        "shard 1/2: 1 answer is an error, most often timeout: nach 3 s",
    ]
