"""Validates JSON values against JSON Schemas: compiled once, never fetching, never stalling."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from functools import lru_cache
from typing import Any

from evalkit.text.safe_regex import UnsafePatternError, search

Schema = Mapping[str, Any] | bool
Keyword = Callable[[Any, Any, Any, Any], Iterator[Any]]


class SchemaRefusedError(ValueError):
    """The schema itself is at fault: invalid, unresolvable, endless, or with an unsafe pattern."""


def schema_errors(value: Any, schema: Schema) -> list[Any]:
    """All errors of ``value``, as jsonschema's, in the order of their place; raises ``SchemaRefusedError``."""
    validator = compiled(schema)
    found = _guarded(lambda: list(validator.iter_errors(value)))
    return sorted(found, key=lambda error: [str(part) for part in error.absolute_path])


def is_valid(value: Any, schema: Schema) -> bool:
    """Whether ``value`` is valid under ``schema``; raises ``SchemaRefusedError``.

    The draft is the one ``$schema`` names, 2020-12 where it names none. The formats ``date``,
    ``date-time`` and ``email`` are asserted, the others are annotations. References reach into the
    schema itself and the published meta-schemas; anything else is refused, never fetched.
    """
    validator = compiled(schema)
    return bool(_guarded(lambda: validator.is_valid(value)))


def compiled(schema: Schema) -> Any:
    """The validator of ``schema``, made once for each distinct schema text."""
    try:
        text = json.dumps(schema, sort_keys=True, ensure_ascii=False, default=dict)
    except (TypeError, ValueError, RecursionError) as error:
        raise SchemaRefusedError(f"the schema is no JSON: {error}") from None
    return _compiled(text)


@lru_cache(256)
def _compiled(text: str) -> Any:
    from jsonschema import FormatChecker
    from jsonschema.exceptions import SchemaError
    from jsonschema.validators import Draft202012Validator, validator_for
    from jsonschema_specifications import REGISTRY  # type: ignore[import-untyped]

    schema = json.loads(text)
    draft: Any = validator_for(schema, default=Draft202012Validator)
    try:
        # Patterns are checked below, in JSON Schema's dialect rather than Python's.
        draft.check_schema(schema, format_checker=FormatChecker(formats=()))
    except SchemaError as error:
        place = "/".join(str(part) for part in error.absolute_path) or "its root"
        raise SchemaRefusedError(
            f"the schema is invalid at {place}: {error.message[:200]}"
        ) from None
    _check_patterns(schema)
    return _hardened(draft)(schema, registry=REGISTRY, format_checker=_format_checker())


def _guarded(check: Callable[[], Any]) -> Any:
    from referencing.exceptions import Unresolvable

    try:
        return check()
    except Unresolvable as error:
        raise SchemaRefusedError(
            f"the schema refers to {error.ref!r}, which it does not hold; references are never fetched, "
            "so put the target under $defs"
        ) from None
    except UnsafePatternError as error:
        raise SchemaRefusedError(f"the schema's {error}") from None
    except RecursionError:
        raise SchemaRefusedError("the schema refers to itself without end") from None


def _check_patterns(schema: Any) -> None:
    """Refuse bad patterns at once, whatever answers come."""
    waiting = [schema]
    while waiting:
        node = waiting.pop()
        if isinstance(node, list):
            waiting.extend(node)
        if not isinstance(node, dict):
            continue
        waiting.extend(
            value
            for key, value in node.items()
            if key not in ("enum", "const", "default", "examples")
        )
        pattern, by_pattern = node.get("pattern"), node.get("patternProperties")
        patterns = [pattern] if isinstance(pattern, str) else []
        patterns += list(by_pattern) if isinstance(by_pattern, dict) else []
        try:
            for one in patterns:
                search(one, "")
        except UnsafePatternError as error:
            raise SchemaRefusedError(f"the schema's {error}") from None


# --- keywords with regular expressions, run safely -------------------------------------------


@lru_cache(16)
def _hardened(draft: Any) -> Any:
    """``draft`` with its pattern keywords on ``safe_regex`` instead of Python's engine."""
    from jsonschema.validators import extend

    ours: dict[str, Keyword] = {
        "pattern": _pattern,
        "patternProperties": _pattern_properties,
        "additionalProperties": _additional_properties,
    }
    known = {name: check for name, check in ours.items() if name in draft.VALIDATORS}
    return extend(draft, known)  # type: ignore[no-untyped-call]


def _pattern(_validator: Any, pattern: str, instance: Any, _schema: Any) -> Iterator[Any]:
    from jsonschema.exceptions import ValidationError

    if isinstance(instance, str) and not search(pattern, instance):
        yield ValidationError(f"{_short(instance)} does not match {_short(pattern)}")


def _pattern_properties(
    validator: Any, by_pattern: Any, instance: Any, _schema: Any
) -> Iterator[Any]:
    if not isinstance(instance, dict):
        return
    for pattern, subschema in by_pattern.items():
        for key, value in instance.items():
            if search(pattern, key):
                yield from validator.descend(value, subschema, path=key, schema_path=pattern)


def extra_keys(instance: Mapping[str, Any], schema: Mapping[str, Any]) -> list[str]:
    """The keys of ``instance`` that neither ``properties`` nor ``patternProperties`` speaks of."""
    known, patterns = schema.get("properties", {}), schema.get("patternProperties", {})
    return [
        key
        for key in instance
        if key not in known and not any(search(one, key) for one in patterns)
    ]


def _additional_properties(
    validator: Any, allowed: Any, instance: Any, schema: Any
) -> Iterator[Any]:
    from jsonschema.exceptions import ValidationError

    if not isinstance(instance, dict):
        return
    extras = extra_keys(instance, schema)
    if isinstance(allowed, dict):
        for key in extras:
            yield from validator.descend(instance[key], allowed, path=key)
    elif not allowed and extras:
        yield ValidationError(f"unexpected keys: {', '.join(_short(key) for key in extras[:10])}")


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."


# --- formats ---------------------------------------------------------------------------------

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_TIME = re.compile(
    r"([01]\d|2[0-3]):([0-5]\d):([0-5]\d|60)(\.\d+)?([zZ]|[+-]([01]\d|2[0-3]):[0-5]\d)", re.ASCII
)
_EMAIL = re.compile(r"[^\s@\"]{1,64}@[^\s@.,]{1,63}(?:\.[^\s@.,]{1,63}){0,10}")


@lru_cache(1)
def _format_checker() -> Any:
    from jsonschema import FormatChecker

    checker = FormatChecker(formats=())
    for name, check in (("date", is_date), ("date-time", is_date_time), ("email", is_email)):
        checker.checks(name)(check)
    return checker


def is_date(value: object) -> bool:
    """RFC 3339 full-date; true of anything but a string, as every format is."""
    if not isinstance(value, str):
        return True
    if not _DATE.fullmatch(value):
        return False
    try:
        date.fromisoformat(value)
    except ValueError:
        return False
    return True


def is_date_time(value: object) -> bool:
    """RFC 3339 date-time: with seconds and an offset; a second 60 is a leap second at 23:59 UTC."""
    if not isinstance(value, str):
        return True
    day, mark, time = value[:10], value[10:11], value[11:]
    found = _TIME.fullmatch(time)
    if mark not in ("T", "t") or found is None or not is_date(day):
        return False
    return found[3] != "60" or _utc_minute(found) == 23 * 60 + 59


def _utc_minute(found: re.Match[str]) -> int:
    minute, offset = int(found[1]) * 60 + int(found[2]), found[5]
    if offset in ("z", "Z"):
        return minute
    shift = int(offset[1:3]) * 60 + int(offset[4:6])
    return (minute - shift if offset[0] == "+" else minute + shift) % (24 * 60)


def is_email(value: object) -> bool:
    """One ``@`` between a local part and a domain, no white space: enough to catch a wrong field."""
    return not isinstance(value, str) or _EMAIL.fullmatch(value) is not None
