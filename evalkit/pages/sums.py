"""What the report needs of a system's findings, gathered in one pass; parts of a run add up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from evalkit.confidence import MARKS

ORACLE = "oracle_context"  # the probe that puts exactly the gold passages into the prompt
ATTEMPTS = ("schema_enforced", "style_prompted", "criteria_prompted", "few_shot")  # remedies
TOLD = {"cut_off"}  # facts that a remedy depends on
SHOWN = 2  # facts of an example
DOUBTFUL = 0.5  # confidence below which a finding is more likely wrong than right
STATUSES = ("proven", "suspected", "undetermined", "unexplained")
ASIDE = ("so: ", "besides: ")  # how a conclusion, and what is wrong besides, begin

Example = tuple[tuple[bool, float, int], str, tuple[str, ...]]  # how telling, case, its facts


@dataclass(frozen=True, slots=True)
class FindingSums:
    """Of failing cases: how sure, what the gold passages alone changed, what would settle more, a plain case a cause.

    ``warned`` counts the cases that pass with a warning. ``missing`` counts probes by (status, probe), ``tried`` how
    remedies ended by (cause, remedy, reading), ``facts`` the cases by (cause, name of a fact), ``in_doubt`` by status
    those whose answers may be right.
    """

    statuses: Counter[str] = field(default_factory=Counter)
    warned: int = 0
    probed: int = 0
    oracle: Counter[str] = field(default_factory=Counter)
    missing: Counter[tuple[str, str]] = field(default_factory=Counter)
    confidence: float = 0.0
    stated: int = 0
    doubtful: int = 0
    examples: Mapping[str, Example] = field(default_factory=dict)
    tried: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    facts: Counter[tuple[str, str]] = field(default_factory=Counter)
    in_doubt: Counter[str] = field(default_factory=Counter)

    def __add__(self, other: FindingSums) -> FindingSums:
        examples = dict(self.examples)
        for cause, one in other.examples.items():
            examples[cause] = plainer(examples.get(cause, one), one)
        return FindingSums(
            self.statuses + other.statuses,
            self.warned + other.warned,
            self.probed + other.probed,
            self.oracle + other.oracle,
            self.missing + other.missing,
            self.confidence + other.confidence,
            self.stated + other.stated,
            self.doubtful + other.doubtful,
            examples,
            self.tried + other.tried,
            self.facts + other.facts,
            self.in_doubt + other.in_doubt,
        )


def finding_sums(findings: Iterable[Mapping[str, Any]]) -> FindingSums:
    """The sums of findings as they stand in diagnosis.json."""
    statuses, oracle, in_doubt = Counter[str](), Counter[str](), Counter[str]()
    missing, examples = Counter[tuple[str, str]](), dict[str, Example]()
    tried, facts = Counter[tuple[str, str, str]](), Counter[tuple[str, str]]()
    warned = probed = stated = doubtful = 0
    confidence = 0.0
    for found in findings:
        if found["outcome"] != "fail":
            warned += found["outcome"] == "warn"
            continue
        status, sure = str(found["status"]), found["confidence"]
        statuses[status] += 1
        if any(e.get("fact") in MARKS for e in found["evidence"]):
            in_doubt[status] += 1
        probed += bool(found["probes"])
        oracle[str(found["probes"].get(ORACLE))] += 1
        missing.update((status, probe) for probe in found["missing"])
        if sure is not None:
            confidence, stated, doubtful = (
                confidence + sure,
                stated + 1,
                doubtful + (sure < DOUBTFUL),
            )
        if (cause := found["cause"]) is not None:
            tried.update((cause, p, str(r)) for p, r in found["probes"].items() if p in ATTEMPTS)
            facts.update(
                (cause, name) for name in {e.get("fact") for e in found["evidence"]} & TOLD
            )
            one = _example(found)
            examples[found["cause"]] = plainer(examples.get(found["cause"], one), one)
    confident = (confidence, stated, doubtful)
    return FindingSums(
        statuses, warned, probed, oracle, missing, *confident, examples, tried, facts, in_doubt
    )


def plainer(one: Example, other: Example) -> Example:
    """The more telling of two examples; of equals the one whose case comes first by its id."""
    return min((one, other), key=lambda e: ([-part for part in e[0]], e[1]))


def _example(found: Mapping[str, Any]) -> Example:
    """A finding as an example: proven before suspected, surer first, then the one with fewest further facts."""
    texts = [e["text"] for e in found["evidence"]]
    facts = [t for t in texts if not t.startswith(ASIDE)] or texts[:1]
    plainness = 10 * min(len(facts), SHOWN) - len(facts)
    rank = (found["status"] == "proven", found["confidence"] or 0.0, plainness)
    return rank, found["case_id"], tuple(facts[:SHOWN])
