"""The files a suite refers to: found inside its folder, each read once, and remembered for the digest."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from evalkit import files
from evalkit.errors import InvalidInput, did_you_mean
from evalkit.records import JsonObject, StyleRules
from evalkit.strict import contained, read_json, read_jsonl, read_yaml
from evalkit.validation import validate


@dataclass(frozen=True, slots=True)
class At:
    """The place in a file of what is being read."""

    file: Path
    line: int | None = None

    def refuse(self, message: str, *, field: str, hint: str | None = None) -> InvalidInput:
        """The error to raise about ``field`` of this place."""
        return InvalidInput(message, file=self.file, line=self.line, field=field, hint=hint)


@dataclass(slots=True)
class Attachments:
    """Schemas, styles and data files by the names that suite.yaml and the cases give them."""

    folder: Path
    read: list[Path] = field(default_factory=list)
    _schemas: dict[str, JsonObject] = field(default_factory=dict)
    _exemplars: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def path(self, name: str, at: At, where: str) -> Path:
        """The file ``name``, which must be there."""
        found = contained(self.folder, name, file=at.file, line=at.line, where=where)
        if not found.exists():
            near = did_you_mean(name, [file.name for file in self.folder.iterdir()])
            raise at.refuse(f"there is no file {name!r}", field=where, hint=near)
        self.read.append(found)
        return found

    def schema(self, given: str | JsonObject | None, at: At) -> JsonObject | None:
        """A JSON Schema given by path or inline; checked, patterns and all."""
        if given is None:
            return None
        key = given if isinstance(given, str) else json.dumps(given, sort_keys=True)
        if key not in self._schemas:
            self._schemas[key] = self._checked_schema(given, at)
        return self._schemas[key]

    def _checked_schema(self, given: str | JsonObject, at: At) -> JsonObject:
        from evalkit.text.json_schema import SchemaRefusedError, compiled

        path = self.path(given, at, "schema") if isinstance(given, str) else None
        schema: Any = given if path is None else read_json(path)
        place = at if path is None else At(path)
        if not isinstance(schema, Mapping):
            raise place.refuse("is not a JSON Schema object", field="schema")
        try:
            compiled(schema)
        except SchemaRefusedError as error:
            raise place.refuse(str(error), field="schema") from None
        return schema

    def style(self, given: str | files.StyleRow | None, at: At) -> StyleRules | None:
        """Style rules given by path or inline, their exemplars read."""
        if given is None:
            return None
        if isinstance(given, str):
            path = self.path(given, at, "style")
            yaml = read_yaml(path)
            given = validate(files.StyleRow, yaml.value, file=path, lines=yaml.lines)
            at = At(path, yaml.lines.get(("exemplars",)))
        exemplars = self._texts(given.exemplars, at) if given.exemplars else ()
        rules = given.model_dump(exclude_none=True, by_alias=True, exclude={"exemplars"})
        found: dict[str, Any] = {k: tuple(v) if type(v) is list else v for k, v in rules.items()}
        return StyleRules(**found, exemplars=exemplars)

    def _texts(self, name: str, at: At) -> tuple[str, ...]:
        if name not in self._exemplars:
            path = self.path(name, at, "exemplars")
            rows = list(read_jsonl(path))
            for row in rows:
                if not isinstance(row.value.get("text"), str):
                    raise At(path, row.line).refuse("is missing or no text", field="text")
            self._exemplars[name] = tuple(row.value["text"] for row in rows)
        return self._exemplars[name]
