"""Stage 4, traces x judge -> evidence: the only place where an opinion enters."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Mapping, Sequence
from time import monotonic
from typing import Any

from evalkit.errors import EvalkitError
from evalkit.pool import each
from evalkit.records import Case, Claim, Evidence, Judge, Trace

BREATH = 0.05  # seconds of judging after which others have a turn, such as an interruption


async def judge_traces(
    cases: Mapping[str, Case],
    traces: Sequence[Trace],
    judge: Judge,
    *,
    concurrency: int | None = None,
    on_evidence: Callable[[int], None] | None = None,
) -> list[Evidence | None]:
    """The judge's evidence for every trace, in the order of ``traces``; None where there was no answer.

    ``concurrency`` is the judge's own, or 8, if None. A judge that raises gives evidence whose ``error`` says why: never a score.
    """
    found: list[Evidence | None] = [None] * len(traces)
    breath = monotonic() + BREATH

    async def grade(index: int) -> None:
        nonlocal breath
        trace = traces[index]
        if trace.response is not None:
            found[index] = await _evidence(judge, cases[trace.case_id], trace)
        if on_evidence is not None:
            on_evidence(index)
        if monotonic() > breath:  # a judge of rules waits for nothing
            await asyncio.sleep(0)
            breath = monotonic() + BREATH

    await each(range(len(traces)), grade, concurrency or int(getattr(judge, "concurrency", 8)))
    return found


async def _evidence(judge: Judge, case: Case, trace: Trace) -> Evidence:
    try:
        given = judge.judge(case, trace)
        return received(judge, await given if inspect.isawaitable(given) else given)
    except EvalkitError:  # a refused key ends the run, it is no grade
        raise
    except Exception as error:  # noqa: BLE001 (foreign code: a judge may be anybody's)
        return Evidence(judge.name, error=f"{type(error).__name__}: {error}")


def received(judge: Judge, given: Any) -> Evidence:
    """What a judge gave, if it is evidence with fields of their kinds; else evidence whose ``error`` names the judge and the field.

    None stays None: the judge did not grade this. Whether numbers are in range is for the metrics to say.
    """
    if given is None:
        return given  # type: ignore[return-value]  # nothing was promised of foreign code
    fault = _fault(given)
    return given if fault is None else Evidence(judge.name, error=f"judge {judge.name}: {fault}")


def _fault(given: Any) -> str | None:
    """What keeps a judge's word from being evidence; None where nothing does."""
    if not isinstance(given, Evidence):
        return f"gave a {_kind(given)}, not Evidence"
    for name in ("correct", "refused"):
        if not _number(value := getattr(given, name)):
            return f"{name} is a {_kind(value)}, not a number or None"
    error: object = given.error
    if error is not None and not isinstance(error, str):
        return f"error is a {_kind(error)}, not a text or None"
    for name, sound, wanted in _LISTS:
        values = getattr(given, name)
        if values is not None and not isinstance(values, tuple):
            return f"{name} is a {_kind(values)}, not a tuple"
        wrong = [value for value in values or () if not sound(value)]
        if wrong:
            return f"{name} has a {_kind(wrong[0])} that is not {wanted}"
    return None


def _number(value: object) -> bool:
    return value is None or isinstance(value, (int, float))


def _truth(value: object) -> bool:
    return value is None or isinstance(value, bool)


def _claim(value: object) -> bool:
    return isinstance(value, Claim) and _truth(value.supported)


_LISTS: tuple[tuple[str, Callable[[object], bool], str], ...] = (
    ("claims", _claim, "a Claim whose supported is true, false or None"),
    ("covered", _number, "a number or None"),
    ("cited", _truth, "true, false or None"),
    ("reasons", lambda value: isinstance(value, str), "a text"),
)


def _kind(value: object) -> str:
    return type(value).__name__
