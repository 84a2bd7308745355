"""Every cause is found from what a trace shows, with its evidence; look-alikes come back as a set."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import evalkit
from evalkit import plugins
from evalkit.cause import Proof
from evalkit.fields import plainly_other
from evalkit.records import (
    Case,
    Criterion,
    Document,
    Expected,
    Failure,
    Finding,
    KeyPoint,
    Passage,
    StyleRules,
    Suite,
    Trace,
)
from evalkit.symptoms import load_playbook

CORPUS = {
    "fees": Document("fees", "The annual fee of the choir is 84 euros. Students pay 30 euros."),
    "hall": Document("hall", "Rehearsals take place in the old town hall every Tuesday at 19:30."),
    "fees-2019": Document(
        "fees-2019", "The annual fee of the choir is 60 euros.", superseded_by="fees"
    ),
    "tour": Document("tour", "The spring tour leads to Ghent and costs 210 euros a person."),
    "board": Document("board", "The board meets in secret and decided to raise 500 euros."),
    "notes": Document("notes", "Scores are lent for one season and returned in July."),
}
CASE = Case(
    id="c1",
    query="What does membership cost a year?",
    reference=("The annual fee is 84 euros.",),
    relevant={"fees": 1},
    key_points=(KeyPoint("the annual fee is 84 euros", ("fees",)),),
)
RIGHT, WRONG = "The annual fee is 84 euros.", "The annual fee is 99 euros."
REFUSAL = "I am sorry, the documents do not say what membership costs."


def passage(doc_id: str, text: str | None = None, chunk: int = 0) -> Passage:
    return Passage(doc_id, f"{doc_id}#{chunk}", CORPUS[doc_id].text if text is None else text)


def passages(*doc_ids: str) -> tuple[Passage, ...]:
    return tuple(map(passage, doc_ids))


def trace(response: str | None, *context: str, **more: Any) -> Trace:
    found = passages(*context)
    given = {"retrieved": found, "context": found, **more}
    return Trace(response=response, system="s", case_id="c1", **given)


def findings(case: Case, *traces: Trace, approach: str = "rag", k: int = 2) -> list[Finding]:
    suite = Suite("choir", Path(), (case,), CORPUS, "digest", k=k, pool=4 * k)
    repeats = [replace(t, repeat=i) for i, t in enumerate(traces)]
    run = evalkit.from_traces(suite, {"s": repeats}, {"s": approach})
    return list(run.systems["s"].findings)


def finding(case: Case, *traces: Trace, approach: str = "rag") -> Finding:
    (found,) = findings(case, *traces, approach=approach)
    return found


def test_a_right_answer_from_its_evidence_is_no_finding():
    assert findings(CASE, trace(RIGHT, "fees", "hall")) == []


def test_a_gold_document_that_never_came_back_is_a_miss_with_its_look_alikes():
    found = finding(CASE, trace(WRONG, "hall", "tour"))
    assert (found.cause, found.side) == ("retrieval_miss", "retrieval")
    assert {"retrieval_miss", "corpus_gap", "ranking_low"} == set(found.set)
    assert found.status == "suspected"
    assert "index_lookup" in found.missing


def test_a_deep_list_without_the_gold_document_rules_low_ranking_out():
    deep = passages("hall", "tour", "notes", "board")
    found = finding(CASE, trace(WRONG, retrieved=deep, context=deep[:2]))
    assert set(found.set) == {"retrieval_miss", "corpus_gap"}


def test_a_gold_document_below_the_cut_is_ranked_low_and_the_rank_is_told():
    deep = passages("hall", "tour", "notes", "fees")
    found = finding(CASE, trace(WRONG, retrieved=deep, context=deep[:2]))
    assert found.cause == "ranking_low"
    assert "rank 4 (k = 2)" in found.evidence[0].text


def test_a_gold_document_within_k_that_is_not_in_the_prompt_was_truncated():
    both = passages("hall", "fees")
    found = finding(CASE, trace(WRONG, retrieved=both, context=both[:1]))
    assert found.cause == "context_truncated"


def test_a_gold_passage_cut_before_its_evidence_was_truncated():
    cut = (passage("fees", "The annual"), passage("hall"))
    found = finding(CASE, trace(WRONG, retrieved=passages("fees", "hall"), context=cut))
    assert found.cause == "context_truncated"


def test_a_chunk_without_the_evidence_is_a_chunk_boundary():
    chunk = (passage("fees", "Students pay 30 euros.", chunk=1), passage("hall"))
    found = finding(CASE, trace(WRONG, retrieved=chunk, context=chunk))
    assert found.cause == "chunk_boundary"


def test_gold_absent_from_the_corpus_is_a_gap():
    case = replace(CASE, relevant={"gone": 1}, key_points=(KeyPoint("84 euros", ("gone",)),))
    assert finding(case, trace(WRONG, "hall", "tour")).cause == "corpus_gap"


def test_a_system_without_documents_lacks_the_knowledge():
    answer = Trace(response=WRONG, system="s", case_id="c1")
    found = finding(CASE, answer, approach="prompt")
    assert (found.cause, found.side) == ("corpus_gap", "retrieval")


def test_following_a_superseded_document_is_proven_by_the_check():
    found = finding(CASE, trace("The annual fee of the choir is 60 euros.", "fees-2019", "hall"))
    assert (found.cause, found.status) == ("stale_document", "proven")


def test_a_forbidden_document_in_the_prompt_is_an_access_violation():
    case = Case(
        "c1",
        "What did the board decide?",
        relevant={},
        expected=Expected.REFUSE,
        forbidden=("board",),
    )
    found = finding(case, trace("The board decided to raise 500 euros.", "board"))
    assert (found.cause, found.status) == ("access_violation", "proven")
    assert "missing_refusal" in found.also


def test_refusing_after_a_miss_is_not_the_generators_fault():
    found = finding(CASE, trace(REFUSAL, "hall", "tour"))
    assert found.side == "retrieval"
    assert "over_refusal" not in (found.cause, *found.also, *found.set)


def test_refusing_with_the_evidence_in_the_prompt_is_over_refusal():
    assert finding(CASE, trace(REFUSAL, "fees", "hall")).cause == "over_refusal"


def test_answering_an_unanswerable_question_is_a_missing_refusal():
    case = Case("c1", "Who conducts the choir?", relevant={}, expected=Expected.REFUSE)
    found = finding(case, trace("Maria Lind conducts the choir.", "hall"))
    assert (found.cause, found.status) == ("missing_refusal", "proven")


def test_an_answer_taken_from_another_document_is_distraction():
    found = finding(CASE, trace("The spring tour costs 210 euros a person.", "fees", "tour"))
    assert found.cause == "noise_distraction"
    assert "misinterpretation" in found.set


def test_a_wrong_number_with_the_evidence_at_hand_is_on_the_generation_side():
    found = finding(CASE, trace(WRONG, "fees", "hall"))
    assert found.side == "generation"
    assert {"misinterpretation", "parametric_override"} & set(found.set)


def test_half_an_answer_is_incomplete():
    points = (*CASE.key_points, KeyPoint("students pay 30 euros", ("fees",)))
    found = finding(replace(CASE, key_points=points), trace(RIGHT, "fees", "hall"))
    assert found.cause == "incomplete_answer"
    assert "1 of 2 points" in found.evidence[0].text


def test_partly_missing_evidence_is_attributed_by_key_point():
    points = (*CASE.key_points, KeyPoint("the tour costs 210 euros", ("tour",)))
    case = replace(CASE, key_points=points, relevant={"fees": 1, "tour": 1})
    found = finding(case, trace(RIGHT, "fees", "hall"))
    assert found.cause == "retrieval_miss"
    assert "tour" in found.evidence[0].text


def test_repeats_that_mostly_pass_are_unstable():
    right, wrong = trace(RIGHT, "fees", "hall"), trace(WRONG, "fees", "hall")
    found = finding(CASE, right, right, wrong)
    assert (found.cause, found.status, found.repeat) == ("inconsistency", "proven", 2)


def test_missed_criteria_of_a_review():
    criterion = Criterion("tone", "The reply is polite", ("tone",), "unmet")
    case = Case("c1", "Review the reply.", criteria=(criterion,), relevant={})
    assert (
        finding(case, trace("All is well with the spelling.", "hall")).cause == "missing_criteria"
    )


def test_a_cited_document_that_was_not_in_the_prompt_is_a_citation_error():
    found = finding(CASE, trace(RIGHT, "fees", "hall", citations=("tour",)))
    assert (found.cause, found.side, found.status) == ("citation_error", "contract", "proven")


def test_broken_json_is_a_format_violation():
    schema = {"type": "object", "required": ["fee"], "properties": {"fee": {"type": "number"}}}
    case = replace(
        CASE, key_points=None, reference=None, reference_object={"fee": 84}, schema=schema
    )
    found = finding(case, trace('{"fee": 84', "fees", "hall"))
    assert (found.cause, found.side) == ("format_violation", "contract")


def test_a_broken_style_rule_is_a_style_violation():
    case = replace(CASE, style=StyleRules(forbid_exclamation=True))
    found = finding(case, trace("The annual fee is 84 euros!", "fees", "hall"))
    assert (found.cause, found.side) == ("style_violation", "contract")


def test_an_exception_is_an_infra_error_and_counts_as_one():
    broken = Trace(error=Failure("timeout", "60 s"), system="s", case_id="c1")
    found = finding(CASE, broken)
    assert (found.cause, found.side, found.status) == ("infra_error", "system", "proven")


def test_a_label_that_its_gold_document_does_not_support_is_suspected():
    case = replace(
        CASE, key_points=(KeyPoint("the conductor was born in Riga in 1961", ("fees",)),)
    )
    found = finding(case, trace(WRONG, "fees", "hall"))
    assert "label_issue" in (found.cause, *found.set)


def test_a_vague_question_is_named_beside_the_miss():
    case = replace(CASE, clarified="What is the annual membership fee of the choir for adults?")
    found = finding(case, trace(WRONG, "hall", "tour"))
    assert "query_underspecified" in found.set


def test_a_right_answer_without_its_evidence_warns():
    (found,) = findings(CASE, trace(RIGHT, "hall", "tour"))
    assert (found.outcome, found.side) == ("warn", "retrieval")


def test_a_right_answer_with_an_unsupported_statement_warns():
    answer = "The annual fee is 84 euros. Anna Berg founded the choir in Oslo in 1912."
    (found,) = findings(CASE, trace(answer, "fees", "hall"))
    assert (found.outcome, found.cause) == ("warn", "ungrounded_content")


def test_without_labels_the_sides_cannot_be_told_apart():
    case = replace(CASE, relevant=None, key_points=None)
    found = finding(case, trace(WRONG, "hall"))
    assert (found.status, found.cause, found.side) == ("undetermined", None, None)
    assert "labelled" in found.evidence[0].text


# --- with what other conditions showed -------------------------------------------------------


def asked(case: Case, *as_is: Trace, **conditions: Trace) -> Finding:
    """The finding for some repeats and one answer under each of the conditions."""
    suite = Suite("choir", Path(), (case,), CORPUS, "digest", k=2, pool=8)
    repeats = [replace(t, repeat=i) for i, t in enumerate(as_is)]
    others = [replace(t, condition=name) for name, t in conditions.items()]
    run = evalkit.from_traces(suite, {"s": [*repeats, *others]}, {"s": "rag"})
    (found,) = run.systems["s"].findings
    return found


def chain(found: Finding) -> list[str]:
    return [fact.text for fact in found.evidence]


TWO = replace(CASE, key_points=(*CASE.key_points, KeyPoint("students pay 30 euros", ("fees",))))
HALF, HALF_WRONG = RIGHT, "The annual fee is 84 euros. Students pay 55 euros."
NOTHING_KNOWN = trace(REFUSAL, retrieved=(), context=())


def labelled(text: str) -> Case:
    return replace(CASE, reference=(text,), key_points=(KeyPoint(text, ("fees",)),))


def test_a_label_that_its_document_refutes_is_at_fault_when_the_answer_holds_on_to_the_document():
    answer = trace(RIGHT, "fees", "hall")
    found = asked(
        labelled("The annual fee is 48 euros."), answer, oracle_context=trace(RIGHT, "fees")
    )
    assert (found.cause, found.status) == ("label_issue", "proven")


def test_a_label_that_turns_its_document_around_is_at_fault():
    said = "Rehearsals take place in the old town hall."
    turned = KeyPoint("rehearsals do not take place in the old town hall", ("hall",))
    case = replace(
        CASE,
        query="Where do we rehearse?",
        reference=None,
        relevant={"hall": 1},
        key_points=(turned,),
    )
    found = asked(case, trace(said, "hall", "tour"), oracle_context=trace(said, "hall"))
    assert found.cause == "label_issue"


def test_a_true_label_is_not_blamed_for_a_wrong_answer():
    found = asked(CASE, trace(WRONG, "fees", "hall"), oracle_context=trace(WRONG, "fees"))
    assert "label_issue" not in (found.cause, *found.also, *found.set)


@pytest.mark.parametrize(
    ("wanted", "given", "cause"), [(48, 84, "label_issue"), (84, 48, "misinterpretation")]
)
def test_a_field_that_only_the_sources_or_only_the_label_have_tells_which_is_wrong(
    wanted: int, given: int, cause: str
):
    case = replace(CASE, key_points=None, reference=None, reference_object={"fee": wanted})
    answer = f'{{"fee": {given}}}'
    found = asked(
        case,
        trace(answer, "fees", "hall"),
        oracle_context=trace(answer, "fees"),
        closed_book=NOTHING_KNOWN,
    )
    assert found.cause == cause


def test_a_question_that_is_answered_once_asked_clearly_is_to_blame_before_a_refusal_is():
    case = replace(CASE, query="And the money?", clarified="What does membership cost a year?")
    refused = trace(REFUSAL, "fees", "hall")
    found = asked(
        case, refused, clarified_query=trace(RIGHT, "fees"), oracle_context=trace(REFUSAL, "fees")
    )
    assert (found.cause, found.status) == ("query_underspecified", "proven")


def test_a_question_that_is_at_times_answered_as_it_stands_is_clear_enough():
    case = replace(CASE, clarified="What does membership cost an adult a year?")
    right, wrong = trace(RIGHT, "fees", "hall"), trace(WRONG, "fees", "hall")
    found = asked(case, wrong, right, wrong, clarified_query=trace(RIGHT, "fees"))
    assert found.cause == "inconsistency"


def test_a_refusal_stays_one_when_asking_clearly_does_not_help():
    case = replace(CASE, query="And the money?", clarified="What does membership cost a year?")
    refused = trace(REFUSAL, "fees", "hall")
    found = asked(case, refused, clarified_query=refused, oracle_context=trace(REFUSAL, "fees"))
    assert (found.cause, found.status) == ("over_refusal", "proven")


def test_a_case_that_wavers_does_not_void_what_was_seen_of_others():
    other = replace(CASE, id="c2")
    suite = Suite("choir", Path(), (CASE, other), CORPUS, "digest", k=2, pool=8)
    wavers = [trace(RIGHT, "fees"), trace(WRONG, "fees", repeat=1)]
    frozen = [replace(t, condition="frozen_context") for t in wavers]
    missed = [
        trace(WRONG, "hall", "tour"),
        trace(RIGHT, "fees", condition="oracle_context"),
        trace("", condition="index_lookup", retrieved=passages("fees")),
        trace("", condition="deep_retrieval", retrieved=passages("hall", "tour")),
    ]
    second = [replace(t, case_id="c2") for t in missed]
    run = evalkit.from_traces(suite, {"s": [*wavers, *frozen, *second]}, {"s": "rag"})
    named = {f.case_id: (f.cause, f.status) for f in run.systems["s"].findings}
    assert named["c1"][0] == "inconsistency"
    assert named["c2"] == ("retrieval_miss", "proven")


def test_a_wrong_answer_is_no_refusal_though_the_gold_passage_alone_gets_one():
    refusal = trace(REFUSAL, "fees")
    found = asked(
        CASE, trace(WRONG, "fees", "hall"), oracle_context=refusal, closed_book=NOTHING_KNOWN
    )
    assert (found.cause, found.status) == ("misinterpretation", "suspected")


def test_a_wrong_answer_without_the_gold_passage_is_over_refusal_where_that_alone_gets_a_refusal():
    found = asked(
        CASE,
        trace(WRONG, "hall"),
        oracle_context=trace(REFUSAL, "fees"),
        closed_book=NOTHING_KNOWN,
    )
    assert (found.cause, found.status) == ("over_refusal", "proven")


def test_a_point_that_is_given_another_value_is_misread_and_not_left_out():
    found = asked(
        TWO,
        trace(HALF_WRONG, "fees", "hall"),
        oracle_context=trace(HALF_WRONG, "fees"),
        closed_book=NOTHING_KNOWN,
    )
    assert (found.cause, found.status) == ("misinterpretation", "proven")


def test_a_point_of_which_nothing_is_said_is_left_out_even_if_memory_says_as_little():
    found = asked(
        TWO,
        trace(HALF, "fees", "hall"),
        oracle_context=trace(HALF, "fees"),
        closed_book=trace(HALF, retrieved=(), context=()),
    )
    assert (found.cause, found.status) == ("incomplete_answer", "proven")


def test_a_half_right_answer_that_memory_gives_as_well_is_memory():
    found = asked(
        TWO,
        trace(HALF_WRONG, "fees", "hall"),
        oracle_context=trace(HALF_WRONG, "fees"),
        closed_book=trace(HALF_WRONG, retrieved=(), context=()),
    )
    assert (found.cause, found.status) == ("parametric_override", "proven")
    assert "without any passage the answer is the same: the model brings it along" in chain(found)


EDITED = (passage("fees", CORPUS["fees"].text.replace("84", "94")),)


@pytest.mark.parametrize(
    ("edited", "cause"),
    [
        ("The annual fee is 94 euros. Students pay 55 euros.", "misinterpretation"),
        (HALF_WRONG, "parametric_override"),
    ],
)
def test_an_answer_that_follows_an_edit_of_the_gold_text_is_no_memory(edited: str, cause: str):
    found = asked(
        TWO,
        trace(HALF_WRONG, "fees", "hall"),
        oracle_context=trace(HALF_WRONG, "fees"),
        closed_book=trace(HALF_WRONG, retrieved=(), context=()),
        edited_context=trace(edited, retrieved=EDITED, context=EDITED),
    )
    assert found.cause == cause


SCHEMA = {
    "type": "object",
    "required": ["fee"],
    "additionalProperties": False,
    "properties": {"fee": {"type": "integer"}},
}


def test_a_form_that_stays_broken_does_not_hide_that_the_content_is_mended():
    case = replace(
        CASE, key_points=None, reference=None, reference_object={"fee": 84}, schema=SCHEMA
    )
    astray, mended = '{"fee": 210, "note": 1}', '{"fee": 84, "note": 1}'
    found = asked(
        case,
        trace(astray, "fees", "tour"),
        oracle_context=trace(mended, "fees"),
        gold_first=trace(astray, "fees", "tour"),
    )
    assert (found.cause, found.status) == ("noise_distraction", "proven")
    assert "format_violation" in found.also
    assert (
        "with the gold passages alone the answer says what was asked for, in the wrong form"
        in chain(found)
    )


def test_gold_that_was_not_in_the_prompt_at_all_is_not_a_matter_of_position():
    case = replace(
        CASE,
        key_points=None,
        reference=None,
        reference_object={"open": True},
        relevant={"notes": 1},
    )
    deep = passages("hall", "tour", "fees", "notes")
    right = trace('{"open": true}', "notes", "hall")
    found = asked(
        case,
        trace(REFUSAL, retrieved=deep, context=deep[:2]),
        gold_first=right,
        oracle_context=right,
    )
    assert (found.cause, found.status) == ("ranking_low", "proven")


def test_repeats_that_differ_in_form_alone_are_a_matter_of_form():
    case = replace(CASE, style=StyleRules(forbid_exclamation=True))
    plain, loud = trace(RIGHT, "fees", "hall"), trace("The annual fee is 84 euros!", "fees", "hall")
    found = finding(case, loud, plain, loud)
    assert found.cause == "style_violation"
    assert "inconsistency" in found.also


def test_without_probes_a_plain_wrong_answer_may_come_from_the_reader_the_passages_or_memory():
    case = replace(
        CASE, key_points=None, reference=("The annual fee is 84 euros for each adult member.",)
    )
    found = finding(case, trace("It is the tour.", "hall", "fees"))
    alike = {
        "misinterpretation",
        "noise_distraction",
        "position_sensitivity",
        "parametric_override",
    }
    assert alike <= set(found.set)


def test_a_right_answer_warns_of_a_gap_when_the_index_was_looked_into():
    nowhere = trace(None, retrieved=(), context=None)
    found = asked(CASE, trace(RIGHT, "hall", "tour"), index_lookup=nowhere)
    assert (found.outcome, found.cause) == ("warn", "corpus_gap")
    assert "retrieval_miss" not in found.also
    there = replace(nowhere, retrieved=passages("fees"))
    assert asked(CASE, trace(RIGHT, "hall", "tour"), index_lookup=there).cause == "retrieval_miss"


def test_a_proven_finding_ends_its_chain_with_what_follows():
    deep = passages("hall", "tour", "notes", "fees")
    wrong = trace(WRONG, retrieved=deep, context=deep[:2], citations=("board",))
    found = asked(CASE, wrong, oracle_context=trace(RIGHT, "fees"), closed_book=NOTHING_KNOWN)
    assert chain(found) == [
        "gold document fees came back at rank 4 (k = 2)",
        "with the gold passages alone the answer is right",
        "so: the document was found, but ranked below the cut",
        "besides: cited, but not in the prompt: board",
    ]


@pytest.mark.parametrize("cause", plugins.members("causes"), ids=lambda c: c.id)
def test_every_cause_has_a_proof_a_remedy_and_words(cause):
    assert cause.meaning
    assert cause.first_fix
    assert cause.fine_tuning
    if cause.proof in (Proof.FLIP, Proof.PERSISTENCE):
        assert cause.conditions, "a flip or a persistence needs the condition that shows it"


def test_all_causes_of_the_contract_are_there():
    known = {cause.id for cause in plugins.members("causes")}
    assert len(known) == 23
    for cause in plugins.members("causes"):
        assert set(cause.looks_like) <= known
    for rule in load_playbook():
        assert set(rule.causes) <= known


@pytest.mark.parametrize(
    ("wanted", "given", "other"),
    [
        ("Balance calibration on site", "Balance calibration onsite", False),  # misread
        ("Squared notepad", "notepad", False),  # cut
        ("2025-02-04", "2025-04-02", False),  # day and month changed places
        ("2025-06-10", "2025-04-11", False),  # the date of another field
        ("Squared notepad", "Torque wrench, long", True),
        ("net_30", "", False),
    ],
)
def test_only_a_plainly_other_value_speaks_against_the_label(wanted: str, given: str, other: bool):
    reference = {"issue_date": "2025-04-11", "wanted": wanted}
    assert plainly_other(wanted, given, reference) is other
