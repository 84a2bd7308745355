"""Why a run is incomplete, in words: what ended it before its time, and errors above what the suite tolerates."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from evalkit.ledger.ungraded import unjudged

if TYPE_CHECKING:
    from evalkit.api import Run


def lacks(run: Run) -> list[str]:
    """Everything that keeps the run from being complete; empty where it is.

    A case that the judge failed on counts like one that ended in an error; one without any label does not.
    """
    stopped = [] if run.stopped is None else [str(run.stopped)]
    return [*stopped, *_errors(run)]


def _errors(run: Run) -> Iterator[str]:
    for name, found in run.systems.items():
        errors, due, lost = found.counts["errors"], found.counts["due"], unjudged(found.ledger)
        if (errors + lost.cases) / due <= run.suite.max_error_rate:
            continue
        told = [f"{errors} of {due} cases ended in an error"] if errors else []
        told += [str(lost)] if lost.cases else []
        yield f"{name}: {', and '.join(told)}"


def incomplete(run: Run) -> str:
    """The first line about a run that is incomplete, without a full stop; empty for one that is complete."""
    found = told_lacks(run)
    if not found:
        return ""
    others = len(found) - 1
    more = (
        f", and {others} more {'system' if others == 1 else 'systems'}"
        if others and run.stopped is None
        else ""
    )
    return f"Incomplete: {found[0]}{more}"


def told_lacks(run: Run) -> list[str]:
    """What is lacking as a reader is told it, one line each without a full stop: what was asked before what ended it."""
    found = [line.rstrip(".") for line in lacks(run)]
    asked = min((one.counts["due"] for one in run.systems.values()), default=0)
    if run.stopped is not None and asked < len(run.suite.cases):
        return [f"{asked:,} of {len(run.suite.cases):,} cases asked", *found]
    return found


def extent(run: Run) -> str:
    """How many cases the suite has; where no system was asked them all, how many were asked at most."""
    asked = max((one.counts["due"] for one in run.systems.values()), default=0)
    cases = len(run.suite.cases)
    named = f"{cases:,} case{'s' * (cases != 1)}"
    return named if asked >= cases else f"{asked:,} of {named} asked"
