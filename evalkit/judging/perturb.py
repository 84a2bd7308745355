"""The same answer put differently: changes that no verdict may depend on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from evalkit.judging.labels import Labelled

Change = Callable[[Labelled], Labelled | None]
ALIKE = 1.5  # how many times longer of two answers one may be to be exchanged for the other


def passages_reversed(row: Labelled) -> Labelled | None:
    """The passages in the opposite order; None with fewer than two different ones."""
    context = row.trace.context or ()
    if len({p.text for p in context}) < 2:
        return None
    return replace(row, trace=replace(row.trace, context=context[::-1], citations=None))


def references_reversed(row: Labelled) -> Labelled | None:
    """The references, any one of which suffices, in the opposite order; None with fewer than two."""
    reference = row.case.reference or ()
    if len(set(reference)) < 2:
        return None
    return replace(row, case=replace(row.case, reference=reference[::-1]))


def answers_swapped(row: Labelled) -> Labelled | None:
    """Answer and reference in each other's place; None unless there is one reference, of about the answer's length.

    Two answers that mean the same do so in either order. That is not so of a word and a whole sentence, which says
    more: neither may be longer than one and a half times the other.
    """
    reference, answer = row.case.reference or (), row.trace.response or ""
    if len(reference) != 1 or not answer.strip() or answer == reference[0]:
        return None
    shorter, longer = sorted((len(answer), len(reference[0])))
    if longer > ALIKE * shorter:
        return None
    case = replace(row.case, reference=(answer,))
    return replace(row, case=case, trace=replace(row.trace, response=reference[0]))


def said_twice(row: Labelled) -> Labelled | None:
    """The answer, and the same answer again: longer, and nothing added; None for an empty one."""
    return _longer(row, f"{row.trace.response}\n\n{row.trace.response}")


def question_restated(row: Labelled) -> Labelled | None:
    """The question repeated before the answer: longer, and nothing added; None for an empty answer or question."""
    return _longer(row, f"{row.case.query}\n\n{row.trace.response}") if row.case.query else None


def _longer(row: Labelled, text: str) -> Labelled | None:
    if not (row.trace.response or "").strip():
        return None
    return replace(row, trace=replace(row.trace, response=text))


POSITION: dict[str, Change] = {
    "passages_reversed": passages_reversed,
    "references_reversed": references_reversed,
    "answers_swapped": answers_swapped,
}
PADDING: dict[str, Change] = {"said_twice": said_twice, "question_restated": question_restated}
