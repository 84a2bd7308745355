"""Why a line of the gate got its answer, in a sentence for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from evalkit.gate import Answer, Line, Ruling
from evalkit.gating.claims import title


def sentence(ruling: Ruling, told: Mapping[str, Any]) -> str:
    """The line's figures and what follows from them; ``told`` is its entry in verdict.json."""
    line = ruling.line
    words = _limit(line, told) if line.limit is not None else _change(line, told)
    if ruling.answer is not Answer.PASS:
        return f"{words}: {_why(ruling, told)}"
    seen = ruling.worst.detectable
    if seen is None:
        return words
    return (
        f"{words}; a {_worsening(line)} of {_figure(seen, line, points=True)} would have been seen"
    )


def _limit(line: Line, told: Mapping[str, Any]) -> str:
    side = "at least" if line.higher_is_better else "at most"
    words = f"{title(line)} {_figure(told['value'], line)}"
    if told["low"] is not None:
        words += f" [{_figure(told['low'], line)}, {_figure(told['high'], line)}]"
    if not line.whole:
        words += f" of {told['n']} cases"
    words += f", limit {side} {_figure(line.limit, line)}"
    return words + (f" (margin {_figure(line.margin, line, points=True)})" if line.margin else "")


def _change(line: Line, told: Mapping[str, Any]) -> str:
    words = f"{title(line)} {_figure(told['baseline'], line)} -> {_figure(told['value'], line)}"
    words += f", change {_figure(told['change'], line, points=True, signed=True)}"
    if told["low"] is not None:
        words += f" [{_figure(told['low'], line)}, {_figure(told['high'], line)}]"
    if line.margin:
        words += f", tolerated {_figure(line.margin, line, points=True)}"
    return words


def _why(ruling: Ruling, told: Mapping[str, Any]) -> str:
    if ruling.answer is Answer.REGRESSION:
        return _missed(ruling)
    if ruling.answer is Answer.INCOMPLETE:
        return _lacks(ruling)
    needed = told["cases_needed"]
    price = f"about {needed} cases would tell" if needed else "more cases alone would not tell"
    if ruling.line.limit is not None:
        return f"the evidence does not settle it; {price}"
    if told["detectable"] is not None:
        seen = _figure(told["detectable"], ruling.line, points=True)
        return f"only a {_worsening(ruling.line)} of {seen} or more would be seen; {price}"
    return f"the {_worsening(ruling.line)} may be beyond what is tolerated; {price}"


def _worsening(line: Line) -> str:
    return "drop" if line.higher_is_better else "rise"


def _missed(ruling: Ruling) -> str:
    if ruling.p is None:
        return "missed" if ruling.line.whole else "missed, the limit speaks of every case"
    return f"{'worse' if ruling.line.limit is None else 'missed'} (p {ruling.p:.2g})"


def _lacks(ruling: Ruling) -> str:
    if ruling.lopsided > 0:
        return f"{ruling.lopsided:.1%} of the cases have a value on one side only"
    before = ruling.missing_before
    other = "" if before is None else f" (baseline {before:.1%})"
    return f"{ruling.missing:.1%} of its measurements are missing{other}, which could change the answer"


def _figure(value: float | None, line: Line, *, points: bool = False, signed: bool = False) -> str:
    """Shares in per cent and points, anything else as a number."""
    if value is None:
        return "n/a"
    sign = "+" if signed else ""
    if (line.low, line.high) == (0.0, 1.0):
        return f"{100 * value:{sign}.1f} {'points' if points else '%'}"
    return f"{value:{sign}.4g}"
