"""Documents that say nearly the same, found without comparing each with each; copies apart from versions."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import combinations
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from evalkit.doctor.complaint import NEAR_DUPLICATE, VERSIONS, Complaint, listed
from evalkit.records import Document
from evalkit.sources import latest
from evalkit.text.longest import DOCUMENT
from evalkit.text.quantities import found_in, quantities
from evalkit.text.tokens import names, tokens

NEAR = 0.9  # similarity of the words, in order, from which on two texts are near-duplicates ...
ALIKE = 0.6  # ... and from which on two documents with one title speak of the same
WORDS = 12  # fewer words are no document to speak of
SKETCH = 12  # smallest hashes of a document's shingles by which it meets others
SHINGLE = 3  # words
SHARED = 2  # hashes that two documents share before they are compared
WINDOW = 6  # neighbours compared within a crowd that shares one hash
TITLED = 8  # documents with one title, at most, that may be versions: more are parts of one work
TEMPLATE = 3  # near-duplicates of one document, from which on it is a form and not a version

_VERSION_WORDS = re.compile(
    r"(?:19|20)\d\d|\bv(?:ersion)?[ .]?\d[\d.]*|\b(?:old|new|copy|draft|final)\b"
)

Pair = tuple[str, str]


def copy_complaints(corpus: Mapping[str, Document]) -> Iterator[Complaint]:
    """Near-duplicates and contradictory versions among the current documents.

    A document that is marked as superseded is no duplicate, and no version that contradicts.
    """
    compared = (d for d in corpus.values() if len(d.text) <= DOCUMENT)
    words = {d.doc_id: tokens(d.text) for d in compared if latest(d.doc_id, corpus) == d.doc_id}
    words = {doc_id: found for doc_id, found in words.items() if len(found) >= WORDS}
    near = {pair for pair in _candidates(words) if _similar(words, pair, NEAR)}
    degree: dict[str, int] = {}
    for pair in near:
        for doc_id in pair:
            degree[doc_id] = degree.get(doc_id, 0) + 1
    lone = {pair for pair in near if max(degree[d] for d in pair) < TEMPLATE}
    titled = {pair for pair in _same_title(corpus, words) - near if _similar(words, pair, ALIKE)}
    versions = {p for p in lone | titled if _contradict(corpus[p[0]], corpus[p[1]])}
    place = {doc_id: i for i, doc_id in enumerate(words)}
    yield from (
        _versions(corpus, p) for p in sorted(versions, key=lambda p: (place[p[0]], place[p[1]]))
    )
    yield from _duplicates(sorted(near - versions), place)


def _versions(corpus: Mapping[str, Document], pair: Pair) -> Complaint:
    first, second = (quantities(corpus[d].text) for d in pair)
    left, right = sorted(first - found_in(first, second)), sorted(second - found_in(second, first))
    text = f"says {listed(left)} where {pair[1]} says {listed(right)}, and neither supersedes the other"
    return Complaint(VERSIONS, pair[0], text, (pair[1],))


def _duplicates(pairs: Sequence[Pair], place: Mapping[str, int]) -> Iterator[Complaint]:
    """One complaint a cluster, at its first document."""
    root: dict[str, str] = {}

    def top(doc_id: str) -> str:
        while root.setdefault(doc_id, doc_id) != doc_id:
            root[doc_id] = root[root[doc_id]]
            doc_id = root[doc_id]
        return doc_id

    for a, b in pairs:
        first, second = sorted((top(a), top(b)), key=place.__getitem__)
        root[second] = first
    clusters: dict[str, list[str]] = {}
    for doc_id in sorted(root, key=place.__getitem__):
        clusters.setdefault(top(doc_id), []).append(doc_id)
    for first, members in clusters.items():
        others = tuple(m for m in members if m != first)
        yield Complaint(NEAR_DUPLICATE, first, f"says nearly the same as {listed(others)}", others)


# --- which documents to compare ----------------------------------------------------------------


def _candidates(words: Mapping[str, Sequence[str]]) -> Iterator[Pair]:
    """Pairs that share some of their smallest shingle hashes (Broder 1997), each in corpus order, once."""
    sketches = _sketches(words)
    order = list(words)
    buckets: dict[int, list[int]] = {}
    for i, doc_id in enumerate(order):
        for value in sketches[doc_id]:
            buckets.setdefault(value, []).append(i)
    met: dict[tuple[int, int], int] = {}
    for crowd in buckets.values():
        crowd.sort(key=lambda i: (len(words[order[i]]), i))
        for at, i in enumerate(crowd):
            for j in crowd[at + 1 : at + 1 + WINDOW]:
                pair = (min(i, j), max(i, j))
                met[pair] = met.get(pair, 0) + 1
    for (i, j), shared in met.items():
        few = min(SHARED, len(sketches[order[i]]))
        if shared >= few:
            yield order[i], order[j]


def _sketches(words: Mapping[str, Sequence[str]]) -> dict[str, list[int]]:
    number: dict[str, int] = {}
    found = {}
    for doc_id, text in words.items():
        ids = [number.get(w) or number.setdefault(w, crc32(w.encode()) + 1) for w in text]
        hashes = np.unique(_shingles(np.array(ids, dtype=np.uint64)))
        found[doc_id] = [int(h) for h in hashes[:SKETCH]]
    return found


def _shingles(ids: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """A hash of every run of three words: the same in every process, unlike Python's own."""
    mixed = ids[:-2]
    for step in range(1, SHINGLE):
        mixed = mixed * np.uint64(0x9E3779B97F4A7C15) + ids[step : len(ids) - SHINGLE + 1 + step]
        mixed = mixed ^ (mixed >> np.uint64(29))
    return mixed * np.uint64(0xBF58476D1CE4E5B9)


def _same_title(corpus: Mapping[str, Document], words: Iterable[str]) -> set[Pair]:
    groups: dict[str, list[str]] = {}
    for doc_id in words:
        title = subject(corpus[doc_id])
        if title:
            groups.setdefault(title, []).append(doc_id)
    few = (group for group in groups.values() if len(group) <= TITLED)
    return {pair for group in few for pair in combinations(group, 2)}


# --- how alike they are ------------------------------------------------------------------------


def _similar(words: Mapping[str, Sequence[str]], pair: Pair, enough: float) -> bool:
    """Words in common, in order, as a share of all words of both, reach ``enough``."""
    from rapidfuzz.distance import Indel

    left, right = words[pair[0]], words[pair[1]]
    if 2 * min(len(left), len(right)) < enough * (len(left) + len(right)):
        return False
    return Indel.normalized_similarity(left, right, score_cutoff=enough) >= enough


def subject(document: Document) -> str:
    """The title without what tells versions apart: years, version numbers, "old"."""
    return " ".join(tokens(_VERSION_WORDS.sub(" ", document.title.casefold())))


def _contradict(a: Document, b: Document) -> bool:
    """Whether both speak of one subject and each has a quantity that the other lacks."""
    if subject(a) != subject(b) or _for_others(a, b) or names(a.text) != names(b.text):
        return False
    left, right = quantities(a.text), quantities(b.text)
    return found_in(left, right) != left and found_in(right, left) != right


def _for_others(a: Document, b: Document) -> bool:
    """Whether their metadata (area, audience, product ...) puts them apart."""
    shared = a.metadata.keys() & b.metadata.keys()
    pairs = [(a.metadata[key], b.metadata[key]) for key in shared]
    return any(x != y and not re.search(r"\d", f"{x}{y}") for x, y in pairs)
