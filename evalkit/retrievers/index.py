"""A chunk index: cuts documents, ranks chunks, filters by validity and by access."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from evalkit.embeddings.embedder import Embedder
from evalkit.records import Document, Passage
from evalkit.retrievers.analyzers import make_analyzer
from evalkit.retrievers.chunks import Chunk, cut
from evalkit.retrievers.options import RetrieverOptions
from evalkit.retrievers.rankers import make_ranker

RESTRICTED = "staff"  # the audience, and the principal, that only enforced access tells apart


class Retriever(Protocol):
    """What the embedded systems ask of an index."""

    fingerprint: str

    def retrieve(
        self, query: str, k: int | None = None, principal: str | None = None
    ) -> list[Passage]:
        """The ``k`` best chunks, best first; ``None`` takes the configured number."""
        ...

    def lookup(self, doc_id: str) -> bool:
        """Whether any chunk of the document is indexed."""
        ...

    def close(self) -> None:
        """Let go of connections; a second call does nothing."""
        ...


def may_read(document: Document, principal: str | None) -> bool:
    """Whether ``principal`` may see the document; only an audience of staff alone is restricted."""
    audience = document.metadata.get("audience")
    return principal == RESTRICTED or audience not in (RESTRICTED, [RESTRICTED])


class Index:
    """An immutable in-memory index; equal scores keep the corpus order.

    ``fingerprint`` names what the ranking depends on beside options and corpus: the embedder, if there is one.
    """

    def __init__(
        self,
        options: RetrieverOptions,
        corpus: Mapping[str, Document],
        embedder: Embedder | None = None,
    ) -> None:
        self.fingerprint = embedder.fingerprint if embedder else ""
        self._embedder = embedder
        documents = [
            document
            for document in corpus.values()
            if not (options.current_only and document.superseded_by)
        ]
        self._options = options
        self._chunks = cut(documents, options.chunk)
        self._ids = {document.doc_id for document in documents}
        readable = {document.doc_id: may_read(document, None) for document in documents}
        self._public = np.array([readable[chunk.doc_id] for chunk in self._chunks], dtype=bool)
        texts = [self._indexed_text(chunk) for chunk in self._chunks]
        self._ranker = (
            make_ranker(options, texts, make_analyzer(options.analyzer, options.ngrams), embedder)
            if any(map(str.strip, texts))
            else None
        )

    def _indexed_text(self, chunk: Chunk) -> str:
        return f"{chunk.title}\n{chunk.text}" if self._options.titles else chunk.text

    def _allowed(self, principal: str | None) -> NDArray[np.bool_]:
        if self._options.enforce_access and principal != RESTRICTED:
            return self._public
        return np.ones(len(self._chunks), dtype=bool)

    def retrieve(
        self, query: str, k: int | None = None, principal: str | None = None
    ) -> list[Passage]:
        """The ``k`` best chunks the principal may see; those with nothing in common are left out."""
        if self._ranker is None:
            return []
        scores = np.where(self._allowed(principal), self._ranker.scores(query), 0.0)
        best = np.argsort(-scores, kind="stable")[: self._options.k if k is None else k]
        return [
            _passage(self._chunks[at], float(scores[at])) for at in best.tolist() if scores[at] > 0
        ]

    def lookup(self, doc_id: str) -> bool:
        """Whether the document was indexed."""
        return doc_id in self._ids

    def close(self) -> None:
        """Close the embedder, if there is one; a second call does nothing."""
        if self._embedder is not None:
            self._embedder.close()


def _passage(chunk: Chunk, score: float) -> Passage:
    return Passage(chunk.doc_id, chunk.chunk_id, chunk.text, chunk.title or None, round(score, 6))
