"""Line charts over runs as inline SVG: places in percent, so that text stays as large as the page's at any width."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from markupsafe import Markup

from evalkit.records import Interval

PLOT, TOP, LEAD = 140, 14, 14  # pixels: of the plot, above it, and of a line of dates below it
LEFT, RIGHT = 7.0, 96.0  # percent of the width between which points stand
LABELLED = 4  # dates written below, at most
_SVG = Markup(
    '<svg class="trend" height="{height}" width="100%" role="group" aria-label="{label}">{body}</svg>'
)
_GRID = Markup(
    '<line class="grid" x1="0" x2="100%" y1="{y}" y2="{y}"/><text class="axis" x="0" y="{above}">{text}</text>'
)
_EDGE = Markup('<line class="{name}" x1="{x1}%" y1="{y1}" x2="{x2}%" y2="{y2}"/>')
_BREAK = Markup(
    '<line class="break" x1="{x}%" x2="{x}%" y1="{top}" y2="{end}"><title>{title}</title></line>'
)
_POINT = Markup(
    '<a href="{href}" aria-label="{title}"><circle class="reach" cx="{x}%" cy="{y}" r="12"/>'
    '<circle class="point {name}" cx="{x}%" cy="{y}" r="4"/><title>{title}</title></a>'
)
_DATE = Markup(
    '<text class="axis date{more}" x="{x}%" y="{y}" text-anchor="{anchor}">{text}</text>'
)


@dataclass(frozen=True, slots=True)
class Point:
    """One value of a line at run number ``at``, with its interval (equal ends: none), its words and its link."""

    at: int
    value: float
    low: float
    high: float
    title: str
    href: str


@dataclass(frozen=True, slots=True)
class Line:
    """A line in the colour and pattern of ``name``; points are in the order of the runs."""

    name: str
    points: Sequence[Point]
    whiskers: bool = True


def chart(
    lines: Sequence[Line],
    dates: Sequence[Sequence[str]],
    breaks: Sequence[tuple[int, str]],
    label: str,
    shown: Callable[[float], str],
    bounds: tuple[float, float] | None = None,
) -> Markup:
    """Lines over the runs; ``dates`` are the words below each run, ``breaks`` the runs before which something changed.

    ``bounds`` is the range of the axis, that of the values where it is None.
    """
    least, most = bounds or _bounds(
        [v for line in lines for p in line.points for v in (p.low, p.high)]
    )

    def height(value: float) -> float:
        share = (min(most, max(least, value)) - least) / (most - least)
        return round(TOP + (1 - share) * PLOT, 1)

    body = Markup().join(_grid(least, most, height, shown))
    body += Markup().join(_breaks(breaks, len(dates)))
    body += Markup().join(
        part for line in lines for part in _line(line, len(dates), breaks, height)
    )
    body += Markup().join(_dates(dates))
    return _SVG.format(height=TOP + PLOT + 6 + LEAD * max(map(len, dates)), label=label, body=body)


def _x(at: float, of: int) -> float:
    return round(LEFT + (RIGHT - LEFT) * (at / (of - 1) if of > 1 else 0.5), 2)


def _bounds(values: Sequence[float]) -> tuple[float, float]:
    """A round range that holds every value and 0."""
    most, least = max([0.0, *values]), min([0.0, *values])
    reach = max(most, -least)
    if reach <= 0:
        return 0.0, 1.0
    power = 10.0 ** math.floor(math.log10(reach))
    step = next(step * power for step in (1, 2, 2.5, 5, 10) if step * power >= reach * 0.999999)
    return (-step if least < 0 else 0.0), (step if most > 0 else 0.0)


def _grid(
    least: float, most: float, height: Callable[[float], float], shown: Callable[[float], str]
) -> Iterator[Markup]:
    for share in (0.0, 0.5, 1.0):
        y = height(least + share * (most - least))
        yield _GRID.format(y=y, above=y - 3, text=shown(least + share * (most - least)))


def _breaks(breaks: Sequence[tuple[int, str]], of: int) -> Iterator[Markup]:
    for at, title in breaks:
        yield _BREAK.format(x=_x(at - 0.5, of), top=TOP, end=TOP + PLOT, title=title)


def _line(
    line: Line, of: int, breaks: Sequence[tuple[int, str]], height: Callable[[float], float]
) -> Iterator[Markup]:
    broken = {at for at, _ in breaks}
    for a, b in pairwise(line.points):
        across = any(a.at < at <= b.at for at in broken)
        name = f"stretch {line.name}{' across' if across else ''}"
        ends = {
            "x1": _x(a.at, of),
            "y1": height(a.value),
            "x2": _x(b.at, of),
            "y2": height(b.value),
        }
        yield _EDGE.format(name=name, **ends)
    for p in line.points:
        x = _x(p.at, of)
        if line.whiskers and p.low < p.high:
            yield _EDGE.format(
                name=f"whisker {line.name}", x1=x, x2=x, y1=height(p.low), y2=height(p.high)
            )
        yield _POINT.format(name=line.name, x=x, y=height(p.value), title=p.title, href=p.href)


def _dates(dates: Sequence[Sequence[str]]) -> Iterator[Markup]:
    """The first and the last run by date, and some between them where there is room."""
    of = len(dates)
    chosen = sorted({round(i * (of - 1) / (LABELLED - 1)) for i in range(LABELLED)})
    for at in chosen:
        edge = at in (0, of - 1)
        anchor = "middle" if of == 1 or not edge else ("start" if at == 0 else "end")
        x = _x(at, of) if anchor == "middle" else (0.0 if at == 0 else 100.0)
        for line, text in enumerate(dates[at]):
            y = TOP + PLOT + LEAD * (line + 1)
            yield _DATE.format(more="" if edge else " mid", x=x, y=y, anchor=anchor, text=text)


# --- bars ----------------------------------------------------------------------------------------

_BAR = Markup(
    '<svg class="chart {kind}" viewBox="0 0 100 12" preserveAspectRatio="none" role="img" aria-label="{label}">'
    '<rect class="track" width="100" height="12"/><rect class="{fill}" x="{x}" width="{width}" height="12"/>'
    '<path class="ends" d="M{low} 6H{high}M{low} 3V9M{high} 3V9"/>{mark}</svg>'
)
_ZERO = Markup('<path class="zero" d="M50 0V12"/>')


def share_bar(found: Interval, label: str) -> Markup:
    """A share of a full-width track with its interval."""
    value, low, high = (
        round(100 * min(1.0, max(0.0, v)), 2) for v in (found.value, found.low, found.high)
    )
    return _BAR.format(
        kind="share", label=label, fill="fill", x=0, width=value, low=low, high=high, mark=Markup()
    )


def shift_bar(found: Interval, reach: float, label: str) -> Markup:
    """A difference between ``-reach`` and ``reach`` around a line at 0, with its interval."""
    value, low, high = (
        round(50 + 50 * min(1.0, max(-1.0, v / reach)), 2)
        for v in (found.value, found.low, found.high)
    )
    fill = "fill gain" if found.value >= 0 else "fill harm"
    x, width = min(50.0, value), round(abs(value - 50), 2)
    return _BAR.format(
        kind="shift", label=label, fill=fill, x=x, width=width, low=low, high=high, mark=_ZERO
    )
