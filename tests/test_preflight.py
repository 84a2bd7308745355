"""A run folder that cannot be used is refused before the first paid call; one that only looks odd is used."""

import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))

from reliability import bench, results

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="runs are forked")
STORAGE = 6


@pytest.fixture(scope="module")
def all_of(tmp_path_factory):
    with bench(tmp_path_factory.mktemp("bench")) as made:
        yield made


def a_file(folder: Path) -> Path:
    (folder / "file").write_text("no folder")
    return folder / "file"


def below_a_file(folder: Path) -> Path:
    return a_file(folder) / "run"


def a_name_that_is_too_long(folder: Path) -> Path:
    return folder / ("r" * 300)


def a_link_to_itself(folder: Path) -> Path:
    (folder / "loop").symlink_to(folder / "loop")
    return folder / "loop"


def a_folder_of_the_system(_: Path) -> Path:
    return Path("/proc/evalkit-run")


def a_store_that_is_a_folder(folder: Path) -> Path:
    (folder / "run" / "run.sqlite").mkdir(parents=True)
    return folder / "run"


@pytest.mark.parametrize(
    "place",
    [
        a_file,
        below_a_file,
        a_name_that_is_too_long,
        a_link_to_itself,
        pytest.param(
            a_folder_of_the_system,
            marks=pytest.mark.skipif(not Path("/proc/self").exists(), reason="there is no /proc"),
        ),
        a_store_that_is_a_folder,
    ],
)
def test_a_folder_that_cannot_be_used_costs_no_call(all_of, tmp_path, place):
    all_of.ledger.asked.clear()
    told = all_of.programs.log.stat().st_size if all_of.programs.log.exists() else 0
    out = place(tmp_path)
    assert all_of.programs.wait(all_of.run(out, "none")) == STORAGE
    said = all_of.programs.log.read_bytes()[told:].decode()
    assert all_of.ledger.asked == []
    assert "Traceback" not in said
    assert str(out)[:60] in said


def a_link(folder: Path) -> Path:
    (folder / "there").mkdir()
    (folder / "link").symlink_to(folder / "there")
    return folder / "link"


def a_name_of_255_bytes(folder: Path) -> Path:
    return folder / ("é" * 127)


def a_name_with_spaces_and_signs(folder: Path) -> Path:
    return folder / "a #1 run?x=%41&b;'c"


def a_store_that_was_only_begun(folder: Path) -> Path:
    (folder / "run").mkdir()
    (folder / "run" / "run.sqlite").touch()
    return folder / "run"


@pytest.mark.parametrize(
    "place",
    [a_link, a_name_of_255_bytes, a_name_with_spaces_and_signs, a_store_that_was_only_begun],
)
def test_an_odd_folder_is_a_folder(all_of, tmp_path, place):
    expected, _ = all_of.undisturbed("none")
    out = place(tmp_path)
    assert all_of.programs.wait(all_of.run(out, "none")) == 0, all_of.programs.log.read_text()
    assert results(out) == expected


def test_a_program_without_a_home_runs(all_of, tmp_path):
    out = tmp_path / "run"
    homeless = {"HOME": "/nonexistent", "XDG_CACHE_HOME": "/nonexistent/cache"}
    assert all_of.programs.wait(all_of.run(out, "none", homeless)) == 0
