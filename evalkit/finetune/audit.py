"""The readiness audit: every check over one train file, and the verdict they add up to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from evalkit.finetune.conformity import form_findings, spread, style_findings
from evalkit.finetune.coverage import (
    behaviour_findings,
    class_findings,
    edge_findings,
    figures,
    length_findings,
    size_findings,
)
from evalkit.finetune.duplicates import contradictions, copies, duplicate_findings, leakage_findings
from evalkit.finetune.finding import Audit, AuditFinding, Example, Severity
from evalkit.finetune.personal_data import NOT_ATTEMPTED, personal_data
from evalkit.finetune.rows import TrainingRow, read_rows
from evalkit.pool import block_on
from evalkit.records import Judge, Suite

_WEIGHT = (Severity.BLOCKER, Severity.WARNING, Severity.NOTE)
Said = Callable[[str], None]


def audit(file: Path, suite: Suite | None, judge: Judge, said: Said = lambda _: None) -> Audit:
    """Look at every row of a train file; ``suite`` supplies the test split, the schema and the style.

    ``judge`` compares answers to equal questions; ``said`` hears what is being looked at. Raises
    ``InvalidInput`` for a file that is neither cases nor chat rows.
    """
    said("reading")
    rows = read_rows(file, suite)
    said(f"{len(rows)} rows: copies and contradictions")
    pairs = copies(rows)
    repeated = {p.second for p in pairs if p.exact}
    found = list(size_findings(len(rows) - len(repeated)))
    found += duplicate_findings(rows, pairs)
    found += block_on(contradictions(rows, pairs, judge), instead="a thread")
    skipped = {}
    if suite is not None:
        said("leakage into the test split")
        found += leakage_findings(rows, suite)
    else:
        skipped["leakage"] = "no suite is given, so there is no test split; add --suite SUITE"
    said("form, style, coverage, lengths, personal data")
    for check in (form_findings, style_findings, behaviour_findings, edge_findings, class_findings):
        found += check(rows, suite)
    found += length_findings(rows)
    found += personal_findings(rows)
    found.sort(key=lambda finding: _WEIGHT.index(finding.severity))
    return Audit(str(file), len(rows), tuple(found), skipped, _figures(rows, suite))


def _figures(rows: Sequence[TrainingRow], suite: Suite | None) -> dict[str, Any]:
    return {
        **figures(rows, suite),
        "style": spread(rows),
        "personal_data": NOT_ATTEMPTED,
    }


def personal_findings(rows: Sequence[TrainingRow]) -> Iterator[AuditFinding]:
    """Rows that hold somebody's address, number or id; what is shown of a hit is masked."""
    kinds: Counter[str] = Counter()
    examples: list[Example] = []
    concerned = 0
    for row in rows:
        hits = [
            hit
            for text in (*(t.content for t in row.turns), row.answer)
            for hit in personal_data(text)
        ]
        concerned += bool(hits)
        kinds.update(hit.kind for hit in hits)
        if hits and len(examples) < 5:
            examples.append(
                Example(row.where, ", ".join(f"{hit.kind} {hit.masked}" for hit in hits[:3]))
            )
    if concerned:
        listed = ", ".join(f"{n} {kind}" for kind, n in kinds.most_common())
        text = f"{concerned} rows hold personal data: {listed}"
        todo = "replace it with invented data before anything is uploaded; a tuned model may repeat it to anybody"
        yield AuditFinding(
            "personal_data", Severity.BLOCKER, concerned, len(rows), text, todo, tuple(examples)
        )
