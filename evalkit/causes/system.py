"""Causes outside the answer: the system did not get as far as giving one."""

from __future__ import annotations

from evalkit.cause import CERTAIN, Cause, Proof, Sign, sign
from evalkit.facts import Facts
from evalkit.records import Side, Stage


def _infra_error(facts: Facts) -> Sign | None:
    error = facts.trace.error
    if error is None:
        return None
    return sign(
        CERTAIN,
        "error",
        error.kind,
        f"the system gave no usable answer: {error.kind}: {error.message[:200]}",
    )


CAUSES = (
    Cause(
        id="infra_error",
        side=Side.SYSTEM,
        stage=Stage.SYSTEM,
        meaning="There is no usable answer: the call failed or timed out, or its reply was cut off, empty, filtered or malformed.",
        first_fix="retries with back-off, longer timeouts, a larger token limit",
        fine_tuning="no",
        proof=Proof.CHECK,
        detect=_infra_error,
    ),
)
