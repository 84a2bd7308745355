"""What the labels say about a question, for the injector and its known-good system: which case, which evidence."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from random import Random

from evalkit.records import Case, Document, KeyPoint, Message, Passage, Question, Suite
from evalkit.text.quantities import quantities
from evalkit.text.sentences import spans
from evalkit.text.tokens import stem_set

MOST_SENTENCES = 3  # of a document that one statement may rest on
Corpus = Mapping[str, Document]


class Cases:
    """Finds the case that a question belongs to; systems are never told its id."""

    def __init__(self, suite: Suite) -> None:
        self._exact: dict[tuple[str, tuple[Message, ...] | None, str | None], Case] = {}
        self._by_query: dict[str, Case] = {}
        for case in suite.cases:
            self._exact.setdefault((case.query, case.messages, case.principal), case)
        for case in suite.cases:
            for query in (case.query, *_other_words(case)):
                self._by_query.setdefault(query, case)

    def find(self, question: Question) -> Case | None:
        """The case whose query, paraphrase, leading or clarified form this is; None for a strange one."""
        exact = self._exact.get((question.query, question.messages, question.principal))
        return exact or self._by_query.get(question.query)


def _other_words(case: Case) -> Iterator[str]:
    yield from case.paraphrases
    yield from case.leading
    if case.clarified:
        yield case.clarified


def dice(*parts: object) -> Random:
    """A random source that depends on the parts and on nothing else."""
    return Random("|".join(map(str, parts)))


def gold_of(case: Case) -> tuple[str, ...]:
    """The documents that the case needs: evidence of its key points first, then other relevant ones."""
    evidence = [d for point in case.key_points or () for d in point.evidence]
    relevant = sorted((case.relevant or {}).items(), key=lambda item: -item[1])
    return tuple(dict.fromkeys([*evidence, *(d for d, grade in relevant if grade > 0)]))


def points_of(case: Case) -> tuple[KeyPoint, ...]:
    """What a right answer says, with its evidence: the key points, else the sentences of the reference."""
    gold = gold_of(case)
    if case.key_points:
        return tuple(KeyPoint(p.text, p.evidence or gold) for p in case.key_points)
    whole = case.reference[0] if case.reference else ""
    return tuple(KeyPoint(whole[start:end], gold) for start, end in spans(whole))


@lru_cache(16384)
def evidence_in(statement: str, text: str) -> tuple[tuple[int, int], ...]:
    """The sentences of ``text`` that a statement rests on, as ``(start, end)``; empty when nothing fits.

    The sentence with most of its words and numbers first, then those that add a number or two more words.
    """
    wanted = frozenset((*stem_set(statement), *quantities(statement)))
    found: list[tuple[int, int]] = []
    cut = [(span, _content(text[slice(*span)])) for span in spans(text)]
    while cut and wanted and len(found) < MOST_SENTENCES:
        span, content = max(cut, key=lambda item: len(item[1] & wanted))
        gain = content & wanted
        if not gain or (found and len(gain) < 2 and not gain & quantities(statement)):
            break
        found.append(span)
        wanted -= content
    return tuple(sorted(found))


def _content(sentence: str) -> frozenset[str]:
    return frozenset((*stem_set(sentence), *quantities(sentence)))


def squeezed(text: str) -> str:
    """Text with every run of white space as one space, so that cuts compare."""
    return " ".join(text.split())


def shows(passages: Sequence[Passage], document: Document, statement: str) -> bool:
    """Whether the passages of ``document`` hold every sentence of it that the statement rests on."""
    text = squeezed("\n".join(p.text for p in passages if p.doc_id == document.doc_id))
    rests_on = evidence_in(statement, document.text)
    if not rests_on:
        return bool(text)
    return all(squeezed(document.text[start:end]) in text for start, end in rests_on)


def supported_by(
    point: KeyPoint, passages: Sequence[Passage], corpus: Corpus
) -> tuple[str, ...] | None:
    """The documents among the passages that support a point; None when none does, empty when none is needed."""
    if not point.evidence:
        return ()
    held = [corpus[d] for d in point.evidence if d in corpus]
    docs = tuple(d.doc_id for d in held if shows(passages, d, point.text))
    return docs or None


def older_versions(suite: Suite, doc_id: str) -> tuple[str, ...]:
    """The documents that ``doc_id`` supersedes, directly."""
    return tuple(d.doc_id for d in suite.corpus.values() if d.superseded_by == doc_id)
