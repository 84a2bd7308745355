"""What people said of the grades of a run: `review.jsonl` beside it, added to and never rewritten."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from evalkit.errors import StorageError
from evalkit.judging.labels import Labelled
from evalkit.records import Case, Evidence, Expected, Trace
from evalkit.strict import read_jsonl
from evalkit.validation import validate

FILE = "review.jsonl"
PEOPLE = "people"  # the judge of evidence that people's verdicts are in
STATED = 0.5  # from here on a key point counts as stated
REVIEWED = ("correct", "grounded", "refused")
Word = Literal["yes", "no", "unclear"]
Line = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^\S(.*\S)?$")]


class Verdict(BaseModel):
    """One person's verdict on one answer of a run. ``key`` names the answer; None is "not said"."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    key: Line
    system: str
    case_id: str
    condition: str
    repeat: int
    reviewer: Line
    correct: Word | None = None
    grounded: Word | None = None
    refused: Word | None = None
    note: str = ""
    sampled: bool = False
    probability: Annotated[float, Field(gt=0, le=1)] | None = None

    @property
    def said(self) -> dict[str, Word]:
        """Every quantity that the person gave a verdict on."""
        values = {name: getattr(self, name) for name in REVIEWED}
        return {name: value for name, value in values.items() if value is not None}


@dataclass(frozen=True, slots=True)
class Reviewed:
    """One answer with everybody's latest verdict; ``sampled`` if it is of the random part of any export."""

    trace_key: tuple[str, str, str, int]
    verdicts: tuple[Verdict, ...]
    sampled: bool
    probability: float | None

    def human(self) -> dict[str, dict[str, tuple[float | None, ...]]]:
        """By quantity and reviewer: 1, 0, or None for unclear, as a labelled answer has them."""
        found: dict[str, dict[str, tuple[float | None, ...]]] = {}
        for verdict in self.verdicts:
            for name, word in verdict.said.items():
                value = {"yes": 1.0, "no": 0.0}.get(word)
                found.setdefault(name, {})[verdict.reviewer] = (value,)
        return found


def key_of(trace: Trace) -> str:
    """A short name for one answer: other texts, and other runs' answers, have other names. Safe in a spreadsheet."""
    parts = [trace.system, trace.case_id, trace.condition, trace.repeat, trace.response]
    text = json.dumps(parts, ensure_ascii=True)
    return "g-" + hashlib.sha256(text.encode()).hexdigest()[:14]


def read_reviews(folder: Path) -> list[Verdict]:
    """Every verdict in the run folder, in the order of their coming; empty without the file."""
    path = folder / FILE
    return read_verdicts(path) if path.exists() else []


def read_verdicts(path: Path) -> list[Verdict]:
    """Every verdict of a file; ``InvalidInput`` names file, line and field."""
    return [validate(Verdict, row.value, file=path, line=row.line) for row in read_jsonl(path)]


def append_reviews(folder: Path, verdicts: Sequence[Verdict]) -> int:
    """Add verdicts; those that repeat what the same person said last are left out. How many were added."""
    last = {(v.key, v.reviewer): v for v in read_reviews(folder)}
    new = [v for v in verdicts if last.get((v.key, v.reviewer)) != v]
    lines = [json.dumps(_plain(v), ensure_ascii=False, allow_nan=False) + "\n" for v in new]
    path = folder / FILE
    try:
        if lines:
            with path.open("a", encoding="utf-8", newline="") as stream:
                stream.write("".join(lines))
                stream.flush()
                os.fsync(stream.fileno())
    except OSError as error:
        raise StorageError(f"{path}: cannot be written: {error.strerror or error}") from error
    return len(new)


def _plain(verdict: Verdict) -> dict[str, Any]:
    return verdict.model_dump(exclude_defaults=True)


def latest(verdicts: Iterable[Verdict]) -> dict[str, Reviewed]:
    """Everything that counts, by key: of one person the last verdict on an answer."""
    by_key: dict[str, dict[str, Verdict]] = {}
    for verdict in verdicts:
        held = by_key.setdefault(verdict.key, {})
        before = held.pop(verdict.reviewer, None)
        held[verdict.reviewer] = verdict if before is None else _kept_sample(before, verdict)
    return {key: _reviewed(list(held.values())) for key, held in by_key.items()}


def _kept_sample(before: Verdict, after: Verdict) -> Verdict:
    """A second opinion from another export does not take an answer out of the random part."""
    if after.sampled or not before.sampled:
        return after
    return after.model_copy(update={"sampled": True, "probability": before.probability})


def _reviewed(held: Sequence[Verdict]) -> Reviewed:
    first = held[0]
    drawn = [v for v in held if v.sampled]
    return Reviewed(
        (first.system, first.case_id, first.condition, first.repeat),
        tuple(held),
        sampled=bool(drawn),
        probability=drawn[0].probability if drawn else None,
    )


def labelled(
    reviewed: Mapping[str, Reviewed], cases: Mapping[str, Case], traces: Iterable[Trace]
) -> list[Labelled]:
    """The reviewed answers among ``traces`` with what people said, as a judge's check takes them."""
    pairs = ((trace, reviewed.get(key_of(trace))) for trace in traces)
    return [
        Labelled(cases[trace.case_id], trace, found.human())
        for trace, found in pairs
        if found is not None and found.human()
    ]


def with_verdicts(
    traces: Sequence[Trace],
    evidence: Sequence[Evidence | None],
    reviewed: Mapping[str, Reviewed],
    cases: Mapping[str, Case] | None = None,
) -> list[Evidence | None]:
    """The evidence with people's verdicts in place of the judge's opinion where they gave clear ones.

    ``correct`` and ``refused`` become 1 or 0 by the majority of the reviewers, and ``judge`` says "people". An answer
    that is right covers all key points; in one that is wrong and covers all of them, the least certain one
    is taken for missing. Of a case of ``cases`` that wants a refusal, right means refused. Ties change nothing. A verdict on groundedness does not say which claim it is about, and changes nothing.
    """

    def refuse(trace: Trace) -> bool:
        return cases is not None and cases[trace.case_id].expected is Expected.REFUSE

    return [
        _replaced(found, reviewed[key], refuse=refuse(trace))
        if (key := key_of(trace)) in reviewed
        else found
        for trace, found in zip(traces, evidence, strict=True)
    ]


def _replaced(found: Evidence | None, reviewed: Reviewed, *, refuse: bool) -> Evidence | None:
    if found is None:
        return None
    human = reviewed.human()
    values = {name: majority(human.get(name, {})) for name in ("correct", "refused")}
    if refuse and values["refused"] is None:
        values["refused"] = values["correct"]
    clear = {name: value for name, value in values.items() if value is not None}
    if not clear:
        return found
    covered = _covered(found.covered, clear.get("correct"))
    told = f"people, {len(reviewed.verdicts)} reviewed: " + ", ".join(
        f"{name} {'yes' if value else 'no'}" for name, value in clear.items()
    )
    reasons = (told, *found.reasons)
    made = replace(found, judge=PEOPLE, covered=covered, reasons=reasons, error=None)
    return replace(made, **clear)  # type: ignore[arg-type]


def _covered(
    judged: tuple[float | None, ...] | None, right: float | None
) -> tuple[float | None, ...] | None:
    """Key points as the verdict on the whole answer wants them."""
    if not judged or right is None:
        return judged
    if right == 1:
        return (1.0,) * len(judged)
    known = [1.0 if value is None else value for value in judged]
    if min(known) < STATED:
        return judged
    return (*judged[: (least := known.index(min(known)))], 0.0, *judged[least + 1 :])


def majority(by: Mapping[str, tuple[float | None, ...]]) -> float | None:
    """1 or 0 by most of those who could tell; None for a tie, or where nobody could."""
    known = [value for (value,) in by.values() if value is not None]
    mean = sum(known) / len(known) if known else 0.5
    return None if abs(mean - 0.5) < 1e-9 else float(mean > 0.5)
