"""Metrics of answers, behaviour, citations and cost: known answers, ranges, languages."""

from __future__ import annotations

import copy
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalkit.metrics import answer, behaviour, citations, cost
from evalkit.records import (
    Claim,
    Criterion,
    Evidence,
    Expected,
    KeyPoint,
    Metric,
    Passage,
    Seconds,
    Usage,
)

ANY = settings(max_examples=50, deadline=None)
METRICS = {metric.name: metric for metric in (*answer.METRICS, *cost.METRICS)}


def judged(**fields: object) -> Evidence:
    return Evidence(judge="test", **fields)  # type: ignore[arg-type]


def claim(supported: bool | None) -> Claim:
    return Claim("text", 0, 4, supported)


def test_names_are_unique_and_outcomes_are_those_that_say_right_or_wrong() -> None:
    assert len(METRICS) == len(answer.METRICS) + len(cost.METRICS)
    assert {name for name, metric in METRICS.items() if metric.outcome} == {
        "exact", "token_f1", "containment", "numbers", "equivalence", "key_points", "behaviour", "criteria", "action",
    }  # fmt: skip


@pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS)
def test_every_card_says_when_the_metric_is_undefined(metric: Metric) -> None:
    assert len(metric.card) > 40
    assert metric.name == "action" or "ndefined" in metric.card


def test_exact_ignores_case_articles_and_punctuation_and_takes_any_reference() -> None:
    assert answer.exact("The Eiffel Tower!", ("London", "eiffel tower")) == 1
    assert answer.exact("東京。", ("東京",)) == 1
    assert answer.exact("Paris, France", ("Paris",)) == 0
    assert answer.exact("Paris", ()) is None


def test_token_f1_takes_the_best_reference() -> None:
    assert answer.token_f1("red car", ("blue bike", "red bike")) == pytest.approx(0.5)


def test_containment_matches_plurals() -> None:
    assert answer.containment("Two red cars were sold.", ("red car",)) == 1


@pytest.mark.parametrize(
    ("response", "reference", "expected"),
    [
        ("It costs 1.234,50 € since 5 March 2024.", "$1 or 1,234.50 EUR on 2024-03-05", 2 / 3),
        ("人口は1,400万人です。", "14 million", 1.0),
        ("Nothing here.", "7 days", 0.0),
        ("7 days", "a week", None),
    ],
)
def test_numbers_are_compared_by_value(
    response: str, reference: str, expected: float | None
) -> None:
    assert answer.numbers(response, (reference,)) == (
        None if expected is None else pytest.approx(expected)
    )


def test_a_reference_with_numbers_counts_even_beside_one_without() -> None:
    assert answer.numbers("7 days", ("a week", "7 days")) == 1


def test_equivalence_is_what_the_judge_says() -> None:
    assert answer.equivalence(judged(correct=0.7), ("x",)) == 0.7
    assert answer.equivalence(judged(), ("x",)) is None


def test_key_points_need_a_verdict_on_each() -> None:
    points = (KeyPoint("a"), KeyPoint("b"))
    assert answer.key_points(points, judged(covered=(0.5, 0.49))) == 0.5
    assert answer.key_points(points, judged(covered=(0.9, None))) is None
    assert answer.key_points(points, judged()) is None
    assert answer.key_points((), judged(covered=())) is None


def test_groundedness_is_over_decidable_claims() -> None:
    evidence = judged(claims=(claim(True), claim(False), claim(None), claim(True)))
    assert answer.groundedness(evidence, ()) == pytest.approx(2 / 3)
    assert answer.groundedness(judged(claims=()), ()) is None
    assert answer.groundedness(judged(claims=(claim(None),)), ()) is None
    assert answer.groundedness(judged(), ()) is None


@pytest.mark.parametrize(
    ("expected", "response", "refused", "claims", "value"),
    [
        (Expected.ANSWER, "It is red.", 0.1, (claim(True),), 1),
        (Expected.ANSWER, "I cannot say.", 0.9, (), 0),
        (Expected.ANSWER, "Which one do you mean?", 0.1, (), 0),
        (Expected.REFUSE, "I cannot say.", 0.9, (), 1),
        (Expected.REFUSE, "It is red.", 0.1, (claim(True),), 0),
        (Expected.CLARIFY, "Which one do you mean?", 0.1, (), 1),
        (Expected.CLARIFY, "It is red.", 0.1, (claim(True),), 0),
        (
            Expected.PARTIAL,
            "It is red. The text does not mention its size.",
            0.1,
            (claim(True),),
            1,
        ),
        (Expected.PARTIAL, "It is red.", 0.1, (claim(True),), 0),
        (Expected.PARTIAL, "The text does not mention its size.", 0.97, (), 0),
        (Expected.CORRECT_PREMISE, "Actually, it was never sold.", 0.1, (claim(True),), 1),
        (Expected.CORRECT_PREMISE, "It was sold in May.", 0.1, (claim(True),), 0),
        (Expected.CORRECT_PREMISE, "I do not know.", 0.97, (), 0),
    ],
)
def test_behaviour(
    expected: Expected, response: str, refused: float, claims: tuple[Claim, ...], value: float
) -> None:
    evidence = judged(refused=refused, claims=claims)
    assert behaviour.behaviour(expected, response, evidence) == value


def test_behaviour_and_refused_are_undefined_when_the_judge_cannot_tell() -> None:
    assert behaviour.behaviour(Expected.ANSWER, "x", judged()) is None
    assert behaviour.refused("x", judged()) is None
    assert behaviour.refused("x", judged(refused=0.5)) == 1


def test_action_ignores_case_only() -> None:
    assert behaviour.action("tool:Search", " tool:search ") == 1
    assert behaviour.action("tool:search", "tool:searches") == 0


REVIEW = "Encryption at rest: met, AES is used.\nAccess reviews are not met.\nC3: n/a\n"


def test_criteria_need_their_verdict_beside_them() -> None:
    wanted = (
        Criterion("C1", "Data is encrypted", any_of=("encryption at rest",), verdict="met"),
        Criterion("C2", "Access reviews happen", any_of=("access reviews",), verdict="unmet"),
        Criterion("C3", "Physical security", verdict="n/a"),
        Criterion("C4", "Backups are tested every quarter"),
    )
    assert behaviour.criteria(wanted, REVIEW) == 0.75
    flipped = (Criterion("C2", "x", any_of=("access reviews",), verdict="met"),)
    assert behaviour.criteria(flipped, REVIEW) == 0
    assert behaviour.criteria((), REVIEW) is None


def test_a_criterion_is_addressed_by_most_of_its_words() -> None:
    backups = (Criterion("B", "Backups are tested every quarter"),)
    assert behaviour.criteria(backups, "We saw that every quarter all backups were tested.") == 1
    assert behaviour.criteria(backups, "There are backups.") == 0


@pytest.mark.parametrize(
    ("response", "verdict", "phrase"),
    [
        ("Verschlüsselung: nicht erfüllt.", "unmet", "Verschlüsselung"),
        ("Sao lưu: đạt.", "met", "sao lưu"),
        ("暗号化：満たしています。", "met", "暗号化"),
        ("暗号化：未達です。", "unmet", "暗号化"),
        ("التشفير: غير مستوف", "unmet", "التشفير"),
        ('{"encryption": "unmet", "backup": "met"}', "unmet", "encryption"),
        ('{"encryption": "unmet", "backup": "met"}', "met", "backup"),
    ],
)
def test_verdicts_in_other_languages_and_in_json(response: str, verdict: str, phrase: str) -> None:
    other = Criterion(
        "other", "other", any_of=("backup" if phrase == "encryption" else "encryption",)
    )
    wanted = Criterion("X", phrase, any_of=(phrase,), verdict=verdict)
    share = behaviour.criteria((wanted, other), response)
    assert share == (1.0 if "encryption" in response else 0.5)


CONTEXT = (Passage("d1", "d1#0"), Passage("d1", "d1#1"), Passage("d2"))


def test_citations_are_checked_against_context_and_gold() -> None:
    unknown = Evidence("j")
    assert citations.citation_precision(("d1#1", "d9"), CONTEXT, unknown) == 0.5
    assert citations.citation_precision((), CONTEXT, unknown) is None
    assert citations.citation_precision(("d1",), (), unknown) == 0
    idle = Evidence("j", cited=(True, False))
    assert citations.citation_precision(("d1", "d2"), CONTEXT, idle) == 0.5
    assert citations.citation_gold_precision(("d1#1", "d2"), CONTEXT, {"d1": 2, "d2": 0}) == 0.5
    assert citations.citation_recall({"d1": 1, "d2": 1, "d7": 1}, ("d1#0",), CONTEXT) == 0.5
    assert citations.citation_recall({"d7": 1}, ("d1",), CONTEXT) is None
    points = (KeyPoint("a", ("d1", "d2")), KeyPoint("b", ("d3",)), KeyPoint("c"))
    assert citations.citation_coverage(points, ("d2",)) == 0.5


def test_time_and_cost_are_unknown_rather_than_zero() -> None:
    assert METRICS["seconds_total"].compute(Seconds()) is None
    assert METRICS["seconds_retrieval"].compute(Seconds(retrieval=0.5)) == 0.5
    assert METRICS["prompt_tokens"].compute(Usage()) is None
    assert METRICS["cost"].compute(Usage(cost=0.0)) == 0
    assert all(not m.higher_is_better and math.isinf(m.high) for m in cost.METRICS)


TEXT = st.text(max_size=60)


@ANY
@given(TEXT, st.lists(TEXT, min_size=1, max_size=4))
def test_reference_metrics_are_bounded_and_ignore_the_order_of_references(
    response: str, references: list[str]
) -> None:
    for name in ("exact", "token_f1", "containment", "numbers"):
        value = METRICS[name].compute(response, tuple(references))
        assert value is None or 0 <= value <= 1
        assert value == METRICS[name].compute(response, tuple(reversed(references)))


@ANY
@given(st.text(min_size=1, max_size=60))
def test_a_reference_answers_itself(text: str) -> None:
    for name in ("exact", "token_f1", "containment", "numbers"):
        assert METRICS[name].compute(text, (text,)) in {1, None}


def test_inputs_are_left_alone() -> None:
    relevant = {"d1": 1}
    before = copy.deepcopy(relevant)
    citations.citation_recall(relevant, ("d1",), CONTEXT)
    assert relevant == before
