"""How much of a long answer and of its context the embedded judge reads, and how it says so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from evalkit.records import Case, Evidence, Passage, Trace

ANSWER = 200_000  # characters of an answer that are read ...
LABEL = 200_000  # ... and of a question, a reference or a key point, which is wanted whole
CONTEXT = 2_000_000  # characters of the passages together
PASSAGES = 20_000  # passages
# Statements are held against sentences: characters of the answer times characters of the references, or of the
# context, that take some seconds. Where one side is very long, less is read of the other.
BESIDE_REFERENCE = 4_000_000_000
BESIDE_CONTEXT = 100_000_000_000


@dataclass(frozen=True, slots=True)
class Portion:
    """A trace as far as it is read; ``answer`` and ``context`` say what was left out of them, if anything was."""

    trace: Trace
    answer: str | None = None
    context: str | None = None
    record: bool = False  # the beginning of a JSON record is no prose


def label_too_long(case: Case) -> str | None:
    """Which label of a case is too long to be judged by, and how long it is; None where all can be."""
    labels = [("query", case.query)]
    labels += [("reference", text) for text in case.reference or ()]
    labels += [("key_points", point.text) for point in case.key_points or ()]
    for name, text in labels:
        if len(text) > LABEL:
            return f"{name} has {len(text):,} characters; the judge reads at most {LABEL:,}"
    return None


def portion(case: Case, trace: Trace) -> Portion:
    """What the judge reads of a trace: the trace itself, unless its answer or its context is very long."""
    found = Portion(trace)
    answer, wanted = trace.response or "", sum(map(len, case.reference or ()))
    most = min(ANSWER, BESIDE_REFERENCE // max(1, wanted))
    if len(answer) > most:
        told = f"the first {most:,} of {len(answer):,} characters of the answer were judged"
        record = answer[:most].lstrip()[:1] in ("{", "[")
        found = Portion(replace(trace, response=answer[:most]), told, None, record)
    shown = trace.context or ()
    kept = _first(shown, min(CONTEXT, BESIDE_CONTEXT // max(1, min(len(answer), most))))
    if kept is None:
        return found
    size, whole = (sum(map(_size, passages)) for passages in (kept, shown))
    told = (
        f"the first {size:,} of {whole:,} characters of the context were read "
        f"({len(kept):,} of {len(shown):,} passages)"
    )
    return replace(found, trace=replace(found.trace, context=kept), context=told)


def _size(passage: Passage) -> int:
    return len(passage.text) + len(passage.title or "")


def _first(passages: Sequence[Passage], most: int) -> tuple[Passage, ...] | None:
    """The first passages, ``most`` characters together at most, the last one cut; None where that is all."""
    left = most
    for place, passage in enumerate(passages[:PASSAGES]):
        if _size(passage) > left:
            title = (passage.title or "")[:left] or None
            text = passage.text[: left - len(title or "")]
            return (*passages[:place], replace(passage, title=title, text=text))
        left -= _size(passage)
    return None if len(passages) <= PASSAGES else tuple(passages[:PASSAGES])


def of_portion(evidence: Evidence, read: Portion) -> Evidence:
    """Evidence about a portion: it says what was left out.

    The answer is judged by what was read of it. What the context that was read does not support may stand in the
    rest: no claim is unsupported, and no citation idle, for that reason alone.
    """
    claims, cited = evidence.claims, evidence.cited
    if read.record:
        claims = cited = None
    if read.context is not None:
        claims = claims and tuple(
            c if c.supported or c.contradicted else replace(c, supported=None) for c in claims
        )
        cited = cited and tuple(held or None for held in cited)
    told = tuple(text for text in (read.answer, read.context) if text is not None)
    return replace(evidence, claims=claims, cited=cited, reasons=(*evidence.reasons, *told))
