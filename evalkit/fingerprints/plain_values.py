"""Values that are compared by what they are: numbers, texts, containers of them, arrays, paths, patterns, dates."""

from __future__ import annotations

import collections
import enum
import hashlib
import json
import pathlib
import random
import re
import sys
import types
from collections.abc import Hashable, Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from typing import Any

# Never looked at, whatever they hold: another key gives no other answers.
_KEYS = (
    r"(?:(?:api|access|secret|private)[_-]?key|(?:access|auth|refresh|bearer|id)[_-]?token|bearer"
    r"|secret|password|passwd|credential|authorization)s?"
)
SECRET_NAME = re.compile(rf"{_KEYS}$", re.IGNORECASE)
# Perhaps a secret, perhaps not: compared, but kept only as a digest that is slow to make.
_PERHAPS = r"(?:key|token|auth|cookie|pwd|pin|login|headers)s?"
PRIVATE = re.compile(rf"(^|[^A-Za-z0-9]){_PERHAPS}$", re.IGNORECASE)
PRIVATE_ENTRY = re.compile(
    rf'"(?:[^"\\]{{0,60}}[^A-Za-z0-9"\\])?{_PERHAPS}":\s*["{{[]', re.IGNORECASE
)
_SECRET_ENTRY = re.compile(rf'("[^"\\]{{0,60}}{_KEYS}":\s*)"(?:[^"\\]|\\.)*"', re.IGNORECASE)
_SECRET_TEXT = re.compile(
    r"\b(sk-|pk-|hf_|gh[pousr]_|xox[abp]-|AKIA|AIza|eyJ)[\w.-]{12,}|\bBearer [\w.~+/-]{8,}|(?<=//)[^/@\s\"]+:[^/@\s\"]+(?=@)"
)
LONGEST = (
    1 << 20
)  # characters up to which secrets are looked for; of longer texts only a digest is kept
_HARMLESS = (
    *("threading", "_thread", "concurrent", "logging", "asyncio", "_asyncio", "queue", "_queue"),
    *("weakref", "_weakref", "contextvars", "_contextvars"),
)
_REPR = complex | range | slice | types.EllipsisType | types.GenericAlias | types.UnionType
_BARE = frozenset([str, bytes, int, float, bool, type(None)])
_PLAIN = frozenset([dict, list, tuple, set, frozenset])
_BASES = (str, bytes, int, float, *_PLAIN)
_GENERATED = ("<string>", "reprlib.py", "dataclasses.py")
_CODE = (types.FunctionType, property, classmethod, staticmethod)
_BY_REPR = (
    "datetime",
    "decimal",
    "fractions",
    "uuid",
    "zoneinfo",
    "ipaddress",
    "itertools",
    "typing",
)


class NotPlainError(TypeError):
    """A value that has no form of its own in JSON, or that something else must look into."""


def plain(value: Any) -> str | None:
    """A value as JSON, alike in every process; None where it is no plain value, or holds one that is not.

    Texts that look like keys, and what stands under names such as ``api_key``, are left out.
    """
    try:
        text = _json(value)
    except Exception:  # noqa: BLE001 (objects may raise anything where they are looked at)
        return None
    if len(text) > LONGEST:
        return text
    return _SECRET_TEXT.sub("***", _SECRET_ENTRY.sub(r'\1"***"', text))


def _json(value: Any) -> str:
    """Entries of mappings by name, as two processes may have filled them in another order."""
    try:
        text = json.dumps(value, ensure_ascii=False, default=_shown, sort_keys=True)
    except NotPlainError:
        raise
    except TypeError:  # names of several types have no order
        text = json.dumps(value, ensure_ascii=False, default=_shown)
    try:
        text.encode()
    except UnicodeEncodeError:
        return json.dumps(json.loads(text))
    return text


def without_attributes(value: Any) -> bool:
    """Whether no text, number or container in a plain value has attributes of its own beside its content."""
    waiting = [value]
    while waiting:
        item = waiting.pop()
        kind = type(item)
        if kind in _BARE:
            continue
        if issubclass(kind, dict):
            waiting += item.values()
        elif issubclass(kind, list | tuple):
            waiting += item
        plainest = kind in _PLAIN or not issubclass(kind, _BASES) or issubclass(kind, enum.Enum)
        if not plainest and getattr(item, "__dict__", None):
            return False
    return True


def is_harmless(kind: type) -> bool:
    """Whether no answer can depend on what such an object holds: locks, threads, loggers."""
    return (
        kind is object
        or hasattr(kind, "get_secret_value")
        or kind.__module__.partition(".")[0] in _HARMLESS
    )


def _shown(value: Any) -> Any:  # noqa: PLR0911 (a table)
    """What JSON has no form for, as something it has; ``NotPlainError`` for everything that is no plain value."""
    kind = type(value)
    if isinstance(value, enum.Enum):
        return [kind.__qualname__, value.name, value.value]
    if isinstance(value, set | frozenset):
        return sorted(json.dumps(item, default=_shown) for item in value)
    if isinstance(value, collections.deque | dict | types.MappingProxyType):
        return dict(value) if isinstance(value, Mapping) else list(value)
    if isinstance(value, bytes | bytearray):
        return {"bytes": hashlib.sha256(value).hexdigest()}
    if isinstance(value, re.Pattern):
        return {"pattern": str(value.pattern), "flags": value.flags}
    if isinstance(value, pathlib.PurePath) or (kind.__name__ == "URL" and _is_url(kind)):
        return str(value)
    if isinstance(value, random.Random):
        return str(value.getstate())
    if isinstance(value, _REPR) or kind.__module__.partition(".")[0] in _BY_REPR:
        return _repr(value)
    if _is_record(kind):  # type: ignore[arg-type] # every type can be hashed
        return [kind.__qualname__, {f.name: getattr(value, f.name, None) for f in fields(value)}]
    return _array(value)


def _repr(value: Any) -> str:
    text = repr(value)
    if " at 0x" in text:  # another one in every process
        raise NotPlainError
    return text


@cache
def _is_record(kind: Hashable) -> bool:
    """Whether it is a dataclass without code of its own: a document, a passage."""
    if not isinstance(kind, type):
        return False
    made = (v for k in kind.__mro__[:-1] for v in vars(k).values() if isinstance(v, _CODE))
    files = (getattr(getattr(v, "__code__", None), "co_filename", "") for v in made)
    return is_dataclass(kind) and all(f.endswith(_GENERATED) for f in files)


def _is_url(kind: type) -> bool:
    return kind.__module__.startswith(("httpx", "yarl"))


def _array(value: Any) -> Any:
    numpy = sys.modules.get("numpy")
    if numpy is None or not isinstance(value, numpy.ndarray | numpy.generic):
        raise NotPlainError
    if value.dtype.hasobject:
        return value.tolist()
    content = hashlib.sha256(numpy.ascontiguousarray(value).tobytes()).hexdigest()
    return {"array": str(value.dtype), "shape": list(value.shape), "sha256": content}
