"""What an invoice says, before anybody has decided how it looks: the truth behind each label."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

from generator.vendors import SOURCES, Vendor

DAYS = {"prepaid": 0, "net_14": 14, "net_30": 30, "net_60": 60}
MINOR_DIGITS = {"JPY": 0}  # all others have two
PRICE_LEVEL = {"JPY": 150, "SEK": 11, "DKK": 7}  # rough worth of one euro
OTHER_CURRENCY = {"CHF": "EUR", "GBP": "EUR", "SEK": "EUR", "DKK": "EUR", "CAD": "USD", "EUR": "USD", "JPY": "USD"}  # fmt: skip
EU = ("DE", "AT", "FR", "BE", "NL", "ES", "IE", "SE", "DK")


@dataclass(frozen=True)
class Item:
    """One line; money in minor units (cents, yen)."""

    description: str
    quantity: float
    unit: str
    unit_price: int

    @property
    def amount(self) -> int:
        return round(self.quantity * 2) * self.unit_price // 2


@dataclass(frozen=True)
class Invoice:
    """The facts; money in minor units, ``rate`` in percent.

    ``stated`` says how the due date is given: ``both`` (date and terms), ``date``, ``terms``, or
    ``agreed`` (neither: the vendor directory has the terms).
    """

    vendor: Vendor
    number: str
    issued: date
    terms: str
    stated: str
    currency: str
    items: tuple[Item, ...]
    discount_percent: int
    rate: float
    site: str  # country of the buyer's branch that is billed
    purchase_order: str | None

    @property
    def due(self) -> date:
        return self.issued + timedelta(days=DAYS[self.terms])

    @property
    def subtotal(self) -> int:
        return sum(item.amount for item in self.items)

    @property
    def discount(self) -> int:
        return (self.subtotal * self.discount_percent + 50) // 100

    @property
    def net(self) -> int:
        return self.subtotal - self.discount

    @property
    def tax(self) -> int:
        return (self.net * round(self.rate * 100) + 5000) // 10000

    @property
    def gross(self) -> int:
        return self.net + self.tax

    @property
    def digits(self) -> int:
        return MINOR_DIGITS.get(self.currency, 2)

    def number_of(self, minor: int) -> int | float:
        """Minor units as a JSON number: 129550 is 1295.5."""
        return plain(minor / 10**self.digits)

    def reference(self) -> dict[str, object]:
        """The object that a right answer holds."""
        return {
            "invoice_number": self.number,
            "vendor_name": self.vendor.name,
            "vendor_id": self.vendor.id,
            "issue_date": self.issued.isoformat(),
            "due_date": self.due.isoformat(),
            "currency": self.currency,
            "net_total": self.number_of(self.net),
            "tax_total": self.number_of(self.tax),
            "gross_total": self.number_of(self.gross),
            "tax_rate": plain(self.rate),
            "line_items": [self._line(item) for item in self.items],
            "payment_terms": self.terms,
            "purchase_order": self.purchase_order,
        }

    def _line(self, item: Item) -> dict[str, object]:
        return {
            "description": item.description,
            "quantity": plain(item.quantity),
            "unit_price": self.number_of(item.unit_price),
            "amount": self.number_of(item.amount),
        }


def plain(number: float) -> int | float:
    """Whole numbers without a fraction."""
    return int(number) if number == int(number) else number


def load_catalogue() -> dict[str, list[tuple[str, int, int, str]]]:
    """``trade.language`` -> (description with choices, lowest price, highest price, unit)."""
    catalogue: dict[str, list[tuple[str, int, int, str]]] = {}
    section = ""
    for line in (SOURCES / "catalogue.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            section = line.strip("[]")
            catalogue[section] = []
        elif line and not line.startswith("#"):
            description, prices, unit = (part.strip() for part in line.split(" ; "))
            low, high = prices.split("-")
            catalogue[section].append((description, int(low), int(high), unit))
    return catalogue


CATALOGUE = load_catalogue()


def draw_invoice(vendor: Vendor, language: str, rng: Random) -> Invoice:
    """The facts of one invoice of this vendor."""
    issued = date(2024, 7, 1) + timedelta(days=rng.randrange(515))
    currency = vendor.currency
    if rng.random() < 0.06:
        currency = OTHER_CURRENCY.get(currency, currency)
    terms, stated = _draw_terms(vendor, rng)
    site, rate = _draw_site(vendor, rng)
    return Invoice(
        vendor=vendor,
        number=_draw_number(vendor.number, issued, rng),
        issued=issued,
        terms=terms,
        stated=stated,
        currency=currency,
        items=_draw_items(vendor.trade, language, currency, rng),
        discount_percent=rng.choice((2, 3, 5, 10)) if rng.random() < 0.15 else 0,
        rate=rate,
        site=site,
        purchase_order=_draw_order(issued, rng) if rng.random() < 0.68 else None,
    )


def _draw_number(pattern: str, issued: date, rng: Random) -> str:
    width = int(re.findall(r"n:0(\d)d", pattern)[0])
    running = rng.randrange(10 ** (width - 2), 10**width)
    return pattern.format(y=issued.year, yy=f"{issued.year % 100:02d}", n=running)


def _draw_order(issued: date, rng: Random) -> str:
    serial = rng.randrange(10000, 99999)
    return rng.choice((f"45000{serial}", f"PO-{issued.year % 100}-{serial}"))


def _draw_terms(vendor: Vendor, rng: Random) -> tuple[str, str]:
    if vendor.terms == "prepaid":
        return "prepaid", "both"
    stated = rng.choices(("both", "date", "terms", "agreed"), (35, 25, 25, 15))[0]
    if (
        stated in ("both", "terms") and rng.random() < 0.12
    ):  # the invoice departs from the directory
        return rng.choice(
            [terms for terms in ("net_14", "net_30", "net_60") if terms != vendor.terms]
        ), stated
    return vendor.terms, stated


def _draw_site(vendor: Vendor, rng: Random) -> tuple[str, float]:
    if vendor.country in EU and rng.random() < 0.09:
        return rng.choice([country for country in EU if country != vendor.country]), 0.0
    weights = [3 if position == 0 else 1 for position in range(len(vendor.rates))]
    return vendor.country, rng.choices(vendor.rates, weights)[0]


def _draw_items(trade: str, language: str, currency: str, rng: Random) -> tuple[Item, ...]:
    offers = CATALOGUE[f"{trade}.{language}"]
    count = min(len(offers), rng.choices((1, 2, 3, 4, 5), (20, 28, 26, 16, 10))[0])
    return tuple(_draw_item(offer, currency, rng) for offer in rng.sample(offers, count))


def _draw_item(offer: tuple[str, int, int, str], currency: str, rng: Random) -> Item:
    text, low, high, unit = offer
    description = re.sub(r"\{([^}]*)\}", lambda found: rng.choice(found[1].split("|")), text)
    cents = rng.randrange(low * 100, high * 100 + 1, rng.choice((2, 10, 50, 100)))
    price = cents * PRICE_LEVEL.get(currency, 1)
    if currency == "JPY":
        price = price // 1000 * 10  # yen, in tens
    quantity = rng.randrange(2, 49) / 2 if unit == "h" else float(_draw_count(high, rng))
    return Item(description, quantity, unit, max(price, 2))


def _draw_count(price: int, rng: Random) -> int:
    """Cheap things are bought by the hundred, dear ones one by one."""
    most = 400 if price <= 4 else 60 if price <= 60 else 12 if price <= 300 else 3
    return rng.randrange(1, most + 1)
