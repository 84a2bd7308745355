"""Writes the suite's data: the vendor directory, the test cases and the training examples.

Run ``python datasets/invoices/make.py`` from the repository; ``--out FOLDER`` writes elsewhere.
Each example has its own random stream, named after its place: the same files come out every time.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Mapping
from itertools import cycle, islice
from pathlib import Path
from random import Random

from generator.facts import CATALOGUE, draw_invoice
from generator.layouts import choose, render
from generator.other_papers import KINDS, LANGUAGES, other_paper
from generator.page import print_invoice
from generator.scan import scan
from generator.vendors import Vendor, directory_entry, load_vendors

HERE = Path(__file__).parent
TEST_INVOICES, TEST_OTHERS = 176, 8
TRAIN_INVOICES, TRAIN_OTHERS = 508, 12
NEW_VENDOR_CASES = 44
KEYS = (
    "invoice_number, vendor_name, vendor_id, issue_date, due_date, currency, net_total, tax_total, gross_total, "
    "tax_rate, line_items (description, quantity, unit_price, amount), payment_terms (prepaid, net_14, net_30 or net_60) "
    "and purchase_order"
)
INSTRUCTIONS = (
    "Turn the invoice below into one JSON object with the keys {keys}; if it is no invoice, say so in one sentence.",
    "Please read this invoice and give me the record for our books as JSON ({keys}), or tell me briefly that it is not an invoice.",
    "Extract {keys} from the following text as a single JSON object, with the vendor's name and id as in our directory; decline politely if the text is not an invoice.",
    "I need this bill as JSON with ISO dates and plain numbers; the fields are {keys}. Should it be something other than an invoice, just say that.",
    "What would we post for this document? Answer with one JSON object holding {keys}, purchase_order being null where there is none, or with a short refusal where it is no invoice.",
    "Record this supplier invoice: return only JSON with {keys}, and no record but one polite sentence when the text is not an invoice.",
)
Row = dict[str, object]


class Maker:
    """Makes the examples of one split; remembers invoice numbers so that none comes twice."""

    def __init__(self, vendors: list[Vendor]) -> None:
        self.vendors = vendors
        self.carriers = [
            vendor for vendor in vendors if vendor.trade == "freight" and vendor.part == "both"
        ]
        self.taken: set[tuple[str, str]] = set()

    def invoice(self, vendor: Vendor, place: str, *, noisy: bool) -> Row:
        """One labelled invoice; a number already given out is drawn again."""
        for attempt in range(100):
            rng = Random(f"invoices:{place}:{attempt}")
            language = _language(vendor, rng)
            facts = draw_invoice(vendor, language, rng)
            if (vendor.id, facts.number) not in self.taken:
                break
        self.taken.add((vendor.id, facts.number))
        carriers = self.carriers_near(vendor)
        page = print_invoice(facts, language, rng, carriers)
        layout = choose(language, rng)
        text = render(page, layout, rng)
        tags = [layout.__name__, *page.tags]
        if noisy:
            text = scan(text, rng)
            tags.append("scan")
        if vendor.part == "test":
            tags.append("new_vendor")
        return {
            "query": _query(text, rng),
            "reference": facts.reference(),
            "relevant": {vendor.doc_id: 1},
            "group": vendor.id,
            "tags": tags,
            "metadata": {
                "language": language,
                "printed_vendor": page.printed_name,
                "discount": facts.number_of(facts.discount),
                "unstated": page.unstated,
            },
        }

    def carriers_near(self, vendor: Vendor) -> list[str]:
        """Known freight firms of the same part of the world, other than the vendor itself."""
        near = [carrier for carrier in self.carriers if _region(carrier) == _region(vendor)]
        return [carrier.name for carrier in near if carrier is not vendor] or ["City Couriers"]

    def other(self, kind: str, vendor: Vendor, place: str, *, labelled: bool) -> Row:
        """A paper that is no invoice; training examples show the wanted refusal."""
        rng = Random(f"invoices:{place}")
        text, refusal = other_paper(kind, vendor, rng)
        row: Row = {"query": _query(text, rng)}
        if labelled:
            row["reference"] = refusal
        return row | {
            "relevant": {},
            "expected": "refuse",
            "schema": None,
            "group": vendor.id,
            "tags": ["not_invoice", kind],
        }

    def senders_of(self, kind: str) -> list[Vendor]:
        """Known vendors that write in the language of this kind of paper."""
        language = LANGUAGES.get(kind, "en")
        spoken = [vendor for vendor in self.vendors if vendor.language == language]
        return [vendor for vendor in spoken if vendor.part == "both" and vendor.trade != "freight"]

    def split(self, name: str, senders: Iterable[Vendor], others: int) -> list[Row]:
        """All rows of a split in a fixed, mixed order, with their ids."""
        rows = [
            self.invoice(vendor, f"{name}:{i}", noisy=i % 23 in (1, 5, 9, 13, 17, 21))
            for i, vendor in enumerate(senders)
        ]
        kinds = islice(cycle(KINDS), 0 if name == "test" else 3, None)
        for i, kind in zip(range(others), kinds, strict=False):
            vendor = Random(f"sender:{name}:{i}").choice(self.senders_of(kind))
            rows.append(self.other(kind, vendor, f"{name}:other:{i}", labelled=name == "train"))
        Random(f"order:{name}").shuffle(rows)
        return [
            {"id": f"invoice-{name}-{i:03d}"} | row | {"split": name}
            for i, row in enumerate(rows, 1)
        ]


def _region(vendor: Vendor) -> str:
    return {"US": "America", "CA": "America", "JP": "Japan"}.get(vendor.country, "Europe")


def _language(vendor: Vendor, rng: Random) -> str:
    """Some foreign vendors write in English, where their goods have English names."""
    chance = 0.3 if vendor.country == "JP" else 0.12
    english = f"{vendor.trade}.en" in CATALOGUE and rng.random() < chance
    return "en" if english else vendor.language


def _query(text: str, rng: Random) -> str:
    return f"{rng.choice(INSTRUCTIONS).format(keys=KEYS)}\n\n{text}"


def _senders(vendors: list[Vendor], count: int, name: str) -> list[Vendor]:
    """Every vendor about equally often, in mixed order."""
    chosen = list(islice(cycle(vendors), count))
    Random(f"senders:{name}").shuffle(chosen)
    return chosen


def make() -> dict[str, list[Mapping[str, object]]]:
    """File name -> its rows."""
    vendors = load_vendors()
    known = [vendor for vendor in vendors if vendor.part == "both"]
    new = [vendor for vendor in vendors if vendor.part == "test"]
    maker = Maker(vendors)
    seen = _senders(known, TEST_INVOICES - NEW_VENDOR_CASES, "known")
    unseen = _senders(new, NEW_VENDOR_CASES, "new")
    return {
        "corpus.jsonl": [directory_entry(vendor) for vendor in vendors],
        "cases.jsonl": list(maker.split("test", seen + unseen, TEST_OTHERS)),
        "train.jsonl": list(
            maker.split("train", _senders(known, TRAIN_INVOICES, "train"), TRAIN_OTHERS)
        ),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description="Write the data of the suite 'invoices'.")
    parser.add_argument("--out", type=Path, default=HERE, help="folder to write to")
    out = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    for name, rows in make().items():
        lines = [json.dumps(row, ensure_ascii=False) for row in rows]
        (out / name).write_bytes(("\n".join(lines) + "\n").encode())


if __name__ == "__main__":
    main()
