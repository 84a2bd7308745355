"""Runs on a file system that is read-only for real: the gate tells its verdict, and says where it could not write it."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from test_gate_command import answering, make_run, write_suite

from evalkit.cli import _run


@pytest.fixture
def archive(tmp_path) -> Iterator[Path]:
    """An archived run that passes its limit of 0.5 and has missed one of 0.95."""
    disk = tmp_path / "disk"
    disk.mkdir()
    tried = (
        subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", str(disk)],
            check=False,
            capture_output=True,
        )
        if shutil.which("mount")
        else None
    )
    if tried is None or tried.returncode:
        pytest.skip("a disk can be made by the owner of the machine only")
    try:
        suite = write_suite(tmp_path / "suite", "{metric: passed, at_least: 0.5}")
        make_run(suite, disk / "run", {"rag": answering(20)})
        assert _run(["gate", str(disk / "run")]) == 0
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        yield disk / "run"
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def limit(archive: Path, at_least: float) -> None:
    write_suite(archive.parents[1] / "suite", f"{{metric: passed, at_least: {at_least}}}")


@pytest.mark.parametrize(("at_least", "verdict"), [(0.5, "pass"), (0.95, "regression")])
def test_the_verdict_is_told_and_where_it_cannot_stand(archive, capsys, at_least, verdict):
    limit(archive, at_least)
    capsys.readouterr()
    assert _run(["gate", str(archive)]) == 6  # never a success that is written nowhere
    shown = capsys.readouterr()
    assert f"Verdict: {verdict}" in shown.out
    assert f"{archive / 'verdict.json'}: cannot be written" in shown.err
    assert "--verdict FILE" in shown.err


@pytest.mark.parametrize(("at_least", "code"), [(0.5, 0), (0.95, 10)])
def test_with_a_place_for_it_the_exit_code_is_the_verdicts(archive, tmp_path, at_least, code):
    limit(archive, at_least)
    before = (archive / "verdict.json").read_bytes()
    place = tmp_path / "new" / "verdict.json"
    assert _run(["gate", str(archive), "--verdict", str(place)]) == code
    assert json.loads(place.read_text())["exit_code"] == code
    assert (tmp_path / "new" / "junit.xml").exists()
    assert (archive / "verdict.json").read_bytes() == before


def test_every_gate_leaves_its_trace_in_the_other_place_too(archive, tmp_path):
    place = tmp_path / "verdict.json"
    found = []
    for at_least in (0.95, 0.5, 0.5):
        limit(archive, at_least)
        _run(["gate", str(archive), "--verdict", str(place)])
        found.append(json.loads(place.read_text()))
    assert [one["exit_code"] for one in found] == [10, 0, 0]
    assert [e["verdict"] for e in found[1]["earlier"]] == ["pass", "regression"]
    assert len(found[2]["earlier"]) == 2  # the same twice is told once


def test_a_refusal_replaces_the_verdict_in_the_other_place(archive, tmp_path):
    place = tmp_path / "verdict.json"
    assert _run(["gate", str(archive), "--verdict", str(place)]) == 0
    gone = str(tmp_path / "gone")
    assert _run(["gate", str(archive), "--verdict", str(place), "--baseline", gone]) == 3
    assert json.loads(place.read_text())["exit_code"] == 3
