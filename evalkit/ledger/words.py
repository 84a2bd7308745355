"""Columns of few distinct values, and long columns of texts, each in a few bytes a row."""

from __future__ import annotations

import json
import math
import mmap
from array import array
from bisect import bisect_left
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, overload

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Codes = npt.NDArray[np.signedinteger[Any]]
SHORT = 64  # bytes of a text up to which very many are sorted side by side
AT_ONCE = 4096  # rows that are numbers of Python's own at a time


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
        return cls(narrow(codes), tuple(known))

    def __len__(self) -> int:
        return len(self.codes)

    def __iter__(self) -> Iterator[Any]:
        return map(self.words.__getitem__, numbers(self.codes))

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


def keep_arrays(file: Path, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
    """Keep small arrays in one file: what each is, and all of their bytes; thousands are read back faster than from an archive."""
    told = {name: [array.dtype.str, array.shape] for name, array in arrays.items()}
    with file.open("wb") as stream:
        stream.write(json.dumps(told).encode("ascii") + b"\n")
        stream.writelines(array.tobytes() for array in arrays.values())


def mapped(file: Path) -> mmap.mmap | bytes:
    """The bytes of a file, read where they are looked at."""
    if not file.stat().st_size:
        return b""
    with file.open("rb") as stream:
        return mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)


def kept_arrays(file: Path, *, in_place: bool = False) -> dict[str, npt.NDArray[Any]]:
    """What ``keep_arrays`` kept, not to be written to; ``in_place`` they stay in the file, and are read where they are looked at."""
    block = mapped(file) if in_place else file.read_bytes()
    place = block.find(b"\n") + 1
    told = block[: place - 1]
    found: dict[str, npt.NDArray[Any]] = {}
    for name, (kind, shape) in json.loads(told).items():
        count = math.prod(shape)
        found[name] = np.frombuffer(block, kind, count, place).reshape(shape)
        place += found[name].nbytes
    return found


def narrow(values: npt.NDArray[np.signedinteger[Any]]) -> Any:
    """Whole numbers in as few bytes each as hold them all."""
    most, least = int(values.max(initial=0)), int(values.min(initial=0))
    kinds: tuple[type[np.signedinteger[Any]], ...] = (np.int8, np.int16, np.int32)
    for kind in kinds:
        if most <= np.iinfo(kind).max and least >= np.iinfo(kind).min:
            return values.astype(kind)
    return values


def slim(column: npt.NDArray[Any]) -> Any:
    """A column in few bytes: once where all rows hold the same, whole numbers as ``narrow`` has them."""
    first = column[:1].copy()
    if len(column) and column[-1] != column[0] == column[0]:
        return narrow(column) if column.dtype.kind == "i" else column
    if len(column) and np.array_equal(column, np.broadcast_to(first, column.shape), equal_nan=True):
        return np.broadcast_to(first, column.shape)
    return narrow(column) if column.dtype.kind == "i" else column


def numbers(column: npt.NDArray[Any]) -> Iterator[Any]:
    """The entries of a column as Python has them, some thousands at a time."""
    for start in range(0, len(column), AT_ONCE):
        yield from column[start : start + AT_ONCE].tolist()


class Texts(Sequence[str]):
    """Very many texts, such as the ids of all cases, as one block of bytes."""

    def __init__(self, block: bytes | mmap.mmap, ends: Ints) -> None:
        self._block, self._ends = block, ends

    @classmethod
    def of(cls, texts: Iterable[str]) -> Texts:
        """These texts, in their order."""
        block, ends = bytearray(), array("q")
        for text in texts:
            block += text.encode("utf-8", "surrogatepass")
            ends.append(len(block))
        return cls(bytes(block), narrow(np.array(ends, np.int64)))

    def parts(self) -> tuple[npt.NDArray[np.uint8], Ints]:
        """The block and the ends of the texts in it, as arrays."""
        return np.frombuffer(self._block, np.uint8), self._ends

    def order(self) -> Ints:
        """The places of the texts as sorting them gives it."""
        lengths = np.diff(self._ends, prepend=0)
        width = int(lengths.max(initial=0))
        # numpy takes no zero at the end of a text
        if not 0 < width <= SHORT or b"\0" in self._block:
            return np.array(sorted(range(len(self)), key=self.__getitem__), np.int64)
        padded = np.zeros((len(self), width), np.uint8)
        padded[np.arange(width) < lengths[:, None]] = self.parts()[0]
        # UTF-8 sorts as the characters do.
        return np.argsort(padded.view(f"S{width}").ravel(), kind="stable")

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
        for end in numbers(self._ends):
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

    def at(self, rows: npt.NDArray[Any]) -> Chosen:
        """Some of these."""
        return Chosen(self._texts, self._rows[rows])

    def __iter__(self) -> Iterator[str]:
        return (self._texts[row] for row in numbers(self._rows))


def find(texts: Sequence[str], text: str) -> int | None:
    """The place of a text among sorted ones; None where it is not one of them."""
    place = bisect_left(texts, text)
    return place if place < len(texts) and texts[place] == text else None


def chosen(texts: Sequence[str], rows: npt.NDArray[Any]) -> Sequence[str]:
    """Some texts by number; of very many, each is made when asked for."""
    return texts.at(rows) if isinstance(texts, Chosen) else tuple(texts[i] for i in rows.tolist())


def listed(texts: Sequence[str]) -> Sequence[str]:
    """Texts as JSON takes them: as a list, but for very many, which are made one by one as they are written."""
    return texts if isinstance(texts, Chosen) else list(texts)
