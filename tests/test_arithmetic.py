"""Numbers that follow from others need not stand in a text; factors say how many times as much."""

from __future__ import annotations

import pytest

from evalkit.judges.equivalence import equivalence
from evalkit.judges.multiples import multiples
from evalkit.text.arithmetic import follows_in
from evalkit.text.quantities import quantities


@pytest.mark.parametrize(
    ("statement", "text"),
    [
        ("22,500 euros", "The wage is 21,000 euros. It rises by 1,500 euros a year."),
        ("40 hours", "She works four shifts of ten hours a week."),
        ("90 euros", "The price is 100 euros, less a discount of 10 %."),
        ("12 kg", "Gross weight 30 kg, net weight 18 kg."),
    ],
)
def test_a_number_follows_from_two_that_stand_near(statement: str, text: str):
    assert follows_in(statement, text)


@pytest.mark.parametrize(
    ("statement", "text"),
    [
        ("22,500 euros", "The wage is 21,000 euros, with 1,500 parking places."),  # units differ
        ("23,500 euros", "The wage is 21,000 euros. It rises by 1,500 euros a year."),
        ("no number", "The wage is 21,000 euros. It rises by 1,500 euros a year."),
        (
            "22,500 euros",
            "It is 21,000 euros. It is paid monthly. Nothing else. Meals cost 1,500 euros.",
        ),
    ],
)
def test_any_other_number_does_not(statement: str, text: str):
    assert not follows_in(statement, text)


@pytest.mark.parametrize(
    ("text", "factors"),
    [
        ("double the usual rate", {2}),
        ("one and a half times the rate", {1.5}),
        ("1.5 times the rate", {1.5}),
        ("time and a half", {1.5}),
        ("das Doppelte des Lohns", {2}),
        ("gấp đôi mức lương", {2}),
        ("通常の2倍", {2}),
        ("three times a week", set()),
        ("a double room of 3 x 4 metres", set()),
    ],
)
def test_a_factor_is_read_in_words_and_in_figures(text: str, factors: set[float]):
    assert multiples(text) == factors


def test_another_factor_is_another_answer():
    query, wanted = "At what rate is overtime paid?", ("One and a half times the normal rate",)
    assert equivalence("Overtime is paid at double the normal rate.", wanted, query) < 0.5
    assert equivalence("At one and a half times the normal rate.", wanted, query) >= 0.5


def test_rather_than_denies_what_follows():
    query, wanted = "Is a licence required for it?", ("No, it is useful but not required",)
    assert equivalence("No. The licence is useful rather than required.", wanted, query) >= 0.5
    assert equivalence("The licence is required rather than useful.", wanted, query) < 0.5


def test_two_numbers_beside_each_other_are_not_added_up():
    assert quantities("between nine and eleven") == {"9", "11"}
    assert quantities("one hundred and twenty-three") == {"123"}
    assert quantities("£19.40 an hour") == {"19.4 GBP"}
