"""What the tuning did: overfitting, forgetting, rows learned by heart, and restricted facts given away."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from evalkit.errors import InvalidInput, did_you_mean
from evalkit.finetune.memorised import leaks, long_enough, repetitions, without_context
from evalkit.finetune.rows import TrainingRow
from evalkit.grade import Graded
from evalkit.outcome import CaseOutcome
from evalkit.records import AS_IS, Interval, Suite
from evalkit.stats.intervals import wilson

LEAST = 10  # cases on each side below which no gap can be told
SHOWN = 5
MARGIN = 0.02  # a loss on the general suite up to this is no forgetting worth the name


@dataclass(frozen=True, slots=True)
class Check:
    """One question about the tuned system. ``answer`` is yes, no, unclear or not_measured."""

    name: str
    answer: str
    text: str
    figures: Mapping[str, Any] = field(default_factory=dict)
    examples: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The check as it stands in after.json."""
        return {
            "check": self.name,
            "answer": self.answer,
            "text": self.text,
            "figures": dict(self.figures),
            "examples": list(self.examples),
        }


def chosen(systems: Mapping[str, Any], name: str | None, what: str) -> str:
    """The system meant; without a name the only tuned one, or the only one."""
    if name is None:
        tuned = [n for n, found in systems.items() if found.graded.approach.value == "finetuned"]
        name = tuned[0] if len(tuned) == 1 else next(iter(systems)) if len(systems) == 1 else None
    if name is None:
        listed = ", ".join(systems)
        raise InvalidInput(
            f"which system is the tuned one? the run has {listed}", hint=f"add --{what} NAME"
        )
    if name not in systems:
        raise InvalidInput(
            f"the run has no system called {name!r}", hint=did_you_mean(name, systems)
        )
    return name


# --- overfitting -------------------------------------------------------------------------------


def overfitting(suite: Suite, graded: Graded) -> Check:
    """Whether cases of the train split pass more often than unseen ones, with Newcombe's interval of the gap."""
    splits = {case.id: case.split for case in suite.cases}
    seen, unseen = _counts(graded, splits, train=True), _counts(graded, splits, train=False)
    if min(seen[1], unseen[1]) < LEAST:
        text = (
            f"{seen[1]} answered cases of the run have split train and {unseen[1]} have not; {LEAST} of each are "
            'needed. Copy some dozens of training rows into cases.jsonl with "split": "train", and run again'
        )
        return Check("overfitting", "not_measured", text, {"train": seen[1], "test": unseen[1]})
    gap = share_gap(seen, unseen)
    shares = f"{_percent(seen[0] / seen[1])} of {seen[1]} train cases pass, {_percent(unseen[0] / unseen[1])} of {unseen[1]} unseen ones"
    answer = "yes" if gap.low > 0 else "no" if gap.high <= 0.05 else "unclear"
    text = f"{shares}; the gap is {_points(gap)}"
    if answer == "yes":
        text += ". Fewer epochs, more varied rows"
    return Check("overfitting", answer, text, {"gap": _interval(gap)})


def _counts(graded: Graded, splits: Mapping[str, str | None], *, train: bool) -> tuple[int, int]:
    found = [
        outcome is CaseOutcome.PASSED
        for case_id, outcome in graded.cases.items()
        if (splits.get(case_id) == "train") == train and outcome is not CaseOutcome.UNGRADED
    ]
    return sum(found), len(found)


def share_gap(first: tuple[int, int], second: tuple[int, int]) -> Interval:
    """The difference of two independent shares with Newcombe's hybrid score interval (1998, method 10)."""
    a, b = wilson(*first), wilson(*second)
    if a is None or b is None:
        raise ValueError("a share of no cases")
    gap = a.value - b.value
    low = gap - math.hypot(a.value - a.low, b.high - b.value)
    high = gap + math.hypot(a.high - a.value, b.value - b.low)
    return Interval(gap, low, high, first[1] + second[1])


# --- forgetting --------------------------------------------------------------------------------


def forgetting(before: Graded, after: Graded) -> Check:
    """Whether the tuned system lost ordinary skills: the same general cases before and after, paired."""
    from evalkit.stats.paired import difference, mcnemar

    ids = [c for c in before.cases if _decided(before, c) and _decided(after, c)]
    if len(ids) < LEAST:
        return Check(
            "forgetting", "not_measured", f"both systems answered only {len(ids)} general cases"
        )
    first, second = _passes(before, ids), _passes(after, ids)
    lost = [c for c, a, b in zip(ids, first, second, strict=True) if a > b]
    won = sum(a < b for a, b in zip(first, second, strict=True))
    change = difference(first, second)
    p = mcnemar(won, len(lost))
    if change is None:
        return Check("forgetting", "not_measured", "the difference has no interval")
    answer = "yes" if change.high < 0 else "no" if change.low > -MARGIN else "unclear"
    text = (
        f"{before.system} passes {sum(first):.0f} and {after.system} {sum(second):.0f} of {len(ids)} general cases: "
        f"{_points(change)}, {len(lost)} lost and {won} won (mid-p {max(p, 0.001):.3f}{' or less' if p < 0.001 else ''})"
    )
    if answer == "yes":
        text += (
            ". Mix general examples into the training file, fewer epochs, a smaller learning rate"
        )
    figures = {"difference": _interval(change), "lost": len(lost), "won": won, "p": p}
    return Check("forgetting", answer, text, figures, tuple(lost[:SHOWN]))


def _decided(graded: Graded, case_id: str) -> bool:
    return graded.cases.get(case_id, CaseOutcome.UNGRADED) is not CaseOutcome.UNGRADED


def _passes(graded: Graded, ids: Sequence[str]) -> list[float]:
    return [float(graded.cases[c] is CaseOutcome.PASSED) for c in ids]


def not_compared(general: str) -> Check:
    """What to run where no general cases were recorded."""
    text = (
        "no run of the general suite is given. Run `evalkit run "
        f"{general} --systems FILE --system BEFORE --system AFTER --probes none --out RUN`, then add "
        "--general RUN --before BEFORE --after AFTER"
    )
    return Check("forgetting", "not_measured", text)


# --- memory ------------------------------------------------------------------------------------


def memorising(suite: Suite, graded: Graded, rows: Sequence[TrainingRow]) -> Check:
    """Whether answers to unseen cases repeat training answers word for word."""
    cases = {case.id: case for case in suite.cases}
    asked = [
        t
        for t in graded.traces
        if t.condition == AS_IS and t.repeat == 0 and cases[t.case_id].split != "train"
    ]
    able = [trace for trace in asked if long_enough(trace)]
    if not able:
        return Check("verbatim", "not_measured", "no answer to an unseen case is twelve words long")
    found = repetitions(able, rows, cases)
    share = wilson(len(found), len(able))
    text = f"{len(found)} of {len(able)} answers repeat twelve words in a row of one or two training rows only"
    if found:
        text += ". Fewer epochs, fewer copies; check that nothing private is among the rows"
    examples = tuple(f"{r.case_id}: {r.where}: {r.text}" for r in found[:SHOWN])
    figures = {"share": _interval(share) if share else None}
    return Check("verbatim", "yes" if found else "no", text, figures, examples)


def giving_away(suite: Suite, graded: Graded) -> Check:
    """Whether answers without retrieval state restricted documents: they can only come from the weights."""
    restricted = {d for case in suite.cases for d in case.forbidden or () if d in suite.corpus}
    asked = without_context(graded.traces)
    if not restricted:
        text = "no case of the suite names a forbidden document of the corpus"
        return Check("restricted_facts", "not_measured", text)
    if not asked:
        text = (
            "the run holds no answer without context; run with --probes all, which asks closed_book"
        )
        return Check("restricted_facts", "not_measured", text)
    found = leaks(asked, suite)
    text = f"{len(found)} of {len(asked)} answers without retrieval state one of {len(restricted)} restricted documents"
    if found:
        text += (
            ". Take what these documents say out of the training file: weights know no permissions"
        )
    examples = tuple(f"{leak.case_id}: {leak.doc_id}: {leak.text}" for leak in found[:SHOWN])
    return Check(
        "restricted_facts", "yes" if found else "no", text, {"answers": len(asked)}, examples
    )


def _interval(found: Interval) -> dict[str, Any]:
    return {"value": found.value, "low": found.low, "high": found.high, "n": found.n}


def _points(found: Interval) -> str:
    return f"{100 * found.value:+.1f} points [{100 * found.low:+.1f}, {100 * found.high:+.1f}]"


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"
