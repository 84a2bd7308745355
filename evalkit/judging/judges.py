"""A judge as it is named on the command line, and closed when its work is done."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

from evalkit import plugins
from evalkit.judge import judge_traces
from evalkit.judges.choose import judge_from
from evalkit.records import Evidence, Judge, Suite, Trace


def judge_called(choice: str) -> Judge:
    """The judge that ``choice`` names, made ready; ``InvalidInput`` where there is none.

    ``embedded``, ``llm:FILE.yaml``, ``panel:FILE.yaml``, ``ragas:FILE.yaml``, ``module:attribute``, or the name of an
    installed one. Files are looked for below the current folder, or anywhere.
    """
    return judge_from(choice, Path(), confined=False, named=partial(plugins.resolve, "judges"))


@asynccontextmanager
async def closing(judge: Judge) -> AsyncIterator[Judge]:
    """The judge, its connections closed at the end, if it has any."""
    try:
        yield judge
    finally:
        close = getattr(judge, "aclose", None)
        if close is not None:
            await close()


async def judge_systems(
    suite: Suite, traces: Mapping[str, Sequence[Trace]], judge: Judge
) -> dict[str, list[Evidence | None]]:
    """The evidence for every trace of every system, in their order; the judge is closed at the end."""
    cases = {case.id: case for case in suite.cases}
    async with closing(judge):
        return {name: await judge_traces(cases, given, judge) for name, given in traces.items()}
