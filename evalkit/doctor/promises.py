"""Labels that the files themselves refute: a refusal wanted of what the corpus says, a reference without its own key points."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from evalkit.doctor.complaint import ANSWERED, UNCOVERED, Complaint
from evalkit.doctor.support import SHOWN, Shelf
from evalkit.judges.context import read
from evalkit.judges.coverage import denies, states
from evalkit.records import Case, Expected, Suite
from evalkit.text.languages import asking_words, comparable, detect_language
from evalkit.text.quantities import quantities
from evalkit.text.tokens import content_stems, stem_set

TELLING = 3  # content words from which on a question tells what it is about


def unanswerable_complaints(
    suite: Suite, shelf: Shelf, cases: Sequence[Case]
) -> Iterator[Complaint]:
    """Cases that want a refusal although one sentence, with its document's title, has every word of the question.

    That sentence must also say something: a number, an amount or a date that the question does not have. What
    the asker may not read, and what a document has replaced, answers nothing.
    """
    for case in cases:
        if case.expected is not Expected.REFUSE or case.principal or case.messages or case.inputs:
            continue
        asked = _asked(case.query)
        if len(asked) < TELLING:
            continue
        said = _answering(suite, shelf, case, asked)
        if said is not None:
            doc_id, sentence = said
            text = f"wants a refusal, and {doc_id} says “{sentence[:SHOWN]}”"
            yield Complaint(ANSWERED, case.id, text, (doc_id,))


def _asked(query: str) -> frozenset[str]:
    """The content words of a question, without those that merely ask."""
    asking = " ".join(asking_words(detect_language(query) or ""))
    return frozenset(content_stems(query)) - stem_set(asking)


def _answering(
    suite: Suite, shelf: Shelf, case: Case, asked: frozenset[str]
) -> tuple[str, str] | None:
    for doc_id, document in suite.corpus.items():
        if (
            document.superseded_by
            or doc_id in (case.forbidden or ())
            or not asked <= shelf[doc_id].stems
        ):
            continue
        if not comparable(case.query, document.text):
            continue
        title = stem_set(document.title)
        for sentence in read((document.text,)).sentences:
            whole = asked <= sentence.stems | title and 2 * len(asked & sentence.stems) >= len(
                asked
            )
            if whole and _tells(sentence.text, case.query):
                return doc_id, sentence.text
    return None


def _tells(sentence: str, query: str) -> bool:
    return bool(quantities(sentence) - quantities(query))


def uncovered_complaints(case: Case) -> Iterator[Complaint]:
    """The first key point that no reference of its case has the words and numbers of.

    What a reference seems to turn round is none: it is more often a second sentence than a contradiction.
    """
    if not case.reference or case.reference_object is not None:
        return
    for point in case.key_points or ():
        known = any(comparable(point.text, text, case.query) for text in case.reference)
        told = (_tells_of(point.text, text, case.query) for text in case.reference)
        if known and not any(told):
            text = f"its reference does not say its key point “{point.text[:SHOWN]}”"
            yield Complaint(UNCOVERED, case.id, text)
            return


def _tells_of(point: str, reference: str, query: str) -> bool:
    return states(point, reference, query) or denies(point, reference, query)
