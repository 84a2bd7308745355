"""Where the traces of a long recording stand, each line checked: its second half by a process beside this one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from array import array
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from zlib import crc32

import numpy as np
import numpy.typing as npt

from evalkit.case_file import number_of
from evalkit.errors import InvalidInput
from evalkit.ledger.filing import plain_trace
from evalkit.ledger.words import keep_arrays, kept_arrays
from evalkit.strict.line_file import LARGE, Line, LineSum, lines_of, open_lines, row_of

Key = tuple[str, str, int]
Checked = Callable[
    [Line], Key | None
]  # reads what is not plain; ``InvalidInput`` for what is no trace
Column = npt.NDArray[np.integer]
KINDS = {"starts": "q", "lengths": "q", "lines": "q", "sums": "I", "keys": "Q", "cases": "Q"}


def number_of_key(key: Key) -> int:
    """A number that tells keys apart as good as surely."""
    return number_of("\x1f".join(map(str, key)))


class TraceLines:
    """The columns of one system's traces, in the order of the file; ``others`` are the systems that were passed over."""

    def __init__(self, path: Path, recorded_as: str) -> None:
        self._path, self._recorded_as = path, recorded_as
        self.columns = {name: array(kind) for name, kind in KINDS.items()}
        self.others: set[str] = set()
        self.content = LineSum()  # of all lines, whoever's
        self.unread: list[
            int
        ] = []  # rows that are no plain traces, where nobody reads them at once

    def add(self, line: Line, checked: Checked | None) -> None:
        """Note a line, if it is this system's."""
        self.content.add(line[2])
        try:
            value = row_of(line, self._path).value
            system = value.get("system")
            if isinstance(system, str) and system != self._recorded_as:
                self.others.add(system)
                return
            plain = plain_trace(value) if isinstance(system, str | None) else None
        except InvalidInput:
            if checked is not None:
                raise
            plain = None
        key = None
        if plain is not None:
            key = plain["case_id"], plain["condition"], plain["repeat"]
        elif checked is not None:
            key = checked(line)
        else:
            self.unread.append(len(self.columns["starts"]))
        start, number, raw = line
        row = (start, len(raw), number, crc32(raw), *_numbers(key))
        for column, one in zip(self.columns.values(), row, strict=True):
            column.append(one)

    def read(self, checked: Checked) -> dict[str, Column]:
        """All of the file."""
        with _beside(self._path, self._recorded_as) as beside:
            second = beside
            for line in lines_of(self._path):
                if second is not None and line[0] >= second.start:
                    found = second.found(line[1], checked)
                    if found is not None:
                        self.others |= second.others
                        self.content.total += second.content
                        return {n: np.concatenate([c, found[n]]) for n, c in self._arrays().items()}
                    second = None  # it came to nothing: this process goes on
                self.add(line, checked)
        return self._arrays()

    def keep(self, start: int, file: Path) -> None:
        """Read on from ``start``, and keep what was found for another process."""
        first = 0
        for line in lines_of(self._path, start):
            first = first or line[1]
            self.add(line, None)
        others = np.frombuffer(json.dumps(sorted(self.others)).encode(), np.uint8)
        content = np.frombuffer(self.content.digest(), np.uint8)
        rest = {"unread": np.array(self.unread, np.int64), "first": np.array([first])}
        rest |= {"content": content}
        keep_arrays(file, {**self._arrays(), **rest, "others": others})

    def _arrays(self) -> dict[str, Column]:
        return {name: np.array(column, column.typecode) for name, column in self.columns.items()}


def _numbers(key: Key | None) -> tuple[int, int]:
    return (0, 0) if key is None else (number_of_key(key), number_of(key[0]))


class _Second:
    """The second half of a file, on its way."""

    def __init__(
        self, path: Path, start: int, kept: Path, process: subprocess.Popen[bytes]
    ) -> None:
        self.start, self.others, self.content = start, set[str](), 0
        self._path, self._kept, self._process = path, kept, process

    def found(self, first: int, checked: Checked) -> dict[str, Column] | None:
        """Its columns, what is no plain trace read here; ``first`` is the number of its first line. None where it failed."""
        if self._process.wait() != 0:
            return None
        found = {name: column.copy() for name, column in kept_arrays(self._kept).items()}
        found["lines"] += first - int(found.pop("first")[0])
        self.others |= set(json.loads(found.pop("others").tobytes()))
        self.content = int.from_bytes(found.pop("content").tobytes(), "big")
        with open_lines(self._path) as stream:
            for row in found.pop("unread").tolist():
                start, length, number = (int(found[n][row]) for n in ("starts", "lengths", "lines"))
                stream.seek(start)
                key = checked((start, number, stream.read(length)))
                found["keys"][row], found["cases"][row] = _numbers(key)
        return found


@contextmanager
def _beside(path: Path, recorded_as: str) -> Iterator[_Second | None]:
    """The second half of a long file, which another process reads; None for a shorter one, or with a single processor."""
    start = _middle(path)
    if start is None or (os.cpu_count() or 1) < 2:
        yield None
        return
    with tempfile.TemporaryDirectory(prefix="evalkit-lines-") as folder:
        kept = Path(folder) / "lines"
        order = [str(path.absolute()), recorded_as, str(start), str(kept)]
        command = [sys.executable, "-m", "evalkit.adapters.trace_lines", *order]
        with subprocess.Popen(command, stdin=subprocess.DEVNULL) as process:  # noqa: S603 (our own module)
            try:
                yield _Second(path, start, kept, process)
            finally:
                process.kill()


def _middle(path: Path) -> int | None:
    """Where the first line in the second half of a long file begins."""
    with open_lines(path) as stream:
        size = os.fstat(stream.fileno()).st_size
        stream.seek(size // 2)
        stream.readline()
        return stream.tell() if size > LARGE and stream.tell() < size else None


if __name__ == "__main__":
    of, system, begin, target = sys.argv[1:]
    TraceLines(Path(of), system).keep(int(begin), Path(target))
