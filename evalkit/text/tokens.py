"""Words of a text in any script: normalised, cased down, stemmed, with or without stop words."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from sys import intern

from evalkit.text.sentences import spans
from evalkit.text.stopwords import STOP_WORDS

# Scripts written without spaces between words, and Hangul, whose particles are glued to the word:
# their runs are cut into overlapping pairs of characters, the usual unit of retrieval there.
SPACELESS = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf"
    "\u4e00-\u9fff\uf900-\ufaff\uac00-\ud7af\u1100-\u11ff\U00020000-\U0003134f"
)
# Combining marks that belong to a word although ``\w`` does not match them.
_MARKS = (
    "\u0300-\u036f\u0591-\u05bd\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06dc"
    "\u0900-\u0963\u0966-\u0dff"
)
_LETTER = rf"(?:[^\W\d_{SPACELESS}]|[{_MARKS}])"
_TOKEN = re.compile(
    rf"(?P<acronym>(?<!\w)(?:[^\W\d_]\.){{2,}}[^\W\d_]?(?!\w))"
    rf"|(?P<number>\d+(?:[.,]\d+)*)"
    rf"|(?P<run>[{SPACELESS}]+)"
    rf"|(?P<word>{_LETTER}(?:{_LETTER}|\d)*(?:'{_LETTER}+)*)"
)
# The same for normalised text in Latin letters (Vietnamese included) without acronyms, several times as fast.
_LATIN = "a-zß-öø-ſơư\u1ea0-\u1eff"
_LATIN_TEXT = re.compile(rf"[\x00-\x7f\u00a0-\u00bf×÷\u2010-\u2027€™{_LATIN}]*")
_LATIN_TOKEN = re.compile(rf"[{_LATIN}][{_LATIN}0-9]*(?:'[{_LATIN}]+)*|[0-9]+(?:[.,][0-9]+)*")
_ACRONYM = re.compile(r"\.[^\W\d_]\.")  # or what may be one
_DIGIT = re.compile(r"\d")
# Of each ASCII character the letter in it, if it is one.
_LETTERS_ALONE = "".join(c if c.isalpha() else " " for c in map(chr, range(128)))
_GROUPED = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?")
_HIRAGANA = re.compile(r"[\u3040-\u309f]+")
_QUOTES = str.maketrans(
    {"’": "'", "‘": "'", "ʼ": "'", "´": "'", "`": "'", "ـ": None, "\u00ad": None}
)
_QUOTE = re.compile("[’‘ʼ´`ـ\u00ad]")
_ARABIC_MARKS = re.compile(r"[\u064b-\u065f\u0670]")
_ARABIC_ALEF = str.maketrans({"أ": "ا", "إ": "ا", "آ": "ا", "ى": "ي", "ة": "ه"})
_ARABIC_PREFIXES = ("وال", "بال", "كال", "فال", "لل", "ال")
_VIETNAMESE_ONLY = re.compile("[ăđơưạảấầẩẫậắằẳẵặẹẻẽếềểễệỉịọỏốồổỗộớờởỡợụủứừửữựỳỵỷỹ]")

_SINGULAR = frozenset(
    {"news", "lens", "series", "species", "always", "perhaps", "texas", "james", "wales"}
)

_VOWEL = re.compile("[aeiouy]")

CACHE = 4096  # strings remembered by each cached function


def normalise(text: str) -> str:
    """``text`` in NFKC, case-folded, with one kind of apostrophe and no soft hyphens."""
    if text.isascii():  # the same in a fraction of the time
        return text.replace("`", "'").lower()
    if _QUOTE.search(text):
        text = text.translate(_QUOTES)
    return unicodedata.normalize("NFKC", text).casefold()


@lru_cache(CACHE)
def tokens(text: str) -> tuple[str, ...]:
    """The words of ``text`` as an immutable, remembered tuple; see ``words``."""
    plain = normalise(text)
    if plain != text and text.isascii():  # the plain text is asked for, too
        return tokens(plain)
    if "." in plain and _ACRONYM.search(plain):
        found = _in_any_script(plain)
    elif plain.isascii() and "'" not in plain and not _DIGIT.search(plain):
        found = plain.translate(_LETTERS_ALONE).split()  # the same in half the time
    elif plain.isascii() or _LATIN_TEXT.fullmatch(plain):
        words = _LATIN_TOKEN.findall(plain)
        found = [word if word.isalpha() else _trimmed(word) for word in words]
    else:
        found = _in_any_script(plain)
    return tuple(map(intern, found))  # each word is held once, however many texts


def _in_any_script(plain: str) -> list[str]:
    found: list[str] = []
    for match in _TOKEN.finditer(plain):
        token = match.group()
        if match.lastgroup == "run":
            found.extend(_pairs(token))
        elif match.lastgroup == "acronym":
            found.append(token.replace(".", ""))
        else:
            found.append(_trimmed(token))
    return found


def _trimmed(token: str) -> str:
    """A number without grouping commas, a word without a possessive ``'s``."""
    if token[0].isdecimal():
        return token.replace(",", "") if _GROUPED.fullmatch(token) else token
    return token.removesuffix("'s").strip("'")


@lru_cache(CACHE)
def letter_runs(plain: str) -> frozenset[str] | None:
    """The runs of letters of a normalised text in ASCII, which tell at once what words it has not; None for another text."""
    return frozenset(plain.translate(_LETTERS_ALONE).split()) if plain.isascii() else None


def lacks(plain: str, listed: Iterable[str]) -> bool:
    """Whether a normalised text certainly has none of some words, each of them letters alone."""
    found = letter_runs(plain)
    return found is not None and found.isdisjoint(listed)


def words(text: str) -> list[str]:
    """The words of ``text``, case-folded and in order, without punctuation.

    Scripts without spaces give overlapping pairs of characters (one character where a run has only
    one); a possessive ``'s`` is dropped, ``U.S.`` becomes ``us`` and ``1,234`` becomes ``1234``.
    """
    return list(tokens(text))


def _pairs(run: str) -> list[str]:
    """Overlapping pairs of characters of a run without spaces."""
    if len(run) < 2:
        return [run]
    return [run[i : i + 2] for i in range(len(run) - 1)]


@lru_cache(CACHE * 8)
def is_content(word: str) -> bool:
    """Whether a word carries content: no stop word, no pair of hiragana (grammar, mostly)."""
    if word in STOP_WORDS:
        return False
    if word.isascii():
        return len(word) > 1 or word.isdigit()
    return not _HIRAGANA.fullmatch(word)


def content_words(text: str) -> list[str]:
    """The words of ``text`` that carry content; all words where none does ("to be or not to be")."""
    kept = [word for word in tokens(text) if is_content(word)]
    return kept or list(tokens(text))


@lru_cache(CACHE * 8)
def stem(word: str) -> str:
    """``word`` without the commonest endings of English, or the article and marks of Arabic.

    Light on purpose: plurals and verb forms meet, different words seldom do.
    """
    if "\u0600" <= word[:1] <= "\u06ff":
        return _arabic_stem(word)
    if len(word) < 4 or word in _SINGULAR or not word[-1:].isascii() or not word.isalpha():
        return word
    return _english_stem(word)


def _arabic_stem(word: str) -> str:
    word = _ARABIC_MARKS.sub("", word).translate(_ARABIC_ALEF)
    for prefix in _ARABIC_PREFIXES:
        if word.startswith(prefix) and len(word) - len(prefix) >= 3:
            return word[len(prefix) :]
    return word


def _english_stem(word: str) -> str:
    if word.endswith("ies") and len(word) > 4:
        word = word[:-3] + "y"
    elif word.endswith(("sses", "shes", "ches", "xes", "zes")):
        word = word[:-2]
    elif word.endswith("s") and not word.endswith(("ss", "us", "is")):
        word = word[:-1]
    for ending in ("ing", "ed", "ly"):
        rest = word[: -len(ending)]
        if word.endswith(ending) and len(rest) >= 3 and _VOWEL.search(rest):
            word = _undouble(rest)
            break
    if word.endswith("e") and len(word) > 4:
        word = word[:-1]
    if word.endswith("y") and len(word) > 3 and word[-2] not in "aeiou":
        return word[:-1] + "i"
    return word


def _undouble(word: str) -> str:
    """``stopp`` is ``stop``; ``fill`` and ``pass`` stay."""
    return word[:-1] if len(word) > 3 and word[-1] == word[-2] and word[-1] not in "lsz" else word


@lru_cache(CACHE)
def content_stems(text: str) -> tuple[str, ...]:
    """The stems of the content words of ``text``, in order, repetitions kept."""
    words = tokens(text)
    return tuple(map(stem, filter(is_content, words))) or tuple(map(stem, words))


@lru_cache(CACHE)
def stem_set(text: str) -> frozenset[str]:
    """The stems of all words of ``text``, stop words included: what a claim may draw on."""
    return frozenset(map(stem, tokens(text)))


@lru_cache(CACHE)
def fold_accents(text: str) -> str:
    """``text`` without accents (``Röntgen`` is ``Rontgen``), Vietnamese left alone: tones tell words apart."""
    if text.isascii() or _VIETNAMESE_ONLY.search(unicodedata.normalize("NFC", text.casefold())):
        return text
    parts = unicodedata.normalize("NFD", text)
    return unicodedata.normalize("NFC", "".join(c for c in parts if not "\u0300" <= c <= "\u036f"))


_CAPITALISED = re.compile(r"(?<![\w'’])[^\W\d_a-z](?:[\w’'-]*\w)?")


@lru_cache(CACHE)
def names(text: str) -> frozenset[str]:
    """Stems of the capitalised words of ``text`` that do not merely open a sentence.

    Empty for scripts without capital letters. German nouns count: there they are content too.
    """
    found: set[str] = set()
    if text.islower():  # case and nothing but small letters: no word is a name
        return frozenset()
    for start, end in spans(text):
        for match in _CAPITALISED.finditer(text, start, end):
            word = match.group()
            opens = not any(map(str.isalnum, text[start : match.start()]))
            if word[0].isupper() and (not opens or (word.isupper() and len(word) > 1)):
                found.update(_name_stems(word))
    return frozenset(found)


@lru_cache(CACHE)
def _name_stems(word: str) -> tuple[str, ...]:
    """The stems of the parts of a capitalised word that carry content."""
    return tuple(stem(part) for part in tokens(word) if is_content(part))
