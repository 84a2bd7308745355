"""General knowledge of business labels: what the words of field names are called in other languages."""

from __future__ import annotations

from functools import lru_cache

# Concept -> beginnings of words for it, as a model that was never trained on these papers knows them.
_WORDS: dict[str, tuple[str, ...]] = {
    "invoice": ("invoice", "rechnung", "beleg", "factur", "factuur", "faktura", "請求"),
    "number": ("number", "no", "nr", "num", "nummer", "numer", "n", "番号"),
    "issue": ("issue", "date", "datum", "fecha", "ausgestellt", "emi", "émi", "発行", "請求日"),
    "due": ("due", "fällig", "zahlbar", "échéance", "verval", "venc", "förfall", "期限", "pay"),
    "date": ("date", "datum", "fecha", "日"),
    "net": ("net", "netto", "ht", "subtotal", "excl", "base", "小計", "税抜"),
    "tax": ("tax", "vat", "mwst", "ust", "umsatzsteuer", "tva", "btw", "iva", "moms", "消費税"),
    "gross": ("gross", "total", "brutto", "ttc", "payable", "gesamt", "incl", "合計", "due"),
    "total": (
        "total",
        "amount",
        "betrag",
        "summe",
        "montant",
        "importe",
        "bedrag",
        "belopp",
        "金額",
    ),
    "purchase": ("po", "purchase", "bestell", "command", "pedido", "orden", "注文", "発注", "ihre"),
    "order": ("order", "bestell", "command", "pedido", "orden", "注文", "発注"),
    "rate": ("rate", "satz", "taux", "tipo", "%"),
}

# Legal forms by which a firm's name is recognised.
LEGAL_FORMS = frozenset(
    [
        "gmbh",
        "ag",
        "kg",
        "ohg",
        "ltd",
        "plc",
        "inc.",
        "inc",
        "llc",
        "s.a.",
        "s.l.",
        "sarl",
        "sas",
        "b.v.",
        "n.v.",
        "ab",
        "aps",
        "a/s",
        "k.k.",
        "dac",
        "oy",
        "srl",
    ]
)
SIGNS = {"€": "EUR", "£": "GBP", "¥": "JPY", "Fr.": "CHF", "$": "USD"}


@lru_cache(4096)
def label_score(name: str, label: str) -> float:
    """How well a printed label (letters only) fits a field's name: the share of its words it holds."""
    words = name.split("_")
    if not label:
        return 0.0
    held = [any(form in label for form in _WORDS.get(word, (word,))) for word in words]
    return sum(held) / len(words) - 0.002 * len(label)
