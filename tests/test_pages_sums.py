"""What the report adds up of traces and findings adds up part by part, and agrees with the metrics."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalkit.metrics.rankings import rankings
from evalkit.metrics.retrieval import recall
from evalkit.pages.ranks import RankCounts, rank_counts
from evalkit.pages.shares import share_of
from evalkit.pages.styling import quantiles, style_counts
from evalkit.pages.sums import finding_sums
from evalkit.records import Case, Passage, StyleRules, Trace
from evalkit.stats.intervals import wilson

WIDTH = 4
lists = st.lists(st.sampled_from("abcdef"), max_size=6)
golds = st.sets(st.sampled_from("abcdef"), max_size=3)


def _cases(given_golds: Sequence[set[str]], groups: Sequence[str | None]) -> list[Case]:
    return [
        Case(f"c{i}", "?", relevant=dict.fromkeys(sorted(gold), 1), group=group)
        for i, (gold, group) in enumerate(zip(given_golds, groups, strict=True))
    ]


def _trace(case_id: str, found: Sequence[str], repeat: int = 0, **more: Any) -> Trace:
    passages = tuple(Passage(d) for d in found)
    return Trace("x", retrieved=passages, case_id=case_id, repeat=repeat, **more)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(golds, lists), min_size=1, max_size=8))
def test_recall_at_every_k_is_that_of_the_metric(pairs: list[tuple[set[str], list[str]]]):
    cases = _cases([gold for gold, _ in pairs], [None] * len(pairs))
    traces = [_trace(c.id, found) for c, (_, found) in zip(cases, pairs, strict=True)]
    counts = rank_counts(cases, traces, WIDTH)
    table = rankings([c.relevant or {} for c in cases], [t.retrieved or () for t in traces])
    for k in range(1, WIDTH + 1):
        values = recall(table, k=k)
        known = values[~np.isnan(values)]
        found = counts.recall(k)
        if not len(known):
            assert found is None
            continue
        assert found is not None
        assert found.value == pytest.approx(known.mean())
        assert found.low <= found.value <= found.high
        assert found.n == len(known)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(golds, lists), min_size=2, max_size=8), st.data())
def test_parts_of_a_run_add_up(pairs: list[tuple[set[str], list[str]]], data: st.DataObject):
    cases = _cases([gold for gold, _ in pairs], [None] * len(pairs))
    traces = [_trace(c.id, found) for c, (_, found) in zip(cases, pairs, strict=True)]
    cut = data.draw(st.integers(1, len(cases) - 1))
    whole = rank_counts(cases, traces, WIDTH)
    parts = rank_counts(cases[:cut], traces[:cut], WIDTH) + rank_counts(
        cases[cut:], traces[cut:], WIDTH
    )
    assert parts.cases == whole.cases
    assert parts.first == pytest.approx(whole.first)
    assert parts.missing == pytest.approx(whole.missing)
    for k in range(1, WIDTH + 1):
        assert (parts.recall(k) is None) == (whole.recall(k) is None)
        if (one := parts.recall(k)) and (other := whole.recall(k)):
            assert [one.value, one.low, one.high] == pytest.approx(
                [other.value, other.low, other.high]
            )


def test_a_case_counts_once_however_often_it_is_asked():
    (case,) = _cases([{"a"}], [None])
    traces = [_trace("c0", "ab", 0), _trace("c0", "ba", 1), _trace("c0", "bc", 2)]
    found = rank_counts([case], traces, WIDTH)
    assert found.cases == 1
    assert found.first.tolist() == pytest.approx([1 / 3, 1 / 3, 0, 0])
    assert found.missing == pytest.approx(1 / 3)


def test_probes_and_hidden_lists_do_not_count():
    cases = _cases([{"a"}, {"a"}], [None, None])
    hidden = Trace("x", case_id="c1")
    found = rank_counts(cases, [_trace("c0", "a", condition="gold_first"), hidden], WIDTH)
    assert found.cases == 0
    assert found.recall(1) is None


def test_groups_that_fail_together_widen_the_interval():
    golds_of = [{"a"}] * 12
    alone = _cases(golds_of, [None] * 12)
    together = _cases(golds_of, [f"g{i // 4}" for i in range(12)])
    traces = [_trace(f"c{i}", "a" if i < 8 else "b") for i in range(12)]
    apart, tied = (rank_counts(cases, traces, WIDTH).recall(1) for cases in (alone, together))
    assert apart is not None
    assert tied is not None
    assert tied.high - tied.low > apart.high - apart.low


def test_an_empty_run_has_no_recall():
    assert RankCounts(WIDTH).recall(1) is None


# --- shares ------------------------------------------------------------------------------------


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 400), st.data())
def test_a_share_of_independent_answers_is_wilsons(of: int, data: st.DataObject):
    n = data.draw(st.integers(0, of))
    one, other = share_of(n, of), wilson(n, of)
    assert one is not None
    assert other is not None
    assert [one.value, one.low, one.high] == pytest.approx([other.value, other.low, other.high])


def test_repeats_of_few_cases_prove_less():
    many, few = share_of(20, 100), share_of(20, 100, 20)
    assert many is not None
    assert few is not None
    assert few.high - few.low > many.high - many.low
    assert share_of(0, 0) is None


# --- findings ------------------------------------------------------------------------------------


def _finding(case_id: str, **more: Any) -> dict[str, Any]:
    evidence = [{"text": "the list lacks the gold"}, {"text": "so: it was not retrieved"}]
    told = {"outcome": "fail", "status": "proven", "cause": "retrieval_miss", "confidence": 0.9}
    return {
        "case_id": case_id, "probes": {}, "missing": [], "evidence": evidence, **told, **more
    }  # fmt: skip


FINDINGS = [
    _finding("a", status="suspected", confidence=0.4, missing=["deep_retrieval"]),
    _finding("b", probes={"oracle_context": "pass"}),
    _finding("c", probes={"oracle_context": "fail"}),
    _finding("d", outcome="warn"),
    _finding("e", cause=None, status="unexplained", confidence=None, evidence=[]),
]


@pytest.mark.parametrize("cut", range(len(FINDINGS) + 1))
def test_findings_add_up_part_by_part(cut: int):
    assert finding_sums(FINDINGS[:cut]) + finding_sums(FINDINGS[cut:]) == finding_sums(FINDINGS)


def test_sums_say_what_the_findings_say():
    found = finding_sums(FINDINGS)
    assert found.statuses == {"suspected": 1, "proven": 2, "unexplained": 1}
    assert (found.oracle["pass"], found.oracle["fail"], found.warned) == (1, 1, 1)
    assert found.missing == {("suspected", "deep_retrieval"): 1}
    assert (found.stated, found.doubtful) == (3, 1)
    _, case_id, facts = found.examples["retrieval_miss"]
    assert case_id in {"b", "c"}
    assert facts == ("the list lacks the gold",)


# --- style -------------------------------------------------------------------------------------


def test_style_counts_the_first_answer_and_adds_up():
    rules = StyleRules(max_words=5, forbid_exclamation=True)
    cases = [Case(f"c{i}", "?", style=rules) for i in range(3)]
    said = ("Short and calm.", "Rather more words than five in all!", "世界は広い。")
    traces = [Trace(text, case_id=f"c{i}") for i, text in enumerate(said)]
    again = [Trace("Ha!", case_id="c0", repeat=1)]
    whole = style_counts(cases, [*traces, *again])
    assert whole.checked["max_words"] == 3
    assert whole.held["max_words"] == 2
    assert whole.held["forbid_exclamation"] == 2
    parts = style_counts(cases, traces[:1]) + style_counts(cases, traces[1:])
    assert parts == whole


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(0, 20), min_size=1))
def test_quantiles_are_values_that_occur_in_order(values: list[int]):
    counts = {float(v): values.count(v) for v in values}
    found = quantiles(counts)
    assert list(found) == sorted(found)
    assert len(found) == 5
    expected = np.quantile(values, [0.05, 0.25, 0.5, 0.75, 0.95], method="inverted_cdf")
    assert list(found) == pytest.approx(expected.tolist())
