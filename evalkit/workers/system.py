"""A Python system that runs in worker processes: built from its entry in systems.yaml, asked like any other."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

from evalkit.adapters import python
from evalkit.adapters.python_system import PythonSystem
from evalkit.errors import InvalidInput
from evalkit.records import JsonObject, Suite, System, SystemSpec
from evalkit.workers.output import Output
from evalkit.workers.pool import Pool
from evalkit.workers.process import Process
from evalkit.workers.protocol import pack


class WorkerSystem(PythonSystem):
    """A ``System`` in front of worker processes; made by ``build``."""

    def __init__(self, pool: Pool, spec: SystemSpec, suite: Suite, fingerprint: str) -> None:
        settings = python.settings_of(spec)
        super().__init__(
            pool,
            name=spec.name,
            approach=spec.approach,
            fingerprint=fingerprint,
            timeout=settings.timeout,
            corpus=suite.corpus,
        )
        self._pool = pool

    @property
    def printed(self) -> str:
        """The last that the system printed, to stdout or stderr."""
        return self._pool.output.last

    @property
    def restarts(self) -> int:
        """How many of its processes ended before they were told to."""
        return self._pool.restarts.ends


def build(spec: SystemSpec, suite: Suite, *, logs: Path | None = None) -> System:
    """The system that ``spec`` describes, in ``workers`` processes of its own.

    What it prints goes to a file named after it in the folder ``logs``, made when something is printed.
    Its first process is started now and imports it. Answers and fingerprint are those of
    ``evalkit.adapters.python.build``, which also takes over where there are no POSIX processes. Raises
    ``InvalidInput`` when the system cannot be imported or made, or when that ends the process.
    """
    if os.name != "posix":
        return python.build(spec, suite)
    settings = python.settings_of(spec)
    order = _order(spec)
    output = Output(None if logs is None else logs / f"{_safe(spec.name)}.log")
    first = Process(order, output)
    first.wait_started()
    hello = first.hello or {}
    if "methods" in hello:
        pool = Pool(spec.name, order, output, first, settings.workers)
        return WorkerSystem(pool, spec, suite, str(hello["fingerprint"]))
    first.kill()
    output.close()
    refused = hello.get("refused")
    if refused is not None:
        raise InvalidInput(refused["message"], field=refused["field"], hint=refused["hint"])
    raise settings.options.refuse(
        "target", f"importing {settings.target} ended the process: {first.reason}", _said(output)
    )


def _order(spec: SystemSpec) -> JsonObject:
    """What a process must know to make the system."""
    order: JsonObject = {
        "name": spec.name,
        "approach": spec.approach.value,
        "options": dict(spec.options),
        "folder": str(spec.folder.resolve()),
        "path": sys.path,
    }
    try:
        pack(order)
    except (TypeError, ValueError) as error:
        field = f"systems.{spec.name}.args"
        hint = "only plain data reaches a process of its own"
        raise InvalidInput(f"cannot be written as JSON: {error}", field=field, hint=hint) from None
    return order


def _said(output: Output) -> str | None:
    lines = [line.strip() for line in output.last.splitlines() if line.strip()]
    return f"it printed: {lines[-1][:200]}" if lines else None


def _safe(name: str) -> str:
    return re.sub(r"[^\w.-]+", "-", name).strip(".-")[:80] or "system"
