"""The Markdown report stays inert and short, and numbers read alike everywhere."""

from __future__ import annotations

import re
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pages_example import HIDDEN, hostile_run

from evalkit.pages import markdown
from evalkit.pages.wording import (
    count,
    md,
    number,
    percent,
    percent_bounds,
    points,
    seconds,
    shortened,
    visible,
)

NBSP = "\N{NO-BREAK SPACE}"


@cache
def told() -> str:
    run = hostile_run()
    return markdown(run, run.summary(), run.diagnosis())


def test_markdown_is_short():
    assert told().count("\n") < 320


def test_a_comment_shows_at_most_forty_lines_unfolded():
    shown, _, folded = told().partition("<details>")
    assert shown.count("\n") <= 40
    assert folded.rstrip().endswith("</details>")
    assert (
        len(
            re.findall(
                r"^- \*\*.*\*\* \(", shown.partition("## Cases worth a look")[2], re.MULTILINE
            )
        )
        <= 5
    )


def test_markdown_holds_no_markup_of_a_model():
    assert "<script" not in told()
    assert not re.search(r"(?<!\\)\]\(", told())
    assert "@somebody" not in told()


def test_markdown_tables_keep_their_columns():
    width = 0
    for line in told().splitlines():
        cells = len(re.findall(r"(?<!\\)\|", line))
        if line.startswith("|"):
            assert width in (0, cells), line
        width = cells if line.startswith("|") else 0


def test_markdown_shows_every_system_and_a_chain_of_evidence():
    for name in hostile_run().systems:
        assert str(md(name)) in told()
    assert "## Cases worth a look" in told()


@settings(max_examples=50, deadline=None)
@given(st.text())
def test_escaped_text_is_one_inert_line(text: str):
    safe = str(md(text))
    assert "\n" not in safe
    assert "<" not in safe
    assert not re.search(r"(?<!\\)(?:\\\\)*[|`*_\[\]]", re.sub(r"\\[\\|`*_\[\]~$#!/.]", "", safe))


@settings(max_examples=50, deadline=None)
@given(st.text(st.characters()))
def test_visible_text_can_be_written_and_hides_nothing(text: str):
    shown = visible(text)
    shown.encode()
    assert not HIDDEN.search(shown)


# --- numbers ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("share", "said"),
    [(0, "0 %"), (0.004, "< 1 %"), (0.256, "26 %"), (0.999, "> 99 %"), (1, "100 %"), (None, "n/a")],
)
def test_a_share_is_never_rounded_to_none_or_all(share: float | None, said: str):
    assert percent(share).replace(NBSP, " ") == said


def test_numbers_read_alike_everywhere():
    assert percent_bounds({"low": 0.2, "high": 0.314}).replace(NBSP, " ") == "[20, 31]"
    assert percent_bounds(None) == ""
    assert number(0.12345) == "0.123"
    assert number(1.0833, "rank") == "1.08"
    assert number(1234.5, "tokens") == "1,234"
    assert seconds(0.0123).replace(NBSP, " ") == "12 ms"
    assert seconds(2.34).replace(NBSP, " ") == "2.3 s"
    assert count(1, "case").replace(NBSP, " ") == "1 case"
    assert points(0.104).replace(NBSP, " ") == "10 points"
    assert shortened("abcdef", 3) == "abc … (3 more characters)"


def test_markdown_names_hidden_characters():
    assert not HIDDEN.search(told())
    assert "‹U+202E›" in told()
