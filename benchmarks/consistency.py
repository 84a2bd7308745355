"""Accuracy of answer clustering on labelled pairs of answers, by the rules and by the learned model (from the root).

The learned model (``judges.model.same_answer_probability``) is measured in folds by question, fitted without the pairs it is
measured on, with the question and without it: a metric over repeats is not told the question. Near copies are made
from the references of the helpdesk suite: another number, a "not", the answer to another question on the document.
"""

from __future__ import annotations

import json
import re
import sys
import time
import zlib
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from train_judge import FOLDS, apply, fit_pairs, rows_of

from evalkit.judges.equivalence import equivalence
from evalkit.judges.features import pair
from evalkit.judges.model import same_answer_probability, settled
from evalkit.metrics.consistency import cluster, same_meaning
from evalkit.suite import load_suite
from evalkit.text.sentences import spans

ROOT = Path(__file__).parents[1]
NOT_TURNED = 0.3  # equivalence above which the rules see nothing turned round
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
    for known in (True, False):
        learned = held_out(pairs, wanted, known=known)
        report(f"learned, question {'known' if known else 'not known'}", wanted, learned)
        veto = [
            said and both_ways(p, p["question"] if known else "") > NOT_TURNED
            for said, p in zip(learned, pairs, strict=True)
        ]
        report("  and nothing turned by the rules", wanted, veto)
    near_copies()
    return 0


def both_ways(p: dict[str, str], query: str) -> float:
    return max(equivalence(p["a"], [p["b"]], query), equivalence(p["b"], [p["a"]], query))


def held_out(pairs: list[dict[str, str]], wanted: list[bool], *, known: bool) -> list[bool]:
    """What a model says that was fitted, with the question, on the pairs of other questions."""
    groups = [p["id"].split("|")[0] for p in pairs]

    def rows(*, query: bool) -> Any:
        seen = [pair(p["a"], p["b"], p["question"] if query else "") for p in pairs]
        return rows_of(list(zip(groups, seen, wanted, strict=True)))

    fitted, shown = rows(query=True), rows(query=known)
    fold = np.array([zlib.crc32(f"0 {g}".encode()) % FOLDS for g in groups])
    found = np.zeros(len(pairs))
    for k in range(FOLDS):
        found[fold == k] = apply(fit_pairs(fitted.where(fold != k)), shown.where(fold == k))
    sure = [settled(p["a"], p["b"]) for p in pairs]
    return [(f if s is None else s) >= 0.5 for f, s in zip(found, sure, strict=True)]


def near_copies() -> None:
    """Share of pairs that are put together, by how they were made."""
    print()
    for kind, made in sorted(copies().items()):
        rules = [same_meaning(a, b) for a, b, _ in made]
        learned = [same_answer_probability(*one) >= 0.5 for one in made]
        ways = [both_ways({"a": a, "b": b}, q) > NOT_TURNED for a, b, q in made]
        both = [x and y for x, y in zip(learned, ways, strict=True)]
        shares = (f"{sum(said) / len(made):.3f}" for said in (rules, learned, both))
        names = ("rules", "learned", "learned, nothing turned")
        told = "  ".join(f"{n} {v}" for n, v in zip(names, shares, strict=True))
        print(f"{kind:48} n {len(made):4}  together: {told}")


def copies() -> dict[str, list[tuple[str, str, str]]]:
    cases = [c for c in load_suite(ROOT / "datasets" / "helpdesk").cases if c.reference]
    answered = [c for c in cases if c.expected == "answer" and c.reference]
    made: dict[str, list[tuple[str, str, str]]] = defaultdict(list)
    for i, case in enumerate(answered):
        text = (case.reference or ("",))[0]
        near = [c for c in answered[:i] if c.group == case.group and c.reference != case.reference]
        made_of = list(variants(text))
        made_of += [("apart: of another question", (c.reference or ("",))[0]) for c in near[:1]]
        for kind, other in made_of:
            made[kind].append((text, other, case.query))
    return made


def variants(text: str) -> Iterator[tuple[str, str]]:
    number = re.search(r"\d+", text)
    if number:
        changed = str(int(number[0]) + 5)
        yield "apart: another number", text[: number.start()] + changed + text[number.end() :]
    if re.search(r"\b(is|are|can|does|do|will)\b", text):
        denied = re.sub(r"\b(is|are|can|does|do|will)\b", r"\1 not", text, count=1)
        yield "apart: denied", denied
    sentences = [text[start:end] for start, end in spans(text)]
    if len(sentences) > 1:
        yield "together: sentences turned round", " ".join(reversed(sentences))
    yield "together: polite words around", f"Thanks for asking! {text} Let us know how it goes."


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
