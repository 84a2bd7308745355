"""Filling a form from a paper: trained, or by matching labels with the names of the fields."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from evalkit.local.features import roles as arithmetic
from evalkit.local.fields import wrapped
from evalkit.local.form import Form
from evalkit.local.glossary import LEGAL_FORMS, SIGNS, label_score
from evalkit.local.request import Request, Written
from evalkit.local.rows import group_rows, row_record
from evalkit.local.sampling import one_of
from evalkit.local.units import Unit, cells, units
from evalkit.records import JsonObject, Passage

LEAST_FIELDS = 4  # names of the schema a question must mention to be about the form
LEAST_WORDS = 8  # separated by blanks; less is no paper
ABOVE = 0.4  # what a label on the line above counts


def paper_of(request: Request, names: Sequence[str]) -> str | None:
    """The paper a form is to be filled from; ``None`` where the question asks for no form.

    The paper is what follows the first empty line of the question, or the longest text of ``inputs``.
    """
    mentioned = sum(name in request.query for name in names)
    if request.schema is None and mentioned < min(LEAST_FIELDS, len(names)):
        return None
    handed = [value for value in request.inputs.values() if isinstance(value, str)]
    paper = max(handed, key=len, default="") or request.query.partition("\n\n")[2]
    return paper if len(paper.split()) >= LEAST_WORDS else None


@dataclass(frozen=True, slots=True)
class TrainedFormSkill:
    """Fills the form it was trained on, always as valid JSON, or declines as it learned to."""

    form: Form
    refusals: tuple[str, ...]
    temperature: float
    cites: bool

    def attempt(
        self, request: Request, passages: Sequence[Passage], chance: random.Random
    ) -> Written | None:
        """The record of the paper; ``None`` where the question hands over none."""
        paper = paper_of(request, self.form.names)
        if paper is None:
            return None
        if self.refusals and not self.form.applies(paper):
            refusal = one_of(self.refusals, self.temperature, chance)
            return Written(refusal, () if self.cites else None, refused=True)
        sender = self.form.matcher.choose(paper, passages)
        filled = self.form.fill(paper, sender)
        cited = (sender.doc_id,) if sender else ()
        return Written(json.dumps(filled, ensure_ascii=False), cited if self.cites else None)


@dataclass(frozen=True, slots=True)
class LabelFormSkill:
    """Fills a form without training: values next to labels that resemble the names of the fields."""

    schema: JsonObject
    cites: bool

    def attempt(
        self, request: Request, passages: Sequence[Passage], chance: random.Random
    ) -> Written | None:
        """The record as far as labels tell, at times not bare JSON and not of the right types."""
        schema = request.schema or self.schema
        properties: Mapping[str, Any] = schema.get("properties") or {}
        paper = paper_of(request, list(properties))
        if paper is None:
            return None
        found = units(paper)
        if not any(unit.kind == "date" for unit in found):
            refusal = "I am sorry, I cannot find the fields of this form in the text."
            return Written(refusal, () if self.cites else None, refused=True)
        strict = request.schema is not None
        typed = strict or chance.random() < 0.8
        record = {
            name: self._value(name, part, paper, found, passages, typed=typed)
            for name, part in properties.items()
        }
        text = json.dumps(record, ensure_ascii=False)
        cited = tuple(passage.doc_id for passage in passages[:1]) if self.cites else None
        return Written(text if strict else wrapped(text, chance), cited)

    def _value(
        self,
        name: str,
        part: Mapping[str, Any],
        paper: str,
        found: Sequence[Unit],
        passages: Sequence[Passage],
        *,
        typed: bool,
    ) -> Any:
        if part.get("type") == "array":
            return _rows(found, part.get("items") or {}, paper)
        if "enum" in part:
            return _choice(part["enum"], paper)
        if name.endswith("_id"):
            return _identifier(part, passages)
        kinds = _unit_kinds(part)
        unit = best_labelled(name, [u for u in found if fits(u, kinds)])
        if unit is not None:
            return _typed(unit) if typed else unit.text
        if name.endswith("_name") and passages:
            return passages[0].title or passages[0].doc_id
        return _fallback(part, paper)


def fits(unit: Unit, kinds: Sequence[str]) -> bool:
    """Whether a unit may be a value of these kinds; money has cents, and a long number may be a code."""
    if unit.kind == "number" and "number" in kinds:
        return unit.text[-3:-2] in (".", ",")
    if unit.kind == "number" and "code" in kinds:
        return unit.text.isdigit() and len(unit.text) > 5
    return unit.kind in kinds


def best_labelled(name: str, found: Sequence[Unit]) -> Unit | None:
    """The unit whose label is most like the field's name; the first of several."""
    scored = [
        (label_score(name, unit.label) or ABOVE * label_score(name, unit.above), -unit.start, unit)
        for unit in found
    ]
    best = max(scored, key=lambda entry: entry[:2], default=None)
    return best[2] if best and best[0] > 0 else None


def _unit_kinds(part: Mapping[str, Any]) -> tuple[str, ...]:
    if part.get("format") == "date":
        return ("date",)
    if part.get("type") in ("number", "integer"):
        return ("percent",) if part.get("maximum", 1000) <= 100 else ("number",)
    return ("code",)


def _typed(unit: Unit) -> Any:
    if isinstance(unit.value, float):
        return int(unit.value) if unit.value == int(unit.value) else unit.value
    return unit.value


def _fallback(part: Mapping[str, Any], paper: str) -> Any:
    kinds = part.get("type")
    if kinds in ("number", "integer"):
        return 0
    if isinstance(kinds, list) and "null" in kinds:
        return None
    firms = [cell for cell in cells(paper) if set(cell.casefold().split()) & LEGAL_FORMS]
    return next(iter(firms or cells(paper)), "")


def _choice(values: Sequence[Any], paper: str) -> Any:
    """The allowed value the paper names, or whose number it names; the first where it names none."""
    for value in values:
        if isinstance(value, str) and value in paper:
            return value
    for sign in SIGNS:
        if sign in paper and SIGNS[sign] in values:
            return SIGNS[sign]
    for value in values:
        number = "".join(character for character in str(value) if character.isdigit())
        if number and f" {number} " in paper:
            return value
    return values[0]


def _identifier(part: Mapping[str, Any], passages: Sequence[Passage]) -> str:
    """The first thing in the best passage that fits the field's pattern; made up without passages."""
    pattern = str(part.get("pattern", r"\w+")).strip("^$")
    found = re.search(pattern, passages[0].text) if passages else None
    return found.group() if found else "unknown"


def _rows(found: Sequence[Unit], part: Mapping[str, Any], paper: str) -> list[dict[str, Any]]:
    """Rows by their arithmetic alone: quantity times price is amount; the text before it on the line."""
    properties = part.get("properties") or {}
    numbers = [name for name, p in properties.items() if p.get("type") in ("number", "integer")][:3]
    texts = [name for name in properties if name not in numbers]
    plain = [unit for unit in found if unit.kind == "number"]
    names = dict(zip(("quantity", "price", "product"), numbers, strict=False))
    labels = ["-"] * len(found)
    for unit, roles in zip(plain, arithmetic(plain), strict=True):
        role = next(
            (names[r] for r in ("product", "price", "quantity") if r in roles and r in names), None
        )
        if role:
            labels[found.index(unit)] = f"rows.{role}"
    rows = []
    for row in group_rows(labels, "rows", numbers):
        first = found[min(row.places.values())]
        line_start = paper.rfind("\n", 0, first.start) + 1
        before = paper[line_start : first.start].strip(" |-;:\t")
        rows.append({**dict.fromkeys(texts, before or "item"), **row_record(found, row, numbers)})
    return rows
