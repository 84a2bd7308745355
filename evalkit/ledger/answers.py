"""Reads the stored answers to some cases: what one part of a large run is made of."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from evalkit.errors import StorageError
from evalkit.records import Trace
from evalkit.store.opening import DAMAGE, STORE, damaged, open_to_read, tidy
from evalkit.store.rows import checked
from evalkit.store.verdicts import Said, said_of
from evalkit.traces import trace_from_json

REMEMBERED = 8192  # texts of passages
_QUERY = (
    "SELECT * FROM traces WHERE system = ? AND case_id >= ? AND case_id <= ? "
    "ORDER BY case_id, condition, repeat"
)


class Answers:
    """The traces of a run's store, by ranges of case ids, in the store's own order.

    With ``growing`` what is stored meanwhile is seen as well; else the store is as it is when it is first read.
    """

    def __init__(self, folder: Path, *, growing: bool = False) -> None:
        self.folder = folder
        self._file = folder / STORE
        self._seen: dict[str, str] = {}
        self._db: sqlite3.Connection = open_to_read(self._file)
        if growing:  # and its log does not grow for the sake of a reader that sees nothing new
            self._db.rollback()

    def lines(self, system: str, ids: Collection[str]) -> Iterator[str]:
        """The traces for these cases as lines of traces.jsonl: they are stored as they stand there."""
        for case_id, text in self._texts(system, min(ids), max(ids)):
            if case_id in ids:
                yield text + "\n"

    def of(self, system: str, ids: Collection[str]) -> Iterator[Trace]:
        """The traces of one system for these cases."""
        for case_id, text in self._texts(system, min(ids), max(ids)):
            if case_id in ids:
                yield trace_from_json(self._shared(json.loads(text)), where=self._file)

    def evidence(self, system: str, first: str, last: str) -> Iterator[Said | None]:
        """What was said of a system's answers to these cases, as ``Store.evidence``; of a damaged table nothing."""
        try:
            yield from said_of(self._db, system, first, last)
        except DAMAGE:  # it is judged again
            return

    def _shared(self, trace: Any) -> Any:
        """The trace with the texts of passages that came before: most passages come back for many questions."""
        if len(self._seen) > REMEMBERED:
            self._seen.clear()
        for name in ("retrieved", "context"):
            for passage in trace.get(name) or ():
                text = passage.get("text")
                if text is not None:
                    passage["text"] = self._seen.setdefault(text, text)
        return trace

    def _texts(self, system: str, first: str, last: str) -> Iterator[tuple[str, str]]:
        try:
            for row in self._db.execute(_QUERY, (system, first, last)):
                if not checked(row):
                    answer = " ".join(map(str, row[:4]))
                    raise damaged(self._file, f"the answer {answer} is not as it was written")
                yield row[1], row[5]
        except (*DAMAGE, ValueError) as error:
            raise StorageError(f"{self._file}: cannot be read: {error}") from error

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()
        tidy(self._file)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
