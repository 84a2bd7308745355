"""Makes one grading of several, by repeats of one judge or by the members of a panel: majorities and medians."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import replace
from statistics import median, median_low
from typing import Any, TypeVar

from evalkit.judges.llm.grading import Grading
from evalkit.records import Claim, Evidence

T = TypeVar("T", bound=Hashable)
UNDECIDED = "undecided"
REFUSED = "refused"
# An answer, and a point of it, is right where more than half say so: a tie does not pass.
COUNTS = ("the median counts, of two the lower", "the median counts")


def vote(name: str, gradings: Sequence[Grading], voter: str) -> Grading:
    """What most of the ``gradings`` say; ``voter`` is what messages call one of them.

    Words and truths need more than half of the votes that were given, else they are undecided; of numbers it
    is the median, where two stand in the middle the lower of them (for ``refused`` their mean). Who dissents is among the reasons. An error where not more than half of all could be read.
    """
    if len(gradings) == 1:
        return replace(gradings[0], evidence=replace(gradings[0].evidence, judge=name))
    good = [grading for grading in gradings if grading.evidence.error is None]
    failed = [grading.evidence.error for grading in gradings if grading.evidence.error is not None]
    told = f"{len(failed)} of {len(gradings)} {voter}s failed: {failed[0]}" if failed else ""
    if 2 * len(good) <= len(gradings):
        return Grading(Evidence(name, error=told))
    evidence, dissent = _joined(name, [grading.evidence for grading in good], voter)
    remarks, disputes = _remarks([grading.remarks for grading in good])
    said = dict.fromkeys(reason for grading in good for reason in grading.evidence.reasons)
    reasons = (*([told] if told else ()), *dissent, *disputes, *said)
    return Grading(replace(evidence, reasons=reasons), remarks)


def majority(votes: Sequence[T | None]) -> T | None:
    """What more than half of the given votes say; ``None`` without one."""
    given = [vote for vote in votes if vote is not None]
    if not given:
        return None
    first, count = Counter(given).most_common(1)[0]
    return first if 2 * count > len(given) else None


def _joined(name: str, found: Sequence[Evidence], voter: str) -> tuple[Evidence, list[str]]:
    dissent: list[str] = []
    claims, told = _claims(found, voter)
    dissent += told

    def number(what: str, values: Sequence[float | None]) -> float | None:
        given = [value for value in values if value is not None]
        if len(set(given)) > 1:
            listed = ", ".join(f"{value:.3g}" for value in given)
            dissent.append(f"dissent on {what}: {listed}; {COUNTS[what == REFUSED]}")
        middle = median if what == REFUSED else median_low
        return float(middle(given)) if given else None

    def truth(what: str, values: Sequence[bool | None]) -> bool | None:
        dissent.extend(_dispute(what, values))
        return majority(values)

    evidence = Evidence(
        name,
        claims=claims,
        covered=_each([e.covered for e in found], "key point", number),
        correct=number("correct", [e.correct for e in found]),
        refused=number(REFUSED, [e.refused for e in found]),
        cited=_each([e.cited for e in found], "citation", truth),
    )
    return evidence, dissent


def _each(
    columns: Sequence[tuple[Any, ...] | None],
    what: str,
    decide: Callable[[str, Sequence[Any]], Any],
) -> tuple[Any, ...] | None:
    """Entry by entry what those who have entries at all decide; of the length that most of them have."""
    given = [column for column in columns if column is not None]
    if not given:
        return None
    length = Counter(map(len, given)).most_common(1)[0][0]
    rows = zip(*(column for column in given if len(column) == length), strict=True)
    return tuple(decide(f"{what} {i}", row) for i, row in enumerate(rows, start=1))


def _claims(found: Sequence[Evidence], voter: str) -> tuple[tuple[Claim, ...] | None, list[str]]:
    """The claims as most cut them, each decided by those who cut it so."""
    given = [evidence.claims for evidence in found if evidence.claims is not None]
    if not given:
        return None, []
    cuts = [tuple((claim.start, claim.end) for claim in claims) for claims in given]
    usual = Counter(cuts).most_common(1)[0][0]
    same = [claims for claims, cut in zip(given, cuts, strict=True) if cut == usual]
    told = []
    if len(same) < len(given):
        told.append(
            f"the claims are those of {len(same)} of {len(given)} {voter}s; others cut them otherwise"
        )
    decided = []
    for number, votes in enumerate(zip(*same, strict=True), start=1):
        stances = [_stance(claim) for claim in votes]
        told += _dispute(f"claim {number}", stances)
        decided.append(_decided(votes, stances))
    return tuple(decided), told


def _stance(claim: Claim) -> str | None:
    if claim.contradicted:
        return "contradicted"
    return None if claim.supported is None else "supported" if claim.supported else "absent"


def _decided(votes: Sequence[Claim], stances: Sequence[str | None]) -> Claim:
    stance = majority(stances)
    named = [
        c.passage
        for c, s in zip(votes, stances, strict=True)
        if s == stance and c.passage is not None
    ]
    usual = min(named, key=lambda p: (-named.count(p), p), default=None)
    return replace(
        votes[0],
        supported=None if stance is None else stance == "supported",
        contradicted=stance == "contradicted",
        passage=usual if stance in ("supported", "contradicted") else None,
        in_reference=majority([claim.in_reference for claim in votes]),
    )


def _remarks(found: Sequence[Mapping[str, str]]) -> tuple[dict[str, str], list[str]]:
    told: list[str] = []
    remarks = {}
    for name in dict.fromkeys(name for one in found for name in one):
        votes = [one.get(name) for one in found]
        told += _dispute(name, votes)
        remarks[name] = majority(votes) or UNDECIDED
    return remarks, told


def _dispute(what: str, votes: Sequence[Hashable | None]) -> list[str]:
    """A line that says who voted how, where those who voted differ."""
    counts = Counter(vote for vote in votes if vote is not None)
    if len(counts) < 2:
        return []
    listed = ", ".join(f"{count} × {_word(word)}" for word, count in counts.most_common())
    return [f"dissent on {what}: {listed}"]


def _word(vote: Hashable) -> str:
    return {True: "yes", False: "no"}.get(vote, str(vote)) if isinstance(vote, bool) else str(vote)
