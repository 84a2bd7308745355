"""Documents -> chunks: by sliding word windows, by paragraphs, or whole."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from evalkit.records import Document

# A "word" for the purpose of size: one CJK character, or a run of anything else without spaces.
_CJK = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff"
_SPAN = re.compile(rf"[{_CJK}][\u3001\u3002\uff0c\uff01\uff1f]*|[^\s{_CJK}]+")
_BLANK_LINE = re.compile(r"\n\s*\n")


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of a document; ``chunk_id`` is ``<doc_id>#<n>`` with n from 0."""

    doc_id: str
    chunk_id: str
    text: str
    title: str


@dataclass(frozen=True, slots=True)
class ChunkRule:
    """How documents are cut: ``words`` in a chunk, ``overlap`` words shared with the one before."""

    words: int = 120
    overlap: int = 30
    by: str = "words"  # paragraph, words, document


def windows(text: str, size: int, overlap: int) -> Iterator[str]:
    """Pieces of at most ``size`` words, each starting ``size - overlap`` words after the last."""
    spans = [match.span() for match in _SPAN.finditer(text)]
    step = max(1, size - overlap)
    for start in range(0, len(spans), step):
        piece = spans[start : start + size]
        yield text[piece[0][0] : piece[-1][1]]
        if start + size >= len(spans):
            return


def paragraphs(text: str, size: int) -> Iterator[str]:
    """Neighbouring paragraphs joined up to ``size`` words; a longer paragraph is cut in windows."""
    held: list[str] = []
    count = 0
    for paragraph in filter(None, map(str.strip, _BLANK_LINE.split(text))):
        length = len(_SPAN.findall(paragraph))
        if held and count + length > size:
            yield "\n\n".join(held)
            held, count = [], 0
        if length > size:
            yield from windows(paragraph, size, 0)
            continue
        held.append(paragraph)
        count += length
    if held:
        yield "\n\n".join(held)


def pieces(text: str, rule: ChunkRule) -> Iterator[str]:
    """The texts of the chunks of one document."""
    if rule.by == "document":
        return iter([text])
    if rule.by == "paragraph":
        return paragraphs(text, rule.words)
    return windows(text, rule.words, rule.overlap)


def cut(documents: Iterable[Document], rule: ChunkRule) -> tuple[Chunk, ...]:
    """All chunks of all documents, in order; a document without text still has one empty chunk."""
    return tuple(
        Chunk(document.doc_id, f"{document.doc_id}#{number}", text, document.title)
        for document in documents
        for number, text in enumerate(
            pieces(document.text, rule) if document.text.strip() else [""]
        )
    )
