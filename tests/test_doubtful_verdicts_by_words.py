"""Words that were not found are no evidence: what speaks against an answer is told from what it merely does not repeat."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from evalkit import plugins
from evalkit.confidence import doubtful
from evalkit.diagnose import diagnose
from evalkit.grade import grade
from evalkit.judge import judge_traces
from evalkit.judges.embedded import EmbeddedJudge
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
from evalkit.tools import tools_for

CORPUS = {
    "loan": Document("loan", "Books can be borrowed for 21 days. A reader may renew a loan twice."),
    "hall": Document("hall", "The reading room is closed on Mondays. Dogs must stay outside."),
    "mail": Document("mail", "Letters are answered within three working days."),
    "card": Document("card", "Ein Ausweis kostet 12 Euro. Er gilt ab dem Tag der Anmeldung."),
}
LOAN = Case(
    id="c1",
    query="How long may I keep a book?",
    reference=("Books can be borrowed for 21 days.",),
    relevant={"loan": 1},
    key_points=(KeyPoint("books can be borrowed for 21 days", ("loan",)),),
)
RENEWAL = Case(
    id="c1",
    query="What are the rules for keeping a book?",
    reference=("Books can be borrowed for 21 days, and a reader may renew twice.",),
    relevant={"loan": 1},
    key_points=(
        KeyPoint("books can be borrowed for 21 days", ("loan",)),
        KeyPoint("a reader may renew a loan twice", ("loan",)),
    ),
)
CLOSED = Case(
    id="c1",
    query="When can I not use the reading room?",
    reference=("The reading room is closed on Mondays.",),
    relevant={"hall": 1},
)
DOGS = Case(
    id="c1",
    query="May I bring my dog in?",
    reference=("No, dogs must stay outside.",),
    relevant={"hall": 1},
)
AUSWEIS = Case(
    id="c1",
    query="Ab wann gilt der Ausweis?",
    reference=("Er gilt ab dem Tag der Anmeldung.",),
    relevant={"card": 1},
)
REPLY = Case(
    id="c1",
    query="How fast are letters answered?",
    reference=("Within three working days.",),
    relevant={"mail": 1},
)
AUTHOR = Case(
    id="c1",
    query="Who wrote the house rules?",
    reference=("Ada von Linden",),
    relevant={"hall": 1},
)
REFUSAL = "I am sorry, the documents do not say that."


class Harsh:
    """The embedded judge, to whom no label is met: what it fails is then told by the diagnosis alone."""

    name = "harsh"
    fingerprint = "harsh/1"

    def __init__(self, says: str = "embedded") -> None:
        self.inner, self.says = EmbeddedJudge(), says

    def judge(self, case: Case, trace: Trace) -> Evidence:
        """As the embedded judge says, with every point that is not to the letter missed."""
        found = self.inner.judge(case, trace)
        if trace.response in (case.reference or ()):
            return found
        covered = found.covered and tuple(v if v > 0.9 else 0.01 for v in found.covered)
        return replace(found, judge=self.says, covered=covered, correct=0.06)


def trace(response: str | None, *context: str, **more: Any) -> Trace:
    found = tuple(Passage(d, f"{d}#0", CORPUS[d].text) for d in context)
    return Trace(
        response=response,
        system="s",
        case_id="c1",
        **{"retrieved": found, "context": found, **more},
    )


def asked(case: Case, as_is: Trace, judge: Any = None, **conditions: Trace) -> Finding:
    suite = Suite("library", Path(), (case,), CORPUS, "digest", k=2, pool=8)
    traces = [as_is, *(replace(t, condition=name) for name, t in conditions.items())]
    evidence = asyncio.run(judge_traces({case.id: case}, traces, judge or Harsh()))
    graded = grade(suite, "s", Approach.RAG, traces, evidence, tools_for(suite).metrics)
    (found,) = diagnose(suite, graded, plugins.members("causes"))
    return found


def lasting(case: Case, answer: str, judge: Any = None, **conditions: Trace) -> Finding:
    """The finding for an answer that stays the same with the gold passages alone."""
    gold = next(iter(case.relevant or {}))
    silent = trace(REFUSAL, retrieved=(), context=())
    alone = {"oracle_context": trace(answer, gold), "closed_book": silent, **conditions}
    return asked(case, trace(answer, gold, "hall" if gold != "hall" else "loan"), judge, **alone)


RIGHT = [
    (LOAN, "You've got three weeks before it must come back."),
    (LOAN, "Twenty-one days."),
    (CLOSED, "At the beginning of the week."),
    (DOGS, "It has to wait at the door."),
    (AUSWEIS, "Sobald man sich eingeschrieben hat."),
]


@pytest.mark.parametrize(("case", "answer"), RIGHT)
def test_an_answer_that_merely_lacks_words_is_blamed_on_nobody(case: Case, answer: str):
    found = lasting(case, answer)
    assert (found.status, found.cause, found.confidence) == ("undetermined", None, None)
    assert doubtful(found)
    assert "may be right" in found.evidence[0].text
    assert "misinterpretation" in found.also


WRONG = [
    (LOAN, "You've got a fortnight: 14 days."),  # another value
    (REPLY, "They take a fortnight: 14 days."),  # a time instead of three working days
    (LOAN, "For as long as nobody else wants it."),  # no value at all
    (CLOSED, "It is shut on Thursdays."),  # another day
    (DOGS, "Yes, on a lead."),  # the contrary
    (DOGS, "Which hall do you have in mind?"),  # asks back
    (AUSWEIS, "Er gilt nicht ab dem Tag der Anmeldung."),  # denied
    (AUTHOR, "Bruno Keller."),  # another name
    (AUTHOR, "They were written by the reading room's first director."),  # none of the name
]


@pytest.mark.parametrize(("case", "answer"), WRONG)
def test_an_answer_that_says_something_else_is_wrong_beyond_doubt(case: Case, answer: str):
    found = lasting(case, answer)
    assert not doubtful(found)
    assert (found.cause, found.status) == ("misinterpretation", "proven")


def test_an_answer_with_nothing_beside_the_points_it_has_leaves_the_others_out():
    found = lasting(RENEWAL, "Books can be borrowed for 21 days.")
    assert not doubtful(found)
    assert (found.cause, found.status) == ("incomplete_answer", "proven")
    more = "Books can be borrowed for 21 days, with a couple of extensions granted on request."
    assert doubtful(lasting(RENEWAL, more))


def test_sentences_of_the_passages_that_are_others_than_the_label_are_no_other_words():
    assert not doubtful(lasting(LOAN, "A reader may renew a loan twice."))
    assert not doubtful(lasting(CLOSED, "Dogs must stay outside."))
    assert doubtful(lasting(CLOSED, "Dogs wait outside at the beginning of the week."))


def test_what_the_model_says_without_any_passage_either_is_from_memory():
    answer = "As long as nobody else asks for it."
    own = trace(answer, retrieved=(), context=())
    found = lasting(LOAN, answer, closed_book=own)
    assert not doubtful(found)
    assert found.cause == "parametric_override"


def test_a_refusal_is_no_right_answer_in_other_words():
    found = lasting(LOAN, REFUSAL)
    assert not doubtful(found)
    assert (found.cause, found.status) == ("over_refusal", "proven")


def test_an_answer_whose_evidence_never_arrived_is_no_matter_of_words():
    found = asked(
        LOAN,
        trace("You've got as long as you like.", "hall"),
        oracle_context=trace("Books can be borrowed for 21 days.", "loan"),
        index_lookup=trace(None, retrieved=trace("", "loan").context, context=()),
        deep_retrieval=trace(None, retrieved=trace("", "hall").context, context=()),
    )
    assert not doubtful(found)
    assert (found.cause, found.status) == ("retrieval_miss", "proven")


def test_an_answer_that_changes_into_other_words_with_its_evidence_speaks_for_retrieval():
    found = asked(
        DOGS,
        trace("Pets are welcome everywhere.", "loan"),
        oracle_context=trace("It has to wait at the door.", "hall"),
        index_lookup=trace(None, retrieved=trace("", "hall").context, context=()),
        deep_retrieval=trace(None, retrieved=trace("", "loan").context, context=()),
    )
    assert (found.cause, found.status) == ("retrieval_miss", "suspected")
    assert "misinterpretation" not in found.set[:1]


def test_other_words_that_the_gold_alone_turns_into_the_label_are_suspected_at_most():
    answer = "You've got three weeks before it must come back."
    amid = {"oracle_plus_noise": trace(answer, "hall", "loan"), "gold_first": trace(answer, "loan", "hall")}  # fmt: skip
    found = lasting(LOAN, answer, oracle_context=trace("Books can be borrowed for 21 days.", "loan"), **amid)  # fmt: skip
    assert (found.cause, found.status) == ("noise_distraction", "suspected")
    assert doubtful(found)


@pytest.mark.parametrize("judge", ["llm: some-model", "people", "mine"])
def test_the_word_of_a_model_or_a_person_is_not_doubted_for_its_words(judge: str):
    found = lasting(LOAN, RIGHT[0][1], Harsh(judge))
    assert not doubtful(found)
    assert (found.cause, found.status) == ("misinterpretation", "proven")


def test_a_repeat_that_is_wrong_beyond_doubt_settles_the_case():
    right, wrong = RIGHT[0][1], "You've got a fortnight: 14 days."
    suite = Suite("library", Path(), (LOAN,), CORPUS, "digest", k=2, pool=8)
    for other, in_doubt in ((right, True), (wrong, False)):
        traces = [trace(right, "loan", "hall"), replace(trace(other, "loan", "hall"), repeat=1)]
        evidence = asyncio.run(judge_traces({LOAN.id: LOAN}, traces, Harsh()))
        graded = grade(suite, "s", Approach.RAG, traces, evidence, tools_for(suite).metrics)
        (found,) = diagnose(suite, graded, plugins.members("causes"))
        assert doubtful(found) is in_doubt


def test_a_form_that_does_not_hold_shows_whatever_the_words():
    case = replace(LOAN, style=None, schema=None)
    cited = replace(trace(RIGHT[0][1], "loan", "hall"), citations=("nowhere",))
    alone = {"oracle_context": trace(RIGHT[0][1], "loan")}
    found = asked(case, cited, **alone)
    assert (found.cause, found.status) == ("citation_error", "proven")
