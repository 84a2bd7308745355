"""How sure a finding is: measured on injected faults, in readable bins, never surer with less proof."""

from __future__ import annotations

import json
from dataclasses import replace
from importlib.resources import files

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalkit import plugins
from evalkit.confidence import (
    ANY,
    CELLS,
    FORMAT,
    RUNGS,
    Features,
    calibration,
    confidence_of,
    features_of,
    with_confidence,
)
from evalkit.records import Certainty, Finding, Side

CAUSES = {cause.id: cause for cause in plugins.members("causes")}
FINDING = Finding(
    "c1", 0, "fail", Certainty.SUSPECTED, "retrieval_miss", Side.RETRIEVAL, set=("retrieval_miss",)
)
some_cause = st.sampled_from(sorted(CAUSES))


def stated(cause: str, *, proven: bool = False, candidates: int = 1) -> float:
    return confidence_of(Features(cause, CAUSES[cause].side, proven, candidates))


@pytest.mark.parametrize("cause", CAUSES)
def test_a_proven_cause_is_never_less_sure_than_a_suspected_one(cause: str):
    assert stated(cause, proven=True) >= stated(cause)


@pytest.mark.parametrize("cause", CAUSES)
def test_more_look_alikes_never_make_a_cause_surer(cause: str):
    falling = [stated(cause, candidates=n) for n in (1, 2, 3, 9)]
    assert falling == sorted(falling, reverse=True)


@pytest.mark.parametrize("cause", ["retrieval_miss", "over_refusal", "misinterpretation"])
def test_a_proof_tells_look_alikes_apart_for_certain_enough(cause: str):
    assert stated(cause, proven=True) > stated(cause, candidates=3) + 0.2


@given(some_cause, st.booleans(), st.integers(0, 30))
@settings(max_examples=50)
def test_confidence_is_a_probability_and_never_certainty(cause: str, proven: bool, candidates: int):
    found = stated(cause, proven=proven, candidates=candidates)
    assert 0 < found < 1
    assert found == stated(cause, proven=proven, candidates=candidates)


def test_a_cause_that_was_not_measured_is_as_sure_as_its_side_or_any_other():
    bins = calibration()["bins"]
    of_side = confidence_of(Features("a_plugins_cause", Side.CONTRACT, proven=True))
    without = confidence_of(Features("a_plugins_cause", None, proven=True))
    assert of_side == bins["contract"]["proven"]["confidence"]
    assert without == bins[ANY]["proven"]["confidence"]


def test_a_table_of_ones_own_is_used_instead_of_ours():
    table = {ANY: dict.fromkeys(RUNGS, 0.5) | {"one_of_two": 0.25}}
    assert confidence_of(Features("x", None, proven=True), table) == 0.5
    assert confidence_of(Features("x", None, proven=False, candidates=2), table) == 0.25


def test_a_finding_gets_its_confidence_and_nothing_else_changes():
    found = with_confidence(FINDING)
    assert found.confidence == stated("retrieval_miss")
    assert replace(found, confidence=None) == FINDING


@pytest.mark.parametrize(
    "finding",
    [
        Finding("c1", 0, "fail", Certainty.UNDETERMINED),
        Finding("c1", 0, "fail", Certainty.UNEXPLAINED),
        replace(FINDING, outcome="warn"),
    ],
    ids=["undetermined", "unexplained", "warning"],
)
def test_where_nothing_was_measured_none_is_stated(finding: Finding):
    assert features_of(finding) is None
    assert with_confidence(finding) is finding


def test_the_calibration_is_readable_and_has_every_cause_and_side():
    content = json.loads(files("evalkit").joinpath("calibration.json").read_text(encoding="utf-8"))
    assert content["format"] == FORMAT
    assert {*CAUSES, *map(str, Side), ANY} == content["bins"].keys()
    for rungs in content["bins"].values():
        assert tuple(rungs)[: len(RUNGS)] == RUNGS
        assert rungs.keys() <= {*CELLS}
        assert all(b["right"] <= b["findings"] for b in rungs.values())


def test_the_bins_add_up_to_the_findings_that_were_fitted():
    content = calibration()
    bins = content["bins"]
    for group in ([ANY], list(map(str, Side)), list(CAUSES)):
        total = sum(b["findings"] for name in group for b in bins[name].values())
        assert total == content["fitted_on"]["findings"]


def test_it_held_on_findings_that_it_was_not_fitted_on():
    for held in calibration()["calibration_error_held_out"].values():
        assert held["findings"] >= 1000
        assert held["error"] <= 0.05
