"""Accuracy of answer clustering on labelled pairs of answers (run from the repository's root)."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from evalkit.judges.equivalence import equivalence
from evalkit.metrics.consistency import cluster

PAIRS = Path(__file__).parents[2] / "shared" / "data" / "answer_pairs" / "pairs.jsonl"


def main() -> int:
    if not PAIRS.exists():
        print(f"skipped: {PAIRS.name} is not here")
        return 0
    pairs = [json.loads(line) for line in PAIRS.read_text("utf-8").split("\n") if line]
    wanted = [pair["label"] == "equivalent" for pair in pairs]
    started = time.perf_counter()
    given = [len(set(cluster((pair["a"], pair["b"])))) == 1 for pair in pairs]
    seconds = time.perf_counter() - started
    both = [(equivalence(p["a"], [p["b"]]), equivalence(p["b"], [p["a"]])) for p in pairs]
    print(
        f"{len(pairs)} pairs, {sum(wanted)} equivalent, {seconds / len(pairs) * 1e3:.2f} ms a pair"
    )
    report("cluster (as the metric does it)", wanted, given)
    for threshold in (0.5, 0.75, 0.9):
        report(f"better direction >= {threshold}", wanted, [max(one) >= threshold for one in both])
        report(
            f"mean of directions >= {threshold}",
            wanted,
            [sum(one) / 2 >= threshold for one in both],
        )
        report(f"both directions >= {threshold}", wanted, [min(one) >= threshold for one in both])
    report("always together", wanted, [True] * len(pairs))
    return 0


def report(name: str, wanted: list[bool], given: list[bool]) -> None:
    together = [g for w, g in zip(wanted, given, strict=True) if w]
    apart = [not g for w, g in zip(wanted, given, strict=True) if not w]
    accuracy = (sum(together) + sum(apart)) / len(wanted)
    balanced = (sum(together) / len(together) + sum(apart) / len(apart)) / 2
    print(
        f"{name:36} accuracy {accuracy:.3f}  balanced {balanced:.3f}  together {sum(together) / len(together):.3f}  apart {sum(apart) / len(apart):.3f}"
    )


if __name__ == "__main__":
    sys.exit(main())
