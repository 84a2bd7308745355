"""Recorded outputs: what is read back is what was written, and every fault is named with its place."""

import io
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import evalkit
from evalkit.adapters.recorded import build
from evalkit.errors import InvalidInput
from evalkit.records import (
    FAILURE_KINDS,
    Approach,
    Case,
    Document,
    Failure,
    Passage,
    Seconds,
    Suite,
    SystemSpec,
    Trace,
    Usage,
)
from evalkit.traces import read_traces, trace_from_json, trace_line, trace_to_json, write_traces

CORPUS = {"d1": Document("d1", "返品は14日以内です。", "返品"), "d2": Document("d2", "")}
CASES = tuple(Case(f"c{i}", "q") for i in range(12))

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
ids = text.filter(bool)
passages = st.builds(
    Passage, ids, st.none() | text, text, st.none() | text, st.none() | st.floats(-9, 9)
)
amounts = st.none() | st.floats(0, 9)
traces = st.builds(
    Trace,
    response=st.none() | text,
    retrieved=st.none() | st.lists(passages, max_size=2).map(tuple),
    context=st.none() | st.lists(passages, max_size=2).map(tuple),
    citations=st.none() | st.lists(text, max_size=2).map(tuple),
    action=st.none() | text,
    error=st.none() | st.builds(Failure, st.sampled_from(FAILURE_KINDS), text),
    seconds=st.builds(Seconds, amounts, amounts, amounts),
    usage=st.builds(Usage, st.none() | st.integers(0, 9), st.none() | st.integers(0, 9), amounts),
    meta=st.dictionaries(text, st.none() | st.integers() | text | st.lists(text), max_size=2),
    system=text,
    case_id=ids,
    condition=ids,
    repeat=st.integers(0, 9),
)


@settings(max_examples=50, deadline=None)
@given(st.lists(traces, max_size=4))
def test_what_is_written_is_read_back(written: list[Trace]) -> None:
    stream = io.StringIO()
    assert write_traces(written, stream) == len(written)
    lines = stream.getvalue().split("\n")[:-1]
    assert [trace_from_json(json.loads(line), corpus=CORPUS) for line in lines] == written


def write(folder: Path, *rows: object, newline: str = "\n", start: str = "") -> Path:
    path = folder / "traces.jsonl"
    lines = [row if isinstance(row, str) else json.dumps(row, ensure_ascii=False) for row in rows]
    path.write_bytes((start + newline.join(lines)).encode())
    return path


def test_unknown_is_left_out_and_empty_stays() -> None:
    trace = Trace(case_id="c", response="", retrieved=(), seconds=Seconds(total=1.5))
    assert trace_to_json(trace) == {
        "system": "",
        "case_id": "c",
        "condition": "as_is",
        "repeat": 0,
        "response": "",
        "retrieved": [],
        "seconds": {"total": 1.5},
    }


def test_line_separators_inside_a_text_are_no_line_ends(tmp_path: Path) -> None:
    odd = "eins\u2028zwei\u0085drei\x0b\x0c\x1c"
    path = write(tmp_path, {"case_id": "a", "response": odd}, {"case_id": "b", "response": "x"})
    path.write_text(trace_line(Trace(case_id="a", response=odd)) * 2, "utf-8")
    assert [trace.response for trace in read_traces(path)] == [odd, odd]


@pytest.mark.parametrize(("newline", "start"), [("\n", ""), ("\r\n", ""), ("\n\n", "\ufeff")])
def test_marks_and_line_ends_of_other_systems_are_read(
    tmp_path: Path, newline: str, start: str
) -> None:
    path = write(tmp_path, {"case_id": "a"}, {"case_id": "b"}, "", newline=newline, start=start)
    assert [trace.case_id for trace in read_traces(path)] == ["a", "b"]


def test_a_document_id_alone_takes_the_text_from_the_corpus(tmp_path: Path) -> None:
    row = {
        "case_id": "a",
        "retrieved": [{"doc_id": "d1"}, {"doc_id": "far away"}],
        "context": [{"doc_id": "d1"}],
    }
    (trace,) = read_traces(write(tmp_path, row), CORPUS)
    assert [p.text for p in trace.retrieved] == [CORPUS["d1"].text, ""]
    assert trace.context == (Passage("d1", text=CORPUS["d1"].text, title="返品"),)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"case": "a"}, "case: unknown field; did you mean 'case_id'"),
        ({"response": "x"}, "case_id: is missing"),
        ({"case_id": ""}, "case_id: is empty"),
        ({"case_id": "a", "repeat": -1}, "repeat: -1 is negative"),
        ({"case_id": "a", "repeat": "0"}, "repeat: expected an integer"),
        ({"case_id": "a", "error": "timeout"}, "error: expected an object with Failure's fields"),
        ({"case_id": "a", "error": {"kind": "timeout"}}, "error.message: is missing"),
        (
            {"case_id": "a", "seconds": {"totl": 1}},
            "seconds.totl: unknown field; did you mean 'total'",
        ),
        (
            {"case_id": "a", "context": [{"doc_id": "x"}]},
            r"context\[0\].text: is missing, and the corpus has no",
        ),
        (
            {"case_id": "a", "context": [{"doc_id": "d2"}]},
            r"context\[0\].text: is missing, and document 'd2' has none",
        ),
        ({"case_id": "a", "context": [{"doc_id": "d1", "chunk_id": "1"}]}, "but not its chunks"),
        ('{"case_id": "a", "case_id": "b"}', "given twice"),
        ('{"case_id": "a", "seconds": {"total": NaN}}', "NaN"),
        ('{"case_id": "a", "response": "\\ud800"}', "surrogate"),
        ('{"case_id": "a"', "is not JSON"),
        ("[]", "must be a JSON object"),
        ('{"case_id": "a", "meta": ' + "[" * 5000 + "]" * 5000 + "}", "nested|expected an object"),
    ],
)
def test_a_fault_is_named_with_file_line_and_field(tmp_path: Path, row: object, said: str) -> None:
    path = write(tmp_path, {"case_id": "fine"}, row)
    with pytest.raises(InvalidInput, match=f"traces.jsonl:2: .*{said}"):
        list(read_traces(path, CORPUS))


# --- the adapter -----------------------------------------------------------------------------


def recorded(folder: Path, name: str = "mine", **options: object):
    spec = SystemSpec(name, Approach.RAG, "recorded", {"path": "traces.jsonl", **options}, folder)
    return build(spec, Suite("s", folder, CASES, CORPUS, "x"))


def rows(**changes: object) -> list[dict]:
    return [{"case_id": case.id, "response": case.id, **changes} for case in CASES]


def test_lines_of_this_system_or_of_none_are_served_in_any_order(tmp_path: Path) -> None:
    others = rows(system="other", response="not mine")
    probe = {"case_id": "c3", "condition": "paraphrase:0", "repeat": 1, "response": "p"}
    write(tmp_path, *reversed(rows(system="mine")[:6]), *others, probe, *rows()[6:])
    system = recorded(tmp_path)
    assert [system.trace(case.id).response for case in CASES] == [case.id for case in CASES]
    assert system.trace("c3", "paraphrase:0", 1).response == "p"
    assert system.trace("c3", "paraphrase:0", 0) is None
    assert system.conditions("c3") == {"as_is", "paraphrase:0"}


def test_a_recording_may_have_another_name(tmp_path: Path) -> None:
    write(tmp_path, *rows(system="other"))
    assert recorded(tmp_path, system="other").trace("c0").system == "mine"
    with pytest.raises(InvalidInput, match="no line of system 'mine'; it holds other"):
        recorded(tmp_path)


def test_the_fingerprint_is_that_of_the_content(tmp_path: Path) -> None:
    write(tmp_path, *rows())
    first = recorded(tmp_path).fingerprint
    assert recorded(tmp_path).fingerprint == first
    write(tmp_path, *rows()[::-1])
    assert recorded(tmp_path).fingerprint == first  # the order of answers does not matter
    write(tmp_path, *rows()[1:], {**rows()[0], "response": "other"})
    assert recorded(tmp_path).fingerprint != first


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (
            rows()[:1],
            r"11 cases have no as_is trace of repeat 0, the first: c1, c2, .*, c10, \.\.\.",
        ),
        ([*rows(), {"case_id": "c99"}], r"1 traces name a case .*: c99 \(line 13\)"),
        ([*rows(), rows()[4]], r"1 traces have .* given before: c4 as_is 0 \(line 13\)"),
        (
            rows(repeat=1),
            r"12 cases have no as_is trace of repeat 0, .*: c0 \(has as_is of repeat 1\)",
        ),
        (rows(condition="closed_book"), r"12 cases .*: c0 \(has closed_book of repeat 0\)"),
    ],
)
def test_a_recording_that_does_not_fit_the_suite_is_refused(
    tmp_path: Path, given: list[dict], said: str
) -> None:
    write(tmp_path, *given)
    with pytest.raises(InvalidInput, match=said):
        recorded(tmp_path)


@pytest.mark.parametrize("path", ["missing.jsonl", "../traces.jsonl", "/etc/hostname", "."])
def test_a_path_stays_in_the_folder(tmp_path: Path, path: str) -> None:
    inner = tmp_path / "inner"
    inner.mkdir()
    write(tmp_path, *rows())
    with pytest.raises(InvalidInput, match=r"systems\.mine\.path"):
        recorded(inner, path=path)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"response": ""}, "the recording holds an empty response"),
        ({"response": "  \n"}, "the recording holds an empty response"),
        ({"response": None}, "the recording holds no response"),
        ({"response": None, "action": "tool:search"}, None),
    ],
)
def test_an_empty_recorded_answer_is_told_as_one_just_as_a_live_one_is(
    tmp_path: Path, given: dict, said: str | None
) -> None:
    write(tmp_path, *rows()[1:], {"case_id": "c0", **given})
    spec = SystemSpec("mine", Approach.RAG, "recorded", {"path": "traces.jsonl"}, tmp_path)
    suite = Suite("s", tmp_path, CASES, CORPUS, "x")
    run = evalkit.run(suite, [spec], out=tmp_path / "run", probes="none")
    trace = next(t for t in run.systems["mine"].graded.traces if t.case_id == "c0")
    assert trace.error == (None if said is None else Failure("empty", said))
    if said is not None:
        (told,) = (f for f in run.systems["mine"].findings if f.case_id == "c0")
        assert told.cause == "infra_error"
        assert said in json.dumps(told.evidence, default=str)
