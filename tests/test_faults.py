"""Each injected fault changes just what it says, under every condition; the healthy system stays healthy."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Mapping
from dataclasses import fields, replace
from itertools import permutations
from pathlib import Path
from random import Random

import pytest

import evalkit
from evalkit.faults import BY_ID, FAULTS, OracleSystem, inject, plan_faults, spoil, truth_of
from evalkit.faults.drafts import refusal, topic_of
from evalkit.faults.edits import edits_between
from evalkit.faults.labels import evidence_in
from evalkit.faults.stocks import STOCKS
from evalkit.faults.wording import Stock, filled, placeholders
from evalkit.records import (
    Case,
    Criterion,
    Document,
    Expected,
    KeyPoint,
    Outcome,
    Passage,
    Question,
    StyleRules,
    Suite,
    System,
)

DATASETS = Path(__file__).resolve().parents[1] / "datasets"
TEXTS = {
    "boats": "The club owns fourteen boats. Rowing boats are kept in the northern shed. Each boat is "
    "inspected twice a year. A rowing boat may be hired for 12 euros an hour. Paddles are lent free of charge.",
    "boats-2019": "The club owned nine boats. A rowing boat may be hired for 8 euros an hour.",
    "lessons": "Rowing lessons start in April. A course has ten evenings and costs 95 euros. Children "
    "under nine years need a guardian. The teacher decides when it is too windy.",
    "cafe": "The café by the pier opens at 11:30 from May to September. It serves soup, cake and coffee. "
    "Guests may bring dogs. Groups should book a table two days before.",
    "keys": "Shed keys are numbered and signed for. A lost key costs 40 euros. The caretaker lives next door.",
    "safe": "The code of the club's safe is changed every quarter. The treasurer alone knows the code.",
    **{
        f"note-{i}": f"Minutes of meeting {i}: boats, lessons and hire of a hall were discussed for {i + 20} minutes."
        for i in range(12)
    },
}
CORPUS = {name: Document(name, text, name.title()) for name, text in TEXTS.items()}
CORPUS["boats-2019"] = replace(CORPUS["boats-2019"], superseded_by="boats")
SCHEMA = {
    "type": "object",
    "required": ["price", "currency"],
    "additionalProperties": False,
    "properties": {"price": {"type": "number"}, "currency": {"type": "string"}},
}
HIRE = Case(
    id="hire",
    query="What does it cost to hire a rowing boat, and are paddles extra?",
    reference=(
        "A rowing boat may be hired for 12 euros an hour. Paddles are lent free of charge.",
    ),
    relevant={"boats": 1},
    key_points=(
        KeyPoint("a rowing boat may be hired for 12 euros an hour", ("boats",)),
        KeyPoint("paddles are lent free of charge", ("boats",)),
    ),
    style=StyleRules(forbid_exclamation=True, max_words=60),
)
RECORD = Case(
    id="record",
    query="Price of a course of rowing lessons as JSON with price and currency",
    reference_object={"price": 95, "currency": "euros"},
    relevant={"lessons": 1},
    schema=SCHEMA,
)
KEY = replace(
    RECORD,
    id="key",
    query="Price of a lost shed key as JSON with price and currency",
    reference_object={"price": 40, "currency": "euros"},
    relevant={"keys": 1},
)
SECRET = Case(
    id="secret",
    query="Who knows the code of the safe?",
    relevant={},
    expected=Expected.REFUSE,
    principal="member",
    forbidden=("safe",),
)
REVIEW = Case(
    id="review",
    query="Check this notice about lessons against the list: 1. start 2. price",
    reference=("1. Start: met, April is named.\n2. Price: unmet, a course costs 95 euros.",),
    relevant={"lessons": 1},
    criteria=(
        Criterion("start", "Names the start", ("april",), "met"),
        Criterion("price", "Names the price", ("95 euros",), "unmet"),
    ),
)
CASES = (HIRE, RECORD, KEY, SECRET, REVIEW)
SUITE = Suite("club", Path(), CASES, CORPUS, "digest", k=3, pool=8)
GOLD = {case.id: tuple(case.relevant or {}) for case in CASES}


def question(case: Case = HIRE, *, k: int = 3, **more: object) -> Question:
    return replace(Question(case.query, principal=case.principal, k=k), **more)  # type: ignore[arg-type]


def faulty(fault: str, case: Case = HIRE, seed: int = 0) -> System:
    return inject(OracleSystem(SUITE, seed=seed), SUITE, {case.id: (fault,)}, seed)


def ask(system: System, case: Case = HIRE, **more: object) -> Outcome:
    return asyncio.run(system.ask(question(case, **more)))


def retrieve(system: System, case: Case = HIRE, k: int = 3) -> list[str]:
    return [p.doc_id for p in asyncio.run(system.retrieve(question(case, k=k)))]


def whole(name: str) -> Passage:
    return Passage(name, text=TEXTS[name], title=name.title())


def given(system: System, *names: str, case: Case = HIRE, **more: object) -> str:
    passages = [whole(name) for name in names]
    return asyncio.run(system.generate(question(case, **more), passages)).response or ""


def right(answer: str) -> bool:
    return "12 euros" in answer and "free of charge" in answer.replace("\n", " ")


# --- the known-good system -------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(4))
def test_the_oracle_states_just_what_its_passages_support(seed: int):
    oracle = OracleSystem(SUITE, seed=seed)
    assert set(retrieve(oracle)[:3]) & {"boats"}
    assert right(ask(oracle).response or "")
    assert right(given(oracle, "boats"))
    assert right(given(oracle, "cafe", "boats", "keys"))
    assert not right(given(oracle, "cafe", "keys"))
    half = Passage("boats", text="The club owns boats. Paddles are lent free of charge.")
    answer = asyncio.run(oracle.generate(question(), [half])).response or ""
    assert "free of charge" in answer
    assert "12 euros" not in answer


def test_the_oracle_refuses_without_evidence_in_many_wordings():
    said = {given(OracleSystem(SUITE, seed=seed), "cafe") for seed in range(12)}
    assert len(said) > 4
    assert not any("12" in text for text in said)


def test_the_oracle_follows_an_edited_passage():
    edited = replace(whole("boats"), text=TEXTS["boats"].replace("12 euros", "17 euros"))
    answer = asyncio.run(OracleSystem(SUITE).generate(question(), [edited])).response or ""
    assert "17 euros" in answer
    assert "12 euros" not in answer


def test_a_cut_text_is_no_edit():
    assert edits_between("one two three four five six", "one two three four") == {}
    assert edits_between("it costs 12 euros an hour", "it costs 17 euros an hour") == {"12": "17"}


def test_records_rest_on_their_documents():
    oracle = OracleSystem(SUITE)
    assert json.loads(given(oracle, "lessons", case=RECORD)) == RECORD.reference_object
    assert "{" not in given(oracle, "cafe", case=RECORD)


def test_evidence_is_the_sentence_that_says_it():
    ((start, end),) = evidence_in("paddles are lent free of charge", TEXTS["boats"])
    assert TEXTS["boats"][start:end].startswith("Paddles")


@pytest.mark.parametrize("suite_name", ["helpdesk", "invoices"])
def test_the_oracle_passes_what_the_references_pass(suite_name: str, tmp_path: Path):
    suite = evalkit.load_suite(DATASETS / suite_name)
    by_query = {(c.query, c.messages): c for c in suite.cases}

    class Reference(OracleSystem):
        async def generate(self, question: Question, passages):  # type: ignore[no-untyped-def]
            case = by_query[question.query, question.messages]
            said = case.reference[0] if case.reference else json.dumps(case.reference_object or "")
            if case.expected is Expected.REFUSE:
                said = "The documents do not answer this question."
            return Outcome(said, None, tuple(passages))

    systems = [Reference(suite, name="reference"), OracleSystem(suite)]
    run = evalkit.run(suite, systems, out=tmp_path, repeats=1)
    fair = {c for c, o in run.systems["reference"].graded.cases.items() if o == "passed"}
    passed = {c for c, o in run.systems["oracle"].graded.cases.items() if o == "passed"}
    refusals = {case.id for case in suite.cases if case.expected is Expected.REFUSE}
    answers = fair - refusals
    assert len(answers) > 0.8 * (len(suite.cases) - len(refusals))
    assert len(answers & passed) >= 0.97 * len(answers)
    # Not every wording of a refusal is known to the judge.
    assert len(fair & refusals & passed) >= 0.7 * len(fair & refusals)


# --- retrieval -------------------------------------------------------------------------------


def test_dropped_gold_is_not_in_the_pool_but_in_the_index():
    system = faulty("drop_gold")
    assert "boats" not in retrieve(system, k=8)
    assert asyncio.run(system.lookup("boats"))
    assert not right(ask(system).response or "")
    assert right(given(system, "boats"))


def test_hidden_gold_is_not_in_the_index():
    system = faulty("hide_from_index")
    assert "boats" not in retrieve(system, k=100)
    assert not asyncio.run(system.lookup("boats"))
    assert asyncio.run(system.lookup("lessons"))
    assert right(given(system, "boats"))


@pytest.mark.parametrize("seed", range(5))
def test_pushed_gold_lies_between_k_and_the_pool(seed: int):
    system = faulty("push_below_k", seed=seed)
    assert 3 <= retrieve(system, k=100).index("boats") < 8
    outcome = ask(system)
    assert "boats" not in [p.doc_id for p in outcome.context or ()]
    assert "boats" in [p.doc_id for p in outcome.retrieved or ()]


def test_a_split_chunk_is_of_the_gold_document_without_its_evidence():
    outcome = ask(faulty("split_chunks"))
    (chunk,) = [p for p in outcome.context or () if p.doc_id == "boats"]
    assert chunk.text in TEXTS["boats"]
    assert "12 euros" not in chunk.text
    assert chunk.chunk_id != "boats#0"
    assert right(given(faulty("split_chunks"), "boats"))


@pytest.mark.parametrize("seed", range(6))
def test_a_cut_context_lacks_what_was_retrieved_until_there_is_more_room(seed: int):
    outcome = ask(faulty("cut_context", seed=seed))
    assert "boats" in [p.doc_id for p in (outcome.retrieved or ())[:3]]
    shown = " ".join(p.text for p in outcome.context or () if p.doc_id == "boats")
    assert "12 euros" not in shown
    assert not right(outcome.response or "")
    assert right(ask(faulty("cut_context", seed=seed), budget=100_000).response or "")


def test_a_leak_puts_the_forbidden_document_into_the_prompt():
    outcome = ask(faulty("leak_restricted", SECRET), SECRET)
    assert "safe" in [p.doc_id for p in outcome.context or ()]
    assert "safe" not in [p.doc_id for p in ask(OracleSystem(SUITE), SECRET).context or ()]


def test_a_superseded_version_is_served_and_believed():
    system = faulty("serve_superseded")
    outcome = ask(system)
    served = [p.doc_id for p in outcome.context or ()]
    assert "boats-2019" in served
    assert "boats" not in served
    assert "8 euros" in (outcome.response or "")
    assert right(given(system, "boats"))


# --- generation: what each fault does under the conditions -----------------------------------

CONDITIONS = {
    "closed_book": (),
    "oracle_context": ("boats",),
    "oracle_plus_noise": ("cafe", "boats", "keys"),
    "gold_first": ("boats", "cafe", "keys"),
}
RIGHT_UNDER = {
    "add_distractor": {"oracle_context"},
    "bury_in_middle": {"oracle_context", "gold_first"},
    "answer_from_memory": set(),
    "contradict": set(),
    "refuse": set(),
    "leave_out": set(),
    "embroider": {"oracle_context", "oracle_plus_noise", "gold_first"},
}


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("fault", RIGHT_UNDER)
def test_generation_faults_are_causal(fault: str, seed: int):
    system = faulty(fault, seed=seed)
    assert right(ask(system).response or "") == (fault == "embroider")
    answers = {name: given(system, *docs) for name, docs in CONDITIONS.items()}
    assert {name for name, said in answers.items() if right(said)} == RIGHT_UNDER[fault]


def test_memory_answers_alike_whatever_it_is_given():
    system = faulty("answer_from_memory")
    assert len({given(system, *docs) for docs in CONDITIONS.values()}) == 1
    assert given(system) == ask(system).response


def test_a_misreading_needs_the_passage():
    system = faulty("contradict")
    assert given(system) == given(OracleSystem(SUITE))
    assert given(system, "boats") != given(OracleSystem(SUITE), "boats")


def test_embroidery_adds_to_a_right_answer():
    healthy, more = given(OracleSystem(SUITE), "boats"), given(faulty("embroider"), "boats")
    assert more.startswith(healthy)
    assert len(more) > len(healthy)


def test_wavering_differs_between_the_first_two_repeats():
    for seed in range(5):
        system = faulty("waver", seed=seed)
        healthy = OracleSystem(SUITE, seed=seed)
        said = [ask(system, repeat=r).response == ask(healthy, repeat=r).response for r in (0, 1)]
        assert sorted(said) == [False, True]


def test_never_refusing_answers_an_unanswerable_question():
    answer = ask(faulty("never_refuse", SECRET), SECRET)
    assert answer.action == "answer"
    assert answer.response != ask(OracleSystem(SUITE), SECRET).response


def test_missed_criteria_come_back_with_instructions():
    system = faulty("miss_criteria", REVIEW)
    assert len((ask(system, REVIEW).response or "").splitlines()) == 1
    told = ask(system, REVIEW, instructions="address every criterion").response or ""
    assert told == (REVIEW.reference or ("",))[0]


# --- form ------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", [f.id for f in FAULTS if f.cause == "format_violation"])
def test_json_is_broken_unless_the_schema_is_enforced(fault: str):
    from jsonschema import Draft202012Validator

    system = faulty(fault, RECORD)
    broken = ask(system, RECORD).response or ""
    try:
        valid = Draft202012Validator(SCHEMA).is_valid(json.loads(broken))
    except ValueError:
        valid = False
    assert not valid
    enforced = json.loads(ask(system, RECORD, schema=SCHEMA).response or "")
    assert enforced == RECORD.reference_object


@pytest.mark.parametrize("seed", range(4))
def test_style_drifts_and_content_stays(seed: int):
    from evalkit.metrics.style import style

    system = faulty("drift_in_style", seed=seed)
    said = ask(system).response or ""
    assert HIRE.style is not None
    assert style(HIRE.style, said) != 1
    assert right(said)
    assert style(HIRE.style, ask(system, instructions="keep the style").response or "") == 1


@pytest.mark.parametrize(
    ("fault", "within"), [("cite_unknown", None), ("cite_unread", False), ("cite_useless", True)]
)
def test_citations_go_wrong_in_three_ways(fault: str, within: bool | None):
    outcome = ask(faulty(fault))
    wrong = set(outcome.citations or ()) - {"boats"}
    assert len(wrong) == 1
    assert right(outcome.response or "")
    if within is None:
        assert not wrong & set(TEXTS)
    else:
        assert wrong <= set(TEXTS)
        assert bool(wrong & {p.doc_id for p in outcome.context or ()}) is within


def test_calls_fail():
    with pytest.raises(ConnectionResetError):
        ask(faulty("raise"))
    failure = ask(faulty("time_out")).error
    assert failure is not None
    assert failure.kind == "timeout"


# --- the suite -------------------------------------------------------------------------------


@pytest.mark.parametrize("case", [HIRE, RECORD], ids=lambda case: case.id)
def test_a_corrupted_label_asks_for_what_the_documents_do_not_say(case: Case):
    spoiled = spoil(SUITE, {case.id: ("corrupt_label",)})
    changed = next(c for c in spoiled.cases if c.id == case.id)
    assert (changed.key_points, changed.reference_object) != (
        case.key_points,
        case.reference_object,
    )
    assert changed.query == case.query
    assert spoiled.digest != SUITE.digest
    assert [c for c in spoiled.cases if c.id != case.id] == [c for c in CASES if c.id != case.id]


def test_a_vague_question_keeps_the_old_one_as_its_clarified_form():
    spoiled = spoil(SUITE, {"hire": ("ask_vaguely",)})
    changed = spoiled.cases[0]
    assert changed.clarified == HIRE.query
    oracle = OracleSystem(SUITE)
    assert not right(ask(oracle, changed).response or "")
    assert right(ask(oracle, replace(changed, query=HIRE.query)).response or "")


# --- plans and composition -------------------------------------------------------------------


def test_other_cases_are_left_alone():
    healthy = ask(OracleSystem(SUITE), KEY)
    for fault in FAULTS:
        assert ask(faulty(fault.id, HIRE), KEY) == healthy


def test_faults_compose():
    plan = {"hire": ("push_below_k", "drift_in_style"), "record": ("contradict", "json_extra_key")}
    system = inject(OracleSystem(SUITE), SUITE, plan)
    assert "boats" not in [p.doc_id for p in ask(system).context or ()]
    record = json.loads(ask(system, RECORD).response or "")
    assert len(record) == 3
    assert {k: record.get(k) for k in ("price", "currency")} != RECORD.reference_object
    assert truth_of(plan)["record"].cause == "misinterpretation"
    assert truth_of(plan)["record"].also == ("format_violation",)


def test_the_same_seed_gives_the_same_answers_and_another_one_others():
    def answers(seed: int) -> list[str | None]:
        return [ask(faulty(f, seed=seed)).response for f in RIGHT_UNDER]

    assert answers(1) == answers(1)
    assert answers(1) != answers(2)
    suite = evalkit.load_suite(DATASETS / "helpdesk")
    assert plan_faults(suite, seed=1) == plan_faults(suite, seed=1)
    assert plan_faults(suite, seed=1) != plan_faults(suite, seed=2)


@pytest.mark.parametrize("rate", [0.0, 0.3, 1.0])
def test_the_rate_is_kept_and_causes_are_balanced(rate: float):
    suite = evalkit.load_suite(DATASETS / "helpdesk")
    plan = plan_faults(suite, rate=rate, seed=3, mixed_share=0.5)
    assert abs(len(plan) - rate * len(suite.cases)) <= 0.1 * len(suite.cases)
    cases = {case.id: case for case in suite.cases}
    assert all(BY_ID[f].needs(suite, cases[c]) for c, ids in plan.items() for f in ids)
    if rate == 1.0:
        assert {t.cause for t in truth_of(plan).values()} >= {f.cause for f in FAULTS}
        assert any(len(ids) == 2 for ids in plan.values())


def test_a_plan_takes_only_the_faults_named():
    suite = evalkit.load_suite(DATASETS / "invoices")
    plan = plan_faults(suite, ["drop_gold", "json_truncated"], rate=0.5)
    assert {f for ids in plan.values() for f in ids} == {"drop_gold", "json_truncated"}


def test_an_impossible_rate_is_refused():
    with pytest.raises(ValueError, match="must lie in"):
        plan_faults(SUITE, rate=1.5)


def test_every_cause_can_be_injected():
    from evalkit import plugins

    assert {f.cause for f in FAULTS} == {cause.id for cause in plugins.members("causes")}
    assert len(BY_ID) == len(FAULTS)


# --- stocks of phrases -----------------------------------------------------------------------

OF_A_GROUP = {  # the placeholders that a phrase of the group may have
    "refusals": {"topic", "covered"},
    "list_marks": {"n"},
    "invented_sources": {"n"},
    "denials": {"statement"},
    "asides": {"phrase"},
    "vague_questions": {"word"},
}
ALWAYS = {"invented_sources", "denials", "asides", "vague_questions"}  # and has to have
TODAY = {"en", "de", "fr", "es", "ja", "vi", "ar"}
MORE = {"pt", "it", "ko", "zh", "ru", "nl", "pl", "tr"}
GROUPS = [field.name for field in fields(Stock) if field.name != "name"]


def phrases_of(stock: Stock, group: str) -> list[str]:
    held = getattr(stock, group)
    rows = held.values() if isinstance(held, Mapping) else [held]
    flat = [part for row in rows for part in row]
    return [part for one in flat for part in ([one] if isinstance(one, str) else one)
            if isinstance(part, str)]  # fmt: skip


def said(stock: Stock) -> list[str]:
    """Every phrase that says something, as it compares."""
    found = [phrase for group in GROUPS for phrase in phrases_of(stock, group)]
    return [" ".join(p.casefold().split()) for p in found if p.strip()]


@pytest.mark.parametrize("group", GROUPS)
@pytest.mark.parametrize("name", STOCKS)
def test_a_stock_is_as_large_as_the_familiar_one_and_says_everything_once(name: str, group: str):
    stock, familiar = STOCKS[name], STOCKS["familiar"]
    given = phrases_of(stock, group)
    assert len(given) >= len(phrases_of(familiar, group)) > 0
    if group not in {"lead_ins", "around_json", "joints"}:
        assert all(p.strip() for p in given)
        assert len(set(given)) == len(given)
    for language in getattr(familiar, group) if group in {"refusals", "lead_ins"} else ():
        ours, theirs = getattr(stock, group)[language], getattr(familiar, group)[language]
        assert len(ours) >= len(theirs), language


@pytest.mark.parametrize("group", GROUPS)
@pytest.mark.parametrize("name", STOCKS)
def test_a_phrase_has_the_placeholders_of_its_group(name: str, group: str):
    for phrase in phrases_of(STOCKS[name], group):
        held = placeholders(phrase)
        assert held <= OF_A_GROUP.get(group, set()), phrase
        assert held or group not in ALWAYS, phrase
        assert filled([phrase], **dict.fromkeys(held, "boats")), phrase
        assert filled([phrase], other="boats") == ([] if held else [phrase])


@pytest.mark.parametrize("name", STOCKS)
def test_a_stock_refuses_in_every_language_without_a_topic(name: str):
    refusals = STOCKS[name].refusals
    assert refusals.keys() >= (TODAY if name == "familiar" else TODAY | MORE)
    assert all(filled(ways) for ways in refusals.values())
    assert STOCKS[name].lead_ins.keys() >= TODAY


def test_refusals_are_in_the_language_they_stand_under():
    from evalkit.text.languages import detect_language

    for stock in STOCKS.values():
        for language, ways in stock.refusals.items():
            whole = " ".join(filled(ways, topic=" ", covered=" "))
            assert detect_language(whole) in (language, None), whole


@pytest.mark.parametrize(("one", "other"), list(permutations(STOCKS, 2)))
def test_no_phrase_of_one_stock_occurs_in_another(one: str, other: str):
    there = said(STOCKS[other])
    for phrase in said(STOCKS[one]):
        assert phrase not in there
        assert len(phrase) < 12 or not any(phrase in long for long in there), phrase


@pytest.mark.parametrize("name", STOCKS)
def test_phrases_break_what_they_are_to_break(name: str):
    stock = STOCKS[name]
    assert all(re.search(r"\b(?:i|my|me)\b|i'", p.casefold()) for p in stock.first_person)
    assert all("!" in p for p in stock.exclaimed)
    assert not any(any(c.isalnum() for c in p) for p in stock.emoji)
    assert all(8 <= len(p.split()) <= 25 for p in stock.filler)  # a sentence each, as drifts count
    assert all(any(part.strip() for part in pair) for pair in stock.around_json)
    assert all(p.count("not ") == 1 for p in stock.denials)
    assert all(low < high for _, low, high in stock.invented_sources)


def test_a_stock_that_is_not_there_is_refused_by_name():
    with pytest.raises(ValueError, match="familiar, second, third"):
        OracleSystem(SUITE, stock="fourth")


def test_another_stock_changes_the_words_and_not_the_plan():
    plan = {"hire": ("refuse",), "record": ("json_in_prose",), "boring": ()}
    healthy = OracleSystem(SUITE, stock="second")
    second = inject(healthy, SUITE, plan, stock="second")
    assert ask(second).response != ask(inject(OracleSystem(SUITE), SUITE, plan)).response
    assert second.fingerprint != inject(healthy, SUITE, plan).fingerprint
    assert right(ask(healthy).response or "")
    vague = {"hire": ("ask_vaguely",)}
    (asked, *_), (worded, *_) = (spoil(SUITE, vague, stock=s).cases for s in ("familiar", "second"))
    assert asked.query != worded.query
    assert asked.clarified == worded.clarified == HIRE.query
    assert spoil(SUITE, vague).digest != spoil(SUITE, vague, stock="second").digest


@pytest.mark.parametrize("stock", ["familiar", "second"])
def test_a_refusal_names_a_topic_only_where_there_is_one(stock: str):
    for seed in range(12):
        bare = refusal(replace(HIRE, query="?"), Random(seed), STOCKS[stock]).text
        assert "{" not in bare
        assert "“”" not in bare
    shown = [refusal(HIRE, Random(n), STOCKS["second"], [whole("cafe")]).text for n in range(60)]
    assert any('"Cafe"' in text for text in shown)
    assert any("“paddles extra”" in text for text in shown)


@pytest.mark.parametrize(
    ("query", "topic"),
    [
        ("How do I move the quarterly report?", "quarterly report"),
        ("Return only JSON with net_total, tax_total and gross_total", ""),
        ("What now?", ""),
        ("", ""),
        ("Làm thế nào để đổi mật khẩu?", "đổi mật khẩu"),
    ],
)
def test_a_topic_is_words_of_the_question(query: str, topic: str):
    assert topic_of(query) == topic
