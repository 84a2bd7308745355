"""Faults of the suite itself: a label that is wrong, a question that leaves open what it is about."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from functools import partial
from random import Random

from evalkit.faults.corrupt import misread_object, misread_text, names_of
from evalkit.faults.drafts import told_by_documents
from evalkit.faults.fault import Fault
from evalkit.faults.retrieval_faults import answerable
from evalkit.faults.wording import Stock
from evalkit.records import Case, Suite
from evalkit.text.tokens import content_words, stem, stem_set


def _mislabelled(phrases: Stock, suite: Suite, case: Case, random: Random) -> Case:
    """The case with a wrong label: what it asks for is not what its gold documents say."""
    if case.reference_object is not None:
        told = told_by_documents(case, suite.corpus)
        keys = [k for k, v in case.reference_object.items() if str(v) in told]
        record = {k: case.reference_object[k] for k in keys}
        wrong = misread_object(record, suite, random)
        return replace(case, reference_object={**case.reference_object, **wrong})
    names, read = names_of(suite.corpus), partial(misread_text, phrases=phrases)
    points = tuple(
        replace(p, text=read(p.text, replace(case, key_points=(p,)), names, random))
        for p in case.key_points or ()
    )
    reference = tuple(read(r, case, names, random) for r in case.reference or ())
    return replace(case, key_points=points or None, reference=reference or None)


def _checkable(suite: Suite, case: Case) -> bool:
    if case.reference_object is not None:
        told = told_by_documents(case, suite.corpus)
        return answerable(suite, case) and any(
            str(v) in told for v in case.reference_object.values()
        )
    return answerable(suite, case) and case.criteria is None


def _vague(phrases: Stock, suite: Suite, case: Case, random: Random) -> Case:
    """The question with all but one word of it left open; the question as it was is its clarified form."""
    return replace(
        case,
        query=random.choice(phrases.vague_questions).format(word=_common_word(suite, case)),
        clarified=case.query,
        paraphrases=(),
        leading=(),
    )


def _common_word(suite: Suite, case: Case) -> str:
    """The word of the question that most documents have."""
    frequency = Counter(s for d in suite.corpus.values() for s in stem_set(d.text))
    words = content_words(case.query)
    return max(words, key=lambda w: (frequency[stem(w)], w), default="that")


def _short_question(suite: Suite, case: Case) -> bool:
    """A question that can be made vague: answerable, on its own, no document of its own inside."""
    alone = case.messages is None and case.clarified is None
    return answerable(suite, case) and alone and len(case.query) < 300


def faults(phrases: Stock) -> tuple[Fault, ...]:
    """The faults of the suite; vague questions are worded as the stock has them."""
    return (
        Fault("corrupt_label", "label_issue", "the label is wrong", _checkable,
              spoil=partial(_mislabelled, phrases)),
        Fault("ask_vaguely", "query_underspecified", "the question leaves its subject open",
              _short_question, spoil=partial(_vague, phrases)),
    )  # fmt: skip
