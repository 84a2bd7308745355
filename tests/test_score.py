"""The table of the denominator, row by row: which cells have a value, which have a status instead."""

from __future__ import annotations

import csv
import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support import make_case, make_corpus, make_graded, make_suite, make_trace

import evalkit
from evalkit.grade import Graded
from evalkit.records import (
    Claim,
    Evidence,
    Expected,
    Format,
    Level,
    Metric,
    Seconds,
    Stage,
    Status,
    StyleRules,
    Trace,
)
from evalkit.score import STATUSES

CORPUS = make_corpus(fee="The fee is 5 euros.", hall="The hall is red.", old="The fee was 4 euros.")
CASE = make_case(
    reference="The fee is 5 euros.",
    relevant=["fee"],
    key_points=[("the fee is 5 euros", ["fee"])],
    style=StyleRules(max_words=50),
    forbidden=("old",),
)
ANSWER = "The fee is 5 euros."
OUTCOMES = (
    "exact",
    "token_f1",
    "key_points",
    "equivalence",
    "behaviour",
    "style",
    "correct",
    "passed",
)
SHOWN_ONLY = (
    "R@5",
    "RR",
    "R@20",
    "context_recall",
    "gold_in_context",
    "permission_ok",
    "groundedness",
)


def graded(*traces: Trace, case: Any = CASE, approach: str = "rag", **more: Any) -> Graded:
    return make_graded(make_suite([case], CORPUS), traces, approach=approach, **more)


def cell(found: Graded, metric: str, index: int = 0) -> tuple[float | None, Status]:
    return found.scores.value(metric, index), found.scores.status(metric, index)


def cells(found: Graded) -> dict[str, tuple[float | None, Status]]:
    return {name: cell(found, name) for name in found.scores.columns}


def full(response: str | None = ANSWER, **more: Any) -> Trace:
    seen = {"retrieved": ["fee", "hall"], "context": ["fee"], "corpus": CORPUS, **more}
    return make_trace(response, **seen)


def metric(compute: Any, **more: Any) -> Metric:
    return Metric("mine", Stage.GENERATION, compute, "A metric of mine. Undefined never.", **more)


# --- one status after the other ----------------------------------------------------------------


def test_a_complete_trace_of_a_labelled_case_is_scored_throughout():
    found = graded(full())
    for name in (*OUTCOMES, *SHOWN_ONLY):
        assert cell(found, name) == (1.0, Status.SCORED), name


@pytest.mark.parametrize(
    "name",
    [
        "R@5",
        "nDCG@5",
        "R@5:chunk",
        "exact",
        "key_points",
        "style",
        "schema_valid",
        "action",
        "criteria",
        "permission_ok",
        "label_accuracy",
        "json_valid",
        "field_score",
    ],
)
def test_what_a_case_is_not_labelled_for_is_not_applicable(name: str):
    found = graded(full(), case=make_case())
    assert cell(found, name) == (None, Status.NOT_APPLICABLE)


@pytest.mark.parametrize("approach", ["prompt", "finetuned"])
def test_systems_without_retrieval_owe_no_measure_of_it(approach: str):
    found = graded(make_trace(ANSWER), approach=approach)
    for name in SHOWN_ONLY:
        assert cell(found, name) == (None, Status.NOT_APPLICABLE), name
    assert cell(found, "correct") == (1.0, Status.SCORED)


def test_a_prompt_system_that_does_retrieve_is_measured():
    assert cell(graded(full(), approach="prompt"), "R@5") == (1.0, Status.SCORED)


@pytest.mark.parametrize("approach", ["rag", "hybrid"])
def test_what_a_retrieving_system_hides_is_unobserved(approach: str):
    found = graded(make_trace(ANSWER), approach=approach)
    for name in SHOWN_ONLY:
        assert cell(found, name) == (None, Status.UNOBSERVED), name
    assert "context" in found.scores.columns["context_recall"].notes[0]


def test_an_empty_list_is_observed_and_scores_0():
    found = graded(full(retrieved=[], context=[]))
    assert cell(found, "R@5") == (0.0, Status.SCORED)
    assert cell(found, "context_recall") == (0.0, Status.SCORED)
    assert cell(found, "context_loss") == (None, Status.NOT_APPLICABLE)


def test_a_retriever_alone_owes_its_list_and_no_answer():
    found = graded(make_trace(None, retrieved=["fee"], corpus=CORPUS), approach="retriever")
    for name in ("R@5", "evidence_retrieved", "correct", "passed"):
        assert cell(found, name) == (1.0, Status.SCORED), name
    for name in (
        "exact",
        "key_points",
        "equivalence",
        "behaviour",
        "refused",
        "context_recall",
        "style",
    ):
        assert cell(found, name) == (None, Status.NOT_APPLICABLE), name


def test_a_retriever_that_shows_nothing_is_unobserved():
    found = graded(make_trace(None), approach="retriever")
    assert cell(found, "R@5") == (None, Status.UNOBSERVED)
    assert cell(found, "passed") == (None, Status.UNOBSERVED)


def test_an_answer_that_is_not_shown_is_the_systems_omission_not_the_judges():
    found = graded(full(response=None))
    for name in ("exact", "key_points", "equivalence", "behaviour"):
        assert cell(found, name) == (None, Status.UNOBSERVED), name


def test_an_unshown_json_answer_is_unobserved():
    case = make_case(reference_object={"a": 1}, schema={"type": "object"})
    found = graded(make_trace(None), case=case, approach="prompt")
    for name in ("json_valid", "schema_valid", "field_score"):
        assert cell(found, name) == (None, Status.UNOBSERVED), name


def test_citations_are_due_where_the_system_gives_any():
    names = ("citation_precision", "citation_recall", "citation_coverage")
    silent, cited = graded(full()), graded(full(citations=("fee",)))
    for name in names:
        assert cell(silent, name) == (None, Status.NOT_APPLICABLE), name
        assert cell(cited, name) == (1.0, Status.SCORED), name


def test_an_action_that_is_not_shown_is_unobserved():
    case = replace(CASE, expected_action="answer")
    assert cell(graded(full(), case=case), "action") == (None, Status.UNOBSERVED)
    assert cell(graded(full(action="answer"), case=case), "action") == (1.0, Status.SCORED)


# --- errors of the system ----------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["exception", "timeout", "connection"])
def test_a_crash_takes_the_worst_outcome_and_says_nothing_of_a_stage(kind: str):
    found = graded(make_trace(None, error=kind))
    for name in OUTCOMES:
        assert cell(found, name) == (0.0, Status.SYSTEM_ERROR), name
    for name in (*SHOWN_ONLY, "first_gold_rank", "refused"):
        assert cell(found, name) == (None, Status.SYSTEM_ERROR), name
    assert found.scores.columns["exact"].notes[0] == kind


def test_a_truncated_reply_is_an_error_although_its_text_is_kept():
    trace = full(error="truncated")
    found = graded(trace)
    assert found.traces[0].response == ANSWER
    assert cell(found, "correct") == (0.0, Status.SYSTEM_ERROR)
    assert cell(found, "R@5") == (None, Status.SYSTEM_ERROR)
    assert found.cases == {"c1": "errors"}


def test_a_crash_makes_nothing_due_that_the_case_did_not_ask_for():
    plain = graded(make_trace(None, error="timeout"), case=make_case(reference="It is red."))
    for name in (
        "json_valid",
        "extractable",
        "schema_valid",
        "citation_precision",
        "permission_ok",
        "numbers",
    ):
        assert cell(plain, name) == (None, Status.NOT_APPLICABLE), name
    table = make_case(reference="a,b\n1,2", format=Format("csv", columns=("a", "b")))
    found = graded(make_trace(None, error="timeout"), case=table)
    assert cell(found, "label_accuracy") == (None, Status.NOT_APPLICABLE)
    assert cell(found, "format_valid") == (0.0, Status.SYSTEM_ERROR)


def test_a_crashed_json_answer_is_invalid():
    case = make_case(reference_object={"a": 1}, schema={"type": "object"})
    found = graded(make_trace(None, error="timeout"), case=case)
    for name in ("json_valid", "schema_valid", "field_score"):
        assert cell(found, name) == (0.0, Status.SYSTEM_ERROR), name


@pytest.mark.parametrize("approach", ["prompt", "finetuned"])
def test_a_crash_of_a_system_without_retrieval_owes_no_retrieval(approach: str):
    found = graded(make_trace(None, error="timeout"), approach=approach)
    for name in SHOWN_ONLY:
        assert cell(found, name) == (None, Status.NOT_APPLICABLE), name


def test_a_crashed_retriever_owes_its_list_only():
    found = graded(make_trace(None, error="timeout"), approach="retriever")
    assert cell(found, "R@5") == (None, Status.SYSTEM_ERROR)
    assert cell(found, "correct") == (0.0, Status.SYSTEM_ERROR)
    assert cell(found, "exact") == (None, Status.NOT_APPLICABLE)


@pytest.mark.parametrize("gone", [{}, {"error": "timeout"}])
def test_a_case_without_anything_relevant_owes_no_measure_of_retrieval(gone: dict[str, str]):
    nothing = replace(CASE, relevant={}, key_points=None, expected=Expected.REFUSE)
    lists = ("R@5", "RR", "nDCG@5", "context_recall", "first_gold_rank")
    shown = graded(full(), case=nothing)
    found = graded(make_trace(None if gone else ANSWER, **gone), case=nothing)
    for name in lists:
        assert cell(shown, name) == cell(found, name) == (None, Status.NOT_APPLICABLE), name
    due = {
        name
        for name, (_, status) in cells(graded(make_trace(ANSWER))).items()
        if status is Status.UNOBSERVED
    }
    assert due >= set(lists)  # where something is relevant


# --- errors of graders -------------------------------------------------------------------------


def raising(response: str) -> float:
    raise RuntimeError("no idea")


@pytest.mark.parametrize(
    ("compute", "said"),
    [
        (raising, "RuntimeError: no idea"),
        (lambda response: 1.5, "1.5"),
        (lambda response: -0.1, "-0.1"),
        (lambda response: math.nan, "nan"),
        (lambda response: math.inf, "inf"),
        (lambda response: "much", "ValueError"),
        (lambda response: [1.0], "TypeError"),
    ],
)
@pytest.mark.parametrize("high", [1.0, math.inf])
def test_a_metric_that_fails_is_a_grader_error_and_never_a_value(
    compute: Any, said: str, high: float
):
    if said == "1.5" and high > 1:
        return
    found = graded(full(), metrics=[metric(compute, high=high)])
    assert cell(found, "mine") == (None, Status.GRADER_ERROR)
    assert said in found.scores.columns["mine"].notes[0]


@pytest.mark.parametrize(
    "compute",
    [
        lambda rankings: [2.0, 0.5],
        lambda rankings: [math.inf, 0.5],
    ],
)
def test_one_bad_entry_of_a_column_spoils_no_other(compute: Any):
    found = graded(full(), full(repeat=1), metrics=[metric(compute, columns=True)])
    assert cell(found, "mine", 0) == (None, Status.GRADER_ERROR)
    assert cell(found, "mine", 1) == (0.5, Status.SCORED)


@pytest.mark.parametrize(
    "compute", [lambda rankings: 1 / 0, lambda rankings: [1.0], lambda rankings: None]
)
def test_a_column_metric_that_fails_is_a_grader_error_everywhere(compute: Any):
    found = graded(full(), full(repeat=1), metrics=[metric(compute, columns=True)])
    assert [cell(found, "mine", i)[1] for i in (0, 1)] == [Status.GRADER_ERROR] * 2


def test_a_nan_in_a_column_means_undefined():
    found = graded(full(), metrics=[metric(lambda rankings: [math.nan], columns=True)])
    assert cell(found, "mine") == (None, Status.NOT_APPLICABLE)


def test_case_and_suite_metrics_that_fail_are_grader_errors_too():
    of_case = metric(lambda responses: math.nan, level=Level.CASE)
    of_suite = replace(of_case, name="whole", compute=lambda label_pairs: 1 / 0, level=Level.SUITE)
    case = make_case(reference="red", format=Format("label", labels=("red", "blue")))
    found = graded(make_trace("red"), case=case, metrics=[of_case, of_suite])
    column = found.scores.case_columns["mine"]
    assert STATUSES[column.status[0]] is Status.GRADER_ERROR
    assert "nan" in column.notes[0]
    whole = found.scores.suite_values["whole"]
    assert (whole.value, whole.status) == (None, Status.GRADER_ERROR)
    assert "ZeroDivisionError" in whole.note


def test_a_judge_that_failed_gives_no_score_and_its_reason():
    broken = [Evidence("mine", error="TimeoutError: 60 s")]
    found = graded(full("The fee is high."), evidence=broken)
    for name in ("key_points", "equivalence", "groundedness", "behaviour", "correct", "passed"):
        assert cell(found, name) == (None, Status.GRADER_ERROR), name
    assert found.scores.columns["key_points"].notes[0] == "TimeoutError: 60 s"
    assert cell(found, "R@5") == (1.0, Status.SCORED)
    assert found.cases == {"c1": "ungraded"}


def claimed(*supported: bool | None, judge: str = "mine", **fields: Any) -> Evidence:
    """Evidence with one claim for each verdict."""
    claims = tuple(Claim("x", 0, 1, verdict) for verdict in supported)
    return Evidence(judge, claims=claims, covered=(0.9,), correct=0.9, refused=0.0, **fields)


def test_what_the_judge_left_undecided_was_due_and_counts_against_coverage():
    undecided = (None, Status.GRADER_ERROR)
    open_claims = graded(full(), evidence=[claimed(None, None)])
    assert cell(open_claims, "groundedness") == undecided
    assert open_claims.scores.columns["groundedness"].notes[0] == "the judge could not decide"
    silent = graded(full(), evidence=[Evidence("mine", covered=(None,), claims=())])
    for name in ("equivalence", "key_points", "correct", "passed"):
        assert cell(silent, name) == undecided, name
    assert silent.cases == {"c1": "ungraded"}


def test_a_refusal_that_is_due_and_that_the_judge_cannot_tell_is_an_error_of_the_judge():
    case = make_case(expected=Expected.REFUSE)
    found = graded(full("I cannot say."), case=case, evidence=[Evidence("mine", claims=())])
    assert cell(found, "behaviour") == cell(found, "passed") == (None, Status.GRADER_ERROR)


@pytest.mark.parametrize("evidence", [claimed(), claimed(None, judge="embedded")])
def test_groundedness_of_an_answer_that_claims_nothing_is_undefined(evidence: Evidence):
    assert cell(graded(full(), evidence=[evidence]), "groundedness") == (
        None,
        Status.NOT_APPLICABLE,
    )


def test_a_share_of_only_the_claims_within_the_limit_says_so():
    told = "10 of 50 claims were not judged: limits.claims"
    found = graded(full(), evidence=[claimed(True, None, reasons=("judge: fine", told))])
    assert cell(found, "groundedness") == (1.0, Status.SCORED)
    assert found.scores.columns["groundedness"].notes[0] == told


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        ({"correct": 1}, "gave a dict, not Evidence"),
        (Evidence("x", correct="yes"), "correct is a str, not a number or None"),  # type: ignore[arg-type]
        (Evidence("x", covered=[1.0]), "covered is a list, not a tuple"),  # type: ignore[arg-type]
        (Evidence("x", claims=("It is.",)), "claims has a str that is not a Claim"),  # type: ignore[arg-type]
        (Evidence("x", reasons=(3,)), "reasons has a int that is not a text"),  # type: ignore[arg-type]
    ],
)
def test_what_is_no_evidence_is_an_error_that_names_the_judge_and_the_field(given: Any, fault: str):
    class Mine:
        name = fingerprint = "mine"

        def judge(self, case: Any, trace: Trace) -> Any:
            return given

    import asyncio

    from evalkit.judge import judge_traces

    (found,) = asyncio.run(judge_traces({"c1": CASE}, [full()], Mine()))
    assert found is not None
    assert (found.error or "").startswith(f"judge mine: {fault}")
    assert cell(graded(full(), evidence=[found]), "passed") == (None, Status.GRADER_ERROR)


def test_a_judge_that_raises_fails_this_trace_only():
    class Moody:
        name = fingerprint = "moody"

        def judge(self, case: Any, trace: Trace) -> Evidence:
            if trace.repeat == 0:
                raise ValueError("unreadable reply")
            return Evidence("moody", correct=0.9, covered=(0.9,), refused=0.0)

    import asyncio

    from evalkit.judge import judge_traces

    traces = [full(), full(repeat=1)]
    found = asyncio.run(judge_traces({"c1": CASE}, traces, Moody()))
    assert found[0] is not None
    assert found[0].error == "ValueError: unreadable reply"
    scored = graded(*traces, evidence=found)
    assert [cell(scored, "correct", i) for i in (0, 1)] == [
        (None, Status.GRADER_ERROR),
        (1.0, Status.SCORED),
    ]


def test_only_entries_with_a_value_count_and_none_is_dropped():
    traces = [full(), full(repeat=1, retrieved=None), make_trace(None, error="timeout", repeat=2)]
    found = graded(*traces)
    rows = [row for row in found.scores.rows() if row.repeat is not None]
    assert len(rows) == len(traces) * len(found.scores.columns)
    for row in rows:
        has_value = row.value is not None
        assert has_value == (row.status is Status.SCORED) or row.status is Status.SYSTEM_ERROR
    for column in found.scores.columns.values():
        assert (column.scored() == ~np.isnan(column.values)).all()


# --- means with their denominators -------------------------------------------------------------


def summary(cases: Any, traces: Any, approach: str = "rag") -> dict[str, Any]:
    suite = make_suite(cases, CORPUS)
    run = evalkit.from_traces(suite, {"s": traces}, {"s": approach})
    found: dict[str, Any] = run.summary()["systems"]["s"]
    return found


def two_cases(**more: Any) -> list[Any]:
    return [replace(CASE, id="c1", **more), replace(CASE, id="c2", **more)]


def test_repeats_are_averaged_within_the_case_before_cases_are():
    traces = [
        *(full("red", repeat=i) for i in range(3)),
        full(repeat=3),
        full(case_id="c2"),
    ]
    exact = summary(two_cases(), traces)["metrics"]["exact"]
    assert exact["mean"] == pytest.approx((0.25 + 1) / 2)
    assert (exact["n"], exact["scored"], exact["due"]) == (2, 2, 2)


def test_scored_and_due_tell_what_the_mean_rests_on():
    cases = [*two_cases(), replace(CASE, id="c3"), make_case("c4")]
    traces = [
        full(),
        full(case_id="c2", retrieved=None),
        make_trace(None, "c3", error="timeout"),
        full(case_id="c4"),
    ]
    found = summary(cases, traces)["metrics"]
    recall, exact = found["R@5"], found["exact"]
    assert (recall["mean"], recall["n"], recall["scored"], recall["due"]) == (1.0, 1, 1, 3)
    assert recall["not_scored"] == {"unobserved": 1, "system_error": 1}
    assert exact["mean"] == pytest.approx(2 / 3)
    assert (exact["n"], exact["scored"], exact["due"]) == (3, 2, 3)


def test_a_measure_that_nothing_asks_for_has_no_mean_and_no_denominator():
    found = summary([CASE], [full()])["metrics"]["schema_valid"]
    assert (found["mean"], found["low"], found["high"], found["due"]) == (None, None, None, 0)


def test_other_conditions_do_not_enter_the_means():
    traces = [full(), full("red", condition="closed_book", context=[])]
    assert summary([CASE], traces)["metrics"]["exact"]["mean"] == 1.0


def test_cases_of_one_group_are_one_piece_of_evidence():
    cases = [replace(CASE, id=f"c{i}") for i in range(20)]
    traces = [full("red" if i < 10 else ANSWER, case_id=f"c{i}") for i in range(20)]
    alone = summary(cases, traces)["metrics"]["exact"]
    grouped = [replace(case, group="a" if i < 10 else "b") for i, case in enumerate(cases)]
    together = summary(grouped, traces)["metrics"]["exact"]
    assert alone["mean"] == together["mean"] == 0.5
    assert together["high"] - together["low"] > 1.5 * (alone["high"] - alone["low"])


def test_a_single_case_that_is_neither_right_nor_wrong_has_a_mean_but_no_interval():
    found = summary([CASE], [full("The fee is 5 dollars today.")])["metrics"]["token_f1"]
    assert 0 < found["mean"] < 1
    assert (found["low"], found["high"], found["n"]) == (None, None, 1)


def test_errors_enter_the_pass_rate_and_ungraded_cases_do_not():
    cases = [*two_cases(), make_case("c3")]
    traces = [full(), make_trace(None, "c2", error="crashed"), make_trace("Hello.", "c3")]
    found = summary(cases, traces)
    assert found["cases"] == {"due": 3, "passed": 1, "failed": 0, "errors": 1, "ungraded": 1}
    assert (found["pass_rate"]["value"], found["pass_rate"]["n"]) == (0.5, 2)


# --- the files -----------------------------------------------------------------------------------


def strict(text: str) -> Any:
    def refuse(name: str) -> None:
        raise AssertionError(name)

    return json.loads(text, parse_constant=refuse)


def test_no_written_file_holds_nan_and_no_row_is_dropped(tmp_path: Path):
    cases = [*two_cases(), replace(CASE, id="c3"), make_case("c4", "=1+1", tags=("odd",))]
    traces = [
        full(seconds=Seconds(total=0.5)),
        full(case_id="c2", retrieved=None, context=None),
        make_trace(None, "c3", error="timeout"),
        full("", case_id="c4", retrieved=[], context=[]),
    ]
    run = evalkit.from_traces(make_suite(cases, CORPUS), {"s": traces})
    run.write(tmp_path)
    for name in ("summary.json", "diagnosis.json", "manifest.json", "verdict.json"):
        assert strict((tmp_path / name).read_text(encoding="utf-8"))["format"] == 1
    with (tmp_path / "scores.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    scores = run.systems["s"].graded.scores
    expected = len(traces) * len(scores.columns) + len(cases) * len(scores.case_columns)
    assert len(rows) == expected + len(scores.suite_values)
    assert {row["status"] for row in rows} <= {status.value for status in Status}
    for row in rows:
        assert row["value"] == "" or math.isfinite(float(row["value"])), row
        assert row["value"] or row["status"] != "scored", row
