"""Means with intervals: against scipy, by simulation, and at the edges."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalkit.records import Interval
from evalkit.stats.intervals import design_effect, mean_interval, share_interval, wilson


def width(interval: Interval | None) -> float:
    assert interval is not None
    return interval.high - interval.low


def random_values(n: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).beta(2, 1, n)


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_equals_scipy(counts):
    from scipy.stats import binomtest

    successes, n = counts
    found = wilson(successes, n)
    expected = binomtest(successes, n).proportion_ci(method="wilson")
    assert found is not None
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=1e-12)
    assert 0 <= found.low <= found.value <= found.high <= 1
    assert (found.value, found.n) == (successes / n, n)


def test_wilson_of_nothing_is_none_and_of_the_impossible_an_error():
    assert wilson(0, 0) is None
    for successes, n in ((2, 1), (-1, 3)):
        with pytest.raises(ValueError, match="trials"):
            wilson(successes, n)


@pytest.mark.parametrize("values", [random_values(200), np.round(random_values(2000) * 4) / 4])
def test_bootstrap_equals_scipys_percentile_interval(values):
    from scipy.stats import bootstrap

    expected = bootstrap(
        (values,),
        np.mean,
        n_resamples=10_000,
        method="percentile",
        batch=100,
        rng=np.random.default_rng(3),
    ).confidence_interval
    found = mean_interval(values)
    assert found is not None
    assert found.value == pytest.approx(values.mean())
    tolerance = 0.04 * (
        expected.high - expected.low
    )  # two bootstraps of 10,000 differ by about 2 %
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=tolerance)


def test_yes_and_no_get_wilsons_interval():
    assert mean_interval([1, 0, 1, 1]) == wilson(3, 4)
    assert mean_interval([1.0]) == wilson(1, 1)
    assert mean_interval([True, False], ["a", "b"]) == wilson(1, 2)


def test_intervals_cover_the_truth_about_as_often_as_they_say():
    random = np.random.default_rng(5)
    covered = 0
    for _ in range(200):
        found = mean_interval(random.beta(2, 1, 40), resamples=500)
        assert found is not None
        covered += found.low <= 2 / 3 <= found.high
    assert covered >= 0.88 * 200


def test_cluster_intervals_cover_where_plain_ones_do_not():
    random = np.random.default_rng(6)
    groups = np.repeat(np.arange(40), 8)
    covered = {"plain": 0, "clustered": 0}
    for _ in range(150):
        values = np.clip(
            0.5 + np.repeat(random.normal(0, 0.15, 40), 8) + random.normal(0, 0.05, 320), 0, 1
        )
        for name, clusters in (("plain", None), ("clustered", groups.tolist())):
            found = mean_interval(values, clusters, resamples=400)
            assert found is not None
            covered[name] += found.low <= 0.5 <= found.high
    assert covered["clustered"] >= 0.87 * 150
    assert covered["plain"] <= 0.75 * 150


def test_cases_that_agree_within_their_cluster_widen_the_interval():
    values = np.repeat(random_values(30), 10)
    groups = [f"source {n // 10}" for n in range(300)]
    assert width(mean_interval(values, groups)) > 2 * width(mean_interval(values))
    unclustered = mean_interval(random_values(30))
    assert width(mean_interval(values, groups)) == pytest.approx(width(unclustered), rel=0.05)


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.tuples(st.floats(0, 1), st.sampled_from("abcde")), min_size=1, max_size=80),
    st.randoms(),
    st.booleans(),
)
def test_the_order_of_cases_and_the_names_of_clusters_do_not_matter(rows, random, clustered):
    def interval(rows, rename=str):
        values = [value for value, _ in rows]
        return mean_interval(
            values, [rename(g) for _, g in rows] if clustered else None, resamples=50
        )

    shuffled = random.sample(rows, len(rows))
    assert interval(rows) == interval(shuffled, rename=ord)


def test_not_even_the_rounding_depends_on_the_order_of_cases():
    values, groups = random_values(600), [n % 4 for n in range(600)]
    for seed in range(5):
        order = np.random.default_rng(seed).permutation(600)
        again = mean_interval(values[order], [groups[n] for n in order], resamples=200)
        assert again == mean_interval(values, groups, resamples=200)


@pytest.mark.parametrize("values", [random_values(50), np.repeat([0.0, 0.5, 1.0], 60)])
def test_the_seed_decides(values):
    assert mean_interval(values, seed=1) == mean_interval(values, seed=1)
    assert mean_interval(values, seed=1, resamples=99) != mean_interval(
        values, seed=2, resamples=99
    )


def test_nothing_and_a_single_unit_have_no_interval():
    assert mean_interval([]) is None
    assert mean_interval([], []) is None
    assert mean_interval([0.7]) is None
    assert mean_interval([0.2, 0.9, 0.4], ["one"] * 3) is None


def test_unanimous_clusters_are_no_certainty():
    groups = [n // 5 for n in range(50)]
    sure = mean_interval([1] * 50, groups)
    ten = wilson(10, 10)
    assert sure is not None
    assert ten is not None
    assert (sure.value, sure.low, sure.high, sure.n) == (1, ten.low, 1, 50)
    never = mean_interval([0] * 50, groups)
    assert never is not None
    assert (never.low, never.value) == (0, 0)
    assert never.high == pytest.approx(1 - ten.low)


@pytest.mark.parametrize("clusters", [None, list("aabcccd"), [1, 1, 1, 1, 1, 1, 2]])
@pytest.mark.parametrize("times", [1, 100])
def test_equal_values_give_an_interval_around_their_mean(clusters, times):
    groups = clusters and [(name, n) for n in range(times) for name in clusters]
    found = mean_interval([0.1] * 7 * times, groups, resamples=500)
    assert found is not None
    assert found.low <= found.value <= found.high
    assert found.value == pytest.approx(0.1)
    assert width(found) < 1e-12


@pytest.mark.parametrize("values", [[0.1, float("nan")], [float("inf"), 1.0], [[0.1], [0.2]]])
def test_values_that_are_not_one_finite_number_a_case_are_refused(values):
    with pytest.raises(ValueError, match="finite number a case"):
        mean_interval(values)


def test_every_case_needs_a_cluster():
    with pytest.raises(ValueError, match="2 values, but 1 cluster"):
        mean_interval([0.1, 0.2], ["a"])


def test_memory_does_not_grow_with_cases_or_resamples():
    import tracemalloc

    values = random_values(20_000)
    tracemalloc.start()
    mean_interval(values, resamples=300)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 16 * 2**20


# --- shares that may be rare, or come in few groups -------------------------------------------


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 300).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_a_share_has_the_exact_interval(counts):
    from scipy.stats import binomtest

    hits, n = counts
    found = share_interval([1] * hits + [0] * (n - hits))
    expected = binomtest(hits, n).proportion_ci(method="exact")
    assert found is not None
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=1e-9)
    assert (found.value, found.n) == (hits / n, n)


@pytest.mark.parametrize(("share", "n"), [(0.01, 60), (0.003, 200), (0.05, 100), (0.3, 60)])
def test_the_interval_of_a_share_covers_even_rare_events(share, n):
    from scipy.stats import binom

    covered = 0.0
    for hits in range(n + 1):
        found = share_interval([1] * hits + [0] * (n - hits))
        assert found is not None
        covered += binom.pmf(hits, n, share) * (found.low <= share <= found.high)
    assert covered >= 0.95


def test_groups_that_agree_are_worth_one_case_each():
    grouped = share_interval([1] * 30 + [0] * 70, [n // 10 for n in range(100)])
    ten = share_interval([1] * 3 + [0] * 7)
    assert grouped is not None
    assert ten is not None
    assert width(grouped) >= width(ten)
    assert design_effect(np.repeat([1.0, 0.0], [30, 70]), [n // 10 for n in range(100)]) >= 10


def test_groups_that_are_alike_cost_next_to_nothing():
    values = [1, 0, 0, 1] * 100
    alone, grouped = share_interval(values), share_interval(values, [n // 4 for n in range(400)])
    assert width(grouped) == pytest.approx(width(alone))


def test_few_groups_cover_where_resampling_them_does_not():
    random = np.random.default_rng(8)
    groups = np.repeat(np.arange(8), 10).tolist()
    covered = {"resampled": 0, "share": 0}
    for _ in range(200):
        values = random.random(80) < np.repeat(random.beta(2, 6, 8), 10)
        for name, found in (
            ("resampled", mean_interval(values, groups, resamples=300)),
            ("share", share_interval(values, groups)),
        ):
            assert found is not None
            covered[name] += found.low <= 0.25 <= found.high
    assert covered["share"] >= 0.93 * 200 > covered["resampled"]


def test_one_group_and_unanimous_groups_are_no_certainty():
    one = share_interval([1, 0, 1, 1], ["a"] * 4)
    assert one is not None
    assert width(one) > 0.9
    none = share_interval([0] * 50, [n // 5 for n in range(50)])
    assert none is not None
    assert (none.value, none.low) == (0, 0)
    assert none.high > 0.25


def test_a_share_of_nothing_is_none_and_of_the_impossible_an_error():
    assert share_interval([]) is None
    with pytest.raises(ValueError, match="from 0 to 1"):
        share_interval([0.5, 2])
