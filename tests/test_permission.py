"""What is forbidden is not permitted, in whatever words and language; a bare yes or no is an answer."""

from __future__ import annotations

import pytest

from evalkit.judges.context import read
from evalkit.judges.coverage import coverage
from evalkit.judges.equivalence import equivalence
from evalkit.judges.polarity import polarity_differs
from evalkit.judges.support import assess
from evalkit.text.refusal import refusal_probability

ALIKE = [
    ("Bonfires are prohibited on the beach.", "Bonfires are not permitted on the beach."),
    ("Bonfires are banned.", "No bonfires are allowed here."),
    ("Bonfires are forbidden.", "You may not light bonfires."),
    ("Drones without a camera are permitted.", "Drones are allowed if they do not have a camera."),
    ("Zelten ist verboten.", "Zelten ist nicht erlaubt."),
    ("Zelten ist nicht gestattet.", "Zelten ist untersagt."),
    ("Les drones sont interdits.", "Les drones ne sont pas autorisés."),
    ("Está prohibido acampar.", "No está permitido acampar."),
    ("È vietato campeggiare.", "Non è permesso campeggiare."),
    ("飲食は禁止されています。", "飲食は許可されていません。"),
    ("禁止吸烟", "不允许吸烟"),
    ("Cấm câu cá.", "Không được câu cá."),
    ("التخييم ممنوع", "التخييم غير مسموح"),
]
OTHERWISE = [
    ("Bonfires are forbidden.", "Bonfires are permitted."),
    ("Bonfires are forbidden.", "Bonfires are not forbidden."),
    ("Zelten ist verboten.", "Man darf hier zelten."),
    ("Les drones sont interdits.", "Les drones sont autorisés."),
    ("Está prohibido acampar.", "Está permitido acampar."),
    ("飲食は禁止されています。", "飲食は許可されています。"),
    ("Cấm câu cá.", "Được phép câu cá."),
    ("التخييم ممنوع", "التخييم مسموح"),
]


@pytest.mark.parametrize(("one", "other"), ALIKE)
def test_the_same_rule_in_other_words_is_no_contradiction(one: str, other: str):
    assert not polarity_differs(one, other)
    assert not polarity_differs(other, one)
    assert not assess(other, read((one,))).contradicted


@pytest.mark.parametrize(("one", "other"), OTHERWISE)
def test_what_is_forbidden_is_not_permitted(one: str, other: str):
    assert polarity_differs(one, other)
    assert polarity_differs(other, one)


def test_a_clause_on_something_else_does_not_count():
    rule = "managers cannot approve their own hours"
    text = (
        "No, managers cannot approve their own hours; an admin can allow an exception for managers."
    )
    assert not polarity_differs(rule, text)


@pytest.mark.parametrize(
    ("query", "reference", "answer", "right"),
    [
        ("May I camp here?", "No, camping is prohibited in the dunes.", "No.", True),
        ("May I camp here?", "No, camping is prohibited in the dunes.", "Yes.", False),
        ("May I camp here?", "Camping is prohibited.", "No", True),
        ("Is camping prohibited?", "Camping is prohibited.", "No", False),
        ("Darf man hier zelten?", "Zelten ist verboten.", "Nein.", True),
        ("ここで食べられますか。", "いいえ、飲食禁止です。", "いいえ。", True),
        ("May I camp here?", "No, camping is prohibited.", "Camping isn't permitted.", True),
        ("How old must I be?", "16 or older", "No.", False),
    ],
)
def test_a_bare_yes_or_no_answers_a_question_about_permission(
    query: str, reference: str, answer: str, right: bool
):
    assert (equivalence(answer, [reference], query) >= 0.5) is right


@pytest.mark.parametrize("text", ["Lanterns aren't permitted.", "Skateboards are not permitted."])
def test_a_prohibition_is_no_refusal(text: str):
    assert refusal_probability(text) < 0.5


def test_not_being_permitted_to_answer_is_one():
    assert refusal_probability("I'm not permitted to answer that.") >= 0.5


@pytest.mark.parametrize(
    ("point", "answer", "query", "covered"),
    [
        ("a day pass costs 23 euros", "€23", "What does a day pass cost?", True),
        ("a day pass costs 23 euros", "€24", "What does a day pass cost?", False),
        ("within 21 days", "Three weeks, with the label on.", "Within how many days?", True),
        ("it opened on 3 June 1962", "03.06.1962", "When did the hall open?", True),
        ("入館料は800円", "800円です。", "入館料はいくらですか。", True),
        ("Vé ngày giá 90.000 đồng", "90.000 đồng", "Vé ngày giá bao nhiêu?", True),
        ("Ida Holm got 300 euros", "Per Lund got 300 euros", "Who got how much?", False),
        ("the fee doubles after 3 days", "3 days", "What happens when I am late?", False),
    ],
)
def test_a_point_that_is_a_value_is_covered_by_an_equal_value(
    point: str, answer: str, query: str, covered: bool
):
    assert (coverage(point, answer, query) >= 0.5) is covered
