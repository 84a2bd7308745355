"""``evalkit report``: write a run's report again."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from evalkit.commands.options import opened, reviewed_option, run_argument, run_suite_option

if TYPE_CHECKING:
    from evalkit.api import Run


@click.command("report")
@run_argument
@run_suite_option
@click.option("--playbook", type=click.Path(path_type=Path), help="Your own symptoms file.")
@reviewed_option
@click.option(
    "--earlier",
    type=click.Path(path_type=Path, exists=True),
    multiple=True,
    metavar="RUN",
    help="An earlier run or a baseline file: the page of a case tells how it ended there; repeatable, oldest first.",
)
def command(run: Path, suite: Path | None, earlier: tuple[Path, ...], **how: Path | None) -> int:
    """Write the report of a run again. No call is made."""
    found = opened(run, suite, **how)
    page = found.write()
    if earlier and found.large is None:
        _with_past(found, page, earlier)
    click.echo(str(page))
    return 0 if found.stopped is None else found.stopped.exit_code


def _with_past(run: Run, page: Path, earlier: tuple[Path, ...]) -> None:
    """The same page, with the history of every case."""
    from evalkit.artefacts import write_text
    from evalkit.pages import html
    from evalkit.pages.case_past import past_of
    from evalkit.pages.cases import pages_beside

    summary, diagnosis, past = run.summary(), run.diagnosis(), past_of(earlier)
    pages = pages_beside(run, diagnosis, page.parent, past=past)
    write_text(page, html(run, summary, diagnosis, pages, past))
