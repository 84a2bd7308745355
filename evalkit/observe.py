"""The facts of one graded trace: everything the causes may look at, read off scores and evidence."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TypedDict

from evalkit.conditions.nearness import near_label
from evalkit.conditions.reading import first_rank
from evalkit.facts import Facts, Point, Reach, points
from evalkit.fields import invented, left_empty, wrong_fields
from evalkit.grade import Graded
from evalkit.judges.cited import names_of
from evalkit.judges.portion import portion
from evalkit.metrics.format_errors import format_errors
from evalkit.metrics.style import style_report
from evalkit.records import Case, Claim, Evidence, Suite, Trace
from evalkit.said import Text, said_in
from evalkit.sources import foreign_gold, other_source, rival, stale_documents
from evalkit.text.citation_marks import without_marks
from evalkit.text.extract import parse_json


class _OfRecord(TypedDict):
    left_empty: bool
    invented: tuple[str, ...]


SURELY_RIGHT = 0.8  # probability from which on an answer is right beyond doubt ...
COVERED = 0.5  # ... and below which a key point is not in it


def facts_of(suite: Suite, case: Case, graded: Graded, index: int, repeats: Sequence[int]) -> Facts:
    """Everything the causes may look at for trace number ``index``."""
    trace, evidence = _as_read(case, graded.traces[index]), graded.evidence[index]
    right = graded.outcomes.right[index]
    broken = graded.outcomes.broken[index]
    asked = said_in(case.query, *(message.content for message in case.messages or ()))
    prose = evidence is not None and case.reference_object is None
    doubted = [c for c in evidence.claims or () if _doubted(c)] if prose and evidence else []
    claims = doubted if doubted and not foreign_gold(suite, case) else []
    wrong = _right(trace, right, broken)
    source = other_source(case, trace) if wrong is False or right is False else None
    return Facts(
        case=case,
        trace=trace,
        approach=graded.approach,
        k=suite.k,
        right=wrong,
        refused=graded.scores.value("refused", index) == 1.0,
        broken=broken,
        points=_unread(points(suite, trace, case, evidence, graded.approach), suite, case, trace),
        unsupported=_texts(
            c for c in claims if c.supported is False and not c.contradicted and not asked(c.text)
        ),
        contradicted=_texts(c for c in claims if c.contradicted),
        other_source=source,
        stale=stale_documents(suite, case, trace),
        leaked=tuple(
            d for d in case.forbidden or () if d in {p.doc_id for p in trace.context or ()}
        ),
        repeats_right=sum(graded.passed(i) is True for i in repeats),
        repeats=len(repeats),
        notes=_notes(graded, index, broken, case),
        rival=rival(suite, case, source) if right is False else None,
        split=split(evidence),
        near=right is False and not broken and near_label(case, trace.response),
        **_of_record(case, trace, right=right),
    )


def _doubted(claim: Claim) -> bool:
    """Whether a claim may be one that the context does not support, or speaks against."""
    return claim.supported is False or bool(claim.contradicted)


def _of_record(case: Case, trace: Trace, *, right: bool | None) -> _OfRecord:
    """What is to be said of the wrong fields of a record as a whole."""
    if right is not False or case.reference_object is None:
        return {"left_empty": False, "invented": ()}
    wrong = wrong_fields(case.reference_object, trace.response, case.schema)
    told = Text(
        case.query, json.dumps(case.inputs, ensure_ascii=False, default=str), *_shown(trace)
    )
    return {
        "left_empty": left_empty(case.reference_object, wrong),
        "invented": invented(wrong, lambda value: value in told.plain or told.says(value)),
    }


def _shown(trace: Trace) -> Iterator[str]:
    return (f"{p.title or ''}\n{p.text}" for p in trace.context or ())


def split(evidence: Evidence | None) -> bool:
    """Whether a judge holds the answer for right as a whole, and finds none of its key points in it."""
    if evidence is None or not evidence.covered or evidence.correct is None:
        return False
    none = all(share is not None and share < COVERED for share in evidence.covered)
    return none and evidence.correct >= SURELY_RIGHT


def _as_read(case: Case, trace: Trace) -> Trace:
    """The trace as the judge reads it: as much of a very long answer and context, and without what only cites.

    A record is looked at whole.
    """
    read = portion(case, trace).trace
    if case.reference_object is None and case.schema is None:
        plain = without_marks(read.response or "", names_of(case, read))
        return read if plain == (read.response or "") else replace(read, response=plain)
    return read if read is trace else replace(read, response=trace.response)


def _unread(found: tuple[Point, ...], suite: Suite, case: Case, trace: Trace) -> tuple[Point, ...]:
    """The points, where a record was declined for want of every gold document: all of them rest on those.

    A field that no document words, such as a yes or no, else counts as told by the question.
    """
    gold = tuple(d for d, grade in (case.relevant or {}).items() if grade > 0)
    shown = (p.doc_id for p in trace.context or ())
    if case.reference_object is None or trace.context is None or not gold:
        return found
    if any(p.evidence for p in found) or not set(gold).isdisjoint(shown):
        return found
    if parse_json(trace.response or "").extractable:
        return found
    rank = first_rank(trace.retrieved or (), gold)
    reach = Reach.INDEXED if rank is None else Reach.TOP_K if rank <= suite.k else Reach.POOLED
    return tuple(replace(p, evidence=gold, reach=reach, rank=rank) for p in found)


def _right(trace: Trace, right: bool | None, broken: Sequence[str]) -> bool | None:  # noqa: FBT001 (three-valued)
    """Whether the answer is right: unwanted behaviour is not, and an error says nothing of any stage."""
    if trace.error is not None:
        return None
    return False if "behaviour" in broken else right


def _texts(claims: Iterator[Claim]) -> tuple[str, ...]:
    return tuple(claim.text for claim in claims)


def _notes(graded: Graded, index: int, broken: Sequence[str], case: Case) -> Mapping[str, str]:
    """What a person needs to check a broken contract: the rule, the field or the document."""
    trace = graded.traces[index]
    found = {name: graded.scores.columns[name].notes.get(index, "") for name in broken}
    if "style" in found and case.style is not None:
        report = style_report(case.style, trace.response or "")
        found["style"] = "style rules broken: " + ", ".join(
            r for r, held in report.items() if not held
        )
    if "schema_valid" in found and case.schema is not None:
        errors = format_errors(parse_json(trace.response or ""), case.schema)
        listed = "; ".join(f"{e.pointer or '(whole answer)'} {e.kind}" for e in errors[:3])
        found["schema_valid"] = f"the output breaks its schema: {listed}"
    if "citation_precision" in found:
        found["citation_precision"] = _bad_citations(trace, graded.evidence[index])
    return {name: note for name, note in found.items() if note}


def _bad_citations(trace: Trace, evidence: Evidence | None) -> str:
    shown = {p.doc_id for p in trace.context or ()} | {p.chunk_id for p in trace.context or ()}
    cited = trace.citations or ()
    absent = [name for name in cited if name not in shown]
    if absent:
        return f"cited, but not in the prompt: {', '.join(absent[:3])}"
    supports = evidence.cited if evidence and evidence.cited else (None,) * len(cited)
    idle = [name for name, held in zip(cited, supports, strict=True) if held is False]
    return f"cited, but supports nothing that is said: {', '.join(idle[:3])}" if idle else ""
