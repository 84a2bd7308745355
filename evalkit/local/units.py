"""Cuts a business paper into units: dates, amounts, percentages, codes and words, each with its label."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any

from evalkit.text.number_words import MONTHS

# What a scanner confuses with digits; repaired only next to a real digit.
_LOOKALIKE = str.maketrans("OoQIlSB", "0001158")
_D = r"[\dOoIlSB]"
_AMOUNT = rf"\d{{1,3}}(?:[ \u00a0\u202f]{_D}{{3}})+,{_D}{{2}}|{_D}+(?:[.,'’]{_D}+)*"
_UNIT = re.compile(
    rf"(?P<iso>(?<![\w-])(?P<y1>{_D}{{4}})[-/](?P<m1>{_D}{{1,2}})[-/](?P<d1>{_D}{{1,2}})(?![\w-]))"
    rf"|(?P<kanji>(?P<y2>{_D}{{4}})年(?P<m2>{_D}{{1,2}})月(?P<d2>{_D}{{1,2}})日)"
    rf"|(?P<numeric>(?<![\w./-])(?P<a>{_D}{{1,2}})(?P<sep>[./-])(?P<b>{_D}{{1,2}})(?P=sep)(?P<y3>{_D}{{4}}|{_D}{{2}})(?![\w-]|[./]\d))"
    rf"|(?P<day_first>(?<!\w)(?P<d4>{_D}{{1,2}})(?:er|\.)?\s?(?:de |of )?(?P<n4>[^\W\d_]{{3,12}})\.?\s?(?:de |of )?(?P<y4>2{_D}{{3}})(?!\w))"
    rf"|(?P<month_first>(?<!\w)(?P<n5>[^\W\d_]{{3,12}})\.?\s?(?P<d5>{_D}{{1,2}}),\s?(?P<y5>2{_D}{{3}})(?!\w))"
    rf"|(?P<percent>(?:{_AMOUNT})(?=\s?%))"
    rf"|(?P<number>(?<![\w./-])-?(?:{_AMOUNT})(?![\w/-]|[.,]\w))"
    r"|(?P<code>[^\W_]+(?:[./_-][^\W_]+|,\d+)*)"
)
_SAME_TO_SCANNER = str.maketrans("1058i", "losbl")
_NEAR_DIGIT = re.compile(r"(?<=\d)[OoIlSB]+(?=[\d\W]|$)|(?<![^\W\d_])[OoIlSB]+(?=\d)")
_CELL = re.compile(r"\s{2,}|\s*[|;]\s*|\.{3,}|\s[-/]\s|:\s*|,\s+|[【】]")
_DIGIT = re.compile(r"\d")
_DATES = frozenset({"iso", "kanji", "numeric", "day_first", "month_first"})
_LETTERS = re.compile(r"[^\W\d_]+")


@dataclass(frozen=True, slots=True)
class Unit:
    """A piece of text with a kind and a normal form.

    ``value`` is an ISO date, a number, or the code or word itself, scanner's errors mended;
    ``other`` the date read with the month first, where that is possible and differs.
    ``label`` is what stands before it on the line, letters only; ``above`` the label one line up.
    """

    kind: str
    text: str
    value: Any
    start: int
    end: int
    line: int
    label: str
    above: str
    other: str | None = None


def mend(text: str) -> str:
    """Letters a scanner put in the place of digits, back to digits."""
    if text.isalpha():
        return text
    return _NEAR_DIGIT.sub(lambda found: found[0].translate(_LOOKALIKE), text)


def scan_key(text: str) -> str:
    """What is left of a text when nothing counts that a scanner confuses or loses."""
    plain = "".join(text.casefold().split()).replace("rn", "m").translate(_SAME_TO_SCANNER)
    return plain.rstrip(".")


def read_amount(text: str) -> float | None:
    """The value of ``1.234,50``, ``1,234.50``, ``1 234,50``, ``1'234.50`` or ``12``.

    The last separator is decimal unless three digits follow it.
    """
    plain = re.sub(r"[\s'’]", "", text.translate(_LOOKALIKE))
    last = max(plain.rfind("."), plain.rfind(","))
    if last >= 0 and len(plain) - last - 1 != 3:
        plain = re.sub(r"[.,]", "", plain[:last]) + "." + plain[last + 1 :]
    else:
        plain = re.sub(r"[.,]", "", plain)
    try:
        return float(plain)
    except ValueError:
        return None


def iso_date(year: str, month: str, day: str) -> str | None:
    """The ISO form of a day that exists, else ``None``; two digits of a year mean this century."""
    try:
        parts = [int(part.translate(_LOOKALIKE)) for part in (year, month, day)]
        return date(parts[0] + (2000 if parts[0] < 100 else 0), parts[1], parts[2]).isoformat()
    except ValueError:
        return None


def _read_date(found: re.Match[str], months: Mapping[str, int]) -> tuple[str | None, str | None]:
    kind = found.lastgroup
    if kind in ("iso", "kanji"):
        n = "1" if kind == "iso" else "2"
        return iso_date(found[f"y{n}"], found[f"m{n}"], found[f"d{n}"]), None
    if kind == "numeric":
        usual = iso_date(found["y3"], found["b"], found["a"])
        swapped = iso_date(found["y3"], found["a"], found["b"])
        return (usual or swapped), (swapped if usual and swapped != usual else None)
    n = "4" if kind == "day_first" else "5"
    month = months.get(scan_key(found[f"n{n}"]))
    return (iso_date(found[f"y{n}"], str(month), found[f"d{n}"]) if month else None), None


@lru_cache(512)
def _plain_units(text: str) -> tuple[Unit, ...]:
    return tuple(_units(text, _USUAL_MONTHS))


def units(text: str, months: Mapping[str, int] | None = None) -> tuple[Unit, ...]:
    """The units of a paper in reading order; ``months`` adds month names to the usual ones."""
    return _plain_units(text) if months is None else tuple(_units(text, months))


def month_keys(months: Mapping[str, int]) -> dict[str, int]:
    """Month names under the keys that ``units`` looks up."""
    return {scan_key(name): number for name, number in months.items()}


_USUAL_MONTHS = month_keys(MONTHS)


def _units(text: str, months: Mapping[str, int]) -> Iterator[Unit]:
    above, offset = "", 0
    for number, line in enumerate(text.split("\n")):
        yield from _line_units(line, offset, number, above, months)
        above = letters_only(line) or above
        offset += len(line) + 1


def _line_units(
    line: str, offset: int, number: int, above: str, months: Mapping[str, int]
) -> Iterator[Unit]:
    at = label_from = 0
    while (found := _UNIT.search(line, at)) is not None:
        at = found.end()
        kind, value, other = _kind_of(found, months)
        if (
            kind == "skip"
        ):  # looked like a date in words and was none: read on after its first piece
            at = found.start() + _first_piece(found[0])
            kind, value = _code_or_word(line[found.start() : at])
        label = "" if kind == "word" else letters_only(line[label_from : found.start()])
        yield Unit(
            kind,
            line[found.start() : at],
            value,
            offset + found.start(),
            offset + at,
            number,
            label,
            above,
            other,
        )
        if kind != "word":
            label_from = at


def _kind_of(found: re.Match[str], months: Mapping[str, int]) -> tuple[str, Any, str | None]:
    if found.lastgroup in _DATES:
        usual, other = _read_date(found, months)
        if usual is not None:
            return "date", usual, other
        return "skip", None, None
    if found.lastgroup in ("percent", "number") and _DIGIT.search(found[0]):
        amount = read_amount(found[0])
        if amount is not None:
            return found.lastgroup, amount, None
    return *_code_or_word(found[0]), None


def _code_or_word(text: str) -> tuple[str, str]:
    mended = mend(text)
    return ("code" if _DIGIT.search(mended) else "word"), mended


def _first_piece(text: str) -> int:
    found = re.match(r"[^\W\d_]+|\d+", text)
    return found.end() if found else 1


def letters_only(text: str) -> str:
    """Letters of a label's last cell in lower case, without spaces: robust against lost blanks."""
    cells = [cell for cell in _CELL.split(text) if _LETTERS.search(cell)]
    return "".join(_LETTERS.findall(cells[-1])).casefold() if cells else ""


@lru_cache(512)
def cells(text: str) -> tuple[str, ...]:
    """The cells of all lines: what stands between wide gaps, bars, semicolons, colons and commas."""
    return tuple(
        cell.strip(" *#-_=+~`^°¨")
        for line in text.split("\n")
        for cell in _CELL.split(line)
        if any(letter.isalnum() for letter in cell)
    )
