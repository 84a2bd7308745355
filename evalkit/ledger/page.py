"""The page of the cases of one part: packed while its answers are in memory, made a document when the report is written."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from evalkit.funnel import NOWHERE, STAGES
from evalkit.ledger.columns import Ledger
from evalkit.pages.case_pack import Packed
from evalkit.pages.case_pages import Page, packed_page
from evalkit.pages.case_view import Setting, Shown, case_views
from evalkit.records import Case
from evalkit.symptoms import SHOWN, Rule

Symptoms = dict[str, list[str]]  # ids of the symptoms that a case shows, by case


def symptoms_in(ledger: Ledger, rules: Sequence[Rule]) -> Symptoms:
    """The symptoms of every case of a part that shows any."""
    found: Symptoms = {}
    for number, rule in enumerate(rules):
        for row in np.flatnonzero(ledger.symptoms[number] == SHOWN).tolist():
            found.setdefault(ledger.ids[row], []).append(rule.id)
    return found


def lost_in(ledger: Ledger) -> dict[str, str]:
    """The stage of the funnel that lost a case of a part, by case; those that came through are left out."""
    gone = np.flatnonzero(ledger.lost != NOWHERE).tolist()
    return {ledger.ids[row]: STAGES[ledger.lost[row]] for row in gone}


def keep_page(
    file: Path,
    number: int,
    setting: Setting,
    cases: Sequence[Case],
    shown: Mapping[str, Shown],
    symptoms: Mapping[str, Symptoms],
    lost: Mapping[str, Mapping[str, str]],
) -> None:
    """Keep the page of a part; it gets the ``number`` that follows that of the part."""
    views = list(case_views(setting, cases, shown, symptoms, lost))
    page = packed_page(views, setting, number + 1)
    packed = page.packed
    head = [page.number, page.first, page.last, page.told, packed.encoding, packed.kept]
    text = f"{json.dumps(head)}\n{packed.text}"
    file.write_text(text, encoding="utf-8", newline="")


def kept_pages(files: Sequence[Path]) -> Iterator[Page]:
    """The pages that parts have kept, one after the other."""
    for file in files:
        head, _, text = file.read_text(encoding="utf-8").partition("\n")
        number, first, last, told, encoding, (gold, other) = json.loads(head)
        yield Page(number, first, last, told, Packed(encoding, text, (gold, other)))
