"""Reads an adapter's options strictly: an unknown name or a wrong type is refused with its place."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from evalkit.adapters.retry import RetryPolicy
from evalkit.errors import InvalidInput, did_you_mean
from evalkit.records import SystemSpec

EFFORT = ("timeout", "attempts", "concurrency", "patience")
PATIENCE = 30.0  # seconds that an outage is waited out


class Options:
    """The options of one system; every method returns the checked value or the default.

    ``None`` in the file is "not given". ``place`` is the dotted path that messages name.
    """

    def __init__(self, values: Mapping[str, Any], place: str, known: Sequence[str]) -> None:
        self.values = {name: value for name, value in values.items() if value is not None}
        self.place = place
        for name in values:
            if name not in known:
                raise self.refuse(name, "unknown option", did_you_mean(str(name), known))

    def refuse(self, name: str, message: str, hint: str | None = None) -> InvalidInput:
        """The error that says what is wrong with one option."""
        return InvalidInput(message, field=f"{self.place}.{name}", hint=hint)

    def text(self, name: str, default: str | None = None) -> str | None:
        """A string that is not blank."""
        value = self.values.get(name, default)
        if value is not None and (not isinstance(value, str) or not value.strip()):
            raise self.refuse(name, f"expected a text, got {value!r}")
        return value

    def required(self, name: str) -> str:
        """A string that must be given."""
        value = self.text(name)
        if value is None:
            raise self.refuse(name, "is required")
        return value

    def choice(self, name: str, allowed: Sequence[str], default: str) -> str:
        """One of a few words."""
        value = self.values.get(name, default)
        if value is False and "off" in allowed:  # YAML reads a bare `off` as false
            return "off"
        if value not in allowed:
            raise self.refuse(name, f"{value!r} is not one of {', '.join(allowed)}")
        return str(value)

    def number(self, name: str, default: float | None = None, *, low: float = 0.0) -> float | None:
        """A number of at least ``low``."""
        value = self.values.get(name, default)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not value >= low:
            raise self.refuse(name, f"expected a number of at least {low:g}, got {value!r}")
        return float(value)

    def count(self, name: str, default: int | None = None, *, low: int = 1) -> int | None:
        """A whole number of at least ``low``."""
        value = self.values.get(name, default)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int) or value < low:
            raise self.refuse(name, f"expected a whole number of at least {low}, got {value!r}")
        return value

    def flag(self, name: str, *, default: bool) -> bool:
        """True or false."""
        value = self.values.get(name, default)
        if not isinstance(value, bool):
            raise self.refuse(name, f"expected true or false, got {value!r}")
        return value

    def mapping(self, name: str) -> Mapping[str, Any] | None:
        """An object."""
        value = self.values.get(name)
        if value is not None and not isinstance(value, Mapping):
            raise self.refuse(name, f"expected an object, got {value!r}")
        return value

    def part(self, name: str, known: Sequence[str]) -> Options | None:
        """An object that has options of its own."""
        values = self.mapping(name)
        return None if values is None else Options(values, f"{self.place}.{name}", known)


def read_effort(options: Options) -> tuple[RetryPolicy, int, float]:
    """How hard to try an endpoint (``timeout``, ``attempts``), ``concurrency`` (0: no bound) and ``patience``."""
    policy = RetryPolicy(
        attempts=options.count("attempts", 5) or 5,
        timeout=options.number("timeout", 60.0, low=0.001) or 60.0,
    )
    patience = options.number("patience", PATIENCE)
    return policy, options.count("concurrency", 0, low=0) or 0, patience or 0.0


def read_options(spec: SystemSpec, known: Sequence[str]) -> Options:
    """The options of ``spec``, unknown names refused."""
    return Options(spec.options, f"systems.{spec.name}", known)


def inside(folder: Path, path: str, options: Options, name: str) -> Path:
    """``path`` in ``folder``; refused when it leads out of it or is no regular file."""
    found = (folder / path).resolve()
    if "\0" in path or Path(path).is_absolute() or not found.is_relative_to(folder.resolve()):
        raise options.refuse(name, f"{path!r} leaves the folder of the systems file")
    if not found.is_file():
        raise options.refuse(name, f"there is no file {path!r} beside the systems file")
    return found


def digest(*parts: Any) -> str:
    """A short name for content: 16 hexadecimal digits of SHA-256 over canonical JSON."""
    text = json.dumps(parts, sort_keys=True, ensure_ascii=True, separators=(",", ":"), default=list)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
