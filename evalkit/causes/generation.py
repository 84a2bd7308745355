"""Causes in the generator: the evidence was in the prompt (or none was needed), and the answer is still wrong."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from evalkit.cause import CERTAIN, LIKELY, POSSIBLE, Cause, Proof, Sign, sign
from evalkit.causes.evidence import gold_places, had_evidence, stated, wrong_with_evidence
from evalkit.causes.proofs import (
    prove_criteria,
    prove_incomplete,
    prove_invented,
    prove_misread,
    prove_noise,
    prove_over_refusal,
    prove_override,
    prove_position,
)
from evalkit.causes.statements import said_otherwise
from evalkit.facts import Facts, Reach
from evalkit.records import Expected, Fact, Side, Stage
from evalkit.text.sentences import breaks_off


def _noise_distraction(facts: Facts) -> Sign | None:
    if not wrong_with_evidence(facts) or not facts.trace.context or len(facts.trace.context) < 2:
        return None
    if facts.other_source is None or facts.left_empty:
        return sign(
            POSSIBLE,
            "passages_in_prompt",
            len(facts.trace.context),
            "other passages stood beside the gold",
        )
    text = f"the answer says what {facts.other_source} says, which is not the document asked about"
    return sign(LIKELY, "answer_source", facts.other_source, text)


def _position_sensitivity(facts: Facts) -> Sign | None:
    if not wrong_with_evidence(facts):
        return None
    places = gold_places(facts)
    if not places or places[0] == 1:
        return None
    text = f"the gold passage stood at place {places[0]} of {len(facts.trace.context or ())} in the prompt"
    return sign(POSSIBLE, "place_of_gold", places[0], text)


def _parametric_override(facts: Facts) -> Sign | None:
    """What no passage says may come from memory; so may any wrong answer that no other passage explains."""
    if not wrong_with_evidence(facts) or not facts.trace.context or facts.other_source is not None:
        return None
    if not facts.unsupported:
        text = "whether the model brings the answer along, without any passage, was not asked"
        return sign(POSSIBLE, "closed_book", value=None, text=text)
    text = f"the answer states what no passage in the prompt says: “{facts.unsupported[0][:160]}”"
    strength = POSSIBLE if stated(facts) else LIKELY
    return sign(strength, "unsupported_claims", len(facts.unsupported), text)


def _over_refusal(facts: Facts) -> Sign | None:
    if not (had_evidence(facts) and facts.refused):
        return None
    if not facts.trace.context:
        return sign(
            LIKELY, "refused", value=True, text="nothing was lacking, and the answer refuses"
        )
    return sign(
        LIKELY, "refused", value=True, text="the evidence was in the prompt, and the answer refuses"
    )


def _missing_refusal(facts: Facts) -> Sign | None:
    if facts.case.expected in (Expected.REFUSE, Expected.CLARIFY):
        if "behaviour" not in facts.broken or (
            facts.refused and facts.case.expected is Expected.REFUSE
        ):
            return None
        wanted = "ask back" if facts.case.expected is Expected.CLARIFY else "refuse"
        return sign(
            CERTAIN,
            "refused",
            value=False,
            text=f"the case wants the system to {wanted}, and it answers",
        )
    lost = facts.right is False and facts.lost is not None and facts.lost < Reach.PROMPT
    if not lost or facts.refused or facts.trace.context is None or stated(facts):
        return None
    return sign(
        POSSIBLE,
        "refused",
        value=False,
        text="the prompt lacked the evidence, and the system answers all the same",
    )


def _misinterpretation(facts: Facts) -> Sign | None:
    if not wrong_with_evidence(facts) or facts.left_empty or facts.invented:
        return None
    if facts.contradicted:
        text = f"the answer contradicts the passages it was given: “{facts.contradicted[0][:160]}”"
        return sign(LIKELY, "contradicted_claims", len(facts.contradicted), text)
    lacking = facts.missing[0].text[:160] if facts.missing else "what was asked"
    at_hand = "with the evidence at hand " if facts.trace.context else ""
    weak = facts.other_source or facts.unsupported or stated(facts)
    strength = POSSIBLE if weak else LIKELY
    return sign(
        strength,
        "answer_is_wrong",
        value=True,
        text=f"{at_hand}the answer misses “{lacking}”",
    )


def _ungrounded_content(facts: Facts) -> Sign | None:
    if facts.invented and wrong_with_evidence(facts):
        text = f"nothing is wanted there, and no source says “{facts.invented[0][:160]}”"
        return sign(LIKELY, "invented_values", len(facts.invented), text)
    if not facts.unsupported or facts.trace.context is None or facts.refused:
        return None
    if facts.right is False and facts.lost is not Reach.PROMPT:
        return None
    text = f"no passage in the prompt supports “{facts.unsupported[0][:160]}”"
    return sign(POSSIBLE, "unsupported_claims", len(facts.unsupported), text)


def _incomplete_answer(facts: Facts) -> Sign | None:
    """Something is stated and nothing wrong is: what is missing is not spoken of otherwise."""
    if not wrong_with_evidence(facts):
        return None
    if facts.left_empty:
        text = f"the record is left empty where a value stands: “{facts.missing[0].text[:160]}”"
        return _with_cut(sign(LIKELY, "fields_left_empty", len(facts.missing), text), facts)
    if facts.contradicted or said_otherwise(facts):
        return None
    told, lacking = stated(facts), facts.missing[0].text[:160]
    if told:
        text = f"{told} of {len(facts.points)} points are stated; missing: “{lacking}”"
        return _with_cut(sign(LIKELY, "points_stated", told, text), facts)
    if facts.unsupported or facts.other_source is not None:
        return None
    text = f"what is said is supported, and says nothing of “{lacking}”"
    return _with_cut(sign(POSSIBLE, "points_stated", 0, text), facts)


def _with_cut(found: Sign, facts: Facts) -> Sign:
    """The sign, with the fact that the answer was cut off where it was: the token limit is to blame for no other."""
    if facts.trace.meta.get("finish_reason") == "length":
        cut = Fact("cut_off", value=True, text="the answer was cut off at the token limit")
    elif breaks_off(facts.trace.response or ""):
        cut = Fact("cut_off", value=True, text="the answer ends in mid-sentence")
    else:
        return found
    return replace(found, evidence=(*found.evidence, cut))


def _missing_criteria(facts: Facts) -> Sign | None:
    if "criteria" not in facts.broken:
        return None
    if facts.lost is not None and facts.lost < Reach.PROMPT:
        return sign(
            POSSIBLE,
            "criteria",
            value=False,
            text="criteria are not met, with part of the evidence missing",
        )
    return sign(
        LIKELY,
        "criteria",
        value=False,
        text=facts.notes.get("criteria") or "criteria of the review are not met",
    )


def _inconsistency(facts: Facts) -> Sign | None:
    if not 0 < facts.repeats_right < facts.repeats:
        return None
    text = f"{facts.repeats_right} of {facts.repeats} repeats of the same question pass"
    return sign(CERTAIN, "repeats_that_pass", [facts.repeats_right, facts.repeats], text)


_READING = ("noise_distraction", "position_sensitivity", "parametric_override", "misinterpretation")


_cause = partial(Cause, side=Side.GENERATION, stage=Stage.GENERATION)

CAUSES = (
    _cause(
        id="noise_distraction",
        meaning="Other passages in the prompt led the answer astray.",
        first_fix="fewer or reranked passages, prompt",
        fine_tuning="possible",
        proof=Proof.FLIP,
        detect=_noise_distraction,
        prove=prove_noise,
        conditions=("oracle_context", "oracle_plus_noise", "gold_first"),
        looks_like=_READING,
    ),
    _cause(
        id="position_sensitivity",
        meaning="The evidence was in the prompt, at a place where the model does not use it.",
        first_fix="order, fewer passages",
        fine_tuning="rarely",
        proof=Proof.FLIP,
        detect=_position_sensitivity,
        prove=prove_position,
        conditions=("gold_first",),
        looks_like=_READING,
    ),
    _cause(
        id="parametric_override",
        meaning="The model answers from memory against the passages it was given.",
        first_fix="a duty to cite, prompt, a stronger model",
        fine_tuning="possible",
        proof=Proof.PERSISTENCE,
        detect=_parametric_override,
        prove=prove_override,
        conditions=("oracle_context", "closed_book", "edited_context"),
        looks_like=_READING,
    ),
    _cause(
        id="over_refusal",
        meaning="The system refuses although the evidence is in the prompt.",
        first_fix="refusal threshold, prompt",
        fine_tuning="possible",
        proof=Proof.PERSISTENCE,
        detect=_over_refusal,
        prove=prove_over_refusal,
        conditions=("oracle_context",),
    ),
    _cause(
        id="missing_refusal",
        meaning="The system answers where it should refuse or ask back.",
        first_fix="a refusal rule, a sufficiency gate",
        fine_tuning="yes, with refusal data",
        proof=Proof.CHECK,
        detect=_missing_refusal,
        conditions=("distractors_only",),
    ),
    _cause(
        id="misinterpretation",
        meaning="The evidence is read wrongly: another entity, date, number or logic.",
        first_fix="decompose, tools, a stronger model",
        fine_tuning="yes for a stable skill",
        proof=Proof.PERSISTENCE,
        detect=_misinterpretation,
        prove=prove_misread,
        conditions=("oracle_context", "closed_book", "edited_context"),
        looks_like=(*_READING, "incomplete_answer", "label_issue"),
    ),
    _cause(
        id="ungrounded_content",
        meaning="The answer adds statements that nothing in the prompt supports.",
        first_fix="citation check, prompt",
        fine_tuning="possible",
        proof=Proof.PERSISTENCE,
        detect=_ungrounded_content,
        prove=prove_invented,
        conditions=("oracle_context",),
        warns=True,
    ),
    _cause(
        id="incomplete_answer",
        meaning="Part of the answer is missing although its evidence is in the prompt.",
        first_fix="a checklist of what an answer must hold",
        fine_tuning="possible",
        proof=Proof.PERSISTENCE,
        detect=_incomplete_answer,
        prove=prove_incomplete,
        conditions=("oracle_context",),
        looks_like=("misinterpretation", "label_issue"),
    ),
    _cause(
        id="missing_criteria",
        meaning="A review leaves out criteria, or finds them wrongly.",
        first_fix="explicit criteria, then reinforce",
        fine_tuning="high",
        proof=Proof.PERSISTENCE,
        detect=_missing_criteria,
        prove=prove_criteria,
        conditions=("criteria_prompted", "oracle_context"),
    ),
    _cause(
        id="inconsistency",
        meaning="The same question gets answers that differ in verdict.",
        first_fix="temperature, frozen retrieval, self-consistency",
        fine_tuning="moderate to high",
        proof=Proof.REPEATS,
        detect=_inconsistency,
        conditions=("frozen_context",),
    ),
)
