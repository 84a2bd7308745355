"""What the case page explains beside the cases: causes, proofs, conditions, and how a case is asked again."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evalkit import plugins
from evalkit.cause import Proof
from evalkit.errors import EvalkitError
from evalkit.pages.case_cut import name
from evalkit.pages.case_view import Setting
from evalkit.pages.stages import STAGES
from evalkit.records import Suite
from evalkit.suite import load_systems

if TYPE_CHECKING:
    from evalkit.api import Run

PROOFS = {
    Proof.FLIP: "the answer turns right once this one thing is changed",
    Proof.PERSISTENCE: "the answer stays wrong with the gold passages alone in the prompt",
    Proof.CHECK: "a check of the answer itself shows it",
    Proof.REPEATS: "repeats of the same question end differently",
}


def setting_of(run: Run, **more: Any) -> Setting:
    """What the cases of a run share; ``more`` are further fields of the setting."""
    metrics = dict.fromkeys(m for found in run.systems.values() for m in found.ledger.columns)
    return setting_for(run.suite, run.systems, metrics, run.folder, **more)


def setting_for(
    suite: Suite,
    systems: Iterable[str],
    metrics: Iterable[str],
    folder: Path | None,
    **more: Any,
) -> Setting:
    """What the cases share of a run in ``folder`` that had these systems and metrics."""
    systems = tuple(systems)
    legend = {
        **explained(),
        "suite": name(suite.name),
        "folder": suite_path(suite.folder, folder),
        "strangers": strangers(suite.folder, systems),
        "k": suite.k,
    }
    return Setting(systems, tuple(metrics), suite.k, legend, **more)


def explained() -> dict[str, Any]:
    """Every cause as [meaning, first fix, how it is proven], every condition by its meaning."""
    return {
        "causes": {
            cause.id: [cause.meaning, cause.first_fix, PROOFS[cause.proof]]
            for cause in plugins.members("causes")
        },
        "conditions": {c.id: c.meaning for c in plugins.members("conditions")},
        "funnel": STAGES,
    }


def strangers(suite: Path, systems: Iterable[str]) -> list[str]:
    """The systems that the suite's own systems.yaml does not hold: a command that asks them needs ``--systems FILE``.

    None of a suite that has no folder: where it is to lie is not known either.
    """
    if not (suite / "suite.yaml").exists():
        return []
    try:
        known = {spec.name for spec in load_systems(suite / "systems.yaml")}
    except (OSError, EvalkitError):  # none, or one that cannot be read now: nothing speaks for it
        known = set()
    return [system for system in systems if system not in known]


def suite_path(suite: Path, run: Path | None) -> list[str] | None:
    """Where the suite lies, as (path, whence): from where the report was written, else from its own folder.

    None for a suite that has no folder. A path of the machine is never shown: a report travels.
    """
    if not (suite / "suite.yaml").exists():
        return None
    here, lies = Path.cwd(), suite.resolve()
    if lies.is_relative_to(here):
        return [lies.relative_to(here).as_posix(), ""]
    if run is None:
        return None
    try:
        return [Path(os.path.relpath(lies, run.resolve())).as_posix(), "report"]
    except ValueError:  # another drive
        return None
