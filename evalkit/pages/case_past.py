"""How every case ended in earlier runs: read from their folders, or from a committed baseline."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from evalkit.gating.baseline import read_baseline
from evalkit.gating.snapshot import Snapshot, how_it_ended, snapshot_of
from evalkit.strict import read_json

Past = dict[tuple[str, str], list[tuple[str, str, str | None]]]
ENDED = {"passed": "pass", "failed": "fail", "errors": "error", "ungraded": "ungraded"}


def past_of(earlier: Sequence[Path]) -> Past:
    """By case and system: (run, outcome, cause) of every earlier run that has it, in the order given.

    ``earlier`` are run folders and baseline files. Raises ``InvalidInput`` where one of them cannot be read.
    """
    found: Past = {}
    for place in earlier:
        for snapshot in _snapshots(place):
            for case_id, row in snapshot.cells.get("passed", {}).items():
                outcome = ENDED[how_it_ended(row)]
                cause = snapshot.causes.get(case_id) if outcome != "pass" else None
                entry = (place.stem if place.is_file() else place.name, outcome, cause)
                found.setdefault((case_id, snapshot.system), []).append(entry)
    return found


def _snapshots(place: Path) -> Iterator[Snapshot]:
    if place.is_file():
        yield read_baseline(place)
        return
    for system in read_json(place / "manifest.json")["systems"]:
        yield snapshot_of(place, system, metrics=())
