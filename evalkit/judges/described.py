"""A judge beside which answers are described by an embedder: the metric ``semantic_similarity``, no opinion."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from evalkit.embeddings import Remembered, embedder_from
from evalkit.embeddings.backends import Spec
from evalkit.embeddings.remembered import Kept
from evalkit.metrics.similarity import similarity_metric
from evalkit.records import Judge, Metric


def described(
    judge: Judge, spec: Spec, *, folder: Path, cache: Path | None, offline: bool, place: str
) -> Judge:
    """``judge`` with the metric ``semantic_similarity`` beside its own; what it says of answers stays as it is.

    Its fingerprint stays too: the metric decides nothing. Paths in ``spec`` start at ``folder``. Vectors are
    kept in ``cache``, where they are found when a run is opened again; then, with ``offline``, no model is needed.
    """
    kept = None if cache is None else cache / "vectors"
    if offline and kept is not None:
        embedder: Remembered = Kept(kept)
    else:
        embedder = Remembered(embedder_from(spec, folder=folder, place=place), kept)
    before = getattr(judge, "aclose", None)

    async def aclose() -> None:
        embedder.close()
        if before is not None:
            await before()

    own: tuple[Metric, ...] = tuple(getattr(judge, "metrics", ()))
    more: Mapping[str, Any] = {
        "metrics": (*own, similarity_metric(embedder)),
        "embedders": (embedder.fingerprint,),
        "aclose": aclose,
    }
    for name, value in more.items():
        setattr(judge, name, value)
    return judge
