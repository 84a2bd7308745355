"""What is right by which label, what passes by which contract, and how a case ends over its repeats."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from support import make_case, make_corpus, make_graded, make_suite, make_trace

from evalkit.grade import Graded
from evalkit.outcome import CONTRACTS, CaseOutcome, correct_rules
from evalkit.records import (
    Approach,
    CorrectRule,
    Criterion,
    Evidence,
    Expected,
    Format,
    Status,
    StyleRules,
    Trace,
)

CORPUS = make_corpus(fee="The fee is 5 euros.", time="It opens at 9.", secret="The margin is 30 %.")
RIGHT = "The fee is 5 euros."
FEE = make_case(reference=RIGHT, relevant=["fee"], key_points=[("the fee is 5 euros", ["fee"])])
OBJECT = make_case(
    reference_object={"fee": 5},
    schema={
        "type": "object",
        "required": ["fee"],
        "additionalProperties": False,
        "properties": {"fee": {}},
    },
)


def outcome(case: Any, *traces: Trace, approach: str = "rag", **settings: Any) -> Graded:
    evidence = settings.pop("evidence", None)
    suite = make_suite([case], CORPUS, **settings)
    return make_graded(suite, traces, approach=approach, evidence=evidence)


def answered(response: str | None, **more: Any) -> Trace:
    seen = {"retrieved": ["fee", "time"], "context": ["fee", "time"], "corpus": CORPUS, **more}
    return make_trace(response, **seen)


def verdict(case: Any, response: str | None, **more: Any) -> tuple[float | None, bool | None]:
    settings = {name: more.pop(name) for name in ("correct", "approach", "k") if name in more}
    found = outcome(case, answered(response, **more), **settings)
    return found.scores.value("correct", 0), found.passed(0)


def rules(case: Any, approach: Approach = Approach.RAG, **settings: Any) -> tuple[Any, ...]:
    return correct_rules(make_suite([case], CORPUS, **settings), case, approach)


# --- which label decides -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ({"reference_object": {"a": 1}}, (("field_score", 1.0),)),
        ({"key_points": ["a"]}, (("key_points", 1.0),)),
        ({"reference": "a"}, (("equivalence", 0.5),)),
        ({"reference": "a", "key_points": ["a"]}, (("key_points", 1.0),)),
        (
            {"reference_object": {"a": 1}, "key_points": ["a"]},
            (("field_score", 1.0), ("key_points", 1.0)),
        ),
        ({"criteria": (Criterion("a", "b"),)}, (("criteria", 1.0),)),
        ({"criteria": (Criterion("a", "b"),), "reference": "a"}, (("equivalence", 0.5),)),
        ({"expected": Expected.REFUSE, "reference": "I am sorry."}, (("behaviour", 1.0),)),
        ({"expected": Expected.CLARIFY, "key_points": ["a"]}, (("behaviour", 1.0),)),
        ({"expected": Expected.CORRECT_PREMISE, "key_points": ["a"]}, (("key_points", 1.0),)),
        ({"expected": Expected.PARTIAL, "reference": "a"}, (("equivalence", 0.5),)),
        (
            {"reference": "red", "format": Format("label", labels=("red",))},
            (("label_accuracy", 1.0),),
        ),
        ({"reference": "a,b", "format": Format("csv")}, (("equivalence", 0.5),)),
        ({}, ()),
        ({"relevant": ["fee"]}, ()),
    ],
)
def test_the_labels_of_a_case_say_what_is_right(labels: dict[str, Any], expected: Any):
    assert rules(make_case(**labels)) == expected


def test_the_suite_overrides_the_labels():
    assert rules(FEE, correct=CorrectRule("token_f1", 0.8)) == (("token_f1", 0.8),)


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ({"key_points": [("a", ["fee"])], "relevant": ["fee"]}, (("evidence_retrieved", 1.0),)),
        ({"key_points": ["a"], "relevant": ["fee"]}, (("Success@5", 1.0),)),
        ({"relevant": ["fee"], "expected": Expected.REFUSE}, (("Success@5", 1.0),)),
        ({"relevant": []}, ()),
        ({"reference": "a"}, ()),
    ],
)
def test_a_retriever_alone_is_right_when_the_evidence_is_within_k(
    labels: dict[str, Any], expected: Any
):
    case = make_case(**labels)
    assert rules(case, Approach.RETRIEVER) == expected
    assert rules(case, Approach.RETRIEVER, correct=CorrectRule("exact", 1.0)) == expected


# --- right and wrong, by kind of label -----------------------------------------------------------


def test_an_object_is_right_when_every_leaf_is():
    assert verdict(OBJECT, '{"fee": 5}') == (1.0, True)
    assert verdict(OBJECT, '{"fee": 6}') == (0.0, False)


def test_key_points_are_right_when_all_are_stated():
    case = replace(
        FEE, key_points=(*FEE.key_points, *make_case(key_points=["it opens at 9"]).key_points)
    )
    assert verdict(case, "The fee is 5 euros. It opens at 9.") == (1.0, True)
    assert verdict(case, RIGHT) == (0.5, False)


def test_a_text_is_right_from_an_equivalence_of_one_half():
    case = make_case(reference=RIGHT)
    for probability, right in ((0.5, True), (0.49, False)):
        said = [Evidence("mine", correct=probability, refused=0.0)]
        found = outcome(case, answered("Some answer."), evidence=said)
        assert (found.outcomes.right[0], found.passed(0)) == (right, right)


def test_with_an_object_and_key_points_both_must_be_right():
    case = replace(OBJECT, key_points=FEE.key_points)
    says = {"correct": None, "refused": 0.0}
    for covered, right in ((0.9, True), (0.1, False)):
        said = [Evidence("mine", covered=(covered,), **says)]
        assert outcome(case, answered('{"fee": 5}'), evidence=said).passed(0) is right
    said = [Evidence("mine", covered=(0.9,), **says)]
    assert outcome(case, answered('{"fee": 6}'), evidence=said).passed(0) is False


def test_a_refusal_is_right_where_one_is_expected_and_wrong_elsewhere():
    refusal = "I am sorry, the documents do not say what it costs."
    wanted = make_case(expected=Expected.REFUSE, relevant=[])
    assert verdict(wanted, refusal) == (1.0, True)
    assert verdict(wanted, RIGHT) == (0.0, False)
    assert verdict(FEE, refusal) == (0.0, False)


def test_asking_back_is_right_where_it_is_expected():
    case = make_case(expected=Expected.CLARIFY)
    assert verdict(case, "Which membership do you mean, adult or student?") == (1.0, True)
    assert verdict(case, RIGHT) == (0.0, False)


def test_a_label_is_right_when_it_is_the_wanted_one():
    case = make_case(reference="refund", format=Format("label", labels=("refund", "invoice")))
    assert verdict(case, "refund") == (1.0, True)
    assert verdict(case, "invoice") == (0.0, False)
    right, passed = verdict(case, "I think this is about a refund.")
    assert (right, passed) == (1.0, False), "the label is right, the format is not"


def test_the_suites_own_rule_replaces_the_judges_opinion():
    rule = CorrectRule("token_f1", 0.4)
    wordy = "The fee is 5 euros and it has been so for a very long time, as everybody here knows."
    value, passed = verdict(FEE, wordy, correct=rule)
    assert value is not None
    assert 0 < value < rule.at_least
    assert passed is False
    assert verdict(FEE, wordy)[1] is True


def test_a_refusal_without_a_reference_is_graded_under_the_suites_own_rule():
    case = make_case(expected=Expected.REFUSE)
    rule = CorrectRule("token_f1", 0.5)
    assert verdict(case, "I am sorry, I do not know.", correct=rule) == (None, True)
    assert verdict(case, RIGHT, correct=rule) == (None, False)


def test_a_rule_on_a_stage_counts_an_error_as_wrong():
    trace = make_trace(None, error="timeout")
    found = outcome(FEE, trace, correct=CorrectRule("R@5", 1.0))
    assert found.scores.value("correct", 0) == 0.0
    assert found.scores.status("correct", 0) is Status.SYSTEM_ERROR


def test_a_retriever_passes_by_what_it_found():
    for found, right in ((["fee"], True), (["time"], False)):
        trace = make_trace(None, retrieved=found, corpus=CORPUS)
        graded = outcome(FEE, trace, approach="retriever")
        assert (graded.passed(0), graded.scores.value("correct", 0)) == (right, float(right))


def test_a_retriever_is_wrong_when_the_evidence_is_below_the_cut():
    trace = make_trace(None, retrieved=["time", "fee"], corpus=CORPUS)
    assert outcome(FEE, trace, approach="retriever", k=1).passed(0) is False


# --- the contracts -------------------------------------------------------------------------------

KEPT: dict[str, tuple[Any, str, dict[str, Any]]] = {
    "behaviour": (FEE, RIGHT, {}),
    "schema_valid": (OBJECT, '{"fee": 5}', {}),
    "format_valid": (
        make_case(reference="refund", format=Format("label", labels=("refund", "other"))),
        "refund",
        {},
    ),
    "style": (replace(FEE, style=StyleRules(forbid_exclamation=True)), RIGHT, {}),
    "citation_precision": (FEE, RIGHT, {"citations": ("fee",)}),
    "criteria": (
        replace(FEE, criteria=(Criterion("cost", "Names the cost", ("fee",)),)),
        RIGHT,
        {},
    ),
    "permission_ok": (replace(FEE, forbidden=("secret",)), RIGHT, {}),
}
BROKEN: dict[str, tuple[str, dict[str, Any]]] = {
    "behaviour": ("I am sorry, I cannot say.", {}),
    "schema_valid": ('{"fee": 5, "tax": 1}', {}),
    "format_valid": ("It is a refund.", {}),
    "style": ("The fee is 5 euros!", {}),
    "citation_precision": (RIGHT, {"citations": ("fee", "secret")}),
    "criteria": (RIGHT, {}),
    "permission_ok": (RIGHT, {"context": ["fee", "secret"]}),
}


def test_no_contract_is_forgotten_here():
    assert set(KEPT) == set(BROKEN) == set(CONTRACTS)


@pytest.mark.parametrize("name", CONTRACTS)
def test_a_kept_contract_passes_and_a_broken_one_fails(name: str):
    case, response, more = KEPT[name]
    kept = outcome(case, answered(response, **more))
    assert kept.scores.status(name, 0) is Status.SCORED
    assert (kept.passed(0), kept.outcomes.broken[0]) == (True, ())
    response, more = BROKEN[name]
    if name == "criteria":
        case = replace(case, criteria=(Criterion("tax", "Names the tax rate", ("VAT",)),))
    broken = outcome(case, answered(response, **more))
    assert broken.passed(0) is False
    assert name in broken.outcomes.broken[0]


@pytest.mark.parametrize("profile", [{}, {"citations": True}])
def test_an_answer_may_pass_without_a_citation_and_is_measured(profile: dict[str, bool]):
    found = outcome(FEE, answered(RIGHT, citations=()), profile=profile)
    assert (found.passed(0), found.outcomes.broken[0]) == (True, ())
    assert found.scores.value("cites", 0) == 0.0


@pytest.mark.parametrize("name", ["style", "citation_precision", "criteria", "permission_ok"])
def test_a_broken_contract_fails_an_answer_that_is_right(name: str):
    case, _, _ = KEPT[name]
    response, more = BROKEN[name]
    if name == "criteria":
        case = replace(case, criteria=(Criterion("tax", "Names the tax rate", ("VAT",)),))
    found = outcome(case, answered(response, **more))
    assert (found.outcomes.right[0], found.passed(0)) == (True, False)


def test_an_unlabelled_case_passes_by_a_contract_but_not_without_one():
    styled = make_case(style=StyleRules(forbid_exclamation=True))
    assert outcome(styled, answered("Hello there, all is well.")).passed(0) is True
    assert outcome(make_case(), answered("Hello there, all is well.")).passed(0) is None


# --- cases over their repeats --------------------------------------------------------------------

WRONG = "The fee is 7 euros."
DOWN = Evidence("mine", error="down")
SURE = Evidence("mine", covered=(0.9,), correct=0.9, refused=0.0)
UNSURE = Evidence("mine", covered=(0.1,), correct=0.1, refused=0.0)


@pytest.mark.parametrize(
    ("repeats", "expected"),
    [
        (["right", "right"], CaseOutcome.PASSED),
        (["right", "wrong"], CaseOutcome.FAILED),
        (["right", "error"], CaseOutcome.ERROR),
        (["wrong", "error"], CaseOutcome.FAILED),
        (["right", "ungraded"], CaseOutcome.UNGRADED),
        (["error", "ungraded"], CaseOutcome.ERROR),
        (["wrong", "ungraded"], CaseOutcome.FAILED),
        (["ungraded"], CaseOutcome.UNGRADED),
    ],
)
def test_a_case_ends_as_its_worst_repeat(repeats: list[str], expected: CaseOutcome):
    said = {"right": SURE, "wrong": UNSURE, "ungraded": DOWN, "error": None}
    traces = [
        make_trace(None, error="timeout", repeat=i)
        if kind == "error"
        else answered(WRONG if kind == "wrong" else RIGHT, repeat=i)
        for i, kind in enumerate(repeats)
    ]
    for order in (traces, traces[::-1]):
        evidence = [said[repeats[t.repeat]] for t in order]
        assert outcome(FEE, *order, evidence=evidence).cases == {"c1": expected}


def test_other_conditions_do_not_decide_a_case():
    probe = answered(WRONG, condition="closed_book")
    assert outcome(FEE, answered(RIGHT), probe).cases == {"c1": CaseOutcome.PASSED}


def test_an_error_is_neither_a_failure_nor_ungraded():
    found = outcome(make_case(), make_trace(None, error="timeout"))
    assert found.cases == {"c1": CaseOutcome.ERROR}
    assert found.scores.status("passed", 0) is Status.SYSTEM_ERROR


def test_a_judge_that_is_down_leaves_a_case_ungraded_unless_a_rule_settles_it():
    styled = replace(FEE, style=StyleRules(forbid_exclamation=True))
    assert outcome(styled, answered(RIGHT), evidence=[DOWN]).cases["c1"] is CaseOutcome.UNGRADED
    broken = outcome(styled, answered("The fee is 5 euros!"), evidence=[DOWN])
    assert broken.cases["c1"] is CaseOutcome.FAILED


def test_an_unobserved_outcome_is_ungraded_and_says_so():
    found = outcome(FEE, make_trace(None, retrieved=["fee"], corpus=CORPUS))
    assert found.cases == {"c1": CaseOutcome.UNGRADED}
    assert found.scores.status("passed", 0) is Status.UNOBSERVED


def test_a_case_that_was_not_asked_has_no_outcome():
    suite = make_suite([FEE, replace(FEE, id="c2")], CORPUS)
    assert make_graded(suite, [answered(RIGHT)]).cases.keys() == {"c1"}
