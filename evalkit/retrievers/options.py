"""The options of a retriever, checked: an unknown one is refused with the nearest known name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from evalkit.errors import InvalidInput, did_you_mean
from evalkit.retrievers.chunks import ChunkRule

KINDS = ("bm25", "tfidf", "lsa", "dense", "hybrid")
EMBEDDING = ("dense", "hybrid")  # kinds that take an embedder
ANALYZERS = ("words", "stems", "char_wb")
CHUNK_BY = ("paragraph", "words", "document")


@dataclass(frozen=True, slots=True)
class RetrieverOptions:
    """What ``retriever:`` may hold in systems.yaml.

    ``k`` passages are returned unless the caller asks for another number. ``k1`` and ``b`` belong
    to BM25, ``ngrams`` to the ``char_wb`` analyzer, ``components`` to LSA, ``rrf`` is the constant of
    reciprocal rank fusion. ``hybrid`` fuses BM25 with LSA, or with ``dense`` where an ``embedder`` is given: a
    text or a mapping as ``evalkit.embeddings.embedder_from`` takes it, needed for ``dense``. ``titles`` indexes the title with each chunk. ``current_only`` leaves out
    documents that were superseded, ``enforce_access`` those the asking principal may not see.
    """

    kind: str = "bm25"
    k: int = 5
    chunk: ChunkRule = field(default_factory=ChunkRule)
    current_only: bool = False
    enforce_access: bool = False
    analyzer: str = "words"
    ngrams: tuple[int, int] = (3, 4)
    titles: bool = True
    k1: float = 1.2
    b: float = 0.75
    components: int = 96
    rrf: float = 60.0
    embedder: str | Mapping[str, Any] | None = None


def check_names(given: Iterable[str], known: Iterable[str], where: str) -> None:
    """Refuse the first name in ``given`` that is not ``known``, naming the nearest."""
    names = list(known)
    for name in given:
        if name not in names:
            hint = did_you_mean(str(name), names)
            raise InvalidInput(f"has no option {name!r}", field=where, hint=hint)


def choose(value: Any, allowed: tuple[str, ...], where: str) -> str:
    """``value`` if it is one of ``allowed``, else refuse it, naming the nearest."""
    if value in allowed:
        return str(value)
    hint = did_you_mean(str(value), allowed)
    raise InvalidInput(f"is not one of {', '.join(allowed)}: {value!r}", field=where, hint=hint)


def read_chunk_rule(given: Mapping[str, Any]) -> ChunkRule:
    """The ``chunk:`` mapping as a rule."""
    check_names(given, [part.name for part in fields(ChunkRule)], "retriever.chunk")
    rule = ChunkRule(**given)
    choose(rule.by, CHUNK_BY, "retriever.chunk.by")
    whole(rule.words, 1, "retriever.chunk.words")
    whole(rule.overlap, 0, "retriever.chunk.overlap")
    if rule.overlap >= rule.words:
        raise InvalidInput("must be smaller than words", field="retriever.chunk.overlap")
    return rule


def whole(value: Any, least: int, where: str) -> int:
    """``value`` if it is a whole number of at least ``least``."""
    if isinstance(value, int) and not isinstance(value, bool) and value >= least:
        return value
    raise InvalidInput(f"wanted a whole number of at least {least}, found {value!r}", field=where)


def read_options(given: Mapping[str, Any]) -> RetrieverOptions:
    """The ``retriever:`` mapping as checked options."""
    check_names(given, [part.name for part in fields(RetrieverOptions)], "retriever")
    values = dict(given)
    if "chunk" in values:
        values["chunk"] = read_chunk_rule(values["chunk"] or {})
    if "ngrams" in values:
        low, high = values["ngrams"]
        values["ngrams"] = (whole(low, 1, "retriever.ngrams"), whole(high, low, "retriever.ngrams"))
    options = RetrieverOptions(**values)
    choose(options.kind, KINDS, "retriever.kind")
    choose(options.analyzer, ANALYZERS, "retriever.analyzer")
    whole(options.k, 1, "retriever.k")
    whole(options.components, 1, "retriever.components")
    _check_embedder(options)
    return options


def _check_embedder(options: RetrieverOptions) -> None:
    where = "retriever.embedder"
    if options.kind == "dense" and options.embedder is None:
        hint = "minilm, the path of a model folder, or {backend: openai, model: ...}"
        raise InvalidInput("is needed for dense", field=where, hint=hint)
    if options.embedder is not None and options.kind not in EMBEDDING:
        message = f"has no meaning for {options.kind}"
        raise InvalidInput(message, field=where, hint=f"kind: {' or '.join(EMBEDDING)}")
