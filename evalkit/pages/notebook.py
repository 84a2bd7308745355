"""Runs, diagnoses, comparisons and decisions as small cards for notebooks: no script, and colours that the notebook gives."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from evalkit.pages.ended import extent
from evalkit.pages.wording import (
    NBSP,
    count,
    number,
    percent,
    percent_bounds,
    points,
    shortened,
    visible,
    words,
)
from evalkit.records import Interval

if TYPE_CHECKING:
    from evalkit.api import Run
    from evalkit.comparison.shape import Comparison, MetricDifference, Pair
    from evalkit.decide import Decision
    from evalkit.decision.ranking import Option
    from evalkit.diagnosis import SystemDiagnosis

CAUSES, PAIRS, METRICS, LINES, EXCERPT = 8, 12, 12, 6, 300
# Only greys that stand on white and on black, and the colour of the notebook's own text: no style sheet of ours.
_QUIET, _LINE = "opacity:.7;font-size:.92em", "1px solid rgba(128,128,128,.35)"
_CELL = f"padding:.25em .9em .25em 0;border:0;border-top:{_LINE};vertical-align:baseline;background:none"
_CARD = Markup(
    '<div style="font:14px/1.45 system-ui,sans-serif;color:inherit;border:{line};border-radius:6px;padding:.8em 1em;'
    'margin:.25em 0;max-width:70em;overflow-x:auto;font-variant-numeric:tabular-nums">'
    '<div style="font-size:1.15em;font-weight:600">{title}</div>{body}</div>'
)
_NOTE = Markup('<div style="{style};margin-top:.35em">{text}</div>')
_HEAD = Markup('<div style="font-weight:600;margin-top:.9em">{text}</div>')
_TABLE = Markup(
    '<table style="border-collapse:collapse;margin:.5em 0 0;color:inherit;background:none">'
    "<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
)
_TH = Markup(
    '<th style="padding:.1em .9em .1em 0;border:0;text-align:{align};font-weight:400;opacity:.7;background:none">{text}</th>'
)
_TD = Markup('<td style="{cell};text-align:{align}{wrap}">{text}</td>')
_BAR = Markup(
    '<div style="background:rgba(128,128,128,.25);width:110px;height:9px;margin:.2em 0">'
    '<div style="background:#3f82b5;width:{width}%;height:9px"></div></div>'
)
_LIST = Markup('<ul style="margin:.3em 0 0;padding-left:1.2em">{items}</ul>')
_ITEM = Markup("<li>{text}</li>")


def run_card(run: Run) -> str:
    """The systems of a run: pass rate with interval and n, failing cases, leading causes."""
    rows = [_system_row(name, found) for name, found in run.systems.items()]
    columns = ("System", "", "Pass rate", "#Failing", "#Errors", "Leading causes, of failing cases")
    body = _table(columns, rows)
    if run.stopped is not None:
        body = _note(f"Stopped: {run.stopped}") + body
    if run.folder is not None:
        body += _note(f"Report: {run.folder / 'report.html'}")
    return str(_card(f"{run.suite.name}: {extent(run)}", body))


def _system_row(name: str, found: SystemDiagnosis) -> Sequence[str]:
    failing = found.counts["failed"] + found.counts["errors"]
    causes = ", ".join(f"{words(c)} {n:,}" for c, (n, _) in list(found.causes.items())[:3])
    rate = found.pass_rate
    return (
        name,
        _bar(rate),
        _rate(rate),
        f"{failing:,}",
        f"{found.counts['errors']:,}",
        causes or "none named",
    )


def diagnosis_card(found: SystemDiagnosis) -> str:
    """One system: where its pass rate is lost, and what for."""
    counts = found.counts
    failing = counts["failed"] + counts["errors"]
    told = f"{counts['passed']:,} of {found.due:,} graded cases pass"
    body = _bar(found.pass_rate) + _note(f"{told}: {_rate(found.pass_rate)}")
    if counts["errors"] or counts["ungraded"]:
        body += _note(f"{count(counts['errors'], 'error')}, {counts['ungraded']:,} ungraded")
    lost = [(words(side), _bar(i), _rate(i)) for side, i in found.decomposition.items()]
    if lost:
        body += _HEAD.format(text="Where it is lost, as a share of graded cases")
        body += _table(("Side", "", "Loss"), lost)
    if found.causes:
        body += _HEAD.format(text=f"Causes of {count(failing, 'failing case')}")
        body += _table(("Cause", "#Cases", "Share", "#Proven", "Mended alone"), _cause_rows(found))
    measured = [(words(s.rule.id), _rate(s.rate)) for s in found.symptoms if s.rate is not None]
    if measured:
        body += _HEAD.format(text="Symptoms") + _table(("Symptom", "Rate"), measured)
    title = f"{found.graded.system} ({found.graded.approach.value})"
    return str(_card(title, body))


def _cause_rows(found: SystemDiagnosis) -> Iterable[Sequence[str]]:
    proven = Counter(
        f.cause for f in found.findings if f.outcome == "fail" and f.status == "proven"
    )
    for cause, (n, share) in list(found.causes.items())[:CAUSES]:
        gain = found.headroom.get(cause)
        told = "" if gain is None else f"{points(gain.value)} {percent_bounds(_ends(gain))}"
        yield words(cause), f"{n:,}", _rate(share, n=False), f"{proven[cause]:,}", told


def comparison_card(found: Comparison) -> str:
    """Systems side by side, and every pair's difference; the metrics too where there is only one pair."""
    body = _table(
        ("System", "", "Pass rate", "Pareto front"),
        [
            (
                s.system,
                _bar(s.passed),
                _rate(s.passed),
                "yes" if s.on_front else f"behind {', '.join(s.dominated_by)}",
            )
            for s in found.systems
        ],
    )
    body += _HEAD.format(text="Differences of the pass rate, later less earlier")
    columns = ("Pair", "Points", "p (Holm)", "Verdict", "#Repaired", "#Harmed", "#Cases")
    body += _table(columns, [_pair_row(pair) for pair in found.pairs[:PAIRS]])
    if len(found.pairs) > PAIRS:
        body += _note(f"{len(found.pairs) - PAIRS} more pairs")
    if len(found.pairs) == 1:
        told = [m for m in found.pairs[0].metrics if m.difference is not None]
        names = ("Metric", f"#{found.pairs[0].a}", f"#{found.pairs[0].b}", "Difference", "p (Holm)")
        body += _HEAD.format(text="Metrics") + _table(
            names, [_metric_row(m) for m in told[:METRICS]]
        )
    body += Markup().join(_note(shortened(note, EXCERPT)) for note in found.notes[:LINES])
    return str(_card(f"{found.suite}: {count(found.cases, 'shared case')}", body))


def _pair_row(pair: Pair) -> Sequence[str]:
    passed = next((m for m in pair.metrics if m.metric == "passed" and m.difference), None)
    name = f"{pair.a} → {pair.b}"
    moved = f"{pair.causes.repairs:,}", f"{pair.causes.harms:,}", f"{pair.cases:,}"
    if passed is None or passed.difference is None:
        return (name, "not compared", "", "", *moved)
    verdict = {"open": "not told apart"}.get(passed.verdict, passed.verdict)
    return (name, _points(passed.difference), _p(passed.p_adjusted), verdict, *moved)


def _metric_row(one: MetricDifference) -> Sequence[str]:
    found = one.difference
    assert found is not None  # the caller leaves out the others
    value, low, high = (f"{v:+.3f}" for v in (found.value, found.low, found.high))
    means = (number(half.mean, one.unit) for half in (one.a, one.b))
    return (one.metric, *means, f"{value} [{low},{NBSP}{high}]", _p(one.p_adjusted))


def decision_card(found: Decision) -> str:
    """The approaches ranked, why the first one is, and what is not known."""
    body = _lines(found.reasons)
    body += _HEAD.format(text=f"Approaches, against {found.base}")
    columns = ("Approach", "Gain", "How", "#Cases", "#Score", "May come first")
    body += _table(columns, [_option_row(option) for option in found.options])
    if found.against:
        body += _HEAD.format(text="What speaks against") + _lines(found.against)
    if found.missing:
        unknown = [f"{words(m.fact)}: {m.settle}" for m in found.missing]
        body += _HEAD.format(text="Not known, and would weigh in") + _lines(unknown)
    return str(_card(f"{found.suite.name}: {words(found.approach)} first", body))


def _option_row(option: Option) -> Sequence[str]:
    lacking = [words(r.id) for r in option.requirements if r.met is not True]
    return (
        words(option.approach),
        _points(option.gain.interval),
        "measured" if option.gain.measured else "headroom",
        f"{len(option.gain.cases):,}",
        f"{option.score:.0f}",
        "yes" if option.eligible else f"no: {', '.join(lacking)}",
    )


# --- pieces --------------------------------------------------------------------------------------


def _card(title: str, body: Markup) -> Markup:
    return _CARD.format(line=_LINE, title=visible(title), body=body)


def _note(text: str) -> Markup:
    return _NOTE.format(style=_QUIET, text=visible(text))


def _lines(given: Sequence[str]) -> Markup:
    shown = Markup().join(
        _ITEM.format(text=visible(shortened(text, EXCERPT))) for text in given[:LINES]
    )
    return _LIST.format(items=shown) if given else Markup()


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> Markup:
    """A table; the columns whose names begin with ``#`` hold numbers, and what is markup stays as it is."""
    aligned = ["right" if name.startswith("#") else "left" for name in columns]
    named = zip(columns, aligned, strict=True)
    head = Markup().join(_TH.format(align=a, text=visible(n.removeprefix("#"))) for n, a in named)
    body = Markup().join(
        Markup("<tr>{}</tr>").format(
            Markup().join(_td(text, a) for text, a in zip(row, aligned, strict=True))
        )
        for row in rows
    )
    return _TABLE.format(head=head, rows=body)


def _td(text: str, align: str) -> Markup:
    shown = text if isinstance(text, Markup) else visible(shortened(text, EXCERPT))
    wrap = ";white-space:nowrap" if len(text) < 48 and not isinstance(text, Markup) else ""
    return _TD.format(cell=_CELL, align=align, wrap=wrap, text=shown)


def _bar(found: Interval | None) -> Markup:
    if found is None:
        return Markup()
    return _BAR.format(width=round(100 * min(1.0, max(0.0, found.value)), 1))


def _ends(found: Interval) -> Mapping[str, Any]:
    return {"low": found.low, "high": found.high}


def _rate(found: Interval | None, *, n: bool = True) -> str:
    if found is None:
        return "not graded"
    behind = f" n{NBSP}={NBSP}{found.n:,}" if n else ""
    return f"{percent(found.value)} {percent_bounds(_ends(found))}{behind}"


def _points(found: Interval) -> str:
    value, low, high = (f"{100 * v:+.1f}" for v in (found.value, found.low, found.high))
    return f"{value} [{low},{NBSP}{high}]"


def _p(p: float | None) -> str:
    if p is None:
        return "n/a"
    return "< 0.001" if p < 0.001 else f"{p:.3f}"
