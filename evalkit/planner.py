"""Which condition to ask next: the one that is expected to tell most about the cause, call for call."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from math import log2
from random import Random

from evalkit.cause import CERTAIN, LIKELY, Cause, Sign
from evalkit.condition import family
from evalkit.facts import Facts
from evalkit.predictions import FOLLOW_UPS, Row, Seen, proof, reliability, row, shows

SETTLED = 0.9  # belief in one cause from which on the others are out of the race
TELLING = 0.05  # bits that a condition must be expected to tell
BY_ITSELF = 20.0  # weight of a cause whose own check has spoken
UNSUSPECTED = 0.03  # weight of a usual cause that nothing speaks for yet

# Broken contracts beside a wrong answer: they do not make it wrong.
BESIDE = frozenset({"access_violation", "citation_error", "style_violation"})
# What a wrong answer may come from even where the trace does not show it.
USUAL = frozenset(
    {
        "label_issue",
        "corpus_gap",
        "retrieval_miss",
        "ranking_low",
        "noise_distraction",
        "parametric_override",
        "misinterpretation",
        "incomplete_answer",
    }
)

Weights = tuple[tuple[str, float], ...]
Observed = Mapping[str, Seen]


class Why(StrEnum):
    """Why a condition is asked."""

    TELLING = "telling"  # it tells causes apart
    PROOF = "proof"  # the leading cause is not proven without it
    FOLLOW_UP = "follow_up"  # it says what mends the cause, or where it comes from


@dataclass(frozen=True, slots=True)
class Option:
    """A condition that can be asked of a case, and the calls it takes."""

    condition: str
    calls: int = 1


@dataclass(frozen=True, slots=True)
class Choice:
    """The condition to ask next; ``gain`` is what it is expected to tell, in bits."""

    condition: str
    why: Why
    gain: float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Knowledge:
    """What the causes predict and how they are proven, by cause id; hashed by identity."""

    rows: Mapping[str, Row]
    proofs: Mapping[str, tuple[tuple[str, ...], ...]]


@dataclass(frozen=True, slots=True)
class Puzzle:
    """What is open about one case: the weights of its possible causes, and which of them are suspected."""

    weights: Weights
    suspects: tuple[str, ...] = ()


def knowledge(causes: Sequence[Cause]) -> Knowledge:
    """The table of predictions for a shelf of causes."""
    return Knowledge({c.id: row(c) for c in causes}, {c.id: proof(c) for c in causes})


def puzzle(facts: Facts, suspects: Sequence[tuple[Cause, Sign]], causes: Sequence[Cause]) -> Puzzle:
    """What a failing case leaves open, from the observed signs of its causes."""
    strength = {cause.id: sign.strength for cause, sign in suspects}
    weights = ((cause.id, _weight(cause.id, strength.get(cause.id), facts)) for cause in causes)
    return Puzzle(tuple((c, w) for c, w in weights if w > 0), tuple(strength))


def _weight(cause: str, strength: float | None, facts: Facts) -> float:
    """How likely a cause is before anything is asked, up to a common factor; 0 is out of the question."""
    if facts.trace.error is not None or facts.right is not False:
        return BY_ITSELF if strength == CERTAIN else strength or 0.0
    if cause in BESIDE or (cause == "missing_refusal" and strength != CERTAIN):
        return 0.0
    if cause == "inconsistency" and 2 * facts.repeats_right < facts.repeats:
        return 0.0
    if strength == CERTAIN:
        return LIKELY if cause == "format_violation" else BY_ITSELF
    return strength or (UNSUSPECTED if cause in USUAL else 0.0)


def posterior(weights: Weights, observed: Observed, known: Knowledge) -> dict[str, float]:
    """Belief in each cause after what was seen (Bayes, conditions taken as independent given the cause)."""
    found = {}
    for cause, weight in weights:
        for condition, seen in observed.items():
            if seen is not Seen.UNCLEAR:
                name = family(condition)
                weight *= _chances(known.rows[cause].get(name), name)[seen]  # noqa: PLW2901
        found[cause] = weight
    total = sum(found.values())
    return {cause: weight / total for cause, weight in found.items()} if total else {}


@lru_cache(256)
def _chances(predicted: Seen | None, condition: str) -> Mapping[Seen, float]:
    """How likely a prediction makes everything that a condition can show; alike where nothing is predicted."""
    space, sure = shows(condition), reliability(condition)
    if predicted is None:
        return dict.fromkeys(space, 1 / len(space))
    rest = (1 - sure) / (len(space) - 1)
    return {seen: sure if seen is predicted else rest for seen in space}


def gain(beliefs: Mapping[str, float], condition: str, known: Knowledge) -> float:
    """Expected information about the cause, in bits: the entropy now less the expected one afterwards."""
    name = family(condition)
    chances = {cause: _chances(known.rows[cause].get(name), name) for cause in beliefs}
    told = _entropy(beliefs.values())
    for seen in shows(condition):
        joint = [belief * chances[cause][seen] for cause, belief in beliefs.items()]
        total = sum(joint)
        if total > 0:
            told -= total * _entropy(j / total for j in joint)
    return max(0.0, told)


def _entropy(shares: Iterable[float]) -> float:
    return -sum(p * log2(p) for p in shares if p > 0)


def choose(
    case: Puzzle, observed: Observed, options: Sequence[Option], known: Knowledge
) -> Choice | None:
    """The next condition, or None when the causes are settled or nothing that is left would tell more.

    Highest gain for each call first; ties go to fewer calls, then to the order of ``options``. Once one
    cause leads beyond doubt (or nothing tells more) its proof is completed, then its follow-ups are asked.
    """
    beliefs = posterior(case.weights, observed, known)
    left = [o for o in options if o.condition not in observed]
    if not beliefs or not left:
        return None
    if max(beliefs.values()) < SETTLED and (best := _most_telling(beliefs, left, known)):
        return best
    leading = max(beliefs, key=lambda cause: beliefs[cause])
    wanted = unproven(leading, observed, known)
    for group in wanted:
        for name in group:
            found = next((o for o in left if family(o.condition) == name), None)
            if found is not None:
                return Choice(found.condition, Why.PROOF)
    return _follow_up(case, leading, left)


def _most_telling(
    beliefs: Mapping[str, float], left: Sequence[Option], known: Knowledge
) -> Choice | None:
    told = [(option, gain(beliefs, option.condition, known)) for option in left]
    useful = [(option, bits) for option, bits in told if bits >= TELLING]
    if not useful:
        return None
    option, bits = max(useful, key=lambda one: (round(one[1] / one[0].calls, 9), -one[0].calls))
    return Choice(option.condition, Why.TELLING, bits)


def unproven(cause: str, observed: Observed, known: Knowledge) -> tuple[tuple[str, ...], ...]:
    """The groups of a cause's proof of which no condition has shown anything yet."""
    asked = {family(c) for c, seen in observed.items() if seen is not Seen.UNCLEAR}
    return tuple(group for group in known.proofs.get(cause, ()) if not asked & set(group))


def _follow_up(case: Puzzle, leading: str, left: Sequence[Option]) -> Choice | None:
    for cause in dict.fromkeys((leading, *case.suspects)):
        for name in FOLLOW_UPS.get(cause, ()):
            found = next((o for o in left if family(o.condition) == name), None)
            if found is not None:
                return Choice(found.condition, Why.FOLLOW_UP)
    return None


def missing(
    case: Puzzle, observed: Observed, unasked: Sequence[str], known: Knowledge
) -> tuple[str, ...]:
    """Of the conditions that were not asked, those that would still tell causes apart or prove the leading one."""
    beliefs = posterior(case.weights, observed, known)
    if not beliefs:
        return ()
    leading = max(beliefs, key=lambda cause: beliefs[cause])
    wanted = {name for group in unproven(leading, observed, known) for name in group[:1]}
    open_ = beliefs[leading] < SETTLED
    return tuple(
        c for c in unasked if family(c) in wanted or (open_ and gain(beliefs, c, known) >= TELLING)
    )


def expected_calls(
    case: Puzzle, observed: Observed, options: Sequence[Option], known: Knowledge, draw: Random
) -> int:
    """The calls one case takes if what it shows is drawn by what is believed of it; one repeat each."""
    seen = dict(observed)
    calls = 0
    by_name = {option.condition: option for option in options}
    while choice := choose(case, seen, options, known):
        calls += by_name[choice.condition].calls
        seen[choice.condition] = _drawn(case, seen, choice.condition, known, draw)
    return calls


def _drawn(
    case: Puzzle, observed: Observed, condition: str, known: Knowledge, draw: Random
) -> Seen:
    beliefs = posterior(case.weights, observed, known)
    (cause,) = draw.choices([*beliefs], [*beliefs.values()])
    name = family(condition)
    chances = _chances(known.rows[cause].get(name), name)
    (seen,) = draw.choices([*chances], [*chances.values()])
    return seen
