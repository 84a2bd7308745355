"""Scores and diagnoses the golden suite's recorded traces, and rewrites the files in ``expected``."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import evalkit
from evalkit.suite import load_systems

HERE = Path(__file__).parent
SUITE, EXPECTED = HERE / "suite", HERE / "expected"
FILES = ("scores.csv", "summary.json", "diagnosis.json")


def derive(folder: Path) -> None:
    """Write everything that is derived from the recorded traces into ``folder``."""
    systems = load_systems(SUITE / "systems.yaml")
    evalkit.run(SUITE, list(systems), out=folder).write()


def rewrite() -> None:
    """Bring ``expected`` up to date; the difference is for a person to read and to commit."""
    EXPECTED.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        derive(Path(folder))
        for name in FILES:
            (EXPECTED / name).write_bytes((Path(folder) / name).read_bytes())


if __name__ == "__main__":
    derive(Path(sys.argv[1])) if len(sys.argv) > 1 else rewrite()
