"""The OpenAI-compatible adapter: prompts, citations and options."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from loopback import CORPUS, Service, openai_system, run_openai

from evalkit.adapters.openai_prompt import Prompt, fit_budget, read_citations, render_context
from evalkit.errors import InvalidInput
from evalkit.records import Message, Outcome, Passage, Question, System

PASSAGES = (
    Passage("d1", text="eins", title="T"),
    Passage("7", text="zwei"),
    Passage("契約-3", text="三"),
)


# --- prompts and citations -------------------------------------------------------------------


def test_a_conversation_becomes_turns_and_the_template_the_last() -> None:
    turns = (
        Message("user", "Hallo"),
        Message("assistant", "Guten Tag"),
        Message("user", "Wie lange?"),
    )
    sent = Prompt("Frage: {query}", "Sei {instructions}.").messages(
        Question("Wie lange?", messages=turns, instructions="höflich"), None
    )
    assert [m["role"] for m in sent] == ["system", "user", "assistant", "user"]
    assert [m["content"] for m in sent] == [
        "Sei höflich.",
        "Hallo",
        "Guten Tag",
        "Frage: Wie lange?",
    ]


def test_braces_in_a_question_or_passage_are_left_alone() -> None:
    sent = Prompt('{context} {query} {"a": {"b": 1}}').messages(
        Question("{context} {0} {query.__class__}"), (Passage("d", text="{query}"),)
    )
    assert sent[0]["content"] == '1. [d]\n{query} {context} {0} {query.__class__} {"a": {"b": 1}}'


def test_passages_without_a_place_come_first() -> None:
    sent = Prompt("{query}").messages(Question("q"), PASSAGES[:1])
    assert sent[-1]["content"] == "1. [d1] T\neins\n\nq"


@pytest.mark.parametrize(
    ("response", "cited"),
    [
        ("Yes [d1].", ("d1",)),
        ("Yes [3][1].", ("契約-3", "d1")),
        ("Yes [7].", ("7",)),
        ("はい【契約-3】、[d1; 2]", ("契約-3", "d1", "7")),
        ("Known elsewhere [d2], unknown [d9], out of range [44], [sic].", ("d2",)),
        ("No citation (d1).", ()),
    ],
)
def test_citations_are_read_back(response: str, cited: tuple[str, ...]) -> None:
    assert read_citations(response, PASSAGES, CORPUS) == cited


def test_an_id_with_brackets_is_found() -> None:
    assert read_citations("see [law[3]]", (Passage("law[3]"),), {}) == ("law[3]",)


@settings(max_examples=30)
@given(st.lists(st.text("abc-1", min_size=1, max_size=5), min_size=1, max_size=5, unique=True))
def test_every_rendered_passage_can_be_cited(ids: list[str]) -> None:
    passages = tuple(Passage(doc, text="x") for doc in ids)
    assert read_citations(render_context(passages), passages, {}) == tuple(ids)


@given(st.integers(0, 20))
def test_a_budget_bounds_the_text(budget: int) -> None:
    kept = fit_budget(PASSAGES, budget)
    assert sum(len(p.text) for p in kept) == min(budget, sum(len(p.text) for p in PASSAGES))


def test_what_reached_the_prompt_is_the_context_even_when_cut() -> None:
    async def do(system: System) -> list[Outcome]:
        small = await system.ask(Question("Refunds", k=2))
        return [small, await system.ask(Question("Refunds", k=2, budget=1000))]

    small, large = run_openai(Service(), do, retriever={"kind": "bm25", "k": 1}, budget=7)
    assert small.retrieved[0].text == "Refunds take 14 days."
    assert [p.text for p in small.context] == ["Refunds"]
    assert large.context == large.retrieved
    assert small.citations == ("d1",)  # the service repeats the prompt, and with it the id


def test_deep_retrieval_goes_beyond_k_but_the_prompt_does_not() -> None:
    async def do(system: System):
        query = "Refunds 返品 Versand days"
        return await system.ask(Question(query, k=2)), await system.retrieve(Question(query, k=100))

    outcome, deep = run_openai(Service(), do, retriever={"kind": "bm25", "k": 1})
    assert len(outcome.context) == 1
    assert len(deep) > 1


# --- options ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"prompt": "no question"}, "prompt"),
        ({"prompt": "no question\nat all"}, "prompt"),
        ({"prompt": "../outside.txt"}, "prompt"),
        ({"prompt": "{qurey} {query}"}, "prompt"),
        ({"prompt": "{query}", "retriever": {"kind": "bm25"}}, "prompt"),
        ({"retriever": {"knid": "bm25"}}, "knid"),
        ({"api": "completions"}, "api"),
        ({"temperature": "hot"}, "temperature"),
        ({"timeout": 0}, "timeout"),
        ({"attempts": True}, "attempts"),
        ({"price": {"prompt_per_million": 1}}, "price"),
        ({"extra_body": {"stream": True}}, "stream"),
        ({"model": None}, "model"),
    ],
)
def test_a_wrong_option_is_named(options: dict, field: str) -> None:
    with pytest.raises(InvalidInput, match=field):
        openai_system(**options)


def test_a_prompt_may_lie_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "prompt.txt").write_text("Frage: {query}", "utf-8")
    service = Service()
    run_openai(service, lambda s: s.ask(Question("q")), folder=tmp_path, prompt="prompt.txt")
    assert service.seen[0]["messages"][-1]["content"] == "Frage: q"


def test_a_bare_off_in_yaml_is_understood() -> None:
    assert (
        openai_system(structured=False).fingerprint == openai_system(structured="off").fingerprint
    )
