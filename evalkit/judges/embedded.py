"""The built-in judge: rules over words, numbers, names and negation; no model, no network, no chance."""

from __future__ import annotations

from collections.abc import Sequence

from evalkit.judges.cited import cited
from evalkit.judges.claims import claims
from evalkit.judges.coverage import coverage
from evalkit.judges.equivalence import equivalence
from evalkit.judges.support import Context, assess, read
from evalkit.records import Case, Claim, Evidence, Passage, Trace
from evalkit.text.extract import parse_json
from evalkit.text.refusal import refusal_probability

VERSION = "embedded/2"
IN_REFERENCE = 0.5  # coverage of a claim by a reference from which on the reference has it


class EmbeddedJudge:
    """Grades one trace deterministically and offline, in any language, in about a millisecond.

    ``claims`` is ``None`` when the trace shows no response, or one that is JSON as a whole; their ``supported`` is ``None`` when it
    shows no context. ``covered`` and ``correct`` are ``None`` when the case has no such label.
    Its measured agreement with people is printed by ``benchmarks/embedded_judge.py``.
    """

    name = "embedded"
    fingerprint = VERSION

    def judge(self, case: Case, trace: Trace) -> Evidence:
        """Evidence about one trace; nothing but ``judge`` is set when there is no response."""
        answer = trace.response
        if answer is None:
            return Evidence(judge=self.name)
        found = None if _is_record(answer) else _claims(answer, trace.context, case)
        return Evidence(
            judge=self.name,
            claims=found,
            cited=cited(trace, found),
            covered=_covered(answer, case),
            correct=equivalence(answer, case.reference, case.query) if case.reference else None,
            refused=refusal_probability(answer),
        )


def _is_record(answer: str) -> bool:
    """Whether the answer is JSON as a whole: fields to be compared, not sentences to be supported."""
    parsed = parse_json(answer)
    return parsed.parses and isinstance(parsed.value, dict | list)


def _covered(answer: str, case: Case) -> tuple[float | None, ...] | None:
    if case.key_points is None:
        return None
    return tuple(coverage(point.text, answer, case.query) for point in case.key_points)


def _claims(answer: str, passages: Sequence[Passage] | None, case: Case) -> tuple[Claim, ...]:
    context = None if passages is None else read(tuple(_shown(p) for p in passages), case.query)
    return tuple(_claim(answer, span, context, case.reference) for span in claims(answer))


def _shown(passage: Passage) -> str:
    """A passage with its title, which belongs to what the generator saw."""
    return f"{passage.title}\n\n{passage.text}" if passage.title else passage.text


def _claim(
    answer: str, span: tuple[int, int], context: Context | None, reference: tuple[str, ...] | None
) -> Claim:
    start, end = span
    text = answer[start:end]
    support = None if context is None else assess(text, context)
    return Claim(
        text=text,
        start=start,
        end=end,
        supported=None if support is None else support.supported,
        contradicted=support is not None and support.contradicted,
        passage=None if support is None else support.passage,
        in_reference=_in_reference(text, reference),
    )


def _in_reference(text: str, reference: tuple[str, ...] | None) -> bool | None:
    if not reference:
        return None
    return any(coverage(text, whole) >= IN_REFERENCE for whole in reference)
