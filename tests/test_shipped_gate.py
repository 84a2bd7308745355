"""The committed baselines of the shipped suites: an unchanged system passes, a seeded regression exits 10."""

from __future__ import annotations

from pathlib import Path

import pytest

from evalkit.cli import _run

ROOT = Path(__file__).parents[1]
SUITE = ROOT / "datasets" / "invoices"


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("gate") / "run"
    systems = ["--system", "hybrid", "--system", "prompt"]
    assert _run(["run", str(SUITE), *systems, "--probes", "none", "--out", str(out)]) == 0
    return out


def gate(run: Path, system: str) -> int:
    against = ["--baseline", str(SUITE / "baseline.json"), "--baseline-system", "hybrid"]
    return _run(["gate", str(run), "--system", system, *against])


def test_an_unchanged_system_passes(run: Path, capsys):
    assert gate(run, "hybrid") == 0
    assert "Verdict: pass" in capsys.readouterr().out


def test_a_seeded_regression_exits_10(run: Path, capsys):
    assert gate(run, "prompt") == 10
    assert "Verdict: regression" in capsys.readouterr().out
