"""Approaches in order: expected gain plus the points of the rules, each with what speaks for it, against it, and what is missing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from evalkit.decision.mending import Gain
from evalkit.decision.rulebook import APPROACHES, Facts, Rule, Rulebook

POINT = 100  # points in a pass rate of 1


@dataclass(frozen=True, slots=True)
class Argument:
    """One rule that fired for an approach, and by how many points."""

    rule: str
    points: float
    text: str


@dataclass(frozen=True, slots=True)
class Requirement:
    """Something an approach needs; ``met`` is None where nobody knows, and ``settle`` says how to find out."""

    id: str
    met: bool | None
    text: str
    settle: str


@dataclass(frozen=True, slots=True)
class Option:
    """One approach with its gain, its arguments and its place; ``score`` is in points of the pass rate."""

    approach: str
    gain: Gain
    arguments: tuple[Argument, ...]
    requirements: tuple[Requirement, ...]

    @property
    def score(self) -> float:
        """Expected gain in points, plus the points of the rules; what gains nothing is raised by no rule.

        No change gains nothing by its nature: there the rules speak freely.
        """
        points = sum(a.points for a in self.arguments)
        idle = self.gain.interval.value <= 0 and self.approach != "no_change"
        return POINT * self.gain.interval.value + (min(points, 0.0) if idle else points)

    @property
    def eligible(self) -> bool:
        """Whether it may come first: everything it requires is known to be there."""
        return all(r.met is True for r in self.requirements)

    @property
    def speaks_for(self) -> tuple[Argument, ...]:
        """The rules that raise it, the weightiest first."""
        found = [a for a in self.arguments if a.points > 0]
        return tuple(sorted(found, key=lambda a: -a.points))

    @property
    def speaks_against(self) -> tuple[Argument, ...]:
        """The rules that lower it, the weightiest first."""
        return tuple(sorted((a for a in self.arguments if a.points < 0), key=lambda a: a.points))


def rank(
    gains: Mapping[str, Gain],
    facts: Facts,
    book: Rulebook,
    beaten: frozenset[tuple[str, str]] = frozenset(),
) -> tuple[Option, ...]:
    """Every approach, those that may come first before those that lack something, each by score.

    ``beaten`` holds (worse, better) for approaches that were measured side by side and differ by more than
    chance: no rule lifts the worse one above the better. Of equal scores the simpler approach comes first
    (the order of ``APPROACHES``).
    """
    fired = [rule for rule in book.rules if rule.fires(facts) is True]
    options = [_option(a, gains[a], fired, facts, book) for a in APPROACHES if a in gains]
    by_score = sorted(options, key=lambda o: (not o.eligible, -round(o.score, 9)))
    eligible = [o for o in by_score if o.eligible and o.gain.measured]
    measured = iter(_by_dominance(eligible, beaten))
    return tuple(next(measured) if o in eligible else o for o in by_score)


def _by_dominance(
    options: Sequence[Option], beaten: frozenset[tuple[str, str]]
) -> Iterator[Option]:
    """Options in order of score, but none before one that beats it."""
    waiting = list(options)
    while waiting:
        names = [o.approach for o in waiting]
        free = (o for o in waiting if not any((o.approach, b) in beaten for b in names))
        chosen = next(free, waiting[0])
        waiting.remove(chosen)
        yield chosen


def _option(
    approach: str, gain: Gain, fired: Sequence[Rule], facts: Facts, book: Rulebook
) -> Option:
    arguments = tuple(
        Argument(rule.id, rule.points[approach], rule.told(facts))
        for rule in fired
        if rule.points.get(approach)
    )
    needs = tuple(
        Requirement(rule.id, rule.fires(facts), rule.why, rule.settle)
        for rule in book.requirements.get(approach, ())
    )
    return Option(approach, gain, arguments, needs)
