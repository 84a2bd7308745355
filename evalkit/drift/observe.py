"""From traces to the columns that are compared: one trace a session, and everything its signals are read from."""

from __future__ import annotations

import hashlib
import inspect
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from evalkit.drift.signals import SIGNALS, Seen, Value
from evalkit.errors import InvalidInput
from evalkit.pool import block_on
from evalkit.records import Case, Evidence, Format, JsonObject, Judge, Suite, Trace
from evalkit.text.tokens import content_stems

MOST = 5_000  # units of either sample that are looked at


@dataclass(frozen=True, slots=True)
class Table:
    """One sample: a row a unit, a column a signal; ``None`` where a trace does not show it.

    ``traces`` counts what was read, ``units`` the sessions (or cases) in it; ``ids`` name the traces that stand for
    those looked at.
    """

    ids: tuple[str, ...]
    columns: Mapping[str, Sequence[Value]]
    traces: int
    units: int


def unit_of(trace: Trace) -> tuple[str, str]:
    """What a trace belongs to: its ``meta.session`` where it has one, else its case."""
    session = trace.meta.get("session")
    if session is None:
        return "case", trace.case_id
    if isinstance(session, bool) or not isinstance(session, str | int):
        raise InvalidInput("must be a string or a whole number", field="meta.session")
    return "session", str(session)


def query_of(trace: Trace, cases: Mapping[str, Case]) -> str | None:
    """The query: ``meta.query``, else that of the suite's case with the trace's ``case_id``."""
    query = trace.meta.get("query")
    if query is not None and not isinstance(query, str):
        raise InvalidInput("must be a string", field="meta.query")
    if query is None and trace.case_id in cases:
        return cases[trace.case_id].query
    return query


def one_a_unit(traces: Iterable[Trace], most: int = MOST) -> tuple[list[Trace], int]:
    """(one trace a unit, the number of units), at most ``most`` of them.

    Traces of one session are no independent evidence. Which one stands for it, and which units are looked at where
    there are more, follows from a hash of their names: it depends neither on what they say nor on the file's order.
    """
    drawn: dict[tuple[str, str], tuple[bytes, Trace]] = {}
    for trace in traces:
        unit = unit_of(trace)
        key = _hash(*unit, trace.case_id, str(trace.repeat))
        if unit not in drawn or key < drawn[unit][0]:
            drawn[unit] = key, trace
    chosen = sorted(drawn, key=lambda unit: _hash(*unit))[:most]
    return [drawn[unit][1] for unit in sorted(chosen)], len(drawn)


def _hash(*names: str) -> bytes:
    return hashlib.blake2b("\0".join(names).encode(), digest_size=16).digest()


def trace_id(trace: Trace) -> str:
    """How a trace is named in a report: its case, and the repeat where it is not the first."""
    return f"{trace.case_id}#{trace.repeat}" if trace.repeat else trace.case_id


def tables(
    baseline: Sequence[Trace], traces: Sequence[Trace], *, suite: Suite | None, judge: Judge
) -> tuple[Table, Table]:
    """Both samples as columns. Queries are compared with those of the suite, else with the baseline's."""
    cases = {case.id: case for case in suite.cases} if suite else {}
    samples = [one_a_unit(baseline), one_a_unit(traces)]
    known = _known(suite, [(unit_of(t), query_of(t, cases)) for t in samples[0][0]])
    read = _Reader(cases, Nearest(known), judge)
    first, second = (read.sample(chosen) for chosen, _ in samples)
    return (
        Table(*first, traces=len(baseline), units=samples[0][1]),
        Table(*second, traces=len(traces), units=samples[1][1]),
    )


def _known(
    suite: Suite | None, baseline: Sequence[tuple[tuple[str, str], str | None]]
) -> list[tuple[str, str]]:
    """(owner, query): a query is never compared with one of its own owner, a suite's cases by their group."""
    if suite is not None:
        return [(_owner(case), case.query) for case in suite.cases]
    return [(" ".join(unit), query) for unit, query in baseline if query]


def _owner(case: Case) -> str:
    return f"suite group {case.group}" if case.group else f"suite case {case.id}"


class _Reader:
    """Works out what the signals of a trace are read from."""

    def __init__(self, cases: Mapping[str, Case], nearest: Nearest, judge: Judge) -> None:
        self.cases, self.nearest, self.judge = cases, nearest, judge
        self.common = _common(cases.values())

    def sample(self, traces: Sequence[Trace]) -> tuple[tuple[str, ...], dict[str, list[Value]]]:
        """The names of the traces, and their columns."""
        seen = [self.seen(trace) for trace in traces]
        columns = {signal.name: [signal.read(one) for one in seen] for signal in SIGNALS}
        return tuple(map(trace_id, traces)), columns

    def seen(self, trace: Trace) -> Seen:
        query = query_of(trace, self.cases)
        case = self.cases.get(trace.case_id)
        schema, form = (case.schema, case.format) if case else self.common
        return Seen(
            trace=trace,
            query=query,
            similarity=None if query is None else self._similarity(trace, case, query),
            evidence=self._evidence(trace, query or ""),
            schema=schema,
            format=form,
        )

    def _similarity(self, trace: Trace, case: Case | None, query: str) -> float | None:
        return self.nearest.similarity(query, _owner(case) if case else " ".join(unit_of(trace)))

    def _evidence(self, trace: Trace, query: str) -> Evidence | None:
        if trace.error is not None or trace.response is None or trace.context is None:
            return None
        given = self.judge.judge(Case(id=trace.case_id, query=query), trace)
        return block_on(_awaited(given), instead="...") if inspect.isawaitable(given) else given


async def _awaited(given: object) -> Evidence:
    found: Evidence = await given  # type: ignore[misc]
    return found


def _common(cases: Iterable[Case]) -> tuple[JsonObject | None, Format | None]:
    """The schema and the format of queries that are no cases: the suite's, where all its cases share one."""
    shapes = [(case.schema, case.format) for case in cases]
    return shapes[0] if shapes and all(shape == shapes[0] for shape in shapes) else (None, None)


class Nearest:
    """How like a query is the nearest of the known ones: the cosine of their stems, weighted by rarity.

    0 is no word in common, 1 the same content words. A word that no known query has weighs as the rarest does.
    """

    def __init__(self, known: Sequence[tuple[str, str]]) -> None:
        self.owners = np.array([owner for owner, _ in known], dtype=object)
        self.asked = set(known)
        bags = [frozenset(content_stems(query)) for _, query in known]
        counts = Counter(stem for bag in bags for stem in bag)
        self.unknown = math.log1p(len(bags))
        self.rarity = {stem: math.log1p(len(bags) / n) for stem, n in counts.items()}
        holding: dict[str, list[int]] = {}
        for i, bag in enumerate(bags):
            for stem in bag:
                holding.setdefault(stem, []).append(i)
        self.holding = {stem: np.array(found) for stem, found in holding.items()}
        self.lengths = np.array([max(self._length(bag), 1e-9) for bag in bags])

    def _length(self, bag: Iterable[str]) -> float:
        return math.sqrt(math.fsum(self.rarity.get(stem, self.unknown) ** 2 for stem in bag))

    def similarity(self, query: str, owner: str) -> float | None:
        """0..1; ``None`` where the query has no word or nothing is known.

        A query that ``owner`` itself asked is not compared with the queries of ``owner``.
        """
        bag = sorted(frozenset(content_stems(query)))
        others = self.owners != (owner if (owner, query) in self.asked else None)
        if not bag or not others.any():
            return None
        shared = np.zeros(len(self.owners))
        for stem in bag:
            if stem in self.holding:
                shared[self.holding[stem]] += self.rarity[stem] ** 2
        found = shared / (self.lengths * self._length(bag))
        return min(1.0, float(found[others].max()))
