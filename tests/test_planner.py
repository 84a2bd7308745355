"""The most telling condition comes first, settled cases stop, and nothing is asked twice or beyond the budget."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalkit.budget import Budget
from evalkit.cause import Cause, Proof
from evalkit.causes import CAUSES
from evalkit.condition import Reading
from evalkit.conditions import CONDITIONS
from evalkit.conditions.reading import Read
from evalkit.planner import (
    SETTLED,
    USUAL,
    Option,
    Puzzle,
    Why,
    choose,
    expected_calls,
    gain,
    knowledge,
    missing,
    posterior,
)
from evalkit.predictions import FOLLOW_UPS, PREDICTIONS, PROOFS, Seen, row, shows
from evalkit.records import Side, Stage, Trace, Usage
from evalkit.sequential import MOST_REPEATS, combine, combine_frozen, enough, verdict_of

KNOWN = knowledge(CAUSES)
OPTIONS = [Option(c.id) for c in CONDITIONS]
BARE = [Option(c.id) for c in CONDITIONS if c.id not in ("clarified_query", "more_room")]
IN_PROMPT = {"deep_retrieval": Seen.FOUND, "index_lookup": Seen.FOUND}


def puzzle(**suspects: float) -> Puzzle:
    weights = {**dict.fromkeys(sorted(USUAL), 0.03), **suspects}
    return Puzzle(tuple(weights.items()), tuple(suspects))


ABSENT = puzzle(retrieval_miss=0.6, corpus_gap=0.3, ranking_low=0.3)
PRESENT = puzzle(
    noise_distraction=0.6, position_sensitivity=0.3, parametric_override=0.3, misinterpretation=0.3
)


def played(case: Puzzle, truth: str, observed: dict[str, Seen] | None = None) -> list[str]:
    """The conditions asked when the case behaves as ``truth`` predicts (else the worse way)."""
    seen = dict(observed or {})
    asked = []
    while choice := choose(case, seen, BARE, KNOWN):
        asked.append(choice.condition)
        predicted = KNOWN.rows[truth].get(choice.condition)
        seen[choice.condition] = predicted or shows(choice.condition)[1]
    return asked


def believed(case: Puzzle, **seen: Seen) -> str:
    beliefs = posterior(case.weights, seen, KNOWN)
    return max(beliefs, key=lambda cause: beliefs[cause])


# --- the tables ------------------------------------------------------------------------------


def test_every_cause_has_its_row_and_every_name_in_the_tables_is_known():
    causes, conditions = {c.id for c in CAUSES}, {c.id for c in CONDITIONS}
    assert set(PREDICTIONS) == causes
    assert set(PROOFS) | set(FOLLOW_UPS) <= causes
    named = {c for r in PREDICTIONS.values() for c in r}
    named |= {c for groups in PROOFS.values() for group in groups for c in group}
    named |= {c for follow in FOLLOW_UPS.values() for c in follow}
    assert named <= conditions


def test_every_prediction_is_something_that_its_condition_can_show():
    for predicted in PREDICTIONS.values():
        assert all(seen in shows(condition) for condition, seen in predicted.items())


def test_every_cause_that_is_proven_by_asking_has_a_proof():
    asking = {c.id for c in CAUSES if c.proof in (Proof.FLIP, Proof.PERSISTENCE)}
    assert asking <= set(PROOFS)


def test_a_proof_by_flip_predicts_a_right_answer_under_one_of_its_conditions():
    for cause in CAUSES:
        if cause.proof is Proof.FLIP:
            proving = {c for group in PROOFS[cause.id] for c in group}
            assert Seen.PASS in {PREDICTIONS[cause.id].get(c) for c in proving}, cause.id


def test_a_cause_of_another_package_predicts_what_its_proof_says():
    other = Cause(
        "moon_phase",
        Side.GENERATION,
        Stage.GENERATION,
        "m",
        "f",
        "no",
        Proof.FLIP,
        lambda _: None,
        conditions=("gold_first",),
    )
    assert row(other) == {"gold_first": Seen.PASS}


# --- what is asked ---------------------------------------------------------------------------


def test_with_the_gold_absent_the_retriever_is_asked_before_the_model_s_memory():
    asked = played(ABSENT, "retrieval_miss")
    assert asked[:2] == ["deep_retrieval", "index_lookup"]
    assert "oracle_context" in asked
    assert "closed_book" not in asked


@pytest.mark.parametrize("truth", ["retrieval_miss", "corpus_gap", "ranking_low"])
def test_where_the_gold_got_lost_is_found(truth: str):
    seen = {c: KNOWN.rows[truth][c] for c in played(ABSENT, truth) if c in KNOWN.rows[truth]}
    assert believed(ABSENT, **seen) == truth


def test_with_the_gold_in_the_prompt_nobody_asks_the_retriever():
    asked = played(PRESENT, "position_sensitivity", IN_PROMPT)
    assert asked[:2] == ["oracle_context", "gold_first"]
    assert not {"deep_retrieval", "index_lookup"} & set(asked)


def test_an_answer_that_stays_wrong_leads_to_the_model_s_memory():
    assert played(PRESENT, "parametric_override", IN_PROMPT)[:2] == [
        "oracle_context",
        "closed_book",
    ]
    seen = {**IN_PROMPT, "oracle_context": Seen.FAIL}
    assert believed(PRESENT, **seen, closed_book=Seen.SAME) == "parametric_override"
    assert believed(PRESENT, **seen, closed_book=Seen.FAIL) == "misinterpretation"


def test_a_lone_suspect_is_still_put_to_its_proof():
    choice = choose(puzzle(ranking_low=2.0), IN_PROMPT, BARE, KNOWN)
    assert choice is not None
    assert (choice.condition, choice.why) == ("oracle_context", Why.PROOF)


def test_a_settled_case_stops():
    seen = {**IN_PROMPT, "oracle_context": Seen.PASS}
    assert choose(puzzle(ranking_low=2.0), seen, BARE, KNOWN) is None
    assert choose(Puzzle((("infra_error", 20.0),), ("infra_error",)), {}, OPTIONS, KNOWN) is None


def test_a_broken_contract_is_asked_whether_asking_for_it_mends_it():
    case = Puzzle((("format_violation", 20.0),), ("format_violation",))
    choice = choose(case, {}, OPTIONS, KNOWN)
    assert choice is not None
    assert (choice.condition, choice.why) == ("schema_enforced", Why.FOLLOW_UP)


def test_a_suspect_without_hypotheses_asks_nothing():
    assert choose(Puzzle(()), {}, OPTIONS, KNOWN) is None


def test_what_shows_nothing_clear_is_not_asked_again_and_proves_nothing():
    seen = {**IN_PROMPT, "oracle_context": Seen.UNCLEAR}
    choice = choose(puzzle(ranking_low=2.0), seen, BARE, KNOWN)
    assert choice is not None
    assert choice.condition == "gold_first"


def test_a_dear_condition_waits():
    dear = [Option("deep_retrieval", 1), Option("index_lookup", 5), Option("oracle_context", 1)]
    first = choose(ABSENT, {"deep_retrieval": Seen.NOT_FOUND}, dear, KNOWN)
    cheap = [Option(o.condition) for o in dear]
    then = choose(ABSENT, {"deep_retrieval": Seen.NOT_FOUND}, cheap, KNOWN)
    assert first is not None
    assert then is not None
    assert (first.condition, then.condition) == ("oracle_context", "index_lookup")


def test_ties_go_by_the_order_of_the_table():
    case = puzzle(query_underspecified=0.5, misinterpretation=0.5)
    twins = [Option("paraphrase:1"), Option("clarified_query:9"), Option("clarified_query")]
    choice = choose(case, {}, twins, KNOWN)
    assert choice is not None
    assert choice.condition == "clarified_query:9"


def test_what_cannot_be_asked_and_would_settle_the_case_is_missing():
    unasked = ["closed_book", "oracle_context", "deep_retrieval", "index_lookup"]
    lacks = missing(ABSENT, {}, unasked, KNOWN)
    assert {"oracle_context", "deep_retrieval", "index_lookup"} <= set(lacks)
    seen = {"deep_retrieval": Seen.NOT_FOUND, "index_lookup": Seen.FOUND}
    assert missing(ABSENT, {**seen, "oracle_context": Seen.PASS}, ["closed_book"], KNOWN) == ()


@given(
    st.dictionaries(st.sampled_from(sorted(PREDICTIONS)), st.floats(0.01, 1.0), max_size=6),
    st.randoms(use_true_random=False),
)
@settings(max_examples=50, deadline=None)
def test_any_sequence_of_outcomes_ends_and_asks_nothing_twice(
    suspects: dict[str, float], draw: Random
):
    case = puzzle(**suspects)
    seen: dict[str, Seen] = {}
    while choice := choose(case, seen, OPTIONS, KNOWN):
        assert choice.condition not in seen
        seen[choice.condition] = draw.choice([*shows(choice.condition), Seen.UNCLEAR])
    assert len(seen) <= len(OPTIONS)
    beliefs = posterior(case.weights, seen, KNOWN)
    assert sum(beliefs.values()) == pytest.approx(1)


@given(st.dictionaries(st.sampled_from(sorted(PREDICTIONS)), st.floats(0.01, 1.0), min_size=1))
@settings(max_examples=50, deadline=None)
def test_what_a_condition_can_tell_lies_between_nothing_and_all_there_is(beliefs):
    total = sum(beliefs.values())
    shares = {cause: b / total for cause, b in beliefs.items()}
    assert all(0 <= gain(shares, c.id, KNOWN) <= 5 for c in CONDITIONS)


def test_a_certain_cause_leaves_nothing_to_tell():
    assert gain({"retrieval_miss": 1.0}, "oracle_context", KNOWN) == pytest.approx(0, abs=1e-9)
    assert SETTLED < 1


def test_expected_calls_are_those_of_the_draw_and_never_all_conditions_for_a_clear_case():
    few = expected_calls(puzzle(ranking_low=2.0), IN_PROMPT, BARE, KNOWN, Random(1))
    assert few == expected_calls(puzzle(ranking_low=2.0), IN_PROMPT, BARE, KNOWN, Random(1))
    assert 1 <= few < len(BARE)


# --- repeats ---------------------------------------------------------------------------------

PASS, FAIL, ERROR = (Read(r) for r in (Reading.PASS, Reading.FAIL, Reading.ERROR))


def test_three_repeats_ahead_decide_and_two_do_not():
    assert verdict_of(3, 0) is True
    assert verdict_of(0, 3) is False
    assert verdict_of(2, 0) is None
    assert verdict_of(4, 1) is True
    assert verdict_of(3, 2) is None


def test_the_sequential_test_keeps_its_stated_error():
    draw = Random(7)
    wrong = 0
    for _ in range(4000):
        readings: list[Reading] = []
        while not enough(readings, varies=True):
            readings.append(Reading.PASS if draw.random() < 0.2 else Reading.FAIL)
        wrong += verdict_of(readings.count(Reading.PASS), readings.count(Reading.FAIL)) is True
    assert wrong / 4000 <= 0.05


def test_a_system_that_does_not_vary_is_asked_once():
    assert enough([Reading.PASS], varies=False)
    assert not enough([], varies=False)
    assert not enough([Reading.PASS, Reading.PASS], varies=True)
    assert enough([Reading.PASS] * MOST_REPEATS, varies=True)


def test_a_single_flip_of_a_system_that_varies_is_not_established():
    assert combine("oracle_context", [PASS], varies=False).established
    assert not combine("oracle_context", [PASS], varies=True).established
    assert combine("oracle_context", [PASS, PASS, PASS], varies=True).established
    mixed = combine("oracle_context", [PASS, FAIL, PASS, FAIL, PASS], varies=True)
    assert (mixed.reading, mixed.established, mixed.positive) == (Reading.PASS, False, 3)


def test_an_error_is_never_established_and_does_not_outvote_an_answer():
    assert not combine("oracle_context", [ERROR], varies=False).established
    assert combine("oracle_context", [ERROR, PASS], varies=False).reading is Reading.PASS


def test_frozen_repeats_tell_whether_the_generator_alone_varies():
    assert combine_frozen("frozen_context", [PASS, FAIL, PASS]).detail["varies"] is True
    assert combine_frozen("frozen_context", [PASS, PASS]).reading is Reading.PASS
    assert not combine_frozen("frozen_context", [ERROR]).established


# --- the budget ------------------------------------------------------------------------------


def test_calls_stop_exactly_at_the_limit():
    budget = Budget(max_calls=5)
    assert budget.take(3)
    assert not budget.take(3)
    assert budget.take(2)
    assert (budget.left, budget.refused) == (0, "calls")


def test_an_unknown_cost_counts_as_the_dearest_known():
    budget = Budget(max_cost=1.0)
    budget.learn([Trace(usage=Usage(cost=c)) for c in (0.1, 0.3, None)])
    taken = 0
    while budget.take(1):
        taken += 1
        budget.settle(1, None)
    assert (taken, budget.refused) == (3, "cost")
    assert budget.cost == pytest.approx(0.9)


def test_calls_under_way_are_reserved_at_the_dearest_known():
    budget = Budget(max_cost=1.0)
    budget.learn([Trace(usage=Usage(cost=0.4))])
    assert [budget.take(1) for _ in range(3)] == [True, True, False]
    budget.settle(1, 0.1)
    assert budget.take(1)


def test_with_no_cost_known_one_call_is_made_to_learn_it():
    budget = Budget(max_cost=1.0)
    assert budget.take(1)
    assert not budget.take(1)
    budget.settle(1, None)
    assert not budget.take(1)
    assert budget.cost is None
    other = Budget(max_cost=1.0)
    assert other.take(1)
    other.settle(1, 0.25)
    assert other.take(1)


@given(
    st.integers(0, 20),
    st.lists(st.tuples(st.integers(1, 4), st.one_of(st.none(), st.floats(0, 0.5)))),
)
@settings(max_examples=50, deadline=None)
def test_no_sequence_of_calls_exceeds_the_limit(limit: int, wanted: list[tuple[int, float | None]]):
    budget = Budget(max_calls=limit)
    made = 0
    for calls, cost in wanted:
        if budget.take(calls):
            made += calls
            budget.settle(calls, cost)
    assert made == budget.calls <= limit
