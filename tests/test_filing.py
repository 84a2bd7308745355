"""Recorded answers are filed without records being built, and exactly as they would be with them."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalkit.errors import InvalidInput
from evalkit.facts import Point, Reach, _unread
from evalkit.ledger.filing import Filing, plain_trace
from evalkit.store.rows import trace_row
from evalkit.strict.json_file import _decoder, parse_json
from evalkit.traces import trace_from_json

WORDS = st.sampled_from(
    ["", "a", "Gebühr", "営業時間\n", 'said "so": no', "رسوم \\ end", "phí\u2028"]
)
NUMBERS = st.one_of(st.floats(0, 1e6), st.integers(0, 9), st.none())
PASSAGES = st.lists(
    st.fixed_dictionaries(
        {"doc_id": st.sampled_from(["d1", "d2", "営"]), "text": WORDS},
        optional={"chunk_id": WORDS, "title": WORDS, "score": NUMBERS},
    ),
    max_size=3,
)
TRACES = st.fixed_dictionaries(
    {"case_id": st.just("c-é"), "response": st.one_of(WORDS, st.none())},
    optional={
        "system": st.just("other"),
        "condition": st.sampled_from(["as_is", "oracle_context"]),
        "repeat": st.integers(0, 3),
        "retrieved": PASSAGES,
        "context": PASSAGES,
        "citations": st.lists(WORDS, max_size=2),
        "action": WORDS,
        "seconds": st.dictionaries(st.sampled_from(["total", "retrieval"]), NUMBERS),
        "usage": st.dictionaries(
            st.sampled_from(["cost", "prompt_tokens"]), st.one_of(st.integers(0, 9), st.none())
        ),
        "meta": st.dictionaries(st.text(max_size=3), st.one_of(WORDS, NUMBERS), max_size=2),
    },
)


@settings(max_examples=50)
@given(st.lists(TRACES, min_size=1, max_size=3))
def test_a_plain_answer_is_filed_as_its_record_would_be(given_traces: list[dict[str, Any]]) -> None:
    filing = Filing("système")
    for given_one in given_traces:
        read = json.loads(json.dumps(given_one))
        plain = plain_trace(read)
        if plain is not None:
            assert filing.row(plain) == trace_row(replace(trace_from_json(read), system="système"))


def test_nearly_all_answers_are_plain() -> None:
    passage = {"doc_id": "d", "chunk_id": "d#1", "text": "t", "title": "T", "score": 0.5}
    given_one = {"case_id": "c", "response": "r", "retrieved": [passage], "context": [passage]}
    assert plain_trace({**given_one, "seconds": {"total": 0.5}, "usage": {"prompt_tokens": 3}})


@pytest.mark.parametrize(
    "odd",
    [
        {"response": " "},
        {"response": None},
        {"response": {"fee": 1}},
        {"error": {"kind": "timeout", "message": "60 s"}},
        {"context": [{"doc_id": "d"}]},
        {"retrieved": [{"text": "t", "doc_id": "d"}]},
        {"retrieved": [{"doc_id": "d", "text": "t", "score": 1}]},
        {"seconds": {"total": 1}},
        {"usage": {"prompt_tokens": -1}},
        {"usage": {"prompt_tokens": True}},
        {"unheard": 1},
        {"case_id": ""},
    ],
)
def test_what_has_to_be_looked_at_is_not_plain(odd: dict[str, Any]) -> None:
    assert plain_trace({"case_id": "c", "response": "r", **odd}) is None


def test_a_recording_that_changes_while_it_is_filed_is_checked_anew(tmp_path: Path) -> None:
    from evalkit.adapters.trace_file import TraceFile
    from evalkit.records import Suite

    file = tmp_path / "traces.jsonl"
    line = '{"case_id": "c", "response": "r", "usage": {"prompt_tokens": 11}}\n'
    file.write_text(line, encoding="utf-8")
    read = TraceFile(file, "s", "s", Suite("n", tmp_path, (), {}, "d"))
    file.write_text(line.replace("11", "-1"), encoding="utf-8")
    with pytest.raises(InvalidInput, match="negative"):
        list(read.filed())


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), WORDS),
    lambda inner: st.one_of(st.lists(inner), st.dictionaries(WORDS, inner)),
    max_leaves=9,
)


@settings(max_examples=50)
@given(JSON, st.sampled_from([None, (",", ":"), (", ", " : ")]))
def test_json_is_read_alike_by_both_readers(value: Any, separators: Any) -> None:
    text = json.dumps(value, separators=separators)
    if "Infinity" not in text:
        assert parse_json(text) == _decoder.decode(text) == value


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('{"a": 1, "a": 2}', "given twice"),
        ('{"a":1,"a" :2}', "given twice"),
        ('{"x": {"b": [{"a": 1, "c": "\\":", "a": 2}]}}', "given twice"),
        ('{"a": 1e999}', "too large"),
        ('{"a": NaN}', "is not JSON"),
        ('{"a": ' + "9" * 5000 + "}", "5000 digits"),
        ('{"a": "\\ud800"}', "surrogate"),
    ],
)
def test_the_quick_reader_lets_nothing_pass(text: str, why: str) -> None:
    with pytest.raises(InvalidInput, match=why):
        parse_json(text)


def test_gold_documents_are_read_once_somebody_asks() -> None:
    asked: list[int] = []

    def read() -> tuple[bool | None, bool]:
        asked.append(1)
        return False, True

    point = _unread(read, Point("p", ("d",), False, Reach.PROMPT))
    assert (point.text, point.stated, asked) == ("p", False, [])
    assert (point.supported_by_gold, point.refuted, point.refuted, asked) == (
        False,
        True,
        True,
        [1],
    )
    assert replace(point, stated=True).supported_by_gold is False
    with pytest.raises(AttributeError):
        _ = point.unheard  # type: ignore[attr-defined]
