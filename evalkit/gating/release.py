"""Gate a run: read it and its baseline, judge the suite's limits and any drop, and say what verdict.json will hold."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from evalkit.errors import Busy, InvalidInput, Stopped, StorageError, UsageError
from evalkit.fingerprints import suite_parts
from evalkit.gate import Verdict, judge
from evalkit.gating.attempts import attempt, commit_of, earlier_verdicts, runs_beside
from evalkit.gating.baseline import check_metrics, differences, named_cases, read_baseline
from evalkit.gating.claims import Claims, Wishes, check_something, wanted_metrics
from evalkit.gating.graders import grader_notes
from evalkit.gating.noise import columns_of, measure_noise, sources_of
from evalkit.gating.policy import Policy, read_policy
from evalkit.gating.scope import check_limit_tags
from evalkit.gating.snapshot import Snapshot, asked_digest, measured, snapshot_of
from evalkit.gating.trials import Level
from evalkit.gating.unfinished import check_whole
from evalkit.gating.verdict import baseline_json, verdict_json
from evalkit.gating.words import percent
from evalkit.judging.brought import tools_of_run
from evalkit.outcome import PASSED
from evalkit.records import Case, Suite
from evalkit.resume import MOST, Since, since
from evalkit.store import Store
from evalkit.store.opening import STORE
from evalkit.strict import read_json
from evalkit.tools import Tools


@dataclass(frozen=True, slots=True)
class Request:
    """What a gate is asked to do beside the suite's limits; ``aa`` is a number of equal runs, None for no A/A test."""

    system: str | None = None
    baseline: Path | None = None
    baseline_system: str | None = None
    wishes: Wishes = field(default_factory=Wishes)
    allow: str | None = None
    aa: int | None = None
    accept_inconclusive: bool = False
    level: Level = field(default_factory=Level)


@dataclass(frozen=True, slots=True)
class Gated:
    """What came of it: the content of verdict.json, and the two runs it rests on."""

    verdict: dict[str, Any]
    candidate: Snapshot
    baseline: Snapshot | None = None


def gate(suite: Suite, folder: Path, request: Request, policy: Policy | None = None) -> Gated:
    """Judge the run in ``folder``. Nothing is written. Without a ``policy`` that of the suite's folder holds.

    Raises ``InvalidInput`` where run, baseline and suite do not belong together and ``request.allow`` gives no
    reason to compare them all the same; ``NothingToDo`` where there is nothing to judge; ``NotFiled`` and ``NotAsked``
    (incomplete) where the run or its baseline was interrupted and lacks answers that leave no gap to be counted.
    """
    check_note(request.allow)
    check_limit_tags(suite)
    tools = tools_of_run(suite, folder)
    rules = read_policy(suite.folder) if policy is None else policy
    wanted = wanted_metrics(suite, tools, request.wishes, rules)
    kept = [*wanted, *rules.covered_metrics()]
    candidate = snapshot_of(folder, request.system, metrics=kept)
    check_whole(folder, suite)
    baseline = _baseline(request, candidate, wanted)
    if baseline is not None and Path(baseline.source).is_dir():
        check_whole(Path(baseline.source), suite)
    notes = _notes(suite, candidate, baseline)
    notes += grader_notes(suite, folder, candidate, _decisive(tools, wanted, suite, baseline))
    if notes and request.allow is None:
        hint = 'to judge it all the same: --allow "why it is fine"'
        raise InvalidInput("; ".join(notes), file=folder, hint=hint)
    stated = suite.limits or rules.coverage
    if not stated and baseline is None and request.aa is not None:
        alone = _only_noise(suite, folder, candidate, request) | {"differences": notes}
        return Gated(_with_runs(alone, folder), candidate)
    shared = _shared(suite, candidate, baseline, request)
    claims = Claims(suite, tools, candidate, baseline, shared, request.wishes, rules)
    verdict = verdict_json(
        _judged(claims, request.level),
        candidate,
        allow=request.allow,
        accept_inconclusive=request.accept_inconclusive,
    )
    verdict["baseline"] = None if baseline is None else baseline_json(baseline, notes)
    verdict["differences"] = notes
    verdict["noise"] = _noise(suite, folder, candidate, request)
    return Gated(_with_runs(verdict, folder), candidate, baseline)


def _judged(claims: Claims, level: Level) -> Verdict:
    """The verdict over all claims; ``NothingToDo`` where they say nothing."""
    if claims.baseline is not None:
        check_metrics(claims.baseline, claims.compared())
    lines, unmeasured = claims.lines()
    shares = claims.coverage()
    check_something(lines, unmeasured, shares)
    return judge(
        lines,
        level=level,
        tolerance=claims.suite.max_error_rate,
        outcome=claims.outcome(),
        outcome_before=claims.outcome_before(),
        unmeasured=unmeasured,
        covered=shares,
    )


def _with_runs(verdict: dict[str, Any], folder: Path) -> dict[str, Any]:
    """With the commit and everything that was run and judged for it."""
    commit = commit_of(Path.cwd())
    runs = runs_beside(folder, verdict["suite_digest"], commit)
    return {
        **verdict,
        "commit": commit,
        "attempt": attempt(),
        "runs": runs,
        "earlier": earlier_verdicts(folder),
    }


# --- what belongs together -------------------------------------------------------------------


def _baseline(request: Request, candidate: Snapshot, wanted: Sequence[str]) -> Snapshot | None:
    place = request.baseline
    if place is None:
        return None
    if not place.exists():
        raise InvalidInput("there is no such file and no such run", file=place, field="--baseline")
    if not place.is_dir():
        return read_baseline(place)
    name = request.baseline_system
    if name is None and candidate.system in _systems(place):
        name = candidate.system
    found = snapshot_of(place, name, metrics=wanted)
    if place.resolve() == Path(candidate.source).resolve() and found.system == candidate.system:
        raise InvalidInput(
            "is the run itself", file=place, field="--baseline", hint="name another run or system"
        )
    return found


def _systems(folder: Path) -> list[str]:
    file = folder / "manifest.json"
    manifest = read_json(file) if file.exists() else {}
    systems = manifest.get("systems") if isinstance(manifest, dict) else None
    return list(systems) if isinstance(systems, dict) else []


def _notes(suite: Suite, candidate: Snapshot, baseline: Snapshot | None) -> list[str]:
    """Everything in which suite, run and baseline do not fit."""
    notes = []
    if candidate.suite["digest"] != suite.digest and not _only_rules_changed(suite, candidate):
        found = _since(suite, candidate)
        if (
            found is not None and found.derived and not found.graded
        ):  # such as limits: the new ones hold
            return differences(candidate, baseline) if baseline is not None else []
        notes.append(_other_suite(suite, candidate, found))
        now, then = {case.id for case in suite.cases}, set(candidate.cases)
        gone = named_cases("the suite no longer has", sorted(then - now), "of the run")
        new = named_cases("the run lacks", sorted(now - then), "of the suite")
        notes += [text for text in (gone, new) if text]
    return notes + (differences(candidate, baseline) if baseline is not None else [])


def _only_rules_changed(suite: Suite, candidate: Snapshot) -> bool:
    """Whether the suite asks and measures what the run did, and differs in limits, hierarchy or comments only."""
    return candidate.suite.get("asked") == asked_digest(suite_parts(suite))


def _since(suite: Suite, candidate: Snapshot) -> Since | None:
    """What of the suite has changed since the run; None for one that keeps no store."""
    folder = Path(candidate.source)
    if not (folder / STORE).exists():
        return None
    with Store(folder, reading=True) as store:
        return since(store, suite)


def _other_suite(suite: Suite, candidate: Snapshot, found: Since | None) -> str:
    said = f"the run is of another state of the suite ({candidate.suite['digest']}, now {suite.digest})"
    if found is None:
        return said
    told = f": {', '.join(found.told[:MOST])}" if found.told else ""
    again = f"; `evalkit score {candidate.source}` renews the files" if found.derived else ""
    return f"{said}{told}{again}"


def _decisive(
    tools: Tools, wanted: Sequence[str], suite: Suite, baseline: Snapshot | None
) -> list[str]:
    """The metrics that the verdict rests on; a cause's share rests on who passed."""
    causes = {cause.id for cause in tools.causes}
    outcome = baseline is not None or any(limit.metric in causes for limit in suite.limits)
    return [*wanted, "passed"] if outcome else list(wanted)


def _shared(
    suite: Suite, candidate: Snapshot, baseline: Snapshot | None, request: Request
) -> tuple[Case, ...]:
    """The cases that are compared: every one of the suite; with --allow those that both runs have."""
    if request.allow is None or baseline is None:
        return suite.cases
    both = set(candidate.cases) & set(baseline.cases)
    return tuple(case for case in suite.cases if case.id in both)


def check_note(note: str | None) -> None:
    """``UsageError`` for an --allow that gives no reason: whoever reads the verdict must learn why."""
    if note is not None and not note.strip():
        raise UsageError('--allow takes the reason as text: --allow "why it is fine"')


def what_lacks(suite: Suite, found: Snapshot) -> str | None:
    """What keeps a run from being a baseline: more errors, ungraded and unasked cases than the suite tolerates."""
    lacking = measured(found, PASSED, [case.id for case in suite.cases]).lacking()
    if lacking <= suite.max_error_rate:
        return None
    asked = set(found.cases)
    unasked = sum(case.id not in asked for case in suite.cases)
    return (
        f"{found.counts['errors']} errors, {found.counts['ungraded']} ungraded, {unasked} not asked are "
        f"{percent(lacking)} of the outcomes, {percent(suite.max_error_rate)} are tolerated"
    )


# --- A/A ------------------------------------------------------------------------------------------


def _noise(
    suite: Suite, folder: Path, candidate: Snapshot, request: Request
) -> dict[str, Any] | None:
    if request.aa is None:
        return None
    runs = [candidate, *_equal_runs(suite, folder, candidate)]
    groups = {case.id: case.group for case in suite.cases}
    found = measure_noise(columns_of(runs, request.aa), groups, request.level)
    return {**found.to_json(), "sources": sources_of(runs, request.aa)}


def _equal_runs(suite: Suite, folder: Path, candidate: Snapshot) -> Iterator[Snapshot]:
    """Other finished runs of the very same system on the same suite, in the folder around this one."""
    here = folder.resolve()
    for path in sorted(here.parent.glob("*/manifest.json")):
        if path.parent == here or candidate.system not in _systems(path.parent):
            continue
        try:
            found = snapshot_of(path.parent, candidate.system, metrics=())
            check_whole(path.parent, suite)
        except (InvalidInput, Busy, StorageError, Stopped):
            continue  # unfinished, or being written: no evidence yet
        same = (found.fingerprint, found.suite["digest"], found.judge)
        if same == (candidate.fingerprint, candidate.suite["digest"], candidate.judge):
            yield found


def _only_noise(
    suite: Suite, folder: Path, candidate: Snapshot, request: Request
) -> dict[str, Any]:
    """An A/A test alone judges nothing; it is inconclusive where the drop asked for could not be seen."""
    noise = _noise(suite, folder, candidate, request)
    assert noise is not None
    blind = noise["detectable"] > request.wishes.detect
    seen, wanted = f"{noise['detectable']:.1%}", f"{request.wishes.detect:.1%}"
    code = 11 if blind and not request.accept_inconclusive else 0
    return {
        "format": 1,
        "verdict": "inconclusive" if blind else "none",
        "exit_code": code,
        "exit_name": "inconclusive" if code else "pass",
        "suite_digest": suite.digest,
        "counts": {k: candidate.counts[k] for k in ("passed", "failed", "errors", "ungraded")},
        "limits": [],
        "reason": f"only a drop of {seen} would be seen, not one of {wanted}" if blind else None,
        "system": candidate.system,
        "tests": [],
        "baseline": None,
        "noise": noise,
        "allow": request.allow,
    }
