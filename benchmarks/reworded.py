"""How the diagnosis fares where right answers are reworded as freely as models do it: a suite nothing was tuned on.

    python benchmarks/reworded.py

``reworded/`` holds 110 cases over two invented organisations, written without sight of the rules: 60 healthy answers
in other words, units and number forms than their labels, and 50 faulty ones with one injected cause each (``key.jsonl``),
with the answers under other conditions recorded. The judge is the embedded one.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from pathlib import Path
from tempfile import TemporaryDirectory

import evalkit
from evalkit import plugins
from evalkit.confidence import doubtful
from evalkit.records import Finding
from evalkit.stats.intervals import wilson

FOLDER = Path(__file__).parent / "reworded"


def findings() -> dict[str, Finding]:
    """What evalkit finds in the recorded answers, by case."""
    systems = evalkit.load_systems(FOLDER / "systems.yaml")
    with TemporaryDirectory() as out:
        run = evalkit.run(FOLDER, systems, out=Path(out) / "run")
    return {finding.case_id: finding for finding in run.systems["recorded"].findings}


def share(hits: Collection[str], of: Collection[str]) -> str:
    """A share with its interval and number of cases."""
    found = wilson(len(hits), len(of))
    assert found is not None  # no list here is empty
    return f"{found.value:.0%} ({found.low:.0%}-{found.high:.0%}, n = {found.n})"


def main() -> None:
    rows = map(json.loads, (FOLDER / "key.jsonl").read_text(encoding="utf-8").splitlines())
    key = {row["id"]: row["cause"] for row in rows}
    found, sides = findings(), {cause.id: cause.side for cause in plugins.members("causes")}
    healthy = [case for case, cause in key.items() if cause == "none"]
    faulty = [case for case, cause in key.items() if cause != "none"]
    named = {case: one for case, one in found.items() if one.outcome == "fail"}
    sure = [c for c in healthy if c in named and named[c].status == "proven"]
    plain = [c for c in named if not doubtful(named[c])]
    right = [c for c in faulty if c in named and named[c].cause == key[c]]
    print("| measure | share |\n| --- | --- |")
    for name, hits, of in (
        ("healthy answers said to fail", [c for c in healthy if c in named], healthy),
        (
            "... without the mark that they may be right",
            [c for c in plain if c in healthy],
            healthy,
        ),
        ("... and said to be proven", sure, healthy),
        ("healthy answers that pass with a warning", {*healthy} & ({*found} - {*named}), healthy),
        ("faulty answers that pass", [c for c in faulty if c not in named], faulty),
        (
            "faulty answers marked as maybe right",
            [c for c in faulty if c in {*named} - {*plain}],
            faulty,
        ),
        ("exact cause", right, faulty),
        ("... and proven", [c for c in right if named[c].status == "proven"], faulty),
        ("side", [c for c in faulty if c in named and named[c].side == sides[key[c]]], faulty),
    ):
        print(f"| {name} | {share(hits, of)} |")


if __name__ == "__main__":
    main()
