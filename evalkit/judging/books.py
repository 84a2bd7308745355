"""What every judge of a run has spent, each under its fingerprint: so that an edited judge is not charged for the one before."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from evalkit.judges.spending import Spending

SPENT = "judge spending"  # the note of a run that holds the books, the present judge's last


@dataclass(frozen=True, slots=True)
class Book:
    """What one judge has spent in all sessions in which it graded the run."""

    name: str
    fingerprint: str
    spent: Spending


def read_books(text: str | None, parts: Mapping[str, str]) -> tuple[Book, ...]:
    """The books in a note; ``parts`` are those of the judge that wrote it, where the note is too old to say."""
    if text is None:
        return ()
    found = json.loads(text)
    last = {"name": parts.get("name", "?"), "fingerprint": parts.get("fingerprint", "?"), **found}
    return tuple(
        Book(one["name"], one["fingerprint"], _spending(one))
        for one in (*found.get("earlier", ()), last)
    )


def books_text(books: Sequence[Book]) -> str:
    """Books as a note, the last one being the present judge's."""
    *earlier, last = (
        {**asdict(one.spent), "name": one.name, "fingerprint": one.fingerprint} for one in books
    )
    return json.dumps({**last, "earlier": earlier} if earlier else last)


def added(books: Iterable[Book]) -> tuple[Book, ...]:
    """One book for each fingerprint, in the order in which they first come."""
    found: dict[str, Book] = {}
    for one in books:
        known = found.get(one.fingerprint)
        sum_ = one.spent if known is None else known.spent + one.spent
        found[one.fingerprint] = replace(one, spent=sum_)
    return tuple(found.values())


def _spending(found: Mapping[str, Any]) -> Spending:
    return Spending(**{name: found[name] for name in Spending.__slots__ if name in found})
