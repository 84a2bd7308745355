"""Whether the documents an answer cites support anything that it says."""

from __future__ import annotations

from collections.abc import Sequence

from evalkit.judges.support import assess, read
from evalkit.records import Claim, Passage
from evalkit.text.tokens import stem_set

IDLE = 0.5  # share of a claim's words below which a document has nothing to do with it


def cited(
    citations: Sequence[str] | None,
    context: Sequence[Passage] | None,
    claims: Sequence[Claim] | None,
) -> tuple[bool | None, ...] | None:
    """One entry a citation; ``None`` throughout where there are no citations or no context to see.

    An entry is ``None`` where it cannot be told: the document is not in the context, or has no text there,
    the answer makes no claim, or the document shares some of its words without clearly supporting it.
    """
    if citations is None or context is None:
        return None
    texts = tuple(claim.text for claim in claims or ())
    return tuple(_supports(_passages(name, context), texts) for name in citations)


def _passages(name: str, context: Sequence[Passage]) -> tuple[str, ...]:
    return tuple(p.text for p in context if name in (p.doc_id, p.chunk_id) and p.text)


def _supports(passages: tuple[str, ...], claims: Sequence[str]) -> bool | None:
    if not passages or not claims:
        return None
    words = stem_set("\n".join(passages))
    shared = max(len(words & stem_set(claim)) / max(1, len(stem_set(claim))) for claim in claims)
    if shared < IDLE:
        return False
    context = read(passages)
    return True if any(assess(claim, context).supported for claim in claims) else None
