"""Ctrl-C as a terminal sends it: to evalkit and everything it has started, all at once."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

SYSTEMS = "systems: [{name: mine, approach: prompt, adapter: python, target: 'my_system:answer'}]\n"
SLOW = """
import time, os
from pathlib import Path
def answer(query, repeat):
    Path(__file__).with_name("pid").write_text(str(os.getpid()))
    time.sleep(0.01 if query < "q3" else 60)
    return "yes"
"""


@pytest.fixture
def running(tmp_path: Path):
    """A run in a session of its own, with a few answers and then none any more."""
    suite, out = tmp_path / "suite", tmp_path / "out"
    suite.mkdir()
    cases = [{"id": f"c{i}", "query": f"q{i}", "reference": "yes"} for i in range(6)]
    (suite / "suite.yaml").write_text("format: 1\nname: slow\n")
    (suite / "cases.jsonl").write_text("\n".join(map(json.dumps, cases)))
    (suite / "systems.yaml").write_text(SYSTEMS)
    (suite / "my_system.py").write_text(SLOW)
    command = [sys.executable, "-m", "evalkit", "run", str(suite), "--out", str(out)]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    deadline = time.monotonic() + 60
    while answers(out) < 3 and time.monotonic() < deadline:
        time.sleep(0.05)
    assert answers(out) == 3
    yield process, int((suite / "pid").read_text()), out
    if process.poll() is None:
        process.kill()
        process.communicate()


def answers(out: Path) -> int:
    try:
        with sqlite3.connect(f"file:{out / 'run.sqlite'}?mode=ro", uri=True) as db:
            (found,) = db.execute("SELECT count(*) FROM traces").fetchone()
        db.close()
    except sqlite3.Error:
        return 0
    return int(found)


def test_one_interrupt_of_the_whole_group_ends_in_order(running):
    process, worker, out = running
    os.killpg(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=20)
    assert process.returncode == 130
    assert (
        err.strip() == f"evalkit: interrupted; the same command with --out {out} goes on from here"
    )
    assert answers(out) == 3
    assert not Path(f"/proc/{worker}").exists()


def test_a_worker_takes_no_interrupt_for_its_own(running):
    process, worker, _ = running
    os.kill(worker, signal.SIGINT)
    time.sleep(0.3)
    assert Path(f"/proc/{worker}").exists()
    assert process.poll() is None


def test_two_interrupts_end_at_once(running):
    process, worker, out = running
    os.killpg(process.pid, signal.SIGINT)
    time.sleep(0.2)
    os.killpg(process.pid, signal.SIGINT)
    began = time.monotonic()
    _, err = process.communicate(timeout=20)
    assert process.returncode == 130
    assert time.monotonic() - began < 8  # answers under way are not waited for
    assert "Traceback" not in err
    assert answers(out) == 3
    assert not Path(f"/proc/{worker}").exists()


def test_a_background_job_of_a_script_waits_for_answers_under_way_too(tmp_path: Path):
    suite, out = tmp_path / "suite", tmp_path / "out"
    suite.mkdir()
    cases = [{"id": f"c{i}", "query": f"q{i}", "reference": "yes"} for i in range(9)]
    (suite / "suite.yaml").write_text("format: 1\nname: slow\n")
    (suite / "cases.jsonl").write_text("\n".join(map(json.dumps, cases)))
    (suite / "systems.yaml").write_text(SYSTEMS)
    (suite / "my_system.py").write_text(SLOW.replace("else 60", "else 1.5"))
    command = f"{sys.executable} -m evalkit run {suite} --out {out} --concurrency 3 & echo $!; wait"
    shell = subprocess.Popen(["sh", "-c", command], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert shell.stdout is not None
    job = int(shell.stdout.readline())
    deadline = time.monotonic() + 60
    while answers(out) < 3 and time.monotonic() < deadline:
        time.sleep(0.02)
    time.sleep(0.3)
    os.kill(job, signal.SIGTERM)
    shell.communicate(timeout=30)
    assert answers(out) == 6  # the three that were under way


def test_an_interrupt_while_the_program_is_loaded_ends_in_one_line(tmp_path: Path):
    (tmp_path / "click.py").write_text("import signal\nsignal.raise_signal(signal.SIGINT)\n")
    done = subprocess.run(
        [sys.executable, "-m", "evalkit", "--help"],
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        timeout=60,
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "evalkit: interrupted\n")
