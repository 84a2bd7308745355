"""What is not to blame: gold that is cited, labels in another language, an elided year, a question that nobody could answer."""

from __future__ import annotations

from pathlib import Path

import pytest
from support import make_case, make_corpus, make_suite

import evalkit
from evalkit.condition import Situation
from evalkit.conditions.edits import edit_of
from evalkit.doctor.complaint import ANSWERED, INSUFFICIENT, UNCOVERED, Complaint
from evalkit.doctor.doubt import doubted
from evalkit.doctor.labels import label_complaints
from evalkit.judges.asked import named_instead
from evalkit.judges.cited import cited
from evalkit.records import (
    Case,
    Certainty,
    Claim,
    Document,
    Expected,
    Finding,
    KeyPoint,
    Passage,
    Question,
    Side,
    Stage,
    Suite,
    Trace,
)

TOWER = "The tower was drawn by Ruth Adler in 1911. The annex, of 1987, was drawn by Piet Voss."
CORPUS = {
    "tower": Document("tower", TOWER),
    "boats": Document("boats", "Die Boote sind nur für Gäste. Es gibt Ruderboote und Kanus."),
    "north": Document("north", "The kiosk is open on weekdays only.", title="Kiosk: north gate"),
    "south": Document("south", "The kiosk is open from May on.", title="Kiosk: south gate"),
}


def claim(text: str) -> Claim:
    return Claim(text=text, start=0, end=len(text), supported=None)


def finding(case: Case, response: str, *shown: str, citations: tuple[str, ...] = ()) -> Finding:
    seen = tuple(Passage(d, None, CORPUS[d].text, CORPUS[d].title) for d in shown)
    trace = Trace(
        response=response,
        system="s",
        case_id=case.id,
        retrieved=seen,
        context=seen,
        citations=citations,
    )
    suite = Suite("harbour", Path(), (case,), CORPUS, "digest", k=2, pool=8)
    (found,) = evalkit.from_traces(suite, {"s": [trace]}, {"s": "rag"}).systems["s"].findings
    return found


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("Der Saal kostet 1.850 Euro pro Abend.", "1850 €"),
        (
            "Boote gibt es auf Anfrage im Hafen und am See.",
            "There are boats in the harbour and on the lake.",
        ),
    ],
)
def test_a_source_is_no_wrong_one_for_its_spelling_or_its_language(text: str, answer: str):
    assert cited(["d"], (Passage("d", None, text),), [claim(answer)]) != (False,)


def test_a_labelled_document_is_never_cited_wrongly_by_its_words_alone():
    context = (Passage("d", "d#1", "Lessons take an hour."),)
    said = [claim("Courses cost twelve pounds")]
    assert cited(["d"], context, said) == (False,)
    assert cited(["d"], context, said, {"d"}) == (None,)
    assert cited(["d#1"], context, said, {"d"}) == (None,)


def test_a_document_on_something_else_is_still_cited_wrongly():
    context = (
        Passage("d", None, "Lessons take an hour."),
        Passage("e", None, "Boats cost 9 euros."),
    )
    assert cited(["d"], context, [claim("Boats cost 9 euros")], {"e"}) == (False,)


def test_a_name_that_a_foreign_gold_document_lacks_says_nothing_against_the_label():
    case = Case(
        "c", "Which boats are there for the guests?", reference=("Rowing boats and canoes.",),
        relevant={"boats": 1}, key_points=(KeyPoint("Canoes"), KeyPoint("Rowing boats")),
    )  # fmt: skip
    found = finding(case, "There are canoes.", "boats")
    assert "label_issue" not in (found.cause, *found.also)


def test_the_sentence_asked_for_speaks_against_a_label_that_names_somebody_else():
    case = Case("c", "Who drew the annex?", reference=("Ruth Adler",), relevant={"tower": 1})
    assert named_instead("Ruth Adler", case.query, [TOWER]) == {"piet", "voss"}
    assert named_instead("Piet Voss", case.query, [TOWER]) is None
    assert finding(case, "The annex was drawn by Piet Voss.", "tower").cause == "label_issue"
    assert finding(case, "The annex was drawn by Max Kern.", "tower").cause != "label_issue"


def test_a_doubtful_label_is_not_edited():
    suite = Suite("harbour", Path(), (), CORPUS, "digest", k=2, pool=8)

    def edit(reference: str):
        case = Case("c", "Who drew the annex?", reference=(reference,), relevant={"tower": 1})
        return edit_of(Situation(suite, case, Trace(response=""), Question(case.query)))

    assert edit("Ruth Adler") is None
    assert edit("drawn in 1987") is not None


def test_a_year_that_a_range_leaves_out_is_no_contradiction():
    corpus = make_corpus(d="展覧会は2024年4月6日から6月30日まで開催されます。")
    case = make_case("c", "展覧会はいつまでですか。", reference="2024年6月30日まで", relevant=["d"])
    other = make_case(
        "o", "展覧会はいつまでですか。", reference="2024年7月30日まで", relevant=["d"]
    )
    kinds = [(c.kind, c.subject) for c in label_complaints(make_suite([case, other], corpus), {})]
    assert (INSUFFICIENT, "c") not in kinds
    assert (INSUFFICIENT, "o") in kinds


def test_a_refusal_wanted_of_what_the_corpus_says_is_doubtful():
    corpus = make_corpus(d="Musik ist im Festsaal bis 23 Uhr erlaubt.")
    asked = [
        ("c", "Bis wann ist im Festsaal Musik erlaubt?"),
        ("o", "Wie viel kostet Musik im Festsaal?"),
    ]
    cases = [make_case(i, q, expected=Expected.REFUSE) for i, q in asked]
    found = [c for c in label_complaints(make_suite(cases, corpus), {}) if c.kind == ANSWERED]
    assert [c.subject for c in found] == ["c"]


def test_a_reference_without_its_own_key_point_is_told():
    corpus = make_corpus(d="The fee is 9 euros and is due in May.")
    case = make_case(
        "c", "What is the fee?", reference="It is 9 euros.", relevant=["d"],
        key_points=[("9 euros", ["d"]), ("due in May", ["d"])],
    )  # fmt: skip
    found = [c for c in label_complaints(make_suite([case], corpus), {}) if c.kind == UNCOVERED]
    assert [(c.subject, "due in May" in c.text) for c in found] == [("c", True)]


def test_a_missing_refusal_is_not_blamed_where_the_corpus_answers():
    found = Finding(
        case_id="c", repeat=0, outcome="fail", status=Certainty.PROVEN, cause="missing_refusal",
        side=Side.GENERATION, stage=Stage.GENERATION, set=("missing_refusal",),
    )  # fmt: skip
    assert doubted(found, [Complaint(ANSWERED, "c", "…")], attained=False).cause == "label_issue"
    assert doubted(found, [Complaint(INSUFFICIENT, "c", "…")], attained=False) == found


def test_a_question_that_fits_two_documents_is_in_the_set():
    case = Case(
        "c", "When is the kiosk open?", reference=("On weekdays only.",), relevant={"north": 1}
    )
    found = finding(case, "The kiosk is open from May on.", "south")
    assert found.status is Certainty.SUSPECTED
    assert "query_underspecified" in found.set


def test_a_judge_at_odds_with_itself_proves_nothing():
    from evalkit.doubtful import doubt_of, in_doubt
    from evalkit.facts import Facts
    from evalkit.probes import NOTHING

    proven = Finding(
        case_id="c", repeat=0, outcome="fail", status=Certainty.PROVEN, cause="misinterpretation",
        side=Side.GENERATION, stage=Stage.GENERATION, set=("misinterpretation",),
    )  # fmt: skip
    facts = Facts(
        Case("c", "q"), Trace(), "rag", 2, False, False, (), (), (), (), None, (), (), 0, 1, {}, split=True
    )  # fmt: skip
    found = in_doubt(proven, doubt_of(facts, NOTHING, words=True), lambda: proven)
    assert (found.status, found.evidence[0].fact) == (Certainty.SUSPECTED, "judge_disagrees")
