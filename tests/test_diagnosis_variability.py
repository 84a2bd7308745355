"""Where answers vary between repeats: retrieval, generation, judging, or not measured."""

from dataclasses import replace

import pytest
from support import make_case, make_graded, make_suite, make_trace

from evalkit.ledger.reading import read_ledger
from evalkit.records import Evidence, Trace
from evalkit.variability import variability


def measured(traces: list[Trace], verdicts: list[float] | None = None) -> dict[str, float | None]:
    suite = make_suite([make_case("c1", reference="Paris"), make_case("c2", reference="Paris")])
    evidence = verdicts and [Evidence("someone", correct=v) for v in verdicts]
    graded = make_graded(suite, traces, evidence=evidence)
    return variability(read_ledger(suite, graded, [], ()))


def asked(
    *answers: str, condition: str = "as_is", case_id: str = "c1", lists: str = ""
) -> list[Trace]:
    """One repeat an answer; ``lists`` names the one document that each repeat retrieved."""
    return [
        make_trace(
            text,
            case_id,
            condition=condition,
            repeat=i,
            retrieved=[lists[i]] if lists else None,
        )
        for i, text in enumerate(answers)
    ]


def test_what_was_asked_once_does_not_show_how_it_varies():
    assert measured(asked("Paris")) == {"retrieval": None, "generation": None, "judge": None}


def test_repeats_that_never_differ_were_measured_and_vary_by_nothing():
    found = measured(asked("Paris", "Paris", lists="aa"))
    assert found == {"retrieval": 0.0, "generation": 0.0, "judge": 0.0}


def test_a_frozen_context_leaves_to_retrieval_what_the_generator_does_not_vary():
    as_is = asked("Paris", "Rome", "Oslo", lists="abc")  # no two alike: 1.0
    frozen = asked("Paris", "Paris", "Rome", condition="frozen_context")  # one pair of three alike
    found = measured([*as_is, *frozen])
    assert found["generation"] == pytest.approx(2 / 3)
    assert found["retrieval"] == pytest.approx(1 / 3)


def test_a_generator_that_varies_more_when_frozen_leaves_nothing_to_retrieval():
    found = measured(
        [*asked("Paris", "Paris"), *asked("Paris", "Rome", condition="frozen_context")]
    )
    assert (found["generation"], found["retrieval"]) == (1.0, 0.0)


def test_only_cases_with_both_kinds_of_repeats_are_compared():
    other = asked("Oslo", "Rome", case_id="c2")
    frozen = asked("Paris", "Paris", condition="frozen_context")
    found = measured([*asked("Paris", "Paris"), *other, *frozen])
    assert (found["generation"], found["retrieval"]) == (0.0, 0.0)


def test_a_judge_that_grades_one_text_both_ways_varies():
    found = measured(asked("Paris", "Paris", "Paris"), [1.0, 0.0, 1.0])
    assert found["judge"] == pytest.approx(2 / 3)


def test_answers_in_other_words_say_nothing_of_the_judge():
    assert measured(asked("Paris", "Rome"), [1.0, 0.0])["judge"] is None


def test_errors_are_no_answers():
    broken = replace(make_trace(None, error="timeout", condition="frozen_context"), repeat=1)
    frozen = [*asked("Paris", condition="frozen_context"), broken]
    assert measured([*asked("Paris", "Rome"), *frozen])["generation"] == 1.0
