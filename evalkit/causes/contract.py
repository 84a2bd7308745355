"""Causes in the contract of the output: what is said may be right, how it is said is not."""

from __future__ import annotations

from evalkit.cause import CERTAIN, Cause, Proof, Sign, sign
from evalkit.facts import Facts
from evalkit.records import Side, Stage


def _broken(facts: Facts, *metrics: str) -> Sign | None:
    name = next((m for m in metrics if m in facts.broken), None)
    if name is None:
        return None
    return sign(CERTAIN, name, value=False, text=facts.notes.get(name) or f"{name} does not hold")


def _citation_error(facts: Facts) -> Sign | None:
    return _broken(facts, "citation_precision")


def _format_violation(facts: Facts) -> Sign | None:
    return _broken(facts, "schema_valid", "format_valid")


def _style_violation(facts: Facts) -> Sign | None:
    return _broken(facts, "style")


CAUSES = (
    Cause(
        id="format_violation",
        side=Side.CONTRACT,
        stage=Stage.CONTRACT,
        meaning="The output is not in the format that was asked for.",
        first_fix="structured output, function calling",
        fine_tuning="high when it persists",
        proof=Proof.CHECK,
        detect=_format_violation,
        conditions=("schema_enforced",),
    ),
    Cause(
        id="style_violation",
        side=Side.CONTRACT,
        stage=Stage.CONTRACT,
        meaning="A rule of the house style is broken.",
        first_fix="style rules and examples in the prompt",
        fine_tuning="moderate to high",
        proof=Proof.CHECK,
        detect=_style_violation,
        conditions=("style_prompted",),
    ),
    Cause(
        id="citation_error",
        side=Side.CONTRACT,
        stage=Stage.CONTRACT,
        meaning="The answer cites documents that were not in the prompt or do not support it.",
        first_fix="constrained ids, prompt",
        fine_tuning="possible",
        proof=Proof.CHECK,
        detect=_citation_error,
    ),
)
