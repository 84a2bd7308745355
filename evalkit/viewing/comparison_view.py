"""A comparison of two runs as a page shows it: the pass rates first, then metrics, causes and slices of each system."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from evalkit.pages.links import case_link
from evalkit.pages.wording import MINUS, NBSP, count, number, percent, words
from evalkit.records import Interval
from evalkit.viewing.lines import shift_bar
from evalkit.viewing.runs import Entry

SLICES, IDS = 12, 12  # slices shown, and cases named of a change
STATES = ("passed", "ungraded")  # ends of a case that are no cause
SAID = {"better": "better", "worse": "worse", "open": "not told apart"}


def comparison_view(found: Mapping[str, Any], pair: tuple[Entry, Entry]) -> dict[str, Any]:
    """What the page shows of ``pairing.paired``."""
    names: Sequence[str] = found["names"]
    pairs = [one for comparison in found["comparisons"] for one in comparison["pairs"]]
    notes = dict.fromkeys(n for c in found["comparisons"] for n in c["notes"])
    rates = [p for one in pairs if (p := _rate(one)) and p["difference"]]
    reach = max((abs(p["difference"][end]) for p in rates for end in ("low", "high")), default=0.0)
    shown = [
        _pair(one, names[i] if names else None, pair, reach or 0.1) for i, one in enumerate(pairs)
    ]
    return {"pairs": shown, "notes": list(notes), "matched": bool(names)}


def _rate(one: Mapping[str, Any]) -> Mapping[str, Any] | None:
    return next((m for m in one["metrics"] if m["metric"] == "passed"), None)


def _pair(
    one: Mapping[str, Any], name: str | None, pair: tuple[Entry, Entry], reach: float
) -> dict[str, Any]:
    rate = _rate(one)
    metrics = [_metric(m) for m in one["metrics"] if not m["not_compared"]]
    left_out = [f"{m['metric']} ({m['not_compared']})" for m in one["metrics"] if m["not_compared"]]
    slices = sorted(one["slices"], key=lambda s: (s["p_adjusted"], -abs(s["b"] - s["a"]), s["tag"]))
    runs = pair if name else (pair[0], pair[0])
    systems = (name, name) if name else (one["a"], one["b"])
    return {
        "name": name or f"{one['a']} → {one['b']}",
        "a": one["a"],
        "b": one["b"],
        "cases": count(one["cases"], "case"),
        "groups": one["groups"],
        "rate": _headline(rate, reach) if rate and rate["difference"] else None,
        "repairs": one["causes"]["repairs"],
        "harms": one["causes"]["harms"],
        "metrics": metrics,
        "left_out": left_out,
        "causes": [_cause(c, runs, systems) for c in one["causes"]["causes"]],
        "slices": [_slice(s) for s in slices[:SLICES]],
        "more": max(0, len(slices) - SLICES),
    }


def _headline(rate: Mapping[str, Any], reach: float) -> dict[str, Any]:
    found = _interval(rate["difference"])
    told = _points(found)
    return {
        "a": percent(rate["a"]["mean"]),
        "b": percent(rate["b"]["mean"]),
        "difference": told,
        "said": SAID[rate["verdict"]],
        "verdict": rate["verdict"],
        "p": p_value(rate["p_adjusted"]),
        "n": rate["n"],
        "bar": shift_bar(found, reach, f"difference of the pass rate: {told}"),
    }


def _metric(m: Mapping[str, Any]) -> dict[str, Any]:
    difference = _interval(m["difference"]) if m["difference"] else None
    unit = m["unit"]
    return {
        "name": m["metric"],
        "a": number(m["a"]["mean"], unit),
        "b": number(m["b"]["mean"], unit),
        "difference": _signed(difference, unit) if difference else "n/a",
        "p": p_value(m["p_adjusted"]),
        "verdict": m["verdict"],
        "said": SAID[m["verdict"]] if m["verdict"] != "open" else "",
        "n": m["n"],
        "moves": f"{m['wins']:,} / {m['ties']:,} / {m['losses']:,}",
    }


def _cause(
    c: Mapping[str, Any], runs: tuple[Entry, Entry], systems: tuple[str, str]
) -> dict[str, Any]:
    return {
        "name": words(c["cause"]),
        "before": c["before"],
        "after": c["after"],
        "p": p_value(c["p_adjusted"]),
        "sure": c["p_adjusted"] is not None and c["p_adjusted"] <= 0.05,
        "repaired": _cases(c["repaired"], runs[0], systems[0]),
        "harmed": _cases(c["harmed"], runs[1], systems[1]),
        "moved": len(c["moved"]),
    }


def _cases(ids: Sequence[str], run: Entry, system: str) -> dict[str, Any]:
    """Cases by name, each with its place in the report of ``run``."""
    return {
        "n": len(ids),
        "first": [(i, f"/run/{run.key}/report.html{case_link(i, system)}") for i in ids[:IDS]],
        "more": max(0, len(ids) - IDS),
    }


def _slice(s: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "tag": s["tag"],
        "n": s["n"],
        "a": percent(s["a"]),
        "b": percent(s["b"]),
        "difference": _points(_interval(s["difference"])) if s["difference"] else "n/a",
        "p": p_value(s["p_adjusted"]),
    }


# --- numbers -------------------------------------------------------------------------------------


def p_value(p: float | None) -> str:
    """Three decimals, never 0."""
    if p is None:
        return "n/a"
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def _interval(found: Mapping[str, Any]) -> Interval:
    return Interval(found["value"], found["low"], found["high"], found["n"])


def _sign(value: float, text: str) -> str:
    return f"{'+' if value > 0 else MINUS if value < 0 else ''}{text}"


def _points(found: Interval) -> str:
    value, low, high = (
        _sign(round(100 * v, 1), f"{abs(100 * v):.1f}")
        for v in (found.value, found.low, found.high)
    )
    return f"{value} [{low},{NBSP}{high}] points"


def _signed(found: Interval, unit: str) -> str:
    value, low, high = (
        _sign(v, number(abs(v), unit)) for v in (found.value, found.low, found.high)
    )
    return f"{value} [{low},{NBSP}{high}]"
