"""One metric on one answer: its value, or the status and the reason why there is none."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from evalkit.errors import UndecidedError
from evalkit.needs import LABELS, ROW_NEEDS, Source, View, needs_of, wants_json
from evalkit.records import Approach, Metric, Passage, Status

STATUSES = tuple(Status)
CODE = {status: code for code, status in enumerate(STATUSES)}
CLAIMS_LIMIT = "limits.claims"  # what such a reason ends with
STAND_IN = "-"  # an answer that says nothing

Cell = tuple[float | None, Status, str]  # value, status, note
Given = Mapping[str, Any]  # what metrics need, by name
NOT_DUE: Cell = (None, Status.NOT_APPLICABLE, "")
UNDEFINED: Cell = (None, Status.NOT_APPLICABLE, "undefined here")


class Notes(Mapping[int, str]):
    """A note for some answers, by number: each answer has a code, 0 for none, and ``words`` has the notes by code."""

    __slots__ = ("_codes", "_words")

    def __init__(self, codes: npt.NDArray[np.intc], words: Sequence[str]) -> None:
        self._codes, self._words = codes, words

    def __getitem__(self, place: int) -> str:
        code = self._codes.item(place) if 0 <= place < len(self._codes) else 0
        if not code:
            raise KeyError(place)
        return self._words[code]

    def __contains__(self, place: object) -> bool:
        return isinstance(place, int) and 0 <= place < len(self._codes) and self._codes[place] > 0

    def __iter__(self) -> Iterator[int]:
        return iter(np.flatnonzero(self._codes).tolist())

    def __len__(self) -> int:
        return int(np.count_nonzero(self._codes))


@dataclass(frozen=True, slots=True)
class Way:
    """What all answers of a kind have in common: the metrics that are ``due``, and the cells of the others.

    Of those that are due, the ``unseen`` ones lack what the system does not show; their case may still be none to measure.
    """

    number: int
    due: tuple[int, ...]
    others: Mapping[int, Cell]
    unseen: frozenset[int] = frozenset()


class Ways:
    """Metrics of single answers; answers that lack the same things share the answer to which metrics are due."""

    def __init__(self, metrics: Sequence[Metric]) -> None:
        self.known: list[Way] = []
        self._wanted = [(metric, needs_of(metric)) for metric in metrics]
        names = sorted({name for _, needs in self._wanted for name in needs})
        self._readers = [(name, ROW_NEEDS[name][1]) for name in names]
        self._by_kind: dict[tuple[Any, ...], Way] = {}

    def reading(self, names: Collection[str]) -> frozenset[int]:
        """The numbers of the metrics that need one of ``names``."""
        return frozenset(j for j, (_, needs) in enumerate(self._wanted) if set(needs) & set(names))

    def of(self, view: View) -> tuple[Way, Given]:
        """How the answers of this kind stand, and what metrics may be given of this one."""
        given = {name: read(view) for name, read in self._readers}
        failed = view.evidence.error if view.evidence is not None else None
        told = (view.trace.error is None, wants_json(view.case), view.trace.response is None)
        kind = (*told, failed, *[value is None for value in given.values()])
        way = self._by_kind.get(kind)
        if way is None:
            way = self._by_kind[kind] = self._settled(given, view)
            self.known.append(way)
        return way, given

    def cells(self, way: Way, numbers: Iterable[int], given: Given, view: View) -> Iterator[Cell]:
        """The cells of metrics that are due, in the order of their ``numbers``."""
        erred = view.trace.error is not None
        for j in numbers:
            metric, needs = self._wanted[j]
            if erred:
                yield _failed(metric, needs, given, view)
                continue
            if j in way.unseen:
                yield _unseen(metric, needs, given, view)
                continue
            found = computed(metric, [given[name] for name in needs])
            claims = metric.name == "groundedness" and "evidence" in needs
            yield _over_part(found, given) if claims else found

    def _settled(self, given: Given, view: View) -> Way:
        due: list[int] = []
        others: dict[int, Cell] = {}
        lacking: set[int] = set()
        for j, (_, needs) in enumerate(self._wanted):
            absent = [name for name in needs if given[name] is None]
            if any(ROW_NEEDS[name][0] in LABELS for name in absent):
                others[j] = NOT_DUE
            elif absent and view.trace.error is None:
                others[j] = (None, *_absence(absent, view))
                if others[j][1] is Status.UNOBSERVED and _of_lists(needs):
                    lacking.add(j)
            if j not in others or j in lacking:
                due.append(j)
        settled = {j: found for j, found in others.items() if j not in lacking}
        return Way(len(self.known), tuple(due), settled, frozenset(lacking))


def _over_part(found: Cell, given: Given) -> Cell:
    """A share of claims, with the judge's reason as its note where a limit kept it from some of them."""
    value, status, note = found
    told = (text for text in given["evidence"].reasons if text.endswith(CLAIMS_LIMIT))
    return value, status, note or next(told, "")


def _unseen(metric: Metric, needs: Sequence[str], given: Given, view: View) -> Cell:
    """The system does not show what is measured: no loss where the case has nothing to measure."""
    if not _defined(metric, needs, given):
        return NOT_DUE
    return None, *_absence([name for name in needs if given[name] is None], view)


def _failed(metric: Metric, needs: Sequence[str], given: Mapping[str, Any], view: View) -> Cell:
    """The system erred: outcomes take their worst value, a crash says nothing about a stage."""
    assert view.trace.error is not None
    absent = [name for name in needs if given[name] is None]
    due = _asked(needs, absent, view) and owed(absent, view.approach)
    if not due or not _defined(metric, needs, given):
        return None, Status.NOT_APPLICABLE, ""
    worst = metric.low if metric.higher_is_better else metric.high
    value = worst if metric.outcome and math.isfinite(worst) else None
    return value, Status.SYSTEM_ERROR, view.trace.error.kind


def _asked(needs: Collection[str], absent: Collection[str], view: View) -> bool:
    """Whether the case wants JSON of a measure of JSON, and the system cites for a measure of citations."""
    return "citations" not in absent and ("parsed" not in needs or wants_json(view.case))


def owed(absent: Collection[str], approach: Approach) -> bool:
    """Whether a system of this approach has what is absent at all."""
    if approach in (Approach.PROMPT, Approach.FINETUNED):
        return not {"retrieved", "context"} & set(absent)
    return approach is not Approach.RETRIEVER or set(absent) <= {"retrieved"}


def _defined(metric: Metric, needs: Sequence[str], given: Mapping[str, Any]) -> bool:
    """False for a measure that is undefined for this case whatever the answer (no number to look for, nothing relevant)."""
    lists = _of_lists(needs)
    if not lists and any(n != "response" and ROW_NEEDS[n][0] is not Source.CASE for n in needs):
        return True
    found = stand_in(given.get("relevant") or {}) if lists else STAND_IN
    arguments = [found if ROW_NEEDS[n][0] is Source.TRACE else given[n] for n in needs]
    return computed(metric, arguments)[1] is not Status.NOT_APPLICABLE


def _of_lists(needs: Collection[str]) -> bool:
    """Whether a measure holds what was found, and nothing else, against labels of the case."""
    shown = {name for name in needs if ROW_NEEDS[name][0] is not Source.CASE}
    return bool(shown) and shown <= {"retrieved", "context"} and len(shown) < len(needs)


def stand_in(relevant: Mapping[str, int]) -> tuple[Passage, ...]:
    """A list that holds all that is labelled, and something else."""
    return tuple(Passage(doc_id=name) for name in (*relevant, STAND_IN))


def _absence(absent: Sequence[str], view: View) -> tuple[Status, str]:
    if not _asked(absent, absent, view):
        return Status.NOT_APPLICABLE, ""
    hidden = [_shown_by(name, view) for name in absent]
    hidden = [name for name in dict.fromkeys(hidden) if ROW_NEEDS[name][0] is Source.TRACE]
    if hidden:
        return unseen(hidden, view.approach)
    note = view.evidence.error if view.evidence and view.evidence.error else "no judge graded this"
    return Status.GRADER_ERROR, note


def _shown_by(name: str, view: View) -> str:
    """What the system should have shown: nothing is parsed or judged where there is no response."""
    return "response" if name in ("parsed", "evidence") and view.trace.response is None else name


def unseen(absent: Sequence[str], approach: Approach) -> tuple[Status, str]:
    """The status, and its note, where the system does not show something."""
    if not owed(absent, approach):
        return Status.NOT_APPLICABLE, ""
    return Status.UNOBSERVED, "the system does not show " + " and ".join(absent)


def computed(metric: Metric, arguments: Sequence[Any]) -> Cell:
    """What a metric says of its arguments, whatever it raises or returns."""
    try:
        value = metric.compute(*arguments)
        if value is None:
            return UNDEFINED
        number = float(value)
    except UndecidedError as error:  # unknown is no "undefined": the grade was due
        return None, Status.GRADER_ERROR, str(error)
    except Exception as error:  # noqa: BLE001 (foreign code: a metric may be anybody's)
        return None, Status.GRADER_ERROR, f"{type(error).__name__}: {error}"
    if math.isfinite(number) and metric.low - 1e-9 <= number <= metric.high + 1e-9:
        return number, Status.SCORED, ""
    return None, Status.GRADER_ERROR, f"returned {number}, outside {metric.low}..{metric.high}"
