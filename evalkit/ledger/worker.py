"""A process that grades parts of a large run: orders come as lines of JSON on stdin, replies go out on stdout."""

from __future__ import annotations

import asyncio
import json
import os
import select
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from evalkit.case_file import load_places, long_file
from evalkit.errors import StorageError
from evalkit.inquiry import Varies
from evalkit.ledger import disk
from evalkit.ledger.answers import Answers
from evalkit.ledger.memory import between_parts, without_cycles
from evalkit.ledger.part import Bench, bench_for, do_part
from evalkit.records import Approach
from evalkit.suite import Known, load_suite
from evalkit.tools import Tools, tools_for

STORAGE = "storage"  # of a reply: there is none, and why


def bench_of(order: dict[str, Any], answers: Answers) -> Bench:
    """The bench that another process describes."""
    known = Known(load_places(Path(order["places"])), order["digest"])
    suite = load_suite(order["suite"], known=known)
    cases = long_file(suite.cases)
    assert cases is not None
    playbook = order["playbook"]
    tools = tools_for(suite, playbook=Path(playbook) if playbook else None)
    systems = {name: Approach(value) for name, value in order["systems"].items()}
    return bench_for(suite, cases, answers, tools, systems, Path(order["out"]))


def means(tools: Tools) -> list[str]:
    """What parts are graded with, so that two processes can see that it is the same."""
    names = [metric.name for metric in tools.metrics]
    return [tools.judge.fingerprint, *names, *(cause.id for cause in tools.causes)]


def main() -> None:
    """Do what is ordered until there are no more orders."""
    replies = sys.stdout
    sys.stdout = sys.stderr  # what a metric prints must not stand among the replies
    if hasattr(select, "poll"):
        threading.Thread(target=_end_with, args=(replies.fileno(),), daemon=True).start()
    orders = _orders()
    order = next(orders, None)
    if order is None:
        return
    with Answers(Path(order["store"]), growing=order["growing"]) as answers:
        bench = bench_of(order, answers)
        _reply(replies, {"means": means(bench.tools)})
        with without_cycles():
            for part in orders:
                _reply(replies, _done(bench, part))
                between_parts(order["room"])


def _end_with(replies: int) -> None:
    """End this process, wherever it stands, when nobody reads its replies any more: whoever gave the orders is dead."""
    reader = select.poll()
    reader.register(replies, 0)  # an error is always reported
    reader.poll()
    os._exit(0)


def _orders() -> Iterator[dict[str, Any]]:
    for line in sys.stdin:
        if line.endswith("\n"):  # else whoever gave it died halfway
            yield json.loads(line)


def _done(bench: Bench, part: dict[str, Any]) -> dict[str, Any]:
    """What an order of one part gives; ``STORAGE`` says why it could not be read or kept."""
    elsewhere = {name: Varies(*seen) for name, seen in part["elsewhere"].items()}
    rows = bench.cases.places.by_id[part["from"] : part["to"]].tolist()
    try:
        with disk.kept_in(bench.out):
            return asyncio.run(do_part(bench, part["part"], rows, elsewhere))
    except StorageError as error:  # told by the process that gave the order
        return {STORAGE: str(error)}


def _reply(stream: Any, value: Any) -> None:
    try:
        stream.write(json.dumps(value) + "\n")
        stream.flush()
    except BrokenPipeError:
        os._exit(0)


if __name__ == "__main__":
    main()
