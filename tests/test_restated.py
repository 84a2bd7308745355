"""A right answer in other words counts, its neighbour does not: values, senses, yes and no, bounds, in many languages."""

from __future__ import annotations

import pytest

from evalkit.judges.conclusions import concludes, excluded_by_only, says_nothing
from evalkit.judges.context import read
from evalkit.judges.coverage import EVEN, OPEN, coverage, states
from evalkit.judges.equivalence import equivalence
from evalkit.judges.restated import restated, stance
from evalkit.judges.senses import plainly
from evalkit.judges.support import assess
from evalkit.text.quantities import agrees, quantities
from evalkit.text.refusal import refusal_probability
from evalkit.text.regret import bare, opening, without_regret

# question, point, right answer in other words, wrong answer
CASES = [
    ("What does a locker cost per week?", "A locker costs 9 pounds per week.", "It's £9 for each week.", "It's £19 for each week."),
    ("How long may I keep the key?", "The key may be kept for thirty days.", "You've got 30 days.", "You've got 13 days."),
    ("Until when is the pier open?", "The pier is open until 9.30 p.m.", "It closes at 21:30.", "It closes at 20:30."),
    ("When is the bond paid back?", "The bond is paid back at once.", "You get the bond back straight away.", "The bond is never paid back."),
    ("Do pupils pay for the tram?", "Pupils ride the tram free of charge.", "No, pupils don't have to pay for it.", "Yes, pupils pay for it."),
    ("How many guests may come?", "At most two guests may come.", "No more than 2.", "At least 2."),
    ("Was kostet der Schlüssel?", "Der Schlüssel kostet 25 Euro.", "Dafür zahlt man fünfundzwanzig Euro.", "Dafür zahlt man 35 Euro."),
    ("Wie lange gilt der Pass?", "Der Pass gilt zwölf Wochen.", "Er gilt 12 Wochen.", "Er gilt 12 Tage."),
    ("¿Qué pasa si pierdo el mando?", "La pérdida del mando supone una multa de noventa euros.", "Te cae una multa de 90 €.", "Te cae una multa de 19 €."),
    ("¿Qué pasa si no pago la cuota?", "El impago de la cuota conlleva el cierre de la taquilla.", "Te cierran la taquilla.", "Te dan otra taquilla gratis."),
    ("Quel âge faut-il avoir ?", "Il faut au moins 14 ans.", "L'âge minimum est de 14 ans.", "Il faut moins de 14 ans."),
    ("Combien coûte le canoë ?", "Le canoë coûte dix-huit euros par jour.", "C'est 18 € la journée.", "C'est 18 € de l'heure."),
    ("雨の日はどうなりますか。", "全額が返金される。", "全額返金してもらえます。", "返金されません。"),
    ("Phí gửi đồ là bao nhiêu?", "Phí gửi đồ là 20.000 đồng.", "Bạn trả hai mươi nghìn đồng.", "Bạn trả 80 nghìn đồng."),
    ("كم مدة الاعتراض؟", "مدة الاعتراض خمسة عشر يوما.", "لديك 15 يوما.", "لديك 50 يوما."),
    ("寄存要多少钱？", "寄存每天二十元。", "一天20块钱。", "一天35块钱。"),
]  # fmt: skip


@pytest.mark.parametrize(("query", "point", "right", "wrong"), CASES)
def test_other_words_count_and_a_neighbouring_fact_does_not(
    query: str, point: str, right: str, wrong: str
) -> None:
    assert coverage(point, right, query) >= EVEN
    assert coverage(point, wrong, query) < EVEN


@pytest.mark.parametrize(("query", "point", "right", "wrong"), CASES)
def test_states_agrees_with_coverage(query: str, point: str, right: str, wrong: str) -> None:
    for answer in (right, wrong):
        assert states(point, answer, query) is (coverage(point, answer, query) >= EVEN)


@pytest.mark.parametrize(("query", "point", "right", "wrong"), CASES)
def test_a_reference_is_graded_like_a_key_point(
    query: str, point: str, right: str, wrong: str
) -> None:
    assert equivalence(right, [point], query) >= EVEN
    assert equivalence(wrong, [point], query) < EVEN


@pytest.mark.parametrize(
    ("query", "point", "answer"),
    [
        ("What is covered?", "The motor and the battery are covered.", "The motor is covered."),
        (
            "Do adults and children pay 5 or 9 euros?",
            "Adults pay 9 euros.",
            "Children pay 9 euros.",
        ),
        ("Can I sublet?", "You may sublet if the owner agrees.", "You may sublet."),
        ("Can I sublet?", "You may sublet the flat.", "Yes, if the owner agrees to it."),
        ("Does it end open sessions?", "Open sessions continue.", "Yes."),
        ("What happens when I am late?", "The fee doubles after 3 days.", "3 days"),
        ("Who may drive?", "Ms Okafor may drive.", "Mr Lund may drive."),
    ],
)
def test_what_leaves_out_or_changes_something_is_not_said_in_other_words(
    query: str, point: str, answer: str
) -> None:
    assert not restated(point, answer, query)


def test_without_a_question_nothing_is_taken_as_said() -> None:
    assert not restated("A locker costs 9 pounds.", "It's £9.", "")


@pytest.mark.parametrize(
    ("answer", "point", "query"),
    [
        ("Leider nein.", "Hunde sind nicht erlaubt.", "Sind Hunde erlaubt?"),
        ("Unfortunately not.", "The ticket cannot be exchanged.", "Can the ticket be exchanged?"),
        ("Malheureusement non.", "Les chiens ne sont pas admis.", "Les chiens sont-ils admis ?"),
    ],
)
def test_a_regretted_no_answers_and_is_no_refusal(answer: str, point: str, query: str) -> None:
    assert refusal_probability(answer) < 0.5
    assert coverage(point, answer, query) >= EVEN
    assert coverage(point, "Yes." if answer.isascii() else "Oui.", query) < EVEN


@pytest.mark.parametrize(
    ("text", "short", "opens"),
    [
        ("No.", False, False),
        ("I'm afraid not.", False, False),
        ("いいえ。", False, False),
        ("Yes, it is.", None, True),
        ("Không, vì trời mưa.", None, False),
        ("No dogs are allowed.", None, None),
        ("The key is here.", None, None),
    ],
)
def test_bare_answers_and_openings(text: str, short: bool | None, opens: bool | None) -> None:
    assert bare(text) is short
    assert opening(text) is opens


def test_regret_is_taken_off_the_front_only() -> None:
    assert without_regret("Leider nein.") == "nein."
    assert without_regret("Das ist leider so.") == "Das ist leider so."


def test_free_of_charge_is_a_no_to_whether_one_pays() -> None:
    assert stance("Das Parken ist kostenlos.", "Ist das Parken kostenpflichtig?") is False
    assert stance("Parking is free of charge.", "Is parking at no charge?") is True


@pytest.mark.parametrize(
    "text",
    [
        "Das Zeugnis kostet nichts.",
        "No cuesta nada.",
        "On ne paie rien.",
        "料金はかかりません。",
        "不用付钱。",
        "Không mất tiền.",
        "بدون رسوم",
    ],
)
def test_costing_nothing_is_one_sense_in_every_language(text: str) -> None:
    assert "gratis" in plainly(text)


def test_an_answer_nothing_speaks_against_is_open_not_wrong() -> None:
    query, point = (
        "Who looks after the bees?",
        "The bees are tended by the gardening club every week.",
    )
    assert OPEN <= coverage(point, "That would be the club in the garden.", query) < EVEN
    assert coverage(point, "The bees are in the orchard.", query) < OPEN


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("quatre-vingt-dix-neuf euros", {"99 EUR"}),
        ("treinta y ocho euros", {"38 EUR"}),
        ("خمسة وعشرون يوما", {"25 day"}),
        ("hai ngày", {"2 day"}),
        ("两个小时", {"7200 s"}),
        ("à dix-sept heures trente", quantities("à 17 h 30")),
        ("au moins 10 points", {"10"}),
        ("once a minute", {"60 s"}),
        ("six cents", {"6 cent"}),
        ("5 por ciento", {"5%"}),
    ],
)
def test_spelled_numbers_of_more_languages(text: str, wanted: set[str]) -> None:
    assert quantities(text) == wanted


def test_pounds_are_money_or_weight_and_a_bare_number_counts_years() -> None:
    assert agrees("12 lb", "12 GBP")
    assert not agrees("12 lb", "13 GBP")
    assert agrees("75", "900 month")
    assert not agrees("76", "900 month")
    assert agrees("172800 s", "2 day")


POOL = "The harvester is driven only by pool staff. Members book tractors by phone."


def test_what_follows_from_only_is_no_contradiction() -> None:
    context = read((POOL,), "Who may drive the harvester?")
    follows = assess("so members cannot drive it themselves", context)
    assert follows.supported is None
    assert not follows.contradicted
    assert assess("Pool staff cannot drive the harvester.", context).supported is False


def test_a_conclusion_is_known_by_how_it_begins() -> None:
    assert concludes("so members cannot")
    assert concludes("deshalb geht es nicht")
    assert not concludes("some members cannot")
    assert excluded_by_only("members cannot drive it", "It is driven only by staff.")
    assert not excluded_by_only("members can drive it", "It is driven only by staff.")


def test_a_claim_of_light_verbs_says_nothing() -> None:
    assert says_nothing("She can still take it.")
    assert not says_nothing("It costs 5 euros.")


@pytest.mark.parametrize(
    ("claim", "supported"),
    [("Intake runs till 22:00.", True), ("Intake runs till 23:00.", False)],
)
def test_a_value_in_another_notation_is_supported(claim: str, supported: bool) -> None:
    context = read(("Intake is open from 7 a.m. to 10 p.m.",), "Until when is intake open?")
    assert assess(claim, context).supported is supported


@pytest.mark.parametrize(
    ("text", "refuses"),
    [
        ("The number of sites isn't stated.", True),
        ("Die Zahl der Boote wird nicht genannt.", True),
        ("The price is described, the hours are not.", True),
        ("The deposit is not refunded.", False),
        ("The fee is 5 euros and the deadline is not stated.", False),
    ],
)
def test_saying_only_that_something_is_not_told_declines(text: str, refuses: bool) -> None:
    assert (refusal_probability(text) >= 0.5) is refuses
