"""Does `evalkit decide` name the approach that is truly best? Worlds with a known best fix, seen through a fallible diagnosis.

Run: python benchmarks/decide_worlds.py [--sims 200] [--kind NAME]     (offline; about a minute)
Every case passes or has a true cause, and for every approach it is fixed beforehand whether it would mend that case. Probes
show what they would show; causes are named with the diagnoser's measured confusion. "First" is the share of worlds in
which the approach that gains most (less its upkeep) is ranked first; "covered" the share in which the interval of its
gain holds the gain really obtained.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from worlds import World, _graded, _rates, _rung, _suite

from evalkit import plugins
from evalkit.confidence import RUNGS, Features, confidence_of
from evalkit.confusion import Confusion, known_confusion
from evalkit.decide import Decision, decide
from evalkit.decision.mending import ATTEMPT
from evalkit.diagnosis import SystemDiagnosis, summarise_findings
from evalkit.grade import Graded
from evalkit.records import Approach, Case, Certainty, Finding, Side, Suite, Trace
from evalkit.stats.intervals import wilson

SIDES = {cause.id: cause.side for cause in plugins.members("causes")}
UPKEEP = {"prompt": 1, "rag": 2, "finetuned": 3, "hybrid": 5, "stronger_model": 3}
RETRIEVAL = ("retrieval_miss", "ranking_low", "context_truncated", "chunk_boundary")
FORM = ("format_violation", "style_violation", "missing_criteria")
READING = ("misinterpretation", "noise_distraction", "parametric_override")
SUITE = ("label_issue", "query_underspecified")
REST = ("over_refusal", "infra_error", "retrieval_miss", "misinterpretation", "format_violation")


@dataclass(frozen=True)
class Kind:
    """Worlds of one sort: what most failures suffer from, and how often each fix works on these."""

    name: str
    best: str
    causes: tuple[str, ...]
    works: Mapping[str, tuple[float, float]]
    passing: tuple[float, float] = (0.4, 0.8)
    baselines: bool = False
    profile: Mapping[str, Any] | None = None


KINDS = (
    Kind("retrieval", "rag", RETRIEVAL, {}),
    Kind("a prompt works", "prompt", (*FORM, "over_refusal"), {"prompt": (0.85, 1.0)}),
    Kind(
        "only tuning works",
        "finetuned",
        (*FORM, "misinterpretation"),
        {"prompt": (0.0, 0.1), "finetuned": (0.6, 1.0), "stronger_model": (0.0, 0.2)},
        baselines=True,
        profile={"narrow_task": True, "labelled_examples": 1200, "knowledge_changes": "yearly"},
    ),
    Kind(
        "a stronger reader works",
        "stronger_model",
        READING,
        {"prompt": (0.0, 0.1), "finetuned": (0.0, 0.2), "stronger_model": (0.6, 1.0)},
        profile={"narrow_task": False, "labelled_examples": 100},
    ),
    Kind("the suite is wrong", "mend_suite", SUITE, {}),
    Kind("nothing is wrong", "no_change", REST, {}, passing=(0.97, 1.0)),
    Kind("both sides", "hybrid", (*RETRIEVAL, *FORM), {"prompt": (0.85, 1.0)}),
)


@dataclass(frozen=True)
class Made:
    """A world: the systems as diagnosed, and what every approach would truly add to the pass rate of the base."""

    suite: Suite
    systems: Mapping[str, SystemDiagnosis]
    gains: Mapping[str, float]


def make(kind: Kind, seed: int) -> Made:
    """One world of a kind."""
    random = np.random.default_rng(seed)
    n = int(random.integers(100, 600))
    failing = random.random(n) > random.uniform(*kind.passing)
    lead = random.uniform(0.75, 0.95)  # share of the failures that are of the kind
    works = {a: random.uniform(*span) for a, span in kind.works.items()}
    mended: dict[str, list[int]] = {
        a: [] for a in ("rag", "prompt", "finetuned", "hybrid", "stronger_model", "mend_suite")
    }
    known = known_confusion(probed=True)
    assert known is not None
    causes = tuple(dict.fromkeys((*kind.causes, *REST)))
    rates = _rates(known, causes, World("w", n, 0.5, dict.fromkeys(causes, 1.0)), random)
    findings = []
    for i in np.flatnonzero(failing):
        true = str(random.choice(kind.causes if random.random() < lead else REST))
        fixed = _fixed(true, works, random)
        for approach, does in fixed.items():
            mended[approach].append(int(does))
        findings.append(_finding(f"c{i}", true, fixed, known, rates, random))
    suite = _suite([Case(f"c{i}", "") for i in range(n)])
    systems = {"rag": _diagnosed(suite, failing, findings, Approach.RAG)}
    if kind.baselines:  # without documents the same cases fail, and a few more
        worse = failing | (random.random(n) < 0.05)
        extra = [_gap(f"c{i}") for i in np.flatnonzero(worse & ~failing)]
        systems = {
            "prompt": _diagnosed(suite, worse, [*findings, *extra], Approach.PROMPT),
            **systems,
        }
    return Made(suite, systems, {a: sum(does) / n for a, does in mended.items()})


def _fixed(true: str, works: Mapping[str, float], random: np.random.Generator) -> dict[str, bool]:
    """Which approaches would truly mend a case of this cause."""
    side = SIDES[true]
    reader = side in (Side.GENERATION, Side.CONTRACT)
    prompt = reader and random.random() < works.get("prompt", 0.5)
    tuned = reader and random.random() < works.get("finetuned", 0.5)
    stronger = side is Side.GENERATION and random.random() < works.get("stronger_model", 0.3)
    rag = side is Side.RETRIEVAL
    return {
        "rag": rag,
        "prompt": prompt,
        "finetuned": tuned,
        "hybrid": rag or prompt,
        "stronger_model": stronger,
        "mend_suite": side is Side.SUITE,
    }


def _finding(
    case_id: str,
    true: str,
    fixed: Mapping[str, bool],
    known: Confusion,
    rates: Mapping[str, np.ndarray[Any, Any]],
    random: np.random.Generator,
) -> Finding:
    """What the diagnoser says of one failing case; its probes show what they would truly show."""
    named = known.causes[random.choice(len(known.causes), p=rates[true])]
    if named not in SIDES:
        return Finding(case_id, 0, "fail", Certainty.UNDETERMINED)
    rung = _rung(named, named == true, random)
    side = SIDES[named]
    features = Features(named, side, rung == "proven", RUNGS.index(rung) or 1)
    status = Certainty.PROVEN if features.proven else Certainty.SUSPECTED
    probes = {"oracle_context": "pass" if SIDES[true] is Side.RETRIEVAL else "fail"}
    if SIDES[true] in (Side.GENERATION, Side.CONTRACT):
        probes[ATTEMPT.get(named, "few_shot")] = "pass" if fixed["prompt"] else "fail"
    sure = confidence_of(features)
    return Finding(case_id, 0, "fail", status, named, side, None, sure, (), (named,), probes=probes)


def _gap(case_id: str) -> Finding:
    probes = {"oracle_context": "pass"}
    cause, side = "corpus_gap", Side.RETRIEVAL
    return Finding(
        case_id, 0, "fail", Certainty.PROVEN, cause, side, None, 0.95, (), (cause,), probes=probes
    )


def _diagnosed(
    suite: Suite, failing: np.ndarray[Any, Any], findings: list[Finding], approach: Approach
) -> SystemDiagnosis:
    traces = [Trace(system="s", case_id=c.id, repeat=0, response="x") for c in suite.cases]
    made = _graded(traces, (~failing).astype(float))
    graded = Graded(
        approach.value, approach, made.traces, made.evidence, made.scores, made.outcomes, made.cases
    )
    return summarise_findings(suite, graded, findings, ())


def truly_best(made: Made) -> str:
    """The approach that gains most, less its upkeep in points; no change where nothing is worth it."""
    worth = {a: 100 * gain - UPKEEP.get(a, 0) for a, gain in made.gains.items()}
    best = max(worth, key=lambda a: worth[a])
    return best if worth[best] > 0 else "no_change"


def judged(kind: Kind, seed: int) -> tuple[str, Decision, float]:
    """The truly best approach of a world, what was decided, and the gain that approach would truly bring."""
    made = make(kind, seed)
    best = truly_best(made)
    found = decide(made.suite, made.systems, SIDES, profile=kind.profile or {})
    return best, found, made.gains.get(best, 0.0)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--sims", type=int, default=200)
    parser.add_argument("--kind")
    options = parser.parse_args()
    started = time.perf_counter()
    print("| worlds | best first | gain covered | taken for |\n| --- | --- | --- | --- |")
    totals = np.zeros(3, int)
    for number, kind in enumerate(k for k in KINDS if options.kind in (None, k.name)):
        first = covered = 0
        wrong: dict[str, int] = {}
        for sim in range(options.sims):
            best, found, gain = judged(kind, 10_000 * (number + 1) + sim)
            right = found.approach == best
            first += right
            if not right:
                pair = f"{best} as {found.approach}"
                wrong[pair] = wrong.get(pair, 0) + 1
            interval = next(o.gain.interval for o in found.options if o.approach == best)
            covered += interval.low - 1e-9 <= gain <= interval.high + 1e-9
        totals += (first, covered, options.sims)
        told = ", ".join(f"{p} {n}" for p, n in sorted(wrong.items(), key=lambda w: -w[1])[:3])
        print(
            f"| {kind.name} | {share(first, options.sims)} | {share(covered, options.sims)} | {told} |"
        )
    print(f"| **all** | {share(totals[0], totals[2])} | {share(totals[1], totals[2])} | |")
    print(f"\n{time.perf_counter() - started:.0f} s")


def share(k: int, n: int) -> str:
    """A share with its interval."""
    found = wilson(int(k), int(n))
    assert found is not None
    return f"{found.value:.1%} ({found.low:.0%}-{found.high:.0%}, n = {n})"


if __name__ == "__main__":
    main()
