"""Is scoring and diagnosing recorded answers linear in their number? Seconds a thousand cases, at growing sizes.

The cases are made here: five passages of about 100 words each, a third of the answers wrong, a third of those after a miss.
"""

from __future__ import annotations

import argparse
import random
import resource
import time
from pathlib import Path

import evalkit
from evalkit.records import Case, Document, KeyPoint, Passage, Suite, Trace

WORDS = [
    f"{a}{b}" for a in "bdfgklmnprst" for b in ("ara", "eno", "ilu", "opa", "ute", "amir", "osel")
]


def make_suite(n: int, rng: random.Random) -> tuple[Suite, list[Trace]]:
    """A suite of ``n`` cases over ``n`` documents, and one recorded answer each."""
    texts = {f"d{i}": _text(i, rng) for i in range(n)}
    corpus = {doc_id: Document(doc_id, text) for doc_id, text in texts.items()}
    cases, traces = [], []
    for i in range(n):
        fact = f"the {WORDS[i % len(WORDS)]} number {i} costs {i + 10} euros"
        point = KeyPoint(fact, (f"d{i}",))
        cases.append(
            Case(f"c{i}", f"What does number {i} cost?", relevant={f"d{i}": 1}, key_points=(point,))
        )
        wrong, missed = i % 3 == 0, i % 9 == 0
        ids = [(i + j + missed) % n for j in range(5)]
        found = tuple(Passage(f"d{j}", f"d{j}#0", texts[f"d{j}"]) for j in ids)
        answer = fact.replace(str(i + 10), str(i + 11)) if wrong else fact
        traces.append(
            Trace(
                response=f"{answer}.", retrieved=found, context=found, system="s", case_id=f"c{i}"
            )
        )
    return Suite("made", Path(), tuple(cases), corpus, "made"), traces


def _text(i: int, rng: random.Random) -> str:
    filler = " ".join(rng.choice(WORDS) for _ in range(90))
    return f"{filler}. The {WORDS[i % len(WORDS)]} number {i} costs {i + 10} euros."


def main() -> None:
    """Print a row a size; the last column is the cost a case relative to the smallest size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[1_000, 5_000, 20_000])
    print(f"{'cases':>8} {'CPU s':>8} {'ms/case':>8} {'ratio':>6} {'peak MB':>8}")
    first = None
    for size in parser.parse_args().sizes:
        suite, traces = make_suite(size, random.Random(0))
        began = time.process_time()
        evalkit.from_traces(suite, {"s": traces})
        spent = time.process_time() - began
        each = 1000 * spent / size
        first = first or each
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"{size:>8} {spent:>8.2f} {each:>8.2f} {each / first:>6.2f} {peak:>8.0f}")


if __name__ == "__main__":
    main()
