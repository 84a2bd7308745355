"""The learned probability that an answer is grounded, and the comparison of two answers: bounds, order, languages."""

from __future__ import annotations

from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalkit.judges.model import grounded_probability
from evalkit.judges.preference import precision, preference, quality

PASSAGES = (
    "The ferry to the island leaves at 9:30 every day. A ticket costs 12 euros for adults.",
    "Dogs are not allowed on board. Bicycles travel for free from Monday to Friday.",
    "The lighthouse was built in 1874 by Ada Brandt and is open in summer.",
)
ANSWERS = (
    "A ticket for adults costs 12 euros, and the ferry leaves at 9:30.",
    "Bicycles travel for free at weekends.",
    "The lighthouse was built by Karl Lund in 1902. Dogs are welcome everywhere.",
    "The captain collects antique violins from Cremona.",
)


def probability(answer: str, *passages: str, query: str = "") -> float:
    value = grounded_probability(answer, passages, query)
    assert value is not None
    return value


@settings(max_examples=50, deadline=None)
@given(st.text(max_size=120), st.lists(st.text(max_size=120), max_size=3), st.text(max_size=40))
def test_it_is_a_probability_of_any_text(answer: str, passages: list[str], query: str) -> None:
    value = grounded_probability(answer, tuple(passages), query)
    assert value is None or 0 <= value <= 1


@pytest.mark.parametrize("answer", ["", "  \n", "?!", "Hello!", "I do not know."])
def test_an_answer_without_a_claim_has_none(answer: str) -> None:
    assert grounded_probability(answer, PASSAGES) is None


@pytest.mark.parametrize("answer", ANSWERS)
def test_passages_that_say_the_same_never_lower_it(answer: str) -> None:
    before = probability(answer, *PASSAGES)
    after = probability(answer, *PASSAGES, answer)
    assert after >= before
    assert after >= 0.9


@pytest.mark.parametrize("answer", ANSWERS)
def test_the_order_of_the_passages_does_not_matter(answer: str) -> None:
    found = {round(probability(answer, *order), 12) for order in permutations(PASSAGES)}
    assert len(found) == 1


def test_over_no_passage_next_to_nothing_is_grounded() -> None:
    assert probability(ANSWERS[0]) < 0.05


def test_each_fault_lowers_it() -> None:
    right = probability("A ticket costs 12 euros. Dogs are not allowed on board.", *PASSAGES)
    number = probability("A ticket costs 17 euros. Dogs are not allowed on board.", *PASSAGES)
    name = probability("A ticket from Norlink costs 12 euros. Dogs are not allowed.", *PASSAGES)
    foreign = probability("A ticket costs 12 euros. The crew sings old songs.", *PASSAGES)
    silent = probability(
        "A ticket costs 12 euros. Dogs are not allowed on board. "
        "The documents do not mention the name of the captain.",
        *PASSAGES,
    )
    assert max(number, name, foreign, silent) < right


@pytest.mark.parametrize(
    ("passage", "right", "wrong"),
    [
        (
            "Die Mitgliedschaft kostet 40 Euro im Jahr und endet im Dezember.",
            "Die Mitgliedschaft kostet 40 Euro im Jahr.",
            "Der Garten öffnet sonntags für Besucher aus Bremen.",
        ),
        (
            "Phí thành viên là 40 euro mỗi năm.",
            "Phí thành viên là 40 euro mỗi năm.",
            "Vườn mở cửa vào chủ nhật cho khách từ Huế.",
        ),
        ("会費は年間40ユーロです。", "会費は年間40ユーロです。", "庭園は日曜日に開きます。"),
        (
            "رسوم العضوية أربعون يورو في السنة.",
            "رسوم العضوية أربعون يورو.",
            "الحديقة مفتوحة للزوار يوم الأحد.",
        ),
    ],
)
def test_it_tells_right_from_wrong_in_other_languages(passage: str, right: str, wrong: str) -> None:
    assert probability(right, passage) > 0.8
    assert probability(wrong, passage) < 0.3


def test_a_number_of_thousands_of_digits_is_read() -> None:
    assert probability("The code is " + "7" * 5000 + ".", *PASSAGES) < 0.5


def test_what_is_said_besides_costs_precision() -> None:
    reference = "A ticket costs 12 euros."
    plain = "A ticket costs 12 euros."
    padded = plain + " The captain collects antique violins. The crew sings songs from Cremona."
    assert precision(plain, reference) > precision(padded, reference)
    assert quality(plain, [reference]) > quality(padded, [reference])


@settings(max_examples=30, deadline=None)
@given(
    st.sampled_from(ANSWERS), st.text(max_size=60), st.lists(st.sampled_from(PASSAGES), max_size=2)
)
def test_preference_is_bounded_and_turns_round(a: str, b: str, references: list[str]) -> None:
    value = preference(a, b, references)
    assert -1 <= value <= 1
    assert value == -preference(b, a, references)
    assert preference(a, a, references) == 0
