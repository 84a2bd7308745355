"""Paired tests, intervals and power against scipy, published figures, enumeration and simulation."""

from __future__ import annotations

import importlib.util
import math
from itertools import pairwise, product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from evalkit.stats.multiplicity import benjamini_hochberg, holm
from evalkit.stats.paired import difference, effect_size, mcnemar, paired_p, sign_flip, tango
from evalkit.stats.power import (
    cases_needed,
    cases_needed_mean,
    power_of,
    smallest_detectable,
    smallest_detectable_mean,
)

SIDES = ("two-sided", "less", "greater")
COUNTS = st.integers(0, 400)
SCORES = st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=25)
BITS = st.lists(st.tuples(st.integers(0, 1), st.integers(0, 1)), min_size=1, max_size=40)


# --- McNemar -----------------------------------------------------------------------------------


@settings(max_examples=50)
@given(COUNTS, COUNTS, st.sampled_from(SIDES))
def test_the_exact_p_value_is_scipys_binomial_test(repairs, harms, side):
    if repairs + harms == 0:
        assert mcnemar(0, 0, mid=False, alternative=side) == 1
        return
    expected = stats.binomtest(repairs, repairs + harms, alternative=side).pvalue
    assert mcnemar(repairs, harms, mid=False, alternative=side) == pytest.approx(expected, abs=1e-9)


@settings(max_examples=50)
@given(COUNTS, COUNTS)
def test_the_mid_p_value_counts_half_of_what_was_observed(repairs, harms):
    n = repairs + harms
    if n == 0:
        assert mcnemar(0, 0) == 1
        return
    law = stats.binom(n, 0.5)
    less = law.cdf(repairs) - law.pmf(repairs) / 2
    assert mcnemar(repairs, harms, alternative="less") == pytest.approx(less, abs=1e-9)
    both = min(1, 2 * min(less, 1 - less))
    assert mcnemar(repairs, harms) == pytest.approx(both, abs=1e-9)


def test_mcnemar_on_twenty_thousand_discordant_cases_is_exact():
    expected = stats.binomtest(9800, 20_000).pvalue
    assert mcnemar(9800, 10_200, mid=False) == pytest.approx(expected, abs=1e-9)


@settings(max_examples=30)
@given(COUNTS, COUNTS, st.booleans())
def test_exchanging_the_systems_exchanges_the_sides(repairs, harms, mid):
    first = mcnemar(repairs, harms, mid=mid, alternative="less")
    assert first == pytest.approx(mcnemar(harms, repairs, mid=mid, alternative="greater"))
    assert 0 <= first <= 1


# --- sign flips --------------------------------------------------------------------------------


@settings(max_examples=20, deadline=None)
@given(st.lists(st.floats(-1, 1).filter(lambda v: abs(v) > 1e-6), min_size=2, max_size=9))
def test_few_cases_are_enumerated_as_scipy_does(values):
    for side in SIDES:
        found = stats.permutation_test(
            (np.array(values),),
            lambda v, axis: np.sum(v, axis=axis),
            permutation_type="samples",
            n_resamples=np.inf,
            alternative=side,
            vectorized=True,
        )
        # scipy doubles the smaller tail; for signs that is the tail of the absolute sum.
        assert sign_flip(values, alternative=side) == pytest.approx(found.pvalue, abs=1e-9)


@settings(max_examples=25, deadline=None)
@given(st.permutations(list(range(40))), st.booleans())
def test_the_order_of_the_cases_does_not_matter(order, clustered):
    values = np.random.default_rng(3).normal(0.2, 1, 40)
    names = [f"文書 {i // 2}" for i in range(40)] if clustered else None
    moved = [names[i] for i in order] if names else None
    assert sign_flip(values[order], moved) == sign_flip(values, names)
    assert difference(np.zeros(40), values[order], moved) == difference(np.zeros(40), values, names)


def test_whole_clusters_change_sign():
    values, names = [0.5, 0.5, 0.1, -0.2, 0.3], ["a", "a", "b", "b", "c"]
    sums = [1.0, -0.1, 0.3]
    patterns = [
        abs(sum(s * v for s, v in zip(p, sums, strict=True))) for p in product((1, -1), repeat=3)
    ]
    expected = sum(v >= abs(sum(sums)) - 1e-12 for v in patterns) / 8
    assert sign_flip(values, names) == pytest.approx(expected)


@pytest.mark.parametrize("shift", [0.0, 0.05, 0.12])
def test_the_closed_form_agrees_with_random_signs(shift, monkeypatch):
    values = np.random.default_rng(1).normal(shift, 1, 500)
    closed = sign_flip(values)
    monkeypatch.setattr("evalkit.stats.paired.MANY", 1e9)
    assert closed == pytest.approx(sign_flip(values, resamples=100_000), abs=0.005)


def test_far_out_the_p_value_stays_positive_and_falls():
    values = np.random.default_rng(1).normal(0.1, 1, 400)
    found = [sign_flip(values + shift) for shift in (0.1, 0.15, 0.2, 0.3, 0.6)]
    assert all(0 < later < earlier for earlier, later in pairwise(found))


def test_yes_and_no_without_clusters_is_mcnemar():
    a, b = [1.0] * 9 + [0.0] * 11, [0.0] * 7 + [1.0] * 2 + [1.0] + [0.0] * 10
    assert paired_p(a, b) == mcnemar(1, 7)
    assert paired_p(a, b, list(range(20))) == sign_flip(np.subtract(b, a))


# --- intervals ---------------------------------------------------------------------------------


def test_tangos_interval_of_a_published_example():
    """Fagerland, Lydersen & Laake (2014): 1 and 7 discordant among 21 children."""
    found = tango(1, 7, 21)
    assert (round(found.low, 3), round(found.high, 3)) == (-0.517, -0.026)


@settings(max_examples=50)
@given(BITS)
def test_the_score_interval_holds_its_value_and_mirrors(pairs):
    a, b = np.array(pairs, dtype=float).T
    there, back = difference(a, b), difference(b, a)
    assert -1 <= there.low <= there.value <= there.high <= 1
    assert (there.low, there.high) == pytest.approx((-back.high, -back.low), abs=1e-9)
    assert there.high > there.low


def test_the_score_interval_covers_by_enumeration():
    """Every outcome of 25 pairs, weighted by its probability."""
    n, better, worse = 25, 0.08, 0.14
    covered = 0.0
    for b, c in product(range(n + 1), repeat=2):
        if b + c <= n:
            found = tango(b, c, n)
            weight = stats.multinomial.pmf(
                [b, c, n - b - c], n, [better, worse, 1 - better - worse]
            )
            covered += weight * (found.low <= better - worse <= found.high)
    assert 0.94 <= covered <= 0.97


def test_scores_without_clusters_get_students_interval():
    random = np.random.default_rng(0)
    a, b = random.normal(size=(2, 50)) * 0.01 + 0.5
    low, high = stats.ttest_rel(b, a).confidence_interval(0.95)
    found = difference(a, b)
    assert (found.low, found.high) == pytest.approx((low, high), abs=1e-9)


def test_clusters_that_agree_within_widen_the_interval():
    random = np.random.default_rng(0)
    per_document = random.normal(0, 1, 12)
    b = np.repeat(per_document, 10) / 10
    names = np.repeat(np.arange(12), 10).tolist()
    by_case, by_document = difference(np.zeros(120), b), difference(np.zeros(120), b, names)
    assert by_document.high - by_document.low > 2.5 * (by_case.high - by_case.low)
    alone = difference(
        np.zeros(12), per_document / 10
    )  # a document asked ten times is one document
    assert (by_document.low, by_document.high) == pytest.approx((alone.low, alone.high))


def test_nothing_differed_is_not_certainty():
    same = [1.0] * 20
    groups = [i // 5 for i in range(20)]
    assert difference(same, same).high == pytest.approx(0.161, abs=1e-3)
    assert difference(same, same, groups).high == pytest.approx(0.490, abs=1e-3)
    assert difference([0.7] * 20, [0.7] * 20).high > 0.1


@settings(max_examples=50, deadline=None)
@given(SCORES, st.booleans())
def test_nothing_is_ever_nan(pairs, clustered):
    a, b = np.array(pairs).T
    names = [i % 3 for i in range(len(a))] if clustered else None
    p, found, size = paired_p(a, b, names), difference(a, b, names), effect_size(a, b)
    assert 0 < p <= 1
    assert size is None or math.isfinite(size)
    if found is not None:
        assert -1 <= found.low <= found.value <= found.high <= 1


def test_no_case_and_one_case():
    assert sign_flip([]) == sign_flip([0.0]) == sign_flip([0.4]) == 1
    assert difference([], []) is None
    assert difference([0.2], [0.4]) is None
    assert difference([0, 1], [1, 1], ["one", "one"]) is None
    assert difference([0], [1]).low < 0
    assert effect_size([], []) is None
    assert effect_size([0.2], [0.4]) is None
    assert effect_size([0.2, 0.3], [0.2, 0.3]) == 0


def test_gaps_and_unequal_lengths_are_refused():
    for a, b in (([0.1, math.nan], [0.1, 0.2]), ([0.1], [0.1, 0.2])):
        with pytest.raises(ValueError, match="value"):
            difference(a, b)
    with pytest.raises(ValueError, match="cluster names"):
        sign_flip([0.1, 0.2], ["one"])


def test_effect_sizes_are_cohens():
    assert effect_size([0, 0, 1, 1], [1, 1, 1, 1]) == pytest.approx(math.pi / 2)
    assert effect_size([0.1, 0.2, 0.3], [0.2, 0.4, 0.6]) == pytest.approx(0.2 / 0.1)


# --- many tests --------------------------------------------------------------------------------


@settings(max_examples=40)
@given(st.lists(st.floats(0, 1), max_size=12))
def test_benjamini_hochberg_is_scipys(p):
    expected = stats.false_discovery_control(p) if p else []
    assert benjamini_hochberg(p) == pytest.approx(list(expected), abs=1e-12)


@settings(max_examples=40)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_holm_rejects_what_its_steps_reject(p):
    """The adjusted values are at most alpha exactly for the hypotheses that the stepwise procedure rejects."""
    adjusted = holm(p)
    for alpha in (0.01, 0.05, 0.5):
        rejected = set()
        for step, i in enumerate(sorted(range(len(p)), key=p.__getitem__)):
            if p[i] * (len(p) - step) > alpha:
                break
            rejected.add(i)
        assert {i for i, value in enumerate(adjusted) if value <= alpha} == rejected


# --- power -------------------------------------------------------------------------------------


def test_power_is_the_sum_over_all_outcomes():
    n, drop, flips = 30, 0.25, 0.2
    more, fewer = drop + (1 - drop) * flips / 2, (1 - drop) * flips / 2
    expected = sum(
        stats.multinomial.pmf([b, c, n - b - c], n, [fewer, more, 1 - more - fewer])
        for b, c in product(range(n + 1), repeat=2)
        if b + c <= n and mcnemar(b, c, alternative="less") <= 0.05
    )
    assert power_of(n, drop, flips) == pytest.approx(expected, abs=1e-7)


@pytest.mark.parametrize(("drop", "cases"), [(0.10, 150), (0.08, 220), (0.05, 510), (0.03, 1330)])
def test_the_cases_that_a_drop_takes_where_17_percent_flip(drop, cases):
    assert cases_needed(drop, 0.17) == pytest.approx(cases, rel=0.03)


@settings(max_examples=15, deadline=None)
@given(st.floats(0.02, 0.5), st.floats(0, 0.4), st.sampled_from([1, 2]))
def test_needed_cases_and_detectable_drop_agree(drop, flips, sides):
    n = cases_needed(drop, flips, sides=sides)
    assert power_of(n, drop, flips, sides=sides) >= 0.8
    assert smallest_detectable(n, flips, sides=sides) <= drop * 1.01


def test_too_few_cases_detect_nothing():
    assert smallest_detectable(0, 0.1) == smallest_detectable(2, 0.1) == 1
    assert smallest_detectable_mean(1, 0.2) is None
    with pytest.raises(ValueError, match="drop of 0"):
        cases_needed(0.0, 0.2)


def test_the_figures_of_a_graded_score_are_students():
    n = cases_needed_mean(0.05, 0.2)
    shift = 0.05 / 0.2 * math.sqrt(n)
    line = stats.t.ppf(0.95, n - 1)
    assert stats.nct.sf(line, n - 1, shift) == pytest.approx(0.8, abs=0.01)
    assert smallest_detectable_mean(n, 0.2) == pytest.approx(0.05, rel=0.01)


# --- simulated worlds, a short version of the benchmark ----------------------------------------


def _benchmark():
    path = Path(__file__).parents[1] / "benchmarks" / "paired_statistics.py"
    spec = importlib.util.spec_from_file_location("paired_statistics", path)
    module = importlib.util.module_from_spec(spec)
    import sys

    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


BENCHMARK = _benchmark()
SOME = [w for w in BENCHMARK.NULL if "n 1000" not in w.name][::3]


@pytest.mark.parametrize("world", SOME, ids=lambda world: world.name)
def test_nothing_changed_is_seldom_called_a_change(world):
    alarms, worse, covered = BENCHMARK.tried(world, 200, seed=11)
    assert max(alarms, worse) <= BENCHMARK.allowed(200) + 0.01
    assert covered >= 0.90


def test_holm_keeps_the_family_at_its_level():
    rates = BENCHMARK.family_rates(300, seed=4)
    assert all(adjusted <= BENCHMARK.allowed(300) for _, adjusted in rates.values())
    assert rates[20][0] > 0.3  # without it, one in two of these worlds would be an alarm


@pytest.mark.parametrize("drop", BENCHMARK.DROPS)
def test_the_cases_needed_suffice(drop):
    _, _, power = BENCHMARK.power_at(drop, 300, seed=2)
    assert power >= BENCHMARK.short(300)
