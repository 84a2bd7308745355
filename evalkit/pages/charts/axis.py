"""Axes: quiet grid lines with their values; the left one stands in the margin that the style keeps free."""

from __future__ import annotations

from collections.abc import Callable

from markupsafe import Markup

from evalkit.pages.charts.marks import NOTHING, line, text
from evalkit.pages.charts.scale import Scale

Say = Callable[[float], str]


def left(scale: Scale, top: float, bottom: float, say: Say, most: int = 5) -> Markup:
    """Horizontal grid lines with values at their left; the scale's low end is at the bottom."""
    body = NOTHING
    for tick in scale.ticks(most):
        y = bottom - scale.at(tick) * (bottom - top)
        body += line("grid", 0, y, 1, y)
        body += text(say(tick), 0, y, name="tick", anchor="end", dx=-8, dy=4)
    return body


def below(scale: Scale, top: float, bottom: float, say: Say, most: int = 5) -> Markup:
    """Vertical grid lines with values under them."""
    body = NOTHING
    for tick in scale.ticks(most):
        x = scale.at(tick)
        body += line("grid", x, top, x, bottom)
        body += text(say(tick), x, bottom, name="tick", dy=18)
    return body


def names(left_name: str, below_name: str, bottom: float) -> Markup:
    """What the axes measure: above the left one, and below the right end of the other."""
    return text(left_name, 0, 12, name="axis-name", anchor="start", dx=-40) + text(
        below_name, 1, bottom, name="axis-name", anchor="end", dy=36
    )
