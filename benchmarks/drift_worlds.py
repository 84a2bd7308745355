"""False alarms and power of ``evalkit drift``, measured in worlds whose truth is known (run from the repository's root)."""

from __future__ import annotations

import math
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

import evalkit
from evalkit.drift.check import Plan, compare
from evalkit.drift.compare import Said
from evalkit.drift.observe import Nearest, Table, tables
from evalkit.drift.signals import SIGNALS
from evalkit.judges.embedded import EmbeddedJudge
from evalkit.records import Suite, Trace

ROOT = Path(__file__).resolve().parents[1]
ALPHA, SIGMAS = 0.05, 2.33
NULL_WORLDS, POWER_WORLDS = 600, 100
SIZES = ((325, 325), (325, 1000), (1000, 1000), (3000, 3000))  # baseline, production
OFF_TOPIC = (
    "Which vaccines does a puppy need in its first year?",
    "How long do I roast a whole cauliflower?",
    "Does travel insurance pay for a cancelled ferry?",
    "Welche Reifen brauche ich im Winter in den Alpen?",
    "What is the fastest way to learn the violin?",
    "Can I deduct a heat pump from my income tax?",
    "東京から京都まで新幹線でいくらかかりますか",
    "Which tomatoes grow well on a shady balcony?",
    "Thuốc hạ sốt nào an toàn cho trẻ nhỏ?",
    "Who won the marathon in Oslo last spring?",
)
Columns = dict[str, np.ndarray]
Change = Callable[[Columns, np.random.Generator], None]


def real_run() -> tuple[Suite, list[Trace]]:
    """The shipped suite, and what its ``rag`` system answers to it now."""
    suite = evalkit.load_suite(ROOT / "datasets" / "helpdesk")
    specs = evalkit.load_systems(suite.folder / "systems.yaml")
    rag = [spec for spec in specs if spec.name == "rag"]
    with tempfile.TemporaryDirectory() as folder:
        run = evalkit.run(suite, rag, out=folder, repeats=1, probes="none")
        return suite, list(run.systems["rag"].graded.traces)


def columns_of(suite: Suite, traces: list[Trace]) -> Columns:
    table, _ = tables(traces, traces[:1], suite=suite, judge=EmbeddedJudge())
    return {name: np.array(values, dtype=object) for name, values in table.columns.items()}


def table(columns: Columns, rows: np.ndarray) -> Table:
    picked = {name: values[rows] for name, values in columns.items()}
    return of(picked)


def of(columns: Columns) -> Table:
    n = len(next(iter(columns.values())))
    listed = {name: list(values) for name, values in columns.items()}
    return Table(tuple(f"t{i}" for i in range(n)), listed, traces=n, units=n)


# --- worlds without drift ----------------------------------------------------------------------


def halves(suite: Suite, traces: list[Trace], worlds: int) -> Iterator[tuple[Table, Table]]:
    """A real run split at random: one half is the baseline, whose queries are the known ones."""
    columns = columns_of(suite, traces)
    queries = {case.id: case.query for case in suite.cases}
    asked = [queries[t.case_id] for t in sorted(traces, key=lambda t: t.case_id)]
    random = np.random.default_rng(1)
    for _ in range(worlds):
        order = random.permutation(len(asked))
        one, two = order[: len(order) // 2], order[len(order) // 2 :]
        nearest = Nearest([(str(i), asked[i]) for i in one])
        similar = np.array([nearest.similarity(q, str(i)) for i, q in enumerate(asked)], object)
        columns |= {"query_similarity": similar, "novel_queries": similar}
        yield table(columns, one), table(columns, two)


def synthetic(random: np.random.Generator, n: int) -> Columns:
    """Traffic in which the signals hang together, as in life: a hard query makes several of them worse."""
    hard = random.normal(size=n)
    errors = random.random(n) < 0.03
    kinds = random.choice(["timeout", "rate_limit", "exception"], n)
    found: Columns = {signal.name: np.full(n, None, dtype=object) for signal in SIGNALS}
    found["error_rate"] = errors.astype(float).astype(object)
    for kind in ("timeout", "rate_limit", "exception"):
        found[f"error:{kind}"] = (errors & (kinds == kind)).astype(float).astype(object)
    similar = np.clip(0.5 - 0.1 * hard + 0.1 * random.normal(size=n), 0, 1)
    refused = random.random(n) < 1 / (1 + np.exp(1.6 - hard))
    words = np.where(refused, 12.0, np.round(np.exp(random.normal(3.5, 0.6, n))))
    supported = np.where(random.random(n) < 0.8, 1.0, np.round(random.random(n), 1))
    shown = {
        "query_similarity": similar,
        "novel_queries": similar,
        "query_words": random.poisson(9, n) + 1.0,
        "nothing_found": (random.random(n) < 0.02).astype(float),
        "top_score": 12 - 2 * hard + random.normal(size=n),
        "score_gap": np.abs(random.normal(size=n)),
        "passages": random.integers(3, 6, n).astype(float),
        "redundancy": random.choice([0.0, 0.2, 0.4], n, p=[0.7, 0.2, 0.1]),
        "refusal_rate": refused.astype(float),
        "groundedness": np.where(errors, np.nan, supported),
        "unsupported_claims": (supported < 1).astype(float),
        "answer_words": words,
        "cites": (~refused & (random.random(n) < 0.9)).astype(float),
        "seconds": np.exp(random.normal(0.5, 0.7, n)),
        "prompt_tokens": np.round(np.exp(random.normal(6.8, 0.3, n))),
        "completion_tokens": np.round(words * 1.3),
        "cost": np.exp(random.normal(-6, 0.4, n)),
    }
    for name, values in shown.items():
        found[name] = np.where(np.isnan(values), None, values.astype(object))
    found["action"] = np.where(refused, "refuse", random.choice(["answer", "tool:lookup"], n))
    found["query_language"] = random.choice(["en", "de", "ja", "vi"], n, p=[0.7, 0.2, 0.08, 0.02])
    return found


def made_up(worlds: int) -> Iterator[tuple[Table, Table]]:
    random = np.random.default_rng(2)
    for _ in range(worlds):
        n, m = random.integers(60, 600, 2)
        yield of(synthetic(random, int(n))), of(synthetic(random, int(m)))


def false_alarms(pairs: Iterator[tuple[Table, Table]]) -> tuple[int, int, Counter[str]]:
    """(worlds, worlds with a significant signal, how often each): changes too small to matter count too."""
    worlds, alarms, names = 0, 0, Counter[str]()
    for one, two in pairs:
        found = compare(one, two, Plan(ALPHA))
        said = [c.signal.name for c in found.compared if c.said in (Said.DRIFT, Said.SMALL)]
        worlds, alarms = worlds + 1, alarms + bool(said)
        names.update(said)
    return worlds, alarms, names


def bound(worlds: int) -> float:
    """The most false alarms that chance explains at ``ALPHA``."""
    return ALPHA + SIGMAS * math.sqrt(ALPHA * (1 - ALPHA) / worlds)


# --- worlds with drift -------------------------------------------------------------------------


def refusals(points: float) -> Change:
    def change(columns: Columns, random: np.random.Generator) -> None:
        now = columns["refusal_rate"]
        flips = random.random(len(now)) < points / (1 - float(np.mean(now.astype(float))))
        columns["refusal_rate"] = np.where(flips, 1.0, now)

    return change


def slower(factor: float) -> Change:
    def change(columns: Columns, _: np.random.Generator) -> None:
        columns["seconds"] = columns["seconds"] * factor

    return change


def novel(share: float, nearest: Nearest) -> Change:
    def change(columns: Columns, random: np.random.Generator) -> None:
        drawn = random.choice(OFF_TOPIC, len(columns["query_similarity"]))
        strange = np.array([nearest.similarity(query, "") for query in drawn], dtype=object)
        swap = random.random(len(drawn)) < share
        for name in ("query_similarity", "novel_queries"):
            columns[name] = np.where(swap, strange, columns[name])

    return change


def power(
    columns: Columns, change: Change, watched: tuple[str, ...], sizes: tuple[int, int]
) -> float:
    """How often a signal that was changed is found in samples of these sizes, drawn with replacement from a real run."""
    random = np.random.default_rng(sizes)
    total, hits = len(columns["seconds"]), 0
    for _ in range(POWER_WORLDS):
        one, two = (random.integers(0, total, n) for n in sizes)
        drawn = {name: values[two] for name, values in columns.items()}
        change(drawn, random)
        found = compare(table(columns, one), of(drawn), Plan(ALPHA))
        hits += any(compared.signal.name in watched for compared in found.drifted)
    return hits / POWER_WORLDS


def main() -> int:
    began = time.perf_counter()
    suite, traces = real_run()
    columns = columns_of(suite, traces)
    print("| worlds without drift | worlds | false alarms | bound |\n|---|---|---|---|")
    total, wrong = 0, 0
    for name, pairs in (
        ("halves of a helpdesk run", halves(suite, traces, NULL_WORLDS)),
        ("synthetic traffic, 60 to 600 traces a side", made_up(NULL_WORLDS)),
    ):
        worlds, alarms, names = false_alarms(pairs)
        print(f"| {name} | {worlds} | {alarms / worlds:.1%} | {bound(worlds):.1%} |")
        print(f"  {dict(names)}", file=sys.stderr)
        total, wrong = total + worlds, wrong + alarms
    print(f"| together | {total} | {wrong / total:.1%} | {bound(total):.1%} |\n")
    nearest = Nearest([(case.id, case.query) for case in suite.cases])
    shifts: list[tuple[str, Change, tuple[str, ...]]] = [
        ("refusals +5 points", refusals(0.05), ("refusal_rate",)),
        ("refusals +10 points", refusals(0.10), ("refusal_rate",)),
        ("refusals +15 points", refusals(0.15), ("refusal_rate",)),
        ("latency x1.5", slower(1.5), ("seconds",)),
        ("10 % of a novel topic", novel(0.1, nearest), ("query_similarity", "novel_queries")),
    ]
    print("| found, baseline / production | " + " | ".join(f"{n} / {m}" for n, m in SIZES) + " |")
    print("|---|" + "---|" * len(SIZES))
    for name, change, watched in shifts:
        cells = [f"{power(columns, change, watched, sizes):.0%}" for sizes in SIZES]
        print(f"| {name} | {' | '.join(cells)} |")
    print(f"\n{time.perf_counter() - began:.0f} s")
    return int(wrong / total > bound(total))


if __name__ == "__main__":
    sys.exit(main())
