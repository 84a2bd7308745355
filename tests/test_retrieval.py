"""Retrieval measures: equal to trec_eval where the conventions agree, and right where they differ."""

import json
import math
import re
import warnings
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalkit.importers.trec import read_qrels, read_run, trec_order
from evalkit.metrics import rankings as rankings_module
from evalkit.metrics import retrieval as r
from evalkit.metrics.retrieval import METRICS, parse_metric, rank_ids, retrieval_metrics
from evalkit.records import Passage, Stage

REFERENCE = Path(__file__).parents[2] / "shared" / "data" / "trec_eval_reference"
nan = float("nan")
quick = settings(max_examples=50, deadline=None)

# trec_eval's name -> ours
MEASURES = {
    "map": r.average_precision,
    "map_cut": r.average_precision,
    "recip_rank": r.reciprocal_rank,
    "P": r.precision,
    "recall": r.recall,
    "ndcg": r.ndcg,
    "ndcg_cut": r.ndcg,
    "success": r.success,
}
CUTS = (1, 3, 5, 10)
DOCS = [f"doc{n}" for n in range(8)] + ["文書", "văn bản", "größe", "وثيقة", "😀"]

grades = st.dictionaries(st.sampled_from(DOCS), st.integers(-2, 3), max_size=8)
scored = st.dictionaries(
    st.sampled_from(DOCS), st.sampled_from([-1.5, 0.0, 1.0, 1.00000001, 2.0]), max_size=len(DOCS)
)
ranked = st.lists(st.sampled_from(DOCS), max_size=12)  # with repetitions, as chunks give them


def passages(*names: str) -> tuple[Passage, ...]:
    """``"A/1"`` is chunk ``1`` of document A; ``"A"`` names no chunk."""
    return tuple(Passage(*name.split("/")) for name in names)


def one(measure, relevant, ids, **settings):
    return float(measure(rank_ids([relevant], [ids]), **settings)[0])


def by_name(name, relevant, retrieved):
    metric = parse_metric(name)
    build = r.chunk_rankings if name.endswith(":chunk") else r.rankings
    return float(metric.compute(build([relevant], [retrieved]))[0])


# --- against trec_eval and the tools that wrap it ----------------------------------------------


def trec_values(qrels, run):
    import pytrec_eval

    wanted = {"map", "recip_rank", "ndcg"}
    wanted |= {f"{m}.{k}" for m in ("P", "recall", "ndcg_cut", "success", "map_cut") for k in CUTS}
    return pytrec_eval.RelevanceEvaluator(qrels, wanted).evaluate(run)


def ours(name, relevant, ids):
    family, _, cut = name.rpartition("_") if name[-1].isdigit() else (name, "", "")
    return one(MEASURES[family], relevant, ids, k=int(cut) if cut else None)


# pytrec_eval reads beyond its memory where every grade of a query is negative.
oracle_grades = grades.filter(lambda labels: max(labels.values(), default=-1) >= 0)


@quick
@given(st.lists(st.tuples(oracle_grades, scored), min_size=1, max_size=4))
def test_equals_pytrec_eval_with_ties_missing_lists_and_negative_grades(topics):
    qrels = {f"t{n}": labels for n, (labels, _) in enumerate(topics)}
    run = {f"t{n}": scores for n, (_, scores) in enumerate(topics)}
    for topic, found in trec_values(qrels, run).items():
        relevant, ids = qrels[topic], trec_order(run[topic])
        for name, theirs in found.items():
            value = ours(name, relevant, ids)
            if max(relevant.values()) > 0:
                assert value == pytest.approx(theirs, abs=1e-12), (name, topic)
            else:  # trec_eval books 0 where nothing could be found; here it is undefined
                assert theirs == 0
                assert math.isnan(value)


@settings(max_examples=25, deadline=None)
@given(st.dictionaries(st.sampled_from(DOCS), st.integers(0, 3), min_size=1), st.permutations(DOCS))
def test_equals_ir_measures_by_the_same_names(relevant, ids):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import ir_measures
    names = ["R@5", "P@5", "Success@5", "RR", "RR@3", "AP", "AP@5", "nDCG", "nDCG@5", "Judged@5"]
    run = {"t": {name: float(-rank) for rank, name in enumerate(ids)}}
    measures = [ir_measures.parse_measure(name) for name in names]
    retrieved = [Passage(name) for name in ids]
    for found in ir_measures.iter_calc(measures, {"t": relevant}, run):
        value = by_name(str(found.measure), relevant, retrieved)
        if str(found.measure).startswith("Judged") or max(relevant.values()) > 0:
            assert value == pytest.approx(found.value, abs=1e-12), str(found.measure)
        else:
            assert math.isnan(value)


def reference_rows():
    if not REFERENCE.is_dir():
        pytest.skip(f"no reference values of trec_eval at {REFERENCE}")
    for line in (REFERENCE / "expected.jsonl").read_text().splitlines():
        row = json.loads(line)
        name = re.fullmatch(r"([a-zA-Z_]+?)(?:_(\d+))?", row["measure"])
        if name and name[1] in MEASURES:
            yield row, MEASURES[name[1]], int(name[2]) if name[2] else None


def reference_topics(command, qrels):
    """Topics and lists as the command's options choose them: ``-c`` every labelled topic, ``-M`` a cut."""
    run = read_run(REFERENCE / command.split()[-1])
    depth = re.search(r"-M(\d+)", command)
    topics = [topic for topic in qrels if topic in run or " -c " in command]
    cut = int(depth[1]) if depth else None
    return topics, rank_ids([qrels[t] for t in topics], [run.get(t, [])[:cut] for t in topics])


def test_equals_the_reference_output_of_trec_eval_per_topic_and_over_all():
    rows = list(reference_rows())
    qrels = read_qrels(REFERENCE / "qrels.test")
    built = {
        command: reference_topics(command, qrels)
        for command in {row["command"] for row, _, _ in rows}
    }
    assert len(built) == 3
    assert len(rows) > 400
    for row, measure, k in rows:
        topics, lists = built[row["command"]]
        values = measure(lists, k=k)
        value = values.mean() if row["topic"] == "all" else values[topics.index(row["topic"])]
        assert abs(value - row["value"]) <= 0.5000001e-4, row


# --- documents and chunks ----------------------------------------------------------------------


def test_rank_is_list_order_whatever_the_scores_say():
    retrieved = [Passage("miss", score=0.1), Passage("gold", score=0.9)]
    assert by_name("RR", {"gold": 1}, retrieved) == 0.5


def test_a_document_counts_at_its_first_chunk_and_later_chunks_hold_their_place():
    retrieved = passages("A/1", "A/2", "B/1")
    relevant = {"A": 1, "B": 1}
    assert by_name("R@2", relevant, retrieved) == 0.5
    assert by_name("R@3", relevant, retrieved) == 1
    assert by_name("P@3", relevant, retrieved) == pytest.approx(2 / 3)
    assert by_name("AP", relevant, retrieved) == pytest.approx((1 + 2 / 3) / 2)
    assert by_name("nDCG@3", relevant, retrieved) == pytest.approx(
        (1 + 1 / 2) / (1 + 1 / math.log2(3))
    )


def test_chunks_of_a_labelled_document_are_all_relevant_and_the_same_chunk_gains_once():
    retrieved = passages("A/a1", "A/a1", "X/x1", "A/a2", "A/a3")
    assert by_name("R@1:chunk", {"A": 1}, retrieved) == pytest.approx(1 / 3)
    assert by_name("R@2:chunk", {"A": 1}, retrieved) == pytest.approx(1 / 3)
    assert by_name("R@5:chunk", {"A": 1}, retrieved) == 1
    assert by_name("P@5:chunk", {"A": 1}, retrieved) == pytest.approx(3 / 5)


def test_a_labelled_chunk_counts_once_and_its_label_goes_before_that_of_its_document():
    retrieved = passages("A/a1", "A/a2", "B/b1")
    assert by_name("R@3:chunk", {"a2": 2, "absent": 1}, retrieved) == 0.5
    assert by_name("Success@1:chunk", {"A": 1, "a1": 0}, retrieved) == 0
    assert by_name("R@1:chunk", {"A": 1, "a1": 1}, retrieved) == 0.5


def test_a_labelled_document_of_which_no_chunk_is_shown_is_missed_once():
    assert by_name("R@5:chunk", {"A": 1, "B": 1}, passages("A/a1", "A/a2")) == pytest.approx(2 / 3)


def test_chunk_ids_that_are_mere_positions_do_not_mix_documents_up():
    assert by_name("R@1:chunk", {"A": 1, "B": 1}, passages("A/0", "B/0")) == 0.5
    assert by_name("R@2:chunk", {"A": 1, "B": 1}, passages("A/0", "B/0")) == 1


def test_a_document_that_is_its_only_chunk_is_one_chunk():
    assert by_name("R@1:chunk", {"A": 1}, passages("A/A", "B/B")) == 1
    assert by_name("R@1:chunk", {"A": 1}, passages("A", "B")) == 1


# --- undefined is not zero ---------------------------------------------------------------------


@pytest.mark.parametrize("name", ["R@5", "P@5", "Success@5", "RR", "AP", "nDCG@5", "R@5:chunk"])
@pytest.mark.parametrize("relevant", [{}, {"A": 0}, {"A": -1}])
def test_is_undefined_where_nothing_is_relevant(name, relevant):
    assert math.isnan(by_name(name, relevant, passages("A", "B")))


@pytest.mark.parametrize("name", ["R@5", "P@5", "Success@5", "RR", "AP", "nDCG@5", "nDCG@5:chunk"])
def test_an_empty_list_is_the_worst_there_is(name):
    assert by_name(name, {"A": 1}, ()) == 0


def test_judged_is_a_share_of_what_was_retrieved_and_undefined_without_list_or_labels():
    assert by_name("Judged@5", {"A": 0, "B": 1}, passages("A", "X")) == 0.5
    assert math.isnan(by_name("Judged@5", {"A": 1}, ()))
    assert math.isnan(by_name("Judged@5", {}, passages("A")))


def test_precision_of_a_whole_list_divides_by_its_length():
    assert one(r.precision, {"A": 1}, ["A", "B"]) == 0.5
    assert math.isnan(one(r.precision, {"A": 1}, []))


# --- properties of all measures ----------------------------------------------------------------


@quick
@given(grades, ranked)
def test_values_stay_in_range_and_a_perfect_ranking_reaches_exactly_one(relevant, ids):
    best = sorted((n for n, g in relevant.items() if g > 0), key=lambda n: -relevant[n])
    for measure in set(MEASURES.values()):
        for k in (None, *CUTS):
            value = one(measure, relevant, ids, k=k)
            assert math.isnan(value) or 0 <= value <= 1
    if best:
        assert one(r.ndcg, relevant, best) == 1
        assert one(r.average_precision, relevant, best) == 1


@quick
@given(
    st.dictionaries(st.sampled_from(["A", "B", "C", "1", "2"]), st.integers(-1, 3), max_size=5),
    st.lists(st.sampled_from(["A", "A/1", "A/2", "B/1", "B/B", "C/3", "X/9", "X"]), max_size=10),
)
def test_chunk_measures_stay_in_range_and_never_fall_with_depth(relevant, names):
    built = r.chunk_rankings([relevant], [passages(*names)])
    for measure in (r.recall, r.success, r.average_precision, r.ndcg):
        values = [float(measure(built, k=k)[0]) for k in range(1, 12)]
        assert all(math.isnan(value) or 0 <= value <= 1 for value in values)
        if any(grade > 0 for grade in relevant.values()) and measure is not r.ndcg:
            assert math.isnan(values[0]) or values == sorted(values)


@quick
@given(grades.filter(lambda g: any(v > 0 for v in g.values())), ranked)
def test_found_things_are_never_lost_by_looking_deeper(relevant, ids):
    for measure in (r.recall, r.success, r.reciprocal_rank, r.average_precision):
        values = [one(measure, relevant, ids, k=k) for k in range(1, 13)]
        assert values == sorted(values)
        assert values[-1] == one(measure, relevant, ids)


@quick
@given(st.lists(st.tuples(grades, ranked), min_size=2, max_size=6), st.randoms())
def test_a_value_does_not_depend_on_the_other_lists_or_the_block(rows, random):
    order = random.sample(range(len(rows)), len(rows))
    together = rank_ids([rows[i][0] for i in order], [rows[i][1] for i in order])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rankings_module, "BLOCK", 2)
        in_blocks = rank_ids([rows[i][0] for i in order], [rows[i][1] for i in order])
    for measure in (*set(MEASURES.values()), r.judged):
        alone = np.array([one(measure, *rows[i]) for i in order])
        np.testing.assert_array_equal(measure(together), alone)
        np.testing.assert_array_equal(measure(in_blocks), alone)


@quick
@given(grades, ranked)
def test_cut_lists_give_the_same_down_to_the_cut(relevant, ids):
    whole, cut = rank_ids([relevant], [ids]), rank_ids([relevant], [ids], depth=5)
    for measure in (*set(MEASURES.values()), r.judged):
        np.testing.assert_array_equal(measure(cut, k=5), measure(whole, k=5))


def test_a_cut_list_refuses_measures_that_look_deeper():
    cut = rank_ids([{"A": 1}], [["A"]], depth=5)
    for k in (None, 6):
        with pytest.raises(ValueError, match="cut at 5"):
            r.recall(cut, k=k)
    with pytest.raises(ValueError, match="first rank is 1"):
        r.recall(cut, k=0)


def test_no_lists_at_all_give_an_empty_column():
    for metric in METRICS:
        if metric.columns:
            assert metric.compute(rank_ids([], [])).shape == (0,)


def test_labels_and_lists_must_be_equally_many():
    with pytest.raises(ValueError, match="1 sets of labels, but 2"):
        rank_ids([{}], [[], []])


# --- names -------------------------------------------------------------------------------------


@given(
    st.sampled_from(["R", "P", "Success", "RR", "AP", "nDCG", "Judged"]),
    st.integers(1, 1000),
    st.sampled_from(["", ":chunk"]),
)
def test_names_parse_back(family, k, unit):
    assert parse_metric(f"{family}@{k}{unit}").name == f"{family}@{k}{unit}"


@pytest.mark.parametrize(
    "name", ["R", "P:chunk", "R@0", "R@05", "R@", "ndcg@5", "recall@5", "R@5:doc", "R@-1", ""]
)
def test_other_names_are_refused_and_the_right_ones_named(name):
    with pytest.raises(ValueError, match=r"R@5|@5 looks"):
        parse_metric(name)


def test_the_shelf_follows_the_suite():
    names = [metric.name for metric in retrieval_metrics(k=3, pool=12)]
    assert {"R@3", "R@12", "nDCG@3", "R@3:chunk", "RR", "AP", "Judged@3", "context_recall"} <= set(
        names
    )
    assert len(set(names)) == len(names)
    same = [metric.name for metric in retrieval_metrics(k=5, pool=5)]
    assert same.count("R@5") == 1


def test_cards_say_where_the_measure_looks():
    assert "first 7 places" in parse_metric("P@7").card
    assert "chunk" in parse_metric("R@7:chunk").card
    assert parse_metric("nDCG@7").stage is Stage.RANKING


def test_needs_can_be_read_off_the_signature():
    import inspect

    wanted = {"R@5": "rankings", "R@5:chunk": "chunk_rankings"}
    for name, need in wanted.items():
        compute = parse_metric(name).compute
        assert isinstance(compute, partial)
        kinds = inspect.signature(compute).parameters.values()
        assert [p.name for p in kinds if p.kind is p.POSITIONAL_OR_KEYWORD] == [need]
