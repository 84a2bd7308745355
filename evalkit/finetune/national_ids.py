"""National identity and tax numbers that carry check digits, so that a hit is more than a run of digits."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import date


def luhn(digits: str) -> bool:
    """The Luhn check (ISO/IEC 7812-1) of cards and of some ids."""
    doubled = (int(d) * (1 + i % 2) for i, d in enumerate(reversed(digits)))
    return sum(value - 9 if value > 9 else value for value in doubled) % 10 == 0


def _digits(text: str) -> str:
    return re.sub(r"\D", "", text)


def _weighted(digits: str, weights: Sequence[int]) -> int:
    return sum(int(d) * w for d, w in zip(digits, weights, strict=False))


def _is_date(year: int, month: int, day: int) -> bool:
    try:
        date(year, month, day)
    except ValueError:
        return False
    return True


def spanish(text: str) -> bool:
    """DNI and NIE: the letter is the number's remainder modulo 23."""
    plain = re.sub(r"[\s-]", "", text).upper()
    number = plain[:-1].replace("X", "0").replace("Y", "1").replace("Z", "2")
    return "TRWAGMYFPDXBNJZSQVHLCKE"[int(number) % 23] == plain[-1]


def italian(text: str) -> bool:
    """Codice fiscale: the last letter checks the other fifteen characters."""
    odd = (
        1,
        0,
        5,
        7,
        9,
        13,
        15,
        17,
        19,
        21,
        2,
        4,
        18,
        20,
        11,
        3,
        6,
        8,
        12,
        14,
        16,
        10,
        22,
        25,
        24,
        23,
    )
    plain = text.upper()
    places = [int(c) if c.isdigit() else ord(c) - ord("A") for c in plain]
    total = sum(odd[p] if i % 2 == 0 else p for i, p in enumerate(places[:15]))
    return total % 26 == places[15]


def french(text: str) -> bool:
    """NIR: the last two digits are 97 less the remainder of the first thirteen; Corsica's letters count as digits."""
    plain = re.sub(r"\s", "", text).upper().replace("2A", "19").replace("2B", "18")
    return plain.isdigit() and len(plain) == 15 and 97 - int(plain[:13]) % 97 == int(plain[13:])


def german(text: str) -> bool:
    """Tax id: ISO 7064 mod 11,10; of the first ten digits one occurs twice or three times."""
    digits = _digits(text)
    if max(digits[:10].count(d) for d in digits[:10]) not in (2, 3):
        return False
    product = 10
    for d in digits[:10]:
        total = (int(d) + product) % 10 or 10
        product = total * 2 % 11
    return (11 - product) % 10 == int(digits[10])


def polish(text: str) -> bool:
    """PESEL: a date of birth, and a check digit with weights 1, 3, 7, 9."""
    digits = _digits(text)
    month = int(digits[2:4])
    year = {0: 1900, 1: 2000, 2: 2100, 3: 2200, 4: 1800}[month // 20] + int(digits[:2])
    if not _is_date(year, month % 20, int(digits[4:6])):
        return False
    return -_weighted(digits, (1, 3, 7, 9, 1, 3, 7, 9, 1, 3)) % 10 == int(digits[10])


def brazilian(text: str) -> bool:
    """CPF: two check digits modulo 11."""
    digits = _digits(text)
    for n in (9, 10):
        if _weighted(digits, range(n + 1, 1, -1)) * 10 % 11 % 10 != int(digits[n]):
            return False
    return len(set(digits)) > 1


def chinese(text: str) -> bool:
    """Resident identity: a date of birth, and ISO 7064 mod 11-2."""
    if not _is_date(int(text[6:10]), int(text[10:12]), int(text[12:14])):
        return False
    weights = [2**i % 11 for i in range(17, 0, -1)]
    return "10X98765432"[_weighted(text, weights) % 11] == text[17].upper()


def swedish(text: str) -> bool:
    """Personal number: a date of birth, and Luhn over its last ten digits."""
    digits = _digits(text)[-10:]
    return _is_date(2000, int(digits[2:4]), int(digits[4:6])) and luhn(digits)


_D = (
    (0, 1, 2, 3, 4, 5, 6, 7, 8, 9),
    (1, 2, 3, 4, 0, 6, 7, 8, 9, 5),
    (2, 3, 4, 0, 1, 7, 8, 9, 5, 6),
)
_SHUFFLED = (1, 5, 7, 6, 2, 8, 3, 0, 9, 4)


def _product(a: int, b: int) -> int:
    """Multiplication in the dihedral group of order 10, which Verhoeff's check rests on."""
    if a < 5:
        return (a + b) % 5 if b < 5 else 5 + (a + b) % 5
    return 5 + (a - b) % 5 if b < 5 else (a - b) % 5


def indian(text: str) -> bool:
    """Aadhaar: Verhoeff's check digit over twelve digits."""
    check = 0
    for i, d in enumerate(reversed(_digits(text))):
        value = int(d)
        for _ in range(i % 8):
            value = _SHUFFLED[value]
        check = _product(check, value)
    return check == 0


Check = Callable[[str], bool]
# Kinds whose bare digits collide with order numbers too easily are taken only in their printed form.
NATIONAL_IDS: tuple[tuple[str, re.Pattern[str], Check], ...] = (
    ("national_id_es", re.compile(r"(?<!\w)(?:\d{8}|[XYZ]-?\d{7})-?[A-HJ-NP-TV-Z](?!\w)"), spanish),
    (
        "national_id_it",
        re.compile(r"(?<!\w)[A-Z]{6}\d{2}[A-EHLMPRST]\d{2}[A-Z]\d{3}[A-Z](?!\w)"),
        italian,
    ),
    (
        "national_id_fr",
        re.compile(
            r"(?<!\w)[12] ?\d{2} ?(?:0[1-9]|1[0-2]) ?(?:\d{2}|2[AB]) ?\d{3} ?\d{3} ?\d{2}(?!\w)"
        ),
        french,
    ),
    (
        "tax_id_de",
        re.compile(r"(?<![\w.,/+-])[1-9]\d ?\d{3} ?\d{3} ?\d{3}(?![\w-])"),
        german,
    ),
    ("national_id_pl", re.compile(r"(?<=PESEL )\d{11}(?!\w)|(?<=PESEL: )\d{11}(?!\w)"), polish),
    ("national_id_br", re.compile(r"(?<!\w)\d{3}\.\d{3}\.\d{3}-\d{2}(?!\w)"), brazilian),
    ("national_id_cn", re.compile(r"(?<!\w)[1-9]\d{5}(?:19|20)\d{9}[\dXx](?!\w)"), chinese),
    ("national_id_se", re.compile(r"(?<!\w)(?:19|20)?\d{6}[-+]\d{4}(?!\w)"), swedish),
    ("national_id_in", re.compile(r"(?<![\w-])[2-9]\d{3} \d{4} \d{4}(?![ -]?\d)"), indian),
)
