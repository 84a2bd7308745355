"""``evalkit score``, and what it shares with ``diagnose`` and ``report``: work on a finished run again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from evalkit.commands.options import suite_argument

if TYPE_CHECKING:
    from evalkit.api import Run


def again(name: str, what: str, show: Callable[[Run, Path], int]) -> click.Command:
    """A command that derives everything anew from the traces of a run, and shows one part of it."""

    @click.command(
        name, help=f"{what}: SUITE is the suite folder, RUN the run folder. No call is made."
    )
    @suite_argument
    @click.argument("run", type=click.Path(path_type=Path))
    @click.option("--playbook", type=click.Path(path_type=Path), help="Your own symptoms file.")
    def made(suite: Path, run: Path, playbook: Path | None) -> int:
        from evalkit.api import open_run

        found = open_run(suite, run, playbook=playbook)
        return show(found, found.write())

    return made


def _show(run: Run, _page: Path) -> int:
    from evalkit.terminal import show_scores

    show_scores(run)
    return 0


command: Any = again("score", "Score the recorded answers of a run again", _show)
