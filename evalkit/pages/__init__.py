"""The report as a page and as Markdown; both are pure functions of the run and its derived files."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from evalkit.pages.brief import brief, md
from evalkit.pages.wording import visible, words

if TYPE_CHECKING:
    from evalkit.api import Run

STYLES = ("tokens.css", "page.css", "cases.css", "small.css")
SCRIPTS = ("page.js", "cases.js", "detail.js")


@cache
def environment() -> Environment:
    """The templates: everything is escaped, and a name that is missing is an error."""
    made = Environment(
        loader=PackageLoader("evalkit", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_finalize,
    )
    made.filters.update(words=words, md=md)
    return made


def _finalize(value: Any) -> Any:
    """Foreign text shows its hidden characters; our own markup stays as it is."""
    return value if isinstance(value, Markup) or not isinstance(value, str) else visible(value)


def source(names: tuple[str, ...]) -> str:
    """The text of template files, one after the other."""
    loader = environment().loader
    assert loader is not None
    return "\n".join(loader.get_source(environment(), name)[0].strip() for name in names)


def digest(text: str) -> str:
    """The hash by which the page's policy allows an inline style or script."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def html(run: Run, summary: Mapping[str, Any], diagnosis: Mapping[str, Any]) -> str:
    """The whole report as one page that makes no request; equal input gives equal text."""
    from evalkit.pages.cases import island
    from evalkit.pages.view import report_view

    style, script = source(STYLES), source(SCRIPTS)
    encoding, data = island(run, diagnosis)
    page = environment().get_template("report.html.j2")
    return page.render(
        view=report_view(run, summary, diagnosis),
        style=Markup(style),  # noqa: S704 (our own file)
        script=Markup(script),  # noqa: S704 (our own file)
        style_digest=digest(style),
        script_digest=digest(script),
        encoding=encoding,
        data=Markup(data),  # noqa: S704 (holds no "<": escaped by island)
    )


def markdown(run: Run, summary: Mapping[str, Any], diagnosis: Mapping[str, Any]) -> str:
    """The same story in Markdown, for pull requests and logs."""
    return brief(run, summary, diagnosis)
