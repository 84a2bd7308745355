"""Texts compared by their words: what signs may differ, and what a sign changes."""

from __future__ import annotations

import pytest

from evalkit.text.similarity import contains, same_text


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("Take 2.5 mg.", "Take 25 mg."),
        ("The balance is -120.", "The balance is 120."),
        (">5 mm", "<5 mm"),
        ("1/2 cup", "12 cup"),
        ("12:30", "1230"),
        ("10.0.0.1", "10.0.01"),
        ("C++", "C"),
        ("A+", "A-"),
    ],
)
def test_texts_that_differ_in_a_figure_alone_are_not_the_same(a: str, b: str):
    assert not same_text(a, b)
    assert not contains(f"so: {b}", a)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("1,000 euros", "1000 euros"),
        ("covid-19", "Covid19"),
        ("call 555-1234", "call 5551234"),
        ("3.5 kg", "3.5 kg!"),
    ],
)
def test_separators_and_dashes_that_change_no_figure_do_not_tell_texts_apart(a: str, b: str):
    assert same_text(a, b)
    assert contains(f"so, {b}", a)
