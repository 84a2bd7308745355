"""The embedded judge: claims, support, key points, equivalence and refusals in several languages."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalkit.judges.claims import claims
from evalkit.judges.coverage import coverage, denies, states
from evalkit.judges.embedded import EmbeddedJudge
from evalkit.judges.equivalence import equivalence
from evalkit.judges.features import grounding, pair
from evalkit.judges.model import Model, grounded_probability, load, same_answer_probability
from evalkit.records import Case, Evidence, Expected, KeyPoint, Passage, Trace

JUDGE = EmbeddedJudge()
LABELS = Path(__file__).resolve().parents[2] / "shared" / "data"


def grounds(response: str, *passages: str, query: str = "") -> list[bool | None]:
    context = tuple(Passage(f"d{i}", text=text) for i, text in enumerate(passages))
    evidence = JUDGE.judge(Case("c", query), Trace(response=response, context=context))
    return [claim.supported for claim in evidence.claims or ()]


FERRY = "The ferry to the island leaves at 9:30 every day. A ticket costs 12 euros for adults. Dogs are not allowed."


@pytest.mark.parametrize(
    ("response", "expected"),
    [
        ("A ticket for adults costs 12 euros.", True),
        ("A ticket for adults costs 15 euros.", False),
        ("Dogs are allowed on the ferry.", False),
        ("A ticket costs 12 euros only for Norwegian adults.", False),
        ("The captain collects antique violins from Cremona.", False),
    ],
)
def test_support_in_english(response: str, expected: bool) -> None:
    assert grounds(response, FERRY) == [expected]


@pytest.mark.parametrize(
    ("passage", "right", "wrong"),
    [
        (
            "Die Mitgliedschaft kostet 40 Euro im Jahr und endet im Dezember.",
            "Die Mitgliedschaft kostet 40 Euro.",
            "Die Mitgliedschaft kostet 60 Euro.",
        ),
        (
            "Phí thành viên là 40 euro mỗi năm.",
            "Phí thành viên là 40 euro.",
            "Phí thành viên là 60 euro.",
        ),
        ("会費は年間40ユーロです。", "会費は40ユーロです。", "会費は60ユーロです。"),
        ("رسوم العضوية 40 يورو في السنة.", "رسوم العضوية 40 يورو.", "رسوم العضوية 60 يورو."),
    ],
)
def test_support_in_other_languages(passage: str, right: str, wrong: str) -> None:
    assert grounds(right, passage) == [True]
    assert grounds(wrong, passage) == [False]


def test_a_conflict_beside_the_same_statement_is_a_contradiction() -> None:
    context = (Passage("x", text="The sea is blue."), Passage("y", text=FERRY))
    evidence = JUDGE.judge(
        Case("c", ""), Trace(response="A ticket costs 15 euros.", context=context)
    )
    (claim,) = evidence.claims or ()
    assert claim.contradicted
    assert claim.passage == 1


def test_claims_carry_their_offsets_and_leave_courtesy_and_refusals_out() -> None:
    response = (
        "Sure, happy to help!\n\nAccording to the document, the ticket costs 12 euros. "
        "The text does not mention children. Let me know if you have questions."
    )
    evidence = JUDGE.judge(Case("c", ""), Trace(response=response))
    assert [claim.text for claim in evidence.claims or ()] == ["the ticket costs 12 euros."]
    assert all(response[c.start : c.end] == c.text for c in evidence.claims or ())
    assert all(c.supported is None for c in evidence.claims or ())


def test_an_empty_context_supports_nothing_and_a_missing_one_decides_nothing() -> None:
    assert grounds("The ticket costs 12 euros.") == [False]
    evidence = JUDGE.judge(Case("c", ""), Trace(response="The ticket costs 12 euros."))
    assert [claim.supported for claim in evidence.claims or ()] == [None]


def test_without_a_response_nothing_is_stated() -> None:
    evidence = JUDGE.judge(Case("c", "", reference=("x",)), Trace())
    assert (evidence.claims, evidence.covered, evidence.correct, evidence.refused) == (None,) * 4


def test_unlabelled_cases_are_not_judged_on_labels() -> None:
    evidence = JUDGE.judge(Case("c", "q"), Trace(response="Paris."))
    assert evidence.correct is None
    assert evidence.covered is None


@pytest.mark.parametrize(
    ("answer", "reference", "query"),
    [
        ("The first prize went to Wilhelm Röntgen in 1901.", "Wilhelm Conrad Röntgen", "who won"),
        ("Wilhelm Rontgen", "Wilhelm Röntgen", ""),
        ("There are 4 seasons of the show.", "four", "how many seasons are there"),
        ("It opened on March 5th, 2024.", "2024-03-05", "when did it open"),
        ("Yes, that is allowed.", "yes", ""),
        ("Die Gebühr beträgt 1.200 Euro.", "1200 EUR", ""),
        ("首都は東京です。", "東京", "首都はどこですか"),
        ("Thủ đô là Hà Nội.", "Hà Nội", ""),
        ("العاصمة هي القاهرة.", "القاهرة", ""),
        ("I do not know.", "The documents do not say.", ""),
    ],
)
def test_equivalent_answers(answer: str, reference: str, query: str) -> None:
    assert equivalence(answer, (reference,), query) >= 0.5


@pytest.mark.parametrize(
    ("answer", "reference", "query"),
    [
        ("Marie Curie", "Wilhelm Röntgen", "who won"),
        ("There are 5 seasons of the show.", "four", "how many seasons are there"),
        ("It opened in 2023.", "2024-03-05", "when did it open"),
        ("No, that is not allowed.", "yes", ""),
        ("I cannot answer this question.", "Paris", "what is the capital"),
        ("Paris", "The documents do not say.", ""),
        ("首都は大阪です。", "東京", "首都はどこですか"),
        ("Thủ đô là Huế.", "Hà Nội", ""),
        ("العاصمة هي الإسكندرية.", "القاهرة", ""),
        ("", "Paris", ""),
    ],
)
def test_different_answers(answer: str, reference: str, query: str) -> None:
    assert equivalence(answer, (reference,), query) < 0.5


LONG = (
    "Members pay 40 euros a year. The fee is due in January, and it covers the magazine, the library "
    "and two guided tours through the old harbour of Bergen."
)


def test_long_references_are_retold_in_other_words_but_not_with_other_names() -> None:
    retold = (
        "The yearly fee of 40 euros is due in January. It includes the library, the magazine and two "
        "guided tours of the old harbour in Bergen."
    )
    assert equivalence(retold, (LONG,)) >= 0.5
    assert equivalence(LONG.replace("40", "65").replace("Bergen", "Lisbon"), (LONG,)) < 0.5
    assert equivalence("The tower was painted green by sailors.", (LONG,)) < 0.2


@pytest.mark.parametrize(
    ("point", "answer", "stated"),
    [
        ("Refunds take 14 days", "You get your money back: refunds take 14 days at most.", True),
        ("Refunds take 14 days", "Refunds take 30 days.", False),
        ("Dogs are not allowed", "Dogs are allowed on board.", False),
        ("Dogs are not allowed", "On board, dogs are not allowed.", True),
        ("The prize went to Marie Curie", "The prize went to Paul Langevin.", False),
        (
            "Rückgabe innerhalb von 14 Tagen",
            "Die Rückgabe ist innerhalb von 14 Tagen möglich.",
            True,
        ),
        ("返金は14日以内です", "返金は14日以内に行われます。", True),
        ("Hoàn tiền trong 14 ngày", "Khách được hoàn tiền trong vòng 14 ngày.", True),
        ("الاسترداد خلال 14 يوم", "يتم الاسترداد خلال 14 يوم.", True),
        ("Refunds take 14 days", "I cannot answer that.", False),
    ],
)
def test_key_points(point: str, answer: str, stated: bool) -> None:
    assert (coverage(point, answer) >= 0.5) is stated


STATED = (
    ("only the owner can cancel", "An admin cannot cancel; only the owner can."),
    ("the manager is reminded 30 minutes after the start", "The employee is reminded 10 minutes after the start, the manager 30 minutes after."),
    ("members see their own shifts", "No, members only see their own shifts; nobody sees the pay."),
    ("a group has at most 12 members", "No more than 12 members are in a group."),
    ("lists are paged with a cursor", "Lists are paged with a cursor and not with page numbers."),
    ("dogs are not allowed on deck in summer", "Dogs are forbidden on deck in summer."),
    ("nobody can see your password", "Your password cannot be seen by anybody."),
    ("the app keeps entries", "Nothing is lost, because entries are kept by the app."),
    ("a failed payment costs 5 euros", "A failed payment costs 5 euros."),
    ("Anna lives in Oslo", "Bruno lives in Bergen and Anna lives in Oslo."),
    ("Hunde sind an Bord erlaubt", "Nein, Katzen nicht; Hunde sind an Bord erlaubt."),
    ("犬は乗れません", "いいえ、犬は乗れません。"),
    ("Chó được lên tàu", "Không, mèo thì không; chó được lên tàu."),
    ("يسمح للكلاب بالصعود", "نعم، يسمح للكلاب بالصعود إلى السفينة."),
)  # fmt: skip
DENIED = (
    ("only the owner can cancel", "The owner cannot cancel."),
    ("the contract can be cancelled", "The contract can no longer be cancelled."),
    ("employees can ask for a correction", "No employees can ask for a correction."),
    ("ask for a correction for 10 days", "Employees cannot ask for a correction for 10 days."),
    ("dogs are allowed on board", "Dogs, puppies included, are not allowed on board."),
    ("dogs are allowed on deck in summer", "Dogs are forbidden on deck in summer."),
    ("lists are paged with page numbers", "Lists are paged with a cursor and not with page numbers."),
    ("a group has at most 12 members", "A group has at least 12 members."),
    ("approval is needed before the period ends", "Approval is needed after the period ends."),
    ("the manager is reminded 30 minutes after the start", "The manager is reminded 30 minutes before the start."),
    ("the manager is reminded 30 minutes after the start", "The employee is reminded 30 minutes after the start, the manager 10 minutes after."),
    ("the manager is reminded 30 minutes after the start", "The manager is reminded 10 minutes after the start, the employee 30 minutes after."),
    ("Anna lives in Oslo", "Anna lives in Bergen and Bruno lives in Oslo."),
    ("Hunde sind an Bord erlaubt", "Hunde sind an Bord nicht erlaubt."),
    ("die Frist beträgt höchstens 14 Tage", "Die Frist beträgt mindestens 14 Tage."),
    ("die Karte ist kostenlos", "Die Karte ist leider nicht mehr kostenlos."),
    ("犬は乗れません", "犬は乗れます。"),
    ("申請は開始の3日前まで", "申請は開始の3日後までです。"),
    ("Chó được lên tàu", "Chó không được lên tàu."),
    ("tối đa 14 ngày", "Ít nhất 14 ngày."),
    ("يسمح للكلاب بالصعود", "لا يسمح للكلاب بالصعود."),
)  # fmt: skip


@pytest.mark.parametrize(("point", "answer"), STATED)
def test_a_negation_elsewhere_in_the_answer_does_not_turn_a_key_point(
    point: str, answer: str
) -> None:
    assert coverage(point, answer) >= 0.5


@pytest.mark.parametrize(("point", "answer"), DENIED)
def test_a_key_point_that_the_answer_turns_round_is_not_stated(point: str, answer: str) -> None:
    assert coverage(point, answer) < 0.5


def test_the_judge_is_deterministic_and_leaves_its_inputs_alone() -> None:
    case = Case("c", "q", reference=("12 euros",), key_points=(KeyPoint("12 euros"),))
    trace = Trace(response="A ticket costs 12 euros.", context=(Passage("d", text=FERRY),))
    assert JUDGE.judge(case, trace) == EmbeddedJudge().judge(case, trace)


@pytest.mark.parametrize(
    "polite",
    [
        "I am sorry to hear this.",
        "We are here if you need us.",
        "I understand how frustrating this must be.",
        "Es tut mir leid, das zu hören.",
        "Wir sind für Sie da, wenn Sie uns brauchen.",
        "Je suis désolé d'apprendre cela.",
        "Lamento escuchar eso.",
        "Tôi rất tiếc khi nghe điều này.",
        "ご不便をおかけして申し訳ございません。",
        "يؤسفني سماع ذلك.",
    ],
)
def test_sympathy_claims_nothing(polite: str) -> None:
    assert claims(polite) == ()


@pytest.mark.parametrize(
    "answer",
    [
        "We are here every day from 9 to 5.",
        "I am sorry to hear this, but refunds take 14 days.",
        "Wenn Sie kündigen, endet der Vertrag am Monatsende.",
        "Si vous annulez, le contrat prend fin à la fin du mois.",
        "Nếu bạn hủy, hợp đồng kết thúc vào cuối tháng.",
        "إذا ألغيت، ينتهي العقد في نهاية الشهر.",
        "is about much more than weight.",
        "The stock rose. Did you know about the Montreal Exchange (MX)?",
    ],
)
def test_what_is_said_beside_or_as_a_question_is_claimed(answer: str) -> None:
    assert claims(answer)


@pytest.mark.parametrize(
    ("answer", "passage"),
    [
        ("As the help texts explain: refunds take 14 days.", "Refunds take 14 days."),
        ("According to our help centre, refunds take 14 days.", "Refunds take 14 days."),
        ("The articles you shared say that refunds take 14 days.", "Refunds take 14 days."),
        (
            "Wie die Hilfetexte erklären: Erstattungen dauern 14 Tage.",
            "Erstattungen dauern 14 Tage.",
        ),
        ("Theo trang trợ giúp, hoàn tiền mất 14 ngày.", "Hoàn tiền mất 14 ngày."),
        ("ヘルプによると、返金は14日です。", "返金は14日です。"),
    ],
)
def test_a_lead_in_makes_no_claim_unsupported(answer: str, passage: str) -> None:
    assert grounds(answer, passage) == [True]


@pytest.mark.parametrize(
    ("answer", "reference"),
    [
        ("is not online", "is online"),
        ("not online", "online"),
        ("The service is online.", "The service is not online."),
        ("The shop is not open on Sundays.", "open on Sundays"),
        ("nicht verfügbar", "verfügbar"),
        ("không trực tuyến", "trực tuyến"),
        ("オンラインではありません", "オンラインです"),
        ("온라인이 아닙니다", "온라인입니다"),
    ],
)
def test_a_property_and_its_denial_are_different_answers(answer: str, reference: str) -> None:
    assert equivalence(answer, (reference,)) < 0.5


@pytest.mark.parametrize(
    ("answer", "reference"),
    [
        ("It is online, not offline.", "online"),
        ("No, it is online.", "is online"),
        ("The service is online and does not cost anything.", "is online"),
        ("It was Paris, which is not in Italy.", "Paris"),
    ],
)
def test_a_denial_of_something_else_changes_nothing(answer: str, reference: str) -> None:
    assert equivalence(answer, (reference,)) >= 0.5


@pytest.mark.parametrize(
    ("point", "answer", "denied"),
    [
        ("返金は14日以内です", "返金は14日以内というのは誤りです。", True),
        ("会員は無料です", "会員は無料というのは間違いです。", True),
        ("환불은 14일 걸립니다", "환불이 14일 걸린다는 것은 사실이 아닙니다.", True),
        ("회원은 무료입니다", "회원은 무료가 아닙니다.", True),
        ("会員は無料です", "会員は無料です。誤りではありません。", False),
        ("회원은 무료입니다", "회원은 무료입니다. 비회원은 무료가 아닙니다.", False),
        ("dogs are allowed on board", "Dogs are not allowed on board.", True),
        ("dogs are allowed on board", "Dogs are welcome.", False),
        ("dogs are allowed on board", "I cannot answer that.", False),
    ],
)
def test_a_point_whose_words_are_there_can_be_denied(point: str, answer: str, denied: bool) -> None:
    assert denies(point, answer) is denied
    assert not (denied and states(point, answer))


@settings(max_examples=50, deadline=None)
@given(st.text(max_size=80), st.text(max_size=80), st.text(max_size=40))
def test_states_is_an_even_chance_of_coverage(point: str, answer: str, query: str) -> None:
    assert states(point, answer, query) is (coverage(point, answer, query) >= 0.5)


def test_every_feature_a_model_weighs_is_computed() -> None:
    computed = {
        "grounded": grounding("A ticket costs 12 euros.", (FERRY,)),
        "same_answer": pair("a", "b"),
    }
    for name, features in computed.items():
        assert features is not None
        assert features.keys() == load(name).weights.keys()


def test_a_model_is_a_logistic_regression_that_can_abstain() -> None:
    model = Model({"a": 2.0}, -1.0, (0.4, 0.6))
    assert model.probability({"a": 0.5}) == 0.5
    assert model.probability({"a": 1.0}) == pytest.approx(0.7310586)
    assert [model.verdict(p) for p in (0.39, 0.4, 0.59, 0.6)] == [False, None, None, True]


def test_support_raises_the_probability_of_being_grounded() -> None:
    right = grounded_probability("A ticket costs 12 euros.", (FERRY,))
    wrong = grounded_probability("The captain collects violins from Cremona.", (FERRY,))
    assert right is not None
    assert wrong is not None
    assert right > 0.8
    assert wrong < 0.3
    assert grounded_probability("I do not know.", (FERRY,)) is None


@pytest.mark.parametrize(
    ("a", "b", "same"),
    [
        ("It opened in 1901.", "The museum opened in 1901, after ten years of building.", True),
        ("It opened in 1901.", "The museum opened in 1934.", False),
        ("東京です。", "日本の首都は東京です。", True),
        ("I do not know.", "It opened in 1901.", False),
    ],
)
def test_the_same_answer(a: str, b: str, same: bool) -> None:
    assert (same_answer_probability(a, b) >= 0.5) is same


@settings(max_examples=50, deadline=None)
@given(st.text(max_size=80), st.text(max_size=80), st.text(max_size=40))
def test_the_same_answer_is_symmetric_and_bounded(a: str, b: str, query: str) -> None:
    value = same_answer_probability(a, b, query)
    assert 0 <= value <= 1
    assert value == pytest.approx(same_answer_probability(b, a, query))
    assert same_answer_probability(a, a, query) == 1.0


@settings(max_examples=50, deadline=None)
@given(
    st.text(max_size=120),
    st.lists(st.text(max_size=60), min_size=1, max_size=3),
    st.text(max_size=80),
)
def test_probabilities_are_bounded_for_any_text(
    answer: str, references: list[str], passage: str
) -> None:
    case = Case("c", "q", reference=tuple(references), key_points=(KeyPoint(references[0]),))
    evidence = JUDGE.judge(case, Trace(response=answer, context=(Passage("d", text=passage),)))
    given_values = (evidence.correct, evidence.refused, *(evidence.covered or ()))
    assert all(value is not None and 0 <= value <= 1 for value in given_values)
    assert evidence.correct == equivalence(answer, list(reversed(references)), "q")
    assert all(answer[c.start : c.end] == c.text for c in evidence.claims or ())


def test_agreement_with_people_on_correctness() -> None:
    path = LABELS / "evouna" / "judgements.jsonl"
    if not path.exists():
        pytest.skip("the human labels are not beside this repository")
    rows = [json.loads(line) for line in path.read_text("utf-8").split("\n") if line.strip()][::7]
    right = [
        (equivalence(r["answer"], r["golds"], r["question"]) >= 0.5) == r["human_correct"]
        for r in rows
    ]
    assert sum(right) / len(right) >= 0.9


def test_an_answer_behind_a_refusal_counts_where_it_is_the_one_that_is_wanted() -> None:
    said = "I have no information about groups, but a ticket costs 5 euros."
    trace = Trace(case_id="c", system="s", response=said)

    def judged(reference: str, **given: object) -> Evidence:
        return EmbeddedJudge().judge(Case("c", "?", reference=(reference,), **given), trace)

    wanted = judged("A ticket costs 5 euros.")
    assert wanted.correct > 0.5 > wanted.refused
    other = judged("Groups of ten pay 40 euros.")
    assert other.correct < 0.5 < other.refused
    declined = judged("The documents do not say what groups pay.", expected=Expected.REFUSE)
    assert declined.refused > 0.5
