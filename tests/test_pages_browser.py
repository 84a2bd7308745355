"""The report in a real browser: offline, from a file, without an error, by mouse and by keyboard."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from pages_example import CASES, SYSTEM, hostile_run

from evalkit.pages import cases, html

pytestmark = pytest.mark.browser
ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        pytest.skip("no Chromium on this machine")
    with playwright.sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        yield opened
        opened.close()


@pytest.fixture(scope="module", params=["plain", "packed"])
def report(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    with ThreadPoolExecutor(1) as aside:  # the browser's driver keeps an event loop in this thread
        run = aside.submit(hostile_run).result()
    path = tmp_path_factory.mktemp("report") / "report.html"
    with pytest.MonkeyPatch.context() as patch:
        if request.param == "packed":
            patch.setattr(cases, "PLAIN", 10)
        path.write_text(html(run, run.summary(), run.diagnosis()), encoding="utf-8")
    return path


class Visit:
    """A page opened from its file, with what it logged and asked for."""

    def __init__(self, browser: Any, path: Path, hash: str = "", **context: Any) -> None:  # noqa: A002
        self.context = browser.new_context(offline=True, **context)
        self.page = self.context.new_page()
        self.logged: list[str] = []
        self.requests: list[str] = []
        self.page.on("console", lambda message: self.logged.append(message.text))
        self.page.on("pageerror", lambda error: self.logged.append(str(error)))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.goto(path.as_uri() + hash)
        self.page.wait_for_selector("#rows .row", state="attached")

    def rows(self) -> int:
        found: int = self.page.locator("#rows .row").count()
        return found

    def wait_for_rows(self, n: int) -> None:
        from playwright.sync_api import expect

        expect(self.page.locator("#rows .row")).to_have_count(n)


@pytest.fixture
def visit(browser: Any, report: Path) -> Iterator[Any]:
    opened: list[Visit] = []

    def go(hash: str = "", **context: Any) -> Visit:  # noqa: A002
        opened.append(Visit(browser, report, hash, **context))
        return opened[-1]

    yield go
    for one in opened:
        one.context.close()


def test_it_opens_without_an_error_or_a_request(visit: Any, report: Path):
    opened = visit()
    assert opened.logged == []
    assert opened.requests == [report.as_uri()]
    assert "owned" not in opened.page.title()
    assert opened.rows() == 9


def test_filters_narrow_the_list_and_stand_in_the_address(visit: Any):
    opened = visit()
    opened.page.select_option("select[name=outcome]", "failing")
    opened.page.fill("input[name=q]", "friday")
    opened.wait_for_rows(1)
    assert "q=friday" in opened.page.url
    assert opened.page.inner_text("#count") == "1 of 9 answers, 1 of them failing"
    opened.page.click("button[type=reset]")
    opened.wait_for_rows(9)


def test_an_address_restores_filter_and_opened_case(visit: Any):
    opened = visit("#view=cases&system=plain&open=tour&of=plain")
    assert opened.rows() == 4
    detail = opened.page.locator(".detail")
    assert detail.count() == 1
    assert "What does the tour cost?" in detail.inner_text()


def test_an_opened_case_shows_its_chain_of_evidence_as_text(visit: Any):
    opened = visit("#view=cases&outcome=fail")
    opened.page.get_by_role("button", name="What does membership cost").first.click()
    detail = opened.page.locator(".detail")
    for heading in ("Chain of evidence", "Question", "Answer", "Expected", "Retrieved: 2, 1 gold"):
        assert heading in detail.inner_text()
    assert detail.locator(".chain li").count() >= 1
    assert "<script>" in detail.inner_text()
    assert detail.locator("script, img").count() == 0
    assert opened.logged == []


def test_a_cause_opens_exactly_its_cases(visit: Any):
    opened = visit()
    found = hostile_run().diagnosis()["systems"][SYSTEM]["causes"]
    cause, counts = next(iter(found.items()))
    opened.page.locator(f".card a[href*='cause={cause}']").first.click()
    opened.wait_for_rows(counts["cases"])


def test_rows_work_by_keyboard(visit: Any):
    opened = visit()
    opened.page.locator("#rows .row").first.focus()
    opened.page.keyboard.press("ArrowDown")
    opened.page.keyboard.press("Enter")
    assert opened.page.locator("#rows li:nth-child(2) .detail").count() == 1


def test_a_metric_explains_itself_on_focus_and_lets_go_on_escape(visit: Any):
    opened = visit()
    opened.page.locator("button.metric").first.focus()
    card = opened.page.locator(".definition").first
    assert card.is_visible()
    opened.page.keyboard.press("Escape")
    assert not card.is_visible()


def test_tabs_move_by_arrow_keys(visit: Any):
    opened = visit()
    opened.page.locator("[role=tab][aria-selected=true]").focus()
    opened.page.keyboard.press("ArrowRight")
    assert opened.page.locator("[role=tab][aria-selected=true]").inner_text() == "Side by side"
    assert opened.page.locator(".panel:visible").count() == 2


@pytest.mark.parametrize("width", [360, 768, 2000])
def test_no_width_scrolls_sideways(visit: Any, width: int):
    opened = visit("#view=cases&open=tour&of=plain", viewport={"width": width, "height": 800})
    opened.page.locator("#rows .row").first.click()
    assert opened.page.evaluate("document.documentElement.scrollWidth") == width


def test_dark_mode_has_a_dark_ground(visit: Any):
    ground = "getComputedStyle(document.body).backgroundColor"
    dark, light = visit(color_scheme="dark"), visit(color_scheme="light")
    assert dark.page.evaluate(ground) == "rgb(17, 22, 27)"
    assert light.page.evaluate(ground) == "rgb(255, 255, 255)"


def test_print_shows_every_system(visit: Any):
    opened = visit()
    opened.page.emulate_media(media="print")
    assert opened.page.locator(".panel:visible").count() == 2


def test_without_scripts_the_answer_is_all_there(browser: Any, report: Path):
    context = browser.new_context(java_script_enabled=False, offline=True)
    page = context.new_page()
    page.goto(report.as_uri())
    assert page.locator(".panel:visible").count() == 2
    assert "The case browser needs JavaScript" in page.inner_text("noscript")
    assert len(CASES) == 5
    context.close()
