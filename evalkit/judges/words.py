"""The words of a sentence in order, each with what it is: a name, a number, a word that carries content."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

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


class Word(NamedTuple):
    """A word as it is compared (``key``) and cased down (``plain``), and what kind it is."""

    key: str
    plain: str
    content: bool
    capital: bool
    name: bool
    number: bool


def words_of(sentence: str, known: frozenset[str] = frozenset()) -> tuple[Word, ...]:
    """The words of a sentence in order; ``known`` are the stems that are names wherever they stand."""
    first, plainly, with_name = _read(sentence)
    return with_name if first in known else plainly


@lru_cache(CACHE)
def content_keys(sentence: str) -> frozenset[str]:
    """The keys of those words of a sentence that carry content."""
    return frozenset([word.key for word in words_of(sentence) if word.content])


@lru_cache(CACHE)
def _read(sentence: str) -> tuple[str, tuple[Word, ...], tuple[Word, ...]]:
    """The stem of the first word of a sentence, and its words where that stem is not known for a name, and where it is."""
    raw = _WORD.findall(sentence)
    plain = list(map(_plain, raw))
    if not raw:
        return "", (), ()
    german = len(_GERMAN.intersection(plain)) > 1
    words = [_word(w, name=_is_name(raw, plain, i, german=german)) for i, w in enumerate(raw)]
    opens = _may_open(raw, plain, german=german)
    first = _word(raw[0], name=True) if opens else words[0]
    return stem(plain[0]), tuple(words), (first, *words[1:])


@lru_cache(CACHE * 8)
def _plain(raw: str) -> str:
    """A word cased down, a number without grouping commas."""
    plain = raw.replace(",", "") if raw[0].isdigit() else normalise(raw).replace(".", "")
    return plain.removesuffix("'s")


@lru_cache(CACHE * 8)
def _word(raw: str, *, name: bool) -> Word:
    plain = _plain(raw)
    return Word(
        key(plain), plain, is_content(plain), raw[0].isupper(), name=name, number=_is_number(plain)
    )


def _is_number(plain: str) -> bool:
    listed = plain in NUMBER_WORDS or plain in UNITS or plain in CURRENCIES or plain in MONTHS
    return plain[0].isdigit() or listed


def _is_name(raw: list[str], plain: list[str], i: int, *, german: bool) -> bool:
    word = raw[i]
    if not word[0].isupper():
        return not word.isascii() and _is_wide_name(raw, i)
    if not _can_name(plain[i]):
        return False
    if german and i and _DETERMINER.fullmatch(plain[i - 1]):
        return False
    if i or (len(word) > 1 and word.isupper()):
        return True
    return not german and len(raw) > 1 and raw[1][0].isupper() and is_content(plain[1])


def _can_name(plain: str) -> bool:
    return is_content(plain) and plain not in MONTHS and plain not in UNITS


def _may_open(raw: list[str], plain: list[str], *, german: bool) -> bool:
    """Whether the first word is a name where it is known for one."""
    return not german and raw[0][0].isupper() and _can_name(plain[0])


def _is_wide_name(raw: list[str], i: int) -> bool:
    """A run of katakana, or one of Chinese characters that is marked as a place or a person."""
    word = raw[i]
    if _KATAKANA.fullmatch(word):
        return True
    titled = i + 1 < len(raw) and raw[i + 1].startswith(_TITLES)
    wide = "\u3400" <= word[0] <= "\u9fff" and len(word) > 1
    return wide and (word[-1] in _PLACE_OR_PERSON or titled)
