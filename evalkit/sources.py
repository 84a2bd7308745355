"""Which documents of the prompt a wrong answer may rest on: superseded ones, other ones, ones that fit the question as well."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from evalkit.fields import strange_values
from evalkit.records import Case, Document, Passage, Suite, Trace
from evalkit.said import Text, text_of
from evalkit.text.languages import OPENING, detect_language
from evalkit.text.tokens import content_stems

FITS = 0.75  # share of a question's content words by which a document fits it
ASKS = 2  # content words from which on a question tells what it is about


def stale_documents(suite: Suite, case: Case, trace: Trace) -> tuple[tuple[str, str], ...]:
    """Superseded documents in the prompt whose replacement is gold for the case, oldest first."""
    gold = {d for d, grade in (case.relevant or {}).items() if grade > 0}
    seen = dict.fromkeys(p.doc_id for p in trace.context or ())
    found = []
    for doc_id in seen:
        newest = latest(doc_id, suite.corpus)
        if newest != doc_id and newest in gold:
            found.append((doc_id, newest))
    return tuple(found)


def latest(doc_id: str, corpus: Mapping[str, Document]) -> str:
    """The document that replaces ``doc_id`` in the end; itself when nothing does."""
    seen = set()
    while doc_id in corpus and corpus[doc_id].superseded_by and doc_id not in seen:
        seen.add(doc_id)
        doc_id = corpus[doc_id].superseded_by or doc_id
    return doc_id


def other_source(case: Case, trace: Trace) -> str | None:
    """A document in the prompt that is not gold and yet says what the wrong answer says."""
    gold = {d for d, grade in (case.relevant or {}).items() if grade > 0}
    for point in case.key_points or ():
        gold.update(point.evidence)
    if not trace.response or not gold:
        return None
    others = [p for p in trace.context or () if p.doc_id not in gold]
    known = Text(case.query, *(p.text for p in trace.context or () if p.doc_id in gold))
    if case.reference_object is not None:
        return _source_of_values(case, trace, others, known)
    if known.says(trace.response):
        return None
    return next((p.doc_id for p in others if text_of((p.text,)).says(trace.response)), None)


def _source_of_values(
    case: Case, trace: Trace, others: Sequence[Passage], known: Text
) -> str | None:
    """The other document that holds a wrong value of a record, which neither the question nor the gold holds."""
    wrong = strange_values(case.reference_object or {}, trace.response)
    strange = [text for text in wrong if text.casefold() not in known.folded]
    return next(
        (p.doc_id for p in others if any(t.casefold() in p.text.casefold() for t in strange)), None
    )


def rival(suite: Suite, case: Case, source: str | None) -> str | None:
    """The ``other_source`` of an answer, where it fits the question as well as the gold documents.

    Nobody could know from such a question which of the two is meant. ``None`` for a superseded document too.
    """
    gold = {d for d, grade in (case.relevant or {}).items() if grade > 0}
    if source is None or not gold:
        return None
    asked = frozenset(content_stems(case.query))
    if len(asked) < ASKS:
        return None
    if latest(source, suite.corpus) != source or not gold <= suite.corpus.keys():
        return None
    wanted = max(_fit(asked, suite.corpus[d]) for d in gold)
    other = _fit(asked, suite.corpus[source]) if source in suite.corpus else 0.0
    return source if wanted <= other and other >= FITS else None


def _fit(asked: frozenset[str], document: Document) -> float:
    """The share of a question's content words that a document has, with its title."""
    held = text_of((document.title, document.text)).stems
    return len(asked & held) / max(1, len(asked))


def foreign_gold(suite: Suite, case: Case) -> bool:
    """Whether all gold documents are in another language than the question: what they support cannot be told by words."""
    asked = detect_language(case.query)
    names = [d for d, grade in (case.relevant or {}).items() if grade > 0 and d in suite.corpus]
    written = [detect_language(suite.corpus[name].text[:OPENING]) for name in names]
    return asked is not None and bool(written) and all(w not in (None, asked) for w in written)
