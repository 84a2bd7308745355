"""Reading a run folder imports no code that it names: a judge of one's own is imported only where one names it."""

from __future__ import annotations

import json
import sqlite3
import sys
from pathlib import Path

import pytest

import evalkit
from evalkit.cli import _run
from evalkit.errors import InvalidInput
from evalkit.judging.named_code import code_in

JUDGE = """
from pathlib import Path
from evalkit.records import Evidence

with (Path(__file__).parent / "imported").open("a") as log:
    log.write("x")

class Judge:
    name, fingerprint = "eigener", "v1"

    def judge(self, case, trace):
        return Evidence(self.name, correct=float(case.id != "c2"), reasons=("vì vậy",))
"""
NAME = "named_code_judge:Judge"
ANSWER = "def answer(query):\n    return 'Montags.'\n"
SYSTEM = "systems: [{name: mine, approach: prompt, adapter: python, target: 'my_system:answer'}]\n"


@pytest.fixture
def suite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "suite"
    folder.mkdir()
    cases = [{"id": f"c{i}", "query": f"Frage {i}?", "reference": "Montags."} for i in range(4)]
    (folder / "suite.yaml").write_text("format: 1\nname: tiny\n")
    (folder / "cases.jsonl").write_text("\n".join(map(json.dumps, cases)))
    (folder / "systems.yaml").write_text(SYSTEM)
    (folder / "my_system.py").write_text(ANSWER)
    (tmp_path / "named_code_judge.py").write_text(JUDGE)
    monkeypatch.syspath_prepend(tmp_path)
    sys.modules.pop("named_code_judge", None)  # that of the test before
    return folder


def imported(tmp_path: Path) -> int:
    """How often the judge's module was imported, and forget it, so that it can be imported again."""
    sys.modules.pop("named_code_judge", None)
    log = tmp_path / "imported"
    return len(log.read_text()) if log.exists() else 0


def run(suite: Path, out: Path, *options: str, code: int = 0) -> None:
    given = ["--in-process", "--probes", "none", *options]
    assert _run(["run", str(suite), "--out", str(out), *given]) == code


def tell_judge(out: Path, options: object) -> None:
    """What a stranger may write into a folder: a note of another judge, its checksum as it should be."""
    with evalkit.store.Store(out) as store:
        store.note("judge", "panel:theirs.yaml")
        store.note("judge options", json.dumps(options))


@pytest.mark.parametrize("command", ["report", "score", "diagnose"])
def test_what_the_judge_said_is_read_and_its_code_is_not_imported(suite, tmp_path, capsys, command):
    out = tmp_path / "out"
    run(suite, out, "--judge", NAME)
    assert imported(tmp_path) == 1
    before = {n: (out / n).read_bytes() for n in ("scores.csv", "summary.json", "diagnosis.json")}
    capsys.readouterr()
    assert _run([command, str(out)]) == 0
    assert imported(tmp_path) == 1
    assert NAME in capsys.readouterr().err
    assert {name: (out / name).read_bytes() for name in before} == before


def test_an_answer_without_a_kept_verdict_is_not_graded_and_says_why(suite, tmp_path):
    out = tmp_path / "out"
    run(suite, out, "--judge", NAME)
    with sqlite3.connect(out / "run.sqlite") as db:
        db.execute("DELETE FROM evidence WHERE case_id = 'c1'")
    db.close()
    found = evalkit.open_run(suite, out)
    assert found.systems["mine"].counts["ungraded"] == 1
    (evidence,) = (e for e in found.systems["mine"].graded.evidence if e.error)
    assert NAME in evidence.error
    assert "not imported" in evidence.error
    assert imported(tmp_path) == 1
    run(suite, out, "--judge", NAME)  # the way that is told
    assert evalkit.open_run(suite, out).systems["mine"].counts["ungraded"] == 0


def test_a_run_goes_on_with_such_a_judge_only_where_it_is_named_again(suite, tmp_path, capsys):
    out = tmp_path / "out"
    run(suite, out, "--judge", NAME)
    run(suite, out, code=3)
    assert imported(tmp_path) == 1
    assert f"give --judge {NAME}" in capsys.readouterr().err
    run(suite, out, "--judge", NAME)
    assert imported(tmp_path) == 2
    run(suite, out, "--judge", "embedded")


@pytest.mark.parametrize(
    "options",
    [
        NAME,
        {"kind": "panel", "panel": ["embedded", NAME, "embedded"]},
        {"kind": "ragas", "inner": NAME},
        {"kind": "panel", "panel": ["embedded", {"kind": "panel", "panel": [NAME, "embedded"]}]},
    ],
    ids=str,
)
def test_code_is_found_wherever_a_strangers_note_hides_it(suite, tmp_path, options):
    out = tmp_path / "out"
    run(suite, out)
    tell_judge(out, options)
    assert code_in(options) == (NAME,)
    found = evalkit.open_run(suite, out)
    assert found.systems["mine"].counts["ungraded"] == 4
    with pytest.raises(InvalidInput, match="imported only where you name it"):
        evalkit.run(suite, {"mine": lambda query: query}, out=out)
    assert imported(tmp_path) == 0


def test_shares_that_own_code_judged_are_merged_without_it(suite, tmp_path):
    shares = [tmp_path / f"share-{i}" for i in (1, 2)]
    for i, share in enumerate(shares, 1):
        run(suite, share, "--judge", NAME, "--shard", f"{i}/2")
    before = imported(tmp_path)
    assert _run(["merge", str(tmp_path / "whole"), *map(str, shares)]) == 0
    assert imported(tmp_path) == before
    run(suite, tmp_path / "one", "--judge", NAME)
    whole, one = ((tmp_path / n / "scores.csv").read_text() for n in ("whole", "one"))
    timeless = [[r for r in text.splitlines() if "seconds" not in r] for text in (whole, one)]
    assert timeless[0] == timeless[1]


def test_judges_of_the_shelf_name_no_code():
    assert code_in("embedded") == code_in("llm:judge.yaml") == code_in({"kind": "llm"}) == ()
    assert code_in({"kind": "panel", "panel": ["embedded", "installed-one"]}) == ()
    assert code_in(None) == code_in(5) == ()
