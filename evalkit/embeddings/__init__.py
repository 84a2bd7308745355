"""Embeddings: texts -> unit vectors, by a model folder, sentence-transformers or an endpoint."""

from __future__ import annotations

from evalkit.embeddings.backends import embedder_from
from evalkit.embeddings.embedder import Embedder, Vectors, cosines, unit
from evalkit.embeddings.remembered import Remembered, kept_in

__all__ = ["Embedder", "Remembered", "Vectors", "cosines", "embedder_from", "kept_in", "unit"]
