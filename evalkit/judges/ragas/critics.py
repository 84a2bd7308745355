"""Critics of the user's own: a question about the answer in words, graded by labels or by a number."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from string import Formatter
from typing import Any

from evalkit.adapters.options import Options
from evalkit.errors import InvalidInput, did_you_mean

FIELDS = ("user_input", "response", "retrieved_contexts", "reference")
_NAME = re.compile(r"[a-z][a-z0-9_]*")


@dataclass(frozen=True, slots=True)
class Critic:
    """A ``DiscreteMetric`` of ragas where ``labels`` are given, else a ``NumericMetric`` from ``low`` to ``high``.

    ``prompt`` names what it wants to see in braces: ``{user_input}``, ``{response}``, ``{retrieved_contexts}``,
    ``{reference}``. ``labels`` maps each label that the judge may give to the number it stands for.
    """

    name: str
    prompt: str
    labels: Mapping[str, float] | None = None
    low: float = 0.0
    high: float = 1.0

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise InvalidInput(f"{self.name!r} is no name", hint="like tone_of_voice")
        names = self.names()
        for name in names:
            if name not in FIELDS:
                hint = did_you_mean(name, FIELDS)
                raise InvalidInput(f"the prompt of {self.name} asks for {{{name}}}", hint=hint)
        if "response" not in names:
            raise InvalidInput(f"the prompt of {self.name} has no {{response}}")
        low, high = self.bounds()
        if not (math.isfinite(low) and math.isfinite(high) and low < high):
            raise InvalidInput(f"{self.name}: the range {low:g} to {high:g} is empty")

    def names(self) -> list[str]:
        """The fields that the prompt shows, in order."""
        try:
            parts = list(Formatter().parse(self.prompt))
        except ValueError as error:
            raise InvalidInput(f"the prompt of {self.name}: {error}") from None
        return list(dict.fromkeys(name for _, name, _, _ in parts if name is not None))

    def bounds(self) -> tuple[float, float]:
        """The least and the largest value."""
        values = [float(value) for value in (self.labels or {}).values()]
        return (min(values), max(values)) if values else (self.low, self.high)


class CriticPrompt:
    """A prompt as ragas formats it; passages stand below each other."""

    def __init__(self, instruction: str) -> None:
        self.instruction = instruction

    def format(self, **fields: Any) -> str:
        """The prompt with the fields filled in."""
        shown = {name: v if isinstance(v, str) else "\n".join(v) for name, v in fields.items()}
        return self.instruction.format(**shown)


def read_critics(path: Path) -> list[Any]:
    """The list under ``critics`` in a YAML file, as it stands there; raises ``InvalidInput``."""
    from evalkit.strict import read_yaml

    value = read_yaml(path).value
    rows = value.get("critics") if isinstance(value, Mapping) else None
    if not isinstance(rows, list) or not rows:
        raise InvalidInput("has no list of critics", file=path, field="critics")
    return rows


def critics_of(rows: Any, place: str) -> tuple[Critic, ...]:
    """The critics that a list of objects describes: ``name``, ``prompt``, and ``labels`` or ``range``.

    A text is the path of a file that holds the list.
    """
    if isinstance(rows, str):
        rows = read_critics(Path(rows))
    if not isinstance(rows, (list, tuple)):
        raise InvalidInput(f"expected a list of critics, got {rows!r}", field=place)
    found = []
    for i, row in enumerate(rows):
        where = f"{place}[{i}]"
        if not isinstance(row, Mapping):
            raise InvalidInput("expected an object", field=where)
        found.append(_critic(Options(row, where, ("name", "prompt", "labels", "range"))))
    return tuple(found)


def _critic(options: Options) -> Critic:
    labels = options.mapping("labels")
    bounds = options.values.get("range", [0.0, 1.0])
    if labels is not None and not all(_number(value) for value in labels.values()):
        raise options.refuse("labels", "every label stands for a number")
    if not isinstance(bounds, list) or len(bounds) != 2 or not all(map(_number, bounds)):
        raise options.refuse("range", "expected two numbers")
    low, high = bounds
    numbers = None if labels is None else {str(k): float(v) for k, v in labels.items()}
    name, prompt = options.required("name"), options.required("prompt")
    return Critic(name, prompt, numbers, float(low), float(high))


def _number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
