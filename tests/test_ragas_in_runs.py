"""ragas in whole runs against a server on this machine: its scores beside ours, counted, limited, graded again offline."""

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from support import make_case, make_trace
from test_gate_command import RIGHT, write_suite
from test_judge_in_runs import Listener, summary
from test_ragas_judge import SCHEMA, Server, needs_ragas

import evalkit
from evalkit.cli import _run
from evalkit.errors import BudgetExceeded, EndpointUnusable, InvalidInput
from evalkit.gating.release import Request, gate
from evalkit.judges.choose import resolved
from evalkit.judges.llm.under_way import UnderWay, never_ended
from evalkit.judges.ragas.calls import JudgeCalls
from evalkit.judges.ragas.grades import Grade, evidence_of
from evalkit.judges.ragas.measures import MEASURES
from evalkit.judges.ragas.record import CallRecord
from evalkit.judges.ragas.settings import settings_from
from evalkit.judging.brought import brought_rows
from evalkit.judging.check import check
from evalkit.judging.labels import Labelled
from evalkit.pytesting.cells import limit_text
from evalkit.pytesting.run import SuiteRun
from evalkit.records import Case, Evidence, Status, Trace
from evalkit.suite import load_suite, load_systems
from evalkit.terminal import show_run

pytestmark = needs_ragas
EVERY = [name for name in MEASURES if name != "case_rubrics"]
CRITICS = [
    {"name": "polite", "prompt": "Polite? {response}", "labels": {"yes": 1, "no": 0}},
    {"name": "depth", "prompt": "0 to 1: {response} for {user_input}"},
]


@contextmanager
def endpoint(**how: Any) -> Iterator[Any]:
    """The grading server of the judge's own tests, in a loop of its own."""
    loop, ready, over = asyncio.new_event_loop(), threading.Event(), asyncio.Event()
    kept: list[Any] = []

    async def main() -> None:
        async with Server(**how) as server:
            kept.append(server)
            ready.set()
            await over.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(main(),))
    thread.start()
    ready.wait(20)
    try:
        yield kept[0]
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join(20)
        loop.close()


@pytest.fixture
def suite(tmp_path) -> Path:
    made = write_suite(tmp_path / "suite", cases=3)
    (made / "corpus.jsonl").write_text(json.dumps({"_id": "d", "text": RIGHT}))
    return made


class Rag:
    def ask(self, query: str) -> dict:
        said = f"{RIGHT} You asked: {query}"
        shown = [{"doc_id": "d", "text": f"{RIGHT} {query} {i}"} for i in range(5)]
        return {"response": said, "context": shown}


def once(suite: Path, out: Path, judge: str | None, **options: Any) -> Any:
    return evalkit.run(suite, {"rag": Rag()}, out=out, judge=judge, probes="none", **options)


def judge_file(folder: Path, server: Any, **options: Any) -> str:
    given = {"kind": "ragas", "base_url": server.url, "model": "m", "attempts": 1, "timeout": 10}
    given |= {"price": {"prompt_per_million": 1, "completion_per_million": 1}, **options}
    (folder / "judge.yaml").write_text(json.dumps(given))
    return f"ragas:{folder / 'judge.yaml'}"


def test_every_metric_and_critic_is_in_the_summary_and_in_the_report(suite, tmp_path):
    with endpoint() as server:
        judge = judge_file(tmp_path, server, metrics=EVERY, critics=CRITICS, embedding_model="e")
        watch = Listener(lambda: len(server.heard))
        run = once(suite, tmp_path / "run", judge, watch=watch)
        asked = len(server.heard)
        text, before = watch.one("judge ragas: 3 answers take ")
    assert before == 0
    least, most = (
        int(word.replace(",", ""))
        for word in text.split("take ")[1].split(" calls")[0].split(" to ")
    )
    assert least <= asked + run.summary()["judge"]["spending"]["from_cache"] <= most
    page = run.write().read_text(encoding="utf-8")
    found = summary(tmp_path / "run")
    cells = found["systems"]["rag"]["metrics"]
    for name in (*EVERY, "polite", "depth"):
        cell = cells[f"ragas_{name}"]
        assert cell["scored"] + sum(cell["not_scored"].values()) == cell["due"], name
        assert not cell["not_scored"], name
        assert f"ragas_{name}" in page
    assert found["judge"]["spending"]["calls"] == asked
    assert found["judge"]["spending"]["cost"]["total"] > 0
    opened = evalkit.open_run(suite, tmp_path / "run")
    opened.write()
    again = summary(tmp_path / "run")
    assert again["systems"]["rag"]["metrics"] == cells


def test_the_environment_alone_makes_the_judge_and_the_run_goes_on_without_it(
    suite, tmp_path, monkeypatch
):
    with endpoint() as server:
        for name, value in {"URL": server.url, "MODEL": "m", "METRICS": "faithfulness"}.items():
            monkeypatch.setenv(f"EVALKIT_JUDGE_{name}", value)
        first = once(suite, tmp_path / "run", "ragas")
        for name in ("URL", "MODEL", "METRICS"):
            monkeypatch.delenv(f"EVALKIT_JUDGE_{name}")
        asked = len(server.heard)
        second = once(suite, tmp_path / "run", None)
        assert len(server.heard) == asked
    for run in (first, second, evalkit.open_run(suite, tmp_path / "run")):
        assert run.summary()["systems"]["rag"]["metrics"]["ragas_faithfulness"]["scored"] == 3
        assert run.recipe["judge model"] == "m"


def test_a_limit_of_calls_holds_for_ragas_and_what_is_left_out_is_graded_later(suite, tmp_path):
    with endpoint() as server:
        judge = judge_file(tmp_path, server, metrics=["faithfulness", "factual_correctness"])
        with pytest.raises(BudgetExceeded) as stopped:
            once(suite, tmp_path / "run", judge, max_calls=9)
        used = len(server.heard)
        run = stopped.value.run
        assert len(run.systems["rag"].graded.traces) + used <= 9
        once(suite, tmp_path / "run", None)
        done = evalkit.open_run(suite, tmp_path / "run").systems["rag"].graded.scores
        assert {done.status("ragas_faithfulness", i) for i in range(3)} == {Status.SCORED}


def test_options_from_the_environment_hold_no_key(monkeypatch, tmp_path):
    monkeypatch.setenv("EVALKIT_JUDGE_URL", "http://127.0.0.1:9/v1")
    monkeypatch.setenv("EVALKIT_JUDGE_MODEL", "m")
    monkeypatch.setenv("EVALKIT_JUDGE_KEY", "secret-key")
    found = resolved("ragas", tmp_path)
    assert found == {"kind": "ragas", "base_url": "http://127.0.0.1:9/v1", "model": "m"}


def test_the_terminal_has_the_means_of_the_judges_metrics_and_no_others(suite, tmp_path, capsys):
    with endpoint() as server:
        judge = judge_file(tmp_path, server, metrics=["faithfulness"], critics=CRITICS[:1])
        run = once(suite, tmp_path / "run", judge)
    assert [row[0] for row in brought_rows(run)] == ["ragas_faithfulness", "ragas_polite"]
    show_run(run, run.write())
    text = capsys.readouterr().out
    assert "metric of the judge" in text
    assert brought_rows(run)[0][1] in text
    assert brought_rows(once(suite, tmp_path / "plain", None)) == []


def test_a_limit_on_a_metric_of_ragas_gates_only_with_a_check_and_without_the_endpoint(
    suite, tmp_path
):
    write_suite(suite, "{metric: ragas_faithfulness, at_least: 0.5}", cases=3)
    with endpoint() as server:
        judge = judge_file(tmp_path, server, metrics=["faithfulness"])
        run = once(suite, tmp_path / "run", judge)
        run.write()
    with pytest.raises(InvalidInput, match="never held against people"):
        gate(run.suite, tmp_path / "run", Request())
    allowed = gate(run.suite, tmp_path / "run", Request(allow="trying it"))
    assert "ragas_faithfulness" in json.dumps(allowed.verdict)
    held = check(people(60), Knowing(run.recipe["judge"])).to_json()
    (suite / "judge-check.json").write_text(json.dumps(held))
    assert gate(run.suite, tmp_path / "run", Request()).verdict["differences"] == []


def people(count: int) -> list[Labelled]:
    """Answers of which every other one is grounded, as two people say."""
    return [
        Labelled(
            make_case(f"c{i}"), make_trace(f"answer {i}"), {"grounded": {"ana": (float(i % 2),)}}
        )
        for i in range(count)
    ]


class Knowing:
    """A judge of that fingerprint whose ragas metric is always right."""

    name = "knowing"

    def __init__(self, fingerprint: str) -> None:
        self.fingerprint = fingerprint

    def judge(self, case: Case, trace: Trace) -> Evidence:
        right = float(str(trace.response)[-1] in "13579")
        return evidence_of(Evidence(self.name), [Grade("ragas_faithfulness", right)])


class Finds:
    """Retrieves and answers in two steps, so that it can be crossed."""

    def retrieve(self, query: str, k: int) -> list[dict[str, str]]:
        return [{"doc_id": "d", "text": RIGHT}]

    def generate(self, query: str, passages: Any) -> str:
        return RIGHT


def test_runs_with_limits_on_metrics_of_ragas_are_crossed_and_graded_by_their_own_judge(
    suite, tmp_path
):
    write_suite(suite, "{metric: ragas_faithfulness, at_least: 0.5}", cases=3)
    target = "{name: NAME, approach: rag, adapter: python, target: 'test_ragas_in_runs:Finds'}"
    both = "\n- ".join(target.replace("NAME", name) for name in ("a", "b"))
    (suite / "systems.yaml").write_text(f"systems:\n- {both}\n")
    given = ["compare", str(tmp_path / "run"), "--cross"]
    with endpoint() as server:
        judge = judge_file(tmp_path, server, metrics=["faithfulness"])
        specs = load_systems(suite / "systems.yaml")
        evalkit.run(suite, specs, out=tmp_path / "run", judge=judge, probes="none").write()
        assert _run([*given, "--judge", "embedded"]) == 3  # not who graded the run
        assert _run(given) == 0
    told = json.loads((tmp_path / "run" / "comparison.json").read_text())
    assert [s["n"] for s in told["pairs"][0]["splits"]] == [3, 3]


def test_pytest_grades_with_the_judge_that_is_named_and_keeps_its_limits(suite, tmp_path):
    write_suite(suite, "{metric: ragas_faithfulness, at_least: 0.5, margin: 0.1}", cases=14)
    line = "{name: rag, approach: rag, adapter: python, target: 'test_ragas_in_runs:Finds'}"
    (suite / "systems.yaml").write_text(f"systems:\n- {line}\n")
    with endpoint() as server:
        judge = judge_file(tmp_path, server, metrics=["faithfulness"])
        own = SuiteRun(
            load_suite(suite), load_systems(suite / "systems.yaml"), tmp_path, None, judge
        )
        own.want_limits("rag")
        cell = own.limit("rag", limit_text(own.suite.limits[0]))
    assert "ragas_faithfulness" in cell.message or cell.outcome == "passed"
    assert cell.outcome != "errors", cell.message


# --- replies of no use, and calls under way when the process dies --------------------------------


def test_a_grading_model_whose_replies_are_of_no_use_is_asked_no_more(tmp_path):
    suite = write_suite(tmp_path / "suite", cases=20)
    (suite / "corpus.jsonl").write_text(json.dumps({"_id": "d", "text": RIGHT}))
    with endpoint(faults=["not json"] * 500) as server:
        judge = judge_file(tmp_path, server, metrics=["faithfulness"], concurrency=2)
        with pytest.raises(EndpointUnusable, match="20 replies in a row") as over:
            once(suite, tmp_path / "run", judge)
        assert 20 <= len(server.heard) <= 24
        assert "it said: 'I would rather not say.'" in str(over.value)
        assert over.value.run.judged.troubles[0].startswith(f"judge ragas (model m at {server.url}")
        assert len(over.value.run.systems["rag"].graded.traces) == 20
        server.faults.clear()
        run = once(suite, tmp_path / "run", None)
        assert run.judged.troubles == ()
    scores = run.systems["rag"].graded.scores
    assert {scores.status("ragas_faithfulness", i) for i in range(20)} == {Status.SCORED}


def test_no_call_is_left_under_way_by_a_run_that_ended(suite, tmp_path):
    with endpoint() as server:
        run = once(suite, tmp_path / "run", judge_file(tmp_path, server, metrics=["faithfulness"]))
        assert len(server.heard) > 2
    assert (tmp_path / "run" / "judge-calls.begun").read_text().count("+") == len(server.heard)
    assert never_ended(tmp_path / "run") == 0
    assert run.judged.unanswered is None


def test_a_call_that_is_not_in_the_record_yet_is_not_over(tmp_path):
    async def work() -> list[int]:
        async with Server(faults=["slow", "slow"], slow=0.5) as server:
            settings = settings_from({"base_url": server.url, "model": "m"})
            record = CallRecord(tmp_path / "calls.sqlite")
            calls = JudgeCalls(settings, [record], under_way=UnderWay(tmp_path))
            first = asyncio.ensure_future(calls.chat("a", SCHEMA, str))
            await asyncio.sleep(0.2)
            second = asyncio.ensure_future(calls.chat("b", SCHEMA, str))
            await first  # its line waits for others, and would be lost with the process
            found = [never_ended(tmp_path)]
            await second
            await calls.aclose()
            return [*found, never_ended(tmp_path)]

    assert asyncio.run(work()) == [2, 0]
