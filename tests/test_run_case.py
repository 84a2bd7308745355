"""``evalkit run --case``: what the page of a case offers for copying is a command that works."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from evalkit.cli import _run
from evalkit.pages.case_legend import suite_path
from evalkit.pages.case_past import past_of

ANSWER = "def answer(query):\n    return query\n"
CASES = ("first", "second one", "-third", "四番 'é'")


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    folder = tmp_path / "suite"
    folder.mkdir()
    rows = [{"id": name, "query": name, "reference": name} for name in CASES]
    (folder / "suite.yaml").write_text("format: 1\nname: tiny\n")
    (folder / "cases.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    system = "{name: NAME, approach: prompt, adapter: python, target: 'mine:answer'}"
    names = ", ".join(system.replace("NAME", name) for name in ("one", "two"))
    (folder / "systems.yaml").write_text(f"systems: [{names}]\n")
    (folder / "mine.py").write_text(ANSWER)
    return folder


def asked(folder: Path) -> list[tuple[str, str]]:
    lines = (folder / "traces.jsonl").read_text().splitlines()
    return [(trace["system"], trace["case_id"]) for trace in map(json.loads, lines)]


@pytest.mark.parametrize("name", CASES)
def test_one_case_of_one_system_is_asked(suite: Path, tmp_path: Path, name: str):
    out = tmp_path / "run"
    arguments = ["run", str(suite), f"--case={name}", "--system", "two", "--out", str(out)]
    assert _run([*arguments, "--in-process"]) == 0
    assert asked(out) == [("two", name)]


def test_several_cases_can_be_named(suite: Path, tmp_path: Path):
    out = tmp_path / "run"
    chosen = ["--case", "second one", "--case", "first", "--system", "one"]
    assert _run(["run", str(suite), *chosen, "--out", str(out), "--in-process"]) == 0
    assert asked(out) == [("one", "first"), ("one", "second one")]


def test_an_unknown_case_is_named_with_its_neighbour(
    suite: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    assert _run(["run", str(suite), "--case", "secnd one", "--out", str(tmp_path / "run")]) == 3
    assert "did you mean 'second one'?" in capsys.readouterr().err


def test_a_page_names_its_suite_from_where_people_are(
    suite: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    assert suite_path(suite, tmp_path / "runs" / "a") == ["suite", ""]
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    assert suite_path(suite, tmp_path / "runs" / "a") == ["../../suite", "report"]
    assert suite_path(suite, None) is None
    assert suite_path(Path("nowhere"), tmp_path) is None


def test_a_report_tells_how_a_case_ended_in_earlier_runs(
    suite: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    for name, code in (("older", "'wrong'"), ("newer", "query")):
        (suite / "mine.py").write_text(ANSWER.replace("return query", f"return {code}"))
        arguments = ["--system", "one", "--out", str(tmp_path / name), "--probes", "none"]
        assert _run(["run", str(suite), *arguments, "--in-process"]) == 0
        sys.modules.pop("mine", None)
    before = str(tmp_path / "older")
    assert _run(["report", str(tmp_path / "newer"), "--earlier", before]) == 0
    page = (tmp_path / "newer" / "report.html").read_text(encoding="utf-8")
    assert page.count('"past":[["older","fail",') == len(CASES)
    past = past_of([tmp_path / "newer"])
    assert past["first", "one"] == [("newer", "pass", None)]
