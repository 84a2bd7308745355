"""Every condition of the table is planned from plain data, and every outcome of it is read."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalkit.condition import Ask, How, Reading, Situation, Verdict, family
from evalkit.conditions import CONDITIONS
from evalkit.conditions.edits import Edit, edit_between, edit_of
from evalkit.conditions.gold import gold_ids, oracle
from evalkit.conditions.reading import Read, read
from evalkit.records import (
    Approach,
    Capability,
    Case,
    Criterion,
    Document,
    Failure,
    KeyPoint,
    Message,
    Passage,
    Question,
    StyleRules,
    Suite,
    Trace,
)

TABLE = (
    *("closed_book", "oracle_context", "oracle_plus_noise", "distractors_only", "gold_first"),
    *("edited_context", "deep_retrieval", "index_lookup", "merged_chunks", "more_room"),
    *("paraphrase", "leading", "clarified_query", "frozen_context", "schema_enforced"),
    *("style_prompted", "criteria_prompted", "few_shot"),
)
CUT = (Passage("harbour", "harbour#0", "It opens"), Passage("ferry", "ferry#0", "A crossing costs"))
SHELF = {condition.id: condition for condition in CONDITIONS}
TEXTS = {
    "ferry": "The ferry to Norrholm leaves at 7. A crossing costs 84 crowns. Children travel for 12 crowns.",
    "harbour": "The harbour office of Norrholm opens in March. It sells maps.",
    "bikes": "Bicycles are let out beside the church for 45 crowns a day.",
    "museum": "The museum shows boats. Entry is free on Sundays.",
    "campsite": "The campsite lies behind the dunes and has 30 places.",
}
CORPUS = {name: Document(name, text, name.title()) for name, text in TEXTS.items()}
CASE = Case(
    id="c1",
    query="What does a crossing to Norrholm cost?",
    reference=("A crossing costs 84 crowns.",),
    relevant={"ferry": 1},
    key_points=(KeyPoint("a crossing costs 84 crowns", ("ferry",)),),
    schema={"type": "object"},
    style=StyleRules(max_sentences=2, banned_phrases=("cheap",), language="en"),
    criteria=(Criterion("price", "names the price", any_of=("SECRET-PHRASE",), verdict="met"),),
    paraphrases=("How much is the ferry?", "Ferry price?"),
    leading=("Is the crossing not free?",),
    clarified="What does a crossing by ferry to Norrholm cost an adult?",
    principal="guest",
)
TRAIN = (
    Case(id="t1", query="What does a bicycle cost?", reference=("45 crowns a day.",)),
    Case(id="t2", query="When does the office open?", reference_object={"month": "March"}),
)


def chunk(name: str, text: str | None = None, n: int = 0) -> Passage:
    return Passage(name, f"{name}#{n}", TEXTS[name] if text is None else text)


def chunks(*names: str) -> tuple[Passage, ...]:
    return tuple(map(chunk, names))


def here(case: Case = CASE, *came: Passage, **more: Any) -> Situation:
    found = came or chunks("harbour", "ferry", "bikes")
    suite = Suite("isle", Path(), (case, *more.pop("others", ())), CORPUS, "digest", k=3, pool=12)
    trace = Trace(
        **{"response": "It is 99 crowns.", "retrieved": found, "context": found[:3], **more}
    )
    return Situation(suite, case, trace, Question(case.query, case.messages, k=3), TRAIN)


def plan(name: str, where: Situation) -> tuple[Ask, ...]:
    return SHELF[name].plan(where)


def only(name: str, where: Situation) -> Ask:
    (ask,) = plan(name, where)
    return ask


def ids(ask: Ask) -> list[str]:
    return [p.doc_id for p in ask.passages]


# --- planning --------------------------------------------------------------------------------


def test_every_condition_of_the_table_is_on_the_shelf_once_and_in_order():
    assert tuple(c.id for c in CONDITIONS) == TABLE


def test_every_condition_has_a_meaning_and_a_system_that_can_be_asked_so():
    everything = frozenset(Capability)
    assert all(c.meaning and c.possible(everything) for c in CONDITIONS)
    assert not any(c.possible(frozenset()) for c in CONDITIONS)


@pytest.mark.parametrize("name", TABLE)
def test_planning_is_pure_and_files_under_its_own_family(name: str):
    where = here(CASE, *chunks("harbour", "ferry", "bikes"), context=CUT)
    asks = plan(name, where)
    assert asks
    assert asks == plan(name, where)
    assert {family(a.condition) for a in asks} == {name}


def test_without_labels_only_the_wording_and_the_contract_can_change():
    bare = Case(id="c1", query="What does a crossing cost?")
    where = replace(here(bare), examples=())
    asked = {name for name in TABLE if plan(name, where)}
    assert asked == {"closed_book", "frozen_context"}


def test_no_label_enters_a_question():
    where = here(CASE, *chunks("harbour", "ferry", "bikes"), context=CUT)
    for condition in CONDITIONS:
        for ask in condition.plan(where):
            told = repr(replace(ask.question, query=""))
            for label in ("84", "ferry", "SECRET-PHRASE", "'met'", "key_points"):
                assert label not in told, (condition.id, label)
            assert "84" not in ask.question.query


def test_the_oracle_holds_whole_gold_documents_best_grade_first():
    case = replace(CASE, relevant={"harbour": 1, "ferry": 2, "bikes": 0})
    ask = only("oracle_context", here(case))
    assert ids(ask) == ["ferry", "harbour"]
    assert ask.how is How.GENERATE
    assert [p.text for p in ask.passages] == [TEXTS["ferry"], TEXTS["harbour"]]


def test_the_oracle_takes_a_chunk_label_for_its_document():
    case = replace(CASE, relevant={"ferry#4": 1}, key_points=None)
    assert ids(only("oracle_context", here(case))) == ["ferry"]


def test_the_oracle_has_what_each_key_point_needs_however_many_are_relevant():
    points = (KeyPoint("maps", ("harbour",)), KeyPoint("places", ("campsite",)))
    case = replace(CASE, relevant={"ferry": 3, "bikes": 3, "museum": 3}, key_points=points)
    assert {"harbour", "campsite"} <= set(ids(only("oracle_context", here(case))))
    assert len(ids(only("oracle_context", here(case)))) == 3


def test_gold_that_the_corpus_lacks_is_taken_as_it_was_retrieved():
    case = replace(CASE, relevant={"lost": 1}, key_points=None)
    came = (Passage("lost", "lost#0", "A crossing costs 84 crowns."), chunk("bikes"))
    assert [p.text for p in only("oracle_context", here(case, *came)).passages] == [came[0].text]
    assert plan("oracle_context", here(case)) == ()


def test_noise_stands_on_both_sides_of_the_gold_and_holds_no_part_of_it():
    came = chunks("harbour", "ferry", "bikes")
    assert ids(only("oracle_plus_noise", here(CASE, *came))) == ["harbour", "ferry", "bikes"]
    assert ids(only("distractors_only", here(CASE, *came))) == ["harbour", "bikes"]


def test_distractors_are_not_asked_for_where_the_prompt_had_nothing_else():
    assert plan("distractors_only", here(CASE, *chunks("harbour", "bikes"))) == ()


def test_gold_first_moves_the_retrieved_chunk_and_keeps_the_number():
    came = (chunk("harbour"), chunk("bikes"), chunk("museum"), chunk("ferry", "84 crowns"))
    ask = only("gold_first", here(CASE, *came))
    assert [p.text for p in ask.passages] == ["84 crowns", TEXTS["harbour"], TEXTS["bikes"]]


def test_gold_first_inserts_the_whole_document_where_nothing_of_it_came():
    ask = only("gold_first", here(CASE, *chunks("harbour", "bikes", "museum")))
    assert ids(ask) == ["ferry", "harbour", "bikes"]
    assert ask.passages[0].text == TEXTS["ferry"]


def test_gold_first_makes_no_sense_where_the_gold_stood_first():
    assert plan("gold_first", here(CASE, *chunks("ferry", "bikes"))) == ()


def test_closed_book_makes_no_sense_where_the_prompt_was_empty():
    assert only("closed_book", here()).passages == ()
    assert plan("closed_book", here(CASE, context=())) == ()


def test_a_system_without_documents_is_not_asked_what_it_retrieves():
    where = replace(here(CASE, retrieved=None, context=None), approach=Approach.PROMPT)
    unasked = ("closed_book", "deep_retrieval", "index_lookup", "gold_first", "distractors_only")
    assert not any(plan(name, where) for name in unasked)
    assert plan("oracle_context", where)


def test_deep_retrieval_goes_a_hundred_places_down_or_the_pool():
    assert only("deep_retrieval", here()).question.k == 100
    where = here()
    deeper = replace(where, suite=replace(where.suite, pool=300))
    assert only("deep_retrieval", deeper).question.k == 300


def test_a_lookup_names_each_gold_document_once_and_brings_its_text():
    case = replace(CASE, relevant={"ferry#0": 1, "ferry#1": 1, "harbour": 1})
    ask = only("index_lookup", here(case))
    assert ids(ask) == ["ferry", "harbour"]
    assert ask.passages[0].text == TEXTS["ferry"]
    assert ask.calls == 2


def test_merging_replaces_the_chunks_of_gold_documents_by_the_whole():
    came = (chunk("harbour", "It sells"), chunk("ferry", "84", 0), chunk("ferry", "12", 1))
    ask = only("merged_chunks", here(CASE, *came))
    assert [p.text for p in ask.passages] == ["It sells", TEXTS["ferry"]]
    assert plan("merged_chunks", here(CASE, *chunks("ferry", "bikes"))) == ()


def test_merging_joins_the_chunks_of_a_corpus_that_has_only_chunks():
    corpus = {f"ferry#{n}": Document(f"ferry#{n}", text) for n, text in enumerate("ab")}
    where = here(replace(CASE, relevant={"ferry#1": 1}), Passage("ferry#0", None, "a"))
    ask = only("merged_chunks", replace(where, suite=replace(where.suite, corpus=corpus)))
    assert [p.text for p in ask.passages] == ["a\nb"]


def test_more_room_is_asked_for_only_where_something_did_not_reach_the_prompt():
    came = chunks("harbour", "ferry")
    assert plan("more_room", here(CASE, *came)) == ()
    ask = only("more_room", here(CASE, *came, context=came[:1]))
    assert ask.question.budget is not None
    assert ask.question.budget >= sum(len(p.text) for p in came)


def test_each_paraphrase_and_leading_question_has_its_number():
    asks = plan("paraphrase", here())
    assert [a.condition for a in asks] == ["paraphrase:0", "paraphrase:1"]
    assert [a.question.query for a in asks] == list(CASE.paraphrases)
    assert [a.condition for a in plan("leading", here())] == ["leading:0"]


def test_in_a_conversation_the_last_turn_of_the_user_is_reworded():
    turns = (Message("user", "Hello"), Message("assistant", "Yes?"), Message("user", "Price?"))
    ask = only("clarified_query", here(replace(CASE, messages=turns)))
    assert ask.question.messages is not None
    assert [m.content for m in ask.question.messages] == ["Hello", "Yes?", CASE.clarified]


def test_a_frozen_context_is_answered_several_times_with_the_first_prompt():
    asks = plan("frozen_context", here())
    assert [a.question.repeat for a in asks] == [0, 1, 2]
    assert {a.passages for a in asks} == {chunks("harbour", "ferry", "bikes")}


def test_contracts_are_handed_over_in_words():
    assert only("schema_enforced", here()).question.schema == CASE.schema
    style = only("style_prompted", here()).question.instructions or ""
    assert "at most 2 sentence" in style
    assert "cheap" in style
    assert "names the price" in (only("criteria_prompted", here()).question.instructions or "")


def test_examples_come_from_training_and_the_likest_comes_first():
    told = only("few_shot", here()).question.instructions or ""
    assert told.index("45 crowns a day.") < told.index('{"month": "March"}')
    own = (replace(CASE, id="other"), replace(TRAIN[0], group="g"))
    where = replace(here(replace(CASE, group="g")), examples=own)
    assert plan("few_shot", where) == ()


# --- one fact changed ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "answer", "before"),
    [
        ("The fee is 84 euros, 30 for students.", "It is 84 euros.", "84"),
        ("Die Frist endet am 31. Mai 2019.", "Sie endete 2019.", "2019"),
        ("会費は年間8,400円です。", "年間8,400円", "8,400"),
        ("الرسوم ٨٤ دينارا.", "٨٤ دينارا", "٨٤"),
        ("Phí thành viên là 84 nghìn đồng.", "84 nghìn đồng", "84"),
    ],
)
def test_a_number_of_the_answer_is_changed_in_any_script(text: str, answer: str, before: str):
    case = Case("x", "?", reference=(answer,), relevant={"d": 1})
    suite = Suite("s", Path(), (case,), {"d": Document("d", text)}, "digest")
    edit = edit_of(Situation(suite, case, Trace(), Question("?")))
    assert edit is not None
    assert edit.before == before
    assert edit.after != before
    assert len(edit.after) == len(before)
    assert not edit.within(edit.apply(text))
    assert edit.followed_by(answer.replace(before, edit.after))
    assert not edit.followed_by(answer)


@pytest.mark.parametrize(
    ("text", "asked", "answer", "rival", "unfit"),
    [
        (
            "The bridge was built by Anna Lindqvist in the north.",
            ("Who built the bridge over the river?", "Who is the mayor of the town?"),
            "Anna Lindqvist",
            "Per Holm",
            "The town does not say so",
        ),
        (
            "本社は大阪にあります。",
            ("本社はどこにありますか。", "工場はどこにありますか。"),
            "大阪",
            "京都",
            "Kyoto",
        ),
    ],
)
def test_a_name_is_changed_to_that_of_another_case_that_asks_alike(
    text: str, asked: tuple[str, str], answer: str, rival: str, unfit: str
):
    case = Case("x", asked[0], reference=(answer,), relevant={"d": 1})
    unlike = [Case("s", asked[1], reference=(unfit,)), Case("n", "What is it?", reference=(rival,))]
    alike = Case("y", asked[1], reference=(rival,))

    def edit(*cases: Case) -> Edit | None:
        suite = Suite("s", Path(), (case, *cases), {"d": Document("d", text)}, "digest")
        return edit_of(Situation(suite, case, Trace(), Question(case.query)))

    assert edit(*unlike, alike) == Edit(answer, rival)
    assert edit(*unlike) is None


@pytest.mark.parametrize(
    ("text", "answer", "before", "after"),
    [
        ("The hall is closed on Tuesday.", "It is closed on Tuesday.", "Tuesday", "Thursday"),
        ("プールの休館日は毎週火曜日です。", "毎週火曜日", "火曜日", "木曜日"),
        ("Thư viện đóng cửa vào thứ Hai hằng tuần.", "Vào thứ Hai.", "thứ Hai", "thứ Tư"),
        (
            "Die Frist beträgt sechs Wochen vor der Prüfung.",
            "Es sind sechs Wochen.",
            "sechs",
            "neun",
        ),
    ],
)
def test_a_day_or_a_number_in_words_is_changed_to_another_of_its_language(
    text: str, answer: str, before: str, after: str
):
    case = Case("x", "?", reference=(answer,), relevant={"d": 1})
    suite = Suite("s", Path(), (case,), {"d": Document("d", text)}, "digest")
    assert edit_of(Situation(suite, case, Trace(), Question("?"))) == Edit(before, after)


def test_a_titled_name_is_changed_to_one_with_the_same_title():
    text = "A stall is booked with the manager, Ms Adeyemi, who is in on weekdays."
    held = "Repairs are reported to the caretaker, Ms Brandt, and to the team in Lower Street."
    case = Case("x", "How is it booked?", reference=("With Ms Adeyemi",), relevant={"d": 1})
    corpus = {"d": Document("d", text), "e": Document("e", held)}
    suite = Suite("s", Path(), (case,), corpus, "digest")
    found = edit_of(Situation(suite, case, Trace(), Question(case.query)))
    assert found == Edit("Ms Adeyemi", "Ms Brandt")


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("Tres faltas sin aviso suponen una semana sin reservas.", "Una semana sin reservas"),
        ("Từ điển chỉ được đọc tại chỗ.", "Không, từ điển chỉ được đọc tại chỗ."),
        ("The store delivers to farms in the valley.", "The store delivers to farms."),
        ("Das Zeugnis ist kostenlos.", "Das Zeugnis ist kostenlos."),
    ],
)
def test_what_has_no_fluent_counterpart_is_not_edited(text: str, answer: str):
    case = Case("x", "?", reference=(answer,), relevant={"d": 1})
    others = [
        Case("a", "?", reference=("The shop does not open at all.",)),
        Case("b", "?", reference=("ärztliches Attest",)),
        Case("c", "?", reference=("Cuatro clases con monitor",)),
    ]
    suite = Suite("s", Path(), (case, *others), {"d": Document("d", text)}, "digest")
    assert edit_of(Situation(suite, case, Trace(), Question("?"))) is None


def test_what_the_question_names_is_not_changed():
    case = replace(CASE, query="Is it 84 crowns?", reference=("84 crowns",), key_points=None)
    assert edit_of(here(case)) is None


def test_an_edit_spares_longer_numbers():
    assert Edit("12", "13").apply("12 of 120, 1.12 and 12.") == "13 of 120, 1.12 and 13."


def test_the_edit_of_a_recording_is_found_by_comparing_it_with_the_gold():
    assert edit_between("It costs 84 crowns.", "It costs 97 crowns.") == Edit("84", "97")
    assert edit_between("same", "same") is None


@given(st.text(max_size=60), st.text(min_size=1, max_size=30))
@settings(max_examples=50, deadline=None)
def test_any_text_can_be_edited_or_left(text: str, answer: str):
    case = Case("x", "?", reference=(answer,), relevant={"d": 1})
    suite = Suite("s", Path(), (case,), {"d": Document("d", text)}, "digest")
    edit = edit_of(Situation(suite, case, Trace(), Question("?")))
    if edit is not None:
        assert edit.apply(text) != text


# --- reading ---------------------------------------------------------------------------------

RIGHT, WRONG = Verdict(right=True), Verdict(right=False)


def shown(condition: str, verdict: Verdict, where: Situation | None = None, **trace: Any) -> Read:
    return read(where or here(), Trace(condition=condition, **trace), verdict)


@pytest.mark.parametrize("name", ["oracle_context", "gold_first", "paraphrase:1", "more_room"])
def test_an_answer_passes_when_it_is_right(name: str):
    assert shown(name, RIGHT, response="84").reading is Reading.PASS
    assert shown(name, WRONG, response="99").reading is Reading.FAIL
    assert shown(name, Verdict(None), response="?").reading is Reading.ERROR
    assert shown(name, RIGHT, error=Failure("timeout", "")).reading is Reading.ERROR


def test_a_contract_condition_passes_only_when_its_own_contract_holds():
    off_style = Verdict(right=True, broken=("style",))
    assert shown("style_prompted", off_style, response="x").reading is Reading.FAIL
    assert shown("schema_enforced", off_style, response="x").reading is Reading.PASS
    assert shown("schema_enforced", WRONG, response="x").reading is Reading.FAIL
    assert shown("style_prompted", Verdict(None), response="x").reading is Reading.PASS


def test_with_distractors_alone_a_refusal_is_right():
    declined = Verdict(right=False, broken=("behaviour",), refused=True)
    assert shown("distractors_only", declined, response="no").reading is Reading.PASS
    assert shown("distractors_only", WRONG, response="99").reading is Reading.FAIL


def test_closed_book_tells_whether_the_answer_is_the_one_given_as_is():
    same = shown("closed_book", WRONG, response="It is 99 crowns.")
    other = shown("closed_book", WRONG, response="It leaves at noon.")
    assert (same.detail["same_as_as_is"], other.detail["same_as_as_is"]) == (True, False)


def test_an_edited_context_passes_an_answer_that_follows_it():
    edit = edit_of(here())
    assert edit is not None
    where = here()
    prompt = only("edited_context", where).passages
    assert edit.after in prompt[0].text
    follows = shown("edited_context", WRONG, where, response=f"{edit.after} crowns", context=prompt)
    ignores = shown("edited_context", RIGHT, where, response="84 crowns", context=prompt)
    assert (follows.reading, ignores.reading) == (Reading.PASS, Reading.FAIL)
    assert (follows.detail["before"], follows.detail["after"]) == ("84", edit.after)


def test_an_edit_somebody_else_made_is_read_off_the_prompt():
    prompt = (Passage("ferry", None, TEXTS["ferry"].replace("84", "71")),)
    found = shown("edited_context", WRONG, response="71 crowns", context=prompt)
    assert found.reading is Reading.PASS
    assert found.detail["after"] == "71"


def test_deep_retrieval_finds_gold_within_the_pool_and_tells_its_rank():
    where = here(CASE, *chunks("harbour", "bikes"))
    filler = [Passage(f"x{i}") for i in range(20)]
    near, far = [*filler[:8], chunk("ferry")], [*filler[:15], chunk("ferry")]
    found = shown("deep_retrieval", WRONG, where, retrieved=tuple(near))
    deeper = shown("deep_retrieval", WRONG, where, retrieved=tuple(far))
    absent = shown("deep_retrieval", WRONG, where, retrieved=tuple(filler))
    assert (found.reading, found.detail["rank"]) == (Reading.FOUND, 9)
    assert (deeper.reading, deeper.detail["rank"]) == (Reading.NOT_FOUND, 16)
    assert (absent.reading, absent.detail["rank"]) == (Reading.NOT_FOUND, None)


def test_deep_retrieval_looks_for_the_gold_that_the_prompt_lacked():
    case = replace(CASE, relevant={"ferry": 1, "campsite": 1}, key_points=None)
    where = here(case, *chunks("ferry", "bikes"))
    found = shown("deep_retrieval", WRONG, where, retrieved=chunks("ferry", "bikes", "campsite"))
    assert found.detail["rank"] == 3


def test_a_lookup_is_found_when_all_gold_is_there():
    case = replace(CASE, relevant={"ferry": 1, "harbour": 1}, key_points=None)
    both = shown("index_lookup", WRONG, here(case), retrieved=chunks("ferry", "harbour"))
    one = shown("index_lookup", WRONG, here(case), retrieved=(Passage("ferry"),))
    assert both.reading is Reading.FOUND
    assert (one.reading, one.detail["absent"]) == (Reading.NOT_FOUND, ["harbour"])
    assert shown("index_lookup", WRONG, here(case), retrieved=()).reading is Reading.NOT_FOUND


def test_a_lookup_of_key_points_needs_one_document_for_each():
    case = replace(CASE, key_points=(KeyPoint("price", ("ferry", "harbour")),))
    found = shown("index_lookup", WRONG, here(case), retrieved=(Passage("harbour"),))
    assert found.reading is Reading.FOUND


def test_gold_ids_name_every_label_once():
    case = replace(CASE, relevant={"a": 1, "b": 2, "c": 0}, key_points=(KeyPoint("p", ("d", "a")),))
    assert gold_ids(case) == ("b", "a", "d")
    assert oracle(here(case)) == ()
