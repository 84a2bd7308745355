"""Generators crossed with retrievers: what is asked, kept and split."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from support import make_case

import evalkit
from evalkit.api import run
from evalkit.commands.compare_command import command
from evalkit.compare import compare
from evalkit.comparison.cross import crossed, split, with_splits
from evalkit.errors import BudgetExceeded, InvalidInput
from evalkit.records import Document, Passage, Suite
from evalkit.systems import system
from evalkit.tools import tools_for

CELLS = [("a", "a"), ("a", "b"), ("b", "a"), ("b", "b")]
CITIES = ("東京", "Hà Nội", "München", "القاهرة", "Porto", "Lund", "Brno", "Oslo")
GOLD = {city: f"The office in {city} opens at {i + 1} o'clock." for i, city in enumerate(CITIES)}


class Pipeline:
    """Finds the gold for the first ``found`` cities; with ``reads`` it answers from what it is given."""

    def __init__(self, found: int, *, reads: bool) -> None:
        self.found, self.reads, self.calls = found, reads, 0

    def retrieve(self, query: str, k: int) -> list[dict[str, str]]:
        city = next(c for c in CITIES if c in query)
        lucky = CITIES.index(city) < self.found
        return [
            {"doc_id": city if lucky else "fees", "text": GOLD[city] if lucky else "Fees vary."}
        ]

    def generate(self, query: str, passages: list[Passage]) -> str:
        self.calls += 1
        return passages[0]["text"] if self.reads and passages else "Bananas are yellow."


def make(folder: Path) -> Suite:
    documents = {c: Document(c, text) for c, text in GOLD.items()}
    documents["fees"] = Document("fees", "Fees vary.")
    cases = tuple(
        make_case(
            f"case {c}", f"When does the office in {c} open?", reference=GOLD[c], relevant=[c]
        )
        for c in CITIES
    )
    return Suite("offices", folder, cases, documents, "digest")


@pytest.fixture
def parts(tmp_path):
    return {
        "a": Pipeline(4, reads=True),
        "b": Pipeline(8, reads=True),
        "c": Pipeline(8, reads=False),
    }


async def cells_of(suite, done, parts, folder):
    made = {name: system(name, one, version="1") for name, one in parts.items()}
    try:
        return await crossed(suite, done.systems, made, folder, tools_for(suite))
    finally:
        for one in made.values():
            await one.aclose()


def splits_of(suite, done, cells) -> dict:
    found = with_splits(compare(suite, done.systems), cells, suite.cases)
    return {(pair.a, pair.b): pair.splits[0] for pair in found.pairs}


def test_the_difference_is_booked_to_the_component_that_makes_it(tmp_path, parts):
    import asyncio

    suite = make(tmp_path)
    done = run(suite, parts, out=tmp_path / "run", probes="none")
    cells = asyncio.run(cells_of(suite, done, parts, tmp_path / "run"))
    found = splits_of(suite, done, cells)
    better_retriever, worse_generator = found["a", "b"], found["b", "c"]
    assert better_retriever.whole.value == pytest.approx(0.5)
    assert better_retriever.retriever.value == pytest.approx(0.5)
    assert better_retriever.generator.value == pytest.approx(0)
    assert worse_generator.retriever.value == pytest.approx(0)
    assert worse_generator.generator.value == pytest.approx(-1)
    mixed = found["a", "c"]  # c's retriever helps, but only a generator that reads
    assert mixed.whole.value == pytest.approx(-0.5)
    assert (mixed.retriever.value, mixed.generator.value) == pytest.approx((0.25, -0.75))
    assert mixed.interaction.value == pytest.approx(-0.5)
    assert mixed.cells["c + a"] == pytest.approx(1)


def test_nothing_is_asked_twice_but_a_changed_context_is_asked_anew(tmp_path, parts):
    import asyncio

    suite, folder = make(tmp_path), tmp_path / "run"
    done = run(suite, parts, out=folder, probes="none")
    first = asyncio.run(cells_of(suite, done, parts, folder))
    asked = [one.calls for one in parts.values()]
    assert asked == [len(CITIES) * 3] * 3  # its own context and two others'
    again = asyncio.run(cells_of(suite, done, parts, folder))
    assert again == first
    assert [one.calls for one in parts.values()] == asked
    parts["a"].found = 2
    moved = run(suite, parts, out=tmp_path / "other", probes="none")
    before = parts["b"].calls
    asyncio.run(cells_of(suite, moved, parts, folder))
    assert parts["b"].calls - before == 2  # the two cases whose context in a is another one


def test_a_limit_of_calls_is_not_exceeded_and_what_was_answered_is_kept(tmp_path, parts):
    import asyncio

    suite, folder = make(tmp_path), tmp_path / "run"
    done = run(suite, parts, out=folder, probes="none")

    async def limited(calls):
        made = {name: system(name, one, version="1") for name, one in parts.items()}
        try:
            tools = tools_for(suite)
            return await crossed(suite, done.systems, made, folder, tools, max_calls=calls)
        finally:
            for one in made.values():
                await one.aclose()

    before = sum(one.calls for one in parts.values())
    with pytest.raises(BudgetExceeded, match="limit of 5 calls: 43 of 48"):
        asyncio.run(limited(5))
    assert sum(one.calls for one in parts.values()) == before + 5
    assert asyncio.run(limited(43)).keys() >= set(CELLS)
    assert sum(one.calls for one in parts.values()) == before + 48
    assert BudgetExceeded.exit_code == 8


def test_the_run_itself_is_left_as_it_was(tmp_path, parts):
    import asyncio

    suite, folder = make(tmp_path), tmp_path / "run"
    done = run(suite, parts, out=folder, probes="none")
    asyncio.run(cells_of(suite, done, parts, folder))
    assert evalkit.open_run(suite, folder).summary() == done.summary()


def test_a_system_without_a_retriever_is_not_crossed(tmp_path):
    import asyncio

    suite = make(tmp_path)
    parts = {"rag": Pipeline(8, reads=True)}
    systems = [
        system("rag", parts["rag"]),
        system("plain", Pipeline(0, reads=False), approach="prompt"),
    ]
    done = run(suite, systems, out=tmp_path / "run", probes="none")
    calls = parts["rag"].calls
    cells = asyncio.run(cells_of(suite, done, parts, tmp_path / "run"))
    assert parts["rag"].calls == calls
    found = splits_of(suite, done, cells)["rag", "plain"]
    assert (found.whole, found.n, found.not_split) == (None, 0, "plain retrieves nothing")


MEANS = st.lists(st.tuples(*[st.floats(0, 1)] * 4), min_size=2, max_size=12)


@settings(max_examples=40, deadline=None)
@given(MEANS)
def test_the_parts_sum_to_the_whole(rows):
    cases = [make_case(f"c{i}", "q") for i in range(len(rows))]
    cells = {
        cell: {"passed": {case.id: row[j] for case, row in zip(cases, rows, strict=True)}}
        for j, cell in enumerate(CELLS)
    }
    found = split("passed", "a", "b", cells, cases)
    assert found.retriever.value + found.generator.value == pytest.approx(
        found.whole.value, abs=1e-9
    )
    turned = split("passed", "b", "a", cells, cases)
    assert turned.retriever.value == pytest.approx(-found.retriever.value, abs=1e-9)
    assert turned.interaction.value == pytest.approx(found.interaction.value, abs=1e-9)
    aa, ab, ba, bb = found.cells.values()
    assert found.interaction.value == pytest.approx(bb - ab - ba + aa, abs=1e-9)


def test_a_combination_nobody_asked_is_named():
    cells = {cell: {"passed": {"c0": 1.0}} for cell in CELLS[:3]}
    found = split("passed", "a", "b", cells, [make_case("c0", "q")])
    assert found.not_split == "b was not asked on the context of b"


PYTHON = """
GOLD = "Bicycles can be returned within 30 days."
class Pipeline:
    def __init__(self, found): self.found = found
    def retrieve(self, query, k): return [{"doc_id": "returns", "text": GOLD if self.found else "Fees vary."}]
    def generate(self, query, passages): return passages[0]["text"]
good, bad = Pipeline(True), Pipeline(False)
"""
SYSTEMS = """
systems:
  - {name: bad, approach: rag, adapter: python, target: "mine:bad"}
  - {name: good, approach: rag, adapter: python, target: "mine:good"}
"""


@pytest.fixture
def folder(tmp_path):
    from evalkit.start import start_suite
    from evalkit.suite import load_systems

    suite = tmp_path / "suite"
    start_suite(suite)
    (suite / "mine.py").write_text(PYTHON)
    (suite / "systems.yaml").write_text(SYSTEMS)
    evalkit.run(suite, load_systems(suite / "systems.yaml"), out=tmp_path / "run", probes="none")
    return tmp_path


def test_the_command_crosses_what_the_systems_file_names(folder):
    done = CliRunner().invoke(command, [str(folder / "run"), "--cross"], standalone_mode=False)
    assert done.exception is None
    assert "by component" in done.output
    found = json.loads((folder / "run" / "comparison.json").read_text())
    schema = Path(evalkit.__file__).parent / "schemas" / "comparison.schema.json"
    jsonschema.validate(found, json.loads(schema.read_text()))
    assert found["pairs"][0]["splits"][0]["n"] == 3


def test_a_system_that_changed_since_is_refused(folder):
    (folder / "suite" / "mine.py").write_text(PYTHON.replace("Fees vary.", "Fees differ."))
    done = CliRunner().invoke(command, [str(folder / "run"), "--cross"], standalone_mode=False)
    assert isinstance(done.exception, InvalidInput)
    assert "has changed" in str(done.exception) or "differ" in str(done.exception)
