"""Says what is wrong with a structured answer, and where, by JSON pointer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from evalkit.records import JsonObject
from evalkit.text.extract import Parsed
from evalkit.text.json_schema import extra_keys, schema_errors

KINDS: dict[str, str] = {
    "type": "wrong_type",
    "enum": "enum",
    "const": "enum",
    "additionalProperties": "extra_key",
    "unevaluatedProperties": "extra_key",
    "required": "missing_key",
    "pattern": "pattern",
    "minimum": "range",
    "maximum": "range",
    "exclusiveMinimum": "range",
    "exclusiveMaximum": "range",
    "multipleOf": "range",
    "minLength": "length",
    "maxLength": "length",
    "minItems": "length",
    "maxItems": "length",
    "minProperties": "length",
    "maxProperties": "length",
    "format": "format",
}
LONGEST = 200  # characters of a message


@dataclass(frozen=True, slots=True, order=True)
class FormatError:
    """One fault of an answer. ``pointer`` is an RFC 6901 JSON pointer, "" for the whole answer.

    ``kind``: not_extractable, not_json, truncated, missing_key, wrong_type, enum, extra_key,
    pattern, range, length, format or other.
    """

    pointer: str
    kind: str
    message: str


def format_errors(parsed: Parsed, schema: JsonObject) -> list[FormatError]:
    """All faults of an answer: first of its form, then of its content, read after repair if need be.

    Empty for a valid answer. A missing or unexpected key is pointed at itself. Raises
    ``ValueError`` when the schema is at fault.
    """
    found: list[FormatError] = []
    if not parsed.extractable:
        found.append(FormatError("", "not_extractable", "no JSON in the answer"))
    elif not parsed.parses:
        kind = "truncated" if parsed.error == "truncated" else "not_json"
        found.append(FormatError("", kind, f"not strict JSON: {parsed.error}"))
    if parsed.readable:
        content = (one for error in schema_errors(parsed.content, schema) for one in _faults(error))
        found.extend(dict.fromkeys(content))
    return found


def _faults(error: Any) -> Iterator[FormatError]:
    error = _deepest(error)
    kind = KINDS.get(error.validator, "other")
    for path, message in _places(error, kind):
        yield FormatError(_pointer(path), kind, message[:LONGEST])


def _deepest(error: Any) -> Any:
    """For anyOf and oneOf, the most telling error of the branch that comes nearest."""
    from jsonschema.exceptions import best_match

    return best_match([error]) if error.context else error


def _places(error: Any, kind: str) -> Iterator[tuple[list[Any], str]]:
    path, instance = list(error.absolute_path), error.instance
    if kind == "missing_key" and isinstance(instance, dict):
        for key in error.validator_value:
            if key not in instance:
                yield [*path, key], f"{key!r} is missing"
    elif error.validator == "additionalProperties" and isinstance(instance, dict):
        for key in extra_keys(instance, error.schema):
            yield [*path, key], f"{key!r} is not expected"
    else:
        yield path, error.message


def _pointer(path: list[Any]) -> str:
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in path)
