"""A scatter of systems: quality up, a price across, intervals both ways, and the Pareto front."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from markupsafe import Markup

from evalkit.pages.charts import axis
from evalkit.pages.charts.marks import NOTHING, line, marker, picture, text
from evalkit.pages.charts.scale import Scale, around
from evalkit.records import Interval

Name = tuple[float, float, str]  # where a name stands: share of the width, pixels, which end of it
HEIGHT, TOP, FOOT = 260, 24, 44
NEAR, LINE = 0.3, 15  # names closer than this share of the width, and these pixels, would meet
WIDE = 50.0  # ratio of the largest price to the smallest from which the axis is logarithmic


@dataclass(frozen=True, slots=True)
class Point:
    """One system; ``front`` says whether no other is better in one thing and as good in all."""

    name: str
    number: int
    price: Interval
    quality: Interval
    front: bool


def scatter(
    id: str,  # noqa: A002 (the attribute's own name)
    said: tuple[str, str],
    points: Sequence[Point],
    *,
    names: tuple[str, str],
    say: Callable[[float], str],
) -> Markup:
    """Quality (0..1) against price, cheap at the left; ``say`` writes a price."""
    bottom = HEIGHT - FOOT
    across, up = _scales(points)
    body = axis.left(up, TOP, bottom, lambda v: f"{100 * v:.0f} %", most=4)
    body += axis.below(across, TOP, bottom, say, most=4) + axis.names(*names, bottom)
    body += _front([p for p in points if p.front], across, up, bottom)
    placed: list[Name] = []
    for point in sorted(points, key=lambda p: (-p.quality.value, p.price.value)):
        body += _point(point, (across, up), bottom, say, placed)
    return picture("scatter", HEIGHT, id, said, body)


def _scales(points: Sequence[Point]) -> tuple[Scale, Scale]:
    prices = [p.price.value for p in points]
    log = min(prices) > 0 and max(prices) / min(prices) >= WIDE
    ends = [v for p in points for v in (p.price.low, p.price.high)]
    best = max(p.quality.high for p in points)
    return around(ends, log=log), Scale(0.0, min(1.0, math.ceil(10 * best + 0.5) / 10))


def _height(share: float, up: Scale, bottom: float) -> float:
    return bottom - up.at(share) * (bottom - TOP)


def _front(points: Sequence[Point], across: Scale, up: Scale, bottom: float) -> Markup:
    """Steps through the systems on the front: what quality is to be had at most for a price."""
    body, best = NOTHING, -1.0
    ordered = sorted(points, key=lambda p: (p.price.value, -p.quality.value))
    steps = []
    for point in ordered:
        if point.quality.value > best:
            best = point.quality.value
            steps.append((across.at(point.price.value), _height(best, up, bottom)))
    for (x1, y1), (x2, y2) in pairwise(steps):
        body += line("front", x1, y1, x2, y1) + line("front", x2, y1, x2, y2)
    return body


def _point(
    point: Point,
    scales: tuple[Scale, Scale],
    bottom: float,
    say: Callable[[float], str],
    placed: list[Name],
) -> Markup:
    """A point with its name, below it where a name stands above already; ``placed`` collects the names."""
    across, up = scales
    x, y = across.at(point.price.value), _height(point.quality.value, up, bottom)
    body = line("reach", across.at(point.price.low), y, across.at(point.price.high), y)
    ends = _height(point.quality.low, up, bottom), _height(point.quality.high, up, bottom)
    body += line("reach", x, ends[0], x, ends[1])
    share = f"{100 * point.quality.value:.0f} %"
    told = f"{point.name}: {share} at {say(point.price.value)}"
    body += marker(point.number, x, y, told, "" if point.front else "behind")
    side, drop = _room(x, y, bottom, placed)
    placed.append((x, y + drop, side))
    move = -11 if side == "end" else 11
    return body + text(point.name[:24], x, y, name="name", anchor=side, dx=move, dy=drop)


def _room(x: float, y: float, bottom: float, placed: Sequence[Name]) -> tuple[str, float]:
    """At which side of a point, and how far up or down, its name meets no other name and no axis."""
    sides = ("end", "start") if x > 0.6 else ("start", "end")
    heights = (-7.0, 15.0, -7.0 - LINE, 15.0 + LINE, -7.0 - 2 * LINE, -7.0 - 3 * LINE)
    for drop in heights:
        for side in sides:
            if y + drop < bottom - 2 and not any(_meet((x, y + drop, side), p) for p in placed):
                return side, drop
    return sides[0], heights[-1]


def _meet(one: Name, other: Name) -> bool:
    first, second = (x - NEAR * (side == "end") for x, _, side in (one, other))
    return abs(first - second) < NEAR and abs(one[1] - other[1]) < LINE
