"""The Ray engine: a run is cut into shares, workers on a cluster ask them, and merging makes them one run again."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from evalkit.api import Run
from evalkit.case_file import long_file
from evalkit.engines import SHARDS
from evalkit.engines.before import is_finished, look, note_complete, stands
from evalkit.engines.cluster import check_installed, cluster
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
    StorageError,
)
from evalkit.fingerprints.watched import check_rerun
from evalkit.finished import Finished
from evalkit.judges.choose import KINDS
from evalkit.merge import graded
from evalkit.records import AS_IS, Case, Suite
from evalkit.shards import Share, number_of
from evalkit.store import Store
from evalkit.store.opening import STORE, lock
from evalkit.suite import load_suite
from evalkit.systems import Systems
from evalkit.watch import Watcher

WORKERS = 2
OWN = "local"  # as Ray itself calls it
LIMITS = ("max_calls", "max_cost", "max_time")
PLAIN = (
    *("repeats", "limit", "probes", "seed", "retry_errors", "rerun"),
    *("cache", "playbook", "isolate", "judge"),
)


def run(  # noqa: PLR0913 (keyword-only options of an entry point)
    suite: Suite | str | Path,
    systems: Systems,
    *,
    out: str | Path,
    workers: int | None = None,
    ray_address: str | None = None,
    concurrency: int = 8,
    watch: Watcher | None = None,
    finished: Finished | None = None,
    **options: Any,
) -> Run:
    """Ask, score and diagnose as ``evalkit.run`` does, on ``workers`` (2 if None) of a Ray cluster.

    ``ray_address`` is the cluster (``auto``, ``host:port``), the variable ``RAY_ADDRESS`` if None; without either, or as
    ``local``, one is started on this machine, and ended. The limits
    and ``concurrency`` hold for the whole run and are divided over shares and workers. ``options`` are those of
    ``evalkit.arun``. An interrupted run goes on with the same ``out``, in the same shares. Beside the errors of
    ``arun``: ``UsageError`` without Ray, ``InvalidInput`` for systems that no systems file describes,
    ``SharesMissing`` where workers kept dying. What can be refused is refused before a cluster is started or asked; none
    is where the run in ``out`` is complete: it is graded, and not even that where ``finished`` finds its files as they were.
    """
    check_installed()
    address = _address(ray_address)
    loaded, where = _loaded(suite)
    folder, watcher = Path(out).resolve(), watch or Watcher()
    check_ours(folder)
    check_rerun(options.get("rerun"))
    cases = loaded.cases[: options.get("limit")]
    if not cases:
        raise NothingToDo("the suite has no case")
    at_once = max(1, min(workers or WORKERS, concurrency))
    count = split_of(folder, len(cases), at_once)
    shares = [Share(number + 1, count) for number in range(count)]
    at_once, whole = min(at_once, count), _limits(options)
    settings = {**_settings(options), "concurrency": max(1, concurrency // at_once)}
    orders = _orders(loaded, where, folder, shares, told_systems(systems), settings)
    missing = _missing(cases, orders, options.get("repeats") or loaded.repeats)
    how: dict[str, Any] = {"orders": orders, "missing": sum(missing)}
    means = look(loaded, systems, folder, options, **how, remote=address is not None)
    if not sum(missing) and (there := _there(folder, loaded, finished, means, watcher, options)):
        return there
    with _only_here(folder) as seen, cluster(address) as ray:
        tasks = [
            Task(order, part, spent(Path(order.folder)))
            for order, part in zip(orders, parts(whole, missing), strict=True)
        ]
        crew = Crew(ray, at_once, seen, Shown(watcher, count, sum(missing)))
        crew.work(tasks)
    run = _whole(folder, shares, loaded, watcher, crew.ended, options.get("playbook"))
    _settle(finished, run, means, complete=not crew.cut)
    return run


def _there(
    folder: Path,
    suite: Suite,
    finished: Finished | None,
    means: str | None,
    watch: Watcher,
    options: Mapping[str, Any],
) -> Run | None:
    """The run that stands in ``folder`` already, graded unless its files need not be made again; None where something is to be done."""
    if is_finished(folder, finished, means):
        return Run(suite, {}, {}, folder)
    if not stands(folder, means):
        return None
    run = graded(folder, suite, watch, options.get("playbook"))
    _settle(finished, run, means, complete=True)
    return run


def _address(given: str | None) -> str | None:
    """Where the cluster is; None for one of our own on this machine."""
    named = given or os.environ.get("RAY_ADDRESS") or OWN
    return None if named == OWN else named


def _orders(
    suite: Suite,
    where: Path,
    folder: Path,
    shares: Sequence[Share],
    systems: tuple[dict[str, Any], ...],
    settings: Mapping[str, Any],
) -> list[Order]:
    """What the worker of each share is told; what cannot travel is refused."""
    cases = len(suite.cases)
    common = Order(str(where), suite.digest, cases, "", "", systems, settings)
    common.text()
    return [replace(common, folder=str(folder_of(folder, s)), shard=str(s)) for s in shares]


def _settle(finished: Finished | None, run: Run, means: str | None, *, complete: bool) -> None:
    """The run has ended; note what it and its files are made of."""
    if run.folder is None:
        return
    held = () if run.large is not None else run.systems.values()
    evidence = [one for found in held for one in found.graded.evidence]
    judged = not any(found is not None and found.error is not None for found in evidence)
    note_complete(run.folder, means, complete=complete and judged)
    if finished is not None:
        with Store(run.folder, reading=True) as store:
            finished.is_there(store, means, unchanged=False)
            finished.settle(store, complete=complete, evidence=evidence)


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
            # Of a share that was only begun there is nothing to read; of a damaged one what is lost is asked again.
            with suppress(StorageError), Store(Path(order.folder), reading=True) as store:
                done = store.done(errors=errors) - store.unknown()
            wanted -= sum(k[2] == AS_IS and k[0] in names and k[3] < times for k in done)
        found.append(max(0, wanted))
    return found


@contextmanager
def _only_here(folder: Path) -> Iterator[Path]:
    """Nobody else hands out the shares in ``folder`` meanwhile; a file by which a worker knows that it sees the same folder."""
    file = folder / SHARDS / "here"
    with closing(lock(file.parent)):
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
    playbook: Path | None,
) -> Run:
    """The merged run; where shares ended with errors, the gravest is raised, with what was answered as its ``run``."""
    failed = {name: error for name, error in ended.items() if error is not None}
    absent = [s for s in shares if not (folder_of(folder, s) / STORE).exists()]
    if not failed:
        return put_together(folder, shares, suite, watch, playbook)
    name, error = min(failed.items(), key=lambda item: _gravity(item[1]))
    more = f" (and {len(failed) - 1} other shards ended early)" if len(failed) > 1 else ""
    told = "--out" in str(error) or isinstance(error, InvalidInput)  # that needs a change first
    going_on = "" if told else "; the same command with the same --out goes on"
    raised = type(error)(f"shard {name}: {error}{more}{going_on}")
    if isinstance(raised, Stopped) and not absent:
        try:
            raised.run = put_together(folder, shares, suite, watch, playbook)
        except NothingToDo:
            raised.run = None
    raise raised


def _gravity(error: EvalkitError) -> int:
    """What is told first: an error that needs a change, then shares that are missing, then limits."""
    return 2 if isinstance(error, BudgetExceeded) else int(isinstance(error, SharesMissing))
