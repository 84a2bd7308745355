"""One answer as the case page shows it: its text in marked stretches, its passages by place, its citations."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from evalkit.grade import Graded
from evalkit.pages.case_cut import ITEMS, LINE, TEXT, cut, first, name
from evalkit.pages.shown import gold_of, is_gold
from evalkit.records import Case, Claim, Evidence, Passage, Trace

OTHER = 1_000  # characters of a repeat's or a probe's answer
PASSAGE = 1_200  # characters of a passage
DEEP = (
    2  # passages below DEEP x k are named without their text, unless they are gold or in the prompt
)
GOLD, IN_PROMPT, FORBIDDEN = 1, 2, 4
NOTHING, SUPPORTED, UNSUPPORTED, CONTRADICTED, UNKNOWN = range(5)
_BLANK = re.compile(r"\s*")


def answer_view(case: Case, trace: Trace, evidence: Evidence | None, k: int) -> dict[str, Any]:
    """The shown answer with what was retrieved and what reached the prompt; absent where not observed."""
    said = trace.response
    found: dict[str, Any] = {
        "repeat": trace.repeat,
        "answer": None if said is None else stretches(said, evidence.claims if evidence else None),
        "cut": len(said) if said is not None and len(said) > TEXT else None,
        "error": trace.error and f"{trace.error.kind}: {cut(trace.error.message, LINE)}",
        "action": trace.action and cut(trace.action, LINE),
        "covered": list(first(evidence.covered)) if evidence and evidence.covered else None,
        "judge": evidence and {"error": cut(evidence.error, LINE)}
        if evidence and evidence.error
        else None,
        "seconds": trace.seconds.total,
    }
    if trace.citations is not None:
        cited = evidence.cited if evidence and evidence.cited is not None else ()
        found["cites"] = [
            [name(doc), cited[i] if i < len(cited) else None]
            for i, doc in enumerate(first(trace.citations))
        ] or "none"
    if trace.retrieved is not None:
        found["retrieved"] = _retrieved(case, trace, k)
    if trace.context is not None:
        found["prompt"] = _prompt(case, trace)
    return found


def stretches(text: str, claims: Sequence[Claim] | None) -> Any:
    """The text as [stretch, state, number of the passage in the prompt]; a plain string without claims."""
    shown = text[:TEXT]
    found: list[list[Any]] = []
    end = 0
    for claim in sorted(claims or (), key=lambda c: (c.start, c.end)):
        start, stop = max(claim.start, end), min(claim.end, len(shown))
        blank = _BLANK.match(shown, start)
        start = blank.end() if blank else start
        if start >= stop:
            continue
        if start > end:
            found.append([shown[end:start], NOTHING])
        found.append([shown[start:stop], _state(claim), claim.passage])
        end = stop
    if not found:
        return shown
    return [*found, [shown[end:], NOTHING]] if end < len(shown) else found


def _state(claim: Claim) -> int:
    if claim.contradicted:
        return CONTRADICTED
    if claim.supported is None:
        return UNKNOWN
    return SUPPORTED if claim.supported else UNSUPPORTED


def _key(passage: Passage) -> tuple[str, str | None]:
    return passage.doc_id, passage.chunk_id


def _flagged(case: Case) -> Callable[[Passage], int]:
    """The flags of passages that the labels of a case give them."""
    gold, forbidden = gold_of(case), case.forbidden or ()

    def flags(passage: Passage) -> int:
        labelled = passage.doc_id in gold or passage.chunk_id in gold
        return GOLD * labelled + FORBIDDEN * (passage.doc_id in forbidden)

    return flags


def _retrieved(case: Case, trace: Trace, k: int) -> dict[str, Any]:
    """The ranked list as [passage, flags, score]; how many there are in all where the list is cut."""
    prompt = {_key(p) for p in trace.context or ()}
    found, flagged = trace.retrieved or (), _flagged(case)
    rows = []
    for rank, passage in enumerate(found[:ITEMS]):
        flags = flagged(passage) + IN_PROMPT * (_key(passage) in prompt)
        whole = flags or rank < DEEP * k
        score = None if passage.score is None else float(f"{passage.score:.4g}")
        rows.append([_passage(passage, passage.text if whole else ""), flags, score])
    return {"list": rows, "n": len(found)}


def _prompt(case: Case, trace: Trace) -> dict[str, Any]:
    """The passages of the prompt as [passage, flags, characters kept]; None kept is the whole passage."""
    whole, flagged = {_key(p): p for p in trace.retrieved or ()}, _flagged(case)
    rows = []
    for passage in first(trace.context):
        source = whole.get(_key(passage))
        part = source is not None and len(passage.text) < len(source.text)
        start = part and source is not None and source.text.startswith(passage.text)
        shown = source if start and source is not None else passage
        rows.append(
            [
                _passage(shown, shown.text),
                flagged(passage),
                len(passage.text) if part else None,
            ]
        )
    return {"list": rows, "n": len(trace.context or ())}


def _passage(passage: Passage, text: str) -> tuple[str, str, str, str, int]:
    """Document, chunk, title, text and the length of the whole text: what the pool keeps once."""
    chunk = "" if passage.chunk_id in (None, passage.doc_id) else name(passage.chunk_id or "")
    title = "" if passage.title in (None, passage.doc_id) else cut(passage.title or "", LINE)
    return name(passage.doc_id), chunk, title, text[:PASSAGE], len(passage.text)


def other_view(graded: Graded, index: int) -> list[Any]:
    """A further repeat: its number, whether it passes, what it says."""
    trace = graded.traces[index]
    return [trace.repeat, graded.passed(index), _said(trace)]


def probe_view(case: Case, graded: Graded, index: int) -> list[Any]:
    """An answer under a probe: condition, repeat, whether it passes, what it says, rank of gold in its list."""
    trace = graded.traces[index]
    rank = None
    if trace.retrieved is not None:
        gold = (i for i, passage in enumerate(trace.retrieved, 1) if is_gold(case, passage))
        rank = [next(gold, 0), len(trace.retrieved)]
    return [trace.condition, trace.repeat, graded.passed(index), _said(trace), rank]


def _said(trace: Trace) -> str:
    if trace.response is not None:
        return cut(trace.response, OTHER)
    return cut(f"{trace.error.kind}: {trace.error.message}", LINE) if trace.error else ""
