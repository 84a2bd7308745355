"""Agreement figures against published examples, scikit-learn and SciPy."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalkit.judging.agreement import (
    LEVELS,
    alpha_interval,
    kappa_interval,
    krippendorff_alpha,
    mean_pairwise_kappa,
    rank_correlation,
    ranked,
    raw_agreement,
    roc_auc,
    score_bounds,
)
from evalkit.stats.intervals import wilson

# Krippendorff (2011), "Computing Krippendorff's Alpha-Reliability": the examples of sections A, B and C.
TWO_BINARY = list(zip([0, 1, 0, 0, 0, 0, 0, 0, 1, 0], [1, 1, 1, 0, 0, 1, 0, 0, 0, 0], strict=True))
TWO_NOMINAL = [(ord(a), ord(b)) for a, b in zip("aabbdcccedda", "babbbccceddd", strict=True)]
N = None
FOUR_WITH_GAPS = list(
    zip(
        [1, 2, 3, 3, 2, 1, 4, 1, 2, N, N, N],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, N, 3],
        [N, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, N],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, N],
        strict=True,
    )
)

verdicts = st.lists(
    st.tuples(st.sampled_from("abc"), st.sampled_from("abc")), min_size=1, max_size=40
)
rows = st.lists(
    st.lists(st.one_of(st.none(), st.integers(1, 4)), min_size=3, max_size=3),
    min_size=2,
    max_size=30,
)


@pytest.mark.parametrize(
    ("ratings", "level", "published"),
    [
        (TWO_BINARY, "nominal", 0.095),
        (TWO_NOMINAL, "nominal", 0.692),
        (FOUR_WITH_GAPS, "nominal", 0.743),
        (FOUR_WITH_GAPS, "ordinal", 0.815),
        (FOUR_WITH_GAPS, "interval", 0.849),
    ],
)
def test_alpha_has_the_published_values(ratings, level, published):
    assert krippendorff_alpha(ratings, level) == pytest.approx(published, abs=5e-4)


def test_alpha_is_undefined_without_pairs_or_variation():
    assert krippendorff_alpha([]) is None
    assert krippendorff_alpha([(1, None), (None, 2)]) is None
    assert krippendorff_alpha([(1, 1), (1, 1)]) is None


def test_alpha_of_full_agreement_is_one_at_every_level():
    ratings = [(v, v, None) for v in (1, 2, 3, 1)]
    assert [krippendorff_alpha(ratings, level) for level in LEVELS] == [1, 1, 1]


def test_an_unknown_level_is_refused():
    with pytest.raises(ValueError, match="median"):
        krippendorff_alpha([(1, 2), (2, 2)], "median")


@settings(max_examples=50, deadline=None)
@given(rows, st.sampled_from(LEVELS), st.randoms(use_true_random=False))
def test_alpha_does_not_depend_on_the_order_of_units_or_raters(ratings, level, chance):
    first = krippendorff_alpha(ratings, level)
    shuffled = [chance.sample(row, len(row)) for row in chance.sample(ratings, len(ratings))]
    again = krippendorff_alpha(shuffled, level)
    assert again == (None if first is None else pytest.approx(first))


def test_many_values_give_the_same_alpha_as_the_formula_over_pairs():
    """Interval alpha of two raters without gaps is one minus a ratio of mean squared differences."""
    chance = np.random.default_rng(3)
    a = chance.random(60)
    b = np.clip(a + chance.normal(0, 0.1, 60), 0, 1)
    every = np.concatenate([a, b])
    differences = every[:, None] - every[None, :]
    expected = (differences**2).sum() / (120 * 119)
    wanted = 1 - ((a - b) ** 2).mean() / expected
    assert krippendorff_alpha(list(zip(a, b, strict=True)), "interval") == pytest.approx(wanted)


def test_alphas_interval_holds_its_point_and_shrinks_with_more_units():
    few = alpha_interval(FOUR_WITH_GAPS, "nominal")
    many = alpha_interval(FOUR_WITH_GAPS * 20, "nominal")
    assert few.low < few.value < few.high
    assert few.n == 11  # unit 12 has one rating
    assert many.high - many.low < (few.high - few.low) / 3


@settings(max_examples=50, deadline=None)
@given(verdicts)
def test_kappa_is_scikit_learns(pairs):
    from sklearn.metrics import cohen_kappa_score

    found = kappa_interval(pairs)
    a, b = zip(*pairs, strict=True)
    if found is None:
        assert len(set(a + b)) == 1
    else:
        assert found.value == pytest.approx(cohen_kappa_score(a, b), abs=1e-12)
        assert -1 <= found.low <= found.value <= found.high <= 1


def test_kappas_standard_error_is_the_published_one():
    """Fleiss, Cohen and Everitt (1969): 60 pairs of which 20 + 15 agree; their variance, by hand from the table."""
    table = np.array([[20, 5], [10, 25]]) / 60
    agreed, rows_, columns = np.trace(table), table.sum(1), table.sum(0)
    chance = rows_ @ columns
    kappa = (agreed - chance) / (1 - chance)
    a = sum(table[i, i] * (1 - (rows_[i] + columns[i]) * (1 - kappa)) ** 2 for i in range(2))
    b = (1 - kappa) ** 2 * (
        table[0, 1] * (columns[0] + rows_[1]) ** 2 + table[1, 0] * (columns[1] + rows_[0]) ** 2
    )
    error = np.sqrt((a + b - (kappa - chance * (1 - kappa)) ** 2) / (60 * (1 - chance) ** 2))
    pairs = [(0, 0)] * 20 + [(0, 1)] * 5 + [(1, 0)] * 10 + [(1, 1)] * 25
    found = kappa_interval(pairs)
    assert found.value == pytest.approx(kappa)
    assert (found.high - found.low) / 2 == pytest.approx(1.96 * error, rel=0.06)


def test_full_agreement_of_few_is_no_certainty():
    found = kappa_interval([(True, True)] * 5 + [(False, False)] * 5)
    assert found.value == 1
    assert found.low < 0.7


def test_kappas_interval_covers():
    """95 % intervals hold the true kappa in 92 to 98 % of 1,000 samples of 80."""
    chance = np.random.default_rng(5)
    human = chance.random((1000, 80)) < 0.7
    judged = np.where(chance.random((1000, 80)) < 0.9, human, ~human)
    yes = 0.7 * 0.9 + 0.3 * 0.1
    expected = 0.7 * yes + 0.3 * (1 - yes)
    truth = (0.9 - expected) / (1 - expected)
    rows_ = (
        kappa_interval(list(zip(h, j, strict=True)))
        for h, j in zip(human.tolist(), judged.tolist(), strict=True)
    )
    held = [found.low <= truth <= found.high for found in rows_ if found]
    assert 0.92 <= np.mean(held) <= 0.98


def test_score_bounds_are_wilsons_for_whole_numbers():
    wanted = wilson(7, 30)
    assert score_bounds(7 / 30, 30) == pytest.approx((wanted.low, wanted.high))


def test_raw_agreement_counts_equal_pairs():
    assert raw_agreement([(1, 1), (0, 1), ("a", "a")]).value == pytest.approx(2 / 3)
    assert raw_agreement([]) is None


def test_pairwise_kappa_skips_what_is_missing():
    from sklearn.metrics import cohen_kappa_score

    a, b = [1, 0, 1, 1, 0, 0], [1, 0, 0, 1, 0, 1]
    ratings = [(x, y, None) for x, y in zip(a, b, strict=True)]
    assert mean_pairwise_kappa(ratings) == pytest.approx(cohen_kappa_score(a, b))
    assert mean_pairwise_kappa([(1, None), (None, 1)]) is None


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=2, max_size=60))
def test_auc_is_scikit_learns(pairs):
    from sklearn.metrics import roc_auc_score

    scores, labels = [float(s) for s, _ in pairs], [label for _, label in pairs]
    found = roc_auc(scores, labels)
    if len(set(labels)) < 2:
        assert found is None
    else:
        assert found == pytest.approx(roc_auc_score(labels, scores))


def test_ranks_and_their_correlation_are_scipys():
    from scipy.stats import rankdata, spearmanr

    chance = np.random.default_rng(1)
    a, b = chance.integers(0, 9, 50), chance.integers(0, 9, 50)
    assert ranked(a) == pytest.approx(rankdata(a))
    assert rank_correlation(a, b).value == pytest.approx(spearmanr(a, b).statistic)


def test_a_correlation_given_the_label_leaves_out_what_the_label_explains():
    """Lengths and values both follow the label and nothing else."""
    chance = np.random.default_rng(2)
    label = chance.random(400) < 0.5
    length, value = label * 5 + chance.random(400), label * 5 + chance.random(400)
    assert rank_correlation(length, value).value > 0.7
    assert abs(rank_correlation(length, value, label.tolist()).value) < 0.15
    assert rank_correlation([1.0] * 20, value[:20]) is None
    assert rank_correlation([1.0, 2.0], [2.0, 1.0]) is None
