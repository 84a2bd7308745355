"""Labels in doubt: blamed before the system, unless some answer met them or the fault shows whatever the label says."""

from __future__ import annotations

from dataclasses import replace

import pytest

from evalkit.doctor.complaint import (
    CLOSED_BOOK,
    CONTRADICTORY,
    GOLD_ABSENT,
    INSUFFICIENT,
    SYSTEMS_AGREE,
    Complaint,
)
from evalkit.doctor.doubt import doubted, doubts_of
from evalkit.records import Certainty, Finding, Side, Stage

MISREAD = Finding(
    case_id="c1",
    repeat=0,
    outcome="fail",
    status=Certainty.PROVEN,
    cause="misinterpretation",
    side=Side.GENERATION,
    stage=Stage.GENERATION,
    set=("misinterpretation",),
)
GAP = replace(
    MISREAD,
    cause="corpus_gap",
    side=Side.RETRIEVAL,
    stage=Stage.CORPUS,
    status=Certainty.SUSPECTED,
    set=("corpus_gap", "retrieval_miss"),
)


def complaint(kind: str) -> Complaint:
    return Complaint(kind, "c1", "the gold documents (d1) do not say “12 May”: they lack 12 May")


@pytest.mark.parametrize("kind", [INSUFFICIENT, SYSTEMS_AGREE])
def test_a_doubted_label_is_blamed_before_the_system(kind: str):
    found = doubted(MISREAD, [complaint(kind)], attained=False)
    assert (found.cause, found.side, found.status) == (
        "label_issue",
        Side.SUITE,
        Certainty.SUSPECTED,
    )
    assert found.set == ("label_issue", "misinterpretation")
    assert found.evidence[0].fact == "label_doubtful"


def test_a_label_that_some_answer_met_is_not_doubted():
    assert doubted(MISREAD, [complaint(INSUFFICIENT)], attained=True) == MISREAD


@pytest.mark.parametrize("side", [Side.SYSTEM, Side.CONTRACT])
def test_a_fault_that_shows_whatever_the_label_says_stands(side: Side):
    finding = replace(MISREAD, side=side, cause="format_violation")
    assert doubted(finding, [complaint(INSUFFICIENT)], attained=False) == finding


def test_a_warning_is_left_alone():
    warning = replace(MISREAD, outcome="warn")
    assert doubted(warning, [complaint(INSUFFICIENT)], attained=False) == warning


@pytest.mark.parametrize("kind", [GOLD_ABSENT, INSUFFICIENT, CONTRADICTORY])
def test_evidence_that_never_arrived_and_a_doubted_label_leave_both_possible(kind: str):
    found = doubted(GAP, [complaint(kind)], attained=False)
    assert found.cause == "corpus_gap"
    assert found.set == ("corpus_gap", "retrieval_miss", "label_issue")


def test_what_nobody_explained_is_explained_by_a_doubted_label():
    unexplained = replace(
        MISREAD, cause=None, side=None, stage=None, set=(), status=Certainty.UNEXPLAINED
    )
    found = doubted(unexplained, [complaint(INSUFFICIENT)], attained=False)
    assert found.set == ("label_issue",)


def test_only_complaints_against_a_label_are_doubts():
    against, beside = complaint(INSUFFICIENT), complaint(CLOSED_BOOK)
    assert doubts_of([against, beside]) == {"c1": [against]}
