"""Personal data is found by shape and check digits, in any script around it; look-alikes are not."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalkit.finetune.national_ids import luhn
from evalkit.finetune.personal_data import is_card, is_iban, personal_data


def kinds(text: str) -> list[str]:
    return [hit.kind for hit in personal_data(text)]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Schreiben Sie an jörg.müller@firma-nord.de, danke.", "email"),
        ("メールは taro.yamada@kaisha.co.jp まで。", "email"),
        ("Gọi cho tôi theo số +84 24 3825 7863 nhé.", "phone"),
        ("Tel. 030 / 901820 ab neun Uhr", "phone"),
        ("電話：03-5253-2111", "phone"),
        ("call me at (212) 664-7665", "phone"),
        ("IBAN DE89 3704 0044 0532 0130 00 bitte", "iban"),
        ("الحساب GB82WEST12345698765432 فقط", "iban"),
        ("card 4111 1111 1111 1111", "card"),
        ("5555-5555-5555-4444", "card"),
        ("378282246310005", "card"),
        ("DNI 12345678Z", "national_id_es"),
        ("NIE X1234567L", "national_id_es"),
        ("RSSMRA85T10A562S", "national_id_it"),
        ("nº 2 94 03 75 120 005 91", "national_id_fr"),
        ("Steuer-ID 86 095 742 719", "tax_id_de"),
        ("PESEL: 44051401359", "national_id_pl"),
        ("CPF 529.982.247-25", "national_id_br"),
        ("身份证 11010519491231002X", "national_id_cn"),
        ("811218-9876", "national_id_se"),
        ("Aadhaar 2341 2341 2346", "national_id_in"),
    ],
)
def test_each_kind_is_found(text, kind):
    assert kinds(text) == [kind]


@pytest.mark.parametrize(
    "text",
    [
        "write to support@firma-nord.de or no-reply@marlow.example",
        "jane@example.com, joe@host.test",
        "call 01632 960123 or (212) 555-0123 or +44 20 7946 0999",
        "Tel. +00 9687 0086",
        "IBAN DE00 0000 4606 2796 0091",
        "IBAN DE89 3704 0044 0532 0130 01",
        "card 4111 1111 1111 1112",
        "invoice 2024-118-4711, order 1234567890123456",
        "on 2024-05-17 we sold 1,234,567.89 in 12 months",
        "DNI 12345678A",
        "529.982.247-26",
        "11010519491331002X",
        "version 3.11.4, page 12-34, ratio 1:2",
        "価格は1,234,567円です。",
        "",
    ],
)
def test_look_alikes_are_not(text):
    assert kinds(text) == []


def test_several_hits_come_in_order_and_masked():
    text = "mara@firma-nord.de, +49 30 9018200, 5555 5555 5555 4444"
    found = personal_data(text)
    assert [hit.kind for hit in found] == ["email", "phone", "card"]
    for hit in found:
        assert text[hit.start : hit.end] not in hit.masked
        assert hit.masked.count("*") >= 3


@settings(max_examples=50)
@given(st.text(max_size=200))
def test_any_text_can_be_looked_at(text):
    for hit in personal_data(text):
        assert 0 <= hit.start < hit.end <= len(text)


@settings(max_examples=50)
@given(st.integers(0, 2**32))
def test_one_wrong_digit_is_noticed(seed):
    chance = random.Random(seed)
    body = "4" + "".join(chance.choice("0123456789") for _ in range(14))
    number = next(body + d for d in "0123456789" if luhn(body + d))
    place = chance.randrange(1, 16)
    wrong = (
        number[:place]
        + str((int(number[place]) + chance.randrange(1, 10)) % 10)
        + number[place + 1 :]
    )
    assert is_card(number)
    assert not is_card(wrong)
    iban = "DE89370400440532013000"
    place = chance.randrange(4, 22)
    wrong = (
        iban[:place] + str((int(iban[place]) + chance.randrange(1, 10)) % 10) + iban[place + 1 :]
    )
    assert not is_iban(wrong)
