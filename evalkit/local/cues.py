"""What kind of thing a question asks for, and whether a sentence holds one, in several languages."""

from __future__ import annotations

import re
from functools import lru_cache

# What is asked -> what an answer then shows: a number, a length of time, money.
_ASKED: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"\bhow (?:long|soon|quickly|fast|late|often|old|far)\b|\bwhen\b|\buntil\b|\bhow (?:many|much) (?:\w+ )?(?:time|days|hours|notice|warning)\b"
                r"|\bwann\b|\bwie (?:lange|oft|schnell|spät)\b|\bquand\b|\bcu[aá]ndo\b|bao lâu|khi nào|いつ|どのくらい|متى|多久", re.IGNORECASE), "time"),
    (re.compile(r"\bcosts?\b|\bprices?\b|\bfees?\b|\bcharges?\b|\bhow much\b|\bkostet?\w*\b|\bpreis\w*\b|\bcombien\b|\bcu[aá]nto\b"
                r"|bao nhiêu tiền|\bgiá\b|いくら|料金|كم (?:سعر|تكلف)", re.IGNORECASE), "money"),
    (re.compile(r"\bhow (?:many|much|big|large|high)\b|\bmaximum\b|\bmost\b|\blimits?\b|\bwie ?viele?n?\b|\bcombien\b|\bcu[aá]nt[oa]s?\b"
                r"|bao nhiêu|\bmấy\b|いくつ|何[人件回日個]|كم|几|多少", re.IGNORECASE), "number"),
)  # fmt: skip
_SHOWN = {
    "time": re.compile(
        r"\d+\s*(?:am|pm|minutes?|hours?|days?|weeks?|months?|years?|minuten|stunden?|tagen?|wochen?|monaten?|jahren?"
        r"|phút|giờ|ngày|tuần|tháng|năm|分|時間|日|週|か月|年|دقيقة|ساعات?|أيام|يوم)|\d:\d\d|\b\d{1,2} [A-Z][a-z]+\b",
        re.IGNORECASE,
    ),
    "money": re.compile(
        r"[€$£¥₫]|\b(?:EUR|USD|GBP|CHF|VND|JPY)\b|\d\s*円|\bfree\b|kostenlos|miễn phí|無料"
    ),
    "number": re.compile(r"\d"),
}


@lru_cache(2048)
def asked(question: str) -> tuple[str, ...]:
    """The kinds a question asks for; often none."""
    return tuple(kind for pattern, kind in _ASKED if pattern.search(question))


@lru_cache(8192)
def shown(sentence: str) -> frozenset[str]:
    """The kinds a sentence holds."""
    return frozenset(kind for kind, pattern in _SHOWN.items() if pattern.search(sentence))
