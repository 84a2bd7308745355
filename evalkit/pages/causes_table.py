"""Causes by system: small multiples on one scale, the causes of one side together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from evalkit import plugins
from evalkit.diagnosis import UNDETERMINED
from evalkit.pages import charts
from evalkit.pages.links import cause_link, side_link
from evalkit.pages.verdicts import failing_of
from evalkit.pages.wording import percent, percent_bounds
from evalkit.records import Side
from evalkit.stats.intervals import wilson

ORDER = (*(side.value for side in Side), UNDETERMINED)
NOBODY = "no cause named"


def cause_rows(diagnosis: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The causes of the run by side, a row each with one cell a system: its share of that system's graded cases."""
    systems = diagnosis["systems"]
    sides = {cause.id: cause.side.value for cause in plugins.members("causes")}
    meanings = {cause.id: cause.meaning for cause in plugins.members("causes")}
    sums: dict[str, int] = {}
    for own in systems.values():
        for cause, found in own["causes"].items():
            sums[cause] = sums.get(cause, 0) + found["cases"]
    ordered = sorted(sums, key=lambda c: (ORDER.index(sides.get(c, UNDETERMINED)), -sums[c]))
    most = max((_share(own, c) for own in systems.values() for c in own["causes"]), default=1.0)
    rows = [
        {
            "cause": cause,
            "side": sides.get(cause, UNDETERMINED),
            "meaning": meanings.get(cause, ""),
            "cells": list(_cells(cause, sides.get(cause, UNDETERMINED), systems, most)),
        }
        for cause in ordered
    ]
    grouped = [
        {
            "side": side,
            "cells": [_total(own, side) for own in systems.values()],
            "rows": [row for row in rows if row["side"] == side],
        }
        for side in ORDER
    ]
    nameless = list(_nameless(systems, most))
    if any(cell["n"] for cell in nameless):
        note = "Undetermined or unexplained: the failure is real, its cause is not known."
        row = {"cause": NOBODY, "side": UNDETERMINED, "meaning": note, "cells": nameless}
        grouped[-1]["rows"] = [*grouped[-1]["rows"], row]
    return [group for group in grouped if group["rows"]]


def _total(own: Mapping[str, Any], side: str) -> dict[str, Any]:
    """What a side loses in all: its part of the decomposition."""
    part = own["decomposition"].get(side)
    if part is None or part["loss"] <= 0:
        return {"share": "0", "bounds": ""}
    return {"share": percent(part["loss"]), "bounds": percent_bounds(part)}


def _graded(own: Mapping[str, Any]) -> int:
    return max(1, int(own["cases"]["due"] - own["cases"]["ungraded"]))


def _share(own: Mapping[str, Any], cause: str) -> float:
    return float(own["causes"][cause]["cases"] / _graded(own))


def _cells(
    cause: str, side: str, systems: Mapping[str, Any], most: float
) -> Iterator[dict[str, Any]]:
    for name, own in systems.items():
        n = own["causes"].get(cause, {}).get("cases", 0)
        href = cause_link(name, cause)
        yield _cell(name, n, _graded(own), side, most, href)


def _nameless(systems: Mapping[str, Any], most: float) -> Iterator[dict[str, Any]]:
    for name, own in systems.items():
        named = sum(found["cases"] for found in own["causes"].values())
        href = side_link(name, UNDETERMINED)
        yield _cell(name, failing_of(own) - named, _graded(own), UNDETERMINED, most, href)


def _cell(name: str, n: int, of: int, side: str, most: float, href: str) -> dict[str, Any]:
    found = wilson(n, of)
    if found is None or not n:
        return {"system": name, "n": 0, "of": of}
    scale = max(most, 1e-9) * 1.25
    ends = min(1.0, found.low / scale), min(1.0, found.high / scale)
    label = f"{name}: {n} of {of}"
    return {
        "system": name,
        "n": n,
        "of": of,
        "share": percent(found.value),
        "bounds": percent_bounds({"low": found.low, "high": found.high}),
        "href": href,
        "bar": charts.bar(found.value / scale, *ends, name=f"side {side}", label=label),
    }
