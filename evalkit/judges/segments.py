"""A text as its clauses, each with the words that a negation in it governs."""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

from evalkit.judges.irregular import key
from evalkit.text.alternation import any_of
from evalkit.text.gated import Gated
from evalkit.text.sentences import spans
from evalkit.text.stopwords import NEGATIONS
from evalkit.text.tokens import CACHE, is_content, normalise, tokens

# Where the reach of a negation ends: punctuation, and the words that open another clause.
_OPENERS = """
but because while whereas although though since so unless until which who whose when where if then only
aber sondern weil während obwohl wenn falls dass nur mais sauf parce car quand lorsque si seulement
pero sino porque cuando aunque solo sólo nhưng vì nếu khi mà chỉ но потому если только لكن لأن إذا بل فقط
"""
# What follows an "and" that joins two clauses, not two words.
_PREDICATES = """
have has is are was were can must will may should do does it they you we he she not never no the
nicht pas không die der das
"""
_BOUNDARY = re.compile(
    r"[.;!?…](?=\s|$)|[)(\]\[\"“”„«»]|[:,]\s+|[。；、，！？：،؛؟]|\s[–—-]{1,2}\s|\n"
    rf"|\b{any_of(_OPENERS.split())}\b"
    rf"|\b(?:and|or|und|et|y|và)\s+(?={any_of(_PREDICATES.split())}\b)"
)
# Negating words that deny nothing: bounds ("no more than"), "not only", "nobody but the owner".
NO_DENIAL = Gated(
    r"\b(?:no|not|never) (?=(?:more|less|fewer|later|earlier|sooner|\w{2,8}er) than\b)"
    r"|\bnot (?=(?:only|just|merely|until|before|necessarily|nur|solo)\b)|\bno (?=matter\b)|\bor not\b"
    r"|\b(?:nobody|no one|none|nothing|noone|niemand|nichts) (?=(?:but|except|other than|else than|außer|anders)\b)"
    r"|\bnicht (?=(?:nur|mehr als|später als|früher als|weniger als)\b)|\bn[e'](?=\s?(?:\w+ ){1,4}que\b)"
    r"|\b(?:no más|pas plus|non seulement|no solo|không chỉ|không quá|không ít hơn)\b"
    r"|,? (?:not|nicht|ni) (?:even|einmal|siquiera) [^,;]{1,30},"
    r"|間違い(?:は|が|なく)?(?:あり|ござい)?ま(?:せん|すまい)|間違いな[いく]|誤りでは(?:ありません|ない)|틀림없|의심할 여지가? 없"
    r"|な(?:ければ|くては|いと)(?:なりません|ならな(?:い|かった)|いけません|いけな(?:い|かった))|かもしれ(?:ません|ない)|すみません|に(?:過|す)ぎ(?:ません|ない)"
    r"|[지]? ?않으면 안|수밖에 없|不得不|[没沒]问?[问題題]|\bnot to mention\b|\bwithout (?=(?:exception|limit|delay|fail|it|this|that|them|these|one)\b)"
)
# Scripts without spaces deny in an ending or a prefix: the whole clause counts as denied.
DENIED_WIDE = Gated(
    r"ません|(?<![少危])な(?:い|かった|く)(?!し)|ずに|[\u4e00-\u9fff]?[没沒未勿莫]|不(?![仅但同過过断斷])|無法|无法|않|없(?!이)|못(?!지)|아(?:니|닙|닌|닐)|틀[렸린립]|금지|사실무근"
    r"|(?:誤り|間違い|誤解|嘘|うそ|デマ)(?:です|だ|で[あすし]|となり|。|$)|(?:错误|錯誤|假)的"
)
_NOBODY_WORDS = "nobody none neither noone niemand keiner personne nadie nessuno ninguém никто"
_NOBODY = frozenset(_NOBODY_WORDS.split())
# Prepositions deny what follows them, not the verb; adverbs deny no further than to the next auxiliary.
_NARROW = frozenset({"without", "ohne", "sans", "sin", "senza", "sem", "без", "بدون"})
_FAILURES = frozenset({"fail", "fails", "failed"})
_ADVERBS = frozenset({"not", "never", "nicht", "nie", "pas", "nunca"})
# Words between "not" and what it denies: "no longer", "nicht mehr".
_BETWEEN = "longer yet even also really currently always mehr länger leider plus más nữa"
_FILLERS = frozenset(_BETWEEN.split())
_AUXILIARY_WORDS = "can may does do did is are was were will would must should has have could might kann darf muss ist puede peut"
_AUXILIARIES = frozenset(_AUXILIARY_WORDS.split())


_NOTHING: frozenset[str] = frozenset()


class Segment(NamedTuple):
    """One clause: its content stems, those among them that are denied, and the ones denied directly."""

    words: frozenset[str]
    denied: frozenset[str]
    heads: frozenset[str]
    negations: int
    sentence: int

    @property
    def negated(self) -> bool:
        """Whether the clause denies anything."""
        return self.negations > 0


@lru_cache(CACHE)
def segments(text: str) -> tuple[Segment, ...]:
    """The clauses of a text that have content, in order.

    A clause that breaks off at its auxiliary ("only the owner can") takes the words of the one
    before it, with its own polarity.
    """
    found: list[Segment] = []
    for index, (start, end) in enumerate(spans(text)):
        plain = NO_DENIAL.sub("", normalise(text[start:end]))
        first = len(found)
        for piece in _pieces(plain):
            segment = _segment(piece, index)
            if len(found) > first and _breaks_off(piece):
                segment = _completed(segment, found[-1])
            if segment.words:
                found.append(segment)
    return tuple(found)


def _pieces(plain: str) -> list[str]:
    """``plain`` cut at the places where the reach of a negation ends; the cut words stay with what follows."""
    cuts = [0, *(match.start() for match in _BOUNDARY.finditer(plain)), len(plain)]
    pieces: list[str] = []
    for start, end in pairwise(cuts):
        if pieces and _goes_on(pieces[-1], plain[start:end]):
            pieces[-1] += plain[start:end]
        elif plain[start:end].strip():
            pieces.append(plain[start:end])
    return pieces


def _goes_on(piece: str, following: str) -> bool:
    """Whether a piece reaches into the next: "nobody, by the way, ..." and "not if ..."."""
    words = tokens(piece)
    if not words:
        return False
    bare = words[-1] in _ADVERBS and following[:1].isalpha() and not any(map(_carries, words))
    return bare or words[-1] in _NOBODY


@lru_cache(CACHE * 8)
def denies(word: str) -> bool:
    """Whether a word by itself negates the clause; a failure is no denial."""
    return (word in NEGATIONS and word not in _FAILURES) or word.endswith("n't")


@lru_cache(CACHE * 8)
def _carries(word: str) -> bool:
    return is_content(word) and not denies(word) and word not in _FILLERS


def _segment(piece: str, sentence: int) -> Segment:
    words = tokens(piece)
    stems = frozenset(map(key, filter(_carries, words)))
    if DENIED_WIDE.search(piece):
        return Segment(stems, stems, _NOTHING, 1, sentence)
    if not any(map(denies, words)):
        return Segment(stems, _NOTHING, _NOTHING, 0, sentence)
    content = [(i, key(w)) for i, w in enumerate(words) if _carries(w)]
    places = [i for i, w in enumerate(words) if denies(w)]
    denied: set[str] = set()
    heads: set[str] = set()
    for place in places:
        until = _reach(words, place, [i for i, _ in content])
        after = [w for i, w in content if place < i < until]
        denied.update(after or stems)
        heads.update(after[:1] or [w for _, w in content[-1:]])
    return Segment(stems, frozenset(denied), frozenset(heads), len(places), sentence)


def _reach(words: tuple[str, ...], place: int, content: list[int]) -> int:
    """Where the reach of the negation at ``place`` ends: "not yet approved | can be deleted"."""
    heads = [i for i in content if i > place]
    if words[place] in _NARROW:
        return heads[0] + 1 if heads else len(words)
    if words[place] in _ADVERBS and heads:
        return next(
            (i for i in range(heads[0], len(words)) if words[i] in _AUXILIARIES), len(words)
        )
    return len(words)


def _breaks_off(piece: str) -> bool:
    words = tokens(piece)
    return bool(words) and (
        words[-1] in _AUXILIARIES or words[-1] in {"cannot", "not"} or words[-1].endswith("n't")
    )


def _completed(segment: Segment, before: Segment) -> Segment:
    """``segment`` with the words left out of it, denied where it denies."""
    added = before.denied or before.words
    denied = segment.denied | added if segment.negated else segment.denied
    return Segment(
        segment.words | added, denied, segment.heads, segment.negations, segment.sentence
    )
