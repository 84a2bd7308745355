"""Do derived files depend on where, when and how they are made? The golden suite in fourteen surroundings, compared to the byte.

``tests/test_golden.py`` compares three of them.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

REWRITE = Path(__file__).parents[1] / "tests" / "golden" / "rewrite.py"
APART = ("run.sqlite", "session.json")  # the store and its session hold times

# A clock that starts at ``start`` and goes on by ``step`` seconds whenever it is read.
CLOCK = """
import itertools, runpy, sys, time
ticks = itertools.count({start}, {step})
time.time = lambda: float(next(ticks))
time.time_ns = lambda: int(next(ticks)) * 10**9
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


@dataclass(frozen=True)
class Surrounding:
    """Another environment: variables (None takes one away), options of the interpreter, a clock, a mask of new files."""

    variables: Mapping[str, str | None] = field(default_factory=dict)
    options: tuple[str, ...] = ()
    clock: tuple[float, float] | None = None
    mask: int = 0o022
    folder: str = "run"


SURROUNDINGS: dict[str, Surrounding] = {
    "hash seed 1": Surrounding({"PYTHONHASHSEED": "1"}),
    "hash seed 4242": Surrounding({"PYTHONHASHSEED": "4242"}),
    "New Zealand": Surrounding({"TZ": "Pacific/Auckland"}),
    "Newfoundland": Surrounding({"TZ": "America/St_Johns"}),
    "locale C": Surrounding({"LC_ALL": "C", "LANG": "C"}),
    "locale C, no UTF-8 mode": Surrounding({"LC_ALL": "C", "PYTHONUTF8": "0"}),
    "without assertions": Surrounding(options=("-O",)),
    "no home": Surrounding({"HOME": None, "XDG_CACHE_HOME": None}),
    "narrow terminal": Surrounding({"COLUMNS": "20", "TERM": "dumb", "NO_COLOR": "1"}),
    "folder in another script": Surrounding(folder="実行 và kết quả"),
    "open to nobody": Surrounding(mask=0o077),
    "clock in 1970": Surrounding(clock=(1.0, 0.001)),
    "clock past 2038, leap day": Surrounding(clock=(2_214_000_000.0, 3600.0)),
    "clock that runs backwards": Surrounding(clock=(1_800_000_000.0, -60.0)),
}


def derive(folder: Path, where: Surrounding) -> dict[str, bytes]:
    """The derived files of the golden suite, made in these surroundings."""
    target = folder / where.folder
    target.mkdir()
    given = {**os.environ, "PYTHONHASHSEED": "0", **where.variables}
    program = [str(REWRITE)]
    if where.clock is not None:
        start, step = where.clock
        program = ["-c", CLOCK.format(start=start, step=step), str(REWRITE)]
    subprocess.run(
        [sys.executable, *where.options, *program, str(target)],
        env={name: value for name, value in given.items() if value is not None},
        umask=where.mask,
        check=True,
        timeout=120,
    )
    files = (path for path in target.rglob("*") if path.is_file())
    return {
        str(path.relative_to(target)): path.read_bytes()
        for path in files
        if not path.name.startswith(APART)
    }


def differing(usual: Mapping[str, bytes], other: Mapping[str, bytes]) -> list[str]:
    """The names of files that only one of them has, or that differ."""
    return sorted(name for name in {*usual, *other} if usual.get(name) != other.get(name))


def main() -> int:
    """Compare every surrounding with the usual one."""
    wrong: dict[str, list[str]] = {}
    with tempfile.TemporaryDirectory() as name:
        usual = Path(name) / "usual"
        usual.mkdir()
        expected = derive(usual, Surrounding())
        for i, (told, where) in enumerate(SURROUNDINGS.items()):
            folder = Path(name) / str(i)
            folder.mkdir()
            found = differing(expected, derive(folder, where))
            print(f"{told}: {', '.join(found) or 'equal'}", flush=True)
            wrong |= {told: found} if found else {}
    print(f"{len(SURROUNDINGS)} surroundings, {len(expected)} files each: {len(wrong)} differ")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
