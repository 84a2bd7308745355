"""The report as a page and as Markdown; both are pure functions of the run and its derived files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from evalkit.pages.brief import brief
from evalkit.pages.cases import island
from evalkit.pages.engine import digest, environment, source
from evalkit.pages.view import report_view

if TYPE_CHECKING:
    from evalkit.api import Run

STYLES = ("tokens.css", "page.css", "cases.css", "small.css")
SCRIPTS = ("page.js", "detail.js", "cases.js")


def html(run: Run, summary: Mapping[str, Any], diagnosis: Mapping[str, Any]) -> str:
    """The whole report as one page that makes no request; equal input gives equal text."""
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
