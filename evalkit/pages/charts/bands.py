"""Where values lie against a wanted band: five quantiles over the band's ground."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from evalkit.pages.charts.bars import block, mark
from evalkit.pages.charts.marks import stretched
from evalkit.pages.charts.scale import Scale


def band_chart(
    quantiles: Sequence[float], band: tuple[float | None, float | None], scale: Scale, label: str
) -> Markup:
    """The 5, 25, 50, 75 and 95 % quantiles as a thin line, a thick line and a mark, over the wanted band."""
    low, high = (
        (0.0 if band[0] is None else scale.at(band[0])),
        (1.0 if band[1] is None else scale.at(band[1])),
    )
    least, first, middle, third, most = (scale.at(value) for value in quantiles)
    body = block("wanted", low, high - low, 16)
    body += block("axis", least, max(0.004, most - least), 1, 8)
    body += block("range", first, max(0.008, third - first), 6, 5)
    return stretched("band-chart", 16, label, body + mark(middle, 2, 14))
