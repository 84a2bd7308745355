"""The report as a page and as Markdown; both are pure functions of the run and its derived files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from evalkit.pages.engine import digest, environment, source

if TYPE_CHECKING:
    from evalkit.api import Run
    from evalkit.pages.case_pages import PageIndex
    from evalkit.pages.case_past import Past

STYLES = (
    *("tokens.css", "page.css", "charts.css", "overview.css"),
    *("case_list.css", "case_page.css", "small.css"),
)
SCRIPTS = (
    *("page.js", "case_text.js", "case_data.js", "case_list.js", "case_pages.js"),
    *("detail.js", "detail_passages.js", "detail_more.js", "cases.js"),
)


def html(
    run: Run,
    summary: Mapping[str, Any],
    diagnosis: Mapping[str, Any],
    pages: PageIndex | None = None,
    past: Past | None = None,
) -> str:
    """The whole report as one page that makes no request; equal input gives equal text.

    With ``pages`` the cases lie on pages of their own beside it (``case_pages.write_case_pages``); ``past`` is how
    the cases ended in earlier runs (``case_past.past_of``).
    """
    # Not at the top: others only want the words, and start fast.
    from evalkit.pages.cases import island
    from evalkit.pages.view import report_view

    style, script = source(STYLES), source(SCRIPTS)
    encoding, data = island(run, diagnosis, pages, past=past or {})
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
    from evalkit.pages.brief import brief

    return brief(run, summary, diagnosis)
