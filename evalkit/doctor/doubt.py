"""Labels that the doctor doubts are kept out of the blame: no system answers for what nobody could answer rightly."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from evalkit.doctor.complaint import (
    ANSWERED,
    CONTRADICTORY,
    GOLD_ABSENT,
    INSUFFICIENT,
    SYSTEMS_AGREE,
    Complaint,
)
from evalkit.records import Certainty, Fact, Finding, Side, Stage

LABEL_ISSUE = "label_issue"
AGAINST_THE_LABEL = frozenset({INSUFFICIENT, CONTRADICTORY, SYSTEMS_AGREE, ANSWERED})
# A document that the corpus lacks may be a slip in the label or a gap in the corpus: both stay possible.
OPEN = frozenset({GOLD_ABSENT})
# What is wrong whatever the label says: it shows in the answer or the call itself.
BESIDE_THE_LABEL = frozenset({Side.SYSTEM, Side.CONTRACT, Side.SUITE})
CHECKED = frozenset(
    {"access_violation", "stale_document", "inconsistency", "missing_criteria", "missing_refusal"}
)

Doubts = Mapping[str, Sequence[Complaint]]  # by case id


def doubts_of(complaints: Sequence[Complaint]) -> Doubts:
    """The complaints that put a label in doubt, by case."""
    found: dict[str, list[Complaint]] = {}
    for complaint in complaints:
        if complaint.kind in AGAINST_THE_LABEL | OPEN:
            found.setdefault(complaint.subject, []).append(complaint)
    return found


def _open_for(finding: Finding) -> frozenset[str]:
    """Kinds of complaint that leave the finding's own cause possible: evidence that never arrived explains it, too."""
    return OPEN | {INSUFFICIENT, CONTRADICTORY} if finding.side is Side.RETRIEVAL else OPEN


def doubted(finding: Finding, complaints: Sequence[Complaint], *, attained: bool) -> Finding:
    """The finding, with the label blamed before the system where the doctor doubts the label.

    ``attained`` says that some answer of the system met the label, in a repeat or under a condition: it can
    be met, and the finding stands. So does one whose cause shows in the answer itself, whatever the label says.
    """
    kinds = {c.kind for c in complaints}
    refuted = finding.cause == "missing_refusal" and ANSWERED in kinds
    stands = finding.side in BESIDE_THE_LABEL or (finding.cause in CHECKED and not refuted)
    if not complaints or attained or finding.outcome != "fail" or stands:
        return finding
    facts = tuple(Fact("label_doubtful", c.kind, c.line) for c in complaints)
    if kinds <= _open_for(finding):
        alike = tuple(dict.fromkeys((*finding.set, LABEL_ISSUE)))
        return replace(finding, set=alike, evidence=(*finding.evidence, *facts))
    also = (finding.cause, *finding.also) if finding.cause else finding.also
    return replace(
        finding,
        cause=LABEL_ISSUE,
        side=Side.SUITE,
        stage=Stage.SUITE,
        status=Certainty.SUSPECTED,
        also=(),
        set=tuple(dict.fromkeys((LABEL_ISSUE, *finding.set, *also))),
        evidence=(*facts, *finding.evidence),
    )
