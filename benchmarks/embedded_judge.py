"""Measures the embedded judge against people's labels and prints a table.

Run: python benchmarks/embedded_judge.py [DATA]   (DATA defaults to ../shared/data beside the repository)
Rules for correctness were tuned on the half of the questions marked "tune"; constants for groundedness and for long
answers were chosen while seeing both halves, so "held out" is no fully unseen figure for those. What the learned
combinations reach on data they were not fitted on is printed by benchmarks/train_judge.py.
"""

from __future__ import annotations

import json
import sys
import time
import zlib
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np

from evalkit.judges.embedded import EmbeddedJudge
from evalkit.judges.equivalence import equivalence
from evalkit.judges.preference import preference as preferred
from evalkit.metrics.answer import groundedness, token_f1
from evalkit.records import Case, Passage, Trace
from evalkit.suite import load_suite
from evalkit.text.refusal import asks_clarification, refusal_probability
from evalkit.traces import read_traces

Row = tuple[str, float, bool]  # question id, score, label
HALVES = ("tune", "held out")
REWORDED = Path(__file__).with_name("reworded")


def load(path: Path) -> list[dict[str, Any]]:
    return [
        json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line.strip()
    ]


def half(question: str) -> str:
    return HALVES[zlib.crc32(question.encode()) % 2 == 0]


def auc(rows: list[Row]) -> float:
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score([label for *_, label in rows], [score for _, score, _ in rows]))


def accuracy(rows: list[Row]) -> float:
    return float(np.mean([(score >= 0.5) == label for _, score, label in rows]))


def balanced(rows: list[Row]) -> float:
    by_label = [[r for r in rows if r[2] is label] for label in (True, False)]
    return float(np.mean([accuracy(part) for part in by_label if part]))


def correctness(data: Path) -> dict[str, list[Row]]:
    systems: dict[str, list[Row]] = defaultdict(list)
    for r in load(data / "evouna" / "judgements.jsonl"):
        score = equivalence(r["answer"], r["golds"], r["question"])
        systems[f"{r['source']} {r['system']}"].append((r["qid"], score, r["human_correct"]))
    return systems


def grounded(query: str, answer: str, passages: list[Passage]) -> float | None:
    trace = Trace(response=answer, context=tuple(passages))
    return groundedness(EmbeddedJudge().judge(Case("case", query), trace), trace.context or ())


def passages_of(row: dict[str, Any]) -> list[Passage]:
    return [Passage(c["id"], text=c["text"], title=c.get("title")) for c in row["context"]]


def groundedness_rows(data: Path) -> dict[str, list[tuple[str, float | None, bool]]]:
    found: dict[str, list[tuple[str, float | None, bool]]] = defaultdict(list)
    for r in load(data / "inspectorraget_clapnq" / "responses.jsonl"):
        score = grounded(r["question"], r["answer"], passages_of(r))
        found["clapnq"].append((r["task_id"], score, r["mean"]["faithfulness"] >= 3))
    for r in load(data / "mtrag_human" / "responses.jsonl"):
        score = grounded(r["messages"][-1]["text"], r["answer"], passages_of(r))
        label = bool(np.mean(r["human"]["faithfulness"]) >= 3)
        found["mtrag"].append((r["task_id"], score, label))
    for r in load(data / "summedits" / "claims.jsonl"):
        score = grounded("", r["claim_text"], [Passage("d", text=r["document"])])
        found["summedits"].append((r["id"].rsplit("_", 1)[0], score, r["consistent"]))
    return found


def refusals(data: Path) -> dict[str, list[Row]]:
    tasks = load(data / "mtrag_un" / "tasks.jsonl")
    plain = [r for r in tasks if r["expected"] in {"answer", "refuse"}]
    gold = [
        a["text"]
        for r in load(data / "clapnq" / "qa.jsonl")
        for a in r["answers"]
        if len(a["text"]) > 2
    ]
    faults = load(data / "fault_injection" / "cases.jsonl")
    causes = {r["id"]: r["cause"] for r in load(data / "fault_injection" / "key.jsonl")}
    wanted = {
        "over_refusal": True,
        "missing_refusal": False,
        "none": False,
        "misinterpretation": False,
    }
    return {
        "refusals among multi-turn references": [
            (r["id"], refusal_probability(r["reference"]), r["expected"] == "refuse") for r in plain
        ],
        "questions back among the same": [
            (r["id"], float(asks_clarification(r["reference"])), r["expected"] == "clarify")
            for r in tasks
        ],
        "people's answers taken for refusals": [(t, refusal_probability(t), False) for t in gold],
        "injected refusals": [
            (r["id"], refusal_probability(str(r["trace"]["output"])), wanted[causes[r["id"]]])
            for r in faults
            if causes[r["id"]] in wanted and r["suite"]["expected"] == "answer"
        ],
    }


def same_answers(data: Path) -> list[Row]:
    """Pairs of answers by the rules alone, in the better direction."""
    return [
        (
            r["question"],
            max(
                equivalence(r["a"], [r["b"]], r["question"]),
                equivalence(r["b"], [r["a"]], r["question"]),
            ),
            r["label"] == "equivalent",
        )
        for r in load(data / "answer_pairs" / "pairs.jsonl")
    ]


def f1(rows: list[Row]) -> float:
    said = [score >= 0.5 for _, score, _ in rows]
    labels = [label for *_, label in rows]
    both = sum(a and b for a, b in zip(said, labels, strict=True))
    return 2 * both / max(1, sum(said) + sum(labels))


def preference(data: Path) -> dict[str, tuple[float, ...]]:
    """Pearson's r with people of equivalence, of equivalence with precision, of token F1; and of one person with the other."""
    rows = load(data / "ragchecker_human" / "pairs.jsonl")
    texts = [
        (r["response_1"]["text"], r["response_2"]["text"], r["gt_answer"], r["query"]) for r in rows
    ]
    ours = [equivalence(b, [g], q) - equivalence(a, [g], q) for a, b, g, q in texts]
    both = [preferred(a, b, [g], q) for a, b, g, q in texts]
    base = [(token_f1(b, (g,)) or 0) - (token_f1(a, (g,)) or 0) for a, b, g, q in texts]
    out = {}
    for kind in ("correctness", "completeness", "overall"):
        people = [float(np.mean(r["human"][kind])) for r in rows]
        found = [float(np.corrcoef(values, people)[0, 1]) for values in (ours, both, base)]
        ratings = zip(*(r["human"][kind] for r in rows), strict=True)
        out[kind] = (*found, float(np.corrcoef(*ratings)[0, 1]))
    return out


def annotators(data: Path) -> dict[str, list[float]]:
    """How well each annotator's rating of faithfulness tells what the mean of the others says (area under the curve)."""
    sets = {
        "clapnq": load(data / "inspectorraget_clapnq" / "responses.jsonl"),
        "mtrag": load(data / "mtrag_human" / "responses.jsonl"),
    }
    out: dict[str, list[float]] = {}
    for name, rows in sets.items():
        given = [r["human"]["faithfulness"] for r in rows]
        for i in range(3):
            rest = [(f[i], [*f[:i], *f[i + 1 :]]) for f in given if len(f) > i]
            found = [("", float(one), bool(np.mean(others) >= 3)) for one, others in rest]
            out.setdefault(name, []).append(auc(found))
    return out


def speed(data: Path) -> dict[str, str]:
    """What a trace takes: answers of people's systems with their passages, and those of a suite with all its labels."""
    for r in load(data / "inspectorraget_clapnq" / "responses.jsonl")[:100]:  # makes the patterns
        grounded(r["question"], r["answer"], passages_of(r))
    rows = load(data / "mtrag_human" / "responses.jsonl")
    natural = [
        (
            Case("case", r["messages"][-1]["text"]),
            Trace(response=r["answer"], context=tuple(passages_of(r))),
        )
        for r in rows
    ]
    suite = load_suite(REWORDED)
    cases = {case.id: case for case in suite.cases}
    traces = read_traces(REWORDED / "traces.jsonl", suite.corpus)
    labelled = [(cases[t.case_id], t) for t in traces if t.case_id in cases]
    return {"natural answers": _timed(natural), "answers of a suite": _timed(labelled)}


def _timed(pairs: list[tuple[Case, Trace]]) -> str:
    times = []
    for _ in range(2):
        start = time.process_time()
        for case, trace in pairs:
            EmbeddedJudge().judge(case, trace)
        times.append((time.process_time() - start) / len(pairs) * 1000)
    first, again = times
    size = np.mean([sum(len(p.text.split()) for p in t.context or ()) for _, t in pairs])
    return (
        f"{first:.2f} ms of one core first, {2000 / first:,.0f} traces a second on two cores; "
        f"{again:.2f} ms again; {size:.0f} words of context"
    )


def by_half(rows: list[Row], measure: Any) -> str:
    parts = [[r for r in rows if half(r[0]) == name] for name in HALVES]
    return "  ".join(f"{measure(part):8.3f}" for part in (rows, *parts))


def main() -> None:
    here = Path(__file__).resolve().parents[1]
    data = Path(sys.argv[1]) if len(sys.argv) > 1 else here.parent / "shared" / "data"
    for kind, told in speed(data).items():
        print(f"speed, {kind}: {told}")
    print(f"{'':42}{'all':>8}{'tune':>10}{'held out':>10}")
    for name, rows in correctness(data).items():
        print(f"{'correct ' + name + ' accuracy':40}  {by_half(rows, accuracy)}")
        print(f"{'':32}balanced  {by_half(rows, balanced)}")
    for name, found in groundedness_rows(data).items():
        rows = [(q, s, label) for q, s, label in found if s is not None]
        undefined = f"   ({len(found) - len(rows)} of {len(found)} undefined)"
        print(f"{'groundedness ' + name + ' AUC':40}  {by_half(rows, auc)}{undefined}")
        counted = [(q, s or 0.0, label) for q, s, label in found]
        print(f"{'':26}undefined as 0  {by_half(counted, auc)}")
    print(f"{'same answer, pairs F1':40}  {by_half(same_answers(data), f1)}")
    for name, rows in refusals(data).items():
        print(f"{name:40}  {accuracy(rows):8.3f}  balanced {balanced(rows):.3f}  n={len(rows)}")
    for kind, (ours, both, base, people) in preference(data).items():
        told = (
            f"with precision {both:.3f}  token F1 {base:.3f}  one person and the other {people:.3f}"
        )
        print(f"{'preference, ' + kind + ' (Pearson)':40}  {ours:8.3f}  {told}")
    for name, found in annotators(data).items():
        shares = "  ".join(f"{value:.3f}" for value in found)
        print(f"{'one annotator, ' + name + ' AUC':40}  {shares}")


if __name__ == "__main__":
    main()
