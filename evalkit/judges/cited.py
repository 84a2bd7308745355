"""Whether the documents an answer cites support anything that it says."""

from __future__ import annotations

from collections.abc import Sequence

from evalkit.judges.support import assess, read
from evalkit.records import Claim, Passage


def cited(
    citations: Sequence[str] | None,
    context: Sequence[Passage] | None,
    claims: Sequence[Claim] | None,
) -> tuple[bool | None, ...] | None:
    """One entry a citation; ``None`` throughout where there are no citations or no context to see.

    An entry is ``None`` where it cannot be told: the document is not in the context, or has no text there,
    or no claim of the answer is supported by anything.
    """
    if citations is None or context is None:
        return None
    texts = [claim.text for claim in claims or () if claim.supported]
    return tuple(_supports(_passages(name, context), texts) for name in citations)


def _passages(name: str, context: Sequence[Passage]) -> tuple[str, ...]:
    return tuple(p.text for p in context if name in (p.doc_id, p.chunk_id) and p.text)


def _supports(passages: tuple[str, ...], claims: Sequence[str]) -> bool | None:
    if not passages or not claims:
        return None
    context = read(passages)
    return any(assess(claim, context).supported for claim in claims)
