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

AskOne = Callable[[Case, Ask], Awaitable[Trace]]
GradeOne = Callable[[Trace], Awaitable[Verdict]]


def asker(system: System, store: Store, calls: Calls | None = None) -> AskOne:
    """Asks a planned question; the answer is in the store before it is returned."""
    calls = calls or Calls(store)

    async def ask_one(case: Case, ask: Ask) -> Trace:
        key = (system.name, case.id, ask.condition, ask.question.repeat)
        asked = Asked(system, key, ask.how.name, ask.question, ask.passages, ask.calls)
        kept = await calls.recall(asked)
        return kept or await calls.answer(asked, lambda: perform(system, ask))

    return ask_one


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
