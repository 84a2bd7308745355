"""YAML by the rules of version 1.2's core schema, built straight from the parser's events.

Plain scalars that YAML 1.1 would turn into something else (``no``, ``012``, ``1:30``, dates) are refused:
quoting them says what is meant. So are tags, merge keys, duplicate keys and aliases inside anchored values.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from yaml.reader import Reader

from evalkit.errors import InvalidInput
from evalkit.strict.text_file import MAX_DEPTH, read_text

MAX_YAML_BYTES = 8 << 20
MAX_YAML_NODES = 200_000  # with every alias counted as what it stands for
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_AMBIGUOUS = re.compile(
    r"(?i:yes|no|on|off|y|n)"
    r"|[-+]?0[0-9_]+|[-+]?0(?i:[xob])[0-9a-fA-F_]+"  # octal, or not
    r"|[-+]?[0-9][0-9_]*_[0-9_]*(\.[0-9_]*)?"
    r"|[-+]?\d+(:[0-5]?\d)+(\.\d*)?"  # base 60, or a time
    r"|\d{4}-\d\d?-\d\d?([Tt\s].*)?"
)
_CONSTANTS = {"": None, "~": None, "null": None, "true": True, "false": False}
_INT = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_NO_NUMBER = re.compile(r"[-+]?\.(?i:inf|nan)")
Place = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class YamlFile:
    """A parsed YAML file and the line of every key, by path."""

    value: Any
    lines: dict[Place, int] = field(default_factory=dict)


def read_yaml(path: Path) -> YamlFile:
    """The one document of a YAML file; its value is None when the file is empty."""
    text = read_text(path, limit=MAX_YAML_BYTES)
    control = Reader.NON_PRINTABLE.search(text)
    if control:
        line = text.count("\n", 0, control.start()) + 1
        message = f"holds the control character U+{ord(control.group()):04X}"
        raise InvalidInput(message, file=path, line=line)
    try:
        return _Builder(path, yaml.parse(text, Loader=_LOADER)).document()
    except yaml.MarkedYAMLError as error:
        mark: Any = error.problem_mark
        at = mark.line + 1 if mark else None
        raise InvalidInput(f"is not YAML: {error.problem}", file=path, line=at) from None
    except (yaml.YAMLError, ValueError) as error:
        message = " ".join(str(error).split())
        raise InvalidInput(f"is not YAML: {message}", file=path) from None


class _Builder:
    """Values from events: every node is checked before anything is built from it."""

    def __init__(self, path: Path, events: Iterator[yaml.Event]) -> None:
        self.path = path
        self.events = events
        self.lines: dict[Place, int] = {}
        self.anchors: dict[str, tuple[Any, int]] = {}  # value and size
        self.open_anchors = 0
        self.size = 0

    def refuse(self, event: Any, message: str, hint: str | None = None) -> InvalidInput:
        return InvalidInput(message, file=self.path, line=event.start_mark.line + 1, hint=hint)

    def document(self) -> YamlFile:
        next(self.events)  # the stream starts
        if isinstance(next(self.events), yaml.StreamEndEvent):
            return YamlFile(None)
        value = self.node(next(self.events), ())
        next(self.events)  # the document ends
        following = next(self.events)
        if not isinstance(following, yaml.StreamEndEvent):
            raise self.refuse(following, "holds more than one document")
        return YamlFile(value, self.lines)

    def node(self, event: Any, place: Place) -> Any:
        self.lines.setdefault(place, event.start_mark.line + 1)
        if isinstance(event, yaml.AliasEvent):
            return self.recall(event)
        before, anchor = self.size, event.anchor
        self.count(event, 1)
        if event.tag is not None:
            raise self.refuse(event, f"tag {event.tag!r} is not read")
        if len(place) > MAX_DEPTH:
            raise self.refuse(event, "is nested too deeply")
        self.open_anchors += bool(anchor)
        value = self.content(event, place)
        self.open_anchors -= bool(anchor)
        if anchor:
            self.anchors[anchor] = value, self.size - before
        return value

    def content(self, event: Any, place: Place) -> Any:
        if isinstance(event, yaml.MappingStartEvent):
            return self.mapping(place)
        if isinstance(event, yaml.SequenceStartEvent):
            children = iter(lambda: _unless_end(next(self.events)), None)
            return [self.node(child, (*place, i)) for i, child in enumerate(children)]
        return self.scalar(event)

    def recall(self, event: yaml.AliasEvent) -> Any:
        if self.open_anchors:
            raise self.refuse(event, "an anchored value may not hold an alias")
        if event.anchor not in self.anchors:
            raise self.refuse(event, f"alias {event.anchor!r} has no anchor before it")
        value, size = self.anchors[event.anchor]
        self.count(event, size)
        return value

    def count(self, event: yaml.Event, nodes: int) -> None:
        self.size += nodes
        if self.size > MAX_YAML_NODES:
            raise self.refuse(event, f"holds more than {MAX_YAML_NODES} values")

    def mapping(self, place: Place) -> dict[str, Any]:
        found: dict[str, Any] = {}
        while (event := _unless_end(next(self.events))) is not None:
            key = self.key(event)
            inner = (*place, key)
            if key in found:
                raise self.refuse(
                    event, f"key {key!r} is given twice, first on line {self.lines[inner]}"
                )
            self.lines[inner] = event.start_mark.line + 1
            found[key] = self.node(next(self.events), inner)
        return found

    def key(self, event: Any) -> str:
        plain = isinstance(event, yaml.ScalarEvent) and event.tag is None and event.anchor is None
        if not plain or event.value == "<<":
            raise self.refuse(event, "keys must be plain words; merge keys are not read")
        name: str = event.value
        return name

    def scalar(self, event: yaml.ScalarEvent) -> Any:
        text: str = event.value
        if event.style:
            return text
        if _AMBIGUOUS.fullmatch(text):
            message = f"{text!r} is read differently by different YAML versions"
            raise self.refuse(event, message, _quote_hint(text))
        if text.lower() in _CONSTANTS:
            return _CONSTANTS[text.lower()]
        if _NO_NUMBER.fullmatch(text) or (_FLOAT.fullmatch(text) and math.isinf(float(text))):
            raise self.refuse(event, f"{text[:40]!r} is not a number that JSON has")
        if _INT.fullmatch(text):
            return int(text)
        return float(text) if _FLOAT.fullmatch(text) else text


def _unless_end(event: Any) -> Any:
    """The event, or None for one that ends a list or a mapping."""
    return None if isinstance(event, yaml.CollectionEndEvent) else event


def _quote_hint(text: str) -> str:
    if text.lower() in ("yes", "no", "on", "off", "y", "n"):
        meant = "true" if text.lower() in ("yes", "on", "y") else "false"
        return f'write {meant}, or quote it: "{text}"'
    return f'did you mean a quoted string: "{text}"'
