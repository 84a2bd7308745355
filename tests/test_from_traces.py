"""Traces that are already there: what cannot be graded is refused by name."""

from __future__ import annotations

import json
from dataclasses import replace
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


@pytest.mark.parametrize(
    ("traces", "told"),
    [
        ("x", "mine: expected a list of traces, got str"),
        (ANSWER, "mine: expected a list of traces, got Trace"),
        (None, "mine: expected a list of traces, got NoneType"),
        ([1], "mine[0]: expected an object with Trace's fields, got int"),
        ([ANSWER, replace(ANSWER, response=5)], "mine[1]: response: expected a string"),
        ([replace(ANSWER, case_id=["a"])], "mine[0]: case_id: expected a string, got list"),
        ([replace(ANSWER, repeat="1")], "mine[0]: repeat: expected an integer, got str"),
        ([replace(ANSWER, meta=5)], "mine[0]: meta: expected an object, got int"),
        ([replace(ANSWER, citations="abc")], "mine[0]: citations: expected a list, got str"),
        ([replace(ANSWER, context=["d"])], "mine[0]: context[0]: expected an object"),
        ([{"response": "Four."}], "mine[0]: case_id: is missing"),
    ],
)
def test_a_value_of_another_type_than_its_field_has_is_named(traces, told):
    with pytest.raises(InvalidInput) as refused:
        from_traces(SUITE, {"mine": traces})
    assert told in str(refused.value)


@pytest.mark.parametrize("traces", [{}, None, [ANSWER]])
def test_no_system_at_all_is_refused_with_what_to_give(traces):
    with pytest.raises(InvalidInput, match=r'expected answers by system, got .*\{"mine": \[Trace'):
        from_traces(SUITE, traces)


def test_an_approach_of_a_system_without_answers_is_a_typing_error():
    with pytest.raises(InvalidInput, match=r"no system is called 'mien'.*did you mean 'mine'"):
        from_traces(SUITE, {"mine": [ANSWER]}, {"mien": "prompt"})


def test_answers_may_be_json_objects_and_the_suite_a_folder(tmp_path):
    (tmp_path / "suite.yaml").write_text("format: 1\nname: s\n")
    (tmp_path / "cases.jsonl").write_text('{"id": "a", "query": "How many?", "reference": "Four."}')
    run = from_traces(tmp_path, {"mine": [{"case_id": "a", "response": "Four."}]})
    assert run.systems["mine"].counts["passed"] == 1


def test_a_passage_without_a_text_is_no_less_refused_in_a_trace_than_in_an_object():
    bare = replace(ANSWER, context=[{"doc_id": "d"}])
    for given in (bare, {"case_id": "a", "response": "Four.", "context": [{"doc_id": "d"}]}):
        with pytest.raises(InvalidInput, match=r"mine\[0\]: context\[0\].text: is missing"):
            from_traces(SUITE, {"mine": [given]})


def test_answers_are_filed_under_the_name_by_which_they_are_given(tmp_path):
    other = Trace(response="Five.", system="other", case_id="a")
    from_traces(SUITE, {"other": [ANSWER], "bare": [replace(other, system="")]}).write(tmp_path)
    lines = map(json.loads, (tmp_path / "traces.jsonl").read_text().splitlines())
    assert {line["system"]: line["response"] for line in lines} == {
        "other": "Four.",
        "bare": "Five.",
    }


def test_half_a_surrogate_pair_is_replaced_as_a_store_does():
    run = from_traces(SUITE, {"mine": [replace(ANSWER, response="Four.\ud800")]})
    (trace,) = run.systems["mine"].graded.scores.traces
    assert trace.response == "Four.?"
