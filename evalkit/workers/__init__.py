"""Python systems in processes of their own, so that whatever they do costs the case and not the run."""

from __future__ import annotations

from evalkit.workers.system import WorkerSystem, build

__all__ = ["WorkerSystem", "build"]
