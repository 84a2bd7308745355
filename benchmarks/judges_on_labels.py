"""Every judge on every set of human labels, beside published baselines and what people agree on among themselves.

Run: python benchmarks/judges_on_labels.py [DATA] [--judge NAME]... [--write]   (DATA defaults to ../shared/data beside the
repository.) Prints a section for docs/accuracy.md, and with --write puts it there in place of the one that is; `judge_table(data)`
returns it. About a minute with the embedded judge.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from evalkit.faults.bench_report import table
from evalkit.judging.check import QuantityCheck, Settings, check, compare
from evalkit.judging.correction import TwoWay, corrected_rate, ppi_mean
from evalkit.judging.judges import judge_called
from evalkit.judging.labels import Labelled
from evalkit.judging.rating import Judged, ask, evidence_values, ratings
from evalkit.judging.report import NAMES, number, share, spread
from evalkit.metrics.answer import containment, token_f1
from evalkit.metrics.behaviour import behaviour
from evalkit.records import Case, Expected, Judge, Passage, Trace
from evalkit.stats.intervals import wilson
from evalkit.text import similarity

ROOT = Path(__file__).resolve().parents[1]
SIMULATIONS = 1000
# Published: 301 questions of Natural Questions with people's verdicts; RAGChecker (Ru et al. 2024), Pearson.
GPT4_JUDGE, BEM = "84.8 %", "80.6 %"
STRING_MATCH = {"keywords, published": "89.4 %", "string match, published": "91.0 %"}
RAGCHECKER = ("0.497", "0.607", "0.619")
BEHAVIOURS = {  # as the set calls them
    "answer": Expected.ANSWER,
    "partial_answer": Expected.PARTIAL,
    "refuse": Expected.REFUSE,
    "clarify": Expected.CLARIFY,
}
HEAD = "## How far the judges agree with people"
MODEL = ROOT / "evalkit" / "judges" / "model.json"
PAGE = ROOT / "docs" / "accuracy.md"
Values = Sequence[float | None]


def load(path: Path) -> list[dict[str, Any]]:
    return [
        json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line.strip()
    ]


def labelled(
    query: str,
    answer: str,
    human: Mapping[str, Mapping[str, float | None]],
    *,
    reference: Sequence[str] | None = None,
    context: Sequence[Passage] | None = None,
) -> Labelled:
    case = Case("case", query, reference=tuple(reference) if reference else None)
    trace = Trace(response=answer, context=None if context is None else tuple(context))
    return Labelled(
        case, trace, {q: {who: (v,) for who, v in by.items()} for q, by in human.items()}
    )


def passages(row: Mapping[str, Any]) -> list[Passage]:
    return [Passage(c["id"], text=c["text"], title=c.get("title")) for c in row["context"]]


def stars(values: Sequence[float | None]) -> dict[str, float | None]:
    """Ratings of 1 to 4 as 0..1, by annotator."""
    return {f"a{i}": None if v is None else (v - 1) / 3 for i, v in enumerate(values)}


# --- the sets --------------------------------------------------------------------------------


def evouna(data: Path) -> dict[str, list[Labelled]]:
    found: dict[str, list[Labelled]] = defaultdict(list)
    for r in load(data / "evouna" / "judgements.jsonl"):
        human = {"correct": {"human": float(r["human_correct"])}}
        row = labelled(r["question"], r["answer"], human, reference=r["golds"])
        found[f"EVOUNA {r['source']}, {r['system']}"].append(row)
    return found


def answer_pairs(data: Path) -> list[Labelled]:
    return [
        labelled(
            r["question"],
            r["a"],
            {"correct": {"human": float(r["label"] == "equivalent")}},
            reference=[r["b"]],
        )
        for r in load(data / "answer_pairs" / "pairs.jsonl")
    ]


def clapnq(data: Path) -> list[Labelled]:
    return [
        labelled(
            r["question"],
            r["answer"],
            {"grounded": stars(r["human"]["faithfulness"])},
            context=passages(r),
        )
        for r in load(data / "inspectorraget_clapnq" / "responses.jsonl")
    ]


def mtrag(data: Path) -> list[Labelled]:
    return [
        labelled(
            r["messages"][-1]["text"],
            r["answer"],
            {"grounded": stars(r["human"]["faithfulness"])},
            context=passages(r),
        )
        for r in load(data / "mtrag_human" / "responses.jsonl")
    ]


def summedits(data: Path) -> list[Labelled]:
    return [
        labelled(
            "",
            r["claim_text"],
            {"grounded": {"human": float(r["consistent"])}},
            context=[Passage("d", text=r["document"])],
        )
        for r in load(data / "summedits" / "claims.jsonl")
    ]


def conflictqa(data: Path) -> list[Labelled]:
    """Either answer with either evidence: each is grounded in its own."""
    found = []
    for r in load(data / "conflictqa" / "items.jsonl"):
        for answer in ("memory", "counter"):
            for evidence in ("memory", "counter"):
                human = {"grounded": {"made": float(answer == evidence)}}
                context = [Passage("d", text=r[f"{evidence}_evidence"])]
                found.append(labelled(r["question"], r[f"{answer}_answer"], human, context=context))
    return found


def own_answers(data: Path) -> list[Labelled]:
    """People's answers to ClapNQ, with the passage that they were written from."""
    return [
        labelled(
            r["question"],
            a["text"],
            {"grounded": {"human": 1.0}},
            context=[Passage("d", text=r["passage"], title=r["title"])],
        )
        for r in load(data / "clapnq" / "qa.jsonl")
        for a in r["answers"]
        if len(a["text"]) > 2
    ]


def refusals(data: Path) -> list[Labelled]:
    return [
        labelled(
            r["messages"][-1]["text"],
            r["reference"],
            {"refused": {"human": float(r["expected"] == "refuse")}},
        )
        for r in load(data / "mtrag_un" / "tasks.jsonl")
        if r["expected"] in ("answer", "refuse")
    ]


# --- figures ---------------------------------------------------------------------------------


def judged(judge: Judge, rows: Sequence[Labelled]) -> list[Judged]:
    return evidence_values(rows, asyncio.run(ask(judge, rows)))


def lexical(row: Labelled) -> float | None:
    """Whether all words of a reference stand in the answer; of a grounded answer, the share of its words in the context."""
    answer = row.trace.response or ""
    if row.case.reference:
        found = containment(answer, row.case.reference)
        return None if found is None else float(found >= 1)
    context = " ".join(f"{p.title or ''} {p.text}" for p in row.trace.context or ())
    return similarity.containment(answer, context)


def overlap(row: Labelled) -> float | None:
    return token_f1(row.trace.response or "", row.case.reference or ())


def by_rule(
    quantity: str, rows: Sequence[Labelled], rule: Callable[[Labelled], float | None]
) -> QuantityCheck:
    return compare(quantity, ratings(quantity, rows, [{quantity: (rule(row),)} for row in rows]))


def by_judge(
    judge: Judge, quantity: str, rows: Sequence[Labelled], cut: float = 0.5
) -> QuantityCheck:
    return compare(quantity, ratings(quantity, rows, judged(judge, rows)), cut=cut)


def cells(found: QuantityCheck) -> tuple[str, ...]:
    told = found.cannot_tell.value if found.cannot_tell else 0.0
    return (
        share(found.agreement),
        number(found.balanced_accuracy),
        number(f1(found.table)),
        spread(found.kappa),
        number(found.auc),
        number(found.ece),
        f"{told:.1%}",
    )


def f1(found: TwoWay) -> float | None:
    """F1 of the yes; None where nobody says yes."""
    whole = 2 * found.true_yes + found.missed + found.false_yes
    return 2 * found.true_yes / whole if whole else None


CELLS = ("agreement", "balanced", "F1", "kappa", "AUC", "calibration error", "cannot tell")


def correctness_part(data: Path, judges: Sequence[Judge]) -> str:
    lines = []
    sets = {**evouna(data), "answer pairs": answer_pairs(data)}
    every = [row for name, rows in sets.items() if name.startswith("EVOUNA") for row in rows]
    sets = {"EVOUNA, all": every, **sets}
    for name, rows in sets.items():
        whole = name in ("EVOUNA, all", "answer pairs")
        lines += [
            (name, str(len(rows)), f"judge `{j.name}`", *cells(by_judge(j, "correct", rows)))
            for j in judges
        ]
        lines.append(
            (
                name,
                str(len(rows)),
                "all words of a reference",
                *cells(by_rule("correct", rows, lexical)),
            )
        )
        if whole:
            lines.append(
                (name, str(len(rows)), "token F1 >= 0.5", *cells(by_rule("correct", rows, overlap)))
            )
    blank = ("-",) * (len(CELLS) - 1)
    lines.append(("301 questions of NQ", "-", "GPT-4 as a judge, published", GPT4_JUDGE, *blank))
    lines.append(("301 questions of NQ", "-", "BEM, published", BEM, *blank))
    return table(("set", "n", "who", *CELLS), lines)


def grounded_part(data: Path, judges: Sequence[Judge]) -> str:
    sets = (
        ("ClapNQ answers", clapnq(data), 0.5),
        ("MTRAG answers", mtrag(data), 0.5),
        ("SummEdits", summedits(data), 1.0),
        ("ConflictQA, labels by construction", conflictqa(data), 1.0),
    )
    lines = []
    for name, rows, cut in sets:
        given = [
            (f"judge `{judge.name}`", by_judge(judge, "grounded", rows, cut)) for judge in judges
        ]
        for who, found in [
            *given,
            ("share of words in the context", by_rule("grounded", rows, lexical)),
        ]:
            alpha = number(found.alpha["interval"])
            people = number(found.ceiling.alpha["interval"] if found.ceiling else None)
            lines.append((name, str(len(rows)), who, *cells(found), alpha, people))
    return table(("set", "n", "who", *CELLS, "alpha", "people's alpha"), lines)


def other_part(data: Path, judges: Sequence[Judge]) -> str:
    lines = []
    for judge in judges:
        found = by_judge(judge, "refused", refusals(data))
        lines.append(
            (
                f"judge `{judge.name}`",
                "refusals among MTRAG-UN references",
                str(found.n),
                *cells(found)[:4],
            )
        )
        lines.append((f"judge `{judge.name}`", *wanted_behaviour(judge, data)))
        own = by_judge(judge, "grounded", own_answers(data))
        lines.append(
            (
                f"judge `{judge.name}`",
                "people's own ClapNQ answers, held grounded",
                str(own.n),
                share(own.agreement),
                "-",
                "-",
                "-",
            )
        )
    for who, agreed in STRING_MATCH.items():
        lines.append((who, "full refusals among XSTest completions", "-", agreed, "-", "-", "-"))
    return table(("who", "what", "n", "agreement", "balanced", "F1", "kappa"), lines)


def wanted_behaviour(judge: Judge, data: Path) -> tuple[str, ...]:
    """How often the behaviour that a task wants is seen in the reference that people wrote for it, over four behaviours."""
    tasks = [r for r in load(data / "mtrag_un" / "tasks.jsonl") if r["expected"] in BEHAVIOURS]
    rows = [labelled(r["messages"][-1]["text"], r["reference"], {}) for r in tasks]
    seen: dict[str, list[float]] = defaultdict(list)
    for task, row, found in zip(tasks, rows, asyncio.run(ask(judge, rows)), strict=True):
        if found is not None and found.error is None:
            expected = BEHAVIOURS[task["expected"]]
            value = behaviour(expected, task["reference"], found, row.case.query)
            seen[task["expected"]].append(value or 0.0)
    right = sum(sum(values) for values in seen.values())
    n = sum(map(len, seen.values()))
    balanced = float(np.mean([np.mean(values) for values in seen.values()]))
    each = ", ".join(f"{name} {np.mean(seen[name]):.2f}" for name in BEHAVIOURS)
    what = f"the wanted behaviour is seen in MTRAG-UN references ({each})"
    return what, str(n), share(wilson(round(right), n)), f"{balanced:.2f}", "-", "-"


def held_out_part() -> str:
    """What the learned parts of the embedded judge reach on sets they were not fitted on, as kept beside their weights."""
    models = json.loads(MODEL.read_text(encoding="utf-8"))["models"]
    lines = []
    for model in models.values():
        for name, found in model["held_out"].items():
            lines.append((model["about"], name, _held_out(found), str(found["n"])))
    return table(("asked", "set", "figures", "n"), lines)


def _held_out(found: Mapping[str, float]) -> str:
    """The figures of one held-out set; the bounds of an AUC in brackets behind it."""
    bounds = f" ({found['from']:g} to {found['to']:g})" if "from" in found else ""
    shown = (
        f"{what} {value:g}{bounds if what == 'auc' else ''}"
        for what, value in found.items()
        if what not in ("n", "from", "to")
    )
    return ", ".join(shown)


def preference_part(data: Path, judges: Sequence[Judge]) -> str:
    rows = load(data / "ragchecker_human" / "pairs.jsonl")
    kinds = ("correctness", "completeness", "overall")
    people = {k: [float(np.mean(r["human"][k])) for r in rows] for k in kinds}

    def line(who: str, deltas: Mapping[str, Sequence[float]]) -> tuple[str, ...]:
        return (who, *(f"{float(np.corrcoef(deltas[k], people[k])[0, 1]):.3f}" for k in kinds))

    def difference(values: Sequence[float]) -> dict[str, list[float]]:
        pairs = list(zip(values[::2], values[1::2], strict=True))
        return {kind: [b - a for a, b in pairs] for kind in kinds}

    both = [
        labelled(r["query"], r[side]["text"], {}, reference=[r["gt_answer"]])
        for r in rows
        for side in ("response_1", "response_2")
    ]
    lines = [
        line(
            f"judge `{judge.name}`",
            difference([v["correct"][0] or 0.0 for v in judged(judge, both)]),
        )
        for judge in judges
    ]
    lines.append(line("token F1", difference([overlap(row) or 0.0 for row in both])))
    lines.append(
        line(
            "RAGChecker, its own scores",
            {k: [r["ragchecker_delta"][k] for r in rows] for k in kinds},
        )
    )
    between = [
        float(np.corrcoef(*zip(*(r["human"][k] for r in rows), strict=True))[0, 1]) for k in kinds
    ]
    lines.append(("RAGChecker, published (more pairs)", *RAGCHECKER))
    lines.append(("one annotator and the other", *(f"{value:.3f}" for value in between)))
    return table(("who", *kinds), lines)


def steadiness_part(data: Path, judges: Sequence[Judge]) -> str:
    """Repeats, order and padding, on a part of the sets; see `evalkit judge-check`."""
    every = [row for rows in evouna(data).values() for row in rows]
    sets = (
        ("EVOUNA", "correct", every[::10]),
        ("answer pairs", "correct", answer_pairs(data)),
        ("MTRAG", "grounded", mtrag(data)),
    )
    lines = []
    for judge, (name, quantity, rows) in product(judges, sets):
        found = check(rows, judge, Settings(repeats=2)).quantities[quantity]
        told = {"same verdict twice": share(found.self_consistency)}
        told |= {f"turned: {NAMES[n]}": share(s.flipped) for n, s in found.shifts.items()}
        told |= {f"length and {n.replace('_', ' ')}": spread(v) for n, v in found.length.items()}
        lines += [(f"`{judge.name}`", name, quantity, *cell) for cell in told.items()]
    return table(("judge", "set", "quantity", "what", "share or rank correlation"), lines)


# --- corrected rates in worlds with known truth ----------------------------------------------


def worlds() -> Iterator[tuple[float, float, float, int, int]]:
    """Rate, sensitivity, specificity, answers, labels."""
    yield 0.7, 0.85, 0.9, 1000, 100
    yield 0.9, 0.9, 0.8, 1000, 100
    yield 0.95, 0.95, 0.7, 2000, 150
    yield 0.3, 0.9, 0.8, 500, 100
    yield 0.7, 0.6, 0.6, 1000, 150


def coverage_part() -> str:
    lines = []
    for rate, sensitivity, specificity, n, labels in worlds():
        chance = np.random.default_rng(7)
        held: dict[str, list[bool]] = defaultdict(list)
        width: dict[str, list[float]] = defaultdict(list)
        for _ in range(SIMULATIONS):
            human = chance.random(n) < rate
            said = np.where(human, chance.random(n) < sensitivity, chance.random(n) > specificity)
            apart = (
                chance.random(labels) < rate
            )  # labels of another run, for the judge's error rates
            heard = np.where(
                apart, chance.random(labels) < sensitivity, chance.random(labels) > specificity
            )
            counts = TwoWay(
                int((apart & heard).sum()),
                int((apart & ~heard).sum()),
                int((~apart & heard).sum()),
                int((~apart & ~heard).sum()),
            )
            half = 1.96 * np.sqrt(said.mean() * (1 - said.mean()) / n)
            given = {
                "raw": (said.mean() - half, said.mean() + half),
                "Rogan-Gladen": ends(corrected_rate(int(said.sum()), n, counts)),
                "PPI++": ends(ppi_mean(said, said[:labels], human[:labels])),
                "people alone": ends(ppi_mean(human[:labels], human[:labels], human[:labels])),
            }
            for name, (low, high) in given.items():
                held[name].append(low <= rate <= high)
                width[name].append(high - low)
        world = f"{rate:.0%}, {sensitivity:.0%} / {specificity:.0%}, {n}, {labels}"
        lines.append(
            (world, *(f"{np.mean(held[name]):.1%} ({np.mean(width[name]):.3f})" for name in given))
        )
    return table(("rate, sensitivity / specificity, answers, labels", *given), lines)


def ends(found: Any) -> tuple[float, float]:
    return (0.0, 1.0) if found is None else (found.low, found.high)


# --- the section -----------------------------------------------------------------------------


def judge_table(data: Path, judges: Sequence[str] = ("embedded",)) -> str:
    """The Markdown section: every judge on every labelled set; one sentence where the data is not there."""
    if not (data / "evouna").exists():
        return f"{HEAD}\n\nThe labelled sets were not there when this page was written."
    made = [judge_called(name) for name in judges]
    parts = [
        HEAD,
        INTRODUCTION,
        measured(judges),
        "### Is the answer correct?",
        correctness_part(data, made),
        "### Is it grounded in the passages?",
        grounded_part(data, made),
        GROUNDED,
        "### The learned parts of `embedded` on sets they were not fitted on",
        HELD_OUT,
        held_out_part(),
        "### Refusals, and false alarms on people's own answers",
        other_part(data, made),
        FITTED,
        "### Which of two answers is better? Correlation (Pearson) with people's preference",
        preference_part(data, made),
        "### Does the verdict stay?",
        steadiness_part(data, made),
        "### Do corrected rates hold the truth?",
        COVERAGE,
        coverage_part(),
    ]
    return "\n\n".join(parts)


def measured(judges: Sequence[str]) -> str:
    """Which judges the page is about, and how to put one's own beside them."""
    asking = any(name != "embedded" for name in judges)
    rest = (
        "" if asking else " Judges that ask a model are not here: no endpoint belongs to evalkit."
    )
    return (
        f"Judges here: {', '.join(f'`{name}`' for name in judges)}.{rest} `python benchmarks/judges_on_labels.py "
        "--judge llm:FILE --write` puts yours into the same tables; `evalkit judge-check` holds one against labels of your own."
    )


def put(section: str, page: str) -> str:
    """The page with this section in place of the one of the same heading, or at the end."""
    heading = section.partition("\n")[0]
    before, found, rest = page.partition(f"{heading}\n")
    if not found:
        return f"{page.rstrip()}\n\n{section.rstrip()}\n"
    after = rest.partition("\n## ")
    tail = f"\n## {after[2]}" if after[1] else ""
    return f"{before}{section.rstrip()}\n{tail}"


INTRODUCTION = """Shares with their 95 % Wilson interval, kappa (Cohen's) with its own. *Balanced*: the mean of the shares of people's yes
and of people's no that were met. *Calibration error* is of the value as a probability of yes, in ten bins. Published figures are
of smaller or larger parts of the same collections, so they say where the field stands and are no direct comparison: on the 107 pairs
that are here, RAGChecker's own scores agree with people better than published. Rules for correctness were tuned
on half of EVOUNA's questions, and answer pairs are made of EVOUNA's answers: these figures are not fully unseen."""
GROUNDED = """ClapNQ and MTRAG were rated 1 to 4 by three people; yes is a mean above the middle. *Alpha* (Krippendorff's, interval) is between a
judge and people's mean, people's alpha between the annotators: no judge can be asked for more agreement than people have. An answer is held
grounded from half of its claims on, in SummEdits and ConflictQA, where one word makes the difference, with all of them."""
HELD_OUT = """The weights that are shipped were fitted on all of these sets, which the tables above therefore flatter. Here each set is
measured by weights that never saw it (`benchmarks/train_judge.py`); features and thresholds were chosen while seeing these figures. In
the answer pairs above one answer stands in for the reference; whether two answers agree is asked of the second model here."""
FITTED = """The weights by which refusals are told were fitted on these texts among others, so the table shows no unseen text. With
weights from other texts alone, `benchmarks/train_refusals.py --held-out` finds all 45 refusals and takes none of the 140 answers for
one, and 1.3 % of 234 of people's own ClapNQ answers. An answer that merely leaves a part out, without a word about it, is no partial answer here."""
COVERAGE = f"""{SIMULATIONS:,} simulated runs a row: how often the 95 % interval holds the true rate, and (in brackets) its mean width. The judge's
error rates come from as many labels: of another run for Rogan-Gladen, of a random part of the same run for PPI++."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("data", nargs="?", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument(
        "--judge", action="append", dest="judges", help="repeatable; embedded if none"
    )
    parser.add_argument("--write", action="store_true", help="into docs/accuracy.md")
    given = parser.parse_args()
    started = time.perf_counter()
    section = judge_table(given.data, given.judges or ("embedded",))
    print(section)
    if given.write:
        PAGE.write_text(put(section, PAGE.read_text(encoding="utf-8")), encoding="utf-8")
        print(f"\nwrote {PAGE}")
    print(f"\n{time.perf_counter() - started:.0f} s")


if __name__ == "__main__":
    main()
