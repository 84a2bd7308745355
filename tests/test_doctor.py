"""The doctor: every doubt about labels and corpus is found where it is planted, and nowhere else."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

import pytest
from support import make_case, make_corpus, make_graded, make_suite, make_trace
from timing import least

from evalkit.api import from_traces
from evalkit.cli import _run
from evalkit.doctor.chunks import in_mid_sentence
from evalkit.doctor.complaint import Complaint
from evalkit.doctor.examine import corpus_complaints, examine, label_complaints, told
from evalkit.grade import Graded
from evalkit.records import (
    Case,
    Claim,
    Document,
    Evidence,
    Expected,
    Message,
    Passage,
    Suite,
    Trace,
)
from evalkit.suite import load_suite

DATASETS = Path(__file__).parents[1] / "datasets"
FEES = "Membership costs 84 euros a year. Students pay 40 euros. Fees are due on the first of May."
HALL = (
    "Rehearsals are held in the town hall every Tuesday at half past seven. Bring your own stand."
)
CORPUS = make_corpus(fees=FEES, hall=HALL)
FEE = make_case(
    "fee",
    "What does membership cost?",
    reference="Membership costs 84 euros a year.",
    relevant=["fees"],
    key_points=[("membership costs 84 euros a year", ["fees"])],
)
WHERE = make_case(
    "where", "Where do you rehearse?", reference="In the town hall.", relevant=["hall"]
)


def found(complaints: Sequence[Complaint], kind: str) -> list[tuple[str, tuple[str, ...]]]:
    return [(c.subject, c.others) for c in complaints if c.kind == kind]


def doubts(*cases: Case, corpus: dict[str, Document] | None = None) -> list[Complaint]:
    return label_complaints(make_suite(cases, CORPUS if corpus is None else corpus), {})


def of_corpus(corpus: dict[str, Document], *cases: Case) -> list[Complaint]:
    return corpus_complaints(make_suite(cases, corpus), {})


def graded(suite: Suite, *answers: Trace, approach: str = "rag", claims: bool = True) -> Graded:
    evidence = [
        Evidence(
            "test",
            claims=(Claim(t.response or "", 0, len(t.response or ""), supported=claims),),
            covered=(0.0,),
            correct=1.0 if t.condition == "closed_book" else 0.0,
            refused=0.0,
        )
        for t in answers
    ]
    return make_graded(suite, answers, approach=approach, evidence=evidence)


def test_a_healthy_suite_has_no_complaint():
    suite = make_suite([FEE, WHERE], CORPUS)
    assert examine(suite, {}) == {"labels": [], "corpus": []}


# --- labels ----------------------------------------------------------------------------------


def test_gold_that_the_corpus_lacks():
    case = replace(FEE, relevant={"fees": 1, "tariff": 1})
    assert found(doubts(case), "gold_absent") == [("fee", ("tariff",))]
    assert not doubts(replace(FEE, relevant={"fees#0": 1}))  # a chunk counts as its document
    assert not label_complaints(
        make_suite([case]), {}
    )  # a suite without a corpus has nothing to lack


@pytest.mark.parametrize(
    ("key_point", "text"),
    [
        ("membership costs 95 euros a year", FEES),
        ("the conductor is called Petra Lindqvist", FEES),
        ("dogs may enter provided somebody holds their lead", FEES),
        ("年会費は九十五ユーロ、95ユーロです", "年会費は84ユーロです。学生は40ユーロを払います。"),
        ("Phí thành viên là 95 euro mỗi năm", "Phí thành viên là 84 euro mỗi năm."),
        ("Der Beitrag beträgt 95 Euro im Jahr", "Der Beitrag beträgt 84 Euro im Jahr."),
        ("رسوم العضوية 95 يورو في السنة", "رسوم العضوية 84 يورو في السنة."),
    ],
)
def test_a_key_point_that_its_gold_does_not_say(key_point, text):
    corpus = make_corpus(fees=text, hall=HALL)
    case = make_case(relevant=["fees"], key_points=[(key_point, ["fees"])])
    assert found(doubts(case, corpus=corpus), "insufficient") == [("c1", ("fees",))]


@pytest.mark.parametrize(
    ("key_point", "text"),
    [
        ("students pay less, 40 euros", FEES),
        ("you pay €84 per year", FEES),
        ("it is due at the start of May", FEES),
        (
            "Der Beitrag beträgt 84 Euro pro Jahr",
            FEES,
        ),  # another language: only numbers can be compared
        ("年会費は84ユーロ", "年会費は84ユーロです。学生は40ユーロを払います。"),
        ("mỗi năm 84 euro", "Phí thành viên là 84 euro mỗi năm."),
        ("Jährlich werden 84 Euro Beitrag fällig", "Der Beitrag beträgt 84 Euro im Jahr."),
        ("العضوية 84 يورو", "رسوم العضوية 84 يورو في السنة."),
    ],
)
def test_a_key_point_in_other_words_is_no_complaint(key_point, text):
    corpus = make_corpus(fees=text, hall=HALL)
    assert not doubts(
        make_case(relevant=["fees"], key_points=[(key_point, ["fees"])]), corpus=corpus
    )


def test_a_reference_is_checked_where_there_are_no_key_points():
    wrong = make_case(reference="It costs 95 euros.", relevant=["fees"])
    assert found(doubts(wrong), "insufficient") == [("c1", ("fees",))]
    assert not doubts(replace(wrong, expected=Expected.REFUSE))


def test_same_question_with_another_reference_or_behaviour_or_gold():
    again = replace(FEE, id="again", query="what does  membership cost")
    assert not doubts(FEE, again)
    assert not doubts(FEE, replace(again, principal="staff", expected=Expected.REFUSE))
    assert not doubts(FEE, replace(again, reference=("84 euros a year is what membership costs.",)))
    assert not doubts(FEE, replace(again, relevant={"fees": 1, "hall": 1}))
    plain = replace(FEE, key_points=None)
    for other in (
        replace(again, reference=("Membership costs 40 euros a year.",)),
        replace(again, expected=Expected.REFUSE),
    ):
        assert found(doubts(FEE, other), "contradictory") == [("again", ("fee",))]
    swapped = replace(again, relevant={"hall": 1}, key_points=None)
    assert found(doubts(plain, swapped), "contradictory") == [("again", ("fee",))]
    before = (Message("user", "And for students?"),)
    assert not found(doubts(plain, replace(swapped, messages=before)), "contradictory")


def test_two_systems_that_agree_against_an_unsupported_label():
    case = replace(FEE, key_points=None, reference=("Membership costs 95 euros a year.",))
    suite = make_suite([case], CORPUS)
    answer = make_trace("It costs 84 euros a year.", "fee", corpus=CORPUS, context=["fees"])
    one, two = graded(suite, answer), graded(suite, answer)
    other = replace(answer, response="Students pay 40 euros.")
    agreed = found(label_complaints(suite, {"a": one, "b": two}), "systems_agree")
    assert agreed == [("fee", ("a", "b"))]
    for pair in ({"a": one}, {"a": one, "b": graded(suite, other)}):
        assert not found(label_complaints(suite, pair), "systems_agree")
    ungrounded = {"a": one, "b": graded(suite, answer, claims=False)}
    assert not found(label_complaints(suite, ungrounded), "systems_agree")


def test_systems_that_agree_against_a_label_which_the_gold_says_are_simply_wrong():
    suite = make_suite([FEE], CORPUS)
    answer = make_trace("Students pay 40 euros.", "fee", corpus=CORPUS, context=["fees"])
    both = {"a": graded(suite, answer), "b": graded(suite, answer)}
    assert not label_complaints(suite, both)


def test_a_value_that_systems_agree_on_and_only_the_label_denies():
    corpus = make_corpus(fees=FEES)
    case = make_case(
        reference_object={"payer": "Pensioners", "due": "May"}, relevant=["fees"], query="Who pays?"
    )
    suite = make_suite([case], corpus)
    answer = make_trace('{"payer": "Students", "due": "May"}', corpus=corpus, context=["fees"])
    both = {name: make_graded(suite, [answer]) for name in "ab"}
    assert found(label_complaints(suite, both), "systems_agree") == [("c1", ("a", "b"))]


def test_an_answer_that_needs_no_document():
    plain = replace(FEE, key_points=None)
    suite = make_suite([plain], CORPUS)
    without = make_trace("Membership costs 84 euros a year.", "fee", condition="closed_book")
    asked = make_trace("It costs 40 euros.", "fee", corpus=CORPUS, context=["fees"])
    both = {"a": graded(suite, asked, without)}
    assert found(label_complaints(suite, both), "closed_book") == [("fee", ("a",))]
    assert not label_complaints(suite, {"a": graded(suite, asked)})


# --- corpus ----------------------------------------------------------------------------------


def document(doc_id: str, text: str, title: str = "Fees", **more: object) -> Document:
    return Document(doc_id, text, title=title, **more)  # type: ignore[arg-type]


def test_copies_and_versions_are_told_apart():
    changed = FEES.replace("84", "90")
    reworded = FEES.replace("Students pay", "All students pay")
    for text, kind in (
        (changed, "versions"),
        (reworded, "near_duplicate"),
        (FEES, "near_duplicate"),
    ):
        docs = {
            "a": document("a", FEES),
            "b": document("b", text),
            "h": document("h", HALL, "Hall"),
        }
        assert [(c.kind, c.subject, c.others) for c in of_corpus(docs)] == [(kind, "a", ("b",))]
        docs["a"] = replace(docs["a"], superseded_by="b")
        assert not of_corpus(docs)


@pytest.mark.parametrize(
    "text",
    [
        "年会費は84ユーロです。学生は40ユーロを払います。会費は五月一日までに払ってください。",
        "Phí thành viên là 84 euro mỗi năm, còn sinh viên trả 40 euro trước ngày đầu tháng năm.",
        "رسوم العضوية 84 يورو في السنة ويدفع الطلاب 40 يورو قبل أول مايو من كل عام جديد.",
    ],
)
def test_versions_are_found_in_any_script(text):
    docs = {"a": document("a", text, "T"), "b": document("b", text.replace("84", "90"), "T")}
    assert found(of_corpus(docs), "versions") == [("a", ("b",))]


def test_versions_of_one_title_may_be_worded_differently():
    later = "A year of membership costs 90 euros. Students pay 45 euros. Fees are due on the first of May."
    docs = {"a": document("a", FEES, "Fees 2023"), "b": document("b", later, "Fees 2024")}
    assert found(of_corpus(docs), "versions") == [("a", ("b",))]
    docs["b"] = replace(docs["b"], title="Fees abroad")
    assert not of_corpus(docs)


def test_documents_for_different_people_or_places_do_not_contradict():
    docs = {
        "a": document("a", FEES, metadata={"area": "north"}),
        "b": document("b", FEES.replace("84", "90"), metadata={"area": "south"}),
    }
    assert not found(of_corpus(docs), "versions")


def test_a_form_filled_in_many_times_is_no_set_of_versions():
    form = "The member with number {} has paid the fee of {} euros for the whole year, and may use "
    form += "the hall, the library and the garden on every day of it."
    docs = {f"d{i}": document(f"d{i}", form.format(100 + i, 40 + i)) for i in range(30)}
    assert found(of_corpus(docs), "near_duplicate") == [
        ("d0", tuple(f"d{i}" for i in range(1, 30)))
    ]
    assert not found(of_corpus(docs), "versions")


def test_key_points_that_no_document_supports():
    case = replace(FEE, key_points=make_case(key_points=["membership costs 95 euros"]).key_points)
    assert found(of_corpus(CORPUS, case), "unsupported_key_point") == [("fee", ())]
    moved = replace(case, relevant={"hall": 1}, key_points=FEE.key_points)
    assert not found(of_corpus(CORPUS, moved), "unsupported_key_point")  # another document says it
    assert not of_corpus(CORPUS, FEE, WHERE)


def test_gold_that_the_asker_may_not_see():
    hidden = {**CORPUS, "fees": replace(CORPUS["fees"], metadata={"audience": ["staff"]})}
    assert found(of_corpus(hidden, FEE), "permission_only") == [("fee", ("fees",))]
    assert not of_corpus(hidden, replace(FEE, principal="staff"))
    assert not of_corpus(hidden, replace(FEE, expected=Expected.REFUSE, key_points=None))
    assert found(of_corpus(CORPUS, replace(FEE, forbidden=("fees",))), "permission_only")


def test_gold_that_no_system_ever_retrieves():
    suite = make_suite([FEE, WHERE], CORPUS)
    traces = [
        make_trace("x", case_id, corpus=CORPUS, retrieved=["hall"]) for case_id in ("fee", "where")
    ]
    assert found(
        corpus_complaints(suite, {"a": make_graded(suite, traces)}), "never_retrieved"
    ) == [("fees", ("fee",))]
    prompt = make_graded(
        suite, [make_trace("x", "fee"), make_trace("x", "where")], approach="prompt"
    )
    assert not corpus_complaints(suite, {"a": prompt})


def retrieving(text: str, *chunks: str) -> list[Complaint]:
    corpus = make_corpus(doc=text)
    suite = make_suite([make_case(relevant=["doc"])], corpus)
    passages = [Passage("doc", f"doc#{i}", chunk) for i, chunk in enumerate(chunks)]
    trace = make_trace("x", retrieved=passages, context=passages)
    return corpus_complaints(suite, {"a": make_graded(suite, [trace])})


def test_chunks_that_start_in_mid_sentence():
    complaints = retrieving(FEES, FEES[:40], FEES[40:], FEES[FEES.index("Students") :])
    assert found(complaints, "mid_sentence") == [("doc", ("doc#1",))]
    japanese = "年会費は84ユーロです。学生は40ユーロを払います。"
    assert found(retrieving(japanese, japanese[:5], japanese[5:]), "mid_sentence")
    assert not retrieving(japanese, japanese[:12], japanese[japanese.index("学生") :])


def test_a_document_that_starts_in_mid_sentence():
    docs = make_corpus(a="and so the fee was raised again. The members agreed to it.", b=HALL)
    assert found(of_corpus(docs), "mid_sentence") == [("a", ())]
    assert not of_corpus(
        make_corpus(a="iPhone users pay nothing at all. They may ask.", b="ok then")
    )
    assert not in_mid_sentence("", "", -1)


def test_chunks_that_lost_their_heading():
    text = "Fees\nMembership costs 84 euros.\n\nRehearsals\nOn Tuesday. Bring your own stand.\n"
    start = text.index("On Tuesday")
    complaints = retrieving(text, text[:start], text[start:])
    assert found(complaints, "lost_heading") == [("doc", ("doc#1",))]
    assert not retrieving(text, text[: text.index("Rehearsals")], text[text.index("Rehearsals") :])


# --- in use ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["helpdesk", "invoices"])
def test_the_shipped_suites_are_healthy(name):
    assert examine(load_suite(DATASETS / name), {}) == {"labels": [], "corpus": []}


def test_corrupted_labels_of_the_helpdesk_are_found():
    suite = load_suite(DATASETS / "helpdesk")
    pointed = [c for c in suite.cases if c.key_points and c.relevant]
    texts = [c.key_points[0].text for c in pointed if c.key_points]
    moved = [  # every case is given the key point of the one a third of the way further on
        replace(c, key_points=(replace(c.key_points[0], text=texts[(i + 80) % len(texts)]),))
        for i, c in enumerate(pointed)
        if c.key_points
    ]
    told_of = found(label_complaints(replace(suite, cases=tuple(moved)), {}), "insufficient")
    assert len(told_of) >= 0.8 * len(moved)


def test_thousands_of_documents_take_seconds():
    rng = random.Random(5)
    words = [f"{rng.choice('bdfgklmnprst')}{rng.choice('aeiou')}{i}" for i in range(4000)]
    texts = {f"d{i}": " ".join(rng.choices(words, k=100)) for i in range(5000)}
    texts |= {f"copy{i}": texts[f"d{i}"] + " indeed" for i in range(40)}
    corpus = make_corpus(**texts)
    complaints = of_corpus(corpus)
    assert least(lambda: of_corpus(corpus), within=10) < 10
    assert found(complaints, "near_duplicate") == [(f"d{i}", (f"copy{i}",)) for i in range(40)]


def test_told_shows_every_kind_and_counts_the_rest():
    many = [Complaint("near_duplicate", f"d{i}", "is a copy") for i in range(9)]
    lines = list(told([*many, Complaint("permission_only", "c", "is hidden")], 3))
    assert lines[:2] == [
        "near_duplicate: document d0: is a copy",
        "permission_only: case c: is hidden",
    ]
    assert lines[3] == "and 7 more (7 near_duplicate)"
    assert not list(told([], 3))


def test_check_tells_of_doubtful_labels_and_documents(tmp_path, capsys):
    (tmp_path / "suite.yaml").write_text("format: 1\nname: choir\n")
    cases = [
        {"id": "a", "query": "What is it?", "reference": "It is 95 euros.", "relevant": ["fees"]},
        {"id": "b", "query": "What is it", "reference": "It is 84 euros.", "relevant": ["gone"]},
    ]
    docs = [{"_id": "fees", "text": FEES}, {"_id": "copy", "text": FEES}]
    for name, rows in (("cases", cases), ("corpus", docs)):
        (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows))
    assert _run(["check", str(tmp_path)]) == 0
    out = capsys.readouterr().out
    assert "labels: insufficient: case a: the gold documents (fees)" in out
    assert "labels: contradictory: case b: asks the same as case a" in out
    assert "corpus: near_duplicate: document fees: says nearly the same as copy" in out
    assert out.count("the corpus lacks gone") == 1


def test_the_doctor_is_in_diagnosis_json_and_in_the_reports(tmp_path):
    from jsonschema import Draft202012Validator

    case = replace(FEE, relevant={"fees": 1, "tariff": 1})
    suite = make_suite([case], {**CORPUS, "copy": replace(CORPUS["fees"], doc_id="copy")})
    trace = make_trace("84 euros", "fee", retrieved=[], context=[])
    from_traces(suite, {"s": [trace]}).write(tmp_path)
    written = json.loads((tmp_path / "diagnosis.json").read_text())
    assert [c["kind"] for c in written["doctor"]["labels"]] == ["gold_absent"]
    assert {c["kind"] for c in written["doctor"]["corpus"]} == {"near_duplicate", "never_retrieved"}
    schema = (files("evalkit") / "schemas" / "diagnosis.schema.json").read_text(encoding="utf-8")
    Draft202012Validator(json.loads(schema)).validate(written)
    brief = (tmp_path / "report.md").read_text()
    assert "doubtful in the suite itself" in brief
    assert "the corpus lacks tariff" in brief
    assert "the corpus lacks tariff" in (tmp_path / "report.html").read_text()
