"""Columns of few distinct values, and long columns of texts, each in a few bytes a row."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, overload

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Codes = npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Words:
    """A column of values of which many rows share each: the values once, and a number a row.

    A word is anything JSON can hold, lists as tuples; words stand in the order in which they first occur.
    """

    codes: Codes
    words: tuple[Any, ...]

    @classmethod
    def of(cls, values: Iterable[Hashable]) -> Words:
        """The column of these values."""
        known: dict[Hashable, int] = {}
        codes = np.fromiter((known.setdefault(v, len(known)) for v in values), np.int32)
        return cls(codes, tuple(known))

    def __len__(self) -> int:
        return len(self.codes)

    def __iter__(self) -> Iterator[Any]:
        return map(self.words.__getitem__, self.codes.tolist())

    def __getitem__(self, row: int) -> Any:
        return self.words[self.codes[row]]

    def at(self, rows: npt.NDArray[Any]) -> Words:
        """Some rows of the column, by number or by mask."""
        return Words(self.codes[rows], self.words)

    def are(self, word: Hashable) -> npt.NDArray[np.bool_]:
        """Which rows hold this word."""
        found: npt.NDArray[np.bool_] = self.codes == self._code(word)
        return found

    def _code(self, word: Hashable) -> int:
        return self.words.index(word) if word in self.words else -1


def joined_words(parts: Sequence[Words]) -> Words:
    """Columns one below the other."""
    if len(parts) == 1:
        return parts[0]
    known: dict[Hashable, int] = {}
    codes = []
    for part in parts:
        own = [known.setdefault(word, len(known)) for word in part.words]
        codes.append(np.array(own, np.int32)[part.codes] if own else part.codes)
    return Words(np.concatenate(codes), tuple(known))


class Texts(Sequence[str]):
    """Very many texts, such as the ids of all cases, as one block of bytes."""

    def __init__(self, block: bytes, ends: Ints) -> None:
        self._block, self._ends = block, ends

    @classmethod
    def of(cls, texts: Iterable[str]) -> Texts:
        """These texts, in their order."""
        parts = [text.encode("utf-8", "surrogatepass") for text in texts]
        ends = np.cumsum([len(part) for part in parts], dtype=np.int64)
        return cls(b"".join(parts), ends)

    def parts(self) -> tuple[npt.NDArray[np.uint8], Ints]:
        """The block and the ends of the texts in it, as arrays."""
        return np.frombuffer(self._block, np.uint8), self._ends

    def __len__(self) -> int:
        return len(self._ends)

    @overload
    def __getitem__(self, place: int) -> str: ...
    @overload
    def __getitem__(self, place: slice) -> list[str]: ...
    def __getitem__(self, place: int | slice) -> str | list[str]:
        if isinstance(place, slice):
            return [self[i] for i in range(*place.indices(len(self)))]
        row = range(len(self))[place]
        start = int(self._ends[row - 1]) if row else 0
        return self._block[start : int(self._ends[row])].decode("utf-8", "surrogatepass")

    def __iter__(self) -> Iterator[str]:
        start = 0
        for end in self._ends.tolist():
            yield self._block[start:end].decode("utf-8", "surrogatepass")
            start = end


class Chosen(Sequence[str]):
    """Some of very many texts, by number, each made when asked for."""

    def __init__(self, texts: Sequence[str], rows: npt.NDArray[Any]) -> None:
        self._texts, self._rows = texts, rows

    def __len__(self) -> int:
        return len(self._rows)

    @overload
    def __getitem__(self, place: int) -> str: ...
    @overload
    def __getitem__(self, place: slice) -> Chosen: ...
    def __getitem__(self, place: int | slice) -> str | Chosen:
        if isinstance(place, slice):
            return Chosen(self._texts, self._rows[place])
        return self._texts[int(self._rows[place])]

    def __iter__(self) -> Iterator[str]:
        return (self._texts[row] for row in self._rows.tolist())


def find(texts: Sequence[str], text: str) -> int | None:
    """The place of a text among sorted ones; None where it is not one of them."""
    place = bisect_left(texts, text)
    return place if place < len(texts) and texts[place] == text else None


def listed(texts: Sequence[str]) -> Sequence[str]:
    """Texts as JSON takes them: as a list, but for very many, which are made one by one as they are written."""
    return texts if isinstance(texts, Chosen) else list(texts)
