"""Embedded retrievers: options and a corpus -> an index that ranks passages."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from evalkit.embeddings import Remembered, embedder_from
from evalkit.records import Document
from evalkit.retrievers.index import Index, Retriever
from evalkit.retrievers.options import read_options

__all__ = ["Index", "Retriever", "build_retriever"]


def build_retriever(
    options: Mapping[str, Any], corpus: Mapping[str, Document], *, folder: Path | None = None
) -> Retriever:
    """Index ``corpus`` as ``options`` say (see ``RetrieverOptions``); paths in them start at ``folder``.

    Raises ``InvalidInput`` for an unknown option, naming the nearest one, or an embedder that is not there.
    """
    read = read_options(options)
    if read.embedder is None:
        return Index(read, corpus)
    made = embedder_from(read.embedder, folder=folder, place="retriever.embedder")
    embedder = Remembered(made)
    try:
        return Index(read, corpus, embedder)
    except BaseException:  # nobody else could close it
        embedder.close()
        raise
