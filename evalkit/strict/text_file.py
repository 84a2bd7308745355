"""Opening files: only regular ones, inside the suite folder, in UTF-8."""

from __future__ import annotations

import codecs
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evalkit.errors import InvalidInput

MAX_BYTES = 1 << 30  # of one file
MAX_DEPTH = 100  # of objects and lists in each other, in every format


@dataclass(frozen=True, slots=True)
class Row:
    """One object of a data file, with the line on which it starts (1-based)."""

    line: int
    value: dict[str, Any]


def contained(
    folder: Path, name: str, *, file: Path, where: str | None = None, line: int | None = None
) -> Path:
    """The path ``name`` inside ``folder``; absolute paths, ``..`` and links that lead out are refused."""
    refusal = InvalidInput(
        f"{name!r} leaves the suite folder",
        file=file,
        line=line,
        field=where,
        hint="give a path relative to the folder, inside it",
    )
    if "\0" in name or Path(name).is_absolute():
        raise refusal
    root = folder.resolve()
    try:
        path = (root / name).resolve()
    except (OSError, RuntimeError):  # a link that leads to itself
        raise refusal from None
    if not path.is_relative_to(root):
        raise refusal
    return path


def read_text(path: Path, *, limit: int = MAX_BYTES) -> str:
    """The whole file as text; UTF-8 with or without a byte order mark."""
    return _decode(_read_bytes(path, limit), path)


def _read_bytes(path: Path, limit: int) -> bytes:
    try:
        # Without O_NONBLOCK, opening a pipe that nobody writes to would wait for ever.
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    except FileNotFoundError:
        raise InvalidInput("the file does not exist", file=path) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InvalidInput(f"cannot be read: {reason}", file=path) from None
    try:
        found = os.fstat(handle)
        if not stat.S_ISREG(found.st_mode):
            raise InvalidInput("is not a regular file", file=path)
        if found.st_size > limit:
            raise _too_large(path, limit)
        most = found.st_size + 1  # memory is taken for all that might be read
        with os.fdopen(handle, "rb", closefd=False) as stream:
            data = stream.read(most)
            if len(data) == most:  # it has grown, or does not say how long it is
                data += stream.read(limit + 1 - most)
    except OSError as error:
        raise InvalidInput(f"cannot be read: {error.strerror}", file=path) from None
    finally:
        os.close(handle)
    if len(data) > limit:
        raise _too_large(path, limit)
    return data


def _too_large(path: Path, limit: int) -> InvalidInput:
    whole = f"{limit >> 20} MB" if limit >= 1 << 20 else f"{limit:,} bytes"
    return InvalidInput(f"is larger than {whole}", file=path)


def _decode(data: bytes, path: Path) -> str:
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise InvalidInput("is UTF-16", file=path, hint="save it as UTF-8")
    nul = data.find(b"\0")
    if nul >= 0:
        raise _bad_byte(f"holds a NUL character at byte {nul}", data, nul, path)
    mark = len(codecs.BOM_UTF8) if data.startswith(codecs.BOM_UTF8) else 0
    try:
        return data[mark:].decode("utf-8") if mark else data.decode("utf-8")
    except UnicodeDecodeError as error:
        at = error.start + mark
        raise _bad_byte(f"is not valid UTF-8 at byte {at}", data, at, path) from None


def _bad_byte(message: str, data: bytes, at: int, path: Path) -> InvalidInput:
    line = data.count(b"\n", 0, at) + 1
    return InvalidInput(message, file=path, line=line, hint="save it as UTF-8")
