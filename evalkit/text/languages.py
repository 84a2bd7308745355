"""Which language is a text in? By its script, then by the commonest words of the language."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
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
# What questions and requests are made of. Only languages are told by them: they are no stop words.
_ASKING_WORDS: dict[str, str] = {
    "en": "how what when where why which who whose does did am i me my much many long get is there need want should could about when's what's where's how's i'm don't doesn't up out off than into between per after before least most two some any were its it's also other last first each under over",
    "de": "wie was wann wo wohin woher warum wieso welche welcher welches wer wem kann kannst können ich mein meine meinen meiner mir mich viel viele lange muss soll möchte gibt mache kostet ihnen ihre geht guten bin hier habe vom zum zur kein keine",
    "fr": "comment quoi quand où pourquoi combien quel quelle quels quelles puis je mon ma mes dois peut peux faire moi avez veux coûte c'est j'ai qu'est",
    "es": "cómo como qué cuándo cuando dónde donde quién cuál cuáles cuánto cuánta cuántos cuántas puedo mi mis tengo tiene hay debo quiero hacer hago cuesta puede",
    "it": "come cosa quando dove perché chi quanto quanta quanti quante quale quali posso mio mia miei mie ho devo voglio fare costa dov'è cos'è c'è siete sei fa",
    "nl": "hoe wat wanneer waar waarom wie hoeveel welke welk kan kunnen ik mijn moet mag wil heb mij kost doe lang",
    "pt": "como quando onde porque quem quanto quanta quantos quantas qual quais posso meu minha meus minhas tenho tem devo quero fazer faço custa pode eu",
    "vi": "bao nhiêu nào gì đâu sao khi thế ở ai mấy muốn cần bị mất",
    "pl": "jak co kiedy gdzie dlaczego ile kto jaki jaka jakie mogę może mój moja moje mam mnie muszę chcę kosztuje można mi",
    "sv": "hur vad när var varför vem vilken vilket vilka mycket många kan jag mig min mitt mina måste ska vill får kostar gör",
    "da": "hvordan hvad hvornår hvor hvorfor hvem hvilken hvilket hvilke meget mange kan jeg mig min mit mine må skal vil får koster gør",
    "tr": "nasıl ne zaman nerede nereden neden niçin kaç kim hangi mı mi mu mü benim bana beni nedir kadar miyim istiyorum var nereye",
    "id": "bagaimana apa apakah kapan dimana mana mengapa kenapa berapa siapa saya bisakah harus mau ingin ada cara punya",
}
_CYRILLIC_WORDS = {
    "ru": "и что не на как это для мне где когда почему сколько можно какой какая какие мой моя мои или если есть но его она они нет я он от по при так уже только",
    "uk": "та й що не на як це для де коли чому скільки можна який яка але або якщо є його вона вони немає я від при так уже тільки про мене моя мій",
}
_WORDS = {language: frozenset(text.split()) for language, text in _COMMON_WORDS.items()}
_TELLING = {name: words | frozenset(_ASKING_WORDS[name].split()) for name, words in _WORDS.items()}
# A word that several of the languages have tells them apart by as much less.
_SHARED_BY = Counter(word for words in _TELLING.values() for word in words)
_TELLS = {word: [name for name in _TELLING if word in _TELLING[name]] for word in _SHARED_BY}
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
# The letters beyond a to z that a language writes its own words with; others speak against it.
_ALPHABET = {
    "en": "", "de": "äöüß", "fr": "àâæçéèêëîïôœùûüÿ", "es": "áéíñóúü", "it": "àèéìîòóù", "nl": "áéèëïóöü",
    "pt": "áâãàçéêíóôõúü", "pl": "ąćęłńóśźż", "sv": "åäöé", "da": "æøåé", "tr": "çğıöşüâîû", "id": "é",
    "vi": "àáâãèéêìíòóôõùúýăđĩũơưạảấầẩẫậắằẳẵặẹẻẽếềểễệỉịọỏốồổỗộớờởỡợụủứừửữựỳỵỷỹ",
}  # fmt: skip
_ACCENTED = re.compile("[ß-öø-ɏḀ-ỿ]")
ENOUGH = (
    1.2  # words of one language alone (a shared one counts in part) that tell a text's language
)
SHARE = 0.06  # of the different words of a text that must speak for its language
MANY = 100  # different words from which on no more need to
TWICE = 2  # times that the same word counts
LEAD = 0.5  # by which it must be ahead of any other
FOREIGN = 0.5  # what a letter costs that the language does not have
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
_LATIN_SCRIPT = _SCRIPTS[0][1]
_OTHER_SCRIPT = re.compile("|".join(script.pattern for _, script in _SCRIPTS[1:]))
_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)?")
LONGEST = 20_000  # characters looked at
OPENING = 2_000  # characters of a document that tell its language
SHORT = 60  # characters up to which Russian must show itself


@lru_cache(CACHE)
def detect_language(text: str) -> str | None:
    """The ISO 639-1 code of a text's language, or ``None`` where too little speaks for one.

    Known: ar da de el en es fa fr he hi id it ja ko nl pl pt ru sv th tr uk vi zh. Text in Latin letters needs two
    different words (or letters) of the language, and clearly more than any other language has: a
    word that several languages share counts in part. Short texts without such words have no language.
    """
    plain = normalise(text[:LONGEST])
    if plain.isascii() or not _OTHER_SCRIPT.search(plain):
        return _latin(plain) if _LATIN_SCRIPT.search(plain) else None
    counts = Counter({name: len(script.findall(plain)) for name, script in _SCRIPTS})
    if not counts.total():
        return None
    if counts["kana"] and counts["kana"] + counts["han"] > counts["latin"] / 2:
        return "ja" if counts["kana"] * 20 > counts["han"] else "zh"
    script = counts.most_common(1)[0][0]
    return _latin(plain) if script == "latin" else _by_script(script, plain)


def _by_script(script: str, plain: str) -> str | None:
    if script == "cyrillic":
        return _cyrillic(plain)
    if script == "arabic":
        return "fa" if re.search("[پچژگکی]", plain) else "ar"
    return {"kana": "ja", "han": "zh"}.get(script, script)


def _cyrillic(plain: str) -> str | None:
    """Ukrainian or Russian by the letters that only one of them has, else by their commonest words."""
    if re.search("[іїєґ]", plain):
        return "uk"
    if re.search("[ыэъё]", plain) or len(plain) > SHORT:
        return "ru"
    words = set(_WORD.findall(plain))
    russian, ukrainian = (len(words & set(_CYRILLIC_WORDS[name].split())) for name in ("ru", "uk"))
    if russian == ukrainian:
        return None
    return "ru" if russian > ukrainian else "uk"


def _latin(plain: str) -> str | None:
    words = Counter(_WORD.findall(plain))
    accents = frozenset(_ACCENTED.findall(plain))
    told: dict[str, list[float]] = {}
    for word in _SHARED_BY.keys() & words.keys():
        share = min(words[word], TWICE) / _SHARED_BY[word]
        for language in _TELLS[word]:
            told.setdefault(language, []).append(share)
    possible = told if plain.isascii() else _TELLING  # nothing speaks for the others
    votes = [(_vote(name, told.get(name, ()), accents, plain), name) for name in possible]
    (most, best), (second, _) = sorted([*votes, (0.0, ""), (0.0, "")], reverse=True)[:2]
    enough = max(ENOUGH, SHARE * min(len(words), MANY))
    return best if most >= enough and most - second >= LEAD else None


def _vote(language: str, told: Sequence[float], accents: frozenset[str], plain: str) -> float:
    """How much speaks for a language; 0 where it is a single word or letter, however often it stands there.

    ``told`` is what each of its words in the text tells.
    """
    lettered = language in _LETTERS and not plain.isascii()
    letters = set(_LETTERS[language].findall(plain)) if lettered else set()
    if len(told) + len(letters) < 2:
        return 0.0
    strange = sum(letter not in _ALPHABET[language] for letter in accents)
    return math.fsum(told) + len(letters) - FOREIGN * strange


def comparable(statement: str, text: str, around: str = "") -> bool:
    """Whether the words of a statement can be looked for in a text: both are in one language, as far as that shows.

    A statement too short to show its language goes by its letters, unless what stands ``around`` it (its question,
    say) is in another language than the text.
    """
    short, long = detect_language(statement), detect_language(text[:OPENING])
    if short is not None and long is not None:
        return short == long
    if short is None and long is not None and detect_language(around) not in (None, long):
        return False
    return _plain_letters(statement) == _plain_letters(text[:OPENING])


def _plain_letters(text: str) -> bool:
    """Whether no letter of a text is beyond a to z."""
    return text.isascii() or not any(c.isalpha() and not c.isascii() for c in text)


def asking_words(language: str) -> frozenset[str]:
    """The words that questions of a language are made of; empty where we have no list."""
    return frozenset(_ASKING_WORDS.get(language, "").split())
