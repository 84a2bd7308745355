"""What a judge left undecided is neither grounded nor ungrounded: it leaves the rate, and is told."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from support import make_case, make_passages, make_trace
from test_gate_command import RIGHT, write_suite

import evalkit
from evalkit.cli import _run
from evalkit.errors import InvalidInput
from evalkit.judges.embedded import EmbeddedJudge
from evalkit.records import Approach, Case, Evidence, Passage, Status, Suite, SystemSpec, Trace
from evalkit.score import STATUSES

CASES = 40


class Unsure(EmbeddedJudge):
    """Decides no claim of an answer to the first ten desks."""

    name = fingerprint = "unsure"

    def judge(self, case: Case, trace: Trace) -> Evidence:
        found = super().judge(case, trace)
        if int(case.query.split()[3]) >= 10 or found.claims is None:
            return found
        return replace(
            found, judge=self.name, claims=tuple(replace(c, supported=None) for c in found.claims)
        )


def answer(query: str) -> dict:
    return {"response": RIGHT, "context": [{"doc_id": "d", "text": RIGHT}], "retrieved": []}


def gated(folder: Path, limit: str, judge: str, code: int) -> dict:
    suite = write_suite(folder / "suite", limit, cases=CASES)
    spec = SystemSpec("rag", Approach.RAG, "python", {"target": "test_undecided:answer"}, suite)
    evalkit.run(suite, [spec], out=folder / "run", probes="none", judge=judge).write()
    assert _run(["gate", str(folder / "run"), "--allow", "a test"]) == code
    return json.loads((folder / "run" / "verdict.json").read_text())


def test_undecided_cases_leave_the_share_of_ungrounded_answers(tmp_path: Path) -> None:
    limit = "{metric: ungrounded_content, at_most: 0.3}"
    told = gated(tmp_path / "unsure", limit, "test_undecided:Unsure", 12)
    (line,) = told["limits"]
    assert (line["measured"], line["n"], line["missing"]) == (30, 40, 0.25)
    assert "of 30 cases of 40" in line["text"]
    assert gated(tmp_path / "sure", limit, "embedded", 0)["limits"][0]["measured"] == 40


def test_undecided_cases_count_against_the_coverage_of_the_cause(tmp_path: Path) -> None:
    limit = "{metric: ungrounded_content, coverage: 0.9}"
    told = gated(tmp_path, limit, "test_undecided:Unsure", 12)
    assert told["coverage"][0]["share"] == 0.75


# --- the symptoms --------------------------------------------------------------------------------


def run_of(undecided: int) -> evalkit.Run:
    numbers = range(10 - undecided, 20 - undecided)
    cases = tuple(make_case(f"c{i}", f"When does desk {i} open?", reference=RIGHT) for i in numbers)
    shown: tuple[Passage, ...] = make_passages([Passage("d", text=RIGHT)], {})
    traces = [make_trace(RIGHT, case.id, context=shown, retrieved=shown) for case in cases]
    suite = Suite("desk", Path(), cases, {}, "0")
    return evalkit.from_traces(suite, {"s": traces}, judge=Unsure())


def test_symptoms_tell_the_cases_that_could_not_be_graded(tmp_path: Path) -> None:
    run = run_of(3)
    (symptom,) = (s for s in run.systems["s"].symptoms if s.rule.id == "hallucination")
    assert symptom.rate is not None
    assert (symptom.rate.n, symptom.undecided) == (7, 3)
    run.write(tmp_path)
    said = "0 of 7; 3 more cases could not be graded"
    assert said in (tmp_path / "report.md").read_text()
    assert said in (tmp_path / "report.html").read_text()
    kept = json.loads((tmp_path / "diagnosis.json").read_text())["systems"]["s"]["symptoms"]
    assert [s.get("undecided") for s in kept if s["id"] == "hallucination"] == [3]


def test_one_case_is_told_in_the_singular_and_none_is_not_told(tmp_path: Path) -> None:
    run_of(1).write(tmp_path / "one")
    assert "; 1 more case could not be graded" in (tmp_path / "one" / "report.md").read_text()
    run_of(0).write(tmp_path / "none")
    assert "could not be graded" not in (tmp_path / "none" / "report.md").read_text()


# --- a judge for traces that are there ------------------------------------------------------------


def test_traces_are_graded_by_the_judge_that_is_given() -> None:
    run = run_of(10)
    column = run.systems["s"].graded.scores.columns["groundedness"]
    assert [STATUSES[s] for s in column.status] == [Status.GRADER_ERROR] * 10
    assert run.recipe["judge"] == "unsure"


def test_the_judge_of_traces_may_be_named_as_in_a_run(tmp_path: Path) -> None:
    suite = Suite("desk", tmp_path, (make_case("a", reference=RIGHT),), {}, "0")
    traces = {"s": [make_trace(RIGHT, "a")]}
    assert evalkit.from_traces(suite, traces, judge="embedded").recipe["judge"].startswith("emb")
    with pytest.raises(InvalidInput, match="nobody"):
        evalkit.from_traces(suite, traces, judge="nobody")
