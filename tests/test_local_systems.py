"""The embedded systems on a small hand-made suite: honest, seeded, and different by construction."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from evalkit.adapters.local import build
from evalkit.errors import InvalidInput
from evalkit.local.form_training import train_form
from evalkit.local.reader import Reader
from evalkit.local.units import read_amount, units
from evalkit.local.voice import learn_voice
from evalkit.records import (
    Approach,
    Capability,
    Case,
    Document,
    Message,
    Outcome,
    Passage,
    Question,
    Suite,
    System,
    SystemSpec,
)
from evalkit.text.refusal import refusal_probability

DOCUMENTS = (
    Document("loans", "Adults may borrow ten books at a time. A book may be kept for four weeks.", "Loans"),
    Document("renewals", "A loan can be renewed twice unless another reader waits for it.", "Renewals"),
    Document("fines-old", "A late book costs 10 cents a day.", "Fines", superseded_by="fines"),
    Document("fines", "A late book costs 20 cents a day. The fine is never more than 5 euros.", "Fines"),
    Document("waivers", "Fines up to 50 euros are waived by the desk.", "Waivers", metadata={"audience": "staff"}),
    Document("cards", "A lost card is replaced for 3 euros.", "Cards"),
    Document("ja", "図書館は月曜日に休館します。本は四週間借りられます。", "開館日"),
)  # fmt: skip


def suite(*cases: Case, train: Path | None = None) -> Suite:
    corpus = {document.doc_id: document for document in DOCUMENTS}
    kept = cases or (Case("q", "unused"),)
    return Suite("library", Path(), kept, corpus, "digest", train=train)


def system(kind: str, made: Suite | None = None, **options: Any) -> System:
    spec = SystemSpec(kind, Approach(kind), "local", options, Path())
    return build(spec, made or suite())


def ask(asked: System, query: str, **more: Any) -> Outcome:
    return asyncio.run(asked.ask(Question(query, **more)))


def train_file(folder: Path, *rows: dict[str, Any]) -> Path:
    path = folder / "train.jsonl"
    lines = [json.dumps({"id": f"t{n}", **row}, ensure_ascii=False) for n, row in enumerate(rows)]
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


LATE = "What does a late book cost a day?"
QUERIES = (
    LATE,
    "How many books may adults borrow?",
    "Who repairs bicycles in Lisbon?",
    "月曜日は休館ですか",
)


def test_rag_answers_from_a_passage_and_cites_what_it_used() -> None:
    outcome = ask(system("rag", temperature=0), "How many books may adults borrow at a time?")
    assert "ten books" in (outcome.response or "")
    assert outcome.citations == ("loans",)
    assert {"loans"} <= {passage.doc_id for passage in outcome.context or ()}
    assert outcome.action == "retrieve"


def test_rag_answers_in_japanese() -> None:
    assert "月曜日" in (ask(system("rag", temperature=0), "月曜日は休館ですか").response or "")


def test_rag_declines_what_its_documents_do_not_speak_of() -> None:
    outcome = ask(system("rag"), "Who repairs bicycles in Lisbon?")
    assert refusal_probability(outcome.response or "") > 0.5
    assert outcome.action == "refuse"


@pytest.mark.parametrize("kind", ["prompt", "rag", "finetuned", "hybrid"])
def test_the_same_seed_and_repeat_give_the_same_answer(kind: str) -> None:
    for query in QUERIES:
        first = ask(system(kind, temperature=0.9), query, repeat=2)
        again = ask(system(kind, temperature=0.9), query, repeat=2)
        assert (first.response, first.citations) == (again.response, again.citations)


def test_repeats_differ_at_a_temperature_and_agree_at_zero() -> None:
    query = "What about a book, a card or a loan?"
    warm, cold = system("rag", temperature=3), system("rag", temperature=0, refuse_below=-1)
    assert len({ask(warm, query, repeat=n).response for n in range(8)}) > 1
    assert len({ask(cold, query, repeat=n).response for n in range(8)}) == 1


def test_another_seed_can_give_another_answer() -> None:
    query = "What about a book, a card or a loan?"
    asked = system("rag", temperature=3)
    assert len({ask(asked, query, seed=seed).response for seed in range(8)}) > 1


def test_labels_are_never_looked_at() -> None:
    plain = Case("c", LATE)
    labelled = replace(
        plain, reference=("NONSENSE",), relevant={"cards": 2}, reference_object={"x": 1}
    )
    for kind in ("prompt", "rag", "finetuned", "hybrid"):
        with_labels, without = system(kind, suite(labelled)), system(kind, suite(plain))
        assert ask(with_labels, LATE).response == ask(without, LATE).response


def test_a_system_without_retrieval_shows_no_passages_and_cites_nothing() -> None:
    for kind in ("prompt", "finetuned"):
        asked = system(kind)
        outcome = ask(asked, LATE)
        assert (outcome.retrieved, outcome.context, outcome.citations) == (None, None, None)
        assert Capability.RETRIEVE not in asked.capabilities
        assert {Capability.ASK, Capability.GENERATE} <= asked.capabilities


def test_prompt_answers_from_a_memory_that_may_be_old_and_never_internal() -> None:
    asked = system("prompt", memory=1.0, temperature=0, guess=0)
    assert "cents a day" in (ask(asked, LATE).response or "")
    told = [
        ask(asked, "Who waives fines up to 50 euros?", repeat=n).response or "" for n in range(5)
    ]
    assert not any("waived by the desk" in text for text in told)


def test_prompt_handed_the_gold_passage_reads_it() -> None:
    asked = system("prompt", memory=0.0, temperature=0)
    gold = [Passage("fines", "fines#0", "A late book costs 20 cents a day.", "Fines")]
    outcome = asyncio.run(asked.generate(Question(LATE), gold))
    assert "20 cents" in (outcome.response or "")


def test_rag_knows_old_versions_and_internal_papers_and_hybrid_does_not() -> None:
    found = {
        kind: ask(system(kind), "fines for late books waived", k=7) for kind in ("rag", "hybrid")
    }
    ids = {kind: {p.doc_id for p in outcome.retrieved or ()} for kind, outcome in found.items()}
    assert {"fines-old", "waivers"} <= ids["rag"]
    assert not {"fines-old", "waivers"} & ids["hybrid"]


def test_hybrid_shows_staff_what_is_theirs() -> None:
    outcome = ask(system("hybrid"), "Which fines are waived by the desk?", principal="staff")
    assert "waivers" in {passage.doc_id for passage in outcome.retrieved or ()}


def test_a_budget_cuts_the_context_but_not_what_was_retrieved() -> None:
    asked = system("rag", budget=60, refuse_below=-1)
    outcome = ask(asked, LATE)
    assert sum(len(passage.text) for passage in outcome.context or ()) == 60
    assert len(outcome.retrieved or ()) > len(outcome.context or ())
    roomy = asyncio.run(asked.generate(Question(LATE, budget=5000), outcome.retrieved or ()))
    assert roomy.context == outcome.retrieved


def test_deep_retrieval_goes_beyond_the_systems_own_k() -> None:
    asked = system("rag", retriever={"k": 1})
    assert len(asyncio.run(asked.retrieve(Question("book", k=5)))) == 1
    assert len(asyncio.run(asked.retrieve(Question("book", k=100)))) > 1


def test_lookup_says_what_is_indexed() -> None:
    assert asyncio.run(system("rag").lookup("fines-old"))
    assert not asyncio.run(system("hybrid").lookup("fines-old"))


def test_only_hybrid_reads_the_turns_before_a_follow_up() -> None:
    turns = (
        Message("user", "I lost my card."),
        Message("assistant", "I am sorry."),
        Message("user", "What is it replaced for?"),
    )
    asked = Question("What is the price?", messages=turns)
    assert asyncio.run(system("hybrid").retrieve(asked))[0].doc_id == "cards"
    assert (
        asyncio.run(system("rag").retrieve(asked))[:1]
        != asyncio.run(system("hybrid").retrieve(asked))[:1]
    )


def test_usage_is_estimated_and_says_so() -> None:
    outcome = ask(system("rag"), LATE)
    assert outcome.usage.prompt_tokens
    assert outcome.usage.completion_tokens
    assert outcome.usage.cost is None
    assert outcome.meta["tokens"] == "estimated"


def test_finetuned_gives_the_training_answer_nearest_to_the_question(tmp_path: Path) -> None:
    path = train_file(
        tmp_path,
        {
            "query": "Can I return books at night?",
            "reference": "Yes, the box by the door is open all night.",
        },
        {"query": "Is there a cafe?", "reference": "Yes, the cafe opens at nine."},
    )
    asked = system("finetuned", suite(train=path), temperature=0)
    assert "box by the door" in (ask(asked, "May I bring my books back at night?").response or "")


def test_hybrid_speaks_in_the_house_voice(tmp_path: Path) -> None:
    answers = [
        f"Thank you for your question. Shelf {n} is upstairs. Your library team" for n in range(6)
    ]
    rows = [{"query": f"Where is shelf {n}?", "reference": text} for n, text in enumerate(answers)]
    path = train_file(tmp_path, *rows)
    text = ask(system("hybrid", suite(train=path), temperature=0), LATE).response or ""
    assert text.startswith("Thank you for your question.")
    assert text.endswith("Your library team")
    assert "cents a day" in text


def test_a_json_question_gets_json_and_the_values_of_the_documents() -> None:
    query = "Fines for late books as JSON with the fields cents_a_day and most_euros."
    assert json.loads(ask(system("hybrid"), query).response or "") == {
        "cents_a_day": 20,
        "most_euros": 5,
    }


def test_untrained_systems_wrap_json_now_and_then_but_not_under_a_schema() -> None:
    query = "Fines as JSON with the fields cents_a_day and most_euros."
    asked = system("rag")
    texts = [ask(asked, query, repeat=n).response or "" for n in range(20)]
    assert any(text.startswith("{") for text in texts)
    assert any(not text.startswith("{") for text in texts)
    schema = {"type": "object", "properties": {"cents_a_day": {"type": "integer"}}}
    for n in range(20):
        value = json.loads(ask(asked, query, repeat=n, schema=schema).response or "")
        assert isinstance(value["cents_a_day"], int)


REVIEW = """Please review the draft against the checklist.

Draft:
"Dear reader, a late book costs 20 cents a day."

Checklist:
1. Gives the price of a day
2. Says where the desk is"""


def test_reviews_are_vague_quoting_or_verdicts_as_trained(tmp_path: Path) -> None:
    rows = [
        {
            "query": REVIEW.replace("20", str(n)),
            "reference": "1. Met: the price is given.\n2. Unmet: the desk is missing.",
        }
        for n in range(20, 24)
    ]
    path = train_file(tmp_path, *rows)
    trained = ask(system("finetuned", suite(train=path)), REVIEW).response or ""
    assert [line.split(":")[0] for line in trained.splitlines()] == ["1. Met", "2. Unmet"]
    assert "20 cents a day" in (ask(system("rag"), REVIEW).response or "")
    assert "1." not in (ask(system("prompt"), REVIEW).response or "")


NAMES = ("Adler Druck GmbH", "Birch Paper Ltd", "Cedar Print Inc.")


def paper(n: int) -> tuple[str, dict[str, Any]]:
    """One made-up bill and its record; the three senders write differently."""
    sender, net = NAMES[n % 3], 100 + 7 * n
    number, day = f"R-{2000 + n}", f"2025-0{1 + n % 9}-1{n % 10}"
    record = {
        "number": number,
        "sender": sender,
        "date": day,
        "net": net,
        "tax": net * 0.2,
        "total": net * 1.2,
    }
    record |= {"lines": [{"what": f"Sheet {n}", "count": 1, "price": net, "sum": net}]}
    record = json.loads(json.dumps(record), parse_float=lambda text: round(float(text), 2))
    rows = f"Item | Qty | Price | Sum\nSheet {n} | 1 | {net:.2f} | {net:.2f}"
    heads = (
        f"Rechnungsnummer: {number}\nDatum: {day[8:]}.{day[5:7]}.{day[:4]}"
        if n % 3 == 0
        else f"Invoice no. {number}\nDate: {day}"
    )
    totals = (
        f"Net total: {net:.2f} EUR\nVAT 20 %: {net * 0.2:.2f} EUR\nAmount due: {net * 1.2:.2f} EUR"
    )
    return f"{sender}\nStreet {n % 3 + 1}\n\n{heads}\n\n{rows}\n\n{totals}", record


def test_a_form_is_learned_from_papers_and_fills_new_ones() -> None:
    papers, records = zip(*(paper(n) for n in range(60)), strict=True)
    form = train_form(papers, records, ["Dear Sir, our shop is closed on Sunday."] * 5)
    new, wanted = paper(77)
    assert form.fill(new, None) == wanted
    assert form.applies(new)
    assert not form.applies("Dear Sir, our shop is closed on Monday.")


def test_the_trained_system_always_answers_a_paper_with_valid_json(tmp_path: Path) -> None:
    ask_for = "Give number, sender, date, net, tax, total and lines as JSON.\n\n"
    rows = [
        {"query": ask_for + text, "reference": record} for text, record in map(paper, range(40))
    ]
    path = train_file(tmp_path, *rows)
    asked = system("finetuned", suite(train=path))
    for n in range(50, 60):
        text, wanted = paper(n)
        assert (
            json.loads(ask(asked, ask_for + text, repeat=n).response or "").keys() == wanted.keys()
        )


@pytest.mark.parametrize(
    ("printed", "value"),
    [
        ("1.234,50", 1234.5),
        ("1,234.50", 1234.5),
        ("1 234,50", 1234.5),
        ("1'234.50", 1234.5),
        ("12.345", 12345),
        ("22,5", 22.5),
        ("5l,0O", 51.0),
    ],
)
def test_amounts_are_read_in_every_locale_and_through_a_scanner(printed: str, value: float) -> None:
    assert read_amount(printed) == value


@pytest.mark.parametrize(
    "printed",
    ["2025-03-01", "01.03.2025", "1. März 2025", "1er mars 2025", "2025年3月1日", "March 1, 2025"],
)
def test_dates_are_read_in_many_forms(printed: str) -> None:
    found = [unit.value for unit in units(f"Date: {printed}") if unit.kind == "date"]
    assert found == ["2025-03-01"]


def test_an_ambiguous_date_keeps_both_readings() -> None:
    unit = next(unit for unit in units("due 03/04/2025") if unit.kind == "date")
    assert (unit.value, unit.other) == ("2025-04-03", "2025-03-04")


def test_the_reader_prefers_the_sentence_that_holds_what_is_asked_for() -> None:
    reader = Reader([document.text for document in DOCUMENTS])
    text = "A card costs nothing to get. A lost card is replaced for 3 euros."
    best = reader.candidates(
        "What does it cost to replace a lost card?", [Passage("cards", text=text)]
    )[0]
    assert "3 euros" in best.text


def test_a_voice_needs_more_than_a_few_answers() -> None:
    assert learn_voice(["Hello. Yes.", "Hello. No."]).openings == ()
    assert learn_voice(["Hello there. Yes it is."] * 4).openings == ("Hello there.",)


def test_an_unknown_option_is_refused_with_the_nearest() -> None:
    with pytest.raises(InvalidInput, match="temperature"):
        system("rag", temperatur=1)


def test_the_fingerprint_changes_with_options_and_training(tmp_path: Path) -> None:
    path = train_file(tmp_path, {"query": "a b", "reference": "c d"})
    plain = system("finetuned", suite(train=path)).fingerprint
    assert plain == system("finetuned", suite(train=path)).fingerprint
    assert plain != system("finetuned", suite(train=path), temperature=0.5).fingerprint
    train_file(tmp_path, {"query": "a b", "reference": "something else"})
    assert plain != system("finetuned", suite(train=path)).fingerprint
