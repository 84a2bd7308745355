"""The committed baseline: a small file, one line a case and no text, that a later run is compared with."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from evalkit.artefacts import write_text
from evalkit.errors import InvalidInput
from evalkit.gating.shown import short
from evalkit.gating.snapshot import MISSING, Cell, Snapshot, how_it_ended
from evalkit.strict import read_json

SHOWN = 10  # ids named in a message
_HEAD = ("format", "kind", "suite", "system", "judge", "evalkit", "repeats", "counts", "metrics")
_COUNTS = ("due", "passed", "failed", "errors", "ungraded")
_REASONS = frozenset(MISSING.values())


def write_baseline(found: Snapshot, file: Path) -> None:
    """Write the baseline; equal runs give equal bytes, so that a diff shows which cases changed."""
    write_text(file, baseline_text(found))


def baseline_text(found: Snapshot) -> str:
    """The file as text: strict JSON, the head first, then every case on its own line, by id."""
    head = {
        "format": 1,
        "kind": "evalkit baseline",
        "suite": dict(found.suite),
        "system": {
            "name": found.system,
            "approach": found.approach,
            "fingerprint": found.fingerprint,
        },
        "judge": found.judge,
        "evalkit": found.evalkit,
        "repeats": found.repeats,
        "counts": dict(found.counts),
        "metrics": sorted(name for name in found.cells if name != "passed"),
    }
    lines = [f"{_dumped(name)}: {_dumped(value)}" for name, value in head.items()]
    rows = [f"  {_dumped(case)}: {_dumped(_row(found, case))}" for case in found.cases]
    return "{\n" + ",\n".join(lines) + ',\n"cases": {\n' + ",\n".join(rows) + "\n}\n}\n"


def _dumped(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def _row(found: Snapshot, case: str) -> dict[str, Any]:
    row: dict[str, Any] = {"passed": _plain(found.cells["passed"][case])}
    if case in found.causes:
        row["cause"] = found.causes[case]
    for name in sorted(found.cells):
        cells = found.cells[name].get(case)
        if name != "passed" and cells is not None and any(cell is not None for cell in cells):
            row[name] = _plain(cells)
    return row


def _plain(cells: Sequence[Cell]) -> list[Any]:
    """Numbers as people write them: 1 and not 1.0. None is rounded: a digit less would look like a change."""
    return [int(cell) if isinstance(cell, float) and cell.is_integer() else cell for cell in cells]


# --- reading ---------------------------------------------------------------------------------


def read_baseline(file: Path) -> Snapshot:
    """The snapshot that a baseline file holds; ``InvalidInput`` with the field where it is none."""
    value = read_json(file)
    if not isinstance(value, dict) or value.get("kind") != "evalkit baseline":
        raise InvalidInput(
            "is no baseline", file=file, hint="`evalkit baseline update RUN --out FILE` writes one"
        )
    if value.get("format") != 1:
        raise InvalidInput("must be 1", file=file, field="format")
    unknown = sorted(set(value) - {*_HEAD, "cases"})
    if unknown:
        raise InvalidInput("is no field of a baseline", file=file, field=short(unknown[0]))
    system = _texts(value, "system", ("name", "approach", "fingerprint"), file)
    cells, causes = _cases(value, file)
    counts = _counts(value, file)
    _check_counts(counts, cells["passed"], file)
    return Snapshot(
        source=str(file),
        system=system["name"],
        approach=system["approach"],
        fingerprint=system["fingerprint"],
        suite=_suite(value, file),
        judge=_text(value, "judge", file),
        evalkit=_text(value, "evalkit", file),
        counts=counts,
        cells=cells,
        causes=causes,
    )


def _text(value: Mapping[str, Any], name: str, file: Path, *, field: str | None = None) -> str:
    found = value.get(name)
    if not isinstance(found, str):
        raise InvalidInput("must be a text", file=file, field=field or name)
    return found


def _texts(value: Mapping[str, Any], name: str, keys: Sequence[str], file: Path) -> dict[str, str]:
    found = value.get(name)
    if not isinstance(found, dict):
        raise InvalidInput(f"must be an object with {', '.join(keys)}", file=file, field=name)
    return {key: _text(found, key, file, field=f"{name}.{key}") for key in keys}


def _suite(value: Mapping[str, Any], file: Path) -> dict[str, str]:
    """Name and digests; a file of an earlier evalkit lacks ``asked``, what the answers and grades depend on."""
    keys: tuple[str, ...] = ("name", "digest")
    given = value.get("suite")
    if isinstance(given, dict) and "asked" in given:
        keys = (*keys, "asked")
    return _texts(value, "suite", keys, file)


def _counts(value: Mapping[str, Any], file: Path) -> dict[str, int]:
    found = value.get("counts")
    if not isinstance(found, dict) or not all(type(found.get(n)) is int for n in _COUNTS):
        raise InvalidInput(f"must hold {', '.join(_COUNTS)}", file=file, field="counts")
    return {name: found[name] for name in _COUNTS}


def _check_counts(
    counts: Mapping[str, int], rows: Mapping[str, Sequence[Cell]], file: Path
) -> None:
    """What the head counts must be what the cases say: a line that was edited or lost in a merge shows here."""
    ended = Counter(how_it_ended(row) for row in rows.values())
    found = {"due": len(rows), **{name: ended[name] for name in _COUNTS[1:]}}
    for name in _COUNTS:
        if counts[name] != found[name]:
            raise InvalidInput(
                f"says {counts[name]}, but the cases are {found[name]}",
                file=file,
                field=f"counts.{name}",
                hint="`evalkit baseline update RUN` writes the file anew",
            )


def _cases(
    value: Mapping[str, Any], file: Path
) -> tuple[dict[str, dict[str, tuple[Cell, ...]]], dict[str, str | None]]:
    rows, metrics = value.get("cases"), value.get("metrics")
    if not isinstance(rows, dict) or not rows:
        raise InvalidInput("must hold at least one case", file=file, field="cases")
    if not isinstance(metrics, list) or not all(isinstance(name, str) for name in metrics):
        raise InvalidInput("must be a list of names", file=file, field="metrics")
    names = ("passed", *metrics)
    cells: dict[str, dict[str, tuple[Cell, ...]]] = {name: {} for name in names}
    causes: dict[str, str | None] = {}
    for case, row in rows.items():
        for name, found in _fields(case, row, file):
            if name == "cause":
                causes[case] = found
            elif name in cells:
                cells[name][case] = tuple(
                    _checked(found, f"cases.{short(case)}.{short(name)}", file)
                )
            else:
                raise InvalidInput(
                    "is not among the metrics",
                    file=file,
                    field=f"cases.{short(case)}.{short(name)}",
                )
        if case not in cells["passed"]:
            raise InvalidInput("lacks passed", file=file, field=f"cases.{short(case)}")
    return cells, causes


def _fields(case: str, row: Any, file: Path) -> Iterator[tuple[str, Any]]:
    if not isinstance(row, dict):
        raise InvalidInput("must be an object", file=file, field=f"cases.{short(case)}")
    if not isinstance(row.get("cause"), str | None):
        raise InvalidInput("must be a cause or null", file=file, field=f"cases.{short(case)}.cause")
    yield from row.items()


def _checked(found: Any, field: str, file: Path) -> Iterator[Cell]:
    known = "a list of numbers, null, " + ", ".join(sorted(_REASONS))
    if not isinstance(found, list) or not found:
        raise InvalidInput(f"must be {known}", file=file, field=field)
    for cell in found:
        if isinstance(cell, int | float) and not isinstance(cell, bool) and math.isfinite(cell):
            yield float(cell)
        elif cell is None or (isinstance(cell, str) and cell in _REASONS):
            yield cell
        else:
            raise InvalidInput(f"must be {known}", file=file, field=field)


# --- may two runs be compared? ---------------------------------------------------------------


def differences(candidate: Snapshot, baseline: Snapshot) -> list[str]:
    """Everything beside the answers in which two runs differ, a sentence each; empty: they may be compared."""
    found = [
        None if _asked_alike(candidate, baseline) else _other_suite(candidate, baseline),
        *(
            _differs(what, mine, other)
            for what, mine, other in (
                ("judge", candidate.judge, baseline.judge),
                ("evalkit", candidate.evalkit, baseline.evalkit),
            )
        ),
    ]
    mine, other = set(candidate.cases), set(baseline.cases)
    found.append(named_cases("the run lacks", sorted(other - mine), "of the baseline"))
    found.append(named_cases("the baseline lacks", sorted(mine - other), "of the run"))
    return [text for text in found if text]


def _asked_alike(one: Snapshot, other: Snapshot) -> bool:
    """Whether two runs were asked and measured by the same suite; limits may have changed between them."""
    if one.suite["digest"] == other.suite["digest"]:
        return True
    return "asked" in one.suite and one.suite["asked"] == other.suite.get("asked")


def _other_suite(candidate: Snapshot, baseline: Snapshot) -> str | None:
    told = _differs("suite", candidate.suite["digest"], baseline.suite["digest"])
    if told is None or "asked" in baseline.suite:
        return told
    return f"{told} (the baseline does not say whether more than limits changed: `evalkit baseline update` renews it)"


def _differs(what: str, mine: str, other: str) -> str | None:
    return (
        None
        if mine == other
        else (f"another {what}: the baseline's is {short(other)}, the run's {short(mine)}")
    )


def named_cases(what: str, cases: Sequence[str], where: str) -> str | None:
    """A sentence that counts and names cases; None where there are none."""
    if not cases:
        return None
    more = f" and {len(cases) - SHOWN} more" if len(cases) > SHOWN else ""
    return f"{what} {len(cases)} cases {where}: {', '.join(map(short, cases[:SHOWN]))}{more}"


def check_metrics(baseline: Snapshot, wanted: Sequence[str]) -> None:
    """``InvalidInput`` where the baseline has no values of a measure that is to be compared."""
    absent = [name for name in wanted if name not in baseline.cells]
    if absent:
        raise InvalidInput(
            f"holds no values of {', '.join(absent)}",
            file=baseline.source,
            hint="`evalkit baseline update RUN` with today's limits writes them",
        )
