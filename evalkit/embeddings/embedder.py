"""What every embedder does, and what vectors are compared by."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]


class Embedder(Protocol):
    """Turns texts into vectors of length 1; equal texts give equal vectors.

    ``fingerprint`` names everything that the vectors depend on, so that they can be remembered.
    """

    name: str
    fingerprint: str

    def embed(self, texts: Sequence[str]) -> Vectors:
        """One row a text, in order; a text without words may have a row of zeros."""
        ...

    def close(self) -> None:
        """Let go of connections and threads; a second call does nothing."""
        ...


def unit(vectors: Vectors) -> Vectors:
    """Rows scaled to length 1; a row of zeros stays."""
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, 1e-12), dtype=np.float32)


def cosines(a: Vectors, b: Vectors) -> NDArray[np.float64]:
    """The cosine of each row of ``a`` with each row of ``b``, -1..1, rounded so that ties stay ties."""
    found = np.einsum("id,jd->ij", a.astype(np.float64), b.astype(np.float64))
    return np.asarray(np.round(np.clip(found, -1.0, 1.0), 6), dtype=np.float64)
