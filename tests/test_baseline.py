"""The committed baseline file: small, readable, the same bytes for the same run, and refused where it is damaged."""

import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalkit.artefacts import suite_block, write_scores
from evalkit.errors import InvalidInput
from evalkit.gating.baseline import baseline_text, check_metrics, differences, read_baseline
from evalkit.gating.snapshot import Snapshot, _scores, how_it_ended, measured, with_cause
from evalkit.metrics.consistency import METRICS as OVER_REPEATS
from evalkit.outcome import PASSED
from evalkit.records import Score, Status

COUNTS = {"due": 4, "passed": 1, "failed": 1, "errors": 1, "ungraded": 1}
CELLS = {
    "passed": {
        "c1": (1.0, 1.0),
        "c2": (0.0, 1.0),
        "c3": ("error", "error"),
        "c4": ("ungraded", 1.0),
    },
    "R@5": {"c1": (0.5, 1 / 3), "c2": (None, None), "c3": ("error", 1.0)},
}


def snapshot(**changes) -> Snapshot:
    made = Snapshot(
        source="run",
        system="rag",
        approach="rag",
        fingerprint="f1",
        suite={"name": "desk", "digest": "d1"},
        judge="embedded/2",
        evalkit="0.1.0",
        counts=COUNTS,
        cells=CELLS,
        causes={"c2": "retrieval_miss", "c3": "infra_error"},
    )
    return replace(made, **changes)


def written(tmp_path, text):
    file = tmp_path / "baseline.json"
    file.write_text(text, encoding="utf-8")
    return file


# --- the file ---------------------------------------------------------------------------------


def test_a_baseline_has_one_line_a_case_and_is_json():
    text = baseline_text(snapshot())
    lines = [line for line in text.splitlines() if line.startswith('  "c')]
    assert len(lines) == 4
    assert json.loads(text)["cases"]["c2"] == {"passed": [0, 1], "cause": "retrieval_miss"}


def test_a_baseline_reads_back_as_what_was_written(tmp_path):
    found = read_baseline(written(tmp_path, baseline_text(snapshot())))
    assert baseline_text(found) == baseline_text(snapshot())
    assert found.cells["passed"] == CELLS["passed"]
    assert found.causes == snapshot().causes
    assert differences(found, snapshot()) == []


def test_a_changed_case_changes_one_line():
    cells = {**CELLS, "passed": {**CELLS["passed"], "c1": (1.0, 0.0)}}
    one, other = (baseline_text(snapshot(cells=c)).splitlines() for c in (CELLS, cells))
    assert sum(a != b for a, b in zip(one, other, strict=True)) == 1


ids = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)
cells = st.one_of(
    st.floats(0, 1), st.just(None), st.sampled_from(["error", "ungraded", "unobserved"])
)


@given(st.dictionaries(ids, st.lists(cells, min_size=1, max_size=3), min_size=1, max_size=4))
@settings(max_examples=40)
def test_any_id_in_any_script_survives(tmp_path_factory, rows):
    passed = {k: tuple(v) for k, v in rows.items()}
    ended = [how_it_ended(row) for row in passed.values()]
    counts = {"due": len(passed), **{name: ended.count(name) for name in list(COUNTS)[1:]}}
    given = snapshot(cells={"passed": passed}, causes={}, counts=counts)
    file = written(tmp_path_factory.mktemp("b"), baseline_text(given))
    found = read_baseline(file)
    assert set(found.cells["passed"]) == set(rows)
    assert baseline_text(found) == baseline_text(given)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        (lambda b: b.update(kind="run"), None),
        (lambda b: b.update(format=2), "format"),
        (lambda b: b.update(extra=1), "extra"),
        (lambda b: b.update(cases={}), "cases"),
        (lambda b: b.update(counts={"due": True}), "counts"),
        (lambda b: b["suite"].pop("digest"), "suite.digest"),
        (lambda b: b["cases"]["c1"].pop("passed"), "cases.c1"),
        (lambda b: b["cases"]["c1"].update(passed=[True]), "cases.c1.passed"),
        (lambda b: b["cases"]["c1"].update(passed=["nan"]), "cases.c1.passed"),
        (lambda b: b["cases"]["c1"].update(passed=[[]]), "cases.c1.passed"),
        (lambda b: b["cases"]["c1"].update(other=[1]), "cases.c1.other"),
        (lambda b: b["cases"]["c2"].update(cause=1), "cases.c2.cause"),
        (lambda b: b["cases"].update(c1=1), "cases.c1"),
        (lambda b: b["counts"].update(passed=2), "counts.passed"),
        (lambda b: b["cases"].pop("c4"), "counts.due"),
        (lambda b: b["cases"]["c1"].update(passed=[0, 1]), "counts.passed"),
    ],
)
def test_a_damaged_baseline_is_refused_with_its_field(tmp_path, change, field):
    value = json.loads(baseline_text(snapshot()))
    change(value)
    with pytest.raises(InvalidInput) as refused:
        read_baseline(written(tmp_path, json.dumps(value)))
    assert refused.value.field == field


def test_a_baseline_without_a_measure_that_is_to_be_compared_is_refused():
    check_metrics(snapshot(), ["passed", "R@5"])
    with pytest.raises(InvalidInput, match="groundedness"):
        check_metrics(snapshot(), ["passed", "groundedness"])


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"suite": {"name": "desk", "digest": "d2"}}, "another suite"),
        ({"judge": "llm/1"}, "another judge"),
        ({"evalkit": "0.2.0"}, "another evalkit"),
        (
            {"cells": {"passed": {"c1": (1.0,)}}},
            "the run lacks 3 cases of the baseline: c2, c3, c4",
        ),
    ],
)
def test_what_two_runs_differ_in_is_told(change, told):
    assert [text for text in differences(snapshot(**change), snapshot()) if told in text] != []


# --- bounds -----------------------------------------------------------------------------------


def test_what_is_missing_is_bounded_by_the_range():
    found = measured(snapshot(), PASSED, ["c1", "c2", "c3", "c4", "never asked"])
    assert found.worst.tolist() == [1, 0.5, 0, 0.5, 0]
    assert found.best.tolist() == [1, 0.5, 1, 1, 1]
    assert found.missing.tolist() == [0, 0, 1, 0.5, 1]


def test_a_value_outside_the_range_is_refused():
    given = snapshot(cells={"passed": {"c1": (2.0,)}})
    with pytest.raises(InvalidInput, match=r"c1\.passed: is 2, outside 0\.\.1"):
        measured(given, PASSED, ["c1"])


def test_a_measure_of_which_less_is_better_is_worst_at_its_upper_end():
    flip_rate = next(m for m in OVER_REPEATS if m.name == "flip_rate")
    given = snapshot(cells={**CELLS, "flip_rate": {"c1": ("ungraded",)}})
    found = measured(given, flip_rate, ["c1", "c2"])
    assert (found.worst[0], found.best[0]) == (1, 0)
    assert not found.due()[1]


def test_an_errored_case_may_have_had_any_cause():
    found = with_cause(snapshot(), "retrieval_miss", ["c1", "c2", "c3", "c4"])
    assert found.worst.tolist() == [0, 1, 1, 1]
    assert found.best.tolist() == [0, 1, 0, 0]
    assert with_cause(snapshot(), "infra_error", ["c3"]).best.tolist() == [1]


# --- reading scores.csv ------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["c1", "=1+1", "-x", "@here", '回答, "1"', "a b"])
def test_a_case_id_is_read_as_it_was_before_spreadsheets_were_warned(tmp_path, name):
    score = Score("rag", name, "as_is", None, "passed", 1.0, Status.SCORED)
    write_scores(tmp_path / "scores.csv", [suite_block([score])])
    found, _ = _scores(tmp_path / "scores.csv", "rag", ["passed"])
    assert list(found["passed"]) == [name]


@pytest.mark.parametrize(
    ("value", "status"), [("nan", "scored"), ("inf", "scored"), ("", "scored"), ("1", "fine")]
)
def test_a_cell_that_is_no_number_is_refused_with_its_line(tmp_path, value, status):
    file = tmp_path / "scores.csv"
    write_scores(file, [])
    file.write_text(file.read_text() + f"rag,c1,as_is,0,passed,{value},{status},\n")
    with pytest.raises(InvalidInput) as refused:
        _scores(file, "rag", ["passed"])
    assert refused.value.line == 2
