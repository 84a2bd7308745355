"""Curves: shares over whole numbers, one line a series, each point with its interval."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

from markupsafe import Markup

from evalkit.pages.charts import axis
from evalkit.pages.charts.marks import NOTHING, line, marker, picture, rect, series, text
from evalkit.pages.charts.scale import Scale
from evalkit.records import Interval

HEIGHT, TOP, FOOT = 260, 24, 44
APART = 15  # pixels between two names at the right end


def curves(
    id: str,  # noqa: A002 (the attribute's own name)
    said: tuple[str, str],
    lines: Mapping[str, Sequence[tuple[int, Interval]]],
    *,
    names: tuple[str, str],
    cut: tuple[int, str] | None = None,
) -> Markup:
    """Shares (0..1) by whole number; ``cut`` is a number to point out, with what it is called."""
    bottom = HEIGHT - FOOT
    widest = max((n for points in lines.values() for n, _ in points), default=1)
    across, up = Scale(0.0 if widest == 1 else 1.0, float(widest)), Scale(0.0, 1.0)
    body = axis.left(up, TOP, bottom, lambda v: f"{100 * v:.0f} %", most=4)
    body += _places(across, bottom)
    body += axis.names(*names, bottom)
    if cut is not None and cut[0] <= widest:
        x = across.at(cut[0])
        body += line("cut", x, TOP - 6, x, bottom)
        side = ("end", -4) if x > 0.5 else ("start", 4)
        body += text(cut[1], x, TOP - 6, name="axis-name", anchor=side[0], dx=side[1])
    for number, points in enumerate(lines.values()):
        body += _line(number, points, across, bottom)
    return picture("curves", HEIGHT, id, said, body + _ends(lines, bottom))


def _places(across: Scale, bottom: float) -> Markup:
    """The numbers below the axis."""
    body = NOTHING
    for tick in sorted({across.low, *(t for t in across.ticks(6) if t >= across.low)}):
        if tick == across.low or tick - across.low >= (across.high - across.low) / 12:
            body += text(f"{tick:.0f}", across.at(tick), bottom, name="tick", dy=18)
    return body


def _line(
    number: int, points: Sequence[tuple[int, Interval]], across: Scale, bottom: float
) -> Markup:
    def height(share: float) -> float:
        return bottom - share * (bottom - TOP)

    body, half = NOTHING, 0.5 * min(0.02, 1 / (1 + across.high - across.low))
    for place, found in points:
        top, end = height(found.high), height(found.low)
        body += rect(
            f"band {series(number)}", across.at(place) - half, top, 2 * half, max(1.0, end - top)
        )
    for (x1, a), (x2, b) in pairwise(points):
        ends = height(a.value), height(b.value)
        body += line(f"curve {series(number)}", across.at(x1), ends[0], across.at(x2), ends[1])
    for place, found in points:
        told = f"{place}: {100 * found.value:.0f} % [{100 * found.low:.0f}, {100 * found.high:.0f}], n = {found.n}"
        body += marker(number, across.at(place), height(found.value), told, "small")
    return body


def _ends(lines: Mapping[str, Sequence[tuple[int, Interval]]], bottom: float) -> Markup:
    """The name of each series at its right end, moved apart where they would meet."""
    wanted = sorted(
        (bottom - points[-1][1].value * (bottom - TOP), number, name)
        for number, (name, points) in enumerate(lines.items())
        if points
    )
    body, before = NOTHING, float(TOP - APART)
    for y, number, name in wanted:
        here = max(y, before + APART)
        before = here
        body += text(name[:24], 1, here, name=f"name {series(number)}", anchor="end", dx=-2, dy=-8)
    return body
