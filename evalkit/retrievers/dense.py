"""A dense ranker: every chunk by the cosine of its vector with the query's."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from evalkit.embeddings.embedder import Embedder, Vectors, cosines


class Dense:
    """Scores every chunk by its cosine with the query (Karpukhin et al. 2020, with one encoder for both)."""

    def __init__(self, texts: Sequence[str], embedder: Embedder) -> None:
        self._embedder = embedder
        # A chunk without words has a vector of some kind, but nothing in common with any query.
        self._filled = np.array([bool(text.strip()) for text in texts], dtype=bool)
        self._chunks: Vectors = embedder.embed(list(texts))

    def scores(self, query: str) -> NDArray[np.float64]:
        """The cosine with every chunk, 0..1; chunks that point away, and all for a blank query, count 0."""
        if not len(self._chunks) or not query.strip():
            return np.zeros(len(self._filled))
        found: NDArray[np.float64] = cosines(self._embedder.embed([query]), self._chunks)[0]
        return np.where(self._filled, np.maximum(found, 0.0), 0.0)
