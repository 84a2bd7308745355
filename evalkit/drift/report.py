"""What is told of a drift check: drift.json, a page in Markdown, a table for the terminal."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from evalkit.artefacts import write_json, write_text
from evalkit.drift.check import EXITS, Drift
from evalkit.drift.compare import TAIL, Compared, Effect, Said
from evalkit.drift.observe import Table
from evalkit.drift.signals import Kind
from evalkit.errors import StorageError
from evalkit.pages.wording import md

UNCOUNTED = 3  # signals with too few traces that are named one by one


def write_drift(found: Drift, names: tuple[str, str], path: Path) -> Path:
    """Write ``path`` (JSON) and the same as Markdown beside it; the path of the page."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(f"{path.parent}: cannot be made: {error.strerror}") from error
    page = path.with_suffix(".md")
    write_text(page, drift_markdown(found, names))
    write_json(path, drift_json(found, names))
    return page


def drift_json(found: Drift, names: tuple[str, str]) -> dict[str, Any]:
    """The content of drift.json; ``names`` are those of the baseline and of the traces."""
    code, exit_name = EXITS[found.said]
    plan = found.plan
    return {
        "format": 1,
        "verdict": found.said.value,
        "exit_code": code,
        "exit_name": exit_name,
        "baseline": _sample_json(names[0], found.baseline),
        "production": _sample_json(names[1], found.production),
        "alpha": plan.alpha,
        "look": {"number": plan.look, "of": plan.looks, "level": plan.level},
        "needed": found.needed,
        "first": found.drifted[0].signal.part if found.drifted else None,
        "signals": [_signal_json(one) for one in found.compared],
    }


def _sample_json(name: str, table: Table) -> dict[str, Any]:
    sizes = {"traces": table.traces, "units": table.units, "looked_at": len(table.ids)}
    return {"name": name, **sizes}


def _signal_json(one: Compared) -> dict[str, Any]:
    causes, look = one.hint if one.said is Said.DRIFT else ((), "")
    effect = one.effect
    return {
        "name": one.signal.name,
        "part": one.signal.part,
        "kind": one.signal.kind.value,
        "title": one.signal.title,
        "verdict": one.said.value,
        "n": {"baseline": one.n[0], "production": one.n[1]},
        "baseline": one.baseline,
        "production": one.production,
        "statistic": one.statistic,
        "category": one.category,
        "effect": effect and _effect_json(effect),
        "tail": _tail_json(one),
        "minimum": one.signal.least,
        "p": one.p,
        "p_adjusted": one.adjusted,
        "needed": one.needed,
        "reason": one.reason or None,
        "examples": list(one.examples),
        "causes": list(causes),
        "look": look or None,
    }


def _effect_json(effect: Effect) -> dict[str, Any]:
    return {name: getattr(effect, name) for name in ("measure", "value", "low", "high")}


def _tail_json(one: Compared) -> dict[str, Any] | None:
    tail = one.tail
    if tail is None:
        return None
    ends = {"statistic": TAIL, "baseline": tail.baseline, "production": tail.production}
    return {**ends, "effect": _effect_json(tail.effect)}


# --- in words --------------------------------------------------------------------------------


def headline(found: Drift) -> str:
    """The result in one sentence."""
    signals = len(found.drifted)
    if found.said is Said.DRIFT:
        first = found.drifted[0].signal
        return (
            f"Drift in {signals} signal{'s' * (signals > 1)}; the earliest is in the {first.part} part "
            f"({first.title}): start there, it may explain the others."
        )
    if found.said is Said.NONE:
        return "No drift that matters, and enough traces to have seen a large one."
    short = [one for one in found.compared if one.said is Said.TOO_FEW]
    if found.needed is None:
        needs = max((one.reason for one in short if one.needed is None), key=_number, default="")
        return f"Inconclusive: {needs}."
    return f"Inconclusive: about {found.needed} sessions or queries of production are needed."


def _number(reason: str) -> int:
    return max((int(word) for word in reason.replace(",", "").split() if word.isdigit()), default=0)


def about(found: Drift, names: tuple[str, str]) -> str:
    """What was compared with what, and at which false alarm rate."""
    plan = found.plan
    look = f", look {plan.look} of {plan.looks} at {plan.level:.2g}" if plan.looks > 1 else ""
    sizes = [
        f"{name} ({t.units:,} sessions or queries in {t.traces:,} traces"
        + (f", {len(t.ids):,} looked at)" if len(t.ids) < t.units else ")")
        for name, t in zip(names, (found.baseline, found.production), strict=True)
    ]
    return f"{sizes[1]} against {sizes[0]}; false alarms at most {plan.alpha:.2g} in all{look}"


def _value(one: Compared, value: float | None) -> str:
    if value is None:
        return "-"
    if one.signal.kind in (Kind.RATE, Kind.MIX):
        return f"{100 * value:.1f} %"
    return f"{value:.3g}" if value < 1000 else f"{value:,.0f}"


def effect_text(kind: Kind, effect: Effect | None) -> str:
    """An effect with its interval, in points for shares and as a factor for amounts."""
    if effect is None or effect.value is None or effect.low is None or effect.high is None:
        return "-"
    scale, sign, unit = {
        Kind.RATE: (100, "+.1f", " points"),
        Kind.MIX: (100, "+.1f", " points"),
        Kind.AMOUNT: (1, ".2f", ""),
    }.get(kind, (1, "+.3f", ""))
    value, low, high = (format(scale * v, sign) for v in (effect.value, effect.low, effect.high))
    return f"{'×' * (kind is Kind.AMOUNT)}{value}{unit} [{low}, {high}]"


def rows(one: Compared) -> Iterator[tuple[str, ...]]:
    """The lines of a signal: signal, part, statistic, both values, effect, adjusted p, verdict; a second for a tail."""
    kind, part, name = one.signal.kind, one.signal.part, one.signal.name
    shown = name + (f" ({one.category})" if one.category else "")
    p = "-" if one.adjusted is None else f"{one.adjusted:.2g}"
    ends = _value(one, one.baseline), _value(one, one.production)
    said = one.said.value.replace("_", " ")
    yield shown, part, one.statistic, *ends, effect_text(kind, one.effect), p, said
    if one.tail is not None:
        ends = _value(one, one.tail.baseline), _value(one, one.tail.production)
        yield name, part, TAIL, *ends, effect_text(kind, one.tail.effect), "", ""


def shown(found: Drift) -> list[Compared]:
    """What the tables show: signals that were measured and are not zero on both sides."""
    return [one for one in found.compared if one.p is not None and any(_ends(one))]


def _ends(one: Compared) -> tuple[float | None, ...]:
    tail = () if one.tail is None else (one.tail.baseline, one.tail.production)
    return one.baseline, one.production, *tail


COLUMNS = (
    *("signal", "part", "statistic", "baseline", "production", "change [95 %]"),
    *("p (adjusted)", "verdict"),
)


def drift_markdown(found: Drift, names: tuple[str, str]) -> str:
    """The whole page."""
    lines = ["# Drift", "", str(md(headline(found))), "", f"{md(about(found, names))}.", ""]
    lines += ["| " + " | ".join(COLUMNS) + " |", "|" + "---|" * len(COLUMNS)]
    lines += [
        "| " + " | ".join(str(md(cell)) for cell in row) + " |"
        for one in shown(found)
        for row in rows(one)
    ]
    for one in found.drifted:
        lines += ["", f"## {md(one.signal.name)}", "", *_told(one)]
    lines += ["", *_footnotes(found)]
    return "\n".join(lines).strip() + "\n"


def _told(one: Compared) -> Iterator[str]:
    causes, look = one.hint
    title = one.signal.title[:1].upper() + one.signal.title[1:]
    yield f"- {md(f'{title}: {_change(one, one.statistic, one.baseline, one.production, one.effect)}')}"
    if one.tail is not None:
        tail = one.tail
        yield f"- {md(_change(one, TAIL, tail.baseline, tail.production, tail.effect))}"
    if causes:
        yield f"- Usually points to: {', '.join(f'`{cause}`' for cause in causes)}"
    if look:
        yield f"- Look at: {md(look)}"
    if one.examples:
        yield f"- For example: {', '.join(str(md(name)) for name in one.examples)}"


def _change(
    one: Compared, statistic: str, old: float | None, new: float | None, effect: Effect | None
) -> str:
    ends = f"{statistic} {_value(one, old)} to {_value(one, new)}"
    return (
        f"{ends}, {effect.measure if effect else 'change'} {effect_text(one.signal.kind, effect)}"
    )


def _footnotes(found: Drift) -> Iterator[str]:
    short = [one for one in found.compared if one.said is Said.TOO_FEW]
    for one in short[:UNCOUNTED]:
        yield f"- {md(f'{one.signal.name}: too few to miss no large shift; {one.reason}')}"
    if len(short) > UNCOUNTED:
        yield f"- {len(short) - UNCOUNTED} more signals have too few."
    unseen = [one.signal.name for one in found.compared if one.said is Said.NOT_MEASURED]
    if unseen:
        yield f"- Not measured: {md(', '.join(unseen))}"


def show_drift(found: Drift, names: tuple[str, str], page: Path) -> None:
    """Print the table, what drifted, and where the page is."""
    from rich.markup import escape
    from rich.table import Table as Grid

    from evalkit.terminal import plain, wide_console

    console = wide_console()
    grid = Grid(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for column in COLUMNS:
        grid.add_column(column, no_wrap=True)
    for one in shown(found):
        style = "bold" if one.said is Said.DRIFT else None
        for row in rows(one):
            grid.add_row(*(escape(plain(cell)) for cell in row), style=style)
    console.print(plain(about(found, names)), markup=False, highlight=False)
    console.print(grid)
    for one in found.drifted:
        causes, look = one.hint
        said = "; ".join(part for part in (", ".join(causes), look) if part)
        line = f"{one.signal.name}: {said} (see {', '.join(map(plain, one.examples))})"
        console.print(line, markup=False, highlight=False)
    console.print(plain(headline(found)), markup=False, highlight=False)
    console.print(f"Report: {page.resolve()}", markup=False, highlight=False)
