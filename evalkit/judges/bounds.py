"""Whether two texts bound a number or place an event the other way round: "at most", "at least", "before", "after"."""

from __future__ import annotations

import re
from functools import lru_cache

from evalkit.judges.irregular import key
from evalkit.text.tokens import CACHE, is_content, normalise, tokens

# What stands before a number and bounds it from above, or from below.
_ABOVE = (
    r"at (?:the )?most|up to|within|less than|under|below|fewer than|max(?:imum|imal)?\.?(?: of)?|until|till|by|(?:young|new|earli|short|small|low)er than|"
    r"before|not later than|at the latest|höchstens|bis(?: zu)?|innerhalb von|weniger als|unter|spätestens|binnen|vor|au plus|jusqu'(?:à|au)|moins de|avant|"
    r"como máximo|hasta|menos de|dentro de|antes de|tối đa|không quá|dưới|trong vòng|trước|最大|最多|至多|不超过|до|не более|قبل|خلال|بحد أقصى"
)
_BELOW = (
    r"at (?:the )?least|more than|over|above|(?:old|lat|long|larg|high|great)er than|exceed(?:s|ing)?|min(?:imum|imal)?\.?(?: of)?|beyond|after|"
    r"mindestens|mehr als|über|wenigstens|nach|au moins|plus de|après|al menos|como mínimo|más de|después de|ít nhất|tối thiểu|hơn|trên|sau|至少|最低|最少|超过|"
    r"после|не менее|более|بعد|على الأقل|أكثر من"
)
_NOT = r"no|not|never|nicht|nie|pas|không|не|لا"
_NUMBER = r"\d+(?:[.,:]\d+)*"
_BOUND = re.compile(
    rf"(?:(?<!\w)(?P<not>{_NOT})\s+)?(?:(?<!\w)|(?<=[\u3040-\u9fff]))(?:(?P<above>{_ABOVE})|(?P<below>{_BELOW}))"
    rf"\s*(?:(?:the|a|an|eur|usd|of|on|den|dem|der|le|el|los|[€$£])\s*)*(?P<number>{_NUMBER})"
)
# What follows a number and its unit and does the same.
_BOUND_AFTER = re.compile(
    rf"(?<!\d)(?<!\d[.,:])(?P<number>\d++(?:[.,:]\d++)*+)\s*+[^\W\d]{{0,12}}\s*"
    r"(?:(?P<above>(?:or|oder|ou|o) (?:less|fewer|earlier|younger|weniger|moins|menos)\b|at (?:the )?most\b|trở xuống|以内|以下|未満|以內|まで)"
    r"|(?P<below>(?:or|oder|ou|o|and) (?:more|later|older|above|mehr|später|plus|más)\b|at least\b|trở lên|以上|以降|を超え))"
)
_BEFORE, _AFTER = "before vor avant antes trước до قبل", "after nach après después sau после بعد"
_SIDES = dict.fromkeys(_BEFORE.split(), -1) | dict.fromkeys(_AFTER.split(), 1)
_WIDE_SIDE = re.compile(r"(?<!\d)(\d++)\s*+(?:分|時間|小时|日|天|週|周|年|か月|个月)間?(?:(前)|(後|后))")


@lru_cache(CACHE)
def _bounds(text: str) -> frozenset[tuple[str, int]]:
    """``(number, -1 or 1)``: bounded from above or from below."""
    plain = normalise(text)
    found = set()
    for pattern in (_BOUND, _BOUND_AFTER):
        for match in pattern.finditer(plain):
            side = -1 if match["above"] else 1
            found.add((match["number"], -side if match.groupdict().get("not") else side))
    return frozenset(found)


def _beside(words: tuple[str, ...], i: int) -> str:
    """The content word that follows place ``i``, else the one before it: "the day before"."""
    after = (key(w) for w in words[i + 1 : i + 5] if is_content(w))
    before = (key(w) for w in words[max(0, i - 2) : i][::-1] if is_content(w))
    return next(after, next(before, ""))


@lru_cache(CACHE)
def _sides(text: str) -> frozenset[tuple[str, int]]:
    """``(stem, -1 or 1)``: said to happen before or after that."""
    words = tokens(text)
    found = {
        (_beside(words, i), side)
        for i, word in enumerate(words)
        if (side := _SIDES.get(word)) is not None
    }
    found |= {(m[1], -1 if m[2] else 1) for m in _WIDE_SIDE.finditer(normalise(text))}
    return frozenset(pair for pair in found if pair[0])


def bounds_differ(point: str, answer: str) -> bool:
    """Whether the answer turns a bound or a "before" of the point round and nowhere has it as the point does."""
    return any(
        (item, -side) in given and (item, side) not in given
        for read in (_bounds, _sides)
        for given in (read(answer),)
        for item, side in read(point)
    )
