"""The overview in a real browser: words explain themselves, links open exactly their cases, nothing jumps."""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from browsing import chromium
from pages_example import SYSTEM, hostile_run

from evalkit.pages import html

pytestmark = pytest.mark.browser
SHIFTS = """() => new Promise((done) => {
    let sum = 0;
    new PerformanceObserver((list) => { for (const e of list.getEntries()) sum += e.value; })
        .observe({ type: "layout-shift", buffered: true });
    setTimeout(() => done(sum), 300);
})"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as opened:
        yield opened


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    def made() -> str:
        run = hostile_run()
        return html(run, run.summary(), run.diagnosis())

    with ThreadPoolExecutor(1) as aside:  # the browser's driver keeps an event loop in this thread
        text = aside.submit(made).result()
    path = tmp_path_factory.mktemp("overview") / "report.html"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture
def page(browser: Any, report: Path) -> Iterator[Any]:
    context = browser.new_context(offline=True, viewport={"width": 1280, "height": 800})
    opened = context.new_page()
    opened.goto(report.as_uri())
    yield opened
    context.close()


def unfold(page: Any, place: int = 0) -> Any:
    """A system's minute, opened as a reader opens it."""
    told = page.locator(".minute-of").nth(place)
    told.locator("summary").click()
    return told


def test_a_word_explains_itself_on_hover_and_on_focus(page: Any):
    unfold(page)
    for gesture in ("hover", "focus"):
        term = page.locator(".minute .term").first
        getattr(term, gesture)()
        assert "every repeat is right" in page.inner_text(".tip")
        page.keyboard.press("Escape")
        assert page.locator(".tip").is_hidden()
        page.mouse.move(0, 0)


def test_a_tip_stays_on_the_screen(page: Any):
    page.set_viewport_size({"width": 360, "height": 640})
    for term in page.locator("#systems .term").all()[:4]:
        term.focus()
        box = page.locator(".tip").bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 360


def test_a_number_of_the_cause_table_opens_exactly_its_cases(page: Any):
    _, counts = next(iter(hostile_run().diagnosis()["systems"][SYSTEM]["causes"].items()))
    page.locator(".multiples td a").first.click()
    page.wait_for_selector("#rows li")
    assert page.locator("#rows > li").count() == counts["cases"]


def test_every_number_that_is_a_link_opens_as_many_cases(page: Any):
    links = page.locator("main > section:not(#case-list) a[href^='#cases?']").evaluate_all(
        "links => links.map((a) => [a.getAttribute('href'), a.textContent.trim()])"
    )
    told = {href: re.findall(r"^(?:.* )?(\d+)$", text) for href, text in links}
    counted = {href: int(n[-1]) for href, n in told.items() if n}
    assert len(counted) > 5
    for href, n in counted.items():
        page.evaluate("(hash) => { location.hash = hash; }", href)
        page.wait_for_function(f"document.querySelector('#count').textContent.startsWith('{n} of')")


def test_an_example_opens_its_case(page: Any):
    unfold(page)
    link = page.locator(".minute a[href^='#case=']").first
    name = link.inner_text()
    link.click()
    page.wait_for_selector("#case-page:not([hidden])")
    assert name[:20] in page.inner_text("#case-page")


def test_a_system_link_opens_its_panel(page: Any):
    unfold(page, 1).locator("h3 a").click()  # the best system comes first
    page.wait_for_function("document.querySelectorAll('.panel:not([hidden])').length === 1")
    assert (
        page.locator("[role=tab][aria-selected=true]")
        .get_attribute("data-system")
        .startswith("rag")
    )


@pytest.mark.parametrize("name", ["metrics", "resources", "words", "word-pass"])
def test_an_address_unfolds_what_it_leads_to(page: Any, report: Path, name: str):
    assert page.locator("button.metric:visible, .glossary:visible").count() == 0
    page.goto(f"{report.as_uri()}#{name}")
    page.reload()
    assert page.locator(f"#{name}").is_visible()
    assert page.locator(
        f"details[open]:has(#{name}), #{name} > details[open], #{name}[open]"
    ).count()


def test_a_link_of_the_bar_unfolds_its_section_as_often_as_it_is_used(page: Any):
    for _ in range(2):  # folded again by hand, the same address opens it again
        page.locator(".top a[href='#metrics']").click()
        page.locator("button.metric").first.wait_for()
        page.locator("#metrics > details > summary").click()
        assert page.locator("button.metric").first.is_hidden()


def test_the_answer_and_the_leading_pictures_come_within_three_screens(page: Any):
    page.set_viewport_size({"width": 1280, "height": 900})
    ends = "el => el.getBoundingClientRect().bottom + scrollY"
    assert page.locator(".verdict").evaluate(ends) < 2 * 900  # hostile texts are long
    for picture in (".panel:visible .flow >> nth=0", ".panel:visible .waterfall", "#panels"):
        assert page.locator(picture).first.evaluate(ends) < 3.5 * 900


def test_paper_shows_what_is_folded(page: Any):
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator("main > section:visible details:not([open])").count() == 0
    assert page.locator("button.metric").first.is_visible()
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.locator("button.metric").first.is_hidden()


def test_tabs_move_by_arrow_keys(page: Any):
    page.locator("[role=tab][aria-selected=true]").focus()
    page.keyboard.press("ArrowLeft")  # from the best system, which comes first, around to the last
    assert page.locator("[role=tab][aria-selected=true]").inner_text() == "Side by side"
    assert page.locator(".panel:visible").count() == 2


@pytest.mark.parametrize("width", [360, 768, 1280, 2000])
def test_no_width_scrolls_sideways(page: Any, width: int):
    page.set_viewport_size({"width": width, "height": 800})
    page.evaluate("document.querySelectorAll('details').forEach((d) => { d.open = true; })")
    assert page.evaluate("document.documentElement.scrollWidth") == width


def test_nothing_jumps_while_the_page_loads(page: Any):
    assert page.evaluate(SHIFTS) == 0


def test_print_shows_every_system_and_no_navigation(page: Any):
    page.emulate_media(media="print")
    assert page.locator(".panel:visible").count() == 2
    assert page.locator(".top").is_hidden()


def test_text_in_pictures_can_be_selected(page: Any):
    page.evaluate("getSelection().selectAllChildren(document.querySelector('#retrieval .picture'))")
    assert "first k of the list" in page.evaluate("getSelection().toString()")


def test_without_scripts_the_answer_and_its_words_are_there(browser: Any, report: Path):
    context = browser.new_context(java_script_enabled=False, offline=True)
    page = context.new_page()
    page.goto(report.as_uri())
    assert page.locator(".panel:visible").count() == 2
    unfold(page).locator(".term").first.click()
    assert page.url.endswith("#word-pass")
    context.close()


def test_paper_is_white_in_a_dark_room_too(browser: Any, report: Path):
    context = browser.new_context(offline=True, color_scheme="dark")
    page = context.new_page()
    page.goto(report.as_uri())
    page.emulate_media(media="print", color_scheme="dark")
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert ground == "rgb(255, 255, 255)"
    context.close()
