"""What the diagnoser confuses: named causes counted by injected cause, in the runs that `calibrate.py` makes anyway."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable
from typing import Any

from evalkit import plugins
from evalkit.faults.bench import Verdict

NAMES = {"auto": "probed", "none": "unprobed"}  # by what `probes` was set to


class Tally:
    """Verdicts of blind diagnoses, kept until the matrix is asked for."""

    def __init__(self) -> None:
        self.kept: list[tuple[int, str, list[Verdict]]] = []

    def add(self, seed: int, probes: str, judged: Iterable[Verdict]) -> None:
        """Keep the verdicts of one run."""
        self.kept.append((seed, probes, list(judged)))

    def content(self, seeds: Collection[int]) -> dict[str, Any]:
        """The part ``confusion`` of calibration.json, from the runs of these seeds."""
        found: dict[str, Any] = {
            "what": "cases by injected cause, and by the cause named for their failure",
            "seeds": list(seeds),
            "sides": {c.id: c.side.value for c in plugins.members("causes")},
        }
        for probes, name in NAMES.items():
            rows: defaultdict[str, Counter[str]] = defaultdict(Counter)
            for seed, asked, judged in self.kept:
                if asked == probes and seed in seeds:
                    for verdict in judged:
                        rows[verdict.wanted][named(verdict)] += 1
            found[name] = {true: dict(rows[true].most_common()) for true in sorted(rows)}
        return found


def named(verdict: Verdict) -> str:
    """The cause that the case's failure was put down to; "none" where it was not found failing."""
    return verdict.given if verdict.outcome == "fail" else "none"


TALLY = Tally()
