"""Metrics of the answer: whether it says what the reference says, and only what the context says."""

from __future__ import annotations

from evalkit.errors import UndecidedError
from evalkit.metrics.behaviour import BEHAVIOUR
from evalkit.metrics.citations import CITATIONS
from evalkit.records import Evidence, KeyPoint, Metric, Passage, Stage
from evalkit.text import similarity
from evalkit.text.longest import readable
from evalkit.text.quantities import found_in, quantities

# The embedded judge leaves open only what says nothing that a passage could support: that is no missing grade.
ABSTAINING = "embedded"


@readable
def exact(response: str, reference: tuple[str, ...]) -> float | None:
    """1 if the response equals a reference once case, punctuation and articles are gone, else 0."""
    return max((float(similarity.same_text(response, text)) for text in reference), default=None)


@readable
def token_f1(response: str, reference: tuple[str, ...]) -> float | None:
    """The best SQuAD token F1 over the references, 0..1."""
    return max((similarity.token_f1(response, text) for text in reference), default=None)


@readable
def containment(response: str, reference: tuple[str, ...]) -> float | None:
    """The best share of a reference's content words that the response has, 0..1."""
    shares = (similarity.containment(text, response) for text in reference)
    return max((share for share in shares if share is not None), default=None)


@readable
def numbers(response: str, reference: tuple[str, ...]) -> float | None:
    """The best share of a reference's numbers, amounts and dates found in the response, 0..1."""
    given = quantities(response)
    wanted = [found for text in reference if (found := quantities(text))]
    return max((len(found_in(each, given)) / len(each) for each in wanted), default=None)


def equivalence(evidence: Evidence, reference: tuple[str, ...]) -> float | None:
    """The judge's probability that the response means what a reference means, 0..1."""
    return evidence.correct if reference else None


def key_points(key_points: tuple[KeyPoint, ...], evidence: Evidence) -> float | None:
    """Share of the key points that the judge finds stated (probability at least 0.5), 0..1."""
    covered = evidence.covered
    if not key_points or covered is None or len(covered) != len(key_points):
        return None
    stated = [p >= 0.5 for p in covered if p is not None]
    return sum(stated) / len(stated) if len(stated) == len(covered) else None


def groundedness(evidence: Evidence, context: tuple[Passage, ...]) -> float | None:  # noqa: ARG001 - a need
    """Share of the decidable claims that the context supports, 0..1."""
    decided = [claim.supported for claim in evidence.claims or () if claim.supported is not None]
    return sum(decided) / len(decided) if decided else None


def due_equivalence(evidence: Evidence, reference: tuple[str, ...]) -> float | None:
    """``equivalence``; raises ``UndecidedError`` where a case with a reference got no verdict."""
    if evidence.correct is None and any(text.strip() for text in reference):
        raise UndecidedError
    return equivalence(evidence, reference)


def due_key_points(key_points: tuple[KeyPoint, ...], evidence: Evidence) -> float | None:
    """The share of ``key_points`` stated; raises ``UndecidedError`` where the judge left any of them open."""
    found = _stated(key_points, evidence)
    if key_points and found is None:
        raise UndecidedError
    return found


def due_groundedness(evidence: Evidence, context: tuple[Passage, ...]) -> float | None:
    """``groundedness``; raises ``UndecidedError`` where there are claims and the judge decided none of them."""
    found = groundedness(evidence, context)
    if found is None and evidence.claims and evidence.judge != ABSTAINING:
        raise UndecidedError
    return found


_stated = key_points  # whose name its own argument hides


METRICS: tuple[Metric, ...] = (
    Metric(
        "exact",
        Stage.GENERATION,
        exact,
        "Exact match (SQuAD, Rajpurkar et al. 2016): 1 when the response equals any reference after "
        "case folding, Unicode normalisation and removal of punctuation and English articles. Undefined "
        "when the case lists no reference.",
        outcome=True,
    ),
    Metric(
        "token_f1",
        Stage.GENERATION,
        token_f1,
        "Token F1 (SQuAD): harmonic mean of precision and recall over the multiset of tokens, best over the "
        "references; characters are the tokens of scripts without spaces. Low for a right answer in a long "
        "sentence: a baseline, no verdict. Undefined when the case lists no reference.",
        outcome=True,
    ),
    Metric(
        "containment",
        Stage.GENERATION,
        containment,
        "Share of a reference's distinct content-word stems that the response has, best over the references. "
        "Positives can be trusted, negatives cannot: other words may say the same. Undefined when no reference "
        "has a word.",
        outcome=True,
    ),
    Metric(
        "numbers",
        Stage.GENERATION,
        numbers,
        "Share of a reference's numbers, amounts and dates that the response has in any spelling (1,234.50, "
        "1.234,50, March 5th, number words), best over the references that have any. Undefined when none has.",
        outcome=True,
    ),
    Metric(
        "equivalence",
        Stage.GENERATION,
        due_equivalence,
        "The judge's probability that the response means what any reference means; how far to trust it is what "
        "judge-check measures. Undefined when the case lists no reference; an error of the judge where it cannot tell.",
        outcome=True,
    ),
    Metric(
        "key_points",
        Stage.GENERATION,
        due_key_points,
        "Share of the case's key points that the response states according to the judge (probability >= 0.5), the "
        "nugget recall of TREC. Undefined without key points; an error of the judge when it cannot tell about any one of "
        "them: a share over the rest would flatter or blame by accident.",
        outcome=True,
    ),
    Metric(
        "groundedness",
        Stage.GENERATION,
        due_groundedness,
        "Share of the response's claims that the context supports (RAGAS and RAGChecker call it faithfulness), over "
        "the claims the judge can decide. Undefined when there is no claim (a refusal), and when the embedded judge can "
        "decide none; an error of the judge where another decides none; "
        "an answer given over an empty context has 0.",
    ),
    *BEHAVIOUR,
    *CITATIONS,
)
