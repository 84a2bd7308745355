"""Training of the form filler from papers and their records."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from itertools import permutations
from typing import Any

from evalkit.local.alignment import NONE, align
from evalkit.local.classifier import Classifier
from evalkit.local.entities import learn_parties
from evalkit.local.features import unit_features
from evalkit.local.form import (
    OTHER,
    RECORD,
    DueRule,
    Form,
    category_features,
    majority,
    paper_words,
)
from evalkit.local.matching import Matcher, learn_matcher
from evalkit.local.roles import Roles, read_roles
from evalkit.local.rows import Row, TextReader, group_rows, learn_text
from evalkit.local.units import Unit, month_keys, units
from evalkit.records import Passage
from evalkit.text.number_words import MONTHS

Record = Mapping[str, Any]
Retrieve = Callable[[str], Sequence[Passage]]  # a paper -> what the system's retriever finds for it

_DAY_IN_WORDS = re.compile(
    r"(?<!\d)(\d{1,2})\.?\s?(?:de )?([^\W\d_]{3,12})\.?\s?(?:de )?(\d{4})(?!\d)"
)


def train_form(
    papers: Sequence[str],
    records: Sequence[Record],
    others: Sequence[str],
    retrieve: Retrieve | None = None,
) -> Form:
    """A form filler for records like these; ``others`` are papers to decline."""
    months = month_keys({**learn_months(papers, records), **MONTHS})
    read = [units(paper, months) for paper in papers]
    labelled = [align(found, record) for found, record in zip(read, records, strict=True)]
    roles = read_roles(records, labelled)
    due = due_rule(records, roles)
    found = [retrieve(paper) if retrieve else () for paper in papers]
    matcher = _matcher(papers, found, records, roles)
    notes = [
        passage.text if (passage := matcher.choose(paper, passages)) else ""
        for paper, passages in zip(papers, found, strict=True)
    ]
    return Form(
        roles=roles,
        months=months,
        tagger=_tagger(papers, read, labelled),
        row_text={n: _row_text(papers, read, labelled, records, roles, n) for n in roles.row_texts},
        categories=_categories(papers, records, read, labelled, roles, due, notes),
        month_first=_month_first(papers, records, read, labelled),
        is_record=Classifier(
            [paper_words(paper) for paper in (*papers, *others)],
            [RECORD] * len(papers) + [OTHER] * len(others),
        ),
        parties=learn_parties(papers, records, roles.parties),
        due=due,
        absent=_absent(records, labelled, roles),
        names=tuple(records[0]),
        matcher=matcher,
    )


def _matcher(
    papers: Sequence[str],
    found: Sequence[Sequence[Passage]],
    records: Sequence[Record],
    roles: Roles,
) -> Matcher:
    """Learned from the party field whose values are titles of passages, if there is one."""
    titles = {passage.title for passages in found for passage in passages}
    for name in roles.parties:
        if sum(record[name] in titles for record in records) > len(records) / 2:
            return learn_matcher(papers, found, [record[name] for record in records])
    return Matcher()


def learn_months(papers: Sequence[str], records: Sequence[Record]) -> dict[str, int]:
    """Month names of any language, from days in words whose record has a date with that day and year."""
    votes: dict[str, Counter[int]] = defaultdict(Counter)
    for paper, record in zip(papers, records, strict=True):
        days = [
            v for v in record.values() if isinstance(v, str) and re.fullmatch(r"\d{4}-\d\d-\d\d", v)
        ]
        for day, name, year in _DAY_IN_WORDS.findall(paper):
            for wanted in days:
                if wanted.startswith(year) and int(wanted[8:]) == int(day):
                    votes[name.casefold()][int(wanted[5:7])] += 1
    return {name: count.most_common(1)[0][0] for name, count in votes.items()}


def due_rule(records: Sequence[Record], roles: Roles) -> DueRule | None:
    """A pair of dates and a category whose every value stands for one number of days."""
    for base, target in permutations(roles.dates, 2):
        for category in roles.categories:
            gaps: dict[str, Counter[int]] = defaultdict(Counter)
            for record in records:
                if record.get(base) and record.get(target):
                    gaps[str(record[category])][_days(record[base], record[target])] += 1
            usual = {value: count.most_common(1)[0] for value, count in gaps.items()}
            forward = all(days >= 0 for days, _ in usual.values())
            kept = sum(count for _, count in usual.values())
            if forward and kept >= 0.95 * sum(sum(c.values()) for c in gaps.values()) > 0:
                return DueRule(base, target, category, {v: days for v, (days, _) in usual.items()})
    return None


def _days(start: str, end: str) -> int:
    return (date.fromisoformat(end) - date.fromisoformat(start)).days


def _tagger(
    papers: Sequence[str], read: Sequence[Sequence[Unit]], labelled: Sequence[Sequence[str]]
) -> Classifier:
    items: list[Sequence[str]] = []
    wanted: list[str] = []
    for paper, found, labels in zip(papers, read, labelled, strict=True):
        for unit, features, label in zip(found, unit_features(found, paper), labels, strict=True):
            if unit.kind != "word":
                items.append(features)
                wanted.append(label)
    return Classifier(items, wanted)


def _row_text(
    papers: Sequence[str],
    read: Sequence[Sequence[Unit]],
    labelled: Sequence[Sequence[str]],
    records: Sequence[Record],
    roles: Roles,
    name: str,
) -> TextReader:
    told: list[tuple[Sequence[Unit], str, Row, str]] = []
    for paper, found, labels, record in zip(papers, read, labelled, records, strict=True):
        rows = group_rows(labels, roles.rows or "", roles.row_numbers)
        values = record[roles.rows] if roles.rows else []
        if len(rows) == len(values):
            told += [
                (found, paper, row, value[name]) for row, value in zip(rows, values, strict=True)
            ]
    return learn_text(told)


def _categories(
    papers: Sequence[str],
    records: Sequence[Record],
    read: Sequence[Sequence[Unit]],
    labelled: Sequence[Sequence[str]],
    roles: Roles,
    due: DueRule | None,
    notes: Sequence[str],
) -> dict[str, Classifier]:
    items = []
    for paper, record, found, labels, note in zip(
        papers, records, read, labelled, notes, strict=True
    ):
        shown = due is not None and due.base in labels and due.target in labels
        gap = _days(record[due.base], record[due.target]) if due is not None and shown else None
        items.append(category_features(paper, found, note, gap))
    return {n: Classifier(items, [str(record[n]) for record in records]) for n in roles.categories}


def _month_first(
    papers: Sequence[str],
    records: Sequence[Record],
    read: Sequence[Sequence[Unit]],
    labelled: Sequence[Sequence[str]],
) -> Classifier:
    items: list[Sequence[str]] = []
    wanted: list[str] = []
    for paper, record, found, labels in zip(papers, records, read, labelled, strict=True):
        told = [
            record[label] == unit.value
            for unit, label in zip(found, labels, strict=True)
            if unit.other and label != NONE
        ]
        if told:
            items.append(paper_words(paper))
            wanted.append("day" if all(told) else "month")
    return Classifier(items or [["-"]], wanted or ["day"])


def _absent(
    records: Sequence[Record], labelled: Sequence[Sequence[str]], roles: Roles
) -> dict[str, float]:
    """For each number, the usual value where the paper does not show it."""
    found = {}
    for name in roles.numbers:
        values = [
            r[name] for r, labels in zip(records, labelled, strict=True) if name not in labels
        ]
        if values:
            found[name] = majority(values)
    return {name: value for name, value in found.items() if value == 0}
