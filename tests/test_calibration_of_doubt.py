"""The fit of confidence: what was not measured is not surer than what was, and answers in doubt have a cell of their own."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalkit import plugins
from evalkit.confidence import ANY, CELLS, DOUBTFUL, MARKS, RUNGS, Features, features_of
from evalkit.records import Certainty, Fact, Finding, Side

SIDES = {cause.id: cause.side for cause in plugins.members("causes")}
counts = st.lists(
    st.tuples(
        st.sampled_from(sorted(SIDES)),
        st.sampled_from(CELLS),
        st.integers(0, 40),
        st.integers(1, 40),
    ),
    min_size=1,
    max_size=12,
)


@pytest.fixture(scope="module")
def calibrate() -> Any:
    sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))
    return importlib.import_module("calibrate")


def features(cause: str, cell: str) -> Features:
    candidates = max(1, RUNGS.index(cell)) if cell in RUNGS else 1
    return Features(cause, SIDES[cause], cell == "proven", candidates, doubtful=cell == DOUBTFUL)


def rows(calibrate: Any, measured: Sequence[tuple[str, str, int, int]]) -> list[Any]:
    """Findings of causes on cells: so many right, of so many."""
    return [
        calibrate.Row("helpdesk", 1, features(cause, cell), i < right)
        for cause, cell, right, n in measured
        for i in range(n)
    ]


RETRIEVAL = [
    ("ranking_low", "suspected", 100, 100),
    ("context_truncated", "suspected", 100, 100),
    ("over_refusal", "suspected", 60, 100),
]


def test_a_cause_without_findings_is_no_surer_than_the_rung_was_over_all_causes(calibrate: Any):
    bins = calibrate.fit(rows(calibrate, RETRIEVAL))
    measured, unmeasured = (
        bins[c]["suspected"]["confidence"] for c in ("ranking_low", "corpus_gap")
    )
    assert unmeasured < 260 / 300 + 0.01 < measured
    assert bins["retrieval"]["suspected"]["confidence"] == unmeasured  # a plug-in's cause, too


def test_a_low_side_is_what_a_cause_without_findings_is_drawn_to(calibrate: Any):
    bins = calibrate.fit(rows(calibrate, RETRIEVAL))
    assert bins["misinterpretation"]["suspected"]["confidence"] < 0.7


def test_few_findings_raise_a_cause_less_than_many(calibrate: Any):
    few = [*RETRIEVAL, ("corpus_gap", "suspected", 3, 3)]
    many = [*RETRIEVAL, ("corpus_gap", "suspected", 80, 80)]
    stated = [
        calibrate.fit(rows(calibrate, given))["corpus_gap"]["suspected"]["confidence"]
        for given in (RETRIEVAL, few, many)
    ]
    assert stated == sorted(stated)
    assert stated[0] + 0.1 < stated[2]


def test_findings_in_doubt_are_counted_apart(calibrate: Any):
    given = [("misinterpretation", "suspected", 90, 100), ("misinterpretation", DOUBTFUL, 10, 100)]
    found = calibrate.fit(rows(calibrate, given))["misinterpretation"]
    assert found["suspected"]["confidence"] > 0.8
    assert found[DOUBTFUL]["confidence"] < 0.25
    assert (found[DOUBTFUL]["findings"], found["suspected"]["findings"]) == (100, 100)


@given(counts)
@settings(max_examples=30, deadline=None)
def test_whatever_was_measured_less_proof_and_doubt_never_make_surer(
    measured: list[tuple[str, str, int, int]],
):
    sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))
    fit = importlib.import_module("calibrate")
    bins = fit.fit(rows(fit, [(c, cell, min(r, n), n) for c, cell, r, n in measured]))
    assert {*SIDES, *map(str, SIDES.values()), ANY} == bins.keys()
    for held in bins.values():
        falling = [held[rung]["confidence"] for rung in RUNGS]
        assert falling == sorted(falling, reverse=True)
        assert held[DOUBTFUL]["confidence"] <= held["suspected"]["confidence"]
        assert all(0 < held[cell]["confidence"] < 1 for cell in CELLS)


@pytest.mark.parametrize("mark", MARKS)
def test_a_finding_with_the_mark_of_doubt_stands_in_the_cell_of_doubt(mark: str):
    fact = Fact(mark, value=True, text="it may be right")
    found = Finding(
        "c", 0, "fail", Certainty.SUSPECTED, "misinterpretation", Side.GENERATION,
        set=("misinterpretation", "noise_distraction"), evidence=(fact,),
    )  # fmt: skip
    known = features_of(found)
    assert known is not None
    assert known.rung == DOUBTFUL
