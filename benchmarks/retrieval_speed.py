"""Retrieval measures per CPU second: evalkit against pytrec_eval, in one process, conversion included.

    python benchmarks/retrieval_speed.py [--queries 100000] [--depth 10] [--rounds 3]

Both start from what an application has: a list of ids and a dict of grades a query. Both compute
recall, precision, success and nDCG at 10, reciprocal rank and average precision. The table shows the
best round of each; the ratio is gate-able, the seconds are this machine's. Asserts nothing.
"""

from __future__ import annotations

import argparse
import gc
import resource
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt

Labels = list[dict[str, int]]
Lists = list[list[str]]
Values = npt.NDArray[np.float64]

K = 10
TREC_NAMES = ("recall_10", "P_10", "success_10", "ndcg_cut_10", "recip_rank", "map")


def generate(queries: int, depth: int, seed: int = 0) -> tuple[Labels, Lists]:
    """``depth`` different documents a query, out of a neighbourhood that holds four graded 1 to 3."""
    random = np.random.default_rng(seed)
    near = max(40, depth + 20)
    labels, lists = [], []
    for start in random.integers(0, 10_000_000, queries).tolist():
        picked = (start + random.permutation(near)[:depth]).tolist()
        gold = (start + random.permutation(near)[:4]).tolist()
        lists.append([f"doc{number}" for number in picked])
        labels.append({f"doc{number}": 1 + number % 3 for number in gold})
    return labels, lists


def with_evalkit(labels: Labels, lists: Lists) -> Values:
    from evalkit.metrics import retrieval as r

    ranked = r.rank_ids(labels, lists)
    cut = (r.recall, r.precision, r.success, r.ndcg)
    whole = (r.reciprocal_rank, r.average_precision)
    return np.stack([*(m(ranked, k=K) for m in cut), *(m(ranked) for m in whole)], axis=1)


def with_pytrec_eval(labels: Labels, lists: Lists) -> Values:
    import pytrec_eval

    topics = [str(number) for number in range(len(labels))]
    run = {
        topic: {name: float(-rank) for rank, name in enumerate(row)}
        for topic, row in zip(topics, lists, strict=True)
    }
    wanted = {"recall.10", "P.10", "success.10", "ndcg_cut.10", "recip_rank", "map"}
    evaluator = pytrec_eval.RelevanceEvaluator(dict(zip(topics, labels, strict=True)), wanted)
    found = evaluator.evaluate(run)
    return np.array([[found[topic][name] for name in TREC_NAMES] for topic in topics])


def cpu_seconds(measure: Callable[[Labels, Lists], Values], labels: Labels, lists: Lists) -> float:
    gc.collect()
    start = time.process_time()
    measure(labels, lists)
    return time.process_time() - start


def peak_megabytes() -> float:
    """Peak resident memory of this process so far: the kernel's high-water mark, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def resident_megabytes() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--queries", type=int, default=100_000)
    parser.add_argument("--depth", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    labels, lists = generate(asked.queries, asked.depth)
    gc.disable()  # collections triggered by the input's own objects are nobody's cost
    # One call each before the clock runs: imports, first touches of memory, and the differences.
    before = resident_megabytes()
    ours = with_evalkit(labels, lists)
    growth = max(0.0, peak_megabytes() - before)
    difference = float(np.abs(ours - with_pytrec_eval(labels, lists)).max())
    peers = {"evalkit": with_evalkit, "pytrec_eval": with_pytrec_eval}
    seconds = {name: [] for name in peers}  # type: dict[str, list[float]]
    for _ in range(asked.rounds):
        for name, measure in peers.items():
            seconds[name].append(cpu_seconds(measure, labels, lists))
    best = {name: min(times) for name, times in seconds.items()}
    print(f"{asked.queries:,} queries x {asked.depth}, best of {asked.rounds} rounds")
    for name, time_taken in best.items():
        ratio = best["pytrec_eval"] / time_taken
        print(
            f"{name:12s} {time_taken:8.3f} CPU s {asked.queries / time_taken:12,.0f} queries/s {ratio:6.2f}x"
        )
    print(
        f"largest difference {difference:.1e}; evalkit's memory above the input at most {growth:.0f} MB"
    )


if __name__ == "__main__":
    main()
