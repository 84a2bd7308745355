"""From entries of systems.yaml, functions and objects to systems that can be asked."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from evalkit import plugins
from evalkit.errors import InvalidInput, NothingToDo
from evalkit.records import Approach, Suite, System, SystemSpec


def system(name: str, target: Any, *, approach: str = "rag", version: str | None = None) -> System:
    """A Python function or object as a system: anything design section 4 calls a system.

    A run is only gone on with, and answers are only found again, for the same code holding the same values.
    ``version`` names what the object holds (settings, an index, a client) where that cannot be compared, or differs
    each time: its values are not looked at then, only its code.
    """
    from evalkit.adapters.python import wrap

    found: System = wrap(target, name=name, approach=Approach(approach), version=version)
    return found


def build(
    spec: SystemSpec, suite: Suite, *, isolate: bool = False, logs: Path | None = None
) -> System:
    """The system that an entry of systems.yaml describes.

    With ``isolate`` one written in Python runs in processes of its own, and what it prints goes to a file in ``logs``.
    """
    if isolate and spec.adapter == "python":
        from evalkit.workers import build as build_isolated

        return build_isolated(spec, suite, logs=logs)
    try:
        make = plugins.resolve("adapters", spec.adapter)
    except InvalidInput as error:
        where = f"{spec.name}.adapter"
        raise InvalidInput(error.message, file=spec.folder, field=where, hint=error.hint) from None
    found: System = make(spec, suite)
    return found


Systems = Mapping[str, Any] | Sequence[SystemSpec | System]


@asynccontextmanager
async def built(
    suite: Suite, systems: Systems, logs: Path | None = None, vectors: Path | None = None
) -> AsyncIterator[list[System]]:
    """The systems, made ready and closed at the end; ``logs`` is where isolated ones print, None isolates none.

    ``vectors`` is where retrievers with an embedder keep what they computed; None keeps nothing.
    """
    from evalkit.embeddings.remembered import kept_in

    made: list[System] = []
    try:
        names = systems if isinstance(systems, Mapping) else [None] * len(systems)
        for name, one in zip(names, given_of(systems), strict=True):
            with kept_in(vectors):
                made.append(_build_one(name, one, suite, logs))
        if not made:
            raise NothingToDo("no system is given")
        yield made
    finally:
        for one in made:
            await one.aclose()


def given_of(systems: Systems) -> list[Any]:
    """What was given, in order, without the names."""
    return list(systems.values() if isinstance(systems, Mapping) else systems)


def _build_one(name: str | None, given: Any, suite: Suite, logs: Path | None) -> System:
    if isinstance(given, SystemSpec):
        return build(given, suite, isolate=logs is not None, logs=logs)
    if _is_system(given):
        from evalkit.adapters.python import ObjectSystem

        found: System = given
        if isinstance(found, ObjectSystem):  # its object may have changed since it was made
            found.look()
        return found
    if name is None:
        raise InvalidInput("a function or object needs a name: give a mapping of names to systems")
    return system(name, given)


def _is_system(given: Any) -> bool:
    """Whether it has what a system has; an object that answers to every name has not."""
    try:
        return isinstance(given.capabilities, frozenset | set) and isinstance(
            given.fingerprint, str
        )
    except Exception:  # noqa: BLE001 (an object of the user's own may raise anything)
        return False
