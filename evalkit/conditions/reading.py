"""What a trace under a condition showed: pure reading, with the detail a person can check."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from evalkit.condition import Reading, Situation, Verdict, family
from evalkit.conditions.edits import Edit, edit_between, edit_of
from evalkit.conditions.gold import (
    document_of,
    gold_ids,
    is_gold,
    lacking,
    oracle,
    required,
    shown,
)
from evalkit.conditions.nearness import comes_nearer, numbers_agree
from evalkit.records import Passage, Trace

CONTRACT = {
    "schema_enforced": ("schema_valid", "format_valid"),
    "style_prompted": ("style",),
    "criteria_prompted": ("criteria",),
    "few_shot": ("schema_valid", "format_valid", "style", "criteria"),
}


@dataclass(frozen=True, slots=True)
class Read:
    """What one trace showed; ``detail`` holds the ranks, ids or values behind it."""

    reading: Reading
    detail: Mapping[str, Any] = field(default_factory=dict)


def read(here: Situation, trace: Trace, verdict: Verdict) -> Read:
    """What a trace under a condition showed.

    For answers: pass where the answer is right. Exceptions: a contract condition also needs its own contract
    to hold; ``distractors_only`` passes a refusal, which is right there; ``edited_context`` passes an answer
    that follows the edit. An answer that could not be graded reads as an error.
    """
    if trace.error is not None:
        return Read(Reading.ERROR, {"error": trace.error.kind})
    reader = _READERS.get(family(trace.condition), _answer)
    return reader(_Answered(here, trace, verdict))


@dataclass(frozen=True, slots=True)
class _Answered:
    here: Situation
    trace: Trace
    verdict: Verdict


def _answer(it: _Answered) -> Read:
    """A wrong answer is ``doubtful`` where it is another one than as is, and may be right for all that can be told."""
    reading, refused = _graded(it.verdict.right), it.verdict.refused
    if reading is not Reading.FAIL:
        return Read(reading, {"refused": refused})
    before, now = it.here.as_is.response, it.trace.response
    same = _same(before, now)
    near = it.verdict.unsure or _read_off(it) or comes_nearer(it.here.case, before, now)
    other = same is False and not refused and not {"behaviour", "criteria"} & {*it.verdict.broken}
    doubtful = near and other
    return Read(reading, {"refused": refused, "unchanged": same, "doubtful": doubtful})


def _read_off(it: _Answered) -> bool:
    """Whether the gold, which the prompt lacked as is, supports all that is said now, with every number of the label."""
    prompt, case = it.here.as_is.context, it.here.case
    lacked = prompt is not None and not any(is_gold(p, gold_ids(case)) for p in prompt)
    alone = all(is_gold(p, gold_ids(case)) for p in it.trace.context or ())
    return lacked and alone and it.verdict.supported and numbers_agree(case, it.trace.response)


def _graded(right: bool | None) -> Reading:  # noqa: FBT001 (three-valued, not a switch)
    if right is None:
        return Reading.ERROR
    return Reading.PASS if right else Reading.FAIL


def _contract(it: _Answered) -> Read:
    broken = [c for c in CONTRACT[family(it.trace.condition)] if c in it.verdict.broken]
    held = not broken
    right = held if it.verdict.right is None else it.verdict.right and held
    return Read(_graded(right), {"right": it.verdict.right, "broken": broken})


def _distractors_only(it: _Answered) -> Read:
    right = True if it.verdict.refused else it.verdict.right
    return Read(_graded(right), {"refused": it.verdict.refused, "right": it.verdict.right})


def _closed_book(it: _Answered) -> Read:
    same = _same(it.here.as_is.response, it.trace.response)
    return Read(_graded(it.verdict.right), {"same_as_as_is": same, "refused": it.verdict.refused})


def _same(before: str | None, now: str | None) -> bool | None:
    from evalkit.metrics.consistency import same_meaning

    return None if before is None or now is None else same_meaning(before, now)


def _edited_context(it: _Answered) -> Read:
    edit = _edit_in(it.here, it.trace.context)
    if edit is None or it.trace.response is None:
        return Read(Reading.ERROR, {"edit": None})
    follows = edit.followed_by(it.trace.response)
    unchanged = _same(it.here.as_is.response, it.trace.response)
    detail = {
        "before": edit.before,
        "after": edit.after,
        "follows": follows,
        "unchanged": unchanged,
    }
    return Read(_graded(follows), {**detail, "refused": it.verdict.refused})


def _edit_in(here: Situation, context: Sequence[Passage] | None) -> Edit | None:
    """The edit that was made: ours, where the prompt shows it or shows nothing, else what differs from the gold."""
    planned = edit_of(here)
    text = "\n".join(p.text for p in context or ())
    if planned is not None and (not text or Edit(planned.after, "").within(text)):
        return planned
    gold = {document_of(p.doc_id): p.text for p in oracle(here)}
    for passage in context or ():
        original = gold.get(document_of(passage.doc_id))
        if original is not None and (edit := edit_between(original, passage.text)):
            return edit
    return None


def _deep_retrieval(it: _Answered) -> Read:
    """Found when everything that the prompt lacked stands within the pool."""
    if it.trace.retrieved is None or not required(it.here.case):
        return Read(Reading.ERROR, {})
    needs = lacking(it.here.case, shown(it.here.as_is, it.here.suite.k) or None)
    ranks = [first_rank(it.trace.retrieved, need) for need in needs]
    within = all(rank is not None and rank <= it.here.suite.pool for rank in ranks)
    known = [rank for rank in ranks if rank is not None]
    rank = max(known) if len(known) == len(ranks) else None
    detail = {"rank": rank, "pool": it.here.suite.pool, "depth": len(it.trace.retrieved)}
    return Read(Reading.FOUND if within else Reading.NOT_FOUND, detail)


def first_rank(retrieved: Sequence[Passage], labels: Sequence[str]) -> int | None:
    """The place (from 1) of the first passage that is gold; None where none is."""
    return next((i for i, p in enumerate(retrieved, 1) if is_gold(p, labels)), None)


def _index_lookup(it: _Answered) -> Read:
    """Found when all gold is there; with key points, when each has one of its documents there."""
    labels, held = gold_ids(it.here.case), it.trace.retrieved
    if held is None or not labels:
        return Read(Reading.ERROR, {})
    absent = [label for label in labels if not any(is_gold(p, {label}) for p in held)]
    needs = required(it.here.case) if it.here.case.key_points else [(label,) for label in labels]
    there = all(any(label not in absent for label in need) for need in needs)
    present = [label for label in labels if label not in absent]
    return Read(
        Reading.FOUND if there else Reading.NOT_FOUND, {"present": present, "absent": absent}
    )


_READERS: Mapping[str, Callable[[_Answered], Read]] = {
    "closed_book": _closed_book,
    "distractors_only": _distractors_only,
    "edited_context": _edited_context,
    "deep_retrieval": _deep_retrieval,
    "index_lookup": _index_lookup,
    **dict.fromkeys(CONTRACT, _contract),
}
