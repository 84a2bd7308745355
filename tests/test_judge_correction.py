"""Rates corrected by people's labels: exact where the judge is known, and intervals that cover."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalkit.judging.correction import TwoWay, corrected_rate, ppi_mean, two_way

SIMULATIONS = 1000


def test_the_table_counts_what_the_judge_made_of_peoples_verdicts():
    found = two_way([True, True, True, False, False], [True, True, False, True, False])
    assert found == TwoWay(true_yes=2, missed=1, false_yes=1, true_no=1)
    assert found.sensitivity == pytest.approx(2 / 3)
    assert found.specificity == 0.5
    assert TwoWay().sensitivity is None


def test_the_point_is_rogan_and_gladens():
    """0.62 said yes with sensitivity 0.8 and specificity 0.9: (0.62 - 0.1) / 0.7."""
    found = corrected_rate(620, 1000, TwoWay(80, 20, 10, 90))
    assert found.value == pytest.approx(0.52 / 0.7)
    assert found.low < found.value < found.high
    assert found.n == 1000


def test_uncertain_error_rates_widen_the_interval():
    sure = corrected_rate(620, 1000, TwoWay(8000, 2000, 1000, 9000))
    unsure = corrected_rate(620, 1000, TwoWay(8, 2, 1, 9))
    assert sure.value == pytest.approx(unsure.value)
    assert unsure.high - unsure.low > 3 * (sure.high - sure.low)


def test_a_judge_that_says_nothing_is_not_corrected():
    assert corrected_rate(50, 100, TwoWay(25, 25, 25, 25)) is None
    assert corrected_rate(50, 100, TwoWay(30, 5, 0, 0)) is None
    assert corrected_rate(0, 0, TwoWay(30, 5, 5, 30)) is None
    with pytest.raises(ValueError, match="of 3"):
        corrected_rate(4, 3, TwoWay(30, 5, 5, 30))


@settings(max_examples=50, deadline=None)
@given(*(st.integers(0, 40) for _ in range(4)), st.integers(1, 200), st.floats(0, 1))
def test_a_corrected_rate_is_a_rate(a, b, c, d, n, share):
    found = corrected_rate(int(n * share), n, TwoWay(a, b, c, d))
    if found is not None:
        assert 0 <= found.low <= found.value <= found.high <= 1


@pytest.mark.parametrize(
    ("rate", "sensitivity", "specificity", "n", "labels"),
    [(0.7, 0.85, 0.9, 500, 100), (0.9, 0.9, 0.8, 300, 110), (0.3, 0.9, 0.8, 200, 100)],
)
def test_corrected_rates_cover_where_raw_ones_do_not(rate, sensitivity, specificity, n, labels):
    chance = np.random.default_rng(11)
    people = round(labels * rate)
    held, raw = [], []
    for _ in range(SIMULATIONS):
        said = chance.binomial(n, rate * sensitivity + (1 - rate) * (1 - specificity))
        # (a binomial: each answer is right, and called right, by chance)
        hits, passed = (
            chance.binomial(people, sensitivity),
            chance.binomial(labels - people, specificity),
        )
        table = TwoWay(hits, people - hits, labels - people - passed, passed)
        found = corrected_rate(int(said), n, table)
        held.append(found.low <= rate <= found.high)
        raw.append(abs(said / n - rate) < 1.96 * np.sqrt(rate * (1 - rate) / n))
    assert 0.93 <= np.mean(held) <= 0.985
    assert np.mean(raw) < np.mean(held)


# --- prediction-powered inference ------------------------------------------------------------


def world(chance, rate, sensitivity, specificity, n):
    human = chance.random(n) < rate
    return human, np.where(human, chance.random(n) < sensitivity, chance.random(n) > specificity)


@pytest.mark.parametrize(
    ("rate", "sensitivity", "specificity", "labels", "n"),
    [(0.7, 0.85, 0.9, 100, 1000), (0.95, 0.95, 0.7, 150, 2000), (0.5, 0.5, 0.5, 100, 300)],
)
def test_ppi_covers_whatever_the_judge_is_worth(rate, sensitivity, specificity, labels, n):
    chance = np.random.default_rng(12)
    held, points, widths, plain = [], [], [], []
    for _ in range(SIMULATIONS):
        human, judged = world(chance, rate, sensitivity, specificity, n)
        found = ppi_mean(judged, judged[:labels], human[:labels])
        alone = ppi_mean(human[:labels], human[:labels], human[:labels])
        held.append(found.low <= rate <= found.high)
        points.append(found.value)
        widths.append(found.high - found.low)
        plain.append(alone.high - alone.low)
    assert 0.93 <= np.mean(held) <= 0.98
    assert np.mean(points) == pytest.approx(rate, abs=0.006)
    assert np.mean(widths) < 1.01 * np.mean(plain)  # never dearer than people alone


def test_a_good_judge_makes_the_interval_much_shorter():
    human, judged = world(np.random.default_rng(4), 0.7, 0.98, 0.98, 2000)
    with_it = ppi_mean(judged, judged[:100], human[:100])
    without = ppi_mean(human[:100], human[:100], human[:100])
    assert with_it.high - with_it.low < 0.6 * (without.high - without.low)


def test_untuned_it_is_the_judges_mean_plus_what_people_add():
    judged = np.array([1, 1, 0, 1, 1, 0, 1, 0], float)
    human = np.array([1, 0, 0, 1], float)
    found = ppi_mean(judged, judged[:4], human, tuned=False)
    assert found.value == pytest.approx(judged.mean() + (human - judged[:4]).mean())


def test_with_everything_labelled_the_judge_does_not_matter():
    human, judged = np.array([1, 0, 1, 1, 0.0]), np.array([0, 0, 0, 1, 1.0])
    assert ppi_mean(judged, judged, human).value == pytest.approx(human.mean())


def test_all_alike_is_no_certainty():
    found = ppi_mean(np.ones(500), np.ones(100), np.ones(100))
    assert found.value == 1
    assert found.low < 0.98


def test_groups_of_labels_that_go_together_widen_the_interval():
    chance = np.random.default_rng(6)
    human = np.repeat(chance.random(20) < 0.6, 10).astype(float)
    judged = chance.integers(0, 2, 1000).astype(float)
    alone = ppi_mean(judged, judged[:200], human)
    grouped = ppi_mean(judged, judged[:200], human, clusters=np.repeat(range(20), 10).tolist())
    assert grouped.high - grouped.low > 2 * (alone.high - alone.low)


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="2 labels"):
        ppi_mean([1.0], [1.0, 0.0], [1.0, 0.0])
    assert ppi_mean([1.0, 0.0], [1.0], [1.0]) is None
