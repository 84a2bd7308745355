"""The manner of a text, from cues: register, politeness, first person, emoji, wanted phrases."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from evalkit.text import style_cues
from evalkit.text.languages import detect_language
from evalkit.text.tokens import normalise

_SPACELESS = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u30ff\u3400-\u9fff\uac00-\ud7af]"
)
_CODE = re.compile(r"```.*?(?:```|\Z)|`[^`\n]*`", re.DOTALL)


def prose(text: str) -> str:
    """``text`` without code."""
    return _CODE.sub(" ", text)


@lru_cache(64)
def _cues(table: str, language: str) -> re.Pattern[str]:
    """The cues of one language; of English for a language we have no cues of."""
    by_language: dict[str, str] = getattr(style_cues, table)
    return re.compile(by_language.get(language, by_language["en"]), re.MULTILINE)


def _count(table: str, text: str, language: str | None) -> int:
    return sum(1 for _ in _cues(table, language or "en").finditer(text))


def register(text: str, language: str | None = None) -> tuple[int, int]:
    """(formal, informal) cues in ``text``: contractions, slang, forms of address, modals, set phrases."""
    language = language or detect_language(text)
    plain = normalise(prose(text))
    as_written = prose(text) if language == "de" else plain  # Sie is formal, sie is "she"
    informal = _count("INFORMAL", plain, language) + len(re.findall(style_cues.EMOTICON, plain))
    informal += emoji_count(text) + len(re.findall("[!！]{2,}|[?？][!！]", plain))
    return _count("FORMAL", as_written, language), informal


def has_register(text: str, wanted: str, language: str | None = None) -> bool:
    """Whether ``text`` is ``formal``, ``neutral`` or ``informal``.

    Informal: more informal than formal cues. Formal: more formal than informal ones, or no
    informal cue at all (a plain statement breaks no rule). Neutral: they differ by one at most.
    """
    formal, informal = register(text, language)
    if wanted == "informal":
        return informal > formal
    return (
        (formal > informal or not informal) if wanted == "formal" else abs(formal - informal) <= 1
    )


def politeness(text: str, language: str | None = None) -> float:
    """0 (rude) to 1 (very polite): 0.5 without cues; ``0.5 + (p - r) / (2 (p + r + 1))`` for p polite, r rude ones."""
    language = language or detect_language(text)
    plain = normalise(prose(text))
    polite, rude = _count("POLITE", plain, language), _count("RUDE", plain, language)
    return 0.5 + (polite - rude) / (2 * (polite + rude + 1))


def has_first_person(text: str, language: str | None = None) -> bool:
    """Whether the writer speaks of itself, in the singular or the plural."""
    language = language or detect_language(text)
    return _count("FIRST_PERSON", prose(text), language) > 0


def emoji_count(text: str) -> int:
    """How many emoji; symbols that are text by default (a plain check mark) are none."""
    return len(re.findall(style_cues.EMOJI, prose(text)))


def has_exclamation(text: str) -> bool:
    """Whether the prose holds an exclamation mark of any width; ``!=`` is none."""
    return re.search(style_cues.EXCLAMATION, prose(text)) is not None


def plain(text: str) -> str:
    """NFKC, one kind of apostrophe and single spaces; case is kept."""
    return " ".join(unicodedata.normalize("NFKC", text.replace("’", "'").replace("‘", "'")).split())


def says(text: str, phrase: str) -> bool:
    """Whether ``phrase`` occurs in ``text``, whatever the case; as whole words where the script has words."""
    whole, wanted = plain(text).casefold(), plain(phrase).casefold()
    if not wanted:
        return True
    at = whole.find(wanted)
    while at >= 0:
        end = at + len(wanted)
        if not _joined(whole[at - 1 : at] if at else "", wanted[0]) and not _joined(
            whole[end : end + 1], wanted[-1]
        ):
            return True
        at = whole.find(wanted, at + 1)
    return False


def _joined(neighbour: str, edge: str) -> bool:
    """Whether two characters belong to one word."""
    both = neighbour.isalnum() and edge.isalnum()
    return both and not (_SPACELESS.match(edge) or _SPACELESS.match(neighbour))
