"""Faults on the way from the corpus to the prompt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from evalkit.faults.drafts import sentences, told_by_documents
from evalkit.faults.fault import Fault, Passages, Scene
from evalkit.faults.labels import evidence_in, gold_of, older_versions, points_of, squeezed
from evalkit.records import Case, Document, Expected, KeyPoint, Outcome, Passage, Suite
from evalkit.text.sentences import spans
from evalkit.text.tokens import stem_set

LEAST_WORDS = 5  # content words of a chunk that is worth returning


def answerable(suite: Suite, case: Case) -> bool:
    """The case wants an answer, and its evidence is in the corpus."""
    gold = gold_of(case)
    wants = case.expected not in (Expected.REFUSE, Expected.CLARIFY)
    return wants and bool(gold) and all(d in suite.corpus for d in gold)


def _without(passages: Sequence[Passage], documents: frozenset[str]) -> list[Passage]:
    return [p for p in passages if p.doc_id not in documents]


def _dropped(scene: Scene, found: Passages) -> list[Passage]:
    """Evidence nowhere in the candidate list; in half of the cases it turns up far below the pool."""
    rest = _without(found, scene.lost)
    gold = [p for p in found if p.doc_id in scene.lost]
    far = scene.suite.pool + scene.random.randint(3, 25)
    if scene.random.random() < 0.5 and len(rest) > far:
        rest[far:far] = gold
    return rest


def _hidden(scene: Scene, found: Passages) -> list[Passage]:
    return _without(found, scene.lost)


def _known(scene: Scene, doc_id: str) -> bool:
    return doc_id not in scene.lost


def _pushed(scene: Scene, found: Passages) -> list[Passage]:
    """Evidence between k and the pool."""
    rest = _without(found, scene.lost)
    gold = [p for p in found if p.doc_id in scene.lost]
    low, high = scene.suite.k, max(scene.suite.k, scene.suite.pool - len(gold))
    place = scene.random.randint(low, high)
    return [*rest[:place], *gold, *rest[place:]]


def _enough_others(suite: Suite, case: Case) -> bool:
    return answerable(suite, case) and len(suite.corpus) > suite.pool


# --- chunks ----------------------------------------------------------------------------------


Spans = frozenset[tuple[int, int]]


def _evidence(suite: Suite, case: Case, document: Document) -> Spans:
    """The sentences of a document that the right answer rests on."""
    if case.reference_object is not None:
        values = [v.casefold() for v in told_by_documents(case, suite.corpus)]
        cut = [(a, b, document.text[a:b].casefold()) for a, b in spans(document.text)]
        return frozenset((a, b) for a, b, text in cut if any(v in text for v in values))
    points = [p for p in points_of(case) if document.doc_id in p.evidence]
    return frozenset(s for p in points for s in evidence_in(p.text, document.text))


def _splittable(suite: Suite, case: Case) -> bool:
    """Every document with evidence has a stretch worth a chunk that holds none of it."""
    if not answerable(suite, case):
        return False
    documents = [suite.corpus[d] for d in gold_of(case)]
    rests = [_rest(d, e) for d in documents if (e := _evidence(suite, case, d))]
    return bool(rests) and all(rests)


def _rest(document: Document, evidence: Spans) -> str:
    """The longest run of sentences without evidence; empty when it is too short for a chunk."""
    best, start, end = "", None, 0
    for span in (*spans(document.text), None):
        if span is None or span in evidence:
            if start is not None and end - start > len(best):
                best = document.text[start:end]
            start = None
        else:
            start, end = (span[0] if start is None else start), span[1]
    return best if len(stem_set(best)) >= LEAST_WORDS else ""


def _split(scene: Scene, found: Passages) -> list[Passage]:
    return [_chunk(scene, p) if p.doc_id in scene.lost else p for p in found]


def _chunk(scene: Scene, passage: Passage) -> Passage:
    document = scene.suite.corpus[passage.doc_id]
    text = _rest(document, _evidence(scene.suite, scene.case, document)) or passage.text
    return replace(passage, text=text, chunk_id=f"{passage.doc_id}#{scene.random.randint(1, 3)}")


# --- the prompt ------------------------------------------------------------------------------


def _cut(scene: Scene, context: Passages) -> list[Passage]:
    """The budget ends before the evidence: its passage is left out, or cut off above it."""
    if scene.question.budget is not None:
        return list(context)
    kept: list[Passage] = []
    for passage in context:
        if passage.doc_id not in scene.lost:
            kept.append(passage)
        elif scene.random.random() < 0.5 and (head := _head(scene, passage)):
            kept.append(replace(passage, text=head))
    return kept


def _head(scene: Scene, passage: Passage) -> str:
    """The passage up to its first sentence of evidence; empty when that would leave next to nothing."""
    document = scene.suite.corpus[passage.doc_id]
    starts = [start for start, _ in _evidence(scene.suite, scene.case, document)]
    text = passage.text[: min(starts, default=0)].rstrip()
    return text if len(stem_set(text)) >= LEAST_WORDS else ""


# --- access and age --------------------------------------------------------------------------


def _leaked(scene: Scene, found: Passages) -> list[Passage]:
    names = [d for d in scene.case.forbidden or () if d in scene.suite.corpus]
    listed = _without(found, frozenset(names))
    for name in names:
        place = scene.random.randint(0, min(scene.suite.k - 1, len(listed)))
        listed.insert(place, _whole(scene.suite.corpus[name]))
    return listed


def _whole(document: Document) -> Passage:
    return Passage(document.doc_id, f"{document.doc_id}#0", document.text, document.title)


def _has_forbidden(suite: Suite, case: Case) -> bool:
    return any(d in suite.corpus for d in case.forbidden or ())


def _targets(case: Case) -> tuple[KeyPoint, ...]:
    return tuple(point for point in case.key_points or () if point.evidence)


def _old(suite: Suite, case: Case) -> dict[str, str]:
    """Gold document -> the older version that says something else on a key point."""
    found = {}
    for point in _targets(case):
        for doc_id in point.evidence:
            for old in older_versions(suite, doc_id):
                if _differs(suite.corpus[doc_id], suite.corpus[old], point.text):
                    found[doc_id] = old
    return found


def _differs(new: Document, old: Document, statement: str) -> bool:
    there = squeezed(old.text)
    rests_on = [new.text[a:b] for a, b in evidence_in(statement, new.text)]
    says_old = bool(evidence_in(statement, old.text))
    return says_old and any(squeezed(sentence) not in there for sentence in rests_on)


def _outdated(suite: Suite, case: Case) -> bool:
    return answerable(suite, case) and bool(_old(suite, case))


def _served_old(scene: Scene, found: Passages) -> list[Passage]:
    """The older version at the place of the gold document."""
    old = _old(scene.suite, scene.case)
    return [_whole(scene.suite.corpus[old[p.doc_id]]) if p.doc_id in old else p for p in found]


def _answered_old(scene: Scene, given: Passages, outcome: Outcome) -> Outcome:
    """What the older version says, where only that one is in the prompt."""
    old, shown = _old(scene.suite, scene.case), {p.doc_id for p in given}
    stale = [o for new, o in old.items() if o in shown and new not in shown]
    if not stale:
        return outcome
    text = scene.suite.corpus[stale[0]].text
    places = {s for p in _targets(scene.case) for s in evidence_in(p.text, text)}
    said = sentences([text[a:b] for a, b in sorted(places)])
    return replace(outcome, response=said, citations=(stale[0],), action="retrieve")


FAULTS = (
    Fault("drop_gold", "retrieval_miss", "the retriever does not find the evidence", answerable,
          retrieved=_dropped),
    Fault("hide_from_index", "corpus_gap", "the evidence is not in the index", answerable,
          retrieved=_hidden, known=_known),
    Fault("push_below_k", "ranking_low", "the evidence comes back below the cut", _enough_others,
          retrieved=_pushed),
    Fault("split_chunks", "chunk_boundary", "the chunk that comes back lacks the evidence", _splittable,
          retrieved=_split),
    Fault("cut_context", "context_truncated", "the evidence is cut on the way into the prompt", answerable,
          shown=_cut),
    Fault("leak_restricted", "access_violation", "a forbidden document reaches the prompt", _has_forbidden,
          retrieved=_leaked),
    Fault("serve_superseded", "stale_document", "an outdated version is served and believed", _outdated,
          retrieved=_served_old, answered=_answered_old),
)  # fmt: skip
