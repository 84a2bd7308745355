"""evalkit finds out which component of an LLM feature fails, proves it, and says what to do about it.

>>> import evalkit
>>> suite = evalkit.load_suite("datasets/helpdesk")       # doctest: +SKIP
>>> run = evalkit.run(suite, {"mine": my_system})          # doctest: +SKIP
>>> run.diagnosis()["recommendation"]                      # doctest: +SKIP

Everything is loaded when it is first used, so that importing costs next to nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_EXPORTS = {
    "Run": "api",
    "arun": "api",
    "from_traces": "api",
    "open_run": "api",
    "run": "api",
    "system": "systems",
    "EvalkitError": "errors",
    "InvalidInput": "errors",
    "Case": "records",
    "Document": "records",
    "Evidence": "records",
    "KeyPoint": "records",
    "Metric": "records",
    "Outcome": "records",
    "Passage": "records",
    "Question": "records",
    "Suite": "records",
    "Trace": "records",
    "load_suite": "suite",
    "load_systems": "suite",
}

__all__ = ["__version__", *_EXPORTS]  # noqa: PLE0604 (names of the table above)

if TYPE_CHECKING:
    from evalkit.api import Run, arun, from_traces, open_run, run
    from evalkit.errors import EvalkitError, InvalidInput
    from evalkit.records import (
        Case,
        Document,
        Evidence,
        KeyPoint,
        Metric,
        Outcome,
        Passage,
        Question,
        Suite,
        Trace,
    )
    from evalkit.suite import load_suite, load_systems
    from evalkit.systems import system


def __getattr__(name: str) -> Any:
    if name not in _EXPORTS:
        raise AttributeError(f"module 'evalkit' has no attribute {name!r}")
    return getattr(importlib.import_module(f"evalkit.{_EXPORTS[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
