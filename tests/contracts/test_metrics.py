"""What every metric on the shelves owes: range, honest undefinedness, purity, a card; no metric forgotten."""

from __future__ import annotations

import copy
import json
import math
import random
from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from metric_inputs import (
    CORPUS,
    SAYINGS,
    Given,
    approaches,
    everything,
    few,
    ids,
    objects,
    passages,
    suites,
    texts,
)
from support import make_graded, make_suite

from evalkit.api import tools_for
from evalkit.errors import UndecidedError
from evalkit.metrics import answer, behaviour, consistency
from evalkit.metrics import format as format_metrics
from evalkit.metrics.retrieval import parse_metric
from evalkit.metrics.style import is_prose, style_report
from evalkit.needs import CASE_NEEDS, COLUMN_NEEDS, KNOWN, ROW_NEEDS, SUITE_NEEDS, needs_of
from evalkit.outcome import CORRECT, PASSED
from evalkit.records import (
    Level,
    Metric,
    Passage,
    Stage,
    Status,
)
from evalkit.text.extract import parse_json
from evalkit.text.manner import prose
from evalkit.text.quantities import quantities
from evalkit.text.tokens import stem_set, tokens

SUITE = make_suite([], k=3, pool=12)
SHELF: Mapping[str, Metric] = {m.name: m for m in tools_for(SUITE).metrics}
ROWS = {n: m for n, m in SHELF.items() if m.level is Level.TRACE and not m.columns}
COLUMNS = {n: m for n, m in SHELF.items() if m.columns}
K = SUITE.k


def value_of(metric: Metric, given: Given) -> Any:
    try:
        return metric.compute(*[given.values[name] for name in needs_of(metric)])
    except UndecidedError:  # the scorer books an error of the judge's: no value either
        return None


# --- when each metric is undefined: the cards' sentences as predicates ---------------------------------


def gold(g: Given) -> set[str]:
    return {d for d, grade in g.relevant.items() if grade > 0}


def docs(found: Any) -> set[str]:
    return {p.doc_id for p in found}


def no_evidence(g: Given) -> bool:
    return not any(point.evidence for point in g.key_points)


def never(_: Given) -> bool:
    return False


def covered_unclear(g: Given) -> bool:
    covered = g.evidence.covered
    return (
        not g.key_points or covered is None or len(covered) != len(g.key_points) or None in covered
    )


UNDEFINED: dict[str, Callable[[Given], bool]] = {
    "exact": lambda g: not g.reference,
    "token_f1": lambda g: not g.reference,
    "containment": lambda g: not any(stem_set(text) for text in g.reference),
    "numbers": lambda g: not any(quantities(text) for text in g.reference),
    "equivalence": lambda g: not g.reference or g.evidence.correct is None,
    "key_points": covered_unclear,
    "groundedness": lambda g: all(c.supported is None for c in g.evidence.claims or ()),
    "refused": lambda g: g.evidence.refused is None,
    "behaviour": lambda g: g.evidence.refused is None,
    "action": never,
    "criteria": lambda g: not g.criteria,
    "citation_precision": lambda g: not g.citations,
    "cites": lambda g: not g.citations and (
        g.evidence.refused is None or g.evidence.refused >= 0.5 or not g.response.strip() or not g.context
    ),
    "citation_gold_precision": lambda g: not g.citations,
    "citation_recall": lambda g: not gold(g) & docs(g.context),
    "citation_coverage": no_evidence,
    "first_gold_rank": lambda g: not gold(g) & docs(g.retrieved),
    "gold_in_context": lambda g: not gold(g) & docs(g.retrieved[:K]),
    "evidence_retrieved": no_evidence,
    "context_loss": lambda g: not g.retrieved,
    "context_recall": lambda g: not gold(g),
    "evidence_in_context": no_evidence,
    "redundancy": lambda g: sum(bool(p.text) for p in g.retrieved[:K]) < 2,
    "permission_ok": lambda g: not g.forbidden,
    "staleness_ok": lambda g: not docs(g.context) & g.corpus.keys(),
    "evidence_coverage": lambda g: not g.key_points or (bool(g.retrieved) and not any(map(shown, g.retrieved))),
    "json_valid": never,
    "extractable": never,
    "schema_valid": never,
    "schema_valid_repaired": never,
    "field_score": never,
    "format_valid": lambda g: g.format.kind == "poem",
    "label_accuracy": lambda g: g.format.kind != "label" or not g.reference,
    "style": lambda g: not is_prose(g.response) or not style_report(g.style, g.response),
    "brand_voice": lambda g: not has_words(g.response) or len(g.style.exemplars) < 5,
    "seconds_total": lambda g: g.seconds.total is None,
    "seconds_retrieval": lambda g: g.seconds.retrieval is None,
    "seconds_generation": lambda g: g.seconds.generation is None,
    "prompt_tokens": lambda g: g.usage.prompt_tokens is None,
    "completion_tokens": lambda g: g.usage.completion_tokens is None,
    "cost": lambda g: g.usage.cost is None,
}  # fmt: skip
CASE_LEAST = {"consistency": 2, "flip_rate": 2, "pass@k": 1, "pass^k": 1, "retrieval_stability": 2}
OVER_SUITE = {"macro_f1"}
LOWER_IS_BETTER = {
    *("first_gold_rank", "context_loss", "redundancy", "flip_rate"),
    *("seconds_total", "seconds_retrieval", "seconds_generation"),
    *("prompt_tokens", "completion_tokens", "cost"),
}
OUTCOMES = {
    *(
        "exact",
        "token_f1",
        "containment",
        "numbers",
        "equivalence",
        "key_points",
        "behaviour",
        "action",
    ),
    *(
        "criteria",
        "json_valid",
        "extractable",
        "schema_valid",
        "schema_valid_repaired",
        "format_valid",
    ),
    *("field_score", "label_accuracy", "style", "pass@k", "pass^k"),
}


def has_words(response: str) -> bool:
    return is_prose(response) and bool(tokens(prose(response)))


def shown(passage: Passage) -> str:
    whole = CORPUS.get(passage.doc_id)
    given_whole = passage.chunk_id is None and whole is not None
    return passage.text or (whole.text if given_whole and whole else "")


def test_no_metric_is_forgotten():
    named = [*UNDEFINED, *COLUMNS, *CASE_LEAST, *OVER_SUITE]
    assert len(named) == len(set(named))
    assert set(named) == set(SHELF)
    assert set(UNDEFINED) == set(ROWS)


def test_names_are_unique_over_the_shelves_and_the_outcomes():
    names = [*(m.name for m in tools_for(SUITE).metrics), CORRECT.name, PASSED.name]
    assert len(names) == len(set(names))


def test_directions_and_outcomes_are_the_ones_expected():
    assert {n for n, m in SHELF.items() if not m.higher_is_better} == LOWER_IS_BETTER
    assert {n for n, m in SHELF.items() if m.outcome} == OUTCOMES


EVERY = pytest.mark.parametrize("metric", [*SHELF.values(), CORRECT, PASSED], ids=lambda m: m.name)


@EVERY
def test_a_card_defines_the_metric_and_its_undefinedness(metric: Metric):
    assert len(metric.card) >= 40
    assert metric.card[0].isupper() or metric.card[0] in "`1"
    assert metric.card.rstrip().endswith(".")
    always = UNDEFINED.get(metric.name) is never
    assert always or "ndefined" in metric.card, "what does undefined mean?"


@EVERY
def test_range_and_direction_are_consistent(metric: Metric):
    assert math.isfinite(metric.low)
    assert metric.low < metric.high
    assert not (metric.higher_is_better and math.isinf(metric.high))
    assert math.isfinite(metric.high) or metric.unit, "an open range needs its unit"
    assert isinstance(metric.stage, Stage)


@pytest.mark.parametrize("metric", SHELF.values(), ids=lambda m: m.name)
def test_needs_are_provided_at_the_metrics_level(metric: Metric):
    provided: tuple[str, ...] = tuple(ROW_NEEDS)
    if metric.columns:
        provided = COLUMN_NEEDS
    elif metric.level is not Level.TRACE:
        provided = CASE_NEEDS if metric.level is Level.CASE else SUITE_NEEDS
    assert needs_of(metric)
    assert set(needs_of(metric)) <= set(provided) <= set(KNOWN)


def test_an_unknown_need_is_refused_with_the_nearest_name():
    odd = Metric("odd", Stage.GENERATION, lambda respnse: 0.0, "A card.")
    with pytest.raises(ValueError, match="response"):
        needs_of(odd)


# --- rows --------------------------------------------------------------------------------------------


@few
@given(everything())
def test_a_row_metric_is_a_float_in_range_or_undefined_exactly_when_its_card_says_so(given: Given):
    for name, metric in ROWS.items():
        value = value_of(metric, given)
        assert (value is None) == UNDEFINED[name](given), name
        if value is not None:
            assert type(value) is float, name
            assert math.isfinite(value), name
            assert metric.low - 1e-9 <= value <= metric.high + 1e-9, name


@few
@given(everything())
def test_a_row_metric_changes_nothing_and_answers_the_same_again(given: Given):
    before = copy.deepcopy(given.values)
    first = {name: value_of(metric, given) for name, metric in ROWS.items()}
    assert given.values == before
    assert {name: value_of(metric, given) for name, metric in ROWS.items()} == first


@few
@given(everything())
def test_values_bound_each_other_where_the_cards_say_so(given: Given):
    value = {name: value_of(metric, given) for name, metric in ROWS.items()}
    assert value["json_valid"] <= value["extractable"]
    assert value["schema_valid"] <= min(value["json_valid"], value["schema_valid_repaired"])
    if value["exact"] == 1 and value["containment"] is not None:
        assert value["token_f1"] == 1.0
    if value["citation_precision"] is not None:
        assert value["citation_gold_precision"] <= value["citation_precision"] or any(
            p.chunk_id for p in given.context
        )


# --- invariance ----------------------------------------------------------------------------------------


@few
@given(st.sampled_from(SAYINGS), st.sampled_from(SAYINGS))
def test_word_measures_ignore_case_and_white_space(response: str, reference: str):
    shouted = f"\n  {response.upper()}\t"
    for measure in (answer.exact, answer.token_f1, answer.containment):
        plain = measure(response, (reference,))
        assert measure(shouted, (reference,)) == plain, measure.__name__
        assert measure(response, (f" {reference.upper()} ",)) == plain, measure.__name__
    assert behaviour.action(f" {response.upper()} ", response) == 1.0


@few
@given(texts, texts)
def test_token_f1_is_symmetric(a: str, b: str):
    assert answer.token_f1(a, (b,)) == answer.token_f1(b, (a,))


@few
@given(texts, st.lists(texts, min_size=1, max_size=3), st.randoms())
def test_the_order_of_references_carries_no_weight_and_more_never_harm(
    response: str, references: list[str], chance: random.Random
):
    shuffled = references[:]
    chance.shuffle(shuffled)
    for measure in (answer.exact, answer.token_f1, answer.containment):
        whole = measure(response, tuple(references))
        assert measure(response, tuple(shuffled)) == whole
        first = measure(response, tuple(references[:1]))
        assert first is None or (whole is not None and whole >= first)


@few
@given(texts)
def test_an_answer_that_is_the_reference_is_right_by_every_word_measure(text: str):
    assert answer.exact(text, (text,)) == 1.0
    assert answer.token_f1(text, (text,)) == 1.0
    assert answer.containment(text, (text,)) in (1.0, None)
    assert answer.numbers(text, (text,)) in (1.0, None)


@few
@given(objects)
def test_an_answer_that_is_the_object_has_all_its_fields(wanted: Any):
    assert format_metrics.field_score(wanted, parse_json(json.dumps(wanted))) == 1.0


# --- columns ----------------------------------------------------------------------------------------------

queries = st.lists(
    st.tuples(st.dictionaries(ids, st.integers(-1, 3), max_size=4), passages), max_size=5
)


def column(name: str, found: Any) -> Any:
    from evalkit.metrics.rankings import chunk_rankings, rankings

    metric = parse_metric(name)
    build = chunk_rankings if needs_of(metric) == ("chunk_rankings",) else rankings
    return metric.compute(build([labels for labels, _ in found], [row for _, row in found]))


@few
@given(queries)
def test_a_column_is_in_range_or_nan_where_its_card_says_undefined(found: Any):
    for name, metric in COLUMNS.items():
        values = column(name, found)
        assert values.shape == (len(found),), name
        for (relevant, row), value in zip(found, values, strict=True):
            nothing = not any(grade > 0 for grade in relevant.values())
            undefined = (not row or not relevant) if name.startswith("Judged") else nothing
            # A relevant document of which only chunks labelled otherwise are shown has no relevant chunk.
            may_be = undefined or (
                name.endswith(":chunk") and any(p.chunk_id in relevant for p in row)
            )
            assert undefined <= math.isnan(value) <= may_be, name
            assert math.isnan(value) or metric.low <= value <= metric.high, name


@few
@given(queries)
def test_what_was_found_stays_found_deeper_down(found: Any):
    for family in ("R", "Success", "RR", "AP"):
        for unit in ("", ":chunk"):
            cuts = [column(f"{family}@{k}{unit}", found) for k in (1, 2, 3, 5, 9)]
            for shallow, deep in pairwise(cuts):
                assert (np.nan_to_num(shallow) <= np.nan_to_num(deep) + 1e-12).all(), family


@few
@given(queries, st.randoms())
def test_no_row_of_a_column_depends_on_the_others(found: Any, chance: random.Random):
    order = list(range(len(found)))
    chance.shuffle(order)
    for name in COLUMNS:
        values = column(name, found)
        shuffled = column(name, [found[i] for i in order])
        assert np.array_equal(shuffled, values[order] if order else values, equal_nan=True), name


@few
@given(queries)
def test_a_column_changes_nothing(found: Any):
    before = copy.deepcopy(found)
    for name in COLUMNS:
        column(name, found)
    assert found == before


@few
@given(st.dictionaries(ids, st.integers(1, 3), min_size=1, max_size=4))
def test_a_perfect_ranking_is_perfect(relevant: dict[str, int]):
    best = tuple(Passage(d) for d in sorted(relevant, key=lambda d: -relevant[d]))
    for name in ("R@9", "Success@1", "RR", "AP", "nDCG@9", "nDCG", "Judged@3"):
        assert column(name, [(relevant, best)])[0] == pytest.approx(1.0), name


# --- repeats and the whole suite ---------------------------------------------------------------------------


def repeats(name: str) -> Any:
    return {
        "responses": st.sampled_from(SAYINGS),
        "passes": st.booleans(),
        "retrievals": passages,
    }[needs_of(SHELF[name])[0]]


@pytest.mark.parametrize("name", CASE_LEAST)
@settings(max_examples=25, deadline=None)
@given(st.data())
def test_a_measure_of_repeats_does_not_depend_on_their_order(name: str, data: st.DataObject):
    given_repeats = tuple(data.draw(st.lists(repeats(name), max_size=4)))
    metric, before = SHELF[name], copy.deepcopy(given_repeats)
    value = metric.compute(given_repeats)
    assert (value is None) == (len(given_repeats) < CASE_LEAST[name])
    assert given_repeats == before
    if value is not None:
        assert type(value) is float
        assert metric.low <= value <= metric.high
        assert metric.compute(given_repeats[::-1]) == pytest.approx(value)


@few
@given(st.lists(st.sampled_from(SAYINGS), min_size=2, max_size=4))
def test_equal_answers_are_consistent(responses: list[str]):
    same = (responses[0],) * len(responses)
    assert consistency.consistency(same) == 1.0


label_names = st.sampled_from(["refund", "invoice", "返金", ""])


@few
@given(st.lists(st.tuples(label_names.filter(bool), label_names), max_size=8), st.randoms())
def test_macro_f1_is_undefined_without_pairs_and_deaf_to_their_order(
    pairs: list[tuple[str, str]], chance: random.Random
):
    value = format_metrics.macro_f1(pairs)
    assert (value is None) == (not pairs)
    if value is not None:
        assert 0 <= value <= 1
        shuffled = pairs[:]
        chance.shuffle(shuffled)
        assert format_metrics.macro_f1(shuffled) == pytest.approx(value)


# --- through the scorer --------------------------------------------------------------------------------------


@settings(max_examples=30, deadline=None)
@given(suites(), approaches)
def test_every_cell_can_be_written_and_every_value_has_its_reason(made: Any, approach: str):
    suite, shown_traces, evidence = made
    graded = make_graded(suite, shown_traces, approach=approach, evidence=evidence)
    rows = list(graded.scores.rows())
    json.dumps([[row.value, row.status, row.note] for row in rows], allow_nan=False)
    assert {"correct", "passed"} <= {row.metric for row in rows}
    for row in rows:
        assert (row.value is not None) <= (row.status in (Status.SCORED, Status.SYSTEM_ERROR)), row
        assert (row.status is Status.SCORED) <= (row.value is not None), row
        assert row.status is not Status.GRADER_ERROR or evidence_lacks(row.note), row


def evidence_lacks(note: str) -> bool:
    """The metrics themselves never fail on these inputs; only an outcome whose judge gave nothing does."""
    return note in ("", "no judge graded this", "the judge could not decide")


@settings(max_examples=20, deadline=None)
@given(suites(), approaches, st.randoms())
def test_the_order_of_cases_and_traces_carries_no_weight(
    made: Any, approach: str, chance: random.Random
):
    suite, shown_traces, evidence = made
    order = list(range(len(shown_traces)))
    chance.shuffle(order)
    ours = make_graded(suite, shown_traces, approach=approach, evidence=evidence)
    cases_reversed = make_suite(suite.cases[::-1], CORPUS, k=K, pool=12)
    theirs = make_graded(
        cases_reversed,
        [shown_traces[i] for i in order],
        approach=approach,
        evidence=[evidence[i] for i in order],
    )
    assert table(ours) == table(theirs)
    assert ours.cases == theirs.cases


def table(graded: Any) -> dict[Any, Any]:
    rows = graded.scores.rows()
    return {
        (r.case_id, r.repeat, r.metric): (
            None if r.value is None else round(r.value, 9),
            r.status,
            r.note,
        )
        for r in rows
    }
