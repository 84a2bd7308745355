"""Where a command writes: a folder that is not there yet is made, one that cannot be is told before any work."""

import json
from pathlib import Path

import pytest
from test_gate_command import answering, make_run, write_suite

from evalkit.cli import _run


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("places")
    suite = write_suite(root / "suite", cases=15)
    return make_run(suite, root / "run", {"rag": answering(3)})


def labels(folder: Path) -> Path:
    row = {"question": "When?", "answer": "At nine.", "reference": "At nine.", "correct": True}
    (folder / "labels.jsonl").write_text(json.dumps(row))
    return folder / "labels.jsonl"


def commands(run: Path, folder: Path, out: Path) -> list[list[str]]:
    found = [
        ["judge-check", labels(folder), "--out", out / "check.json"],
        ["review", "export", run, "--out", out / "review.csv"],
        ["finetune", "audit", run.parent / "suite" / "cases.jsonl", "--out", out / "audit.json"],
        ["export", "finetune", run, "--allow-test", "--out", out / "rows.jsonl"],
        ["baseline", "update", run, "--out", out / "baseline.json"],
    ]
    return [[str(word) for word in words] for words in found]


def test_the_folder_of_an_output_is_made(run, tmp_path):
    for words in commands(run, tmp_path, tmp_path / "new" / "folder"):
        assert _run(words) == 0, words
        assert Path(words[-1]).exists()
    junit = tmp_path / "ci" / "junit.xml"
    assert _run(["gate", str(run), "--aa", "2", "--junit", str(junit)]) in (3, 11)
    assert junit.parent.is_dir()


def test_a_folder_that_cannot_be_made_is_a_storage_error(run, tmp_path, capsys):
    (tmp_path / "file").write_text("")
    for words in commands(run, tmp_path, tmp_path / "file" / "folder"):
        assert _run(words) == 6, words
        assert "cannot be made" in capsys.readouterr().err


def test_reviews_are_refused_where_there_is_no_run_to_take_them(tmp_path, capsys):
    words = ["judge-check", str(labels(tmp_path)), "--reviewed", str(tmp_path / "review.jsonl")]
    assert _run(words) == 2
    assert "--reviewed goes with a run folder" in capsys.readouterr().err
