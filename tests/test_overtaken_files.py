"""Files of a run that are older than its answers, labels or systems are no evidence: whoever judges by them says so."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path
from typing import Any

import pytest

import evalkit
from evalkit.cli import _run
from evalkit.records import Trace
from evalkit.store import Store
from evalkit.viewing.runs import FINISHED, STOPPED, Runs

CASES, RIGHT, WRONG = 12, "Two euros.", "Nothing."
OLDER = "the answers are newer than the files derived from them"


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    made = tmp_path / "suite"
    made.mkdir()
    cases = [{"id": f"c{i:02}", "query": f"Fee {i}?", "reference": RIGHT} for i in range(CASES)]
    (made / "suite.yaml").write_text(
        "format: 1\nname: fees\nlimits: [{metric: passed, at_least: 0.3}]\n"
    )
    (made / "cases.jsonl").write_text("\n".join(map(json.dumps, cases)))
    return made


@pytest.fixture
def run(suite: Path, tmp_path: Path) -> Path:
    """A finished run that passes its gate."""
    out = tmp_path / "run"
    evalkit.run(suite, {"mine": lambda query: RIGHT}, out=out, probes="none").write()
    assert _run(["gate", str(out)]) == 0
    return out


def answered_anew(out: Path) -> None:
    """What a rerun leaves that was killed when all answers were there, and its files not written yet."""
    with Store(out) as store:
        store.put_all(
            [Trace(system="mine", case_id=f"c{i:02}", response=WRONG) for i in range(CASES)]
        )


def labelled_anew(out: Path) -> None:
    """The same of a rerun that only took over other labels."""
    with Store(out) as store:
        store.note_recipe({"suite": "another"})


@pytest.mark.parametrize("change", [answered_anew, labelled_anew])
def test_no_gate_baseline_or_drift_rests_on_them_until_they_are_made_again(
    run: Path, tmp_path: Path, capsys: Any, change: Any
):
    change(run)
    traces = str(run / "traces.jsonl")
    for command in (["gate"], ["baseline", "update"], ["drift"]):
        arguments = [*command, str(run), *([traces] if command == ["drift"] else [])]
        capsys.readouterr()
        assert _run(arguments) == 3
        said = capsys.readouterr().err
        assert OLDER in said
        assert f"`evalkit score {run}` derives them" in said
    if change is answered_anew:
        assert _run(["score", str(run)]) == 0
        assert _run(["gate", str(run)]) == 10


def test_a_run_whose_files_were_made_last_is_gated_however_often_it_was_gone_on_with(
    suite: Path, run: Path
):
    evalkit.run(
        suite, {"mine": lambda query: WRONG}, out=run, probes="none", rerun="changed"
    ).write()
    assert _run(["gate", str(run)]) == 10
    with Store(run) as store:
        store.note("anything", "that changes no answer")
    assert _run(["gate", str(run)]) == 10


def test_the_viewer_shows_no_figures_of_before(run: Path):
    def shown() -> Any:
        (entry,) = Runs(run.parent).all()
        return entry

    assert (shown().state, len(shown().systems)) == (FINISHED, 1)
    time.sleep(0.05)
    with Store(run) as store:
        store.plan(CASES)
        asyncio.run(begin(store))
    assert (shown().state, shown().systems) == (STOPPED, ())
    assert _run(["report", str(run)]) == 12
    assert len(shown().systems) == 1


async def begin(store: Store) -> None:
    await store.begin(("mine", "c00", "as_is", 0))


def test_what_is_derived_of_a_run_that_was_cut_off_is_incomplete(
    suite: Path, tmp_path: Path, capsys: Any
):
    out = tmp_path / "cut"
    with pytest.raises(evalkit.EvalkitError):
        evalkit.run(suite, {"mine": lambda query: RIGHT}, out=out, probes="none", max_calls=5)
    for command in ("score", "report", "diagnose"):
        capsys.readouterr()
        assert _run([command, str(out)]) == 12
        assert "7 questions that the run was to put are not answered" in capsys.readouterr().err
    verdict = json.loads((out / "verdict.json").read_text())
    assert (verdict["verdict"], verdict["exit_code"]) == ("incomplete", 12)
    assert "5 of 12 cases asked" in (out / "report.md").read_text()


def test_a_run_of_some_cases_by_choice_is_whole(suite: Path, tmp_path: Path):
    out = tmp_path / "some"
    evalkit.run(suite, {"mine": lambda query: RIGHT}, out=out, probes="none", limit=5).write()
    assert _run(["score", str(out)]) == 0
