"""The words of a sentence in order, each with what it is: a name, a number, a word that carries content."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from evalkit.judges.irregular import key
from evalkit.text.number_words import CURRENCIES, MONTHS, NUMBER_WORDS, UNITS
from evalkit.text.tokens import CACHE, is_content, normalise, stem

# Scripts without spaces are cut where the script changes, which is where a word often ends.
_WORD = re.compile(
    r"\d+(?:[.,:/]\d+)*|[\u30a1-\u30fa\u30fc]+|[\u3040-\u309f]+|[\u3400-\u4dbf\u4e00-\u9fff々]+"
    r"|(?:[^\W\d_]\.){2,}|[^\W\d_\u3040-\u30ff\u3400-\u9fff]+(?:['’][^\W\d_\u3040-\u30ff\u3400-\u9fff]+)*|[%‰€$£¥]"
)
_KATAKANA = re.compile(r"[\u30a1-\u30fc]{3,}")
_PLACE_OR_PERSON = "市県府都区町村駅社氏様君省州国山川島湖寺城"
_TITLES = ("さん", "さま", "くん", "ちゃん")
# Function words of German, whose common nouns have capitals too.
_GERMAN_WORDS = "der die das und ist nicht ein eine den dem des im zu wird sind auf für von"
_GERMAN = frozenset(_GERMAN_WORDS.split())
_DETERMINER = re.compile(
    r"(?:.*\d|\w*(?:der|die|das|den|dem|des|ein|im|am|zum|zur|vom|beim|ins|ans)|\w{3,}(?:e|en|er|es|em))"
)


@dataclass(frozen=True, slots=True)
class Word:
    """A word as it is compared (``key``) and cased down (``plain``), and what kind it is."""

    key: str
    plain: str
    content: bool
    capital: bool
    name: bool
    number: bool


@lru_cache(CACHE)
def words_of(sentence: str, known: frozenset[str] = frozenset()) -> tuple[Word, ...]:
    """The words of a sentence in order; ``known`` are the stems that are names wherever they stand."""
    raw = _WORD.findall(sentence)
    plain = [
        normalise(w).replace(".", "") if not w[0].isdigit() else w.replace(",", "") for w in raw
    ]
    plain = [w.removesuffix("'s") for w in plain]
    german = len(_GERMAN & set(plain)) > 1
    return tuple(
        Word(
            key=key(plain[i]),
            plain=plain[i],
            content=is_content(plain[i]),
            capital=raw[i][0].isupper(),
            name=_is_name(raw, plain, i, known, german=german),
            number=_is_number(plain[i]),
        )
        for i in range(len(raw))
    )


def _is_number(plain: str) -> bool:
    listed = plain in NUMBER_WORDS or plain in UNITS or plain in CURRENCIES or plain in MONTHS
    return plain[0].isdigit() or listed


def _is_name(
    raw: list[str], plain: list[str], i: int, known: frozenset[str], *, german: bool
) -> bool:
    word = raw[i]
    if not word[0].isupper():
        return _is_wide_name(raw, i)
    if not is_content(plain[i]) or plain[i] in MONTHS or plain[i] in UNITS:
        return False
    if german and i and _DETERMINER.fullmatch(plain[i - 1]):
        return False
    if i or (len(word) > 1 and word.isupper()):
        return True
    follows = len(raw) > 1 and raw[1][0].isupper() and is_content(plain[1])
    return not german and (follows or stem(plain[0]) in known)


def _is_wide_name(raw: list[str], i: int) -> bool:
    """A run of katakana, or one of Chinese characters that is marked as a place or a person."""
    word = raw[i]
    if word.isascii():
        return False
    if _KATAKANA.fullmatch(word):
        return True
    titled = i + 1 < len(raw) and raw[i + 1].startswith(_TITLES)
    wide = "\u3400" <= word[0] <= "\u9fff" and len(word) > 1
    return wide and (word[-1] in _PLACE_OR_PERSON or titled)
