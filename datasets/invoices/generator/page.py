"""An invoice's facts turned into printed strings; the layouts only arrange them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random

from generator.facts import DAYS, Invoice, Item
from generator.parties import SITES, mail_domain, postal_address, printed_name, sent_line
from generator.wording import (
    AMBIGUOUS,
    LABELS,
    SYMBOLS,
    TAX_NAMES,
    country_name,
    date_style,
    date_text,
    decimal,
    money,
)


@dataclass
class Page:
    """Everything that is printed, in the language of the invoice.

    ``unstated`` names the wanted values that the reader has to work out; ``printed_name`` is the
    vendor's name as it stands on the paper.
    """

    language: str
    printed_name: str
    sender: list[str]
    recipient: list[str]
    title: str
    bill_to: str
    refs: list[tuple[str, str]]
    heads: list[str]
    rows: list[list[str]]
    articles: list[str] | None
    totals: list[tuple[str, str]]
    notes: list[str]
    bank: list[str]
    contact: list[str]
    email: str
    sent: str
    words: dict[str, str]
    unstated: list[str] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)


class Printer:
    """Chooses one way of writing per invoice and keeps to it."""

    def __init__(self, invoice: Invoice, language: str, rng: Random) -> None:
        self.invoice, self.language, self.rng = invoice, language, rng
        self.country = invoice.vendor.country
        self.words = {key: rng.choice(options) for key, options in LABELS[language].items()}
        self.dates = date_style(self.country, language, rng)
        self.grouped = rng.random() < 0.8
        self.currency = self._currency_style()

    def _currency_style(self) -> str:
        styles = ["code_after", "symbol", "stated_once"]
        if self.invoice.currency != self.invoice.vendor.currency:
            return self.rng.choice(("code_after", "stated_once"))
        return self.rng.choices([*styles, "default"], (4, 4, 3, 1))[0]

    def day(self, day: date) -> str:
        return date_text(day, self.dates, self.language, self.country)

    @property
    def tax_name(self) -> str:
        english = self.language == "en"
        return TAX_NAMES.get(self.country, self.words["tax"]) if english else self.words["tax"]

    def bare(self, minor: int) -> str:
        return money(minor, self.invoice.digits, self.country, grouped=self.grouped)

    def money(self, minor: int) -> str:
        """With the currency, where the chosen style prints it beside each total."""
        text, currency = self.bare(minor), self.invoice.currency
        if self.currency == "code_after":
            return f"{text} {currency}"
        if self.currency != "symbol":
            return text
        symbol = SYMBOLS[currency]
        if symbol in ("€", "kr") and self.language != "en":
            return f"{text} {symbol}"
        return f"{symbol} {text}" if len(symbol) > 1 else f"{symbol}{text}"

    def row(self, item: Item) -> list[str]:
        quantity = decimal(item.quantity, self.country)
        unit = self.words[item.unit] if self.words["desc"] != "Item" or item.unit == "h" else ""
        return [
            item.description,
            f"{quantity} {unit}".strip(),
            self.bare(item.unit_price),
            self.bare(item.amount),
        ]


def print_invoice(invoice: Invoice, language: str, rng: Random, carriers: list[str]) -> Page:
    """One page: the printed strings, and which wanted values are not among them."""
    printer = Printer(invoice, language, rng)
    name, is_alias = printed_name(invoice.vendor, language, rng)
    show_address = not is_alias or printer.dates in AMBIGUOUS or rng.random() < 0.3
    page = Page(
        language=language,
        printed_name=name,
        sender=[name, *(postal_address(invoice.vendor, language) if show_address else [])],
        recipient=[*SITES[invoice.site], country_name(invoice.site, language)],
        title=printer.words["title"].replace(
            "TAX ", "" if invoice.vendor.country in ("US", "CA") else "TAX "
        ),
        bill_to=printer.words["bill_to"],
        refs=_references(printer, carriers),
        heads=[printer.words[key] for key in ("desc", "qty", "price", "amount")],
        rows=[printer.row(item) for item in invoice.items],
        articles=[str(rng.randrange(1000, 99999)) for _ in invoice.items]
        if rng.random() < 0.3
        else None,
        totals=_totals(printer),
        notes=_notes(printer),
        bank=_bank(printer, show_vat=rng.random() < (0.15 if is_alias else 0.7)),
        contact=[],
        email=f"{rng.choice(('billing', 'office', 'accounts'))}@{mail_domain(invoice.vendor, name, rng)}",
        sent=sent_line(invoice.issued + timedelta(days=rng.randrange(3)), rng),
        words=printer.words,
    )
    page.contact = [f"{printer.words['phone']} {invoice.vendor.phone}", page.email]
    if is_alias:
        page.tags.append("alias")
    _book(page, printer)
    return page


def _references(printer: Printer, carriers: list[str]) -> list[tuple[str, str]]:
    """The labelled numbers at the head: those that are wanted, and those that distract."""
    invoice, rng, words = printer.invoice, printer.rng, printer.words
    refs = [(words["number"], invoice.number), (words["date"], printer.day(invoice.issued))]
    if invoice.stated in ("both", "date"):
        refs.append((words["due"], printer.day(invoice.due)))
    extra = [
        (
            0.5,
            words["order"],
            f"{rng.choice('ABKT')}{rng.choice('NRX')}-{rng.randrange(10000, 99999)}",
        ),
        (0.6, words["customer"], f"{rng.randrange(10000, 999999)}"),
        (0.35, words["delivery"], f"{rng.randrange(100000, 999999)}"),
        (0.4, words["carrier"], rng.choice(carriers)),
    ]
    if invoice.purchase_order:
        refs.append((words["po"], invoice.purchase_order))
    refs += [(label, value) for chance, label, value in extra if rng.random() < chance]
    if rng.random() < 0.5:
        rng.shuffle(refs)
    return refs


def _totals(printer: Printer) -> list[tuple[str, str]]:
    invoice, words = printer.invoice, printer.words
    percent = decimal(invoice.rate, printer.country) + (
        "%" if printer.language in ("en", "ja") else " %"
    )
    tax = f"{printer.tax_name} {percent}"
    if invoice.rate == 0 and invoice.site != invoice.vendor.country:
        tax += f" ({words['reverse']})"
    lines = []
    if invoice.discount:
        share = f"{invoice.discount_percent}%"
        lines.append((words["subtotal"], printer.money(invoice.subtotal)))
        lines.append((f"{words['discount']} {share}", "-" + printer.bare(invoice.discount)))
    return [
        *lines,
        (words["net"], printer.money(invoice.net)),
        (tax, printer.money(invoice.tax)),
        (words["gross"], printer.money(invoice.gross)),
    ]


def _notes(printer: Printer) -> list[str]:
    invoice, words, rng = printer.invoice, printer.words, printer.rng
    notes = []
    if printer.currency == "stated_once":
        notes.append(words["all_in"].format(code=invoice.currency))
    if invoice.terms == "prepaid":
        return [*notes, f"{words['terms']}: {words['prepaid']}"]
    if invoice.stated in ("both", "terms"):
        notes.append(f"{words['terms']}: {words['within'].format(days=DAYS[invoice.terms])}")
        if invoice.terms != "net_14" and rng.random() < 0.25:
            notes.append(
                words["skonto"].format(percent=rng.choice((2, 3)), days=rng.choice((7, 10)))
            )
    if invoice.stated == "agreed":
        notes.append(words["agreed"])
    return notes


def _bank(printer: Printer, *, show_vat: bool) -> list[str]:
    vendor, words = printer.invoice.vendor, printer.words
    plain_account = vendor.country in ("US", "CA", "JP") and printer.language == "en"
    lines = [f"{'Bank account' if plain_account else words['iban']}: {vendor.account}"]
    if printer.rng.random() < 0.5:
        lines.insert(0, f"{words['bank']}: {vendor.bank}")
    if show_vat:
        label = "Tax ID" if plain_account else words["vat_id"]
        lines.append(f"{label} {vendor.vat_number}")
    return lines


def _book(page: Page, printer: Printer) -> None:
    """Notes what is left unsaid, drops one total from some pages, and sets the tags that follow."""
    invoice, rng = printer.invoice, printer.rng
    kept = rng.random()
    missing = {0: "net_total", 1: "tax_total", 2: "gross_total"}
    if kept < 0.24 and invoice.rate:
        dropped = int(kept / 0.08)
        del page.totals[len(page.totals) - 3 + dropped]
        page.unstated.append(missing[dropped])
        page.tags.append("summed")
        if dropped == 1:  # the rate must stay readable
            page.notes.append(f"{printer.tax_name}: {decimal(invoice.rate, printer.country)} %")
    if invoice.stated in ("terms", "agreed"):
        page.unstated.append("due_date")
    if invoice.stated in ("date", "agreed"):
        page.unstated.append("payment_terms")
    if printer.currency == "default":
        page.unstated.append("currency")
    flags = {
        "foreign": page.language != "en",
        "terms_only": invoice.stated == "terms",
        "agreed_terms": invoice.stated == "agreed",
        "terms_differ": invoice.terms != invoice.vendor.terms,
        "no_po": invoice.purchase_order is None,
        "multi_line": len(invoice.items) >= 3,
        "discount": invoice.discount > 0,
        "reverse_charge": invoice.rate == 0 and invoice.site != invoice.vendor.country,
        "other_currency": invoice.currency != invoice.vendor.currency,
        "currency_default": printer.currency == "default",
    }
    page.tags += [tag for tag, holds in flags.items() if holds]
