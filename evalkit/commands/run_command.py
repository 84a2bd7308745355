"""``evalkit run``: the whole way from suite to report."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from evalkit.commands.numbers import FiniteRange
from evalkit.commands.options import (
    chosen_systems,
    engine_options,
    names_option,
    new_folder,
    resumable,
    reviewed_option,
    say,
    suite_argument,
    systems_option,
)
from evalkit.records import Suite, SystemSpec

if TYPE_CHECKING:
    from evalkit.api import Run
    from evalkit.finished import Finished
    from evalkit.story import Parts


@click.command("run")
@suite_argument
@systems_option
@names_option
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="The run folder; the same folder again goes on where it stopped. [reports/SUITE-TIME]",
)
@click.option(
    "--repeats", type=click.IntRange(1, 1000), help="How often each case is asked. [the suite's]"
)
@click.option("--limit", type=click.IntRange(1), help="Only the first N cases.")
@click.option("--case", "only", multiple=True, metavar="ID", help="Only this case; repeatable.")
@click.option(
    "--shard",
    metavar="I/N",
    help="Only share I of N of the cases; `evalkit merge` puts the shares together. Limits hold for each share.",
)
@engine_options
@click.option(
    "--probes",
    type=click.Choice(["auto", "none", "all"]),
    default="auto",
    show_default=True,
    help="Ask failing cases again under other conditions, to prove their causes; all: passing ones too.",
)
@click.option(
    "--max-calls",
    type=click.IntRange(1),
    help="Stop after so many calls of systems and judge, counted from now; a call made again is one more.",
)
@click.option(
    "--max-cost",
    type=FiniteRange(0, min_open=True),
    help="Stop before spending more, counted from now.",
)
@click.option(
    "--max-time",
    type=FiniteRange(0, min_open=True),
    help="Begin no call that would end later than so many seconds from now.",
)
@click.option(
    "--concurrency",
    type=click.IntRange(1, 1000),
    default=8,
    show_default=True,
    help="Calls at a time.",
)
@click.option("--retry-errors", is_flag=True, help="Ask the cases again that ended in an error.")
@click.option(
    "--rerun",
    type=click.Choice(["changed"]),
    help="Where cases or systems are not what they were: ask again what that touches, and keep the rest.",
)
@click.option(
    "--cache",
    type=click.Path(path_type=Path),
    envvar="EVALKIT_CACHE",
    show_envvar=True,
    help="A folder of answers that runs share; none if not given.",
)
@click.option(
    "--seed",
    type=click.IntRange(0, 2**32 - 1),
    default=0,
    show_default=True,
    help="For systems that sample.",
)
@click.option(
    "--judge",
    help="Who grades free text: embedded, ragas, llm:FILE, ragas:FILE, panel:FILE or module:attribute. "
    "[the run's own, else embedded]",
)
@reviewed_option
@click.option("--in-process", is_flag=True, help="Run Python systems in evalkit's own process.")
@click.option("--playbook", type=click.Path(path_type=Path), help="Your own symptoms file.")
def command(
    suite: Path,
    systems_file: Path | None,
    names: tuple[str, ...],
    out: Path | None,
    in_process: bool,  # noqa: FBT001 (a flag of the command line)
    **settings: Any,
) -> int:
    """Ask every system every case of SUITE, score and diagnose the answers, and write the report."""
    from evalkit.errors import Stopped
    from evalkit.finished import Finished
    from evalkit.pool import calm
    from evalkit.suite import load_suite
    from evalkit.unchanged import stands

    story: Parts = []
    with calm():
        loaded = load_suite(suite)
        specs = chosen_systems(loaded, systems_file, names)
        folder = out or new_folder(loaded.name)
        finished = Finished(folder)
        as_it_is = stands(finished, loaded, specs, settings)
    if as_it_is:
        return _told_again(finished)
    # Not before: what stands already is told in half the time it takes to import all that grades.
    from evalkit.terminal import Progress, show_run

    with Progress() as progress, resumable(folder):
        options = {"out": folder, "watch": progress, "isolate": not in_process, **settings}
        options["finished"] = finished
        try:
            run = _asked(loaded, specs, options)
        except Stopped as stopped:  # what was answered is there to be read all the same
            if stopped.run is not None:
                page = stopped.run.write()
                show_run(stopped.run, page)
            raise
        if finished.parts is not None:
            return _told_again(finished)
        page = run.write()
    code = show_run(run, page, story)
    finished.keep(story, code)
    return code


def _told_again(finished: Finished) -> int:
    """Tell what was told of a run that stands as it is; its exit code."""
    from evalkit.story import tell, wide_console

    say("finished before, and nothing has changed: the files are as they were", err=True)
    tell(finished.parts or [], wide_console())
    return finished.code


def _asked(suite: Suite, specs: Sequence[SystemSpec], options: dict[str, Any]) -> Run:
    """The run, by the engine that was chosen."""
    from evalkit.api import arun
    from evalkit.engines import LOCAL, elsewhere

    engine = options.pop("engine")
    away = {name: options.pop(name) for name in ("workers", "ray_address")}
    if engine != LOCAL:
        if options.pop("only", None):
            raise click.UsageError("--case asks single cases, which takes no --engine.")
        if options.pop("reviewed", None) is not None:
            raise click.UsageError(
                "--reviewed is for `evalkit report` where --engine is not local."
            )
        found: Run = elsewhere(engine)(suite, specs, **away, **options)
        return found
    given = [name for name, value in away.items() if value is not None]
    if given:
        option = given[0].replace("_", "-")
        raise click.UsageError(f"--{option} is for --engine ray only.")
    return asyncio.run(arun(suite, specs, **options))
