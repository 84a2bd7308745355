"""The fault-injection bench comes in as a suite with recorded traces, and its answers stay out."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import evalkit
from evalkit.adapters.recorded import build
from evalkit.importers.fault_injection import import_faults, read_key

ROW = {
    "id": "x-1",
    "suite": {
        "question": "where do the boats lie",
        "expected": "answer",
        "gold_answers": ["The boats lie in the northern shed."],
        "gold_passage_ids": ["boats"],
        "output_schema": None,
        "style": {"max_sentences": 6, "forbid_emoji": True},
    },
    "system": {"kind": "rag", "top_k": 2, "candidate_k": 3, "context_budget_chars": 8000},
    "trace": {
        "candidates": [
            {"id": "cafe", "score": 3.0},
            {"id": "boats#1", "score": 2.0},
            {"id": "keys", "score": 1.0},
        ],
        "context": [
            {"id": "cafe", "text": "Café. It opens at 11:30."},
            {"id": "boats#1", "text": "Boats. Paddles are free."},
        ],
        "output": '{"answer": "Paddles are free.", "citations": ["boats"]}',
    },
    "repeats": ["Nothing is known."],
    "probes": {
        "closed_book": "In the harbour.",
        "oracle_context": "In the northern shed.",
        "oracle_plus_noise": "In the northern shed.",
        "gold_first": None,
        "index_lookup": {"boats": True, "boats#0": True, "boats#1": False},
        "deep_retrieval": {"k": 6, "gold_rank": 5},
    },
}
CORPUS = {
    "boats": "The boats lie in the northern shed. Paddles are free.",
    "cafe": "It opens at 11:30.",
    "keys": "A lost key costs 40 euros.",
}


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "source"
    folder.mkdir()
    bare = {**ROW, "id": "x-2", "repeats": None, "probes": None}
    passages = [{"id": k, "title": k.title(), "text": v} for k, v in CORPUS.items()]
    secret = {"cause": "chunk_boundary", "acceptable": ["chunk_boundary"], "secondary": ["style"]}
    keys = [
        {"id": "x-1", **secret, "trace_only": False},
        {"id": "x-2", "cause": "none", "acceptable": ["none"], "secondary": [], "trace_only": True},
    ]
    for name, rows in (("cases", [ROW, bare]), ("corpus", passages), ("key", keys)):
        text = "".join(json.dumps(row) + "\n" for row in rows)
        (folder / f"{name}.jsonl").write_text(text, encoding="utf-8")
    return folder


def load(folder: Path):  # type: ignore[no-untyped-def]
    suite = evalkit.load_suite(folder)
    (spec,) = evalkit.load_systems(folder / "systems.yaml")
    return suite, build(spec, suite).traces  # type: ignore[attr-defined]


def test_the_suite_holds_what_the_suite_part_says(source: Path, tmp_path: Path):
    import_faults(source, tmp_path / "out")
    suite, _ = load(tmp_path / "out")
    assert (suite.k, suite.pool, suite.warnings) == (2, 3, ())
    case = suite.cases[0]
    assert case.relevant == {"boats": 1}
    assert case.reference == ("The boats lie in the northern shed.",)
    assert case.style is not None
    assert case.style.max_sentences == 6


def test_conditions_are_recorded_with_the_context_that_design_gives_them(
    source: Path, tmp_path: Path
):
    import_faults(source, tmp_path / "out")
    _, traces = load(tmp_path / "out")
    mine = {key[1:]: trace for key, trace in traces.items() if key[0] == "x-1"}
    assert set(mine) == {
        ("as_is", 0),
        ("as_is", 1),
        ("closed_book", 0),
        ("oracle_context", 0),
        ("oracle_plus_noise", 0),
        ("index_lookup", 0),
        ("deep_retrieval", 0),
    }
    first = mine["as_is", 0]
    assert [(p.doc_id, p.chunk_id) for p in first.context] == [("cafe", None), ("boats", "boats#1")]
    assert first.citations == ("boats",)
    assert mine["as_is", 1].citations is None
    assert mine["closed_book", 0].context == ()
    assert [p.text for p in mine["oracle_context", 0].context] == [f"Boats. {CORPUS['boats']}"]
    deep = [p.doc_id for p in mine["deep_retrieval", 0].retrieved]
    assert len(deep) == 6
    assert deep[4] == "boats"
    held = [(p.doc_id, p.chunk_id) for p in mine["index_lookup", 0].retrieved]
    assert held == [("boats", None), ("boats", "boats#0")]


def test_probes_can_be_left_out_and_repeats_stay(source: Path, tmp_path: Path):
    import_faults(source, tmp_path / "out", probes=False)
    _, traces = load(tmp_path / "out")
    assert set(traces) == {("x-1", "as_is", 0), ("x-1", "as_is", 1), ("x-2", "as_is", 0)}


def test_the_answers_stay_out_of_the_suite(source: Path, tmp_path: Path):
    files = import_faults(source, tmp_path / "out")
    assert not any("chunk_boundary" in file.read_text(encoding="utf-8") for file in files)
    key = read_key(source)
    assert key["x-1"].cause == "chunk_boundary"
    assert key["x-1"].also == frozenset({"style"})
    assert key["x-2"].cause is None
    assert key["x-2"].acceptable == frozenset()
    assert key["x-2"].trace_only


def test_a_missing_part_is_named(source: Path, tmp_path: Path):
    (source / "cases.jsonl").write_text('{"id": "x-1"}\n', encoding="utf-8")
    with pytest.raises(evalkit.InvalidInput, match="suite"):
        import_faults(source, tmp_path / "out")


def test_the_real_bench_comes_in_whole(tmp_path: Path):
    data = Path(__file__).resolve().parents[2] / "shared" / "data" / "fault_injection"
    if not data.exists():
        pytest.skip("the fault_injection data are not beside the repository")
    import_faults(data, tmp_path)
    suite, traces = load(tmp_path)
    key = read_key(data)
    assert {case.id for case in suite.cases} == set(key)
    assert suite.warnings == ()
    probed = {case for case, condition, _ in traces if condition == "closed_book"}
    assert not any(key[case].trace_only for case in probed)
    text = (tmp_path / "cases.jsonl").read_text(encoding="utf-8")
    assert not any(f'"{k.cause}"' in text for k in key.values() if k.cause)
