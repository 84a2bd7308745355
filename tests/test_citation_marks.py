"""Marks of citations are blanked out of an answer, whatever the ids look like; everything else keeps its place."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import make_case, make_trace

from evalkit.judges.embedded import EmbeddedJudge
from evalkit.records import Document
from evalkit.text.citation_marks import known_names, without_marks

NAMES = known_names(["fee-12", "fee-13", "handbook.md#4", "Fees and charges"])


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ("The fee is 5 euros [4].", "The fee is 5 euros."),
        ("The fee is 5 euros. [4][2]", "The fee is 5 euros."),
        ("The fee is 5 euros [1, 3].", "The fee is 5 euros."),
        ("5 euros (source: fee-12)", "5 euros"),
        ("5 euros (fee-12; fee-13).", "5 euros."),
        ("5 euros (fee-99).", "5 euros."),  # an id of the same build, though nobody knows it
        ("5 euros ([Fees and charges](https://x.example/fee-12)).", "5 euros."),
        ("It costs five euros¹.\n\n¹ Fees and charges (fee-12)", "It costs five euros."),
        (
            "It costs 5.\n\nSources:\n- [Fees and charges](https://x/fee-12)\n- fee-13",
            "It costs 5.",
        ),
        ("Es kostet 5 € (Quelle: fee-12).", "Es kostet 5 €."),
        ("料金は5ユーロです【4†source】。", "料金は5ユーロです。"),
        ("料金は5ユーロです（出典: fee-12）。", "料金は5ユーロです。"),
        ("Phí là 5 euro (nguồn: fee-12).", "Phí là 5 euro."),
        ("الرسوم 5 يورو (المصدر: fee-12).", "الرسوم 5 يورو."),
    ],
)
def test_what_only_cites_is_taken_out(answer: str, said: str):
    assert "".join(without_marks(answer, NAMES).split()) == "".join(said.split())


@pytest.mark.parametrize(
    "answer",
    [
        "The area is 5 m² (about 54 square feet).",
        "Open from Monday (9 to 17) to Friday (closed at noon).",
        "Use [this form](https://x.example/form).",
        "See the note (see section 4).",
        "It holds (24) hours.",
        "¹ Does not apply on Sundays.\nThe rest does.",
        "The document fee-12 names the price.",
        "fee-12",
        "[4]",
    ],
)
def test_what_says_something_stays(answer: str):
    assert without_marks(answer, NAMES) == answer


def test_an_id_that_the_labels_ask_for_is_content():
    assert known_names(["fee-12", "fee-13"], ["See fee-12"]) == {"fee-13"}


@settings(max_examples=50, deadline=None)
@given(st.text(alphabet="ab 1²[](){}.,:\n-【】出典source", max_size=60))
def test_every_other_character_keeps_its_place(answer: str):
    found = without_marks(answer, NAMES)
    assert len(found) == len(answer)
    assert all(a in (b, " ") for a, b in zip(found, answer, strict=True))


def test_a_citation_is_no_claim():
    corpus = {"fee-12": Document("fee-12", "The yearly fee is 84 euros.", "Fees")}
    case = make_case(query="What is the yearly fee?", reference="84 euros")
    for mark in ("[1]", "(source: fee-12)", "([Fees](https://x.example/fee-12))", "(fee-12)"):
        trace = make_trace(f"The yearly fee is 84 euros. {mark}", context=["fee-12"], corpus=corpus)
        claims = EmbeddedJudge().judge(case, trace).claims
        assert claims
        assert [claim.supported for claim in claims] == [True]
        assert trace.response is not None
        assert all(c.text == trace.response[c.start : c.end] for c in claims)
