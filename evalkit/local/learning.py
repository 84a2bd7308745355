"""Training: examples -> what a fine-tuned system knows; remembered for the life of the process."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from evalkit.local.form import Form
from evalkit.local.form_training import Retrieve, train_form
from evalkit.local.neighbours import Neighbours
from evalkit.local.training import Example, read_examples
from evalkit.local.voice import Voice, habitual_refusals, learn_voice
from evalkit.text.refusal import refusal_probability

KEPT_REFUSALS = 6
LEAST_RECORDS = 30  # examples of one form from which it can be learned


@dataclass(frozen=True, slots=True)
class Learned:
    """What training left behind; parts for which there were no examples are ``None`` or empty.

    ``form_refusals`` are the answers to papers that the form does not fit.
    """

    examples: tuple[Example, ...] = ()
    neighbours: Neighbours | None = None
    voice: Voice = field(default_factory=Voice)
    refusals: tuple[str, ...] = ()
    form: Form | None = None
    form_refusals: tuple[str, ...] = ()


def learn(path: Path | None, key: str = "", retrieve: Retrieve | None = None) -> Learned:
    """What the train file teaches; trained once a process for a file and a retriever (named by ``key``)."""
    if path is None:
        return Learned()
    state = path.stat()
    known = (path.resolve(), state.st_mtime_ns, state.st_size, key)
    if known not in _REMEMBERED:
        _REMEMBERED[known] = train(read_examples(path), retrieve)
    return _REMEMBERED[known]


_REMEMBERED: dict[tuple[Path, int, int, str], Learned] = {}


def train(examples: Sequence[Example], retrieve: Retrieve | None = None) -> Learned:
    """Learn voice, refusals and answers from the text examples, a form from the objects."""
    records = _one_form(examples)
    names = tuple(records[0].fields or ()) if records else ()
    declined = [e for e in examples if e.text and _mentions(e.query, names)] if names else []
    told = [e for e in examples if e.text and e not in declined]
    refusals = [e.text for e in told if e.text and refusal_probability(e.text) > 0.5]
    return Learned(
        examples=tuple(examples),
        neighbours=_neighbours([e for e in examples if e not in declined and e not in records]),
        voice=learn_voice([e.text for e in told if e.text and e.text not in refusals]),
        refusals=habitual_refusals(refusals),
        form=_form(records, declined, retrieve) if records else None,
        form_refusals=tuple(
            text
            for text, _ in Counter(e.text for e in declined if e.text).most_common(KEPT_REFUSALS)
        ),
    )


def paper_part(query: str) -> str:
    """What follows the first empty line of a question."""
    return query.partition("\n\n")[2] or query


def _one_form(examples: Sequence[Example]) -> list[Example]:
    """The examples with the commonest set of field names, if there are enough of them."""
    shapes = Counter(tuple(e.fields) for e in examples if e.fields)
    if not shapes or shapes.most_common(1)[0][1] < LEAST_RECORDS:
        return []
    shape = shapes.most_common(1)[0][0]
    return [e for e in examples if e.fields and tuple(e.fields) == shape]


def _mentions(query: str, names: Sequence[str]) -> bool:
    return sum(name in query for name in names) > len(names) / 2


def _neighbours(examples: Sequence[Example]) -> Neighbours | None:
    told = [
        Example(e.query, json.dumps(e.fields, ensure_ascii=False), None) if e.fields else e
        for e in examples
    ]
    return Neighbours(told) if told else None


def _form(
    records: Sequence[Example], declined: Sequence[Example], retrieve: Retrieve | None
) -> Form:
    return train_form(
        [paper_part(e.query) for e in records],
        [e.fields or {} for e in records],
        [paper_part(e.query) for e in declined],
        retrieve,
    )
