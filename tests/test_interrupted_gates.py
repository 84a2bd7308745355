"""A run that was interrupted is no evidence: gate, baseline and drift say what is missing, and a merging refuses it."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path

import pytest

import evalkit
from evalkit import replay
from evalkit.cli import _run
from evalkit.errors import BudgetExceeded
from evalkit.judging.of_run import PARTS
from evalkit.merge import assemble, graded
from evalkit.store import Store
from evalkit.watch import Watcher

CASES, REPEATS = 30, 2


def write_suite(folder: Path, repeats: int = REPEATS) -> Path:
    """A suite of 30 cases with a limit, and a recording that answers right first and wrong again."""
    folder.mkdir()
    cases = [
        {"id": f"c{i:02}", "query": f"Fee {i}?", "reference": "Two euros."} for i in range(CASES)
    ]
    said = [(case["id"], n, ("Two euros.", "No.")[n]) for n in range(REPEATS) for case in cases]
    traces = [{"case_id": c, "repeat": n, "response": text} for c, n, text in said]
    entry = {"name": "rec", "approach": "prompt", "adapter": "recorded", "path": "traces.jsonl"}
    head = f"format: 1\nname: tiny\nrepeats: {repeats}\n"
    (folder / "suite.yaml").write_text(f"{head}limits: [{{metric: passed, at_least: 0.75}}]\n")
    (folder / "cases.jsonl").write_text("\n".join(map(json.dumps, cases)))
    (folder / "traces.jsonl").write_text("\n".join(map(json.dumps, traces)))
    (folder / "systems.yaml").write_text(json.dumps({"systems": [entry]}))
    return folder


def file_partly(
    folder: Path, out: Path, monkeypatch: pytest.MonkeyPatch, shard: str | None = None
) -> Path:
    """A run that is interrupted after half of its batches of 30."""
    put_rows, batches = Store.put_rows, iter(range(9))

    def interrupted(store, rows):
        if next(batches) == 1:
            raise KeyboardInterrupt
        put_rows(store, rows)

    systems = evalkit.load_systems(folder / "systems.yaml")
    with monkeypatch.context() as during, suppress(KeyboardInterrupt):
        during.setattr(replay, "BATCH", 30 if shard is None else 4)
        during.setattr(Store, "put_rows", interrupted)
        evalkit.run(folder, systems, out=out, shard=shard)
    return out


def verdict_of(run: Path) -> tuple[str, int, str]:
    found = json.loads((run / "verdict.json").read_text())
    return found["verdict"], found["exit_code"], found["reason"]


@pytest.fixture
def half(tmp_path, monkeypatch) -> Path:
    """Every case has its first, right, answer; the second repeat was never filed."""
    run = file_partly(write_suite(tmp_path / "tiny"), tmp_path / "half", monkeypatch)
    assert _run(["score", str(run)]) == 12
    return run


def test_a_run_whose_repeats_are_not_all_filed_is_incomplete_until_they_are(half, tmp_path, capsys):
    told = "30 of 60 recorded answers are filed"
    for allow in ([], ["--allow", "fine"]):
        assert _run(["gate", str(half), *allow]) == 12
        assert told in " ".join(capsys.readouterr().err.split())
        verdict, code, reason = verdict_of(half)
        assert (verdict, code) == ("incomplete", 12)
        assert told in reason
        assert "files the rest" in reason
    evalkit.run(
        tmp_path / "tiny", evalkit.load_systems(tmp_path / "tiny/systems.yaml"), out=half
    ).write()
    assert _run(["gate", str(half)]) == 10
    assert verdict_of(half)[0] == "regression"


def test_it_is_no_baseline_of_any_kind(half, tmp_path, capsys):
    whole = tmp_path / "whole"
    systems = evalkit.load_systems(tmp_path / "tiny" / "systems.yaml")
    evalkit.run(tmp_path / "tiny", systems, out=whole).write()
    file = tmp_path / "baseline.json"
    for command in (
        ["baseline", "update", str(half), "--out", str(file)],
        ["gate", str(whole), "--baseline", str(half)],
        ["drift", str(half), str(whole / "traces.jsonl"), "--out", str(tmp_path / "d.json")],
        ["drift", str(whole), str(half / "traces.jsonl"), "--out", str(tmp_path / "d.json")],
    ):
        capsys.readouterr()
        assert _run(command) == 12, command
        assert "30 of 60 recorded answers are filed" in " ".join(capsys.readouterr().err.split())
    assert not file.exists()
    assert not (tmp_path / "d.json").exists()
    assert _run(["baseline", "update", str(half), "--out", str(file), "--allow", "a draft"]) == 0


def live(folder: Path, out: Path, **options) -> Path:
    """A run that is stopped by ``max_calls``, if those are given."""
    try:
        run = evalkit.run(
            folder, {"fn": lambda query: "Two euros."}, out=out, probes="none", **options
        )
    except BudgetExceeded as stopped:
        run = stopped.run
    run.write()
    return out


@pytest.mark.parametrize("calls", [10, 30, 45])
def test_a_live_run_with_repeats_that_were_not_asked_is_incomplete(tmp_path, capsys, calls):
    folder = write_suite(tmp_path / "tiny", repeats=1)
    out = live(folder, tmp_path / "out", repeats=2, max_calls=calls)
    with Store(out):  # a later start that came to nothing hides nothing
        pass
    assert _run(["gate", str(out)]) == 12
    told = f"{60 - calls} questions that the run was to put are not answered"
    assert told in verdict_of(out)[2]
    assert _run(["baseline", "update", str(out), "--out", str(tmp_path / "b.json")]) == 12
    assert told in " ".join(capsys.readouterr().err.split())
    assert _run(["gate", str(live(folder, out, repeats=2))]) == 0


def test_cases_without_any_answer_are_counted_by_the_gate_as_ever(tmp_path):
    folder = write_suite(tmp_path / "tiny", repeats=1)
    out = live(folder, tmp_path / "out", max_calls=29)
    (folder / "suite.yaml").write_text(
        "format: 1\nname: tiny\nmax_error_rate: 0.05\nlimits: [{metric: passed, at_least: 0.5}]\n"
    )
    assert _run(["score", str(out)]) in (0, 12)
    assert _run(["gate", str(out)]) == 0


def test_a_run_without_a_store_is_gated_as_it_is(half, tmp_path):
    (half / "run.sqlite").unlink()
    place = tmp_path / "verdict.json"
    assert (
        _run(["gate", str(half), "--suite", str(tmp_path / "tiny"), "--verdict", str(place)]) == 0
    )


def test_half_filed_shares_are_not_merged(tmp_path, monkeypatch, capsys):
    folder = write_suite(tmp_path / "tiny")
    systems = evalkit.load_systems(folder / "systems.yaml")
    one, two = tmp_path / "one", tmp_path / "two"
    evalkit.run(folder, systems, out=one, shard="1/2").write()
    with Store(one) as store:  # the other was interrupted before its judge was noted
        store.note(PARTS, json.dumps({"name": "own", "fingerprint": "own"}))
    file_partly(folder, two, monkeypatch, "2/2")
    out = tmp_path / "out"
    assert _run(["merge", str(out), str(one), str(two)]) == 12
    err = " ".join(capsys.readouterr().err.split())
    assert "recorded answers are filed" in err
    assert f"--out {two} files the rest" in err
    assert not os.path.lexists(out)


def test_what_a_cluster_puts_together_partly_says_so_when_it_is_gated(
    tmp_path, monkeypatch, capsys
):
    folder = write_suite(tmp_path / "tiny")
    one, two = (file_partly(folder, tmp_path / n, monkeypatch, f"{n}/2") for n in "12")
    out, loaded = tmp_path / "out", evalkit.load_suite(folder)
    assemble(out, [one, two], loaded, Watcher(), out, partly=True)
    graded(out, loaded, Watcher()).write()
    assert _run(["gate", str(out)]) == 12
    assert "8 of 60 recorded answers are filed" in verdict_of(out)[2]


def test_a_merged_run_of_half_asked_shares_is_incomplete(tmp_path):
    folder = write_suite(tmp_path / "tiny", repeats=1)
    one = live(folder, tmp_path / "1", repeats=2, shard="1/2", max_calls=20)
    two = live(folder, tmp_path / "2", repeats=2, shard="2/2")
    assert _run(["merge", str(tmp_path / "out"), str(one), str(two)]) == 0
    assert _run(["gate", str(tmp_path / "out")]) == 12
    assert "questions were not answered when the shares" in verdict_of(tmp_path / "out")[2]
    assert (
        _run(
            [
                "merge",
                str(tmp_path / "all"),
                str(live(folder, one, repeats=2, shard="1/2")),
                str(two),
            ]
        )
        == 0
    )
    assert _run(["gate", str(tmp_path / "all")]) == 0
