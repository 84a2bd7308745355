"""A picture with the same figures as a table, for those who cannot see it and those who copy them."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

Row = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Figure:
    """``rows`` under ``head`` say what ``picture`` draws; the first cell of a row names it. ``legend`` names series by number."""

    id: str
    title: str
    note: str
    picture: Markup
    head: Row
    rows: tuple[Row, ...]
    legend: tuple[tuple[int, str], ...] = ()
