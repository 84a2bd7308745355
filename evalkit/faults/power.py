"""What a suite can tell: a system's passing cases get known faults, and each is diagnosed blind."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from evalkit.api import arun
from evalkit.errors import InvalidInput, NothingToDo
from evalkit.faults.bench import Verdict, verdicts
from evalkit.faults.fault import Fault, FaultyLayer
from evalkit.faults.inject import BY_ID, FAULTS, Plan, inject, plan_faults, spoil, truth_of
from evalkit.faults.reasons import reason_of
from evalkit.outcome import CaseOutcome
from evalkit.records import Capability, Case, Suite, System
from evalkit.watch import Watcher

REPEATS = 3  # a system that wavers shows it only when asked again
MIXED = 0.25  # share of the faults of content that get a fault of form beside them
LEAST = 3  # further rounds are added until every fault was injected so often,
ROUNDS, ASKED = (
    8,
    200,
)  # or so many rounds with so many cases were planned (a small suite needs more rounds),
MOST_ROUNDS = 60  # or so many at the utmost
SEEDS = 2**32  # seeds are below this
CONTROLS = 10  # healthy cases asked along in further rounds, to compare with
NEEDED = frozenset({Capability.RETRIEVE, Capability.GENERATE})


@dataclass(frozen=True, slots=True)
class Trial:
    """One case of one round: the faults injected (empty: a healthy case), and what diagnosis said."""

    round: int
    faults: tuple[str, ...]
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Power:
    """Everything a fault bench of one system on one suite has shown.

    ``failing`` are the cases that do not pass without any fault; they were left out. ``missing`` says for
    every fault that was never injected why not; ``notes`` what limits the rest.
    """

    suite: str
    system: str
    cases: int
    failing: tuple[str, ...]
    trials: tuple[Trial, ...]
    missing: Mapping[str, str]
    notes: tuple[str, ...] = ()

    @property
    def verdicts(self) -> list[Verdict]:
        """All verdicts, a case of a later round under a name of its own."""
        return [
            replace(t.verdict, case_id=f"{t.verdict.case_id}@{t.round}")
            if t.round > 1
            else t.verdict
            for t in self.trials
        ]


@dataclass(frozen=True, slots=True)
class Round:
    """One pass over the suite: its number (from 1), its seed, which case gets which faults, who is asked."""

    number: int
    seed: int
    plan: Plan
    cases: tuple[Case, ...]


class Plain(FaultyLayer):
    """The system without a fault, asked by ``retrieve`` and ``generate``; it stays open after a run."""

    def __init__(self, inner: System, suite: Suite) -> None:
        super().__init__(inner, FAULTS[0], suite, frozenset(), 0)
        self.fingerprint = inner.fingerprint

    async def aclose(self) -> None:
        """Nothing: the same system is asked in the next round."""


async def measure(
    suite: Suite,
    system: System,
    out: Path,
    *,
    rate: float = 0.8,
    seed: int = 0,
    watch: Watcher | None = None,
) -> Power:
    """Ask the clean system, inject faults into the cases it passes, diagnose them blind; closes the system.

    The answers stay in run folders below ``out``, so that the same call goes on where it stopped. Raises
    ``InvalidInput`` for a system that cannot be wrapped and ``NothingToDo`` when no fault can be injected.
    """
    watcher = watch or Watcher()
    try:
        _refuse_what_cannot_be_wrapped(system)
        plain = Plain(system, suite)
        failing = await _failing(suite, plain, out / "clean", seed, watcher)
        usable = replace(suite, cases=tuple(c for c in suite.cases if c.id not in failing))
        rounds = plan_rounds(usable, rate, seed)
        watcher.say(_told(suite, usable, rounds))
        if not rounds:
            raise NothingToDo(_nothing(suite, usable))
        trials: list[Trial] = []
        for one in rounds:
            trials += await _tried(suite, plain, one, out / f"round-{one.number}", watcher)
    finally:
        await system.aclose()
    injected = {fault for trial in trials for fault in trial.faults}
    missing = {f.id: reason_of(f, suite, usable) for f in FAULTS if f.id not in injected}
    notes = tuple(_notes(system, rate))
    return Power(suite.name, system.name, len(suite.cases), failing, tuple(trials), missing, notes)


def _refuse_what_cannot_be_wrapped(system: System) -> None:
    if getattr(system, "recorded", False):
        raise InvalidInput(
            f"the answers of system {system.name!r} are recorded: no fault can be injected into them",
            hint="name a live system with --system, or none for the known-good one",
        )
    lacking = sorted(NEEDED - system.capabilities)
    if lacking:
        raise InvalidInput(
            f"system {system.name!r} cannot be wrapped: it has no {' and no '.join(lacking)}",
            hint="faults are injected between retrieve and generate; a system needs both",
        )


async def _failing(
    suite: Suite, plain: Plain, out: Path, seed: int, watch: Watcher
) -> tuple[str, ...]:
    """The cases that the clean system does not pass, in the order of the suite."""
    watch.say(f"{plain.name}: asked without a fault first")
    run = await arun(
        suite, [plain], out=out, repeats=REPEATS, probes="none", seed=seed, watch=watch
    )
    cases = run.systems[plain.name].graded.cases
    return tuple(c.id for c in suite.cases if cases.get(c.id) is not CaseOutcome.PASSED)


def plan_rounds(suite: Suite, rate: float, seed: int) -> list[Round]:
    """One round with all faults, and further ones for those that were injected fewer than ``LEAST`` times."""
    fitting = [f for f in FAULTS if any(f.needs(suite, case) for case in suite.cases)]
    used: Counter[str] = Counter()
    rounds: list[Round] = []
    for turn in range(MOST_ROUNDS):
        short: Sequence[Fault] = [f for f in fitting if used[f.id] < LEAST]
        enough = len(rounds) >= ROUNDS and sum(len(one.cases) for one in rounds) >= ASKED
        if not short or enough:
            break
        dealt = (seed + turn) % SEEDS
        plan = plan_faults(suite, short, rate, dealt, MIXED)
        if plan:
            used.update(fault for faults in plan.values() for fault in faults)
            cases = _asked(suite, plan, first=not rounds)
            rounds.append(Round(len(rounds) + 1, dealt, plan, cases))
    return rounds


def _asked(suite: Suite, plan: Plan, *, first: bool) -> tuple[Case, ...]:
    """All cases in the first round; afterwards the faulty ones and a few healthy ones."""
    healthy = [case.id for case in suite.cases if case.id not in plan]
    kept = {*plan, *(healthy if first else healthy[:CONTROLS])}
    return tuple(case for case in suite.cases if case.id in kept)


async def _tried(suite: Suite, plain: Plain, one: Round, out: Path, watch: Watcher) -> list[Trial]:
    """Ask and diagnose one round; healthy cases count in the first round only, once each."""
    watch.say(f"round {one.number}: {len(one.plan)} faulty of {len(one.cases)} cases")
    asked = replace(suite, cases=one.cases, digest=f"{suite.digest}-{len(one.cases)}-cases")
    faulty = inject(plain, suite, one.plan, one.seed)
    spoiled = spoil(asked, one.plan, one.seed)
    run = await arun(
        spoiled, [faulty], out=out, repeats=REPEATS, probes="auto", seed=one.seed, watch=watch
    )
    injected = truth_of(one.plan)
    truths = {c.id: injected[c.id].cause if c.id in injected else None for c in one.cases}
    return [
        Trial(one.number, one.plan.get(verdict.case_id, ()), verdict)
        for verdict in verdicts(truths, run.systems[faulty.name].findings)
        if one.number == 1 or verdict.case_id in one.plan
    ]


def _told(suite: Suite, usable: Suite, rounds: Sequence[Round]) -> str:
    faults = sum(len(one.plan) for one in rounds)
    questions = sum(len(one.cases) for one in rounds) * REPEATS
    return (
        f"{len(usable.cases)} of {len(suite.cases)} cases pass without a fault and can be used: "
        f"{faults} faulty cases in {len(rounds)} rounds, {questions} first answers and the probes of what fails"
    )


def _nothing(suite: Suite, usable: Suite) -> str:
    if not usable.cases:
        return f"{suite.name}: no case passes without a fault, so none can show one"
    return f"{suite.name}: no fault can be injected; raise --rate or give the cases labels"


def _notes(system: System, rate: float) -> list[str]:
    notes = []
    if Capability.LOOKUP not in system.capabilities:
        notes.append(
            "The system has no `lookup`: a document that is missing from the index and one that is merely not "
            "found look alike."
        )
    if rate == 1:
        notes.append("At rate 1 no case stays healthy: false alarms cannot be measured.")
    return notes


def alone(trials: Sequence[Trial]) -> dict[str, list[Trial]]:
    """The trials with one fault, by fault, in the order in which data flows."""
    found: dict[str, list[Trial]] = {fault: [] for fault in BY_ID}
    for trial in trials:
        if len(trial.faults) == 1:
            found[trial.faults[0]].append(trial)
    return {fault: group for fault, group in found.items() if group}


def mixed(trials: Sequence[Trial]) -> list[Trial]:
    """The trials with more than one fault."""
    return [trial for trial in trials if len(trial.faults) > 1]


def all_named(trial: Trial) -> bool:
    """Whether every fault of a trial is named: the first as the cause, the others beside it."""
    others = {BY_ID[fault].cause for fault in trial.faults[1:]}
    return trial.verdict.exact and others <= trial.verdict.also
