"""Hold a judge against people: agreement beside the human ceiling, steadiness, and what sways it."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from evalkit.errors import NothingToDo
from evalkit.faults.bench import balanced_accuracy, calibrate
from evalkit.judging.agreement import (
    LEVELS,
    alpha_interval,
    kappa_interval,
    krippendorff_alpha,
    mean_pairwise_kappa,
    rank_correlation,
    raw_agreement,
    roc_auc,
)
from evalkit.judging.correction import TwoWay, two_way
from evalkit.judging.judges import closing
from evalkit.judging.labels import QUANTITIES, Labelled, digest_of
from evalkit.judging.perturb import PADDING, POSITION, Change
from evalkit.judging.rating import (
    CUT,
    OF_JUDGES,
    Judged,
    Rating,
    Read,
    ask,
    evidence_values,
    label_of,
    ratings,
)
from evalkit.judging.steadiness import Shift, shift, steady
from evalkit.pool import block_on
from evalkit.records import Interval, Judge
from evalkit.stats.intervals import wilson

PROBED = 200  # labelled answers, drawn at random, on which repeats and changes are tried


@dataclass(frozen=True, slots=True)
class Settings:
    """How a check goes about it: ``cuts`` are values from which a quantity is a yes, 0.5 where not given."""

    repeats: int = 2
    probes: bool = True
    cuts: Mapping[str, float] = field(default_factory=dict)
    seed: int = 0
    concurrency: int = 8


@dataclass(frozen=True, slots=True)
class Ceiling:
    """How far people agree with each other on the ``units`` that two or more of them rated.

    ``alpha`` by level of measurement; ``kappa`` is the mean over pairs of annotators. No judge can be asked for more.
    """

    annotators: int
    units: int
    alpha: Mapping[str, float | None]
    kappa: float | None


@dataclass(frozen=True, slots=True)
class QuantityCheck:
    """How far a judge agrees with people on one quantity; None where that is undefined or was not measured.

    ``n`` things have a clear label of people's (``unclear`` have none: a tie, or nobody can tell) and a verdict
    of the judge; ``cannot_tell`` is the share of those with a label on which the judge gives none. A value of ``cut``
    or more is a yes. ``alpha`` is between the judge and people's mean, ``kappa_each`` the mean kappa of the judge and
    each annotator, to hold against the ceiling's. ``auc`` and ``ece`` are of the judge's value as a
    probability of yes. ``rated`` counts the pairs behind ``kappa_each``. ``length`` holds Spearman's correlations of the answer's length with the absolute error,
    and with the judge's value given people's label.
    """

    quantity: str
    n: int
    unclear: int
    cut: float
    cannot_tell: Interval | None
    agreement: Interval | None
    balanced_accuracy: float | None
    kappa: Interval | None
    kappa_each: float | None
    alpha: Mapping[str, float | None]
    alpha_nominal: Interval | None
    ceiling: Ceiling | None
    auc: float | None
    ece: float | None
    table: TwoWay
    length: Mapping[str, Interval | None] = field(default_factory=dict)
    self_consistency: Interval | None = None
    shifts: Mapping[str, Shift] = field(default_factory=dict)
    rated: int = 0


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One judge held against one set of labels. ``errors`` counts the answers on which the judge itself failed.

    ``source`` is ``labels`` where ``correct`` is the judge's own probability, ``run`` where it is the grade by the rules
    of a suite.
    """

    judge: str
    fingerprint: str
    labels: str  # a digest
    rows: int
    errors: int
    repeats: int
    quantities: Mapping[str, QuantityCheck]
    source: str = "labels"

    def to_json(self) -> dict[str, Any]:
        """The content of judge-check.json: no date, no text of the labels."""
        from evalkit.judging.report import check_json

        return check_json(self)


def check(
    rows: Sequence[Labelled],
    judge: Judge,
    settings: Settings | None = None,
    *,
    read: Read = evidence_values,
) -> CheckResult:
    """Judge every row and compare with people; ``NothingToDo`` where no row has a verdict of a person.

    With ``repeats`` of two or more, a random part of at most 200 rows is judged that often in all; with
    ``probes`` the same part is judged with its passages, references and answers changed in ways that must not
    matter. ``read`` turns evidence into values. The judge is closed at the end, if it can be.
    """
    if not any(row.human for row in rows):
        raise NothingToDo("no answer has a verdict of a person")
    how = settings or Settings()
    chosen = random.Random(how.seed).sample(range(len(rows)), min(PROBED, len(rows)))
    asking = _heard(rows, sorted(chosen), judge, how, read)
    heard = block_on(asking, instead="evalkit.judging in a thread")
    found = {}
    graded = {name for values in heard.judged for name in values}
    for name in (*QUANTITIES, *(name for name in OF_JUDGES if name in graded)):
        things = ratings(name, rows, heard.judged)
        if things:
            found[name] = _compared(name, things, heard, how.cuts.get(label_of(name), CUT))
    made = (judge.name, judge.fingerprint, digest_of(rows))
    return CheckResult(*made, len(rows), heard.errors, how.repeats, found)


@dataclass(frozen=True, slots=True)
class _Heard:
    """All that the judge said: of every row; of the random part ``some`` once more, and by change (by place in it)."""

    judged: Sequence[Judged]
    errors: int
    some: Sequence[Labelled]
    first: Sequence[Judged]
    again: Sequence[Sequence[Judged]]
    changed: Mapping[str, Mapping[int, Judged]]


async def _heard(
    rows: Sequence[Labelled], part: Sequence[int], judge: Judge, how: Settings, read: Read
) -> _Heard:
    async def of(given: Sequence[Labelled], repeat: int = 0) -> tuple[list[Judged], int]:
        evidence = await ask(judge, given, repeat=repeat, concurrency=how.concurrency)
        errors = sum(e is not None and e.error is not None for e in evidence)
        return read(given, evidence), errors

    async def after(change: Change) -> dict[int, Judged]:
        made = {i: new for i, row in enumerate(some) if (new := change(row)) is not None}
        values = (await of(list(made.values())))[0] if made else []
        return dict(zip(made, values, strict=True))

    async with closing(judge):
        judged, errors = await of(rows)
        some = [rows[i] for i in part]
        again = [(await of(some, repeat))[0] for repeat in range(1, how.repeats)]
        changes = {**POSITION, **PADDING} if how.probes else {}
        changed = {name: await after(change) for name, change in changes.items()}
        return _Heard(judged, errors, some, [judged[i] for i in part], again, changed)


def _compared(name: str, things: Sequence[Rating], heard: _Heard, cut: float) -> QuantityCheck:
    base = ratings(name, heard.some, heard.first)
    later = [ratings(name, heard.some, each) for each in heard.again]
    return compare(
        name,
        things,
        cut=cut,
        self_consistency=steady(base, later, cut),
        shifts=_shifts(name, base, heard.changed, cut),
    )


def _shifts(
    quantity: str, base: Sequence[Rating], changed: Mapping[str, Mapping[int, Judged]], cut: float
) -> dict[str, Shift]:
    """What every change that has to do with a quantity did to it."""
    about = {
        name: values
        for name, values in changed.items()
        if label_of(quantity) == "correct" or name not in ("references_reversed", "answers_swapped")
    }
    moved = {name: shift(_paired(quantity, base, values), cut) for name, values in about.items()}
    return {name: found for name, found in moved.items() if found is not None}


def _paired(
    quantity: str, base: Sequence[Rating], after: Mapping[int, Judged]
) -> list[tuple[Rating, float | None]]:
    """Each rating with its value after the change; None where the change did not apply."""
    seen: Counter[int] = Counter()
    pairs = []
    for rating in base:
        values = after.get(rating.row, {}).get(quantity, ())
        part = seen[rating.row]
        pairs.append((rating, values[part] if part < len(values) else None))
        seen[rating.row] += 1
    return pairs


def compare(
    quantity: str,
    things: Sequence[Rating],
    *,
    cut: float = CUT,
    self_consistency: Interval | None = None,
    shifts: Mapping[str, Shift] | None = None,
) -> QuantityCheck:
    """Every figure of one quantity, from the judge's and people's values of the same things. Pure."""
    labelled = [t for t in things if t.label is not None]
    both = [t for t in labelled if t.judged is not None]
    human = [bool(t.label) for t in both]
    values = [float(t.judged or 0.0) for t in both]
    verdicts = [value >= cut for value in values]
    pairs = list(zip(human, verdicts, strict=True))
    stated = [(min(1.0, max(0.0, v)), label) for v, label in zip(values, human, strict=True)]
    calibration = calibrate(stated)
    each, rated = _kappa_each(things, cut)
    return QuantityCheck(
        quantity=quantity,
        n=len(both),
        unclear=len(things) - len(labelled),
        cut=cut,
        cannot_tell=wilson(len(labelled) - len(both), len(labelled)),
        agreement=raw_agreement(pairs),
        balanced_accuracy=balanced_accuracy(pairs),
        kappa=kappa_interval(pairs),
        kappa_each=each,
        rated=rated,
        alpha=_alpha_with_people(both, verdicts),
        alpha_nominal=alpha_interval([(float(a), float(b)) for a, b in pairs]),
        ceiling=ceiling(things),
        auc=roc_auc(values, human),
        ece=calibration.error if calibration else None,
        table=two_way(human, verdicts),
        length=_length(both, values, human),
        self_consistency=self_consistency,
        shifts=shifts or {},
    )


def ceiling(things: Sequence[Rating]) -> Ceiling | None:
    """People's agreement with each other; None where no thing was rated by two of them."""
    names = sorted({who for t in things for who in t.human})
    rows = [tuple(t.human.get(who) for who in names) for t in things]
    shared = [row for row in rows if sum(v is not None for v in row) > 1]
    if not shared:
        return None
    yes = [tuple(None if v is None else float(v >= CUT) for v in row) for row in shared]
    alpha = {
        level: krippendorff_alpha(yes if level == "nominal" else shared, level) for level in LEVELS
    }
    return Ceiling(len(names), len(shared), alpha, mean_pairwise_kappa(yes))


def _kappa_each(things: Sequence[Rating], cut: float) -> tuple[float | None, int]:
    """The judge's kappa with each annotator, weighted by what both rated, and how many ratings that is."""
    names = sorted({who for t in things for who in t.human})
    total, units = 0.0, 0
    for who in names:
        rated = [(t.human.get(who), t.judged) for t in things]
        known = [(h >= CUT, j >= cut) for h, j in rated if h is not None and j is not None]
        kappa = kappa_interval(known)
        if kappa is not None:
            total, units = total + kappa.value * len(known), units + len(known)
    return (total / units if units else None), units


def _alpha_with_people(both: Sequence[Rating], verdicts: Sequence[bool]) -> dict[str, float | None]:
    """By level: verdict against label, and (rounded to hundredths) value against people's mean."""
    labels = [(float(bool(t.label)), float(v)) for t, v in zip(both, verdicts, strict=True)]
    values = [(round(t.people or 0.0, 2), round(t.judged or 0.0, 2)) for t in both]
    return {
        level: krippendorff_alpha(labels if level == "nominal" else values, level)
        for level in LEVELS
    }


def _length(
    both: Sequence[Rating], values: Sequence[float], human: Sequence[bool]
) -> dict[str, Interval | None]:
    lengths = [float(t.length) for t in both]
    wrong = [abs(v - label) for v, label in zip(values, human, strict=True)]
    return {
        "error": rank_correlation(lengths, wrong),
        "value_given_label": rank_correlation(lengths, values, human),
    }
