"""Failing answers that may be right are counted apart, and people are sent to them first."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import evalkit
from evalkit.judging.review import OTHER_WORDS, review_rows
from evalkit.pages.sums import finding_sums
from evalkit.terminal import _answer_lines

CORPUS = {
    "loan": "Books can be borrowed for 21 days.",
    "dogs": "Dogs must stay outside.",
    "hall": "The reading room is closed on Mondays.",
}
CASES = {
    "other": ("Where does my dog go meanwhile?", "dogs", "It has to wait at the door."),
    "wrong": ("How long may I keep a book?", "loan", "Books can be borrowed for 50 days."),
    "right": ("When is the reading room closed?", "hall", "The reading room is closed on Mondays."),
    "hours": ("When is the reading room closed?", "hall", "At the very start of the week."),
}  # fmt: skip


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("library")

    def lines(name: str, rows: list[dict[str, Any]]) -> None:
        (folder / name).write_text("".join(f"{json.dumps(row)}\n" for row in rows))

    cases, traces = [], []
    for case, (query, doc, answer) in CASES.items():
        label = {"id": case, "query": query, "reference": CORPUS[doc], "relevant": {doc: 1}}
        cases.append(label)
        shown = [{"doc_id": d} for d in CORPUS]
        for condition, context in (("as_is", shown), ("oracle_context", [{"doc_id": doc}])):
            given = {"retrieved": shown, "context": context, "response": answer}
            traces.append({"case_id": case, "condition": condition, "repeat": 0, **given})
    lines("cases.jsonl", cases)
    lines("corpus.jsonl", [{"_id": d, "title": "", "text": text} for d, text in CORPUS.items()])
    lines("traces.jsonl", traces)
    (folder / "suite.yaml").write_text("format: 1\nname: library\nk: 3\n")
    (folder / "systems.yaml").write_text(
        "systems:\n  - {name: desk, approach: rag, adapter: recorded, path: traces.jsonl}\n"
    )
    systems = evalkit.load_systems(folder / "systems.yaml")
    return evalkit.run(folder, systems, out=Path(tmp_path_factory.mktemp("out")) / "run")


def test_they_are_failing_and_no_cause_is_named(run: Any):
    found = {f.case_id: f for f in run.systems["desk"].findings}
    assert {case: f.status for case, f in found.items()} == {
        "other": "undetermined", "wrong": "proven", "hours": "undetermined",
    }  # fmt: skip


def test_the_sums_of_a_report_have_them_apart(run: Any):
    sums = finding_sums(run.diagnosis()["systems"]["desk"]["findings"])
    assert sums.in_doubt == {"undetermined": 2}
    assert (sums + sums).in_doubt == {"undetermined": 4}


def test_the_terminal_says_how_many_and_sends_people_to_them(run: Any):
    told = "\n".join(_answer_lines(run))
    assert "2 of them may be right in other words" in told
    assert "2 failing answers may be right in other words: review these first." in told
    assert "No cause could be named" not in told  # it is said once


def test_the_review_queue_opens_with_them(run: Any):
    rows = review_rows(run, sample=0)
    assert {row["case_id"] for row in rows[:2]} == {"other", "hours"}
    assert all(row["why"].startswith(OTHER_WORDS) for row in rows[:2])
    assert OTHER_WORDS not in " ".join(row["why"] for row in rows[2:])
