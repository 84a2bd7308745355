"""Which case gets which fault, and a system (or suite) with all of them in place."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache

from evalkit.faults import contract_faults, generation_faults, retrieval_faults, suite_faults
from evalkit.faults.fault import Fault
from evalkit.faults.labels import dice, gold_of
from evalkit.faults.stocks import FAMILIAR, stock_named
from evalkit.records import Case, Suite, System


@cache
def faults_with(stock: str) -> tuple[Fault, ...]:
    """All faults, speaking with the stock of that name.

    In the order in which data flows: the first of several faults in a case is the primary cause.
    """
    phrases = stock_named(stock)
    return (
        *suite_faults.faults(phrases),
        *retrieval_faults.FAULTS,
        *generation_faults.faults(phrases),
        *contract_faults.faults(phrases),
    )


FAULTS = faults_with(FAMILIAR)
BY_ID: Mapping[str, Fault] = {fault.id: fault for fault in FAULTS}
FORM = ("format_violation", "style_violation", "citation_error")
SHOWN_WITH_FORM = (
    "misinterpretation",
    "parametric_override",
    "incomplete_answer",
    "noise_distraction",
)

Plan = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Truth:
    """What was injected into a case: the primary cause, and causes injected beside it."""

    cause: str
    also: tuple[str, ...] = ()


def truth_of(plan: Plan) -> dict[str, Truth]:
    """The causes behind a plan, by case id; cases that it does not name are healthy."""
    causes = {case: [BY_ID[f].cause for f in faults] for case, faults in plan.items()}
    return {case: Truth(found[0], tuple(found[1:])) for case, found in causes.items() if found}


def plan_faults(
    suite: Suite,
    faults: Iterable[str | Fault] | None = None,
    rate: float = 0.5,
    seed: int = 0,
    mixed_share: float = 0.0,
) -> dict[str, tuple[str, ...]]:
    """Give a share ``rate`` of the cases a fault each, the causes in equal numbers as far as cases allow.

    The cases are drawn first, so that the healthy ones are a fair sample; one that no fault fits stays healthy.
    ``faults`` are ids or faults (all of them if None). A share ``mixed_share`` of the faulty cases gets a
    second fault, of form, where one applies. Only cases that a fault applies to can have it.
    """
    if not 0 <= rate <= 1 or not 0 <= mixed_share <= 1:
        raise ValueError(f"rate {rate} and mixed_share {mixed_share} must lie in 0..1")
    wanted = [BY_ID[f] if isinstance(f, str) else f for f in (FAULTS if faults is None else faults)]
    random = dice("plan", seed)
    chosen = random.sample(list(suite.cases), round(rate * len(suite.cases)))
    free = {fault.id: [c for c in chosen if fault.needs(suite, c)] for fault in wanted}
    plan: dict[str, tuple[str, ...]] = {}
    used: Counter[str] = Counter()
    held, open_ = _Documents(), list(wanted)
    while open_ and len(plan) < len(chosen):
        fault = min(open_, key=lambda f: (used[f.cause], used[f.id], len(free[f.id])))
        case = _next_case(fault, free[fault.id], plan, held)
        if case is None:
            open_.remove(fault)
            continue
        held.take(fault, case)
        used.update((fault.cause, fault.id))
        plan[case.id] = (fault.id, *_second(fault, suite, case, wanted, mixed_share, seed))
    return {case.id: plan[case.id] for case in suite.cases if case.id in plan}


def _next_case(fault: Fault, free: list[Case], plan: Plan, held: _Documents) -> Case | None:
    """A case that has no fault yet and may have this one; None when there is none left."""
    while free:
        case = free.pop()
        if case.id not in plan and held.allow(fault, case):
            return case
    return None


class _Documents:
    """Keeps a document from being hidden for one case and merely badly ranked for another."""

    def __init__(self) -> None:
        self._hidden: set[str] = set()
        self._moved: set[str] = set()

    def allow(self, fault: Fault, case: Case) -> bool:
        gold = set(gold_of(case))
        if fault.known is not None:
            return not gold & self._moved
        return fault.retrieved is None or not gold & self._hidden

    def take(self, fault: Fault, case: Case) -> None:
        if fault.known is not None:
            self._hidden.update(gold_of(case))
        elif fault.retrieved is not None:
            self._moved.update(gold_of(case))


def _second(
    first: Fault, suite: Suite, case: Case, wanted: Sequence[Fault], share: float, seed: int
) -> tuple[str, ...]:
    """A fault of form beside one of content that leaves an answer to have a form."""
    random = dice("mixed", seed, case.id)
    if first.cause not in SHOWN_WITH_FORM or random.random() >= share:
        return ()
    fitting = [f for f in wanted if f.cause in FORM and f.needs(suite, case)]
    return (random.choice(fitting).id,) if fitting else ()


def inject(
    system: System, suite: Suite, plan: Plan, seed: int = 0, stock: str = FAMILIAR
) -> System:
    """``system`` with the plan's faults in place; ``suite`` is the one the plan was made for, unspoiled.

    Faults of form change what faults of content have left. Faults of the suite are left to ``spoil``.
    ``stock`` names the phrases that the faults speak with.
    """
    faulty: System = system
    for fault in faults_with(stock):
        chosen = frozenset(case for case, ids in plan.items() if fault.id in ids)
        if chosen and fault.spoil is None:
            layer = fault.wrap(faulty, suite, chosen, seed)
            layer.fingerprint += _spoken(stock)
            faulty = layer
    return faulty


def _spoken(stock: str) -> str:
    """What a fingerprint or digest says of the stock: nothing of the one it has always been."""
    return "" if stock == FAMILIAR else f" {stock}"


def spoil(suite: Suite, plan: Plan, seed: int = 0, stock: str = FAMILIAR) -> Suite:
    """The suite with the plan's faults of the suite in place, worded as ``stock``; its digest says so."""
    spoils = {fault.id: fault.spoil for fault in faults_with(stock) if fault.spoil is not None}
    cases = []
    for case in suite.cases:
        changed = case
        for fault_id in plan.get(case.id, ()):
            if fault_id in spoils:
                changed = spoils[fault_id](suite, changed, dice(seed, fault_id, case.id))
        cases.append(changed)
    count = sum(a is not b for a, b in zip(cases, suite.cases, strict=True))
    mark = f"-spoiled-{count}-{seed}{_spoken(stock).replace(' ', '-')}" if count else ""
    return replace(suite, cases=tuple(cases), digest=f"{suite.digest}{mark}")
