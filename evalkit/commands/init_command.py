"""``evalkit init``: start a suite."""

from __future__ import annotations

from pathlib import Path

import click


@click.command("init")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option(
    "--from",
    "spreadsheet",
    type=click.Path(path_type=Path, dir_okay=False),
    help="A CSV file with a column of questions and one of ideal answers; a column of documents if you have it.",
)
@click.option("--question", help="The column that holds the questions, if it has an unusual name.")
@click.option("--answer", help="The column that holds the ideal answers.")
@click.option("--document", help="The column that holds the text an answer is to be found in.")
def command(folder: Path, spreadsheet: Path | None, **columns: str | None) -> None:
    """Start a suite in FOLDER: an example to edit, or your spreadsheet as a runnable suite."""
    from evalkit.start import start_suite, suite_from_csv
    from evalkit.suite import load_suite

    if spreadsheet is None:
        files = start_suite(folder)
    else:
        files, told = suite_from_csv(folder, spreadsheet, **columns)
        click.echo(f"columns: {told}")
    suite = load_suite(folder)
    for file in files:
        click.echo(f"wrote {file}")
    if not any(case.reference or case.key_points or case.relevant for case in suite.cases):
        click.echo(
            "no case has an answer or a document to be graded by: add them before you trust a score"
        )
    click.echo(
        f"{suite.name}: {len(suite.cases)} cases. Next: edit {folder / 'my_system.py'}, then"
    )
    click.echo(f"  evalkit run {folder}")
