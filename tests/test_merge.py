"""Merging for real: both ways a run is graded, whatever order shares come in, killed halfway, and over damaged verdicts."""

from __future__ import annotations

import gc
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

import evalkit
from evalkit.errors import Busy, InvalidInput, NothingToDo
from evalkit.judges.embedded import EmbeddedJudge
from evalkit.merge import merge
from evalkit.probe import drawn
from evalkit.store import Store
from evalkit.store.opening import lock, open_to_read
from evalkit.suite import load_suite
from evalkit.surplus import _by_lot
from tests.test_shards import DERIVED, HELPDESK, faulty
from tests.test_streaming import cases, traces, write

HELD, STREAMED = 1000, 0  # cases up to which a suite is held
SHARES = 3
ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recorded suite of two systems: repeats, groups, objects, labels, errors, and probes of every fifth case."""
    made = tmp_path_factory.mktemp("suite")
    documents = [
        {"_id": f"d{n}", "title": f"T{n}", "text": f"Dokument {n} sagt {n} Euro."} for n in range(7)
    ]
    write(made / "cases.jsonl", list(cases())[:100])
    write(made / "corpus.jsonl", documents)
    known = {case["id"] for case in list(cases())[:100]}
    lines = "".join(
        f"  - {{name: {s}, approach: rag, adapter: recorded, path: {s}.jsonl}}\n" for s in "ab"
    )
    (made / "suite.yaml").write_text("format: 1\nname: parts\ncases: cases.jsonl\nk: 2\n")
    (made / "systems.yaml").write_text(f"systems:\n{lines}")
    for system in "ab":
        write(made / f"{system}.jsonl", (t for t in traces(system) if t["case_id"] in known))
    return made


def asked(folder: Path, out: Path, shard: str | None = None, large: int = HELD) -> Path:
    suite = load_suite(folder, large=large)
    systems = evalkit.load_systems(folder / "systems.yaml")
    evalkit.run(suite, systems, out=out, shard=shard).write()
    return out


@pytest.fixture(scope="module")
def whole(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    return files(asked(folder, tmp_path_factory.mktemp("whole") / "run"))


@pytest.fixture(scope="module")
def streamed(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    return files(asked(folder, tmp_path_factory.mktemp("streamed") / "run", large=STREAMED))


@pytest.fixture(scope="module")
def shares(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    made = tmp_path_factory.mktemp("shares")
    return [asked(folder, made / str(n), f"{n}/{SHARES}") for n in range(1, SHARES + 1)]


def files(folder: Path) -> dict[str, bytes]:
    """The derived files, and the pages of cases."""
    pages = (str(page.relative_to(folder)) for page in (folder / "cases").glob("*"))
    return {name: (folder / name).read_bytes() for name in (*DERIVED, *pages)}


def differing(found: dict[str, bytes], wanted: dict[str, bytes]) -> list[str]:
    return [n for n in sorted({*found, *wanted}) if found.get(n) != wanted.get(n)]


@pytest.mark.parametrize("large", [HELD, STREAMED])
def test_recorded_shares_merge_to_the_byte_in_whatever_order_and_given_twice(
    folder, shares, whole, streamed, tmp_path, large
):
    given = [*shares, shares[1]]
    random.Random(large).shuffle(given)
    copy = shutil.copytree(shares[2], tmp_path / "copy")
    said: list[str] = []
    watch = evalkit.api.Watcher()
    watch.say = said.append  # type: ignore[method-assign]
    loaded = load_suite(folder, large=large)
    run = merge(tmp_path / "out", [*given, copy], suite=loaded, watch=watch)
    assert said[0] == "1 folder was given again, and counted once"
    assert said[1].startswith("shard 3/3 was given by several folders: ")
    assert str(copy) in said[1]
    assert (run.large is not None) == (large == STREAMED)
    run.write()
    wanted = whole if large == HELD else streamed
    assert differing(files(tmp_path / "out"), wanted) == []
    assert b"oracle_context" in wanted["traces.jsonl"]
    del run
    gc.collect()  # a large run reads its store as long as it is there
    assert [
        file for file in tmp_path.rglob("run.sqlite-*") if file.suffix != ".sqlite-session"
    ] == []
    asked(folder, tmp_path / "out", large=large)  # it goes on as the run that it is
    assert differing(files(tmp_path / "out"), wanted) == []


@pytest.mark.parametrize("repeats", [1, 2])
def test_probed_shares_of_a_streamed_suite_merge_to_the_byte(tmp_path, repeats):
    shutil.copytree(HELPDESK, tmp_path / "suite")
    lines = (HELPDESK / "cases.jsonl").read_text("utf-8").splitlines(keepends=True)
    (tmp_path / "suite" / "cases.jsonl").write_text("".join(lines[:24]), "utf-8")
    suite = load_suite(tmp_path / "suite", large=STREAMED)
    evalkit.run(suite, faulty(suite), out=tmp_path / "whole", repeats=repeats).write()
    parts = [tmp_path / str(n) for n in (1, 2)]
    for n, part in enumerate(parts, 1):
        evalkit.run(suite, faulty(suite), out=part, shard=f"{n}/2", repeats=repeats)
    said: list[str] = []
    watch = evalkit.api.Watcher()
    watch.say = said.append  # type: ignore[method-assign]
    merge(tmp_path / "out", parts, suite=suite, watch=watch).write()
    assert differing(files(tmp_path / "out"), files(tmp_path / "whole")) == []
    assert any("controls and repeats that only a share alone needs" in text for text in said)


def test_more_shares_than_cases_merge_with_those_that_hold_none(folder, tmp_path):
    few = tmp_path / "few"
    shutil.copytree(folder, few)
    write(few / "cases.jsonl", list(cases())[:4])
    for system in "ab":
        known = {case["id"] for case in list(cases())[:4]}
        write(few / f"{system}.jsonl", (t for t in traces(system) if t["case_id"] in known))
    empty, parts = 0, []
    for n in range(1, 10):
        parts.append(tmp_path / f"s{n}")
        try:
            asked(few, parts[-1], f"{n}/9")
        except NothingToDo:
            empty += 1
    assert empty >= 5
    merge(tmp_path / "out", parts, suite=few).write()
    assert differing(files(tmp_path / "out"), files(asked(few, tmp_path / "whole"))) == []


def test_shares_that_were_asked_less_or_otherwise_than_one_run_are_told(tmp_path):
    shutil.copytree(HELPDESK, tmp_path / "suite")
    lines = (HELPDESK / "cases.jsonl").read_text("utf-8").splitlines(keepends=True)
    (tmp_path / "suite" / "cases.jsonl").write_text("".join(lines[:10]), "utf-8")
    suite = load_suite(tmp_path / "suite")
    how: dict[str, object] = {"probes": "none", "limit": 8}
    for n, repeats in ((1, 1), (2, 3)):
        one = {"s": lambda query: "42"}
        evalkit.run(suite, one, out=tmp_path / str(n), shard=f"{n}/2", repeats=repeats, **how)
    said: list[str] = []
    watch = evalkit.api.Watcher()
    watch.say = said.append  # type: ignore[method-assign]
    merge(tmp_path / "out", [tmp_path / "2", tmp_path / "1"], suite=suite, watch=watch)
    assert "2 of 10 cases have no answer: a share was not finished, or asked with --limit" in said
    assert "the shares were not asked with the same --repeats (1/2: 1, 2/2: 3)" in said


# --- what was said is not said again -----------------------------------------------------------------


def test_what_the_judge_said_in_the_shares_is_not_judged_again(
    folder, shares, whole, tmp_path, monkeypatch
):
    def never(*_: object) -> None:
        raise AssertionError("is judged again")

    monkeypatch.setattr(EmbeddedJudge, "judge", never)
    merge(tmp_path / "out", shares, suite=folder).write()
    assert differing(files(tmp_path / "out"), whole) == []


@pytest.mark.parametrize("spoilt", ["'x'", "CAST(x'ff' AS TEXT)"])
def test_damaged_verdicts_of_a_share_are_made_anew(folder, shares, whole, tmp_path, spoilt):
    mine = tmp_path / "mine"
    shutil.copytree(shares[0], mine)
    with closing(sqlite3.connect(mine / "run.sqlite")) as db, db:
        db.execute(f"UPDATE evidence SET evidence = {spoilt} WHERE repeat = 0")
    merge(tmp_path / "out", [mine, *shares[1:]], suite=folder).write()
    assert differing(files(tmp_path / "out"), whole) == []


# --- killed, busy, in the way ------------------------------------------------------------------------

KILLED = """
import os, signal, sys
from evalkit.merge import merge
from evalkit.watch import Watcher

class Deadly(Watcher):
    def step(self, trace=None):
        os.kill(os.getpid(), signal.SIGKILL)

merge(sys.argv[1], sys.argv[2:], watch=Deadly())
"""


def test_a_merging_that_was_killed_leaves_no_run_and_is_begun_again(
    folder, shares, whole, tmp_path
):
    command = [sys.executable, "-c", KILLED, str(tmp_path / "out"), *map(str, shares)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert [path.name for path in tmp_path.iterdir()] == [".out.part"]
    merge(tmp_path / "out", shares, suite=folder).write()
    assert differing(files(tmp_path / "out"), whole) == []
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_two_mergings_into_one_folder_do_not_meet(folder, shares, tmp_path):
    with closing(lock(tmp_path / ".out.part")), pytest.raises(Busy):
        merge(tmp_path / "out", shares, suite=folder)
    assert (tmp_path / ".out.part").exists()


def test_what_is_in_the_way_is_named_and_left_alone(folder, shares, tmp_path):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(InvalidInput, match="is not empty"):
        merge(tmp_path / "file", shares, suite=folder)
    with pytest.raises(InvalidInput, match=r"holds a run; .*evalkit score"):
        merge(shares[0], shares, suite=folder)
    with pytest.raises(InvalidInput, match="there is no run"):
        merge(tmp_path / "out", [shares[0], tmp_path, *shares[1:]], suite=folder)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_an_empty_folder_is_merged_into_also_where_one_stands_in_it(
    folder, shares, tmp_path, monkeypatch
):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    merge(".", shares, suite=folder)
    with Store(tmp_path / "here", reading=True) as store:
        assert store.systems() == ["a", "b"]


def test_cases_come_by_lot_in_windows_as_they_are_drawn_at_once(folder, shares, monkeypatch):
    monkeypatch.setattr("evalkit.surplus.FIRST", 3)
    with closing(open_to_read(shares[0] / "run.sqlite")) as db:
        ids = [i for (i,) in db.execute("SELECT DISTINCT case_id FROM traces WHERE system = 'a'")]
        assert len(ids) > 20
        assert list(_by_lot(db, "a", 5)) == drawn(ids, 5)
