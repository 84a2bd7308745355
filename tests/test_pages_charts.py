"""Charts draw what they are given, in place, with their text as text."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalkit.pages.charts.bands import band_chart
from evalkit.pages.charts.columns import columns
from evalkit.pages.charts.curves import curves
from evalkit.pages.charts.heat import shade
from evalkit.pages.charts.marks import rect
from evalkit.pages.charts.scale import Scale, around
from evalkit.pages.charts.scatter import Point, scatter
from evalkit.records import Interval

shares = st.floats(0, 1)


class Drawn(HTMLParser):
    """The elements of a chart and what is written in it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "text":
            self.texts.append(data)

    def places(self, *names: str) -> list[float]:
        found = (a[n] for _, a in self.tags for n in names if (a.get(n) or "").endswith("%"))
        return [float((place or "").rstrip("%")) for place in found if place != "100%"]


# --- scales ------------------------------------------------------------------------------------


@settings(max_examples=50, deadline=None)
@given(st.floats(-1e6, 1e6), st.floats(1e-3, 1e6), st.booleans())
def test_ticks_are_few_round_and_within(low: float, span: float, log: bool):
    scale = Scale(abs(low) + 1e-3, abs(low) + 1e-3 + span, log)
    ticks = scale.ticks()
    assert list(ticks) == sorted(set(ticks))
    assert len(ticks) <= 40 if log else len(ticks) <= 6
    assert all(-1e-6 <= scale.at(t) <= 1 + 1e-6 for t in ticks)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=8), st.booleans())
def test_a_scale_around_values_holds_them_in_order(values: list[float], log: bool):
    scale = around(values, log=log)
    places = [scale.at(v) for v in sorted(values)]
    assert places == sorted(places)
    assert all(0 <= place <= 1 for place in places)


# --- pictures ------------------------------------------------------------------------------------


def test_text_of_a_chart_is_escaped():
    drawn = str(rect("bar", 0, 0, 1, 1, "<script>&"))
    assert "<script>" not in drawn
    assert "&lt;script&gt;&amp;" in drawn


LINES = {
    "rag <b>": [(k, Interval(k / 6, k / 6 - 0.1, k / 6 + 0.1, 40)) for k in range(1, 6)],
    "hybrid": [(k, Interval(k / 6, k / 6 - 0.1, k / 6 + 0.1, 40)) for k in range(1, 6)],
}


def test_curves_have_names_a_title_and_every_point():
    drawn = Drawn(curves("c", ("title", "desc"), LINES, names=("up", "along"), cut=(3, "k = 3")))
    assert [tag for tag, _ in drawn.tags].count("path") == 10
    assert {"rag <b>", "hybrid", "k = 3", "up", "along", "100 %"} <= set(drawn.texts)
    (whole,) = [a for tag, a in drawn.tags if a.get("role") == "img"]
    assert whole["aria-labelledby"] == "c-title c-desc"
    assert all(0 <= place <= 100.5 for place in drawn.places("x1", "x2"))


def test_names_of_equal_curves_do_not_meet():
    text = curves("c", ("t", "d"), LINES, names=("up", "along"))
    heights = re.findall(r'class="name [^"]*" x="100%" y="([\d.]+)"', str(text))
    first, second = sorted(float(h) for h in heights)
    assert second - first >= 15


def test_a_curve_of_one_point_is_drawn():
    one = {"rag": [(1, Interval(0.5, 0.4, 0.6, 10))]}
    assert "path" in str(curves("c", ("t", "d"), one, names=("up", "along"), cut=(1, "k = 1")))


def test_columns_say_their_counts_and_mark_the_cut():
    bars = [("1", 12, "column"), ("2", 0, "column"), ("none", 3, "column lost")]
    drawn = Drawn(columns("h", ("t", "d"), bars, most=12, names=("cases", "rank"), cut=(1, "cut")))
    assert {"12", "3", "none", "cut", "cases", "rank"} <= set(drawn.texts)
    heights = [float(a["height"] or 0) for tag, a in drawn.tags if tag == "rect"]
    assert heights[0] == max(heights)
    assert heights[1] == 0


def _point(name: str, price: float, quality: float, *, front: bool = True) -> Point:
    price_interval = Interval(price, price * 0.9, price * 1.1, 30)
    return Point(name, 0, price_interval, Interval(quality, quality, quality, 30), front)


def test_the_pareto_front_joins_only_systems_on_it():
    points = [_point("a", 1, 0.2), _point("b", 2, 0.1, front=False), _point("c", 3, 0.5)]
    text = str(scatter("s", ("t", "d"), points, names=("q", "p"), say=lambda v: f"{v:g}"))
    assert text.count('class="front"') == 2  # one step: along, then up
    assert text.count("behind") == 1


def test_names_of_near_points_stand_apart():
    points = [_point(n, 1, 0.3) for n in "abcd"]
    text = str(scatter("s", ("t", "d"), points, names=("q", "p"), say=lambda v: f"{v:g}"))
    drops = [float(d) for d in re.findall(r'class="name"[^>]* dy="(-?[\d.]+)"', text)]
    assert min(abs(a - b) for i, a in enumerate(drops) for b in drops[:i]) >= 15


def test_prices_far_apart_get_a_logarithmic_scale():
    points = [_point("a", 0.01, 0.2), _point("b", 0.02, 0.4), _point("c", 10, 0.5)]
    text = str(scatter("s", ("t", "d"), points, names=("q", "p"), say=lambda v: f"{v:g}"))
    xs = [float(x) for x in re.findall(r'class="point[^"]*" x="([\d.]+)%"', text)]
    assert abs(xs[0] - xs[1]) > 5  # a linear scale would put them on one spot


def test_a_band_without_an_end_reaches_the_edge():
    text = str(band_chart((1, 2, 3, 4, 5), (None, 8), Scale(0, 10), "words"))
    assert '<rect class="wanted" x="0" y="0" width="80"' in text


@settings(max_examples=50, deadline=None)
@given(shares, shares)
def test_more_is_never_a_lighter_shade(a: float, b: float):
    low, high = sorted((a, b))
    assert shade(low) <= shade(high)


def test_nothing_has_no_shade():
    assert shade(None) == "hnone"


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_the_ends_of_the_scale_have_a_shade(share: float):
    assert shade(share) in {"h0", "h4"}
