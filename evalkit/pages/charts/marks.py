"""The shapes that charts are made of: across in shares of the width, down in pixels, so that no text is stretched."""

from __future__ import annotations

from markupsafe import Markup

from evalkit.pages.wording import visible

NOTHING = Markup()
_LINE = Markup('<line class="{name}" x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}"/>')
_RECT = Markup(
    '<rect class="{name}" x="{x}" y="{y}" width="{width}" height="{height}">{told}</rect>'
)
_TEXT = Markup(
    '<text class="{name}" x="{x}" y="{y}" dx="{dx}" dy="{dy}" text-anchor="{anchor}">{said}</text>'
)
_TITLE = Markup("<title>{said}</title>")
_MARKER = Markup(
    '<svg class="{name}" x="{x}" y="{y}" overflow="visible"><path d="{path}"/>{told}</svg>'
)
_SVG = Markup(
    '<svg class="chart {kind}" viewBox="0 0 100 {height}" preserveAspectRatio="none" '
    'role="img" aria-label="{label}">{body}</svg>'
)
_PICTURE = Markup(
    '<svg class="picture {kind}" width="100%" height="{height}" role="img" '
    'aria-labelledby="{id}-title {id}-desc"><title id="{id}-title">{title}</title>'
    '<desc id="{id}-desc">{desc}</desc>{body}</svg>'
)
# Told apart by shape as well as by colour; each is drawn around its own middle.
MARKERS = (
    "M-5 0A5 5 0 1 0 5 0A5 5 0 1 0 -5 0Z",
    "M-4.5 -4.5H4.5V4.5H-4.5Z",
    "M0 -6L5.5 4.5H-5.5Z",
    "M0 -6L6 0L0 6L-6 0Z",
    "M-2 -5.5H2V-2H5.5V2H2V5.5H-2V2H-5.5V-2H-2Z",
    "M0 6L5.5 -4.5H-5.5Z",
)


def percent(share: float) -> str:
    """A share of the width as SVG writes it."""
    return f"{100 * share:.2f}".rstrip("0").rstrip(".") + "%"


def pixels(value: float) -> str:
    """A length in pixels."""
    return f"{value:.1f}".rstrip("0").rstrip(".")


def line(name: str, x1: float, y1: float, x2: float, y2: float) -> Markup:
    """A straight line; ``name`` is its class."""
    ends = {"x1": percent(x1), "x2": percent(x2), "y1": pixels(y1), "y2": pixels(y2)}
    return _LINE.format(name=name, **ends)


def rect(name: str, x: float, y: float, width: float, height: float, told: str = "") -> Markup:
    """A rectangle; ``told`` is said when it is pointed at."""
    size = {"x": percent(x), "y": pixels(y), "width": percent(width), "height": pixels(height)}
    return _RECT.format(name=name, told=title(told), **size)


def text(
    said: str,
    x: float,
    y: float,
    *,
    name: str = "",
    anchor: str = "middle",
    dx: float = 0,
    dy: float = 0,
) -> Markup:
    """Text that can be selected; ``anchor`` says which end of it stands at ``x``, ``dx`` and ``dy`` move it by pixels."""
    place = {"x": percent(x), "y": pixels(y), "dx": pixels(dx), "dy": pixels(dy)}
    return _TEXT.format(name=name, said=visible(said), anchor=anchor, **place)


def marker(number: int, x: float, y: float, told: str = "", name: str = "") -> Markup:
    """A point in the shape and colour of series ``number``."""
    path = MARKERS[number % len(MARKERS)]
    kind = f"point {series(number)} {name}".strip()
    return _MARKER.format(name=kind, x=percent(x), y=pixels(y), path=path, told=title(told))


def series(number: int) -> str:
    """The class that gives a series its colour and dashes."""
    return f"series-{number % len(MARKERS)}"


def title(said: str) -> Markup:
    """What is told when a shape is pointed at."""
    return _TITLE.format(said=visible(said)) if said else NOTHING


def stretched(kind: str, height: int, label: str, body: Markup) -> Markup:
    """A chart without text, 100 units wide and stretched to the width it is given."""
    return _SVG.format(kind=kind, height=height, label=visible(label), body=body)


def picture(kind: str, height: float, name: str, said: tuple[str, str], body: Markup) -> Markup:
    """A chart with text, as wide as its place; ``said`` is its title and what it shows, ``name`` its id in the page."""
    first, more = map(visible, said)
    return _PICTURE.format(
        kind=kind, height=pixels(height), id=name, title=first, desc=more, body=body
    )
