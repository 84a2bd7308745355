"""Spanish and French numbers written in words, and Arabic ones, as digits in the text."""

from __future__ import annotations

import re
from collections.abc import Collection

from evalkit.text.alternation import any_of

_SPANISH_ONES = "uno dos tres cuatro cinco seis siete ocho nueve diez once doce trece catorce quince dieciséis diecisiete dieciocho diecinueve veinte"
_FRENCH_ONES = "un deux trois quatre cinq six sept huit neuf dix onze douze treize quatorze quinze seize dix-sept dix-huit dix-neuf vingt"
_TWENTIES = "veintiuno veintidós veintitrés veinticuatro veinticinco veintiséis veintisiete veintiocho veintinueve"
_HUNDREDS = "cien doscientos trescientos cuatrocientos quinientos seiscientos setecientos ochocientos novecientos"
_TENS = {
    "treinta": 30, "cuarenta": 40, "cincuenta": 50, "sesenta": 60, "setenta": 70, "ochenta": 80, "noventa": 90,
    "trente": 30, "quarante": 40, "cinquante": 50, "soixante": 60, "septante": 70, "huitante": 80, "nonante": 90,
    "soixante-dix": 70, "quatre-vingt": 80, "quatre-vingts": 80, "quatre-vingt-dix": 90,
}  # fmt: skip
_SMALL = {w: n for words in (_SPANISH_ONES, _FRENCH_ONES) for n, w in enumerate(words.split(), 1)}
_SMALL |= {w: 20 + n for n, w in enumerate(_TWENTIES.split(), 1)}
_SMALL |= {"una": 1, "une": 1, "veintiún": 21, "veintiuna": 21, "dieciseis": 16}
_HUNDRED = {w: 100 * n for n, w in enumerate(_HUNDREDS.split(), 1)}
_HUNDRED |= {"ciento": 100, "cent": 100, "cents": 100}
_ALL = {**_SMALL, **_TENS, **_HUNDRED, "mil": 1000, "mille": 1000}
# What is a number by itself; the others are common words of some language and need company or a unit.
_POWERS = frozenset({"cent", "cents", "mil", "mille"})
_CLEAR = frozenset(w for w, n in _ALL.items() if n > 15 and w != "seize") - _POWERS
_WORD = any_of(_ALL)
_RUN = re.compile(
    rf"(?<![\w-])(?<!por )(?:{_WORD})(?:(?:[\s-]+(?:(?:et|y)[\s-]+)?)(?:{_WORD}))*(?![\w-])"
)
_COUNTED = re.compile(
    r"\s(?:euros?|dólares|dollars?|francs?|pesos?|jours?|días?|semaines?|semanas?|mois|mes(?:es)?|ans?|années?|años?|"
    r"heures?|horas?|minut\w*|pour cent|por ciento|kilos?|kilomètres?|kilómetros|mètres|metros|personn?[ae]s?)(?!\w)"
)

_ARABIC_ONES = {
    "اثنان": 2, "اثنين": 2, "ثلاثة": 3, "ثلاث": 3, "أربعة": 4, "أربع": 4, "خمسة": 5, "خمس": 5, "ستة": 6, "ست": 6,
    "سبعة": 7, "سبع": 7, "ثمانية": 8, "ثماني": 8, "تسعة": 9, "تسع": 9, "عشرة": 10, "عشر": 10,
}  # fmt: skip
_ARABIC_TENS = {
    f"{stem}{ending}": 10 * n
    for n, stem in enumerate(["عشر", "ثلاث", "أربع", "خمس", "ست", "سبع", "ثمان", "تسع"], 2)
    for ending in ("ون", "ين")
}
_ARABIC_TENS |= {"مئة": 100, "مائة": 100, "مئتين": 200, "مئتان": 200}
_ONE_OF, _TEN_OF = any_of(_ARABIC_ONES), any_of(_ARABIC_TENS)
_ARABIC_RUN = re.compile(
    rf"(?<!\w)(?:(?P<teen>{_ONE_OF})\s(?:عشرة?)|(?:(?P<one>{_ONE_OF})\sو)?(?P<ten>{_TEN_OF})|(?P<alone>{_ONE_OF})(?=\s\w{{3}}))(?!\w)"
)
_DUALS = {
    "يومين": "2 يوم",
    "أسبوعين": "2 أسبوع",
    "شهرين": "2 شهر",
    "سنتين": "2 سنة",
    "ساعتين": "2 ساعة",
}
_DUAL = re.compile(rf"(?<!\w)(?:{any_of(_DUALS)})(?!\w)")
_ARABIC = re.compile(r"[\u0620-\u064a]")


def _value(words: list[str]) -> int:
    total = group = 0
    for word in words:
        value = _ALL[word]
        if value == 1000:
            total, group = total + (group or 1) * 1000, 0
        elif value == 100 and 1 < group < 10:
            group *= 100
        else:
            group += value
    return total + group


def _spelled(match: re.Match[str]) -> str:
    """``treinta y ocho`` as ``38``, ``quatre-vingt-dix-neuf`` as ``99``; words of other languages stay."""
    words = re.findall(_WORD + r"(?![\w])", match.group())
    joined = len(words) > 1 and not _POWERS.isdisjoint(words) and words[0] != "six"
    if not joined and _CLEAR.isdisjoint(words):
        counted = _COUNTED.match(match.string, match.end()) is not None
        if not counted or _value(words) < 2:
            return match.group()
    return str(_value(words))


def _arabic(match: re.Match[str]) -> str:
    """``خمسة عشر`` as ``15``, ``خمسة وعشرون`` as ``25``."""
    if match["teen"]:
        return str(10 + _ARABIC_ONES[match["teen"]])
    if match["alone"]:
        return str(_ARABIC_ONES[match["alone"]])
    return str(_ARABIC_TENS[match["ten"]] + _ARABIC_ONES.get(match["one"] or "", 0))


_FRENCH_TIME = re.compile(r"(?<!\d)(\d{1,2}) heures? ([0-5]?\d)(?!\d| ?(?:min|h|sec))")


def in_romance_digits(plain: str, words: Collection[str]) -> str:
    """A normalised text with its Spanish, French and Arabic number words as digits; ``words``: its runs of letters, or more."""
    if not plain.isascii() and _ARABIC.search(plain):
        plain = _DUAL.sub(lambda m: _DUALS[m.group()], plain)
        return _ARABIC_RUN.sub(_arabic, plain)
    if not _ALL.keys().isdisjoint(words):
        plain = _RUN.sub(_spelled, plain)
    return _FRENCH_TIME.sub(r"\1 h \2", plain) if "heure" in plain else plain
