"""Numbers, amounts and dates of a text in one normal form, whatever the locale they are written in."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from functools import lru_cache

from evalkit.text.alternation import any_of
from evalkit.text.bare_numbers import counts
from evalkit.text.clock_times import UNIT, clock_times, seconds_of
from evalkit.text.number_words import CENTS, CURRENCIES, MAGNITUDES, MONTHS, UNITS
from evalkit.text.spelled_numbers import in_digits
from evalkit.text.tokens import CACHE, normalise, tokens

_MONTH = any_of(MONTHS)
_YEAR = r"(?P<y>\d{4})"
NAME, YEAR = "name", "year"
# Patterns of dates, each with what a text must have for it: the name of a month, four digits in a row, or a word.
_DATES = tuple(
    (re.compile(pattern), needed)
    for needed, pattern in (
        (YEAR, r"(?<!\d)(?P<y>\d{4})[-/.年](?P<m>\d{1,2})[-/.月](?P<d>\d{1,2})日?(?!\d)"),
        ("年", r"(?<!\d)(?P<y>\d{4})年(?P<m>\d{1,2})月"),
        ("月", r"(?<!\d)(?P<m>\d{1,2})月(?P<d>\d{1,2})日"),
        (
            NAME,
            rf"(?<!\w)(?P<d>\d{{1,2}})(?:st|nd|rd|th|er|[.º])?\s*(?:of |de |ngày |tháng )?\s*(?P<m>{_MONTH})\.?,?\s*(?:of |de |del |năm )?\s*{_YEAR}(?!\d)",
        ),
        (
            NAME,
            rf"(?<!\w)(?P<m>{_MONTH})\.?\s*(?:the )?(?P<d>\d{{1,2}})(?:st|nd|rd|th)?,?\s+(?:of )?{_YEAR}(?!\d)",
        ),
        ("ngày", r"(?<!\w)ngày (?P<d>\d{1,2}) tháng (?P<m>\d{1,2}) năm (?P<y>\d{4})(?!\d)"),
        (YEAR, r"(?<![\d/.])(?P<a>\d{1,2})[/.](?P<b>\d{1,2})[/.](?P<y>\d{4})(?!\d)"),
        (NAME, rf"(?<!\w)(?P<m>{_MONTH})\.?,?\s+(?:of |de |del |năm )?{_YEAR}(?!\d)"),
        (
            NAME,
            rf"(?<!\w)(?P<d>\d{{1,2}})(?:st|nd|rd|th|er|[.º])?\s+(?:of |de )?(?P<m>{_MONTH})(?!\w)",
        ),
        (
            NAME,
            rf"(?<!\w)(?P<m>{_MONTH})\s+(?:the )?(?P<d>\d{{1,2}})(?:st|nd|rd|th)?(?![\d\w,.]*\d)",
        ),
    )
)
_MONTH_NAME = re.compile(rf"(?<!\w)(?:{_MONTH})(?!\w)")
_FOUR_DIGITS = re.compile(r"\d{4}")
_SYMBOL = any_of(CURRENCIES)


# A unit ends where its letters end, except in scripts without spaces, where anything may follow.
def _ending(unit: str) -> str:
    if unit == "an":  # a French year, not the English article: "£19.40 an hour"
        return r"(?![^\W\d_])(?!\s+(?:hour|hr|item|order|employee|adult|individual|issue|event|ounce|inch|acre|evening|extra)\b)"
    return "" if unit > "\u3000" else r"(?![^\W\d_])"


_UNIT, _MONEY = any_of((*UNITS, *CENTS, *MAGNITUDES), _ending), any_of(CURRENCIES, _ending)
_NUMBER = re.compile(
    rf"(?P<before>(?<!\w)(?:{_SYMBOL})\s?)?"
    r"(?<![a-zß-ɏ\d.,_])(?P<sign>[-−](?=\d))?(?P<digits>\d{1,3}(?:[ '\u00a0\u202f]\d{3})+(?:[.,]\d+)?|\d[\d.,]*\d|\d)"
    r"(?P<ordinal>(?:st|nd|rd|th|º)(?!\w))?"
    rf"(?P<size>\s?(?:{any_of(MAGNITUDES)})(?![a-z]))?"
    rf"(?:\s?(?:-|×\s?)?(?P<unit>%|‰|(?:{_MONEY})|(?:{_UNIT})))?"
)
DATE_REACH = (
    40  # characters, white space included, between the name of a month and the day or the year
)
_SYMBOL_ENDS = frozenset([symbol[-2:] for symbol in CURRENCIES])
LONGEST_BEFORE = max(map(len, CURRENCIES)) + 2  # characters of a match before its first digit
_GROUPED_BY_DOT = re.compile(r"[1-9]\d{0,2}\.\d{3}")
# What joins the two parts of "1 hour and 15 minutes"; the units that can come first, in their base.
_JOINT = re.compile(r"\s*(?:,|and|und|et|y|và|и|و)?\s*")
_SIZES = {"s": (3600, 60), "day": (7,), "month": (12,), "m": (1000, 1), "kg": (1000, 1)}
# The money that a hundredth belongs to.
_MONEY_OF = {
    "cent": frozenset({"USD", "EUR"}),
    "penny": frozenset({"GBP"}),
    "rappen": frozenset({"CHF"}),
}
_WIDE_DIGITS = str.maketrans("٠١٢٣٤٥٦٧٨٩۰۱۲۳۴۵۶۷۸۹०१२३४५६७८९٫٬", "012345678901234567890123456789.,")


def _plain(value: float) -> str:
    """The shortest decimal spelling: 12, 1234.5."""
    return f"{value:.10g}" if abs(value) < 1e15 else f"{value:.6e}"


def parse_number(digits: str) -> float | None:
    """The value of ``1,234.50``, ``1.234,50``, ``1 234,50`` or ``1234``; ``None`` where it is none.

    The last separator is the decimal one unless exactly three digits follow it and it is a comma,
    or it occurs more than once: ``1,234`` is a thousand and more, ``1.234`` stays a decimal.
    """
    if digits.isdecimal():
        return float(digits)
    text = re.sub(r"[\s'\u00a0\u202f]", "", digits).strip(".,")
    dot, comma = text.rfind("."), text.rfind(",")
    if dot >= 0 and comma >= 0:
        decimal = "." if dot > comma else ","
    elif max(text.count("."), text.count(",")) > 1 or (comma >= 0 and len(text) - comma == 4):
        if any(len(group) != 3 for group in re.split("[.,]", text)[1:]):
            return None  # a version or a list of numbers
        decimal = ""
    else:
        decimal = "." if dot >= 0 else ","
    kept = "".join(c for c in text if c.isdigit() or c == decimal).replace(",", ".")
    return float(kept) if kept and kept.count(".") <= 1 else None


def _date(match: re.Match[str]) -> str | None:
    """ISO form of a matched date: ``2024-03-05``, ``2024-03`` or, without a year, ``--03-05``."""
    parts = match.groupdict()
    if "a" in parts:  # 05/03/2024: the day is first unless it cannot be
        first, second = int(parts["a"]), int(parts["b"])
        day, month = (first, second) if second <= 12 else (second, first)
    else:
        name = parts["m"]
        month = int(name) if name.isdigit() else MONTHS[name]
        day = int(parts["d"]) if parts.get("d") else 0
    if not 1 <= month <= 12 or day > 31:
        return None
    year = parts.get("y") or "-"
    return f"{year}-{month:02d}" + (f"-{day:02d}" if day else "")


def _dates(text: str, *, named: bool) -> tuple[set[str], str]:
    """The dates of ``text`` and the text with them blanked out; ``named``: it may have the name of a month."""
    found: set[str] = set()
    has = {
        NAME: named and _MONTH_NAME.search(text) is not None,
        YEAR: _FOUR_DIGITS.search(text) is not None,
    }

    def blank(match: re.Match[str]) -> str:
        value = _date(match)
        if value is None:
            return match.group()
        found.add(value)
        return " " * len(match.group())

    if not (has[NAME] or has[YEAR] or "月" in text):
        return found, text
    for pattern, needed in _DATES:
        if not has.get(needed, needed in text and (has[YEAR] or needed == "月")):
            continue
        text = pattern.sub(blank, text)
    return found, text


def _amount(match: re.Match[str]) -> str | None:
    """A number with its magnitude, currency or unit in canonical spelling."""
    unit = (match["unit"] or match["before"] or "").strip()
    digits = match["digits"]
    grouped = _GROUPED_BY_DOT.fullmatch(digits) is not None
    if grouped and unit in CURRENCIES:
        digits, grouped = digits.replace(".", ""), False  # money has no third decimal: "1.200 Euro"
    value = parse_number(digits)
    if value is None:
        return None
    factor = -1.0 if match["sign"] else 1.0
    if match["size"]:
        factor *= MAGNITUDES[match["size"].strip()]
    if unit in MAGNITUDES:
        factor, unit = factor * MAGNITUDES[unit], (match["before"] or "").strip()
    name = CURRENCIES.get(unit) or CENTS.get(unit, "")
    if unit in UNITS:
        name, per_unit = UNITS[unit]
        factor *= per_unit
    values = [value, float(digits.replace(".", ""))] if grouped else [value]
    read = "/".join(_plain(v * factor) for v in values)
    return f"{read}{'' if name in ('%', '') else ' '}{name}"


def _amounts(text: str) -> Iterator[str]:
    """The amounts of a text in order; "1 hour and 15 minutes" is one."""
    last: tuple[str, int] | None = None
    for match in _numbers(text):
        value = _amount(match)
        if value is None:
            continue
        if last is not None:
            whole = (
                _together(last[0], value)
                if _JOINT.fullmatch(text, last[1], match.start())
                else None
            )
            if whole is None:
                yield last[0]
            else:
                value = whole
        last = value, match.end()
    if last is not None:
        yield last[0]


_AMOUNT = re.compile(
    r"-?\d+(?:\.\d+)?"
)  # neither a share, nor a time of day, nor one of two readings


def _together(large: str, small: str) -> str | None:
    """The sum of two amounts of one kind, the larger unit first; ``None`` where they are two amounts."""
    (a, _, unit), (b, _, part) = large.partition(" "), small.partition(" ")
    if not (_AMOUNT.fullmatch(a) and _AMOUNT.fullmatch(b)) or not unit or unit == UNIT:
        return None
    if part == "cent" and unit in _MONEY_OF["cent"] and 0 < float(b) < 100:
        return f"{_plain(float(a) + float(b) / 100)} {unit}"
    whole, rest = float(a), float(b)
    largest = next((size for size in _SIZES.get(unit, ()) if whole % size == 0), None)
    if part != unit or largest is None or not 0 <= rest < largest:
        return None
    return f"{_plain(whole + rest)} {unit}"


_LETTERS = re.compile(r"[^\W\d_]+")
_MONTH_RUNS = frozenset(_LETTERS.findall(name)[0] for name in MONTHS)
_DIGIT = re.compile(r"\d")


@lru_cache(CACHE)
def quantities(text: str) -> frozenset[str]:
    """The numbers, amounts and dates of ``text`` as canonical strings.

    ``1234.5`` number, ``12%`` per cent, ``5 USD`` money, ``20 cent``, ``5000 m`` length (units of one kind are
    converted), ``2024-03-05``, ``2024-03`` and ``--03-05`` dates, ``21:00 clock`` time of day. What can be read
    in two ways has both: ``41.3/41300``, ``09:30/21:30 clock``. Number words count from two upwards
    ("one" is a pronoun more often than a number, unless it is the whole text).
    """
    if text.isascii() and (small := normalise(text)) != text:  # which is asked for, too
        return quantities(small)
    plain = figures(text)
    if plain.strip(" .!") == "one":
        return frozenset({"1"})
    if not _DIGIT.search(plain):
        return frozenset()
    months = _MONTH_RUNS.intersection(_runs(text, plain))
    found, rest = _dates(plain, named=any(_beside_digit(name, plain) for name in months))
    times, rest = clock_times(rest)
    return frozenset({*found, *times, *_amounts(rest)})


@lru_cache(CACHE)
def figures(text: str) -> str:
    """``text`` normalised, its spelled-out numbers as digits."""
    plain = normalise(text)
    plain = plain if plain.isascii() else plain.translate(_WIDE_DIGITS)
    return in_digits(plain, _runs(text, plain))


def _runs(text: str, plain: str) -> Sequence[str]:
    """The runs of letters of a text, and perhaps more; where possible from its words, which are remembered."""
    if not plain.isascii():
        return _LETTERS.findall(plain)
    words = tokens(text)
    if "'" not in plain:
        return words
    return [*words, *(part for word in words if "'" in word for part in word.split("'"))]


def _beside_digit(name: str, text: str) -> bool:
    """Whether a digit stands near any occurrence of ``name``: without one it cannot be part of a date."""
    place = text.find(name)
    while place >= 0:
        if _DIGIT.search(text, max(0, place - DATE_REACH), place + len(name) + DATE_REACH):
            return True
        place = text.find(name, place + 1)
    return False


def _numbers(text: str) -> Iterator[re.Match[str]]:
    """The matches of ``_NUMBER`` in order; looked for only around digits, which is much faster."""
    place = 0
    while digit := _DIGIT.search(text, place):
        at = digit.start()
        # Most numbers begin with their first digit: nothing stands before it that belongs to them.
        ends = text[at - 2 : at - 1], text[at - 3 : at - 1]
        bare = at == place or (text[at - 1].isspace() and _SYMBOL_ENDS.isdisjoint(ends))
        match = _NUMBER.match(text, at) if bare else None
        match = match or _NUMBER.search(text, max(place, at - LONGEST_BEFORE))
        if match is None:
            return
        yield match
        place = match.end()


_DATED = re.compile(r"\d{4}-\d\d|--\d\d")


def _head(value: str) -> str:
    return value.partition(" ")[0].rstrip("%")


@lru_cache(CACHE * 4)
def agrees(wanted: str, given: str) -> bool:
    """Whether two canonical quantities can be the same: equal, or one merely less specific.

    A bare number agrees with the same number that has a unit; a year or a month agrees with a date in it. Of
    several readings ("41.3/41300") one has to agree. A hundred cents are a euro or a dollar, and a time of day
    is as many seconds as have passed since midnight: "21h" is either.
    """
    if wanted == given:
        return True
    if "/" in wanted or "/" in given:
        return any(agrees(a, b) for a in _readings(wanted) for b in _readings(given))
    if "-" in wanted + given and (_DATED.match(wanted) or _DATED.match(given)):
        short, long = sorted((wanted, given), key=len)
        return (len(short) >= 4 and long.startswith(short)) or (
            short[:2] == "--" and long[-6:] == short[1:]
        )
    head, other = _head(wanted), _head(given)
    if head == other:
        bare = " " not in wanted + given and "%" not in wanted + given
        pounds = {wanted[len(head) :], given[len(head) :]} == {" lb", " GBP"}  # one word for both
        return bare or pounds or head in (wanted, given)
    counted = (wanted == head and counts(wanted, given)) or (
        given == other and counts(given, wanted)
    )
    spaced = " " in wanted + given
    return counted or (spaced and (_converted(wanted, given) or _converted(given, wanted)))


def _readings(quantity: str) -> list[str]:
    """The readings of ``41.3/41300 kg``, each with its unit."""
    head, space, unit = quantity.partition(" ")
    sign = "%" if head.endswith("%") else ""
    return [f"{value.rstrip('%')}{sign}{space}{unit}" for value in head.split("/")]


def _converted(one: str, other: str) -> bool:
    """Whether ``one`` is a time of day or a small coin, and ``other`` the same in hours or money."""
    (head, _, unit), (value, _, kind) = one.partition(" "), other.partition(" ")
    if unit == UNIT and kind in {"s", ""} and "-" not in value and "%" not in value:
        seconds = float(value) * (1 if kind else 3600)
        return seconds_of(head) in {seconds, seconds + 43200 * (not kind and seconds <= 43200)}
    if (unit, kind) == ("day", "s") and "/" not in head + value:  # "48 hours" is two days
        return float(head) * 86400 == float(value)
    if kind in _MONEY_OF.get(unit, ()):
        return abs(float(head) / 100 - float(value)) < 1e-9
    return False


def found_in(wanted: AbstractSet[str], given: AbstractSet[str]) -> frozenset[str]:
    """The members of ``wanted`` with which some member of ``given`` agrees."""
    if wanted <= given:
        return frozenset(wanted)
    return frozenset([w for w in wanted if w in given or any(agrees(w, g) for g in given)])
