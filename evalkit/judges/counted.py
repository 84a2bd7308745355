"""Whether two texts count another thing, per another unit, or on other days, although their numbers agree."""

from __future__ import annotations

import re
from functools import lru_cache

from evalkit.judges.wording import keys_of, wanted_of
from evalkit.text.alternation import any_of
from evalkit.text.gated import Gated
from evalkit.text.number_words import MONTHS
from evalkit.text.quantities import figures
from evalkit.text.tokens import CACHE, lacks, stem, tokens

_RATE_WORDS = """
hour: hour hours stunde stunden heure hora giờ 時間 小时 час
day: day days tag tage jour día ngày 日 天 день
evening: evening night abend nacht soirée nuit noche đêm tối 晩 泊 晚
week: week weeks woche semaine semana tuần 週 周 неделю
month: month months monat mois mes tháng 月 ヶ月 か月 месяц
year: year years annum jahr année an año năm 年 год
person: person people head kopf nase personne persona người khách 人 человека
group: group family team party gruppe familie groupe grupo nhóm gia-đình 組 グループ
page: page pages seite seiten página trang ページ 页
"""
_ADVERBS = """
hour: hourly stündlich 毎時
day: daily täglich quotidien diario 毎日 日額 每天
week: weekly wöchentlich hebdomadaire semanal 毎週 每周
month: monthly monatlich mensuel mensual 毎月 月額 每月
year: yearly annual annually jährlich annuel anual 毎年 年額 每年
"""
_WEEKDAYS = """
0: monday mondays montag montags lundi lunes thứ-hai 月曜 星期一 الاثنين понедельник
1: tuesday tuesdays dienstag dienstags mardi martes thứ-ba 火曜 星期二 الثلاثاء вторник
2: wednesday wednesdays mittwoch mittwochs mercredi miércoles thứ-tư 水曜 星期三 الأربعاء среда
3: thursday thursdays donnerstag donnerstags jeudi jueves thứ-năm 木曜 星期四 الخميس четверг
4: friday fridays freitag freitags vendredi viernes thứ-sáu 金曜 星期五 الجمعة пятница
5: saturday saturdays samstag samstags samedi sábado thứ-bảy 土曜 星期六 السبت суббота
6: sunday sundays sonntag sonntags dimanche domingo chủ-nhật 日曜 星期日 星期天 الأحد воскресенье
"""
_CLASSES = """
people: people person persons visitors visitor members member guests guest students employees inhabitants residents volunteers
 attendees children adults personen leute gäste besucher mitglieder einwohner personnes visiteurs visitantes personas người khách 人 名
things: objects object items item pieces exhibits works artefacts artifacts documents pages rooms buildings cars books tickets
 objekte gegenstände stücke werke seiten räume gebäude objets pièces objetos piezas tác-phẩm hiện-vật 点 冊 枚
"""


def _table(lines: str) -> dict[str, str]:
    table: dict[str, str] = {}
    for line in lines.strip().replace("\n ", " ").split("\n"):
        kind, _, spellings = line.partition(":")
        table |= {spelling.replace("-", " "): kind for spelling in spellings.split()}
    return table


FULL = 4  # letters from which on the name of a month is no abbreviation

_RATES, _OFTEN, _DAYS, _KINDS = map(_table, (_RATE_WORDS, _ADVERBS, _WEEKDAYS, _CLASSES))


def names_weekday(word: str) -> bool:
    """Whether a word is the name of a day of the week."""
    return word.casefold() in _DAYS


def _end(word: str) -> str:
    return "" if word > "\u3000" else r"(?!\w)"


# "per hour", "pro Stunde", "/h"; "a day" only behind an amount; 一人 before one.
_PER = Gated(
    rf"(?:(?<!\w)(?:per|pro|je|par|por|mỗi|một|в|за)\s|/\s?|[毎每1一]|(?<=\w)\s(?:an?|each|every|l[ae']|al|am|im|eine?)\s|(?<!\w)(?:de|à) l(?:a |'))(?P<what>{any_of(_RATES, _end)})"
)
_ADVERB = Gated(
    rf"(?<!\w)(?P<what>{any_of(_OFTEN, _end)})|(?P<wide>[毎每日月年][時日週月年天周額])"
)
_DAY = Gated(rf"(?:(?<!\w)|(?<=[\u3040-\u9fff]))(?P<what>{any_of(_DAYS, _end)})")
_THING = Gated(rf"\d\s?(?:\w{{1,40}}+\s)?(?P<what>{any_of(_KINDS, _end)})")
_DIGIT = re.compile(r"\d")
_RATING = _RATES.keys() | _OFTEN.keys()
_FULL_MONTHS = frozenset(name for name in MONTHS if len(name) >= FULL)


@lru_cache(CACHE)
def _rates(text: str) -> frozenset[str]:
    """What the amounts of a text are per: hours, days, persons, pages."""
    plain = figures(text)
    if lacks(plain, _RATING):
        return frozenset()
    found = {_RATES[m["what"]] for m in _PER.finditer(plain)}
    return frozenset(found | {_OFTEN[m["what"]] for m in _ADVERB.finditer(plain) if m["what"]})


@lru_cache(CACHE)
def _days(text: str) -> frozenset[str]:
    plain = figures(text)
    if lacks(plain, _DAYS.keys()):
        return frozenset()
    return frozenset(_DAYS[m["what"]] for m in _DAY.finditer(plain))


@lru_cache(CACHE)
def _things(text: str) -> frozenset[str]:
    plain = figures(text)
    if lacks(plain, _KINDS.keys()) or not _DIGIT.search(plain):  # nothing is counted
        return frozenset()
    return frozenset(_KINDS[m["what"]] for m in _THING.finditer(plain))


@lru_cache(CACHE)
def _months(text: str) -> frozenset[int]:
    """The months that a text names in full; "May" is a verb more often, and so may "march" be, but hardly beside another."""
    return frozenset([MONTHS[w] for w in _FULL_MONTHS.intersection(tokens(text))])


def other_days(reference: str, answer: str) -> bool:
    """Whether the answer lacks a day of the week, or a month, that the reference names and names another."""
    for read in (_days, _months):
        wanted = read(reference)
        given = read(answer) if wanted else wanted
        if wanted - given and given - wanted:
            return True
    return False


def counts_otherwise(reference: str, answer: str, query: str = "") -> bool:
    """Whether the numbers of an answer are per another unit, or of another kind of thing, than asked for.

    What is per what is taken from the reference, else from the question; where the answer says nothing, nothing differs.
    """
    for read in (_rates, _things):
        wanted = read(reference) or (read(query) if read is _rates else frozenset())
        given = read(answer) if wanted else wanted
        if wanted and given and not wanted & given:
            return True
    return False


# Words that an answer of a few words cannot have in place of one another beside a number.
_POSITIONS = "sitzend/stehend seated/standing sitting/standing assis/debout sentado/de-pie ngồi/đứng 着席/立食"
_RIVALS: dict[str, str] = {}
for _pair in _POSITIONS.split():
    _a, _b = (stem(word) for word in _pair.split("/"))
    _RIVALS |= {_a: _b, _b: _a}


def rival_word(reference: str, answer: str, query: str) -> bool:
    """Whether the answer has "standing" where reference or question have "seated", which it lacks."""
    wanted = {*wanted_of(reference), *wanted_of(query)}
    rivals = _RIVALS.keys() & wanted
    return any(
        _RIVALS[w] in keys_of(answer) and _RIVALS[w] not in wanted and w not in keys_of(answer)
        for w in rivals
    )
