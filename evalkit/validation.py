"""Checking parsed values against a file model, and turning the first mistake into one clear sentence."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from evalkit.errors import InvalidInput, did_you_mean

Model = TypeVar("Model", bound=BaseModel)
Place = tuple[str | int, ...]


def validate(
    model: type[Model],
    value: Any,
    *,
    file: Path,
    line: int | None = None,
    lines: Mapping[Place, int] | None = None,
) -> Model:
    """``value`` as a ``model``, or ``InvalidInput`` naming file, line, field and the nearest known name."""
    if not isinstance(value, Mapping):
        given = "is empty" if value is None else f"holds {_shown(value)}"
        hint = f"known: {', '.join(_known_names(model, ()))}"
        raise InvalidInput(f"{given}, where fields are due", file=file, line=line, hint=hint)
    try:
        return model.model_validate(value)
    except ValidationError as error:
        place, details = _most_telling(value, error.errors(include_url=False))
        message, nearest = _sentence(model, details, place)
        at = line if lines is None else _line(lines, place)
        raise InvalidInput(
            message, file=file, line=at, field=_dotted(place), hint=nearest
        ) from None


class RowChecker(Generic[Model]):
    """Checks the rows of one file and that their ids are unique, also after normalising and case folding."""

    def __init__(self, model: type[Model], file: Path, key: str) -> None:
        self.model, self.file, self.key = model, file, key
        self.seen: dict[str, tuple[str, int]] = {}

    def check(self, value: Mapping[str, Any], line: int) -> Model:
        """The row as a model; ``InvalidInput`` when it is wrong, or its id was given before."""
        row = validate(self.model, value, file=self.file, line=line)
        name = value[self.key]
        folded = unicodedata.normalize("NFC", name.casefold())
        if folded in self.seen:
            first, at = self.seen[folded]
            same = (
                "is given twice"
                if first == name
                else f"differs from {first!r} only in letter case or Unicode form"
            )
            raise InvalidInput(
                f"id {name!r} {same}, first on line {at}", file=self.file, line=line, field=self.key
            )
        self.seen[folded] = (name, line)
        return row


def _most_telling(value: Any, details: Sequence[ErrorDetails]) -> tuple[Place, list[ErrorDetails]]:
    """What is said of one place. Unknown names come first: a typo explains the missing field that it causes.

    Then the deepest place: a union complains of every branch, and the branch that was meant got furthest.
    """
    found: dict[Place, list[ErrorDetails]] = {}
    for detail in details:
        found.setdefault(_place(value, detail), []).append(detail)
    unknown = [place for place, there in found.items() if there[0]["type"] == "extra_forbidden"]
    place = unknown[0] if unknown else max(found, key=len)
    return place, found[place]


def _place(value: Any, detail: ErrorDetails) -> Place:
    """The location without the names of union branches, which users never wrote."""
    place: list[str | int] = []
    for part in detail["loc"]:
        if isinstance(value, Mapping) and part in value:
            place.append(part)
            value = value[str(part)]
        elif isinstance(value, list) and isinstance(part, int) and part < len(value):
            place.append(part)
            value = value[part]
    return (*place, detail["loc"][-1]) if detail["type"] == "missing" else tuple(place)


def _line(lines: Mapping[Place, int], place: Place) -> int | None:
    while place and place not in lines:
        place = place[:-1]
    return lines.get(place)


def _dotted(place: Place) -> str | None:
    text = "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in place)
    return text.lstrip(".") or None


def _sentence(
    model: type[BaseModel], details: Sequence[ErrorDetails], place: Place
) -> tuple[str, str | None]:
    kinds = {detail["type"] for detail in details}
    if "extra_forbidden" in kinds:
        return "unknown field", did_you_mean(str(place[-1]), _known_names(model, place[:-1]))
    if "missing" in kinds:
        return "is missing", None
    shown = _shown(details[0]["input"])
    if "string_pattern_mismatch" in kinds:
        return f"{shown} has the wrong form", _description(model, place)
    wanted = _wanted(details)
    return wanted if " should " in wanted else f"must be {wanted}, not {shown}", None


def _wanted(details: Sequence[ErrorDetails]) -> str:
    """What pydantic asks for, in the words of the files: every branch of a union once."""
    wanted = dict.fromkeys(
        re.sub(r" or instance of \w+", "", detail["msg"])
        .replace("a valid dictionary", "an object")
        .replace("a valid integer", "a whole number")
        .replace("a valid ", "a ")
        .replace("a string", "a text")
        .removeprefix("Input should be ")
        for detail in details
    )
    return " or ".join(wanted)


def _shown(value: Any) -> str:
    if isinstance(value, Mapping):
        return "an object"
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _known_names(model: type[BaseModel], place: Place) -> list[str]:
    """The field names that the model knows at ``place``."""
    return sorted({name for node in _nodes(model, place) for name in node.get("properties", {})})


def _description(model: type[BaseModel], place: Place) -> str | None:
    """What the model says of the field at ``place``."""
    return next((n["description"] for n in _nodes(model, place) if "description" in n), None)


def _nodes(model: type[BaseModel], place: Place) -> list[Mapping[str, Any]]:
    """The branches of the model's JSON Schema that speak of ``place``."""
    schema = model.model_json_schema(by_alias=True)
    nodes: list[Mapping[str, Any]] = [schema]
    for part in place:
        nodes = [n for node in nodes for n in _inside(node, part, schema.get("$defs", {}))]
    return nodes


def _inside(
    node: Mapping[str, Any], part: str | int, definitions: Mapping[str, Any]
) -> list[Mapping[str, Any]]:
    child = node.get("items") if isinstance(part, int) else node.get("properties", {}).get(part)
    return _branches(child, definitions) if child else []


def _branches(node: Mapping[str, Any], definitions: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The node itself first, then what it refers to and the branches of its union."""
    target = definitions.get(node.get("$ref", "").rpartition("/")[2])
    options = [*node.get("anyOf", []), *([target] if target else [])]
    return [node, *(branch for option in options for branch in _branches(option, definitions))]
