"""The funnel: each case is lost once, at the earliest stage that shows it; what is not shown is not zero."""

from collections.abc import Sequence
from typing import Any

import pytest
from support import make_case, make_corpus, make_graded, make_suite, make_trace

from evalkit.funnel import STAGES, Step, funnel, step_json
from evalkit.ledger.reading import read_ledger
from evalkit.records import Case, Certainty, Finding, Trace

DOCS = make_corpus(d1="Die Gebühr beträgt 5 Euro.", d2="Other text.", d3="More.", d4="Still more.")
SCHEMA = {"type": "object", "required": ["fee"]}


def case(**labels: Any) -> Case:
    given = {"relevant": ["d1"], "reference": "Die Gebühr beträgt 5 Euro."}
    return make_case(**{**given, **labels})


def trace(response: str = "Die Gebühr beträgt 5 Euro.", **seen: Any) -> Trace:
    given = {"retrieved": ["d1", "d2", "d3"], "context": ["d1", "d2"]}
    return make_trace(response, corpus=DOCS, **{**given, **seen})


def steps(
    one: Case, shown: Sequence[Trace], cause: str | None = None, approach: str = "rag", **given: Any
) -> dict[str, Step]:
    suite = make_suite([one], DOCS, k=2, pool=4)
    graded = make_graded(suite, shown, approach=approach)
    values = {"outcome": "fail", "status": Certainty.PROVEN, "repeat": 0, "cause": cause}
    found = [Finding(one.id, **{**values, **given})] if cause or given else []
    return {step.stage: step for step in funnel(read_ledger(suite, graded, found, ()))}


def lost_at(found: dict[str, Step]) -> str | None:
    where = [name for name, step in found.items() if step.case_ids]
    assert len(where) <= 1
    return where[0] if where else None


def test_a_right_answer_from_its_evidence_gets_all_the_way():
    found = steps(case(style=None), [trace()])
    due = {name for name, step in found.items() if step.due}
    assert due == set(STAGES[:8])  # neither a form nor a style is asked for
    assert lost_at(found) is None


@pytest.mark.parametrize(
    ("seen", "stage"),
    [
        ({"retrieved": ["d2", "d3"], "context": ["d2"]}, "retrieved"),
        ({"retrieved": ["d2", "d3", "d1"], "context": ["d2"]}, "ranked"),
        ({"retrieved": ["d2", "d3", "d4", "d2", "d1"], "context": ["d2"]}, "retrieved"),  # beyond pool
        ({"retrieved": ["d1", "d2"], "context": ["d2"]}, "in_prompt"),
        ({"retrieved": None, "context": ["d2"]}, "in_prompt"),
    ],
)  # fmt: skip
def test_evidence_is_lost_at_the_earliest_stage_that_shows_it(seen, stage):
    assert lost_at(steps(case(), [trace(**seen)])) == stage


def test_evidence_that_the_corpus_lacks_is_lost_there():
    missing = case(relevant=["d9"])
    assert lost_at(steps(missing, [trace(retrieved=["d2"], context=["d2"])])) == "in_corpus"


def test_any_needed_point_counts_and_the_earliest_of_them():
    points = case(key_points=[("a", ["d1"]), ("b", ["d3"]), ("c", ["d4"])], relevant=["d1"])
    found = steps(points, [trace(retrieved=["d1", "d2", "d3"], context=["d1"])])
    assert lost_at(found) == "retrieved"  # d4; d3 was merely ranked low


@pytest.mark.parametrize(
    ("cause", "stage"),
    [
        ("corpus_gap", "in_corpus"),
        ("chunk_boundary", "chunk_intact"),
        ("access_violation", "retrieved"),
        ("context_truncated", "in_prompt"),
        ("over_refusal", "used"),
        ("ungrounded_content", "grounded"),
        ("misinterpretation", "correct"),
    ],
)
def test_a_failure_is_lost_where_its_cause_sits(cause, stage):
    assert lost_at(steps(case(), [trace("Sie beträgt 9 Euro.")], cause)) == stage


def test_what_the_probes_proved_outweighs_a_list_that_ends_at_k():
    shown = trace("Sie beträgt 9 Euro.", retrieved=["d2", "d3"], context=["d2"])
    assert lost_at(steps(case(), [shown], "ranking_low")) == "ranked"


def test_a_warned_case_is_lost_where_its_evidence_was():
    shown = trace(retrieved=["d2", "d3"], context=["d2"])
    warned = {"outcome": "warn", "status": Certainty.SUSPECTED}
    assert lost_at(steps(case(), [shown], "retrieval_miss", **warned)) == "retrieved"


def test_a_broken_form_comes_before_a_broken_style():
    from evalkit.records import StyleRules

    strict = case(schema=SCHEMA, style=StyleRules(max_words=1))
    found = steps(strict, [trace()], "format_violation")
    assert lost_at(found) == "well_formed"
    assert found["on_style"].due == 0
    loose = case(style=StyleRules(max_words=1))
    assert lost_at(steps(loose, [trace()], "style_violation")) == "on_style"


@pytest.mark.parametrize("approach", ["prompt", "finetuned"])
def test_a_system_without_retrieval_has_no_such_stages(approach):
    found = steps(case(), [trace(retrieved=None, context=None)], approach=approach)
    shown = {name: step_json(step) for name, step in found.items()}
    for name in (*STAGES[:7],):
        assert shown[name]["status"] == "not_observed"
        assert (shown[name]["kept"], shown[name]["lost"], shown[name]["low"]) == (None, None, None)
    assert (shown["correct"]["due"], shown["correct"]["kept"]) == (1, 1)


def test_a_retriever_alone_gives_no_answer():
    found = steps(case(), [trace(None, context=None)], approach="retriever")
    assert {name for name, step in found.items() if step.due} == {
        "in_corpus",
        "retrieved",
        "ranked",
    }


def test_only_cases_that_want_an_answer_are_labelled_and_did_not_err_count():
    for one, shown in (
        (case(expected="refuse"), trace()),
        (make_case("c1"), trace()),
        (case(), trace(None, error="timeout")),
    ):
        assert all(step.due == 0 for step in steps(one, [shown]).values())


def test_the_repeat_of_the_finding_stands_for_the_case():
    miss = trace("Sie beträgt 9 Euro.", retrieved=["d2", "d3"], context=["d2"], repeat=1)
    found = steps(case(), [trace(), miss], "retrieval_miss", repeat=1)
    assert lost_at(found) == "retrieved"


def test_due_is_what_came_this_far():
    cases = [case(id=f"c{i}") for i in range(10)]
    traces = [
        trace(case_id=f"c{i}", **({"retrieved": ["d2", "d3"], "context": ["d2"]} if i < 3 else {}))
        for i in range(10)
    ]
    suite = make_suite(cases, DOCS, k=2, pool=4)
    found = {s.stage: s for s in funnel(read_ledger(suite, make_graded(suite, traces), [], ()))}
    assert [found[n].due for n in ("in_corpus", "retrieved", "ranked", "correct")] == [10, 10, 7, 7]
    kept = found["retrieved"].kept
    assert kept is not None
    assert (kept.value, kept.n) == (0.7, 10)
    assert found["retrieved"].case_ids == ("c0", "c1", "c2")
