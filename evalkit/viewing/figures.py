"""What the derived files of a run say, read with distrust: whatever is not as it should be is left out."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from evalkit.records import Interval
from evalkit.viewing.places import Place, read_file

LARGEST = 128 << 20  # bytes of a derived file that is read
RATE = "pass_rate"


@dataclass(frozen=True, slots=True)
class Mean:
    """A metric of one system: its mean with interval (no interval: low and high equal it) and number of cases."""

    interval: Interval
    due: int
    stage: str
    unit: str
    higher_is_better: bool


@dataclass(frozen=True, slots=True)
class Cause:
    """A cause of failures: how many cases it has, and of how many failing ones."""

    id: str
    side: str
    cases: int
    failing: int


@dataclass(frozen=True, slots=True)
class SystemFigures:
    """One system of a run. ``rate`` is None where no case was graded, ``cost`` where nobody reports one."""

    name: str
    approach: str
    rate: Interval | None
    graded: int
    failing: int
    errors: int
    cost: float | None
    priced: int
    answers: int
    means: Mapping[str, Mean] = field(default_factory=dict)
    causes: tuple[Cause, ...] = ()


@dataclass(frozen=True, slots=True)
class Figures:
    """summary.json, diagnosis.json and verdict.json of a run, as far as they can be read."""

    suite: str
    digest: str
    recipe: Mapping[str, Any]
    systems: tuple[SystemFigures, ...]
    verdict: str | None
    exit_name: str | None


def read_figures(place: Place) -> Figures | None:
    """The figures of a run; None where it has no summary, or none that can be read."""
    summary = _object(_json(place, "summary.json"))
    systems = _object(summary.get("systems"))
    if not systems:
        return None
    diagnosed = _object(_object(_json(place, "diagnosis.json")).get("systems"))
    verdict = _object(_json(place, "verdict.json"))
    suite = _object(summary.get("suite"))
    return Figures(
        suite=_text(suite.get("name")) or "unnamed",
        digest=_text(suite.get("digest")) or "",
        recipe=_object(summary.get("recipe")),
        systems=tuple(
            _system(name, _object(found), _object(diagnosed.get(name)))
            for name, found in systems.items()
        ),
        verdict=_text(verdict.get("verdict")),
        exit_name=_text(verdict.get("exit_name")),
    )


def _system(name: str, found: Mapping[str, Any], diagnosis: Mapping[str, Any]) -> SystemFigures:
    cases = _object(found.get("cases"))
    cost = _object(_object(found.get("usage")).get("cost"))
    failing = _whole(cases.get("failed")) + _whole(cases.get("errors"))
    return SystemFigures(
        name=name,
        approach=_text(found.get("approach")) or "",
        rate=_interval(_object(found.get(RATE)), "value"),
        graded=_whole(cases.get("due")) - _whole(cases.get("ungraded")),
        failing=failing,
        errors=_whole(cases.get("errors")),
        cost=_number(cost.get("total")),
        priced=_whole(cost.get("n")),
        answers=_whole(cost.get("of")),
        means=dict(_means(_object(found.get("metrics")))),
        causes=tuple(_causes(diagnosis, failing)),
    )


def _means(metrics: Mapping[str, Any]) -> Iterator[tuple[str, Mean]]:
    for name, given in metrics.items():
        found = _object(given)
        interval = _interval(found, "mean")
        if interval is not None:
            stage, unit = _text(found.get("stage")) or "other", _text(found.get("unit")) or ""
            higher = found.get("higher_is_better") is not False
            yield name, Mean(interval, _whole(found.get("due")), stage, unit, higher)


def _causes(diagnosis: Mapping[str, Any], failing: int) -> Iterator[Cause]:
    """The causes, most cases first; the side is that of the findings that name it."""
    sides: dict[str, str] = {}
    findings = diagnosis.get("findings")
    for finding in findings if isinstance(findings, list) else ():
        one = _object(finding)
        sides[_text(one.get("cause")) or ""] = _text(one.get("side")) or ""
    counted = {
        name: _whole(_object(given).get("cases"))
        for name, given in _object(diagnosis.get("causes")).items()
    }
    for name, n in sorted(counted.items(), key=lambda pair: -pair[1]):
        yield Cause(name, sides.get(name, ""), n, failing)


# --- values that may be anything ---------------------------------------------------------------


def _json(place: Place, name: str) -> Any:
    raw = read_file(place, name, LARGEST)
    try:
        return None if raw is None else json.loads(raw)
    except (ValueError, RecursionError):
        return None


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) > 1e15:
        return None
    return float(value) if math.isfinite(value) else None


def _whole(value: Any) -> int:
    found = _number(value)
    return int(found) if found is not None and found >= 0 else 0


def _interval(found: Mapping[str, Any], name: str) -> Interval | None:
    value = _number(found.get(name))
    if value is None:
        return None
    low, high = (_number(found.get(end)) for end in ("low", "high"))
    ends = (value, value) if low is None or high is None else (low, high)
    return Interval(value, *ends, _whole(found.get("n")))
