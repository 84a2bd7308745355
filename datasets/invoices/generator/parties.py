"""Who writes to whom: names, addresses and mail lines as they are printed."""

from __future__ import annotations

import re
from datetime import date
from random import Random

from generator.vendors import Vendor, slug
from generator.wording import LABELS, country_name

# Our own branches: who is billed.
SITES = {
    "DE": ("Kestrelmoor Instrumente GmbH", "Werkring 4", "00401 Bleichfeld"),
    "AT": ("Kestrelmoor Instrumente GmbH", "Uferzeile 11", "0402 Sankt Walden"),
    "CH": ("Kestrelmoor Instrumente AG", "Seefeldgasse 2", "0403 Rautwil"),
    "FR": ("Kestrelmoor Instruments SAS", "16 rue du Pendule", "00404 Beauvallet"),
    "BE": ("Kestrelmoor Instruments NV", "Havenlaan 90", "0405 Leievoorde"),
    "NL": ("Kestrelmoor Instruments B.V.", "Molenkade 33", "0406 KI Veenburg"),
    "ES": ("Kestrelmoor Instrumentos S.L.", "Avenida del Faro 8", "00407 Costamira"),
    "GB": ("Kestrelmoor Instruments Ltd", "1 Gauge Street", "QX7 4KI Ashwold"),
    "IE": ("Kestrelmoor Instruments Ltd", "Quay Lane", "Z00 K409 Ballinroe"),
    "US": ("Kestrelmoor Instruments Inc.", "77 Meter Avenue", "Orchard Gap 00410"),
    "CA": ("Kestrelmoor Instruments Inc.", "5 Dial Road", "Winter Bay, ON Z0Z 0K1"),
    "JP": ("Kestrelmoor Instruments Japan", "Sokutei-cho 3-3", "000-0412 Aomizu"),
    "SE": ("Kestrelmoor Instrument AB", "Mätargatan 6", "000 13 Storvassa"),
    "DK": ("Kestrelmoor Instruments ApS", "Målervej 2", "0414 Strandlev"),
}


def printed_name(vendor: Vendor, language: str, rng: Random) -> tuple[str, bool]:
    if language == "ja":
        return vendor.aliases[0], True  # the directory's title is in Latin letters
    if rng.random() < 0.36:
        usable = [alias for alias in vendor.aliases if slug(alias)]
        return _another_way(rng.choice(usable), rng), True
    return vendor.name, False


def _another_way(alias: str, rng: Random) -> str:
    """People write MHB, M.H.B. and M H B; LabLarder and Lab Larder; Oak & Awl and Oak + Awl."""
    if alias.isalpha() and alias.isupper():
        return rng.choice((alias, ".".join(alias) + ".", " ".join(alias)))
    apart = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", alias)
    return rng.choice((alias, apart, apart.upper(), alias.replace("&", "+")))


def mail_domain(vendor: Vendor, printed: str, rng: Random) -> str:
    """A trading name has its own domain or a large provider's, unless it is in another script."""
    alias = slug(printed) if printed != vendor.name else ""
    if not alias:
        return vendor.domain
    return rng.choice((f"{alias}.example", "mailkontor.example", "post-office.example"))


def sent_line(day: date, rng: Random) -> str:
    """The line that a mail program adds: often a day or two after the invoice's own date."""
    names = [month[:3] for month in LABELS["en"]["months"]]
    clock = f"{rng.randrange(7, 18):02d}:{rng.randrange(60):02d}"
    return f"{day.day} {names[day.month - 1]} {day.year} {clock}"


def postal_address(vendor: Vendor, language: str) -> list[str]:
    place = f"{vendor.postcode} {vendor.city}"
    if vendor.country in ("GB", "IE", "US", "CA"):
        place = f"{vendor.city} {vendor.postcode}"
    return [vendor.street, place, country_name(vendor.country, language)]
