"""The part each word plays in a refusal: who speaks, which source, what is lacking.

A sentence becomes a string of letters, one a word that matters; ``refusal_model`` weighs them:

    s I   p we   y you   A an assistant   d a source   B a kind of writing   i information   u the question or topic   h this, that   w what, whether
    n not   N no, any   q nothing, nowhere   x cannot   l unclear, unknown   z dunno
    j missing, without   b beyond   O silent, thin, left open (these three deny only beside a source or what was asked)
    k find, know   v answer, say   t mention, explain   T cover, contain   m possible   H have   D share, recommend   f I can, I have (in one word)
    e I know (in one word)   r about   I in, from   a sorry   g search   c any other content   , a pause
"""

from __future__ import annotations

import re
from functools import lru_cache

from evalkit.text import refusal_words as lexicons
from evalkit.text.alternation import any_of
from evalkit.text.tokens import CACHE, is_content

_LATIN = (lexicons.ENGLISH, lexicons.GERMAN_DUTCH, lexicons.ROMANCE, lexicons.SLAVIC_TURKISH)
_PHRASES = sorted(
    {w for lexicon in _LATIN for ws in lexicon.values() for w in ws.split() if "-" in w}
)


def _exact() -> dict[str, str]:
    """The letters of every whole word; where languages disagree the letter that says most wins."""
    found: dict[str, str] = {}
    for lexicon in _LATIN:
        for letters, listed in lexicon.items():
            for word in listed.split():
                if "*" not in word and (word not in found or not found[word]):
                    found[word] = letters
    return found


def _starred() -> tuple[tuple[str, ...], re.Pattern[str]]:
    """Letters, and a pattern with a group for each of them: the beginnings and parts that stand for it."""
    made: dict[str, list[str]] = {}
    for lexicon in _LATIN:
        for letters, listed in lexicon.items():
            made.setdefault(letters, []).extend(
                re.escape(word).replace(r"\*", ".*") for word in listed.split() if "*" in word
            )
    by_length = sorted(made.items(), key=lambda item: -len(item[0]))  # "nt" before "t"
    given = [(letters, "|".join(parts)) for letters, parts in by_length if parts]
    pattern = re.compile("|".join(f"({parts})" for _, parts in given))
    return tuple(letters for letters, _ in given), pattern


_EXACT = _exact()
_STARRED_LETTERS, _STARRED = _starred()
_JOINED = re.compile(rf"\b{any_of(phrase.replace('-', ' ') for phrase in _PHRASES)}\b")
_WIDE_LETTERS = {
    word.replace("-", " "): letters
    for letters, listed in lexicons.WIDE.items()
    for word in listed.split()
}
_SPACED = "[^\\W\\d_\u0e00-\u9fff\uac00-\ud7af]+"
_WIDE_PIECE = re.compile(
    rf"(?P<known>{any_of(_WIDE_LETTERS, lambda word: r'(?![a-zà-ỹđ])' if word[:1] < chr(0x250) or chr(0x1E00) <= word[:1] <= chr(0x1EFF) else '')})"
    rf"|(?P<pause>[，、,;:؛،：；])|(?P<word>{_SPACED})|(?P<char>\w)"
)
_WIDE_TEXT = re.compile(
    "[\u0600-\u06ff\u0900-\u097f\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]|[ăđơư\u1ea0-\u1ef9]|không"
)
_PIECE = re.compile(r"\w+(?:['-]\w+)*|[,;:()]| [–—-] ")
_MARKS = re.compile("[\u064b-\u0652\u0640]")
_QUOTED = re.compile(
    '“[^”]{0,40}”|„[^“”]{0,40}[“”]|«[^»]{0,40}»|「[^」]{0,40}」|‘[^’]{0,40}’|"[^"]{0,40}"'
)
_WORD = re.compile(r"\w")
_QUOTES = re.compile('[“„«「‘"]')
_CANNOT = frozenset({"can't", "couldn't", "won't"})
_ELIDED = frozenset(
    {"l", "d", "n", "j", "qu", "s", "c", "m", "t", "dell", "nell", "all", "un", "dall", "sull"}
)


def is_wide(plain: str) -> bool:
    """Whether a text is read by known pieces of any length, rather than word by word."""
    return not plain.isascii() and _WIDE_TEXT.search(plain) is not None


@lru_cache(CACHE)
def roles(plain: str) -> str:
    """The letters of a normalised sentence, in order; what is quoted is left out."""
    plain = plain.replace("_", " ")
    if _QUOTES.search(plain):
        bare = _QUOTED.sub(" ", plain)
        plain = bare if _WORD.search(bare) else plain  # a text of nothing but a quotation says it
    if is_wide(plain):
        return _wide_roles(_MARKS.sub("", plain))
    plain = _JOINED.sub(lambda match: match.group().replace(" ", "-"), plain)
    return "".join([role(piece) for piece in _PIECE.findall(plain)])


def _wide_roles(plain: str) -> str:
    letters: list[str] = []
    loose = 0
    for match in _WIDE_PIECE.finditer(plain):
        kind = match.lastgroup
        if kind == "char":
            loose += 1
            letters.append("c" if loose % 2 else "")
            continue
        loose = 0
        if kind == "known":
            letters.append(_WIDE_LETTERS[match.group()])
        else:
            letters.append("," if kind == "pause" else "c")
    return "".join(letters)


@lru_cache(CACHE * 4)
def role(word: str) -> str:
    """The letters of one word; empty for a word of grammar alone."""
    found = _EXACT.get(word)
    if found is not None:
        return found
    if not word[0].isalnum():
        return ","
    if "'" in word:
        return _elided(word)
    begun = _STARRED.fullmatch(word)
    if begun is not None and begun.lastindex is not None:
        return _STARRED_LETTERS[begun.lastindex - 1]
    return "c" if is_content(word) else ""


def _elided(word: str) -> str:
    """The letters of "don't", "I'm", "n'ai", "d'information": of both sides of the apostrophe."""
    if word.endswith("n't"):
        return "x" if word in _CANNOT else "n"
    head, _, rest = word.partition("'")
    if head in _ELIDED:
        return {"n": "n", "j": "s"}.get(head, "") + role(rest)
    return role(head)
