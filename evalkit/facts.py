"""What can be read off one trace about why it failed: where each piece of evidence got lost, and how the answer behaves."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from functools import partial
from typing import Any

from evalkit.conditions.nearness import bare_numbers
from evalkit.fields import SHORT, plainly_other, prose, row_of, wrong_fields
from evalkit.judges.portion import ANSWER, LABEL
from evalkit.judges.references import points_of
from evalkit.judges.substitution import substituted
from evalkit.records import Approach, Case, Evidence, Expected, Passage, Suite, Trace
from evalkit.said import UNSAID, Text, text_of
from evalkit.text.arithmetic import follows_in
from evalkit.text.elided import lacking_numbers
from evalkit.text.languages import comparable
from evalkit.text.quantities import quantities
from evalkit.text.tokens import names, stem_set

SHOWN = 200  # characters of a label too long to be judged by


class Reach(IntEnum):
    """How far a piece of evidence came on its way to the prompt, in the order of the stages."""

    NOWHERE = 0  # the corpus lacks it, or the system has no documents
    INDEXED = 1  # in the corpus, not in the candidate list
    POOLED = 2  # in the candidate list, below k
    TOP_K = 3  # within k, not in the prompt
    CUT = 4  # its document is in the prompt, shortened before the evidence
    SPLIT = 5  # its document is in the prompt, by a chunk that lacks the evidence
    PROMPT = 6  # in the prompt


@dataclass(frozen=True, slots=True)
class Point:
    """One thing a right answer needs: a key point, a field, or the answer as a whole.

    ``stated`` says whether the answer has it; ``reach`` how far its evidence came, ``None`` where that
    was not observed or not labelled; ``rank`` the first place of an evidence document in the list. ``refuted`` says that
    the gold documents hold another number, name or polarity instead: more than words that are not found.
    """

    text: str
    evidence: tuple[str, ...]
    stated: bool | None
    reach: Reach | None
    rank: int | None = None
    supported_by_gold: bool | None = None
    refuted: bool = False


class _Unread(Point):
    """A point of which the gold documents are read once somebody asks whether they hold it."""

    __slots__ = ("_read",)
    _read: Callable[[], tuple[bool | None, bool]]

    def __getattr__(self, name: str) -> Any:
        if name not in _READ:
            raise AttributeError(name)
        for field, value in zip(_READ, self._read(), strict=True):
            object.__setattr__(self, field, value)
        return getattr(self, name)


_READ = ("supported_by_gold", "refuted")


def _unread(read: Callable[[], tuple[bool | None, bool]], point: Point) -> Point:
    found = _Unread.__new__(_Unread)
    for name in Point.__slots__:
        if name not in _READ:
            object.__setattr__(found, name, getattr(point, name))
    object.__setattr__(found, "_read", read)
    return found


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything the causes may look at for one trace."""

    case: Case
    trace: Trace
    approach: Approach
    k: int
    right: bool | None
    refused: bool
    broken: tuple[str, ...]
    points: tuple[Point, ...]
    unsupported: tuple[str, ...]  # claims the context does not support
    contradicted: tuple[str, ...]
    other_source: str | None  # a non-gold document in the prompt that supports the wrong answer
    stale: tuple[tuple[str, str], ...]  # superseded in the prompt, and what replaces it
    leaked: tuple[str, ...]  # forbidden documents in the prompt
    repeats_right: int  # of the case's as_is repeats, how many passed ...
    repeats: int  # ... and how many there are
    notes: Mapping[str, str]  # what a broken contract says, by metric
    rival: str | None = None  # a document in the prompt that fits the question as well as the gold
    split: bool = False  # the judge finds the answer right, and none of its key points in it
    near: bool = False  # the answer counts as wrong, and has what is labelled, as far as words tell
    left_empty: bool = False  # all that is wrong with the record: it has nothing where values stand
    invented: tuple[str, ...] = ()  # ... or: it has values where nothing is wanted, nor told

    @property
    def answerable(self) -> bool:
        """Whether the case wants its question answered from evidence."""
        return self.case.expected not in (Expected.REFUSE, Expected.CLARIFY)

    @property
    def missing(self) -> tuple[Point, ...]:
        """The points that the answer lacks."""
        return tuple(p for p in self.points if p.stated is not True)

    @property
    def lost(self) -> Reach | None:
        """The earliest stage at which evidence for a missing point was lost; PROMPT: none was lost."""
        seen = [p.reach for p in self.missing if p.reach is not None]
        return min(seen) if seen else None

    @property
    def needs_no_document(self) -> bool:
        """The labels say that no document is relevant."""
        return self.case.relevant is not None and not any(p.evidence for p in self.points)

    @property
    def listed_deep(self) -> bool:
        """Whether the ranked list goes deeper than k, so that "ranked low" and "missed" differ."""
        return self.trace.retrieved is not None and len(self.trace.retrieved) > self.k


@dataclass(frozen=True, slots=True)
class _Need:
    """Something the labels ask for, and the documents that hold it; ``exact`` for the value of a field."""

    text: str
    value: str
    evidence: tuple[str, ...]
    stated: bool | None
    exact: bool = False
    given: str | None = None
    alone: bool = False  # all the rest of the record is right

    def held_by(self, text: Text) -> bool:
        """Whether a text has the value of the field to the letter, or says the statement."""
        return text.holds(self.value) if self.exact else text.says(self.value)


def points(
    suite: Suite, trace: Trace, case: Case, evidence: Evidence | None, approach: Approach
) -> tuple[Point, ...]:
    """The things a right answer needs, each with how far its evidence came."""
    locate = _Locator(suite, case, trace, approach)
    return tuple(locate.point(need) for need in _needs(suite, case, trace, evidence))


def _unseen(suite: Suite, case: Case, trace: Trace) -> Callable[[str], bool]:
    """Whether a value stands in the gold documents and in nothing that the system was shown."""
    gold = [suite.corpus[d].text.casefold() for d in case.relevant or {} if d in suite.corpus]
    shown = "\n".join((case.query, *(p.text for p in trace.context or ()))).casefold()
    return lambda value: value.casefold() not in shown and any(value.casefold() in t for t in gold)


def _needs(suite: Suite, case: Case, trace: Trace, evidence: Evidence | None) -> Iterator[_Need]:
    gold = tuple(d for d, grade in (case.relevant or {}).items() if grade > 0)
    if case.reference_object is not None:
        hidden = _unseen(suite, case, trace)
        wrong = wrong_fields(case.reference_object, trace.response, case.schema, hidden)
        for path, value, given in wrong:
            yield _Need(
                text=f"{path} = {value}",
                value=value,
                evidence=gold,
                stated=False,
                exact=True,
                given=given,
                alone=len(wrong) == 1,
            )
    if case.key_points:
        covered = (
            evidence.covered if evidence and evidence.covered else (None,) * len(case.key_points)
        )
        for point, share in zip(case.key_points, covered, strict=True):
            stated = None if share is None else share >= 0.5
            yield _Need(point.text, point.text, point.evidence or gold, stated)
    elif case.reference_object is None and case.reference:
        correct = evidence.correct if evidence else None
        _, answer, _ = prose(trace.response or "")
        for text, stated in points_of(case.reference, answer, case.query, correct):
            yield _Need(text, text, gold, stated)


class _Locator:
    """Finds how far the evidence for a need came, for one trace."""

    def __init__(self, suite: Suite, case: Case, trace: Trace, approach: Approach) -> None:
        self.suite, self.case, self.trace, self.approach = suite, case, trace, approach
        self._read: dict[tuple[str, ...], Text | None] = {}

    def point(self, need: _Need) -> Point:
        """The need with how far its evidence came; a value that the question itself holds needs none."""
        if len(need.value) > LABEL:  # the judge says that, too
            need = replace(need, text=f"{need.text[:SHOWN]}…", value="")
        gold = self._gold(need)
        if need.exact and (
            need.held_by(Text(self.case.query)) or not (gold and need.held_by(gold))
        ):
            held = self._field_supported(need)
            return Point(need.text, (), need.stated, Reach.PROMPT, None, held, held is False)
        rank = self._rank(need.evidence)
        query = self.case.query
        reach = self._reach(need, rank)
        found = Point(need.text, need.evidence, need.stated, reach, rank)
        told = gold is not None and need.value
        return _unread(partial(_support, gold, need, query), found) if told and gold else found

    def _field_supported(self, need: _Need) -> bool | None:
        """Whether the sources hold a field's value; False where they hold the given value instead.

        Told only of the one wrong field of a record: sums, codes and dates are often worded otherwise.
        """
        case = self.case
        parts = (*map(str, case.inputs.values()), *(p.text for p in self.trace.context or ()))
        sources, other = Text(case.query, *parts), replace(need, value=need.given or "")
        reference = case.reference_object or {}
        told = need.alone and len(need.given or "") > SHORT
        swapped = told and plainly_other(need.value, need.given, reference)
        if need.held_by(sources):
            own = row_of("\n".join(parts), reference, case.query) if swapped else ""
            beside = own and other.held_by(Text(own)) and not need.held_by(Text(own))
            return not beside
        return False if swapped and other.held_by(sources) else None

    def _gold(self, need: _Need) -> Text | None:
        """The gold documents as one text; None where the corpus has none of them."""
        if need.evidence not in self._read:
            found = [self.suite.corpus[d] for d in need.evidence if d in self.suite.corpus]
            parts = tuple(f"{d.title}\n{d.text}" for d in found)
            self._read[need.evidence] = text_of(parts) if parts else None
        return self._read[need.evidence]

    def _reach(self, need: _Need, rank: int | None) -> Reach | None:
        if not need.evidence:
            return None
        if self.trace.context is not None:
            wanted = set(need.evidence)
            present = [p for p in self.trace.context if {p.doc_id, p.chunk_id} & wanted]
            if present:
                return self._inside(need, present)
        elif self.trace.retrieved is None:
            plain = self.approach in (Approach.PROMPT, Approach.FINETUNED)
            return Reach.NOWHERE if plain else None
        return self._before_prompt(rank, need.evidence)

    def _rank(self, evidence: Sequence[str]) -> int | None:
        wanted = set(evidence)
        places = (
            i
            for i, p in enumerate(self.trace.retrieved or (), 1)
            if {p.doc_id, p.chunk_id} & wanted
        )
        return next(places, None)

    def _before_prompt(self, rank: int | None, evidence: Sequence[str]) -> Reach | None:
        if rank is not None and rank <= self.suite.k:
            return Reach.TOP_K if self.trace.context is not None else Reach.PROMPT
        if rank is not None:
            return Reach.POOLED
        if self.trace.retrieved is None:
            return None
        known = not self.suite.corpus or any(_document(d) in self.suite.corpus for d in evidence)
        return Reach.INDEXED if known else Reach.NOWHERE

    def _inside(self, need: _Need, present: Sequence[Passage]) -> Reach:
        """How far the evidence came when its document is in the prompt."""
        if (
            not need.value
            or not all(p.text for p in present)
            or need.held_by(text_of(tuple(p.text for p in present)))
        ):
            return Reach.PROMPT
        whole = self._gold(need)
        if whole is None or not need.held_by(whole):
            return Reach.PROMPT  # not even the whole document says it: nothing was lost on the way
        return Reach.CUT if self._shortened(present) else Reach.SPLIT

    def _shortened(self, present: Sequence[Passage]) -> bool:
        """A passage in the prompt is a mere part of the one that was retrieved."""
        whole = {(p.doc_id, p.chunk_id): p.text for p in self.trace.retrieved or ()}
        return any(len(p.text) < len(whole.get((p.doc_id, p.chunk_id), "")) for p in present)


def _support(gold: Text, need: _Need, query: str) -> tuple[bool | None, bool]:
    """Whether the gold documents say what is needed, and whether they say otherwise."""
    supported = _supported(gold, need, query)
    return supported, supported is False and _refuted(gold, need, query)


def _supported(gold: Text, need: _Need, query: str) -> bool | None:
    """Whether the gold documents say what is needed; None where that cannot be told from the words.

    Words and names are not looked for in a text of another language.
    """
    readable = _readable(gold, need, query)
    if readable and _swapped(gold, need):
        return False
    if need.held_by(gold):
        return True
    if lacking_numbers(need.value, gold.numbers):
        return None if follows_in(need.value, gold.plain) else False
    if not readable or quantities(need.value):  # the numbers are there, in whatever words
        return None
    wanted = stem_set(need.value)
    overlap = len(wanted & gold.stems) / max(1, len(wanted))
    return False if overlap < UNSAID or names(need.value) - gold.stems else None


def _refuted(gold: Text, need: _Need, query: str) -> bool:
    """Whether the gold documents hold something else instead of what is needed, or lack one of its numbers."""
    other = _readable(gold, need, query) and _swapped(gold, need)
    return other or not bare_numbers(need.value) <= bare_numbers(gold.plain)


def _readable(gold: Text, need: _Need, query: str) -> bool:
    return need.exact or comparable(need.value, gold.plain, query)


def _swapped(gold: Text, need: _Need) -> bool:
    compared = not need.exact and not need.stated and len(gold.plain) <= ANSWER
    return compared and substituted(need.value, gold.plain)


def _document(name: str) -> str:
    return name.rpartition("#")[0] or name
