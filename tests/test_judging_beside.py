"""Evidence: kept in the run's store, said by another process meanwhile, and the same whoever says it."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import evalkit
from evalkit.evidence import evidence_from_json, evidence_to_json, given_to_judge, read_given
from evalkit.judges.cited import names_of
from evalkit.judges.embedded import EmbeddedJudge
from evalkit.records import Case, Claim, Evidence, Expected, KeyPoint, Passage, Suite, Trace
from evalkit.store import Store
from evalkit.workers import judging

ANSWERS = (
    "We open on Monday at 10:00. Tickets cost 12 euros.",
    "チケットは12ユーロです。月曜日に開きます。",
    "Vé có giá 12 euro và mở cửa vào thứ Hai.",
    "Die Karte kostet 12 Euro. Wir öffnen montags.",
    "سعر التذكرة 12 يورو.",
    "I am sorry, I cannot answer that.",
)


def case_of(i: int) -> Case:
    reference = ANSWERS[i % 5] if i % 3 else "Something else."
    points = (KeyPoint("Tickets cost 12 euros.", ("d1",)),)
    return Case(f"c{i:03}", f"What does {i} cost?", reference=(reference,), key_points=points)


SUITE = Suite("beside", Path(), tuple(map(case_of, range(60))), {}, "beside 1")


async def ask(query: str) -> dict[str, object]:
    await asyncio.sleep(0.001)
    number = int(query.split()[2])
    passage = {"doc_id": "d1", "text": f"Tickets cost 12 euros. {ANSWERS[number % 5]}"}
    return {"response": ANSWERS[number % 6], "context": [passage], "citations": ["d1"]}


def files_of(out: Path) -> dict[str, object]:
    """What is derived of a run, apart from times, which differ from run to run."""
    system = {"mine": evalkit.system("mine", ask, approach="rag")}
    run = evalkit.run(SUITE, system, out=out, probes="none")
    run.write()
    scores = (out / "scores.csv").read_text().splitlines()
    return {
        "scores": [line for line in scores if "seconds" not in line and "latency" not in line],
        "diagnosis": (out / "diagnosis.json").read_bytes(),
        "evidence": repr(run.systems["mine"].graded.evidence),
    }


@pytest.fixture
def watched(monkeypatch):
    """Every process that judges beside, however few the answers; ``hook`` is called with each."""
    made = []
    monkeypatch.setattr(judging, "WORTH", 1)
    monkeypatch.setattr(judging, "START", 0.0)
    monkeypatch.setattr(judging, "QUICK", 0.0)
    monkeypatch.setattr(judging, "PATIENT", 0.0)
    monkeypatch.setattr(judging, "BATCH", 4)
    monkeypatch.setattr(judging, "_processors", lambda: 2)
    begun = judging.Beside.__init__

    def begin(self, *given):
        begun(self, *given)
        made.append(self)

    monkeypatch.setattr(judging.Beside, "__init__", begin)
    return made


def test_files_are_the_same_whoever_judges(tmp_path, watched, monkeypatch):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(judging, "WORTH", 10**9)
        alone = files_of(tmp_path / "alone")
    assert not watched
    own = []
    judge = EmbeddedJudge.judge
    monkeypatch.setattr(EmbeddedJudge, "judge", lambda *a: own.append(a) or judge(*a))
    assert files_of(tmp_path / "beside") == alone
    assert len(watched) == 1
    assert len(own) < len(SUITE.cases)  # the other process has judged
    with pytest.raises(ProcessLookupError):
        os.kill(watched[0].number, 0)


def test_a_judge_process_that_is_killed_costs_nothing(tmp_path, watched, monkeypatch):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(judging, "WORTH", 10**9)
        alone = files_of(tmp_path / "alone")
    note, seen = judging.Beside.note, []

    def noted(self, case, trace):
        seen.append(trace)
        if len(seen) == 20:
            os.kill(self.number, signal.SIGKILL)
        note(self, case, trace)

    monkeypatch.setattr(judging.Beside, "note", noted)
    assert files_of(tmp_path / "killed") == alone
    assert len(seen) >= len(SUITE.cases) - 2  # all but those that told how long judging takes


@pytest.fixture
def quick(monkeypatch):
    """Every answer is judged, and scored, as it comes."""
    monkeypatch.setattr(judging, "WORTH", 1)
    monkeypatch.setattr(judging, "QUICK", 10.0)


def test_files_are_the_same_when_answers_are_scored_as_they_come(
    tmp_path, quick, judged, monkeypatch
):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(judging, "WORTH", 10**9)
        after = files_of(tmp_path / "after")
    judged.clear()
    read = []
    monkeypatch.setattr(Store, "traces", lambda *given: read.append(given))  # nothing is read again
    assert files_of(tmp_path / "meanwhile") == after
    assert sorted(judged) == [case.id for case in SUITE.cases]
    assert not read


def test_a_judge_that_fails_meanwhile_is_asked_again_in_its_turn(tmp_path, quick, monkeypatch):
    judge, seen = EmbeddedJudge.judge, []

    def one(self, case, trace):
        seen.append(trace)
        if len(seen) <= 5:
            raise ValueError("not now")
        return judge(self, case, trace)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(judging, "WORTH", 10**9)
        after = files_of(tmp_path / "after")
    monkeypatch.setattr(EmbeddedJudge, "judge", one)
    assert files_of(tmp_path / "meanwhile") == after
    assert len(seen) == len(SUITE.cases) + 5


def test_a_run_that_is_taken_up_again_scores_as_one_that_was_not_broken_off(tmp_path, quick):
    whole = files_of(tmp_path / "whole")
    system = {"mine": evalkit.system("mine", ask, approach="rag")}
    evalkit.run(SUITE, system, out=tmp_path / "two", probes="none", limit=40)
    assert files_of(tmp_path / "two") == whole


def test_a_judge_process_ends_with_its_parent():
    code = (
        "import asyncio, sys\nfrom evalkit.workers.judging import Beside\n"
        "async def main():\n    b = Beside(None)\n    print(b.number, flush=True)\n    await asyncio.sleep(60)\n"
        "asyncio.run(main())\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        os.kill(child, signal.SIGINT)  # Ctrl-C is not for it
        time.sleep(0.2)
        os.kill(child, 0)
        parent.kill()
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and Path(f"/proc/{child}").exists():
        state = Path(f"/proc/{child}/stat").read_text().rpartition(") ")[2][:1]
        if state == "Z":  # nobody reaps it here
            return
        time.sleep(0.05)
    assert not Path(f"/proc/{child}").exists()


@pytest.fixture
def judged(monkeypatch):
    """The answers that the judge of this process is asked about."""
    seen = []
    judge = EmbeddedJudge.judge

    def one(self, case, trace):
        seen.append(trace.case_id)
        return judge(self, case, trace)

    monkeypatch.setattr(EmbeddedJudge, "judge", one)
    return seen


def test_what_was_said_is_not_said_again(tmp_path, judged):
    before = files_of(tmp_path / "run")
    assert len(judged) == len(SUITE.cases)
    judged.clear()
    assert files_of(tmp_path / "run") == before
    again = evalkit.open_run(SUITE, tmp_path / "run")
    assert repr(again.systems["mine"].graded.evidence) == before["evidence"]
    assert not judged


def test_damaged_evidence_is_told_and_made_again(tmp_path, judged):
    before = files_of(tmp_path / "run")
    db = sqlite3.connect(tmp_path / "run" / "run.sqlite")
    with db:
        db.execute("UPDATE evidence SET evidence = '{\"judge\":\"x\"}' WHERE case_id = 'c007'")
        db.execute("UPDATE evidence SET evidence = X'FF00' WHERE case_id = 'c008'")
    db.close()
    judged.clear()
    said = []

    class Watch(evalkit.watch.Watcher):
        def say(self, text: str) -> None:
            said.append(text)

    system = {"mine": evalkit.system("mine", ask, approach="rag")}
    run = evalkit.run(SUITE, system, out=tmp_path / "run", probes="none", watch=Watch())
    assert repr(run.systems["mine"].graded.evidence) == before["evidence"]
    assert judged == ["c007", "c008"]
    assert any("2 kept verdicts of the judge were damaged" in text for text in said)


def test_evidence_serves_only_for_what_it_was_made_of(tmp_path, judged):
    files_of(tmp_path / "run")
    judged.clear()
    cases = list(SUITE.cases)
    cases[3] = replace(cases[3], reference=("The museum is closed.",))
    cases[4] = replace(cases[4], tags=("seen",))  # what the judge does not read
    other = replace(SUITE, cases=tuple(cases), digest="beside 2")
    system = {"mine": evalkit.system("mine", ask, approach="rag")}
    evalkit.run(other, system, out=tmp_path / "run", probes="none", rerun="changed")
    assert judged == ["c003"]


texts = st.text(max_size=20)
claims = st.builds(
    Claim, texts, st.integers(0, 9), st.integers(0, 9), st.sampled_from([None, True, False]),
    st.booleans(), st.none() | st.integers(0, 9), st.sampled_from([None, True, False]),
)  # fmt: skip
share = st.none() | st.floats(0, 1)


@settings(max_examples=50)
@given(
    st.builds(
        Evidence,
        judge=texts,
        claims=st.none() | st.lists(claims, max_size=3).map(tuple),
        covered=st.none() | st.lists(share, max_size=3).map(tuple),
        correct=share,
        refused=share,
        cited=st.none() | st.lists(st.sampled_from([None, True, False]), max_size=3).map(tuple),
        reasons=st.lists(texts, max_size=2).map(tuple),
    )
)
def test_evidence_comes_back_as_it_was(evidence):
    assert evidence_from_json(evidence_to_json(evidence)) == evidence


def test_what_the_judge_reads_comes_back_as_it_was():
    case = case_of(1)
    trace = Trace(response="a", context=(Passage("d", "d#1", "t", "T", 0.5),), citations=("d",))
    found, read = read_given(given_to_judge(case, trace))
    judge = EmbeddedJudge()
    assert judge.judge(found, read) == judge.judge(case, trace)
    bare = Trace(response="a")
    found, read = read_given(given_to_judge(Case("c", "q"), bare))
    assert (found.reference, found.key_points, read.context, read.citations) == (None,) * 4


def test_the_names_by_which_an_answer_may_cite_reach_the_judge():
    listed = (Passage("prices", "prices#1", "Prices", "Price list", 0.5),)
    case = Case("c", "What do groups pay?", relevant={"rates": 1})
    for response in ("It is 12 euros (prices).", "It is 12 euros (rates).", "12 (Price list)."):
        trace = Trace(response=response, retrieved=listed)
        found, read = read_given(given_to_judge(case, trace))
        assert names_of(found, read) == names_of(case, trace)
        assert EmbeddedJudge().judge(found, read) == EmbeddedJudge().judge(case, trace)


@pytest.mark.parametrize("expected", Expected)
def test_what_is_expected_of_an_answer_reaches_the_judge(expected):
    answer = "I am not allowed to speak of groups. Tickets cost 12 euros."
    case = Case("c", "What do groups pay?", reference=("12 euros.",), expected=expected)
    found, read = read_given(given_to_judge(case, Trace(response=answer)))
    assert found.expected is expected
    judge = EmbeddedJudge()
    assert judge.judge(found, read) == judge.judge(case, Trace(response=answer))
