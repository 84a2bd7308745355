"""What the doctors of labels and corpus hand over: one doubtful case or document, and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

# Kinds of the label doctor ...
GOLD_ABSENT = "gold_absent"
INSUFFICIENT = "insufficient"
CONTRADICTORY = "contradictory"
SYSTEMS_AGREE = "systems_agree"
CLOSED_BOOK = "closed_book"
ANSWERED = "answered"
UNCOVERED = "uncovered"
# ... and of the corpus doctor; the first five are about a document, the others about a case.
NEAR_DUPLICATE = "near_duplicate"
VERSIONS = "versions"
MID_SENTENCE = "mid_sentence"
LOST_HEADING = "lost_heading"
NEVER_RETRIEVED = "never_retrieved"
UNSUPPORTED_KEY_POINT = "unsupported_key_point"
PERMISSION_ONLY = "permission_only"
TOO_LONG = "too_long"

_OF_DOCUMENTS = frozenset(
    {NEAR_DUPLICATE, VERSIONS, MID_SENTENCE, LOST_HEADING, NEVER_RETRIEVED, TOO_LONG}
)


@dataclass(frozen=True, slots=True)
class Complaint:
    """Something doubtful in the suite: ``subject`` is a case id, or a document id for the kinds about documents.

    ``text`` is a sentence without the subject; ``others`` the ids of further cases, documents, chunks or
    systems that are part of it.
    """

    kind: str
    subject: str
    text: str
    others: tuple[str, ...] = ()

    @property
    def line(self) -> str:
        """The complaint as one line for a person."""
        noun = "document" if self.kind in _OF_DOCUMENTS else "case"
        return f"{noun} {self.subject}: {self.text}"


def listed(names: Sequence[str], shown: int = 3) -> str:
    """The first few names, and how many more there are."""
    rest = len(names) - shown
    return ", ".join(names[:shown]) + (f" and {rest} more" if rest > 0 else "")


def complaint_json(complaint: Complaint) -> dict[str, Any]:
    """One complaint as it stands in diagnosis.json."""
    return {
        "kind": complaint.kind,
        "subject": complaint.subject,
        "text": complaint.text,
        "others": list(complaint.others),
    }
