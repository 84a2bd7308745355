"""A run under way: first answers, probes, grading and diagnosis over one store, within one budget."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import TYPE_CHECKING, Any

from evalkit import __version__
from evalkit.ask import Calls, Job, answered_of, ask_all, asked_of, file_under, in_order
from evalkit.budget import Budget, Pilot, money, told_limit
from evalkit.cache import Cache
from evalkit.case_file import cases_by_id, long_file
from evalkit.diagnose import diagnose
from evalkit.diagnosis import SystemDiagnosis, summarise_findings
from evalkit.doctor.doubt import doubts_of
from evalkit.doctor.examine import label_complaints
from evalkit.errors import BudgetExceeded
from evalkit.estimate import Estimate, estimate
from evalkit.grade import Graded, grade
from evalkit.judge import judge_traces
from evalkit.judges.spending import Spending
from evalkit.judging.judged import Judged
from evalkit.judging.under_way import Judging, told_end
from evalkit.ledger.memory import forget_texts
from evalkit.outcome import CaseOutcome, deciding
from evalkit.pool import calm
from evalkit.probe import probe
from evalkit.reask import asker, grader
from evalkit.records import Approach, Evidence, Metric, Suite, System, Trace
from evalkit.resume import accounted
from evalkit.score import Scoring
from evalkit.store import Key, Store
from evalkit.suite import train_cases
from evalkit.tools import Tools
from evalkit.traces import trace_from_json, trace_to_json
from evalkit.verdicts import Verdicts, key_of
from evalkit.watch import Watcher
from evalkit.workers.judging import judged_meanwhile

if TYPE_CHECKING:
    from evalkit.ledger.fold import How
    from evalkit.ledger.large import Large

EMBEDDED = "embedded"  # the judge that grades by rules
CONTROLS = 10  # passing cases asked as a control
MANY = 2000  # answers from which on what was remembered of texts while judging is let go of before diagnosing


@dataclass(frozen=True, slots=True)
class Probing:
    """Which cases are asked again under other conditions, and within which limits.

    ``auto`` asks the failing cases and a few passing ones as a control, ``all`` every case, ``none`` no case.
    The limits hold for the whole run, first answers included; None is no limit.
    """

    probes: str = "auto"
    max_calls: int | None = None
    max_cost: float | None = None
    max_time: float | None = None

    def budget(self) -> Budget:
        """A budget with these limits, its time running from now."""
        return Budget(self.max_calls, self.max_cost, self.max_time)

    def controls(self, cases: int) -> int:
        """How many passing cases are asked as a control."""
        return cases if self.probes == "all" else CONTROLS


class Work:
    """One run under way: its store, its tools, and the evidence gathered so far.

    ``only`` are the ids of the cases that are graded, None is all of them; answers come from ``cache`` where it has them.
    """

    def __init__(
        self,
        suite: Suite,
        store: Store,
        tools: Tools,
        watch: Watcher,
        concurrency: int = 8,
        seed: int = 0,
    ) -> None:
        self.cache: Cache | None = None
        self.cut = False  # whether a limit kept a failing case from being asked again
        self.only: Collection[str] | None = None
        self.suite, self.store, self.tools, self.watch = suite, store, tools, watch
        self.concurrency, self.seed = concurrency, seed
        self.cases = cases_by_id(suite.cases)
        self.large: Large | None = None  # what was graded in parts, where the suite is a long file
        self.how: How | None = None  # how it is cut into parts
        self.evidence: dict[Key, Evidence | None] = {}
        self.scoring: dict[str, Scoring] = {}  # by system
        self.judging = Judging(tools.judge, suite, self.evidence)
        self.verdicts = Verdicts(tools.judge, store, self.cases)

    async def ask(self, jobs: Sequence[Job], budget: Budget) -> None:
        """The first answers; ``BudgetExceeded`` where a limit ends them."""
        self.watch.start("asking", len(jobs))
        left = self._recall(jobs, budget)
        if left:
            self.store.plan(len(left))
        answered = len(jobs) - len(left)
        last: Trace | None = None
        pilot = Pilot(len(left), self.concurrency, self.watch.say)

        def told(trace: Trace) -> None:
            nonlocal answered, last
            answered, last = answered + 1, trace
            budget.settle(1, trace.usage.cost, trace.seconds.total)
            self.judging.answered(trace)
            self.watch.step(trace)
            pilot.note(trace)
            judged(self.cases[trace.case_id], trace)

        # Where money is limited and no price is known yet, one answer comes first, to learn it.
        first = left[:1] if budget.blind else []
        said = None if self._too_large() else self._scorer()
        async with judged_meanwhile(self.tools.judge, self.store, len(left), said) as judged:
            for some, at_a_time in ((first, 1), (left[len(first) :], self.concurrency)):
                asking = ask_all(
                    self.suite,
                    takewhile(lambda job: self.judging.affords(job, budget), some),
                    Calls(self.store, self.cache, budget, at_a_time),
                    seed=self.seed,
                    on_trace=told,
                )
                await in_order(asking, budget)
            self.watch.done()
        if answered < len(jobs):
            standing = answered_of(self.store, jobs, answered, self.only)
            raise BudgetExceeded(told_limit(budget, *standing, last))

    def tell_judging(self, jobs: Sequence[Job]) -> None:
        """Say, before the first call, what judging is expected to take."""
        if hasattr(self.tools.judge, "calls_for"):
            known = approaches_of(self.store.recipe())
            kept = (trace for name in known for trace in self.store.traces(name))
            here = [t for t in kept if self.only is None or t.case_id in self.only]
            text = self.judging.told(jobs, here)
            if text is not None:
                self.watch.say(text)

    def judged(self, found: Mapping[str, SystemDiagnosis], spent: Spending | None) -> Judged:
        """How the run was judged, people's part and corrected rates included."""
        return self.judging.summed_up(found, spent, self.store.folder)

    def _recall(self, jobs: Sequence[Job], budget: Budget) -> list[Job]:
        """Store what the cache has the answers to; the jobs that are left."""
        if self.cache is None:
            return list(jobs)
        left, found = [], []
        for job in jobs:
            kept = self.cache.get(asked_of(job, self.suite, self.seed))
            if kept is None:
                left.append(job)
            else:
                found.append(file_under(kept, job.key))
                self.watch.step(found[-1])
        self.store.put_all(found)
        budget.learn(found)
        return left

    def _scorer(self) -> Callable[[Trace, Evidence], None]:
        """Scores answers that are judged while asking goes on: as they will be read, and never again."""
        approaches = approaches_of(self.store.recipe())

        def score(trace: Trace, evidence: Evidence) -> None:
            kept = trace_from_json(trace_to_json(trace))
            self._scoring(trace.system, approaches[trace.system]).add(kept, evidence)
            self.evidence[key_of(kept)] = evidence

        return score

    def _scoring(self, name: str, approach: Approach) -> Scoring:
        if name not in self.scoring:
            self.scoring[name] = Scoring(self.suite, approach, self.tools.metrics)
        return self.scoring[name]

    def _answers(self, name: str) -> list[Trace]:
        """The answers of one system as the store has them; what is at hand is not read."""
        stored = {key for key in self.store.done() if key[0] == name}
        here = self.scoring[name].answers() if name in self.scoring else ()
        known = {key_of(trace): trace for trace in here}
        if stored == known.keys():
            found: Iterable[Trace] = (known[key] for key in sorted(stored))
        else:
            found = (known.get(key_of(trace), trace) for trace in self.store.traces(name))
        return [t for t in found if self.only is None or t.case_id in self.only]

    async def graded(
        self, name: str, approach: Approach, metrics: Sequence[Metric]
    ) -> Graded | None:
        """The traces of one system, judged (each once) and graded; None where there are none."""
        with calm():
            traces = self._answers(name)
        if not traces:
            return None
        keys = [key_of(trace) for trace in traces]
        unknown = [trace for trace in traces if key_of(trace) not in self.evidence]
        self.evidence.update(self.verdicts.known(unknown))
        new = [i for i, key in enumerate(keys) if key not in self.evidence]
        self.watch.start(f"grading {name}", len(new))
        found = await judge_traces(
            self.cases,
            [traces[i] for i in new],
            self.judging,
            on_evidence=lambda _: self.watch.step(),
        )
        self.evidence.update(zip((keys[i] for i in new), found, strict=True))
        self.verdicts.keep([traces[i] for i in new], found)
        evidence = [self.evidence[key] for key in keys]
        scoring = self._scoring(name, approach)
        with calm():
            graded = grade(self.suite, name, approach, traces, evidence, metrics, scoring)
        self.watch.done()
        damaged = self.verdicts.told()
        if damaged is not None:
            self.watch.say(damaged)
        return self.judging.by_people(graded, metrics, self.cases)

    async def probe(self, one: System, probing: Probing, budget: Budget) -> None:
        """Ask failing cases again, the most telling condition first; the estimate comes before the first call."""
        wanted = deciding(self.suite)
        metrics = [metric for metric in self.tools.metrics if metric.name in wanted]
        graded = await self.graded(one.name, one.approach, metrics)
        if graded is None or not one.capabilities or self.judging.given_up:
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
        self.watch.say(_told(one.name, expected) + self.judging.told_probes(expected.calls))
        self.watch.start(f"probing {one.name}", expected.calls)
        probing_it = probe(
            self.suite,
            one,
            graded,
            ask_one=asker(one, self.store, Calls(self.store, self.cache, budget, self.concurrency)),
            grade_one=grader(self.suite, one, self.judging, metrics),
            budget=budget,
            concurrency=self.concurrency,
            on_step=self.watch.step,
            **settings,
        )
        done = await in_order(probing_it, budget)
        self.watch.done()
        if done.stopped:
            self.cut = True
            self.watch.say(f"{one.name}: {told_end(done.stopped)}")

    def account(self) -> None:
        """Say what came from the cache, and of which calls nobody knows whether they were carried out."""
        told = self.cache.told() if self.cache is not None else None
        if told is not None:
            self.watch.say(told)
        for left in accounted(self.store):
            self.watch.say(left)

    async def diagnosed(self) -> dict[str, SystemDiagnosis]:
        """Every system that the store holds, graded and diagnosed, in the order of the recipe."""
        if self._too_large():
            return await self._diagnosed_in_parts()
        if self.how is not None and self.how.intake is not None:
            self.how.intake.everything()
        graded = {}
        for name, approach in approaches_of(self.store.recipe()).items():
            one = await self.graded(name, approach, self.tools.metrics)
            self.scoring.pop(name, None)  # it is not needed any more
            if one is not None:
                graded[name] = one
        if sum(len(one.traces) for one in graded.values()) >= MANY:
            forget_texts()
        return diagnosed_systems(self.suite, graded, self.tools, self.watch)

    def _too_large(self) -> bool:
        """Whether the cases are read from a long file, and graded by rules alone: then nothing needs to be held."""
        embedded = self.tools.judge.name == EMBEDDED and self.judging.reviews is None
        if getattr(self.tools.judge, "metrics", ()):  # processes of their own would not have them
            return False
        return embedded and long_file(self.suite.cases) is not None

    async def _diagnosed_in_parts(self) -> dict[str, SystemDiagnosis]:
        from evalkit.ledger.fold import diagnosed_in_parts

        systems = approaches_of(self.store.recipe())
        self.large = await diagnosed_in_parts(
            self.suite, self.store.folder, systems, self.tools, self.watch, self.only, self.how
        )
        self.suite = self.large.suite
        return self.large.systems


def _told(name: str, expected: Estimate) -> str:
    varies = expected.if_it_varies > expected.calls
    more = f" (about {expected.if_it_varies} if its answers vary)" if varies else ""
    cost = "unknown" if expected.cost is None else f"about {money(expected.cost)}"
    return (
        f"{name}: {expected.cases} failing and {expected.controls} passing cases are asked again: "
        f"about {expected.calls} calls{more}, cost {cost}"
    )


def diagnosed_systems(
    suite: Suite, graded: Mapping[str, Graded], tools: Tools, watch: Watcher | None = None
) -> dict[str, SystemDiagnosis]:
    """The findings of every system, added up; labels that all of them together put in doubt are kept out of the blame."""
    told = watch or Watcher()
    told.start("diagnosing", len(graded))
    failing = {
        c for one in graded.values() for c, o in one.cases.items() if o is CaseOutcome.FAILED
    }
    doubts = doubts_of(label_complaints(suite, graded, only=failing))
    found = {}
    for name, one in graded.items():
        findings = diagnose(suite, one, tools.causes, doubts)
        found[name] = summarise_findings(suite, one, findings, tools.playbook)
        told.step()
    told.done()
    return found


def means_of(found: Mapping[str, SystemDiagnosis], tools: Tools) -> dict[str, Any]:
    """What scores depend on beside the answers; tables that differ in it must not be compared."""
    repeats = [int(one.ledger.repeats.max(initial=0)) for one in found.values()]
    return {
        "evalkit": __version__,
        "judge": tools.judge.fingerprint,
        **{f"judge {n}": told for n, told in getattr(tools.judge, "parts", {}).items()},
        "repeats": max(repeats, default=0),
    }


def approaches_of(recipe: Mapping[str, Any]) -> dict[str, Approach]:
    """The systems of a run by name, from its recipe."""
    return {
        name.removeprefix("system "): Approach(value.partition(" ")[0])
        for name, value in recipe.items()
        if name.startswith("system ")
    }
