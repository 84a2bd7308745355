"""``evalkit finetune``: is the data ready, would more of it help, and what did the tuning break."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from evalkit.commands.finetune_jobs import status_command, submit_command
from evalkit.commands.numbers import FiniteRange
from evalkit.commands.options import opened, run_argument, run_suite_option
from evalkit.commands.places import make_room

if TYPE_CHECKING:
    from evalkit.api import Run
    from evalkit.finetune.after import Check
    from evalkit.records import Suite

suite_option = click.option(
    "--suite",
    type=click.Path(path_type=Path),
    help="The suite with the test split, schema and style.",
)


@click.group("finetune")
def command() -> None:
    """Fine-tuning: audit the data, see whether more would help, run a job, check the result."""


@command.command("audit")
@click.argument("given", metavar="SUITE_OR_FILE", type=click.Path(path_type=Path))
@suite_option
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("readiness.json"),
    show_default=True,
    help="The same as JSON.",
)
def audit_command(given: Path, suite: Path | None, out: Path) -> int:
    """Audit training data: the train file of a suite, or any file of evalkit cases or chat rows.

    The verdict is ready, not ready or unclear, with the reasons. A file beside a suite.yaml is checked
    against that suite unless --suite names another one.
    """
    from evalkit.artefacts import write_json
    from evalkit.finetune.audit import audit
    from evalkit.finetune.rows import training_file
    from evalkit.finetune.tables import show_audit
    from evalkit.judges.embedded import EmbeddedJudge
    from evalkit.terminal import Progress

    loaded = _suite_beside(given, suite)
    make_room(out)
    with Progress() as progress:
        found = audit(training_file(given, loaded), loaded, EmbeddedJudge(), progress.say)
    show_audit(found)
    write_json(out, found.to_json())
    click.echo(f"Written: {out}")
    return 0


def _suite_beside(given: Path, suite: Path | None) -> Suite | None:
    """The suite that is named, given itself, or lies beside the file."""
    from evalkit.errors import InvalidInput
    from evalkit.suite import load_suite

    if suite is not None:
        return load_suite(suite)
    if not given.exists():
        raise InvalidInput("there is no such file or folder", file=given)
    if given.is_dir() or given.suffix in (".yaml", ".yml"):
        return load_suite(given)
    return load_suite(given.parent) if (given.parent / "suite.yaml").exists() else None


@command.command("curve")
@click.argument("suite", type=click.Path(path_type=Path))
@click.option(
    "--sizes",
    type=click.IntRange(3, 12),
    default=5,
    show_default=True,
    help="Growing parts of the data.",
)
@click.option(
    "--seeds",
    type=click.IntRange(1, 20),
    default=3,
    show_default=True,
    help="Trainings of each part.",
)
@click.option(
    "--max-seconds",
    type=FiniteRange(1),
    default=60.0,
    show_default=True,
    help="No new training after that.",
)
@click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False), help="Write the curve as JSON."
)
def curve_command(suite: Path, sizes: int, seeds: int, max_seconds: float, out: Path | None) -> int:
    """Would more data help? The embedded fine-tuned stand-in, trained on growing parts of SUITE's train file."""
    import asyncio

    from evalkit.artefacts import write_json
    from evalkit.finetune.learning_curve import learning_curve
    from evalkit.finetune.tables import show_curve
    from evalkit.suite import load_suite
    from evalkit.terminal import Progress
    from evalkit.tools import tools_for

    loaded = load_suite(suite)
    make_room(out)
    with Progress() as progress:
        progress.say(f"{loaded.name}: training {sizes} parts, {seeds} times each (the whole once)")
        curve = asyncio.run(
            learning_curve(
                loaded,
                tools_for(loaded),
                sizes=sizes,
                seeds=seeds,
                max_seconds=max_seconds,
                watch=progress,
            )
        )
    show_curve(curve)
    if out is not None:
        write_json(out, curve.to_json())
        click.echo(f"Written: {out}")
    return 0


@command.command("check")
@run_argument
@click.option(
    "--train",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    help="What it was trained on.",
)
@click.option("--before", help="The system before tuning (in the general run).")
@click.option("--after", help="The tuned system; needed where the run has several.")
@click.option(
    "--general",
    type=click.Path(path_type=Path, file_okay=False),
    help="A run of the suite `general` with both systems.",
)
@run_suite_option
@click.option(
    "--general-suite",
    type=click.Path(path_type=Path),
    help="The suite of the general run, where it is not nearby.",
)
@click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False), help="Write the checks as JSON."
)
def check_command(  # noqa: PLR0913 (one parameter an option)
    run: Path,
    *,
    train: Path,
    before: str | None,
    after: str | None,
    general: Path | None,
    suite: Path | None,
    general_suite: Path | None,
    out: Path | None,
) -> int:
    """What did the tuning do? Overfitting, forgetting, rows learned by heart, restricted facts given away.

    RUN holds the tuned system's recorded answers; no call is made.
    """
    from evalkit.artefacts import write_json
    from evalkit.finetune.after import chosen, giving_away, memorising, overfitting
    from evalkit.finetune.rows import read_rows
    from evalkit.finetune.tables import show_checks

    found = opened(run, suite)
    make_room(out)
    name = chosen(found.systems, after, "after")
    graded, loaded = found.systems[name].graded, found.suite
    rows = read_rows(train, loaded)
    checks = [
        overfitting(loaded, graded),
        _forgetting(found, before, name, general, general_suite),
        memorising(loaded, graded, rows),
        giving_away(loaded, graded),
    ]
    show_checks(checks, name)
    if out is not None:
        write_json(out, {"format": 1, "system": name, "checks": [c.to_json() for c in checks]})
        click.echo(f"Written: {out}")
    return 0


def _forgetting(
    run: Run, before: str | None, after: str, general: Path | None, suite: Path | None
) -> Check:
    """Before against after on the general cases: in their own run, or in this one when it is of that suite."""
    from evalkit.errors import UsageError
    from evalkit.finetune.after import chosen, forgetting, not_compared

    if general is not None:
        run = opened(general, suite)
    elif run.suite.name != "general":
        return not_compared("datasets/general")
    if before is None:
        raise UsageError(f"forgetting needs --before NAME, one of {', '.join(run.systems)}")
    first = chosen(run.systems, before, "before")
    others = [name for name in run.systems if name != first]
    if after not in run.systems and len(others) == 1:  # it goes by another name there
        after = others[0]
    second = chosen(run.systems, after, "after")
    return forgetting(run.systems[first].graded, run.systems[second].graded)


for _job_command in (submit_command, status_command):
    command.add_command(_job_command)
