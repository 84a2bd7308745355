"""``evalkit export``: what a run found out, for other tools."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from evalkit.commands.options import opened, run_argument, run_suite_option
from evalkit.commands.places import make_room

if TYPE_CHECKING:
    from evalkit.api import Run
    from evalkit.exporters.finetune import Exported
    from evalkit.records import Suite

SOURCES = ("approved", "repaired")


@click.group("export")
def command() -> None:
    """Write what a run found out in the format of another tool."""


@command.command("finetune")
@run_argument
@run_suite_option
@click.option("--system", "name", help="Whose answers; needed where the run has several systems.")
@click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False), help="[RUN/finetune-SYSTEM.jsonl]"
)
@click.option(
    "--include",
    default=",".join(SOURCES),
    show_default=True,
    help="approved: passing, grounded answers. repaired: failures, answered by label or from gold context.",
)
@click.option(
    "--system-prompt", help="The system turn; the tuned model must be asked with the same one."
)
@click.option(
    "--context/--no-context",
    default=True,
    show_default=True,
    help="Put the passages into the user's turn.",
)
@click.option(
    "--allow-test",
    is_flag=True,
    help="Also cases of the test split, which then measure nothing any more.",
)
@click.option("--allow-personal", is_flag=True, help="Keep rows that hold personal data.")
def finetune(  # noqa: PLR0913 (one parameter an option)
    run: Path,
    suite: Path | None,
    name: str | None,
    out: Path | None,
    include: str,
    system_prompt: str | None,
    *,
    context: bool,
    allow_test: bool,
    allow_personal: bool,
) -> int:
    """Turn the answers of RUN into a training file (chat JSONL) with its provenance beside it.

    Cases of split test are never exported: what a model was trained on cannot test it. Without a split test, no
    case is that is not marked `split: train`.
    """
    from evalkit.errors import NothingToDo
    from evalkit.exporters.finetune import Choice, export_rows
    from evalkit.finetune.chat_file import write_jsonl

    wanted = _sources(include)
    found = opened(run, suite)
    make_room(out)
    system = _exported(list(found.systems), name)
    said = _default_prompt(found.suite) if system_prompt is None else system_prompt
    choice = Choice(wanted, said, context, allow_test, allow_personal)
    made = export_rows(found, system, choice)
    for line in (*_asked(found, system), *_left_out(made)):
        click.echo(line)
    if not made.rows:
        hint = "" if allow_test else "; mark cases `split: train` to train on them"
        raise NothingToDo(f"{run}: no answer of {system} can be exported{hint}")
    file = out or run / f"finetune-{system}.jsonl"
    beside = file.with_suffix(".provenance.jsonl")
    write_jsonl(file, made.rows)
    write_jsonl(beside, made.provenance)
    _tell(made, file, beside)
    return 0


def _exported(systems: Sequence[str], name: str | None) -> str:
    """The system whose answers are exported: the one named, else the only one."""
    from evalkit.errors import InvalidInput, did_you_mean

    if name is None and len(systems) == 1:
        return systems[0]
    if name is None:
        listed = ", ".join(systems)
        raise InvalidInput(f"which system's answers are exported? give --system NAME ({listed})")
    if name not in systems:
        raise InvalidInput(
            f"the run has no system called {name!r}", hint=did_you_mean(name, systems)
        )
    return name


def _asked(run: Run, system: str) -> list[str]:
    """Says so where the run was interrupted, or limited."""
    n, of = len(run.systems[system].graded.cases), len(run.suite.cases)
    return [f"{system}: {n} of {of} cases asked"] if n < of else []


def _sources(include: str) -> frozenset[str]:
    from evalkit.errors import UsageError

    wanted = frozenset(part.strip() for part in include.split(",") if part.strip())
    if not wanted or wanted - set(SOURCES):
        raise UsageError(
            f"--include takes {' and '.join(SOURCES)}, separated by a comma, not {include!r}"
        )
    return wanted


def _default_prompt(suite: Suite) -> str:
    """What the suite says of itself, in one turn."""
    told = " ".join(suite.description.split())
    return f"You answer for {suite.name}. {told}".strip()


def _left_out(made: Exported) -> list[str]:
    return [f"left out: {n} cases: {why}" for why, n in made.left_out.most_common()]


def _tell(made: Exported, file: Path, beside: Path) -> None:
    approved = sum(row["source"] == "approved" for row in made.provenance)
    click.echo(
        f"{file}: {len(made.rows)} rows ({approved} approved, {len(made.rows) - approved} repaired)"
    )
    click.echo(f"{beside}: where each of them comes from")
    tests = sum(row["split"] == "test" for row in made.provenance)
    if tests:
        click.echo(
            f"WARNING: {tests} rows are cases of the TEST split. They can never again measure a model tuned on "
            "this file: move them to split train, and test on others.",
            err=True,
        )
    untagged = sum(row["split"] is None for row in made.provenance)
    if untagged:
        click.echo(
            f"note: {untagged} rows are of cases without a split; mark them `split: train` once they are used"
        )
    click.echo(f"  evalkit finetune audit {file} --suite SUITE")
