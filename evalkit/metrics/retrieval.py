"""Retrieval measures: names as ir-measures writes them, meaning as trec_eval, computed in columns."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Protocol

import numpy as np
import numpy.typing as npt

from evalkit.metrics.context import context_metrics
from evalkit.metrics.rankings import Counts, Grades, Rankings, chunk_rankings, rank_ids, rankings
from evalkit.records import Metric, Stage

__all__ = [
    "METRICS",
    "Rankings",
    "average_precision",
    "chunk_rankings",
    "judged",
    "ndcg",
    "parse_metric",
    "precision",
    "rank_ids",
    "rankings",
    "recall",
    "reciprocal_rank",
    "retrieval_metrics",
    "success",
]

Column = npt.NDArray[np.float64]


class Measure(Protocol):
    """A measure over columns; ``k`` cuts the lists, ``None`` takes them whole."""

    def __call__(self, rankings: Rankings, *, k: int | None = None) -> Column:
        """One value a list, NaN where undefined."""


# --- the measures: one value a list, NaN where undefined ---------------------------------------


def recall(rankings: Rankings, *, k: int | None = None) -> Column:
    """Share (0..1) of the relevant that the first ``k`` places hold."""
    return _where_relevant(rankings, _hits(rankings, k) / np.maximum(rankings.relevant, 1))


def precision(rankings: Rankings, *, k: int | None = None) -> Column:
    """Share (0..1) of the first ``k`` places that hold something relevant; short lists still count k.

    Without ``k`` the share of the whole list, undefined where it is empty.
    """
    hits = _hits(rankings, k)
    if k is not None:
        return _where_relevant(rankings, hits / k)
    return _where_relevant(rankings, _share(hits, rankings.retrieved))


def success(rankings: Rankings, *, k: int | None = None) -> Column:
    """1 where the first ``k`` places hold anything relevant, else 0."""
    return _where_relevant(rankings, (_hits(rankings, k) > 0).astype(np.float64))


def reciprocal_rank(rankings: Rankings, *, k: int | None = None) -> Column:
    """1 / rank of the first relevant (0..1); 0 where the first ``k`` places hold none."""
    values = np.zeros(len(rankings))
    columns = rankings.gains.T[: rankings.width(k)]
    for rank in range(len(columns), 0, -1):
        values[columns[rank - 1] > 0] = 1 / rank
    return _where_relevant(rankings, values)


def average_precision(rankings: Rankings, *, k: int | None = None) -> Column:
    """Precision at each relevant within the first ``k`` places, summed, over the number relevant (0..1)."""
    found = np.zeros(len(rankings))
    total = np.zeros(len(rankings))
    for rank, gains in enumerate(rankings.gains.T[: rankings.width(k)], start=1):
        hit = gains > 0
        found += hit
        total += hit * (found / rank)
    return _where_relevant(rankings, total / np.maximum(rankings.relevant, 1))


def ndcg(rankings: Rankings, *, k: int | None = None) -> Column:
    """Discounted gain of the first ``k`` places over that of a perfect ranking (0..1).

    The gain is the grade itself, the discount log2(rank + 1): Järvelin and Kekäläinen (2002) as
    trec_eval has it.
    """
    cut = rankings.width(k)
    return _where_relevant(rankings, _share(_dcg(rankings.gains, cut), _dcg(rankings.ideal, cut)))


def judged(rankings: Rankings, *, k: int | None = None) -> Column:
    """Share (0..1) of what stands in the first ``k`` places that is labelled at all.

    A list shorter than ``k`` is judged on its length, as in ir-measures. Undefined where the list is
    empty or the query has no label (an empty ``relevant`` says that everything is irrelevant).
    """
    cut = rankings.width(k)
    places = rankings.retrieved if cut is None else np.minimum(rankings.retrieved, cut)
    labelled = rankings.judged[:, :cut].sum(axis=1, dtype=np.int64)
    return np.where(rankings.labelled > 0, _share(labelled, places), np.nan)


def _hits(rankings: Rankings, k: int | None) -> Counts:
    hits: Counts = (rankings.gains[:, : rankings.width(k)] > 0).sum(axis=1, dtype=np.int64)
    return hits


def _dcg(gains: Grades, k: int | None) -> Column:
    # Summed rank by rank, so that a perfect ranking reaches exactly 1 and no row depends on another.
    total = np.zeros(len(gains))
    for rank, column in enumerate(gains.T[:k], start=1):
        total += column / np.log2(rank + 1)
    return total


def _share(part: Counts | Column, whole: Counts | Column) -> Column:
    share = np.full(len(whole), np.nan)
    np.divide(part, whole, out=share, where=whole > 0)
    return share


def _where_relevant(rankings: Rankings, values: Column) -> Column:
    return np.where(rankings.relevant > 0, values, np.nan)


# --- the measures as metrics with canonical names ----------------------------------------------


@dataclass(frozen=True, slots=True)
class _Family:
    """What all cuts of one measure share."""

    measure: Measure
    stage: Stage
    card: str  # with {k}: "the first 5 places" or "the list"
    needs_cut: bool = False
    undefined: str = (
        "Undefined where nothing is labelled relevant: no ranking could reach more than 0 there "
        "(trec_eval books 0 and lets it lower the mean)."
    )


FAMILIES: Mapping[str, _Family] = {
    "R": _Family(
        recall,
        Stage.RETRIEVAL,
        "Recall: share of the relevant {unit}s that {k} hold.",
        needs_cut=True,
    ),
    "P": _Family(
        precision,
        Stage.RETRIEVAL,
        "Precision: share of {k} that hold a relevant {unit}; places that a short list leaves empty count as misses.",
        needs_cut=True,
    ),
    "Success": _Family(
        success,
        Stage.RETRIEVAL,
        "Hit rate: 1 where {k} hold at least one relevant {unit}, else 0.",
        needs_cut=True,
    ),
    "RR": _Family(
        reciprocal_rank,
        Stage.RANKING,
        "Reciprocal rank: 1 / rank of the first relevant {unit}, 0 where {k} hold none; its mean is MRR.",
    ),
    "AP": _Family(
        average_precision,
        Stage.RANKING,
        "Average precision: the precision at each relevant {unit} that {k} hold, summed, over the number of relevant {unit}s; its mean is MAP.",
    ),
    "nDCG": _Family(
        ndcg,
        Stage.RANKING,
        "Normalised discounted cumulative gain of {k}: grade / log2(rank + 1), summed, over the same sum of a perfect ranking (Järvelin and Kekäläinen 2002). Negative grades gain 0.",
    ),
    "Judged": _Family(
        judged,
        Stage.RETRIEVAL,
        "Share of what stands in {k} that is labelled at all, relevant or not: where it is low, an unlabelled {unit} may well be a good one, and the other measures are lower bounds.",
        needs_cut=True,
        undefined="Undefined where nothing was retrieved or the query has no label.",
    ),
}

_RANKS = {
    "document": "Rank is list order, scores are ignored; a document counts at its first chunk, its later chunks hold their place and gain 0.",
    "chunk": "Counts chunks: a passage has the grade of its chunk id where that is labelled, else of its document; the same chunk gains once. A labelled document counts as often as the whole list shows different chunks of it that have no label of their own, once where it shows none: recall among the relevant chunks known, for how many an index holds is unknown.",
}
_NAME = re.compile(r"(?P<family>[A-Za-z]+)(?:@(?P<k>[1-9]\d*))?(?P<chunk>:chunk)?")


def parse_metric(name: str) -> Metric:
    """The metric called ``name``: ``R@5``, ``nDCG@10``, ``RR``, ``RR@10``, ``R@5:chunk`` ...

    A family, the cut after ``@`` (rank 1 and up; left out, the whole list), and ``:chunk`` where
    chunks are counted. The metric's ``name`` is ``name``. Raises ``ValueError`` for anything else.
    """
    match = _NAME.fullmatch(name)
    family = FAMILIES.get(match["family"]) if match else None
    if match is None or family is None:
        raise ValueError(
            f"unknown retrieval measure {name!r}; known: {', '.join(FAMILIES)}, as in 'R@5', 'RR', 'nDCG@10:chunk'"
        )
    if family.needs_cut and match["k"] is None:
        raise ValueError(f"{name!r} needs a cut: {match['family']}@5 looks at the first 5 places")
    k = int(match["k"]) if match["k"] else None
    return _metric(name, family, k, unit="chunk" if match["chunk"] else "document")


def _metric(name: str, family: _Family, k: int | None, *, unit: str) -> Metric:
    places = (
        "the list's places"
        if k is None
        else "the first place"
        if k == 1
        else f"the first {k} places"
    )
    card = " ".join((family.card.format(k=places, unit=unit), _RANKS[unit], family.undefined))
    compute: Callable[..., Column] = partial(family.measure, k=k)
    if unit == "chunk":
        compute = partial(_of_chunks, family.measure, k=k)
    return Metric(name, family.stage, compute, card, columns=True)


def _of_chunks(measure: Measure, chunk_rankings: Rankings, *, k: int | None) -> Column:
    """``measure`` under the parameter name by which the scorer hands over rankings of chunks."""
    return measure(chunk_rankings, k=k)


def retrieval_metrics(k: int, pool: int) -> tuple[Metric, ...]:
    """The retrieval shelf of a suite that cuts its lists at ``k`` and calls depth ``pool`` "found, ranked low"."""
    cut = (f"{family}@{k}" for family in ("R", "P", "Success", "nDCG", "Judged"))
    chunks = (f"{family}@{k}:chunk" for family in ("R", "P", "nDCG"))
    names = dict.fromkeys((*cut, "RR", "AP", f"R@{pool}", *chunks))  # R@pool may be R@k
    return (*map(parse_metric, names), *context_metrics(k))


METRICS: tuple[Metric, ...] = retrieval_metrics(k=5, pool=20)
