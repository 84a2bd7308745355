"""A long recording is read in two halves at once, and found to hold what it holds read through."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from evalkit.adapters import trace_lines
from evalkit.adapters.trace_file import TraceFile
from evalkit.errors import InvalidInput
from evalkit.suite import load_suite

N = 40


def line(i: int, **more: Any) -> str:
    trace: dict[str, Any] = {"system": "s", "case_id": f"ü{i}", "response": f"営業 {i}", **more}
    return json.dumps(trace, ensure_ascii=i % 2 == 0)


def recording(folder: Path, lines: list[str]) -> TraceFile:
    cases = "".join(
        json.dumps({"id": f"ü{i}", "query": "?", "reference": "a"}) + "\n" for i in range(N)
    )
    (folder / "cases.jsonl").write_text(cases, encoding="utf-8")
    (folder / "suite.yaml").write_text("format: 1\nname: s\n")
    (folder / "t.jsonl").write_text("\ufeff" + "\n".join(lines), encoding="utf-8")
    return TraceFile(folder / "t.jsonl", "s", "s", load_suite(folder))


def columns(found: TraceFile) -> list[list[int]]:
    names = ("_starts", "_lengths", "_lines", "_sums", "_keys", "_cases")
    return [np.asarray(getattr(found, name)).tolist() for name in names]


def lines() -> list[str]:
    """Plain traces, blank lines, other systems, and answers that are read as records (errors, passages by name)."""
    found = []
    for i in range(N):
        more: dict[str, Any] = {"error": {"kind": "timeout", "message": ""}} if i % 7 == 0 else {}
        found.append(line(i, **more))
        if i % 5 == 0:
            found += ["", line(i, system=f"other {i // 20}")]
    return found


def test_two_halves_are_the_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    through = recording(tmp_path, lines())
    monkeypatch.setattr(trace_lines, "LARGE", 100)
    monkeypatch.setattr(trace_lines.os, "cpu_count", lambda: 2)
    halves = recording(tmp_path, lines())
    assert columns(halves) == columns(through)
    assert halves.others == through.others == {"other 0", "other 1"}
    halves.check()
    assert list(halves) == list(through)
    assert halves[f"ü{N - 1}", "as_is", 0].response == f"営業 {N - 1}"


@pytest.mark.parametrize("broken", ["{", '{"system": "s", "case_id": "ü1", "response": 7}', "[]"])
def test_the_second_half_is_refused_by_its_own_line(
    broken: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = [*lines(), broken]
    with pytest.raises(InvalidInput) as through:
        recording(tmp_path, given)
    monkeypatch.setattr(trace_lines, "LARGE", 100)
    monkeypatch.setattr(trace_lines.os, "cpu_count", lambda: 2)
    with pytest.raises(InvalidInput) as halves:
        recording(tmp_path, given)
    assert str(halves.value) == str(through.value)
    assert str(len(given)) in str(halves.value)


def test_where_the_other_process_fails_this_one_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    through = recording(tmp_path, lines())
    monkeypatch.setattr(trace_lines, "LARGE", 100)
    monkeypatch.setattr(trace_lines.os, "cpu_count", lambda: 2)
    monkeypatch.setattr(trace_lines.sys, "executable", "/bin/false")
    assert columns(recording(tmp_path, lines())) == columns(through)
