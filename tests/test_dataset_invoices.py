"""The shipped suite ``invoices``: its labels agree with its texts, and its generator writes it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

FOLDER = Path(__file__).parents[1] / "datasets" / "invoices"
DAYS = {"prepaid": 0, "net_14": 14, "net_30": 30, "net_60": 60}
TERMS_WORDS = {
    "net_14": "14 days net",
    "net_30": "30 days net",
    "net_60": "60 days net",
    "prepaid": "prepaid",
}
Row = dict[str, Any]


@cache
def rows(name: str) -> list[Row]:
    lines = (FOLDER / name).read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


@cache
def corpus() -> dict[str, Row]:
    return {row["_id"]: row for row in rows("corpus.jsonl")}


def invoices(name: str) -> list[Row]:
    return [row for row in rows(name) if "not_invoice" not in row["tags"]]


def paper(row: Row) -> str:
    """The invoice's text, without the instruction."""
    return str(row["query"].split("\n\n", 1)[1])


def blank_free(text: str) -> str:
    return re.sub(r"\s+", "", text)


def unconfused(text: str) -> str:
    """A scanner's look-alikes read as what they stand for."""
    return blank_free(text).replace("rn", "m").translate(str.maketrans("OoliISB", "0011158"))


def letters(text: str) -> str:
    return "".join(letter for letter in text.casefold() if letter.isalnum())


def money_forms(number: float, currency: str) -> set[str]:
    """1295.5 as 1.295,50, 1,295.50, 1'295.50, 1 295,50 and without a thousands separator."""
    whole, _, cents = (
        f"{number:,.0f}".partition(".") if currency == "JPY" else f"{number:,.2f}".partition(".")
    )
    ends = [point + cents for point in ".,"] if cents else [""]
    return {whole.replace(",", sign) + end for sign in ("", ".", ",", "'") for end in ends}


def date_forms(day: date, language: str) -> list[str]:
    """The forms that are used for dates, in figures and with the language's month names."""
    labels = json.loads((FOLDER / "generator/sources/labels.json").read_text(encoding="utf-8"))
    month, d, y = labels[language]["months"][day.month - 1], day.day, day.year
    figures = ["%Y-%m-%d", "%d.%m.%Y", "%d.%m.%y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%Y/%m/%d"]
    english = [f"{d} {name} {y}" for name in (month, month[:3])]
    english += [f"{name} {d}, {y}" for name in (month, month[:3])]
    others = [
        f"{d}. {month} {y}",
        f"{d} de {month} de {y}",
        f"{d}er {month} {y}",
        f"{y}年{month}{d}日",
    ]
    return [day.strftime(form) for form in figures] + english + others


def holds_number(text: str, forms: set[str]) -> bool:
    """One of the forms stands there, and not as part of a longer number."""
    patterns = [rf"(?<!\d){re.escape(form)}(?!\d)" for form in forms]
    return any(re.search(pattern, text) for pattern in patterns)


BOTH = pytest.mark.parametrize("name", ["cases.jsonl", "train.jsonl"])


def test_sizes_are_as_promised():
    assert len(rows("cases.jsonl")) >= 170
    assert len(rows("train.jsonl")) == 520
    assert len(rows("corpus.jsonl")) == 60


def test_ids_are_unique_everywhere():
    ids = [row["id"] for name in ("cases.jsonl", "train.jsonl") for row in rows(name)]
    assert len(ids) == len(set(ids))
    assert len(corpus()) == len(rows("corpus.jsonl"))


@BOTH
def test_references_validate_against_the_schema(name: str):
    schema = json.loads((FOLDER / "schemas" / "invoice.json").read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema)
    assert {
        row["id"]: e.message
        for row in invoices(name)
        for e in validator.iter_errors(row["reference"])
    } == {}


@BOTH
def test_sums_agree(name: str):
    for row in invoices(name):
        wanted, digits = row["reference"], 0 if row["reference"]["currency"] == "JPY" else 2
        for item in wanted["line_items"]:
            assert item["quantity"] * item["unit_price"] == pytest.approx(
                item["amount"], abs=0.0051
            ), row["id"]
        items = sum(item["amount"] for item in wanted["line_items"])
        assert items - row["metadata"]["discount"] == pytest.approx(wanted["net_total"]), row["id"]
        assert wanted["net_total"] + wanted["tax_total"] == pytest.approx(wanted["gross_total"]), (
            row["id"]
        )
        due = wanted["net_total"] * wanted["tax_rate"] / 100
        assert wanted["tax_total"] == pytest.approx(due, abs=0.51 * 10**-digits), row["id"]


@BOTH
def test_due_date_follows_from_the_terms(name: str):
    for row in invoices(name):
        wanted = row["reference"]
        issued = date.fromisoformat(wanted["issue_date"])
        due = issued + timedelta(days=DAYS[wanted["payment_terms"]])
        assert wanted["due_date"] == due.isoformat(), row["id"]


@BOTH
def test_numbers_stand_on_the_paper(name: str):
    for row in invoices(name):
        read = unconfused if "scan" in row["tags"] else blank_free
        text, wanted = read(paper(row)), row["reference"]
        assert read(wanted["invoice_number"]) in text, row["id"]
        assert wanted["purchase_order"] is None or read(wanted["purchase_order"]) in text, row["id"]
        for field in {"net_total", "tax_total", "gross_total"} - set(row["metadata"]["unstated"]):
            forms = money_forms(wanted[field], wanted["currency"])
            found = holds_number(text, forms) or any(read(form) in text for form in forms)
            assert found, (row["id"], field)


@BOTH
def test_dates_stand_on_the_paper(name: str):
    for row in invoices(name):
        read = unconfused if "scan" in row["tags"] else blank_free
        for field in {"issue_date", "due_date"} - set(row["metadata"]["unstated"]):
            day = date.fromisoformat(row["reference"][field])
            forms = date_forms(day, row["metadata"]["language"])
            assert any(read(form) in read(paper(row)) for form in forms), (row["id"], field)


@BOTH
def test_items_stand_on_the_paper(name: str):
    for row in invoices(name):
        if "scan" in row["tags"]:
            continue
        text, wanted = blank_free(paper(row)), row["reference"]
        for item in wanted["line_items"]:
            words = item["description"].split()  # a narrow column wraps them
            assert all(word in text for word in words), row["id"]
            forms = money_forms(item["unit_price"], wanted["currency"])
            assert any(form in text for form in forms), row["id"]


@BOTH
def test_at_most_one_total_is_left_to_be_worked_out(name: str):
    for row in invoices(name):
        totals = [field for field in row["metadata"]["unstated"] if field.endswith("_total")]
        assert len(totals) <= 1
        assert bool(totals) == ("summed" in row["tags"]), row["id"]


@BOTH
def test_gold_document_settles_what_the_paper_leaves_open(name: str):
    for row in invoices(name):
        (doc_id,) = row["relevant"]
        entry, wanted = corpus()[doc_id], row["reference"]
        assert wanted["vendor_id"] in entry["text"]
        assert wanted["vendor_name"] == entry["title"]
        assert letters(row["metadata"]["printed_vendor"]) in letters(
            entry["title"] + entry["text"]
        ), row["id"]
        if "agreed_terms" in row["tags"]:
            assert TERMS_WORDS[wanted["payment_terms"]] in entry["text"], row["id"]
        if "currency" in row["metadata"]["unstated"]:
            assert f"({wanted['currency']})" in entry["text"], row["id"]


@BOTH
def test_printed_vendor_is_legible(name: str):
    for row in invoices(name):
        if "scan" not in row["tags"]:
            assert letters(row["metadata"]["printed_vendor"]) in letters(paper(row)), row["id"]


@BOTH
def test_vendor_id_is_only_in_the_directory(name: str):
    for row in invoices(name):
        assert row["reference"]["vendor_id"] not in row["query"]
    leaks = [row["reference"]["vendor_id"][2:] in paper(row) for row in invoices(name)]
    assert sum(leaks) / len(leaks) < 0.03  # chance hits in order and article numbers


def test_directory_names_tell_vendors_apart():
    ids = [re.findall(r"V-\d{4}", row["text"]) for row in rows("corpus.jsonl")]
    assert all(len(found) == 1 for found in ids)
    assert len({found[0] for found in ids}) == 60


def test_ambiguous_dates_come_with_a_country():
    names = [
        "Germany",
        "Deutschland",
        "France",
        "Belgique",
        "België",
        "Spain",
        "España",
        "United",
        "Kingdom",
        "Ireland",
        "USA",
    ]
    for row in invoices("cases.jsonl"):
        if "scan" not in row["tags"] and re.search(r"\b\d\d/\d\d/\d{4}\b", paper(row)):
            assert any(country in paper(row) for country in names), row["id"]


def test_a_quarter_of_the_cases_is_scanned():
    share = sum("scan" in row["tags"] for row in rows("cases.jsonl")) / len(rows("cases.jsonl"))
    assert 0.2 <= share <= 0.3


def test_layouts_and_difficulties_are_all_there():
    tags = [tag for row in rows("cases.jsonl") for tag in row["tags"]]
    layouts = [
        "letter",
        "pipe_table",
        "columns",
        "email",
        "receipt",
        "footer",
        "boxed",
        "form",
        "export",
        "japan",
    ]
    traits = [
        "foreign",
        "alias",
        "terms_only",
        "agreed_terms",
        "terms_differ",
        "no_po",
        "multi_line",
        "summed",
        "discount",
    ]
    assert all(tags.count(layout) >= 4 for layout in layouts)
    assert all(tags.count(trait) >= 10 for trait in traits)
    assert len({row["reference"]["currency"] for row in invoices("cases.jsonl")}) >= 6


@BOTH
def test_other_papers_ask_for_a_refusal(name: str):
    others = [row for row in rows(name) if "not_invoice" in row["tags"]]
    assert len(others) == (8 if name == "cases.jsonl" else 12)
    for row in others:
        assert (row["expected"], row["schema"], row["relevant"]) == ("refuse", None, {})
        assert ("reference" in row) == (name == "train.jsonl")
        assert isinstance(row.get("reference", ""), str)


def test_train_and_test_are_disjoint():
    train, test = rows("train.jsonl"), rows("cases.jsonl")
    assert {row["split"] for row in train} == {"train"}
    assert {row["split"] for row in test} == {"test"}
    assert {paper(row) for row in train}.isdisjoint(paper(row) for row in test)
    numbers = [
        (row["group"], row["reference"]["invoice_number"])
        for name in ("train.jsonl", "cases.jsonl")
        for row in invoices(name)
    ]
    assert len(numbers) == len(set(numbers))


def test_new_vendors_are_not_in_training():
    trained = {row["group"] for row in rows("train.jsonl")}
    new = {row["group"] for row in invoices("cases.jsonl") if "new_vendor" in row["tags"]}
    assert len(new) == 12
    assert new.isdisjoint(trained)
    assert {row["group"] for row in invoices("cases.jsonl")} - new <= trained


def test_generator_reproduces_the_committed_files(tmp_path: Path):
    command = [sys.executable, "-B", str(FOLDER / "make.py"), "--out", str(tmp_path)]
    subprocess.run(command, check=True)
    for name in ("cases.jsonl", "train.jsonl", "corpus.jsonl"):
        assert (tmp_path / name).read_bytes() == (FOLDER / name).read_bytes(), name
