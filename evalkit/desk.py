"""One case on the desk: what may be asked of it, what was shown so far, and what that leaves open."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from evalkit.cause import Cause
from evalkit.condition import Ask, Condition, Situation, Verdict, family
from evalkit.conditions.reading import Read, read
from evalkit.grade import Graded
from evalkit.inquiry import (
    OF_THE_RETRIEVER,
    differ,
    given,
    index_of,
    lists_differ,
    one_shown,
    seen,
    shown_repeat,
    situation,
    verdict_of,
)
from evalkit.observe import facts_of
from evalkit.planner import Option, Puzzle, knowledge, puzzle
from evalkit.predictions import Seen
from evalkit.records import AS_IS, Capability, Case, Suite, System, Trace
from evalkit.sequential import Shown, enough


@dataclass(slots=True)
class Desk:
    """One case on the desk: what may be asked, and what was seen so far."""

    here: Situation
    puzzle: Puzzle
    asks: Mapping[str, tuple[Ask, ...]]
    given: Mapping[str, Seen]
    answers: dict[str, dict[int, tuple[Trace, Read]]] = field(default_factory=dict)

    def reads(self, condition: str) -> list[Read]:
        """What the repeats of a condition showed."""
        return [one for _, one in self.answers.get(condition, {}).values()]

    def options(self) -> list[Option]:
        """What was not asked yet, in the order of the table."""
        return [
            Option(name, sum(ask.calls for ask in asks))
            for name, asks in self.asks.items()
            if name not in self.answers
        ]


class Office:
    """Everything that is the same for all cases of one system."""

    def __init__(
        self,
        suite: Suite,
        system: System,
        graded: Graded,
        *,
        causes: Sequence[Cause],
        conditions: Sequence[Condition],
        examples: Sequence[Case],
        seed: int,
    ) -> None:
        self.suite, self.graded, self.causes, self.conditions = suite, graded, causes, conditions
        self.possible = [c for c in conditions if c.possible(system.capabilities)]
        self.known = knowledge(causes)
        self.index = index_of(graded)
        self.cases = {case.id: case for case in suite.cases}
        self.examples = tuple(examples) or tuple(c for c in suite.cases if c.split == "train")
        self.seed = seed
        self.depth = suite.k if Capability.ASK in system.capabilities else suite.pool
        self.varies = _vary(self, differ)
        self.lists_vary = bool(_vary(self, lists_differ))

    def desk(self, case_id: str, *, control: bool = False) -> Desk:
        """A case with its questions planned and the answers that are there already read."""
        case, conditions = self.cases[case_id], self.index[case_id]
        numbers = conditions[AS_IS]
        here = situation(self.suite, self.graded, case, numbers, self.examples)
        here = replace(here, question=replace(here.question, seed=self.seed, k=self.depth))
        open_ = (
            Puzzle(())
            if control
            else puzzle_of(self.suite, self.graded, case, numbers, self.causes)
        )
        planned = [ask for condition in self.possible for ask in condition.plan(here)]
        names = dict.fromkeys(ask.condition for ask in planned)
        asks = {name: tuple(a for a in planned if a.condition == name) for name in names}
        desk = Desk(here, open_, asks, given(here))
        for condition, found in conditions.items():
            if condition != AS_IS:
                for i in found:
                    self.file(desk, self.graded.traces[i], verdict_of(self.graded, i))
        return desk

    def file(self, desk: Desk, trace: Trace, verdict: Verdict) -> None:
        """Read an answer and lay it on the desk."""
        one = (trace, read(desk.here, trace, verdict))
        desk.answers.setdefault(trace.condition, {})[trace.repeat] = one

    def varying(self, condition: str) -> bool | None:
        """Whether answers under a condition must be repeated; None until a repeat has told."""
        asks_retriever = condition in OF_THE_RETRIEVER
        return self.lists_vary if asks_retriever else self.varies

    def shown(self, desk: Desk) -> dict[str, Shown]:
        """What has been shown so far."""
        return {
            c: one_shown(c, desk.reads(c), varies=self.varying(c) is True) for c in desk.answers
        }

    def observed(self, desk: Desk) -> dict[str, Seen]:
        """The same as the planner sees it, with what the answer as is gave away."""
        return {**desk.given, **{c: seen(s) for c, s in self.shown(desk).items()}}

    def complete(self, desk: Desk, condition: str) -> bool:
        """Whether a condition that was begun needs no further repeat."""
        reads = desk.reads(condition)
        if family(condition) == "frozen_context":
            asks = desk.asks.get(condition, ())
            return all(a.question.repeat in desk.answers[condition] for a in asks)
        varies = self.varying(condition)
        if varies is None and len(reads) < 2:
            return False
        return enough([r.reading for r in reads], varies=bool(varies))


def _vary(office: Office, differing: Callable[[list[Trace]], bool]) -> bool | None:
    """Whether repeats of anything asked so far differ; None where nothing was repeated."""
    traces = office.graded.traces
    groups = (n for conditions in office.index.values() for n in conditions.values())
    told = [differing([traces[i] for i in numbers]) for numbers in groups if len(numbers) > 1]
    return any(told) if told else None


def puzzle_of(
    suite: Suite, graded: Graded, case: Case, numbers: Sequence[int], causes: Sequence[Cause]
) -> Puzzle:
    """What is open about a failing case, from the signs its causes show in the trace."""
    facts = facts_of(suite, case, graded, shown_repeat(graded, numbers), numbers)
    suspects = [(cause, sign) for cause in causes if (sign := cause.detect(facts)) is not None]
    return puzzle(facts, suspects, causes)
