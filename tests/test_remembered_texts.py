"""What was remembered of texts while judging is let go of before many answers are diagnosed, and no file is another for it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import evalkit.work
from evalkit.api import open_run, run
from evalkit.judges.embedded import _evidence


def files_of(out: Path) -> dict[str, bytes]:
    names = ("scores.csv", "summary.json", "diagnosis.json", "report.md")
    return {name: (out / name).read_bytes() for name in names}


def answer(query: str) -> str:
    """Right for some questions, and cut off for others."""
    number = query.removeprefix("Câu ").rstrip("?")
    return f"{number} €. 月曜"[: 3 + int(number)]


def test_no_file_depends_on_what_is_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    suite = tmp_path / "suite"
    suite.mkdir()
    cases = [{"id": f"c{i}", "query": f"Câu {i}?", "reference": f"{i} €. 月曜"} for i in range(6)]
    (suite / "cases.jsonl").write_text("\n".join(map(json.dumps, cases)))
    (suite / "suite.yaml").write_text("format: 1\nname: few\n")
    out, others = tmp_path / "out", tmp_path / "others"
    _evidence.cache_clear()
    run(suite, {"s": answer}, out=out, probes="none").write()
    assert _evidence.cache_info().currsize > 0
    monkeypatch.setattr(evalkit.work, "MANY", 1)
    open_run(suite, out).write(others)
    assert _evidence.cache_info().currsize == 0
    assert files_of(others) == files_of(out)
