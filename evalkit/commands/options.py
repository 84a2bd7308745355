"""Options that several commands share, and how systems are found."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from evalkit.engines import ENGINES, LOCAL
from evalkit.errors import InvalidInput, NothingToDo, did_you_mean
from evalkit.records import Suite, SystemSpec
from evalkit.suite import load_systems

if TYPE_CHECKING:
    from evalkit.api import Run

suite_argument = click.argument("suite", type=click.Path(path_type=Path))
systems_option = click.option(
    "--systems",
    "systems_file",
    type=click.Path(path_type=Path),
    help="The systems file; systems.yaml in the suite folder if not given.",
)
run_argument = click.argument("run", type=click.Path(path_type=Path))
run_suite_option = click.option(
    "--suite",
    type=click.Path(path_type=Path),
    help="The suite of the run; where it lay when the run was made if not given.",
)
reviewed_option = click.option(
    "--reviewed",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="People's verdicts (review.jsonl): they take the place of the judge's, and its rates are corrected by them.",
)
names_option = click.option(
    "--system", "names", multiple=True, help="Only this system of the file; repeatable."
)


def engine_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that say where the questions of a run are put from."""
    named = click.option(
        "--engine",
        type=click.Choice(ENGINES),
        default=LOCAL,
        show_default=True,
        help="ray (needs evalkit[ray]): shares of the cases on workers, merged at the end. Limits and --concurrency "
        "hold for the whole run, and are divided over them.",
    )
    workers = click.option(
        "--workers", type=click.IntRange(1, 10_000), help="Workers of --engine ray. [2]"
    )
    address = click.option(
        "--ray-address",
        metavar="ADDR",
        help="The Ray cluster, such as auto or HOST:PORT. [$RAY_ADDRESS, else one on this machine, ended with the run]",
    )
    return named(workers(address(command)))


def say(text: str, *, err: bool = False) -> None:
    """Print lines that may hold foreign text, such as names and ids: nothing in them acts on the terminal."""
    from evalkit.gating.shown import visible

    for line in text.split("\n"):
        click.echo(visible(line), err=err)


def chosen_systems(
    suite: Suite, systems_file: Path | None, names: Sequence[str]
) -> list[SystemSpec]:
    """The systems of the file that were asked for by name; all of them without names."""
    file = systems_file or suite.folder / "systems.yaml"
    if systems_file is None and not file.exists():
        raise InvalidInput(
            "there is no systems.yaml beside the suite",
            file=suite.folder,
            hint="give --systems FILE",
        )
    specs = load_systems(file)
    known = [spec.name for spec in specs]
    for name in names:
        if name not in known:
            raise InvalidInput(
                f"there is no system called {name!r}", file=file, hint=did_you_mean(name, known)
            )
    chosen = [spec for spec in specs if not names or spec.name in names]
    if not chosen:
        raise NothingToDo(f"{file}: holds no systems")
    return chosen


def new_folder(name: str) -> Path:
    """A folder below reports/ for a run of now: the name, made safe for a path, and the time."""
    words = re.sub(r"[^\w.-]+", "-", name).strip(".-")[:80] or "suite"
    return Path("reports") / f"{words}-{datetime.now().astimezone():%Y%m%d-%H%M%S}"


def suite_of(run: Path) -> Path:
    """Where the suite of a run lies, as the run itself says."""
    from evalkit import whereabouts

    return whereabouts.suite_of(run)


def opened(run: Path, suite: Path | None = None, **how: Any) -> Run:
    """A finished run, graded and diagnosed again; no call is made. How far it is stands on stderr."""
    from evalkit.api import open_run
    from evalkit.terminal import Progress

    with Progress() as progress:
        found = open_run(suite or suite_of(run), run, watch=progress, **how)
        if found.stopped is not None:
            progress.say(f"incomplete: {found.stopped}")
        return found


@contextmanager
def resumable(folder: Path) -> Iterator[None]:
    """Tell whoever interrupts that the same folder goes on from here."""
    try:
        yield
    except KeyboardInterrupt:
        message = f"interrupted; the same command with --out {folder} goes on from here"
        raise KeyboardInterrupt(message) from None
