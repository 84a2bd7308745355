"""A run graded in parts gives the files of one graded as a whole, and asks for no more than its columns."""

from __future__ import annotations

import base64
import gc
import gzip
import json
import os
import random
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import evalkit
from evalkit.adapters import recorded, trace_lines
from evalkit.api import Run
from evalkit.case_file import long_file, number_of
from evalkit.errors import InvalidInput
from evalkit.judges.embedded import EmbeddedJudge
from evalkit.ledger import pieces
from evalkit.ledger.fold import How, _folder_in
from evalkit.ledger.memory import _remembering, between_parts, forget_texts
from evalkit.ledger.words import Chosen, Texts, Words, find, slim
from evalkit.pages.output import output_view
from evalkit.pages.ranks import RankCounts
from evalkit.pages.retrieval import ranks_of
from evalkit.suite import load_suite, load_systems

CASES = 300
DERIVED = (
    "scores.csv",
    "summary.json",
    "diagnosis.json",
    "traces.jsonl",
    "manifest.json",
    "verdict.json",
)
TOPICS = ("Gebühr", "営業時間", "phí", "رسوم", "deposit")
SCHEMA = {"type": "object", "required": ["fee"], "properties": {"fee": {"type": "number"}}}


def cases() -> Iterator[dict[str, Any]]:
    """Cases of many kinds, whose ids are in another order than they."""
    for i in range(CASES):
        topic, fee = TOPICS[i % 5], 5 + i
        case: dict[str, Any] = {
            "id": f"fall-{i * 7919 % 1009}-é",
            "query": f"{topic} {i}?",
            "reference": f"{topic} {i}: {fee} Euro.",
            "relevant": {f"d{i % 7}": 1},
            "tags": [topic, "alle"] if i % 3 else [topic],
        }
        if i % 4 == 0:
            case["group"] = f"g{i // 12}"
        if i % 10 == 3:
            case |= {"reference": {"fee": fee}, "schema": SCHEMA}
        if i % 10 == 7:
            case |= {"reference": "ja", "format": {"kind": "label", "labels": ["ja", "nein"]}}
        if i % 25 == 9:
            case |= {"expected": "refuse", "relevant": {}, "reference": "Das weiß ich nicht."}
        yield case


def traces(system: str) -> Iterator[dict[str, Any]]:
    """Two answers to every case, some wrong, some errors, and probes of every fifth."""
    for i, case in enumerate(cases()):
        for repeat, condition in (
            (0, "as_is"),
            (1, "as_is"),
            (0, "oracle_context"),
            (1, "oracle_context"),
        ):
            if condition != "as_is" and i % 5:
                continue
            trace = {
                "system": system,
                "case_id": case["id"],
                "condition": condition,
                "repeat": repeat,
            }
            if i % 17 == 4 and condition == "as_is":
                yield {**trace, "error": {"kind": "timeout", "message": "60 s"}}
                continue
            passages = [{"doc_id": f"d{(i + j * (system == 'b')) % 7}"} for j in range(2)]
            wrong = (i + repeat) % 3 == 0 and condition == "as_is"
            yield {
                **trace,
                "response": answer(case, i, wrong=wrong),
                "retrieved": passages,
                "context": passages[: 1 + i % 2],
                "seconds": {"total": 0.1 + i / 977},
                "usage": {"prompt_tokens": 100 + i, "completion_tokens": 7, "cost": 0.001 * i},
            }


def answer(case: dict[str, Any], i: int, *, wrong: bool) -> str:
    reference = case["reference"]
    if isinstance(reference, dict):
        return json.dumps({"price": 1} if wrong else reference)
    if reference == "ja":
        return "nein" if wrong else "ja"
    return f"{TOPICS[i % 5]} {i}: {i + 91} Euro." if wrong else reference


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("suite")
    documents = [
        {"_id": f"d{n}", "title": f"T{n}", "text": f"Dokument {n} sagt {n} Euro."} for n in range(7)
    ]
    write(made / "cases.jsonl", cases())
    write(made / "corpus.jsonl", documents)
    (made / "suite.yaml").write_text(
        "format: 1\nname: parts\ncases: cases.jsonl\ncorpus: corpus.jsonl\nstyle: style.yaml\nk: 2\n"
    )
    (made / "style.yaml").write_text("max_words: 9\nmax_sentences: 2\n")
    lines = "".join(
        f"  - {{name: {s}, approach: rag, adapter: recorded, path: {s}.jsonl}}\n" for s in "ab"
    )
    (made / "systems.yaml").write_text(f"systems:\n{lines}")
    for system in "ab":
        write(made / f"{system}.jsonl", traces(system))
    return made


def write(file: Path, rows: Any) -> None:
    file.write_text(
        "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8"
    )


def made_of(folder: Path, out: Path, *, large: int, how: How | None = None) -> Run:
    systems = load_systems(folder / "systems.yaml")
    run = evalkit.run(load_suite(folder, large=large), list(systems), out=out, how=how)
    run.write()
    return run


@pytest.fixture(scope="module")
def whole(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("whole") / "run"
    assert made_of(folder, out, large=CASES).large is None
    return out


@pytest.mark.parametrize(("size", "processes"), [(37, 0), (110, 2)])
def test_parts_make_the_same_files_to_the_byte(folder, whole, tmp_path, size, processes):
    run = made_of(folder, tmp_path / "run", large=0, how=How(part=size, processes=processes))
    assert run.large is not None
    different = [
        n for n in DERIVED if (whole / n).read_bytes() != (tmp_path / "run" / n).read_bytes()
    ]
    assert different == []
    assert "60 s" not in (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    kept = {path.name for path in (tmp_path / "run").iterdir() if path.name.startswith(".parts-")}
    del run
    gc.collect()
    assert len(kept) == 1
    assert not (tmp_path / "run" / kept.pop()).exists()


def test_rows_are_put_in_order_with_however_few_of_them_held(folder, whole, tmp_path, monkeypatch):
    monkeypatch.setattr(pieces, "HELD", 300)
    made_of(folder, tmp_path / "run", large=0, how=How(part=37, processes=0))
    for name in ("scores.csv", "diagnosis.json"):
        assert (whole / name).read_bytes() == (tmp_path / "run" / name).read_bytes()


def test_answers_of_two_models_are_told_whether_a_run_is_held_or_not(folder, tmp_path):
    shutil.copytree(folder, tmp_path / "suite")
    rows = [{**row, "meta": {"model": "big"}} for row in traces("a")]
    rows[-1] = {**rows[-1], "meta": {"model": "small"}}
    write(tmp_path / "suite" / "a.jsonl", rows)
    write(tmp_path / "suite" / "b.jsonl", ({**r, "meta": {"model": "big"}} for r in traces("b")))
    said = f"a: answers name more than one model: big ({len(rows) - 1}), small (1); "
    for large in (CASES, 0):
        run = made_of(tmp_path / "suite", tmp_path / str(large), large=large)
        told = [text for text in run.summary()["warnings"] if "more than one model" in text]
        assert [text.startswith(said) for text in told] == [True]
        assert said in (tmp_path / str(large) / "report.md").read_text("utf-8")


def data_of(page: Path) -> list[Any]:
    """The blocks of data in a page, the index first."""
    text = page.read_text(encoding="utf-8")
    found = re.search(r'id="data" data-encoding="(\w+)">([^<]*)</script>', text)
    assert found is not None
    lines = found[2].split("\n")
    if found[1] == "gzip":
        lines = [gzip.decompress(base64.b64decode(line)).decode() for line in lines]
    return [json.loads(line) for line in lines]


def views_on(page: Path) -> dict[str, Any]:
    """Every case on a page by id, with its passages in place of their numbers."""
    index, *blocks = data_of(page)
    n = len(index["blocks"])
    passages = [passage for block in blocks[n:] for passage in block]
    found = {view["case"]["id"]: view for block in blocks[:n] for view in block}
    for row in (row for view in found.values() for row in view["rows"]):
        for name in {"retrieved", "prompt"} & row.keys():
            ranked = row[name].get("list", ())
            row[name]["list"] = [[passages[i], *rest] for i, *rest in ranked]
    return found


def test_every_case_stands_on_a_page_as_in_the_report_of_a_run_that_is_held(
    folder, whole, tmp_path
):
    run = made_of(folder, tmp_path / "run", large=0, how=How(part=37, processes=0))
    assert run.large is not None
    pages = sorted((tmp_path / "run" / "cases").iterdir())
    assert len(pages) == -(-CASES // 37)
    shown: dict[str, Any] = {}
    for page in pages:
        shown |= views_on(page)
    held = views_on(whole / "report.html")
    assert shown == held
    assert list(shown) != list(held)  # by id, in parts
    (index,) = data_of(tmp_path / "run" / "report.html")
    assert [page["file"] for page in index["pages"]] == [page.name for page in pages]
    assert (index["cases"], index["answers"]) == (CASES, 2 * CASES)
    words, ends = index["words"], data_of(whole / "report.html")[0]
    for column, name in enumerate(("o", "cause"), 1):
        counted: dict[Any, int] = {}
        for *kind, n in (row for page in index["pages"] for row in page["counts"]):
            counted[words[kind[column]]] = counted.get(words[kind[column]], 0) + n
        once = [ends["words"][name][value] for value in ends["values"][name]]
        assert counted == {word: once.count(word) for word in once}


def test_a_report_is_the_same_whatever_the_number_of_processes(folder, tmp_path):
    written = []
    for processes in (0, 2):
        out = tmp_path / str(processes)
        made_of(folder, out, large=0, how=How(part=60, processes=processes))
        files = sorted(f for f in out.rglob("*") if f.suffix in (".html", ".md"))
        written.append({str(f.relative_to(out)): f.read_bytes() for f in files})
    assert len(written[0]) == 2 + CASES // 60
    assert [n for n in written[0] if written[0][n] != written[1].get(n)] == []
    assert written[0].keys() == written[1].keys()


def test_pictures_of_lists_and_style_are_those_of_a_run_that_is_held(folder, whole, tmp_path):
    run = made_of(folder, tmp_path / "run", large=0, how=How(part=37, processes=0))
    small = evalkit.open_run(folder, whole)
    assert output_view(run, run.summary()) == output_view(small, small.summary())
    assert output_view(run, run.summary())["style"]
    added, held = ranks_of(run), ranks_of(small)
    assert added.keys() == held.keys() == {"a", "b"}
    for name in "ab":
        for field in fields(RankCounts):
            one, other = (getattr(found[name], field.name) for found in (added, held))
            assert one == pytest.approx(other), field.name
    assert held["a"].units < held["a"].cases  # groups, which parts cut through


def test_what_was_remembered_of_texts_is_let_go_of():
    from evalkit.judges.coverage import __name__ as judges
    from evalkit.text import tokens

    remembering = list(_remembering())
    assert {f.__module__ for f in remembering} > {judges, tokens.__name__}
    tokens.stem_set("Die Gebühr beträgt 5 Euro")
    assert any(function.cache_info().currsize for function in remembering)
    forget_texts()
    assert not any(function.cache_info().currsize for function in remembering)


def test_a_large_run_tells_findings_and_outcomes_without_its_answers(folder, whole, tmp_path):
    systems = load_systems(folder / "systems.yaml")
    how = How(part=64, processes=0)
    run = evalkit.run(load_suite(folder, large=0), list(systems), out=tmp_path / "run", how=how)
    small = evalkit.open_run(folder, whole).systems["a"]
    found = run.systems["a"]
    assert len(run.summary()["systems"]) == 2
    assert run.decision().base == "a"
    assert vars(found.graded)["_whole"] is None  # nothing asked for the answers
    assert dict(found.graded.cases) == dict(small.graded.cases)
    assert [f.case_id for f in found.findings] == [f.case_id for f in small.findings]
    assert tuple(found.findings[3].evidence) == small.findings[3].evidence
    assert {c: list(n) for c, n in found.graded.repeats().items()} == small.graded.repeats()
    assert sum(len(part.traces) for part in found.graded.parts()) == len(small.graded.traces)


def test_a_long_suite_is_read_case_by_case(folder):
    held, streamed = load_suite(folder, large=CASES), load_suite(folder, large=CASES - 1)
    file = long_file(streamed.cases)
    assert file is not None
    assert long_file(held.cases) is None
    assert streamed.digest == held.digest
    assert tuple(streamed.cases) == held.cases
    assert streamed.cases[17] == held.cases[17]
    assert file.row(held.cases[250].id) == 250
    assert file.row("nobody") is None


def test_a_long_suite_is_as_strict(folder, tmp_path):
    lines = (folder / "cases.jsonl").read_text(encoding="utf-8").splitlines()
    (tmp_path / "suite.yaml").write_text("format: 1\nname: parts\ncases: cases.jsonl\n")
    for last, told in (
        (lines[4].replace("fall", "FALL"), "only in letter case"),
        ('{"id": 5}', "id"),
        ("[1]", "object"),
    ):
        (tmp_path / "cases.jsonl").write_text("\n".join([*lines[:9], "", last]), encoding="utf-8")
        with pytest.raises(InvalidInput, match=told) as streamed:
            load_suite(tmp_path, large=0)
        with pytest.raises(InvalidInput) as held:
            load_suite(tmp_path)
        assert str(streamed.value) == str(held.value)


@pytest.mark.parametrize("change", ["unknown", "doubled", "lacking", "begins at 1"])
def test_long_recordings_are_as_strict(folder, tmp_path, change):
    rows = list(traces("a"))
    if change == "unknown":
        rows[5] = {**rows[5], "case_id": "nobody"}
    elif change == "doubled":
        rows.append(rows[8])
    elif change == "begins at 1":
        lone = (rows[2]["case_id"], "as_is", 0)
        rows = [row for row in rows if (row["case_id"], row["condition"], row["repeat"]) != lone]
    else:
        rows = [row for row in rows if row["case_id"] != rows[2]["case_id"]]
    for name in ("cases.jsonl", "corpus.jsonl", "suite.yaml", "style.yaml", "systems.yaml"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    write(tmp_path / "a.jsonl", rows)
    told = []
    for large in (0, CASES):
        with pytest.raises(InvalidInput) as error:
            evalkit.run(
                load_suite(tmp_path, large=large),
                load_systems(tmp_path / "systems.yaml")[:1],
                out=tmp_path / "out",
            )
        told.append(str(error.value))
    assert told[0] == told[1]
    assert ("(has as_is of repeat 1" in told[0]) == (change == "begins at 1")


@pytest.mark.parametrize("halves", [False, True], ids=["read by one process", "read by two"])
def test_the_order_of_recorded_lines_changes_nothing(folder, whole, tmp_path, monkeypatch, halves):
    shutil.copytree(folder, tmp_path / "suite")
    file = tmp_path / "suite" / "a.jsonl"
    lines = file.read_text("utf-8").splitlines(keepends=True)
    random.Random(3).shuffle(lines)
    file.write_text("".join(lines), "utf-8")
    if halves:
        monkeypatch.setattr(trace_lines, "LARGE", 1000)
    monkeypatch.setattr(recorded, "LARGE", 10)  # the file itself is not held either
    made_of(tmp_path / "suite", tmp_path / "run", large=0 if halves else CASES)
    different = [
        n for n in DERIVED if (whole / n).read_bytes() != (tmp_path / "run" / n).read_bytes()
    ]
    assert different == []


def test_words_and_texts_are_what_they_were_made_of():
    words = Words.of(["x", None, ("y", 1), "x"])
    assert list(words) == ["x", None, ("y", 1), "x"]
    assert words.are("x").tolist() == [True, False, False, True]
    assert not words.are("z").any()
    ids = sorted(["", "é", "日本", "a\ud800", "zz"])
    texts = Texts.of(ids)
    assert list(texts) == ids
    assert [find(texts, i) for i in (*ids, "no")] == [0, 1, 2, 3, 4, None]
    for given in (ids[::-1], [*"zaé日b", "a" * 99, "b"], ["b\0", "b", "b\0"], ["b", "a", "b"], []):
        order = sorted(range(len(given)), key=given.__getitem__)
        assert Texts.of(given).order().tolist() == order
    assert list(Chosen(texts, np.array([2, 0]))) == [ids[2], ids[0]]
    assert number_of("a") != number_of("b")


@pytest.mark.parametrize(
    ("column", "held"),
    [
        ([5, -1, 127], 3),
        ([128, 0], 4),
        ([1 << 40, 0], 16),
        ([7] * 9, 8),
        ([0.5, 0.25], 16),
        ([np.nan] * 9, 8),
        ([np.nan, 1.0], 16),
        ([], 0),
    ],
)
def test_a_column_is_held_in_few_bytes_and_says_the_same(column, held):
    given = np.array(column, np.float64 if any(isinstance(v, float) for v in column) else np.int64)
    found = slim(given)
    np.testing.assert_array_equal(found, given)
    whole = found if found.base is None else found.base
    assert whole.nbytes == held


def test_parts_do_not_judge_what_was_judged_before(folder, tmp_path, monkeypatch):
    made_of(folder, tmp_path / "run", large=CASES)
    asked: list[str] = []
    judge = EmbeddedJudge.judge
    monkeypatch.setattr(
        EmbeddedJudge, "judge", lambda self, c, t: asked.append(c.id) or judge(self, c, t)
    )
    made_of(folder, tmp_path / "run", large=0, how=How(part=100, processes=0))
    assert not asked
    made_of(folder, tmp_path / "fresh", large=0, how=How(part=100, processes=0))
    assert asked


def test_folders_that_killed_processes_left_are_cleared_away(tmp_path):
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    mine = _folder_in(tmp_path)
    here = mine.name.removesuffix(mine.name.partition("-")[2].partition("-")[2])
    assert mine.name.startswith(f"{here}{os.getpid()}-")
    left = tmp_path / f"{here}{gone.pid}-abc"
    elsewhere = tmp_path / f".parts-otherhost-{gone.pid}-abc"
    for folder in (left, elsewhere):
        folder.mkdir()
        (folder / "piece").write_text("", encoding="utf-8")
    _folder_in(tmp_path)
    assert not left.exists()
    assert elsewhere.exists()
    assert mine.exists()


def test_texts_are_forgotten_only_where_room_is_short():
    from evalkit.text import tokens

    tokens.stem_set("Die Gebühr beträgt 5 Euro")
    between_parts(1 << 50)
    assert tokens.stem_set.cache_info().currsize
    between_parts(0)
    assert not tokens.stem_set.cache_info().currsize
