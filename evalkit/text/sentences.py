"""Sentences and clauses of a text in any script, as character offsets into it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

Span = tuple[int, int]

# Ends that need no space after them (CJK, Arabic, Devanagari), and those that do.
_END = re.compile(
    r"(?P<wide>[。！？｡]+[」』”’）)\"]*)"
    r"|(?P<narrow>(?:(?<![.!?…])[.!?…]++|(?<![؟۔।॥።])[؟۔।॥።]++)[\"'”’»)\]]*(?:\s*\[[\w, ]{1,12}\])?(?=\s))"
    r"|(?P<line>\n\s*)"
)
_END_MARK = re.compile("[.!?…。！？｡؟۔।॥\n]")
# White space that ends a sentence too, so that no pattern is tried on ever longer runs of it.
_GAP = re.compile(r"\s{100,}+")
_ABBREVIATED = """
mr mrs ms dr prof st sr jr vs etc e.g i.e cf fig no nos vol pp ed eds al inc ltd co corp dept approx
est gen col sgt capt lt rev hon u.s u.k a.m p.m jan feb mar apr jun jul aug sep sept oct nov dec mt ft
bzw z.b d.h u.a usw ca nr str hr fr evtl ggf inkl bspw vgl abs art bd
m mme mlle p.ex av env sra dra sres ud uds núm pág tp ths ts gs
"""
_ABBREVIATIONS = frozenset(_ABBREVIATED.split())
_LIST_MARK = re.compile(r"\s*(?:[-*•–]|\(?\d{1,3}[.)]|\(?[a-z][.)])\s+")
_CLAUSE = re.compile(
    r";\s+|[；、，]|،\s*"
    r"|,\s+(?=(?:and|but|while|whereas|which|who|where|although|because|so|including|with|or|"
    r"und|aber|während|wobei|der|die|das|et|mais|qui|y|pero|que|và|nhưng)\b)"
    r"|\s+[–—-]{1,2}\s+"
)
CLOSED = frozenset("\"'”’»)]}」』|*`_")  # after these a text may well be over
MIN_CLAUSE = 16  # characters; shorter pieces stay with their neighbour
LONG = 1000  # characters from which on a text is searched for gaps
LOOK_BACK = 24  # characters before a stop that tell whether it ends a sentence
MIN_CLAUSE_WIDE = 5  # the same in scripts that say a word in one or two characters


@lru_cache(4096)
def spans(text: str) -> tuple[Span, ...]:
    """The sentences of ``text`` as an immutable, remembered tuple; see ``sentences``."""
    found: list[Span] = []
    start = 0
    for match in _ends(text):
        if _ends_here(text, start, match):
            _append(found, text, start, match.end())
            start = match.end()
    _append(found, text, start, len(text))
    if len(text) > LONG and _GAP.search(text):
        return tuple(piece for span in found for piece in _without_gaps(text, span))
    return tuple(found)


def _without_gaps(text: str, span: Span) -> Iterator[Span]:
    """A sentence cut at its gaps."""
    start, end = span
    for gap in _GAP.finditer(text, start, end):
        yield start, gap.start()
        start = gap.end()
    yield start, end


def _ends(text: str) -> Iterator[re.Match[str]]:
    """The matches of ``_END`` in order; looked for only where one can begin, which is much faster."""
    upto = 0
    for mark in _END_MARK.finditer(text):
        match = _END.match(text, mark.start()) if mark.start() >= upto else None
        if match is not None:
            upto = match.end()
            yield match


def sentences(text: str) -> list[Span]:
    """``(start, end)`` of each sentence, in order and without surrounding white space.

    A list item, a heading or a table row is a sentence of its own; abbreviations, initials,
    decimals and hard line wraps do not end one.
    """
    return list(spans(text))


def _append(found: list[Span], text: str, start: int, end: int) -> None:
    piece = text[start:end]
    stripped = piece.strip()
    if stripped[:1].isalnum() or any(map(str.isalnum, stripped)):
        begin = start + len(piece) - len(piece.lstrip())
        found.append((begin, begin + len(stripped)))
    elif stripped and found and "\n" not in piece:
        found[-1] = (found[-1][0], start + len(piece.rstrip()))


def _ends_here(text: str, start: int, match: re.Match[str]) -> bool:
    if match.lastgroup == "wide":
        return True
    after = text[match.end() : match.end() + 8].lstrip()
    if match.lastgroup == "line":
        # A wrapped line goes on in lower case; two line breaks always end a sentence.
        return (
            match.group().count("\n") > 1
            or not after[:1].islower()
            or _last_mark(text, start, match.start()) in ".!?:"
        )
    return _narrow_end(text, (start, match.start()), match.group(), after)


def _last_mark(text: str, start: int, end: int) -> str:
    """The last character of a stretch that is no white space, "" where there is none."""
    while end > start and text[end - 1].isspace():
        end -= 1
    return text[end - 1 : end] if end > start else ""


def _narrow_end(text: str, before: Span, mark: str, after: str) -> bool:
    """Whether a stop ends a sentence; of what stands ``before`` it only the nearest is looked at, however long it is."""
    if after[:1].islower():
        return False
    if not mark.startswith(".") or mark.startswith(".."):
        return True
    nearest = text[max(before[0], before[1] - LOOK_BACK) : before[1]]
    if _LIST_MARK.fullmatch(nearest.lstrip() + ". "):
        return False
    word = _last_word(nearest)
    if not word:
        return True
    # "J. Smith", and German "z. B."
    initial = len(word) == 1 and (word.isupper() or after[1:2] == ".")
    dated = word.isdigit() and len(word) <= 2 and _is_month(after)
    return not (word.casefold() in _ABBREVIATIONS or initial or dated)


def _last_word(text: str) -> str:
    """The word at the end of a text, abbreviations such as "z.B" whole; "" where it ends otherwise. Dots at the end do not count."""
    text = text.rstrip(".")
    start = end = len(text)
    while start and (text[start - 1].isalnum() or (start < end and _dotted(text, start - 1))):
        start -= 1
    return text[start:end]


def _dotted(text: str, place: int) -> bool:
    """Whether a dot stands there, between two letters or digits."""
    inside = place > 0 and text[place] == "." and text[place - 1].isalnum()
    return inside and text[place + 1].isalnum()


def _is_month(after: str) -> bool:
    """Whether what follows "3." is a month, as in German "3. Oktober"."""
    return after[:3].casefold() in {
        "jan",
        "feb",
        "mär",
        "apr",
        "mai",
        "jun",
        "jul",
        "aug",
        "sep",
        "okt",
        "nov",
        "dez",
    }


def breaks_off(text: str) -> bool:
    """Whether a text stops in mid-sentence: its last line ends without a mark, after a sentence that has one.

    A line without any finished sentence (a title, an item of a list) or with a label ("Source: ...") does not count.
    """
    line = text.rstrip().rpartition("\n")[2]
    found = spans(line)
    if len(found) < 2 or line[-1] in CLOSED or ":" in line[slice(*found[-1])][:-1]:
        return False
    before = line[slice(*found[-2])].rstrip()
    return bool(_END_MARK.search(before[-2:])) and not _END_MARK.search(line[-1])


@lru_cache(4096)
def clauses(text: str) -> tuple[Span, ...]:
    """Sentences cut further at semicolons and at commas that open a clause; offsets as above."""
    return tuple(clause for span in spans(text) for clause in _clauses_of(text, span))


def _clauses_of(text: str, span: Span) -> list[Span]:
    start, end = span
    spaced = text.find(" ", start, end) >= 0 or any(map(str.isspace, text[start:end]))
    least = MIN_CLAUSE if spaced else MIN_CLAUSE_WIDE
    found: list[Span] = []
    for match in _CLAUSE.finditer(text, start, end):
        if match.start() - start >= least and end - match.end() >= least:
            found.append((start, match.start()))
            start = match.end()
    return [*found, (start, end)]
