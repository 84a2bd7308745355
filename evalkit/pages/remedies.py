"""What to do first about a cause: its remedy, unless the probes tried that one and it failed; then the next."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from evalkit import plugins
from evalkit.cause import Cause
from evalkit.pages.sums import FindingSums
from evalkit.records import Finding

ENOUGH = 0.5  # of the cases a remedy was tried on, that it has to mend to come first
UNKNOWN = "see the cause's documentation"
EXAMPLES = ("few_shot", "examples in the prompt")
# The remedies of a cause in turn, each with the probe that tries it; then what no probe tries.
LADDERS: Mapping[str, tuple[tuple[str, str], ...]] = {
    "format_violation": (("schema_enforced", "structured output, function calling"), EXAMPLES),
    "style_violation": (("style_prompted", "style rules in the prompt"), EXAMPLES),
    "missing_criteria": (("criteria_prompted", "explicit criteria in the prompt"), EXAMPLES),
}
LEFT: Mapping[str, str] = {
    "format_violation": "a check that asks again, a stronger model, or one tuned on the format",
    "style_violation": "a check that rewrites, or a model tuned on the style",
    "missing_criteria": "one question for each criterion, a stronger model, or one tuned on reviews",
}
CUT_OFF = "the token limit"


def first_fix(name: str, known: Mapping[str, Cause], sums: FindingSums | None = None) -> str:
    """The first remedy of a cause that was not tried in vain, with what those before it came to."""
    if name not in known:
        return UNKNOWN
    if name == "incomplete_answer" and sums is not None and sums.facts[name, "cut_off"]:
        cut = sums.facts[name, "cut_off"]
        return f"{CUT_OFF} ({cut} of the answers are cut off), {known[name].first_fix}"
    if sums is None or name not in LADDERS:
        return known[name].first_fix
    failed: list[str] = []
    for place, (probe, remedy) in enumerate(LADDERS[name]):
        mended, tried = attempts(sums, name, probe)
        if not tried or mended >= ENOUGH * tried:
            own = known[name].first_fix if place == 0 else remedy
            return _after(f"{own} (mended {mended} of {tried} tried)" if tried else own, failed)
        failed.append(f"{remedy} mended {mended} of {tried} tried")
    return _after(LEFT[name], failed)


@cache
def causes_by_id() -> dict[str, Cause]:
    """The causes by their ids."""
    return {cause.id: cause for cause in plugins.members("causes")}


def case_fix(finding: Finding, known: Mapping[str, Cause]) -> str | None:
    """The first remedy for one case: what its own probes mended it with, or what they left untried; None without cause."""
    cause = known.get(finding.cause or "")
    if cause is None:
        return None
    if cause.id == "incomplete_answer" and any(fact.fact == "cut_off" for fact in finding.evidence):
        return f"{CUT_OFF} (the answer is cut off), {cause.first_fix}"
    in_vain: list[str] = []
    for place, (probe, remedy) in enumerate(LADDERS.get(cause.id, ())):
        reading = finding.probes.get(probe)
        own = cause.first_fix if place == 0 else remedy
        if reading == "pass":
            return _after(f"{own} (mended this case)", in_vain)
        if reading != "fail":
            return _after(own, in_vain)
        in_vain.append(f"{remedy} did not mend this case")
    return _after(LEFT[cause.id], in_vain) if in_vain else cause.first_fix


def attempts(sums: FindingSums, cause: str, probe: str) -> tuple[int, int]:
    """How many failing cases of a cause a remedy mended, of those it was tried on."""
    mended, failed = (sums.tried[cause, probe, reading] for reading in ("pass", "fail"))
    return mended, mended + failed


def _after(remedy: str, failed: list[str]) -> str:
    return f"{remedy} ({'; '.join(failed)})" if failed else remedy
