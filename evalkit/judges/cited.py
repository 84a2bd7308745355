"""Whether the documents an answer cites support anything that it says."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import lru_cache

from evalkit.judges.context import read
from evalkit.judges.support import assess
from evalkit.records import Case, Claim, Passage, Trace
from evalkit.text.citation_marks import known_names
from evalkit.text.languages import OPENING, detect_language
from evalkit.text.quantities import found_in, quantities
from evalkit.text.tokens import CACHE, content_stems, stem_set

IDLE = 0.5  # share of a claim's words below which a document has nothing to do with it
TELLING = 3  # content words from which on a claim tells where it comes from
BESIDE = (
    0.6  # part of what another document carries of the answer below which one is cited in its place
)


def cited(
    citations: Sequence[str] | None,
    context: Sequence[Passage] | None,
    claims: Sequence[Claim] | None,
    gold: Collection[str] = (),
) -> tuple[bool | None, ...] | None:
    """One entry a citation; ``None`` throughout where there are no citations or no context to see.

    True where the document supports a claim; False where it has nothing to do with any, or supports none while
    an uncited document of the context does and carries far more of the answer. ``None`` where it cannot be told: the
    document is not in the context, or has no text there, the answer makes no claim, the document shares
    about as much with it as any other, or is in another language. What is labelled as relevant (``gold``, ids of
    documents or chunks) is never False: words in common are weaker than a label.
    """
    if citations is None or context is None:
        return None
    texts = tuple(claim.text for claim in claims or ())
    telling = tuple(t for t in texts if len(frozenset(content_stems(t))) >= TELLING) or texts
    uncited = _uncited(citations, context)
    found = (_supports(name, context, uncited, telling) for name in citations)
    return _kept(citations, context, tuple(found), gold)


def gold_of(case: Case) -> frozenset[str]:
    """The ids that a case labels as relevant, or as the evidence of a key point."""
    relevant = (name for name, grade in (case.relevant or {}).items() if grade > 0)
    return frozenset(relevant).union(*(point.evidence for point in case.key_points or ()))


def names_of(case: Case, trace: Trace) -> frozenset[str]:
    """The ids and titles of documents and chunks by which an answer may cite, less those that its labels name."""
    passages = (*(trace.context or ()), *(trace.retrieved or ()))
    names = {name for p in passages for name in (p.doc_id, p.chunk_id, p.title)}
    labels = (*(case.reference or ()), *(point.text for point in case.key_points or ()))
    return known_names((*names, *(trace.citations or ()), *gold_of(case)), labels)


def _kept(
    citations: Sequence[str],
    context: Sequence[Passage],
    found: tuple[bool | None, ...],
    gold: Collection[str],
) -> tuple[bool | None, ...]:
    """The entries without the doubts about what is labelled; a cited chunk goes by its document, too."""
    if False not in found or not gold:
        return found
    of_chunk = {p.chunk_id: p.doc_id for p in context if p.chunk_id is not None}
    return tuple(
        None if held is False and not {name, of_chunk.get(name)}.isdisjoint(gold) else held
        for name, held in zip(citations, found, strict=True)
    )


def cited_by_record(
    citations: Sequence[str] | None,
    context: Sequence[Passage] | None,
    values: Sequence[str],
    gold: Collection[str] = (),
) -> tuple[bool | None, ...] | None:
    """The same for an answer that is a record, by the ``values`` that the question does not give away.

    False where an uncited document of the context holds more than the cited one, and this one not half of them.
    """
    if citations is None or context is None:
        return None
    uncited = _uncited(citations, context)
    most = max((_held(texts, values) for texts in uncited), default=0)
    found = []
    for name in citations:
        own = _held([p.text for p in context if name in (p.doc_id, p.chunk_id)], values)
        found.append(False if 2 * own < most else True if own > most else None)
    return _kept(citations, context, tuple(found), gold)


def _held(texts: Sequence[str], values: Sequence[str]) -> int:
    """How many of the values stand in the texts."""
    plain = "\n".join(texts).casefold()
    return sum(value.casefold() in plain for value in values)


def _uncited(citations: Sequence[str], context: Sequence[Passage]) -> tuple[tuple[str, ...], ...]:
    """The texts of each document of the context that the answer does not cite."""
    named = set(citations)
    known = {p.doc_id for p in context if p.doc_id in named or p.chunk_id in named}
    found: dict[str, list[str]] = {}
    for passage in context:
        if passage.doc_id not in known:
            found.setdefault(passage.doc_id, []).append(passage.text)
    return tuple(tuple(texts) for texts in found.values() if any(texts))


def _supports(
    name: str,
    context: Sequence[Passage],
    uncited: tuple[tuple[str, ...], ...],
    claims: tuple[str, ...],
) -> bool | None:
    passages = tuple(p.text for p in context if name in (p.doc_id, p.chunk_id) and p.text)
    if not passages or not claims:
        return None
    shares = _shares(passages, claims)
    if max(shares) < IDLE and not _foreign("\n".join(claims), "\n".join(passages)):
        return False
    if _any_supported(passages, claims):
        return True
    least = sum(shares) / BESIDE
    replaced = any(
        sum(_shares(other, claims)) > least and _any_supported(other, claims) for other in uncited
    )
    return False if replaced else None


def _foreign(said: str, text: str) -> bool:
    """Whether two texts are known to be in different languages: words in common then tell nothing."""
    spoken, written = detect_language(said), detect_language(text[:OPENING])
    return None not in (spoken, written) and spoken != written


def _shares(passages: tuple[str, ...], claims: Sequence[str]) -> list[float]:
    """For each claim, the share of its content words and quantities that the passages have."""
    text = "\n".join(passages)
    words, numbers = stem_set(text), quantities(text)
    return [_share(claim, words, numbers) for claim in claims]


def _share(claim: str, words: frozenset[str], held: frozenset[str]) -> float:
    """Numbers count by what they say, not by how they are written: "1850 €" is in a text with "1.850 Euro"."""
    stems, numbers = _told(claim)
    shared = len(words & stems) + len(found_in(numbers, held))
    return shared / max(1, len(stems) + len(numbers))


@lru_cache(CACHE)
def _told(claim: str) -> tuple[frozenset[str], frozenset[str]]:
    """The stems of a claim's content words, numbers left out where there are quantities, and these."""
    numbers = quantities(claim)
    stems = content_stems(claim)
    if numbers:
        stems = tuple(word for word in stems if not any(map(str.isdigit, word)))
    return frozenset(stems), numbers


def _any_supported(passages: tuple[str, ...], claims: Sequence[str]) -> bool:
    context = read(passages)
    return any(assess(claim, context).supported for claim in claims)
