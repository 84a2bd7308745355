"""Whether two texts bound a number or place an event the other way round: "at most", "at least", "before", "after"."""

from __future__ import annotations

import re
from functools import lru_cache

from evalkit.judges.irregular import key
from evalkit.text.gated import Gated
from evalkit.text.quantities import figures, parse_number, quantities
from evalkit.text.tokens import CACHE, is_content, normalise, tokens

# What stands before a number and bounds it from above, or from below.
_ABOVE = (
    r"at (?:the )?most|up to|within|less than|under|below|fewer than|max(?:imum|imal)?\.?(?: of)?|until|till|by|(?:young|new|earli|short|small|low|soon)er than|(?:kürz|klein|jüng|früh|niedrig|leicht)er als|"
    r"before|not later than|at the latest|höchstens|maximal|bis(?: zu)?|innerhalb von|weniger als|unter|spätestens|binnen|vor|au plus|jusqu'(?:à|au)|moins de|avant|"
    r"como máximo|máximo de|máxima de|maximale?|hasta|menos de|dentro de|antes de|tối đa|không quá|dưới|đến|trong vòng|trước|最大|最多|至多|不超过|до|не более|قبل|خلال|بحد أقصى"
)
_BELOW = (
    r"at (?:the )?least|more than|over|above|(?:old|lat|long|larg|high|great)er than|from|since|starting(?: at| from)?|exceed(?:s|ing)?|min(?:imum|imal)?\.?(?: of)?|beyond|after|"
    r"mindestens|mehr als|(?:läng|gröss|ält|höh|spät|schwer)er als|über|wenigstens|nach|ab|seit|au moins|plus de|après|al menos|como mínimo|más de|después de|desde|à partir de|depuis|ít nhất|tối thiểu|mindestalter|mínimo|mínima|minimale?|hơn|trên|sau|từ|至少|最低|最少|超过|"
    r"после|не менее|более|بعد|على الأقل|أكثر من"
)
_NOT = r"no|not|never|nicht|nie|pas|không|не|لا"
_NUMBER = r"\d+(?:[.,:]\d+)*"
_DIGIT = re.compile(r"\d")
_BOUND = Gated(
    rf"(?:(?<!\w)(?P<not>{_NOT})\s+)?(?:(?<!\w)|(?<=[\u3040-\u9fff]))(?:(?P<above>{_ABOVE})|(?P<below>{_BELOW}))"
    rf"\s*(?:(?:the|a|an|eur|usd|of|on|at|den|dem|der|um|le|el|los|las|est|es|de|sind|is|lúc|[€$£])\s*)*(?P<number>{_NUMBER})"
)
# What follows a number and its unit and does the same.
_BOUND_AFTER = Gated(
    r"(?<!\d)(?<!\d[.,:])(?P<number>\d++(?:[.,:]\d++)*+)\s*+[^\W\d]{0,12}\s*"
    r"(?:(?P<above>(?:or|oder|ou|o) (?:less|fewer|earlier|younger|weniger|moins|menos)\b|at (?:the )?most\b|(?:como |au )?m[áa]xim(?:o|um)\b|tối đa\b|之内|[以之]前|trở xuống|以内|以下|未満|以內|まで)"
    r"|(?P<below>(?:or|oder|ou|o|and) (?:more|later|older|above|mehr|später|plus|más)\b|at least\b|(?:como |au )?m[íi]nim(?:o|um)\b|tối thiểu\b|之后|[以之]后|trở lên|以上|以降|を超え|から))"
)
_BEFORE, _AFTER = "before vor avant antes trước до قبل", "after nach après después sau после بعد"
_SIDES = dict.fromkeys(_BEFORE.split(), -1) | dict.fromkeys(_AFTER.split(), 1)
_WIDE_SIDE = Gated(r"(?<!\d)(\d++)\s*+(?:分|時間|小时|日|天|週|周|年|か月|个月)間?(?:(前)|(後|后))")


@lru_cache(CACHE)
def bounded(text: str) -> frozenset[tuple[str, int]]:
    """``(number, -1 or 1)`` for each number that a text bounds from above or from below."""
    plain = figures(text)
    if not _DIGIT.search(plain):  # nothing to bound
        return frozenset()
    found = set()
    for pattern in (_BOUND, _BOUND_AFTER):
        for match in pattern.finditer(plain):
            side = -1 if match["above"] else 1
            found.add((_value(match["number"]), -side if match.groupdict().get("not") else side))
    return frozenset(found)


def _value(number: str) -> str:
    """``2150`` for ``2,150``, ``16.3`` for ``16:30``, which is also written with a point."""
    value = parse_number(number.replace(":", "."))
    return number if value is None else f"{value:.10g}"


def _beside(words: tuple[str, ...], i: int) -> str:
    """The content word that follows place ``i``, else the one before it: "the day before"."""
    after = (key(w) for w in words[i + 1 : i + 5] if is_content(w))
    before = (key(w) for w in words[max(0, i - 2) : i][::-1] if is_content(w))
    return next(after, next(before, ""))


@lru_cache(CACHE)
def _sides(text: str) -> frozenset[tuple[str, int]]:
    """``(stem, -1 or 1)``: said to happen before or after that."""
    words = tokens(text)
    found = set()
    if not _SIDES.keys().isdisjoint(words):
        found = {(_beside(words, i), _SIDES[w]) for i, w in enumerate(words) if w in _SIDES}
    if not text.isascii():
        found |= {(m[1], -1 if m[2] else 1) for m in _WIDE_SIDE.finditer(normalise(text))}
    return frozenset(pair for pair in found if pair[0])


def bounds_differ(point: str, answer: str) -> bool:
    """Whether the answer turns a bound or a "before" of the point round and nowhere has it as the point does."""
    for read in (bounded, _sides):
        wanted = read(point)
        given = read(answer) if wanted else wanted
        if any((item, -side) in given and (item, side) not in given for item, side in wanted):
            return True
    return False


def bounds_agree(point: str, answer: str) -> bool:
    """Whether the point bounds numbers and the answer bounds them all alike: "18 or older", "not under 18"."""
    wanted = bounded(point)
    return bool(wanted) and wanted <= bounded(answer)


_STRICTLY = Gated(
    r"(?<!\w)(?<!no )(?<!not )(?<!nicht )(?<!pas )(?<!không )"
    r"(?:(?P<below>less than|fewer than|under|below|weniger als|unter|moins de|menos de|dưới|少于|менее)"
    r"|more than|mehr als|plus de|más de|hơn|超过|более)"
    rf"\s(?:(?:eur|usd|[€$£])\s*)*(?P<number>{_NUMBER})|(?<!\d)(?<!\d[.,])(?P<wide>\d++(?:[.,]\d++)*+)[^\W\d]?未満"
)
EXACT = 3  # digits before the zeros from which on a number is no round one: "more than 2,150"


def beyond(point: str, answer: str) -> bool:
    """Whether the answer puts strictly below, or above, a number that the point gives as it is.

    "More than" a round number is a manner of speaking; "more than 2,150" and "fewer than 40" are other numbers.
    """
    found = {
        _value(m["number"] or m["wide"])
        for m in _STRICTLY.finditer(figures(answer))
        if m["below"] or m["wide"] or len(_value(m["number"]).strip("0").replace(".", "")) >= EXACT
    }
    if not found:
        return False
    limits = {number for number, _ in bounded(point)}
    return bool(found & {q.partition(" ")[0].rstrip("%") for q in quantities(point)} - limits)
