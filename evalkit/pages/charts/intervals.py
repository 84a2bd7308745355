"""Where a mean and its interval lie between the ends of a scale."""

from __future__ import annotations

from markupsafe import Markup

from evalkit.pages.charts.bars import at, block, mark
from evalkit.pages.charts.marks import stretched
from evalkit.records import Interval


def against(stated: float, found: Interval, label: str) -> Markup:
    """What was stated, as a thin mark across, against what was found with its interval; from 0 to 1."""
    body = block("axis", 0, 1, 1, 5) + block("range", found.low, found.high - found.low, 4, 4)
    return stretched("interval against", 12, label, body + mark(found.value, 1, 11) + dash(stated))


def dash(share: float) -> Markup:
    """A place pointed out from above and below, without covering what lies there."""
    x = at(share)
    return Markup('<path class="stated" d="M{x} -2V3M{x} 9V14"/>').format(x=x)


def interval(
    mean: float, low: float | None, high: float | None, bounds: tuple[float, float], label: str
) -> Markup:
    """A line from end to end of ``bounds`` with the mean and, where there is one, its interval."""
    least, most = bounds
    place = [None if v is None else (v - least) / (most - least) for v in (mean, low, high)]
    here = place[0] or 0.0
    body = block("axis", 0, 1, 1, 5)
    if place[1] is not None and place[2] is not None:
        body += block("range", place[1], place[2] - place[1], 4, 4)
    return stretched("interval", 12, label, body + mark(here, 1, 11))
