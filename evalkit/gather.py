"""What the traces under other conditions showed of each case, as the causes' proofs read it."""

from __future__ import annotations

from collections.abc import Mapping

from evalkit.condition import Reading
from evalkit.facts import points
from evalkit.grade import Graded
from evalkit.inquiry import STEADY, Varies, index_of, shown_in
from evalkit.probes import Probed, Probes
from evalkit.records import Case, Evidence, Suite
from evalkit.sequential import Shown

FORM = ("schema_valid", "format_valid")


def probes_in(suite: Suite, graded: Graded, elsewhere: Varies = STEADY) -> Mapping[str, Probes]:
    """The probes of every case that was asked, or recorded, under more than ``as_is``; as ``shown_in`` has them."""
    index, cases = index_of(graded), {case.id: case for case in suite.cases}
    return {
        case_id: Probes(
            {
                c: _probed(one, suite, cases[case_id], graded, index[case_id][c][0])
                for c, one in shown.items()
            }
        )
        for case_id, shown in shown_in(suite, graded, elsewhere).items()
    }


def _probed(shown: Shown, suite: Suite, case: Case, graded: Graded, number: int) -> Probed:
    detail = shown.detail
    failed = shown.reading is Reading.FAIL
    return Probed(
        reading=shown.reading,
        established=shown.established,
        refused=bool(detail.get("refused")),
        points=_points(graded.evidence[number]),
        rank=detail.get("rank"),
        same=detail.get("same_as_as_is", detail.get("unchanged")),
        form_only=failed and _form_only(suite, case, graded, number),
        doubtful=failed and bool(detail.get("doubtful")),
    )


def _form_only(suite: Suite, case: Case, graded: Graded, number: int) -> bool:
    """Whether an ill-formed answer lacks nothing that was asked for, as far as it can be read."""
    broken = graded.outcomes.broken[number]
    if "behaviour" in broken or not any(name in broken for name in FORM):
        return False
    evidence = graded.evidence[number]
    needed = points(suite, graded.traces[number], case, evidence, graded.approach)
    return all(point.stated is True for point in needed)


def _points(evidence: Evidence | None) -> int | None:
    if evidence is None or evidence.covered is None:
        return None
    return sum(share is not None and share >= 0.5 for share in evidence.covered)
