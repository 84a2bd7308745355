"""Metrics over the repeats of one case: do answers, verdicts and retrieved lists agree with each other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from itertools import combinations

from evalkit.judges.equivalence import equivalence
from evalkit.records import Level, Metric, Passage, Stage
from evalkit.text.extract import parse_json
from evalkit.text.field_match import field_credit
from evalkit.text.longest import readable
from evalkit.text.similarity import same_text

# Of the probability that two answers mean the same; on labelled pairs accuracy is flat from 0.7 to 0.9.
THRESHOLD = 0.75
PERSISTENCE = 0.9  # of rank-biased overlap: the first five places carry two thirds of the weight


def same_meaning(a: str, b: str) -> bool:
    """Whether two answers to one question say the same; symmetric, true of equal texts.

    Two whole-JSON answers are the same when their leaves are. Otherwise one must retell the other:
    the longer may add something, so the better direction counts; a refusal equals refusals only.
    """
    if a == b or same_text(a, b):
        return True
    left, right = parse_json(a), parse_json(b)
    if left.parses and right.parses and isinstance(left.value, dict | list):
        return (
            field_credit(left.value, right.value) == 1
            and field_credit(right.value, left.value) == 1
        )
    return max(equivalence(a, [b]), equivalence(b, [a])) >= THRESHOLD


def cluster(
    responses: Sequence[str], equivalent: Callable[[str, str], bool] = same_meaning
) -> tuple[int, ...]:
    """A cluster number for each response, counted from 0 in order of first appearance.

    Clusters are the connected components of ``equivalent``, so that the order does not matter.
    """
    parent = list(range(len(responses)))

    def root(i: int) -> int:
        while parent[i] != i:
            i = parent[i]
        return i

    for i, j in combinations(range(len(responses)), 2):
        if root(i) != root(j) and equivalent(responses[i], responses[j]):
            parent[max(root(i), root(j))] = min(root(i), root(j))
    numbers: dict[int, int] = {}
    return tuple(numbers.setdefault(root(i), len(numbers)) for i in range(len(responses)))


@readable
def consistency(responses: tuple[str, ...]) -> float | None:
    """Share of pairs of repeats whose answers mean the same, 0..1; ``None`` for fewer than two."""
    clusters = cluster(responses)
    pairs = list(combinations(clusters, 2))
    return sum(a == b for a, b in pairs) / len(pairs) if pairs else None


def flip_rate(passes: tuple[bool, ...]) -> float | None:
    """Share of pairs of repeats of which one passes and one fails, 0..1; ``None`` for fewer than two."""
    pairs = len(passes) * (len(passes) - 1) / 2
    passed = sum(passes)
    return passed * (len(passes) - passed) / pairs if pairs else None


def pass_at_k(passes: tuple[bool, ...]) -> float | None:
    """1 if any of the k repeats passes, k being all of them; ``None`` without repeats."""
    return float(any(passes)) if passes else None


def pass_hat_k(passes: tuple[bool, ...]) -> float | None:
    """1 if every one of the k repeats passes, k being all of them; ``None`` without repeats."""
    return float(all(passes)) if passes else None


def retrieval_stability(
    retrievals: tuple[tuple[Passage, ...], ...], *, p: float = PERSISTENCE
) -> float | None:
    """Mean rank-biased overlap of all pairs of document lists, 0..1; ``None`` for fewer than two."""
    lists = [documents(passages) for passages in retrievals]
    overlaps = [rank_biased_overlap(a, b, p) for a, b in combinations(lists, 2)]
    return sum(overlaps) / len(overlaps) if overlaps else None


def documents(passages: Sequence[Passage]) -> tuple[str, ...]:
    """The documents of a ranked list, each at its first passage."""
    return tuple(dict.fromkeys(passage.doc_id for passage in passages))


def rank_biased_overlap(a: Sequence[str], b: Sequence[str], p: float = PERSISTENCE) -> float:
    """Extrapolated rank-biased overlap of two rankings without ties (Webber et al. 2010, eq. 32).

    1 for equal lists (two empty ones too), 0 for disjoint ones. Places count less the lower they are,
    by a factor of ``p`` each; beyond the shorter list its agreement is taken to go on.
    """
    if tuple(a) == tuple(b):
        return 1.0
    short, long = sorted((a, b), key=len)
    s, depth = len(short), len(long)
    if not s:
        return 0.0
    seen_short: set[str] = set()
    seen_long: set[str] = set()
    total, common, common_at_s = 0.0, 0, 0
    for d in range(1, depth + 1):
        seen_long.add(long[d - 1])
        seen_short.update(short[d - 1 : d])
        common = len(seen_short & seen_long)
        common_at_s = common if d <= s else common_at_s
        total += common / d * p**d
        if d > s:
            total += common_at_s * (d - s) / (s * d) * p**d
    tail = ((common - common_at_s) / depth + common_at_s / s) * p**depth
    return min(1.0, (1 - p) / p * total + tail)


METRICS: tuple[Metric, ...] = (
    Metric(
        "consistency",
        Stage.GENERATION,
        consistency,
        "Share of pairs of repeats whose answers fall into the same cluster of meaning, 0..1. Two answers belong "
        "together when one retells the other (equivalence of at least 0.75 in the better direction: numbers, names "
        "and yes or no agree, a refusal only with refusals); whole-JSON answers when all their leaves agree. "
        "Clusters are connected components, so the order of repeats does not matter. It says nothing of being right. "
        "Undefined for fewer than two answers. Idea after semantic clustering of samples (Kuhn et al. 2023).",
        level=Level.CASE,
    ),
    Metric(
        "flip_rate",
        Stage.GENERATION,
        flip_rate,
        "Share of pairs of repeats of which one passes and the other fails: the chance that asking again turns the "
        "verdict. 0 when all agree; at most n / (2 (n - 1)) for n even. Undefined for fewer than two repeats.",
        higher_is_better=False,
        level=Level.CASE,
    ),
    Metric(
        "pass@k",
        Stage.GENERATION,
        pass_at_k,
        "1 when at least one of the k repeats of the case passes, k being the number of repeats (Chen et al. 2021, at "
        "n = k): what the system can do. Undefined without repeats.",
        level=Level.CASE,
        outcome=True,
    ),
    Metric(
        "pass^k",
        Stage.GENERATION,
        pass_hat_k,
        "1 when all k repeats of the case pass, k being the number of repeats (tau-bench, Yao et al. 2024, at n = k): "
        "what the system can be relied on for. Undefined without repeats.",
        level=Level.CASE,
        outcome=True,
    ),
    Metric(
        "retrieval_stability",
        Stage.RETRIEVAL,
        partial(retrieval_stability, p=PERSISTENCE),
        "Mean extrapolated rank-biased overlap (Webber, Moffat and Zobel 2010; p = 0.9) of the document lists of all "
        "pairs of repeats: 1 when the same documents come in the same order, 0 when none is shared; the top counts "
        "most. A document stands at its first passage. Two empty lists are equal. Undefined for fewer than two "
        "lists.",
        level=Level.CASE,
    ),
)
