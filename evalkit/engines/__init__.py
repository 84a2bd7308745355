"""Where the questions of a run are put from: this process, or many at once, each with a share of the suite."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from evalkit.errors import InvalidInput, did_you_mean
from evalkit.fingerprints.watched import check_rerun
from evalkit.store.opening import STORE

LOCAL = "local"
ENGINES = (LOCAL, "ray")
SHARDS = "shards"  # in the run folder: the shares of a run that is asked in shares


def check_local(folder: Path, rerun: str | None) -> None:
    """``InvalidInput`` where another engine has not merged its shares yet (their answers would be asked again), or for an odd ``rerun``."""
    check_rerun(rerun)
    if (folder / SHARDS).is_dir() and not (folder / STORE).exists():
        raise InvalidInput("was begun with --engine ray", file=folder, hint="go on with that")


def elsewhere(engine: str) -> Callable[..., Any]:
    """What runs a suite on another engine than the local one, as ``evalkit.run`` does."""
    if engine not in ENGINES[1:]:
        raise InvalidInput(
            f"there is no engine {engine!r}", field="engine", hint=did_you_mean(engine, ENGINES)
        )
    found: Callable[..., Any] = importlib.import_module(f"evalkit.engines.{engine}_engine").run
    return found
