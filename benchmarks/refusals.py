"""Measures how well refusals are told from answers: on people's labels, the stocks of phrases and the shipped suites.

Run: python benchmarks/refusals.py [DATA] [--cases]   (DATA defaults to ../shared/data beside the repository)
``--cases`` lists every text that is taken for the wrong thing.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

from evalkit.faults.stocks import familiar, second
from evalkit.faults.wording import Stock, filled
from evalkit.records import Expected
from evalkit.text import refusal
from evalkit.text.refusal import asks_clarification, mentions_gap, refusal_probability

ROOT = Path(__file__).resolve().parents[1]
Row = tuple[str, bool]  # text, is it a refusal?
SUITES = ("helpdesk", "invoices")


def load(path: Path) -> list[dict[str, Any]]:
    if not path.exists():
        return []
    return [
        json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line.strip()
    ]


def refuses(text: str) -> bool:
    return refusal_probability(text) >= 0.5


def behaviour(text: str) -> str:
    """What a text does, by the functions that the behaviour metric uses."""
    if refuses(text):
        return "refuse"
    if asks_clarification(text):
        return "clarify"
    return "partial" if mentions_gap(text) else "answer"


def stock_rows(stock: Stock) -> Iterator[Row]:
    """Everything a stock says that could be a refusal, with the placeholders filled."""
    for phrases in stock.refusals.values():
        for topic, covered in (("plan upgrade", '"Plans", "Refunds"'), ("休暇", "“Ferien”")):
            yield from ((text, True) for text in filled(phrases, topic=topic, covered=covered))
    said = (*stock.inventions, *stock.questions_back, *stock.filler)
    yield from ((text, False) for text in said)
    for denial in stock.denials:
        yield denial.format(statement="the small plan includes a calendar for every team."), False


def _texts(reference: Any) -> list[str]:
    """A reference as a system may say it: an object as JSON, on one line and on many."""
    if isinstance(reference, dict):
        return [json.dumps(reference, ensure_ascii=False, indent=indent) for indent in (None, 2)]
    return [reference] if isinstance(reference, str) else [str(text) for text in reference]


def suite_rows(name: str) -> Iterator[Row]:
    """Every reference and key point of the cases of a shipped suite that want an answer."""
    for case in load(ROOT / "datasets" / name / "cases.jsonl"):
        if case.get("expected", "answer") == Expected.REFUSE.value:
            continue
        reference = case.get("reference") or ()
        texts = _texts(reference)
        points = [p if isinstance(p, str) else p["text"] for p in case.get("key_points") or ()]
        yield from ((text, False) for text in (*texts, *points))


def wanted_refusals(name: str) -> Iterator[Row]:
    for case in load(ROOT / "datasets" / name / "cases.jsonl"):
        if case.get("expected") == Expected.REFUSE.value and case.get("reference"):
            reference = case["reference"]
            yield from (
                (t, True) for t in ([reference] if isinstance(reference, str) else reference)
            )


def people_rows(data: Path) -> dict[str, list[Row]]:
    """Answers that people wrote or accepted; none of them refuses."""
    clapnq = [
        a["text"] for r in load(data / "clapnq" / "qa.jsonl") for a in r["answers"] if a["text"]
    ]
    golds = {g for r in load(data / "evouna" / "judgements.jsonl") for g in r["golds"] if g}
    right = {
        r["answer"]
        for r in load(data / "evouna" / "judgements.jsonl")
        if r["human_correct"] and r["answer"].strip()
    }
    mtrag = [
        r["answer"]
        for r in load(data / "mtrag_human" / "responses.jsonl")
        if r["system"] == "reference"
    ]
    return {
        "clapnq answers": [(t, False) for t in clapnq],
        "evouna golds": [(t, False) for t in sorted(golds)],
        "evouna right answers": [(t, False) for t in sorted(right)],
        "mtrag_human references": [(t, False) for t in mtrag],
    }


def sets(data: Path) -> dict[str, list[Row]]:
    tasks = load(data / "mtrag_un" / "tasks.jsonl")
    plain = [r for r in tasks if r["expected"] in {"answer", "refuse"}]
    return {
        "mtrag_un answer / refuse": [(r["reference"], r["expected"] == "refuse") for r in plain],
        "mtrag_un partial": [
            (r["reference"], False) for r in tasks if r["expected"] == "partial_answer"
        ],
        "mtrag_un clarify": [(r["reference"], False) for r in tasks if r["expected"] == "clarify"],
        "stock familiar": list(stock_rows(familiar.STOCK)),
        "stock second": list(stock_rows(second.STOCK)),
        **{f"{name} answers": list(suite_rows(name)) for name in SUITES},
        **{f"{name} refusals": list(wanted_refusals(name)) for name in SUITES},
        **people_rows(data),
    }


def share(rows: list[Row], *, wanted: bool) -> float | None:
    """Share of the rows with that label which are taken for what they are."""
    found = [refuses(text) is wanted for text, label in rows if label is wanted]
    return float(np.mean(found)) if found else None


def four_way(data: Path) -> str:
    tasks = [r for r in load(data / "mtrag_un" / "tasks.jsonl") if r["reference"]]
    recalls = {}
    for kind in ("answer", "partial", "refuse", "clarify"):
        given = [behaviour(r["reference"]) for r in tasks if r["expected"].startswith(kind)]
        recalls[kind] = float(np.mean([g == kind for g in given])) if given else 0.0
    told = ", ".join(f"{kind} {value:.3f}" for kind, value in recalls.items())
    return f"balanced {float(np.mean(list(recalls.values()))):.3f} ({told})"


def microseconds(texts: list[str]) -> float:
    """Mean time of a first call, with nothing remembered from before; the best of five rounds."""
    remembered = [f for f in vars(refusal).values() if hasattr(f, "cache_clear")]
    remembered += [f for f in vars(refusal).values() if hasattr(f, "__wrapped__")]
    best = float("inf")
    for _ in range(5):
        for function in remembered:
            function.cache_clear()
        started = time.perf_counter()
        for text in texts:
            refusal_probability(text)
        best = min(best, time.perf_counter() - started)
    return best / len(texts) * 1e6


def main(say: Callable[[str], None] = print) -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("data", nargs="?", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--cases", action="store_true", help="list every wrong verdict")
    given = parser.parse_args()
    found = sets(given.data)
    say(f"{'':28}{'refusals found':>16}{'answers kept':>14}{'balanced':>10}{'n':>7}")
    for name, rows in found.items():
        shares = [share(rows, wanted=True), share(rows, wanted=False)]
        known = [s for s in shares if s is not None]
        cells = ["-" if s is None else f"{s:.3f}" for s in shares]
        mean = f"{np.mean(known):.3f}" if known else "-"
        say(f"{name:28}{cells[0]:>16}{cells[1]:>14}{mean:>10}{len(rows):>7}")
        if given.cases:
            for text, label in rows:
                if refuses(text) is not label:
                    say(f"   {'missed' if label else 'taken for one'}: {text!r}")
    say(f"mtrag_un, four behaviours: {four_way(given.data)}")
    texts = [text for rows in found.values() for text, _ in rows]
    Random(5).shuffle(texts)
    say(f"speed: {microseconds(texts[:1500]):.0f} microseconds a text")


if __name__ == "__main__":
    main()
