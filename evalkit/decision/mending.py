"""What an approach would mend: for every failing case, from its causes and from what the probes showed of that very case."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import numpy.typing as npt

from evalkit.decision.kinds import FAIL, Kinds, kinds_of
from evalkit.ledger.words import chosen, listed
from evalkit.records import Approach, Certainty, Finding, Interval, Side
from evalkit.stats.intervals import mean_interval

# Causes in the reader, by what is said to help beside a better prompt (design section 7's column "fine-tuning").
TUNABLE = frozenset(
    {
        "format_violation",
        "style_violation",
        "missing_criteria",
        "inconsistency",
        "missing_refusal",
        "misinterpretation",
        "over_refusal",
        "incomplete_answer",
        "ungrounded_content",
        "citation_error",
        "parametric_override",
        "noise_distraction",
    }
)
STRONGER = frozenset(
    {
        "misinterpretation",
        "noise_distraction",
        "position_sensitivity",
        "parametric_override",
        "incomplete_answer",
        "inconsistency",
        "over_refusal",
    }
)
# The attempt in the prompt that shows whether words suffice for a cause; examples may help with any of them.
ATTEMPT = {
    "format_violation": "schema_enforced",
    "style_violation": "style_prompted",
    "missing_criteria": "criteria_prompted",
}
FEW_SHOT = "few_shot"


@dataclass(frozen=True, slots=True)
class Chance:
    """The probability that a case passes afterwards, with the bounds that nobody has measured yet."""

    low: float
    value: float
    high: float


@dataclass(frozen=True, slots=True)
class Ill:
    """One cause of one failing case, with its side, the finding, and the approach of the system that failed."""

    cause: str
    side: Side | None
    finding: Finding
    approach: Approach


NO, YES, OPEN = Chance(0.0, 0.0, 0.0), Chance(1.0, 1.0, 1.0), Chance(0.0, 0.5, 1.0)


@dataclass(frozen=True, slots=True)
class Gain:
    """What an approach would add to the pass rate, and the cases it rests on; ``measured`` side by side or not."""

    interval: Interval
    cases: Sequence[str]
    measured: bool = False
    losses: tuple[str, ...] = ()

    def case_ids(self) -> Sequence[str]:
        """The cases as JSON takes them."""
        return listed(self.cases)


def attempts(finding: Finding) -> list[str]:
    """How the attempts in the prompt ended for a case: ``pass``, ``fail`` ..., of those that were made."""
    own = ATTEMPT.get(finding.cause or "")
    names = (own, FEW_SHOT) if own else (FEW_SHOT,)
    return [finding.probes[n] for n in names if n is not None and n in finding.probes]


def sure(finding: Finding, chance: Chance) -> Chance:
    """A chance, as far as the cause is known: a suspected cause is right with its confidence only."""
    if finding.status is Certainty.PROVEN or chance is NO:
        return chance
    share = 0.5 if finding.confidence is None else finding.confidence
    return Chance(0.0, chance.value * share, chance.high)


def by_prompt(ill: Ill) -> Chance:
    """A better prompt mends what the attempt in the prompt mended; what was not tried stays open."""
    if ill.side not in (Side.GENERATION, Side.CONTRACT):
        return NO
    tried = attempts(ill.finding)
    if "pass" in tried:
        return YES
    return NO if "fail" in tried else OPEN


def by_retrieval(ill: Ill) -> Chance:
    """Retrieval that works brings what ``oracle_context`` brought, to a system without documents as well."""
    bare = ill.approach in (Approach.PROMPT, Approach.FINETUNED)
    invented = bare and ill.cause in ("missing_refusal", "ungrounded_content")
    if ill.side is not Side.RETRIEVAL and not invented:
        return NO
    shown = ill.finding.probes.get("oracle_context")
    if shown == "pass":
        return YES
    return NO if shown == "fail" else OPEN


def by_tuning(ill: Ill) -> Chance:
    """Tuning may teach what the prompt could not; it brings no document and mends no label."""
    if ill.cause not in TUNABLE:
        return NO
    return YES if "pass" in attempts(ill.finding) else OPEN


def by_stronger_model(ill: Ill) -> Chance:
    """A stronger reader may read what this one reads wrongly."""
    return OPEN if ill.cause in STRONGER else NO


def by_mending_the_suite(ill: Ill) -> Chance:
    """A mended label or question makes the case pass if nothing else is wrong."""
    return YES if ill.side is Side.SUITE else NO


Mender = Callable[[Ill], Chance]


def _best(menders: Sequence[Mender], ill: Ill) -> Chance:
    return max((mender(ill) for mender in menders), key=_worth)


def _worth(chance: Chance) -> tuple[float, float, float]:
    return chance.value, chance.low, chance.high


def menders(*, tuning: bool) -> Mapping[str, Mender]:
    """What each approach does to one cause; ``tuning`` says whether hybrid may count on tuning as well."""
    both: list[Mender] = [by_retrieval, by_prompt, *([by_tuning] if tuning else [])]
    return {
        "no_change": lambda _: NO,
        "mend_suite": by_mending_the_suite,
        "prompt": by_prompt,
        "rag": by_retrieval,
        "finetuned": by_tuning,
        "hybrid": partial(_best, both),
        "stronger_model": by_stronger_model,
    }


def gains(
    findings: Sequence[Finding],
    due: int,
    approach: Approach,
    sides: Mapping[str, Side],
    *,
    tuning: bool,
    seed: int = 0,
) -> dict[str, Gain]:
    """The headroom of every approach on one system: ``due`` graded cases, of which ``findings`` fail.

    A case is mended when each of its causes is. The interval holds both what is not measured (an attempt that was
    not made may mend all or none) and the chance of the draw of cases (bootstrap over cases). ``sides`` gives
    the side of every cause.
    """
    kinds = kinds_of(findings)
    ill = [f.outcome == FAIL and f.cause is not None for f in kinds.of]
    rows = np.flatnonzero(np.array(ill, bool)[kinds.codes])
    found = {}
    for name, mender in menders(tuning=tuning).items():
        chances = [
            _mended(mender, f, approach, sides) if failing else NO
            for f, failing in zip(kinds.of, ill, strict=True)
        ]
        found[name] = _gain(chances, kinds, rows, due, seed)
    return found


def corrected(gain: Gain, share: Interval | None, failing: int, due: int) -> Gain:
    """A gain that rests on a side's share of the failures, corrected for what the diagnoser is known to confuse.

    The interval holds the raw and the corrected bounds; without a corrected share the gain stays as it is.
    """
    if share is None or not due:
        return gain
    loss, raw = failing / due, gain.interval
    low, value, high = (loss * v for v in (share.low, share.value, share.high))
    bounds = Interval(value, min(raw.low, low), max(raw.high, high), raw.n)
    return replace(gain, interval=bounds)


def _mended(
    mender: Mender, finding: Finding, approach: Approach, sides: Mapping[str, Side]
) -> Chance:
    """The chance that every cause of a case is mended: no better than the worst of them."""
    causes = (finding.cause or "", *finding.also)
    ills = (Ill(cause, sides.get(cause), finding, approach) for cause in causes)
    return sure(finding, min((mender(ill) for ill in ills), key=_worth))


def _gain(
    chances: Sequence[Chance], kinds: Kinds, rows: npt.NDArray[np.intp], due: int, seed: int
) -> Gain:
    """The gain where the failing cases, the findings on ``rows``, have the chances of their kinds."""
    bounds = np.array([[c.low, c.value, c.high] for c in chances], np.float64).reshape(-1, 3).T
    low, value, high = (_mean(column[kinds.codes[rows]], due, seed) for column in bounds)
    mended = rows[(bounds[2] > 0)[kinds.codes[rows]]]
    return Gain(
        Interval(value.value, min(low.low, value.low), max(high.high, value.high), due),
        chosen(kinds.case_ids, mended),
    )


def _mean(column: npt.NDArray[np.float64], due: int, seed: int) -> Interval:
    """The mean over all graded cases, those that pass or stay broken counted as 0."""
    values = np.zeros(due)
    values[: len(column)] = column
    return mean_interval(values, seed=seed, resamples=2_000) or Interval(
        float(values.mean()) if due else 0.0, 0.0, 1.0, due
    )
