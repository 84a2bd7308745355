"""Traces that are already there: what cannot be graded is refused by name."""

from __future__ import annotations

from pathlib import Path

import pytest

from evalkit.api import from_traces
from evalkit.errors import InvalidInput
from evalkit.records import Case, Suite, Trace

SUITE = Suite("s", Path(), (Case("a", "How many?", reference=("Four.",)),), {}, "0")
ANSWER = Trace(response="Four.", system="mine", case_id="a")


def test_an_answer_is_graded():
    run = from_traces(SUITE, {"mine": [ANSWER]}, {"mine": "prompt"})
    assert run.systems["mine"].counts["passed"] == 1


@pytest.mark.parametrize(
    ("traces", "approach", "told"),
    [
        ([], "prompt", "mine: has no as_is answer"),
        ([Trace(response="x", case_id="a", condition="closed_book")], "prompt", "has no as_is"),
        ([ANSWER, Trace(response="x", case_id="zzz")], "prompt", "no case is called 'zzz'"),
        ([ANSWER, ANSWER], "prompt", "two answers for case 'a', condition as_is, repeat 0"),
        ([ANSWER], "rag2", "no approach is called 'rag2'; did you mean 'rag'?"),
    ],
)
def test_what_cannot_be_graded_is_refused_by_name(traces, approach, told):
    with pytest.raises(InvalidInput) as refused:
        from_traces(SUITE, {"mine": traces}, {"mine": approach})
    assert told in str(refused.value)


def test_no_system_at_all_is_refused_with_what_to_give():
    with pytest.raises(InvalidInput, match=r'no answers of any system.*\{"mine": \[Trace'):
        from_traces(SUITE, {})
