"""Calls of a judge that were begun and never ended: noted in a small file before each goes out, and when it is over."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from itertools import count
from pathlib import Path
from typing import Any

from evalkit.adapters.transport import PostJson, Reply
from evalkit.errors import EndpointUnusable, StorageError

FILE = "judge-calls.begun"
BEGUN, ENDED = "+", "-"
_sent: ContextVar[list[str]] = ContextVar(
    "sent"
)  # of the call that is being made: its name, once it goes out


class UnderWay:
    """The file of one run folder, appended to by every judge that makes calls there.

    A line is written before a call is made and another when what came of it is recorded, so that whatever ends the
    process the calls that were under way are known. Like the record of calls it is not synced: it survives the end
    of the process, not a power cut. Raises ``StorageError`` where it cannot be written: then no call is made.
    """

    def __init__(self, folder: Path) -> None:
        self.file = folder / FILE
        self._mine, self._numbers = secrets.token_hex(4), count(1)

    @contextmanager
    def call(self) -> Iterator[list[str]]:
        """Around a call; what then goes out through ``Noted`` is this call. Its name, once it goes out, is to be ended.

        A call that is broken off, as all are where the process dies, never ends, nor does one that got no
        reply before its endpoint was given up; one that is refused does.
        """
        names: list[str] = []
        token = _sent.set(names)
        try:
            yield names
        except EndpointUnusable as error:
            if not error.lost:
                self.end(*names)
            raise
        finally:
            _sent.reset(token)

    def begin(self) -> str:
        """Note a call that goes out now; its name."""
        name = f"{self._mine}-{next(self._numbers)}"
        self._write(f"{BEGUN}{name}\n")
        return name

    def end(self, *names: str) -> None:
        """Note that calls are over and recorded."""
        self._write("".join(f"{ENDED}{name}\n" for name in names))

    def _write(self, lines: str) -> None:
        if not lines:
            return
        try:
            number = os.open(self.file, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600)
            try:
                os.write(number, lines.encode("ascii"))
            finally:
                os.close(number)
        except OSError as error:
            raise StorageError(f"{self.file}: cannot be written: {error.strerror}") from error


def named(judge: str, error: EndpointUnusable) -> EndpointUnusable:
    """The error with the judge's name: its endpoint is another than the systems'."""
    found = EndpointUnusable(f"judge {judge}: {error}")
    found.lost = error.lost
    return found


def call_of(under_way: UnderWay | None) -> AbstractContextManager[list[str]]:
    """Around a call, where calls are noted; else around nothing."""
    return nullcontext([]) if under_way is None else under_way.call()


class Noted:
    """A transport whose requests are noted before they go out, those of one call once."""

    def __init__(self, transport: PostJson, under_way: UnderWay) -> None:
        self._transport, self._under_way = transport, under_way

    async def post_json(
        self,
        url: str,
        payload: Any,
        headers: Mapping[str, str],
        deadline: float,
        *,
        method: str = "POST",
    ) -> Reply:
        """As the transport within does it."""
        names = _sent.get(None)
        if names is not None and not names:
            names.append(self._under_way.begin())
        return await self._transport.post_json(url, payload, headers, deadline, method=method)

    async def aclose(self) -> None:
        """Close the transport within."""
        await self._transport.aclose()


def never_ended(folder: Path) -> int:
    """How many calls were begun in a run folder and did not end, those under way just now included."""
    try:
        lines = (folder / FILE).read_text("ascii", "replace").split("\n")
    except FileNotFoundError:
        return 0
    except OSError as error:
        raise StorageError(f"{folder / FILE}: cannot be read: {error.strerror}") from error
    begun = {line[1:] for line in lines if line.startswith(BEGUN)}
    return len(begun - {line[1:] for line in lines if line.startswith(ENDED)})
