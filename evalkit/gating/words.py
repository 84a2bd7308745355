"""Why a line of the gate got its answer, in a sentence for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from evalkit.gate import ASYMMETRY, Answer, Line, Ruling, Unmeasured
from evalkit.gating.claims import title
from evalkit.gating.trials import FEWEST


def sentence(ruling: Ruling, told: Mapping[str, Any]) -> str:
    """The line's figures and what follows from them; ``told`` is its entry in verdict.json."""
    line = ruling.line
    words = _limit(ruling, told) if line.limit is not None else _change(ruling, told)
    if ruling.answer is not Answer.PASS:
        return f"{words}: {_why(ruling, told)}"
    seen = ruling.worst.detectable
    if seen is None:
        return words
    return (
        f"{words}; a {_worsening(line)} of {_figure(seen, line, points=True)} would have been seen"
    )


def unmeasured_sentence(one: Unmeasured) -> str:
    """A line that nothing could be said of, and why."""
    words = title(one.line)
    if one.line.limit is not None:
        words += f", limit {_side(one.line)} {_figure(one.line.limit, one.line)}"
    return f"{words}: not measured ({one.why})"


def _side(line: Line) -> str:
    return "at least" if line.higher_is_better else "at most"


def _limit(ruling: Ruling, told: Mapping[str, Any]) -> str:
    line = ruling.line
    words = f"{title(line)} {_measured(line, told['value'], told['measured'], told['n'])}"
    if ruling.missing > 0:
        ends = [told[f"value_if_missing_were_{name}"] for name in ("bad", "good")]
        words += f" ({_between(ends, line)})"
    elif told["low"] is not None:
        words = f"{title(line)} {_figure(told['value'], line)} {_interval(line, told)} of {told['n']} cases"
    words += f", limit {_side(line)} {_figure(line.limit, line)}"
    return words + (f" (margin {_figure(line.margin, line, points=True)})" if line.margin else "")


def _measured(line: Line, value: float | None, cases: int, of: int) -> str:
    """A figure with its denominator: the cases it was measured on, of those it is about."""
    if line.whole:
        return _figure(value, line)
    if value is None:
        return f"measured in none of {of} cases"
    counted = f"{cases} case{'s' * (cases != 1)}"
    return f"{_figure(value, line)} of {counted}" + (f" of {of}" if cases < of else "")


def _interval(line: Line, told: Mapping[str, Any], *, points: bool = False) -> str:
    low, high = (_figure(told[end], line, points=points, signed=points) for end in ("low", "high"))
    return f"[{low}, {high}]"


def _between(ends: Sequence[float], line: Line, *, points: bool = False) -> str:
    low, high = (_figure(end, line, points=points, signed=points) for end in sorted(ends))
    return f"anything from {low} to {high} with what is missing"


def _change(ruling: Ruling, told: Mapping[str, Any]) -> str:
    line = ruling.line
    if ruling.missing > 0 or (ruling.missing_before or 0.0) > 0:
        words = _change_with_gaps(line, told)
    else:
        words = f"{title(line)} {_figure(told['baseline'], line)} -> {_figure(told['value'], line)}"
        words += f", change {_figure(told['change'], line, points=True, signed=True)}"
        if told["low"] is not None:
            words += f" {_interval(line, told, points=True)}"
    if line.margin:
        words += f", tolerated {_figure(line.margin, line, points=True)}"
    return words


def _change_with_gaps(line: Line, told: Mapping[str, Any]) -> str:
    n = told["n"]
    before = _measured(line, told["baseline"], told["measured_in_baseline"], n)
    words = f"{title(line)} {before} -> {_measured(line, told['value'], told['measured'], n)}"
    ends = [told[f"change_if_missing_were_{name}"] for name in ("bad", "good")]
    between = _between(ends, line, points=True)
    if told["change"] is None:
        return f"{words}, change {between}"
    return f"{words}, change {_figure(told['change'], line, points=True, signed=True)} ({between})"


def _why(ruling: Ruling, told: Mapping[str, Any]) -> str:
    if ruling.answer is Answer.REGRESSION:
        return _missed(ruling)
    if ruling.answer is Answer.INCOMPLETE:
        return _lacks(ruling)
    return _behind(ruling) if ruling.behind else _unsettled(ruling, told)


def _behind(ruling: Ruling) -> str:
    return (
        f"looks worse (p {ruling.worst.p_missed:.2g}), but what stands before it in the hierarchy does not: "
        "no regression by the order that was declared, and no pass"
    )


def _unsettled(ruling: Ruling, told: Mapping[str, Any]) -> str:
    needed = told["cases_needed"]
    price = f"about {needed} cases would tell" if needed else "more cases alone would not tell"
    if ruling.worst.units < FEWEST:
        kind = "cases" if ruling.worst.units == ruling.worst.n else "groups of cases"
        return f"{ruling.worst.units} {kind} are too few (under {FEWEST} nothing is concluded); {price}"
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
        return "missed" if ruling.line.whole else "missed, the limit allows no exception"
    return f"{'worse' if ruling.line.limit is None else 'missed'} (p {ruling.p:.2g})"


def _lacks(ruling: Ruling) -> str:
    if ruling.lopsided > ASYMMETRY:
        only = percent(ruling.lopsided)
        return (
            f"{only} of the cases have a value on one side only, {percent(ASYMMETRY)} are tolerated"
        )
    before = ruling.missing_before
    other = "" if before is None else f" (of the baseline's {percent(before)})"
    words = f"{percent(ruling.missing)} of its measurements are missing{other}"
    if ruling.hangs:
        return f"{words}, which could change the answer"
    if max(ruling.missing, before or 0.0) > ruling.tolerated:
        return f"{words}, {percent(ruling.tolerated)} are tolerated"
    return f"{words}, and the two sides differ in that by more than {percent(ASYMMETRY)}"


def percent(share: float) -> str:
    """A share with one digit."""
    return f"{100 * share:.1f} %"


def _figure(value: float | None, line: Line, *, points: bool = False, signed: bool = False) -> str:
    """Shares in per cent and points, anything else as a number."""
    if value is None:
        return "n/a"
    sign = "+" if signed else ""
    if (line.low, line.high) == (0.0, 1.0):
        return f"{100 * value + 0.0:{sign}.1f} {'points' if points else '%'}"
    return f"{value:{sign}.4g}"
