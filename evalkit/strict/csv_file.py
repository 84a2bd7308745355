"""CSV files as spreadsheets save them: a header, then rows; commas, semicolons or tabs between the cells."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from evalkit.errors import InvalidInput
from evalkit.strict.json_file import parse_json
from evalkit.strict.text_file import Row, read_text


def read_csv(path: Path) -> Iterator[Row]:
    """The rows of a CSV file as texts by column; cells that are empty are left out."""
    text = read_text(path)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text), strict=True)
    try:
        header = [name.strip() for name in next(reader, [])]
        _check_header(header, path)
        start = reader.line_num + 1
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield Row(start, _by_column(header, cells, path, start))
            start = reader.line_num + 1
    except csv.Error as error:
        raise InvalidInput(f"is not CSV: {error}", file=path, line=reader.line_num) from None


def json_cell(cell: str, *, file: Path, line: int, column: str) -> Any:
    """What a cell that can hold a list or an object stands for: JSON where it starts like it, else its text."""
    if cell[0] not in "{[":
        return cell
    try:
        return parse_json(cell)
    except InvalidInput as error:
        hint = "a cell that starts with { or [ is read as JSON"
        raise InvalidInput(error.message, file=file, line=line, field=column, hint=hint) from None


def _delimiter(text: str) -> str:
    unquoted = re.sub(r'"[^"]*"', "", text[:100_000]).lstrip("\r\n").split("\n", 1)[0]
    return max(",;\t", key=unquoted.count)


def _check_header(header: list[str], path: Path) -> None:
    named = [name for name in header if name]
    if not named:
        raise InvalidInput("has no header row", file=path, line=1)
    doubled = sorted({name for name in named if named.count(name) > 1})
    if doubled:
        raise InvalidInput(f"column {doubled[0]!r} is given twice", file=path, line=1)


def _by_column(header: list[str], cells: list[str], path: Path, line: int) -> dict[str, Any]:
    unnamed = [*(not name for name in header), *[True] * len(cells)]
    if any(cell.strip() for cell, lacks in zip(cells, unnamed, strict=False) if lacks):
        raise InvalidInput(
            "has a cell in a column without a name",
            file=path,
            line=line,
            hint="is a quote missing?",
        )
    found = {name: cell.strip() for name, cell in zip(header, cells, strict=False)}
    return {name: cell for name, cell in found.items() if cell}
