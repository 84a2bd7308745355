"""Whether a finished run stands as it is, seen before anything that grades is imported; in doubt the long way finds out."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from evalkit import plugins
from evalkit.adapters.connections import without_calls
from evalkit.ask import plan
from evalkit.commit import COMMIT, commit_of
from evalkit.engines import LOCAL, SHARDS
from evalkit.errors import EvalkitError
from evalkit.fingerprints import system_parts
from evalkit.fingerprints.watched import looked_at, told_unwatched
from evalkit.finished import FILE, Finished, means_of_ours
from evalkit.records import Suite, System, SystemSpec
from evalkit.resume import recipe_of, stored_parts
from evalkit.shards import SHARD
from evalkit.store import Store
from evalkit.store.damage import attempts_are_whole
from evalkit.store.opening import SESSION, STORE, lock, open_to_read
from evalkit.store.session import read_session
from evalkit.systems import build
from evalkit.whereabouts import SUITE_FOLDER, path_from

ENDPOINTS = {"openai", "http"}  # systems that are made of their options alone
_ALTER = (  # options with which a run takes the long way
    *("limit", "only", "shard", "workers", "ray_address", "retry_errors", "rerun", "cache"),
    *("judge", "reviewed", "playbook"),
)
_JUDGE = "judge"  # the note of a run that another judge was chosen for


def stands(
    finished: Finished, suite: Suite, specs: Sequence[SystemSpec], options: Mapping[str, Any]
) -> bool:
    """Whether ``evalkit run`` with these options would leave the folder as it is: ``finished`` then has what is told of it.

    All that the long way looks at is looked at, and nothing is written. Where anything is another, damaged, in use or
    cannot be told here, the answer is no, and the long way says why.
    """
    folder = finished.folder
    there = (folder / FILE).is_file() and (folder / STORE).is_file()
    if not there or (folder / SHARDS).exists() or not _plain(specs, options):
        return False
    try:
        with closing(lock(folder)), without_calls():
            made = [build(spec, suite) for spec in specs]
            try:
                return _in_order(folder) and _stands(finished, suite, made, specs, options)
            finally:
                asyncio.run(_closed(made))
    except (EvalkitError, OSError):
        return False


def _plain(specs: Sequence[SystemSpec], options: Mapping[str, Any]) -> bool:
    """Whether nothing is asked for, nor installed, that only the long way knows."""
    if options["engine"] != LOCAL or any(options[name] for name in _ALTER):
        return False
    endpoints = all(s.adapter in ENDPOINTS and "retriever" not in s.options for s in specs)
    return endpoints and plugins.only_ours()


def _in_order(folder: Path) -> bool:
    """Whether the last session ended in order, and no record of a call is damaged."""
    last = read_session(folder / SESSION)
    if last is None or last.open:
        return False
    with closing(open_to_read(folder / STORE)) as db:
        return attempts_are_whole(db)


def _stands(
    finished: Finished,
    suite: Suite,
    made: Sequence[System],
    specs: Sequence[SystemSpec],
    options: Mapping[str, Any],
) -> bool:
    pairs = looked_at(made, specs)
    now = {place: v for one, given in pairs for place, v in system_parts(one, given).items()}
    times, probes = options["repeats"], options["probes"]
    repeats = suite.repeats if times is None else times
    means = means_of_ours(suite, made, repeats, probes, False, None, None)  # noqa: FBT003 (as ``arun`` gives them)
    with Store(finished.folder, reading=True) as store:
        before = {p: v for p, v in stored_parts(store).items() if p[0] == "system"}
        return (
            store.recipe() == recipe_of(suite, made, options["seed"])
            and before == now
            and not told_unwatched(pairs, cached=False)
            and _noted(store.notes(), finished.folder, suite)
            and not any(plan(made, suite.cases, repeats, store.done() - store.unknown()))
            # Last: what it finds is taken for the answer.
            and finished.is_there(store, means, unchanged=True)
        )


def _noted(notes: Mapping[str, str], folder: Path, suite: Suite) -> bool:
    """Whether the run would note of itself what it has noted."""
    commit = commit_of(suite.folder, Path.cwd())
    return (
        notes.get(SUITE_FOLDER) == path_from(folder, suite.folder)
        and commit in (None, notes.get(COMMIT, "").split(" ")[-1])
        and notes.keys().isdisjoint((SHARD, _JUDGE))
    )


async def _closed(made: Sequence[System]) -> None:
    for one in made:
        await one.aclose()
