"""Scoring a blind diagnosis: against scikit-learn where it computes the same, and by hand elsewhere."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalkit.faults.baselines import (
    Seen,
    always_retrieval,
    by_question_type,
    by_rule,
    metric_groups,
    recall_threshold,
)
from evalkit.faults.bench import (
    Verdict,
    balanced_accuracy,
    calibrate,
    cohen_kappa,
    score,
    verdicts,
)
from evalkit.faults.bench_report import faults_json, faults_markdown
from evalkit.records import Certainty, Finding

SIDES = {
    "retrieval_miss": "retrieval",
    "corpus_gap": "retrieval",
    "misinterpretation": "generation",
    "style_violation": "contract",
}
LABELS = st.sampled_from(["retrieval_miss", "misinterpretation", "none", "style_violation"])


def verdict(truth: str | None, cause: str | None, **more: object) -> Verdict:
    outcome = more.pop("outcome", None if cause is None else "fail")
    named = frozenset({cause}) if cause else frozenset()
    return Verdict("c", truth, outcome=outcome, cause=cause, named=named, **more)  # type: ignore[arg-type]


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(LABELS, LABELS), min_size=1, max_size=40))
def test_kappa_and_balanced_accuracy_equal_scikit_learn(pairs: list[tuple[str, str]]):
    import warnings

    from sklearn.metrics import balanced_accuracy_score, cohen_kappa_score

    true, wanted = [a for a, _ in pairs], [b for _, b in pairs]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = balanced_accuracy_score(true, wanted)
        kappa = cohen_kappa_score(true, wanted)
    assert balanced_accuracy(pairs) == pytest.approx(expected)
    ours = cohen_kappa(pairs)
    if ours is None:
        assert len({*true, *wanted}) == 1
    else:
        assert ours == pytest.approx(kappa)


def test_calibration_error_of_a_known_example():
    stated = [(0.95, True)] * 8 + [(0.95, False)] * 2 + [(0.35, True)] * 4 + [(0.35, False)] * 6
    found = calibrate(stated)
    assert found is not None
    assert found.error == pytest.approx(0.5 * 0.15 + 0.5 * 0.05)
    assert [(b.n, b.accuracy) for b in found.bins] == [(10, 0.4), (10, 0.8)]


def test_calibration_borders_and_absence():
    found = calibrate([(1.0, True), (0.1, False), (0.0, False)])
    assert found is not None
    assert [b.low for b in found.bins] == [0.0, 0.1, 0.9]
    assert calibrate([]) is None
    with pytest.raises(ValueError, match="outside"):
        calibrate([(1.2, True)])


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=60))
def test_calibration_counts_everything_once_and_stays_within_bounds(stated):
    found = calibrate(stated)
    assert found is not None
    assert sum(b.n for b in found.bins) == found.n == len(stated)
    assert 0 <= found.error <= 1


def test_a_known_confusion():
    rows = [
        verdict("retrieval_miss", "retrieval_miss"),
        verdict("retrieval_miss", "corpus_gap"),
        verdict("misinterpretation", "retrieval_miss"),
        verdict("style_violation", None, outcome="fail", status="unexplained"),
        verdict(None, None),
        verdict(None, "misinterpretation"),
        verdict(None, "corpus_gap", outcome="warn"),
    ]
    found = score(rows, SIDES)
    assert found.confusion == {
        ("retrieval_miss", "retrieval_miss"): 1,
        ("retrieval_miss", "corpus_gap"): 1,
        ("misinterpretation", "retrieval_miss"): 1,
        ("style_violation", "unexplained"): 1,
        ("none", "none"): 2,
        ("none", "misinterpretation"): 1,
    }
    assert found.exact is not None
    assert (found.exact.value, found.exact.n) == (0.25, 4)
    assert found.side is not None
    assert found.side.value == 0.5
    assert found.false_alarms is not None
    assert found.false_alarms.value == pytest.approx(1 / 3)
    assert found.recall["retrieval_miss"].value == 0.5
    assert found.calibration is None


def test_an_acceptable_cause_and_a_look_alike_in_the_set_count_as_they_should():
    alike = Verdict(
        "c",
        "retrieval_miss",
        frozenset({"corpus_gap", "retrieval_miss"}),
        "fail",
        "corpus_gap",
        frozenset({"corpus_gap"}),
    )
    listed = Verdict("c", "retrieval_miss", frozenset(), "fail", "corpus_gap", frozenset(SIDES))
    assert alike.exact
    assert not listed.exact
    assert listed.in_set
    assert score([alike], SIDES).confusion == {("retrieval_miss", "retrieval_miss"): 1}


def test_findings_become_verdicts():
    finding = Finding("a", 0, "fail", Certainty.PROVEN, "corpus_gap", confidence=0.8, set=("x",))
    rows = verdicts({"a": "corpus_gap", "b": None}, [finding])
    assert [(r.case_id, r.given, r.exact) for r in rows] == [
        ("a", "corpus_gap", True),
        ("b", "none", True),
    ]
    assert rows[0].confidence == 0.8
    assert score(rows, SIDES).calibration is not None


def seen(case_id: str = "c", **more: object) -> Seen:
    given = dict.fromkeys(("recall", "claim_recall", "faithfulness", "utilisation"), 1.0)
    blank = {"question_type": "what", "refused": False, "broken": (), "error": False}
    return Seen(case_id, **{**given, **blank, **more})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("this", "cause"),
    [
        (seen(recall=0.0), "retrieval_miss"),
        (seen(claim_recall=0.2), "retrieval_miss"),
        (seen(refused=True), "over_refusal"),
        (seen(faithfulness=0.1), "parametric_override"),
        (seen(utilisation=0.3), "incomplete_answer"),
        (seen(broken=("style",)), "style_violation"),
        (seen(error=True, recall=None), "infra_error"),
        (seen(), "noise_distraction"),
    ],
)
def test_metric_rules_name_the_weak_group(this: Seen, cause: str):
    assert metric_groups(this) == cause


def test_simple_rules():
    assert always_retrieval(seen()) == "retrieval_miss"
    assert recall_threshold(seen(recall=0.5)) == "retrieval_miss"
    assert recall_threshold(seen(recall=1.0)) == "misinterpretation"
    rows = by_rule(always_retrieval, {"a": "corpus_gap", "b": None}, {"a": seen("a")}, {})
    assert [r.given for r in rows] == ["retrieval_miss", "none"]


def test_question_types_are_learned_on_other_folds():
    truths = {f"c{i}": "misinterpretation" if i % 2 else "corpus_gap" for i in range(20)}
    kinds = {c: seen(c, question_type="why" if int(c[1:]) % 2 else "where") for c in truths}
    assert all(r.exact for r in by_question_type(truths, kinds, {}))
    alone = by_question_type({"a": "corpus_gap"}, {"a": seen("a")}, {})
    assert alone[0].given == "retrieval_miss"


def test_the_report_is_strict_json_and_shows_the_baselines():
    import json

    rows = [verdict("retrieval_miss", "retrieval_miss", confidence=0.9), verdict(None, None)]
    found = score(rows, SIDES)
    made = faults_json("club", "mine", found, dict(found.recall), rows)
    assert json.loads(json.dumps(made, allow_nan=False)) == made
    assert made["exact"]["n"] == 1
    text = faults_markdown("club", "mine", found, dict(found.recall), {"always retrieval": found})
    assert "| always retrieval |" in text
    assert "Expected calibration error 0.100 over 1 findings" in text
