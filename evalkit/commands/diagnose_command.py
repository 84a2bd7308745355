"""``evalkit diagnose``: diagnose a finished run again."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from evalkit.commands.score_command import again

if TYPE_CHECKING:
    from evalkit.api import Run


def _show(run: Run, page: Path) -> int:
    from evalkit.terminal import show_run

    return show_run(run, page)


command = again("diagnose", "Diagnose the recorded answers of a run again", _show)
