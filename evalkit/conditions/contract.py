"""Conditions that ask for the contract outright: schema, style, criteria and examples handed over."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from evalkit.condition import Ask, Condition, How, Situation
from evalkit.conditions.instructions import (
    criteria_instructions,
    few_shot_instructions,
    ideal_answer,
    style_instructions,
)
from evalkit.records import Capability, Case
from evalkit.text.tokens import stem_set

SHOTS = 3  # examples shown


def _schema_enforced(here: Situation) -> tuple[Ask, ...]:
    if here.case.schema is None:
        return ()
    return (Ask("schema_enforced", How.ASK, replace(here.question, schema=here.case.schema)),)


def _instructed(name: str, here: Situation, instructions: str) -> tuple[Ask, ...]:
    if not instructions:
        return ()
    return (Ask(name, How.ASK, replace(here.question, instructions=instructions)),)


def _style_prompted(here: Situation) -> tuple[Ask, ...]:
    rules = here.case.style
    return _instructed("style_prompted", here, style_instructions(rules) if rules else "")


def _criteria_prompted(here: Situation) -> tuple[Ask, ...]:
    criteria = here.case.criteria
    return _instructed(
        "criteria_prompted", here, criteria_instructions(criteria or ()) if criteria else ""
    )


def _few_shot(here: Situation) -> tuple[Ask, ...]:
    shots = nearest(here.case, here.examples)
    return _instructed("few_shot", here, few_shot_instructions(shots) if shots else "")


def nearest(case: Case, examples: Sequence[Case]) -> tuple[Case, ...]:
    """The examples whose question shares most words with the case's; never the case itself nor its group."""
    wanted = stem_set(case.query)
    usable = [
        e
        for e in examples
        if ideal_answer(e)
        and e.id != case.id
        and e.query != case.query
        and (e.group is None or e.group != case.group)
    ]
    usable.sort(key=lambda e: -_overlap(wanted, stem_set(e.query)))
    return tuple(usable[:SHOTS])


def _overlap(a: frozenset[str], b: frozenset[str]) -> float:
    """Jaccard similarity, 0..1."""
    return len(a & b) / max(1, len(a | b))


_INSTRUCTED = (frozenset({Capability.ASK, Capability.INSTRUCTIONS}),)

CONDITIONS = (
    Condition(
        "schema_enforced",
        "The schema handed over. Valid now: enforcement suffices, no fine-tuning is needed.",
        (frozenset({Capability.ASK, Capability.SCHEMA}),),
        _schema_enforced,
    ),
    Condition(
        "style_prompted",
        "The house style as instructions. On style now: the prompt suffices.",
        _INSTRUCTED,
        _style_prompted,
    ),
    Condition(
        "criteria_prompted",
        "The criteria as instructions. Complete now: naming them suffices.",
        _INSTRUCTED,
        _criteria_prompted,
    ),
    Condition(
        "few_shot",
        "Worked examples of the train file as instructions. Right now: examples suffice.",
        _INSTRUCTED,
        _few_shot,
    ),
)
