"""Choosing an approach: every rule can change the ranking, requirements hold, what was measured outranks advice."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from support import make_case, make_corpus, make_suite, make_trace

from evalkit import plugins
from evalkit.api import from_traces
from evalkit.decide import decide, decision_json
from evalkit.decision.mending import Gain, gains
from evalkit.decision.ranking import rank
from evalkit.decision.rulebook import APPROACHES, Rule, Rulebook, Term, load_rulebook
from evalkit.errors import InvalidInput
from evalkit.records import Approach, Certainty, Finding, Interval, Side, Stage

BOOK = load_rulebook()
SIDES = {cause.id: cause.side for cause in plugins.members("causes")}
READY = {
    "prompt_on_record": True,
    "rag_on_record": True,
    "oracle_failure_low": 0.4,
    "prompt_attempt_failed": True,
    "labelled_examples": 1000,
}


def gain(value: float, *, measured: bool = False) -> Gain:
    return Gain(Interval(value, value - 0.01, value + 0.01, 100), ("c1",), measured=measured)


def holding(terms: tuple[Term, ...]) -> dict[str, Any]:
    """Facts that make every term of a rule true."""
    facts: dict[str, Any] = {}
    for term in terms:
        options = (
            term.value[0]
            if term.test == "one_of"
            else term.value + {"above": 1, "below": -1}.get(term.test, 0)
            if term.test not in ("is", "one_of")
            else term.value
        )
        facts.setdefault(term.fact, options)
    assert all(term.holds(facts) for term in terms)
    return facts


def place(options: Any, approach: str) -> int:
    return [option.approach for option in options].index(approach)


@pytest.mark.parametrize("rule", BOOK.rules, ids=lambda rule: rule.id)
def test_every_rule_can_change_the_ranking(rule: Rule):
    facts = READY | holding(rule.when)
    without = Rulebook(tuple(r for r in BOOK.rules if r is not rule), {})
    raised = max(APPROACHES, key=lambda a: rule.points.get(a, 0.0))
    other = min(APPROACHES, key=lambda a: rule.points.get(a, 0.0))
    lead = rule.points.get(raised, 0.0) - rule.points.get(other, 0.0)
    zero = {a: gain(0.001) for a in APPROACHES}
    rest = {o.approach: o.score for o in rank(zero, facts, without)}
    level = (
        rest[raised] - rest[other] + lead / 2
    ) / 100  # half of the rule's lead ahead without it
    found = {**zero, raised: gain(9.0), other: gain(9.0 + level)}
    before, after = (
        rank(found, facts, without),
        rank(found, facts, replace(without, rules=BOOK.rules)),
    )
    assert place(before, other) < place(before, raised)
    assert place(after, raised) < place(after, other)


@pytest.mark.parametrize("lacking", sorted(READY))
@pytest.mark.parametrize("worth", [None, False])
def test_tuning_never_comes_first_without_all_that_it_requires(lacking: str, worth: bool | None):
    poor = 10 if lacking == "labelled_examples" and worth is False else worth
    poor = 0.0 if lacking == "oracle_failure_low" and worth is False else poor
    promising = {a: gain(0.9 if a == "finetuned" else 0.0) for a in APPROACHES}
    assert rank(promising, READY, BOOK)[0].approach == "finetuned"
    assert rank(promising, {**READY, lacking: poor}, BOOK)[0].approach != "finetuned"


def test_what_was_measured_outranks_the_rules():
    facts = {"citations": True, "access_control": True}
    close = {a: gain(0.0) for a in APPROACHES} | {
        "rag": gain(0.2, measured=True),
        "hybrid": gain(0.24, measured=True),
    }
    assert rank(close, facts, BOOK)[0].approach == "rag"
    beaten = frozenset({("rag", "hybrid")})
    assert [o.approach for o in rank(close, facts, BOOK, beaten)][:2] == ["hybrid", "rag"]


def test_what_gains_nothing_is_raised_by_no_rule():
    idle = {a: gain(0.0) for a in APPROACHES}
    facts = {"prompt_pass_rate": 1.0, "citations": True}
    assert rank(idle, facts, BOOK)[0].approach == "no_change"


def test_measured_systems_keep_their_order_among_each_other_whatever_a_rule_gives():
    odd = Rulebook((Rule("odd", (), "why", {"rag": -500.0}),), {})
    found = {a: gain(0.01) for a in APPROACHES} | {
        "rag": gain(0.9, measured=True),
        "hybrid": gain(0.3, measured=True),
    }
    ranked = rank(found, {}, odd, frozenset({("hybrid", "rag")}))
    assert place(ranked, "rag") < place(ranked, "hybrid")


def test_a_reason_is_filled_in_without_running_anything():
    rule = Rule("r", (), "{domains} domains, {domains.__class__} {domains:>999999999} {no", {})
    assert rule.told({"domains": 3}) == "3 domains, {domains.__class__} {domains:>999999999} {no"


def test_a_fact_that_nobody_knows_of_is_a_mistake_in_the_rulebook(two_systems):
    book = Rulebook((Rule("r", (Term("citation", "is", True),), "why", {}),), {})
    with pytest.raises(InvalidInput, match="did you mean 'citations'"):
        two_systems.decision(book=book)


def finding(cause: str, side: Side, **told: Any) -> Finding:
    told = {"status": Certainty.PROVEN, **told}
    return Finding("c1", 0, "fail", cause=cause, side=side, stage=Stage.GENERATION, **told)


def value(found: Finding, approach: str, *, of: Approach = Approach.RAG, due: int = 10) -> float:
    return gains([found], due, of, SIDES, tuning=True)[approach].interval.value


def test_retrieval_mends_what_the_gold_passages_mend():
    missed = finding("retrieval_miss", Side.RETRIEVAL, probes={"oracle_context": "pass"})
    assert value(missed, "rag") == pytest.approx(0.1)
    assert value(missed, "hybrid") == pytest.approx(0.1)
    assert value(missed, "prompt") == value(missed, "finetuned") == 0


def test_a_prompt_mends_what_the_attempt_in_the_prompt_mended_and_tuning_is_open_otherwise():
    mended = finding("format_violation", Side.CONTRACT, probes={"schema_enforced": "pass"})
    stays = finding("format_violation", Side.CONTRACT, probes={"schema_enforced": "fail"})
    assert value(mended, "prompt") == pytest.approx(0.1)
    assert value(stays, "prompt") == 0
    bounds = gains([stays], 10, Approach.RAG, SIDES, tuning=True)["finetuned"].interval
    assert bounds.low == 0
    assert bounds.value == pytest.approx(0.05)
    assert bounds.high >= 0.1


def test_a_case_with_two_causes_takes_an_approach_that_mends_both():
    both = finding(
        "retrieval_miss",
        Side.RETRIEVAL,
        also=("format_violation",),
        probes={"oracle_context": "pass", "few_shot": "pass"},
    )
    assert value(both, "rag") == value(both, "prompt") == 0
    assert value(both, "hybrid") == pytest.approx(0.1)


def test_a_suspected_cause_promises_less_than_a_proven_one():
    sure = finding("label_issue", Side.SUITE)
    guess = replace(sure, status=Certainty.SUSPECTED, confidence=0.4)
    assert value(sure, "mend_suite") == pytest.approx(0.1)
    assert value(guess, "mend_suite") == pytest.approx(0.04)


def test_no_approach_promises_more_than_is_lost():
    found = [
        replace(finding("misinterpretation", Side.GENERATION), case_id=f"c{i}") for i in range(6)
    ]
    promised = gains(found, 6, Approach.RAG, SIDES, tuning=True)
    assert all(
        0 <= g.interval.low <= g.interval.value <= g.interval.high <= 1 for g in promised.values()
    )


# --- from traces to a decision ---------------------------------------------------------------

CORPUS = make_corpus(**{f"d{i}": f"Plan {i} costs {i} euros a month." for i in range(1, 31)})


@pytest.fixture
def two_systems():
    cases = [
        make_case(f"c{i}", f"What does plan {i} cost?", reference=f"{i} euros", relevant=[f"d{i}"])
        for i in range(1, 31)
    ]
    suite = make_suite(cases, CORPUS)
    right = [
        make_trace(
            f"Plan {i} costs {i} euros.",
            f"c{i}",
            corpus=CORPUS,
            retrieved=[f"d{i}"],
            context=[f"d{i}"],
        )
        for i in range(1, 31)
    ]
    wrong = [make_trace("I do not know what that plan costs.", f"c{i}") for i in range(1, 31)]
    return from_traces(suite, {"bare": wrong, "found": right}, {"bare": "prompt", "found": "rag"})


def test_a_run_of_two_systems_ends_in_the_one_that_passes_more(two_systems):
    found = two_systems.decision()
    assert (found.base, found.approach) == ("bare", "rag")
    assert found.options[0].gain.measured
    assert found.options[0].gain.interval.value == 1
    assert len(found.options[0].gain.cases) == 30


def test_the_profile_given_is_the_one_that_counts(two_systems):
    asked = decide(
        two_systems.suite, two_systems.systems, SIDES, profile={"knowledge_changes": "daily"}
    )
    assert "knowledge_changes_fast" in [a.rule for a in asked.options[0].arguments]
    assert "knowledge_changes" in [m.fact for m in two_systems.decision().missing]


def test_decision_json_names_every_approach_once_with_its_cases(two_systems):
    written = decision_json(two_systems.decision())
    assert sorted(o["approach"] for o in written["ranking"]) == sorted(APPROACHES)
    assert written["ranking"][0]["gain"]["case_ids"] == [f"c{i}" for i in range(1, 31)]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("rules: [{id: x, when: [], points: {ragg: 1}, why: w}]", "did you mean 'rag'?"),
        ("rules: [{id: x, when: [{fact: f, more: 1}], why: w}]", "one comparison"),
        ("rules: 3", "is not a rulebook"),
    ],
)
def test_a_rulebook_that_is_wrong_says_where(tmp_path, text: str, told: str):
    (tmp_path / "rules.yaml").write_text(text)
    with pytest.raises(InvalidInput, match=told.replace("?", r"\?")):
        load_rulebook(tmp_path / "rules.yaml")
