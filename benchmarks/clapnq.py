"""The embedded systems on ClapNQ: real questions, human gold passages and answers, half of them unanswerable.

Run: python benchmarks/clapnq.py [DATA]   (DATA defaults to ../shared/data/clapnq beside the repository)
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

import evalkit
from evalkit.importers.clapnq import import_clapnq

DATA = Path(__file__).resolve().parents[2] / "shared" / "data" / "clapnq"
SHOWN = ("R@5", "RR", "nDCG@5", "correct", "groundedness", "behaviour")


def table(summary: dict[str, Any], diagnosis: dict[str, Any]) -> str:
    """A Markdown table: one row a system, every mean with its interval and scored / due."""
    lines = ["| system | passed | " + " | ".join(SHOWN) + " | leading cause |"]
    lines.append("|" + "---|" * (len(SHOWN) + 3))
    for name, system in summary["systems"].items():
        rate, counts = system["pass_rate"], system["cases"]
        cells = [
            f"{rate['value']:.0%} [{rate['low']:.0%}, {rate['high']:.0%}] ({counts['passed']}/{rate['n']})"
        ]
        cells += [_cell(system["metrics"][metric]) for metric in SHOWN]
        causes = diagnosis["systems"][name]["causes"]
        lead = next(iter(causes), None)
        failing = counts["failed"] + counts["errors"]
        cells.append(f"`{lead}` {causes[lead]['share']:.0%} of {failing}" if lead else "none")
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _cell(metric: dict[str, Any]) -> str:
    if metric["mean"] is None:
        return "n/a"
    return f"{metric['mean']:.2f} ({metric['scored']}/{metric['due']})"


def main() -> None:
    """Import, run and print."""
    source = Path(sys.argv[1]) if len(sys.argv) > 1 else DATA
    if not source.exists():
        sys.exit(f"{source} is not there: give the folder that holds ClapNQ's qa.jsonl")
    with tempfile.TemporaryDirectory() as folder:
        suite_folder = Path(folder) / "clapnq"
        import_clapnq(source, suite_folder)
        systems = evalkit.load_systems(suite_folder / "systems.yaml")
        run = evalkit.run(suite_folder, systems, out=Path(folder) / "run")
        print(table(run.summary(), run.diagnosis()))


if __name__ == "__main__":
    main()
