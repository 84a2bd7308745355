"""Values of one kind: what can stand in the place of a word of an answer so that the text stays fluent and plausible."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import islice

from evalkit.condition import Situation
from evalkit.records import Case
from evalkit.text.languages import detect_language
from evalkit.text.tokens import normalise, tokens

LOOKED_AT = 500  # other cases, and documents, in which another value is looked for
OPENING = 2_000  # characters of a document by which its language is told
# Words of which each can stand for the next: days, and small numbers that are no other word of their language.
_SERIES: dict[str, tuple[str, ...]] = {
    "en": (
        "Monday Tuesday Wednesday Thursday Friday Saturday Sunday",
        "Mondays Tuesdays Wednesdays Thursdays Fridays Saturdays Sundays",
        "January February March April May June July August September October November December",
        "two three four five six seven eight nine ten eleven twelve",
    ),
    "de": (
        "Montag Dienstag Mittwoch Donnerstag Freitag Samstag Sonntag",
        "montags dienstags mittwochs donnerstags freitags samstags sonntags",
        "Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
        "zwei drei vier fünf sechs sieben neun zehn zwölf",
    ),
    "fr": (
        "lundi mardi mercredi jeudi vendredi samedi dimanche",
        "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
        "deux trois quatre cinq six sept huit dix onze douze",
    ),
    "es": (
        "lunes martes miércoles jueves viernes sábado domingo",
        "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
        "dos tres cuatro cinco seis siete ocho nueve diez doce",
    ),
    "it": ("lunedì martedì mercoledì giovedì venerdì sabato domenica",),
    "nl": ("maandag dinsdag woensdag donderdag vrijdag zaterdag zondag",),
    "pl": ("poniedziałek wtorek środa czwartek piątek sobota niedziela",),
    "vi": (
        "thứ_hai thứ_ba thứ_tư thứ_năm thứ_sáu thứ_bảy",
        "thứ_Hai thứ_Ba thứ_Tư thứ_Năm thứ_Sáu thứ_Bảy",
        "Thứ_Hai Thứ_Ba Thứ_Tư Thứ_Năm Thứ_Sáu Thứ_Bảy",
    ),
    "ja": ("月曜日 火曜日 水曜日 木曜日 金曜日 土曜日 日曜日", "月曜 火曜 水曜 木曜 金曜 土曜 日曜"),
}  # fmt: skip
_WHO = (
    "who", "whom", "wer", "wem", "wen", "qui", "quién", "quien", "chi", "quem", "kto", "vem", "hvem", "siapa", "кто", "хто",
)  # fmt: skip
_WHERE = (
    "where", "wo", "wohin", "où", "dónde", "donde", "dove", "waar", "onde", "gdzie", "dimana", "где",
)  # fmt: skip
_ASKING = {**dict.fromkeys(_WHO, "person"), **dict.fromkeys(_WHERE, "place")}
_ASKED_IN = {"誰": "person", "だれ": "person", "谁": "person", "누구": "person", "どこ": "place", "哪里": "place", "哪裡": "place", "어디": "place"}  # fmt: skip
_WORD = r"[^\W\d_a-z][\w’'-]+"
_NAME = re.compile(rf"(?<![\w'’]){_WORD}(?:\s{_WORD}){{0,3}}")
_TITLED = re.compile(
    rf"(?<![\w'’])(?=(?P<name>(?P<title>{_WORD}\.?)\s{_WORD}(?:\s{_WORD})?)(?![\w'’]))"
)
_ENDS = ("", *".!?:;\n|*-–—•")
_SIGNS = re.compile(r"[\u3400-\u9fff]{2,6}|[\u30a0-\u30ff]{2,12}")  # kanji or katakana alone


def in_series(answer: str, language: str | None) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The words of an answer that belong to a series of its language, each with what can stand for it."""
    for line in _SERIES.get(language or "", ()):
        words = [word.replace("_", " ") for word in line.split()]
        for i, word in enumerate(words):
            if _there(word, answer):
                yield word, (*words[i + 2 :], *words[:i], *words[i + 1 : i + 2])


def _there(word: str, text: str) -> bool:
    spaced = word[0] < "\u2e80"
    return re.search(rf"(?<!\w){word}(?!\w)" if spaced else word, text) is not None


def names_alone(answers: Iterable[str]) -> Iterator[str]:
    """The answers that are a name and nothing else, by their shape."""
    for answer in answers:
        bare = answer.strip(" .。")
        if (_NAME.fullmatch(bare) and _capitalised(bare)) or _SIGNS.fullmatch(bare):
            yield bare


def _capitalised(name: str) -> bool:
    return all(word[0].isupper() for word in name.split())


def titled_names(answers: Iterable[str]) -> Iterator[str]:
    """The names of several words in answers: the first may be a title that other names have, too."""
    for answer in answers:
        yield from (m["name"] for m in _inside(answer))


def _inside(text: str) -> Iterator[re.Match[str]]:
    """The titled names within sentences: the first word of a sentence is written like a name, whatever it is."""
    found = (m for m in _TITLED.finditer(text) if _capitalised(m["name"]))
    return (m for m in found if text[: m.start()].rstrip(" “\"'(")[-1:] not in _ENDS)


def other_names(name: str, here: Situation) -> Iterator[str]:
    """Short answers of other cases that ask for a person, or a place, like this one, in its language."""
    kind, language = _kind(here.case.query), detect_language(here.case.query)
    cases = here.suite.cases
    start = next((i for i, c in enumerate(cases) if c.id == here.case.id), 0)
    for other in (*cases[start + 1 :], *cases[:start])[:LOOKED_AT] if kind else ():
        if _kind(other.query) == kind and detect_language(other.query) == language:
            yield from (v for v in names_alone(_first(other)) if _fits(v, name))


def other_titled(name: str, text: str, here: Situation) -> Iterator[str]:
    """Names of documents in the language of ``text`` that begin with the same title as ``name``."""
    title, _, _ = name.partition(" ")
    language = detect_language(text[:OPENING])
    for document in islice(here.suite.corpus.values(), LOOKED_AT):
        if f"{title} " in document.text and detect_language(document.text[:OPENING]) == language:
            for match in _inside(document.text):
                if match["title"] == title and _fits(match["name"], name):
                    yield match["name"]


def _first(case: Case) -> tuple[str, ...]:
    return tuple((case.reference or ())[:1])


def _fits(value: str, name: str) -> bool:
    """Another name, of the same script, with as many words or signs in one script without spaces."""
    signs = bool(_SIGNS.fullmatch(value)), bool(_SIGNS.fullmatch(name))
    sized = signs == (True, True) or (not any(signs) and value.count(" ") == name.count(" "))
    return sized and normalise(value) != normalise(name)


@lru_cache(4096)
def _kind(query: str) -> str | None:
    """Whether a question asks for a person or a place; None where it does not, or asks for both."""
    kinds = {_ASKING[w] for w in tokens(query) if w in _ASKING}
    kinds |= {kind for word, kind in _ASKED_IN.items() if word in query}
    return kinds.pop() if len(kinds) == 1 else None
