"""The report in a real browser: offline, from a file, without an error, by mouse and by keyboard."""

from __future__ import annotations

import os
import shlex
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from pages_example import CASES, SCRIPT, SYSTEM, hostile_run, many_views

from evalkit.pages import case_pack, html
from evalkit.pages.case_cut import case_link
from evalkit.pages.case_legend import setting_of
from evalkit.pages.case_pages import case_page, in_parts, write_case_pages
from evalkit.pages.cases import run_views

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
MANY = 10_000


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


def aside(make: Any, *given: Any) -> Any:
    """The browser's driver keeps an event loop in this thread; what needs one of its own runs beside it."""
    with ThreadPoolExecutor(1) as threads:
        return threads.submit(make, *given).result()


@pytest.fixture(scope="module", params=["plain", "packed"])
def report(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = aside(hostile_run)
    path = tmp_path_factory.mktemp("report") / "report.html"
    with pytest.MonkeyPatch.context() as patch:
        if request.param == "packed":
            patch.setattr(case_pack, "PLAIN", 10)
            patch.setattr(case_pack, "BLOCK", 10)
        path.write_text(html(run, run.summary(), run.diagnosis()), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("large") / "report.html"
    setting, views = many_views(MANY)
    path.write_text(case_page(views, setting), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def paged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run whose cases lie on pages of their own, beside the report."""
    run = aside(hostile_run)
    folder = tmp_path_factory.mktemp("paged")
    setting, diagnosis = setting_of(run), run.diagnosis()
    index = write_case_pages(folder, in_parts(run_views(run, diagnosis, setting), 2), setting)
    page = html(run, run.summary(), diagnosis, pages=index)
    (folder / "report.html").write_text(page, encoding="utf-8")
    return folder / "report.html"


class Visit:
    """A page opened from its file, with what it logged and asked for."""

    def __init__(self, browser: Any, path: Path, hash: str = "", **context: Any) -> None:  # noqa: A002
        self.context = browser.new_context(offline=True, **context)
        self.page = self.context.new_page()
        self.logged: list[str] = []
        self.requests: list[str] = []
        self.page.on("console", lambda message: self.logged.append(message.text))
        self.page.on("pageerror", lambda error: self.logged.append(str(error)))
        self.page.on("dialog", lambda dialog: (self.logged.append("dialog"), dialog.dismiss()))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.goto(path.as_uri() + hash)
        self.page.wait_for_selector("body[data-ready]", state="attached")
        if hash.startswith("#case="):
            self.page.wait_for_selector("#case-page .case")

    def go(self, hash: str) -> None:  # noqa: A002
        self.page.evaluate("hash => { location.hash = hash; }", hash)

    @property
    def hash(self) -> str:
        found: str = self.page.evaluate("location.hash")
        return found

    @property
    def rows(self) -> Any:
        return self.page.locator("#rows .case-row")

    def wait(self, condition: str) -> None:
        self.page.wait_for_function(f"() => {condition}")  # the policy allows no text as code

    def wait_for_rows(self, n: int) -> None:
        from playwright.sync_api import expect

        expect(self.rows).to_have_count(n)

    def count(self) -> str:
        found: str = self.page.inner_text("#count")
        return found

    def keep(self, name: str, *, whole: bool = True) -> None:
        """A screenshot for whoever looks at the results, where a folder for them is given."""
        if folder := os.environ.get("EVALKIT_SCREENSHOTS"):
            Path(folder).mkdir(parents=True, exist_ok=True)
            self.page.screenshot(path=Path(folder) / f"{name}.png", full_page=whole)


@pytest.fixture
def opening(browser: Any) -> Iterator[Any]:
    opened: list[Visit] = []

    def go(path: Path, hash: str = "", **context: Any) -> Visit:  # noqa: A002
        opened.append(Visit(browser, path, hash, **context))
        return opened[-1]

    yield go
    for one in opened:
        one.context.close()


@pytest.fixture
def visit(opening: Any, report: Path) -> Any:
    return lambda hash="", **context: opening(report, hash, **context)  # noqa: A006


# --- the report as a whole -----------------------------------------------------------------------


def test_it_opens_without_an_error_or_a_request(visit: Any, report: Path):
    opened = visit()
    assert opened.logged == []
    assert opened.requests == [report.as_uri()]
    assert "owned" not in opened.page.title()
    opened.keep("overview")


def test_a_metric_explains_itself_on_focus_and_lets_go_on_escape(visit: Any):
    opened = visit("#metrics")
    opened.page.locator("button.metric").first.focus()
    card = opened.page.locator(".definition").first
    assert card.is_visible()
    opened.page.keyboard.press("Escape")
    assert not card.is_visible()


def test_tabs_move_by_arrow_keys(visit: Any):
    opened = visit()
    opened.page.locator("[role=tab][aria-selected=true]").focus()
    opened.page.keyboard.press("ArrowLeft")
    assert opened.page.locator("[role=tab][aria-selected=true]").inner_text() == "Side by side"
    assert opened.page.locator(".panel:visible").count() == 2


@pytest.mark.parametrize("width", [360, 768, 2000])
@pytest.mark.parametrize("hash", ["", "#cases", case_link("tour", "plain"), case_link(CASES[0].id)])
def test_no_width_scrolls_sideways(visit: Any, width: int, hash: str):  # noqa: A002
    opened = visit(hash, viewport={"width": width, "height": 800})
    assert opened.page.evaluate("document.documentElement.scrollWidth") == width
    opened.keep(f"{width}-{hash[:6].strip('#') or 'overview'}")


def test_a_narrow_screen_folds_what_follows_the_systems(visit: Any):
    wide, narrow = (visit(viewport={"width": width, "height": 800}) for width in (1280, 360))
    opened = "document.querySelector('#symptoms article').checkVisibility()"
    assert wide.page.evaluate(opened)
    assert not narrow.page.evaluate(opened)
    assert narrow.page.locator("#answer").is_visible()
    assert narrow.page.locator("#symptoms h2").inner_text() == "Six symptoms"
    narrow.page.click(".top nav a[href='#symptoms']")
    narrow.wait(opened)
    unfolded = "document.querySelectorAll('main details').forEach((d) => { d.open = true; })"
    narrow.page.evaluate(unfolded)
    assert narrow.page.evaluate("document.documentElement.scrollWidth") == 360
    assert not narrow.logged


def test_dark_mode_has_a_dark_ground(visit: Any):
    ground = "getComputedStyle(document.body).backgroundColor"
    dark, light = visit(color_scheme="dark"), visit(color_scheme="light")
    assert dark.page.evaluate(ground) == "rgb(17, 22, 27)"
    assert light.page.evaluate(ground) == "rgb(255, 255, 255)"


def test_print_shows_every_system_and_no_browser(visit: Any):
    opened = visit()
    opened.page.emulate_media(media="print")
    assert opened.page.locator(".panel:visible").count() == 2
    assert not opened.page.locator("#case-list").is_visible()


def test_without_scripts_the_answer_is_all_there(browser: Any, report: Path):
    context = browser.new_context(java_script_enabled=False, offline=True)
    page = context.new_page()
    page.goto(report.as_uri())
    assert page.locator(".panel:visible").count() == 2
    assert "The case browser needs JavaScript" in page.inner_text("noscript")
    context.close()


# --- the list --------------------------------------------------------------------------------------


def test_filters_narrow_the_list_and_stand_in_the_address(visit: Any):
    opened = visit("#cases")
    assert opened.rows.count() == 9
    opened.page.check("#filters input[value=fail]")
    opened.page.fill("input[name=q]", "friday")
    opened.wait_for_rows(1)
    assert opened.hash == "#cases?q=friday&status=fail"
    assert opened.count() == "1 of 9 answers, 1 failing"
    opened.go("#cases")
    opened.wait_for_rows(9)
    opened.keep("list")


def test_every_filter_says_how_many_answers_it_would_leave(visit: Any):
    opened = visit("#cases?system=plain")
    told = opened.page.locator("#filters fieldset").first.inner_text()
    assert [int(n) for n in told.split() if n.isdigit()] == [2, 0, 2]  # fails, error, passes
    assert "4" in opened.page.locator("#filters label", has_text="plain").inner_text()
    assert "5" in opened.page.locator("#filters label", has_text="rag").inner_text()


def test_failing_and_proven_are_statuses_of_an_address(visit: Any):
    assert visit("#cases?status=failing").rows.count() == 6
    proven = visit("#cases?status=proven").rows.count()
    assert 0 < proven < 6
    assert visit("#view=cases&system=plain&outcome=failing").rows.count() == 2


def test_the_search_reads_answers(visit: Any):
    opened = visit("#cases?q=BOARD%20raised")  # of an answer: the index does not hold it
    opened.wait("document.getElementById('count').textContent.startsWith('1 of')")
    assert opened.rows.count() == 1


def test_the_search_knows_no_case_in_any_script(opening: Any, large: Path):
    opened = opening(large, "#cases")
    for words, n in (
        ("HAUPTSTRASSE", 2_000),
        ("ωδόσ", 2_000),
        ("千代田", 2_000),
        ("trần phú", 2_000),
        ("tran phu", 2_000),
        ("DUONG", 2_000),
        ("reply sorry", 0),
        ('"reply number 17."', 1),
    ):
        opened.go(f"#cases?q={quote(words)}")
        told = f"{n:,} of 10,000 answers, "
        opened.wait(f"document.getElementById('count').textContent.startsWith('{told}')")
        opened.wait("!document.getElementById('count').textContent.includes('reading')")
        assert opened.count().startswith(told)


def test_back_undoes_a_filter_and_returns_from_a_case_to_its_place(opening: Any, large: Path):
    opened = opening(large, "#cases")
    opened.page.check("#filters input[value=ranking_low]")
    opened.wait("location.hash === '#cases?cause=ranking_low'")
    opened.page.evaluate("scrollTo(0, 40000)")
    opened.page.wait_for_timeout(100)
    before = opened.page.evaluate("scrollY")
    row = opened.rows.nth(opened.rows.count() // 2)
    name = row.locator(".row-where bdi").first.inner_text()
    row.click()
    opened.page.wait_for_selector("#case-page .case")
    assert name in opened.hash
    opened.page.go_back()
    opened.wait("document.body.dataset.view === 'cases'")
    opened.wait(f"Math.abs(scrollY - {before}) < 300")
    assert opened.page.evaluate("document.activeElement.textContent").count(name) == 1
    opened.page.go_back()
    opened.wait("location.hash === '#cases'")
    assert opened.count() == "10,000 of 10,000 answers, 7,500 failing"
    assert opened.logged == []


def test_ten_thousand_rows_are_built_only_in_sight(opening: Any, large: Path):
    opened = opening(large, "#cases?sort=id")
    assert opened.rows.count() < 60
    assert opened.page.locator("#rows li").first.get_attribute("aria-setsize") == str(MANY)
    opened.page.evaluate("document.querySelector('#rows').scrollIntoView({block: 'end'})")
    opened.wait("document.querySelector('#rows').textContent.includes('c09999')")
    assert opened.rows.count() < 60
    filters = opened.page.locator("#filters fieldset").first.bounding_box()
    assert 0 < filters["y"] < 300  # still in sight
    opened.keep("list-of-ten-thousand", whole=False)


def test_the_list_works_by_keyboard(opening: Any, large: Path):
    opened = opening(large, "#cases?sort=suite")
    keyboard = opened.page.keyboard
    for key in ("j", "j", "k", "j"):
        keyboard.press(key)
    assert "c00001" in opened.page.evaluate("document.activeElement.textContent")
    for _ in range(30):
        keyboard.press("j")
    assert "c00031" in opened.page.evaluate("document.activeElement.textContent")
    keyboard.press("Enter")
    opened.page.wait_for_selector("#case-page .case")
    assert "c00031" in opened.hash
    keyboard.press("j")
    opened.wait("location.hash.includes('c00032')")
    keyboard.press("Escape")
    opened.wait("document.body.dataset.view === 'cases'")
    assert opened.hash == "#cases?sort=suite"
    keyboard.press("/")
    opened.wait("document.activeElement.name === 'q'")
    keyboard.type('"number 4."')
    opened.wait_for_rows(1)
    assert opened.logged == []


def test_a_cause_of_the_overview_opens_exactly_its_cases(visit: Any):
    opened = visit()
    found = aside(hostile_run).diagnosis()["systems"][SYSTEM]["causes"]
    cause, counts = next(iter(found.items()))
    opened.page.locator(f"main a[href*='cause={cause}']:visible").first.click()
    opened.wait_for_rows(counts["cases"])


def test_the_overview_comes_back_at_its_anchor(visit: Any):
    opened = visit(case_link("tour", "plain"))
    assert not opened.page.locator("#metrics").is_visible()
    opened.page.click(".top nav a[href='#metrics']")
    opened.wait("document.body.dataset.view === 'overview'")
    opened.wait(
        "Math.abs(document.getElementById('metrics').getBoundingClientRect().top) < innerHeight / 2"
    )
    assert opened.page.locator(".top nav a[aria-current]").count() == 1


# --- a case ---------------------------------------------------------------------------------------


def test_a_case_tells_its_whole_story_as_text(visit: Any):
    opened = visit(case_link(CASES[0].id, SYSTEM))
    said = opened.page.inner_text("#case-page")
    for heading in (
        "Why it fails",
        "Answer (repeat 1)",
        "Expected",
        "Passages",
        "All systems on this case",
        "Repeats",
        "Ask it again",
    ):
        assert heading in said
    assert "Gold at rank 1 of 2 retrieved" in said
    assert opened.page.locator(".chain li").count() >= 2
    assert SCRIPT in said
    assert opened.page.locator("#case-page").locator("script, img").count() == 0
    assert opened.logged == []
    opened.keep("case")


def test_hidden_characters_of_a_case_are_shown_by_name(visit: Any):
    opened = visit(case_link("rehearsal", SYSTEM))
    said = opened.page.inner_text("#case-page")
    assert "‹U+202E›" in said
    assert "‹U+DC80›" in said
    assert "\u202e" not in said


def test_a_statement_lights_its_passage(visit: Any):
    opened = visit(case_link(CASES[0].id, SYSTEM))
    claim = opened.page.locator(".claim.contradicted[tabindex]")
    assert claim.inner_text().startswith("The annual fee is 99 euros.")
    claim.focus()
    lit = opened.page.locator(".passage.lit")
    assert lit.count() == 1
    assert lit.locator("mark.lit").inner_text() == "The annual fee is 84 euros."
    opened.page.keyboard.press("Tab")
    assert opened.page.locator(".passage mark.evidence").count() >= 1


@pytest.mark.parametrize(
    ("held", "typed"),
    [
        ("Das Café hat Mängel", "hat mangel"),
        ("Das Café hat Mängel", "CAFE"),
        ("Crème brûlée", "CREME BRULEE"),
        ("Cafe\u0301", "café"),  # the accent as a character of its own
        ("Đà Nẵng", "da nang"),
        ("Άλφα", "αλφα"),
        ("ﬁle_name ＡＢＣ", "FILE NAME abc"),
    ],
)
def test_the_search_looks_through_accents(visit: Any, held: str, typed: str):
    fold = "([held, typed]) => searchable(held).includes(searchable(typed))"
    assert visit().page.evaluate(fold, [held, typed])


@pytest.mark.parametrize(("held", "typed"), [("ガス", "カス"), ("한글", "하"), ("हिन्दी", "हन्द")])
def test_the_search_keeps_the_marks_that_make_another_letter(visit: Any, held: str, typed: str):
    fold = "([held, typed]) => searchable(held).includes(searchable(typed))"
    assert not visit().page.evaluate(fold, [held, typed])


def test_what_differs_between_answers_is_marked_by_word(visit: Any):
    parts = "parts => parts.map(([kind, text]) => kind + ':' + text).join('|')"
    opened = visit("#cases")
    differ = f"([a, b]) => ({parts})(differences(a, b) || [['apart', '']])"
    found = opened.page.evaluate(differ, ["It is 84 euros a year.", "It is 99 euros a year."])
    assert found == "same:It is |gone:84|new:99|same: euros a year."
    found = opened.page.evaluate(differ, ["請求書は八月に届きます", "請求書は九月に届きます"])
    assert found == "same:請求書は|gone:八|new:九|same:月に届きます"
    assert opened.page.evaluate(differ, ["Nothing here.", "Other words entirely!"]) == "apart:"
    opened.go(case_link("tour", SYSTEM))
    opened.page.wait_for_selector(".beside-answers")
    assert opened.page.locator(".beside-answers li").count() == 3  # two systems and the reference


def test_the_command_of_a_case_reads_back_as_its_names(visit: Any):
    opened = visit(case_link(CASES[0].id, SYSTEM))
    command = opened.page.locator(".again pre").first.inner_text()
    words = shlex.split(command)
    assert words[:3] == ["evalkit", "run", "SUITE"]
    assert words[3:] == ["--case", CASES[0].id, "--system", SYSTEM]
    opened.page.locator(".again summary").click()
    case = opened.page.evaluate(
        "JSON.parse(document.querySelectorAll('.again pre')[1].textContent)"
    )
    assert case["id"] == CASES[0].id
    assert case["relevant"] == {"fees": 1}
    opened.page.locator(".again .copy").first.click()
    opened.page.get_by_role("button", name="Copied").wait_for()


def test_systems_and_neighbours_are_links(visit: Any):
    opened = visit(case_link("tour", "plain"))
    opened.page.locator(".systems-bar a", has_text="rag").click()
    opened.wait("location.hash.includes('rag')")
    opened.page.wait_for_selector(".systems-bar [aria-current] >> text=rag")
    opened.page.locator(".step:not([aria-disabled])").first.click()
    opened.wait("!location.hash.includes('=tour')")
    assert opened.logged == []


def test_a_case_that_is_not_there_says_so(visit: Any):
    opened = visit("#cases")
    opened.go("#case=%3Cb%3Enobody")
    opened.page.get_by_text("There is no case called <b>nobody here").wait_for()
    assert opened.logged == []


# --- a run on pages --------------------------------------------------------------------------------


def test_a_large_run_lists_its_pages_and_finds_a_case_on_them(opening: Any, paged: Path):
    opened = opening(paged, "#cases?status=failing")
    assert opened.page.locator("#rows li").count() == 3
    assert opened.count() == "6 of 9 answers (5 cases), on 3 pages"
    opened.page.locator("#rows a", has_text="Page 2").click()
    opened.wait("location.href.includes('cases/0002.html#cases?status=failing')")
    opened.page.wait_for_selector("#rows .case-row")
    assert {
        r.strip().split("\n")[0]
        for r in opened.page.locator(".row-where bdi:first-child").all_inner_texts()
    } <= {"tour", "secret"}
    again = opening(paged, "#cases")
    again.go(case_link("broken", SYSTEM))
    again.wait("location.href.includes('cases/0003.html')")
    again.page.wait_for_selector("#case-page .case")
    assert "What breaks?" in again.page.inner_text("#case-page")
    assert opened.logged == again.logged == []
    assert {one.partition("#")[0].rsplit("/", 1)[-1] for one in opened.requests} == {
        "report.html",
        "0002.html",
    }
