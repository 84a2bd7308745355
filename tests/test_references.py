"""References of several statements: partial, swapped, negated, paraphrased and reordered answers, and how points follow."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalkit.facts import points
from evalkit.fields import prose
from evalkit.judges.cited import cited
from evalkit.judges.embedded import EmbeddedJudge
from evalkit.judges.equivalence import equivalence
from evalkit.judges.references import statements
from evalkit.judges.substitution import substituted
from evalkit.records import Approach, Case, Claim, Document, Passage, Suite, Trace

ENGLISH = (
    "The lighthouse of Skarvik was built in 1874 by the engineer Karl Lund. Its lamp burned whale oil until 1911. "
    "Today a small museum in the tower shows charts and old ship bells."
)
GERMAN = (
    "Der Leuchtturm wurde 1874 von Karl Lund in Bergen errichtet. Seine Lampe brannte bis 1911 mit Walöl. "
    "Heute zeigt ein kleines Museum im Turm Seekarten und alte Schiffsglocken."
)
VIETNAMESE = (
    "Ngọn hải đăng được xây năm 1874 ở Đà Nẵng. Đèn dùng dầu cá voi đến năm 1911. "
    "Ngày nay một bảo tàng nhỏ trong tháp trưng bày hải đồ và chuông tàu cổ."
)
JAPANESE = "灯台は1874年に京都府で建設されました。燈火は1911年まで鯨油を使いました。現在は塔内の小さな博物館が海図と古い鐘を展示しています。"
REFERENCES = {"en": ENGLISH, "de": GERMAN, "vi": VIETNAMESE, "ja": JAPANESE}
SWAPS = {
    "en": (("Karl Lund", "Peter Moen"), ("1874", "1892"), ("Skarvik", "Hellnes")),
    "de": (("Karl Lund", "Peter Moen"), ("1874", "1892"), ("Bergen", "Oslo")),
    "vi": (("Đà Nẵng", "Hải Phòng"), ("1874", "1892")),
    "ja": (("京都府", "大阪府"), ("1874", "1892")),
}
ALL = sorted(REFERENCES)


def parts(language: str) -> list[str]:
    return [statement.text for statement in statements(REFERENCES[language])]


def joined(language: str, chosen: list[str]) -> str:
    return ("" if language == "ja" else " ").join(chosen)


@pytest.mark.parametrize("language", ALL)
def test_a_reference_has_a_statement_for_each_sentence(language: str) -> None:
    assert len(parts(language)) == 3


def test_coordinated_clauses_are_statements_only_where_they_stand_alone() -> None:
    both = "The northern harbour serves large ferries, and the southern harbour serves small fishing boats."
    assert len(statements(both)) == 2
    assert len(statements("Tickets are sold on board, in the shop, and at the pier.")) == 1


def test_an_aside_is_no_statement_that_an_answer_needs() -> None:
    reference = (
        "Visitors climb ninety narrow iron steps to the gallery around the lamp. It is lovely."
    )
    assert [s.substantial for s in statements(reference)] == [True, False]
    assert equivalence(reference[:-14], (reference,)) >= 0.5


@pytest.mark.parametrize("language", ALL)
def test_a_partial_answer_is_not_the_whole(language: str) -> None:
    assert equivalence(parts(language)[0], (REFERENCES[language],)) < 0.5


@pytest.mark.parametrize("language", ALL)
@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 99))
def test_the_order_of_statements_does_not_matter(language: str, seed: int) -> None:
    shuffled = parts(language)
    random.Random(seed).shuffle(shuffled)
    assert equivalence(joined(language, shuffled), (REFERENCES[language],)) >= 0.5


@pytest.mark.parametrize(
    ("language", "right", "wrong"), [(key, *swap) for key in ALL for swap in SWAPS[key]]
)
def test_another_name_or_number_in_the_same_place_is_another_statement(
    language: str, right: str, wrong: str
) -> None:
    reference = REFERENCES[language]
    assert equivalence(reference.replace(right, wrong), (reference,)) < 0.5
    assert equivalence(reference, (reference.replace(right, wrong),)) < 0.5


@pytest.mark.parametrize(
    ("plain", "denied"),
    [
        ("The museum is open to visitors on Sundays in winter.", "The museum is not open to visitors on Sundays in winter."),
        ("Visitors may climb the tower in a storm.", "Visitors may never climb the tower in a storm."),
        ("Dogs are allowed on the gallery of the tower.", "Dogs are forbidden on the gallery of the tower."),
        ("Besucher dürfen den Turm bei Sturm besteigen.", "Besucher dürfen den Turm bei Sturm nicht besteigen."),
        ("Khách được lên tháp khi trời có bão lớn.", "Khách không được lên tháp khi trời có bão lớn."),
        ("訪問者は冬の日曜日に塔に登れます。", "訪問者は冬の日曜日に塔に登れません。"),
    ],
)  # fmt: skip
def test_a_not_in_the_same_sentence_turns_it(plain: str, denied: str) -> None:
    assert substituted(plain, denied)
    assert substituted(denied, plain)


SAME = (
    ("The library opened on 3 May 1988 in the old mill.", "The library opened in the old mill on May 3rd, 1988, with Anna Berg as its head."),
    ("The town has 41,200 inhabitants in the valley.", "The town has 41200 inhabitants in the valley."),
    ("The province has 4,013,200 inhabitants in the valley.", "The province has about 4 million inhabitants in the valley."),
    ("Members may not bring dogs on board.", "Members cannot bring dogs on board."),
    ("Bringing dogs on board is not allowed.", "Bringing dogs on board is forbidden."),
    ("Nobody may enter the old mill at night.", "No one may enter the old mill at night."),
    ("Passwords on this site do not expire.", "No, passwords on this site do not expire."),
    ("The manager gets a message each Monday; nothing is cut off.", "The manager gets a message each Monday."),
    ("The tower was built by Karl Lund in Skarvik.", "The tower was built by Lund."),
    ("The tower was built by Karl Lund.", "The tower was built by the architect Karl Lund of Hellnes in 1920."),
    ("The treaty was signed by the United States in 1920.", "The treaty was signed by the U.S. in 1920."),
    ("The German army left the harbour in 1944.", "The army of Germany left the harbour in 1944."),
    ("The road is 40 km long and very steep.", "The road is 25 miles long and very steep."),
    ("Die Gebühr für das Boot beträgt 40 Euro.", "Die Kosten für das Boot betragen 40 Euro."),
    ("Der Antrag muss bis Freitag bei der Behörde gestellt werden.", "Das Gesuch muss bis Freitag bei der Behörde gestellt werden."),
    ("Khách được hoàn tiền trong 14 ngày.", "Khách hàng sẽ được hoàn tiền trong vòng 14 ngày."),
    ("返金は14日以内に行われます。", "払い戻しは14日以内に行われます。"),
)  # fmt: skip


@pytest.mark.parametrize(("one", "other"), SAME)
def test_other_wording_spelling_and_detail_substitute_nothing(one: str, other: str) -> None:
    assert not substituted(one, other)
    assert not substituted(other, one)


@settings(max_examples=50, deadline=None)
@given(st.text(max_size=120))
def test_a_text_substitutes_nothing_of_itself(text: str) -> None:
    assert not substituted(text, text)


def test_a_paraphrase_of_all_statements_is_the_reference() -> None:
    answer = (
        "Karl Lund, an engineer, built the Skarvik lighthouse in 1874. Until 1911 whale oil burned in its lamp. "
        "A little museum now shows ship bells and charts inside the tower."
    )
    assert equivalence(answer, (ENGLISH,)) >= 0.5


# --- points ------------------------------------------------------------------------------------


def points_for(
    answer: str, reference: str, gold: str = ENGLISH
) -> list[tuple[bool | None, bool | None]]:
    case = Case("c", "What is known of the building?", reference=(reference,), relevant={"g": 1})
    suite = Suite("s", Path(), (case,), {"g": Document("g", gold)}, "s")
    context = (Passage("g", text=gold),)
    trace = Trace(response=answer, retrieved=context, context=context, system="s", case_id="c")
    evidence = EmbeddedJudge().judge(case, trace)
    found = points(suite, trace, case, evidence, Approach.RAG)
    return [(point.stated, point.supported_by_gold) for point in found]


@pytest.mark.parametrize("language", ALL)
def test_a_partial_answer_states_a_part_of_the_points(language: str) -> None:
    reference = REFERENCES[language]
    found = points_for(parts(language)[0], reference, reference)
    assert found[0] == (True, True)
    assert set(found[1:]) == {(False, True)}


@pytest.mark.parametrize(
    ("language", "right", "wrong"), [(key, *swap) for key in ALL for swap in SWAPS[key]]
)
def test_a_spoiled_label_is_one_that_its_documents_do_not_say(
    language: str, right: str, wrong: str
) -> None:
    good = REFERENCES[language]
    found = points_for(good, good.replace(right, wrong), good)
    assert (False, False) in found


def test_a_label_in_other_words_is_not_held_against_its_documents() -> None:
    label = (
        "Karl Lund built the Skarvik lighthouse in 1874. Whale oil burned in its lamp until 1911."
    )
    assert False not in [supported for _, supported in points_for("It is tall.", label)]


def test_a_wrong_answer_is_not_incomplete() -> None:
    assert points_for(ENGLISH.replace("Karl Lund", "Peter Moen"), ENGLISH) == [(False, True)]


def test_a_right_answer_leaves_nothing_out() -> None:
    assert points_for(ENGLISH, ENGLISH) == [(True, True)]


# --- citations ---------------------------------------------------------------------------------

NOISE = "The ferry in the harbour of Skarvik takes cars. Tickets are sold in the tower of the old customs house."
SHOWN = (
    Passage("gold", text=ENGLISH),
    Passage("noise", text=NOISE),
    Passage("half", text=parts("en")[1]),
)
CLAIMS = tuple(Claim(text, 0, 1, None) for text in parts("en"))


def test_a_passage_cited_in_place_of_the_one_that_says_it_is_a_wrong_citation() -> None:
    assert cited(("noise",), SHOWN, CLAIMS) == (False,)
    assert cited(("gold",), SHOWN, CLAIMS) == (True,)


def test_a_second_passage_that_supports_a_part_is_rightly_cited() -> None:
    assert cited(("gold", "half"), SHOWN, CLAIMS) == (True, True)


def test_a_citation_of_what_was_not_shown_cannot_be_told() -> None:
    assert cited(("elsewhere",), SHOWN, CLAIMS) == (None,)


@pytest.mark.parametrize("ascii_only", [True, False])
def test_the_prose_of_a_record_is_judged_however_it_is_escaped(ascii_only: bool) -> None:
    quoted = f'"Ørnulf" \U0001f6a2 agrees: {VIETNAMESE} {JAPANESE}'
    response = json.dumps({"answer": f"{quoted}\n"}, ensure_ascii=ascii_only)
    places, text, in_prose = prose(response)
    assert (text, in_prose) == (f"{quoted}\n", True)
    assert len(places) == len(text) + 1
    assert response[places[-1] :] == '"}'
    assert all(response[places[i]] in (char, "\\") for i, char in enumerate(text))
