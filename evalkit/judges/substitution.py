"""Whether a text retells a statement with another name, number, date or polarity in the same place."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

from rapidfuzz.distance import Levenshtein

from evalkit.judges.opposites import OPPOSITES
from evalkit.judges.permission import same_permission
from evalkit.judges.polarity import polarity_differs
from evalkit.judges.segments import denies
from evalkit.judges.wording import keys_of, near
from evalkit.judges.words import Word, content_keys, words_of
from evalkit.text.number_words import MONTHS
from evalkit.text.quantities import agrees, quantities
from evalkit.text.sentences import spans
from evalkit.text.tokens import CACHE, names

RETELLS = 0.6  # share of the content words two sentences have in common, of the shorter one's ...
ABOUT = 0.4  # share of the statement's own words that the other sentence must have
AT_LEAST = 3  # ... and their number, from which on one retells the other
REPEATS = 0.75  # the same share from which on a "not" more or less is no matter of wording
PLACE = 9  # words at most that stand in one place
FORM = 4  # letters that two forms of one name have in common: "German", "Germany"
CONVERTED = 0.03  # relative difference of one length in two units at most
_METRIC = {"mi": ("m", 1609.344), "ft": ("m", 0.3048), "lb": ("kg", 0.4536)}

Block = tuple[Sequence[Word], Sequence[Word], bool]  # the last: whether it opens a sentence
# Words that deny a noun, not the sentence, which says the same in many ways without them.
_DENIED_NOUNS = "lack lacks without unable ohne sans sin senza sem без بدون غير"
_LEXICAL = frozenset(_DENIED_NOUNS.split())
_SPACELESS = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]")


@lru_cache(CACHE)
def substituted(statement: str, text: str, reference: str = "") -> bool:
    """Whether the sentences of ``text`` nearest to ``statement`` say the same of something else, or deny it.

    That takes a name or number of the statement that ``text`` has nowhere, in whose place stands another
    that ``reference`` (the statement's surroundings) has nowhere; or a "not" or an opposite in one of
    two sentences that are otherwise the same. More words, fewer, and other ones in other places are none.
    """
    around = reference or statement
    known = names(around) | names(text)
    wanted = words_of(statement, known)
    nearest = _nearest(content_keys(statement), [text[a:b] for a, b in spans(text)])
    if not nearest:
        return False
    return all(_differs(statement, wanted, sentence, known, text, around) for sentence in nearest)


def _nearest(own: frozenset[str], pieces: list[str]) -> list[str]:
    """The sentences with most words in common that retell a statement of these; none where none does."""
    best = 0
    found: list[str] = []
    for piece in pieces:
        there = content_keys(piece)
        shared = len(own & there)
        least = max(min(AT_LEAST, max(2, len(own) - 1)), ABOUT * len(own))
        if shared < least or shared < RETELLS * min(len(own), len(there)) or shared < best:
            continue
        found = [piece] if shared > best else [*found, piece]
        best = shared
    return found


def _differs(
    statement: str,
    wanted: tuple[Word, ...],
    sentence: str,
    known: frozenset[str],
    text: str,
    around: str,
) -> bool:
    given = words_of(sentence, known)
    blocks = list(_blocks(wanted, given))
    mine, theirs = keys_of(around), keys_of(text)
    if any(_renamed(block, mine, theirs) for block in blocks):
        return True
    if any(_numeric(a) and _numeric(b) and max(len(a), len(b)) <= PLACE for a, b, _ in blocks):
        lost, foreign = _lost(statement, text), _lost(sentence, around)
        if any(_rival(x, y) and not _converted(x, y) for x in lost for y in foreign):
            return True
        if any(_other_month(block, theirs) for block in blocks):
            return True
    return _denied(statement, sentence, wanted, given, blocks)


def _blocks(wanted: Sequence[Word], given: Sequence[Word]) -> Iterator[Block]:
    """The stretches in which two sentences differ, each with what stands in its place."""
    edits = Levenshtein.opcodes([w.key for w in wanted], [w.key for w in given])
    a, b = 0, 0
    for edit in edits:
        if edit.tag == "equal":
            if edit.src_start > a or edit.dest_start > b:
                yield _block(wanted[a : edit.src_start], given[b : edit.dest_start], a, b)
            a, b = edit.src_end, edit.dest_end
    if a < len(wanted) or b < len(given):
        yield _block(wanted[a:], given[b:], a, b)


def _block(own: Sequence[Word], there: Sequence[Word], a: int, b: int) -> Block:
    """A stretch at places ``a`` and ``b`` of two sentences; a "no" that opens an answer denies nothing of what follows."""
    return own, there, (not a and bool(own)) or (not b and bool(there))


def _renamed(block: Block, mine: frozenset[str], theirs: frozenset[str]) -> bool:
    """Whether a name of the statement, which the text lacks, gave way to one the reference lacks."""
    if max(len(block[0]), len(block[1])) > PLACE:
        return False
    lost = [w for w in block[0] if w.name and not _has(w.key, theirs)]
    foreign = [w for w in block[1] if w.name and not _has(w.key, mine)]
    if not lost or not foreign:
        return False
    return not (_abbreviates(lost, block[1]) or _abbreviates(foreign, block[0]))


def _has(name: str, keys: frozenset[str]) -> bool:
    if name in keys or near(name, keys):
        return True
    return len(name) >= FORM and any(
        k[:FORM] == name[:FORM]
        and k[: min(len(k), len(name)) - 2] == name[: min(len(k), len(name)) - 2]
        for k in keys
    )


def _abbreviates(short: Sequence[Word], long: Sequence[Word]) -> bool:
    """Whether one of the names is made of the first letters of the others: "WHO", "U.S."."""
    initials = "".join(w.key[:1] for w in long if w.capital)
    return any(1 < len(w.key) <= 6 and w.key in initials for w in short)


def _numeric(words: Sequence[Word]) -> bool:
    return any(w.number for w in words)


def _lost(text: str, other: str) -> list[str]:
    """The quantities of ``text`` with which none of ``other`` agrees, roundings included."""
    held = quantities(other)
    return [q for q in quantities(text) if not any(agrees(q, h) or _rounded(q, h) for h in held)]


def _value(quantity: str) -> tuple[float, str] | None:
    head, _, unit = quantity.partition(" ")
    try:
        return float(head.rstrip("%")), "%" if head.endswith("%") else unit
    except ValueError:
        return None


_DATE = re.compile(r"\d{4}-\d\d.*|--\d\d(?:-\d\d)?|(?:1\d|20|21)\d\d")


def _rival(a: str, b: str) -> bool:
    """Whether one quantity can stand for the other: date for date, money for money."""
    if (_DATE.fullmatch(a) is None) != (_DATE.fullmatch(b) is None):
        return False
    x, y = _value(a), _value(b)
    return x is None or y is None or not x[1] or not y[1] or (x[1] == "%") == (y[1] == "%")


def _rounded(a: str, b: str) -> bool:
    """Whether the one number is the other with fewer digits: "4,012,300" and "4 million"."""
    x, y = _value(a), _value(b)
    if x is None or y is None or (x[1] != y[1] and x[1] and y[1]):
        return False
    digits = [len(f"{abs(v):.10g}".replace(".", "").strip("0")) or 1 for v in (x[0], y[0])]
    fewest = min(digits)
    if digits[0] == digits[1] or (not x[1] and 1000 <= max(abs(x[0]), abs(y[0])) < 2200):
        return False  # years are not rounded
    return f"{x[0]:.{fewest}g}" == f"{y[0]:.{fewest}g}" and fewest < max(digits) - 1


def _converted(a: str, b: str) -> bool:
    """Whether two lengths or weights are one, given in two systems of units: "40 km", "25 miles"."""
    x, y = _value(a), _value(b)
    if x is None or y is None or (x[1] in _METRIC) == (y[1] in _METRIC):
        return False
    (v, unit), (w, other) = (
        (v * _METRIC[u][1], _METRIC[u][0]) if u in _METRIC else (v, u) for v, u in (x, y)
    )
    return unit == other and abs(v - w) <= CONVERTED * abs(v)


def _other_month(block: Block, theirs: frozenset[str]) -> bool:
    lost, given = ({MONTHS[w.plain] for w in side if w.plain in MONTHS} for side in block[:2])
    return bool(lost and given and not lost & given) and not any(
        w.key in theirs for w in block[0] if w.plain in MONTHS
    )


def _denied(
    statement: str,
    sentence: str,
    wanted: Sequence[Word],
    given: Sequence[Word],
    blocks: list[Block],
) -> bool:
    """Whether one of two sentences that are otherwise the same has one "not" more, or an opposite."""
    if same_permission(statement, sentence):
        return False
    own, there = (
        {w.key for w in side if w.content and not denies(w.plain)} for side in (wanted, given)
    )
    if len(own & there) < REPEATS * min(len(own), len(there)):
        return False
    if _SPACELESS.search(statement):
        return polarity_differs(statement, sentence)
    odd = sum(_negations(side) for side in (wanted, given)) % 2 == 1
    if any(_opposite(block, own, there) for block in blocks):
        return not odd  # "forbidden" is "not allowed"
    return odd and any(_lone_negation(block) for block in blocks if not block[2])


def _negations(words: Sequence[Word]) -> int:
    return sum(denies(w.plain) and w.plain not in _LEXICAL for w in words)


def _lone_negation(block: Block) -> bool:
    """Whether a stretch puts a "not" in or leaves it out, and nothing else that tells."""
    denials = [[denies(w.plain) for w in side] for side in block[:2]]
    if any(denials[0]) == any(denials[1]) or not (_negations(block[0]) + _negations(block[1])):
        return False
    denying = block[0] if any(denials[0]) else block[1]
    return not any(w.content and not denies(w.plain) for w in denying)


def _opposite(block: Block, own: set[str], there: set[str]) -> bool:
    return any(
        v.key in OPPOSITES.get(w.key, frozenset()) and w.key not in there and v.key not in own
        for w in block[0]
        for v in block[1]
    )
