"""The gate's core: columns in, verdict out; what it may conclude, and how often it may err."""

import math
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalkit.gate import Answer, Line, Measured, judge
from evalkit.gating.trials import Level, limit_trial
from evalkit.gating.verdict import line_json

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))
import gate_worlds as worlds

SIMS = 300
QUICK = Level(resamples=399)


def column(values, lost=()):
    values = np.asarray(values, float)
    gone = np.isin(np.arange(len(values)), list(lost))
    return worlds.column(values, gone if len(lost) else None)


def answer(*lines, **options):
    return judge(list(lines), level=QUICK, **options).answer


def flipped(n, harms, repairs, passed=0.8):
    """A baseline and a candidate that differ in so many cases."""
    before = (np.arange(n) < passed * n).astype(float)
    after = before.copy()
    after[:harms] = 0
    after[n - repairs :] = 1
    return column(after), column(before)


# --- regression ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("harms", "repairs", "wanted"),
    [
        (0, 0, "pass"),
        (10, 10, "pass"),
        (0, 20, "pass"),
        (20, 2, "regression"),
        (5, 0, "regression"),
    ],
)
def test_a_drop_is_told_from_flips_that_go_both_ways(harms, repairs, wanted):
    assert answer(Line("passed", *flipped(400, harms, repairs))) == wanted


def test_a_metric_of_which_less_is_better_regresses_upwards():
    after, before = flipped(400, 20, 2)
    assert answer(Line("over_refusal", after, before, higher_is_better=False)) == "pass"
    assert answer(Line("over_refusal", before, after, higher_is_better=False)) == "regression"


def test_a_margin_tolerates_a_drop_and_then_shows_that_it_is_smaller():
    after, before = flipped(400, 20, 2)
    assert answer(Line("passed", after, before, margin=0.1)) == "pass"
    assert answer(Line("passed", after, before, margin=0.05)) == "inconclusive"
    assert answer(Line("passed", *flipped(400, 60, 2), margin=0.05)) == "regression"


def test_cases_of_one_document_are_no_independent_evidence():
    after, before = flipped(400, 20, 2)
    groups = [i // 20 for i in range(400)]  # all harms in one document
    assert answer(Line("passed", after, before)) == "regression"
    assert answer(Line("passed", after, before, clusters=groups)) != "regression"


def test_one_of_many_lines_must_stand_out_further():
    after, before = flipped(400, 9, 2)
    alone = Line("passed", after, before)
    others = [Line(f"m{i}", *flipped(400, 3, 3)) for i in range(9)]
    assert answer(alone) == "regression"
    assert answer(alone, *others) != "regression"


def test_the_answer_does_not_depend_on_the_order_of_lines_and_cases():
    random = np.random.default_rng(0)
    pairs = [[asked.astype(float) for asked in random.random((2, 300)) < 0.8] for _ in range(4)]
    order = random.permutation(300)
    one = judge([Line(f"m{i}", column(a), column(b)) for i, (a, b) in enumerate(pairs)])
    other = judge(
        [Line(f"m{i}", column(a[order]), column(b[order])) for i, (a, b) in enumerate(pairs)][::-1]
    )
    assert [(r.answer, r.p) for r in one.rulings] == [(r.answer, r.p) for r in other.rulings[::-1]]


def test_a_digit_less_in_a_file_is_no_drop():
    thirds = np.full(300, 1 / 3)
    assert answer(Line("R@5", column(thirds), column(thirds + 3e-10))) == "pass"


# --- too little evidence ----------------------------------------------------------------------


def test_one_to_ten_cases_never_pass_and_never_fail():
    found = list(worlds.few_cases())
    assert len(found) == 50
    assert {what: said for _, what, said in found if said != {"inconclusive"}} == {}


def test_a_pass_needs_cases_that_would_have_shown_the_drop_asked_for():
    after, before = flipped(100, 8, 8)
    ruling = judge([Line("passed", after, before)]).rulings[0]
    assert ruling.answer is Answer.INCONCLUSIVE
    assert ruling.worst.detectable > 0.1
    assert ruling.worst.needed > 100
    n = ruling.worst.needed
    assert answer(Line("passed", *flipped(n, int(n * 0.08), int(n * 0.08)))) == "pass"


# --- limits -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("right", "margin", "wanted"),
    [
        (290, 0, "pass"),  # 97 %, surely above 90 %
        (276, 0, "inconclusive"),  # 92 %, perhaps 89 %
        (276, 0.03, "pass"),  # and 89 % would do
        (268, 0.03, "inconclusive"),  # 89 % is below the line, but perhaps by chance
        (250, 0.03, "regression"),  # 83 %, surely below
    ],
)
def test_a_limit_is_judged_by_what_the_evidence_allows(right, margin, wanted):
    line = Line("passed", column(np.arange(300) < right), limit=0.9, margin=margin)
    assert answer(line) == wanted


def test_an_inconclusive_limit_names_the_cases_that_would_settle_it():
    ruling = judge([Line("passed", column(np.arange(300) < 276), limit=0.9)]).rulings[0]
    n = ruling.worst.needed
    assert n > 300
    assert answer(Line("passed", column(np.arange(n) < 0.92 * n), limit=0.9)) == "pass"


def test_a_value_on_the_line_has_no_price():
    ruling = judge([Line("passed", column(np.arange(300) < 270), limit=0.9)]).rulings[0]
    assert (ruling.answer, ruling.worst.needed) == (Answer.INCONCLUSIVE, None)


@pytest.mark.parametrize(("right", "wanted"), [(3, "pass"), (2, "regression")])
def test_must_pass_cases_are_a_list_and_no_sample(right, wanted):
    line = Line("passed", column(np.arange(3) < right), limit=1.0, tags=("golden",))
    assert answer(line) == wanted


def test_none_at_all_is_exact_too():
    never = Line("access_violation", column(np.zeros(5)), limit=0.0, higher_is_better=False)
    once = Line("access_violation", column([0, 0, 0, 1, 0]), limit=0.0, higher_is_better=False)
    assert (answer(never), answer(once)) == ("pass", "regression")


def test_a_measure_without_an_upper_end_can_be_limited_and_compared():
    slow = 2 + np.random.default_rng(0).random(200)
    options = {"low": 0.0, "high": math.inf, "higher_is_better": False}
    assert answer(Line("seconds_total", column(slow), limit=3.0, **options)) == "pass"
    assert answer(Line("seconds_total", column(slow), limit=2.0, **options)) == "regression"
    options["detect"] = 0.2
    assert answer(Line("seconds_total", column(slow + 1), column(slow), **options)) == "regression"
    assert answer(Line("seconds_total", column(slow), column(slow), **options)) == "pass"


@given(st.integers(12, 400), st.floats(0, 1), st.floats(0.05, 0.95))
@settings(max_examples=50, deadline=None)
def test_figures_of_a_share_equal_those_of_scipy(n, share, line):
    from scipy.stats import binomtest

    right = round(share * n)
    values = (np.arange(n) < right).astype(float)
    trial = limit_trial(values, None, line, margin=0, bounds=(0, 1), level=QUICK)
    known = binomtest(right, n, line, alternative="less")
    between = binomtest(right, n).proportion_ci(0.9, method="exact")
    assert trial.p_missed == pytest.approx(known.pvalue, abs=1e-9)
    assert (trial.low, trial.high) == pytest.approx((between.low, between.high), abs=1e-9)


def test_bounds_of_a_mean_include_it_and_have_width_without_spread():
    level = Level()
    even = limit_trial(np.full(50, 0.5), None, 0.4, margin=0, bounds=(0, 1), level=level)
    assert even.low < 0.5 < even.high
    single = limit_trial(np.array([0.5]), None, 0.4, margin=0, bounds=(0, 1), level=level)
    assert not single.held
    assert single.p_missed == 1


# --- errors -----------------------------------------------------------------------------------


def test_errors_above_the_tolerance_withhold_the_verdict():
    after, before = column(np.ones(300), lost=range(7)), column(np.ones(300))
    line = Line("passed", after, before)
    assert answer(line, outcome=after, outcome_before=before) == "incomplete"
    assert answer(line, outcome=after, outcome_before=before, tolerance=0.05) == "incomplete"
    after = column(np.ones(300), lost=range(3))
    assert answer(Line("passed", after, before), outcome=after, outcome_before=before) == "pass"


def test_a_regression_that_stands_whatever_is_missing_is_a_regression():
    values = np.arange(300) >= 100
    after, before = column(values, lost=range(200, 220)), column(np.ones(300))
    verdict = judge([Line("passed", after, before)], outcome=after, outcome_before=before)
    assert verdict.answer is Answer.REGRESSION
    assert verdict.missing == pytest.approx(20 / 300)


def test_what_the_baseline_lacks_counts_as_good_of_it():
    before = column(np.ones(300), lost=range(30))
    after = column(np.ones(300))
    line = Line("passed", after, before)
    assert answer(line, outcome=after, outcome_before=before, tolerance=0.3) == "incomplete"


def test_cases_with_a_value_on_one_side_only_are_told_and_hold_the_verdict_up():
    values = np.ones(300)
    gaps = np.where(np.arange(300) < 30, np.nan, values)
    some = Measured(gaps, gaps, np.zeros(300))
    ruling = judge([Line("groundedness", some, column(values))]).rulings[0]
    assert (ruling.answer, ruling.lopsided) == (Answer.INCOMPLETE, pytest.approx(0.1))


@given(st.integers(0, 60), st.integers(0, 60), st.integers(0, 12), st.sampled_from([0.0, 0.05]))
@settings(max_examples=40, deadline=None)
def test_more_harm_never_helps_and_missing_cases_never_turn_a_failure_into_a_pass(
    harms, repairs, lost, margin
):
    def verdict(harms, lost):
        after, before = flipped(300, harms, repairs, passed=0.7)
        after = column(after.worst, lost=range(150, 150 + lost))
        line = Line("passed", after, before, margin=margin)
        return judge([line], level=QUICK, outcome=after, outcome_before=before)

    plain, worse = verdict(harms, 0), verdict(harms + 10, 0)
    assert worse.rulings[0].worst.p_missed <= plain.rulings[0].worst.p_missed + 1e-9
    if plain.answer is not Answer.PASS:
        assert verdict(harms, lost).answer is not Answer.PASS


# --- stated rates (short; benchmarks/gate_worlds.py measures them at length) -------------------


@pytest.mark.parametrize(
    "world", [*worlds.null_worlds(), *worlds.limit_worlds()][::4], ids=lambda w: w.name
)
def test_error_rates_are_kept(world):
    found = worlds.answers(world, SIMS)
    rates = {name: found[name] / SIMS for name in world.allowed}
    assert {n: r for n, r in rates.items() if r > worlds.bound(world.allowed[n], SIMS)} == {}


def test_many_metrics_share_one_rate():
    for world in list(worlds.family_worlds())[2:4]:
        assert worlds.answers(world, SIMS)["regression"] / SIMS <= worlds.bound(0.05, SIMS)


def test_a_drop_of_ten_points_is_found_at_the_number_of_cases_that_is_stated():
    n = worlds.stated_cases()[0.1]
    assert 100 < n < 250
    world = worlds.World("", lambda random: worlds.pair(random, n, 0.8, 0.1))
    assert worlds.answers(world, SIMS)["regression"] / SIMS > 0.8 - 2.33 * math.sqrt(0.16 / SIMS)


def test_errors_above_the_tolerance_never_pass():
    for world in [*worlds.error_worlds(), *worlds.grader_worlds()]:
        if "pass" in world.allowed:
            assert worlds.answers(world, 5)["pass"] == 0, world.name


# --- what is said ---------------------------------------------------------------------------------


def told(line: Line, **options) -> str:
    (ruling,) = judge([line], **options).rulings
    return line_json(ruling, 0.05)["text"]


def test_what_cannot_change_the_answer_is_not_said_to():
    good = Line("passed", column([1.0] * 200, lost=range(5)), limit=0.8)
    assert told(good).endswith("2.5 % of its measurements are missing, 2.0 % are tolerated")
    near = Line("passed", column([1.0] * 100 + [0.0] * 20, lost=range(12)), limit=0.8, margin=0.02)
    assert told(near).endswith("which could change the answer")
    whole = column([1.0] * 200)
    apart = Line("passed", column([1.0] * 200, lost=range(12)), whole, margin=0.3, tolerance=0.4)
    assert "the two sides differ in that by more than 5.0 %" in told(apart)


def test_a_change_and_its_bounds_are_told_in_the_same_unit():
    words = told(Line("passed", column([1.0] * 20 + [0.0] * 10), column([1.0] * 30)))
    assert "change -33.3 points [-" in words
    assert "%]" not in words
