"""How numbers, dates and labels are written in each country and language."""

from __future__ import annotations

import json
from datetime import date
from random import Random

from generator.facts import plain
from generator.vendors import SOURCES

LABELS: dict[str, dict[str, list[str]]] = json.loads(
    (SOURCES / "labels.json").read_text(encoding="utf-8")
)
# Thousands and decimal separators; what is not named here writes 1,234.50.
SEPARATORS = {
    "DE": (".", ","), "AT": (".", ","), "NL": (".", ","), "BE": (".", ","), "ES": (".", ","),
    "DK": (".", ","), "FR": (" ", ","), "SE": (" ", ","), "CH": ("'", "."),
}  # fmt: skip
SYMBOLS = {"EUR": "€", "USD": "$", "GBP": "£", "JPY": "¥", "SEK": "kr", "CAD": "$", "DKK": "kr", "CHF": "Fr."}  # fmt: skip
DATE_STYLES = {
    "DE": ("d.m.y", "long", "d.m.yy"), "AT": ("d.m.y", "long"), "CH": ("d.m.y", "long"),
    "FR": ("d/m/y", "long"), "BE": ("d/m/y", "long"), "NL": ("d-m-y", "long"),
    "ES": ("d/m/y", "long"), "GB": ("d/m/y", "short", "long"), "IE": ("d/m/y", "short"),
    "US": ("m/d/y", "short", "long"), "CA": ("iso", "short"), "JP": ("kanji", "y/m/d"),
    "SE": ("iso", "long"), "DK": ("iso", "short"),
}  # fmt: skip
AMBIGUOUS = ("d/m/y", "m/d/y")  # the letterhead must then name the country
COUNTRY_NAMES = {
    "en": {"DE": "Germany", "AT": "Austria", "CH": "Switzerland", "FR": "France", "BE": "Belgium",
           "NL": "The Netherlands", "ES": "Spain", "GB": "United Kingdom", "IE": "Ireland",
           "US": "USA", "CA": "Canada", "JP": "Japan", "SE": "Sweden", "DK": "Denmark"},
    "de": {"DE": "Deutschland", "AT": "Österreich", "CH": "Schweiz"},
    "fr": {"FR": "France", "BE": "Belgique", "CH": "Suisse"},
    "nl": {"NL": "Nederland", "BE": "België"},
    "es": {"ES": "España"},
    "sv": {"SE": "Sverige"},
    "ja": {"JP": "日本"},
}  # fmt: skip
TAX_NAMES = {"US": "Sales tax", "CA": "HST", "JP": "Consumption tax"}  # in English


def country_name(country: str, language: str) -> str:
    return COUNTRY_NAMES[language].get(country, COUNTRY_NAMES["en"][country])


def money(minor: int, digits: int, country: str, *, grouped: bool = True) -> str:
    """129550 with two digits is ``1.295,50`` in Germany and ``1,295.50`` in Britain."""
    thousands, decimal = SEPARATORS.get(country, (",", "."))
    whole, fraction = divmod(minor, 10**digits)
    text = f"{whole:,}".replace(",", thousands) if grouped else str(whole)
    return f"{text}{decimal}{fraction:0{digits}d}" if digits else text


def decimal(number: float, country: str) -> str:
    """A quantity or a rate: ``7,5`` or ``7.5``."""
    return str(plain(number)).replace(".", SEPARATORS.get(country, (",", "."))[1])


def date_style(country: str, language: str, rng: Random) -> str:
    """A style that this country really uses."""
    if rng.random() < 0.12:
        return "iso"
    if language == "en" and country not in ("GB", "IE", "US"):
        return rng.choice(("iso", "short", "long"))
    return rng.choice(DATE_STYLES[country])


def date_text(day: date, style: str, language: str, country: str) -> str:
    """The date as printed; ``long`` and ``short`` use the language's month names."""
    if style in ("long", "short"):
        return _in_words(day, style, language, country)
    forms = {
        "iso": "%Y-%m-%d", "d.m.y": "%d.%m.%Y", "d.m.yy": "%d.%m.%y", "d/m/y": "%d/%m/%Y",
        "m/d/y": "%m/%d/%Y", "d-m-y": "%d-%m-%Y", "y/m/d": "%Y/%m/%d",
    }  # fmt: skip
    if style == "kanji":
        return f"{day.year}年{day.month}月{day.day}日"
    return day.strftime(forms[style])


def _in_words(day: date, style: str, language: str, country: str) -> str:
    month = LABELS[language]["months"][day.month - 1]
    if language == "en":
        month = month[:3] if style == "short" else month
        return (
            f"{month} {day.day}, {day.year}"
            if country in ("US", "CA")
            else f"{day.day} {month} {day.year}"
        )
    if language == "fr" and day.day == 1:
        return f"1er {month} {day.year}"
    joined = {"de": f"{day.day}. {month} {day.year}", "es": f"{day.day} de {month} de {day.year}"}
    return joined.get(language, f"{day.day} {month} {day.year}")
