"""The Ray engine: a run is cut into shares, workers on a cluster ask them, and merging makes them one run again."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from evalkit.api import Run
from evalkit.case_file import long_file
from evalkit.engines import SHARDS
from evalkit.engines.cluster import cluster, library
from evalkit.engines.crew import Crew, Task
from evalkit.engines.folders import check_ours, folder_of, put_together, spent, split_of
from evalkit.engines.limits import Limits, parts
from evalkit.engines.order import Order, told_systems
from evalkit.engines.progress import Shown
from evalkit.errors import (
    BudgetExceeded,
    EvalkitError,
    InvalidInput,
    NothingToDo,
    SharesMissing,
    Stopped,
)
from evalkit.judges.choose import KINDS
from evalkit.records import AS_IS, Case, Suite
from evalkit.shards import Share, number_of
from evalkit.store import Store
from evalkit.store.lost import check_not_lost
from evalkit.store.opening import STORE, NothingStoredError
from evalkit.suite import load_suite
from evalkit.systems import Systems
from evalkit.watch import Watcher

WORKERS = 2
LIMITS = ("max_calls", "max_cost", "max_time")
PLAIN = (
    *("repeats", "limit", "probes", "seed", "retry_errors", "rerun"),
    *("cache", "playbook", "isolate", "judge"),
)


def run(
    suite: Suite | str | Path,
    systems: Systems,
    *,
    out: str | Path,
    workers: int | None = None,
    ray_address: str | None = None,
    concurrency: int = 8,
    watch: Watcher | None = None,
    **options: Any,
) -> Run:
    """Ask, score and diagnose as ``evalkit.run`` does, on ``workers`` (2 if None) of a Ray cluster.

    ``ray_address`` is the cluster (``auto``, ``host:port``); None starts one on this machine, and ends it. The limits
    and ``concurrency`` hold for the whole run and are divided over shares and workers. ``options`` are those of
    ``evalkit.arun``. An interrupted run goes on with the same ``out``, in the same shares. Beside the errors of
    ``arun``: ``UsageError`` without Ray, ``InvalidInput`` for systems that no systems file describes,
    ``SharesMissing`` where workers kept dying.
    """
    library()
    loaded, where = _loaded(suite)
    folder, watcher = Path(out).resolve(), watch or Watcher()
    check_ours(folder)
    if not any((folder / SHARDS).glob(f"*/{STORE}")):
        check_not_lost(folder)
    at_once = max(1, min(workers or WORKERS, concurrency))
    cases = loaded.cases[: options.get("limit")]
    if not cases:
        raise NothingToDo("the suite has no case")
    count = split_of(folder, len(cases), at_once)
    shares = [Share(number + 1, count) for number in range(count)]
    at_once, whole = min(at_once, count), _limits(options)
    common = Order(
        suite=str(where),
        digest=loaded.digest,
        cases=len(loaded.cases),
        folder="",
        shard="",
        systems=told_systems(systems),
        settings={**_settings(options), "concurrency": max(1, concurrency // at_once)},
    )
    common.text()  # what cannot travel is refused before anything starts
    orders = [replace(common, folder=str(folder_of(folder, s)), shard=str(s)) for s in shares]
    times = options.get("repeats") or loaded.repeats
    missing = _missing(cases, orders, times)
    with cluster(ray_address) as ray, _token_in(folder) as seen:
        tasks = [
            Task(order, part, spent(Path(order.folder)))
            for order, part in zip(orders, parts(whole, missing), strict=True)
        ]
        crew = Crew(ray, at_once, seen, Shown(watcher, count, sum(missing)))
        crew.work(tasks)
    return _whole(folder, shares, loaded, watcher, crew.ended)


def _loaded(suite: Suite | str | Path) -> tuple[Suite, Path]:
    """The suite, and where workers find it; ``InvalidInput`` for one that is not what its files say."""
    if not isinstance(suite, Suite):
        return load_suite(suite), Path(suite).resolve()
    again = load_suite(suite.folder)
    held = long_file(suite.cases) is None  # those of a long file are read from it anyway
    if (again.digest, len(again.cases)) != (suite.digest, len(suite.cases)) or (
        held and again.cases != suite.cases
    ):
        raise InvalidInput(
            "the suite is not what its files say, and workers elsewhere read the files",
            file=suite.folder,
            hint="give the folder of a suite",
        )
    return suite, suite.folder.resolve()


def _limits(options: Mapping[str, Any]) -> Limits:
    calls, cost, seconds = (options.get(name) for name in LIMITS)
    return Limits(calls, cost, None if seconds is None else time.monotonic() + seconds)


def _settings(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options of a run as plain values, paths absolute, without what each share is told by itself."""
    other = [name for name, value in options.items() if name not in PLAIN + LIMITS and value]
    if other:
        hint = "a run on Ray is cut into shares by itself" if other == ["shard"] else None
        raise InvalidInput("is not for a run on Ray", field=other[0], hint=hint)
    found = {name: options[name] for name in PLAIN if options.get(name) is not None}
    for name in ("cache", "playbook"):
        if name in found:
            found[name] = str(Path(found[name]).resolve())
    kind, colon, file = str(found.get("judge", "")).partition(":")
    if colon and kind in KINDS:
        found["judge"] = f"{kind}:{Path(file).resolve()}"
    return found


def _missing(cases: Sequence[Case], orders: Sequence[Order], times: int) -> list[int]:
    """How many first answers each share lacks; the cases are gone through once."""
    sizes = Counter(number_of(case, len(orders)) for case in cases)
    found = []
    for number, order in enumerate(orders, 1):
        names = {system["name"] for system in order.systems}
        wanted = sizes[number] * len(names) * times
        if wanted and (Path(order.folder) / STORE).exists():
            errors = not order.settings.get("retry_errors")
            done = set()
            # Of a share that was only begun there is nothing to read.
            with suppress(NothingStoredError), Store(Path(order.folder), reading=True) as store:
                done = store.done(errors=errors) - store.unknown()
            wanted -= sum(k[2] == AS_IS and k[0] in names and k[3] < times for k in done)
        found.append(max(0, wanted))
    return found


@contextmanager
def _token_in(folder: Path) -> Iterator[Path]:
    """A file in the run folder by which a worker knows that it sees the same folder."""
    file = folder / SHARDS / "here"
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    file.touch(mode=0o600)
    try:
        yield file
    finally:
        file.unlink(missing_ok=True)


def _whole(
    folder: Path,
    shares: Sequence[Share],
    suite: Suite,
    watch: Watcher,
    ended: Mapping[str, EvalkitError | None],
) -> Run:
    """The merged run; where shares ended with errors, the gravest is raised, with what was answered as its ``run``."""
    failed = {name: error for name, error in ended.items() if error is not None}
    absent = [s for s in shares if not (folder_of(folder, s) / STORE).exists()]
    if not failed:
        return put_together(folder, shares, suite, watch)
    name, error = min(failed.items(), key=lambda item: _gravity(item[1]))
    more = f" (and {len(failed) - 1} other shards ended early)" if len(failed) > 1 else ""
    told = "--out" in str(error) or isinstance(error, InvalidInput)  # that needs a change first
    going_on = "" if told else "; the same command with the same --out goes on"
    raised = type(error)(f"shard {name}: {error}{more}{going_on}")
    if isinstance(raised, Stopped) and not absent:
        try:
            raised.run = put_together(folder, shares, suite, watch)
        except NothingToDo:
            raised.run = None
    raise raised


def _gravity(error: EvalkitError) -> int:
    """What is told first: an error that needs a change, then shares that are missing, then limits."""
    return 2 if isinstance(error, BudgetExceeded) else int(isinstance(error, SharesMissing))
