"""A corpus that hinders: copies, contradictions, broken chunks, gold that nobody finds or may read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from functools import cached_property

from evalkit.doctor.chunks import chunk_complaints
from evalkit.doctor.complaint import (
    NEVER_RETRIEVED,
    PERMISSION_ONLY,
    TOO_LONG,
    UNSUPPORTED_KEY_POINT,
    Complaint,
    listed,
)
from evalkit.doctor.copies import copy_complaints
from evalkit.doctor.support import SHOWN, Shelf, answerable, gold_of, lacking, wants_documents
from evalkit.grade import Graded
from evalkit.judges.portion import LABEL
from evalkit.records import AS_IS, Approach, Case, Passage, Suite
from evalkit.retrievers.index import may_read
from evalkit.said import UNSAID
from evalkit.text.longest import DOCUMENT
from evalkit.text.tokens import content_stems

BY_ITSELF = (AS_IS, "deep_retrieval")  # conditions under which a system retrieves what it likes
UNINDEXED = (Approach.PROMPT, Approach.FINETUNED)


def corpus_complaints(
    suite: Suite, graded: Mapping[str, Graded], shelf: Shelf | None = None
) -> list[Complaint]:
    """Everything doubtful about the corpus, by kind; ``graded`` may be empty before any run."""
    if not suite.corpus:
        return []
    return [
        *_too_long(suite),
        *copy_complaints(suite.corpus),
        *_unsupported(suite, shelf or Shelf(suite)),
        *_unreadable(suite),
        *_never_retrieved(suite, graded),
        *chunk_complaints(suite.corpus, _retrieved(graded)),
    ]


def _retrieved(graded: Mapping[str, Graded]) -> Iterator[Passage]:
    for one in graded.values():
        for trace in one.traces:
            if trace.condition in BY_ITSELF:
                yield from trace.retrieved or ()


def _too_long(suite: Suite) -> Iterator[Complaint]:
    """Documents of which only the beginning is looked at."""
    for document in suite.corpus.values():
        if len(document.text) > DOCUMENT:
            text = f"has {len(document.text):,} characters; the first {DOCUMENT:,} are looked at, and it is not compared with others"
            yield Complaint(TOO_LONG, document.doc_id, text)


# --- key points --------------------------------------------------------------------------------


def _unsupported(suite: Suite, shelf: Shelf) -> Iterator[Complaint]:
    """Key points that no document of the corpus can be taken to say, and the gold ones together neither."""
    finder = _Finder(suite, shelf)
    for case in suite.cases:
        if not wants_documents(case):
            continue
        for point in case.key_points or ():
            if len(point.text) > LABEL:
                continue
            named = map(shelf.names, dict.fromkeys((*point.evidence, *gold_of(case))))
            gold = [d for d in named if d is not None]
            if gold and lacking(point.text, shelf.joined(gold), case.query) is None:
                continue
            if finder.saying(point.text, case.query) is None:
                text = f"no document of the corpus says “{point.text[:SHOWN]}”"
                yield Complaint(UNSUPPORTED_KEY_POINT, case.id, text)


class _Finder:
    """Finds a document that may say a statement, by the rarest words of the statement."""

    def __init__(self, suite: Suite, shelf: Shelf) -> None:
        self._suite, self._shelf = suite, shelf

    @cached_property
    def _postings(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for doc_id in self._suite.corpus:
            for stem in self._shelf[doc_id].stems:
                found.setdefault(stem, []).append(doc_id)
        return found

    def saying(self, statement: str, query: str) -> str | None:
        """A document that has all numbers and names of a statement and enough of its words.

        It has a share of UNSAID of the words, so it has at least one of the rarest 1 - UNSAID of them.
        """
        places = self._postings
        wanted = sorted(
            frozenset(content_stems(statement)), key=lambda s: (len(places.get(s, ())), s)
        )
        rarest = wanted[: int(len(wanted) * (1 - UNSAID)) + 1]
        shared = Counter(doc_id for stem in rarest for doc_id in places.get(stem, ()))
        likely = sorted(shared, key=lambda d: (-shared[d], d))
        return next((d for d in likely if lacking(statement, self._shelf[d], query) is None), None)


# --- gold that does not arrive -----------------------------------------------------------------


def _unreadable(suite: Suite) -> Iterator[Complaint]:
    """Cases that want an answer from documents of which the asker may see none."""
    for case in suite.cases:
        gold = [d for d in gold_of(case) if d in suite.corpus]
        hidden = tuple(d for d in gold if not _may_see(suite, case, d))
        if answerable(case) and gold and len(hidden) == len(gold):
            who = f"the asker ({case.principal})" if case.principal else "the asker"
            text = f"{who} may not see its gold: {listed(hidden)}"
            yield Complaint(PERMISSION_ONLY, case.id, text, hidden)


def _may_see(suite: Suite, case: Case, doc_id: str) -> bool:
    return doc_id not in (case.forbidden or ()) and may_read(suite.corpus[doc_id], case.principal)


def _never_retrieved(suite: Suite, graded: Mapping[str, Graded]) -> Iterator[Complaint]:
    """Gold documents that no system listed for any question, in corpus order."""
    asked: set[str] = set()
    listed_somewhere: set[str] = set()
    for one in graded.values():
        if one.approach in UNINDEXED:
            continue
        for trace in one.traces:
            if trace.retrieved is not None and trace.condition in BY_ITSELF:
                asked.add(trace.case_id)
                listed_somewhere.update(p.doc_id for p in trace.retrieved)
    wanted: dict[str, list[str]] = {}
    for case in suite.cases:
        for doc_id in gold_of(case) if case.id in asked else ():
            wanted.setdefault(doc_id, []).append(case.id)
    for doc_id in suite.corpus:
        if doc_id in wanted and doc_id not in listed_somewhere:
            cases = tuple(wanted[doc_id])
            text = f"gold for {listed(cases)}, and no system ever retrieved it"
            yield Complaint(NEVER_RETRIEVED, doc_id, text, cases)
