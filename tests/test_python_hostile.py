"""What a Python system may do to its process costs that case and nothing else: a table of hostile ones."""

from __future__ import annotations

import asyncio
import os
import sys
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from evalkit.ask import guarded
from evalkit.records import Approach, Message, Outcome, Question, Suite, SystemSpec
from evalkit.workers import build, process

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")

FOLDER = Path(__file__).parent / "hostile_targets"
NEIGHBOURS = ("n1", "n2", "hostile", "n3", "n4")
SUITE = Suite("s", FOLDER, (), {}, "x")


@dataclass(frozen=True)
class Row:
    """A target, the error that its hostile case must have (None: an answer), and how often its process ends."""

    target: str
    kind: str | None
    said: str = ""
    restarts: int = 0
    options: dict = field(default_factory=dict)

    def __str__(self) -> str:
        return "-".join([self.target, *map(str, self.options.get("args", {}).values())])


# Exceptions that mean something of their own to an event loop are raised by a coroutine too.
LATER = ("base_exception", "keyboard_interrupt", "system_exit", "own_timeout", "cancelled")


def raising(name: str, kind: str, said: str) -> list[Row]:
    args = [{"name": name}, {"name": name, "later": True}]
    both = args if name in LATER else args[:1]
    return [Row("raising:make", kind, said, options={"args": each}) for each in both]


def returning(name: str, kind: str | None, said: str) -> Row:
    return Row("returning:make", kind, said, options={"args": {"name": name}})


def hanging(name: str, restarts: int) -> Row:
    return Row(f"hanging:{name}", "timeout", "no answer within", restarts, {"timeout": 2.0})


RAISING = [
    *raising("value_error", "exception", "ValueError: schlecht"),
    *raising("base_exception", "exception", "OutsideError: außen"),
    *raising("keyboard_interrupt", "exception", "KeyboardInterrupt"),
    *raising("system_exit", "crashed", "sys.exit(0)"),
    *raising("system_exit_text", "crashed", "sys.exit(bye)"),
    *raising("generator_exit", "exception", "GeneratorExit"),
    *raising("stop_iteration", "exception", "StopIteration"),
    *raising("unprintable", "exception", "cannot be read"),
    *raising("endless_text", "exception", "ツツツ"),
    *raising("surrogate_text", "exception", "ValueError: ?"),
    *raising("group", "exception", "2 sub-exceptions"),
    *raising("own_timeout", "timeout", "slow"),
    *raising("cancelled", "exception", "CancelledError"),
    Row("raising:recursion", "exception", "RecursionError"),
    Row("raising:memory_error", "exception", "MemoryError"),
    Row("raising:reads_stdin", "exception", "EOFError"),
]
RETURNING = [
    returning("none", "malformed", "returned NoneType"),
    returning("number", "malformed", "returned int"),
    returning("bytes", "malformed", "returned bytes"),
    returning("generator", "malformed", "returned generator"),
    returning("function", "malformed", "returned function"),
    returning("empty", "empty", "an empty response"),
    returning("nan", "malformed", "not a finite number"),
    returning("surrogate", "malformed", "lone surrogate"),
    returning("unknown_field", "malformed", "did you mean 'response'"),
    returning("wrong_passage", "malformed", "retrieved[0].doc_id: is missing"),
    returning("object_in_meta", "malformed", "something JSON can hold"),
    returning("endless_number", "exception", "ValueError: Exceeds the limit"),
    returning("deep", "malformed", "nested too deeply"),
    returning("circular", "malformed", "nested too deeply"),
    returning("grumpy_mapping", "exception", "RuntimeError: not today"),
    returning("grumpy_text", "exception", "RuntimeError: not today"),
    returning("huge", "malformed", "70 MB are more than 64 MB"),
]
LEAVING = [
    Row("leaving:exits", "crashed", "exit code 0", 1),
    Row("leaving:exits_later", None, restarts=1),
    Row("leaving:exits_async", "crashed", "exit code 3", 2),
    Row("leaving:segfault", "crashed", "SIGSEGV", 1),
    Row("leaving:aborts", "crashed", "SIGABRT", 1),
    Row("leaving:killed", "crashed", "memory ran out", 1),
    Row("leaving:out_of_memory", "crashed", "memory ran out", 1),
    Row("leaving:terminated", "crashed", "SIGTERM", 1),
    Row("leaving:interrupted", None),  # Ctrl-C is evalkit's to answer, whoever sends it
    Row("leaving:becomes_another", "crashed", "exit code 0", 1),
    Row("leaving:closes_descriptors", "crashed", "ended its process", 1),
    Row("leaving:writes_everywhere", "crashed", "no message", 1),
    Row("leaving:writes_a_wrong_message", "crashed", "no message", 1),
    Row("leaving:stops_the_loop", "crashed", "exit code 1", 1),
    Row("leaving:breaks_the_loop", "crashed", "exit code 4", 1),
]
HANGING = [
    hanging("sleeps", 0),
    hanging("awaits", 0),
    hanging("deadlock", 0),
    hanging("spins", 0),
    hanging("blocks_the_loop", 1),
    hanging("shrugs_off", 1),
    hanging("holds_the_interpreter", 1),
    hanging("stops_itself", 1),
]
MEDDLING = [
    Row("importing:closed", None),
    *(
        Row(f"meddling:{name}", None)
        for name in (
            *("prints", "closes_output", "drops_output", "moves_and_clears", "patches"),
            *("closes_stdout_and_opens_a_file", "closes_stdout_and_prints"),
            *("floods_the_descriptors", "floods_from_the_loop", "floods_from_a_program"),
            *("freezes_time", "settings", "mutates", "forks", "forks_async", "daemonises"),
            *("starts_a_program", "starts_a_session", "threads", "lasting_thread"),
            *("failing_thread", "never_exits", "leaks", "ClosesBadly", "ClosesWithAnError"),
        )
    ),
]
ROWS = [*RAISING, *RETURNING, *LEAVING, *HANGING, *MEDDLING]


def question(query: str) -> Question:
    return Question(query, messages=(Message("user", query),), inputs={"list": [1]})


def carriers(mark: str) -> list[int]:
    """The processes that were started with ``mark`` in their environment, and do not end in a moment."""
    deadline = time.monotonic() + 2
    while (found := carrying(mark)) and time.monotonic() < deadline:
        time.sleep(0.01)
    return found


def carrying(mark: str) -> list[int]:
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if mark.encode() in (folder / "environ").read_bytes():
                found.append(int(folder.name))
        except OSError:
            continue
    return found


async def asked(row: Row, logs: Path) -> tuple[dict[str, Outcome], int]:
    spec = SystemSpec("s", Approach.RAG, "python", {"target": row.target, **row.options}, FOLDER)
    system = build(spec, SUITE, logs=logs)
    try:
        together = [guarded(system.ask(question(query))) for query in NEIGHBOURS]
        outcomes = dict(zip(NEIGHBOURS, await asyncio.gather(*together), strict=True))
        for query in ("after", "last"):
            outcomes[query] = await guarded(system.ask(question(query)))
        return outcomes, system.restarts
    finally:
        await system.aclose()
        await system.aclose()


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_a_hostile_system_costs_its_case_alone(
    row: Row, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    mark = f"evalkit-test-{uuid.uuid4().hex}"
    monkeypatch.setenv("EVALKIT_TEST_MARK", mark)
    monkeypatch.setattr(process, "GRACE", 0.3)
    monkeypatch.setattr(process, "CLOSING", 0.5)
    before, folder = dict(os.environ), Path.cwd()
    started = time.monotonic()
    outcomes, restarts = asyncio.run(asked(row, tmp_path))
    hostile = outcomes.pop("hostile")
    assert {query: outcome.response for query, outcome in outcomes.items()} == {
        query: f"ok {query}" for query in outcomes
    }
    if row.kind is None:
        assert (hostile.error, hostile.response) == (None, "ok hostile")
    else:
        assert hostile.error is not None
        assert hostile.error.kind == row.kind
        assert row.said in hostile.error.message
        assert len(hostile.error.message) < 3000
    assert restarts <= 2 * row.restarts
    assert bool(restarts) == bool(row.restarts)
    assert capfd.readouterr() == ("", "")
    assert carriers(mark) == []
    assert (dict(os.environ), Path.cwd()) == (before, folder)
    assert time.monotonic() - started < 60  # it ends; how soon, a busy machine says


def test_the_table_is_long_enough() -> None:
    assert len({str(row) for row in ROWS}) == len(ROWS) >= 63
