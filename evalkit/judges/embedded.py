"""The built-in judge: rules over words, numbers, names and negation; no model, no network, no chance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

from evalkit.fields import SHORT, leaves, prose
from evalkit.judges.cited import cited, cited_by_record, gold_of, names_of
from evalkit.judges.claims import claims
from evalkit.judges.context import Context, read
from evalkit.judges.coverage import RESTATED, coverage, denies, states
from evalkit.judges.equivalence import equivalence
from evalkit.judges.portion import label_too_long, of_portion, portion
from evalkit.judges.support import assess
from evalkit.records import Case, Claim, Evidence, Expected, KeyPoint, Passage, Trace
from evalkit.text.absence import ABSENT, says_absent
from evalkit.text.citation_marks import without_marks
from evalkit.text.extract import parse_json
from evalkit.text.refusal import declining_probability, refusal_probability
from evalkit.text.similarity import contains

VERSION = "embedded/8"
HIT = 0.5  # probability from which on an answer has what is labelled
REMEMBERED = 8192  # gradings


class EmbeddedJudge:
    """Grades one trace deterministically and offline, in any language, in about a millisecond.

    ``claims`` is ``None`` when the trace shows no response, or a record without a sentence in it; their
    ``supported`` is ``None`` when it shows no context. ``covered`` and ``correct`` are ``None`` when the case has
    no such label. Of an answer that is JSON as a whole, the prose in it is judged, if there is any.
    Of a very long answer or context the beginning is read, and ``reasons`` says so; a label that long is an ``error``.
    Its measured agreement with people is printed by ``benchmarks/embedded_judge.py``.
    """

    name = "embedded"
    fingerprint = VERSION

    def judge(self, case: Case, trace: Trace) -> Evidence:
        """Evidence about one trace; nothing but ``judge`` is set when there is no response."""
        if trace.response is None:
            return Evidence(judge=self.name)
        too_long = label_too_long(case)
        if too_long is not None:
            return Evidence(judge=self.name, error=too_long)
        read = portion(case, trace)
        if read.trace is trace:
            return _judged(case, trace)
        return of_portion(_judged(case, read.trace), read)


def _judged(case: Case, trace: Trace) -> Evidence:
    labels = (case.query, case.reference, case.key_points)
    shown = (trace.response or "", trace.context, trace.citations)
    gold = gold_of(case) if trace.citations else frozenset[str]()
    known = (gold, names_of(case, trace), case.expected is Expected.REFUSE)
    return _evidence(*labels, *shown, known)


@lru_cache(REMEMBERED)  # repeats, and conditions that change nothing, give equal answers
def _evidence(
    query: str,
    reference: tuple[str, ...] | None,
    key_points: tuple[KeyPoint, ...] | None,
    response: str,
    context: tuple[Passage, ...] | None,
    citations: tuple[str, ...] | None,
    # what is labelled as relevant; what may be cited; whether a refusal is wanted
    known: tuple[frozenset[str], frozenset[str], bool],
) -> Evidence:
    gold, names, to_refuse = known
    places, whole, in_prose = prose(response)
    answer = without_marks(whole, names) if in_prose else whole
    found = _claims(answer, context, query, reference) if in_prose else None
    points = key_points or ()
    covered = tuple(_covered(point.text, answer, query, reference or ()) for point in points)
    correct = equivalence(answer, reference, query) if reference else None
    return Evidence(
        judge=EmbeddedJudge.name,
        claims=found and tuple(_placed(claim, places, whole) for claim in found),
        cited=cited(citations, context, found, gold)
        if in_prose
        else cited_by_record(citations, context, _own_values(response, query), gold),
        covered=None if key_points is None else covered,
        correct=correct,
        refused=_refused(answer, query, (*covered, correct or 0.0), to_refuse=to_refuse),
    )


def _covered(point: str, answer: str, query: str, references: Sequence[str]) -> float:
    """How likely an answer states a point: what a reference seems to deny itself, an answer that holds it whole does not deny."""
    value = coverage(point, answer, query)
    if value >= HIT or not denies(point, answer, query):
        return value
    repeated = (text for text in references if contains(answer, text))
    return RESTATED if any(denies(point, text, query) for text in repeated) else value


def _refused(answer: str, query: str, hits: Sequence[float], *, to_refuse: bool) -> float:
    """How likely an answer declines; to say that the source lacks what is asked is to, unless a label says the same.

    "I know nothing of groups, but a ticket costs 5 euros" answers only who is to be told the price: the labels say it.
    """
    hit = max(hits) >= HIT
    told = (refusal_probability if hit and not to_refuse else declining_probability)(answer)
    if told >= ABSENT or hit or not says_absent(answer, query):
        return told
    return ABSENT


def _own_values(response: str, query: str) -> tuple[str, ...]:
    """The values of a record that the question does not give away, short ones left out."""
    asked = query.casefold()
    values = dict.fromkeys(text for _, text in leaves(parse_json(response).value))
    return tuple(v for v in values if len(v) > SHORT and v.casefold() not in asked)


def _placed(claim: Claim, places: Sequence[int], whole: str) -> Claim:
    """The claim as the response has it, marks of citations included."""
    text, start, end = whole[claim.start : claim.end], places[claim.start], places[claim.end]
    if (text, start, end) == (claim.text, claim.start, claim.end):
        return claim
    return replace(claim, text=text, start=start, end=end)


def _claims(
    answer: str,
    passages: tuple[Passage, ...] | None,
    query: str,
    reference: tuple[str, ...] | None,
) -> tuple[Claim, ...]:
    context = None if passages is None else read(tuple(_shown(p) for p in passages), query)
    return tuple(_claim(answer, span, context, reference) for span in claims(answer))


def _shown(passage: Passage) -> str:
    """A passage with its title, which belongs to what the generator saw."""
    return f"{passage.title}\n\n{passage.text}" if passage.title else passage.text


def _claim(
    answer: str, span: tuple[int, int], context: Context | None, reference: tuple[str, ...] | None
) -> Claim:
    start, end = span
    text = answer[start:end]
    support = None if context is None else assess(text, context)
    return Claim(
        text=text,
        start=start,
        end=end,
        supported=None if support is None else support.supported,
        contradicted=support is not None and support.contradicted,
        passage=None if support is None else support.passage,
        in_reference=_in_reference(text, reference),
    )


def _in_reference(text: str, reference: tuple[str, ...] | None) -> bool | None:
    if not reference:
        return None
    return any(states(text, whole) for whole in reference)
