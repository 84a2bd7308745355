"""Real questions: ClapNQ becomes a suite, and the embedded systems run on it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import evalkit
from evalkit.errors import InvalidInput
from evalkit.importers.clapnq import import_clapnq

DATA = Path(__file__).resolve().parents[2] / "shared" / "data" / "clapnq"
needs_data = pytest.mark.skipif(not DATA.exists(), reason=f"{DATA} is absent")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clapnq")
    import_clapnq(DATA, folder / "suite")
    systems = evalkit.load_systems(folder / "suite" / "systems.yaml")
    return evalkit.run(folder / "suite", systems, out=folder / "run")


@needs_data
def test_questions_become_cases_and_passages_documents(run):
    cases = run.suite.cases
    refusals = [case for case in cases if case.expected == "refuse"]
    assert len(cases) == len(run.suite.corpus) == 300
    assert len(refusals) == 152
    assert all(case.relevant == {} for case in refusals)
    assert all(case.reference and case.relevant for case in cases if case not in refusals)


@needs_data
def test_retrieval_finds_most_gold_passages_and_a_prompt_only_system_has_none(run):
    metrics = {name: found["metrics"] for name, found in run.summary()["systems"].items()}
    assert metrics["rag"]["R@5"]["mean"] > 0.8
    assert metrics["rag"]["R@5"]["scored"] == 148
    assert metrics["prompt"]["R@5"]["mean"] is None
    assert metrics["prompt"]["R@5"]["due"] == 0


@needs_data
def test_documents_pass_more_than_memory_and_every_failure_is_accounted_for(run):
    systems = run.systems
    assert systems["rag"].pass_rate.value > systems["prompt"].pass_rate.value
    for found in systems.values():
        failing = {f.case_id for f in found.findings if f.outcome == "fail"}
        assert len(failing) == found.counts["failed"] + found.counts["errors"]


def test_a_file_of_another_kind_is_refused_with_its_place(tmp_path):
    (tmp_path / "qa.jsonl").write_text(json.dumps({"id": "1", "question": "who?"}) + "\n")
    with pytest.raises(InvalidInput, match=r"qa\.jsonl:1: answerable: is missing"):
        import_clapnq(tmp_path, tmp_path / "suite")
