"""What probing is expected to take, told before the first call is made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from evalkit.cause import Cause
from evalkit.condition import Condition, family
from evalkit.conditions import CONDITIONS
from evalkit.desk import Desk, Office
from evalkit.grade import Graded
from evalkit.inquiry import failing
from evalkit.planner import expected_calls
from evalkit.probe import CONTROL, control_sample
from evalkit.records import Case, Suite, System
from evalkit.sequential import MOST_REPEATS

SAMPLE = 100  # failing cases an estimate is drawn from
REPEATS = 3.3  # repeats that a sequential test takes on average where a system varies


@dataclass(frozen=True, slots=True)
class Estimate:
    """What probing is expected to take: ``calls`` on average, about ``most`` at worst.

    Where nothing was repeated yet, ``calls`` takes the system not to vary; ``if_it_varies`` is the figure if it does.
    ``cost`` goes with ``calls``; None where no cost is known.
    """

    cases: int
    controls: int
    calls: int
    if_it_varies: int
    most: int
    cost: float | None


def estimate(  # noqa: PLR0913 (keyword-only parts of the stage)
    suite: Suite,
    system: System,
    graded: Graded,
    *,
    causes: Sequence[Cause],
    conditions: Sequence[Condition] = CONDITIONS,
    control: int = 0,
    examples: Sequence[Case] = (),
    seed: int = 0,
) -> Estimate:
    """What probing is expected to take, from a sample of the failing cases, before the first call.

    What a condition will show is drawn by what is believed of the case. Cost is the mean known one of the
    answers so far; None where none is known. A budget is not looked at.
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
    wrong, controls = failing(graded), control_sample(graded, control, seed)
    sample = Random(seed).sample(wrong, min(SAMPLE, len(wrong)))
    desks = [office.desk(case_id) for case_id in sample]
    draw = Random(seed)
    taken = [_expected(office, desk, draw) for desk in desks]
    all_of = [sum(option.calls for option in desk.options()) for desk in desks]
    scale = len(wrong) / max(1, len(sample))
    once = [_control_calls(office.desk(case_id, control=True)) for case_id in controls]
    single = sum(taken) * scale + sum(once)
    calls = single * (REPEATS if office.varies else 1)
    most = (sum(all_of) * scale + sum(once)) * (1 if office.varies is False else MOST_REPEATS)
    costs = [t.usage.cost for t in graded.traces if t.usage.cost is not None]
    cost = sum(costs) / len(costs) * calls if costs else None
    return Estimate(
        len(wrong), len(controls), round(calls), round(single * REPEATS), round(most), cost
    )


def _expected(office: Office, desk: Desk, draw: Random) -> int:
    observed = office.observed(desk)
    return expected_calls(desk.puzzle, observed, desk.options(), office.known, draw)


def _control_calls(desk: Desk) -> int:
    return sum(name in {family(c) for c in desk.asks} for name in CONTROL)
