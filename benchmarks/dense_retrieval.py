"""Recall of each retriever kind on a suite, those with an embedder too where its model is there.

Run: python benchmarks/dense_retrieval.py [SUITE] [EMBEDDER]   (datasets/helpdesk and minilm unless given)
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from evalkit.embeddings import kept_in
from evalkit.errors import InvalidInput
from evalkit.records import Suite
from evalkit.retrievers import build_retriever
from evalkit.suite import load_suite

ROOT = Path(__file__).resolve().parents[1]


def measured(options: dict[str, Any], suite: Suite) -> str:
    started = time.perf_counter()
    retriever = build_retriever(options, suite.corpus)
    built = time.perf_counter()
    recalls, ranks = [], []
    for case in suite.cases:
        gold = {doc for doc, grade in (case.relevant or {}).items() if grade > 0}
        if not gold:
            continue
        found = [p.doc_id for p in retriever.retrieve(case.query, 3 * suite.k)]
        ranked = list(dict.fromkeys(found))
        recalls.append(len(gold & set(ranked[: suite.k])) / len(gold))
        ranks.append(next((1 / n for n, doc in enumerate(ranked, 1) if doc in gold), 0.0))
    taken = time.perf_counter() - built
    retriever.close()
    return (
        f"R@{suite.k} {sum(recalls) / len(recalls):.3f}  RR {sum(ranks) / len(ranks):.3f}  "
        f"({len(recalls)} cases, built in {built - started:.1f} s, "
        f"{taken / len(recalls) * 1e3:.1f} ms a query)"
    )


def main() -> int:
    suite = load_suite(sys.argv[1] if len(sys.argv) > 1 else ROOT / "datasets" / "helpdesk")
    embedder = sys.argv[2] if len(sys.argv) > 2 else "minilm"
    plain = [{"kind": kind, "analyzer": "stems"} for kind in ("bm25", "tfidf", "lsa", "hybrid")]
    dense = [{"kind": "dense"}, {"kind": "hybrid"}, {"kind": "hybrid", "analyzer": "stems"}]
    with TemporaryDirectory() as folder, kept_in(Path(folder)):  # each text is embedded once
        for options in (*plain, *({**one, "embedder": embedder} for one in dense)):
            told = " ".join(f"{name}: {value}" for name, value in options.items())
            try:
                print(f"{told:50} {measured(options, suite)}", flush=True)
            except InvalidInput as error:
                print(f"{told:50} skipped: {error}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
