"""The report says what the run found, with denominators, and nothing a model wrote becomes markup."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from pages_example import CASES, HIDDEN, OTHERS, QUOTES, SCRIPT, Page, hostile_run

from evalkit.api import from_traces
from evalkit.pages import cases, html, markdown
from evalkit.pages.headline import headline
from evalkit.pages.systems import system_views
from evalkit.pages.wording import visible
from evalkit.records import Case, Document, Passage, Suite, Trace

NBSP = "\N{NO-BREAK SPACE}"


@cache
def derived() -> tuple[Any, dict[str, Any], dict[str, Any]]:
    run = hostile_run()
    return run, run.summary(), run.diagnosis()


@cache
def page() -> Page:
    return Page(html(*derived()))


def data() -> dict[str, Any]:
    text = next(t for tag, a, t in page().inline if a.get("id") == "data")
    found: dict[str, Any] = json.loads(text)
    return found


# --- safe --------------------------------------------------------------------------------------


def test_hostile_text_adds_no_element():
    names = [tag for tag, _ in page().tags]
    assert (names.count("script"), names.count("style"), names.count("title")) == (2, 1, 1)
    assert not {"img", "iframe", "object", "embed", "base"} & set(names)
    assert not [a for _, a in page().tags for name in a if name.startswith("on") or name == "style"]


def test_hostile_text_stays_visible():
    assert SCRIPT in page().text
    assert " ".join(QUOTES.split()) in page().text


def test_the_policy_allows_exactly_the_inline_code():
    policy = next(a["content"] for _, a in page().tags if a.get("http-equiv"))
    assert policy is not None
    for tag, attributes, text in page().inline:
        if attributes.get("id") == "data":
            continue
        want = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{want}'" in policy
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy


def test_the_page_asks_for_nothing():
    for _, attributes in page().tags:
        for name in ("src", "href", "srcset", "action", "data"):
            assert (attributes.get(name) or "#").startswith(("#", "data:,"))


def test_hidden_characters_are_shown_by_name():
    whole = html(*derived())
    assert not HIDDEN.search(whole)
    answers = json.dumps(data(), ensure_ascii=False)
    assert "‹U+202E›" in answers
    assert "␀" in answers
    assert OTHERS in answers


def test_data_cannot_end_its_element():
    text = next(t for _, a, t in page().inline if a.get("id") == "data")
    assert "<" not in text


def test_large_data_are_packed_and_the_same(monkeypatch: pytest.MonkeyPatch):
    run, _, diagnosis = derived()
    monkeypatch.setattr(cases, "PLAIN", 10)
    encoding, text = cases.island(run, diagnosis)
    assert encoding == "gzip"
    assert json.loads(gzip.decompress(base64.b64decode(text))) == data()


def test_equal_input_gives_equal_pages():
    assert html(*derived()) == html(*derived())
    assert markdown(*derived()) == markdown(*derived())


# --- complete ------------------------------------------------------------------------------------


def test_every_symptom_is_shown_measured_or_with_its_reason():
    _, _, diagnosis = derived()
    for system in diagnosis["systems"].values():
        for symptom in system["symptoms"]:
            assert symptom["id"].replace("_", " ") in page().text
            if symptom["not_measured"]:
                assert f"not measured: {symptom['not_measured']}" in page().text


def test_every_cause_of_every_system_opens_its_cases():
    _, _, diagnosis = derived()
    links = page().links()
    for system in diagnosis["systems"].values():
        for cause in system["causes"]:
            assert any(f"cause={cause}&" in link for link in links)


def test_every_rate_carries_its_denominator():
    _, summary, _ = derived()
    for system in summary["systems"].values():
        cases = system["cases"]
        assert f"{cases['passed']} of {cases['due'] - cases['ungraded']}" in page().text
        for name, metric in system["metrics"].items():
            if metric["mean"] is not None and metric["unit"] == "":
                assert f"{metric['scored']}/{metric['due']}" in page().text, name


def test_cost_that_nobody_reports_is_unknown():
    assert "unknown 0 of" in page().text.replace(NBSP, " ")


def test_the_data_hold_every_case_of_every_system_once():
    found = data()
    asked = {(row["s"], row["c"]) for row in found["rows"]}
    assert len(asked) == len(found["rows"]) == 9  # five of the one, four of the other
    assert [c["id"] for c in found["cases"]] == [visible(c.id) for c in CASES]


def test_the_shown_answer_is_the_one_that_failed():
    row = next(r for r in data()["rows"] if r["c"] == 0 and r["s"] == 0)
    assert row["answer"].startswith("The annual fee is 99 euros.")
    assert row["others"] == [["as_is", 1, True, "The annual fee is 84 euros."]]
    assert row["evidence"]


def test_gold_and_prompt_are_marked():
    row = next(r for r in data()["rows"] if r["c"] == 0 and r["s"] == 0)
    assert [(p[3], p[4]) for p in row["retrieved"]["list"]] == [(1, 1), (0, 1)]


def test_what_was_not_observed_is_left_out_not_empty():
    error = next(r for r in data()["rows"] if r["o"] == "error")
    assert "retrieved" not in error
    assert error["error"].startswith("exception: it broke")


def test_a_system_without_retrieval_has_no_retrieval_steps():
    run, summary, diagnosis = derived()
    (view,) = [v for v in system_views(run, summary, diagnosis) if v["name"] == "plain"]
    rows = {row["label"]: row for row in view["funnel"]["rows"]}
    assert rows["Retrieved"]["n"] is None
    assert rows["Retrieved"]["note"] == "has no retrieval"
    assert rows["Answered right"]["n"] is not None


def test_a_funnel_never_widens():
    run, summary, diagnosis = derived()
    for view in system_views(run, summary, diagnosis):
        counts = [row["n"] for row in view["funnel"]["rows"] if row["n"] is not None]
        assert counts == sorted(counts, reverse=True)


def test_the_headline_is_about_the_best_system():
    _, summary, diagnosis = derived()
    found = headline(summary, diagnosis)
    assert found["system"] == "plain"
    assert "50" in found["title"]
    assert [question for question, _, _ in found["answers"]] == [
        "What fails",
        "Whose fault",
        "How sure",
    ]


def test_one_system_needs_no_comparison():
    run, _, _ = derived()
    alone = type(run)(run.suite, {"plain": run.systems["plain"]}, run.recipe)
    text = html(alone, alone.summary(), alone.diagnosis())
    assert 'role="tablist"' not in text
    assert "the most of" not in text


# --- the ends of the scale -------------------------------------------------------------------------


def _made(reference: tuple[str, ...] | None) -> Any:
    corpus = {"fees": Document("fees", "The annual fee is 84 euros.")}
    case = Case("c1", "What is the fee?", reference=reference, relevant={"fees": 1})
    found = (Passage("fees", text=corpus["fees"].text),)
    trace = Trace("The annual fee is 84 euros.", found, found, case_id="c1")
    return from_traces(Suite("one", Path(), (case,), corpus, "0"), {"rag": [trace]})


def test_a_run_without_a_failure_blames_nobody():
    run = _made(("The annual fee is 84 euros.",))
    text = Page(html(run, run.summary(), run.diagnosis())).text
    assert "Nobody's: no case fails" in text
    assert "Nothing to explain" in text
    assert "1 of 1 pass" in markdown(run, run.summary(), run.diagnosis())


def test_a_run_that_cannot_be_graded_says_so():
    run = _made(None)
    text = Page(html(run, run.summary(), run.diagnosis())).text
    assert "No case could be graded." in text
    assert "1 ungraded" in text
    assert "No case could be graded." in markdown(run, run.summary(), run.diagnosis())
