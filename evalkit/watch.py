"""Who is told how a run goes on."""

from __future__ import annotations

from evalkit.records import Trace


class Watcher:
    """Told of every step; says nothing. The command line draws progress with a subclass."""

    def start(self, stage: str, total: int) -> None:
        """A stage of ``total`` steps begins."""

    def step(self, trace: Trace | None = None) -> None:
        """One step is done; the stage that asks hands over the trace."""

    def say(self, text: str) -> None:
        """Something worth knowing before the next stage: an estimate, a limit that was reached."""

    def done(self) -> None:
        """The stage is over."""
