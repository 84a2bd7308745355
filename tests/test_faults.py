"""Each injected fault changes just what it says, under every condition; the healthy system stays healthy."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path

import pytest

import evalkit
from evalkit.faults import BY_ID, FAULTS, OracleSystem, inject, plan_faults, spoil, truth_of
from evalkit.faults.edits import edits_between
from evalkit.faults.labels import evidence_in
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
