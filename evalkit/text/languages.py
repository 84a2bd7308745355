"""Which language is a text in? By its script, then by the commonest words of the language."""

from __future__ import annotations

import re
from collections import Counter
from functools import lru_cache

from evalkit.text.tokens import CACHE, normalise

_COMMON_WORDS: dict[str, str] = {
    "en": "the of and to in is that it for was with as be are this you not have from at by on your we which they an been will would our can if please or a no has but had who only do there their more all may must yes so",
    "de": "der die das und ist nicht ein eine zu den von mit sich des auf für im dem auch es an werden aus er hat dass sie nach wird bei einer um am sind noch wie ich haben wir ihr bitte oder",
    "fr": "le la les des et est une du que qui dans pour pas sur au par avec ne se ce il sont plus vous nous je cette aux ont été mais ou votre son en un être",
    "es": "el la los las de que y en un una es por con para no se del al lo como más su está pero sus le ya este fue usted son nos muy hay ser o qué",
    "it": "il la di che e un una è per non con del della sono si da in le dei nel alla più lo gli questo come anche ha al delle ma ci o suo sua essere",
    "nl": "de het een van en in is dat op te zijn met voor niet aan er om ook als door bij naar uit maar heeft u wordt dit deze ik we kunt je of worden wij",
    "pt": "o a os as de que e em um uma é por com para não se do da no na dos das mais como ao mas foi você são seu sua está pelo pela ou ser nos",
    "vi": "là của và có được không các cho trong một những với này đã để người khi từ thì đến ra vào cũng về như bạn tôi sẽ nhưng hoặc phải làm",
    "pl": "w i z na się nie do jest to że o jak za od po przez dla są ale czy oraz ten być może tym który jego lub przy ich tego proszę",
    "sv": "och i att det som en på är av för med den till inte om har de ett var jag du vi kan men sig så från eller ska hans vara",
    "da": "og i at det er en til på af for med den der ikke de et om har var jeg du vi kan men sig så fra eller skal blev være",
    "tr": "ve bir bu da de için ile çok olarak daha ne gibi kadar olan var en sonra ama her ya değil mi siz ben veya olduğu tarafından",
    "id": "yang dan di itu dengan untuk tidak ini dari dalam akan pada juga saya ke karena ada bisa anda atau oleh adalah telah kami sudah dapat",
}
_WORDS = {language: frozenset(text.split()) for language, text in _COMMON_WORDS.items()}
# Letters that (nearly) only one language of the table uses; each counts as a common word.
_LETTERS: dict[str, re.Pattern[str]] = {
    "de": re.compile("ß"),
    "es": re.compile("[ñ¿¡]"),
    "pt": re.compile("[ãõ]"),
    "vi": re.compile("[ăđơưạảấầẩẫậắằẳẵặẹẻẽếềểễệỉịọỏốồổỗộớờởỡợụủứừửữựỳỵỷỹ]"),
    "pl": re.compile("[ąęłśźż]"),
    "da": re.compile("[æø]"),
    "tr": re.compile("[ğış]"),
}
_SCRIPTS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("latin", re.compile("[a-zà-ɏḀ-ỿ]", re.IGNORECASE)),
    ("kana", re.compile("[\u3040-\u30ff]")),
    ("han", re.compile("[\u3400-\u4dbf\u4e00-\u9fff]")),
    ("ko", re.compile("[\uac00-\ud7af\u1100-\u11ff]")),
    ("arabic", re.compile("[\u0600-\u06ff]")),
    ("cyrillic", re.compile("[\u0400-\u04ff]")),
    ("el", re.compile("[\u0370-\u03ff]")),
    ("he", re.compile("[\u0590-\u05ff]")),
    ("th", re.compile("[\u0e00-\u0e7f]")),
    ("hi", re.compile("[\u0900-\u097f]")),
)
_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)?")
LONGEST = 20_000  # characters looked at


@lru_cache(CACHE)
def detect_language(text: str) -> str | None:
    """The ISO 639-1 code of a text's language, or ``None`` where too little speaks for one.

    Known: ar da de el en es fa fr he hi id it ja ko nl pl pt ru sv th tr uk vi zh. Text in Latin
    letters needs two common words of the language, and more than any other language has.
    """
    plain = normalise(text[:LONGEST])
    counts = Counter({name: len(script.findall(plain)) for name, script in _SCRIPTS})
    if not counts.total():
        return None
    if counts["kana"] and counts["kana"] + counts["han"] > counts["latin"] / 2:
        return "ja" if counts["kana"] * 20 > counts["han"] else "zh"
    script = counts.most_common(1)[0][0]
    return _latin(plain) if script == "latin" else _by_script(script, plain)


def _by_script(script: str, plain: str) -> str:
    if script == "cyrillic":
        return "uk" if re.search("[іїєґ]", plain) else "ru"
    if script == "arabic":
        return "fa" if re.search("[پچژگ]", plain) else "ar"
    return {"kana": "ja", "han": "zh"}.get(script, script)


def _latin(plain: str) -> str | None:
    words = Counter(_WORD.findall(plain))
    votes = {
        language: sum(n for word, n in words.items() if word in common)
        + (len(_LETTERS[language].findall(plain)) if language in _LETTERS else 0)
        for language, common in _WORDS.items()
    }
    (best, most), (_, second) = Counter(votes).most_common(2)
    return best if most >= 2 and most > second else None


def function_words(language: str) -> frozenset[str]:
    """The commonest words of a language; empty where we have no list."""
    return _WORDS.get(language, frozenset())
