"""Causes in the suite itself: before a system is blamed, the label must hold."""

from __future__ import annotations

from evalkit.cause import LIKELY, POSSIBLE, Cause, Proof, Sign, sign
from evalkit.facts import Facts, Reach
from evalkit.probes import Probes
from evalkit.records import Side, Stage

GROUNDED = 0.8  # the answer holds on to its documents, and the label does not


def _label_issue(facts: Facts) -> Sign | None:
    if facts.right is not False or not facts.answerable:
        return None
    unsupported = [p for p in facts.missing if p.supported_by_gold is False]
    if not unsupported or (facts.refused and facts.lost is not Reach.PROMPT):
        return None
    point = unsupported[0]
    text = f"the gold documents ({', '.join(point.evidence[:3])}) do not say “{point.text[:160]}”"
    grounded = facts.lost is Reach.PROMPT and not (facts.unsupported or facts.contradicted)
    strength = GROUNDED if grounded else LIKELY if facts.lost is Reach.PROMPT else POSSIBLE
    return sign(
        strength,
        "gold_supports_label",
        value=False,
        text=text,
    )


def _query_underspecified(facts: Facts) -> Sign | None:
    if facts.right is not False or facts.case.clarified is None:
        return None
    if facts.lost is None or facts.lost > Reach.POOLED:
        return None
    text = (
        "the question leaves something open that its clarified form says: "
        + facts.case.clarified[:160]
    )
    return sign(POSSIBLE, "clarified", facts.case.clarified, text)


def _prove_label(facts: Facts, probes: Probes) -> bool | None:
    """Wrong with the gold documents at hand, which do not say what the label says."""
    if probes.right("oracle_context") is True:
        return False
    unsupported = any(p.supported_by_gold is False for p in facts.missing)
    return True if unsupported and probes.right("oracle_context") is False else None


def _prove_vague(_facts: Facts, probes: Probes) -> bool | None:
    return probes.right("clarified_query")


CAUSES = (
    Cause(
        id="label_issue",
        side=Side.SUITE,
        stage=Stage.SUITE,
        meaning="The label is wrong or its gold documents do not support it.",
        first_fix="mend the case",
        fine_tuning="no",
        proof=Proof.CHECK,
        detect=_label_issue,
        prove=_prove_label,
        conditions=("oracle_context",),
        looks_like=(
            "misinterpretation",
            "incomplete_answer",
            "noise_distraction",
            "parametric_override",
        ),
    ),
    Cause(
        id="query_underspecified",
        side=Side.SUITE,
        stage=Stage.SUITE,
        meaning="The question fits several documents equally; nobody could know which one is meant.",
        first_fix="ask back, or rewrite the query with the history",
        fine_tuning="no",
        proof=Proof.FLIP,
        detect=_query_underspecified,
        prove=_prove_vague,
        conditions=("clarified_query",),
        looks_like=("retrieval_miss", "ranking_low"),
    ),
)
