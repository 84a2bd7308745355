"""Logistic regression over sets of string features, quick to ask one item at a time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

FEWEST = 2  # features seen less often are not kept


class Classifier:
    """A softmax over classes; with one class in training it always answers that class."""

    def __init__(
        self, items: Sequence[Sequence[str]], labels: Sequence[str], *, strength: float = 4.0
    ) -> None:
        self.classes: tuple[str, ...] = tuple(sorted(set(labels)))
        counts = Counter(feature for item in items for feature in item)
        self._columns = {
            feature: column
            for column, feature in enumerate(f for f, count in counts.items() if count >= FEWEST)
        }
        self._weights, self._intercept = self._fit(items, labels, strength)

    def _fit(
        self, items: Sequence[Sequence[str]], labels: Sequence[str], strength: float
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        size = len(self._columns)
        if len(self.classes) < 2 or not size:
            return np.zeros((size, max(1, len(self.classes)))), np.zeros(max(1, len(self.classes)))
        from sklearn.linear_model import LogisticRegression
        from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

        model: Any = LogisticRegression(C=strength, max_iter=80, tol=1e-4)
        with threadpool_limits(1):
            model.fit(self._matrix(items), list(labels))
        weights, intercept = model.coef_.T, model.intercept_
        if (
            len(self.classes) == 2
        ):  # scikit-learn keeps one column: the second class against the first
            weights = np.hstack([np.zeros_like(weights), weights])
            intercept = np.array([0.0, float(intercept[0])])
        return np.ascontiguousarray(weights), np.asarray(intercept)

    def _matrix(self, items: Sequence[Sequence[str]]) -> Any:
        from scipy.sparse import csr_matrix

        rows = [self._known(item) for item in items]
        starts = np.cumsum([0, *(len(row) for row in rows)])
        columns = np.concatenate([np.array(row, dtype=np.int64) for row in rows])
        return csr_matrix((np.ones(len(columns)), columns, starts), (len(rows), len(self._columns)))

    def _known(self, item: Sequence[str]) -> list[int]:
        return sorted({self._columns[f] for f in item if f in self._columns})

    def probabilities(self, items: Sequence[Sequence[str]]) -> NDArray[np.float64]:
        """One row an item, one column a class (in the order of ``classes``)."""
        scores = np.empty((len(items), len(self._intercept)))
        for row, item in enumerate(items):
            scores[row] = self._weights[self._known(item)].sum(axis=0) + self._intercept
        scores = np.exp(scores - scores.max(axis=1, keepdims=True, initial=-np.inf))
        return np.asarray(scores / scores.sum(axis=1, keepdims=True))

    def chances(
        self, items: Sequence[Sequence[str]], *groups: Collection[str]
    ) -> tuple[list[float], ...]:
        """For each group of classes, the probability of each item to be in one of them."""
        table = self.probabilities(items)
        return tuple(
            [
                float(x)
                for x in table[:, [at for at, c in enumerate(self.classes) if c in group]].sum(
                    axis=1
                )
            ]
            for group in groups
        )

    def best(self, item: Sequence[str]) -> tuple[str, float]:
        """The likeliest class and its probability."""
        chances = self.probabilities([item])[0]
        at = int(chances.argmax())
        return self.classes[at], float(chances[at])
