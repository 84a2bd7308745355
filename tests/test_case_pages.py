"""The cases of a report as data: complete, exact, small enough, and on pages of their own where there are many."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import re
import weakref
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from pages_example import CASES, HIDDEN, Page, hostile_run, many_views

from evalkit.api import from_traces
from evalkit.pages.case_answer import answer_view, stretches
from evalkit.pages.case_cut import case_link, cut, name
from evalkit.pages.case_legend import setting_of
from evalkit.pages.case_pack import LEVELS, pack
from evalkit.pages.case_pages import (
    case_hash,
    case_page,
    in_parts,
    island_of_pages,
    write_case_pages,
)
from evalkit.pages.case_view import labels
from evalkit.pages.cases import island, pages_beside, run_views
from evalkit.records import Case, Claim, Failure, KeyPoint, Passage, Suite, Trace


def blocks(encoding: str, text: str) -> list[Any]:
    """Every block of a page's data, the index first."""
    lines = text.split("\n")
    if encoding == "gzip":
        lines = [gzip.decompress(base64.b64decode(line)).decode() for line in lines]
    return [json.loads(line) for line in lines]


@cache
def whole() -> tuple[dict[str, Any], list[Any], list[Any]]:
    """Index, views and passages of the hostile run."""
    run = hostile_run()
    index, *rest = blocks(*island(run, run.diagnosis()))
    n = len(index["blocks"])
    return index, [v for b in rest[:n] for v in b], [p for b in rest[n:] for p in b]


def row_of(case: int, system: int) -> dict[str, Any]:
    found: dict[str, Any] = next(r for r in whole()[1][case]["rows"] if r["s"] == system)
    return found


# --- what is shown ---------------------------------------------------------------------------------


def test_every_case_of_every_system_is_there_once():
    index, views, _ = whole()
    assert index["ids"] == [
        case.id for case in CASES
    ]  # as they are: names of hidden characters are for the eye
    assert index["rows"] == [2, 2, 2, 2, 1]
    assert [view["case"]["id"] for view in views] == index["ids"]


def test_the_shown_answer_is_the_one_that_failed():
    row = row_of(0, 0)
    assert "".join(part[0] for part in row["answer"]).startswith("The annual fee is 99 euros.")
    assert row["others"] == [[1, True, "The annual fee is 84 euros."]]
    assert [link[0] for link in row["chain"]][:2] == ["fact", "so"]


def test_gold_and_prompt_are_marked():
    _, _, passages = whole()
    ranked = row_of(0, 0)["retrieved"]["list"]
    assert [flags for _, flags, _ in ranked] == [3, 2]  # gold in the prompt, and another one in it
    assert [passages[number][0] for number, *_ in ranked] == ["fees", "hall"]


def test_what_was_not_observed_is_left_out_and_not_empty():
    row = row_of(4, 0)
    assert "retrieved" not in row
    assert "prompt" not in row
    assert row["error"].startswith("exception: it broke")


def test_statements_cover_the_answer_without_a_gap():
    claims = [
        Claim("b", 3, 8, supported=True, passage=1),
        Claim("c", 6, 12, supported=False, contradicted=True),
    ]
    parts = stretches("abc defgh ijkl", claims)
    assert "".join(part[0] for part in parts) == "abc defgh ijkl"
    assert [part[1] for part in parts] == [0, 1, 3, 0]
    assert stretches("plain", None) == "plain"


def test_a_passage_that_was_cut_on_its_way_tells_how_much_was_kept():
    case = Case("c", "What?", reference=("x",), relevant={"d": 1})
    found = (Passage("d", text="0123456789"), Passage("e", text="other"))
    prompt = (Passage("d", text="01234"),)
    run = from_traces(
        Suite("s", Path(), (case,), {}, "0"), {"rag": [Trace("x", found, prompt, case_id="c")]}
    )
    (view,) = run_views(run, run.diagnosis(), setting_of(run))
    ((passage, flags, kept),) = view["rows"][0]["prompt"]["list"]
    assert (passage[3], flags, kept) == ("0123456789", 1, 5)


def test_a_text_is_never_cut_without_a_note():
    assert cut("x" * 10, 10) == "x" * 10
    assert cut("x" * 50_000_000, 10) == f"{'x' * 10} … (cut, 50,000,000 characters in all)"
    long = ["y" * 300 + end for end in "ab"]
    assert name(long[0]) != name(long[1])
    assert case_link("a/b c&d=é", "s#1") == "#case=a%2Fb%20c%26d%3D%C3%A9&system=s%231"


def test_a_case_of_fifty_megabytes_is_cut_to_a_readable_length():
    text = "x y. " * 10_000_000
    passage = Passage("d", text=text)
    case = Case(
        "c",
        text,
        reference=(text,),
        key_points=(KeyPoint(text, ("d",)),),
        tags=("t" * 1_000,),
        relevant={"d": 1},
    )
    trace = Trace(text, (passage,), (passage,), error=Failure("exception", text), case_id="c")
    found = labels(case), answer_view(case, trace, None, 5)
    size = len(json.dumps(found))
    assert size < 40_000
    assert found[0]["query"].endswith("(cut, 50,000,000 characters in all)")
    assert found[1]["cut"] == 50_000_000


# --- how it is packed -------------------------------------------------------------------------------


def test_packing_changes_nothing(monkeypatch: pytest.MonkeyPatch):
    run = hostile_run()
    plain = blocks(*island(run, run.diagnosis()))
    monkeypatch.setattr("evalkit.pages.case_pack.PLAIN", 10)
    encoding, text = island(run, run.diagnosis())
    assert encoding == "gzip"
    assert blocks(encoding, text) == plain


def test_the_data_hold_no_markup_and_no_hidden_character():
    run = hostile_run()
    _, text = island(run, run.diagnosis())
    assert "<" not in text
    assert not HIDDEN.search(text.replace("\n", ""))


def test_passages_are_shortened_until_the_page_is_small_enough():
    setting, views = many_views(400)
    roomy = pack(views, setting)
    tight = pack(views, setting, budget=len(roomy.text) // 2)
    assert roomy.kept == LEVELS[0]
    assert tight.kept < roomy.kept
    assert len(tight.text) < len(roomy.text)
    index, *rest = blocks(tight.encoding, tight.text)
    passages = [p for block in rest[len(index["blocks"]) :] for p in block]
    assert all(len(p[3]) == p[4] or len(p[3]) <= tight.kept[0] for p in passages if len(p) > 4)


def test_ten_thousand_cases_fit():
    setting, views = many_views(2_000)
    assert len(pack(views, setting).text) < 1_200_000  # a fifth of 6 MB


# --- pages of their own -----------------------------------------------------------------------------


def test_pages_are_written_one_after_the_other(tmp_path: Path):
    setting, views = many_views(30)
    alive: list[weakref.ref[Any]] = []

    class Part(list[Any]):
        """A list that tells when it is gone."""

    def parts() -> Iterator[Part]:
        for start in range(0, 30, 10):
            assert sum(ref() is not None for ref in alive) <= 1
            part = Part(views[start : start + 10])
            alive.append(weakref.ref(part))
            yield part

    (tmp_path / "cases").mkdir()
    (tmp_path / "cases" / "0009.html").write_text("of an earlier report")
    index = write_case_pages(tmp_path, parts(), setting)
    assert sorted(p.name for p in (tmp_path / "cases").iterdir()) == [
        "0001.html",
        "0002.html",
        "0003.html",
    ]
    assert (index.cases, index.answers) == (30, 30)


def test_a_page_is_whole_and_its_policy_allows_exactly_its_own_code(tmp_path: Path):
    run = hostile_run()
    page = Page(case_page(list(run_views(run, run.diagnosis(), setting_of(run))), setting_of(run)))
    policy = next(a["content"] for _, a in page.tags if a.get("http-equiv"))
    assert policy is not None
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy
    for tag, attributes, text in page.inline:
        if attributes.get("id") != "data":
            want = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
            assert f"{tag}-src 'sha256-{want}'" in policy
    names = [tag for tag, _ in page.tags]
    assert (names.count("script"), names.count("style"), names.count("img")) == (2, 1, 0)
    for _, attributes in page.tags:
        for key in ("src", "href"):
            assert re.match(r"#|data:,|\.\./report\.html", attributes.get(key) or "#")


def test_the_index_of_the_pages_counts_every_answer_and_finds_every_case(tmp_path: Path):
    run = hostile_run()
    setting, diagnosis = setting_of(run), run.diagnosis()
    views = list(run_views(run, diagnosis, setting))
    index = write_case_pages(tmp_path, in_parts(views, 2), setting)
    (found,) = blocks(*island_of_pages(index, setting))
    assert sum(kind[-1] for page in found["pages"] for kind in page["counts"]) == 9
    for n, case in enumerate(CASES):
        hashes = base64.b64decode(found["pages"][n // 2]["hashes"])
        assert case_hash(case.id) in {hashes[i : i + 3] for i in range(0, len(hashes), 3)}


def test_a_run_too_large_for_one_page_is_written_on_several(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    run = hostile_run()
    monkeypatch.setattr("evalkit.pages.cases.ONE_PAGE", 5)
    monkeypatch.setattr("evalkit.pages.cases.PART", 4)
    index = pages_beside(run, run.diagnosis(), tmp_path)
    assert index is not None
    assert len(list((tmp_path / "cases").iterdir())) == len(index.pages) == 3
    monkeypatch.undo()
    assert pages_beside(run, run.diagnosis(), tmp_path) is None
    assert list((tmp_path / "cases").iterdir()) == []


def test_equal_cases_give_equal_pages():
    setting, views = many_views(20)
    assert case_page(views, setting) == case_page(views, setting)
