"""Disks of a few hundred kilobytes, without room for a file, or read-only, for real; and files that nobody may read."""

from __future__ import annotations

import asyncio
import gc
import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

import evalkit
from evalkit.errors import StorageError
from evalkit.ledger.fold import How, diagnosed_in_parts
from evalkit.records import Approach, Suite
from evalkit.suite import load_suite, load_systems
from evalkit.tools import tools_for
from evalkit.watch import Watcher
from tests.test_streaming import write

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))

from reliability import CONCURRENCY, Bench, answered, bench, results

STORAGE = 6
pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="disks are made by Linux"
)


@pytest.fixture(scope="module")
def all_of(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    with bench(tmp_path_factory.mktemp("bench")) as made:
        yield made


class Disk:
    """A file system in memory below ``folder``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def mount(self, options: str) -> None:
        command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(self.folder)]
        if (
            shutil.which("mount") is None
            or subprocess.run(command, check=False, capture_output=True).returncode
        ):
            pytest.skip("a disk can be made by the owner of the machine only")


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    made = Disk(tmp_path / "disk")
    made.folder.mkdir()
    yield made
    while os.path.ismount(made.folder):
        subprocess.run(["umount", str(made.folder)], check=True)


def said_of(all_of: Bench, out: Path) -> tuple[int, str]:
    """The exit code of a run, and what it wrote."""
    log = all_of.programs.log
    told = log.stat().st_size if log.exists() else 0
    code = all_of.programs.wait(all_of.run(out, "none"))
    return code, log.read_bytes()[told:].decode()


def test_a_disk_that_runs_full_ends_the_run_and_nothing_that_was_stored_is_asked_again(
    all_of: Bench, disk: Disk
) -> None:
    expected, _ = all_of.undisturbed("none")
    disk.mount("size=200k")
    all_of.ledger.asked.clear()
    out = disk.folder / "run"
    code, said = said_of(all_of, out)
    assert (code, "Traceback" in said) == (STORAGE, False)
    assert f"{out}/run.sqlite: cannot be written: database or disk is full" in said
    assert 0 < len(all_of.ledger.asked) < 24
    disk.mount("remount,size=20m")
    assert said_of(all_of, out)[0] == 0
    assert results(out) == expected
    repeated = Counter(all_of.ledger.asked) - answered(out)
    assert sum(repeated.values()) <= CONCURRENCY


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ("size=4m,nr_inodes=4", "No space left on device"),
        ("size=4m,ro", "Read-only file system"),
    ],
    ids=["no file can be made", "read-only"],
)
def test_a_disk_that_takes_no_file_costs_no_call(
    all_of: Bench, disk: Disk, options: str, why: str
) -> None:
    disk.mount(options)
    all_of.ledger.asked.clear()
    code, said = said_of(all_of, disk.folder / "run")
    assert (code, all_of.ledger.asked, "Traceback" in said) == (STORAGE, [], False)
    assert why in said


def test_a_run_in_a_read_only_folder_is_not_called_damaged(all_of: Bench, disk: Disk) -> None:
    disk.mount("size=20m")
    out = disk.folder / "run"
    assert said_of(all_of, out)[0] == 0
    disk.mount("remount,ro")
    assert said_of(all_of, out)[0] == 0  # it stands, and nothing is written
    code = all_of.programs.wait(all_of.run(out, "auto"))  # something is to be asked
    said = all_of.programs.log.read_text()
    assert (code, "Traceback" in said, "damaged (" in said) == (STORAGE, False, False)
    assert f"{out}: cannot be written" in said


def test_a_mask_that_hides_new_files_from_their_owner_costs_no_call(
    all_of: Bench, tmp_path: Path
) -> None:
    run = f"umask 777; exec {sys.executable} -m evalkit run {all_of.suite} --out {tmp_path / 'run'}"
    command = ["sh", "-c", run]
    if os.geteuid() == 0:
        if shutil.which("setpriv") is None:
            pytest.skip("the owner of the machine reads everything")
        command = ["setpriv", "--bounding-set=-dac_override,-dac_read_search", *command]
    all_of.ledger.asked.clear()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, all_of.ledger.asked) == (STORAGE, []), done.stderr
    assert done.stderr.endswith("run: cannot be written: Permission denied\n")


@pytest.mark.parametrize("processes", [0, 2])
def test_a_disk_too_small_for_the_parts_of_a_large_run_is_named(
    disk: Disk, tmp_path: Path, processes: int
) -> None:
    rows = [{"id": f"c{i}", "query": f"Frage {i}?", "reference": f"{i} Euro."} for i in range(400)]
    answers = [{"case_id": row["id"], "response": f"{row['reference']} " * 40} for row in rows]
    write(tmp_path / "cases.jsonl", rows)
    write(tmp_path / "mine.jsonl", answers)
    (tmp_path / "suite.yaml").write_text("format: 1\nname: many\ncases: cases.jsonl\n")
    system = "{name: mine, approach: prompt, adapter: recorded, path: mine.jsonl}"
    (tmp_path / "systems.yaml").write_text(f"systems: [{system}]\n")
    suite, systems = load_suite(tmp_path, large=0), load_systems(tmp_path / "systems.yaml")
    disk.mount("size=20m")
    out, how = disk.folder / "run", How(part=100, processes=processes)
    evalkit.run(suite, systems, out=out, how=how)
    used = shutil.disk_usage(disk.folder).used
    disk.mount(f"remount,size={used // 1024 + 200}k")
    said = refusal_of(suite, out, how)
    assert said == f"{out}: parts of the run cannot be kept: No space left on device"
    gc.collect()
    assert not [*out.glob(".parts-*")]


def refusal_of(suite: Suite, out: Path, how: How) -> str:
    work = diagnosed_in_parts(
        suite, out, {"mine": Approach.PROMPT}, tools_for(suite), Watcher(), how=how
    )
    try:
        asyncio.run(work)
    except StorageError as error:
        return str(error)
    return "nothing"
