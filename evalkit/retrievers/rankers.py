"""Rankers: a query -> one score a chunk, higher is nearer, 0 is "nothing in common"."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from evalkit.embeddings.embedder import Embedder
from evalkit.retrievers.analyzers import Analyzer
from evalkit.retrievers.dense import Dense
from evalkit.retrievers.options import RetrieverOptions

Scores = NDArray[np.float64]


class Ranker(Protocol):
    """Scores every chunk of the index for a query."""

    def scores(self, query: str) -> Scores:
        """One score a chunk, in index order."""
        ...


class Bm25:
    """Okapi BM25 (Robertson and Zaragoza 2009), its weights computed once for every posting.

    The score of a chunk is the sum over the query's words of idf * tf (k1 + 1) / (tf + k1 (1 - b +
    b * length / mean length)), with Lucene's never negative idf ln(1 + (N - df + 0.5) / (df + 0.5)).
    """

    def __init__(self, texts: Sequence[str], analyzer: Analyzer, *, k1: float, b: float) -> None:
        self._analyzer = analyzer
        self._size = len(texts)
        self._vocabulary: dict[str, int] = {}
        counts = _count_matrix([analyzer(text) for text in texts], self._vocabulary)
        lengths = np.asarray(counts.sum(axis=1), dtype=np.float64).ravel()
        mean = max(float(lengths.mean()) if self._size else 0.0, 1e-9)
        by_term = counts.tocsc()
        found = np.diff(by_term.indptr)
        idf = np.log1p((self._size - found + 0.5) / (found + 0.5))
        damp = k1 * (1 - b + b * lengths[by_term.indices] / mean)
        frequency = by_term.data.astype(np.float64)
        self._starts = by_term.indptr
        self._chunks = by_term.indices
        self._weights = np.repeat(idf, found) * frequency * (k1 + 1) / (frequency + damp)

    def scores(self, query: str) -> Scores:
        """The BM25 score of every chunk; a word asked twice counts twice."""
        total = np.zeros(self._size)
        for term, times in Counter(self._analyzer(query)).items():
            column = self._vocabulary.get(term)
            if column is None:
                continue
            postings = slice(self._starts[column], self._starts[column + 1])
            total[self._chunks[postings]] += times * self._weights[postings]
        return total


class Tfidf:
    """Cosine similarity of tf-idf vectors."""

    def __init__(self, texts: Sequence[str], analyzer: Analyzer) -> None:
        from sklearn.feature_extraction.text import TfidfVectorizer

        vectorizer: Any = TfidfVectorizer(analyzer=analyzer, sublinear_tf=True)
        self.matrix: Any = vectorizer.fit_transform(texts)
        self._by_term: Any = self.matrix.T.tocsr()
        self._analyzer = analyzer
        self._vocabulary: dict[str, int] = vectorizer.vocabulary_
        self._idf: Scores = vectorizer.idf_

    def vector(self, query: str) -> tuple[NDArray[np.int64], Scores]:
        """Columns and weights of the query, of length 1: ``transform`` without its overhead."""
        known = Counter(term for term in self._analyzer(query) if term in self._vocabulary)
        columns = np.array([self._vocabulary[term] for term in known], dtype=np.int64)
        counts = np.array(list(known.values()), dtype=np.float64)
        weights = (1.0 + np.log(counts)) * self._idf[columns]
        return columns, weights / max(float(np.sqrt(np.sum(weights**2))), 1e-12)

    def scores(self, query: str) -> Scores:
        """The cosine with every chunk, 0..1."""
        columns, weights = self.vector(query)
        total = np.zeros(self.matrix.shape[0])
        for term, weight in zip(columns, weights, strict=True):
            postings = slice(self._by_term.indptr[term], self._by_term.indptr[term + 1])
            total[self._by_term.indices[postings]] += weight * self._by_term.data[postings]
        return total


class Lsa:
    """Cosine similarity in the space of a truncated SVD of the tf-idf matrix."""

    def __init__(self, texts: Sequence[str], analyzer: Analyzer, components: int) -> None:
        from sklearn.decomposition import TruncatedSVD
        from sklearn.preprocessing import normalize
        from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

        self._tfidf = Tfidf(texts, analyzer)
        rank = max(1, min(components, *self._tfidf.matrix.shape))
        svd: Any = TruncatedSVD(rank, n_iter=2, random_state=0)
        with threadpool_limits(1):  # small matrices: threads cost more than they bring
            self._chunks: Scores = normalize(svd.fit_transform(self._tfidf.matrix))
        self._terms: Scores = np.ascontiguousarray(svd.components_.T)

    def scores(self, query: str) -> Scores:
        """The cosine with every chunk; chunks that point away count 0."""
        columns, weights = self._tfidf.vector(query)
        point: Scores = np.einsum("i,ij->j", weights, self._terms[columns])
        length = float(np.linalg.norm(point))
        if length == 0:
            return np.zeros(len(self._chunks))
        # Rounded, so that ties do not depend on the order in which a processor adds.
        cosines: Scores = np.einsum("ij,j->i", self._chunks, point / length)
        return np.asarray(np.round(np.maximum(cosines, 0.0), 9), dtype=np.float64)


class Fusion:
    """Reciprocal rank fusion (Cormack et al. 2009): the sum of 1 / (constant + rank)."""

    def __init__(self, rankers: Sequence[Ranker], constant: float) -> None:
        self._rankers = rankers
        self._constant = constant

    def scores(self, query: str) -> Scores:
        """The fused score; a chunk no ranker found has 0."""
        return sum_of_reciprocal_ranks(
            [ranker.scores(query) for ranker in self._rankers], self._constant
        )


def sum_of_reciprocal_ranks(columns: Sequence[Scores], constant: float) -> Scores:
    """Fuse score columns by rank; ranks count from 1, a score of 0 is unranked."""
    total = np.zeros(len(columns[0]))
    for scores in columns:
        order = np.argsort(-scores, kind="stable")
        order = order[scores[order] > 0]
        total[order] += 1.0 / (constant + np.arange(1, len(order) + 1))
    return total


def make_ranker(
    options: RetrieverOptions,
    texts: Sequence[str],
    analyzer: Analyzer,
    embedder: Embedder | None = None,
) -> Ranker:
    """The ranker that ``options.kind`` names, built over ``texts``; ``embedder`` is that of ``options.embedder``."""
    if options.kind == "tfidf":
        return Tfidf(texts, analyzer)
    if options.kind == "lsa":
        return Lsa(texts, analyzer, options.components)
    if options.kind == "dense" and embedder is not None:
        return Dense(texts, embedder)
    lexical = Bm25(texts, analyzer, k1=options.k1, b=options.b)
    if options.kind == "bm25":
        return lexical
    other = Dense(texts, embedder) if embedder else Lsa(texts, analyzer, options.components)
    return Fusion([lexical, other], options.rrf)


def _count_matrix(documents: Sequence[Sequence[str]], vocabulary: dict[str, int]) -> Any:
    """Term counts, one row a text; fills ``vocabulary`` with the column of each term."""
    from scipy.sparse import csr_matrix

    columns = [
        vocabulary.setdefault(term, len(vocabulary)) for terms in documents for term in terms
    ]
    rows = np.repeat(np.arange(len(documents)), [len(terms) for terms in documents])
    ones = np.ones(len(columns), dtype=np.int64)
    shape = (len(documents), max(1, len(vocabulary)))
    return csr_matrix((ones, (rows, columns)), shape=shape)
