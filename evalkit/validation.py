"""Checking parsed values against a file model, and turning the first mistake into one clear sentence."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from evalkit.errors import InvalidInput, did_you_mean

Model = TypeVar("Model", bound=BaseModel)
Path_ = tuple[str | int, ...]


def validate(
    model: type[Model],
    value: Any,
    *,
    file: Path,
    line: int | None = None,
    lines: Mapping[Path_, int] | None = None,
) -> Model:
    """``value`` as a ``model``, or ``InvalidInput`` naming file, line, field and the nearest known name."""
    try:
        return model.model_validate(value)
    except ValidationError as error:
        detail = _most_telling(error.errors(include_url=False))
        place = _place(value, detail["loc"])
        where = line if lines is None else _line(lines, place)
        message, hint = _sentence(model, detail, place)
        raise InvalidInput(
            message, file=file, line=where, field=_dotted(place), hint=hint
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
        folded = unicodedata.normalize("NFC", name).casefold()
        if folded in self.seen:
            first, at = self.seen[folded]
            same = (
                "is given twice"
                if first == name
                else f"differs from {first!r} only in letter case or accents"
            )
            raise InvalidInput(
                f"id {name!r} {same}, first on line {at}", file=self.file, line=line, field=self.key
            )
        self.seen[folded] = (name, line)
        return row


def _most_telling(details: Sequence[ErrorDetails]) -> ErrorDetails:
    """Unknown names first: a typo explains the missing field that it causes."""
    return min(details, key=lambda d: d["type"] != "extra_forbidden")


def _place(value: Any, loc: Path_) -> Path_:
    """The location without the names of union branches, which users never wrote."""
    place: list[str | int] = []
    for part in loc:
        if isinstance(value, Mapping) and part in value:
            place.append(part)
            value = value[str(part)]
        elif isinstance(value, list) and isinstance(part, int) and part < len(value):
            place.append(part)
            value = value[part]
        elif part == loc[-1] and isinstance(value, Mapping):
            place.append(part)  # a missing field
    return tuple(place)


def _line(lines: Mapping[Path_, int], place: Path_) -> int | None:
    while place and place not in lines:
        place = place[:-1]
    return lines.get(place)


def _dotted(place: Path_) -> str | None:
    text = "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in place)
    return text.lstrip(".") or None


def _sentence(model: type[BaseModel], detail: ErrorDetails, place: Path_) -> tuple[str, str | None]:
    kind = detail["type"]
    if kind == "extra_forbidden":
        known = _known_names(model.model_json_schema(by_alias=True), place[:-1])
        return "unknown field", did_you_mean(str(place[-1]), known)
    if kind == "missing":
        return "is missing", None
    given = detail["input"]
    shown = f", not {_shown(given)}" if not isinstance(given, (Mapping, list)) else ""
    return detail["msg"].replace("Input should be", "must be") + shown, None


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _known_names(schema: Mapping[str, Any], place: Path_) -> list[str]:
    """The field names that the JSON Schema knows at ``place``."""
    definitions = schema.get("$defs", {})
    nodes = [schema]
    for part in place:
        nodes = [n for node in nodes for n in _inside(node, part, definitions)]
    return sorted({name for node in nodes for name in node.get("properties", {})})


def _inside(
    node: Mapping[str, Any], part: str | int, definitions: Mapping[str, Any]
) -> list[Mapping[str, Any]]:
    child = node.get("items") if isinstance(part, int) else node.get("properties", {}).get(part)
    return _branches(child, definitions) if child else []


def _branches(node: Mapping[str, Any], definitions: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    if "$ref" in node:
        return _branches(definitions[node["$ref"].rpartition("/")[2]], definitions)
    return (
        [b for option in node["anyOf"] for b in _branches(option, definitions)]
        if "anyOf" in node
        else [node]
    )
