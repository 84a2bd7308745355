"""The invented vendors, and the prose of the vendor directory."""

from __future__ import annotations

import csv
import re
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from random import Random

SOURCES = Path(__file__).parent / "sources"

COUNTRIES = {
    "DE": "Germany", "AT": "Austria", "CH": "Switzerland", "FR": "France", "BE": "Belgium",
    "NL": "the Netherlands", "ES": "Spain", "GB": "United Kingdom", "IE": "Ireland",
    "US": "United States", "CA": "Canada", "JP": "Japan", "SE": "Sweden", "DK": "Denmark",
}  # fmt: skip
# Numbers that look right and cannot be real: ranges that start with zeros are not given out, and
# the check digits 00 never occur in an IBAN.
# "#" stands for a digit of the vendor's own series, which has nothing to do with its vendor id.
VAT_NUMBERS = {
    "DE": "DE000######", "AT": "ATU000#####", "CH": "CHE-000.###.###", "FR": "FR00000######",
    "BE": "BE0000######", "NL": "NL000######B01", "ES": "ESB000#####", "GB": "GB000######",
    "IE": "IE000####X", "US": "00-0######", "CA": "000######RT0001", "JP": "T0000000######",
    "SE": "SE000000####01", "DK": "DK00######",
}  # fmt: skip
PHONES = {"GB": "01632 960###", "US": "(555) 555-01##", "CA": "(555) 555-01##"}
BANKS = {
    "de": ("Sparbank Nordhang", "Gewerbekasse Wirrental"), "fr": ("Banque du Vallon", "Crédit des Marais"),
    "nl": ("Waterlandse Kas", "Bank Veenburg"), "es": ("Banco Ribera Alta", "Caja del Faro"),
    "sv": ("Storvassa Sparkassa",), "ja": ("Aomizu Bank", "Minato Shinkin"),
    "en": ("Merchant Union", "Ashwold & Provincial", "First Orchard Savings"),
}  # fmt: skip
LEGAL_FORMS = (
    r"\b(gmbh|ag|kg|ohg|sarl|sas|sa|ltd|plc|llp|dac|inc|llc|co|kk|k k|b v|bv|n v|s l|s a|ab|aps)\b"
)
CURRENCY_NAMES = {
    "EUR": "euro", "CHF": "Swiss francs", "GBP": "pounds sterling", "USD": "US dollars",
    "CAD": "Canadian dollars", "JPY": "Japanese yen", "SEK": "Swedish kronor",
    "DKK": "Danish kroner",
}  # fmt: skip
TERMS_PROSE = {
    "prepaid": ("in advance (prepaid)", "before delivery, so its invoices arrive prepaid"),
    "net_14": ("within 14 days net", "14 days net from the invoice date"),
    "net_30": ("within 30 days net", "30 days net from the invoice date"),
    "net_60": ("within 60 days net", "60 days net from the invoice date"),
}
SELLS = {
    "optics": ("lenses, mirrors and filters for our instruments", "optical parts, mounts and alignment work"),
    "metal": ("bolts, sheet metal and machined parts", "metal parts cut and folded to our drawings"),
    "electrical": ("cabinets, cable, sensors and fitters' hours", "electrical material and installation"),
    "freight": ("pallet freight, dock handling and storage", "road freight, at times also as carrier of other vendors' goods"),
    "lab": ("consumables and glassware for the laboratory", "pipette tips, solvents, gloves and calibration"),
    "catering": ("lunch buffets, coffee breaks and serving staff", "food and crockery for meetings and visitors"),
    "stationery": ("paper, folders, toner and other office goods", "office supplies of every kind"),
    "cleaning": ("office and hall cleaning, windows included", "cleaning contracts and washroom refills"),
    "laundry": ("washing and mending of lab coats and towels", "rented linen and protective clothing"),
    "joinery": ("flooring, worktops and made-to-measure crates", "timber, boards and joiners' work on site"),
    "print": ("leaflets, manuals, labels and typesetting", "printed matter and cards"),
    "flowers": ("bouquets, planters and care of office plants", "cut flowers and table pieces"),
    "food": ("pantry goods and gift hampers", "foodstuffs for the canteen"),
    "ceramics": ("tiles, crucibles, glass tube and refractory plates", "ceramic and glass parts"),
    "software": ("licences, user seats, support and storage", "business software and remote support"),
    "translation": ("translated manuals, proofreading and interpreting", "language services for our manuals"),
}  # fmt: skip


def slug(name: str) -> str:
    """Lower-case ASCII with hyphens; empty for a name in another script."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-")


@dataclass(frozen=True)
class Vendor:
    """One row of ``vendors.csv``; ``part`` is ``both`` or ``test`` (absent from training)."""

    id: str
    name: str
    part: str
    country: str
    language: str
    city: str
    postcode: str
    street: str
    aliases: tuple[str, ...]
    trade: str
    terms: str
    currency: str
    rates: tuple[float, ...]
    number: str
    confused_with: str

    @property
    def doc_id(self) -> str:
        return slug(self.name)

    def _fill(self, pattern: str) -> str:
        rng = Random(f"numbers:{self.id}:{pattern}")
        return re.sub("#", lambda _: rng.choice("0123456789"), pattern)

    @property
    def vat_number(self) -> str:
        return self._fill(VAT_NUMBERS[self.country])

    @property
    def account(self) -> str:
        """An IBAN, or a plain account number where IBANs are not used."""
        if self.country in ("US", "CA", "JP"):
            return self._fill("000-0####-###")
        return self._fill(self.country + "00 0000 #### #### 00##")

    @property
    def bank(self) -> str:
        return Random(f"bank:{self.id}").choice(BANKS[self.language])

    @property
    def phone(self) -> str:
        return self._fill(PHONES.get(self.country, "+00 #### 00##"))

    @property
    def domain(self) -> str:
        """From the name without its legal form."""
        words = re.sub(LEGAL_FORMS, "", slug(self.name).replace("-", " ")).split()[:3]
        return "-".join(words[:2] if len(words[-1]) < 3 else words) + ".example"


def load_vendors() -> list[Vendor]:
    """All vendors in the order of the file."""
    with (SOURCES / "vendors.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter=";"))
    return [_vendor(row) for row in rows]


def _vendor(row: dict[str, str]) -> Vendor:
    values: dict[str, object] = {("language" if key == "lang" else key): row[key] for key in row}
    values["aliases"] = tuple(row["aliases"].split("|"))
    values["rates"] = tuple(float(rate) for rate in row["rates"].split(","))
    return Vendor(**values)  # type: ignore[arg-type]


def directory_entry(vendor: Vendor) -> dict[str, str]:
    """The vendor's document in BEIR's layout: the only place that tells its id."""
    rng = Random(f"directory:{vendor.id}")
    sentences = [_names(vendor, rng), _seat(vendor, rng), _terms(vendor, rng), _goods(vendor, rng)]
    if vendor.confused_with:
        sentences.append(f"Easily mixed up with {vendor.confused_with}, which is another firm.")
    if rng.random() < 0.5:
        sentences.append(_history(vendor, rng))
    rng.shuffle(sentences)
    text = " ".join([_lead(vendor, rng), *sentences])
    return {"_id": vendor.doc_id, "title": vendor.name, "text": text}


def _lead(vendor: Vendor, rng: Random) -> str:
    return rng.choice((
        f"{vendor.name} is kept in our books as vendor {vendor.id}.",
        f"Vendor {vendor.id} is {vendor.name} of {vendor.city}.",
        f"Postings for {vendor.name} go to account {vendor.id}.",
    ))  # fmt: skip


def _names(vendor: Vendor, rng: Random) -> str:
    first, second = vendor.aliases
    return rng.choice((
        f"Its letterhead may read {first}, and short forms such as {second} occur.",
        f"The firm also trades as {first}; our buyers often write {second}.",
        f"Other names on paper: {second} and {first}.",
    ))  # fmt: skip


def _seat(vendor: Vendor, rng: Random) -> str:
    country = COUNTRIES[vendor.country]
    return rng.choice((
        f"The seat is {vendor.city}, {country}; VAT number {vendor.vat_number}.",
        f"It is registered in {vendor.city}, {country}, under the tax number {vendor.vat_number}.",
        f"Its office is in {vendor.city} ({country}), its tax registration {vendor.vat_number}.",
    ))  # fmt: skip


def _terms(vendor: Vendor, rng: Random) -> str:
    terms = rng.choice(TERMS_PROSE[vendor.terms])
    money = f"{CURRENCY_NAMES[vendor.currency]} ({vendor.currency})"
    return rng.choice((
        f"Where an invoice is silent, the agreed payment is {terms}, in {money}.",
        f"We agreed to pay {terms}; the default currency is {money}.",
    ))  # fmt: skip


def _goods(vendor: Vendor, rng: Random) -> str:
    goods = rng.choice(SELLS[vendor.trade])
    return rng.choice((f"It supplies {goods}.", f"We buy {goods} from them.", f"Range: {goods}."))


def _history(vendor: Vendor, rng: Random) -> str:
    year = rng.randrange(2004, 2023)
    return rng.choice((
        f"The account was opened in {year}.",
        f"First order in {year}; last reviewed by purchasing in {year + 2}.",
        f"Queries about its invoices go to the {vendor.city} office.",
    ))  # fmt: skip
