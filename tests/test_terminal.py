"""What the terminal shows of foreign text, and tables where there is no terminal."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_gate_command import RIGHT, make_run, write_suite

from evalkit import terminal
from evalkit.cli import _run
from evalkit.commands.checking import describe
from evalkit.records import Interval
from evalkit.suite import load_suite
from evalkit.terminal import Progress, plain, rate_of

HOSTILE = "\u202eevil \u2066x \u0085 \x1b[31m"
LONG = "l" * 490
SYSTEMS = [
    {"name": name, "approach": "prompt", "adapter": "recorded", "path": "traces.jsonl"}
    for name in ("営業", f"second-{'n' * 60}")
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A suite whose every name is hostile."""
    cases = [
        {"id": case_id, "query": "Q?", "reference": f"R{i}", "tags": [HOSTILE[:20]]}
        for i, case_id in enumerate((HOSTILE, LONG, "営業時間", "ساعات العمل"))
    ]
    suite = {"format": 1, "name": f"n {HOSTILE}"}
    (tmp_path / "suite.yaml").write_text(json.dumps(suite))
    (tmp_path / "cases.jsonl").write_text("".join(json.dumps(c) + "\n" for c in cases))
    (tmp_path / "systems.yaml").write_text(json.dumps({"systems": SYSTEMS}))
    answers = [
        {"case_id": case["id"], "response": "R0", "system": system["name"]}
        for case in cases
        for system in SYSTEMS
    ]
    (tmp_path / "traces.jsonl").write_text("".join(json.dumps(a) + "\n" for a in answers))
    return tmp_path


def called(folder: Path, *arguments: str, **environment: str) -> str:
    """What the command writes to a pipe."""
    command = [sys.executable, "-m", "evalkit", *arguments]
    env = {**os.environ, "COLUMNS": "60", **environment}
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, check=True)
    return (done.stdout + done.stderr).decode()


def raw(text: str) -> set[str]:
    return {c for c in text if (ord(c) < 32 and c != "\n") or c in "\u202e\u2066\u0085\x7f"}


@settings(max_examples=50, deadline=None)
@given(st.text())
def test_foreign_text_becomes_one_line_without_hidden_characters(text: str):
    assert raw(plain(text)) == set()
    assert "\n" not in plain(text)


def test_text_of_any_script_stays_as_it_is_and_a_long_id_is_shortened():
    for text in ("営業時間は9時から", "Giờ mở cửa", "Öffnungszeiten", "ساعات العمل می‌شود", "💥"):
        assert plain(text) == text
    assert plain(f"case {LONG}: wrong") == f"case {'l' * 100} … (391 more characters) wrong"


def test_check_says_nothing_raw(folder: Path):
    told = "\n".join(describe(load_suite(folder)))
    assert raw(told) == set()
    assert "‹U+202E›" in told
    assert LONG not in told
    assert "  wanted: 4 answer" in told.splitlines()


def test_run_says_nothing_raw_and_cuts_no_column_in_a_pipe(folder: Path):
    told = called(folder, "run", ".", "--out", "run", "--probes", "none")
    assert raw(told) == set()
    assert "‹U+202E›" in told
    assert "…" not in told
    header = next(line for line in told.splitlines() if line.startswith("system "))
    assert header.split()[-3:] == ["share", "of", "failures"]
    assert SYSTEMS[1]["name"] in told


def test_tables_are_whole_in_a_pipe_even_where_colours_are_forced(folder: Path):
    called(folder, "run", ".", "--out", "run", "--probes", "none")
    ranking = called(folder, "decide", "run", FORCE_COLOR="1")
    assert "may come first" in ranking
    assert "finetuned" in ranking
    assert "scored/due" in called(folder, "compare", "run")
    assert "scored / due" in called(folder, "score", "run")


def test_a_rate_of_few_cases_says_how_few():
    assert rate_of(Interval(1.0, 0.34, 1.0, 2)) == "100 % [34, 100] (2 cases)"
    assert rate_of(Interval(0.5, 0.3, 0.7, 10)) == "50 % [30, 70]"


def test_progress_slower_than_one_a_second_is_told_by_the_minute(monkeypatch: pytest.MonkeyPatch):
    progress = Progress()
    progress.start("training", 13)
    progress.count = 3
    monkeypatch.setattr(progress, "began", progress.began - 30)
    assert "(6/min)" in progress._line()


def test_a_run_of_part_of_the_suite_says_how_many_cases_were_asked(folder: Path):
    told = called(folder, "run", ".", "--out", "run", "--probes", "none", "--limit", "1")
    assert "1 of 4 cases asked" in told


@pytest.mark.parametrize("command", [["decide"], ["report"], ["score"]])
def test_a_run_that_is_opened_again_shows_how_far_it_is(tmp_path, monkeypatch, capsys, command):
    suite = write_suite(tmp_path / "suite", cases=12)
    run = make_run(suite, tmp_path / "run", {"rag": lambda query: RIGHT})
    monkeypatch.setattr(terminal, "PLAIN_SECONDS", 0.0)
    capsys.readouterr()
    assert _run([*command, str(run)]) == 0
    assert "diagnosing: 1 of 1" in capsys.readouterr().err
