"""What each cause predicts under each condition, and which conditions prove it: the planner's knowledge, as data."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from evalkit.cause import Cause, Proof
from evalkit.condition import family


class Seen(StrEnum):
    """What a condition can show, as the planner tells it apart; ``UNCLEAR`` was asked and tells nothing."""

    PASS = "pass"  # noqa: S105 (not a password)
    FAIL = "fail"
    SAME = "same"  # wrong, and the answer is the one given as is
    FOUND = "found"
    NOT_FOUND = "not_found"
    UNCLEAR = "unclear"


_ANSWERS = (Seen.PASS, Seen.FAIL)
_PLACES = (Seen.FOUND, Seen.NOT_FOUND)
SHOWS: Mapping[str, tuple[Seen, ...]] = {
    "closed_book": (Seen.PASS, Seen.FAIL, Seen.SAME),
    "deep_retrieval": _PLACES,
    "index_lookup": _PLACES,
}

P, F, SAME = Seen.PASS, Seen.FAIL, Seen.SAME
THERE, GONE = Seen.FOUND, Seen.NOT_FOUND

Row = Mapping[str, Seen]
_FOUND = {"deep_retrieval": THERE, "index_lookup": THERE}
# Gold alone mends whatever kept the gold out of the prompt, and nothing that the generator does with it.
_KEPT_OUT = {"oracle_context": P, "schema_enforced": F, "clarified_query": F}
_PERSISTS = {
    "oracle_context": F,
    "oracle_plus_noise": F,
    "gold_first": F,
    "merged_chunks": F,
    "more_room": F,
    "clarified_query": F,
    "closed_book": F,
}

# One row a cause; a condition that a row leaves out may go either way.
PREDICTIONS: Mapping[str, Row] = {
    "infra_error": {},
    "label_issue": {**_PERSISTS, "schema_enforced": F, "criteria_prompted": F},
    "query_underspecified": {"clarified_query": P, "index_lookup": THERE},
    "corpus_gap": {
        **_KEPT_OUT,
        "index_lookup": GONE,
        "deep_retrieval": GONE,
        "gold_first": P,
        "more_room": F,
    },
    "stale_document": {**_KEPT_OUT, "oracle_plus_noise": F, "more_room": F},
    "chunk_boundary": {**_KEPT_OUT, **_FOUND, "merged_chunks": P, "gold_first": F, "more_room": F},
    "retrieval_miss": {
        **_KEPT_OUT,
        "index_lookup": THERE,
        "deep_retrieval": GONE,
        "gold_first": P,
        "more_room": F,
    },
    "access_violation": {},
    "ranking_low": {**_KEPT_OUT, **_FOUND, "gold_first": P},
    "context_truncated": {**_KEPT_OUT, **_FOUND, "more_room": P, "gold_first": P},
    "noise_distraction": {
        **_FOUND,
        "oracle_context": P,
        "oracle_plus_noise": F,
        "gold_first": F,
        "merged_chunks": F,
        "more_room": F,
    },
    "position_sensitivity": {
        **_FOUND,
        "oracle_context": P,
        "oracle_plus_noise": F,
        "gold_first": P,
        "more_room": F,
    },
    "parametric_override": {**_PERSISTS, "closed_book": SAME, "edited_context": F},
    "over_refusal": {**_PERSISTS, "edited_context": F},
    "missing_refusal": {"distractors_only": F, "oracle_context": P},
    "misinterpretation": {**_PERSISTS, "schema_enforced": F},
    "ungrounded_content": {**_PERSISTS, "schema_enforced": F},
    "incomplete_answer": {**_PERSISTS, "edited_context": P, "schema_enforced": F},
    "missing_criteria": {"oracle_context": F, "oracle_plus_noise": F, "criteria_prompted": P},
    "inconsistency": {},
    "citation_error": {},
    "format_violation": {"oracle_context": F, "oracle_plus_noise": F, "schema_enforced": P},
    "style_violation": {"oracle_context": F, "style_prompted": P},
}

# What a proof takes: every group, and of a group any one (the first that can be had).
PROOFS: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "label_issue": (("oracle_context",),),
    "query_underspecified": (("clarified_query",),),
    "corpus_gap": (("index_lookup",), ("oracle_context", "gold_first")),
    "stale_document": (("oracle_context",),),
    "chunk_boundary": (("merged_chunks", "oracle_context"),),
    "retrieval_miss": (
        ("index_lookup",),
        ("deep_retrieval",),
        ("oracle_context", "gold_first"),
    ),
    "ranking_low": (("deep_retrieval",), ("oracle_context", "gold_first")),
    "context_truncated": (("more_room", "oracle_context"),),
    "noise_distraction": (("oracle_context",), ("oracle_plus_noise", "gold_first")),
    "position_sensitivity": (("gold_first",),),
    # A memory that says the same is no proof yet where the answer follows an edit of the text.
    "parametric_override": (("oracle_context",), ("closed_book",), ("edited_context",)),
    "over_refusal": (("oracle_context",),),
    "misinterpretation": (("oracle_context",), ("closed_book",)),
    "ungrounded_content": (("oracle_context",),),
    "incomplete_answer": (("oracle_context",),),
    "missing_criteria": (("oracle_context", "criteria_prompted"),),
}

# A question that is said to leave something open is asked clearly before what looks like that is proven.
CLEARLY = ("clarified_query",)
UNCLEAR = (
    "corpus_gap",
    "retrieval_miss",
    "ranking_low",
    "noise_distraction",
    "position_sensitivity",
    "parametric_override",
    "over_refusal",
    "misinterpretation",
    "incomplete_answer",
)

# What else is worth asking once a cause is suspected: whether its cheapest remedy holds, where it comes from.
FOLLOW_UPS: Mapping[str, tuple[str, ...]] = {
    "missing_refusal": ("distractors_only",),
    "missing_criteria": ("criteria_prompted", "few_shot"),
    "inconsistency": ("frozen_context",),
    "format_violation": ("schema_enforced", "few_shot"),
    "style_violation": ("style_prompted", "few_shot"),
}


# How often a condition shows what a cause predicts. The more stands beside the gold, the less it isolates.
RELIABLE = 0.94
LESS_RELIABLE: Mapping[str, float] = {
    "closed_book": 0.9,
    "merged_chunks": 0.9,
    "gold_first": 0.88,
    "oracle_plus_noise": 0.85,
    "edited_context": 0.8,
    "distractors_only": 0.8,
    "few_shot": 0.8,
}


def reliability(condition: str) -> float:
    """How often a condition shows what a cause predicts, 0..1."""
    return LESS_RELIABLE.get(family(condition), RELIABLE)


def shows(condition: str) -> tuple[Seen, ...]:
    """What a condition can show."""
    return SHOWS.get(family(condition), _ANSWERS)


def row(cause: Cause) -> Row:
    """What a cause predicts; a cause of another package predicts what its proof says of its conditions."""
    if cause.id in PREDICTIONS:
        return PREDICTIONS[cause.id]
    predicted = {Proof.FLIP: Seen.PASS, Proof.PERSISTENCE: Seen.FAIL}.get(cause.proof)
    return dict.fromkeys(cause.conditions, predicted) if predicted else {}


def proof(cause: Cause) -> tuple[tuple[str, ...], ...]:
    """The groups of conditions that prove a cause; a check or repeats need none."""
    if cause.id in PREDICTIONS:
        return (*PROOFS.get(cause.id, ()), *((CLEARLY,) if cause.id in UNCLEAR else ()))
    return tuple((condition,) for condition in cause.conditions)
