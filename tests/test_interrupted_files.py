"""Interrupted while recorded answers are filed or graded: the end is prompt, and whoever reads the folder is told what is missing."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import evalkit
from evalkit import replay
from evalkit.cli import _run
from evalkit.interrupts import at_once, in_order
from evalkit.pool import each
from evalkit.store import Store

CASES = 30


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    folder = tmp_path / "suite"
    folder.mkdir()
    cases = [{"id": f"c{i:02}", "query": f"Phí {i}?", "reference": "Có."} for i in range(CASES)]
    traces = [{"case_id": case["id"], "response": "Có."} for case in cases]
    entry = {"name": "rec", "approach": "prompt", "adapter": "recorded", "path": "traces.jsonl"}
    (folder / "suite.yaml").write_text("format: 1\nname: tiny\n")
    (folder / "cases.jsonl").write_text("\n".join(map(json.dumps, cases)))
    (folder / "traces.jsonl").write_text("\n".join(map(json.dumps, traces)))
    (folder / "systems.yaml").write_text(json.dumps({"systems": [entry]}))
    return folder


@pytest.fixture
def partly(suite: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A run folder whose run was interrupted when 20 of 30 answers were filed."""
    put_rows, batches = Store.put_rows, iter(range(9))

    def interrupted(store, rows):
        if next(batches) == 2:
            raise KeyboardInterrupt
        put_rows(store, rows)

    with monkeypatch.context() as during:
        during.setattr(replay, "BATCH", 10)
        during.setattr(Store, "put_rows", interrupted)
        with pytest.raises(KeyboardInterrupt):
            evalkit.run(suite, evalkit.load_systems(suite / "systems.yaml"), out=tmp_path / "out")
    return tmp_path / "out"


@pytest.mark.parametrize("command", ["report", "score", "diagnose"])
def test_a_folder_whose_answers_are_partly_filed_is_incomplete(partly, capsys, command):
    assert _run([command, str(partly)]) == 12
    told = "20 of 30 recorded answers are filed: the run was interrupted"
    err = " ".join(capsys.readouterr().err.split())
    assert told in err
    assert f"--out {partly} files the rest" in err
    verdict = json.loads((partly / "verdict.json").read_text())
    assert (verdict["verdict"], verdict["exit_code"]) == ("incomplete", 12)
    assert told in verdict["reason"]


def test_the_next_run_files_the_rest_and_nothing_is_said_any_more(suite, partly):
    found = evalkit.open_run(suite, partly)
    assert "20 of 30" in repr(found)
    run = evalkit.run(suite, evalkit.load_systems(suite / "systems.yaml"), out=partly)
    assert run.stopped is None
    assert evalkit.open_run(suite, partly).stopped is None
    assert run.systems["rec"].counts["passed"] == CASES


def busy(seconds: float) -> None:
    """Work that waits for nothing, in which Ctrl-C comes."""
    signal.raise_signal(signal.SIGINT)
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        pass


def test_work_that_waits_for_nothing_is_interrupted_where_it_stands():
    closed = []

    @at_once
    async def graded() -> None:
        try:
            busy(30)
        finally:
            await asyncio.sleep(0)  # what has to be closed is closed
            closed.append(True)

    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        asyncio.run(graded())
    assert time.monotonic() - began < 10
    assert closed == [True]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_so_is_what_other_tasks_do_and_what_only_waits():
    async def part(_: int) -> None:
        busy(30)

    @at_once
    async def graded() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(each([1], part, 1))
            group.create_task(asyncio.sleep(30))

    @at_once
    async def waiting() -> None:
        asyncio.get_running_loop().call_later(0.1, signal.raise_signal, signal.SIGINT)
        await asyncio.sleep(30)

    for work in (graded, waiting):
        began = time.monotonic()
        with pytest.raises(KeyboardInterrupt):
            asyncio.run(work())
        assert time.monotonic() - began < 10


def test_answers_under_way_are_given_their_time():
    done = []

    @at_once
    async def asked() -> None:
        with in_order():
            busy(0.2)
            done.append("the step under way")
            await asyncio.sleep(0)
            done.append("the next one")

    with pytest.raises(KeyboardInterrupt):
        asyncio.run(asked())
    assert done == ["the step under way"]


STARTING = """
import asyncio, signal, sys
from asyncio.unix_events import _UnixSelectorEventLoop as Loop
from evalkit.interrupts import at_once
from evalkit.pool import block_on

connect, signals = Loop.connect_read_pipe, [signal.SIGINT] * int(sys.argv[1])

async def interrupted(loop, *how):
    if signals:
        signal.raise_signal(signals.pop())
    return await connect(loop, *how)

async def member():
    await asyncio.create_subprocess_exec("sleep", "9", stdout=asyncio.subprocess.PIPE)
    await asyncio.sleep(9)

@at_once
async def graded():
    crew = [asyncio.create_task(member()) for _ in range(2)]
    try:
        await asyncio.sleep(9)
    finally:
        for one in crew:
            one.cancel()
        await asyncio.gather(*crew, return_exceptions=True)

Loop.connect_read_pipe = interrupted
try:
    block_on(graded(), instead="")
except KeyboardInterrupt:
    print("interrupted")
"""


@pytest.mark.skipif(os.name == "nt", reason="processes are started in another way there")
@pytest.mark.parametrize("times", [1, 2])
def test_a_process_that_is_being_started_is_no_reason_to_hang(times):
    command = [sys.executable, "-c", STARTING, str(times)]
    found = subprocess.run(command, capture_output=True, text=True, timeout=8, check=True)
    assert (found.stdout, found.stderr) == ("interrupted\n", "")


TWICE = """
import asyncio, signal
from evalkit.interrupts import at_once
from evalkit.pool import block_on

@at_once
async def graded():
    asyncio.get_running_loop().call_later(0.1, signal.raise_signal, signal.SIGINT)
    try:
        await asyncio.sleep(9)
    finally:
        asyncio.get_running_loop().call_later(0.1, signal.raise_signal, signal.SIGINT)
        for _ in range(2):
            try:
                await asyncio.sleep(9)
            except asyncio.CancelledError:
                pass

try:
    block_on(graded(), instead="")
except KeyboardInterrupt:
    print("interrupted")
"""


def test_a_second_interrupt_ends_what_the_first_could_not_without_a_traceback():
    command = [sys.executable, "-c", TWICE]
    found = subprocess.run(command, capture_output=True, text=True, timeout=8, check=True)
    assert (found.stdout, found.stderr) == ("interrupted\n", "")


@pytest.mark.skipif(os.name == "nt", reason="pipes are not polled there")
@pytest.mark.parametrize(("given", "closed"), [("", "stdout"), ("", "stdin"), ('{"sto', "stdin")])
def test_a_process_for_parts_ends_quietly_with_whoever_gave_it_orders(given, closed):
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    with subprocess.Popen(
        [sys.executable, "-m", "evalkit.ledger.worker"], text=True, **pipes
    ) as one:
        one.stdin.write(given)
        getattr(one, closed).close()
        try:
            assert one.wait(timeout=20) == 0
        finally:
            one.kill()
        assert one.stderr.read() == ""
