"""What embeddings are offered for: a descriptive similarity, and dense retrieval; never correctness."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from evalkit.embeddings.embedder import Embedder, Vectors, cosines

CARD = (
    "Semantic similarity: cosine of the sentence vectors of response and reference, best over the references, -1..1. "
    "Descriptive only: it cannot tell a contradiction from a paraphrase (of ten sentences with the opposite or another "
    "number, a good model put seven above the true paraphrase), so it never decides whether an answer is right. Undefined "
    "when the case lists no reference or the response is empty."
)


def semantic_similarity(
    response: str, reference: tuple[str, ...], *, embedder: Embedder
) -> float | None:
    """Cosine, -1..1, of the response and the nearest reference; ``None`` without words on either side."""
    references = [text for text in reference if text.strip()]
    if not response.strip() or not references:
        return None
    vectors = embedder.embed([response, *references])
    return float(cosines(vectors[:1], vectors[1:]).max())


class Dense:
    """Scores every chunk by its cosine with the query: a ranker as those of ``evalkit.retrievers``."""

    def __init__(self, texts: Sequence[str], embedder: Embedder) -> None:
        self._embedder = embedder
        self._chunks: Vectors = embedder.embed(list(texts))

    def scores(self, query: str) -> NDArray[np.float64]:
        """The cosine with every chunk, 0..1; chunks that point away count 0."""
        if not len(self._chunks):
            return np.zeros(0)
        found: NDArray[np.float64] = cosines(self._embedder.embed([query]), self._chunks)[0]
        return np.maximum(found, 0.0)
