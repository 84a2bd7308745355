"""axe-core finds nothing to object to in the pages, light and dark, narrow and wide, folded and unfolded."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from browsing import chromium
from pages_example import hostile_run

from evalkit.pages import html
from evalkit.pages.decision import decision_html

pytestmark = pytest.mark.browser
PLACES = (
    os.environ.get("EVALKIT_AXE", ""),
    "tests/.cache/axe.min.js",
    "node_modules/axe-core/axe.min.js",
)
OBJECTIONS = """async () => {
    document.querySelectorAll("details").forEach((d) => { d.open = true; });
    const found = await axe.run(document, { resultTypes: ["violations"] });
    return found.violations.map((v) => [v.impact, v.id, v.nodes.slice(0, 3).map((n) => n.html)]);
}"""


def axe() -> str:
    """The text of axe-core; the test is skipped where it is not at hand (``npm install axe-core``)."""
    root = Path(__file__).parent.parent
    for place in filter(None, PLACES):
        if (root / place).is_file():
            return (root / place).read_text(encoding="utf-8")
    pytest.skip(f"no axe.min.js in {', '.join(filter(None, PLACES))}: set EVALKIT_AXE to one")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as opened:
        yield opened


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    def made() -> dict[str, str]:
        run = hostile_run()
        report = html(run, run.summary(), run.diagnosis())
        return {"report": report, "decision": decision_html(run.decision())}

    with ThreadPoolExecutor(1) as aside:  # the browser's driver keeps an event loop in this thread
        texts = aside.submit(made).result()
    folder = tmp_path_factory.mktemp("axe")
    for name, text in texts.items():
        (folder / f"{name}.html").write_text(text, encoding="utf-8")
    return {name: folder / f"{name}.html" for name in texts}


@pytest.mark.parametrize("page", ["report", "decision"])
@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (1280, "dark"), (360, "light")])
def test_axe_has_no_objection(
    browser: Any, pages: dict[str, Path], page: str, width: int, scheme: str
):
    script = axe()
    size = {"width": width, "height": 900}
    context = browser.new_context(offline=True, viewport=size, color_scheme=scheme)
    opened = context.new_page()
    opened.goto(pages[page].as_uri())
    opened.wait_for_load_state()
    opened.evaluate(script)
    assert opened.evaluate(OBJECTIONS) == []
    context.close()
