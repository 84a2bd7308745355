"""Documents and chunks whose beginning is missing: they start in mid-sentence or have lost their heading."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from operator import itemgetter

from evalkit.doctor.complaint import LOST_HEADING, MID_SENTENCE, Complaint, listed
from evalkit.records import Document, Passage
from evalkit.text.longest import DOCUMENT

HEAD = 60  # characters by which a chunk is found in its document
_ENDS = frozenset('.!?…。！？｡؟۔।॥።:;|\n"”’»」』)]}')
_LIST_MARK = re.compile(r"\s*(?:[-*•–|#>]|\(?\w{1,3}[.)])\s")
# A short line of its own, without the end of a sentence, with text right below it.
_HEADING = re.compile(
    r"(?:^|(?<=\n))(?P<mark>#{1,6} )?(?P<text>[^\n.!?。！？:;|,、，؟]{2,60})\n(?=\n?\S)"
)


def chunk_complaints(
    corpus: Mapping[str, Document], passages: Iterable[Passage]
) -> Iterator[Complaint]:
    """One complaint a document and kind, with the ids of its chunks; documents without chunks by themselves."""
    cut: dict[str, dict[str, None]] = {}
    bare: dict[str, dict[str, None]] = {}
    headings = cache(_headings)
    for passage in _distinct(passages):
        document = corpus.get(passage.doc_id)
        if max(len(passage.text), len(document.text) if document else 0) > DOCUMENT:
            continue
        place = -1 if document is None else _place(document.text, passage.text)
        name = passage.chunk_id or passage.doc_id
        if in_mid_sentence(passage.text, document.text if document else "", place):
            cut.setdefault(passage.doc_id, {})[name] = None
        if document is not None and place > 0 and _lost(headings(document.text), place, passage):
            bare.setdefault(passage.doc_id, {})[name] = None
    for document in corpus.values():
        if len(document.text) > DOCUMENT:
            continue
        if in_mid_sentence(document.text, document.text, 0) and _has_sentences(document.text):
            yield Complaint(MID_SENTENCE, document.doc_id, "its text starts in mid-sentence")
            cut.pop(document.doc_id, None)
    for doc_id, found in cut.items():
        yield _complaint(MID_SENTENCE, doc_id, tuple(found), "in mid-sentence")
    for doc_id, found in bare.items():
        yield _complaint(
            LOST_HEADING, doc_id, tuple(found), "below a heading that they do not have"
        )


def _complaint(kind: str, doc_id: str, chunks: tuple[str, ...], how: str) -> Complaint:
    what = (
        "1 retrieved chunk starts" if len(chunks) == 1 else f"{len(chunks)} retrieved chunks start"
    )
    return Complaint(kind, doc_id, f"{what} {how}: {listed(chunks)}", chunks)


def _distinct(passages: Iterable[Passage]) -> Iterator[Passage]:
    seen: set[tuple[str, str | None, str]] = set()
    for passage in passages:
        key = (passage.doc_id, passage.chunk_id, passage.text)
        if passage.text.strip() and key not in seen:
            seen.add(key)
            yield passage


def _place(text: str, chunk: str) -> int:
    """Where in its document a chunk begins; -1 where it is not to be found there."""
    return text.find(chunk.strip()[:HEAD])


def in_mid_sentence(chunk: str, text: str, place: int) -> bool:
    """Whether a chunk found at ``place`` of its document's text begins within a sentence.

    Without a place a small first letter tells, in scripts that have them.
    """
    if place > 0:
        before = text[max(0, place - 50) : place].rstrip(" \t\u3000")
        return bool(before) and before[-1] not in _ENDS and not _LIST_MARK.match(chunk)
    first = chunk.split(maxsplit=1)[0] if chunk.strip() else ""
    return first.isalpha() and first.islower() and len(chunk.split(maxsplit=3)) > 3


def _has_sentences(text: str) -> bool:
    """Whether a text that begins with a small letter begins its other sentences with capitals."""
    return re.search(r"[.!?]\s+[^\W\d_a-z]", text) is not None


def _headings(text: str) -> tuple[tuple[int, str], ...]:
    """The headings of a text with the places where they begin."""
    found = []
    for match in _HEADING.finditer(text):
        alone = match.start() == 0 or text.endswith("\n\n", 0, match.start()) or match["mark"]
        if alone and len(match["text"].split()) <= 8 and not _LIST_MARK.match(match["text"]):
            found.append((match.start(), match["text"].strip()))
    return tuple(found)


def _lost(headings: tuple[tuple[int, str], ...], place: int, passage: Passage) -> bool:
    """Whether the heading under which a chunk begins is neither in it nor in its title."""
    above = bisect_right(headings, place, key=itemgetter(0)) - 1
    if above < 0:
        return False
    heading = headings[above][1]
    return heading not in passage.text and heading not in (passage.title or "")
