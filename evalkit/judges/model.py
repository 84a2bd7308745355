"""Learned combinations of what the rules see: plain weights from ``model.json`` give calibrated probabilities."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from evalkit.judges.features import Features, grounding, pair
from evalkit.text.refusal import refusal_probability
from evalkit.text.similarity import same_text


@dataclass(frozen=True, slots=True)
class Model:
    """A logistic regression (Cox 1958): a weight a feature, and the range in which it cannot tell."""

    weights: Mapping[str, float]
    intercept: float
    cannot_tell: tuple[float, float]

    def probability(self, features: Features) -> float:
        """Probability, 0..1; calibrated on answers that people graded (see ``model.json``)."""
        value = self.intercept + sum(w * features[name] for name, w in self.weights.items())
        return 1 / (1 + math.exp(-max(-30.0, min(30.0, value))))

    def verdict(self, probability: float) -> bool | None:
        """Yes above the range in which the model errs too often, no below it, ``None`` within."""
        low, high = self.cannot_tell
        return None if low <= probability < high else probability >= high


@cache
def load(name: str) -> Model:
    """The model called ``name`` of ``model.json``."""
    told = json.loads(files("evalkit.judges").joinpath("model.json").read_text(encoding="utf-8"))
    model = told["models"][name]
    low, high = model["cannot_tell"]
    return Model(dict(model["weights"]), float(model["intercept"]), (float(low), float(high)))


def grounded_probability(answer: str, passages: tuple[str, ...], query: str = "") -> float | None:
    """Probability, 0..1, that people call the answer faithful to the passages (3 of 4 or better).

    ``None`` where the answer claims nothing. A summary beside the verdicts on the claims, which stay as they are.
    """
    features = grounding(answer, passages, query)
    return None if features is None else load("grounded").probability(features)


def same_answer_probability(a: str, b: str, query: str = "") -> float:
    """Probability, 0..1, that two answers to ``query`` are both right or both wrong; symmetric.

    Identical texts have 1; a refusal is the same only as another refusal.
    """
    known = settled(a, b)
    return load("same_answer").probability(pair(a, b, query)) if known is None else known


def settled(a: str, b: str) -> float | None:
    """The probability where no weighing is needed: identical texts, and refusals; ``None`` elsewhere."""
    if same_text(a, b):
        return 1.0
    refusals = [refusal_probability(text) >= 0.5 for text in (a, b)]
    if any(refusals):
        return 0.9 if all(refusals) else 0.03
    return None
