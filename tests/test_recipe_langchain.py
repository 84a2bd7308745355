"""The LangChain and Chroma recipe runs as it is printed, and can be forced with other passages."""

import asyncio
import json
import shutil
import warnings
from pathlib import Path

import pytest

from evalkit.records import Approach, Capability, Passage, Question, Suite, System, SystemSpec

RECIPE = Path(__file__).parents[1] / "docs" / "recipes" / "langchain_chroma_pipeline.py"
CORPUS = [
    {"_id": "refund", "title": "Refunds", "text": "Refunds are paid within 14 days."},
    {"_id": "versand", "title": "Versand", "text": "Der Versand dauert drei Tage."},
    {"_id": "đổi-trả", "title": "Đổi trả", "text": "Khách hàng được đổi trả trong 30 ngày."},
]


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> System:
    with warnings.catch_warnings():  # what these packages warn of at import is not ours
        warnings.simplefilter("ignore")
        pytest.importorskip("langchain_chroma", reason="needs langchain-chroma")
        pytest.importorskip("langchain_core", reason="needs langchain-core")
        from evalkit.adapters.python import build

        folder = tmp_path_factory.mktemp("recipe")
        shutil.copy(RECIPE, folder)
        lines = [json.dumps(row, ensure_ascii=False) for row in CORPUS]
        (folder / "corpus.jsonl").write_text("\n".join(lines), "utf-8")
        options = {"target": "langchain_chroma_pipeline:make", "args": {"corpus": "corpus.jsonl"}}
        spec = SystemSpec("recipe", Approach.RAG, "python", options, folder)
        return build(spec, Suite("s", folder, (), {}, "x"))


def test_the_pipeline_answers_with_its_source(system: System) -> None:
    outcome = asyncio.run(system.ask(Question("When are refunds paid?", k=2)))
    assert outcome.error is None
    assert outcome.response == "Refunds are paid within 14 days. [refund]"
    assert outcome.citations == ("refund",)
    assert outcome.retrieved[0].doc_id == "refund"
    assert len(outcome.retrieved) == 2
    assert outcome.context == outcome.retrieved


def test_the_generator_can_be_forced(system: System) -> None:
    asked = Question("Khách hàng được đổi trả trong bao lâu?")
    passages = (Passage("x", text="Khách hàng được đổi trả trong 7 ngày."),)
    outcome = asyncio.run(system.generate(asked, passages))
    assert outcome.response == "Khách hàng được đổi trả trong 7 ngày. [x]"
    assert outcome.context == passages


def test_the_search_goes_as_deep_as_asked_and_knows_its_index(system: System) -> None:
    found = asyncio.run(system.retrieve(Question("Versand", k=100)))
    assert {p.doc_id for p in found} == {row["_id"] for row in CORPUS}
    assert asyncio.run(system.lookup("đổi-trả")) is True
    assert asyncio.run(system.lookup("fehlt")) is False


def test_it_offers_what_the_conditions_need(system: System) -> None:
    assert system.capabilities == {
        Capability.ASK,
        Capability.RETRIEVE,
        Capability.GENERATE,
        Capability.LOOKUP,
        Capability.INSTRUCTIONS,
    }
