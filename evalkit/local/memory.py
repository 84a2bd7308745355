"""What a model has picked up in training: the openings of some documents, old versions among them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from evalkit.local.reader import read_sentences
from evalkit.local.sampling import seeded
from evalkit.records import Document
from evalkit.retrievers import Retriever, build_retriever

SENTENCES = 2  # of each document that was picked up
OLD_FACTOR = 1.8  # a superseded document was in circulation for longer
RECALLED = 3  # memories that come to mind for one question


def picked_up(documents: Iterable[Document], share: float, seed: int) -> dict[str, Document]:
    """The first sentences of about ``share`` of the public documents; superseded ones more likely.

    What only staff may read was never public, so no model has seen it.
    """
    memory: dict[str, Document] = {}
    for document in documents:
        chance = share * (OLD_FACTOR if document.superseded_by else 1.0)
        private = document.metadata.get("audience") in ("staff", ["staff"])
        if private or seeded("memory", seed, document.doc_id).random() >= chance:
            continue
        told = [s.text for s in read_sentences(document.text) if not s.is_heading]
        opening = " ".join(told[:SENTENCES])
        memory[document.doc_id] = Document(document.doc_id, opening, document.title)
    return memory


def build_memory(corpus: Mapping[str, Document], share: float, seed: int) -> Retriever | None:
    """An index over what was picked up; ``None`` when nothing was."""
    memory = picked_up(corpus.values(), share, seed)
    if not memory:
        return None
    options = {"kind": "bm25", "k": RECALLED, "analyzer": "stems", "chunk": {"by": "document"}}
    return build_retriever(options, memory)
