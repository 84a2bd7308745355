"""Where the questions of a run are put from: this process, or many at once, each with a share of the suite."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

from evalkit.errors import InvalidInput, did_you_mean

LOCAL = "local"
ENGINES = (LOCAL, "ray")
SHARDS = "shards"  # in the run folder: the shares of a run that is asked in shares


def elsewhere(engine: str) -> Callable[..., Any]:
    """What runs a suite on another engine than the local one, as ``evalkit.run`` does."""
    if engine not in ENGINES[1:]:
        raise InvalidInput(
            f"there is no engine {engine!r}", field="engine", hint=did_you_mean(engine, ENGINES)
        )
    found: Callable[..., Any] = importlib.import_module(f"evalkit.engines.{engine}_engine").run
    return found
