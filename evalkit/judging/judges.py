"""A judge as it is named on the command line, and closed when its work is done."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

from evalkit import plugins
from evalkit.judges.choose import judge_from
from evalkit.records import Judge


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
