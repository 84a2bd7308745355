"""Small charts as inline SVG: bars, intervals and stacks; every number they draw also stands beside them as text."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from evalkit.records import Interval

_SVG = Markup(
    '<svg class="chart {kind}" viewBox="0 0 100 {height}" preserveAspectRatio="none" '
    'role="img" aria-label="{label}">{body}</svg>'
)
_RECT = Markup('<rect class="{name}" x="{x}" y="{y}" width="{width}" height="{height}"/>')
_LINE = Markup('<path class="whisker" d="M{low} {y}H{high}M{low} {top}V{end}M{high} {top}V{end}"/>')
_MARK = Markup('<path class="mark" d="M{x} {top}V{end}"/>')
NOTHING = Markup()


def _at(share: float) -> str:
    """A share (clipped to 0..1) as a coordinate."""
    return f"{100 * min(1.0, max(0.0, share)):.2f}".rstrip("0").rstrip(".")


def _svg(kind: str, height: int, label: str, body: Markup) -> Markup:
    return _SVG.format(kind=kind, height=height, label=label, body=body)


def _rect(name: str, start: float, width: float, height: int = 12, y: int = 0) -> Markup:
    return _RECT.format(name=name, x=_at(start), y=y, width=_at(width), height=height)


def _whisker(low: float | None, high: float | None, middle: int = 6, reach: int = 3) -> Markup:
    if low is None or high is None:
        return NOTHING
    top, end = middle - reach, middle + reach
    return _LINE.format(low=_at(low), high=_at(high), y=middle, top=top, end=end)


def bar(
    share: float,
    low: float | None = None,
    high: float | None = None,
    *,
    start: float = 0.0,
    name: str = "fill",
    label: str = "",
) -> Markup:
    """A share of a full-width track, from ``start`` on, with the interval of its end as a whisker."""
    least, most = (None if end is None else start + end for end in (low, high))
    body = _rect("track", 0, 1) + _rect(name, start, share) + _whisker(least, most)
    return _svg("bar", 12, label, body)


def kept_and_lost(kept: float, lost: float, name: str, label: str) -> Markup:
    """What is left of a whole, and what this step lost of it, in the colour of ``name``."""
    body = _rect("track", 0, 1) + _rect("fill kept", 0, kept)
    return _svg("bar", 12, label, body + (_rect(name, kept, lost) if lost > 0 else NOTHING))


def stack(
    parts: Sequence[tuple[str, float]], label: str, low: float | None, high: float | None
) -> Markup:
    """Parts of a whole, one behind the other in the colour of its name; the interval is the first part's."""
    body, start = _rect("track", 0, 1, 16), 0.0
    for name, share in parts:
        body += _rect(f"side {name}", start, share, 16)
        start += share
        body += _MARK.format(x=_at(start), top=0, end=16)
    return _svg("stack", 16, label, body + _whisker(low, high, 8, 4))


def interval(
    mean: float, low: float | None, high: float | None, bounds: tuple[float, float], label: str
) -> Markup:
    """Where a mean and its interval lie between the bounds of the metric."""
    least, most = bounds
    place = [None if v is None else (v - least) / (most - least) for v in (mean, low, high)]
    here = place[0] or 0.0
    body = _rect("axis", 0, 1, 1, 5)
    if place[1] is not None and place[2] is not None:
        body += _rect("range", place[1], place[2] - place[1], 4, 4)
    body += _MARK.format(x=_at(here), top=1, end=11)
    return _svg("interval", 12, label, body)


def gain_bar(found: Interval, reach: float, label: str) -> Markup:
    """A gain between ``-reach`` and ``reach`` around a line at 0, with its interval."""

    def place(value: float) -> float:
        return 0.5 + value / (2 * reach)

    start, end = sorted((0.5, place(found.value)))
    name = "fill gain" if found.value >= 0 else "fill fail"
    body = _rect("track", 0, 1) + _rect(name, start, end - start)
    body += _whisker(place(found.low), place(found.high)) + _MARK.format(x="50", top=0, end=12)
    return _svg("bar zero", 12, label, body)
