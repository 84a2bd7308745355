"""A verdict that may be wrong proves nothing: what speaks against it counts, and both readings stay possible."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from evalkit import plugins
from evalkit.condition import Reading
from evalkit.conditions.nearness import comes_nearer, near_label
from evalkit.conditions.reading import Read
from evalkit.confidence import doubtful
from evalkit.diagnose import diagnose
from evalkit.grade import grade
from evalkit.judge import judge_traces
from evalkit.judges.embedded import EmbeddedJudge
from evalkit.planner import Option, choose, knowledge, puzzle
from evalkit.predictions import Seen
from evalkit.records import (
    Approach,
    Case,
    Document,
    Evidence,
    Finding,
    KeyPoint,
    Passage,
    Suite,
    Trace,
)
from evalkit.sequential import combine
from evalkit.tools import tools_for

CORPUS = {
    "fees": Document("fees", "Membership of the choir costs 84 euros a year."),
    "hall": Document("hall", "Rehearsals take place in the old town hall every Tuesday."),
    "tour": Document("tour", "The spring tour leads to Ghent and costs 210 euros a person."),
}
CASE = Case(
    id="c1",
    query="What does membership cost?",
    reference=("Membership costs 84 euros a year.",),
    relevant={"fees": 1},
    key_points=(KeyPoint("membership costs 84 euros a year", ("fees",)),),
)
OTHER_WORDS = "You would be paying €84 annually."
WRONG = "Membership costs 99 euros a year."
REFUSAL = "I am sorry, the documents do not say that."


class Literal:
    """A judge to whom nothing is right but the label's own words."""

    name = "literal"
    fingerprint = "literal/1"

    def __init__(self) -> None:
        self.inner = EmbeddedJudge()

    def judge(self, case: Case, trace: Trace) -> Evidence:
        """As the embedded judge says, with what is not word for word the label counted as wrong."""
        found = self.inner.judge(case, trace)
        if trace.response in (case.reference or ()):
            return found
        missed = None if found.covered is None else (0.03,) * len(found.covered)
        return replace(found, covered=missed, correct=0.06)


def passages(*doc_ids: str) -> tuple[Passage, ...]:
    return tuple(Passage(d, f"{d}#0", CORPUS[d].text) for d in doc_ids)


def trace(response: str | None, *context: str, **more: Any) -> Trace:
    found = passages(*context)
    given = {"retrieved": found, "context": found, **more}
    return Trace(response=response, system="s", case_id="c1", **given)


def asked(as_is: Trace, case: Case = CASE, **conditions: Trace) -> Finding:
    suite = Suite("choir", Path(), (case,), CORPUS, "digest", k=2, pool=8)
    traces = [as_is, *(replace(t, condition=name) for name, t in conditions.items())]
    evidence = asyncio.run(judge_traces({case.id: case}, traces, Literal()))
    metrics = tools_for(suite).metrics
    graded = grade(suite, "s", Approach.RAG, traces, evidence, metrics)
    (found,) = diagnose(suite, graded, plugins.members("causes"))
    return found


SILENT = trace(REFUSAL, retrieved=(), context=())
THERE = trace(None, retrieved=passages("fees"), context=())
GONE = trace(None, retrieved=(), context=())


@pytest.mark.parametrize(
    ("lookup", "cause"), [(THERE, "retrieval_miss"), (GONE, "corpus_gap")], ids=["there", "gone"]
)
@pytest.mark.parametrize("as_is", [WRONG, REFUSAL])
def test_an_answer_that_the_gold_changes_into_the_label_speaks_for_the_retrieval_side(
    lookup: Trace, cause: str, as_is: str
):
    found = asked(
        trace(as_is, "hall", "tour"),
        oracle_context=trace(OTHER_WORDS, "fees"),
        gold_first=trace(OTHER_WORDS, "fees", "hall"),
        closed_book=SILENT,
        index_lookup=lookup,
        deep_retrieval=trace(None, retrieved=passages("hall", "tour"), context=()),
    )
    assert (found.cause, found.status) == (cause, "suspected")
    assert found.probes["oracle_context"] == "fail"
    assert any("may be right" in fact.text for fact in found.evidence)


def test_both_readings_of_a_doubtful_verdict_stay_in_the_set():
    found = asked(
        trace(WRONG, "hall", "tour"),
        oracle_context=trace(OTHER_WORDS, "fees"),
        closed_book=SILENT,
        index_lookup=THERE,
        deep_retrieval=trace(None, retrieved=passages("hall", "tour"), context=()),
    )
    assert found.set[0] == "retrieval_miss"
    assert "misinterpretation" in found.set
    proven = asked(
        trace(WRONG, "hall", "tour"),
        oracle_context=trace(CASE.reference[0] if CASE.reference else None, "fees"),
        index_lookup=THERE,
        deep_retrieval=trace(None, retrieved=passages("hall", "tour"), context=()),
    )
    assert (proven.cause, proven.status) == ("retrieval_miss", "proven")
    assert (found.confidence or 0) < (proven.confidence or 0)


@pytest.mark.parametrize("still", [WRONG, "Membership costs 77 euros a year."])
def test_an_answer_with_another_number_is_beyond_doubt(still: str):
    found = asked(
        trace(WRONG, "fees", "hall"), oracle_context=trace(still, "fees"), closed_book=SILENT
    )
    assert (found.cause, found.status) == ("misinterpretation", "proven")


def test_an_answer_that_comes_right_once_the_gold_stands_first_is_a_matter_of_position():
    found = asked(
        trace(WRONG, "hall", "fees"),
        oracle_context=trace(OTHER_WORDS, "fees"),
        gold_first=trace(OTHER_WORDS, "fees", "hall"),
        closed_book=SILENT,
    )
    assert (found.cause, found.status) == ("position_sensitivity", "suspected")
    assert "misinterpretation" in found.set


def test_an_answer_with_all_that_is_labelled_is_blamed_on_nobody():
    found = asked(
        trace(OTHER_WORDS, "fees", "hall"),
        oracle_context=trace(OTHER_WORDS, "fees"),
        closed_book=SILENT,
    )
    assert (found.status, found.cause, found.confidence) == ("undetermined", None, None)
    assert found.evidence[0].fact == "near_label"
    assert doubtful(found)
    assert not found.missing


def test_a_model_that_refuses_without_passages_does_not_answer_from_memory():
    found = asked(
        trace(WRONG, "fees", "hall"),
        oracle_context=trace(WRONG, "fees"),
        closed_book=SILENT,
        edited_context=trace(WRONG, "fees"),
    )
    assert found.cause == "misinterpretation"


def test_wrong_once_and_refused_with_the_gold_alone_is_no_proof_of_misreading():
    found = asked(
        trace(WRONG, "fees", "hall"), oracle_context=trace(REFUSAL, "fees"), closed_book=SILENT
    )
    assert found.status != "proven"


# --- labels ----------------------------------------------------------------------------------


def paraphrased(text: str) -> Case:
    return replace(
        CASE, reference=(text,), key_points=(KeyPoint(text, ("hall",)),), relevant={"hall": 1}
    )


def test_a_label_in_words_that_its_document_lacks_is_no_proof_against_it():
    case = paraphrased("The singers meet weekly at the historic guildhall.")
    found = asked(trace(REFUSAL, "tour"), case, oracle_context=trace(REFUSAL, "hall"))
    assert (found.cause, found.status) != ("label_issue", "proven")


def test_a_label_with_another_number_than_its_document_is_proven_wrong():
    case = replace(
        CASE,
        reference=("Membership costs 48 euros a year.",),
        key_points=(KeyPoint("membership costs 48 euros a year", ("fees",)),),
    )
    right = "Membership of the choir costs 84 euros a year."
    found = asked(trace(right, "fees", "hall"), case, oracle_context=trace(right, "fees"))
    assert (found.cause, found.status) == ("label_issue", "proven")


# --- what is near ----------------------------------------------------------------------------

NEAR = [
    ("全額が返金される。", "雨のときはどうなりますか。", "全額返金してもらえます。", REFUSAL),
    ("Une semaine sans réservation", "Que se passe-t-il ?", "Vous restez une semaine sans réserver.", "Rien."),
    ("Die Frist beträgt sechs Wochen.", "Wie lang ist sie?", "6 Wochen hat man dafür.", "Drei Tage."),
    ("Phí là 84 nghìn đồng.", "Phí là bao nhiêu?", "Bạn trả 84 nghìn đồng.", "Bạn trả 30 nghìn đồng."),
    ("الرسوم 84 دينارا.", "كم الرسوم؟", "تدفع 84 دينارا.", "تدفع 30 دينارا."),
]  # fmt: skip


@pytest.mark.parametrize(("label", "query", "answer", "failing"), NEAR)
def test_other_words_for_the_label_come_nearer_to_it_in_any_language(
    label: str, query: str, answer: str, failing: str
):
    case = Case("c", query, reference=(label,))
    assert near_label(case, answer)
    assert not near_label(case, failing)
    assert comes_nearer(case, failing, answer)
    assert not comes_nearer(case, answer, failing)
    assert not comes_nearer(case, answer, answer)


def test_what_turns_the_label_round_or_is_a_record_is_never_near():
    assert not near_label(
        Case("c", "May I?", reference=("Dogs may be brought.",)), "Dogs may not be brought."
    )
    record = Case("c", "Read it.", reference=("84",), reference_object={"fee": 84})
    assert not near_label(record, '{"fee": 84}')
    assert not near_label(Case("c", "?"), "anything")


# --- repeats and the planner -----------------------------------------------------------------


def test_a_doubtful_repeat_goes_with_those_that_are_right():
    right, wrong = Read(Reading.PASS), Read(Reading.FAIL)
    doubtful = Read(Reading.FAIL, {"doubtful": True})
    assert (
        combine("oracle_context", [right, doubtful, doubtful], varies=True).reading is Reading.PASS
    )
    assert combine("oracle_context", [right, doubtful, wrong], varies=True).reading is Reading.FAIL
    assert combine("oracle_context", [doubtful], varies=False).reading is Reading.FAIL


def test_a_question_that_can_be_asked_clearly_is_before_a_look_alike_is_proven():
    causes = plugins.members("causes")
    known = knowledge(causes)
    case = replace(CASE, clarified="What does membership cost a year?")
    suite = Suite("choir", Path(), (case,), CORPUS, "digest", k=2, pool=8)
    as_is = [trace("The spring tour costs 210 euros a person.", "tour", "fees")]
    evidence = asyncio.run(judge_traces({case.id: case}, as_is, Literal()))
    graded = grade(suite, "s", Approach.RAG, as_is, evidence, tools_for(suite).metrics)
    from evalkit.observe import facts_of

    facts = facts_of(suite, case, graded, 0, [0])
    open_ = puzzle(facts, [(c, s) for c in causes if (s := c.detect(facts))], causes)
    seen = {"oracle_context": Seen.PASS, "gold_first": Seen.FAIL, "oracle_plus_noise": Seen.FAIL}
    choice = choose(open_, seen, [Option("clarified_query")], known)
    assert choice is not None
    assert choice.condition == "clarified_query"
    assert choose(open_, {**seen, "clarified_query": Seen.FAIL}, [], known) is None
