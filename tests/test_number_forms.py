"""Numbers in other forms, and answers in which the numbers agree and the rest does not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.judges.bounds import beyond, bounds_agree, bounds_differ
from evalkit.judges.counted import counts_otherwise, other_days
from evalkit.judges.equivalence import equivalence
from evalkit.judges.named import full_names, other_person, unnamed
from evalkit.text.quantities import agrees, found_in, quantities

SAME = [
    "21:00 | 9 pm | 9 p.m. | 21 Uhr | 9 Uhr abends | 21h00 | 午後9時 | 21時 | 9 giờ tối | nine o'clock at night | 晚上9点 | الساعة 9 مساء",
    "17:30 | 5.30 p.m. | 5:30 pm | 17.30 Uhr | half past five | 17h30 | 午後5時半",
    "08:45 | 8:45 am | quarter to nine | Viertel vor neun",
    "€0.20 | 20 cents | EUR 0,20 | 20 ct",
    "£0.50 | 50 pence",
    "1.50 euros | 1 euro and 50 cents",
    "41,300 | 41.300 | 41 300 | 41'300 | 41300",
    "120.000đ | 120.000 đồng | 120 nghìn đồng | 120k | một trăm hai mươi nghìn đồng | 120.000 VNĐ",
    "1,500円 | 千五百円 | ￥1,500 | 1500 yen",
    "140 | hundertvierzig | 140 Personen | một trăm bốn mươi | 百四十",
    "1.850 Euro | eintausendachthundertfünfzig Euro | €1,850",
    "six months | half a year | ein halbes Jahr | nửa năm | 半年 | 6 mois",
    "75 minutes | 1 h 15 min | 1 hour and 15 minutes | an hour and a quarter | 1:15 hours | 1時間15分",
    "one year | 12 months",
    "a fortnight | 14 days | two weeks",
    "12 May 1951 | 12.05.1951 | 1951-05-12 | 12. Mai 1951 | 1951年5月12日 | 一九五一年五月十二日",
    "30 June | 六月三十日 | 6月30日",
    "minus 20 °C | -20 °C",
]
OTHER = [
    ("9 am", "9 pm"),
    ("9 pm", "9:30 pm"),
    ("12 am", "12 pm"),
    ("14 cents", "14 euros"),
    ("14 pence", "0.14 euros"),
    ("41,300", "41.3"),
    ("minus 20 degrees", "20 °C"),
    ("1 h 15 min", "15 minutes"),
    ("hai mươi năm", "25"),
    ("6月30日", "6月29日"),
]


@pytest.mark.parametrize("line", SAME)
def test_one_quantity_has_many_forms(line: str) -> None:
    first, *rest = (quantities(form) for form in line.split(" | "))
    assert first
    for other in rest:
        assert found_in(first, other) == first, other
        assert found_in(other, first) == other, other


@pytest.mark.parametrize(("one", "other"), OTHER)
def test_other_quantities_do_not_agree(one: str, other: str) -> None:
    assert not found_in(quantities(one), quantities(other))


@pytest.mark.parametrize(
    "text", ["十分な時間", "一般の三菱", "Hundertwasser", "in the half light", "năm nay"]
)
def test_words_that_only_look_like_numbers_are_none(text: str) -> None:
    assert quantities(text) == set()


@given(st.integers(0, 23), st.integers(0, 59))
def test_every_time_of_day_agrees_with_its_twelve_hour_form(hour: int, minute: int) -> None:
    half = "am" if hour < 12 else "pm"
    twelve = quantities(f"{(hour - 1) % 12 + 1}:{minute:02d} {half}")
    assert len(twelve) == 1
    assert found_in(twelve, quantities(f"{hour:02d}:{minute:02d}")) == twelve


@given(st.integers(1, 999), st.integers(0, 999))
def test_a_group_of_three_digits_may_be_either_reading(thousands: int, rest: int) -> None:
    (value,) = quantities(f"{thousands}.{rest:03d}")
    assert agrees(value, str(1000 * thousands + rest))
    assert agrees(str(1000 * thousands + rest), value)


WRONG = [
    ("Höchstens zwei Meter.", "Mindestens zwei Meter.", "Wie lang darf die Leine sein?"),
    ("Höchstens zwei Meter.", "Mehr als zwei Meter.", "Wie lang darf die Leine sein?"),
    ("at most 20 people", "at least 20 people", "How large may a group be?"),
    ("2,150 members", "Fewer than 2,150 members.", "How many members are there?"),
    ("2024年6月30日まで", "6月30日からです。", "いつまでですか。"),
    ("20 degrees Celsius", "Minus 20 degrees.", "At what temperature?"),
    ("1.850 Euro", "1.850 Euro pro Stunde", "Was kostet der Saal pro Abend?"),
    ("12 euros a day", "12 euros an hour", "What is the maximum for parking?"),
    ("140 Personen", "140 Personen stehend", "Wie viele Personen fasst der Saal sitzend?"),
    ("41,300 objects", "41,300 visitors", "How large is the collection?"),
    ("一人1,500円です。", "一組1,500円です。", "体験料はいくらですか。"),
    ("thứ Bảy từ 14 giờ đến 17 giờ", "Chủ nhật từ 14 giờ đến 17 giờ", "Khi nào mở cửa?"),
    ("Trần Văn Hòa", "Ông Trần Văn Bình", "Ai đã tặng?"),
    ("Trần Văn Hòa", "bà Trần Thị Hòa", "Ai đã tặng?"),
    ("Teresa Lindqvist", "Teresa Lindgren", "Who led it?"),
    (
        "It cost 186,000 euros and was led by Teresa Lindqvist.",
        "It cost 186,000 euros.",
        "What did it cost, and who led it?",
    ),
    ("German, English and French.", "German, English and Spanish.", "In which languages?"),
]
RIGHT = [
    ("Höchstens zwei Meter.", "Sie darf nicht länger als zwei Meter sein.", ""),
    ("18 or older", "not under 18", "How old must volunteers be?"),
    ("It cost 186,000 euros and was led by Teresa Lindqvist.", "186.000 €", "How much did the work cost?"),
    ("It cost 186,000 euros and was led by Teresa Lindqvist.", "186.000 €, under Ms Lindqvist", "What did it cost, and who led it?"),
    ("140 Personen", "140 Gäste", "Wie viele Personen fasst der Saal?"),
    ("12 euros a day", "The cap is 12.00 EUR daily.", "What is the daily maximum?"),
    ("Teresa Lindqvist", "Ms Lindqvist", "Who led it?"),
    ("William Clinton", "Bill Clinton", "Who was president?"),
    ("Joseph Nye Welch", "Joseph N. Welch said it to Joseph McCarthy.", "Who said it?"),
    ("Trần Văn Hòa", "Do ông Hòa tặng", "Ai đã tặng?"),
]  # fmt: skip


@pytest.mark.parametrize(("reference", "answer", "query"), WRONG)
def test_agreement_of_numbers_or_of_one_name_is_not_enough(
    reference: str, answer: str, query: str
) -> None:
    assert equivalence(answer, (reference,), query) < 0.5


@pytest.mark.parametrize(("reference", "answer", "query"), RIGHT)
def test_other_words_for_the_same_bound_unit_or_person_are_right(
    reference: str, answer: str, query: str
) -> None:
    assert equivalence(answer, (reference,), query) >= 0.5


def test_a_bound_is_the_same_in_digits_words_and_groups() -> None:
    assert bounds_differ("at most 2,150", "at least 2150")
    assert bounds_agree("höchstens zwei Meter", "nicht länger als 2 m")
    assert beyond("2,150 members", "more than 2,150 members")
    assert not beyond("300 members", "over 300 members")


def test_names_are_sequences_without_titles() -> None:
    assert full_names("Dr. Maria von Hagen met Tom.") == (("maria", "hagen"),)
    assert other_person(("maria", "hagen"), "Anna Hagen")
    assert not other_person(("maria", "hagen"), "Frau Hagen")
    assert unnamed("led by Maria Hagen", "It cost 5 euros.")


def test_nothing_counts_otherwise_where_the_answer_does_not_say() -> None:
    assert counts_otherwise("5 euros per hour", "5 euros per day")
    assert not counts_otherwise("5 euros per hour", "5 euros")
    assert other_days("on Monday", "am Dienstag")
    assert not other_days("on Monday", "montags")
