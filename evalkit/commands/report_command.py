"""``evalkit report``: write a run's report again."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from evalkit.commands.score_command import again

if TYPE_CHECKING:
    from evalkit.api import Run


def _show(_run: Run, page: Path) -> int:
    click.echo(str(page))
    return 0


command = again("report", "Write the report of a run again", _show)
