"""``evalkit review``: grades for people to check, and what their verdicts say of the judge and the run."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from evalkit.commands.options import opened, run_argument, run_suite_option, say
from evalkit.commands.places import make_room

if TYPE_CHECKING:
    from evalkit.api import Run
    from evalkit.judging.review import Panel


@click.group("review")
def command() -> None:
    """Let people check the grades of a run: export a queue, import their verdicts."""


@command.command("export")
@run_argument
@run_suite_option
@click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False), help="The file. [RUN/review.csv]"
)
@click.option(
    "--limit", type=click.IntRange(1), metavar="N", help="At most N rows, half of them random ones."
)
@click.option(
    "--sample",
    type=click.IntRange(0),
    metavar="N",
    help="Random answers of each system, for unbiased rates. [100]",
)
@click.option("--format", "kind", type=click.Choice(["csv", "jsonl"]), help="[by --out, else csv]")
@click.option(
    "--judge",
    "judges",
    multiple=True,
    metavar="NAME",
    help="Ask this judge, too, and put disagreements first; repeatable.",
)
@click.option("--seed", type=int, default=0, show_default=True, help="Of the random part.")
def export_command(run: Path, suite: Path | None, out: Path | None, **options: Any) -> int:
    """Write the grades of RUN that a person should see: doubtful ones first, and a random part for unbiased rates."""
    from evalkit.errors import NothingToDo
    from evalkit.judging.review import review_rows
    from evalkit.judging.review_file import write_review

    found = opened(run, suite)
    make_room(out)
    rows = review_rows(
        found,
        limit=options["limit"],
        sample=options["sample"],
        seed=options["seed"],
        panel=_panel(found, options["judges"]),
    )
    if not rows:
        raise NothingToDo(f"{run}: holds no answer to review")
    chosen = options["kind"] or ("jsonl" if out is not None and out.suffix == ".jsonl" else "csv")
    path = out or run / f"review.{'csv' if chosen == 'csv' else 'queue.jsonl'}"
    write_review(path, rows, chosen)
    drawn = sum(bool(row["sampled"]) for row in rows)
    say(f"{len(rows)} grades to review, {drawn} of them drawn at random: {path}")
    click.echo("Fill in human_correct (yes, no, unclear), then: evalkit review import RUN FILE")
    return 0


def _panel(run: Run, names: Sequence[str]) -> Panel:
    from evalkit.judging.judges import judge_called
    from evalkit.judging.review import second_opinions
    from evalkit.pool import block_on

    judges = [judge_called(name) for name in names]
    return block_on(second_opinions(run, judges), instead="second_opinions(...)")


@command.command("import")
@run_argument
@click.argument("file", type=click.Path(path_type=Path))
@run_suite_option
@click.option("--reviewer", metavar="NAME", help="Who filled the file in, if it does not say.")
def import_command(run: Path, file: Path, suite: Path | None, reviewer: str | None) -> int:
    """Keep the verdicts of FILE beside RUN (review.jsonl), and show agreement and corrected rates."""
    from evalkit.errors import NothingToDo
    from evalkit.judging.human import append_reviews, read_reviews
    from evalkit.judging.report import review_markdown
    from evalkit.judging.review_file import read_review
    from evalkit.judging.reviewed import review_of

    found = opened(run, suite)
    filled = read_review(file, found, reviewer)
    if not filled.verdicts:
        raise NothingToDo(f"{file}: holds no verdict yet")
    added = append_reviews(run, filled.verdicts)
    click.echo(f"{len(filled.verdicts)} verdicts read, {added} of them new.\n")
    if filled.waiting:
        told = f"{filled.waiting} answers of the random part wait for a verdict"
        click.echo(
            f"{told}: doubtful ones stand first, so until then the rates lean towards them.\n"
        )
    say(review_markdown(review_of(found, read_reviews(run))).rstrip("\n"))
    return 0
