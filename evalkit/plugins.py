"""The shelves: names of adapters, judges, metrics and causes, each mapped to the one object it means."""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.metadata import entry_points
from typing import Any

from evalkit.errors import InvalidInput, did_you_mean

ADAPTERS = {
    "python": "evalkit.adapters.python:build",
    "openai": "evalkit.adapters.openai:build",
    "http": "evalkit.adapters.http:build",
    "recorded": "evalkit.adapters.recorded:build",
    "local": "evalkit.adapters.local:build",
}
JUDGES = {
    "embedded": "evalkit.judges.embedded:EmbeddedJudge",
    "ragas": "evalkit.judges.ragas:from_environment",
}
METRICS = {
    "answer": "evalkit.metrics.answer:METRICS",
    "consistency": "evalkit.metrics.consistency:METRICS",
    "cost": "evalkit.metrics.cost:METRICS",
    "format": "evalkit.metrics.format:METRICS",
    "style": "evalkit.metrics.style:METRICS",
}
CAUSES = {"causes": "evalkit.causes:CAUSES"}
CONDITIONS = {"conditions": "evalkit.conditions:CONDITIONS"}
SHELVES: Mapping[str, Mapping[str, str]] = {
    "adapters": ADAPTERS,
    "judges": JUDGES,
    "metrics": METRICS,
    "causes": CAUSES,
    "conditions": CONDITIONS,
}


@cache
def _installed() -> Any:
    """What all installed packages offer: each is looked at once, not once a shelf."""
    return entry_points()


@cache
def shelf(kind: str) -> Mapping[str, str]:
    """Every name on a shelf and where its object lies: ours, and those of installed packages.

    Raises ``InvalidInput`` when an installed package claims a name that is taken.
    """
    found = dict(SHELVES[kind])
    for point in _installed().select(group=f"evalkit.{kind}"):
        if point.name in found and found[point.name] != point.value:
            raise InvalidInput(
                f"two {kind} are called {point.name!r}: {found[point.name]} and {point.value}",
                hint="rename or uninstall one of them",
            )
        found[point.name] = point.value
    return found


def only_ours() -> bool:
    """Whether no installed package puts anything on a shelf."""
    return all(shelf(kind) == ours for kind, ours in SHELVES.items())


def resolve(kind: str, name: str) -> Any:
    """The object called ``name`` on a shelf; ``module:attr`` names any importable object."""
    if ":" in name:
        return _load(name, kind)
    known = shelf(kind)
    if name not in known:
        raise InvalidInput(
            f"there is no {kind[:-1]} called {name!r}", hint=did_you_mean(name, known)
        )
    return _load(known[name], kind)


def members(kind: str) -> list[Any]:
    """Everything on a shelf whose entries are objects or tuples of objects, in shelf order."""
    found: list[Any] = []
    for where in shelf(kind).values():
        loaded = _load(where, kind)
        found.extend(loaded if isinstance(loaded, Iterable) else [loaded])
    return found


def _load(where: str, kind: str) -> Any:
    module_name, _, attribute = where.partition(":")
    try:
        module = importlib.import_module(module_name)
    except ImportError as error:
        raise InvalidInput(f"the {kind[:-1]} {where!r} cannot be imported: {error}") from error
    try:
        return getattr(module, attribute)
    except AttributeError:
        raise InvalidInput(f"module {module_name!r} has no {attribute!r}") from None
