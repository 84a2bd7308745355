"""The layouts: each turns the same page into a really different text."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from random import Random
from unicodedata import east_asian_width

from generator.page import Page

Layout = Callable[[Page, Random], list[str]]


def width(text: str) -> int:
    """Columns on paper: Japanese characters take two."""
    return sum(2 if east_asian_width(letter) in "WF" else 1 for letter in text)


def left(text: str, columns: int) -> str:
    return text + " " * max(0, columns - width(text))


def right(text: str, columns: int) -> str:
    return " " * max(0, columns - width(text)) + text


def labelled(pairs: list[tuple[str, str]]) -> list[str]:
    return [f"{label}: {value}" for label, value in pairs]


def side_by_side(first: list[str], second: list[str], columns: int) -> list[str]:
    rows = max(len(first), len(second))
    first, second = first + [""] * (rows - len(first)), second + [""] * (rows - len(second))
    return [
        (left(one, columns) + "  " + two).rstrip() for one, two in zip(first, second, strict=True)
    ]


def table(page: Page) -> tuple[list[str], list[list[str]]]:
    """Heads and rows, with the article number in front where the vendor prints one."""
    if page.articles is None:
        return page.heads, page.rows
    heads = [page.words["article"], *page.heads]
    return heads, [[number, *row] for number, row in zip(page.articles, page.rows, strict=True)]


def letter(page: Page, rng: Random) -> list[str]:
    """A typed letter: the items and totals stand in sentences."""
    short = rng.random() < 0.4
    pattern = page.words["item_short" if short else "item"]
    if short:
        page.unstated.append("line_items.amount")
    sentences = [
        pattern.format(desc=desc, qty=qty, price=price, amount=amount)
        for desc, qty, price, amount in page.rows
    ]
    stop = "。" if page.language == "ja" else "."
    body = f"{page.words['open']} {'; '.join(sentences)}{stop}"
    totals = "; ".join(f"{label} {value}" for label, value in page.totals) + stop
    return [
        ", ".join(page.sender), "", *page.recipient, "", f"{page.title}   {', '.join(labelled(page.refs))}", "",
        page.words["greeting"], "", *textwrap.wrap(body, 88), "", *textwrap.wrap(totals, 88), "",
        *(f"{note}." for note in page.notes), "", page.words["signoff"], page.printed_name, "",
        "   ".join([*page.contact, *page.bank]),
    ]  # fmt: skip


def pipe_table(page: Page, _: Random) -> list[str]:
    """A table with pipes, as a converter makes it."""
    heads, rows = table(page)
    return [
        f"# {page.title}", "", *page.sender, "", f"{page.bill_to}: {', '.join(page.recipient)}", "",
        *[f"| {label} | {value} |" for label, value in page.refs], "",
        f"| {' | '.join(heads)} |", "|" + "---|" * len(heads),
        *[f"| {' | '.join(row)} |" for row in rows], "",
        *[f"| {label} | {value} |" for label, value in page.totals], "",
        *page.notes, "", " / ".join(page.contact), " / ".join(page.bank),
    ]  # fmt: skip


def columns(page: Page, rng: Random) -> list[str]:
    """Columns made of spaces; a long description may run on to the next line."""
    refs = [f"{left(label, 20)} {value}" for label, value in page.refs]
    wrap = 30 if rng.random() < 0.5 else 60
    wide = min(wrap, max(width(row[0]) for row in [page.heads, *page.rows])) + 2
    lines = []
    for row in [page.heads, *page.rows]:
        first, *rest = textwrap.wrap(row[0], wrap)
        lines.append(left(first, wide) + right(row[1], 10) + right(row[2], 16) + right(row[3], 16))
        lines += [f"  {part}" for part in rest]
    totals = [right(label, wide + 26) + right(value, 16) for label, value in page.totals]
    return [
        *side_by_side(page.sender, refs, 38), "", page.title, "", page.bill_to, *page.recipient, "",
        *lines, "-" * (wide + 42), *totals, "", *page.notes, "", *page.contact, *page.bank,
    ]  # fmt: skip


def email(page: Page, _: Random) -> list[str]:
    """The invoice in the body of a mail, with a bulleted list."""
    items = [f"- {desc}: {qty} x {price} = {amount}" for desc, qty, price, amount in page.rows]
    return [
        f"From: {page.printed_name} <{page.email}>", "To: invoices@kestrelmoor.example", f"Sent: {page.sent}",
        f"Subject: {page.title} {page.refs[0][1]}" if page.refs[0][0] == page.words["number"] else f"Subject: {page.title}",
        "", page.words["greeting"], "", page.words["open"], "", *labelled(page.refs), "", *items, "",
        *labelled(page.totals), "", *page.notes, "", page.words["signoff"], *page.sender,
        *page.contact, *page.bank,
    ]  # fmt: skip


def receipt(page: Page, _: Random) -> list[str]:
    """A narrow slip from a till: each item takes two lines."""
    wide = 44
    lines = [line.center(wide).rstrip() for line in [*page.sender, *page.contact]]
    items = []
    for desc, qty, price, amount in page.rows:
        items += [desc, left(f"   {qty} x {price}", wide - 14) + right(amount, 14)]
    totals = [left(label, wide - 16) + " " + right(value, 15) for label, value in page.totals]
    return [
        *lines, "=" * wide, page.title.center(wide).rstrip(), *labelled(page.refs), "-" * wide, *items, "-" * wide,
        *totals, "=" * wide, *page.notes, f"{page.bill_to}: {page.recipient[0]}, {page.recipient[2]}", *page.bank,
    ]  # fmt: skip


def footer(page: Page, _: Random) -> list[str]:
    """Little at the head; sender, bank and terms stand in a footer of two columns."""
    heads, rows = table(page)
    widths = [max(width(row[i]) for row in [heads, *rows]) + 2 for i in range(len(heads))]
    cells = [
        "".join(left(cell, columns) for cell, columns in zip(row, widths, strict=True)).rstrip()
        for row in [heads, *rows]
    ]
    refs = labelled(page.refs)
    half = (len(refs) + 1) // 2
    return [
        page.printed_name.upper() if page.printed_name.isascii() and "alias" not in page.tags else page.printed_name,
        "", *page.recipient, "", page.title, *side_by_side(refs[:half], refs[half:], 40), "", *cells, "",
        *labelled(page.totals), "", "_" * 78, *side_by_side(page.sender + page.contact, page.notes + page.bank, 38),
    ]  # fmt: skip


def boxed(page: Page, _: Random) -> list[str]:
    """Frames drawn with plus and minus signs."""
    heads, rows = table(page)
    widths = [max(width(row[i]) for row in [heads, *rows]) for i in range(len(heads))]
    rule = "+" + "+".join("-" * (columns + 2) for columns in widths) + "+"
    grid = [
        "|"
        + "|".join(f" {left(cell, columns)} " for cell, columns in zip(row, widths, strict=True))
        + "|"
        for row in [heads, *rows]
    ]
    return [
        f"*** {page.title} ***", "", f"{page.bill_to}:", *[f"    {line}" for line in page.recipient], "",
        *labelled(page.refs), "", rule, grid[0], rule, *grid[1:], rule,
        *[f"{left(label, 44)} {right(value, 16)}" for label, value in page.totals], "",
        *page.notes, "", " - ".join(page.sender), " - ".join(page.contact), " - ".join(page.bank),
    ]  # fmt: skip


def form(page: Page, rng: Random) -> list[str]:
    """Numbered fields with dotted leaders, as an old accounting program prints them."""
    fields = (
        [("", line) for line in page.sender[:1]] + page.refs + [(page.bill_to, page.recipient[0])]
    )
    lines = [
        f"{i:02d} {label or page.title} {'.' * max(3, 32 - width(label or page.title))} {value}"
        for i, (label, value) in enumerate(fields, 1)
    ]
    start = rng.choice((10, 100))
    items = []
    for i, (desc, qty, price, amount) in enumerate(page.rows, 1):
        items.append(f"{i * start} {desc}")
        items += [
            f"     {head}: {value}"
            for head, value in zip(page.heads[1:], (qty, price, amount), strict=True)
        ]
    totals = [f"{label} {'.' * max(3, 40 - width(label))} {value}" for label, value in page.totals]
    return [
        *lines,
        "",
        *items,
        "",
        *totals,
        "",
        *page.notes,
        *page.sender[1:],
        *page.contact,
        *page.bank,
    ]


def export(page: Page, _: Random) -> list[str]:
    """Semicolon-separated records out of the vendor's program."""
    heads, rows = table(page)
    return [
        f"{page.title};{page.printed_name}", *[f"{label};{value}" for label, value in page.refs],
        f"{page.bill_to};{page.recipient[0]};{page.recipient[2]}", ";".join(heads), *[";".join(row) for row in rows],
        *[f"{label};{value}" for label, value in page.totals], *page.notes, ";".join(page.sender[1:]),
        ";".join([*page.contact, *page.bank]),
    ]  # fmt: skip


def japan(page: Page, _: Random) -> list[str]:
    """The Japanese form: the buyer with an honorific, the sum first, the seller on the right."""
    gross = [pair for pair in page.totals if pair[0] == page.words["gross"]]
    seller = [right(line, 66) for line in [*page.sender, *page.contact]]
    grid = [
        left(row[0], 34) + right(row[1], 10) + right(row[2], 12) + right(row[3], 14)
        for row in [page.heads, *page.rows]
    ]
    return [
        left("", 28) + page.title, "", f"{page.recipient[0]} 御中", *seller, *labelled(page.refs), "",
        *[f"【{label}】 {value}" for label, value in gross], "", *grid, "",
        *[right(label, 56) + right(value, 14) for label, value in page.totals if (label, value) not in gross], "",
        "備考", *[f"・{note}" for note in page.notes], *page.bank,
    ]  # fmt: skip


GENERAL: tuple[Layout, ...] = (
    letter,
    pipe_table,
    columns,
    email,
    receipt,
    footer,
    boxed,
    form,
    export,
)


def choose(language: str, rng: Random) -> Layout:
    """Japanese pages mostly follow the Japanese form."""
    return japan if language == "ja" and rng.random() < 0.8 else rng.choice(GENERAL)


def render(page: Page, layout: Layout, rng: Random) -> str:
    """The text, without trailing blanks and without two empty lines in a row."""
    lines: list[str] = []
    for line in layout(page, rng):
        if line.strip() or (lines and lines[-1]):
            lines.append(line.rstrip())
    return "\n".join(lines).strip("\n")
