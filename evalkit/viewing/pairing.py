"""The process that compares two runs for the viewer: folders and names in, one JSON object out."""

from __future__ import annotations

import json
import signal
import sys
from pathlib import Path
from typing import Any

from evalkit.errors import EvalkitError, InvalidInput, NothingToDo


def paired(folders: tuple[Path, Path], labels: tuple[str, str]) -> dict[str, Any]:
    """Every system of both runs before and after, in the shape of comparison.json; systems of one run among themselves.

    Without a system that both have, all systems of both are compared. ``why`` instead says what hinders it.
    """
    from evalkit.api import open_run
    from evalkit.compare import compare
    from evalkit.comparison.shape import Comparison, comparison_json
    from evalkit.comparison.tables import comparison_markdown
    from evalkit.diagnosis import SystemDiagnosis
    from evalkit.suite import load_suite
    from evalkit.whereabouts import suite_of

    try:
        suite = load_suite(suite_of(folders[0]))
        runs = [open_run(suite, folder) for folder in dict.fromkeys(folders)]
    except InvalidInput:
        return {
            "why": "The suite of the runs is not where it was, or not what it was: `evalkit compare` says more."
        }
    except EvalkitError:
        return {"why": "A run cannot be read: `evalkit compare` says why."}
    judge = runs[0].recipe.get("judge")
    first, last = runs[0].systems, runs[-1].systems
    common = [name for name in first if name in last] if len(runs) > 1 else []
    wanted: list[dict[str, SystemDiagnosis]] = [
        {f"{name} ({labels[0]})": first[name], f"{name} ({labels[1]})": last[name]}
        for name in common
    ] or [{**first, **last}]
    found: list[Comparison] = []
    for systems in wanted:
        try:
            found.append(compare(suite, systems, judge=None if judge is None else str(judge)))
        except NothingToDo:
            continue
    if not found:
        return {"why": "There is nothing to compare: one system, or no case in common."}
    return {
        "names": common,
        "comparisons": [comparison_json(one) for one in found],
        "markdown": "\n".join(comparison_markdown(one) for one in found),
    }


def main() -> None:
    """Compare what the command line names."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # who started us ends us
    a, before, b, after = sys.argv[1:]
    json.dump(paired((Path(a), Path(b)), (before, after)), sys.stdout, allow_nan=False)


if __name__ == "__main__":
    main()
