"""What a first reader stumbles over: an incomplete run, the fix of this very case, a command that runs, long names."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from browsing import chromium
from pages_example import Page, hostile_run

from evalkit import plugins
from evalkit.api import Run, from_traces
from evalkit.pages import html, markdown
from evalkit.pages.case_legend import setting_for, strangers
from evalkit.pages.engine import environment
from evalkit.pages.remedies import LADDERS, LEFT, case_fix
from evalkit.pages.view import LARGE
from evalkit.records import Case, Certainty, Fact, Finding, Passage, Suite, Trace

CAUSES = {cause.id: cause for cause in plugins.members("causes")}


# --- a run that is incomplete -----------------------------------------------------------------------


def broken_run() -> Run:
    run = hostile_run()
    return replace(run, suite=replace(run.suite, max_error_rate=0.0))


def test_an_incomplete_run_says_so_beside_its_headline_and_not_in_it():
    run = broken_run()
    text = html(run, run.summary(), run.diagnosis())
    headline = text.split("<h1>")[1].split("</h1>")[0]
    assert "Incomplete" not in headline
    assert "passes" in headline
    assert "The run is incomplete" in Page(text).text
    assert "1 of 5 cases ended in an error" in Page(text).text


def test_markdown_begins_with_what_is_lacking():
    run = broken_run()
    first = markdown(run, run.summary(), run.diagnosis()).splitlines()[0]
    assert "Incomplete" in first


def test_a_complete_run_has_no_such_notice():
    run = hostile_run()
    assert "The run is incomplete" not in html(
        replace(run, suite=replace(run.suite, max_error_rate=1.0)), run.summary(), run.diagnosis()
    )


# --- the first fix of one case ----------------------------------------------------------------------


def finding(cause: str, probes: dict[str, str], *facts: str) -> Finding:
    evidence = tuple(Fact(fact, True, fact) for fact in facts)
    known = CAUSES[cause]
    side, stage = known.side, known.stage
    return Finding(
        "a", 0, "fail", Certainty.PROVEN, cause, side, stage, 0.9, evidence=evidence, probes=probes
    )


@pytest.mark.parametrize("cause", sorted(LADDERS))
def test_a_remedy_that_failed_on_a_case_is_not_its_first_fix(cause: str):
    (first, one), (second, other) = LADDERS[cause]
    assert case_fix(finding(cause, {}), CAUSES) == CAUSES[cause].first_fix
    assert "mended this case" in str(case_fix(finding(cause, {first: "pass"}), CAUSES))
    tried = str(case_fix(finding(cause, {first: "fail", second: "pass"}), CAUSES))
    assert tried.startswith(other)
    assert f"{one} did not mend this case" in tried
    assert str(case_fix(finding(cause, {first: "fail", second: "fail"}), CAUSES)).startswith(
        LEFT[cause]
    )


def test_an_answer_that_is_cut_off_asks_for_more_tokens_first():
    whole, cut = (finding("incomplete_answer", {}, *facts) for facts in ((), ("cut_off",)))
    assert case_fix(whole, CAUSES) == CAUSES["incomplete_answer"].first_fix
    assert str(case_fix(cut, CAUSES)).startswith("the token limit")


def test_without_a_cause_there_is_no_fix():
    nameless = Finding("a", 0, "fail", Certainty.UNDETERMINED, None, None, None, None)
    assert case_fix(nameless, CAUSES) is None


def test_no_case_of_another_cause_gets_a_fix_of_its_own():
    for cause in sorted(set(CAUSES) - set(LADDERS)):
        assert (
            case_fix(finding(cause, {"oracle_context": "fail"}), CAUSES) == CAUSES[cause].first_fix
        )


# --- a command that runs ----------------------------------------------------------------------------


def test_a_system_that_the_suite_does_not_hold_needs_its_file(tmp_path: Path):
    (tmp_path / "suite.yaml").write_text("name: choir\n")
    assert strangers(tmp_path, ["mine"]) == ["mine"]
    file = tmp_path / "systems.yaml"
    file.write_text("systems: [{name: mine, approach: prompt, adapter: openai, model: m}]\n")
    assert strangers(tmp_path, ["mine", "other"]) == ["other"]
    file.write_text("systems: [")
    assert strangers(tmp_path, ["mine"]) == ["mine"]
    suite = replace(hostile_run().suite, folder=tmp_path)
    assert setting_for(suite, ["mine"], (), None).legend["strangers"] == ["mine"]


def test_of_a_suite_without_a_folder_no_file_is_named(tmp_path: Path):
    assert strangers(tmp_path, ["mine"]) == []


# --- a run that is reported in parts -----------------------------------------------------------------


def test_what_a_large_run_leaves_out_names_the_command_that_makes_it():
    view = {"compare": None, "large": LARGE, "systems": [{"name": "a"}, {"name": "b"}]}
    told = environment().get_template("compare.html.j2").render(view=view)
    assert "evalkit compare RUN" in told
    told = (
        environment()
        .get_template("trust.html.j2")
        .render(view={**view, "review": [], "accuracy": None})
    )
    assert "evalkit review export RUN" in told
    alone = {**view, "systems": [{"name": "a"}]}
    assert not environment().get_template("compare.html.j2").render(view=alone).strip()


# --- long, wide and right-to-left ----------------------------------------------------------------------

LONG = "donaudampfschifffahrtsgesellschaftskapitaen" * 4
WIDE = "東京都千代田区の請求書の支払い期限について教えてください。" * 6
RIGHT = "متى تصل الفاتورة الشهرية؟ أرجو الرد مع رقم INV-2024/17."
LONGEST = (LONG, WIDE, RIGHT)


def long_run() -> Run:
    """Cases whose ids, tags, questions and answers are long without a space, wide, or written from the right."""
    cases = tuple(
        Case(
            f"{i} {text[:90]}", text, reference=(text,), relevant={text[:90]: 1}, tags=(text[:60],)
        )
        for i, text in enumerate(LONGEST)
    )
    suite = Suite(LONG[:90], Path(), cases, {}, "0")
    found = [(Passage(text[:90], f"{text[:90]}#0", text * 2, title=text),) for text in LONGEST]
    traces = [
        Trace(text[::-1], p, p, case_id=case.id)
        for case, text, p in zip(cases, LONGEST, found, strict=True)
    ]
    return from_traces(suite, {LONG[:70]: traces, "other": traces}, {LONG[:70]: "rag"})


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as opened:
        yield opened


@pytest.fixture(scope="module")
def long_report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    def made() -> str:
        run = long_run()
        return html(run, run.summary(), run.diagnosis())

    with ThreadPoolExecutor(1) as aside:  # the browser's driver keeps an event loop in this thread
        text = aside.submit(made).result()
    path = tmp_path_factory.mktemp("long") / "report.html"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.browser
@pytest.mark.parametrize("width", [360, 1280])
def test_no_name_and_no_script_widens_a_page(browser: Any, long_report: Path, width: int):
    context = browser.new_context(offline=True, viewport={"width": width, "height": 800})
    page = context.new_page()
    page.goto(long_report.as_uri())
    wide = "document.documentElement.scrollWidth"
    page.evaluate("document.querySelectorAll('details').forEach((d) => { d.open = true; })")
    assert page.evaluate(wide) == width
    page.goto(f"{long_report.as_uri()}#cases")
    page.wait_for_selector("#rows li")
    assert page.evaluate(wide) == width
    for _ in LONGEST:
        page.keyboard.press("j")
        page.keyboard.press("Enter")
        page.wait_for_selector("#case-page .case")
        assert page.evaluate(wide) == width
        page.keyboard.press("Escape")
        page.wait_for_selector("#case-page", state="hidden")
    context.close()


@pytest.mark.browser
def test_text_from_the_right_stands_at_the_right(browser: Any, long_report: Path):
    context = browser.new_context(offline=True, viewport={"width": 1280, "height": 800})
    page = context.new_page()
    page.goto(f"{long_report.as_uri()}#case=2%20{RIGHT[:90]}&system=other")
    page.wait_for_selector("#case-page .case")
    direction = "el => getComputedStyle(el).direction"
    assert page.locator("#case-title").evaluate(direction) == "rtl"
    assert page.locator(".passage .text").first.evaluate(direction) == "rtl"
    assert page.locator(".again pre").first.evaluate(direction) == "ltr"
    context.close()
