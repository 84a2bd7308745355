"""Known answers and properties of the metrics over repeats."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalkit.metrics.consistency import (
    METRICS,
    cluster,
    consistency,
    documents,
    flip_rate,
    pass_at_k,
    pass_hat_k,
    rank_biased_overlap,
    retrieval_stability,
    same_meaning,
)
from evalkit.records import Passage

PAIRS = Path(__file__).parents[2] / "shared" / "data" / "answer_pairs" / "pairs.jsonl"
ANSWERS = st.sampled_from(
    [
        "Paris",
        "It is Paris.",
        "Rome",
        "12 euros",
        "12 EUR",
        "I do not know.",
        "",
        "東京です",
        "Hà Nội",
    ]
)


def passages(*doc_ids):
    return tuple(Passage(doc_id) for doc_id in doc_ids)


@pytest.mark.parametrize(
    ("a", "b", "same"),
    [
        ("Paris", "The capital of France is Paris.", True),
        ("Paris", "Rome", False),
        ("The fee is 25 euros.", "The fee is 35 euros.", False),
        ("I do not know.", "I'm sorry, I cannot answer that.", True),
        ("I do not know.", "The fee is 25 euros.", False),
        ("Yes, it is covered.", "No, it is not covered.", False),
        ('{"a": 1, "b": [1, 2]}', '{"b": [2, 1], "a": 1.0}', True),
        ('{"a": 1}', '{"a": 2}', False),
        ("東京です。", "大阪です。", False),
        ("Die Frist beträgt 14 Tage.", "Die Frist beträgt 30 Tage.", False),
        ("Thời hạn là 14 ngày.", "Thời hạn là 30 ngày.", False),
        ("المدة 14 يوما.", "المدة 30 يوما.", False),
    ],
)
def test_meanings_are_compared_both_ways(a, b, same):
    assert same_meaning(a, b) is same
    assert same_meaning(b, a) is same


def test_consistency_is_the_share_of_agreeing_pairs():
    assert consistency(("Paris", "It is Paris.", "Rome")) == pytest.approx(1 / 3)
    assert consistency(("Paris", "Rome")) == 0.0
    assert consistency(("Paris",)) is None


def test_clusters_are_connected_components_numbered_by_first_appearance():
    near = lambda a, b: abs(int(a) - int(b)) <= 1  # noqa: E731 - the relation under test
    assert cluster(("1", "9", "3", "2", "8"), near) == (0, 1, 0, 0, 1)
    assert cluster((), near) == ()


@settings(max_examples=30, deadline=None)
@given(st.text(max_size=40), st.integers(2, 4))
def test_identical_answers_are_wholly_consistent(answer, times):
    assert consistency((answer,) * times) == 1.0


@settings(max_examples=50, deadline=None)
@given(st.lists(ANSWERS, min_size=2, max_size=5), st.randoms(use_true_random=False))
def test_the_order_of_repeats_is_irrelevant(answers, random):
    shuffled = list(answers)
    random.shuffle(shuffled)
    value = consistency(tuple(answers))
    assert value == consistency(tuple(shuffled))
    assert 0.0 <= value <= 1.0


@settings(max_examples=50, deadline=None)
@given(st.lists(st.text(max_size=30), min_size=1, max_size=4))
def test_consistency_never_raises_on_any_text(answers):
    value = consistency(tuple(answers))
    assert (value is None) == (len(answers) < 2)


@pytest.mark.parametrize(
    ("passes", "flips", "any_", "all_"),
    [
        ((True, True), 0.0, 1.0, 1.0),
        ((True, False), 1.0, 1.0, 0.0),
        ((True, False, False, False), 0.5, 1.0, 0.0),
        ((False, False, False), 0.0, 0.0, 0.0),
        ((True,), None, 1.0, 1.0),
        ((), None, None, None),
    ],
)
def test_verdicts_over_repeats(passes, flips, any_, all_):
    assert flip_rate(passes) == flips
    assert pass_at_k(passes) == any_
    assert pass_hat_k(passes) == all_


def test_a_document_stands_at_its_first_passage():
    assert documents(passages("a", "b", "a", "c")) == ("a", "b", "c")


def test_overlap_weighs_the_top_most():
    asis = ("a", "b", "c", "d")
    assert rank_biased_overlap(asis, asis) == 1.0
    assert rank_biased_overlap(asis, ("w", "x", "y", "z")) == 0.0
    assert rank_biased_overlap(asis, ("a", "b", "d", "c")) > rank_biased_overlap(
        asis, ("b", "a", "c", "d")
    )
    assert rank_biased_overlap((), ()) == 1.0
    assert rank_biased_overlap(asis, ()) == 0.0


def test_overlap_by_hand():
    # Depth 2, p = 0.5: agreements 0 and 1: (1 - p) / p * (0 p + 1 p^2) + 1 * p^2 = 0.25 + 0.25.
    assert rank_biased_overlap(("a", "b"), ("b", "a"), 0.5) == pytest.approx(0.5)
    # A list and its own beginning agree at every depth, and are taken to go on agreeing.
    assert rank_biased_overlap(("a",), ("a", "b"), 0.5) == pytest.approx(1.0)


@settings(max_examples=50, deadline=None)
@given(
    st.lists(
        st.permutations("abcdef").map(lambda one: one[: ord(one[0]) % 6]), min_size=2, max_size=4
    ),
    st.randoms(use_true_random=False),
)
def test_retrieval_stability_is_a_share_and_ignores_the_order_of_repeats(lists, random):
    retrievals = tuple(passages(*one) for one in lists)
    shuffled = list(retrievals)
    random.shuffle(shuffled)
    value = retrieval_stability(retrievals)
    assert 0.0 <= value <= 1.0
    assert value == pytest.approx(retrieval_stability(tuple(shuffled)))
    assert retrieval_stability((retrievals[0], retrievals[0])) == 1.0
    assert retrieval_stability(retrievals[:1]) is None


def test_directions_are_declared():
    assert {metric.name for metric in METRICS if not metric.higher_is_better} == {"flip_rate"}
    assert all(metric.level == "case" for metric in METRICS)


def test_clusters_agree_with_people_better_than_chance():
    if not PAIRS.exists():
        pytest.skip("the labelled answer pairs are not here")
    pairs = [json.loads(line) for line in PAIRS.read_text("utf-8").split("\n") if line][::5]
    right = [
        same_meaning(pair["a"], pair["b"]) == (pair["label"] == "equivalent") for pair in pairs
    ]
    assert sum(right) / len(right) >= 0.74
