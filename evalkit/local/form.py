"""The trained form filler: reads a record off a paper as its training records show."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from typing import Any

from evalkit.local.classifier import Classifier
from evalkit.local.entities import Parties
from evalkit.local.features import unit_features
from evalkit.local.matching import Matcher
from evalkit.local.relations import complete
from evalkit.local.roles import Roles
from evalkit.local.rows import Row, TextReader, group_rows, plain, row_record
from evalkit.local.units import Unit, mend, units
from evalkit.records import Passage

_WORDS = re.compile(r"[^\W\d_]{2,}|[€$£¥]")
SURE_ENOUGH = 0.3  # the probability from which on a unit is taken for a field's value


@dataclass(frozen=True, slots=True)
class DueRule:
    """A date that follows from another: ``target`` = ``base`` + the days that a category stands for."""

    base: str
    target: str
    category: str
    days: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Form:
    """Everything learned from papers and their records."""

    roles: Roles
    months: Mapping[str, int]
    tagger: Classifier
    row_text: Mapping[str, TextReader]
    categories: Mapping[str, Classifier]
    month_first: Classifier
    is_record: Classifier
    parties: Parties
    due: DueRule | None
    absent: Mapping[str, float]
    names: tuple[str, ...]
    matcher: Matcher

    def applies(self, paper: str) -> bool:
        """Whether the paper is one to fill the form from."""
        return self.is_record.best(paper_words(paper))[0] == RECORD

    def fill(self, paper: str, sender: Passage | None) -> dict[str, Any]:
        """The whole record; ``sender`` is the directory's entry for who sent the paper, if one was found."""
        found = units(paper, self.months)
        reading = _Reading(self, paper, found)
        note = sender.text if sender else ""
        values: dict[str, Any] = dict(self._sender(paper, sender))
        values |= reading.codes() | reading.dates()
        gap = _gap(values, self.due)
        words = category_features(paper, found, note, gap)
        values |= {name: self._category(name, words, gap) for name in self.categories}
        values |= self._due(values)
        rows = reading.rows()
        values |= reading.numbers(rows)
        if self.roles.rows:
            values[self.roles.rows] = rows
        return {name: values.get(name) for name in self.names}

    def _category(self, name: str, words: Sequence[str], gap: int | None) -> str:
        """By the days between the dates where they settle it, else the likeliest value."""
        if self.due and name == self.due.category and gap is not None:
            for value, days in self.due.days.items():
                if days == gap:
                    return value
        return self.categories[name].best(words)[0]

    def _sender(self, paper: str, entry: Passage | None) -> Mapping[str, Any]:
        if not self.roles.parties:
            return {}
        if entry is not None:
            return self.parties.read(entry)
        return self.parties.recall(paper) or self.parties.nearest(paper)

    def _due(self, values: Mapping[str, Any]) -> dict[str, Any]:
        rule = self.due
        if rule is None or values.get(rule.target) or not values.get(rule.base):
            return {}
        days = rule.days.get(values.get(rule.category, ""))
        if days is None:
            return {}
        return {rule.target: (date.fromisoformat(values[rule.base]) + timedelta(days)).isoformat()}


RECORD, OTHER = "record", "other"


class _Reading:
    """One paper's units with the probability of each label."""

    def __init__(self, form: Form, paper: str, found: Sequence[Unit]) -> None:
        self.form, self.paper, self.units = form, paper, found
        self.places = [at for at, unit in enumerate(found) if unit.kind != "word"]
        features = unit_features(found, paper)
        self.chances = form.tagger.probabilities([features[at] for at in self.places])
        self.classes = form.tagger.classes
        best = self.chances.argmax(axis=1) if self.places else ()
        self.labels = ["-"] * len(found)
        for at, label in zip(self.places, best, strict=True):
            self.labels[at] = self.classes[label]

    def best(self, name: str, kinds: Sequence[str]) -> tuple[Unit, float] | None:
        """The unit that most likely is the field's value; ``None`` if none is likely enough."""
        if name not in self.classes:
            return None
        column = self.chances[:, self.classes.index(name)]
        fitting = [
            (float(column[row]), self.units[at])
            for row, at in enumerate(self.places)
            if self.units[at].kind in kinds
        ]
        chance, unit = max(fitting, key=lambda pair: pair[0], default=(0.0, None))
        return (unit, chance) if unit is not None and chance >= SURE_ENOUGH else None

    def codes(self) -> dict[str, Any]:
        found = {name: self.best(name, ("code", "number")) for name in self.form.roles.codes}
        return {
            name: str(hit[0].value) if hit[0].kind == "code" else digits(hit[0])
            for name, hit in found.items()
            if hit is not None
        }

    def dates(self) -> dict[str, Any]:
        swapped = any(unit.other for unit in self.units) and (
            self.form.month_first.best(paper_words(self.paper))[0] == "month"
        )
        hits = [
            (hit[1], name, hit[0])
            for name in self.form.roles.dates
            if (hit := self.best(name, ("date",))) is not None
        ]
        found: dict[str, Any] = {}
        used: set[int] = set()
        for _, name, unit in sorted(hits, key=lambda hit: -hit[0]):
            if unit.start not in used:  # one printed date is one field's
                used.add(unit.start)
                found[name] = unit.other if swapped and unit.other else unit.value
        return found

    def rows(self) -> list[dict[str, Any]]:
        roles = self.form.roles
        if roles.rows is None:
            return []
        return [self._row(row) for row in group_rows(self.labels, roles.rows, roles.row_numbers)]

    def _row(self, row: Row) -> dict[str, Any]:
        roles = self.form.roles
        texts = {
            name: self.form.row_text[name].read(self.units, self.paper, row)
            for name in roles.row_texts
        }
        return {**texts, **row_record(self.units, row, roles.row_numbers)}

    def numbers(self, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        hits = {
            name: hit
            for name in self.form.roles.numbers
            if (hit := self.best(name, ("number", "percent"))) is not None
        }
        values = {name: abs(unit.value) for name, (unit, _) in hits.items()}
        chances = {name: chance for name, (_, chance) in hits.items()}
        amounts = [unit.value for unit, _ in hits.values() if unit.kind == "number"]
        whole = bool(amounts) and all(value == int(value) for value in amounts)
        digits_kept = 0 if whole and max(amounts) > 999 and not _has_cents(rows) else 2
        solved = complete(values, chances, self.form.roles, digits_kept)
        if len(solved) < len(self.form.roles.numbers):
            solved = complete({**self.form.absent, **solved}, chances, self.form.roles, digits_kept)
        return {name: plain(value) for name, value in solved.items()}


def _has_cents(rows: Sequence[Mapping[str, Any]]) -> bool:
    return any(isinstance(v, float) and v != int(v) for row in rows for v in row.values())


def digits(unit: Unit) -> str:
    """A code that is all digits, as printed."""
    return mend(unit.text)


@lru_cache(1024)
def paper_words(paper: str) -> tuple[str, ...]:
    """The different words of a paper, and its currency signs."""
    return tuple(sorted(set(_WORDS.findall(paper.casefold()))))


def category_features(paper: str, found: Sequence[Unit], note: str, gap: int | None) -> list[str]:
    """Words, currency signs and numbers with the word after them; the directory's words; the days between dates."""
    features = [f"w={word}" for word in paper_words(paper)]
    priced = {unit.line for unit in found if unit.kind == "number" and "." in unit.text[-3:]}
    for at, unit in enumerate(found[:-1]):
        if unit.kind == "number" and found[at + 1].kind == "word":
            features.append(f"b={unit.text} {found[at + 1].text.casefold()[:4]}")
        if unit.kind == "number" and unit.text.isdigit() and len(unit.text) < 3:
            features.append(f"n={unit.text} {unit.line in priced}")
        if unit.kind == "number" and unit.text[-3:-2] in (".", ","):
            features.append(f"c={paper[unit.end : unit.end + 4].strip()[:3]}")
            features.append(f"c={paper[max(0, unit.start - 2) : unit.start].strip()}")
        if unit.kind == "word" and found[at + 1].kind == "number":
            features.append(f"b={unit.text.casefold()[:6]} {found[at + 1].text}")
    features += [f"d={word}" for word in paper_words(note)]
    features += [f"d={unit.text}" for unit in units(note) if unit.kind == "number"]
    return [*features, f"gap={gap}"]


def _gap(values: Mapping[str, Any], rule: DueRule | None) -> int | None:
    if rule is None or not values.get(rule.base) or not values.get(rule.target):
        return None
    ends = [date.fromisoformat(values[name]) for name in (rule.base, rule.target)]
    return (ends[1] - ends[0]).days


def majority(values: Sequence[Any]) -> Any:
    """The commonest value; the first of several."""
    return Counter(values).most_common(1)[0][0]
