"""A run folder whose store is gone: nothing is paid for a second time, and the way on is told."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

import evalkit
from evalkit.cli import _run
from evalkit.errors import InvalidInput, StorageError
from evalkit.store import Store

ANSWER = "Open on Mondays. 月曜日に開きます。"


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    folder = tmp_path / "suite"
    folder.mkdir()
    cases = [{"id": f"c{i}", "query": f"Câu {i}?", "reference": ANSWER} for i in range(3)]
    (folder / "suite.yaml").write_text("format: 1\nname: tiny\n")
    (folder / "cases.jsonl").write_text("\n".join(map(json.dumps, cases)))
    return folder


class Paid:
    """A system that keeps books."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def ask(self, query: str) -> str:
        self.asked.append(query)
        return ANSWER


@pytest.fixture
def paid(suite: Path, tmp_path: Path) -> Paid:
    """A finished run in ``out``, and who was asked."""
    system = Paid()
    evalkit.run(suite, {"mine": system}, out=tmp_path / "out").write()
    assert len(system.asked) == 3
    return system


def gone(out: Path) -> None:
    (out / "run.sqlite").unlink()


def gone_with_its_companions(out: Path) -> None:
    for file in out.glob("run.*"):
        file.unlink()


def emptied(out: Path) -> None:
    (out / "run.sqlite").write_bytes(b"")


def emptied_alone(out: Path) -> None:
    gone_with_its_companions(out)
    emptied(out)


def derived_files_gone_too(out: Path) -> None:
    for file in out.iterdir():
        if file.name != "run.sqlite-session":
            file.unlink()


LOSSES = [gone, gone_with_its_companions, emptied, emptied_alone, derived_files_gone_too]


@pytest.mark.parametrize("lose", LOSSES)
def test_a_run_is_refused_before_it_pays_again(suite, paid, tmp_path, lose):
    out = tmp_path / "out"
    lose(out)
    before = {f.name: f.read_bytes() for f in out.iterdir() if f.name != "run.lock"}
    with pytest.raises(
        StorageError, match=r"run\.sqlite: is (missing|empty).*paid for.*--out"
    ) as e:
        evalkit.run(suite, {"mine": paid}, out=out)
    assert len(paid.asked) == 3
    assert e.value.exit_code == 6
    assert ("traces.jsonl" in str(e.value)) == (lose is not derived_files_gone_too)
    assert {f.name: f.read_bytes() for f in out.iterdir() if f.name != "run.lock"} == before


def test_reading_such_a_folder_says_the_same(suite, paid, tmp_path, capsys):
    gone(tmp_path / "out")
    assert _run(["report", str(tmp_path / "out")]) == 6
    assert _run(["score", str(tmp_path / "out"), "--suite", str(suite)]) == 6
    assert capsys.readouterr().err.count("is missing, and a run was here") == 2


def test_the_way_that_is_told_leads_on_without_a_call(suite, paid, tmp_path):
    out = tmp_path / "out"
    passed = evalkit.open_run(suite, out).systems["mine"].counts["passed"]
    gone(out)
    entry = {"name": "mine", "approach": "rag", "adapter": "recorded", "path": "out/traces.jsonl"}
    (tmp_path / "systems.yaml").write_text(json.dumps({"systems": [entry]}))
    specs = evalkit.load_systems(tmp_path / "systems.yaml")
    run = evalkit.run(suite, specs, out=tmp_path / "again")
    assert run.systems["mine"].counts["passed"] == passed == 3
    assert len(paid.asked) == 3


def test_a_folder_without_a_run_is_used_whatever_else_lies_there(suite, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    for name in ("traces.jsonl", "notes.md", "run.sqlite", "run.lock"):
        (out / name).write_bytes(b"")
    system = Paid()
    evalkit.run(suite, {"mine": system}, out=out)
    assert len(system.asked) == 3


@pytest.mark.parametrize("name", ["traces.jsonl", "scores.csv", "report.md"])
def test_somebody_elses_files_are_not_overwritten(suite, tmp_path, name):
    (file := suite / name).write_text("mine")
    system = Paid()
    with pytest.raises(InvalidInput, match=f"there is no run, and {name} would be overwritten"):
        evalkit.run(suite, {"mine": system}, out=suite)
    assert file.read_text() == "mine"
    assert system.asked == []


@pytest.mark.parametrize("name", ["manifest.json", "finished.json"])
@pytest.mark.parametrize("text", ["[1]", '{"name": "my app", "version": 3}', "not JSON"])
def test_a_file_that_is_only_called_like_one_of_ours_is_no_lost_run(suite, tmp_path, name, text):
    (tmp_path / "app").mkdir()
    (file := tmp_path / "app" / name).write_text(text)
    with pytest.raises(InvalidInput, match=f"{name} would be overwritten; give another folder"):
        evalkit.run(suite, {"mine": Paid()}, out=tmp_path / "app")
    assert file.read_text() == text


@pytest.mark.usefixtures("paid")
def test_no_way_that_is_told_deletes_anything(suite, tmp_path):
    gone(tmp_path / "out")
    with pytest.raises(StorageError) as lost:
        evalkit.run(suite, {"mine": Paid()}, out=tmp_path / "out")
    assert "give another --out" in str(lost.value)
    assert "delete" not in str(lost.value)


@pytest.mark.parametrize("name", ["traces.jsonl", "manifest.json", "verdict.json"])
def test_files_written_from_python_overwrite_nothing_of_somebody_elses(suite, paid, tmp_path, name):
    run = evalkit.open_run(suite, tmp_path / "out")
    (tmp_path / "app").mkdir()
    (file := tmp_path / "app" / name).write_text("mine")
    with pytest.raises(InvalidInput, match=f"{name} would be overwritten"):
        run.write(tmp_path / "app")
    assert file.read_text() == "mine"
    assert [f.name for f in (tmp_path / "app").iterdir()] == [name]


def test_files_written_from_python_are_written_again_but_not_into_another_run(
    suite, paid, tmp_path, monkeypatch
):
    run = evalkit.open_run(suite, tmp_path / "out")
    first = run.write(tmp_path / "report").read_bytes()
    assert run.write(tmp_path / "report").read_bytes() == first
    monkeypatch.chdir(tmp_path)
    assert run.write("out").exists()  # its own folder by another name
    evalkit.run(suite, {"mine": paid}, out=tmp_path / "other").write()
    with pytest.raises(InvalidInput, match="holds another run"):
        run.write(tmp_path / "other")


def recorded(folder: Path, response: str, *names: str) -> evalkit.Run:
    suite = evalkit.load_suite(folder)
    traces = [evalkit.Trace(case_id=case.id, response=response) for case in suite.cases]
    return evalkit.from_traces(suite, dict.fromkeys(names, traces))


def test_files_of_another_run_without_a_store_are_not_overwritten(suite, tmp_path):
    out = tmp_path / "out"
    first = recorded(suite, ANSWER, "mine").write(out).read_bytes()
    for names in (("other",), ("mine", "other")):
        with pytest.raises(InvalidInput, match=r"files of another run.*another folder"):
            recorded(suite, "Nein.", *names).write(out)
    assert recorded(suite, ANSWER, "mine").write(out).read_bytes() == first
    settings = suite / "suite.yaml"
    settings.write_text(settings.read_text().replace("tiny", "small"))
    with pytest.raises(InvalidInput, match="files of another run"):
        recorded(suite, ANSWER, "mine").write(out)
    assert (out / "report.html").read_bytes() == first


@pytest.mark.parametrize("inside", [".", "deeper/still"])
def test_a_file_in_the_place_of_the_folder_is_called_a_file(suite, tmp_path, inside):
    (tmp_path / "notes").write_text("mine")
    with pytest.raises(InvalidInput, match="notes: is a file"):
        recorded(suite, ANSWER, "mine").write(tmp_path / "notes" / inside)


def test_a_store_that_lost_only_its_log_is_still_taken_up(tmp_path):
    with Store(tmp_path / "run") as store:
        store.note("a", "b")
    shutil.copy(tmp_path / "run" / "run.sqlite", tmp_path / "older")
    with Store(tmp_path / "run") as store:
        store.note("a", "c")
    shutil.copy(tmp_path / "older", tmp_path / "run" / "run.sqlite")
    with Store(tmp_path / "run") as store:
        assert any("are missing from the store" in text for text in store.healed)


def test_a_damaged_account_of_calls_is_told_to_a_reader_and_mended_by_a_run(
    suite: Path, paid: Paid, tmp_path: Path
):
    file = tmp_path / "out" / "run.sqlite"
    data = file.read_bytes()
    place = data.rindex(b"as_is", 0, data.rindex(b"done"))  # of an attempt
    place = data.index(b"done", place)
    file.write_bytes(data[:place] + b"d\xefne" + data[place + 4 :])
    with Store(tmp_path / "out", reading=True) as store:
        with pytest.raises(StorageError, match="cannot be read"):
            store.counts()
        assert len(list(store.traces("mine"))) == 3
    with Store(tmp_path / "out") as store:
        assert store.healed == ["1 damaged records of calls were dropped: counts lack them"]
        assert store.counts().done == 2
    assert evalkit.run(suite, {"mine": paid}, out=tmp_path / "out").systems["mine"].due == 3
    assert len(paid.asked) == 3


def test_an_answer_whose_name_is_damaged_is_not_passed_over_in_silence(paid: Paid, tmp_path: Path):
    file = tmp_path / "out" / "run.sqlite"
    data = file.read_bytes()
    # Of traces, not of attempts, and of every copy that the file still has: it sorts after all others now.
    assert b"minec0as_is{" in data
    file.write_bytes(data.replace(b"minec0as_is{", b"ninec0as_is{"))
    with pytest.raises(StorageError, match="damaged"):
        Store(tmp_path / "out", reading=True)
    with Store(tmp_path / "out") as store:
        assert "damaged and dropped, to be asked again" in store.healed[0]
        assert len(list(store.traces("mine"))) == 2


@pytest.mark.parametrize("judge", [None, "embedded"])
def test_a_run_that_goes_on_asks_a_damaged_answer_again(suite, paid: Paid, tmp_path: Path, judge):
    file = tmp_path / "out" / "run.sqlite"
    with closing(sqlite3.connect(file)) as db, db:
        db.execute(
            "UPDATE traces SET trace = replace(trace, 'Mondays', 'Tuesdays') WHERE case_id = 'c1'"
        )
    with pytest.raises(StorageError, match="c1 as_is 0"):
        evalkit.open_run(suite, tmp_path / "out")
    run = evalkit.run(suite, {"mine": paid}, out=tmp_path / "out", judge=judge)
    assert paid.asked[3:] == ["Câu 1?"]
    assert run.systems["mine"].counts["passed"] == 3


def lost_all(out: Path) -> None:
    shutil.rmtree(out)


def lost_lock(out: Path) -> None:
    (out / "run.lock").unlink()


def moved(out: Path) -> None:
    out.rename(out.with_name("elsewhere"))


def replaced(out: Path) -> None:
    shutil.copy(out / "run.sqlite", out / "copy")
    (out / "copy").replace(out / "run.sqlite")


@pytest.mark.skipif(os.name == "nt", reason="files in use cannot be taken away there")
@pytest.mark.parametrize("lose", [lost_all, lost_lock, moved, gone, replaced])
def test_a_run_whose_folder_is_taken_away_puts_no_further_question(suite, tmp_path, lose):
    out, asked = tmp_path / "out", []

    def ask(query: str) -> str:
        asked.append(query)
        if len(asked) == 2:
            lose(out)
        return ANSWER

    with pytest.raises(StorageError, match="was deleted, moved or replaced"):
        evalkit.run(suite, {"mine": ask}, out=out, concurrency=1)
    assert len(asked) == 2
    assert not (out / "report.html").exists()
