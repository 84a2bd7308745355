"""JSON and JSON Lines as the standard has them: no NaN, no duplicate keys, no runaway depth or numbers."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from evalkit.errors import InvalidInput
from evalkit.strict.text_file import MAX_DEPTH, Row, read_text

MAX_DIGITS = 4300  # of a whole number, as in Python itself
QUICK = 1 << 20  # characters up to which a text may be read twice


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        doubled = next(name for i, name in enumerate(names) if name in names[:i])
        raise ValueError(f"key {doubled!r} is given twice in one object")
    return found


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON; leave the value out, or write null")


def _finite(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise ValueError(f"the number {text[:40]} is too large")
    return value


def _whole(text: str) -> int:
    if len(text) > MAX_DIGITS:
        raise ValueError(f"holds a number of {len(text)} digits")
    return int(text)


_decoder = json.JSONDecoder(
    object_pairs_hook=_unique, parse_constant=_no_constant, parse_float=_finite, parse_int=_whole
)


_compiled = json.JSONDecoder(parse_constant=_no_constant)
_SPACED = re.compile(r'"[ \t\n\r]+:')


def _decoded(text: str) -> Any:
    """The value of a JSON text by the compiled reader, and only what it lets pass by one that looks at every object.

    Where nothing stands between a name and its colon, and each such colon has a name of its own among the objects,
    no name is given twice: one that was would be lost.
    """
    if len(text) <= QUICK and not _SPACED.search(text):
        with suppress(ValueError):
            value = _compiled.decode(text)
            if _names_in(value) == text.count('":'):
                return value
    return _decoder.decode(text)


def _names_in(value: Any) -> int:
    """How many names all objects in a value have; -1 where one of its numbers is too large."""
    found, inside = 0, [value]
    for item in inside:
        kind = type(item)
        if kind is dict:
            found += len(item)
            inside.extend(item.values())
        elif kind is list:
            inside.extend(item)
        elif kind is float and math.isinf(item):
            return -1
    return found


def parse_json(text: str, *, file: Path | None = None, line: int | None = None) -> Any:
    """The value of a JSON text that starts on ``line`` of ``file``; ``InvalidInput`` if it is none."""
    try:
        value = _decoded(text)
        _check_depth(text, value)
        _check_surrogates(text, value)
    except json.JSONDecodeError as error:
        raise InvalidInput(
            f"is not JSON: {error.msg} at column {error.colno}",
            file=file,
            line=(line or 1) + error.lineno - 1,
        ) from None
    except RecursionError:
        raise InvalidInput("is nested too deeply", file=file, line=line) from None
    except ValueError as error:
        raise InvalidInput(str(error), file=file, line=line) from None
    return value


def _check_depth(text: str, value: Any) -> None:
    if text.count("[") + text.count("{") <= MAX_DEPTH or not isinstance(value, dict | list):
        return
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [child for outer in level for child in _containers(outer)]
    if level:
        raise ValueError("is nested too deeply")


def _containers(value: Any) -> list[Any]:
    """The objects and lists directly inside an object or a list."""
    inside = value.values() if isinstance(value, dict) else value
    return [child for child in inside if isinstance(child, dict | list)]


def _check_surrogates(text: str, value: Any) -> None:
    if "\\u" not in text or ("\\ud" not in text and "\\uD" not in text):
        return
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise ValueError("holds half of a surrogate pair") from None


def read_json(path: Path) -> Any:
    """The value of one JSON file."""
    return parse_json(read_text(path), file=path)


def read_jsonl(path: Path) -> Iterator[Row]:
    """The objects of a JSON Lines file, blank lines passed over.

    Lines end at a line feed only: U+2028 and U+0085 inside a text are no line breaks.
    """
    for number, raw in enumerate(read_text(path).split("\n"), start=1):
        text = raw.strip(" \t\r")
        if not text:
            continue
        value = parse_json(text, file=path, line=number)
        if not isinstance(value, dict):
            raise InvalidInput("each line must be a JSON object", file=path, line=number)
        yield Row(number, value)
