"""Columns over places in order, such as ranks: how many of a whole stand at each."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from evalkit.pages.charts import axis
from evalkit.pages.charts.marks import NOTHING, line, picture, rect, text
from evalkit.pages.charts.scale import Scale

HEIGHT, TOP, FOOT = 170, 24, 40


def columns(
    id: str,  # noqa: A002 (the attribute's own name)
    said: tuple[str, str],
    bars: Sequence[tuple[str, int, str]],
    *,
    most: int,
    names: tuple[str, str],
    cut: tuple[float, str] | None = None,
) -> Markup:
    """One column a bar (label, count, class); ``most`` is the count at the top, ``cut`` a line after so many bars."""
    bottom, width = HEIGHT - FOOT, 1 / max(1, len(bars))
    up = Scale(0.0, float(max(1, most)))
    body = axis.left(up, TOP, bottom, lambda v: f"{v:,.0f}", most=3) + axis.names(*names, bottom)
    for i, (label, count, name) in enumerate(bars):
        height = up.at(count) * (bottom - TOP)
        told = f"{label}: {count:,}"
        body += rect(name, (i + 0.12) * width, bottom - height, 0.76 * width, height, told)
        middle = (i + 0.5) * width
        if count:
            body += text(f"{count:,}", middle, bottom - height, name="count", dy=-4)
        body += text(label, middle, bottom, name="tick", dy=16)
    if cut is not None:
        body += line("cut", cut[0] * width, TOP - 6, cut[0] * width, bottom)
        body += text(cut[1], cut[0] * width, TOP - 10, name="axis-name", anchor="start", dx=4)
    return picture("columns", HEIGHT, id, said, body or NOTHING)
