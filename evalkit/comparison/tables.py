"""A comparison as tables of text: the same rows for the terminal and for comparison.md."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from evalkit.comparison.shape import Comparison, Economy, MetricDifference, Pair, Split
from evalkit.pages.wording import count, md, number, percent, seconds, shortened, words
from evalkit.records import Interval

NAMED, LONGEST_ID = 10, 80  # ids of cases that are not shared, and characters of each
TOP = 5  # causes and slices shown; comparison.json has all


@dataclass(frozen=True, slots=True)
class TextTable:
    """A title, column names and rows of text, not yet escaped for any medium; ``below`` are sentences under it."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    below: Sequence[str] = ()


def tables(found: Comparison) -> Iterator[TextTable]:
    """Every table, in reading order."""
    yield _systems(found)
    for pair in found.pairs:
        yield _metrics(pair)
        if pair.splits:
            yield _splits(pair)
        if pair.causes.causes:
            yield _causes(pair)
        if pair.slices:
            yield _slices(pair)


def comparison_markdown(found: Comparison) -> str:
    """The comparison in Markdown, for pull requests and logs."""
    lines = [f"# {md(found.suite)}: systems compared", ""]
    lines += [f"- {md(note)}" for note in found.notes]
    for table in tables(found):
        lines += ["", f"## {md(table.title)}", "", *_table(table.columns, table.rows)]
        lines += [line for said in table.below for line in ("", md(said))]
    return "\n".join(lines) + "\n"


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield _line(md(name) for name in columns)
    yield _line("---" for _ in columns)
    for row in rows:
        yield _line(md(cell) for cell in row)


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


# --- the systems -------------------------------------------------------------------------------


def _systems(found: Comparison) -> TextTable:
    rows = [
        [
            one.system,
            one.approach,
            _share(one.passed),
            _with_bounds(one.prompt_tokens, _tokens),
            _with_bounds(one.completion_tokens, _tokens),
            _with_bounds(one.cost, lambda v: f"{v:.3g}"),
            _with_bounds(one.seconds, seconds),
            "yes" if one.on_front else f"no: {', '.join(one.dominated_by)}",
        ]
        for one in found.systems
    ]
    columns = ("system", "approach", "pass rate", "prompt tokens", "completion tokens", "cost")
    below = [
        "Tokens, cost and time are medians of an answer, with 95 % intervals.",
        "Off the Pareto front is who is beaten beyond noise: intervals that overlap are a tie.",
    ]
    if found.economy is not None:
        below += _economy(found.economy)
    title = f"{found.suite}: {count(found.cases, 'shared case')}"
    return TextTable(title, (*columns, "time", "Pareto front"), rows, below)


def _economy(found: Economy) -> list[str]:
    others = [p for p in found.peers if p.system != found.leader]
    if not others:
        return [f"{found.leader} has the highest pass rate; every other is told apart from it."]
    near = ", ".join(f"{p.system} {_points(p.behind)}" for p in others)
    said = [f"Not told apart from {found.leader} by pass rate (not shown to be equal): {near}."]
    if found.fewest is None:
        return said
    saving = "" if found.saving is None else f": {_with_bounds(found.saving, _tokens)} an answer"
    return [*said, f"Fewest prompt tokens among them: {found.fewest}{saving}."]


# --- a pair --------------------------------------------------------------------------------------


def _metrics(pair: Pair) -> TextTable:
    columns = ("metric", pair.a, pair.b, "difference", "p (Holm)", "", "effect", "+/=/-")
    rows = [_metric(one) for one in pair.metrics if one.not_compared is None]
    below = [headline(pair), *_not_compared(pair.metrics)]
    below += [_alone(n, ids) for n, ids in zip((pair.a, pair.b), pair.alone, strict=True) if ids]
    if pair.groups is not None:
        below.append(f"Cases that share a source count as one: {count(pair.groups, 'unit')}.")
    title = f"{pair.a} -> {pair.b}: {count(pair.cases, 'case')}"
    return TextTable(title, (*columns, "detectable", "scored/due"), rows, below)


def _alone(system: str, ids: Sequence[str]) -> str:
    """The cases that the other system of the pair was not asked."""
    named = ", ".join(shortened(case_id, LONGEST_ID) for case_id in ids[:NAMED])
    more = f", and {len(ids) - NAMED} more (comparison.json has all)" if len(ids) > NAMED else ""
    return f"Asked of {system} alone, and not compared: {count(len(ids), 'case')}: {named}{more}."


def _metric(one: MetricDifference) -> list[str]:
    means = [number(half.mean, one.unit) for half in (one.a, one.b)]
    shown = _with_bounds(one.difference, lambda v: _signed(v, one.unit))
    sign = {"better": "better", "worse": "WORSE", "open": ""}[one.verdict]
    effect = "" if one.effect_size is None else f"{one.effect} {one.effect_size:+.2f}"
    detectable = "" if one.detectable is None else number(one.detectable, one.unit)
    counts = f"{one.wins}/{one.ties}/{one.losses}"
    due = f"{one.a.scored}/{one.a.due} {one.b.scored}/{one.b.due}"
    p = p_value(one.p_adjusted)
    return [one.metric, *means, shown, p, sign, effect, counts, detectable, due]


def _not_compared(metrics: Sequence[MetricDifference]) -> list[str]:
    """One sentence for every reason, with the metrics that share it."""
    reasons: dict[str, list[str]] = {}
    for one in metrics:
        if one.not_compared is not None:
            reasons.setdefault(one.not_compared, []).append(one.metric)
    return [f"Not compared: {', '.join(names)} ({why})." for why, names in reasons.items()]


def headline(pair: Pair) -> str:
    """The pass rates in a sentence."""
    passed = next((m for m in pair.metrics if m.metric == "passed"), None)
    if passed is None or passed.difference is None:
        return "The pass rates cannot be compared."
    told = {"better": "better", "worse": "worse", "open": "not told apart"}[passed.verdict]
    flips = f"{pair.causes.repairs} repaired, {pair.causes.harms} harmed"
    p = p_value(passed.p_adjusted)
    return f"Pass rate of {pair.b} less {pair.a}: {_points(passed.difference)}, p {p}: {told} ({flips})."


def _splits(pair: Pair) -> TextTable:
    rows = [_split(one) for one in pair.splits]
    columns = ("metric", "whole", "by the retriever", "by the generator", "interaction", "cases")
    below = ["Retriever and generator add up to the whole; each holds half of the interaction."]
    return TextTable(f"{pair.a} -> {pair.b}: by component", columns, rows, below)


def _split(one: Split) -> list[str]:
    if one.not_split is not None:
        return [one.metric, one.not_split, "", "", "", "0"]
    parts = (one.whole, one.retriever, one.generator, one.interaction)
    return [one.metric, *(_points(part) for part in parts), str(one.n)]


def _causes(pair: Pair) -> TextTable:
    rows = [
        [
            words(one.cause),
            str(one.before),
            str(one.after),
            str(len(one.repaired)),
            str(len(one.harmed)),
            str(len(one.moved)),
            p_value(one.p_adjusted),
        ]
        for one in pair.causes.causes[:TOP]
    ]
    columns = ("cause", "before", "after", "repaired", "harmed", "moved", "p (Holm)")
    return TextTable(f"{pair.a} -> {pair.b}: causes", columns, rows, _more(pair.causes.causes))


def _slices(pair: Pair) -> TextTable:
    first = sorted(pair.slices, key=lambda s: (s.p_adjusted, -abs(s.b - s.a), s.tag))
    rows = [
        [s.tag, str(s.n), percent(s.a), percent(s.b), _points(s.difference), p_value(s.p_adjusted)]
        for s in first[:TOP]
    ]
    columns = ("tag", "cases", pair.a, pair.b, "difference", "p (Benjamini-Hochberg)")
    return TextTable(f"{pair.a} -> {pair.b}: by tag", columns, rows, _more(pair.slices))


def _more(listed: Sequence[object]) -> list[str]:
    return [f"{len(listed) - TOP} more in comparison.json."] if len(listed) > TOP else []


# --- numbers -------------------------------------------------------------------------------------


def p_value(p: float | None) -> str:
    """Three decimals, never 0."""
    if p is None:
        return "n/a"
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def _with_bounds(found: Interval | None, shown: Callable[[float], str]) -> str:
    if found is None:
        return "n/a"
    return f"{shown(found.value)} [{shown(found.low)}, {shown(found.high)}]"


def _share(found: Interval | None) -> str:
    if found is None:
        return "n/a"
    return f"{percent(found.value)} [{100 * found.low:.0f}, {100 * found.high:.0f}]"


def _points(found: Interval | None) -> str:
    if found is None:
        return "n/a"
    value, low, high = (f"{100 * v:+.1f}" for v in (found.value, found.low, found.high))
    return f"{value} [{low}, {high}] points"


def _tokens(value: float) -> str:
    return f"{value:,.0f}"


def _signed(value: float, unit: str) -> str:
    return ("+" if value > 0 else "") + number(value, unit)
