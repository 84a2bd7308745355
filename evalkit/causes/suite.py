"""Causes in the suite itself: before a system is blamed, the label must hold."""

from __future__ import annotations

from evalkit.cause import LIKELY, POSSIBLE, Cause, Proof, Sign, sign
from evalkit.causes.evidence import rivalled
from evalkit.causes.statements import label_at_odds
from evalkit.facts import Facts, Point, Reach
from evalkit.probes import Probes
from evalkit.records import Side, Stage

GROUNDED = 0.8  # the answer holds on to its documents, and the label does not


def _label_issue(facts: Facts) -> Sign | None:
    if facts.right is not False or not facts.answerable:
        return None
    labelled = label_at_odds(facts)
    if labelled is not None:
        text = f"the gold documents say what the answer says, and not what is labelled: “{labelled[:160]}”"
        return sign(GROUNDED, "gold_supports_label", value=False, text=text)
    unsupported = _unsupported(facts)
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


def _unsupported(facts: Facts) -> list[Point]:
    return [p for p in facts.missing if p.supported_by_gold is False]


def _query_underspecified(facts: Facts) -> Sign | None:
    """A clarified form shows that something is left open, as does a document that fits the question as well as the gold.

    Whether that is to blame, only asking the clarified form can tell.
    """
    if facts.right is not False or not facts.missing:
        return None
    vague = rivalled(facts)
    if facts.case.clarified is None:
        text = f"the question fits {facts.rival}, which the answer rests on, as well as the gold"
        return sign(POSSIBLE, "fits_as_well", facts.rival, text) if vague else None
    text = (
        "the question leaves something open that its clarified form says: "
        + facts.case.clarified[:160]
    )
    return sign(LIKELY if vague else POSSIBLE, "clarified", facts.case.clarified, text)


def _prove_label(facts: Facts, probes: Probes) -> bool | None:
    """Wrong with the gold documents at hand, which say something else than the label.

    That its words are not found in them is no proof: they may say the same in other words.
    """
    right = probes.told("oracle_context")
    if right is not False:
        return False if right else None
    if facts.right is not False or not facts.answerable:
        return None
    against = any(p.refuted for p in _unsupported(facts)) or label_at_odds(facts)
    return True if against else None


def _prove_vague(facts: Facts, probes: Probes) -> bool | None:
    """Right once asked clearly; a question that is answered rightly at other times is clear enough."""
    return False if facts.repeats_right else probes.told("clarified_query")


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
        looks_like=("retrieval_miss", "ranking_low", "over_refusal", "misinterpretation"),
    ),
)
