"""Fits the two learned combinations of the embedded judge on people's labels and measures them on data not fitted on.

Run: python benchmarks/train_judge.py [DATA] [--write]   (DATA defaults to ../shared/data beside the repository)
``--write`` rewrites evalkit/judges/model.json. Grounded: each data set is measured by a model that never saw it, nor any of its
questions; intervals are over draws of whole questions. Same answer: folds by question, and each source by a model that saw only the
other. Features, penalties and the thresholds' error rate were chosen while seeing these figures, so they are held out
from the fit, not from the design.
"""

from __future__ import annotations

import argparse
import json
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from embedded_judge import load, passages_of
from numpy.typing import NDArray

from evalkit.judges.features import grounding, pair
from evalkit.judges.model import settled

ROOT = Path(__file__).resolve().parents[1]
TARGET = ROOT / "evalkit" / "judges" / "model.json"
Array = NDArray[np.float64]
ERRORS = 0.1  # share of wrong verdicts that is put up with outside the range of "cannot tell"
FOLDS = 5
TIMES = 5  # different partitions into folds
GROUND_PENALTY, PAIR_PENALTY = 30.0, 10.0
DRAWS = 2000  # of questions, for intervals
NATURAL = ("clapnq", "mtrag")
SHARES = {"clapnq": 1.0, "mtrag": 1.0, "summedits": 0.2}  # of the loss: edits are the rarer fault
SOURCES = {
    "clapnq": "ClapNQ answers of several models graded by three people each (InspectorRAGet)",
    "mtrag": "MTRAG human-graded responses, mean faithfulness of three people",
    "summedits": "SummEdits: consistent and subtly edited summaries",
    "pairs": "answer pairs derived from EVOUNA's human verdicts (NQ and TriviaQA questions)",
}


@dataclass(frozen=True)
class Rows:
    """Features (one row an answer or pair; NaN where it claims nothing), labels, groups."""

    names: tuple[str, ...]
    values: Array
    labels: NDArray[np.bool_]
    groups: NDArray[np.str_]

    def where(self, kept: NDArray[np.bool_]) -> Rows:
        return Rows(self.names, self.values[kept], self.labels[kept], self.groups[kept])

    @property
    def defined(self) -> Rows:
        return self.where(~np.isnan(self.values).any(axis=1))


def rows_of(found: Sequence[tuple[str, dict[str, float] | None, bool]]) -> Rows:
    names = tuple(next(f for _, f, _ in found if f))
    values = np.array([[f[n] if f else np.nan for n in names] for _, f, _ in found])
    groups = np.array([g for g, *_ in found])
    return Rows(names, values, np.array([y for *_, y in found], dtype=bool), groups)


def asked(query: str) -> str:
    """What a question is known by, in whichever set it stands."""
    return " ".join(query.casefold().split())


def grounded_rows(data: Path) -> dict[str, Rows]:
    def seen(row: dict[str, Any], query: str) -> dict[str, float] | None:
        passages = passages_of(row)
        shown = tuple(f"{p.title}\n\n{p.text}" if p.title else p.text for p in passages)
        return grounding(row["answer"], shown, query)

    clapnq = [
        (asked(r["question"]), seen(r, r["question"]), r["mean"]["faithfulness"] >= 3)
        for r in load(data / "inspectorraget_clapnq" / "responses.jsonl")
        if r["answer"].strip()  # the reference to some questions is an empty text
    ]
    mtrag = [
        (asked(q), seen(r, q), np.mean(r["human"]["faithfulness"]) >= 3)
        for r in load(data / "mtrag_human" / "responses.jsonl")
        for q in (r["messages"][-1]["text"],)
    ]
    summedits = [
        (r["id"].rsplit("_", 1)[0], grounding(r["claim_text"], (r["document"],)), r["consistent"])
        for r in load(data / "summedits" / "claims.jsonl")
    ]
    found = {"clapnq": clapnq, "mtrag": mtrag, "summedits": summedits}
    return {name: rows_of(rows) for name, rows in found.items()}


def pair_rows(data: Path) -> tuple[Rows, Array]:
    """The pairs, and the probabilities that need no model (NaN elsewhere)."""
    found = load(data / "answer_pairs" / "pairs.jsonl")
    rows = rows_of(
        [
            (r["id"].split("|")[0], pair(r["a"], r["b"], r["question"]), r["label"] == "equivalent")
            for r in found
        ]
    )
    known = (settled(r["a"], r["b"]) for r in found)
    return rows, np.array([np.nan if value is None else value for value in known])


def sigmoid(x: Array) -> Array:
    return 1 / (1 + np.exp(-np.clip(x, -30, 30)))


def fit_grounded(sets: dict[str, Rows]) -> tuple[Array, float]:
    """Weights of at least 0 with an intercept for each data set (base rates differ), each set with its ``SHARES``.

    Features are measured in standard deviations within the natural answers, so that the penalty treats them alike. The
    intercept given back is that of the natural answers in ``sets``; of all where there are none.
    """
    from scipy.optimize import minimize

    used = {name: rows.defined for name, rows in sets.items()}
    natural = [rows for name, rows in used.items() if name in NATURAL] or list(used.values())
    unit = np.vstack([rows.values - rows.values.mean(0) for rows in natural]).std(0) + 1e-9
    x = np.vstack([rows.values for rows in used.values()]) / unit
    owner = np.concatenate([[i] * len(r.labels) for i, r in enumerate(used.values())])
    sign = np.concatenate([2.0 * rows.labels - 1 for rows in used.values()])
    z = np.column_stack([x, *((owner == i) for i in range(len(used)))]).astype(float)
    share = np.array([SHARES[name] for name in used])
    weight = np.array([share[o] / np.mean(owner == o) / share.sum() for o in owner])
    k = x.shape[1]

    def loss(b: Array) -> tuple[float, Array]:
        slope = -weight * sign * sigmoid(-sign * (z @ b))
        penalty = np.r_[b[:k], np.zeros(len(used))] * GROUND_PENALTY
        value = (weight * np.logaddexp(0, -sign * (z @ b))).sum() + 0.5 * penalty[:k] @ b[:k]
        return float(value), z.T @ slope + penalty

    bounds = [(0, None)] * k + [(None, None)] * len(used)
    b = minimize(loss, np.zeros(z.shape[1]), jac=True, bounds=bounds, method="L-BFGS-B").x
    return calibrated(b[:k] / unit, natural)


def calibrated(weights: Array, sets: list[Rows]) -> tuple[Array, float]:
    """Weights and intercept scaled so that probabilities mean what they say (Platt 1999)."""
    from sklearn.linear_model import LogisticRegression

    score = np.concatenate([rows.values @ weights for rows in sets])[:, None]
    labels = np.concatenate([rows.labels for rows in sets])
    line = LogisticRegression(C=1e6).fit(score, labels)
    return weights * line.coef_[0, 0], float(line.intercept_[0])


def fit_pairs(rows: Rows) -> tuple[Array, float]:
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=1 / PAIR_PENALTY, max_iter=5000).fit(rows.values, rows.labels)
    return model.coef_[0], float(model.intercept_[0])


def apply(model: tuple[Array, float], rows: Rows) -> Array:
    return sigmoid(rows.values @ model[0] + model[1])


def auc(labels: NDArray[np.bool_], scores: Array) -> float:
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(labels, scores))


def interval(
    labels: NDArray[np.bool_], scores: Array, groups: NDArray[np.str_]
) -> tuple[float, float]:
    """95 % of the areas over draws of whole questions with replacement (cluster bootstrap)."""
    places = [np.flatnonzero(groups == group) for group in np.unique(groups)]
    chance, found = np.random.default_rng(0), []
    while len(found) < DRAWS:
        drawn = np.concatenate([places[i] for i in chance.integers(len(places), size=len(places))])
        if 0 < labels[drawn].sum() < len(drawn):
            found.append(auc(labels[drawn], scores[drawn]))
    low, high = np.quantile(found, [0.025, 0.975])
    return float(low), float(high)


def f1(labels: NDArray[np.bool_], said: NDArray[np.bool_]) -> float:
    return float(2 * (labels & said).sum() / max(1, labels.sum() + said.sum()))


def calibration_error(labels: NDArray[np.bool_], p: Array) -> float:
    """Expected calibration error over ten equal bins (Naeini et al. 2015)."""
    bins = np.minimum((p * 10).astype(int), 9)
    parts = [(np.mean(bins == b), bins == b) for b in range(10) if (bins == b).any()]
    return float(sum(share * abs(p[i].mean() - labels[i].mean()) for share, i in parts))


def thresholds(labels: NDArray[np.bool_], p: Array) -> tuple[float, float]:
    """The narrowest range outside of which at most ``ERRORS`` of the verdicts on either side are wrong."""
    grid = np.round(np.arange(0.02, 1.0, 0.02), 2)
    high = next((t for t in grid if (p >= t).any() and (~labels[p >= t]).mean() <= ERRORS), 1.0)
    low = next((t for t in grid[::-1] if (p < t).any() and labels[p < t].mean() <= ERRORS), 0.0)
    return float(min(low, high)), float(max(high, low))


def measure_grounded(sets: dict[str, Rows]) -> tuple[dict[str, Any], tuple[float, float]]:
    told: dict[str, Any] = {}
    held: list[tuple[NDArray[np.bool_], Array]] = []
    for name, rows in sets.items():
        others = {n: r.where(~np.isin(r.groups, rows.groups)) for n, r in sets.items() if n != name}
        p = apply(fit_grounded(others), rows)
        known = ~np.isnan(p)
        low, high = interval(rows.labels[known], p[known], rows.groups[known])
        told[f"{name}, fitted on {' and '.join(others)}"] = {
            "auc": round(auc(rows.labels[known], p[known]), 3),
            "from": round(low, 3),
            "to": round(high, 3),
            "auc, answers without a claim counted as not grounded": round(
                auc(rows.labels, np.nan_to_num(p)), 3
            ),
            "calibration error": round(calibration_error(rows.labels[known], p[known]), 3),
            "n": int(known.sum()),
        }
        if name in NATURAL:
            held.append((rows.labels[known], p[known]))
    labels, p = (np.concatenate([part[i] for part in held]) for i in (0, 1))
    return told, thresholds(labels, p)


def measure_pairs(rows: Rows, known: Array) -> tuple[dict[str, Any], tuple[float, float]]:
    def found(fitted: NDArray[np.bool_], there: NDArray[np.bool_]) -> Array:
        p = apply(fit_pairs(rows.where(fitted)), rows.where(there))
        return np.where(np.isnan(known[there]), p, known[there])

    every = []
    for time in range(TIMES):
        fold = np.array([zlib.crc32(f"{time} {g}".encode()) % FOLDS for g in rows.groups])
        p = np.zeros(len(fold))
        for k in range(FOLDS):
            p[fold == k] = found(fold != k, fold == k)
        every.append(p)
    each = [scores(rows.labels, p) for p in every]
    mean = {name: round(float(np.mean([s[name] for s in each])), 3) for name in each[0]}
    name = f"{FOLDS} folds by question, mean of {TIMES} partitions"
    told: dict[str, Any] = {name: {**mean, "n": len(rows.labels)}}
    source = np.array([str(g).split("-")[0] for g in rows.groups])
    for name in sorted(set(source)):
        there = source == name
        told[f"{name}, fitted on the other source"] = scores(
            rows.labels[there], found(~there, there)
        )
    rule = rows.values[:, rows.names.index("equivalent_most")]
    told["the rules alone"] = scores(rows.labels, rule)
    return told, thresholds(np.tile(rows.labels, TIMES), np.concatenate(every))


def scores(labels: NDArray[np.bool_], p: Array) -> dict[str, float | int]:
    return {
        "f1": round(f1(labels, p >= 0.5), 3),
        "accuracy": round(float(((p >= 0.5) == labels).mean()), 3),
        "auc": round(auc(labels, p), 3),
        "calibration error": round(calibration_error(labels, p), 3),
        "n": len(labels),
    }


def described(
    rows: Rows, model: tuple[Array, float], limits: tuple[float, float], **told: Any
) -> dict[str, Any]:
    weights = {n: round(float(w), 3) for n, w in zip(rows.names, model[0], strict=True)}
    return {
        **told,
        "weights": weights,
        "intercept": round(model[1], 3),
        "cannot_tell": list(limits),
    }


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("data", nargs="?", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args()
    sets = grounded_rows(given.data)
    pairs, known = pair_rows(given.data)
    of_sets, limits = measure_grounded(sets)
    of_pairs, pair_limits = measure_pairs(pairs, known)
    told = {
        "about": "Written by benchmarks/train_judge.py; weights of logistic regressions over evalkit.judges.features.",
        "models": {
            "grounded": described(
                sets["mtrag"],
                fit_grounded(sets),
                limits,
                about="Do people call the answer faithful to its passages (mean of at least 3 of 4)?",
                fitted_on=[SOURCES[name] for name in sets],
                held_out=of_sets,
            ),
            "same_answer": described(
                pairs,
                fit_pairs(pairs),
                pair_limits,
                about="Are two answers to one question both right, rather than one right and one wrong?",
                fitted_on=[SOURCES["pairs"]],
                held_out=of_pairs,
            ),
        },
    }
    text = json.dumps(told, indent=1, ensure_ascii=False)
    print(text)
    if given.write:
        TARGET.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
