"""The content of verdict.json after a gate, and how it is written: last, and read back."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from evalkit.artefacts import write_json
from evalkit.errors import InvalidInput, StorageError
from evalkit.gate import Answer, Line, Ruling, Verdict, means
from evalkit.gating.snapshot import Snapshot
from evalkit.gating.words import sentence
from evalkit.strict import read_json

CODES = {
    Answer.PASS: 0,
    Answer.REGRESSION: 10,
    Answer.INCONCLUSIVE: 11,
    Answer.INCOMPLETE: 12,
}
Json = dict[str, Any]


# --- lines -----------------------------------------------------------------------------------


def line_json(ruling: Ruling, level_alpha: float) -> Json:
    """One judged line; figures are in the metric's own unit, missing measurements counted against the candidate."""
    line = ruling.line
    before, value = means(line)
    found: Json = {
        "metric": line.metric,
        "tags": list(line.tags),
        "answer": ruling.answer.value,
        "margin": line.margin,
        "n": ruling.worst.n,
        "units": ruling.worst.units,
        "p": ruling.p,
        "missing": ruling.missing,
        "cases_needed": ruling.worst.needed if ruling.answer is Answer.INCONCLUSIVE else None,
    }
    if line.limit is not None:
        found |= {"at_least" if line.higher_is_better else "at_most": line.limit, "value": value}
        low, high = ruling.worst.low, ruling.worst.high
        found |= {"low": _turned(line, low, high)[0], "high": _turned(line, low, high)[1]}
        found["value_if_missing_were_good"] = _value(line, ruling.best.value)
    else:
        found |= {"baseline": before, "value": value, "change": value - (before or 0.0)}
        found |= _change_bounds(line, level_alpha)
        found["change_if_missing_were_good"] = _sign(line) * ruling.best.value
        found |= {"detect": line.detect, "detectable": _finite(ruling.worst.detectable)}
        found |= {"missing_in_baseline": ruling.missing_before, "one_sided": ruling.lopsided}
    found["text"] = sentence(ruling, found)
    return found


def _sign(line: Line) -> int:
    return 1 if line.higher_is_better else -1


def _value(line: Line, oriented: float) -> float:
    if line.higher_is_better:
        return oriented
    return (line.low + line.high if math.isfinite(line.high) else 0.0) - oriented


def _turned(line: Line, low: float | None, high: float | None) -> tuple[float | None, float | None]:
    """Bounds in the metric's own direction."""
    if low is None or high is None:
        return None, None
    ends = sorted((_value(line, low), _value(line, high)))
    return _finite(ends[0]), _finite(ends[1])


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def _change_bounds(line: Line, alpha: float) -> Json:
    """The interval of the change whose either end is a one-sided bound at alpha."""
    import numpy as np

    from evalkit.stats.paired import difference

    assert line.baseline is not None
    after, before = line.candidate.worst, line.baseline.best
    keep = ~np.isnan(after) & ~np.isnan(before)
    clusters = line.clusters and [line.clusters[i] for i in np.flatnonzero(keep).tolist()]
    found = difference(before[keep], after[keep], clusters, level=1 - 2 * alpha)
    return {"low": found and found.low, "high": found and found.high}


# --- the whole -------------------------------------------------------------------------------


def verdict_json(
    verdict: Verdict, candidate: Snapshot, *, allow: str | None, accept_inconclusive: bool = False
) -> Json:
    """The content of verdict.json but for baseline, noise and runs, which are added where there are any."""
    answer = verdict.answer
    accepted = answer is Answer.INCONCLUSIVE and accept_inconclusive
    code = 0 if accepted else CODES[answer]
    rows = [(r.line, line_json(r, verdict.level.alpha)) for r in verdict.rulings]
    return {
        "format": 1,
        "verdict": answer.value,
        "exit_code": code,
        "exit_name": "pass" if code == 0 else answer.value,
        "suite_digest": candidate.suite["digest"],
        "counts": {k: candidate.counts[k] for k in ("passed", "failed", "errors", "ungraded")},
        "limits": [row for line, row in rows if line.limit is not None],
        "reason": reason(verdict),
        "system": candidate.system,
        "tests": [row for line, row in rows if line.limit is None],
        "missing": {"share": verdict.missing, "tolerated": verdict.tolerance},
        "settings": {
            "alpha": verdict.level.alpha,
            "power": verdict.level.power,
            "correction": "holm",
            "family": verdict.level.family,
            "inconclusive": "pass" if accept_inconclusive else "fail",
        },
        "allow": allow,
    }


def reason(verdict: Verdict) -> str | None:
    """Why it is no pass, in one sentence a cause; None for a pass."""
    if verdict.answer is Answer.PASS:
        return None
    found = []
    if verdict.answer is Answer.INCOMPLETE and verdict.missing > verdict.tolerance:
        found.append(
            f"{verdict.missing:.1%} of the outcomes are errors or were not graded, "
            f"{verdict.tolerance:.1%} are tolerated"
        )
    before = verdict.missing_before or 0.0
    if verdict.answer is Answer.INCOMPLETE and before > verdict.tolerance:
        found.append(f"{before:.1%} of the baseline's outcomes are errors or were not graded")
    found += [
        sentence(r, line_json(r, verdict.level.alpha))
        for r in verdict.rulings
        if r.answer is verdict.answer
    ]
    return "; ".join(found)


def baseline_json(baseline: Snapshot, differences: Sequence[str]) -> Json:
    """What the candidate was compared with, and in what beside the answers the two differ."""
    return {
        "source": Path(baseline.source).name,
        "system": baseline.system,
        "fingerprint": baseline.fingerprint,
        "suite_digest": baseline.suite["digest"],
        "judge": baseline.judge,
        "evalkit": baseline.evalkit,
        "repeats": baseline.repeats,
        "counts": dict(baseline.counts),
        "differences": list(differences),
    }


def write_verdict(folder: Path, verdict: Json) -> Json:
    """Write verdict.json, read it back, and return what was read; ``StorageError`` where it is not the same."""
    file = folder / "verdict.json"
    write_json(file, verdict)
    try:
        found: Json = read_json(file)
    except InvalidInput as error:
        raise StorageError(f"{file}: cannot be read back: {error}") from error
    if found != verdict:
        raise StorageError(f"{file}: holds something else than was written")
    return found
