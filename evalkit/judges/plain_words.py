"""What a plain text consists of: its words of content, and whether two of them are forms of one."""

from __future__ import annotations

import re
from functools import lru_cache

from evalkit.judges.irregular import key
from evalkit.judges.senses import LIGHT
from evalkit.judges.wording import beginning_with, keys_of, near_any
from evalkit.text.number_words import CURRENCIES, DAY_PARTS, MONTHS, NUMBER_WORDS, UNITS
from evalkit.text.quantities import figures
from evalkit.text.tokens import CACHE, SPACELESS, is_content, stem, stem_set, tokens

ROOT = 4  # letters at least that two forms of one word begin with
STEM, DERIVED = (
    6,
    6,
)  # letters of a root that names itself, and of an ending that makes a noun of it: "verifies", "verification"
ROOT_SHARE = 0.7  # ... and their share of the shorter one

_FRACTIONS = "half third quarter fifth tenth hundredth hälfte drittel viertel fünftel zehntel moitié tiers quart dixième mitad tercio cuarto décimo décima"
_NUMBER_WORDS = stem_set(
    " ".join(
        [
            _FRACTIONS,
            *NUMBER_WORDS,
            *MONTHS,
            *DAY_PARTS,
            *filter(str.isalpha, (*UNITS, *CURRENCIES)),
        ]
    )
)
# Characters that join and point, in Chinese and Japanese.
_GRAMMAR = frozenset(
    "的了是有和要会能就都被把对为与于及或等可以不在您你我他她它们时间个件之也还再让给到从向由所其此那这并但而则時様御"
)
_SPACELESS = re.compile(rf"[{SPACELESS}]")
_HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff々]|[\u30a1-\u30fc]{2,}")
_HANGUL = re.compile(r"[\uac00-\ud7af]{2}")
# Numbers with what they count, parts of the day and bounds in scripts without spaces.
_COUNTS = re.compile(
    r"\d[\d.,:]*\s?(?:小时|分钟|[個个]月|時間|週間|日間|块钱|[円元块天日年月周週時时分点點個个件冊册枚人名歳岁回度台本])*|午[前後]|[上下]午|[早晚]上|傍晚|夕方|[以之]?[内內]|以[上下降]|最[大小多少高低]|至[多少]|必要|需要|可以|可能|利用|使用"
)
_PRONOUN = re.compile(r"(?:i|you|we|they|he|she|it|that|there|c|j|s|n|l|d|qu)'")


@lru_cache(CACHE)
def content(text: str) -> tuple[str, ...]:
    """What a plain text consists of, each once: its content words, characters of Chinese and Japanese; no numbers, no light verbs."""
    counted = figures(text)
    wide = not counted.isascii() and _SPACELESS.search(counted) is not None
    words = tokens(_SPACELESS.sub(" ", counted) if wide else counted)
    found = dict.fromkeys(map(_counting, words))
    if wide:
        rest = _COUNTS.sub(" ", counted)
        single = [c for c in _HAN.findall(rest) if c not in _GRAMMAR]
        found |= dict.fromkeys([c for c in single + _HANGUL.findall(rest) if _counts(c)])
    return tuple([word for word in found if word is not None])


@lru_cache(CACHE * 8)
def _counting(word: str) -> str | None:
    """What a word is compared by; None for grammar, a number and a light verb."""
    if not is_content(word) or any(map(str.isdigit, word)):
        return None
    plain = key(word)
    return plain if _counts(plain) else None


def _counts(word: str) -> bool:
    return word not in LIGHT and word not in _NUMBER_WORDS and not _PRONOUN.match(word)


def same_word(word: str, known: frozenset[str]) -> bool:
    """Whether a word is among the known ones in some form: "reservar", "reservas"."""
    if word in known:
        return True
    alike = beginning_with(word[:1], known)
    if near_any(word, alike):
        return True
    root = word[:ROOT]
    return len(root) == ROOT and any(o.startswith(root) and _one_root(word, o) for o in alike)


def _one_root(a: str, b: str) -> bool:
    """Whether two words that begin alike are forms of one."""
    shorter = min(len(a), len(b))
    shared = next((i for i in range(shorter) if a[i] != b[i]), shorter)
    longest = shared + (DERIVED if shared >= STEM else ROOT)
    return shared >= ROOT_SHARE * shorter and max(len(a), len(b)) <= longest


@lru_cache(CACHE)
def known_words(text: str) -> frozenset[str]:
    """Every word of a plain text, light ones too, by which another is recognised."""
    return keys_of(text) | frozenset(content(text)) | _joined_verbs(text)


# German verbs that come apart: "meldet man sich ... an" is "anmelden".
_ENDS = r"(an|ab|auf|aus|ein|zu|vor|nach|mit|bei|um|zurück|teil|fest|weg|her|hin|los|durch)(?=\s*(?:[,.;:!?)]|$|und\b|oder\b))"
_PARTICLE = re.compile(rf"[^\S\n]{_ENDS}")
_APART = re.compile(rf"((?:[^\W\d_]+[^\S\n]+(?:\d+[^\S\n]+)?){{1,12}}){_ENDS}")


def _joined_verbs(text: str) -> frozenset[str]:
    """The stems of a clause's words, each behind the particle that ends the clause."""
    if not _PARTICLE.search(text):  # much cheaper than to try every word as the first of a clause
        return frozenset()
    return frozenset(
        particle + stem(word)
        for words, particle in _APART.findall(text)
        for word in tokens(words)
        if is_content(word)
    )
