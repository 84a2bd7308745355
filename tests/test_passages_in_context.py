"""Passages are parsed once for all questions: what one question, or one claim, found never shows in another's verdict."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalkit.judges.context import Context, read
from evalkit.judges.support import assess, sentence_near, support_score
from evalkit.text.quantities import found_in, quantities

PASSAGES = (
    "A guest ticket costs 12 euros. Members of Team Nord enter free of charge until 21:00.",
    "Refunds are made within 14 days. They are not made for gift cards.",
    "返金は14日以内に行われます。",
)
CLAIMS = (
    "A guest ticket costs 12 euros.",
    "A guest ticket costs 15 euros.",
    "Refunds are made for gift cards.",
    "Refunds take 14 days.",
    "",
    "返金は14日以内です。",
)
QUERIES = ("", "What does a guest ticket cost for 15 people?", "Are gift cards refunded?")


def _fresh(query: str, passages: tuple[str, ...] = PASSAGES) -> Context:
    return read.__wrapped__(passages, query)


@pytest.mark.parametrize("query", QUERIES)
@pytest.mark.parametrize("claim", CLAIMS)
def test_a_verdict_is_the_same_whatever_was_asked_before(claim: str, query: str) -> None:
    used = _fresh(query)
    for other in QUERIES:
        for before in CLAIMS:
            assess(before, _fresh(other))
            assess(before, used)
    alone = _fresh(query)
    assert sentence_near(claim, used) is sentence_near(claim, alone)
    assert support_score(claim, used) == support_score(claim, alone)
    assert assess(claim, used) == assess(claim, _fresh(query))


def test_a_number_of_the_question_is_known_in_its_context_alone() -> None:
    assert _fresh(QUERIES[1]).agreeing(frozenset({"15"})) == {"15"}
    assert _fresh(QUERIES[2]).agreeing(frozenset({"15"})) == frozenset()


@settings(max_examples=40)
@given(st.text("0123456789 .,:%$-", max_size=20), st.sampled_from(QUERIES))
def test_quantities_agree_as_with_those_of_passages_and_question_together(
    text: str, query: str
) -> None:
    wanted, context = quantities(text), _fresh(query)
    assert context.agreeing(wanted) == found_in(wanted, context.quantities)
