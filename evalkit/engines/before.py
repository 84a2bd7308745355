"""Looks, before any worker is asked, at all that a run in shares would be refused for, and whether it is finished already."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from evalkit.api import VECTORS
from evalkit.budget import Budget, check_costs
from evalkit.engines import SHARDS
from evalkit.engines.order import Order
from evalkit.errors import EndpointUnusable, InvalidInput, StorageError
from evalkit.finished import Finished, means_of_files
from evalkit.judging.of_run import Seat, seat_of
from evalkit.judging.under_way import Judging
from evalkit.pool import block_on
from evalkit.records import Suite, System
from evalkit.resume import agree
from evalkit.shards import read_share, settle
from evalkit.store import Store
from evalkit.store.opening import STORE
from evalkit.systems import Systems, built, given_of
from evalkit.tools import Tools, tools_for
from evalkit.work import Probing

Options = Mapping[str, Any]
SETTLED = "settled"  # beside the shares: what the whole was made of when it was complete


def look(
    suite: Suite,
    systems: Systems,
    folder: Path,
    options: Options,
    *,
    orders: Sequence[Order],
    missing: int,
    remote: bool,
) -> str | None:
    """A digest of what the derived files depend on beside the answers, as ``means_of_files``; None where nobody can tell.

    Raises what the workers would raise: a system that cannot be built, calls without a price where cost is limited,
    shares made of something else or held by another process. ``missing`` counts first answers that are not there.
    Where the workers are ``remote``, keys need not be here: then nothing that depends on the systems is looked at.
    """
    seat = seat_of(options.get("judge"), suite, folder)
    looking = _look(suite, systems, folder, options, seat, orders, missing)
    try:
        return block_on(seat.through(looking), instead="a thread of its own")
    except EndpointUnusable:
        if not remote:
            raise
        return None


async def _look(
    suite: Suite,
    systems: Systems,
    folder: Path,
    options: Options,
    seat: Seat,
    orders: Sequence[Order],
    missing: int,
) -> str | None:
    tools = tools_for(suite, judge=seat.judge, playbook=options.get("playbook"))
    probing = Probing(options.get("probes", "auto"), max_cost=options.get("max_cost"))
    with tempfile.TemporaryDirectory() as scratch:
        logs = Path(scratch) if options.get("isolate") else None
        async with built(suite, systems, logs, folder / VECTORS) as made:
            _check_prices(suite, made, tools, probing, missing)
            for order in orders:
                if (Path(order.folder) / STORE).exists():
                    _check_share(order, suite, made, systems, options, probing)
            return _means(suite, tools, made, options)


def _check_prices(
    suite: Suite, made: Sequence[System], tools: Tools, probing: Probing, missing: int
) -> None:
    budget: Budget = probing.budget()
    if missing or probing.probes != "none":
        check_costs([one for one in made if not getattr(one, "recorded", False)], budget)
    Judging(tools.judge, suite, {}).pay_from(budget)


def _check_share(
    order: Order,
    suite: Suite,
    made: Sequence[System],
    systems: Systems,
    options: Options,
    probing: Probing,
) -> None:
    """A share that was begun goes on only with what it was made of, and while nobody else writes in it."""
    share = read_share(order.shard)
    pairs = list(zip(made, given_of(systems), strict=True))
    with Store(Path(order.folder)) as store:
        if options.get("rerun") == "changed":  # the worker drops what that touches, and says so
            return
        try:
            settle(store, share, probing.controls(len(suite.cases)), made)
            agree(store, suite, pairs, int(options.get("seed", 0)), share=share)
        except InvalidInput as error:
            raise InvalidInput(f"shard {share}: {error}") from None


def _means(suite: Suite, tools: Tools, made: Sequence[System], options: Options) -> str | None:
    """As a local run would name it."""
    times = options.get("repeats")
    chosen = suite.cases[: options.get("limit")]
    given = (
        suite.repeats if times is None else times,
        options.get("probes", "auto"),
        bool(options.get("retry_errors", False)),
        options.get("playbook"),
        None,
    )
    ids = None if len(chosen) == len(suite.cases) else {case.id for case in chosen}
    return means_of_files(suite, tools, made, ids, *given)


def is_finished(folder: Path, finished: Finished | None, means: str | None) -> bool:
    """Whether the run in ``folder`` stands there whole, just as it would be made now."""
    if finished is None or not (folder / STORE).exists():
        return False
    with suppress(StorageError), Store(folder, reading=True) as store:
        return finished.is_there(store, means, unchanged=not store.unknown())
    return False


def stands(folder: Path, means: str | None) -> bool:
    """Whether the whole in ``folder`` was complete and nothing has changed since: then it is graded without asking anybody."""
    file = folder / SHARDS / SETTLED
    with suppress(StorageError, OSError):
        return file.read_text("ascii") == _made_of(folder, means)
    return False


def note_complete(folder: Path, means: str | None, *, complete: bool) -> None:
    """Note that all was asked that was to be, and every answer judged; or that it was not."""
    file = folder / SHARDS / SETTLED
    found = _made_of(folder, means) if complete else None
    if found is None:
        file.unlink(missing_ok=True)
    else:
        file.write_text(found, "ascii")


def _made_of(folder: Path, means: str | None) -> str | None:
    """A digest of the answers and all that grades depend on beside them; None where nobody can tell."""
    if means is None or not (folder / STORE).exists():
        return None
    with Store(folder, reading=True) as store:
        if store.unknown():
            return None
        text = json.dumps([means, store.marker(), store.recipe()])
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()
