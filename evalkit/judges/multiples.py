"""How many times as much a text says something is: "double", "one and a half times", "1,5-fach", "gấp ba"."""

from __future__ import annotations

from functools import lru_cache

from evalkit.text.gated import Gated
from evalkit.text.quantities import figures
from evalkit.text.tokens import CACHE, normalise

_NUMBER = r"(\d+(?:[.,]\d+)?)"
# Not "three times a week", which counts, nor "double room", which names.
_TIMES = Gated(
    rf"{_NUMBER}(?P<half>(?:\s+and)?\s+(?:a|1)\s+half)?\s*-?\s*(?:times|[x×](?!\s*\d)|fold|-?fach\w*|mal|fois|veces|vezes|lần|раза?|倍|배)"
    r"(?!\w)(?!\s+(?:a|an|1|per|each|every|am|pro|par|por|mỗi|in|daily|weekly|yearly)\b)|(?P<much>\d+)倍"
)
_RATE = r"(?:the|his|her|their|its|your|usual|normal|standard|regular|basic|ordinary|hourly|rate|price|fee|amount|pay|salary|wages?|time|cost|sum|what)"
_WORDS = tuple(
    (value, Gated(pattern))
    for value, pattern in (
        (
            2.0,
            rf"(?<!\w)(?:double (?={_RATE}\b)|twice (?!(?:a|an|per|each|every|daily|weekly|in)\b)|two-?fold\b|das doppelte|doppelt so|(?:le|au) double|el doble|o dobro|gấp đôi|вдвое|двойн\w+|ضعف)",
        ),
        (
            3.0,
            rf"(?<!\w)(?:(?:triple|treble) (?={_RATE}\b)|das dreifache|dreimal so|le triple|el triple|gấp ba|втрое)",
        ),
        (4.0, r"(?<!\w)(?:quadruple (?:the|what)|das vierfache|le quadruple|el cuádruple)"),
        (
            1.5,
            r"(?<!\w)(?:time and a half|anderthalb|eineinhalb|das 1,5-?fache|une fois et demie|vez y media|gấp rưỡi|в полтора раза)",
        ),
        (
            0.5,
            rf"(?<!\w)half (?={_RATE}\b)|(?<!\w)(?:die hälfte|la moitié|la mitad|metade|một nửa|половин\w+)(?!\w)",
        ),
    )
)
_MIXED = Gated(r"(?<!\w)(one|two|three|four|five|six|seven|eight|nine|ten) and a half(?= times)")
_ONES = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
_WHOLE = {word: value for value, word in enumerate(_ONES, start=1)}


@lru_cache(CACHE)
def multiples(text: str) -> frozenset[float]:
    """The factors a text names; empty where it names none."""
    plain = _MIXED.sub(lambda m: f"{_WHOLE[m[1]]}.5", normalise(text))
    found = {value for value, pattern in _WORDS if pattern.search(plain)}
    for match in _TIMES.finditer(figures(plain)):
        number = float((match[1] or match["much"]).replace(",", "."))
        found.add(number + 0.5 if match["half"] else number)
    return frozenset(found)


def multiples_differ(reference: str, answer: str) -> bool:
    """Whether both name factors and the answer has none of the reference's."""
    wanted = multiples(reference)
    given = multiples(answer) if wanted else wanted
    return bool(wanted and given) and not wanted & given
