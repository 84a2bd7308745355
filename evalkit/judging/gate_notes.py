"""What the gate may rest on: judged metrics count only where the judge was shown to agree with people."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evalkit.errors import InvalidInput
from evalkit.outcome import correct_rules
from evalkit.records import Approach, Suite
from evalkit.strict import read_json

if TYPE_CHECKING:
    from evalkit.judging.check import CheckResult

FILE = "judge-check.json"
AT_LEAST = 0.6  # kappa; "substantial" in Landis and Koch (1977)
LEAST_LABELS = 30
MOST_UNTOLD = 0.1  # share of answers about which a judge may say nothing

# The judged quantity behind a metric. `correct` and `passed` follow from the suite's labels.
BEHIND = {
    "equivalence": "correct",
    "key_points": "covered",
    "groundedness": "grounded",
    "refused": "refused",
    "behaviour": "refused",
    "cites": "refused",
    "citation_precision": "grounded",
}
OF_RAGAS = "ragas_"  # how the metrics begin that a judge brings; each is a quantity of its own


@dataclass(frozen=True, slots=True)
class Permission:
    """Whether a judge may gate on one quantity, and why (not)."""

    allowed: bool
    reason: str


def may_gate(
    result: CheckResult | Mapping[str, Any],
    at_least: float = AT_LEAST,
    *,
    quantity: str = "correct",
) -> Permission:
    """Whether the judge's kappa with people on ``quantity`` reaches ``at_least``, on enough labels.

    ``result`` is a check or the content of its file. People's own agreement does not lower the bar: what they
    cannot agree on is no ground for a gate.
    """
    held = result if isinstance(result, Mapping) else result.to_json()
    found = held["quantities"].get(quantity)
    if found is None:
        never = f"{quantity}: it was never checked on that against people"
        return Permission(allowed=False, reason=never)
    if found["n"] < LEAST_LABELS:
        n = found["n"]
        few = f"{quantity}: {n} label{'s' * (n != 1)} to hold it against, at least {LEAST_LABELS} are needed"
        return Permission(allowed=False, reason=few)
    untold = found["cannot_tell"]
    if untold is not None and untold["value"] > MOST_UNTOLD:
        blind = f"{quantity}: it cannot tell in {untold['value']:.0%} of the {untold['n']} labelled answers"
        return Permission(allowed=False, reason=blind)
    return _by_kappa(found, at_least, quantity)


def _by_kappa(found: Mapping[str, Any], at_least: float, quantity: str) -> Permission:
    kappa = found["kappa"]
    if kappa is None:
        one = f"{quantity}: kappa is undefined, for people and judge gave one verdict only on all {found['n']}"
        return Permission(allowed=False, reason=one)
    bounds = f"({kappa['low']:.2f} to {kappa['high']:.2f}, n = {found['n']})"
    figures = f"kappa {kappa['value']:.2f} {bounds}"
    if kappa["value"] >= at_least:
        return Permission(allowed=True, reason=f"{quantity}: {figures}")
    people = (found["ceiling"] or {}).get("kappa")
    beside = "" if people is None else f"; people among themselves {people:.2f}"
    low = f"{quantity}: {figures} is below {at_least:g}{beside}"
    return Permission(allowed=False, reason=low)


def read_check(path: Path) -> Mapping[str, Any]:
    """The content of a judge-check.json; ``InvalidInput`` where it is none."""
    found = read_json(path)
    shaped = isinstance(found, dict) and found.get("format") == 1
    if not shaped or not isinstance(found.get("quantities"), dict) or "judge" not in found:
        raise InvalidInput("is no file of `evalkit judge-check`", file=path)
    return dict(found)


def judge_notes(
    suite: Suite,
    metrics: Collection[str],
    checked: Mapping[str, Any],
    fingerprint: str,
    at_least: float = AT_LEAST,
    approach: Approach = Approach.RAG,
) -> list[str]:
    """Why a gate on ``metrics`` should be refused, one sentence a quantity; empty where it may go on.

    ``fingerprint`` is that of the judge that graded the run.
    """
    behind = sorted({q for metric in metrics for q in quantities_behind(metric, suite, approach)})
    if not behind:
        return []
    known = checked["judge"]["fingerprint"]
    if known != fingerprint:
        return [f"{FILE} is about the judge {known!r}, and the run was graded by {fingerprint!r}"]
    given = (may_gate(checked, at_least, quantity=quantity) for quantity in behind)
    return [f"the judge may not gate on {p.reason}" for p in given if not p.allowed]


def quantities_behind(metric: str, suite: Suite, approach: Approach) -> frozenset[str]:
    """The judged quantities that a metric's value rests on in this suite; empty for a metric without a judge."""
    if metric.startswith(OF_RAGAS):
        return frozenset({metric})
    if metric not in ("correct", "passed"):
        return frozenset({BEHIND[metric]} if metric in BEHIND else ())
    rules = {name for case in suite.cases for name, _ in correct_rules(suite, case, approach)}
    return frozenset(BEHIND[name] for name in rules if name in BEHIND)
