"""What a worker does with its share of a suite: ask it, or score what was asked; it knows nothing of who calls it."""

from __future__ import annotations

import asyncio
import json
import platform
import threading
from collections.abc import Collection, Coroutine
from functools import lru_cache
from pathlib import Path
from typing import Any

from evalkit.engines.order import Order, read_order, specs_of
from evalkit.errors import EvalkitError, InvalidInput, NothingToDo
from evalkit.finished import Finished
from evalkit.judging.of_run import EMBEDDED, JUDGE
from evalkit.records import Evidence, Suite, Trace
from evalkit.store import Store
from evalkit.store.notes import notes_in
from evalkit.watch import Watcher

MOST = 20_000  # answers that are told of at once
SHARED = "suite, systems and --out must lie on a path that all machines share"


class Tally(Watcher):
    """Keeps what a worker has to tell until somebody fetches it; safe between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._stage = ""
        self._said: list[str] = []
        self._steps: list[tuple[str, Any]] = []

    def start(self, stage: str, total: int) -> None:
        """A stage of ``total`` steps begins."""
        with self._lock:
            self._stage = stage.partition(" ")[0]
            self._steps.append(("start", [self._stage, total]))

    def step(self, trace: Trace | None = None) -> None:
        """One step is done."""
        with self._lock:
            self._steps.append((self._stage, None if trace is None else told_trace(trace)))

    def say(self, text: str) -> None:
        """Something worth knowing."""
        with self._lock:
            self._said.append(text)

    def fetch(self) -> str:
        """What has happened since this was last called, as JSON."""
        with self._lock:
            steps, self._steps = self._steps[:MOST], self._steps[MOST:]
            said, self._said = self._said, []
        return json.dumps({"steps": steps, "said": said})


def told_trace(trace: Trace) -> list[Any]:
    """What progress shows of an answer: case, error, tokens and cost."""
    error = None if trace.error is None else [trace.error.kind, trace.error.message[:200]]
    usage = trace.usage
    return [trace.case_id, error, usage.prompt_tokens, usage.completion_tokens, usage.cost]


class ShardWorker:
    """Asks one share of a suite in a process of its own, and tells how it goes on while it does."""

    def __init__(self) -> None:
        self._tally = Tally()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[None] | None = None
        self._stopped = False

    def ask(self, text: str, seen: str) -> str:
        """Ask what the order ``text`` says; how it ended, as JSON. ``seen`` is a file that must be there."""
        if not Path(seen).exists():
            order = read_order(text)
            return _told_error(
                InvalidInput(
                    f"{platform.node()} does not see the run folder",
                    file=order.folder,
                    hint=SHARED,
                )
            )
        cut = Cut(Path(read_order(text).folder))
        try:
            self._run(asked(read_order(text), self._tally, cut))
        except asyncio.CancelledError:
            return json.dumps({"error": {"kind": "Interrupted", "message": "was interrupted"}})
        except EvalkitError as error:
            return _told_error(error)
        return json.dumps({"cut": cut.cut})

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        # No method: one that is a coroutine would change how Ray calls all the others.
        async def watched() -> None:
            self._loop = asyncio.get_running_loop()
            self._task = asyncio.ensure_future(work)
            if self._stopped:
                self._task.cancel()
            await self._task

        asyncio.run(watched())

    def fetch(self) -> str:
        """What has happened since this was last called."""
        return self._tally.fetch()

    def stop(self) -> None:
        """Put no further question, and end once the answers under way are there."""
        self._stopped = True
        if self._loop is not None and self._task is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._task.cancel)


class Cut(Finished):
    """Takes note of whether a limit kept a share from asking all that was to be asked."""

    cut = False

    def is_there(self, store: Store, means: str | None, *, unchanged: bool) -> bool:
        """Never: whether a run is finished is looked at where it is whole."""
        return False

    def settle(
        self, store: Store, *, complete: bool, evidence: Collection[Evidence | None]
    ) -> None:
        """The share has ended."""
        self.cut = not complete


async def asked(order: Order, watch: Watcher, cut: Cut) -> None:
    """Ask the share of an order: first answers, probes, and the judge where that is one that makes calls."""
    from evalkit.api import arun

    settings = dict(order.settings)
    playbook = settings.pop("playbook", None)
    try:
        await arun(
            suite_in(order),
            specs_of(order),
            out=order.folder,
            shard=order.shard,
            watch=watch,
            playbook=None if playbook is None else Path(playbook),
            answers_only=_judge_of(order) == EMBEDDED,
            finished=cut,
            **settings,
        )
    except NothingToDo:  # a share without a case
        return


def _judge_of(order: Order) -> str:
    """Who grades the share: as the order says, or the share's earlier sessions."""
    folder = Path(order.folder)
    noted: str | None = order.settings.get("judge")
    if noted is None:
        noted = notes_in(folder).get(JUDGE)
    return noted or EMBEDDED


def scored(text: str) -> str:
    """Score and diagnose the answers of a share, write its files and keep what was said of answers; how it ended, as JSON.

    No call is made.
    """
    from evalkit.merge import graded

    order = read_order(text)
    playbook = order.settings.get("playbook")
    given = None if playbook is None else Path(playbook)
    try:
        graded(Path(order.folder), suite_in(order), Watcher(), given, keep=True).write()
    except NothingToDo:  # a share without a case
        return "{}"
    except EvalkitError as error:
        return _told_error(error)
    return "{}"


@lru_cache(maxsize=1)
def _loaded(path: str, _digest: str) -> Suite:
    """The suite, read once in a process however many shares of it the process works on."""
    from evalkit.suite import load_suite

    return load_suite(path)


def suite_in(order: Order) -> Suite:
    """The suite of an order, as this machine has it; ``InvalidInput`` where that is another."""
    if not Path(order.suite).exists():
        raise InvalidInput(
            f"{platform.node()} does not see the suite", file=order.suite, hint=SHARED
        )
    suite = _loaded(order.suite, order.digest)
    if (suite.digest, len(suite.cases)) != (order.digest, order.cases):
        raise InvalidInput(
            f"is another suite here than where the run was started ({suite.digest}, not {order.digest})",
            file=order.suite,
            hint="all machines must see the same files",
        )
    return suite


def _told_error(error: EvalkitError) -> str:
    return json.dumps({"error": {"kind": type(error).__name__, "message": str(error)}})
