"""What of the systems of a run is watched for changes, said where something is not, and the cache that goes by it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from evalkit.cache import Cache
from evalkit.errors import InvalidInput
from evalkit.fingerprints import Looked, Parts, digest, look_at, suite_parts, world_of
from evalkit.records import Suite, System

RERUN = ("changed", "adopt")
NOT_ADOPTED = (
    'rerun="adopt": nothing is adopted, no system has a version whose earlier answers have none'
)
HELD = ("held", "fingerprint")  # parts of a system that a version stands for
MOST = 4  # things that are told of one system
VERSION_HINT = '; evalkit.system(..., version="1") names what it holds'


def cache_of(
    folder: str | Path | None,
    suite: Suite,
    made: Sequence[tuple[System, Looked]],
    warn: Callable[[str], None],
) -> Cache | None:
    """The cache in ``folder`` for these systems; None without one."""
    if folder is None:
        return None
    world = world_of(suite_parts(suite))
    systems = {s.name: digest(*sorted(given.parts.items())) for s, given in made}
    closed = {s.name for s, given in made if given.unwatched}
    return Cache(Path(folder), world=world, systems=systems, warn=warn, closed=closed)


def looked_at(made: Sequence[System], given: Sequence[Any]) -> list[tuple[System, Looked]]:
    """The systems, each with what it is made of, looked at once."""
    return [(system, look_at(system, of)) for system, of in zip(made, given, strict=True)]


def told_unwatched(made: Iterable[tuple[System, Looked]], *, cached: bool) -> list[str]:
    """What to say of systems that are not watched whole, a line each.

    ``InvalidInput`` where the code of one has changed since it was imported: its answers would pass for those of the new code.
    """
    known = list(made)
    for system, found in known:
        if found.edited:
            raise InvalidInput(
                f"{system.name}: {', '.join(found.edited[:MOST])} changed after this process imported it",
                hint="start Python anew, or reload the module (importlib.reload)",
            )
    return [_told(system, found, cached=cached) for system, found in known if found.unwatched]


def _told(system: System, found: Looked, *, cached: bool) -> str:
    more = len(found.unwatched) - MOST
    what = "; ".join(found.unwatched[:MOST]) + (f"; and {more} more" if more > 0 else "")
    kept = ", and its answers are kept out of the cache" if cached else ""
    return f"{system.name}: changes are not seen in {what}{kept}{found.hint and VERSION_HINT}"


def check_rerun(choice: str | None) -> None:
    """``InvalidInput`` where ``choice`` is nothing that can be done with a run that was made of something else."""
    if choice is not None and choice not in RERUN:
        raise InvalidInput(f"rerun is {choice!r}", hint=f"one of {', '.join(RERUN)}, or None")


def adopted_in(names: Iterable[str], stored: Parts, now: Parts) -> dict[tuple[str, ...], str]:
    """The systems that have a version now and had none, and what to say of each: what it stands for was compared value by value.

    Whoever asks for it says that the answers are those of this version. The code must be what it was all the same.
    """
    found: dict[tuple[str, ...], str] = {}
    for name in names:
        version = ("system", name, "held", "version")
        if version in now and version not in stored and ("system", name, "fingerprint") in stored:
            told = f"{name}: its earlier answers are taken for answers of version {now[version]}"
            found[version[:2]] = told
    return found
