"""Reading text, JSON, JSONL, YAML and CSV files strictly: what is ambiguous is refused, with its place."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from evalkit.errors import InvalidInput

MAX_BYTES = 1 << 30  # of one file
MAX_YAML_BYTES = 8 << 20
MAX_YAML_NODES = 200_000  # after aliases are expanded
MAX_DEPTH = 100


@dataclass(frozen=True, slots=True)
class Row:
    """One object of a data file, with the line on which it starts (1-based)."""

    line: int
    value: dict[str, Any]


@dataclass(frozen=True, slots=True)
class YamlFile:
    """A parsed YAML file and the line of every key, by path."""

    value: Any
    lines: dict[tuple[str | int, ...], int] = field(default_factory=dict)


def contained(folder: Path, name: str, *, file: Path, where: str) -> Path:
    """The path ``name`` inside ``folder``; absolute paths, ``..`` and links that lead out are refused."""
    root = folder.resolve()
    path = (root / name).resolve()
    if "\0" in name or Path(name).is_absolute() or not path.is_relative_to(root):
        raise InvalidInput(
            f"{name!r} leaves the suite folder",
            file=file,
            field=where,
            hint="give a path relative to the folder, inside it",
        )
    return path


def read_text(path: Path, *, limit: int = MAX_BYTES) -> str:
    """The whole file as text; UTF-8 with or without a byte order mark."""
    try:
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    except FileNotFoundError:
        raise InvalidInput("the file does not exist", file=path) from None
    except OSError as error:
        raise InvalidInput(f"cannot be read: {error.strerror}", file=path) from None
    with os.fdopen(handle, "rb") as stream:
        facts = os.fstat(stream.fileno())
        if not stat.S_ISREG(facts.st_mode):
            raise InvalidInput("is not a regular file", file=path)
        if facts.st_size > limit:
            raise InvalidInput(f"is larger than {limit >> 20} MB", file=path)
        data = stream.read()
    return _decode(data, path)


def _decode(data: bytes, path: Path) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise InvalidInput("is UTF-16", file=path, hint="save it as UTF-8")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise InvalidInput(
            f"is not valid UTF-8 at byte {error.start}",
            file=path,
            line=line,
            hint="save it as UTF-8",
        ) from None
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise InvalidInput("holds a NUL character", file=path, line=line)
    return text


class _DuplicateKeyError(ValueError):
    pass


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise _DuplicateKeyError(f"key {key!r} is given twice in one object")
            seen.add(key)
    return found


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON; leave the value out, or write null")


def _finite(text: str) -> float:
    value = float(text)
    if value in (float("inf"), float("-inf")):
        raise ValueError(f"the number {text[:40]} is too large")
    return value


_decoder = json.JSONDecoder(
    object_pairs_hook=_unique, parse_constant=_no_constant, parse_float=_finite
)


def parse_json(text: str, *, file: Path | None = None, line: int = 1) -> Any:
    """JSON as the standard has it: no NaN, no duplicate keys, no runaway depth or numbers."""
    try:
        value = _decoder.decode(text)
    except json.JSONDecodeError as error:
        place = line + error.lineno - 1
        raise InvalidInput(
            f"is not JSON: {error.msg} at column {error.colno}", file=file, line=place
        ) from None
    except RecursionError:
        raise InvalidInput("is nested too deeply", file=file, line=line) from None
    except ValueError as error:
        message = (
            "holds a number with too many digits" if "int string" in str(error) else str(error)
        )
        raise InvalidInput(message, file=file, line=line) from None
    if "\\ud" in text or "\\uD" in text:
        _refuse_surrogates(value, file, line)
    return value


def _refuse_surrogates(value: Any, file: Path | None, line: int) -> None:
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise InvalidInput("holds half of a surrogate pair", file=file, line=line) from None


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


def read_csv(path: Path) -> Iterator[Row]:
    """The rows of a CSV file with a header; empty cells are left out, JSON cells are parsed.

    A cell that starts with ``{`` or ``[`` is JSON, so that lists and objects fit a spreadsheet.
    """
    text = read_text(path)
    delimiter = _delimiter(text)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        header = [name.strip() for name in next(reader, [])]
        _check_header(header, path)
        while True:
            start = reader.line_num + 1
            cells = next(reader, None)
            if cells is None:
                return
            if any(cell.strip() for cell in cells):
                yield Row(start, _csv_object(header, cells, path, start))
    except csv.Error as error:
        raise InvalidInput(f"is not CSV: {error}", file=path, line=reader.line_num) from None


def _delimiter(text: str) -> str:
    head = text.split("\n", 1)[0]
    return max(",;\t", key=head.count)


def _check_header(header: list[str], path: Path) -> None:
    if not any(header):
        raise InvalidInput("has no header row", file=path, line=1)
    doubled = sorted({name for name in header if header.count(name) > 1})
    if doubled:
        raise InvalidInput(f"column {doubled[0]!r} is given twice", file=path, line=1)


def _csv_object(header: list[str], cells: list[str], path: Path, line: int) -> dict[str, Any]:
    if len(cells) > len(header):
        raise InvalidInput(
            f"has {len(cells)} cells, the header has {len(header)}", file=path, line=line
        )
    found: dict[str, Any] = {}
    for name, cell in zip(header, cells, strict=False):
        text = cell.strip()
        if text:
            found[name] = parse_json(text, file=path, line=line) if text[0] in "{[" else text
    return found


# --- YAML ------------------------------------------------------------------------------------

_AMBIGUOUS = re.compile(
    r"(?i:yes|no|on|off|y|n)|[-+]?0[0-9_]+|[-+]?[0-9][0-9]*_[0-9_]*|[-+]?\d+(:[0-5]?\d)+(\.\d*)?"
    r"|\d{4}-\d\d?-\d\d?([Tt\s].*)?"
)
_BOOL = {"true": True, "false": False}
_NULL = ("", "~", "null")
_INT = re.compile(r"[-+]?(0|[1-9][0-9]{0,40})")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")


def read_yaml(path: Path) -> YamlFile:
    """One YAML document read by the rules of YAML 1.2's core schema.

    Plain scalars that YAML 1.1 would turn into something else (``no``, ``012``, ``1:30``, dates) are refused:
    quoting them says what is meant. So are tags, duplicate keys and aliases that expand without bound.
    """
    text = read_text(path, limit=MAX_YAML_BYTES)
    try:
        node = yaml.compose(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else None
        raise InvalidInput(f"is not YAML: {error.problem}", file=path, line=line) from None
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise InvalidInput(f"is not YAML: {error}", file=path) from None
    if node is None:
        return YamlFile(None)
    reader = _YamlReader(path)
    reader.measure(node, 0, frozenset())
    value = reader.construct(node, ())
    return YamlFile(value, reader.lines)


class _YamlReader:
    def __init__(self, path: Path) -> None:
        self.path = path
        self.lines: dict[tuple[str | int, ...], int] = {}
        self.sizes: dict[int, int] = {}

    def refuse(self, node: yaml.Node, message: str, hint: str | None = None) -> InvalidInput:
        return InvalidInput(message, file=self.path, line=node.start_mark.line + 1, hint=hint)

    def measure(self, node: yaml.Node, depth: int, above: frozenset[int]) -> int:
        if id(node) in above or depth > MAX_DEPTH:
            raise self.refuse(node, "is nested too deeply or refers to itself")
        if id(node) not in self.sizes:
            inner = above | {id(node)}
            size = 1 + sum(self.measure(child, depth + 1, inner) for child in _children(node))
            self.sizes[id(node)] = size
        if self.sizes[id(node)] > MAX_YAML_NODES:
            raise self.refuse(node, f"expands to more than {MAX_YAML_NODES} values")
        return self.sizes[id(node)]

    def construct(self, node: yaml.Node, path: tuple[str | int, ...]) -> Any:
        self.lines.setdefault(path, node.start_mark.line + 1)
        if isinstance(node, yaml.MappingNode):
            return self.mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self.construct(child, (*path, i)) for i, child in enumerate(node.value)]
        return self.scalar(node)

    def mapping(self, node: yaml.MappingNode, path: tuple[str | int, ...]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key_node, child in node.value:
            key = key_node.value if isinstance(key_node, yaml.ScalarNode) else None
            if not isinstance(key, str) or key == "<<":
                raise self.refuse(key_node, "keys must be plain words; merge keys are not read")
            if key in found:
                first = self.lines[(*path, key)]
                raise self.refuse(key_node, f"key {key!r} is given twice, first on line {first}")
            self.lines[(*path, key)] = key_node.start_mark.line + 1
            found[key] = self.construct(child, (*path, key))
        return found

    def scalar(self, node: yaml.ScalarNode) -> Any:
        text: str = node.value
        if not node.tag.startswith("tag:yaml.org,2002:") or "python" in node.tag:
            raise self.refuse(node, f"tag {node.tag!r} is not read")
        if node.style in ("'", '"', "|", ">"):
            return text
        if _AMBIGUOUS.fullmatch(text):
            raise self.refuse(
                node, f"{text!r} is read differently by different YAML versions", _quote_hint(text)
            )
        return _core_scalar(text, self, node)


def _core_scalar(text: str, reader: _YamlReader, node: yaml.Node) -> Any:
    if text.lower() in _NULL:
        return None
    if text.lower() in _BOOL:
        return _BOOL[text.lower()]
    if _INT.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text):
        return float(text)
    if text.lower().lstrip("+-") in (".nan", ".inf"):
        raise reader.refuse(node, f"{text!r} is not a number that JSON has")
    return text


def _quote_hint(text: str) -> str:
    if text.lower() in ("yes", "no", "on", "off", "y", "n"):
        meant = "true" if text.lower() in ("yes", "on", "y") else "false"
        return f'write {meant}, or quote it: "{text}"'
    return f'did you mean a quoted string: "{text}"'


def _children(node: yaml.Node) -> list[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        return [part for pair in node.value for part in pair]
    return list(node.value) if isinstance(node, yaml.SequenceNode) else []
