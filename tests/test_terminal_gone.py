"""The window is closed while a run is under way: it ends in order all the same, and goes on in another."""

from __future__ import annotations

import json
import os
import select
import signal
import sqlite3
import sys
import time
from pathlib import Path

import pytest

from evalkit.cli import _run

pty = pytest.importorskip("pty", reason="there are no pseudo-terminals")

SYSTEMS = "systems: [{name: mine, approach: prompt, adapter: python, target: 'mine:answer'}]\n"
SLOW = """
import os, time
from pathlib import Path
def answer(query):
    Path(__file__).with_name("pid").write_text(str(os.getpid()))
    time.sleep(0.4)
    return "yes"
"""


def answers(out: Path) -> int:
    try:
        with sqlite3.connect(f"file:{out / 'run.sqlite'}?mode=ro", uri=True) as db:
            (found,) = db.execute("SELECT count(*) FROM traces").fetchone()
        db.close()
    except sqlite3.Error:
        return 0
    return int(found)


@pytest.mark.parametrize(
    ("hang_up", "code"), [(signal.SIG_DFL, 129), (signal.SIG_IGN, 0)], ids=["as usual", "nohup"]
)
def test_a_run_whose_terminal_is_closed_ends_in_order_or_goes_on_where_it_should(
    tmp_path, hang_up, code
):
    suite, out = tmp_path / "suite", tmp_path / "out"
    suite.mkdir()
    cases = [{"id": f"c{i}", "query": f"q{i}", "reference": "yes"} for i in range(12)]
    (suite / "suite.yaml").write_text("format: 1\nname: slow\n")
    (suite / "cases.jsonl").write_text("\n".join(map(json.dumps, cases)))
    (suite / "systems.yaml").write_text(SYSTEMS)
    (suite / "mine.py").write_text(SLOW)
    command = ["-m", "evalkit", "run", str(suite), "--out", str(out), "--concurrency", "2"]
    process, terminal = pty.fork()
    if process == 0:
        signal.signal(signal.SIGHUP, hang_up)
        os.execv(sys.executable, [sys.executable, *command])
    deadline = time.monotonic() + 60
    while answers(out) < 3 and time.monotonic() < deadline:
        if select.select([terminal], [], [], 0.05)[0]:
            os.read(terminal, 4096)
    os.close(terminal)
    began = time.monotonic()
    _, status = os.waitpid(process, 0)
    assert os.waitstatus_to_exitcode(status) == code
    assert time.monotonic() - began < (10 if code else 60)
    assert answers(out) == 12 if code == 0 else 3 <= answers(out) < 12
    assert not Path(f"/proc/{(suite / 'pid').read_text()}").exists()
    assert _run(["run", str(suite), "--out", str(out), "--limit", "3"]) == 0
