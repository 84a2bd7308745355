"""How numbers and foreign text are written: one form for every share, mean, interval and duration."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from evalkit.records import Interval

NBSP = "\N{NO-BREAK SPACE}"
MINUS = "\N{MINUS SIGN}"
_BIDI = (*range(0x202A, 0x202F), *range(0x2066, 0x206A))  # embeddings, overrides, isolates
_SHOWN: dict[int, str | None] = {
    code: f"‹U+{code:04X}›" for code in (*_BIDI, *range(0x80, 0xA0), 0x2028, 0x2029, 0xFEFF)
}
_SHOWN |= {code: chr(0x2400 + code) for code in range(0x20) if code not in (9, 10, 13)}
_SHOWN |= {0x7F: "\N{SYMBOL FOR DELETE}", 13: None}
_MARKS = re.compile(r"([\\`*_\[\]|~$#!])")


def visible(text: str) -> str:
    """The text with control and direction-changing characters made visible; everything else as it is.

    Joiners stay: Persian and emoji need them. Lone surrogates, which no file can hold, are named too.
    """
    shown = text.translate(_SHOWN)
    if shown.isascii() or not any(0xD800 <= ord(c) < 0xE000 for c in shown):
        return shown
    return "".join(f"‹U+{ord(c):04X}›" if 0xD800 <= ord(c) < 0xE000 else c for c in shown)


def md(text: str) -> Markup:
    """Text that stays text in Markdown: one line, no markup, no links, no mentions of people."""
    flat = " ".join(visible(str(text)).split())
    safe = flat.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    safe = _MARKS.sub(r"\\\1", safe).replace("://", ":\\/\\/").replace("www.", "www\\.")
    safe = re.sub(r"(?<!\w)@(?=\w)", "@\N{WORD JOINER}", safe)
    return Markup(safe)  # noqa: S704 (escaped just above)


def shortened(text: str, limit: int) -> str:
    """At most ``limit`` characters, with a note of how many are left out."""
    if len(text) <= limit:
        return text
    return f"{text[:limit].rstrip()} … ({len(text) - limit:,} more characters)"


def count(n: int, noun: str, plural: str | None = None) -> str:
    """A number with its noun: 1 case, 1,200 cases."""
    return f"{n:,}{NBSP}{noun if n == 1 else plural or noun + 's'}"


def percent(share: float | None) -> str:
    """A share in whole percent; never 0 % or 100 % for a share that is neither."""
    if share is None:
        return "n/a"
    if 0 < share < 0.005:
        return f"<{NBSP}1{NBSP}%"
    if 0.995 <= share < 1:
        return f">{NBSP}99{NBSP}%"
    return f"{100 * share:.0f}{NBSP}%"


def plain_interval(found: Interval) -> str:
    """A share with its interval: 30 % [25, 36]."""
    return f"{percent(found.value)} {interval_bounds(found)}"


def percent_bounds(found: Mapping[str, Any] | None) -> str:
    """The interval of a share in percent, empty where there is none."""
    if not found or found["low"] is None or found["high"] is None:
        return ""
    return f"[{100 * found['low']:.0f},{NBSP}{100 * found['high']:.0f}]"


def interval_bounds(found: Interval | None) -> str:
    """The ends of a share's interval in percent; empty where there is none."""
    return "" if found is None else percent_bounds({"low": found.low, "high": found.high})


def points(gain: float) -> str:
    """A difference of shares in percentage points."""
    if 0 < gain < 0.005:
        return f"<{NBSP}1{NBSP}point"
    return count(round(100 * gain), "point")


def signed_points(found: Interval) -> str:
    """A difference of shares with its interval, signs shown: +9 points [+6, +14]."""
    value, low, high = (_signed(v) for v in (found.value, found.low, found.high))
    unit = "point" if value in ("+1", f"{MINUS}1") else "points"
    return f"{value}{NBSP}{unit} [{low},{NBSP}{high}]"


def _signed(share: float) -> str:
    n = round(100 * share)
    return "0" if n == 0 else f"+{n}" if n > 0 else f"{MINUS}{-n}"


def with_bounds(said: str, bounds: str) -> str:
    """A figure and its interval, kept on one line."""
    return f"{said}{NBSP}{bounds}" if bounds else said


def listed(parts: Sequence[str]) -> str:
    """Parts as a list in a sentence: a, b and c."""
    if len(parts) < 2:
        return "".join(parts)
    return f"{', '.join(parts[:-1])} and {parts[-1]}"


def number(value: float | None, unit: str = "") -> str:
    """A mean: three decimals in 0..1 and for small values, fewer above; large ones with separators."""
    if value is None:
        return "n/a"
    if unit in ("", "share") or abs(value) < 1:
        return f"{value:.3f}"
    return f"{value:.2f}" if abs(value) < 100 else f"{value:,.0f}"


def number_bounds(found: Mapping[str, Any], unit: str = "") -> str:
    """The interval of a mean, empty where there is none."""
    if found["low"] is None or found["high"] is None:
        return ""
    return f"[{number(found['low'], unit)},{NBSP}{number(found['high'], unit)}]"


def seconds(value: float) -> str:
    """A duration: milliseconds below a second."""
    if value < 0.0005:
        return f"<{NBSP}1{NBSP}ms"
    if value < 1:
        return f"{1000 * value:.0f}{NBSP}ms"
    return f"{value:.1f}{NBSP}s" if value < 100 else f"{value:,.0f}{NBSP}s"


def words(name: str) -> str:
    """An identifier as people read it: retrieval_miss is "retrieval miss"."""
    return name.replace("_", " ")


def sentence(text: str) -> str:
    """A reason as a sentence: percentages as everywhere in the report, identifiers as words, a full stop."""
    said = re.sub(r"\[(\d+)%, (\d+)%\]", rf"[\1,{NBSP}\2]", text)
    said = re.sub(r"(\d)%", rf"\1{NBSP}%", said)
    said = re.sub(r"^([a-z]+(?:_[a-z]+)+):", lambda m: words(m[0]), said)
    return f"{said[:1].upper()}{said[1:].rstrip('.')}."
