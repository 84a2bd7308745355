"""Bars of shares: from zero, one behind the other, kept against lost, and gains around zero."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from evalkit.pages.charts.marks import NOTHING, stretched
from evalkit.records import Interval

_RECT = Markup('<rect class="{name}" x="{x}" y="{y}" width="{width}" height="{height}"/>')
_LINE = Markup('<path class="whisker" d="M{low} {y}H{high}M{low} {top}V{end}M{high} {top}V{end}"/>')
_MARK = Markup('<path class="mark" d="M{x} {top}V{end}"/>')


def at(share: float) -> str:
    """A share (clipped to 0..1) as a coordinate."""
    return f"{100 * min(1.0, max(0.0, share)):.2f}".rstrip("0").rstrip(".")


def block(name: str, start: float, width: float, height: int = 12, y: int = 0) -> Markup:
    """A part of the track."""
    return _RECT.format(name=name, x=at(start), y=y, width=at(width), height=height)


def mark(share: float, top: int, end: int) -> Markup:
    """A line across the track."""
    return _MARK.format(x=at(share), top=top, end=end)


def whisker(low: float | None, high: float | None, middle: int = 6, reach: int = 3) -> Markup:
    """An interval; nothing where there is none."""
    if low is None or high is None:
        return NOTHING
    top, end = middle - reach, middle + reach
    return _LINE.format(low=at(low), high=at(high), y=middle, top=top, end=end)


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
    body = block("track", 0, 1) + block(name, start, share) + whisker(least, most)
    return stretched("bar", 12, label, body)


def kept_and_lost(kept: float, lost: float, name: str, label: str) -> Markup:
    """What is left of a whole, and what this step lost of it, in the colour of ``name``."""
    body = block("track", 0, 1) + block("fill kept", 0, kept)
    return stretched("bar", 12, label, body + (block(name, kept, lost) if lost > 0 else NOTHING))


def stack(
    parts: Sequence[tuple[str, float]], label: str, low: float | None, high: float | None
) -> Markup:
    """Parts of a whole, one behind the other in the colour of its name; the interval is the first part's."""
    body, start = block("track", 0, 1, 16), 0.0
    for name, share in parts:
        body += block(f"side {name}", start, share, 16)
        start += share
        body += mark(start, 0, 16)
    return stretched("stack", 16, label, body + whisker(low, high, 8, 4))


def gain_bar(found: Interval, reach: float, label: str) -> Markup:
    """A gain between ``-reach`` and ``reach`` around a line at 0, with its interval."""

    def place(value: float) -> float:
        return 0.5 + value / (2 * reach)

    start, end = sorted((0.5, place(found.value)))
    name = "fill gain" if found.value >= 0 else "fill fail"
    body = block("track", 0, 1) + block(name, start, end - start)
    body += whisker(place(found.low), place(found.high)) + mark(0.5, 0, 12)
    return stretched("bar zero", 12, label, body)
