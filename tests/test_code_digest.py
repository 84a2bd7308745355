"""What kept evidence depends on of evalkit's own code: the contents of its files, wherever and whenever they were put."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import evalkit

PACKAGE = Path(evalkit.__file__).parent
PRINT = "from evalkit.evidence import code_digest; print(code_digest())"


def digest(place: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-P", "-c", PRINT],
        env={**os.environ, "PYTHONPATH": str(place), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


@pytest.fixture
def copy(tmp_path) -> Path:
    """The package as another machine would have it: other times, no compiled files."""
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(PACKAGE, tmp_path / "evalkit", ignore=ignored, copy_function=shutil.copy)
    return tmp_path


def test_it_is_the_same_wherever_the_same_files_are_installed(copy):
    assert digest(copy) == digest(PACKAGE.parent)
    (copy / "evalkit" / ".DS_Store").write_text("a desktop was here")
    assert digest(copy) == digest(PACKAGE.parent)


@pytest.mark.parametrize("name", ["judges/claims.py", "judges/model.json"])
def test_one_byte_makes_another_of_it_whatever_the_times_say(copy, name):
    file = copy / "evalkit" / name
    before, times = digest(copy), file.stat()
    content = file.read_bytes()
    file.write_bytes(content[:-1] + b" ")
    os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert file.stat().st_size == times.st_size
    assert digest(copy) != before


def test_a_file_under_another_name_makes_another_of_it(copy):
    before = digest(copy)
    file = copy / "evalkit" / "judges" / "model.json"
    file.rename(file.with_name("models.json"))
    assert digest(copy) != before
