"""Systems written in Python: what may be wrapped, what is handed over, and what follows from it."""

import asyncio
import functools
from types import SimpleNamespace

import pytest

from evalkit.adapters.python import wrap
from evalkit.errors import InvalidInput, SystemFailed
from evalkit.records import (
    Capability,
    Outcome,
    Passage,
    Question,
    System,
)


def make(target: object, approach: str = "rag", **options: object) -> System:
    return wrap(target, name="s", approach=approach, **options)


def ask(target: object, question: Question | None = None, **options: object) -> Outcome:
    async def main() -> Outcome:
        system = make(target, **options)
        outcome = await system.ask(question or Question("q"))
        await system.aclose()
        return outcome

    return asyncio.run(main())


# --- what is handed over ---------------------------------------------------------------------


def test_optional_parameters_are_passed_only_if_named() -> None:
    seen = {}

    def named(query: str, *, repeat: int, seed: int, schema: object, budget: object = 1) -> str:
        seen.update(repeat=repeat, seed=seed, schema=schema, budget=budget)
        return "x"

    def everything(query: str, **given: object) -> str:
        seen["all"] = sorted(given)
        return "x"

    ask(named, Question("q", repeat=2, seed=5))
    assert seen == {"repeat": 2, "seed": 5, "schema": None, "budget": None}
    ask(everything)
    assert seen["all"] == sorted(
        [
            "repeat",
            "k",
            "principal",
            "messages",
            "inputs",
            "schema",
            "instructions",
            "budget",
            "seed",
        ]
    )


@pytest.mark.parametrize(
    "retrieve",
    [
        lambda query, k: [{"doc_id": str(k)}],
        lambda query, k=1: [{"doc_id": str(k)}],
        lambda query, *, k: [{"doc_id": str(k)}],
        lambda query, top_k=1: [{"doc_id": str(top_k)}],
        lambda query, wanted: [{"doc_id": str(wanted)}],
        lambda query, **given: [{"doc_id": str(given["k"])}],
        lambda query, k, /: [{"doc_id": str(k)}],
    ],
)
def test_a_retriever_is_told_how_many_passages_are_wanted(retrieve: object) -> None:
    system = make(SimpleNamespace(retrieve=retrieve), approach="retriever")
    assert asyncio.run(system.retrieve(Question("q", k=17)))[0].doc_id == "17"


def test_a_retriever_without_a_number_is_not_given_one() -> None:
    target = SimpleNamespace(retrieve=lambda query, principal=None: [{"doc_id": str(principal)}])
    assert asyncio.run(make(target).retrieve(Question("q", principal="p")))[0].doc_id == "p"


@pytest.mark.parametrize(
    "target",
    [
        lambda: "x",
        lambda query, tenant: "x",
        SimpleNamespace(retrieve=lambda q: [], generate=lambda q: "x"),
        3,
        "text",
        None,
    ],
)
def test_what_cannot_be_called_is_refused_when_it_is_wrapped(target: object) -> None:
    with pytest.raises(InvalidInput, match="target"):
        make(target)


def test_ask_is_retrieve_then_generate() -> None:
    class Pipeline:
        def retrieve(self, query: str, k: int) -> list:
            return [Passage("a", text="1"), {"doc_id": "b", "text": "2"}, Passage("c", text="3")]

        def generate(self, query: str, passages: list) -> object:
            used = [p for p in passages if p["text"] != "3"]
            passages.clear()
            return {"response": "x", "context": used} if query == "says" else "x"

    says, silent = ask(Pipeline(), Question("says")), ask(Pipeline(), Question("silent"))
    assert [p.doc_id for p in says.retrieved] == ["a", "b", "c"]
    assert [p.doc_id for p in says.context] == ["a", "b"]
    assert silent.context == silent.retrieved == says.retrieved


def test_capabilities_follow_from_methods_and_named_parameters() -> None:
    both = {"retrieve": lambda query, k: [], "generate": lambda query, passages, schema=None: "x"}
    ask_retrieve_generate = {Capability.ASK, Capability.RETRIEVE, Capability.GENERATE}
    assert make(lambda query: "x").capabilities == {Capability.ASK}
    assert make(lambda query, **given: "x").capabilities == {Capability.ASK}
    assert make(lambda query, instructions, budget: "x").capabilities == {
        Capability.ASK,
        Capability.INSTRUCTIONS,
        Capability.BUDGET,
    }
    assert make(SimpleNamespace(retrieve=both["retrieve"])).capabilities == {Capability.RETRIEVE}
    assert make(SimpleNamespace(**both)).capabilities == {*ask_retrieve_generate, Capability.SCHEMA}
    assert (
        Capability.LOOKUP in make(SimpleNamespace(**both, lookup=lambda doc_id: True)).capabilities
    )


@pytest.mark.parametrize(
    "target", [functools.partial(lambda prefix, query: prefix + query, "x"), str.upper]
)
def test_partials_and_builtins_are_functions(target: object) -> None:
    assert ask(target).error is None


def test_a_failed_retrieval_or_lookup_keeps_its_kind() -> None:
    def broken(*_: object) -> list:
        raise ValueError("no index")

    target = SimpleNamespace(
        retrieve=broken, generate=lambda q, p: "x", lookup=lambda doc_id: "yes"
    )
    system = make(target)
    with pytest.raises(SystemFailed, match="exception: ValueError: no index"):
        asyncio.run(system.retrieve(Question("q")))
    with pytest.raises(SystemFailed, match="malformed: lookup returned str"):
        asyncio.run(system.lookup("d"))
    outcome = ask(target)
    assert (outcome.error.kind, outcome.retrieved, outcome.response) == ("exception", None, None)
