"""JSON Lines files too long to be held: the same strictness as ``read_jsonl``, one line at a time, from any line on."""

from __future__ import annotations

import codecs
import hashlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from evalkit.errors import InvalidInput
from evalkit.strict.json_file import parse_json
from evalkit.strict.text_file import Row

LARGE = 64 << 20  # bytes from which a file is not read whole to be told from others
_BLOCK = 1 << 20
_BLANK = b" \t\r\n"
Line = tuple[
    int, int, bytes
]  # where it begins, its number (1-based), its bytes without the line feed


def open_lines(path: Path) -> BinaryIO:
    """A regular file, open to be read; ``InvalidInput`` for what is none."""
    try:
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    except FileNotFoundError:
        raise InvalidInput("the file does not exist", file=path) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InvalidInput(f"cannot be read: {reason}", file=path) from None
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise InvalidInput("is not a regular file", file=path)
    return os.fdopen(handle, "rb", buffering=_BLOCK)


def lines_of(path: Path, place: int = 0) -> Iterator[Line]:
    """The lines of a file that are not blank; from one that begins at ``place``, as if it were the first."""
    with open_lines(path) as stream:
        stream.seek(place)
        for number, raw in enumerate(stream, start=1):
            start, text = place, raw
            place += len(raw)
            if start == 0:
                start, text = _without_mark(raw, path)
            if text.strip(_BLANK):
                yield start, number, text.rstrip(b"\n")


def _without_mark(raw: bytes, path: Path) -> tuple[int, bytes]:
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise InvalidInput("is UTF-16", file=path, hint="save it as UTF-8")
    mark = len(codecs.BOM_UTF8) if raw.startswith(codecs.BOM_UTF8) else 0
    return mark, raw[mark:]


def row_of(line: Line, path: Path) -> Row:
    """The object on a line; ``InvalidInput`` names the line."""
    start, number, raw = line
    if b"\0" in raw:
        what = f"holds a NUL character at byte {start + raw.index(0)}"
        raise InvalidInput(what, file=path, line=number, hint="save it as UTF-8")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        what = f"is not valid UTF-8 at byte {start + error.start}"
        raise InvalidInput(what, file=path, line=number, hint="save it as UTF-8") from None
    value = parse_json(text.strip(" \t\r"), file=path, line=number)
    if not isinstance(value, dict):
        raise InvalidInput("each line must be a JSON object", file=path, line=number)
    return Row(number, value)


class LineSum:
    """A digest of the lines of a file that does not depend on their order: the sum of each line's SHA-256.

    Sums of two parts of a file add up to that of the whole.
    """

    def __init__(self, total: int = 0) -> None:
        self.total = total

    def add(self, raw: bytes) -> None:
        """One line more, with or without its end."""
        self.total += int.from_bytes(hashlib.sha256(raw.rstrip(b"\r\n")).digest(), "big")

    def digest(self) -> bytes:
        """The sum, of 32 bytes."""
        return (self.total % (1 << 256)).to_bytes(32, "big")


def count_lines(path: Path, enough: int) -> int:
    """How many line feeds a file holds, counted up to about ``enough``."""
    found = 0
    with open_lines(path) as stream:
        while found < enough and (block := stream.read(_BLOCK)):
            found += block.count(b"\n")
    return found


def text_digest(path: Path) -> bytes:
    """SHA-256 of a file's text in UTF-8, without a byte order mark, as ``read_text`` gives it."""
    total = hashlib.sha256()
    with open_lines(path) as stream:
        _, block = _without_mark(stream.read(_BLOCK), path)
        while block:
            total.update(block)
            block = stream.read(_BLOCK)
    return total.digest()
