"""Who may write in a run folder, whatever the file beside its store says of a process that is no more."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from evalkit.errors import Busy
from evalkit.store import Store
from evalkit.store.opening import SESSION, STORE, NothingStoredError, lock
from evalkit.store.session import SessionFile, read_session

HOLD = """
import os, sys, time
from pathlib import Path
from evalkit.store import Store
store = Store(Path(sys.argv[1]))
print("held", flush=True)
time.sleep(60)
"""


def left_by(folder: Path, pid: int, host: str | None = None) -> None:
    """A session's file as a process leaves it that is killed."""
    with Store(folder):
        pass
    mark = SessionFile(folder / SESSION, 1)
    mark._session |= {"pid": pid, "host": host or socket.gethostname()[:100]}
    mark._write()
    os.close(mark._number)


@pytest.mark.parametrize("host", [None, "another-machine"])
def test_a_killed_runs_folder_is_taken_over_though_its_number_belongs_to_somebody_else_now(
    tmp_path, host
):
    left_by(tmp_path, os.getppid(), host)
    with Store(tmp_path):
        session = read_session(tmp_path / SESSION)
        assert session is not None
        assert (session.pid, session.open) == (os.getpid(), True)


@pytest.mark.skipif(os.name == "nt", reason="no process is asked there whether it lives")
def test_no_dead_process_is_said_to_write(tmp_path):
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    left_by(tmp_path, dead.pid)
    held = lock(tmp_path)  # a run that has taken the lock and not yet said who it is
    with pytest.raises(Busy) as caught:
        Store(tmp_path)
    held.close()
    assert f"process {dead.pid}" not in str(caught.value)


def test_whoever_writes_is_named_and_when_killed_followed_at_once(tmp_path):
    command = [sys.executable, "-c", HOLD, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(Busy, match=f"process {holder.pid} on {socket.gethostname()[:100]}"):
            Store(tmp_path)
        holder.kill()
        holder.wait()
        with Store(tmp_path) as store:
            assert store.healed == []


MAKE = """
import sys
from pathlib import Path
from evalkit.store import Store
for i in range(100):
    Store(Path(sys.argv[1], str(i))).close()
"""


def test_whoever_reads_while_a_store_is_made_finds_nothing_yet_or_a_store(tmp_path):
    command = [sys.executable, "-c", MAKE, str(tmp_path)]
    met: set[str] = set()
    with subprocess.Popen(command) as maker:
        for i in range(100):
            while maker.poll() is None and not (tmp_path / str(i) / STORE).exists():
                pass
            for _ in range(3):
                try:
                    with Store(tmp_path / str(i), reading=True):
                        met.add("a store")
                except NothingStoredError:
                    met.add("nothing yet")
        assert maker.wait() == 0
    assert "a store" in met
