"""Embedded retrievers: options and a corpus -> an index that ranks passages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from evalkit.records import Document
from evalkit.retrievers.index import Index, Retriever
from evalkit.retrievers.options import read_options

__all__ = ["Index", "Retriever", "build_retriever"]


def build_retriever(options: Mapping[str, Any], corpus: Mapping[str, Document]) -> Retriever:
    """Index ``corpus`` as ``options`` say (see ``RetrieverOptions``).

    Raises ``InvalidInput`` for an unknown option, naming the nearest one.
    """
    return Index(read_options(options), corpus)
