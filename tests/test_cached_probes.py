"""Answers that the cache has cost nothing: neither a first answer nor a probe is held back by a limit of calls."""

import json
from collections import Counter
from pathlib import Path

import pytest
from test_judge_in_runs import Listener

import evalkit
from evalkit.errors import BudgetExceeded
from evalkit.store import Store
from evalkit.suite import load_suite

SUITE = Path(__file__).parents[1] / "datasets" / "helpdesk"
CASES = 24


class Desk:
    """A system with a retriever that finds too little, which counts its calls."""

    def __init__(self) -> None:
        self.calls: Counter[str] = Counter()
        self.corpus = load_suite(SUITE).corpus

    def retrieve(self, query: str, k: int = 5) -> list[dict]:
        self.calls["retrieve"] += 1
        words = set(query.casefold().split())
        ranked = sorted(
            self.corpus.values(),
            key=lambda d: (-len(words & set(d.text.casefold().split())), d.doc_id),
        )
        return [{"doc_id": d.doc_id, "text": d.text} for d in ranked[3 : k + 3]]

    def generate(self, query: str, passages: list) -> str:
        self.calls["generate"] += 1
        return passages[0]["text"] if passages else "I do not know."


def asked(out: Path, desk: Desk, **options):
    watch = Listener()
    made = {"cache": out.parent / "cache", "limit": CASES, "repeats": 1, "watch": watch, **options}
    run = evalkit.run(SUITE, {"desk": desk}, out=out, **made)
    return run, [text for text, _ in watch.said]


def keys(out: Path) -> set:
    with Store(out, reading=True) as store:
        return store.done()


def test_a_run_whose_answers_are_all_in_the_cache_needs_no_call(tmp_path):
    first, _ = asked(tmp_path / "a", Desk())
    desk = Desk()
    again, said = asked(tmp_path / "b", desk, max_calls=1)
    assert not desk.calls
    assert keys(tmp_path / "b") == keys(tmp_path / "a")
    assert {k[2] for k in keys(tmp_path / "b")} > {"as_is", "oracle_context"}
    assert not [text for text in said if "limit" in text]
    assert json.dumps(again.diagnosis()) == json.dumps(first.diagnosis())


def test_what_is_not_there_is_asked_within_the_limit_and_what_is_there_beside_it(tmp_path):
    asked(tmp_path / "a", Desk())
    before = keys(tmp_path / "a")
    gone = 0
    for file in sorted((tmp_path / "cache").glob("*/*.json")):
        trace = json.loads(json.loads(file.read_text())["trace"])
        if trace["condition"] != "as_is" and trace["case_id"] < "hd-a-012":
            file.unlink()
            gone += 1
    assert gone > 2
    desk = Desk()
    _, said = asked(tmp_path / "b", desk, max_calls=2)
    assert 0 < max(desk.calls.values()) <= 2
    there = {k for k in before if k[2] != "as_is" and k[1] >= "hd-a-012"}
    assert len(there) > 10
    assert there <= keys(tmp_path / "b")
    assert [text for text in said if "probing stopped at the limit of calls" in text]


def test_a_limit_still_holds_where_nothing_is_cached(tmp_path):
    desk = Desk()
    with pytest.raises(BudgetExceeded):
        asked(tmp_path / "a", desk, max_calls=CASES - 1)
    assert desk.calls["generate"] == CASES - 1
    desk = Desk()
    _, said = asked(tmp_path / "a", desk, max_calls=5)
    assert desk.calls["generate"] <= 5
    assert [text for text in said if "probing stopped at the limit of calls" in text]
