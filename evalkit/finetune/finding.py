"""What an audit hands over: findings with severity, count, places and a remedy, and the verdict they add up to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from evalkit.finetune.rows import TrainingRow

EXAMPLES = 5  # places named for each finding
EXCERPT = 100  # characters of a row shown


class Severity(StrEnum):
    """How much a finding weighs: a blocker forbids training, a warning makes the verdict unclear."""

    BLOCKER = "blocker"
    WARNING = "warning"
    NOTE = "note"


class Verdict(StrEnum):
    """Whether the file can be trained on."""

    READY = "ready"
    NOT_READY = "not_ready"
    UNCLEAR = "unclear"


@dataclass(frozen=True, slots=True)
class Example:
    """One place: ``where`` is file:line, ``text`` what is wrong there."""

    where: str
    text: str


@dataclass(frozen=True, slots=True)
class AuditFinding:
    """One thing the audit found. ``count`` rows (or pairs, or fields) of ``total`` are concerned."""

    check: str
    severity: Severity
    count: int
    total: int
    text: str
    todo: str
    examples: tuple[Example, ...] = ()


@dataclass(frozen=True, slots=True)
class Audit:
    """All findings about one train file; ``skipped`` maps checks that could not be made to the reason."""

    file: str
    rows: int
    findings: tuple[AuditFinding, ...]
    skipped: dict[str, str]
    figures: dict[str, Any]

    @property
    def verdict(self) -> Verdict:
        """not_ready with any blocker; unclear with a warning or an important check left out; else ready."""
        found = {finding.severity for finding in self.findings}
        if Severity.BLOCKER in found:
            return Verdict.NOT_READY
        return Verdict.UNCLEAR if Severity.WARNING in found or self.skipped else Verdict.READY

    @property
    def reasons(self) -> list[str]:
        """Why the verdict is what it is, the weightiest first."""
        order = (Severity.BLOCKER, Severity.WARNING)
        found = [f"{f.check}: {f.text}" for s in order for f in self.findings if f.severity is s]
        found += [f"{check}: not checked, {why}" for check, why in self.skipped.items()]
        return found or ["no blocker, no warning, and every check was made"]

    def to_json(self) -> dict[str, Any]:
        """The content of readiness.json."""
        return {
            "format": 1,
            "file": self.file,
            "rows": self.rows,
            "verdict": self.verdict.value,
            "reasons": self.reasons,
            "figures": self.figures,
            "findings": [asdict(finding) for finding in self.findings],
            "not_checked": self.skipped,
        }


def places(rows: Iterable[TrainingRow], said: Sequence[str] | None = None) -> tuple[Example, ...]:
    """The first rows as examples; ``said`` replaces the start of each question."""
    shown = list(rows)[:EXAMPLES]
    texts = said if said is not None else [row.prompt for row in shown]
    return tuple(Example(row.where, excerpt(text)) for row, text in zip(shown, texts, strict=False))


def excerpt(text: str) -> str:
    """The start of a text on one line."""
    plain = " ".join(text.split())
    return plain if len(plain) <= EXCERPT else plain[: EXCERPT - 3] + "..."
