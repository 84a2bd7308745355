"""The report says what the run found, with denominators, and nothing a model wrote becomes markup."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from pathlib import Path
from typing import Any

from pages_example import HIDDEN, QUOTES, SCRIPT, Page, hostile_run

from evalkit.api import from_traces
from evalkit.pages import html, markdown
from evalkit.pages.view import report_view
from evalkit.records import Case, Document, Passage, Suite, Trace

NBSP = "\N{NO-BREAK SPACE}"


@cache
def derived() -> tuple[Any, dict[str, Any], dict[str, Any]]:
    run = hostile_run()
    return run, run.summary(), run.diagnosis()


@cache
def page() -> Page:
    return Page(html(*derived()))


@cache
def view() -> dict[str, Any]:
    return report_view(*derived())


# --- safe --------------------------------------------------------------------------------------


def test_hostile_text_adds_no_element():
    names = [tag for tag, _ in page().tags]
    assert (names.count("script"), names.count("style")) == (2, 1)
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
    assert "‹U+202E›" in whole


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
            assert any(f"cause={cause}&status=failing" in link for link in links)


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


def test_a_system_without_retrieval_has_no_retrieval_steps():
    (plain,) = [v for v in view()["systems"] if v["name"] == "plain"]
    assert "retrieved" in plain["funnel"]["absent"]
    assert "Answered right" in [row["label"] for row in plain["funnel"]["shown"]]
    assert "The system has no retrieval, and so none of these" in page().text


def test_a_funnel_never_widens():
    for system in view()["systems"]:
        counts = [row["n"] for row in system["funnel"]["shown"]]
        assert counts == sorted(counts, reverse=True)


# --- the answer first ------------------------------------------------------------------------------


def test_the_headline_is_about_the_best_system():
    found = view()["headline"]
    assert found["system"] == "plain"
    assert "plain passes 50\N{NO-BREAK SPACE}% of 4" in found["title"]
    assert [answer["question"] for answer in found["answers"]] == [
        "What fails",
        "Whose fault",
        "How sure",
        "What to do first",
        "What it would bring",
        "What we could not tell",
    ]


def test_each_system_has_its_minute_in_the_order_of_the_run():
    whole = page().text
    said = [f"{s['rate']} pass {s['bounds']}".replace(NBSP, " ") for s in view()["systems"]]
    places = [whole.index(text) for text in said]
    assert places == sorted(places)
    assert whole.count("What is wrong") == whole.count("Why we believe it") == 2
    assert whole.count("What to do") == 3  # of each system, and first of all


def test_an_example_comes_from_the_leading_cause_and_opens_its_case():
    _, _, diagnosis = derived()
    for system in view()["systems"]:
        minute = system["minute"]
        if minute["leading"] is None:
            continue
        findings = diagnosis["systems"][system["name"]]["findings"]
        mine = next(f for f in findings if f["case_id"] == minute["example"]["case"])
        assert mine["cause"] == minute["leading"]["cause"]
        assert minute["example"]["href"].startswith("#case=")
        assert not minute["example"]["said"].startswith("so: ")


def test_what_could_not_be_told_comes_with_a_way_to_learn_it():
    _, _, diagnosis = derived()
    told = view()["unknowns"]
    assert all(one["text"] and one["settle"] for one in told)
    text = " ".join(one["text"] for one in told)
    for system in diagnosis["systems"].values():
        for symptom in system["symptoms"]:
            if symptom["not_measured"]:
                assert symptom["id"].replace("_", " ").capitalize() in text
    assert "costs: no answer reports it" in text


def test_a_pair_that_is_not_told_apart_is_open():
    (pair,) = view()["compare"]["pairs"]
    assert not pair["apart"]
    assert any("are not told apart" in one["text"] for one in view()["unknowns"])


def test_every_link_of_the_overview_leads_somewhere():
    ids = {a["id"] for _, a in page().tags if a.get("id")}
    for link in page().links():
        if link.startswith(("#cases", "#case=", "#systems?")):
            continue
        assert link.removeprefix("#") in ids, link


def test_every_term_has_its_meaning_in_the_page():
    ids = {a["id"] for _, a in page().tags if a.get("id")}
    terms = [a for _, a in page().tags if a.get("class") == "term"]
    assert len(terms) > 5
    assert all(a["aria-describedby"] in ids for a in terms)


def test_ids_are_unique():
    ids = [a["id"] for _, a in page().tags if a.get("id")]
    assert len(ids) == len(set(ids))


def test_every_picture_has_a_title_a_description_and_a_table():
    tags = page().tags
    pictures = [a for tag, a in tags if tag == "svg" and "picture" in (a.get("class") or "")]
    ids = {a["id"] for _, a in tags if a.get("id")}
    assert pictures
    for attributes in pictures:
        assert all(name in ids for name in (attributes["aria-labelledby"] or "none").split())
    tables = [a for tag, a in tags if tag == "details" and a.get("class") == "alternative"]
    assert len(tables) == len(pictures)


def test_one_system_needs_no_comparison():
    run, _, _ = derived()
    alone = type(run)(run.suite, {"plain": run.systems["plain"]}, run.recipe)
    text = html(alone, alone.summary(), alone.diagnosis())
    assert 'role="tablist"' not in text
    assert 'id="compare"' not in text
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
