"""The content of verdict.json after a gate, and how it is written: last, and read back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from evalkit.artefacts import write_json
from evalkit.errors import EvalkitError, InvalidInput, StorageError
from evalkit.gate import Answer, Line, Ruling, Unmeasured, Verdict
from evalkit.gating.attempts import earlier_in, earlier_verdicts, read_verdict
from evalkit.gating.covering import covered_json, covered_sentence
from evalkit.gating.figures import change_figures, limit_figures, unmeasured_figures
from evalkit.gating.shown import visible
from evalkit.gating.snapshot import Snapshot
from evalkit.gating.words import percent, sentence, unmeasured_sentence
from evalkit.strict import read_json

CODES = {
    Answer.PASS: 0,
    Answer.REGRESSION: 10,
    Answer.INCONCLUSIVE: 11,
    Answer.INCOMPLETE: 12,
}
COUNTED = ("passed", "failed", "errors", "ungraded")
Json = dict[str, Any]


# --- lines -----------------------------------------------------------------------------------


def line_json(ruling: Ruling, level_alpha: float) -> Json:
    """One judged line, with what was measured and between which bounds the missing measurements leave it."""
    line = ruling.line
    found = {
        **_named(line, ruling.answer),
        "n": ruling.worst.n,
        "units": ruling.worst.units,
        "p": ruling.p,
        "missing": ruling.missing,
        "cases_needed": _needed(ruling) if ruling.answer is Answer.INCONCLUSIVE else None,
    }
    found |= (
        limit_figures(ruling) if line.limit is not None else change_figures(ruling, level_alpha)
    )
    return found | {"text": sentence(ruling, found)}


def unmeasured_json(one: Unmeasured) -> Json:
    """A line that could not be judged at all."""
    known = {"n": 0, "units": 0, "p": None, "missing": one.line.candidate.lacking()}
    figures = {"cases_needed": None, **unmeasured_figures(one.line)}
    return {**_named(one.line, one.answer), **known, **figures, "text": unmeasured_sentence(one)}


def _named(line: Line, answer: Answer) -> Json:
    return {
        "metric": line.metric,
        "tags": list(line.tags),
        "answer": answer.value,
        "margin": line.margin,
    }


def _needed(ruling: Ruling) -> int | None:
    """The cases after which the line would be settled one way or the other, as far as can be told."""
    known = [n for n in (ruling.worst.needed, ruling.worst.settles) if n is not None]
    return min(known, default=None)


# --- the whole -------------------------------------------------------------------------------


def verdict_json(
    verdict: Verdict, candidate: Snapshot, *, allow: str | None, accept_inconclusive: bool = False
) -> Json:
    """The content of verdict.json but for baseline, noise and runs, which are added where there are any."""
    answer = verdict.answer
    behind = any(ruling.behind for ruling in verdict.rulings)
    accepted = answer is Answer.INCONCLUSIVE and accept_inconclusive and not behind
    code = 0 if accepted else CODES[answer]
    rows = [(r.line, line_json(r, verdict.level.alpha)) for r in verdict.rulings]
    rows += [(one.line, unmeasured_json(one)) for one in verdict.unmeasured]
    return {
        "format": 1,
        "verdict": answer.value,
        "exit_code": code,
        "exit_name": "pass" if code == 0 else answer.value,
        "suite_digest": candidate.suite["digest"],
        "counts": {k: candidate.counts[k] for k in COUNTED},
        "limits": [row for line, row in rows if line.limit is not None],
        "coverage": [covered_json(one) for one in verdict.covered],
        "reason": reason(verdict),
        "system": candidate.system,
        "tests": [row for line, row in rows if line.limit is None],
        "missing": {"share": verdict.missing, "tolerated": verdict.tolerance},
        "settings": {
            "alpha": verdict.level.alpha,
            "power": verdict.level.power,
            "correction": "hierarchy" if _in_steps(verdict) else "holm",
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
            f"{percent(verdict.missing)} of the outcomes are errors, were not graded or not asked for, "
            f"{percent(verdict.tolerance)} are tolerated"
        )
    before = verdict.missing_before or 0.0
    if verdict.answer is Answer.INCOMPLETE and before > verdict.tolerance:
        found.append(
            f"{percent(before)} of the baseline's outcomes are errors, were not graded or not asked for, "
            f"{percent(verdict.tolerance)} are tolerated"
        )
    found += [
        sentence(r, line_json(r, verdict.level.alpha))
        for r in verdict.rulings
        if r.answer is verdict.answer
    ]
    found += [unmeasured_sentence(u) for u in verdict.unmeasured if u.answer is verdict.answer]
    found += [covered_sentence(one) for one in verdict.covered if one.answer is verdict.answer]
    return "; ".join(found)


def _in_steps(verdict: Verdict) -> bool:
    return any(ruling.line.step is not None for ruling in verdict.rulings)


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


@contextmanager
def never_stale(folder: Path, file: Path) -> Iterator[None]:
    """While a gate works ``file`` holds no verdict but a failing one, which stays unless a new one is written.

    Whoever reads ``exit_code`` in verdict.json is never told what an earlier gate found; that goes to ``earlier``.
    """
    withdraw(folder, file, EvalkitError, "the gate did not come to an end")
    try:
        yield
    except EvalkitError as error:
        with suppress(StorageError):  # the first error is the one to be told
            withdraw(folder, file, type(error), str(error))
        raise


def withdraw(folder: Path, file: Path, ended: type[EvalkitError], why: str) -> None:
    """Replace the verdict of a finished run by one that fails with the error's exit code; no run, no change."""
    if not file.exists() or not (folder / "manifest.json").exists():
        return
    before = read_verdict(file)
    counts = before.get("counts")
    write_json(
        file,
        {
            "format": 1,
            "verdict": "incomplete" if ended.exit_name == "incomplete" else "none",
            "exit_code": ended.exit_code,
            "exit_name": ended.exit_name,
            "suite_digest": str(before.get("suite_digest", "")),
            "counts": counts if isinstance(counts, dict) else dict.fromkeys(COUNTED, 0),
            "limits": [],
            "reason": visible(why),
            "earlier": _earlier(folder, file),
        },
    )


def _earlier(folder: Path, file: Path) -> list[Json]:
    """What gates said of a run before, in its own folder and in ``file``."""
    own = earlier_verdicts(folder)
    return own + [one for one in earlier_in(file) if one not in own]


def write_verdict(file: Path, verdict: Json) -> Json:
    """Write verdict.json, read it back, and return what was read; ``StorageError`` where it is not the same."""
    write_json(file, verdict)
    try:
        found: Json = read_json(file)
    except InvalidInput as error:
        raise StorageError(f"{file}: cannot be read back: {error}") from error
    if found != verdict:
        raise StorageError(f"{file}: holds something else than was written")
    return found
