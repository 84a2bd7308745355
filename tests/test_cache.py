"""The cache: answers shared between runs, found only by exactly the same question to exactly the same system."""

from __future__ import annotations

import asyncio
import json
import random
from dataclasses import replace

import pytest

import evalkit
from evalkit.adapters.python import wrap
from evalkit.cache import Asked, Cache
from evalkit.errors import StorageError
from evalkit.records import Failure, Message, Passage, Question, Trace, Usage
from evalkit.watch import Watcher


def question(**fields) -> Question:
    return Question(query="Wann ist offen?", k=5, inputs={"x": 1}, **fields)


SYSTEM = wrap(lambda query: "ja", name="mine", approach="rag", fingerprint="f1")
ASKED = Asked(SYSTEM, ("mine", "c1", "as_is", 0), "ask", question(), (Passage("d", "d#1", "営業"),))
ANSWER = Trace(
    response="Montags \u2713",
    retrieved=(Passage("d", "d#1", "営業", None, 0.5),),
    context=(),
    usage=Usage(3, 4, 0.25),
    meta={"a": [1]},
    system="mine",
    case_id="c1",
)


def cache(folder, warn=None, world="w", identity="i") -> Cache:
    return Cache(folder, world=world, systems={"mine": identity, "other": identity}, warn=warn)


def test_an_answer_is_found_again_as_it_was(tmp_path):
    cache(tmp_path).put(ASKED, ANSWER)
    found = cache(tmp_path).get(ASKED)
    assert found is not None
    for name in ("response", "retrieved", "context", "citations", "usage", "seconds", "meta"):
        assert getattr(found, name) == getattr(ANSWER, name)


OTHERS = [
    replace(ASKED, method="generate"),
    replace(ASKED, passages=()),
    replace(ASKED, passages=(Passage("d", "d#1", "営業中"),)),
    replace(ASKED, passages=(Passage("d", "d#1", "営業", score=0.1),)),
    *(
        replace(ASKED, key=key)
        for key in [
            ("other", "c1", "as_is", 0),
            ("mine", "c2", "as_is", 0),
            ("mine", "c1", "oracle_context", 0),
            ("mine", "c1", "as_is", 1),
        ]
    ),
    *(
        replace(ASKED, question=replace(question(), **change))
        for change in [
            {"query": "Wann ist offen? "},
            {"messages": (Message("user", "hallo"),)},
            {"inputs": {"x": 2}},
            {"principal": "ann"},
            {"repeat": 1},
            {"k": 6},
            {"seed": 1},
            {"schema": {"type": "object"}},
            {"instructions": "kurz"},
            {"budget": 9},
        ]
    ),
    replace(ASKED, system=wrap(lambda query: "ja", name="mine", approach="rag", fingerprint="f2")),
]


@pytest.mark.parametrize("other", OTHERS)
def test_whatever_differs_is_another_entry(tmp_path, other):
    kept = cache(tmp_path)
    kept.put(ASKED, ANSWER)
    assert kept.get(other) is None
    assert kept.key(ASKED) != kept.key(other)


@pytest.mark.parametrize("change", [{"world": "v"}, {"identity": "j"}])
def test_another_corpus_or_other_code_is_another_entry(tmp_path, change):
    cache(tmp_path).put(ASKED, ANSWER)
    assert cache(tmp_path, **change).get(ASKED) is None


def test_an_error_is_never_kept(tmp_path):
    kept = cache(tmp_path)
    kept.put(ASKED, replace(ANSWER, error=Failure("timeout", "late")))
    assert kept.get(ASKED) is None
    assert [f for f in tmp_path.rglob("*") if f.is_file()] == []


def test_damaged_entries_are_set_aside_with_one_warning_and_never_served(tmp_path):
    chance, warnings = random.Random(0), []
    kept = cache(tmp_path, warnings.append)
    asked = [replace(ASKED, key=("mine", f"c{i}", "as_is", 0)) for i in range(200)]
    for one in asked:
        kept.put(one, ANSWER)
    for file in tmp_path.rglob("*.json"):
        data = bytearray(file.read_bytes())
        place = chance.randrange(len(data))
        data[place] ^= 1 << chance.randrange(8)
        file.write_bytes(data[: chance.choice([0, place, len(data), len(data)])])
    found = [kept.get(one) for one in asked]
    assert found == [None] * len(asked)
    assert len(warnings) == 1
    assert "set aside" in warnings[0]
    assert len(list(tmp_path.rglob("*.damaged"))) == len(asked)
    kept.put(asked[0], ANSWER)
    assert kept.get(asked[0]) is not None


def test_files_are_for_their_owner_only_and_nothing_half_written_is_left(tmp_path):
    cache(tmp_path / "kept").put(ASKED, ANSWER)
    files = list((tmp_path / "kept").rglob("*"))
    assert {f.stat().st_mode & 0o077 for f in [tmp_path / "kept", *files]} == {0}
    assert {f.suffix for f in files if f.is_file()} == {".json"}


def test_a_folder_that_cannot_be_made_is_a_storage_error(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(StorageError):
        cache(tmp_path / "file" / "below")


def test_an_entry_that_cannot_be_written_does_not_stop_a_run(tmp_path):
    warnings = []
    kept = cache(tmp_path, warnings.append)
    (tmp_path / kept.key(ASKED)[:2]).touch()
    kept.put(ASKED, ANSWER)
    kept.put(ASKED, ANSWER)
    assert len(warnings) == 1


# --- in a run ------------------------------------------------------------------------------------


class Desk:
    def __init__(self, answer="It is open."):
        self.count, self.answer = 0, answer

    async def ask(self, query, repeat):
        self.count += 1
        number = self.count
        await asyncio.sleep(0)
        return {"response": f"{self.answer} {number}", "usage": {"cost": 1.0}}


class Said(Watcher):
    def __init__(self):
        self.lines = []

    def say(self, text):
        self.lines.append(text)


@pytest.fixture
def suite(tmp_path):
    folder = tmp_path / "suite"
    folder.mkdir()
    cases = [{"id": f"c{i}", "query": f"q{i}", "reference": "It is open."} for i in range(4)]
    (folder / "suite.yaml").write_text("format: 1\nname: plain\n")
    (folder / "cases.jsonl").write_text("\n".join(map(json.dumps, cases)))
    return folder


def test_a_second_run_takes_its_answers_from_the_first(suite, tmp_path):
    system, said = Desk(), Said()
    options = {"cache": tmp_path / "cache", "watch": said, "repeats": 2}
    first = evalkit.run(suite, {"mine": system}, out=tmp_path / "one", **options)
    asked = system.count
    second = evalkit.run(suite, {"mine": system}, out=tmp_path / "two", **options)
    assert system.count == asked
    assert f"cache: {asked} of {asked} answers (100%) were there already" in said.lines
    assert second.diagnosis() == first.diagnosis()
    traces = second.systems["mine"].graded.traces
    assert len({trace.response for trace in traces if trace.condition == "as_is"}) == 8


def test_what_comes_from_the_cache_counts_against_no_limit(suite, tmp_path):
    system = Desk()
    options = {"cache": tmp_path / "cache", "probes": "none"}
    evalkit.run(suite, {"mine": system}, out=tmp_path / "one", limit=3, **options)
    found = evalkit.run(
        suite, {"mine": system}, out=tmp_path / "two", max_calls=1, max_cost=1.0, **options
    )
    assert (system.count, found.systems["mine"].due) == (4, 4)


def test_without_a_cache_nothing_is_shared(suite, tmp_path):
    system = Desk()
    for out in ("one", "two"):
        evalkit.run(suite, {"mine": system}, out=tmp_path / out, probes="none")
    assert system.count == 8
