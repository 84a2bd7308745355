"""Who sent a paper: parties remembered from training by what only they print, or read from passages."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from evalkit.local.units import cells
from evalkit.records import Passage

Record = Mapping[str, Any]

HEAD = 8  # cells at the head of a paper, where the sender stands


@dataclass(frozen=True, slots=True)
class Parties:
    """Fields that only ever come together (a name and its id), and the printed cells that tell which.

    ``shapes`` are patterns of the fields' values, for reading them off a passage.
    """

    names: tuple[str, ...]
    records: tuple[Record, ...]
    by_cell: Mapping[str, int]
    shapes: Mapping[str, re.Pattern[str]]

    def recall(self, text: str) -> Record | None:
        """The party whose cells the paper shows most; ``None`` where it shows none of any."""
        votes = Counter(
            self.by_cell[cell] for cell in set(map(_key, cells(text))) if cell in self.by_cell
        )
        if not votes:
            return None
        best, _ = max(votes.items(), key=lambda pair: (pair[1], -pair[0]))
        return self.records[best]

    def nearest(self, text: str) -> Record:
        """The known party whose name is most like something on the paper: a guess."""
        from rapidfuzz.process import extractOne

        names = [str(record[self.names[0]]) for record in self.records]
        matches = [extractOne(cell, names) for cell in cells(text)[:HEAD]]
        best = max(matches, key=lambda match: match[1], default=None)
        return self.records[best[2] if best else 0]

    def read(self, passage: Passage) -> Record:
        """The party that a passage describes: its title, and ids by their shape."""
        found: dict[str, Any] = {}
        for name in self.names:
            shape = self.shapes.get(name)
            match = shape.search(passage.text) if shape else None
            found[name] = match.group() if match else passage.title or passage.text.split(",")[0]
        return found


def _key(cell: str) -> str:
    return "".join(character for character in cell.casefold() if character.isalnum())


def learn_parties(
    papers: Sequence[str], records: Sequence[Record], names: Sequence[str]
) -> Parties:
    """Remember, for each party, the cells that no other party's papers show."""
    parties: dict[tuple[Any, ...], int] = {}
    seen: dict[str, set[int]] = defaultdict(set)
    kept: list[Record] = []
    for text, record in zip(papers, records, strict=True):
        key = tuple(record[name] for name in names)
        if key not in parties:
            parties[key] = len(kept)
            kept.append({name: record[name] for name in names})
        for cell in set(map(_key, cells(text))):
            if len(cell) > 3:
                seen[cell].add(parties[key])
    own = {cell: next(iter(who)) for cell, who in seen.items() if len(who) == 1}
    return Parties(tuple(names), tuple(kept), own, _shapes(kept, names))


def _shapes(records: Sequence[Record], names: Sequence[str]) -> dict[str, re.Pattern[str]]:
    """A pattern for each field all of whose values look alike (``V-0417``), letters kept as they are."""
    shapes: dict[str, re.Pattern[str]] = {}
    for name in names:
        looks = {re.sub(r"\d", "9", str(record[name])) for record in records}
        if len(looks) == 1 and "9" in (look := looks.pop()):
            shapes[name] = re.compile(
                rf"(?<!\w){re.escape(look).replace('9', chr(92) + 'd')}(?!\w)"
            )
    return shapes
