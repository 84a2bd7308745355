"""Every generator on every retriever's context, and how far each component explains the difference of two systems."""

from __future__ import annotations

import hashlib
import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from evalkit.ask import file_under, guarded
from evalkit.compare import groups_of
from evalkit.comparison.shape import Comparison, Split
from evalkit.condition import Ask, How
from evalkit.diagnosis import SystemDiagnosis
from evalkit.errors import BudgetExceeded
from evalkit.grade import grade
from evalkit.judge import judge_traces
from evalkit.pool import each
from evalkit.reask import perform
from evalkit.records import (
    AS_IS,
    Approach,
    Capability,
    Case,
    Passage,
    Question,
    Suite,
    System,
    Trace,
)
from evalkit.stats.paired import Floats, difference
from evalkit.store import Key, Store
from evalkit.tools import Tools
from evalkit.watch import Watcher

CROSS = "cross"  # the condition is cross:<the system whose context it is>
FOLDER = "cross"  # inside the run folder: a store of its own, which no diagnosis reads
NEEDED = frozenset({Capability.GENERATE})
METRICS = ("passed", "correct")
DIGEST = "context_digest"
WITHOUT = (Approach.PROMPT, Approach.FINETUNED)  # they retrieve nothing

# metric -> case -> mean over the repeats; of ``passed``, whether all of them do
Means = Mapping[str, Mapping[str, float]]
Cell = tuple[str, str]  # the system that retrieved, the system that generated


@dataclass(frozen=True, slots=True)
class Job:
    """One question to one generator, from another system's context."""

    name: str  # under which the system takes part
    system: System
    case: Case
    condition: str
    repeat: int
    context: tuple[Passage, ...]

    @property
    def key(self) -> Key:
        """Under which the answer is stored."""
        return self.name, self.case.id, self.condition, self.repeat

    @property
    def digest(self) -> str:
        """Names the context, so that an answer from another one is not taken for this one's."""
        shown = [(p.doc_id, p.chunk_id, p.text) for p in self.context]
        return hashlib.sha256(repr(shown).encode("utf-8", "replace")).hexdigest()[:16]


def context_of(trace: Trace, k: int) -> tuple[Passage, ...] | None:
    """What the retriever brought to the prompt: the context, else the first k retrieved; None if neither shows.

    Passages without a text cannot be handed over.
    """
    shown = trace.context if trace.context is not None else trace.retrieved
    if trace.error is not None or shown is None:
        return None
    passages = shown if trace.context is not None else shown[:k]
    return passages if all(p.text for p in passages) else None


def key_of(trace: Trace) -> Key:
    """Under which a trace is stored."""
    return trace.system, trace.case_id, trace.condition, trace.repeat


def plan_cross(
    suite: Suite, systems: Mapping[str, SystemDiagnosis], made: Mapping[str, System]
) -> list[Job]:
    """Every live generator of ``made`` on the ``as_is`` contexts of every other system."""
    cases = {case.id: case for case in suite.cases}
    retrieving = [name for name, found in systems.items() if found.graded.approach not in WITHOUT]
    able = {n: s for n, s in made.items() if n in retrieving and s.capabilities >= NEEDED}
    return [
        Job(name, system, cases[trace.case_id], f"{CROSS}:{other}", trace.repeat, context)
        for name, system in able.items()
        for other in retrieving
        if other != name
        for trace in systems[other].graded.traces
        if trace.condition == AS_IS
        if (context := context_of(trace, suite.k)) is not None
    ]


async def ask_cross(
    suite: Suite,
    jobs: Sequence[Job],
    store: Store,
    *,
    concurrency: int = 8,
    seed: int = 0,
    watch: Watcher | None = None,
    max_calls: int | None = None,
) -> None:
    """Ask what the store does not hold yet; every answer is on disk before its worker goes on.

    No more than ``max_calls`` calls are made; ``BudgetExceeded`` where that is not enough.
    """
    names = dict.fromkeys(job.name for job in jobs)
    done = {(key_of(t), t.meta.get(DIGEST)) for name in names for t in store.traces(name)}
    new = [job for job in jobs if (job.key, job.digest) not in done]
    watcher = watch or Watcher()
    watcher.say(
        f"{len(new)} calls of generators on other contexts; {len(jobs) - len(new)} are answered"
    )
    allowed = new if max_calls is None else new[:max_calls]
    watcher.start("asking generators on other contexts", len(allowed))

    async def ask_one(job: Job) -> None:
        case = job.case
        question = Question(
            query=case.query,
            messages=case.messages,
            inputs=case.inputs,
            principal=case.principal,
            repeat=job.repeat,
            k=suite.k,
            seed=seed,
        )
        ask = Ask(job.condition, How.GENERATE, question, job.context)
        outcome = await guarded(perform(job.system, ask))
        outcome = replace(outcome, meta={**outcome.meta, DIGEST: job.digest})
        trace = file_under(outcome, job.key)
        await store.put(trace)
        watcher.step(trace)

    await each(allowed, ask_one, concurrency)
    watcher.done()
    if len(allowed) < len(new):
        raise BudgetExceeded(
            f"stopped at the limit of {max_calls} calls: {len(new) - len(allowed)} of {len(jobs)} questions on other "
            "contexts are left; the same command again goes on from here"
        )


# --- grading -----------------------------------------------------------------------------------


async def grade_cross(
    suite: Suite,
    systems: Mapping[str, SystemDiagnosis],
    answers: Mapping[str, Sequence[Trace]],
    tools: Tools,
    metrics: Sequence[str] = METRICS,
) -> dict[Cell, Means]:
    """The means of every combination by case: the systems as they are, and ``answers`` (by generator).

    A recorded system's own ``cross:<name>`` traces count, too.
    """
    cases = {case.id: case for case in suite.cases}
    found: dict[Cell, Means] = {}
    for name, diagnosis in systems.items():
        own = [t for t in diagnosis.graded.traces if _retriever(t) not in (None, name)]
        traces = [t for t in (*own, *answers.get(name, ())) if t.case_id in cases]
        found[name, name] = _means(diagnosis.graded.traces, _columns(diagnosis), metrics, AS_IS)
        if not traces:
            continue
        evidence = await judge_traces(cases, traces, tools.judge)
        approach = diagnosis.graded.approach
        graded = grade(suite, name, approach, traces, evidence, tools.metrics)
        values = {n: column.values for n, column in graded.scores.columns.items()}
        for other in systems:
            means = _means(traces, values, metrics, f"{CROSS}:{other}")
            if other != name and any(means.values()):
                found[other, name] = means
    return found


def _retriever(trace: Trace) -> str | None:
    kind, _, name = trace.condition.partition(":")
    return name if kind == CROSS else None


def _columns(diagnosis: SystemDiagnosis) -> dict[str, Floats]:
    return {n: column.values for n, column in diagnosis.graded.scores.columns.items()}


def _means(
    traces: Sequence[Trace],
    columns: Mapping[str, Floats],
    metrics: Sequence[str],
    condition: str,
) -> Means:
    found: dict[str, dict[str, float]] = {}
    for name in metrics:
        values: dict[str, list[float]] = defaultdict(list)
        for i, trace in enumerate(traces):
            if trace.condition == condition and name in columns:
                values[trace.case_id].append(float(columns[name][i]))
        fold = _verdict if name == "passed" else _mean
        folded = {case: fold(v) for case, v in values.items()}
        found[name] = {case: value for case, value in folded.items() if value is not None}
    return found


def _mean(repeats: Sequence[float]) -> float | None:
    """The mean of the repeats that have a value; None where none has."""
    known = [value for value in repeats if not math.isnan(value)]
    return math.fsum(known) / len(known) if known else None


def _verdict(repeats: Sequence[float]) -> float | None:
    """Whether every repeat passes, by the rule of ``case_outcomes``; None where that could not be graded."""
    if 0.0 in repeats:
        return 0.0
    return None if any(math.isnan(value) for value in repeats) else 1.0


# --- the split -----------------------------------------------------------------------------------


def split(metric: str, a: str, b: str, cells: Mapping[Cell, Means], cases: Sequence[Case]) -> Split:
    """How the difference b - a of one metric comes apart; over the cases of which all four combinations are known.

    With Y(r, g) for retriever r and generator g, the retriever's part is the mean of Y(b, a) - Y(a, a) and
    Y(b, b) - Y(a, b), the generator's that of Y(a, b) - Y(a, a) and Y(b, b) - Y(b, a); the interaction is
    Y(b, b) - Y(a, b) - Y(b, a) + Y(a, a). Source: Shapley (1953) for two players.
    """
    wanted = [(a, a), (a, b), (b, a), (b, b)]
    absent = [f"{g} was not asked on the context of {r}" for r, g in wanted if (r, g) not in cells]
    known = [cells.get(cell, {}).get(metric, {}) for cell in wanted]
    shared = [case for case in cases if all(case.id in means for means in known)]
    if absent or not shared:
        reason = "; ".join(absent) or "no case is known in all four combinations"
        return Split(metric, 0, None, None, None, None, {}, reason)
    aa, ab, ba, bb = (np.array([means[case.id] for case in shared]) for means in known)
    clusters = groups_of(shared)
    parts = {
        "whole": bb - aa,
        "retriever": (ba - aa + bb - ab) / 2,
        "generator": (ab - aa + bb - ba) / 2,
        "interaction": bb - ab - ba + aa,
    }
    found = {name: difference(np.zeros(len(part)), part, clusters) for name, part in parts.items()}
    means = (float(column.mean()) for column in (aa, ab, ba, bb))
    named = {f"{r} + {g}": mean for (r, g), mean in zip(wanted, means, strict=True)}
    return Split(
        metric=metric,
        n=len(shared),
        whole=found["whole"],
        retriever=found["retriever"],
        generator=found["generator"],
        interaction=found["interaction"],
        cells=named,
    )


async def crossed(  # noqa: PLR0913 (keyword-only options)
    suite: Suite,
    systems: Mapping[str, SystemDiagnosis],
    made: Mapping[str, System],
    folder: Path,
    tools: Tools,
    *,
    watch: Watcher | None = None,
    seed: int = 0,
    max_calls: int | None = None,
) -> dict[Cell, Means]:
    """Ask, store (below ``folder``, so that nothing is asked twice) and grade every combination there is.

    Without more than ``max_calls`` calls: ``BudgetExceeded`` where they do not suffice, and the answers are kept.
    """
    recipe = {"suite": suite.digest, **{f"system {n}": s.fingerprint for n, s in made.items()}}
    with Store(folder / FOLDER) as store:
        store.agree(recipe)
        jobs = plan_cross(suite, systems, made)
        await ask_cross(suite, jobs, store, seed=seed, watch=watch, max_calls=max_calls)
        wanted = {job.key for job in jobs}
        answers = {name: [t for t in store.traces(name) if key_of(t) in wanted] for name in systems}
    return await grade_cross(suite, systems, answers, tools)


def with_splits(
    comparison: Comparison, cells: Mapping[Cell, Means], cases: Sequence[Case]
) -> Comparison:
    """The comparison, with the parts of every pair's difference."""
    unable = {
        s.system: f"{s.system} retrieves nothing"
        for s in comparison.systems
        if s.approach in WITHOUT
    }
    pairs = []
    for pair in comparison.pairs:
        why = "; ".join(unable[name] for name in (pair.a, pair.b) if name in unable)
        splits = (split(name, pair.a, pair.b, cells, cases) for name in METRICS)
        told = tuple(replace(one, not_split=why) if why else one for one in splits)
        pairs.append(replace(pair, splits=told))
    return replace(comparison, pairs=tuple(pairs))
