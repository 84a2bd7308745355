"""Causes in the generator: the evidence was in the prompt (or none was needed), and the answer is still wrong."""

from __future__ import annotations

from functools import partial

from evalkit.cause import CERTAIN, LIKELY, POSSIBLE, Cause, Proof, Sign, sign
from evalkit.facts import Facts, Reach
from evalkit.probes import Probes
from evalkit.records import Expected, Side, Stage


def _wrong_with_evidence(facts: Facts) -> bool:
    """A substantive wrong answer although nothing that it lacks was lost on the way."""
    return _had_evidence(facts) and not facts.refused


def _had_evidence(facts: Facts) -> bool:
    """Something is missing from the answer, and none of its evidence was lost (or none was needed)."""
    if facts.right is not False or not facts.answerable or not facts.missing:
        return False
    if "criteria" in facts.broken:  # what a review misses is a matter of its criteria
        return False
    return facts.lost is Reach.PROMPT or (facts.lost is None and facts.needs_no_document)


def _stated(facts: Facts) -> int:
    return sum(p.stated is True for p in facts.points)


def _noise_distraction(facts: Facts) -> Sign | None:
    if not _wrong_with_evidence(facts) or not facts.trace.context or len(facts.trace.context) < 2:
        return None
    if facts.other_source is None:
        return sign(
            POSSIBLE,
            "passages_in_prompt",
            len(facts.trace.context),
            "other passages stood beside the gold",
        )
    text = f"the answer says what {facts.other_source} says, which is not the document asked about"
    return sign(LIKELY, "answer_source", facts.other_source, text)


def _position_sensitivity(facts: Facts) -> Sign | None:
    if not _wrong_with_evidence(facts):
        return None
    gold = {d for p in facts.missing for d in p.evidence}
    places = [i for i, p in enumerate(facts.trace.context or (), start=1) if p.doc_id in gold]
    if not places or places[0] == 1:
        return None
    text = f"the gold passage stood at place {places[0]} of {len(facts.trace.context or ())} in the prompt"
    return sign(POSSIBLE, "place_of_gold", places[0], text)


def _parametric_override(facts: Facts) -> Sign | None:
    if not _wrong_with_evidence(facts) or facts.trace.context is None:
        return None
    if not facts.unsupported or facts.other_source is not None:
        return None
    text = f"the answer states what no passage in the prompt says: “{facts.unsupported[0][:160]}”"
    return sign(
        LIKELY if not _stated(facts) else POSSIBLE,
        "unsupported_claims",
        len(facts.unsupported),
        text,
    )


def _over_refusal(facts: Facts) -> Sign | None:
    if not (_had_evidence(facts) and facts.refused):
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
    if not lost or facts.refused or facts.trace.context is None or _stated(facts):
        return None
    return sign(
        POSSIBLE,
        "refused",
        value=False,
        text="the prompt lacked the evidence, and the system answers all the same",
    )


def _misinterpretation(facts: Facts) -> Sign | None:
    if not _wrong_with_evidence(facts):
        return None
    if facts.contradicted:
        text = f"the answer contradicts the passages it was given: “{facts.contradicted[0][:160]}”"
        return sign(LIKELY, "contradicted_claims", len(facts.contradicted), text)
    lacking = facts.missing[0].text[:160] if facts.missing else "what was asked"
    at_hand = "with the evidence at hand " if facts.trace.context else ""
    weak = facts.other_source or facts.unsupported or _stated(facts)
    strength = POSSIBLE if weak else LIKELY
    return sign(
        strength,
        "answer_is_wrong",
        value=True,
        text=f"{at_hand}the answer misses “{lacking}”",
    )


def _ungrounded_content(facts: Facts) -> Sign | None:
    if not facts.unsupported or facts.trace.context is None or facts.refused:
        return None
    if facts.right is False and facts.lost is not Reach.PROMPT:
        return None
    text = f"no passage in the prompt supports “{facts.unsupported[0][:160]}”"
    return sign(POSSIBLE, "unsupported_claims", len(facts.unsupported), text)


def _incomplete_answer(facts: Facts) -> Sign | None:
    if not _wrong_with_evidence(facts) or not _stated(facts) or facts.contradicted:
        return None
    text = f"{_stated(facts)} of {len(facts.points)} points are stated; missing: “{facts.missing[0].text[:160]}”"
    return sign(LIKELY, "points_stated", _stated(facts), text)


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


# --- proofs: flips where other passages or their order are to blame, persistence where the reader is ---


def _persists(facts: Facts, probes: Probes) -> bool | None:
    """Whether the answer stays wrong with the gold passages alone in the prompt; False: nothing is wrong with it.

    What a review misses is a matter of its criteria, and a record whose form alone is wrong misses nothing.
    """
    right = probes.right("oracle_context")
    if right is None or facts.right is not False or not facts.answerable:
        return None
    return not right and bool(facts.missing) and "criteria" not in facts.broken


def _prove_noise(facts: Facts, probes: Probes) -> bool | None:
    persists = _persists(facts, probes)
    if persists or not _had_evidence(facts) or probes.right("gold_first") is True:
        return False
    disturbed = probes.right("oracle_plus_noise") is False or probes.right("gold_first") is False
    return True if persists is False and disturbed else None


def _prove_position(facts: Facts, probes: Probes) -> bool | None:
    if not _had_evidence(facts) or probes.right("gold_first") is False or _persists(facts, probes):
        return False
    return probes.right("gold_first")


def _prove_override(facts: Facts, probes: Probes) -> bool | None:
    persists = _persists(facts, probes)
    if persists is False or facts.refused or probes.refused("oracle_context"):
        return False
    if _partial(facts, probes):
        return False
    same = probes.same_answer("closed_book")
    if probes.right("edited_context") is False:  # the answer does not follow the edit
        same = True
    return False if same is False else (persists and same)


def _prove_over_refusal(facts: Facts, probes: Probes) -> bool | None:
    persists = _persists(facts, probes)
    if not persists:
        return persists
    return bool(probes.refused("oracle_context"))


def _prove_misread(facts: Facts, probes: Probes) -> bool | None:
    persists = _persists(facts, probes)
    if not persists or probes.refused("oracle_context"):
        return False if persists is not None else None
    return not (_partial(facts, probes) or probes.same_answer("closed_book"))


def _partial(facts: Facts, probes: Probes) -> bool:
    """Part of the points is stated with the gold passages at hand, and nothing contradicts them."""
    oracle = probes.found.get("oracle_context")
    stated = oracle.points if oracle and oracle.points is not None else _stated(facts)
    return 0 < stated < len(facts.points) and not facts.contradicted


def _prove_incomplete(facts: Facts, probes: Probes) -> bool | None:
    persists = _persists(facts, probes)
    if not persists or probes.refused("oracle_context"):
        return False if persists is not None else None
    return _partial(facts, probes)


def _prove_criteria(facts: Facts, probes: Probes) -> bool | None:
    """Criteria that are missed with the gold passages at hand, or without any loss on the way."""
    if "criteria" not in facts.broken:
        return None
    right = probes.right("oracle_context")
    return None if right is None else not right or facts.lost in (None, Reach.PROMPT)


_cause = partial(Cause, side=Side.GENERATION, stage=Stage.GENERATION)

CAUSES = (
    _cause(
        id="noise_distraction",
        meaning="Other passages in the prompt led the answer astray.",
        first_fix="fewer or reranked passages, prompt",
        fine_tuning="possible",
        proof=Proof.FLIP,
        detect=_noise_distraction,
        prove=_prove_noise,
        conditions=("oracle_context", "oracle_plus_noise"),
        looks_like=_READING,
    ),
    _cause(
        id="position_sensitivity",
        meaning="The evidence was in the prompt, at a place where the model does not use it.",
        first_fix="order, fewer passages",
        fine_tuning="rarely",
        proof=Proof.FLIP,
        detect=_position_sensitivity,
        prove=_prove_position,
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
        prove=_prove_override,
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
        prove=_prove_over_refusal,
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
        prove=_prove_misread,
        conditions=("oracle_context", "closed_book"),
        looks_like=(*_READING, "incomplete_answer", "label_issue"),
    ),
    _cause(
        id="ungrounded_content",
        meaning="The answer adds statements that nothing in the prompt supports.",
        first_fix="citation check, prompt",
        fine_tuning="possible",
        proof=Proof.PERSISTENCE,
        detect=_ungrounded_content,
        conditions=("oracle_context",),
        warns=True,
    ),
    _cause(
        id="incomplete_answer",
        meaning="Part of the answer is missing although its evidence is in the prompt.",
        first_fix="a checklist, the token limit",
        fine_tuning="possible",
        proof=Proof.PERSISTENCE,
        detect=_incomplete_answer,
        prove=_prove_incomplete,
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
        prove=_prove_criteria,
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
