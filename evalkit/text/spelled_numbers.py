"""Numbers written in words or Chinese characters, halves and quarters, as digits in the text."""

from __future__ import annotations

import re
from collections.abc import Collection

from evalkit.text.alternation import any_of
from evalkit.text.number_words import CURRENCIES, NUMBER_WORDS, UNITS
from evalkit.text.romance_numbers import in_romance_digits

_NUMBER_WORDS = frozenset(NUMBER_WORDS)
_WORD_NUMBER = any_of(NUMBER_WORDS)
_SPELLED = re.compile(
    rf"(?<![\w-])(?!(?<=\d\s)(?:hundred|thousand|dozen)\b)(?:{_WORD_NUMBER})(?:[\s-]+(?:and\s+)?(?:{_WORD_NUMBER}|one))*(?![\w])"
)  # after digits a word is their magnitude: "3 hundred"

_ONES = "ein zwei drei vier fünf sechs sieben acht neun zehn elf zwölf dreizehn vierzehn fünfzehn sechzehn siebzehn achtzehn neunzehn"
_TENS = "zwanzig dreissig vierzig fünfzig sechzig siebzig achtzig neunzig"
_GERMAN = {w: i for i, w in enumerate(_ONES.split(), 1)} | {"eins": 1, "eine": 1, "einen": 1}
_GERMAN_TENS = {w: 10 * i for i, w in enumerate(_TENS.split(), 2)}
_SMALL, _TEN = any_of(_GERMAN), any_of(_GERMAN_TENS)
_GERMAN_WORD = re.compile(
    r"(?<![^\W\d_])(?=[^\W\d_]*(?:zig|ssig|hundert|tausend))"
    rf"(?:(?P<th>(?:(?:{_SMALL})?hundert(?:und)?)?(?:(?:{_SMALL}und)?(?:{_TEN})|{_SMALL})?)(?P<k>tausend)(?:und)?)?"
    rf"(?P<rest>(?:(?:{_SMALL})?hundert(?:und)?)?(?:(?:{_SMALL}und)?(?:{_TEN})|{_SMALL})?)(?![^\W\d_])"
)
_BELOW_THOUSAND = re.compile(
    rf"(?:(?P<c>{_SMALL})?(?P<hundred>hundert)(?:und)?)?(?:(?:(?P<u>{_SMALL})und)?(?P<t>{_TEN})|(?P<s>{_SMALL}))?"
)

_NINE = "một hai ba bốn năm sáu bảy tám chín"
_VIETNAMESE = {word: value for value, word in enumerate(_NINE.split(), 1)}
_VIETNAMESE |= {"mốt": 1, "tư": 4, "lăm": 5, "nhăm": 5}
_SCALES = {"nghìn": 1000, "ngàn": 1000, "triệu": 1_000_000, "tỷ": 10**9, "tỉ": 10**9}
_DIGIT_WORD = "một|hai|ba|bốn|tư|sáu|bảy|tám|chín|mốt|lăm|nhăm"
# "năm" is five before a power of ten or after "linh", else a year.
_PLACE = rf"(?:(?:{_DIGIT_WORD}|năm(?=\s(?:mươi|trăm|nghìn|ngàn|triệu|tỷ|tỉ)))|mười|mươi|trăm|linh|lẻ|nghìn|ngàn|triệu|tỷ|tỉ)"
_VIETNAMESE_RUN = re.compile(rf"(?<!\w){_PLACE}(?:\s{_PLACE})+(?!\w)|(?<!\w)mười(?!\w)")
_VIETNAMESE_COUNT = re.compile(
    r"(?<!\w)(?<!thứ )(?:hai|ba|bốn|năm|sáu|bảy|tám|chín)(?=\s(?:ngày|giờ|tuần|tháng|năm|phút|giây|người|lần)(?!\w| \d))"
)
_POWERS = ("mươi", "mười", "trăm", "nghìn", "ngàn", "triệu", "tỷ", "tỉ")

_HAN = dict(zip("〇一二三四五六七八九", range(10), strict=True)) | {"零": 0, "两": 2, "兩": 2}
_HAN_PLACES = {"十": 10, "百": 100, "千": 1000}
_HAN_SCALES = {"万": 10_000, "萬": 10_000, "億": 10**8, "亿": 10**8}
# A single character is a number only before what is counted; 一 alone is "a".
_COUNTER = "円元月日年名人時时分個个歳岁回点週周階冊册台度枚割件頭匹本箱杯天小"
_HAN_RUN = re.compile(
    rf"[〇零一二三四五六七八九两兩十百千万萬億亿]{{2,}}(?![^\W\d_]*の十)|(?<![\d第])(?!十分)[二三四五六七八九十百千两兩](?=[{_COUNTER}])"
)

_UNIT_WORD = any_of(u for u in UNITS if u.isalpha() and len(u) > 2)
_COUNTED = any_of(
    u for u in (*UNITS, *CURRENCIES, "million", "billion") if u.isalpha() and len(u) > 2
)
_TIMES = r"(?:hour|day|week|month|year|minute)s?"
_HALF = r"half an?|halb(?:es|e|er|en|em)|nửa|demi-?|demie?|media|medio|半"
# Portions of a unit, each with the beginnings of words without which it is not looked for; a hyphen joins words.
_PORTIONS: tuple[tuple[tuple[str, ...], re.Pattern[str], str], ...] = tuple(
    (tuple(word.replace("-", " ") for word in needed.split()), re.compile(pattern), form)
    for needed, pattern, form in (
        ("fortnight", r"(?<!\w)(?:a |one )?fortnight(?!\w)", "14 days"),
        ("half", rf"(?<!\w)(?:an?|one|1) (?P<u>{_TIMES}) and (?:a|one) half(?!\w)", r"1.5 \g<u>"),
        ("quarter", rf"(?<!\w)(?:an?|one|1) (?P<u>{_TIMES}) and a quarter(?!\w)", r"1.25 \g<u>"),
        ("half", r"(?<![\d.,])(?P<n>\d+) and (?:a|one) half(?!\w)", r"\g<n>.5"),
        (
            "half anderthalb eineinhalb",
            rf"(?<!\w)(?:anderthalb|eineinhalb|one and a half) (?P<u>{_COUNTED})(?!\w)",
            r"1.5 \g<u>",
        ),
        (
            "half halb nửa demi media medio",
            rf"(?<![\w.])(?:(?:an?|une?|eine?n?|el|la|the) )?(?:{_HALF}) ?(?P<u>{_COUNTED})(?!\w)",
            r"0.5 \g<u>",
        ),
        # "Dos" alone is an article in Portuguese; "las dos" is an hour.
        (
            "dos",
            r"(?<!\w)las dos(?= (?:y (?:media|cuarto)|de la (?:tarde|mañana|noche)|en punto|horas))",
            "las 2",
        ),
        ("media", r"(?<!\w)las (?P<n>\d{1,2}) y media(?!\w)", r"las \g<n>:30"),
        ("cuarto", r"(?<!\w)las (?P<n>\d{1,2}) y cuarto(?!\w)", r"las \g<n>:15"),
        ("半", r"半年間?", "6ヶ月"),
        ("quarters", r"(?<!\w)three quarters of an hour(?!\w)", "45 minutes"),
        ("quarter", r"(?<!\w)(?:a )?quarter of an hour(?!\w)", "15 minutes"),
        (
            "one-hour one-day one-week one-month one-year one-minute",
            rf"(?<!\w)one (?P<u>{_TIMES})(?!\w)",
            r"1 \g<u>",
        ),
        ("once", rf"(?<!\w)once (?:an?|per|every|each) (?P<u>{_TIMES})(?!\w)", r"every 1 \g<u>"),
        (
            "minus moins âm минус ناقص マイナス 零下",
            r"(?<!\w)(?:minus|(?<!au )(?<!du )(?<!ou )moins|âm|минус|ناقص)\s(?=\d)|(?:マイナス|零下)(?=\d)",
            "-",
        ),
    )
)
_PAST = re.compile(
    r"(?<!\w)(?P<how>half|(?:a )?quarter|viertel) (?P<way>past|to|nach|vor) (?P<h>\d{1,2})(?!\d)"
)
_HALF_TO = re.compile(r"(?<!\w)halb (?P<n>\d{1,2})(?!\d)")
_NOON = re.compile(
    r"(?<!\w)(?:(?:12 )?(?P<noon>noon|midday)|(?:12 )?(?P<night>midnight|mitternacht))(?!\w)"
)
_NOON_WORDS = ("noon", "midday", "midnight", "mitternacht")
_PORTION_WORDS = frozenset(_NOON_WORDS).union(
    ["viertel"], [word.split()[0] for needed, _, _ in _PORTIONS for word in needed]
)
_HOUR_MARK = re.compile(r"[0-9](?: ?h|:[0-5][0-9] ?std)")
_HOURS = re.compile(
    r"(?<!\d)(?P<h>\d{1,2})(?:(?:\s?h\s?|:)(?P<m>[0-5]\d)\s?(?:hours?|hrs?|h|std|stunden)(?!\w)"
    r"|\s?h\s?(?P<n>[0-5]\d)(?![\d\w]))"
)
_GERMAN_PARTS = ("zig", "ssig", "hundert", "tausend")
_WIDE_HINT = re.compile(r"[二三四五六七八九十两兩百千万萬億亿半〇零下マ]")


def _english(match: re.Match[str]) -> str:
    """``two hundred and five`` as ``205``; ``nine and eleven``, which are no one number, as ``9 and 11``."""
    total = current = 0.0
    said = ""
    for word in re.findall(r"[^\W\d_]+", match.group()):
        value = 1 if word == "one" else NUMBER_WORDS.get(word)
        if value is None:
            continue
        if value < 100 and not _joins(current, value):
            said += f"{total + current:.10g} and "
            total, current = 0.0, value
        elif value >= 1000:
            total, current = total + max(current, 1) * value, 0.0
        elif value == 100:
            current = max(current, 1) * 100
        else:
            current += value
    return f"{said}{total + current:.10g}"


def _joins(before: float, value: float) -> bool:
    """Whether a number below a hundred goes on what stands before it: "hundred and five", "twenty one"."""
    last = before % 100
    return last == 0 or (value < 10 <= last - 10 and last % 10 == 0)


def _below_thousand(word: str) -> int:
    match = _BELOW_THOUSAND.fullmatch(word)
    if match is None:
        return 0
    hundreds = 100 * _GERMAN.get(match["c"] or "ein", 1) if match["hundred"] else 0
    return (
        hundreds
        + _GERMAN.get(match["u"] or match["s"] or "", 0)
        + _GERMAN_TENS.get(match["t"] or "", 0)
    )


def _german(match: re.Match[str]) -> str:
    """``eintausendachthundertfünfzig`` as ``1850``."""
    thousands = (_below_thousand(match["th"] or "") or 1) * 1000 if match["k"] else 0
    value = thousands + _below_thousand(match["rest"] or "")
    return str(value) if value else match.group()


def _vietnamese(match: re.Match[str]) -> str:
    """``một trăm hai mươi nghìn`` as ``120000``."""
    if not any(word in match.group() for word in _POWERS):
        return match.group()
    total = group = digit = 0
    for word in match.group().split():
        if word in _SCALES:
            total, group, digit = total + (group + digit or 1) * _SCALES[word], 0, 0
        elif word == "trăm":
            group, digit = group + (digit or 1) * 100, 0
        elif word in {"mươi", "mười"}:
            group, digit = group + (digit or 1) * 10, 0
        else:
            digit = _VIETNAMESE.get(word, digit)
    return str(total + group + digit)


def _han(match: re.Match[str]) -> str:
    """``千五百`` as ``1500``, ``二〇二四`` as ``2024``."""
    text = match.group()
    if all(c in _HAN for c in text):
        vague = len(text) == 2 and "〇" not in text  # "三四" is "three or four"
        return text if vague else "".join(str(_HAN[c]) for c in text)
    total = group = digit = 0
    for c in text:
        if c in _HAN_SCALES:
            total, group, digit = total + (group + digit or 1) * _HAN_SCALES[c], 0, 0
        elif c in _HAN_PLACES:
            group, digit = group + (digit or 1) * _HAN_PLACES[c], 0
        else:
            digit = _HAN[c]
    return str(total + group + digit)


def _past(match: re.Match[str]) -> str:
    """``half past 5`` as ``5:30``, ``quarter to 6`` as ``5:45``."""
    hour, minutes = int(match["h"]), 30 if match["how"] == "half" else 15
    if match["way"] in {"to", "vor"}:
        return f"{(hour - 1) or 12}:{60 - minutes}"
    return f"{hour}:{minutes}"


def _portions(text: str) -> str:
    """Halves and quarters of hours and years, of the clock, and "1:15 h", in digits."""
    if "half" in text or "quarter" in text or "viertel" in text:
        text = _PAST.sub(_past, text)
    if "halb " in text:
        text = _HALF_TO.sub(lambda m: f"{(int(m['n']) - 1) or 12}:30", text)
    for needed, pattern, form in _PORTIONS:
        for word in needed:  # a loop written out takes a third of the time of any()
            if word in text:
                text = pattern.sub(form, text)
                break
    for word in _NOON_WORDS:
        if word in text:
            text = _NOON.sub(lambda m: "12:00 pm" if m["noon"] else "00:00", text)
            break
    return _hours(text)


def _may_portion(plain: str, words: Collection[str]) -> bool:
    """Whether a text may name a portion or the noon: what its words tell at once, in ASCII."""
    if not plain.isascii() or not _PORTION_WORDS.isdisjoint(words):
        return True
    return "halb" in plain or "demi" in plain or "medi" in plain  # these begin longer words


def _hours(text: str) -> str:
    """A text with "1:15 h" as "1 h 15 min"."""
    if not _HOUR_MARK.search(text):
        return text
    return _HOURS.sub(lambda m: f"{m['h']} h {m['m'] or m['n']} min", text)


def in_digits(plain: str, words: Collection[str]) -> str:
    """A normalised text with its spelled-out numbers as digits; ``words`` are its runs of letters, and perhaps more.

    Words of seven languages, Chinese characters, and portions: "half a year" is "0.5 year".
    """
    plain = in_romance_digits(plain, words)
    if not plain.isascii():
        plain = _VIETNAMESE_COUNT.sub(lambda m: str(_VIETNAMESE[m.group()]), plain)
        if any(word in plain for word in _POWERS):
            plain = _VIETNAMESE_RUN.sub(_vietnamese, plain)
        if _WIDE_HINT.search(plain):
            plain = _HAN_RUN.sub(_han, plain)
    if not _NUMBER_WORDS.isdisjoint(words):
        plain = _SPELLED.sub(_english, plain)
    for part in _GERMAN_PARTS:
        if part in plain:
            plain = _GERMAN_WORD.sub(_german, plain)
            break
    return _portions(plain) if _may_portion(plain, words) else _hours(plain)
