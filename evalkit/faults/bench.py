"""A blind diagnosis held against what was injected: who was named, how surely, and who was blamed for nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from evalkit.records import Certainty, Finding, Interval
from evalkit.stats.intervals import wilson

NONE = "none"  # nothing injected; nothing found
BINS = 10


@dataclass(frozen=True, slots=True)
class Verdict:
    """One case: what is true of it, and what the diagnosis says.

    ``truth`` is the injected cause, None for a healthy case; ``acceptable`` what its traces cannot tell
    from it (the cause itself included). ``outcome`` is fail or warn, None without a finding; ``cause`` None
    where none is named, ``status`` then says why. ``confidence`` None is "not stated".
    """

    case_id: str
    truth: str | None
    acceptable: frozenset[str] = frozenset()
    outcome: str | None = None
    cause: str | None = None
    named: frozenset[str] = frozenset()
    also: frozenset[str] = frozenset()
    status: str | None = None
    confidence: float | None = None

    @property
    def wanted(self) -> str:
        """The true label: a cause or "none"."""
        return self.truth or NONE

    @property
    def given(self) -> str:
        """The label given: a cause, "undetermined", "unexplained" or "none".

        A warning counts as named on a faulty case; on a healthy one it is no alarm.
        """
        if self.outcome is None or (self.truth is None and self.outcome == "warn"):
            return NONE
        return self.cause or self.status or Certainty.UNEXPLAINED.value

    @property
    def exact(self) -> bool:
        """The true cause (or one that cannot be told from it) is named; nothing, on a healthy case."""
        if self.truth is None:
            return self.given == NONE
        return self.cause is not None and self.cause in (self.acceptable | {self.truth})

    @property
    def in_set(self) -> bool:
        """The true cause is named, or is among the look-alikes returned with it."""
        return self.exact or bool(self.named & (self.acceptable | {self.wanted}))


def verdicts(
    truths: Mapping[str, str | None],
    findings: Iterable[Finding],
    acceptable: Mapping[str, frozenset[str]] | None = None,
) -> list[Verdict]:
    """One verdict a case of ``truths``; ``acceptable`` is empty for cases it does not name."""
    found = {finding.case_id: finding for finding in findings}
    alike = acceptable or {}
    made = []
    for case_id, truth in truths.items():
        also = alike.get(case_id, frozenset())
        finding = found.get(case_id)
        if finding is None:
            made.append(Verdict(case_id, truth, also))
            continue
        made.append(
            Verdict(
                case_id,
                truth,
                also,
                finding.outcome,
                finding.cause,
                frozenset(finding.set),
                frozenset(finding.also),
                finding.status.value,
                finding.confidence,
            )
        )
    return made


@dataclass(frozen=True, slots=True)
class Bin:
    """Findings whose confidence lies in ``low..high``: how many, how sure, how often right."""

    low: float
    high: float
    n: int
    confidence: float
    accuracy: float


@dataclass(frozen=True, slots=True)
class Calibration:
    """``error`` is the expected calibration error 0..1, over ``n`` findings with a stated confidence."""

    error: float
    n: int
    bins: tuple[Bin, ...]


@dataclass(frozen=True, slots=True)
class BenchScore:
    """How well a diagnosis did; None where there is nothing to measure.

    ``exact``, ``in_set`` and ``side`` are shares of the faulty cases, ``false_alarms`` of the healthy ones
    (a ``fail`` finding), ``detected`` the faulty cases with any finding. Balanced accuracy and kappa are over
    all cases with "none" as a class of its own. ``recall`` is by true cause.
    """

    exact: Interval | None
    in_set: Interval | None
    side: Interval | None
    detected: Interval | None
    false_alarms: Interval | None
    recall: Mapping[str, Interval]
    confusion: Mapping[tuple[str, str], int]
    balanced_accuracy: float | None
    balanced_side: float | None
    kappa: float | None
    calibration: Calibration | None


def score(found: Sequence[Verdict], sides: Mapping[str, str]) -> BenchScore:
    """Score a blind diagnosis; ``sides`` maps every cause to its side."""
    faulty = [v for v in found if v.truth is not None]
    healthy = [v for v in found if v.truth is None]
    pairs = [(v.wanted, _given(v)) for v in found]
    by_side = [(_side(a, sides), _side(b, sides)) for a, b in pairs]
    return BenchScore(
        exact=_share(v.exact for v in faulty),
        in_set=_share(v.in_set for v in faulty),
        side=_share(_side(v.wanted, sides) == _side(_given(v), sides) for v in faulty),
        detected=_share(v.outcome is not None for v in faulty),
        false_alarms=_share(v.outcome == "fail" for v in healthy),
        recall=recall_by_class((v.wanted, v.exact) for v in faulty),
        confusion=Counter(pairs),
        balanced_accuracy=balanced_accuracy(pairs),
        balanced_side=balanced_accuracy(by_side),
        kappa=cohen_kappa(pairs),
        calibration=calibrate(
            [(v.confidence, v.exact) for v in found if v.confidence is not None and v.cause]
        ),
    )


def _given(verdict: Verdict) -> str:
    """The label given; an acceptable one counts as the true one."""
    return verdict.wanted if verdict.exact else verdict.given


def _side(label: str, sides: Mapping[str, str]) -> str:
    return sides.get(label, label)


def _share(hits: Iterable[bool]) -> Interval | None:
    listed = list(hits)
    return wilson(sum(listed), len(listed))


def recall_by_class(hits: Iterable[tuple[str, bool]]) -> dict[str, Interval]:
    """For each class, the share of its cases that hit, with Wilson's interval; by name."""
    due: dict[str, list[bool]] = {}
    for name, hit in hits:
        due.setdefault(name, []).append(hit)
    shares = {name: _share(due[name]) for name in sorted(due)}
    return {name: share for name, share in shares.items() if share is not None}


def balanced_accuracy(pairs: Sequence[tuple[Hashable, Hashable]]) -> float | None:
    """Mean recall over the true classes of (true, given) pairs, 0..1; None without pairs."""
    shares = recall_by_class((str(true), true == given) for true, given in pairs)
    return sum(s.value for s in shares.values()) / len(shares) if shares else None


def cohen_kappa(pairs: Sequence[tuple[Hashable, Hashable]]) -> float | None:
    """Agreement of (true, given) pairs beyond chance, at most 1 (Cohen 1960).

    None without pairs, and where both sides use one and the same class throughout.
    """
    n = len(pairs)
    if not n:
        return None
    true, given = Counter(a for a, _ in pairs), Counter(b for _, b in pairs)
    agreed = sum(a == b for a, b in pairs) / n
    chance = sum(true[c] * given[c] for c in true) / n**2
    return None if chance == 1 else (agreed - chance) / (1 - chance)


def calibrate(stated: Sequence[tuple[float, bool]], bins: int = BINS) -> Calibration | None:
    """Expected calibration error over equal-width bins (Naeini et al. 2015); None when nothing is stated.

    ``stated`` are (confidence 0..1, was it right). A confidence on a border belongs to the bin above, 1 to
    the last. The error is the mean over findings of |mean confidence - accuracy| of their bin.
    """
    if not stated:
        return None
    groups: dict[int, list[tuple[float, bool]]] = {}
    for confidence, hit in stated:
        if not 0 <= confidence <= 1:
            raise ValueError(f"confidence {confidence} lies outside 0..1")
        groups.setdefault(min(int(confidence * bins), bins - 1), []).append((confidence, hit))
    made = tuple(_bin(place, groups[place], bins) for place in sorted(groups))
    error = sum(b.n * abs(b.confidence - b.accuracy) for b in made) / len(stated)
    return Calibration(error, len(stated), made)


def _bin(place: int, members: Sequence[tuple[float, bool]], bins: int) -> Bin:
    n = len(members)
    mean = sum(confidence for confidence, _ in members) / n
    return Bin(place / bins, (place + 1) / bins, n, mean, sum(hit for _, hit in members) / n)
