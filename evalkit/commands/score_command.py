"""``evalkit score``, and what it shares with ``diagnose`` and ``report``: work on a finished run again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from evalkit.commands.options import opened, reviewed_option, run_argument, run_suite_option

if TYPE_CHECKING:
    from evalkit.api import Run


def again(name: str, what: str, show: Callable[[Run, Path], int]) -> click.Command:
    """A command that derives everything anew from the traces of a run, and shows one part of it."""

    @click.command(name, help=f"{what}. No call is made.")
    @run_argument
    @run_suite_option
    @click.option("--playbook", type=click.Path(path_type=Path), help="Your own symptoms file.")
    @reviewed_option
    def made(run: Path, suite: Path | None, **how: Path | None) -> int:
        found = opened(run, suite, **how)
        return show(found, found.write())

    return made


def _show(run: Run, _page: Path) -> int:
    from evalkit.terminal import show_scores, show_verdict

    show_scores(run)
    return show_verdict(run)


command: Any = again("score", "Score the recorded answers of a run again", _show)
