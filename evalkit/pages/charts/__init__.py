"""Charts as inline SVG: fluid in width, text stays text, and every number they draw stands beside them too."""

from evalkit.pages.charts.bars import bar, gain_bar, kept_and_lost, stack
from evalkit.pages.charts.figure import Figure, Row
from evalkit.pages.charts.intervals import interval
from evalkit.pages.charts.marks import NOTHING

__all__ = ["NOTHING", "Figure", "Row", "bar", "gain_bar", "interval", "kept_and_lost", "stack"]
