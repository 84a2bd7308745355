"""Personal data in a text: addresses, telephone numbers, and numbers whose check digits agree; never names."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from evalkit.finetune.national_ids import NATIONAL_IDS, luhn

NOT_ATTEMPTED = (
    "names, postal addresses and dates of birth are not looked for: no rule finds them reliably"
)

_EMAIL = re.compile(r"(?<![\w.+-])([\w.+-]{1,64})@([\w-]{1,63}(?:\.[\w-]{1,63})+)", re.UNICODE)
# RFC 2606 and RFC 6761 reserve these: nobody can have an address there.
_RESERVED = re.compile(r"(?:^|\.)(?:example(?:\.(?:com|net|org))?|test|invalid|localhost)$")
_ROLES = re.compile(
    r"(?:no-?reply|do-?not-?reply|info|support|help|sales|office|contact|service|billing|accounts?|hello|team|kontakt|mail|admin|press|jobs|hr|privacy|legal|orders?|invoices?)(?:[._+-].*)?",
    re.IGNORECASE,
)
_CUE = r"(?:tel|telephone|phone|mobile|cell|fax|call|whatsapp|telefon|téléphone|teléfono|điện thoại|電話|电话|هاتف)"
_PHONES = (
    re.compile(r"(?<![\w+.,/-])\+[1-9][\d\u00a0 ()./-]{6,20}\d(?!\w)"),
    re.compile(
        rf"\b{_CUE}\W{{0,4}}(?:no\W{{0,2}}|nr\W{{0,2}})?(\(?0[1-9][\d\u00a0 ()./-]{{5,16}}\d)(?!\w)",
        re.IGNORECASE,
    ),
    re.compile(r"(?<![\w.,/-])(?:\([2-9]\d\d\)\s?|[2-9]\d\d[-.])[2-9]\d\d[-.]\d{4}(?![\w-])"),
)
# Digits of numbers kept for fiction: North America's 555-01xx, and Ofcom's (United Kingdom).
_FICTIONAL = re.compile(
    r"55501\d\d$|(?:0|44)(?:1632960|7700900|2079460|1134960|1144960|1154960|1164960|1174960|1184960|1214960"
    r"|1314960|1414960|1514960|1614960|1914980|8081570|9098790)\d{3}$"
)
_IBAN = re.compile(
    r"(?<!\w)[A-Z]{2}\d{2}(?:[ \u00a0]?[A-Z0-9]{4}){2,7}(?:[ \u00a0]?[A-Z0-9]{1,3})?(?!\w)"
)
_CARD = re.compile(r"(?<![\w.,/+-])(?:\d[ \u00a0-]?){12,18}\d(?![\w-])")
# First digits and lengths that card networks issue (ISO/IEC 7812 ranges in public use).
_ISSUERS = re.compile(
    r"4\d{12}(?:\d{3}){0,2}|5[1-5]\d{14}|2(?:22[1-9]|2[3-9]\d|[3-6]\d\d|7[01]\d|720)\d{12}|3[47]\d{13}"
    r"|6(?:011|5\d\d)\d{12}|35(?:2[89]|[3-8]\d)\d{12}|3(?:0[0-5]|[68]\d)\d{11}|62\d{14,17}"
)


@dataclass(frozen=True, slots=True)
class PersonalDatum:
    """One hit: its kind and where it stands; ``masked`` is safe to show."""

    kind: str
    start: int
    end: int
    masked: str


def personal_data(text: str) -> list[PersonalDatum]:
    """E-mail addresses, telephone numbers, IBANs, payment cards and national ids in ``text``, in their order.

    Addresses of reserved domains (``.example``) and of roles (``support@``) belong to nobody and are left
    out, so are telephone numbers kept for fiction. IBANs, cards and ids count only with right check digits.
    What lies inside a hit that began earlier is not counted again.
    """
    if not any(c.isdigit() or c == "@" for c in text):
        return []
    found = sorted(_hits(text), key=lambda hit: (hit.start, -hit.end))
    kept: list[PersonalDatum] = []
    for hit in found:
        if not kept or hit.start >= kept[-1].end:
            kept.append(hit)
    return kept


def _hits(text: str) -> Iterator[PersonalDatum]:
    for found in _EMAIL.finditer(text):
        if not _RESERVED.search(found[2].casefold()) and not _ROLES.fullmatch(found[1]):
            yield _datum("email", found.start(), found.end(), text)
    for found in _IBAN.finditer(text):
        if is_iban(found.group()):
            yield _datum("iban", found.start(), found.end(), text)
    for found in _CARD.finditer(text):
        if is_card(found.group()):
            yield _datum("card", found.start(), found.end(), text)
    for kind, pattern, check in NATIONAL_IDS:
        for found in pattern.finditer(text):
            if check(found.group()):
                yield _datum(kind, found.start(), found.end(), text)
    yield from _phones(text)


def _phones(text: str) -> Iterator[PersonalDatum]:
    for pattern in _PHONES:
        for found in pattern.finditer(text):
            group = 1 if pattern.groups else 0
            digits = re.sub(r"\D", "", found[group])
            if 8 <= len(digits) <= 15 and not _FICTIONAL.search(digits):
                yield _datum("phone", found.start(group), found.end(group), text)


def _datum(kind: str, start: int, end: int, text: str) -> PersonalDatum:
    shown = text[start : start + 2]
    return PersonalDatum(
        kind, start, end, f"{shown}{'*' * max(3, end - start - 4)}{text[end - 2 : end]}"
    )


def is_iban(text: str) -> bool:
    """Whether letters and digits give remainder 1 modulo 97 (ISO 13616); check digits 00, 01, 99 are not issued."""
    plain = re.sub(r"\s", "", text)
    if not 15 <= len(plain) <= 34 or plain[2:4] in ("00", "01", "99"):
        return False
    return int("".join(str(int(c, 36)) for c in plain[4:] + plain[:4])) % 97 == 1


def is_card(text: str) -> bool:
    """Whether the digits are a number that a card network issues, with the right check digit (Luhn)."""
    digits = re.sub(r"\D", "", text)
    return _ISSUERS.fullmatch(digits) is not None and luhn(digits)
