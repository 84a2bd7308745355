"""The review queue: doubtful grades first, then a random part that rates can be estimated from."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any

from evalkit.confidence import doubtful
from evalkit.doctor.doubt import AGAINST_THE_LABEL, doubts_of
from evalkit.grade import Graded
from evalkit.judge import judge_traces
from evalkit.judging.human import key_of
from evalkit.judging.judges import closing
from evalkit.judging.rating import CUT
from evalkit.judging.reviewed import graded_values, reviewable
from evalkit.outcome import correct_rules
from evalkit.records import AS_IS, Case, Evidence, Judge, Passage, Suite, Trace

if TYPE_CHECKING:
    from evalkit.api import Run
    from evalkit.diagnosis import SystemDiagnosis

SAMPLE = 100  # answers of each system in the random part: enough for prediction-powered inference
UNSURE = (0.3, 0.7)
LOW_CONFIDENCE = 0.5
LONGEST = {"question": 1000, "reference": 1000, "answer": 4000, "passage": 240}
PASSAGES = 5

# Why a grade is doubtful, the most telling first.
OTHER_WORDS = "it may be right in other words"
PANEL = "judges disagree"
SAME_TEXT = "the same text is graded both ways"
LABEL = "the label is doubtful"
EXACT = "exact metrics say otherwise"
GRADER_ERROR = "the judge failed"
CANNOT_TELL = "the judge cannot tell"
REPEATS = "repeats are graded differently"
UNCERTAIN = "the judge is unsure"
FINDING = "the cause is uncertain"
RANDOM = "random part"
ORDER = (
    *(OTHER_WORDS, PANEL, SAME_TEXT, LABEL, EXACT, GRADER_ERROR, CANNOT_TELL, REPEATS),
    *(UNCERTAIN, FINDING),
)

COLUMNS = (
    *("key", "system", "case_id", "condition", "repeat", "why", "question", "reference", "answer"),
    *("passages", "judge", "score", "human_correct", "human_grounded", "human_refused"),
    *("reviewer", "note", "sampled", "probability"),
)
Doubt = tuple[int, str, str]  # an answer, why its grade is doubtful, details
Panel = Mapping[
    str, Sequence[Sequence[Evidence | None]]
]  # by system: each further judge's evidence


def review_rows(
    run: Run,
    *,
    limit: int | None = None,
    sample: int | None = None,
    seed: int = 0,
    panel: Panel | None = None,
) -> list[dict[str, Any]]:
    """One row a grade that a person should see, with ``COLUMNS`` as keys; doubtful ones first. Pure.

    The random part holds ``sample`` answers of each system (100 if None; with ``limit`` at most half of it over all
    systems): cases drawn without replacement, one of its repeats each; ``probability`` is the chance that this very answer
    had. An answer that is doubtful and drawn stands once, with both said. ``panel`` holds the evidence of
    further judges, aligned with each system's traces.
    """
    rows: list[tuple[tuple[Any, ...], dict[str, Any]]] = []
    room = None if limit is None else limit // 2
    cases = {case.id: case for case in run.suite.cases}
    for place, (name, system) in enumerate(run.systems.items()):
        graded, own = system.graded, sample if sample is not None else SAMPLE
        if room is not None:
            share = -(-room // (len(run.systems) - place))
            own = min(own, share)
        drawn = _drawn(graded, own, random.Random(f"{seed} {name}"))
        room = None if room is None else room - len(drawn)
        doubts = _doubts(run, name, (panel or {}).get(name, ()))
        rows += [
            _ranked(cases, graded, i, doubts.get(i, {}), drawn.get(i))
            for i in sorted({*drawn, *doubts})
        ]
    rows.sort(key=lambda row: row[0])
    return [row for _, row in _cut(rows, limit)]


async def second_opinions(run: Run, judges: Sequence[Judge]) -> Panel:
    """What further judges say of every answer, by system; each judge is closed at the end."""
    cases = {case.id: case for case in run.suite.cases}
    found: dict[str, list[list[Evidence | None]]] = {name: [] for name in run.systems}
    for judge in judges:
        many = getattr(judge, "concurrency", None) or 8
        async with closing(judge):
            for name, system in run.systems.items():
                traces = system.graded.traces
                said = await judge_traces(cases, traces, judge, concurrency=many)
                found[name].append(said)
    return found


def _cut(rows: Sequence[Any], limit: int | None) -> Iterator[Any]:
    """The first ones, but every drawn one: a random part that is cut off is no random part."""
    left = None if limit is None else limit - sum(bool(row["sampled"]) for _, row in rows)
    for rank, row in rows:
        if row["sampled"] or left is None or left > 0:
            yield rank, row
            left = left if left is None or row["sampled"] else left - 1


def _drawn(graded: Graded, n: int, chance: random.Random) -> dict[int, float]:
    """The answers of the random part and the probability of each."""
    by_case: dict[str, list[int]] = {}
    for i, trace in enumerate(graded.traces):
        if reviewable(graded, i):
            by_case.setdefault(trace.case_id, []).append(i)
    cases = sorted(by_case)
    chosen = chance.sample(cases, min(n, len(cases)))
    return {
        chance.choice(by_case[case]): len(chosen) / len(cases) / len(by_case[case])
        for case in chosen
    }


# --- doubts ----------------------------------------------------------------------------------


def _doubts(
    run: Run, name: str, panel: Sequence[Sequence[Evidence | None]]
) -> dict[int, dict[str, str]]:
    """By answer: why its grade is doubtful, and the details."""
    graded = run.systems[name].graded
    found: dict[int, dict[str, str]] = {}
    sources = (
        _alone(run.suite, graded),
        _among_judges(graded, panel),
        _against_labels(run, graded),
        _among_repeats(graded),
        _uncertain_findings(run.systems[name]),
    )
    for i, why, detail in chain.from_iterable(sources):
        if reviewable(graded, i):
            found.setdefault(i, {}).setdefault(why, detail)
    return found


def _among_judges(graded: Graded, panel: Sequence[Sequence[Evidence | None]]) -> Iterator[Doubt]:
    """Answers on which further judges decide otherwise, or the members of the run's own panel do."""
    for i, own in enumerate(graded.evidence):
        dissent = next(filter(_on_both_sides, own.reasons), None) if own else None
        if dissent is not None:
            yield i, PANEL, dissent[:120]
        stated = [e for e in (own, *(each[i] for each in panel)) if e and e.correct is not None]
        if len({(e.correct or 0.0) >= CUT for e in stated}) > 1:
            yield i, PANEL, ", ".join(f"{e.judge} {e.correct:.2f}" for e in stated)


def _on_both_sides(reason: str) -> bool:
    """Whether a panel's reason says that its members put the answer on both sides of the line."""
    if not reason.startswith("dissent on correct:"):
        return False
    stated = re.findall(r"[\d.]*\d(?:e-\d+)?", reason.partition(";")[0])
    return len({float(number) >= CUT for number in stated}) > 1


def _against_labels(run: Run, graded: Graded) -> Iterator[Doubt]:
    """Answers held wrong by a label that the doctor doubts."""
    labels = doubts_of(run.doctor["labels"])
    for i, trace in enumerate(graded.traces):
        kinds = [c.kind for c in labels.get(trace.case_id, ()) if c.kind in AGAINST_THE_LABEL]
        if kinds and graded.outcomes.right[i] is False:
            yield i, LABEL, ", ".join(dict.fromkeys(kinds))


def _uncertain_findings(system: SystemDiagnosis) -> Iterator[Doubt]:
    traces = enumerate(system.graded.traces)
    places = {(t.case_id, t.repeat): i for i, t in traces if t.condition == AS_IS}
    for finding in system.findings:
        place, sure = places.get((finding.case_id, finding.repeat)), finding.confidence
        if place is not None and doubtful(finding):
            yield place, OTHER_WORDS, ""
        if place is not None and sure is not None and sure < LOW_CONFIDENCE:
            yield place, FINDING, f"{finding.cause}, {sure:.2f}"


def _alone(suite: Suite, graded: Graded) -> Iterator[Doubt]:
    """What is doubtful about a grade by itself."""
    due = {c.id for c in suite.cases if correct_rules(suite, c, graded.approach)}
    for i, trace in enumerate(graded.traces):
        found = graded.evidence[i]
        if found is not None and found.error is not None:
            yield i, GRADER_ERROR, found.error[:120]
        elif graded.outcomes.right[i] is None and trace.case_id in due:
            yield i, CANNOT_TELL, ""
        yield from ((i, why, detail) for why, detail in _of_one(graded, i))


def _of_one(graded: Graded, i: int) -> Iterator[tuple[str, str]]:
    right, found, scores = graded.outcomes.right[i], graded.evidence[i], graded.scores
    stated = found.correct if found is not None else None
    value = graded_values(graded, i)["correct"][0] if stated is None else stated
    if value is not None and UNSURE[0] <= value <= UNSURE[1]:
        yield UNCERTAIN, f"{value:.2f}"
    exact, shared = scores.value("exact", i), scores.value("containment", i)
    if right is False and (exact == 1 or shared == 1):
        yield EXACT, "graded wrong, and all words of a reference stand in it"
    if right is True and shared == 0:
        yield EXACT, "graded right, without a word of the reference"


def _among_repeats(graded: Graded) -> Iterator[Doubt]:
    """Answers to one case of which some are held right and some wrong."""
    for indices in graded.repeats().values():
        known = [i for i in indices if graded.outcomes.right[i] is not None]
        if len({graded.outcomes.right[i] for i in known}) < 2:
            continue
        by_text: dict[str | None, set[bool | None]] = {}
        for i in known:
            by_text.setdefault(graded.traces[i].response, set()).add(graded.outcomes.right[i])
        for i in known:
            both = len(by_text[graded.traces[i].response]) > 1
            yield i, SAME_TEXT if both else REPEATS, ""


# --- rows ------------------------------------------------------------------------------------


def _ranked(
    cases: Mapping[str, Case],
    graded: Graded,
    i: int,
    doubts: Mapping[str, str],
    probability: float | None,
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """A row and its place in the queue: by the most telling doubt, then the less sure, then by name."""
    row = _row(cases[graded.traces[i].case_id], graded, i, doubts, probability)
    score = row["score"]
    rank = min((ORDER.index(why) for why in doubts), default=len(ORDER))
    unsure = 1.0 if score is None else abs(score - CUT)
    # The order of the random part must not follow case ids: a reviewer who stops half-way leaves a random half.
    tie = row["key"] if rank == len(ORDER) else (row["system"] + row["case_id"])
    return (rank, -len(doubts), unsure if doubts else 0.0, tie, row["repeat"]), row


def _row(
    case: Case, graded: Graded, i: int, doubts: Mapping[str, str], probability: float | None
) -> dict[str, Any]:
    trace = graded.traces[i]
    whys = [f"{why} ({doubts[why]})" if doubts[why] else why for why in ORDER if why in doubts]
    references = list(case.reference or ()) or [point.text for point in case.key_points or ()]
    return {
        "key": key_of(trace),
        "system": trace.system,
        "case_id": trace.case_id,
        "condition": trace.condition,
        "repeat": trace.repeat,
        "why": "; ".join([*whys, *([RANDOM] if probability else [])]),
        "question": short(case.query, LONGEST["question"]),
        "reference": short("\n".join(references) or _wanted(case.expected), LONGEST["reference"]),
        "answer": short(trace.response or "", LONGEST["answer"]),
        "passages": _passages(trace),
        "judge": _said(graded, i),
        "score": graded_values(graded, i)["correct"][0],
        "human_correct": "",
        "human_grounded": "",
        "human_refused": "",
        "reviewer": "",
        "note": "",
        "sampled": "yes" if probability else "",
        "probability": probability,
    }


def _wanted(expected: str) -> str:
    return "" if expected == "answer" else f"(wanted: {expected})"


def _said(graded: Graded, i: int) -> str:
    found = graded.evidence[i]
    if found is not None and found.error is not None:
        return "failed"
    right = graded.outcomes.right[i]
    return "cannot tell" if right is None else "right" if right else "wrong"


def _passages(trace: Trace) -> str:
    shown = (trace.context or ())[:PASSAGES]
    lines = [f"[{p.doc_id}] {short(_flat(p), LONGEST['passage'])}" for p in shown]
    more = len(trace.context or ()) - len(shown)
    return "\n".join([*lines, *([f"and {more} more"] if more > 0 else [])])


def _flat(passage: Passage) -> str:
    return " ".join(passage.text.split())


def short(text: str, most: int) -> str:
    """The text, or its beginning with an ellipsis."""
    return text if len(text) <= most else text[: most - 1] + "…"
