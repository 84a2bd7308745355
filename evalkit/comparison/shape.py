"""The shape of comparison.json: what was found when systems were compared on the same cases."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from evalkit.records import Interval


@dataclass(frozen=True, slots=True)
class Half:
    """One system's half of a compared metric: its mean over the shared cases, and its own denominator.

    ``scored`` of the ``due`` cases (of those both systems answered) have a value; ``mean`` is None without any.
    """

    mean: float | None
    scored: int
    due: int


@dataclass(frozen=True, slots=True)
class MetricDifference:
    """One metric in both systems over the ``n`` cases where both have a value.

    ``difference`` is b - a in the metric's own unit. ``wins`` and ``losses`` are cases where b is better or worse
    (whichever direction is better); their ids come with the largest difference first. ``p_adjusted`` is Holm's over the
    metrics of the pair. ``detectable`` is the smallest difference these cases would show with power 0.8.
    ``not_compared`` says why there is no difference; everything about it is then None or 0.
    """

    metric: str
    stage: str
    unit: str
    higher_is_better: bool
    a: Half
    b: Half
    n: int = 0
    difference: Interval | None = None
    test: str | None = None  # mcnemar, sign_flip
    p: float | None = None
    p_adjusted: float | None = None
    effect: str | None = None  # h, d
    effect_size: float | None = None
    detectable: float | None = None
    wins: int = 0
    ties: int = 0
    losses: int = 0
    win_ids: tuple[str, ...] = ()
    loss_ids: tuple[str, ...] = ()
    not_compared: str | None = None

    @property
    def verdict(self) -> str:
        """``better`` or ``worse`` where the adjusted p value is at most 0.05, else ``open``."""
        if self.difference is None or self.p_adjusted is None or self.p_adjusted > 0.05:
            return "open"
        return "better" if (self.difference.value > 0) == self.higher_is_better else "worse"


@dataclass(frozen=True, slots=True)
class SliceDifference:
    """The pass rates of both systems on the cases of one tag; ``p_adjusted`` is Benjamini and Hochberg's over the tags."""

    tag: str
    n: int
    a: float
    b: float
    difference: Interval | None
    p: float
    p_adjusted: float


@dataclass(frozen=True, slots=True)
class CauseChange:
    """One cause before and after: how many cases had it, lost it and got it, and whether that is chance.

    ``repaired`` had it and pass now; ``harmed`` passed and have it now; ``moved`` have another fault now.
    ``p_adjusted`` is Holm's over the causes. ``difference``, ``p`` and ``p_adjusted`` are None where only one of the two
    was diagnosed with probes: nothing is tested then.
    """

    cause: str
    before: int
    after: int
    repaired: tuple[str, ...]
    harmed: tuple[str, ...]
    moved: tuple[str, ...]
    difference: Interval | None
    p: float | None
    p_adjusted: float | None


@dataclass(frozen=True, slots=True)
class CauseShift:
    """Where the failures of the common cases went. ``matrix`` maps before -> after -> cases; ``passed`` is a state too."""

    cases: int
    repairs: int
    harms: int
    causes: tuple[CauseChange, ...]
    matrix: dict[str, dict[str, int]]


@dataclass(frozen=True, slots=True)
class Split:
    """A paired difference by component; ``retriever`` and ``generator`` add up to ``whole``.

    Each is the average over both orders of exchanging the components (Shapley); half of the ``interaction``
    (what both bring together beyond what each brings alone) is in each of them. ``cells`` are the means
    of the four combinations, retriever first.
    """

    metric: str
    n: int
    whole: Interval | None
    retriever: Interval | None
    generator: Interval | None
    interaction: Interval | None
    cells: dict[str, float]
    not_split: str | None = None


@dataclass(frozen=True, slots=True)
class Pair:
    """Two systems on the cases both have answered; ``alone`` are the ids of those that only a, or only b, was asked."""

    a: str
    b: str
    cases: int
    only_a: int
    only_b: int
    groups: int | None  # clusters that tests and intervals go by; None: every case by itself
    metrics: tuple[MetricDifference, ...]
    slices: tuple[SliceDifference, ...]
    causes: CauseShift
    splits: tuple[Split, ...] = ()
    alone: tuple[tuple[str, ...], tuple[str, ...]] = ((), ())


@dataclass(frozen=True, slots=True)
class Standing:
    """One system over the cases that all of them share: quality beside what an answer takes.

    ``passed`` is the share of cases that passed in every repeat, the others are medians of an answer, None where the
    system does not tell. ``dominated_by`` names systems that pass no less often, are worse in nothing beyond noise
    (intervals that overlap are a tie) and better in something.
    """

    system: str
    approach: str
    cases: int
    passed: Interval | None
    prompt_tokens: Interval | None
    completion_tokens: Interval | None
    cost: Interval | None
    seconds: Interval | None
    dominated_by: tuple[str, ...]

    @property
    def on_front(self) -> bool:
        """Whether the system is on the Pareto front."""
        return not self.dominated_by


@dataclass(frozen=True, slots=True)
class Peer:
    """A system whose pass rate cannot be told from the leader's; ``behind`` is its difference to the leader."""

    system: str
    behind: Interval | None
    p: float | None
    prompt_tokens: float | None


@dataclass(frozen=True, slots=True)
class Economy:
    """Prompt tokens at equal quality: who needs fewest among those not told apart from the leader.

    Not told apart is not shown to be equal: ``behind`` says how far they may be apart. ``saving`` is the paired
    difference of prompt tokens, the thriftiest less the leader. ``fewest`` is None where tokens are not known.
    """

    leader: str
    peers: tuple[Peer, ...]
    fewest: str | None
    saving: Interval | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """Everything that comparing the systems has shown; ``notes`` hold what limits it."""

    suite: str
    digest: str
    judge: str | None
    cases: int
    systems: tuple[Standing, ...]
    pairs: tuple[Pair, ...]
    economy: Economy | None
    notes: tuple[str, ...] = ()
    format: int = field(default=1)

    def _repr_html_(self) -> str:
        from evalkit.pages.notebook import comparison_card

        return comparison_card(self)


def _alone(system: str, ids: Sequence[str]) -> list[str]:
    """All cases that the other system of a pair was not asked, as a note."""
    return [f"asked of {system} alone: {', '.join(ids)}"] if ids else []


def comparison_json(found: Comparison) -> dict[str, Any]:
    """The content of comparison.json."""
    whole = asdict(found)
    alone = (
        note
        for pair in found.pairs
        for name, ids in zip((pair.a, pair.b), pair.alone, strict=True)
        for note in _alone(name, ids)
    )
    whole["notes"] = [*found.notes, *dict.fromkeys(alone)]
    suite = {"name": whole.pop("suite"), "digest": whole.pop("digest")}
    for system, standing in zip(whole["systems"], found.systems, strict=True):
        system["on_front"] = standing.on_front
    for pair, given in zip(whole["pairs"], found.pairs, strict=True):
        del pair["alone"]
        for metric, difference in zip(pair["metrics"], given.metrics, strict=True):
            metric["verdict"] = difference.verdict
    return {"format": whole.pop("format"), "suite": suite, **whole}
