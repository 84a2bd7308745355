"""What a notebook shows of a run, a diagnosis, a comparison and a decision: small, inert, and legible on any ground."""

from __future__ import annotations

import importlib.util
from functools import cache
from html.parser import HTMLParser
from typing import Any

import pytest
from pages_example import HIDDEN, SCRIPT, SYSTEM, hostile_run

from evalkit.compare import compare

VOID = {"br", "hr", "img", "input", "meta"}
ALLOWED = {"div", "span", "table", "thead", "tbody", "tr", "th", "td", "ul", "li"}


class Reader(HTMLParser):
    """The text, the elements and the attributes of a piece of HTML; ``open`` is empty where every one is closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.attributes: set[str] = set()
        self.open: list[str] = []
        self.text = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)
        self.attributes |= {name for name, _ in attrs}
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


@cache
def shown() -> dict[str, Any]:
    run = hostile_run()
    return {
        "run": run,
        "diagnosis": run.systems[SYSTEM],
        "comparison": compare(run.suite, run.systems),
        "decision": run.decision(),
    }


@pytest.fixture(params=["run", "diagnosis", "comparison", "decision"])
def one(request: pytest.FixtureRequest) -> Any:
    return shown()[request.param]


def test_it_is_whole_html_of_plain_elements(one: Any):
    found = Reader(one._repr_html_())
    assert found.open == []
    assert found.names <= ALLOWED
    assert found.attributes <= {"style"}


def test_hostile_texts_stay_text(one: Any):
    html = one._repr_html_()
    assert "<script" not in html
    assert "onerror=" not in html or "&lt;img" in html
    assert not HIDDEN.search(html)


def test_a_hostile_name_is_readable():
    assert SYSTEM in Reader(shown()["run"]._repr_html_()).text
    assert SCRIPT in Reader(shown()["run"]._repr_html_()).text


def test_it_takes_the_colour_of_the_notebook(one: Any):
    html = one._repr_html_()
    assert "color:inherit" in html
    assert "#fff" not in html
    assert "#000" not in html


def test_every_rate_has_its_denominator():
    run = shown()["run"]
    text = Reader(run._repr_html_()).text.replace("\u00a0", " ")
    for found in run.systems.values():
        assert f"n = {found.pass_rate.n}" in text


def test_a_card_is_small(one: Any):
    assert len(one._repr_html_()) < 60_000


def test_the_plain_representation_stays():
    run = shown()["run"]
    assert repr(run).startswith("<evalkit.Run of ")
    assert isinstance(run.summary(), dict)


@pytest.mark.parametrize("name", ["diagnosis", "decision"])
def test_the_text_beside_the_card_is_short(name: str):
    class Printer:
        said = ""

        def text(self, more: str) -> None:
            self.said += more

    printer = Printer()
    shown()[name]._repr_pretty_(printer, False)
    assert 10 < len(printer.said) < 300


def test_a_notebook_displays_it(one: Any):
    if importlib.util.find_spec("IPython") is None:
        assert one._repr_html_() == type(one)._repr_html_(one)
        return
    from IPython.core.formatters import HTMLFormatter

    assert HTMLFormatter()(one) == one._repr_html_()
