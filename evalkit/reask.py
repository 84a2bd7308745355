"""The edge of the probes: planned questions put to the system, their answers stored and graded at once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

from evalkit.ask import Calls
from evalkit.cache import Asked
from evalkit.condition import Ask, How, Verdict
from evalkit.conditions.gold import is_gold
from evalkit.grade import grade
from evalkit.inquiry import verdict_of
from evalkit.judge import judge_traces
from evalkit.records import (
    Capability,
    Case,
    Judge,
    Metric,
    Outcome,
    Passage,
    Suite,
    System,
    Trace,
)
from evalkit.store import Store

GradeOne = Callable[[Trace], Awaitable[Verdict]]


class AskOne:
    """Asks planned questions of one system; an answer is in the store before it is returned."""

    def __init__(self, system: System, calls: Calls) -> None:
        self._system, self._calls = system, calls

    async def __call__(self, case: Case, ask: Ask) -> Trace | None:
        """The system's own answer; None where a limit kept it from being asked again."""
        asked = self._asked(case, ask)
        return await self._calls.answer(asked, lambda: perform(self._system, ask))

    async def recall(self, case: Case, ask: Ask) -> Trace | None:
        """The answer that the cache has, which takes no call; None where it has none."""
        return await self._calls.recall(self._asked(case, ask))

    def holds(self, case: Case, ask: Ask) -> bool:
        """Whether the cache seems to have the answer."""
        return self._calls.holds(self._asked(case, ask))

    def _asked(self, case: Case, ask: Ask) -> Asked:
        key = (self._system.name, case.id, ask.condition, ask.question.repeat)
        return Asked(self._system, key, ask.how.name, ask.question, ask.passages, ask.calls)


def asker(system: System, store: Store, calls: Calls | None = None) -> AskOne:
    """Asks planned questions, and keeps the answers in ``store``; from the cache of ``calls`` where it has them."""
    return AskOne(system, calls or Calls(store))


def grader(suite: Suite, system: System, judge: Judge, metrics: Sequence[Metric]) -> GradeOne:
    """Grades one trace by the rules that grade all of them; ``metrics`` need hold only the deciding ones."""
    cases = {case.id: case for case in suite.cases}

    async def grade_one(trace: Trace) -> Verdict:
        alone = replace(suite, cases=(cases[trace.case_id],))
        evidence = await judge_traces(cases, [trace], judge)
        graded = grade(alone, system.name, system.approach, [trace], evidence, metrics)
        return verdict_of(graded, 0)

    return grade_one


async def perform(system: System, ask: Ask) -> Outcome:
    """Put one planned question to the method it is meant for; may raise what the system raises."""
    if ask.how is How.GENERATE:
        outcome = await system.generate(ask.question, ask.passages)
        return outcome if outcome.context is not None else replace(outcome, context=ask.passages)
    if ask.how is How.LOOKUP:
        return await _look_up(system, ask)
    if ask.how is How.RETRIEVE or Capability.ASK not in system.capabilities:
        return Outcome(retrieved=await system.retrieve(ask.question))
    return await system.ask(ask.question)


async def _look_up(system: System, ask: Ask) -> Outcome:
    """The gold that the index holds. ``retrieved`` is None where a gold text to search with is not known."""
    if Capability.LOOKUP in system.capabilities:
        held = [p for p in ask.passages if await system.lookup(p.doc_id)]
        return Outcome(retrieved=tuple(Passage(p.doc_id) for p in held))
    if not all(p.text for p in ask.passages):
        return Outcome(meta={"lookup": "the text of a gold document is not known"})
    found: list[Passage] = []
    for gold in ask.passages:
        question = replace(ask.question, query=gold.text, messages=None)
        came = await system.retrieve(question)
        found.extend(p for p in came if is_gold(p, {gold.doc_id}))
    return Outcome(retrieved=tuple(found))
