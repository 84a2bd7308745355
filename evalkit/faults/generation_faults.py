"""Faults of the generator: the evidence is there, and the answer goes wrong all the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from evalkit.faults.corrupt import as_object, from_distractor, misread
from evalkit.faults.drafts import ideal, refusal, sentences
from evalkit.faults.fault import Fault, Passages, Scene
from evalkit.faults.labels import dice, points_of
from evalkit.faults.retrieval_faults import answerable
from evalkit.faults.wording import Stock, one_of
from evalkit.records import Case, Expected, KeyPoint, Outcome, Passage, Suite
from evalkit.text.refusal import refusal_probability
from evalkit.text.sentences import spans
from evalkit.text.tokens import stem_set


def _says(outcome: Outcome, response: str, *documents: str) -> Outcome:
    """The outcome with another answer; what it cites stays unless documents are named."""
    cited = documents or outcome.citations
    return replace(outcome, response=response, citations=cited)


def _refused(outcome: Outcome) -> bool:
    if outcome.action is not None or not outcome.response:
        return outcome.action == "refuse" or not outcome.response
    return refusal_probability(outcome.response) >= 0.5


def _has_gold(scene: Scene, given: Passages) -> bool:
    return bool(scene.gold & {p.doc_id for p in given})


def _others(scene: Scene, given: Passages) -> Passages:
    return tuple(p for p in given if p.doc_id not in scene.gold)


# --- led astray by other passages, or by their order -----------------------------------------


def _astray(scene: Scene, given: Passages, outcome: Outcome) -> Outcome:
    """The answer of a distractor wherever there is one."""
    others = _others(scene, given)
    said = from_distractor(scene.case, others, scene.suite)
    return outcome if said is None else _says(outcome, said, others[0].doc_id)


def _distractor_first(scene: Scene, found: Passages) -> list[Passage]:
    """The passage that answers nothing and shares most words with the question wins the first rank.

    Gold that was within k stays there.
    """
    asked, k = stem_set(scene.case.query), scene.suite.k
    others = _others(scene, found)
    best = max(others, key=lambda p: len(stem_set(p.text) & asked), default=None)
    if best is None:
        return list(found)
    rest = [p for p in found if p is not best]
    gold = [p for p in found[:k] if p.doc_id in scene.gold]
    room = [p for p in rest if p not in gold][: max(0, k - 1 - len(gold))]
    head = [p for p in rest if p in gold or p in room]
    return [best, *head, *(p for p in rest if p not in head)]


def _to_the_middle(scene: Scene, found: Passages) -> list[Passage]:
    gold = [p for p in found if p.doc_id in scene.gold]
    rest = list(_others(scene, found))
    middle = max(1, (scene.suite.k - len(gold) + 1) // 2)
    return [*rest[:middle], *gold, *rest[middle:]]


def _unread(scene: Scene, given: Passages) -> list[Passage]:
    """The generator reads gold passages only at the very beginning."""
    first = given[0].doc_id in scene.gold if given else True
    return list(given) if first else list(_others(scene, given))


def _overlooked(scene: Scene, given: Passages, outcome: Outcome) -> Outcome:
    """With the gold passage overlooked it declines, or says what another passage says."""
    if not given or given[0].doc_id in scene.gold or scene.random.random() < 0.3:
        return outcome
    return _astray(scene, given, outcome)


def _has_others(suite: Suite, case: Case) -> bool:
    """There are passages to be distracted by, and for a record they hold values of the same shape."""
    if not answerable(suite, case) or len(suite.corpus) <= suite.k:
        return False
    if case.reference_object is None:
        return case.criteria is None
    gold = set(_documents_of(case))
    others = [Passage(d.doc_id, text=d.text, title=d.title) for d in suite.corpus.values()]
    return from_distractor(case, [p for p in others if p.doc_id not in gold], suite) is not None


def _documents_of(case: Case) -> tuple[str, ...]:
    """Every document that a point of the case rests on, with all that is relevant."""
    named = [d for point in points_of(case) for d in point.evidence]
    return tuple(dict.fromkeys([*named, *(case.relevant or {})]))


# --- wrong from memory, or misread -----------------------------------------------------------


def _from_memory(phrases: Stock, scene: Scene, _given: Passages, outcome: Outcome) -> Outcome:
    """One and the same wrong answer, whatever the passages are and even without any."""
    wrong = misread(ideal(scene.case), scene.case, scene.suite, scene.random, phrases)
    return replace(outcome, response=wrong, action="answer")


def _misread(phrases: Stock, scene: Scene, given: Passages, outcome: Outcome) -> Outcome:
    """The evidence, read wrongly: only where it is in the prompt."""
    if _refused(outcome) or not outcome.response or not _has_gold(scene, given):
        return outcome
    wrong = misread(outcome.response, scene.case, scene.suite, scene.random, phrases)
    return _says(outcome, wrong)


def _wavering(phrases: Stock, scene: Scene, given: Passages, outcome: Outcome) -> Outcome:
    """Right in some repeats, wrong or declining in others; of the first two, just one is right."""
    repeat = scene.question.repeat
    offset = scene.random.randint(0, 1)
    shown = ",".join(p.doc_id for p in given)
    by_chance = dice(scene.seed, scene.case.id, repeat, shown)
    wrong = (repeat + offset) % 2 == 0 if repeat < 2 else by_chance.random() < 0.5
    if not wrong or _refused(outcome):
        return outcome
    if by_chance.random() < 0.25:
        return _declined(phrases, scene, given, outcome)
    changed = misread(outcome.response or "", scene.case, scene.suite, by_chance, phrases)
    return _says(outcome, changed)


def _plain(suite: Suite, case: Case) -> bool:
    return answerable(suite, case) and case.criteria is None


def _prose(suite: Suite, case: Case) -> bool:
    """A case whose answer is running text."""
    return _plain(suite, case) and case.reference_object is None and case.schema is None


# --- too little, too much --------------------------------------------------------------------


def _declined(phrases: Stock, scene: Scene, given: Passages, outcome: Outcome) -> Outcome:
    random = dice(scene.seed, scene.case.id, scene.question.repeat)
    said = refusal(scene.case, random, phrases, given).text
    return replace(outcome, response=said, citations=(), action="refuse")


def _answered_anyway(phrases: Stock, scene: Scene, given: Passages, outcome: Outcome) -> Outcome:
    """A statement where a refusal is due: a passage's, or an invented one."""
    said = from_distractor(scene.case, given, scene.suite) if scene.random.random() < 0.7 else None
    cited = (given[0].doc_id,) if said and given else ()
    invented = scene.random.choice(phrases.inventions)
    return replace(outcome, response=said or invented, citations=cited, action="answer")


def _wants_refusal(_suite: Suite, case: Case) -> bool:
    return case.expected is Expected.REFUSE


def _incomplete(phrases: Stock, scene: Scene, _given: Passages, outcome: Outcome) -> Outcome:
    """Only a part of the points that the answer would have."""
    if _refused(outcome) or as_object(outcome.response or "") is not None:
        return outcome
    points = points_of(scene.case)
    kept = scene.random.sample(range(len(points)), scene.random.randint(1, len(points) - 1))
    joint = one_of(phrases.joints, scene.random)
    return _says(outcome, sentences([points[i].text for i in sorted(kept)], joint))


def _several_points(suite: Suite, case: Case) -> bool:
    """At least two points, none of which says what another says."""
    points = case.key_points or points_of(case)
    plain = case.reference_object is None and case.criteria is None
    apart = all(not _within(a, b) for a in points for b in points if a is not b)
    return answerable(suite, case) and plain and len(points) > 1 and apart


def _within(a: KeyPoint, b: KeyPoint) -> bool:
    words = stem_set(a.text)
    return len(words & stem_set(b.text)) > 0.5 * len(words)


def _embroidered(phrases: Stock, scene: Scene, given: Passages, outcome: Outcome) -> Outcome:
    """A right answer with one or two statements that nothing in the prompt supports."""
    if _refused(outcome) or as_object(outcome.response or "") is not None:
        return outcome
    random = scene.random
    foreign = [_foreign(scene, given)] if random.random() < 0.5 else []
    more = [f for f in foreign if f] or random.sample(phrases.inventions, random.randint(1, 2))
    return _says(outcome, " ".join([outcome.response or "", *more]))


def _foreign(scene: Scene, given: Passages) -> str | None:
    """A full sentence of a document that is neither in the prompt nor gold."""
    shown = {p.doc_id for p in given} | scene.gold
    names = sorted(d for d in scene.suite.corpus if d not in shown)
    for name in scene.random.sample(names, min(8, len(names))):
        text = scene.suite.corpus[name].text
        full = [text[a:b] for a, b in spans(text) if len(stem_set(text[a:b])) >= 6]
        if full:
            return scene.random.choice(full)
    return None


# --- reviews ---------------------------------------------------------------------------------


def _criteria_missed(scene: Scene, _given: Passages, outcome: Outcome) -> Outcome:
    """A review without the lines on some criteria; extra instructions cure it."""
    if _refused(outcome) or scene.question.instructions is not None:
        return outcome
    lines = _lines(outcome.response or "")
    kept = scene.random.sample(range(len(lines)), scene.random.randint(1, max(1, len(lines) - 1)))
    return _says(outcome, "\n".join(lines[i] for i in sorted(kept)))


def _lines(text: str) -> Sequence[str]:
    lines = [line for line in text.splitlines() if line.strip()]
    return lines if len(lines) > 1 else [text[a:b] for a, b in spans(text)]


def _review(_suite: Suite, case: Case) -> bool:
    return bool(case.criteria and case.reference and len(_lines(case.reference[0])) > 1)


def faults(phrases: Stock) -> tuple[Fault, ...]:
    """The faults of the generator; refusals, inventions and denials are worded as the stock has them."""
    return (
        Fault("add_distractor", "noise_distraction", "another passage wins over the gold one", _has_others,
              retrieved=_distractor_first, answered=_astray),
        Fault("bury_in_middle", "position_sensitivity", "gold is read only at the first place", _has_others,
              retrieved=_to_the_middle, read=_unread, answered=_overlooked),
        Fault("answer_from_memory", "parametric_override", "the context is ignored", _plain,
              answered=partial(_from_memory, phrases)),
        Fault("contradict", "misinterpretation", "the evidence is read wrongly", _plain, answered=partial(_misread, phrases)),
        Fault("refuse", "over_refusal", "the answer is declined", answerable, answered=partial(_declined, phrases)),
        Fault("never_refuse", "missing_refusal", "an answer where a refusal is due", _wants_refusal,
              answered=partial(_answered_anyway, phrases)),
        Fault("leave_out", "incomplete_answer", "key points are left out", _several_points,
              answered=partial(_incomplete, phrases)),
        Fault("embroider", "ungrounded_content", "statements without support are added", _prose,
              answered=partial(_embroidered, phrases)),
        Fault("miss_criteria", "missing_criteria", "criteria of a review are passed over", _review,
              answered=_criteria_missed),
        Fault("waver", "inconsistency", "repeats differ", _plain, answered=partial(_wavering, phrases)),
    )  # fmt: skip
