"""``evalkit compare``: two or more systems on the same cases, from one run or several."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import click

from evalkit.commands.options import chosen_systems, run_suite_option, systems_option

if TYPE_CHECKING:
    from evalkit.comparison.cross import Cell, Means
    from evalkit.comparison.entrants import Entrants
    from evalkit.comparison.shape import Comparison
    from evalkit.judging.of_run import Seat
    from evalkit.records import Judge, System


@click.command("compare")
@click.argument("runs", metavar="RUN...", nargs=-1, required=True, type=click.Path(path_type=Path))
@run_suite_option
@systems_option
@click.option("--system", "names", multiple=True, help="Only this system; repeatable.")
@click.option(
    "--metric", "metrics", multiple=True, help="Only this metric; repeatable. all: every one."
)
@click.option(
    "--cross",
    is_flag=True,
    help="Ask every generator on every retriever's context, to split the difference by component.",
)
@click.option(
    "--max-calls",
    type=click.IntRange(1),
    help="With --cross: make no more calls than so many; what was answered is kept.",
)
@click.option(
    "--judge",
    metavar="CHOICE",
    help="With --cross: who grades these answers, as in `evalkit run`. [the run's own judge]",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="Where comparison.json and comparison.md go: a folder, or a .json file. [the first run]",
)
@click.option(
    "--allow-different",
    is_flag=True,
    help="Compare runs of different suites or judges; the comparison says so.",
)
def command(  # noqa: PLR0913, PLR0917 (the options of the command)
    runs: tuple[Path, ...],
    suite: Path | None,
    systems_file: Path | None,
    names: tuple[str, ...],
    metrics: tuple[str, ...],
    cross: bool,  # noqa: FBT001 (given by name)
    max_calls: int | None,
    judge: str | None,
    out: Path | None,
    allow_different: bool,  # noqa: FBT001 (given by name)
) -> int:
    """Compare the systems of RUN... pairwise on the cases they share: quality, causes, cost; no call is made.

    With --cross the generators are called; what was asked before is not asked again.
    """
    from evalkit.compare import compare
    from evalkit.comparison.cross import with_splits
    from evalkit.comparison.entrants import entrants, open_runs
    from evalkit.errors import UsageError
    from evalkit.suite import load_suite
    from evalkit.whereabouts import suite_of

    if max_calls is not None and not cross:
        raise UsageError("--max-calls limits the calls of --cross; without it no call is made")
    if judge is not None and not cross:
        raise UsageError(
            "--judge grades the answers of --cross; others keep the grades of their run"
        )
    loaded = load_suite(suite_of(runs[0]) if suite is None else suite)
    opened, notes = open_runs(loaded, runs, allow_different=allow_different)
    taking = entrants(opened, names, allow_different=allow_different)
    found = compare(
        taking.suite,
        taking.systems,
        metrics=metrics or None,
        judge=taking.judge,
        notes=(*notes, *taking.notes),
    )
    if cross:
        recipes = {label: run.recipe for label, run in opened.items()}
        seat = _seat(taking, judge, runs[0])
        cells = asyncio.run(
            seat.through(_ask(taking, recipes, systems_file, runs[0], max_calls, seat.judge))
        )
        found = with_splits(found, cells, taking.suite.cases)
    page = write(found, out or runs[0])
    show(found)
    click.echo(f"Comparison: {page.resolve()}")
    return 0


# --- crossing ----------------------------------------------------------------------------------


def _seat(taking: Entrants, judge: str | None, folder: Path) -> Seat:
    """Who grades the crossed answers; ``InvalidInput`` where it is another judge than that of the runs."""
    from evalkit.errors import InvalidInput
    from evalkit.judging.of_run import seat_of

    seat = seat_of(judge, taking.suite, folder)
    if seat.judge.fingerprint != taking.judge:
        told = f"the run was graded by judge {taking.judge}, and these answers would be by {seat.judge.fingerprint}"
        raise InvalidInput(told, file=folder, hint="give --judge as in the run, or grade it anew")
    return seat


async def _ask(
    taking: Entrants,
    recipes: Mapping[str, Mapping[str, object]],
    systems_file: Path | None,
    folder: Path,
    max_calls: int | None,
    judge: Judge,
) -> Mapping[Cell, Means]:
    from evalkit.comparison.cross import crossed
    from evalkit.systems import build
    from evalkit.terminal import Progress
    from evalkit.tools import tools_for

    plain = [name for _, name in taking.origin.values()]
    async with AsyncExitStack() as stack:
        made: dict[str, System] = {}
        for spec in chosen_systems(taking.suite, systems_file, plain):
            system = build(spec, taking.suite, isolate=True)
            stack.push_async_callback(system.aclose)
            made |= dict.fromkeys(_same(system, taking, recipes), system)
        with Progress() as progress:
            tools = tools_for(taking.suite, judge=judge)
            return await crossed(
                taking.suite,
                taking.systems,
                made,
                folder,
                tools,
                watch=progress,
                max_calls=max_calls,
            )


def _same(
    system: System, taking: Entrants, recipes: Mapping[str, Mapping[str, object]]
) -> Sequence[str]:
    """The entrants that this system made; ``InvalidInput`` where it has changed since."""
    from evalkit.errors import InvalidInput

    mine = [shown for shown, (_, name) in taking.origin.items() if name == system.name]
    now = f"{system.approach.value} {system.fingerprint}"
    before = {
        shown: recipes[taking.origin[shown][0]].get(f"system {system.name}") for shown in mine
    }
    alike = [shown for shown in mine if before[shown] == now]
    if not alike:
        raise InvalidInput(
            f"{system.name} has changed since it was run: it cannot be asked on other contexts",
            hint="run it again, or compare without --cross",
        )
    return alike


# --- what comes out ----------------------------------------------------------------------------


def write(found: Comparison, target: Path) -> Path:
    """comparison.json and comparison.md in a folder, or beside each other under a file's own name; the JSON's path."""
    from evalkit.artefacts import write_json, write_text
    from evalkit.comparison.shape import comparison_json
    from evalkit.comparison.tables import comparison_markdown
    from evalkit.errors import StorageError

    path = target if target.suffix == ".json" else target / "comparison.json"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(f"{path.parent}: cannot be made: {error.strerror}") from error
    write_json(path, comparison_json(found))
    write_text(path.with_suffix(".md"), comparison_markdown(found))
    return path


def show(found: Comparison) -> None:
    """The comparison as tables on the terminal."""
    from rich.markup import escape
    from rich.table import Table

    from evalkit.comparison.tables import tables
    from evalkit.terminal import plain, wide_console

    console = wide_console()
    for note in found.notes:
        console.print(f"note: {plain(note)}", markup=False, highlight=False)
    for table in tables(found):
        shown = Table(title=escape(plain(table.title)), title_justify="left", box=None)
        shown.pad_edge, shown.padding = False, (0, 2, 0, 0)
        for name in table.columns:
            shown.add_column(escape(plain(name)))
        for row in table.rows:
            shown.add_row(*(escape(plain(cell)) for cell in row))
        console.print(shown)
        for line in table.below:
            console.print(plain(line), markup=False, highlight=False)
        console.print()
