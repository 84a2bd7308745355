"""A finished run that is taken up again: the same story without grading, and everything anew where anything is in doubt."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest
from click.testing import CliRunner

import evalkit.api
from evalkit.cli import group

ANSWER = "def answer(query):\n    return 'Open on Mondays. 月曜日に開きます。'\n"
SYSTEMS = "systems: [{name: mine, approach: prompt, adapter: python, target: 'my_system:answer'}]\n"
SAME = "nothing has changed"


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    folder = tmp_path / "suite"
    folder.mkdir()
    cases = [
        {"id": f"c{i}", "query": f"q{i}", "reference": "Open on Mondays." if i else "Closed."}
        for i in range(3)
    ]
    (folder / "suite.yaml").write_text("format: 1\nname: 日本 tiny\n")
    (folder / "cases.jsonl").write_text("\n".join(map(json.dumps, cases)))
    (folder / "systems.yaml").write_text(SYSTEMS)
    (folder / "my_system.py").write_text(ANSWER)
    return folder


@pytest.fixture
def again(suite: Path, tmp_path: Path):
    """Runs into the same folder; the story, what was said beside it, and how often anything was graded."""

    def run(*options: str) -> tuple[str, str, int]:
        graded = []
        with pytest.MonkeyPatch.context() as patch:
            one = evalkit.api.Work.graded

            async def counted(self, *given):
                graded.append(given)
                return await one(self, *given)

            patch.setattr(evalkit.api.Work, "graded", counted)
            arguments = [
                "run",
                str(suite),
                "--out",
                str(tmp_path / "out"),
                "--in-process",
                *options,
            ]
            done = CliRunner().invoke(group, arguments, standalone_mode=False)
        assert done.exception is None, done.exception
        return done.stdout, done.stderr, len(graded)

    return run


def test_the_same_story_is_told_without_grading(again, tmp_path):
    story, _, graded = again()
    assert graded
    files = {f.name: f.read_bytes() for f in (tmp_path / "out").glob("*.json*")}
    told, said, graded = again()
    assert (told, graded) == (story, 0)
    assert SAME in said
    assert files == {f.name: f.read_bytes() for f in (tmp_path / "out").glob("*.json*")}


@pytest.mark.parametrize("name", ["scores.csv", "diagnosis.json", "report.html", "traces.jsonl"])
@pytest.mark.parametrize("how", ["changed", "gone"])
def test_a_derived_file_that_is_not_as_it_was_is_written_again(again, tmp_path, name, how):
    story, _, _ = again()
    file = tmp_path / "out" / name
    before = file.read_bytes()
    file.unlink() if how == "gone" else file.write_bytes(before + b" ")
    told, said, graded = again()
    assert (told, graded > 0) == (story, True)
    assert SAME not in said
    assert file.read_bytes() == before
    assert SAME in again()[1]


def test_a_story_that_was_tampered_with_is_not_told(again, tmp_path):
    story, _, _ = again()
    file = tmp_path / "out" / "finished.json"
    file.write_text(file.read_text().replace("3/3", "4/4").replace("2/3", "3/3"))
    assert again()[0] == story


def change_answer(suite: Path, out: Path) -> None:
    with sqlite3.connect(out / "run.sqlite") as db:
        db.execute("DELETE FROM traces WHERE case_id = 'c1'")
    db.close()


def change_label(suite: Path, out: Path) -> None:
    limits = "format: 1\nname: 日本 tiny\nmax_error_rate: 0.5\n"
    (suite / "suite.yaml").write_text(limits)


@pytest.mark.parametrize("change", [change_answer, change_label])
def test_what_the_files_depend_on_is_looked_at(again, suite, tmp_path, change):
    again()
    change(suite, tmp_path / "out")
    _, said, graded = again()
    assert graded
    assert SAME not in said


@pytest.mark.parametrize("options", [["--limit", "2"], ["--probes", "all"], ["--retry-errors"]])
def test_other_options_are_another_run(again, options):
    again()
    _, said, graded = again(*options)
    assert graded
    assert SAME not in said


def test_another_playbook_is_another_run(again, tmp_path):
    again()
    file = tmp_path / "mine.yaml"
    file.write_text((Path(evalkit.api.__file__).parent / "playbook.yaml").read_text("utf-8"))
    assert SAME not in again("--playbook", str(file))[1]
    assert SAME in again("--playbook", str(file))[1]
    file.write_text(file.read_text() + "\n# a word\n")
    assert SAME not in again("--playbook", str(file))[1]


def test_a_run_cut_short_is_no_finished_one(again, tmp_path):
    with pytest.raises(AssertionError, match="stopped at the limit"):
        again("--max-calls", "1")
    assert not (tmp_path / "out" / "finished.json").exists()
