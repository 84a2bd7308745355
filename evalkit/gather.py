"""What the traces under other conditions showed of each case, as the causes' proofs read it."""

from __future__ import annotations

from collections.abc import Mapping

from evalkit.grade import Graded
from evalkit.inquiry import index_of, shown_in
from evalkit.probes import Probed, Probes
from evalkit.records import Evidence, Suite
from evalkit.sequential import Shown


def probes_in(suite: Suite, graded: Graded) -> Mapping[str, Probes]:
    """The probes of every case that was asked, or recorded, under more than ``as_is``."""
    index = index_of(graded)
    return {
        case_id: Probes({c: _probed(one, graded, index[case_id][c][0]) for c, one in shown.items()})
        for case_id, shown in shown_in(suite, graded).items()
    }


def _probed(shown: Shown, graded: Graded, number: int) -> Probed:
    detail = shown.detail
    return Probed(
        reading=shown.reading,
        established=shown.established,
        refused=bool(detail.get("refused")),
        points=_points(graded.evidence[number]),
        rank=detail.get("rank"),
        same=detail.get("same_as_as_is"),
    )


def _points(evidence: Evidence | None) -> int | None:
    if evidence is None or evidence.covered is None:
        return None
    return sum(share is not None and share >= 0.5 for share in evidence.covered)
