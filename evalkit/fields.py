"""Fields of a structured answer held against those of the ideal object: which are wrong, and where it is ill-formed."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence

from evalkit.records import JsonObject
from evalkit.text.extract import Parsed, parse_json
from evalkit.text.field_match import field_credit, is_free_text

HOLDS = 0.5  # share of its values by which prose is taken to be a record
_CELL = re.compile(r"[|;\t]")
_STRING = re.compile(r'"((?:[^"\\]|\\.)*)"')
_CHARACTER = re.compile(r"\\u[dD][89abAB]..\\u[dD][c-fC-F]..|\\u[0-9a-fA-F]{4}|\\.|.", re.DOTALL)
MISREAD = 75  # per cent of like letters from which on two values are readings of one
DATE = (
    6  # digits from which on two values with the same ones may be one date, day and month exchanged
)
WRAPPINGS = 3  # around a record that are taken off
EMPTY = frozenset(
    ("", "none", "null", "n/a", "na", "-", "–", "unknown")
)  # a leaf that says nothing
BARS = 2  # between the cells of a line that is a row of a table
SHORT = 2  # characters up to which a value may stand anywhere by chance


def wrong_fields(
    reference: Mapping[str, object],
    response: str | None,
    schema: JsonObject | None = None,
    unseen: Callable[[str], bool] = lambda _: False,
) -> list[tuple[str, str, str | None]]:
    """The leaves of the ideal object that the answer does not have, as (path, value, value given instead).

    Fields in which the answer breaks its ``schema`` are left out: their form is wrong before their content is.
    A field that is missing stays when its value is ``unseen``: nobody told the system what to fill in.
    """
    parsed = parse_json(response or "")
    given = record_in(parsed.content, reference)
    unreadable: frozenset[str] = frozenset()
    if schema is not None:
        untold = {k for k in reference if k not in given and _any(reference[k], unseen)}
        unreadable = _ill_formed(parsed, response or "", schema, reference) - untold
    wrong: list[tuple[str, str, str | None]] = []
    for key, wanted in reference.items():
        if key in unreadable:
            continue
        if key not in given or field_credit(wanted, given[key]) < 1:
            there = dict(leaves(given.get(key), key))
            leaves_of = leaves(wanted, key)
            wrong += [(p, v, there.get(p)) for p, v in leaves_of if there.get(p) != v]
    return wrong


def record_in(content: object, reference: Mapping[str, object]) -> Mapping[str, object]:
    """The record in an answer's JSON: the object itself, or what one wrapping holds; empty where there is none.

    Wrappings are an array of one object, an object with one other key ("result"), and JSON written as a string.
    """
    for _ in range(WRAPPINGS):
        if isinstance(content, str) and content.lstrip()[:1] in ("{", "["):
            content = parse_json(content).content
        elif isinstance(content, list) and len(content) == 1:
            content = content[0]
        elif (
            isinstance(content, Mapping) and len(content) == 1 and not set(content) & set(reference)
        ):
            content = next(iter(content.values()))
        else:
            break
    return content if isinstance(content, Mapping) else {}


def left_empty(
    reference: Mapping[str, object], wrong: Sequence[tuple[str, str, str | None]]
) -> bool:
    """Whether all that is wrong with a record is that it has nothing where a value is wanted, and it has others."""
    named = [value for _, value in leaves(reference) if not _empty(value)]
    lacking = [not _empty(value) and _empty(given) for _, value, given in wrong]
    return bool(wrong) and all(lacking) and len(wrong) < len(named)


def invented(
    wrong: Sequence[tuple[str, str, str | None]], told: Callable[[str], bool]
) -> tuple[str, ...]:
    """What a record gives where nothing is wanted, and no source tells; empty where anything else is wrong."""
    found = [
        f"{path} = {given}"
        for path, value, given in wrong
        if given is not None and _empty(value) and not _empty(given) and not told(given)
    ]
    return tuple(found) if len(found) == len(wrong) else ()


def _empty(value: str | None) -> bool:
    return value is None or value.strip(" .").casefold() in EMPTY


def _any(wanted: object, holds: Callable[[str], bool]) -> bool:
    return any(holds(text) for _, text in leaves(wanted))


def _ill_formed(
    parsed: Parsed, response: str, schema: JsonObject, reference: Mapping[str, object]
) -> frozenset[str]:
    """The fields in which an answer breaks its schema; all that a cut-off object lacks.

    Prose is a record in the wrong form only where it holds the values; else it says something else.
    """
    from evalkit.metrics.format_errors import format_errors

    if not parsed.extractable:
        values = [text for _, text in leaves(reference)]
        held = sum(text.casefold() in response.casefold() for text in values)
        return frozenset(reference) if held >= HOLDS * len(values) else frozenset()
    pointers = (error.pointer for error in format_errors(parsed, schema))
    pointed = {pointer.split("/")[1] for pointer in pointers if "/" in pointer}
    given = record_in(parsed.content, reference)
    if parsed.parses and given is not parsed.content:
        return frozenset()  # what a wrapping holds is read by what it says
    return frozenset(pointed | (set() if parsed.parses else set(reference) - set(given)))


def leaves(value: object, path: str = "") -> Iterator[tuple[str, str]]:
    """The scalars of a JSON value with their dotted paths, as comparable text."""
    if isinstance(value, Mapping):
        for key, child in value.items():
            yield from leaves(child, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list):
        for i, child in enumerate(value):
            yield from leaves(child, f"{path}[{i}]")
    else:
        number = isinstance(value, int | float) and not isinstance(value, bool)
        yield path, f"{value:g}" if number else " ".join(str(value).split())


def plainly_other(wanted: str, given: str | None, reference: Mapping[str, object]) -> bool:
    """Whether a given value is another one than the wanted, rather than a reading of it gone wrong.

    A misread, cut or reordered form of the wanted value, and the value of another field of the same record,
    are faults of the reader: they say nothing against the label.
    """
    from rapidfuzz.fuzz import ratio

    if given is None or _empty(given) or given in dict(leaves(reference)).values():
        return False
    a, b = wanted.casefold(), given.casefold()
    digits = sorted(filter(str.isdigit, a))
    jumbled = len(digits) >= DATE and digits == sorted(filter(str.isdigit, b))
    return not (a in b or b in a or jumbled or ratio(a, b) >= MISREAD)


def row_of(text: str, reference: Mapping[str, object], query: str) -> str:
    """The one line of a table that has the value which the question asks by; "" where it is not one, or no table."""
    asked = query.casefold()
    keys = [v.casefold() for _, v in leaves(reference) if len(v) > SHORT and v.casefold() in asked]
    lines = [line for line in text.splitlines() if any(key in line.casefold() for key in keys)]
    return lines[0] if len(lines) == 1 and len(_CELL.findall(lines[0])) >= BARS else ""


def strange_values(reference: Mapping[str, object], response: str | None) -> list[str]:
    """The values an answer gives that the ideal object does not have at their place; short ones left out."""
    parsed = parse_json(response or "")
    given = leaves(parsed.content) if parsed.readable else ()
    wanted = dict(leaves(reference))
    return [text for path, text in given if wanted.get(path) != text and len(text) > SHORT]


def prose(response: str) -> tuple[Sequence[int], str, bool]:
    """The sentences of an answer, which may stand inside a JSON record: (places, text, is it prose?).

    ``places`` gives for each place in the text, its end included, the one in the response.
    """
    parsed = parse_json(response)
    everywhere = range(len(response) + 1)
    if not parsed.parses or not isinstance(parsed.value, dict | list):
        return everywhere, response, True
    longest = max(_STRING.finditer(response), key=lambda m: len(m[1]), default=None)
    if longest is None or 2 * len(longest[1]) < len(response):
        return everywhere, response, False  # a record with a long field is still a record
    places, text = _unescaped(longest[1], longest.start(1))
    return (places, text, True) if is_free_text(text) else (everywhere, response, False)


def _unescaped(literal: str, start: int) -> tuple[Sequence[int], str]:
    """The text of a JSON string that begins at ``start``, and where each of its characters stands."""
    if "\\" not in literal:
        return range(start, start + len(literal) + 1), literal
    pieces = list(_CHARACTER.finditer(literal))
    text = "".join(
        str(json.loads(f'"{piece[0]}"')) if len(piece[0]) > 1 else piece[0] for piece in pieces
    )
    return [*(start + piece.start() for piece in pieces), start + len(literal)], text
