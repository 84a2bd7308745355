"""The cases of a file too long to be held: where each stands, and each read when it is asked for."""

from __future__ import annotations

import unicodedata
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

from evalkit.cases import CaseReader
from evalkit.errors import InvalidInput
from evalkit.records import Case
from evalkit.strict.line_file import lines_of, open_lines

if TYPE_CHECKING:  # suites that are not long do without them, and are read sooner
    import numpy as np
    import numpy.typing as npt

    from evalkit.ledger.words import Texts

    Ints = npt.NDArray[np.int64]
    Numbers = npt.NDArray[np.uint64]

LARGE = 10_000  # cases above which a suite is read as a stream, and graded part by part


def number_of(text: str) -> int:
    """A number of 64 bits that tells texts apart as good as surely."""
    return int.from_bytes(blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest())


@dataclass(frozen=True, slots=True)
class Places:
    """Where the cases of a file stand: offset and line of each, their ids, and their order by id."""

    starts: Ints
    lines: Ints
    ids: Texts
    by_id: Ints

    def save(self, file: Path) -> None:
        """Keep it for another process."""
        from evalkit.ledger.words import keep_arrays

        block, ends = self.ids.parts()
        columns = {"starts": self.starts, "lines": self.lines, "by_id": self.by_id, "ends": ends}
        keep_arrays(file, columns)
        file.with_suffix(".ids").write_bytes(block.tobytes())


def load_places(file: Path) -> Places:
    """What ``save`` kept: it stays in the file, of which all processes that read it share what they need."""
    from evalkit.ledger.words import Texts, kept_arrays, mapped

    kept = kept_arrays(file, in_place=True)
    ids = Texts(mapped(file.with_suffix(".ids")), kept["ends"])
    return Places(kept["starts"], kept["lines"], ids, kept["by_id"])


class CaseFile(Sequence[Case]):
    """The cases ``rows`` of a file, all of them if None; nothing but their places is held."""

    def __init__(self, reader: CaseReader, places: Places, rows: range | None = None) -> None:
        self.reader, self.places = reader, places
        self.rows = range(len(places.starts)) if rows is None else rows

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[Case]:
        return self.read(self.rows)

    @overload
    def __getitem__(self, place: int) -> Case: ...
    @overload
    def __getitem__(self, place: slice) -> CaseFile: ...
    def __getitem__(self, place: int | slice) -> Case | CaseFile:
        if isinstance(place, slice):
            return CaseFile(self.reader, self.places, self.rows[place])
        return next(self.read([self.rows[place]]))

    def read(self, rows: Iterable[int]) -> Iterator[Case]:
        """The cases on these rows of the file."""
        places, here = self.places, -1
        with open_lines(self.reader.file) as stream:
            for row in rows:
                start = int(places.starts[row])
                if here != start:
                    stream.seek(start)
                raw = stream.readline()
                here = start + len(raw)
                yield self.reader((start, int(places.lines[row]), raw.rstrip(b"\n")))

    def row(self, case_id: str) -> int | None:
        """The row of the case with this id; None where there is none."""
        ids, by_id = self.places.ids, self.places.by_id
        low, high = 0, len(by_id)
        while low < high:
            middle = (low + high) // 2
            if ids[int(by_id[middle])] < case_id:
                low = middle + 1
            else:
                high = middle
        found = int(by_id[low]) if low < len(by_id) else -1
        return found if found in self.rows and ids[found] == case_id else None


class CasesById(Mapping[str, Case]):
    """The cases of a long file by id, each read when it is asked for."""

    def __init__(self, cases: CaseFile) -> None:
        self._cases = cases

    def __getitem__(self, case_id: str) -> Case:
        row = self._cases.row(case_id)
        if row is None:
            raise KeyError(case_id)
        return next(self._cases.read([row]))

    def __contains__(self, case_id: object) -> bool:
        return isinstance(case_id, str) and self._cases.row(case_id) is not None

    def __iter__(self) -> Iterator[str]:
        return (self._cases.places.ids[row] for row in self._cases.rows)

    def __len__(self) -> int:
        return len(self._cases)


def long_file(cases: Sequence[Case]) -> CaseFile | None:
    """The file that cases are read from when they are asked for; None for cases that are held."""
    return cases if isinstance(cases, CaseFile) else None


def cases_by_id(cases: Sequence[Case]) -> Mapping[str, Case]:
    """Cases by id."""
    file = long_file(cases)
    return {case.id: case for case in cases} if file is None else CasesById(file)


def index_cases(reader: CaseReader, seen: Callable[[Case], Any]) -> CaseFile:
    """Read a file through once, check all of it, and note where each case stands; ``seen`` is told each one."""
    import numpy as np

    from evalkit.ledger.words import Texts, narrow

    starts, lines, folded = array("q"), array("q"), array("Q")

    def noted() -> Iterator[str]:
        for line in lines_of(reader.file):
            case = reader(line)
            starts.append(line[0])
            lines.append(line[1])
            folded.append(number_of(_folded(case.id)))
            seen(case)
            yield case.id

    ids = Texts.of(noted())
    _check_unique(np.frombuffer(folded, np.uint64), ids, lines, reader.file)
    begins, at = np.array(starts, np.int64), narrow(np.array(lines, np.int64))
    return CaseFile(reader, Places(begins, at, ids, narrow(ids.order())))


def _folded(case_id: str) -> str:
    return unicodedata.normalize("NFC", case_id.casefold())


def _check_unique(folded: Numbers, ids: Sequence[str], lines: Sequence[int], file: Path) -> None:
    """``InvalidInput`` for the first id that was given before, also after normalising and case folding."""
    import numpy as np

    order = np.argsort(folded, kind="stable")
    doubled = order[1:][folded[order][1:] == folded[order][:-1]]
    if not len(doubled):
        return
    later = int(doubled.min())
    first = int(np.flatnonzero(folded == folded[later])[0])
    same = "is given twice"
    if ids[first] != ids[later]:
        same = f"differs from {ids[first]!r} only in letter case or Unicode form"
    raise InvalidInput(
        f"id {ids[later]!r} {same}, first on line {lines[first]}",
        file=file,
        line=lines[later],
        field="id",
    )
