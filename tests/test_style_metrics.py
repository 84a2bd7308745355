"""Known answers and properties of the metrics of house style and brand voice."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from timing import least

from evalkit.metrics.style import brand_voice, style, style_report
from evalkit.records import StyleRules
from evalkit.text.languages import detect_language
from evalkit.text.manner import has_first_person, has_register, politeness, says
from evalkit.text.readability import reading_grade, sentence_count, syllables, word_count

EVERY_RULE = StyleRules(
    max_sentences=3,
    min_words=5,
    max_words=40,
    sentence_words=(3, 20),
    reading_grade=(0, 12),
    register="formal",
    forbid_first_person=True,
    forbid_emoji=True,
    forbid_exclamation=True,
    banned_phrases=("cheap",),
    required_phrases=("refund policy",),
    opening="Dear customer,",
    closing="Kind regards",
    politeness=(0.6, 1.0),
    language="en",
    sections=("Next steps",),
    exemplars=("not a rule",),
)
GOOD = "Dear customer, please consult the Refund Policy before the return.\n\n**Next steps**\n\nThe parcel may be sent back. Kind regards"
BAD = "Hey!! I guess our stuff is cheap, don't worry 🎉"


def rules(**given_):
    return StyleRules(**given_)


def test_every_rule_is_reported_and_a_good_answer_holds_to_all():
    report = style_report(EVERY_RULE, GOOD.replace("\n\n**Next steps**\n\n", "\nNext steps: "))
    assert set(report) == set(StyleRules.__dataclass_fields__) - {"exemplars"}
    assert all(report.values()), report


def test_a_bad_answer_breaks_what_it_breaks():
    report = style_report(EVERY_RULE, BAD)
    kept = {rule for rule, held in report.items() if held}
    assert kept == {
        "max_sentences",
        "min_words",
        "max_words",
        "sentence_words",
        "language",
    }
    assert style(EVERY_RULE, BAD) == pytest.approx(5 / 16)


def test_style_is_undefined_without_rules_or_prose():
    assert style(StyleRules(), GOOD) is None
    assert style(rules(exemplars=("a",) * 9), GOOD) is None
    assert style(EVERY_RULE, '{"answer": "Hey!!"}') is None
    assert style(EVERY_RULE, '```json\n["Hey!!"]\n```') is None
    assert style(EVERY_RULE, "  ") is None


def test_a_limit_of_zero_is_a_rule_and_an_unmeasurable_rule_is_left_out():
    assert style_report(rules(max_words=0), "One.") == {"max_words": False}
    assert style_report(rules(reading_grade=(0, 8)), "請求書の期限は金曜日です。") == {}
    assert style_report(rules(language="de"), "42") == {}


@pytest.mark.parametrize(
    ("text", "words", "sentences"),
    [
        ("Mr. Smith didn't pay 1,234.50 euros. Why?", 7, 2),
        ("Die Rechnung ist z.B. am Freitag fällig.", 7, 1),
        ("Hóa đơn đến hạn vào thứ Sáu. Xin cảm ơn.", 10, 2),
        ("請求書の期限は金曜日です。ご確認ください。", 10, 2),
        ("الفاتورة مستحقة يوم الجمعة. هل دفعت؟", 6, 2),
        ("", 0, 0),
    ],
)
def test_words_and_sentences_are_counted_in_any_script(text, words, sentences):
    assert (word_count(text), sentence_count(text)) == (words, sentences)


@pytest.mark.parametrize(
    ("word", "count"),
    [
        ("cat", 1),
        ("table", 2),
        ("invoice", 2),
        ("document", 3),
        ("jumped", 1),
        ("wanted", 2),
        ("makes", 1),
        ("houses", 2),
        ("nation", 2),
        ("beautiful", 3),
        ("readability", 5),
        ("science", 2),
    ],
)
def test_english_syllables(word, count):
    assert syllables(word) == count


def test_harder_texts_need_a_higher_grade():
    easy, hard = (
        "The cat sat on the mat. It was warm.",
        "Notwithstanding contractual obligations, organisations frequently underestimate administrative complexity.",
    )
    assert reading_grade(easy, "en") < 3
    assert reading_grade(hard, "en") > 15
    leicht, schwer = (
        "Die Katze liegt da. Es ist warm.",
        "Ungeachtet vertraglicher Verpflichtungen unterschätzen Organisationen regelmäßig Verwaltungsaufwände.",
    )
    assert reading_grade(leicht, "de") < reading_grade(schwer, "de")
    assert reading_grade("", "en") is None


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "The invoice is due on Friday."),
        ("de", "Die Rechnung ist am Freitag fällig."),
        ("fr", "La facture est à payer pour vendredi."),
        ("es", "La factura vence el viernes y no se puede cambiar."),
        ("it", "La fattura è per il venerdì."),
        ("nl", "De factuur is op vrijdag voor u."),
        ("pt", "A fatura não vence na sexta."),
        ("vi", "Hóa đơn đến hạn vào thứ Sáu."),
        ("ja", "請求書の期限は金曜日です。"),
        ("zh", "发票周五到期。"),
        ("ko", "송장은 금요일까지입니다."),
        ("ar", "الفاتورة مستحقة يوم الجمعة."),
        ("ru", "Счёт нужно оплатить до пятницы."),
        (None, "42"),
        (None, "Berlin"),
    ],
)
def test_languages_are_told_apart(language, text):
    assert detect_language(text) == language
    if language:
        assert style_report(rules(language=f"{language}-XX"), text) == {"language": True}
        assert style_report(rules(language="en" if language != "en" else "de"), text) == {
            "language": False
        }


@pytest.mark.parametrize(
    ("formal", "informal"),
    [
        (
            "We regret to inform you that the request would require approval.",
            "Hey, it's no problem, you're gonna love this stuff!!",
        ),
        (
            "Könnten Sie bitte die Rechnung an uns senden?",
            "Hey, du kannst das echt easy machen, ok?",
        ),
        ("ご確認をお願いいたします。", "これマジやばいよ！"),
        ("Quý khách vui lòng kiểm tra lại hóa đơn ạ.", "Ê mày, xem lại đi nha, ok!"),
        ("يرجى من حضرتكم التحقق من الفاتورة.", "هلا، شو هالفاتورة؟ يلا"),
        ("Veuillez vérifier votre facture, Madame.", "Salut, t'as vu ton truc ? C'est cool"),
    ],
)
def test_registers_are_told_apart(formal, informal):
    assert has_register(formal, "formal")
    assert not has_register(formal, "informal")
    assert has_register(informal, "informal")
    assert not has_register(informal, "formal")
    assert politeness(formal) >= politeness(informal)


def test_a_plain_statement_is_formal_and_neutral():
    assert has_register("The invoice is due on Friday.", "formal")
    assert has_register("The invoice is due on Friday.", "neutral")


def test_politeness_runs_from_rude_to_polite():
    rude, plain, kind = (
        "Obviously that is stupid, not my problem.",
        "It is due on Friday.",
        "Thank you for writing. Could you please send the form? We appreciate it.",
    )
    assert politeness(rude) < politeness(plain) == 0.5 < politeness(kind) <= 1.0


@pytest.mark.parametrize(
    ("text", "language", "found"),
    [
        ("I think so.", "en", True),
        ("Ask us.", "en", True),
        ("World War I ended in 1918.", "en", False),
        ("The US economy, Type I errors", "en", False),
        ("Das glaube ich.", "de", True),
        ("Das ist richtig.", "de", False),
        ("J'ai payé.", "fr", True),
        ("私はそう思います。", "ja", True),
        ("私立大学です。", "ja", False),
        ("Tôi nghĩ vậy.", "vi", True),
        ("أنا أعتقد ذلك.", "ar", True),
    ],
)
def test_the_first_person_is_found(text, language, found):
    assert has_first_person(text, language) is found


@pytest.mark.parametrize(
    ("text", "phrase", "found"),
    [
        ("It is not cheaper.", "cheap", False),
        ("CHEAP, but good", "cheap", True),
        ("Die STRASSE", "straße", True),
        ("don’t  do it", "don't do", True),
        ("格安です", "安", True),
        ("C++ is used", "c++", True),
        ("Gebührenfreiheit", "gebühren", False),
        ("Miễn phí hoàn toàn", "miễn phí", True),
    ],
)
def test_phrases_are_whole_words_where_the_script_has_words(text, phrase, found):
    assert says(text, phrase) is found


def test_marks_in_code_are_no_style():
    text = "Compare `a != b` and `print('!')`."
    assert style_report(rules(forbid_exclamation=True, forbid_emoji=True), text) == {
        "forbid_exclamation": True,
        "forbid_emoji": True,
    }
    assert style_report(rules(forbid_exclamation=True), "はい！") == {"forbid_exclamation": False}
    assert style_report(rules(forbid_emoji=True), "Done ✓ ©") == {"forbid_emoji": True}
    assert style_report(rules(forbid_emoji=True), "Done ✅ ☎\ufe0f") == {"forbid_emoji": False}


# --- brand voice -----------------------------------------------------------------------------

TOPICS = [
    "your invoice",
    "the delivery",
    "a refund",
    "your account",
    "the warranty",
    "the contract",
    "the upgrade",
]
FORMAL = tuple(
    f"Dear customer, thank you for your enquiry about {x}. We confirm that the matter has been settled. Please contact our service desk if you require further assistance."
    for x in TOPICS
)
CHATTY = tuple(
    f"yo!! ur {x.split()[-1]} is all good now lol 🎉 hit me up if u need anything!" for x in TOPICS
)
JAPANESE = tuple(
    f"お客様、{x}についてお問い合わせいただき、誠にありがとうございます。ご不明な点がございましたら、ご連絡ください。"
    for x in ("請求書", "配送", "返金", "契約", "保証", "更新")
)


def test_an_answer_in_the_exemplars_voice_scores_high_and_one_in_another_low():
    formal, chatty = rules(exemplars=FORMAL[:-1]), rules(exemplars=CHATTY[:-1])
    assert brand_voice(formal, FORMAL[-1]) > 0.9
    assert brand_voice(chatty, CHATTY[-1]) > 0.9
    assert brand_voice(formal, CHATTY[-1]) < 0.2
    assert brand_voice(chatty, FORMAL[-1]) < 0.2


def test_a_reworded_answer_in_the_same_tone_lies_between():
    reworded = "Thank you for your message. The repair has been completed and the device will be returned on Friday. Please let us know if you require anything else."
    assert (
        brand_voice(rules(exemplars=FORMAL), CHATTY[0])
        < brand_voice(rules(exemplars=FORMAL), reworded)
        < brand_voice(rules(exemplars=FORMAL), FORMAL[0])
    )


def test_brand_voice_works_without_spaces():
    assert brand_voice(rules(exemplars=JAPANESE[:-1]), JAPANESE[-1]) > 0.9
    assert brand_voice(rules(exemplars=JAPANESE[:-1]), "マジやばい、すぐ返金するよ！") < 0.5


def test_brand_voice_is_undefined_with_few_exemplars_or_no_prose():
    assert brand_voice(rules(exemplars=FORMAL[:4]), FORMAL[0]) is None
    assert brand_voice(rules(exemplars=FORMAL), '{"a": 1}') is None
    assert brand_voice(rules(exemplars=FORMAL), "?!") is None


# --- properties ------------------------------------------------------------------------------


@settings(max_examples=50, deadline=None)
@given(st.text(max_size=200))
def test_style_never_raises_and_stays_in_range(text):
    for metric, asked in ((style, EVERY_RULE), (brand_voice, rules(exemplars=FORMAL))):
        value = metric(asked, text)
        assert value is None or 0.0 <= value <= 1.0
        assert value == metric(asked, text)


@settings(max_examples=30, deadline=None)
@given(st.permutations(FORMAL), st.sampled_from([*FORMAL, *CHATTY]))
def test_the_order_of_exemplars_does_not_matter(exemplars, text):
    assert brand_voice(rules(exemplars=tuple(exemplars)), text) == pytest.approx(
        brand_voice(rules(exemplars=FORMAL), text), rel=1e-6
    )


@pytest.mark.parametrize("piece", ["!", "!?", " ", ". ", "`", "a'", "ا", "*", "n't", "\n", "あ。"])
def test_style_takes_linear_time(piece):
    text = "a" + piece * (60_000 // len(piece)) + "a"
    assert least(lambda: style(EVERY_RULE, text), within=2) < 2
