"""Stage 3, failing cases x conditions -> traces: ask again what tells most about the cause, within a budget."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest

from evalkit.budget import Budget
from evalkit.cause import Cause
from evalkit.condition import Ask, Condition, How, Verdict, family
from evalkit.conditions import CONDITIONS
from evalkit.desk import Desk, Office
from evalkit.errors import EndpointUnusable
from evalkit.grade import Graded
from evalkit.inquiry import OF_THE_RETRIEVER, differ, failing, missing_in, passing
from evalkit.planner import Option, choose
from evalkit.pool import each_until
from evalkit.reask import AskOne, GradeOne
from evalkit.records import Case, Suite, System, Trace
from evalkit.sequential import Shown

# What passing cases are asked: whether what is right stays right, and whether it was known anyway.
CONTROL = ("oracle_context", "closed_book", "paraphrase", "leading", "distractors_only")


@dataclass(frozen=True, slots=True)
class ProbeRun:
    """What probing a system took and showed.

    ``missing`` names, for a failing case, the conditions that would still tell its cause and were not asked: the
    system cannot be asked so, or the budget ended (``stopped`` names the limit). ``varies`` is None where no
    repeat said whether the system does.
    """

    traces: tuple[Trace, ...]
    readings: Mapping[str, Mapping[str, Shown]]
    missing: Mapping[str, tuple[str, ...]]
    controls: tuple[str, ...]
    calls: int
    cost: float | None
    stopped: str | None
    varies: bool | None


async def probe(  # noqa: PLR0913 (keyword-only parts of the stage)
    suite: Suite,
    system: System,
    graded: Graded,
    *,
    causes: Sequence[Cause],
    grade_one: GradeOne,
    ask_one: AskOne,
    conditions: Sequence[Condition] = CONDITIONS,
    budget: Budget | None = None,
    control: int = 0,
    examples: Sequence[Case] = (),
    seed: int = 0,
    concurrency: int = 8,
    on_step: Callable[[Trace], None] | None = None,
) -> ProbeRun:
    """Ask failing cases, and ``control`` passing ones, under the conditions that tell most.

    What ``graded`` holds under conditions counts as asked. A system without capabilities (a recorded one) is
    asked nothing: what its traces show is read. The order of cases is drawn by ``seed``, so that a budget
    that ends early leaves a fair sample. Raises what ``ask_one`` raises.
    """
    office = Office(
        suite,
        system,
        graded,
        causes=causes,
        conditions=conditions,
        examples=examples,
        seed=seed,
    )
    work = _Work(office, ask_one, grade_one, budget or Budget(), on_step)
    work.budget.learn(graded.traces)
    controls = control_sample(graded, control, seed)
    order = interleaved(drawn(failing(graded), seed), controls)
    first, rest = order[:1], order[1:]
    for case_id in first:  # alone, to learn whether the system varies
        await work.case(case_id, control=case_id in controls)

    async def ask_again(case_id: str) -> None:
        await work.case(case_id, control=case_id in controls)

    await each_until(EndpointUnusable, rest, ask_again, concurrency)
    return ProbeRun(
        traces=tuple(work.traces),
        readings=work.readings,
        missing=work.missing,
        controls=tuple(controls),
        calls=work.budget.calls,
        cost=work.budget.cost,
        stopped=work.budget.refused,
        varies=office.varies,
    )


def control_sample(graded: Graded, size: int, seed: int) -> list[str]:
    """A sample of the passing cases, the same for the same seed."""
    return drawn(passing(graded), seed)[:size]


def drawn(case_ids: Iterable[str], seed: int) -> list[str]:
    """Cases in an order drawn by ``seed``, each by itself: those of a part of a suite come as in the whole."""
    return sorted(case_ids, key=lambda case_id: lot(case_id, seed))


def lot(case_id: str, seed: int) -> bytes:
    """What a case drew: the smaller, the earlier it is asked."""
    return hashlib.sha256(f"{seed}\x1f{case_id}".encode("utf-8", "surrogatepass")).digest()


def interleaved(many: Sequence[str], few: Sequence[str]) -> list[str]:
    """Both in their order, the fewer spread evenly among the more."""
    step = max(1, -(-len(many) // len(few))) if few else max(1, len(many))
    blocks = (many[i : i + step] for i in range(0, len(many), step))
    mixed = zip_longest(blocks, few)
    return [c for block, one in mixed for c in (*(block or ()), *([one] if one else ()))]


class _Work:
    """The asking itself, and what has come of it."""

    def __init__(
        self,
        office: Office,
        ask_one: AskOne,
        grade_one: GradeOne,
        budget: Budget,
        on_step: Callable[[Trace], None] | None,
    ) -> None:
        self.office, self.ask_one, self.grade_one = office, ask_one, grade_one
        self.budget, self.on_step = budget, on_step
        self.traces: list[Trace] = []
        self.readings: dict[str, dict[str, Shown]] = {}
        self.missing: dict[str, tuple[str, ...]] = {}

    async def case(self, case_id: str, *, control: bool) -> None:
        """Ask one case until it is settled or nothing may be asked any more."""
        office = self.office
        desk = office.desk(case_id, control=control)
        while condition := self._next(desk, control=control):
            if not await self._complete(desk, condition):
                break
        if desk.answers:
            self.readings[case_id] = office.shown(desk)
        lacks = missing_in(
            desk.here, desk.puzzle, office.observed(desk), office.conditions, office.known
        )
        if lacks:
            self.missing[case_id] = lacks

    def _next(self, desk: Desk, *, control: bool) -> str | None:
        """A condition begun and not established comes first, then what the planner wants."""
        office = self.office
        begun = (c for c in desk.answers if c in desk.asks and not office.complete(desk, c))
        if (open_ := next(begun, None)) is not None:
            return open_
        if control:
            return _next_control(desk)
        options, observed = desk.options(), office.observed(desk)
        affordable = [o for o in options if self._affords(desk, o)]
        choice = choose(desk.puzzle, observed, affordable, office.known)
        if choice is None and choose(desk.puzzle, observed, options, office.known):
            self.budget.refused = "calls"
        return choice.condition if choice else None

    def _affords(self, desk: Desk, option: Option) -> bool:
        """Whether there are calls enough for a condition; what the cache has takes none."""
        left = self.budget.left
        if left is None or option.calls <= left:
            return True
        asks, case = desk.asks[option.condition], desk.here.case
        return sum(ask.calls for ask in asks if not self.ask_one.holds(case, ask)) <= left

    async def _complete(self, desk: Desk, condition: str) -> bool:
        """Ask a condition until it is established; False when the budget ends before."""
        while condition not in desk.answers or not self.office.complete(desk, condition):
            if not await self._ask(desk, _next_ask(desk, condition)):
                return False
        return True

    async def _ask(self, desk: Desk, ask: Ask) -> bool:
        trace = await self._answer(desk.here.case, ask)
        if trace is None:
            return False
        graded = ask.how in (How.ASK, How.GENERATE)
        verdict = await self.grade_one(trace) if graded else Verdict(None)
        self.office.file(desk, trace, verdict)
        self.traces.append(trace)
        self._learn(desk, ask.condition)
        if self.on_step is not None:
            self.on_step(trace)
        return True

    async def _answer(self, case: Case, ask: Ask) -> Trace | None:
        """The cache's answer, which is free, else the system's; None where no call is left for that."""
        kept = None if self.budget.stopped else await self.ask_one.recall(case, ask)
        if kept is not None or not self.budget.take(ask.calls):
            return kept
        trace = await self.ask_one(case, ask)
        self.budget.settle(ask.calls, None if trace is None else trace.usage.cost)
        return trace

    def _learn(self, desk: Desk, condition: str) -> None:
        """Repeats of one question tell whether the system varies."""
        answers = [trace for trace, _ in desk.answers[condition].values()]
        office = self.office
        if len(answers) < 2 or condition in OF_THE_RETRIEVER:
            return
        office.varies = bool(office.varies) or differ(answers)


def _next_control(desk: Desk) -> str | None:
    """The next condition of the control table of which nothing was asked."""
    asked = {family(c) for c in desk.answers}
    wanted = {family(o.condition): o.condition for o in reversed(desk.options())}
    return next((wanted[c] for c in CONTROL if c in wanted and c not in asked), None)


def _next_ask(desk: Desk, condition: str) -> Ask:
    """The question of the lowest repeat that has no answer yet."""
    asks, done = desk.asks[condition], desk.answers.get(condition, {})
    planned = next((a for a in asks if a.question.repeat not in done), None)
    if planned is not None:
        return planned
    repeat = next(r for r in range(len(done) + 1) if r not in done)
    return replace(asks[0], question=replace(asks[0].question, repeat=repeat))
