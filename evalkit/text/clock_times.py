"""Times of day in one normal form: 9 pm, 21:00, 21 Uhr, 午後9時 and 9 giờ tối are one."""

from __future__ import annotations

import re

from evalkit.text.alternation import any_of
from evalkit.text.number_words import DAY_PARTS

UNIT = "clock"
_PART = any_of(DAY_PARTS)
_BEFORE = r"(?<![\d.,:/])"
_TIME = r"(?P<h>\d{1,2})(?:[:.](?P<m>[0-5]\d))?"
_LINK = r"(?:in the |at |du |de la |de l'|del |da |am )?"
# Each begins with the hour, so that only digits are looked at; what may stand before it is looked up behind.
_PATTERNS = (
    re.compile(rf"{_BEFORE}{_TIME}\s?(?P<part>a\.\s?m\.?|p\.\s?m\.?|am|pm)(?![^\W\d_])"),
    re.compile(
        rf"{_BEFORE}{_TIME}\s?(?P<word>uhr)(?:\s(?P<n>[0-5]\d)(?!\d))?(?:,?\s{_LINK}(?P<part>{_PART})(?!\w))?"
    ),
    re.compile(
        rf"{_BEFORE}{_TIME}\s?(?P<word>o'clock)(?:,?\s{_LINK}(?P<part>{_PART})(?!\w))?(?!\w)"
    ),
    re.compile(
        rf"{_BEFORE}(?P<h>\d{{1,2}})\s?(?:(?:giờ|h|heures?|часов|часа)\s?(?:(?P<m>[0-5]\d)(?:\s?phút)?)?\s?)"
        rf"{_LINK}(?P<part>{_PART})(?!\w)"
    ),
    re.compile(rf"{_BEFORE}{_TIME}\s{_LINK}(?P<part>{_PART})(?!\w)"),
    re.compile(
        rf"{_BEFORE}(?P<h>\d{{1,2}})\s?(?P<wide>[時时시])(?![間间])(?:\s?(?P<m>[0-5]?\d)\s?[分분]|(?P<half>[半반]))?"
    ),
    re.compile(r"(?<=[午上早夜晚])(?P<h>\d{1,2})[点點](?:(?P<m>[0-5]?\d)分?|(?P<half>半))?[钟鐘]?"),
    re.compile(
        rf"{_BEFORE}(?P<h>\d{{1,2}}):(?P<m>[0-5]\d)(?::(?P<s>[0-5]\d))?(?![\d:]|\s?(?:h|hours?|hrs?|std|stunden)(?!\w))"
    ),
)
_MARK = re.compile(
    rf"\d\s?(?::\d|a\.?\s?m|p\.?\s?m|uhr|o'clock|[時时시点點]|(?:giờ|h|heures?|часов|часа)?\s?\d{{0,2}}\s?{_LINK}(?:{_PART}))"
)
_WIDE_PART = re.compile(rf"(?P<part>{_PART})の?\s?$")
REACH = 6  # characters before the hour in which a part of the day is looked for: "午後9時"


def _hour(hour: int, part: str) -> int:
    """The hour, 0..23, that ``hour`` is in that part of the day."""
    if hour > 12:
        return hour % 24
    if part == "am":
        return hour % 12
    if part == "night":  # 9 at night is 21, 2 at night is 2, 12 at night is 0
        return hour + 12 if 5 <= hour < 12 else hour % 12
    return (
        hour + 12 if hour < 11 and part == "noon" else hour % 12 + 12 * (part == "pm" or hour > 10)
    )


def _canonical(match: re.Match[str], text: str) -> str | None:
    """``21:00 clock``; ``09:30/21:30 clock`` where the half of the day is open."""
    parts = match.groupdict()
    hour = int(parts["h"])
    minute = int(parts.get("m") or parts.get("n") or (30 if parts.get("half") else 0))
    if hour > 24:
        return None
    part = parts.get("part")
    if part is None and not text[max(0, match.start() - REACH) : match.start()].isascii():
        before = _WIDE_PART.search(text[max(0, match.start() - REACH) : match.start()])
        part = before["part"] if before else None
    tail = f":{minute:02d}" + (f":{parts['s']}" if parts.get("s") else "")
    if part is not None:
        kind = DAY_PARTS.get(part) or ("am" if part.startswith("a") else "pm")
        return f"{_hour(hour, kind):02d}{tail} {UNIT}"
    if parts.get("word") == "uhr" or hour > 12 or hour == 0 or parts["h"].startswith("0"):
        return f"{hour % 24:02d}{tail} {UNIT}"
    return f"{hour:02d}{tail}/{(hour + 12) % 24:02d}{tail} {UNIT}"


def clock_times(text: str) -> tuple[set[str], str]:
    """The times of day in a normalised text, and the text with them blanked out.

    A time on the hour needs a word that marks it: "9 pm", "21 Uhr", "21時". Hours up to twelve without a part
    of the day stand for both halves: ``09:30/21:30 clock``.
    """
    found: set[str] = set()
    if not _MARK.search(text):
        return found, text

    def blank(match: re.Match[str]) -> str:
        value = _canonical(match, match.string)
        if value is None:
            return match.group()
        found.add(value)
        return " " * len(match.group())

    for pattern in _PATTERNS:
        text = pattern.sub(blank, text)
    return found, text


def seconds_of(head: str) -> int:
    """Seconds since midnight of ``21:00`` or ``21:00:30``."""
    hour, minute, *rest = map(int, head.split(":"))
    return hour * 3600 + minute * 60 + (rest[0] if rest else 0)
