"""Row metrics between retriever and prompt, each by known answers."""

import math

import pytest

from evalkit.metrics import context as c
from evalkit.records import Document, KeyPoint, Passage


def docs(*names: str) -> tuple[Passage, ...]:
    return tuple(Passage(*name.split("/")) for name in names)


def said(*texts: str) -> tuple[Passage, ...]:
    return tuple(Passage(f"d{n}", f"c{n}", text) for n, text in enumerate(texts))


def test_first_gold_rank_counts_from_one_and_is_undefined_when_absent():
    assert c.first_gold_rank({"A": 1, "B": 0}, docs("B", "X", "A", "A")) == 3
    assert c.first_gold_rank({"A": 1}, docs("X")) is None
    assert c.first_gold_rank({}, docs("X")) is None


def test_gold_in_context_asks_only_for_what_was_found_within_k():
    relevant, retrieved = {"A": 1, "B": 2, "C": 1}, docs("A/1", "X/1", "A/2", "B/1")
    assert c.gold_in_context(relevant, retrieved, docs("A/2"), k=4) == 0.5
    assert c.gold_in_context(relevant, retrieved, docs("A/2"), k=3) == 1
    assert c.gold_in_context(relevant, docs("X"), docs("X"), k=3) is None


def test_context_loss_compares_chunks_where_both_sides_name_them():
    retrieved = docs("A/1", "A/2", "B/1")
    assert c.context_loss(retrieved, docs("A/1"), k=3) == pytest.approx(2 / 3)
    assert c.context_loss(retrieved, docs("A"), k=3) == pytest.approx(1 / 3)
    assert c.context_loss(docs("A", "B"), docs("A/7"), k=3) == 0.5
    assert c.context_loss(retrieved, (), k=2) == 1
    assert c.context_loss((), docs("A"), k=2) is None


def test_context_recall_and_evidence_in_context():
    points = (KeyPoint("one", ("A", "B")), KeyPoint("two", ("C",)), KeyPoint("unsourced"))
    assert c.context_recall({"A": 1, "C": 3, "D": 0}, docs("A/1", "D/1")) == 0.5
    assert c.context_recall({"D": 0}, docs("D")) is None
    assert c.evidence_in_context(points, docs("B/4")) == 0.5
    assert c.evidence_in_context(points, ()) == 0
    assert c.evidence_in_context((KeyPoint("unsourced"),), docs("B")) is None


@pytest.mark.parametrize(
    ("text", "again"),
    [
        ("Refunds are paid within 14 days.", "Within 14 days, refunds are paid!"),
        ("返金は十四日以内に行われます。", "返金は十四日以内に行われます"),
        ("Hoàn tiền trong vòng 14 ngày.", "HOÀN TIỀN trong vòng 14 ngày"),
        (
            "Rückgabe ist innerhalb von 14 Tagen möglich.",
            "Innerhalb von 14 Tagen ist Rückgabe möglich",
        ),
        ("يتم رد المبلغ خلال 14 يوما.", "خلال 14 يوما يتم رد المبلغ"),
    ],
)
def test_redundancy_finds_repeated_text_in_any_script(text, again):
    assert c.redundancy(
        said(text, "An entirely unrelated sentence: 完全に別 khác hẳn.", again), k=3
    ) == pytest.approx(1 / 3)
    assert c.redundancy(said(text, "Something else", again), k=2) == 0


def test_redundancy_needs_two_texts():
    assert c.redundancy(said("one text"), k=5) is None
    assert c.redundancy((*said("one text"), *docs("A", "B")), k=5) is None
    assert c.redundancy((), k=5) is None


def test_permission_ok_is_undefined_where_nothing_is_forbidden():
    assert c.permission_ok(("S",), docs("A", "S/2")) == 0
    assert c.permission_ok(("S",), docs("A")) == 1
    assert c.permission_ok(("S",), ()) == 1
    assert c.permission_ok((), docs("A")) is None


def test_staleness_ok_is_the_share_of_known_documents_that_are_current():
    corpus = {"new": Document("new", "x"), "old": Document("old", "x", superseded_by="new")}
    assert c.staleness_ok(docs("new"), corpus) == 1
    assert c.staleness_ok(docs("new/1", "old/1", "old/2", "unknown"), corpus) == 0.5
    assert c.staleness_ok(docs("unknown"), corpus) is None
    assert c.staleness_ok((), corpus) is None


POLICY = Document(
    "P",
    "The shop opened in 1998. Refunds are paid within fourteen days of the return. Gift cards never expire.",
)
POINT = KeyPoint("Refunds take at most fourteen days", ("P",))


def test_evidence_coverage_sees_evidence_under_new_ids_and_cuts():
    corpus = {"P": POLICY}
    whole = said("Refunds are paid within fourteen days of the return.")
    assert c.evidence_coverage((POINT,), corpus, whole) == 1
    assert (
        c.evidence_coverage((POINT,), corpus, said("Refunds are paid", "Gift cards never expire."))
        == 0
    )
    assert c.evidence_coverage((POINT, KeyPoint("Gift cards never expire")), corpus, whole) == 0.5


def test_evidence_coverage_takes_no_sentence_for_evidence_that_shares_no_word():
    paraphrase = KeyPoint("Money comes back quickly", ("P",))
    assert c.evidence_coverage((paraphrase,), {"P": POLICY}, said("The shop opened in 1998.")) == 0


def test_evidence_coverage_reads_the_document_of_a_passage_given_by_id_alone():
    assert c.evidence_coverage((POINT,), {"P": POLICY}, docs("P")) == 1


def test_evidence_coverage_is_undefined_without_texts_and_zero_without_passages():
    assert c.evidence_coverage((POINT,), {"P": POLICY}, docs("P/7")) is None
    assert c.evidence_coverage((), {"P": POLICY}, said("text")) is None
    assert c.evidence_coverage((POINT,), {"P": POLICY}, ()) == 0


@pytest.mark.parametrize(
    ("point", "evidence", "other"),
    [
        ("返金は十四日以内", "商品の返金は十四日以内に行われます。", "店舗は九時に開きます。"),
        (
            "Hoàn tiền trong 14 ngày",
            "Cửa hàng hoàn tiền trong vòng 14 ngày.",
            "Cửa hàng mở cửa lúc chín giờ.",
        ),
        (
            "Erstattung binnen 14 Tagen",
            "Die Erstattung erfolgt binnen 14 Tagen.",
            "Der Laden öffnet um neun.",
        ),
        ("رد المبلغ خلال 14 يوما", "يتم رد المبلغ خلال 14 يوما.", "يفتح المتجر في التاسعة."),
    ],
)
def test_evidence_coverage_in_other_scripts(point, evidence, other):
    corpus = {"D": Document("D", f"{other} {evidence}")}
    points = (KeyPoint(point, ("D",)),)
    assert c.evidence_coverage(points, corpus, said(evidence)) == 1
    assert c.evidence_coverage(points, corpus, said(other)) == 0


def test_metrics_carry_the_suites_k_and_directions():
    shelf = {metric.name: metric for metric in c.context_metrics(2)}
    assert shelf["context_loss"].compute(docs("A", "B", "C"), docs("A", "B")) == 0
    assert shelf["first_gold_rank"].high == math.inf
    worse = {name for name, metric in shelf.items() if not metric.higher_is_better}
    assert worse == {"first_gold_rank", "context_loss", "redundancy"}
    assert all(len(metric.card) > 80 for metric in shelf.values())
