"""Stage 4, traces x judge -> evidence: the only place where an opinion enters."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence

from evalkit.errors import EvalkitError
from evalkit.pool import each
from evalkit.records import Case, Evidence, Judge, Trace


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

    async def grade(index: int) -> None:
        trace = traces[index]
        if trace.response is not None:
            found[index] = await _evidence(judge, cases[trace.case_id], trace)
        if on_evidence is not None:
            on_evidence(index)

    await each(range(len(traces)), grade, concurrency or int(getattr(judge, "concurrency", 8)))
    return found


async def _evidence(judge: Judge, case: Case, trace: Trace) -> Evidence:
    try:
        given = judge.judge(case, trace)
        return await given if inspect.isawaitable(given) else given
    except EvalkitError:  # a refused key ends the run, it is no grade
        raise
    except Exception as error:  # noqa: BLE001 (foreign code: a judge may be anybody's)
        return Evidence(judge.name, error=f"{type(error).__name__}: {error}")
