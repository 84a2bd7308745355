"""Readers of TREC's qrels and run files: order as trec_eval has it, and errors with file and line."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalkit.errors import InvalidInput
from evalkit.importers.trec import read_qrels, read_run, trec_order


@pytest.fixture
def file(tmp_path):
    def write(content: str | bytes):
        path = tmp_path / "input.txt"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def test_order_is_by_score_then_by_id_both_descending():
    assert trec_order({"a": 1.0, "c": 1.0, "b": 2.0}) == ["b", "c", "a"]


def test_scores_that_agree_in_32_bits_are_ties():
    assert trec_order({"a": 1.00000001, "b": 1.0}) == ["b", "a"]
    assert trec_order({"a": 1e300, "b": 1e200, "c": 1.0}) == ["b", "a", "c"]


@settings(max_examples=50, deadline=None)
@given(
    st.dictionaries(
        st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=3),
        st.floats(-2, 2, width=32) | st.sampled_from([0.0, -0.0, 1.0]),
        min_size=2,
    )
)
def test_order_is_that_of_trec_eval_in_any_script(scores):
    import pytrec_eval

    wanted = trec_order(scores)
    for rank, name in enumerate(wanted, start=1):
        found = pytrec_eval.RelevanceEvaluator({"t": {name: 1}}, {"recip_rank"}).evaluate(
            {"t": scores}
        )
        assert found["t"]["recip_rank"] == pytest.approx(1 / rank)


def test_a_score_that_is_no_number_has_no_order():
    with pytest.raises(ValueError, match="NaN"):
        trec_order({"a": float("nan")})


def test_reads_qrels_with_negative_grades_blank_lines_and_a_byte_order_mark(file):
    path = file("\ufeff1 0 文書 2\r\n\n1\t0\tb  -1\n2 0 c 0\n")
    assert read_qrels(path) == {"1": {"文書": 2, "b": -1}, "2": {"c": 0}}


def test_reads_runs_whatever_the_order_of_lines_the_stated_rank_and_what_follows_the_tag(file):
    path = file("1 Q0 low 1 0.5 tag\n2 Q0 x 9 1e-3 tag more words\n1 Q0 high 2 0.75 tag\n")
    assert read_run(path) == {"1": ["high", "low"], "2": ["x"]}


def test_an_id_may_hold_a_space_that_is_not_ascii(file):
    assert read_qrels(file("1 0 a\u3000b 1\n")) == {"1": {"a\u3000b": 1}}


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("1 0 a 1\n1 0 b\n", "input.txt:2: expected 4 fields"),
        ("1 0 a 1\n\n1 0 b x\n", "input.txt:3: grade 'x' is not a whole number"),
        ("1 0 a 0.5\n", "input.txt:1: grade '0.5' is not a whole number"),
        ("1 0 a 1\n1 0 a 1\n", "input.txt:2: document 'a' is labelled twice for topic '1'"),
        (b"1 0 a 1\n1 0 \xff 1\n", "input.txt:2: .* is not UTF-8"),
    ],
)
def test_wrong_qrels_are_refused_with_file_and_line(file, content, complaint):
    with pytest.raises(InvalidInput, match=complaint):
        read_qrels(file(content))


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("1 Q0 a 1 0.5\n", "input.txt:1: expected 6 fields"),
        ("1 Q0 a 1 high tag\n", "input.txt:1: score 'high' is not a number"),
        ("1 Q0 a 1 nan tag\n", "input.txt:1: score 'nan' is not a number"),
        ("1 Q0 a 1 1 t\n1 Q0 a 2 0 t\n", "input.txt:2: document 'a' is listed twice for topic '1'"),
    ],
)
def test_wrong_runs_are_refused_with_file_and_line(file, content, complaint):
    with pytest.raises(InvalidInput, match=complaint):
        read_run(file(content))


def test_a_missing_file_is_invalid_input(tmp_path):
    with pytest.raises(InvalidInput, match=r"absent\.txt"):
        read_run(tmp_path / "absent.txt")
