"""From findings to the system: the parts of the loss, headroom, corrected shares, and what diagnosis.json says."""

import json
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import make_case, make_graded, make_suite, make_trace

from evalkit.confusion import corrected, known_confusion
from evalkit.diagnosis import SystemDiagnosis, diagnosis_json, summarise_findings
from evalkit.grade import Graded
from evalkit.loss import gain_of, passes_under
from evalkit.records import Certainty, Finding, Side, Suite
from evalkit.symptoms import load_playbook

SIDES = {
    "retrieval_miss": Side.RETRIEVAL,
    "ranking_low": Side.RETRIEVAL,
    "corpus_gap": Side.RETRIEVAL,
}
SIDES |= {"misinterpretation": Side.GENERATION, "noise_distraction": Side.GENERATION}
SIDES |= {
    "style_violation": Side.CONTRACT,
    "infra_error": Side.SYSTEM,
    "own_cause": Side.GENERATION,
}


def fail(case_id: str, cause: str | None, **given: Any) -> Finding:
    status = Certainty.PROVEN if cause else Certainty.UNDETERMINED
    side = SIDES[cause] if cause else None
    values = {"status": status, "cause": cause, "side": side, "confidence": 0.9 if cause else None}
    return Finding(case_id=case_id, repeat=0, outcome="fail", **{**values, **given})


def graded_of(
    wrong: Sequence[bool | None], groups: Sequence[str | None] | None = None, repeats: int = 1
) -> tuple[Suite, Graded]:
    """Cases ``c0``, ``c1``, ...: wrong ones fail in one repeat, None is an error in every repeat."""
    own = groups or [None] * len(wrong)
    cases = [
        make_case(f"c{i}", reference="ja", expected="answer", group=group)
        for i, group in enumerate(own)
    ]
    traces = []
    for i, state in enumerate(wrong):
        for r in range(repeats):
            bad = state and r == i % repeats
            error = "timeout" if state is None else None
            traces.append(make_trace("nein" if bad else "ja", f"c{i}", repeat=r, error=error))
    suite = make_suite(cases)
    metrics = [m for m in _metrics() if m.name in ("equivalence", "refused")]
    return suite, make_graded(suite, traces, metrics=metrics)


def _metrics():
    from evalkit.plugins import members

    return members("metrics")


def diagnosed(
    causes: Sequence[str | None],
    passing: int = 0,
    groups: Sequence[str | None] | None = None,
    **given: Any,
) -> SystemDiagnosis:
    """Failing cases with these causes, and ``passing`` cases beside them."""
    suite, graded = graded_of([*[True] * len(causes), *[False] * passing], groups)
    findings = [fail(f"c{i}", cause, **given) for i, cause in enumerate(causes)]
    return summarise_findings(suite, graded, findings, ())


def lost(found: SystemDiagnosis) -> Mapping[str, float]:
    return {side: part.value for side, part in found.decomposition.items() if part.value}


# --- the parts of the loss -------------------------------------------------------------------


@settings(max_examples=25, deadline=None)
@given(st.lists(st.sampled_from([*SIDES, None]), min_size=1, max_size=30), st.integers(0, 30))
def test_the_parts_sum_to_the_whole_loss_and_no_gain_exceeds_it(causes, passing):
    found = diagnosed(causes, passing)
    loss = len(causes) / (len(causes) + passing)
    assert sum(part.value for part in found.decomposition.values()) == pytest.approx(loss)
    assert sum(gain.value for gain in found.headroom.values()) <= loss + 1e-9
    for part in (*found.decomposition.values(), *found.headroom.values()):
        assert 0 <= part.low <= part.value <= part.high <= 1


def test_what_cannot_be_told_stands_under_its_own_key():
    found = diagnosed(["retrieval_miss", None, None], passing=7)
    assert lost(found) == {"undetermined": 0.2, "retrieval": 0.1}
    assert "undetermined" not in diagnosed(["retrieval_miss"], passing=3).decomposition


def test_a_side_that_lost_nothing_has_an_interval_all_the_same():
    part = diagnosed(["retrieval_miss"], passing=19).decomposition["contract"]
    assert (part.value, part.low) == (0, 0)
    assert 0.1 < part.high < 0.2  # one case in six could still be lost there


def test_a_case_is_one_unit_however_often_it_was_asked():
    parts = []
    for repeats in (1, 4):
        suite, graded = graded_of([True, True, False, False, False, None], repeats=repeats)
        findings = [fail("c0", "ranking_low"), fail("c1", "ranking_low"), fail("c5", "infra_error")]
        parts.append(summarise_findings(suite, graded, findings, ()).decomposition)
    assert parts[0] == parts[1]
    assert parts[0]["retrieval"].value == pytest.approx(2 / 6)


def test_cases_of_one_source_are_less_evidence():
    causes = [c for c in ("ranking_low", "misinterpretation") for _ in range(3)]
    alone = diagnosed(causes, 18).decomposition["retrieval"]
    grouped = [f"g{i // 3}" for i in range(24)]
    together = diagnosed(causes, 18, grouped).decomposition["retrieval"]
    assert together.value == alone.value
    assert together.low < alone.low
    assert together.high > alone.high


def test_nothing_graded_has_no_parts():
    suite = make_suite([make_case("c0")])
    graded = make_graded(suite, [make_trace("x", "c0")], metrics=[])
    found = summarise_findings(suite, graded, [], ())
    assert (found.decomposition, found.headroom, found.pass_rate) == ({}, {}, None)


# --- headroom --------------------------------------------------------------------------------

SURE = {"status": Certainty.PROVEN}


@pytest.mark.parametrize(
    ("cause", "also", "given", "passes", "gain"),
    [
        ("retrieval_miss", (), SURE, {}, 1.0),
        ("retrieval_miss", ("style_violation",), SURE, {}, 0.0),
        ("retrieval_miss", ("style_violation",), SURE, {"oracle_context": True}, 1.0),
        ("retrieval_miss", (), SURE, {"oracle_context": False}, 0.0),
        # Gold alone mends both: it does not show that mending one would do.
        ("retrieval_miss", ("ranking_low",), SURE, {"oracle_context": True}, 0.0),
        ("misinterpretation", (), SURE, {"oracle_context": False}, 1.0),
        # A remedy that was tried and failed is no gain; another one that worked is.
        ("style_violation", (), SURE, {"style_prompted": False}, 0.0),
        ("style_violation", (), SURE, {"style_prompted": False, "few_shot": True}, 1.0),
        ("style_violation", (), SURE, {}, 1.0),
        ("retrieval_miss", (), {"status": Certainty.SUSPECTED, "confidence": 0.4}, {}, 0.4),
        ("retrieval_miss", (), {"status": Certainty.SUSPECTED, "confidence": None}, {}, 1.0),
        (None, (), {}, {"oracle_context": True}, 0.0),
    ],
)  # fmt: skip
def test_what_mending_one_cause_would_bring(cause, also, given, passes, gain):
    assert gain_of(fail("c0", cause, also=also, **given), passes) == gain


def test_a_condition_passes_when_every_answer_under_it_passes_the_whole_contract():
    suite = make_suite([make_case("c0", reference="ja"), make_case("c1", reference="ja")])
    asked = [("c0", "ja"), ("c0", "ja"), ("c1", "ja"), ("c1", "nein")]
    traces = [
        make_trace(text, case, condition="oracle_context", repeat=i)
        for i, (case, text) in enumerate(asked)
    ]
    graded = make_graded(suite, [make_trace("nein", "c0"), make_trace("nein", "c1"), *traces])
    assert passes_under(graded) == {"c0": {"oracle_context": True}, "c1": {"oracle_context": False}}


# --- shares corrected for known confusions ---------------------------------------------------


def test_shares_are_corrected_from_ten_failing_cases_on():
    assert diagnosed(["ranking_low"] * 9).corrected_causes == {}
    assert diagnosed(["ranking_low"] * 10).corrected_causes["ranking_low"].value > 0.9


def test_a_cause_from_a_plug_in_is_left_as_it_was_named():
    found = diagnosed(["own_cause"] * 5 + ["ranking_low"] * 5, passing=5)
    assert "own_cause" not in found.corrected_causes
    assert found.corrected_sides["generation"].value >= 0.5
    assert found.causes["own_cause"][0] == 5


def test_a_name_that_is_often_wrong_gives_some_of_its_share_to_the_causes_it_stands_for():
    known = known_confusion(probed=False)
    assert known is not None
    causes = list(known.causes)
    counts = known.counts * 0 + 100 * (known.counts * 0 + 1 == 0)
    for i in range(len(causes)):
        counts[i, i] = 100.0
    a, b = causes.index("corpus_gap"), causes.index("retrieval_miss")
    counts[a, a], counts[a, b] = 20.0, 80.0  # four of five gaps are taken for misses
    matrix = type(known)(known.causes, known.sides, counts)
    found = corrected({"retrieval_miss": 80, "corpus_gap": 20}, matrix)
    assert found is not None
    gap = found.share(["corpus_gap"], 100)
    assert gap.value > 0.5
    assert gap.low < 0.9 < gap.high
    both = found.share(["corpus_gap", "retrieval_miss"], 100)
    assert both.value == pytest.approx(1, abs=0.01)


def test_what_was_diagnosed_is_corrected_the_same_way_every_time():
    causes = ["retrieval_miss"] * 20 + ["misinterpretation"] * 20
    assert diagnosed(causes).corrected_causes == diagnosed(causes).corrected_causes


def test_the_matrix_on_file_knows_most_causes_and_names_most_of_them_right():
    from evalkit.plugins import members

    shelf = {cause.id: cause.side.value for cause in members("causes")}
    for probed in (True, False):
        known = known_confusion(probed=probed)
        assert known is not None
        assert {c: known.sides[c] for c in known.causes}.items() <= shelf.items()
        assert len(known.causes) >= 18
    probed_matrix = known_confusion(probed=True)
    assert probed_matrix is not None
    assert (probed_matrix.rates().argmax(axis=1) == range(len(probed_matrix.causes))).all()


# --- the published shape ---------------------------------------------------------------------


def test_the_published_schema_accepts_a_diagnosis_with_all_its_parts():
    suite, graded = graded_of([True] * 12 + [False] * 8)
    findings = [fail(f"c{i}", ("ranking_low", "misinterpretation", None)[i % 3]) for i in range(12)]
    found = summarise_findings(suite, graded, findings, load_playbook())
    advice = {"approach": "rag", "reasons": [], "against": [], "headroom": {}}
    content = json.loads(
        json.dumps(
            diagnosis_json(suite, {"s": found}, advice, {"labels": [], "corpus": []}),
            allow_nan=False,
        )
    )
    schema = json.loads((files("evalkit") / "schemas/diagnosis.schema.json").read_text("utf-8"))
    jsonschema.validate(content, schema)
    own = content["systems"]["s"]
    assert own["causes"]["ranking_low"]["corrected"].keys() == {"share", "low", "high"}
    assert own["sides"]["retrieval"]["corrected"] is not None
    assert [step["stage"] for step in own["funnel"]][-1] == "on_style"
