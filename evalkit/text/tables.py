"""Reads the shapes an answer may have besides JSON: a table, titled sections, one label of a set."""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from evalkit.text.extract import fenced_blocks, parse_json, whole_fence

DELIMITERS = (",", ";", "\t", "|")


@dataclass(frozen=True, slots=True)
class Table:
    """A table read from an answer: its header, its rows of cells, and what is wrong with it.

    ``error``: ``None``, ``empty``, ``ragged`` (rows of differing width), ``quoting`` (a quote that
    never ends), or ``surrounding_text`` (a fenced table among prose; it is read all the same).
    """

    header: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    delimiter: str = ","
    error: str | None = None


def fold(text: str) -> str:
    """NFKC, one kind of white space, case folded: how headings, columns and labels are compared."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


# --- CSV -------------------------------------------------------------------------------------


def read_table(response: str) -> Table:
    """The table an answer consists of: CSV with any of ``DELIMITERS``, or Markdown; never raises."""
    text = response.removeprefix("\ufeff").strip("\ufeff \r\n")
    body = whole_fence(text)
    blocks = fenced_blocks(body)
    if blocks and body is text:
        inner = read_table(blocks[0])
        return Table(inner.header, inner.rows, inner.delimiter, inner.error or "surrounding_text")
    if not body.strip():
        return Table(error="empty")
    return _markdown_table(body) or _csv_table(body)


def _csv_table(text: str) -> Table:
    tables = [_split(text, delimiter) for delimiter in DELIMITERS]
    return max(
        tables, key=lambda table: (table.error is None and len(table.header) > 1, len(table.header))
    )


def _split(text: str, delimiter: str) -> Table:
    lines = csv.reader(
        io.StringIO(text, newline=""), delimiter=delimiter, strict=True, skipinitialspace=True
    )
    try:
        rows = [tuple(cell.strip() for cell in row) for row in lines if row]
    except csv.Error:
        return Table(delimiter=delimiter, error="quoting")
    return _table(rows, delimiter)


def _table(rows: list[tuple[str, ...]], delimiter: str) -> Table:
    if not rows:
        return Table(delimiter=delimiter, error="empty")
    header, *body = rows
    ragged = any(len(row) != len(header) for row in body)
    return Table(header, tuple(body), delimiter, "ragged" if ragged else None)


_RULE_CELL = re.compile(r":?-{2,}:?|:?-:?")
_CELL_BREAK = re.compile(r"(?<!\\)\|")


def _markdown_table(text: str) -> Table | None:
    lines = [line.strip() for line in text.split("\n") if line.strip()]
    if len(lines) < 2 or "|" not in lines[0]:
        return None
    rows = [_cells(line) for line in lines]
    if not all(_RULE_CELL.fullmatch(cell) for cell in rows[1]):
        return None
    return _table([rows[0], *rows[2:]], "|")


def _cells(line: str) -> tuple[str, ...]:
    inner = line.removeprefix("|")
    inner = inner[:-1] if inner.endswith("|") and not inner.endswith("\\|") else inner
    return tuple(cell.strip().replace("\\|", "|") for cell in _CELL_BREAK.split(inner))


# --- sections --------------------------------------------------------------------------------

_NUMBERING = (
    r"(?:\d{1,2}(?:\.\d{1,2}){1,3}\.?\s{1,3}|(?:\d{1,3}|[IVXivx]{1,5}|[A-Za-z])[.)．、]\s{0,3})?"
)
_HEADING = re.compile(
    rf"""^\s{{0,3}}(?:
        \#{{1,6}}\s+(?P<hash>\S[^\n]*?)\s*\#*
      | {_NUMBERING}(?:\*\*|__)(?P<bold>[^*_\n]{{1,120}})(?:\*\*|__)\s*[:：]?(?:\s+\S[^\n]*)?
      | [【〔■●◆]\s*(?P<bracket>[^】〕\n]{{1,80}}?)[】〕]?
      | {_NUMBERING}(?P<colon>[^\s:：*#|{{}}"“][^:：\n{{}}"]{{0,79}})[:：](?:\s+\S[^\n]*|\s*)
    )\s*$""",
    re.VERBOSE,
)
_LEADING_NUMBER = re.compile(rf"^{_NUMBERING}", re.VERBOSE)


def headings(response: str) -> tuple[str, ...]:
    """The section headings of an answer in order, folded, without numbering, marks and final colon.

    A heading is a Markdown ``#`` line, a line (or the start of one) in bold, ``【...】``, or a
    "Heading:" at the start of a line. Lines inside code fences do not count.
    """
    found: list[str] = []
    fenced = False
    for line in response.split("\n"):
        if line.lstrip().startswith("```"):
            fenced = not fenced
        heading = None if fenced or len(line) > 2000 else _HEADING.match(line)
        if heading is not None:
            found.append(heading_key(next(part for part in heading.groups() if part is not None)))
    return tuple(found)


def heading_key(heading: str) -> str:
    """A heading as it is compared: folded, without emphasis, numbering and final colon."""
    plain = _LEADING_NUMBER.sub("", heading.strip(" *_#\t\r")).strip(" *_#\t\r")
    return fold(plain).rstrip(":： ").strip()


def in_order(wanted: Sequence[str], found: Sequence[str]) -> bool:
    """Whether all of ``wanted`` stand in ``found`` in this order; others may stand between."""
    rest = iter(found)
    return all(any(one == other for other in rest) for one in wanted)


# --- labels ----------------------------------------------------------------------------------

_EDGE = " \t\r\n.,;:!?。．、！？：*_`'\"“”„‘’«»「」『』()[]{}<>#-–—"
_LABEL_LINE = re.compile(
    r"^[ \t>*_#-]{0,8}[^\W\d][^\n:：=]{0,40}[:：=][ \t*_]{0,4}(?P<label>[^\n]{1,200})$",
    re.MULTILINE,
)
_NEGATION = re.compile(
    r"\b(?:not|n't|never|no|neither|nor|nicht|kein\w*|weder|pas|ni|aucun\w*|non|nunca|não|niet|geen|không|нет|не|ليس|لا|غير)\b"
    r"|n't\b|ではな|じゃな|ません|不是|並非|并非|아니"
)
SHORT_ANSWER = 160  # characters; in a longer text a label may merely be mentioned


def label_key(text: str) -> str:
    """A label as it is compared: folded, without quotes, emphasis and punctuation at its ends."""
    return fold(text).strip(_EDGE)


def extract_label(response: str, labels: Sequence[str]) -> str | None:
    """The one of ``labels`` an answer gives; ``None`` where it gives none, several, or negates one.

    In this order: the answer is a label; it is a small JSON object with a label as a value; lines
    such as "Label: X" agree on one; a short answer names exactly one (the longest where one label
    is part of another).
    """
    known = {label_key(label): label for label in labels}
    if label_key(response) in known:
        return known[label_key(response)]
    stated = _json_labels(response, known) or _stated_labels(response, known)
    if stated:
        return known[next(iter(stated))] if len(stated) == 1 else None
    folded = fold(response)
    if len(folded) > SHORT_ANSWER or _NEGATION.search(_without(folded, known)):
        return None
    named = _named_labels(folded, known)
    return known[next(iter(named))] if len(named) == 1 else None


def _json_labels(response: str, known: dict[str, str]) -> set[str]:
    content = parse_json(response).content
    values = content.values() if isinstance(content, dict) else ()
    return {label_key(value) for value in values if isinstance(value, str)} & known.keys()


def _stated_labels(response: str, known: dict[str, str]) -> set[str]:
    lines = _LABEL_LINE.finditer(response)
    return {label_key(line["label"]) for line in lines} & known.keys()


def _without(folded: str, known: dict[str, str]) -> str:
    """The text less its labels, so that the label "not relevant" does not count as a negation."""
    for label in sorted(known, key=len, reverse=True):
        folded = _mention(label).sub(" ", folded) if label else folded
    return folded


def _named_labels(folded: str, known: dict[str, str]) -> set[str]:
    named: set[str] = set()
    for label in sorted(known, key=len, reverse=True):
        if label and (mention := _mention(label)).search(folded):
            named.add(label)
            folded = mention.sub(" ", folded)
    return named


def _mention(label: str) -> re.Pattern[str]:
    """``label`` as a word of its own where the script has spaces; one inside other words is none."""
    before = r"(?<![^\W\u3040-\u30ff\u4e00-\u9fff])" if label[0].isalnum() else ""
    spaceless = re.match(r"[\u0e00-\u0eff\u3040-\u30ff\u4e00-\u9fff\uac00-\ud7af]", label[-1])
    after = "" if spaceless else r"(?!\w)" if label[-1].isalnum() else ""
    return re.compile(("" if spaceless else before) + re.escape(label) + after)
