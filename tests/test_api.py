"""The way from suite to diagnosis in Python: run, resume, open again, frames."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import jsonschema
import pytest

import evalkit
from evalkit.errors import BudgetExceeded, InvalidInput, NothingToDo
from evalkit.start import start_suite
from evalkit.watch import Watcher

SCHEMAS = Path(evalkit.__file__).parent / "schemas"
ANSWERS = {
    "When is the workshop open?": "We are open from Tuesday to Saturday, 10:00 to 18:00.",
    "How long may I return a bicycle?": "Within 14 days.",
    "What does it cost to rent a tandem?": "I am sorry, I do not know what a tandem costs.",
}


class Asked:
    """A system that counts its questions and shows what it read."""

    def __init__(self) -> None:
        self.count = 0

    def retrieve(self, query: str, k: int) -> list[dict[str, str]]:
        documents = [
            {"doc_id": "opening-hours", "text": "Open from Tuesday to Saturday, 10:00 to 18:00."},
            {"doc_id": "returns", "text": "Bicycles can be returned within 30 days."},
        ]
        return documents[:k]

    def generate(self, query: str, passages: list[dict[str, str]]) -> str:
        self.count += 1
        return ANSWERS[query]


@pytest.fixture
def suite(tmp_path):
    start_suite(tmp_path / "suite")
    return evalkit.load_suite(tmp_path / "suite")


def test_a_run_is_graded_diagnosed_and_written(suite, tmp_path):
    run = evalkit.run(suite, {"mine": Asked()}, out=tmp_path / "run", probes="none")
    found = run.systems["mine"]
    assert dict(found.counts) == {"due": 3, "passed": 2, "failed": 1, "errors": 0, "ungraded": 0}
    (finding,) = found.findings
    assert (finding.case_id, finding.side) == ("returns", "generation")
    page = run.write()
    assert page.name == "report.html"
    for name in ("diagnosis", "summary", "verdict", "manifest"):
        value = json.loads((tmp_path / "run" / f"{name}.json").read_text())
        schema = json.loads((SCHEMAS / f"{name}.schema.json").read_text())
        jsonschema.validate(value, schema)
    trace_schema = json.loads((SCHEMAS / "trace.schema.json").read_text())
    for line in (tmp_path / "run" / "traces.jsonl").read_text().splitlines():
        jsonschema.validate(json.loads(line), trace_schema)


def test_the_same_folder_again_asks_only_what_is_missing(suite, tmp_path):
    system = Asked()
    evalkit.run(suite, {"mine": system}, out=tmp_path / "run", probes="none", limit=2)
    assert system.count == 2
    run = evalkit.run(suite, {"mine": system}, out=tmp_path / "run", probes="none")
    assert system.count == 3
    assert run.systems["mine"].counts["due"] == 3


def test_repeats_are_asked_each_once(suite, tmp_path):
    system = Asked()
    run = evalkit.run(suite, {"mine": system}, out=tmp_path / "run", probes="none", repeats=3)
    assert system.count == 9
    assert run.systems["mine"].counts["due"] == 3


def test_another_suite_in_the_same_folder_is_refused_with_the_difference(suite, tmp_path):
    evalkit.run(suite, {"mine": Asked()}, out=tmp_path / "run")
    with (suite.folder / "cases.jsonl").open("a") as file:
        file.write('{"id": "new", "query": "Do you sell tea?", "expected": "refuse"}\n')
    with pytest.raises(InvalidInput, match=r"cases\.jsonl: 1 case is new: new"):
        evalkit.run(suite.folder, {"mine": Asked()}, out=tmp_path / "run")


def test_an_earlier_run_is_opened_without_a_call_and_gives_equal_files(suite, tmp_path):
    evalkit.run(suite, {"mine": Asked()}, out=tmp_path / "run").write()
    before = {f.name: f.read_bytes() for f in (tmp_path / "run").iterdir() if f.suffix != ".sqlite"}
    evalkit.open_run(suite, tmp_path / "run").write()
    for name in ("scores.csv", "diagnosis.json", "summary.json", "traces.jsonl", "report.html"):
        assert (tmp_path / "run" / name).read_bytes() == before[name], name


def test_errors_are_asked_again_only_on_demand(suite, tmp_path):
    class Flaky(Asked):
        def generate(self, query, passages):
            self.count += 1
            if self.count == 1:
                raise OSError("no route")
            return ANSWERS[query]

    system = Flaky()
    first = evalkit.run(suite, {"mine": system}, out=tmp_path / "run", probes="none", concurrency=1)
    assert first.systems["mine"].counts["errors"] == 1
    evalkit.run(suite, {"mine": system}, out=tmp_path / "run", probes="none")
    assert system.count == 3
    again = evalkit.run(
        suite, {"mine": system}, out=tmp_path / "run", probes="none", retry_errors=True
    )
    assert system.count == 4
    assert again.systems["mine"].counts["errors"] == 0


def test_a_system_never_sees_a_label(suite, tmp_path):
    seen = []

    def spy(query, **everything):
        seen.append(repr((query, everything)))
        return "I do not know."

    evalkit.run(suite, {"spy": spy}, out=tmp_path / "run", probes="none")
    assert len(seen) == 3
    for label in ("opening-hours", "within 30 days", "refuse", "open from Tuesday"):
        assert not any(label in text for text in seen)


def test_a_replayed_run_equals_the_original(suite, tmp_path):
    run = evalkit.run(suite, {"mine": Asked()}, out=tmp_path / "run")
    run.write()
    (tmp_path / "replay.yaml").write_text(
        "systems:\n  - {name: mine, approach: rag, adapter: recorded, path: run/traces.jsonl}\n"
    )
    specs = evalkit.load_systems(tmp_path / "replay.yaml")
    replay = evalkit.run(suite, specs, out=tmp_path / "replayed")
    assert replay.diagnosis() == run.diagnosis()


def test_scores_and_findings_are_frames(suite, tmp_path):
    run = evalkit.run(suite, {"mine": Asked()}, out=tmp_path / "run")
    scores, findings = run.to_pandas(), run.findings_to_pandas()
    assert list(scores.columns)[:3] == ["system", "case_id", "condition"]
    as_is = scores[(scores.metric == "correct") & (scores.condition == "as_is")]
    correct = as_is.set_index("case_id").value
    assert correct["hours"] == 1
    assert correct["returns"] == 0
    assert list(findings.case_id) == ["returns"]


def test_a_retriever_alone_is_evaluated_without_a_generator(suite, tmp_path):
    class Retriever:
        def retrieve(self, query, k):
            return [{"doc_id": "returns", "text": "..."}] * (k > 0)

    spec = evalkit.system("found", Retriever(), approach="retriever")
    run = evalkit.run(suite, [spec], out=tmp_path / "run")
    found = run.systems["found"]
    assert found.counts["passed"] == 1
    assert {f.side for f in found.findings} == {"retrieval"}
    assert run.summary()["systems"]["found"]["metrics"]["groundedness"]["due"] == 0


def test_inside_a_running_loop_the_async_twin_is_named(suite, tmp_path):
    async def notebook():
        with pytest.raises(RuntimeError, match=r"await evalkit\.arun"):
            evalkit.run(suite, {"mine": Asked()}, out=tmp_path / "run")
        return await evalkit.arun(suite, {"mine": Asked()}, out=tmp_path / "run")

    assert asyncio.run(notebook()).systems["mine"].counts["due"] == 3


def test_progress_is_told_step_by_step(suite, tmp_path):
    class Counter(Watcher):
        def __init__(self):
            self.steps = {}

        def start(self, stage, total):
            self.stage = stage
            self.steps[stage] = [0, total]

        def step(self, trace=None):
            self.steps[self.stage][0] += 1

    watch = Counter()
    evalkit.run(suite, {"mine": Asked()}, out=tmp_path / "run", probes="none", watch=watch)
    assert watch.steps == {"asking": [3, 3], "grading mine": [3, 3], "diagnosing": [1, 1]}


def test_a_failing_case_is_asked_again_until_its_cause_is_proven(suite, tmp_path):
    run = evalkit.run(suite, {"mine": Asked()}, out=tmp_path / "run")
    (finding,) = run.systems["mine"].findings
    assert finding.probes["oracle_context"] == "fail"
    assert finding.status == "proven"
    assert finding.side == "generation"
    conditions = set(run.to_pandas().condition)
    assert "oracle_context" in conditions


def test_probes_are_counted_against_the_limit_of_calls(suite, tmp_path):
    system = Asked()
    evalkit.run(suite, {"mine": system}, out=tmp_path / "run", max_calls=4)
    assert system.count <= 4


def test_a_limit_that_ends_the_first_answers_keeps_them(suite, tmp_path):
    system = Asked()
    with pytest.raises(BudgetExceeded, match="2 of 3 questions are answered"):
        evalkit.run(suite, {"mine": system}, out=tmp_path / "run", max_calls=2)
    evalkit.run(suite, {"mine": system}, out=tmp_path / "run", probes="none")
    assert system.count == 3


def test_no_system_is_nothing_to_do(suite, tmp_path):
    with pytest.raises(NothingToDo):
        evalkit.run(suite, {}, out=tmp_path / "run")
