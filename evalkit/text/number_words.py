"""Words for numbers, magnitudes, months, currencies and units, all in the spelling that ``normalise`` gives."""

from __future__ import annotations

_COUNTED = {
    "en": "two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
    "seventeen eighteen nineteen twenty",
    "de": "zwei drei vier fünf sechs sieben acht neun zehn elf zwölf dreizehn vierzehn fünfzehn sechzehn "
    "siebzehn achtzehn neunzehn zwanzig",
    "fr": "deux trois quatre cinq - sept huit neuf dix onze douze treize quatorze quinze seize",
    "es": "dos tres cuatro cinco seis siete ocho nueve diez once doce trece catorce quince",
    "vi": "hai ba bốn năm sáu bảy tám chín mười",
}
_ORDINALS = (
    "second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth "
    "fifteenth sixteenth seventeenth eighteenth nineteenth twentieth"
)
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
# Common words of another language, or ambiguous by themselves ("một năm" is a year, "once" a time).
_AMBIGUOUS = {
    "-",
    "once",
    "six",
    "elf",
    "acht",
    "ba",
    "năm",
    "hai",
    "dos",
    "second",
    "seize",
    "dix",
    "bảy",
    "onze",
}

NUMBER_WORDS: dict[str, int] = {
    word: value
    for language in _COUNTED.values()
    for value, word in enumerate(language.split(), 2)
    if word not in _AMBIGUOUS or word == "six"
}
NUMBER_WORDS |= {
    word: value for value, word in enumerate(_ORDINALS.split(), 2) if word not in _AMBIGUOUS
}
NUMBER_WORDS |= {word: 10 * value for value, word in enumerate(_TENS.split(), 2)}
NUMBER_WORDS |= {"hundred": 100, "thousand": 1000, "dozen": 12}
NUMBER_WORDS["six"] = 6

MAGNITUDES: dict[str, float] = {
    "dozen": 12, "hundred": 1e2, "thousand": 1e3, "k": 1e3, "million": 1e6, "millions": 1e6, "mn": 1e6,
    "billion": 1e9, "billions": 1e9, "bn": 1e9, "trillion": 1e12, "trillions": 1e12, "tn": 1e12,
    "tausend": 1e3, "millionen": 1e6, "mio": 1e6, "mio.": 1e6, "milliarde": 1e9, "milliarden": 1e9, "mrd": 1e9,
    "mille": 1e3, "milliers": 1e3, "milliard": 1e9, "milliards": 1e9,
    "mil": 1e3, "millón": 1e6, "millones": 1e6, "milhões": 1e6,
    "nghìn": 1e3, "ngàn": 1e3, "triệu": 1e6, "tỷ": 1e9, "tỉ": 1e9,
    "万": 1e4, "萬": 1e4, "億": 1e8, "亿": 1e8, "千": 1e3, "만": 1e4, "억": 1e8,
    "ألف": 1e3, "مليون": 1e6, "مليار": 1e9, "тысяч": 1e3, "тыс": 1e3, "млн": 1e6, "млрд": 1e9,
}  # fmt: skip

_MONTH_NAMES = """
january jan januar jänner janvier enero janeiro tháng-1 января يناير
february feb februar février fevrier febrero fevereiro tháng-2 февраля فبراير
march mar märz mars marzo março tháng-3 марта مارس
april apr avril abril tháng-4 апреля أبريل ابريل
may mai mayo maio tháng-5 мая مايو
june jun juni juin junio junho tháng-6 июня يونيو
july jul juli juillet julio julho tháng-7 июля يوليو
august aug août aout agosto tháng-8 августа أغسطس اغسطس
september sep sept septembre septiembre setembro tháng-9 сентября سبتمبر
october oct oktober okt octobre octubre outubro tháng-10 октября أكتوبر اكتوبر
november nov novembre noviembre novembro tháng-11 ноября نوفمبر
december dec dezember dez décembre decembre diciembre dezembro tháng-12 декабря ديسمبر
"""
MONTHS: dict[str, int] = {
    name.replace("-", " "): number
    for number, line in enumerate(_MONTH_NAMES.strip().split("\n"), 1)
    for name in line.split()
}

CURRENCIES: dict[str, str] = {
    "$": "USD", "us$": "USD", "usd": "USD", "dollar": "USD", "dollars": "USD",
    "€": "EUR", "eur": "EUR", "euro": "EUR", "euros": "EUR",
    "£": "GBP", "gbp": "GBP", "pound sterling": "GBP", "pounds sterling": "GBP",
    "¥": "JPY", "jpy": "JPY", "yen": "JPY", "円": "JPY", "元": "CNY", "cny": "CNY", "yuan": "CNY", "rmb": "CNY",
    "₹": "INR", "inr": "INR", "rupees": "INR", "₫": "VND", "vnd": "VND", "vnđ": "VND", "đồng": "VND", "đ": "VND", "₩": "KRW", "won": "KRW",
    "ドル": "USD", "đô la": "USD", "ユーロ": "EUR", "евро": "EUR", "يورو": "EUR", "دولار": "USD",
    "块钱": "CNY", "块": "CNY", "人民币": "CNY", "ريال": "SAR", "ريالا": "SAR", "ريالات": "SAR", "درهم": "AED", "درهما": "AED", "دراهم": "AED",
    "جنيه": "EGP", "جنيها": "EGP", "جنيهات": "EGP", "دينار": "dinar", "دينارا": "dinar", "دنانير": "dinar",
    "chf": "CHF", "francs": "CHF", "franken": "CHF", "руб": "RUB", "рублей": "RUB",
}  # fmt: skip

# The hundredth of a currency, which may belong to several.
CENTS: dict[str, str] = {
    "cent": "cent", "cents": "cent", "ct": "cent", "centime": "cent", "centimes": "cent", "céntimo": "cent", "céntimos": "cent",
    "centesimi": "cent", "セント": "cent", "pence": "penny", "penny": "penny", "rappen": "rappen",
}  # fmt: skip

_DAY_PARTS = """
am: morning a.m. morgens vormittags früh morgen vormittag matin mañana sáng sáng-sớm утра صباحا 午前 上午 早上 凌晨 朝 오전
pm: afternoon evening p.m. nachmittags abends nachmittag abend soir après-midi tarde chiều tối вечера дня مساء عصرا 午後 下午 晚上 夜 夕方 오후
night: night nachts noche đêm nuit ночи ليلا
noon: noon mittags mittag trưa 中午 昼 ظهرا
"""
# spelling -> the half of the day: am, pm, the night, which has both, or the hours around noon
DAY_PARTS: dict[str, str] = {
    spelling.replace("-", " "): kind
    for kind, _, spellings in (line.partition(":") for line in _DAY_PARTS.strip().split("\n"))
    for spelling in spellings.split()
}

# spelling -> (canonical unit, factor to it)
_UNIT_TABLE: tuple[tuple[str, str, float], ...] = (
    (
        "%",
        "% percent per-cent pct prozent pourcent por-ciento phần-trăm процентов بالمائة بالمئة パーセント",
        1,
    ),
    ("m", "m meter meters metre metres metro metros mètre mètres mét メートル متر", 1),
    (
        "m",
        "km kilometer kilometers kilometre kilometres kilómetros kilomètres kilometern キロメートル كيلومتر км",
        1000,
    ),
    ("m", "cm centimeter centimeters centimetre centimetres zentimeter", 0.01),
    ("m", "mm millimeter millimeters millimetre millimetres", 0.001),
    ("ft", "ft foot feet", 1),
    ("mi", "mi mile miles meilen", 1),
    ("kg", "kg kilo kilos kilogram kilograms kilogramm キロ", 1),
    ("kg", "g gram grams gramm", 0.001),
    ("kg", "mg milligram milligrams", 1e-6),
    ("kg", "t tonne tonnes metric-tons tonnen", 1000),
    ("lb", "lb lbs pound pounds", 1),
    ("l", "l liter liters litre litres", 1),
    ("l", "ml milliliter milliliters millilitre millilitres", 0.001),
    ("s", "s sec secs second seconds sekunde sekunden secondes segundos giây 秒 ثانية ثوان", 1),
    ("s", "ms millisecond milliseconds", 0.001),
    ("s", "min mins minute minutes minuten minutos phút 分 分钟 分鐘 دقيقة دقائق", 60),
    (
        "s",
        "h hr hrs hour hours std stunde stunden heure heures horas giờ 時間 小时 小時 个小时 ساعة ساعات",
        3600,
    ),
    ("day", "day days tag tage tagen jour jours día días dias ngày يوم يوما أيام 日間 天", 1),
    (
        "day",
        "week weeks woche wochen semaine semaines semana semanas tuần أسبوع أسابيع 週間 周 星期",
        7,
    ),
    (
        "month",
        "month months monat monate monaten mois mes meses ヶ月 か月 个月 tháng شهر شهرا أشهر شهور",
        1,
    ),
    ("month", "year years yr yrs jahr jahre jahren an ans año años anos năm 年間 سنة سنوات", 12),
    ("°C", "°c ℃ degrees-celsius grad-celsius", 1),
    ("°F", "°f ℉ degrees-fahrenheit", 1),
    ("byte", "bytes", 1),
    ("byte", "kb kilobyte kilobytes", 1e3),
    ("byte", "mb megabyte megabytes", 1e6),
    ("byte", "gb gigabyte gigabytes", 1e9),
    ("byte", "tb terabyte terabytes", 1e12),
)
UNITS: dict[str, tuple[str, float]] = {
    spelling.replace("-", " "): (unit, factor)
    for unit, spellings, factor in _UNIT_TABLE
    for spelling in spellings.split()
}
