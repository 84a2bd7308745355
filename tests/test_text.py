"""The language layer in several scripts: words, sentences, quantities, refusals, similarity."""

from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalkit.text import quantities as quantities_module
from evalkit.text import sentences as sentences_module
from evalkit.text import tokens as tokens_module
from evalkit.text.alternation import any_of
from evalkit.text.languages import detect_language
from evalkit.text.quantities import agrees, found_in, parse_number, quantities
from evalkit.text.refusal import (
    asks_clarification,
    corrects_premise,
    mentions_gap,
    refusal_probability,
)
from evalkit.text.sentences import clauses, sentences
from evalkit.text.similarity import containment, contains, same_text, token_f1
from evalkit.text.tokens import content_stems, content_words, fold_accents, names, stem, words

ANY = settings(max_examples=50, deadline=None)


def parts(text: str) -> list[str]:
    return [text[start:end] for start, end in sentences(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The U.S. Company's 1,234 cats", ["the", "us", "company", "1234", "cats"]),
        ("Straße über Köln", ["strasse", "über", "köln"]),
        ("Hà Nội là thủ đô", ["hà", "nội", "là", "thủ", "đô"]),
        ("東京都", ["東京", "京都"]),
        ("नई दिल्ली", ["नई", "दिल्ली"]),
        ("العاصمة القاهرة", ["العاصمة", "القاهرة"]),
        ("ｆｕｌｌ ＷＩＤＴＨ", ["full", "width"]),
        ("", []),
    ],
)
def test_words_in_any_script(text: str, expected: list[str]) -> None:
    assert words(text) == expected


def test_the_returned_list_of_words_may_be_changed() -> None:
    words("one two").append("three")
    assert words("one two") == ["one", "two"]


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("policies", "policy"),
        ("boxes", "box"),
        ("stopped", "stopping"),
        ("cities", "city"),
        ("العاصمة", "عاصمة"),
        ("وَالمدينة", "مدينة"),
    ],
)
def test_inflections_share_a_stem(a: str, b: str) -> None:
    assert stem(words(a)[0]) == stem(words(b)[0])


@pytest.mark.parametrize(
    ("a", "b"), [("news", "new"), ("ma", "má"), ("bus", "bu"), ("1990s", "1990")]
)
def test_different_words_keep_different_stems(a: str, b: str) -> None:
    assert stem(a) != stem(b)


@pytest.mark.parametrize(
    ("text", "kept", "dropped"),
    [
        ("The refund is paid in the month", "refund", "the"),
        ("Die Rückzahlung ist nicht in der Frist", "frist", "der"),
        ("khoản tiền của khách hàng là gì", "tiền", "của"),
        ("العقد في المدينة", "العقد", "في"),
    ],
)
def test_stop_words_of_several_languages_are_no_content(text: str, kept: str, dropped: str) -> None:
    assert kept in content_words(text)
    assert dropped not in content_words(text)


def test_a_text_of_stop_words_keeps_them() -> None:
    assert content_words("to be or not to be") == words("to be or not to be")


def test_accents_fold_except_where_they_tell_words_apart() -> None:
    assert fold_accents("Röntgen é") == "Rontgen e"
    assert fold_accents("nước Việt") == "nước Việt"


def test_names_are_capitalised_words_that_do_not_open_a_sentence() -> None:
    assert names("Yesterday Marie Curie spoke. Everyone listened to NASA.") == {
        "mari",
        "curi",
        "nasa",
    }


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Dr. J. Smith paid $1.50 today. He left!", ["Dr. J. Smith paid $1.50 today.", "He left!"]),
        ("Am 3. Oktober z. B. war es so. Ende.", ["Am 3. Oktober z. B. war es so.", "Ende."]),
        ("東京は首都です。人口は多い！", ["東京は首都です。", "人口は多い！"]),
        ("هل تعلم؟ نعم.", ["هل تعلم؟", "نعم."]),
        ("Hà Nội rất đẹp. Tôi thích nó.", ["Hà Nội rất đẹp.", "Tôi thích nó."]),
        ("- one\n- two\n\n1. Three", ["- one", "- two", "1. Three"]),
        ("A line\nthat was wrapped.", ["A line\nthat was wrapped."]),
        ("यह बड़ा है। वह छोटा है।", ["यह बड़ा है।", "वह छोटा है।"]),
        ("...", []),
    ],
)
def test_sentences_in_any_script(text: str, expected: list[str]) -> None:
    assert parts(text) == expected


def test_clauses_stay_inside_their_sentence() -> None:
    text = "The fee is 5 euros per month, and the contract ends in June. It can be renewed."
    assert [text[a:b] for a, b in clauses(text)] == [
        "The fee is 5 euros per month",
        "and the contract ends in June.",
        "It can be renewed.",
    ]


@ANY
@given(st.text(max_size=200))
def test_sentences_are_ordered_trimmed_and_keep_every_letter(text: str) -> None:
    found = sentences(text)
    assert all(a < b for a, b in found)
    assert all(found[i][1] <= found[i + 1][0] for i in range(len(found) - 1))
    assert all(text[a:b] == text[a:b].strip() for a, b in found)
    kept = "".join(text[a:b] for a, b in found)
    assert [c for c in kept if c.isalnum()] == [c for c in text if c.isalnum()]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("It cost $1,234.50", {"1234.5 USD"}),
        ("Es kostet 1.234,50 €", {"1234.5 EUR"}),
        ("Cela coûte 1 234,50 EUR", {"1234.5 EUR"}),
        ("twenty-one people and two hundred and five cats", {"21", "205"}),
        ("12 percent, 12,5 %, 12 phần trăm", {"12%", "12.5%"}),
        ("7.8 million in 2019", {"7800000", "2019"}),
        ("1,400万人", {"14000000"}),
        ("2時間と3キロ", {"7200 s", "3 kg"}),
        ("٢٥ مليون", {"25000000"}),
        ("3 km or 3000 m", {"3000 m"}),
        ("in the 4th and the fifth century", {"4", "5"}),
        ("5 triệu đồng", {"5000000 VND"}),
        ("version 1.2.3", set()),
        ("no numbers", set()),
        ("one", {"1"}),
    ],
)
def test_quantities_have_one_form(text: str, expected: set[str]) -> None:
    assert quantities(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "2024-03-05",
        "5 March 2024",
        "March 5th, 2024",
        "05.03.2024",
        "5. März 2024",
        "5 mars 2024",
        "5 de marzo de 2024",
        "2024年3月5日",
        "ngày 5 tháng 3 năm 2024",
        "5 مارس 2024",
        "5 марта 2024",
    ],
)
def test_dates_become_iso(text: str) -> None:
    assert quantities(text) == {"2024-03-05"}


def test_quantities_agree_when_one_is_less_specific() -> None:
    assert agrees("2024", "2024-03-05")
    assert agrees("--03-05", "2024-03-05")
    assert agrees("5", "5 kg")
    assert not agrees("5%", "5 kg")
    assert not agrees("2023", "2024-03-05")
    assert found_in({"5", "7"}, {"5 EUR"}) == {"5"}


@ANY
@given(st.integers(min_value=0, max_value=10**9), st.integers(min_value=0, max_value=99))
def test_every_locale_form_of_a_number_is_read_alike(whole: int, cents: int) -> None:
    english = f"{whole:,}.{cents:02d}"
    swapped = english.translate(str.maketrans(",.", ".,"))
    french = f"{whole:,}".replace(",", " ") + f",{cents:02d}"
    values = {parse_number(english), parse_number(swapped), parse_number(french)}
    assert values == {float(f"{whole}.{cents:02d}")}


REFUSALS = [
    "I am afraid our help centre does not say how long that takes.",
    "I'm sorry, but there is nothing about that in our articles.",
    "Lo siento, los documentos no contienen esa información.",
    "I'm sorry, but I cannot answer that from the documents.",
    "The passage does not say when the bridge was built.",
    "It is not possible to conclude from the documents who won.",
    "There is no information about the fee in the provided context.",
    "The answer cannot be determined.",
    "Leider kann ich diese Frage nicht beantworten.",
    "Dem Text lässt sich dazu nichts entnehmen.",
    "Je ne peux pas répondre à cette question.",
    "Le document ne mentionne pas cette information.",
    "No tengo información suficiente para responder.",
    "Xin lỗi, tôi không thể trả lời câu hỏi này.",
    "Tài liệu không đề cập đến vấn đề này.",
    "申し訳ありませんが、お答えできません。",
    "資料には記載がありません。",
    "根据提供的资料无法回答这个问题。",
    "عذرا، لا أستطيع الإجابة على هذا السؤال.",
    "لا توجد معلومات في النص عن هذا الموضوع.",
    "К сожалению, я не могу ответить на этот вопрос.",
    "",
]
ANSWERS = [
    "The bridge was built in 1931 and opened by the king.",
    "You cannot return the item after 30 days.",
    "The museum does not charge children an entrance fee.",
    "No, dogs are not allowed on the train.",
    "The ship sank in 1912, off Newfoundland, after it hit an iceberg. The exact depth is not mentioned in the text.",
    "Die Brücke wurde 1931 gebaut und ist nicht für Lastwagen zugelassen.",
    "Le musée ne ferme pas le lundi.",
    "Cầu được xây năm 1931.",
    "橋は1931年に建設されました。",
    "بني الجسر عام 1931.",
    "I am afraid the small plan has no calendar; it is part of the large one.",
    "I am sorry, hospitals do not get the discount. Charities, associations and schools do.",
    "Leider gibt es im kleinen Tarif keinen Kalender. Im großen Tarif ist er enthalten.",
    "Lo siento, el plan pequeño no tiene calendario. El plan grande lo incluye.",
    "申し訳ありませんが、小型プランにカレンダー機能はありません。大型プランで利用できます。",
]


@pytest.mark.parametrize("text", REFUSALS)
def test_refusals_and_hedged_non_answers_are_recognised(text: str) -> None:
    assert refusal_probability(text) >= 0.5


@pytest.mark.parametrize("text", ANSWERS)
def test_answers_with_negations_or_caveats_are_no_refusals(text: str) -> None:
    assert refusal_probability(text) < 0.5


def test_a_partial_answer_names_its_gap() -> None:
    text = "The fee is 20 euros a month for adults living in the city. The text does not mention children."
    assert mentions_gap(text)
    assert refusal_probability(text) < 0.5


@pytest.mark.parametrize(
    "text",
    [
        "Could you please clarify which contract you mean?",
        "Which model are you using?",
        "Könnten Sie bitte genauer sagen, welches Gerät Sie meinen?",
        "Pourriez-vous préciser votre demande ?",
        "¿Podría especificar a qué contrato se refiere?",
        "Bạn có thể nói rõ hơn không?",
        "どの製品についてのご質問でしょうか？",
        "هل يمكنك توضيح السؤال؟",
    ],
)
def test_questions_back_are_recognised(text: str) -> None:
    assert asks_clarification(text)


@pytest.mark.parametrize(
    "text",
    [
        "The fee is 5 euros. Let me know if you have more questions.",
        "Paris.",
        "Wie oben gesagt: fünf Euro.",
    ],
)
def test_offers_of_help_are_no_questions_back(text: str) -> None:
    assert not asks_clarification(text)


def test_corrections_are_recognised() -> None:
    assert corrects_premise("Actually, the tower was finished in 1889.")
    assert corrects_premise("その法律は実際には廃止されています。")
    assert not corrects_premise("The tower was finished in 1889.")


@pytest.mark.parametrize(
    ("query", "response", "corrects"),
    [
        ("How does the owner set a password for others?", "Nobody can set a password for others.", True),
        ("Which menu deletes the owner?", "The owner can be neither deleted nor paused.", True),
        ("How do I use the 30 days of leave?", "You have 25 days of leave.", True),
        ("How do I use the 30 days of leave?", "You use the 30 days of leave in spring.", False),
        ("Which menu deletes the owner?", "Open Settings and choose Delete. Tea is not included.", False),
    ],
)  # fmt: skip
def test_a_premise_is_corrected_where_the_question_is_taken_up(
    query: str, response: str, corrects: bool
) -> None:
    assert corrects_premise(response, query) is corrects


@pytest.mark.parametrize(
    "text",
    [
        "The reports cost 5 dollars. We do not have much on the price of letters.",
        "The walls are of brick. I only know the year of the roof.",
        "Der Turm ist aus Stein. Die Höhe ist nicht bekannt.",
        "Tháp xây bằng đá. Tài liệu không nêu chiều cao.",
    ],
)
def test_gaps_are_named_in_many_ways(text: str) -> None:
    assert mentions_gap(text)


SHORT_QUESTIONS = {
    "ar": ["كيف أدفع؟"],
    "da": ["Hvordan kan jeg betale?", "Hvor er min pakke?", "Hvad skal jeg gøre?"],
    "de": ["Wie kann ich bezahlen?", "Wo ist mein Paket?", "Wie viel kostet das?"],
    "el": ["Πώς πληρώνω;"],
    "en": ["How do I pay?", "What do I do", "Can I return it?", "Who do I call?"],
    "es": ["¿Cómo puedo pagar?", "¿Dónde está mi paquete?", "¿Qué hago?"],
    "fa": ["چگونه پرداخت کنم؟"],
    "fr": ["Comment puis-je payer ?", "Où est mon colis ?", "Que dois-je faire ?"],
    "he": ["איך אני משלם?"],
    "hi": ["मैं भुगतान कैसे करूँ?"],
    "id": ["Di mana paket saya?", "Apa yang harus saya lakukan?"],
    "it": ["Come posso pagare?", "Quanto costa la spedizione?", "Che cosa devo fare?"],
    "ja": ["いくらですか"],
    "ko": ["어떻게 결제하나요?"],
    "nl": ["Hoe kan ik betalen?", "Waar is mijn pakket?", "Wat moet ik doen?"],
    "pl": ["Jak mogę zapłacić?", "Gdzie jest moja paczka?", "Co mam zrobić?"],
    "pt": ["Onde está a minha encomenda?", "Quanto custa o envio?", "O que devo fazer?"],
    "ru": ["Как мне оплатить?", "Где мой заказ?", "Сколько это стоит?"],
    "sv": ["Hur kan jag betala?", "Var är mitt paket?", "Vad ska jag göra?"],
    "th": ["ฉันจะจ่ายอย่างไร"],
    "tr": ["Nasıl ödeme yapabilirim?", "Kargo ne kadar?"],
    "uk": ["Як мені заплатити?", "Де моя посилка?", "Скільки це коштує?"],
    "vi": ["Tôi thanh toán thế nào?", "Bao nhiêu tiền?"],
    "zh": ["怎么付款?"],
}


@pytest.mark.parametrize(
    ("language", "question"), [(name, q) for name, qs in SHORT_QUESTIONS.items() for q in qs]
)
def test_a_short_question_is_told_by_its_own_words(language: str, question: str) -> None:
    assert detect_language(question) == language


@pytest.mark.parametrize(
    "text",
    ["Reset password", "Do do do", "i", "do i", "PDF export", "Nokia 3310", "Paket", "Jak se máte?", "12 EUR",
     "Hogyan fizethetek?", "Miten voin maksaa?", "Invoice 4711, total 12.50 EUR"],
)  # fmt: skip
def test_a_short_text_without_evidence_has_no_language(text: str) -> None:
    assert detect_language(text) is None


def test_a_few_words_in_a_long_record_are_no_language() -> None:
    record = ", ".join(f'"field{chr(97 + i % 26)}{chr(97 + i // 26)}"' for i in range(80))
    assert detect_language(f"{record}, Pinewhistle Supply Co., Tadeo Supply Co., Mi") is None


def test_short_english_answers_are_not_read_as_another_language() -> None:
    assert detect_language("No, a failed payment costs nothing; a returned one has a fee.") == "en"
    assert detect_language("O pagamento não tem taxa e é grátis para você.") == "pt"


MIXED = st.text(
    alphabet=st.sampled_from("aZé ß-’'`.,!?\n0127年月東です한١%$€ưạ\u0301_;…") | st.characters(), max_size=60
) | st.lists(
    st.sampled_from(["two hundred", "5 May", "in may 2024", "1,234.5", "e.g. a.b.c.", "US$ 5 bn", "3 km", "100%", "x'y's", "千"]),
    max_size=6,
).map(" ".join)  # fmt: skip


@ANY
@given(MIXED)
def test_short_cuts_give_what_the_full_rules_give(text: str) -> None:
    plain = tokens_module.normalise(text)
    assert words(text) == tokens_module._in_any_script(plain)
    assert plain == unicodedata.normalize("NFKC", text.translate(tokens_module._QUOTES)).casefold()
    shown = [match.span() for match in quantities_module._numbers(plain)]
    assert shown == [match.span() for match in quantities_module._NUMBER.finditer(plain)]
    ends = [match.span() for match in sentences_module._ends(text)]
    assert ends == [match.span() for match in sentences_module._END.finditer(text)]


@ANY
@given(
    st.lists(st.text("abc.", min_size=1, max_size=4), min_size=1, max_size=8),
    st.text("abc. ", max_size=30),
)
def test_many_words_in_one_pattern_match_what_they_match_one_by_one(
    found: list[str], text: str
) -> None:
    flat = "|".join(sorted(map(re.escape, found), key=len, reverse=True))
    assert re.findall(any_of(found), text) == re.findall(flat, text)


def test_token_f1_is_the_one_of_squad() -> None:
    assert token_f1("the cat sat", "A cat sat down!") == pytest.approx(0.8)
    assert token_f1("東京", "東京都") == pytest.approx(0.8)
    assert token_f1("", "") == 1
    assert token_f1("", "x") == 0


def test_containment_overlap_and_sequence() -> None:
    assert containment("red cars", "There was one red car") == 1
    assert containment("...", "anything") is None
    assert contains("It was Marie Curie, in 1903", "marie curie")
    assert not contains("It was Marie S. Curie", "marie curie")
    assert same_text("The Cat!", "cat")


@ANY
@given(st.text(max_size=60), st.text(max_size=60))
def test_similarities_are_bounded_and_f1_is_symmetric(a: str, b: str) -> None:
    assert 0 <= token_f1(a, b) <= 1
    assert token_f1(a, b) == pytest.approx(token_f1(b, a))
    assert token_f1(a, a) == 1
    share = containment(a, b)
    assert share is None or 0 <= share <= 1
    assert 0 <= refusal_probability(a) <= 1
    assert all(isinstance(q, str) for q in quantities(a))
    assert len(content_stems(a)) <= len(words(a))


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("3 hundred men", {"300"}),
        ("41 thousand", {"41000"}),
        ("2 dozen eggs", {"24"}),
        ("in 2020 three people", {"2020", "3"}),
    ],
)
def test_a_magnitude_after_digits_multiplies_them(text: str, wanted: set[str]):
    assert quantities(text) == wanted
