"""A run under way: first answers, probes, grading and diagnosis over one store, within one budget."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

from evalkit import __version__
from evalkit.ask import Job, ask_all
from evalkit.budget import Budget
from evalkit.diagnose import diagnose
from evalkit.diagnosis import SystemDiagnosis, summarise_findings
from evalkit.doctor.doubt import doubts_of
from evalkit.doctor.examine import label_complaints
from evalkit.errors import BudgetExceeded
from evalkit.estimate import Estimate, estimate
from evalkit.grade import Graded, grade
from evalkit.judge import judge_traces
from evalkit.outcome import deciding
from evalkit.probe import probe
from evalkit.reask import asker, grader
from evalkit.records import Approach, Evidence, Metric, Suite, System, Trace
from evalkit.store import Key, Store
from evalkit.suite import train_cases
from evalkit.tools import Tools
from evalkit.watch import Watcher

CONTROLS = 10  # passing cases asked as a control


@dataclass(frozen=True, slots=True)
class Probing:
    """Which cases are asked again under other conditions, and within which limits.

    ``auto`` asks the failing cases and a few passing ones as a control, ``all`` every case, ``none`` no case.
    The limits hold for the whole run, first answers included; None is no limit.
    """

    probes: str = "auto"
    max_calls: int | None = None
    max_cost: float | None = None

    def controls(self, cases: int) -> int:
        """How many passing cases are asked as a control."""
        return cases if self.probes == "all" else CONTROLS


class Work:
    """One run under way: its store, its tools, and the evidence gathered so far."""

    def __init__(
        self,
        suite: Suite,
        store: Store,
        tools: Tools,
        watch: Watcher,
        concurrency: int = 8,
        seed: int = 0,
    ) -> None:
        self.suite, self.store, self.tools, self.watch = suite, store, tools, watch
        self.concurrency, self.seed = concurrency, seed
        self.cases = {case.id: case for case in suite.cases}
        self.evidence: dict[Key, Evidence | None] = {}

    async def ask(self, jobs: Sequence[Job], budget: Budget) -> None:
        """The first answers; ``BudgetExceeded`` where a limit ends them."""

        def told(trace: Trace) -> None:
            budget.settle(1, trace.usage.cost)
            self.watch.step(trace)

        self.watch.start("asking", len(jobs))
        affordable = takewhile(lambda _: budget.take(1), jobs)
        await ask_all(
            self.suite,
            affordable,
            self.store,
            concurrency=self.concurrency,
            seed=self.seed,
            on_trace=told,
        )
        self.watch.done()
        if budget.calls < len(jobs):
            raise BudgetExceeded(
                f"stopped at the limit of {budget.refused}: {budget.calls} of {len(jobs)} questions are answered; "
                "raise it and run again with the same --out"
            )

    async def graded(
        self, name: str, approach: Approach, metrics: Sequence[Metric]
    ) -> Graded | None:
        """The traces of one system, judged (each once) and graded; None where there are none."""
        traces = list(self.store.traces(name))
        if not traces:
            return None
        keys = [(t.system, t.case_id, t.condition, t.repeat) for t in traces]
        new = [i for i, key in enumerate(keys) if key not in self.evidence]
        self.watch.start(f"grading {name}", len(new))
        found = await judge_traces(
            self.cases,
            [traces[i] for i in new],
            self.tools.judge,
            on_evidence=lambda _: self.watch.step(),
        )
        self.watch.done()
        self.evidence.update(zip((keys[i] for i in new), found, strict=True))
        evidence = [self.evidence[key] for key in keys]
        return grade(self.suite, name, approach, traces, evidence, metrics)

    async def probe(self, one: System, probing: Probing, budget: Budget) -> None:
        """Ask failing cases again, the most telling condition first; the estimate comes before the first call."""
        wanted = deciding(self.suite)
        metrics = [metric for metric in self.tools.metrics if metric.name in wanted]
        graded = await self.graded(one.name, one.approach, metrics)
        if graded is None or not one.capabilities:
            return
        settings: dict[str, Any] = {
            "causes": self.tools.causes,
            "conditions": self.tools.conditions,
            "control": probing.controls(len(self.suite.cases)),
            "examples": train_cases(self.suite),
            "seed": self.seed,
        }
        expected = estimate(self.suite, one, graded, **settings)
        if expected.calls == 0:
            return
        self.watch.say(_told(one.name, expected))
        self.watch.start(f"probing {one.name}", expected.calls)
        done = await probe(
            self.suite,
            one,
            graded,
            ask_one=asker(one, self.store),
            grade_one=grader(self.suite, one, self.tools.judge, metrics),
            budget=budget,
            concurrency=self.concurrency,
            on_step=self.watch.step,
            **settings,
        )
        self.watch.done()
        if done.stopped:
            self.watch.say(f"{one.name}: probing stopped at the limit of {done.stopped}")

    async def diagnosed(self) -> dict[str, SystemDiagnosis]:
        """Every system that the store holds, graded and diagnosed, in the order of the recipe."""
        graded = {}
        for name, approach in approaches_of(self.store.recipe()).items():
            one = await self.graded(name, approach, self.tools.metrics)
            if one is not None:
                graded[name] = one
        return diagnosed_systems(self.suite, graded, self.tools)


def _told(name: str, expected: Estimate) -> str:
    varies = expected.if_it_varies > expected.calls
    more = f" (about {expected.if_it_varies} if its answers vary)" if varies else ""
    cost = "unknown" if expected.cost is None else f"about {expected.cost:.2f}"
    return (
        f"{name}: {expected.cases} failing and {expected.controls} passing cases are asked again: "
        f"about {expected.calls} calls{more}, cost {cost}"
    )


def diagnosed_systems(
    suite: Suite, graded: Mapping[str, Graded], tools: Tools
) -> dict[str, SystemDiagnosis]:
    """The findings of every system, added up; labels that all of them together put in doubt are kept out of the blame."""
    doubts = doubts_of(label_complaints(suite, graded))
    found = {}
    for name, one in graded.items():
        findings = diagnose(suite, one, tools.causes, doubts)
        found[name] = summarise_findings(suite, one, findings, tools.playbook)
    return found


def means_of(found: Mapping[str, SystemDiagnosis], tools: Tools) -> dict[str, Any]:
    """What scores depend on beside the answers; tables that differ in it must not be compared."""
    repeats = [len(indices) for one in found.values() for indices in one.graded.repeats().values()]
    return {
        "evalkit": __version__,
        "judge": tools.judge.fingerprint,
        "repeats": max(repeats, default=0),
    }


def approaches_of(recipe: Mapping[str, Any]) -> dict[str, Approach]:
    """The systems of a run by name, from its recipe."""
    return {
        name.removeprefix("system "): Approach(value.partition(" ")[0])
        for name, value in recipe.items()
        if name.startswith("system ")
    }
