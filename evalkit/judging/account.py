"""The judge of a run under way: what it is expected to take, what it may spend, and what it has said already."""

from __future__ import annotations

import inspect
import random
from collections.abc import Iterable, Mapping, MutableMapping, Sequence
from dataclasses import replace
from typing import Any

from evalkit.budget import Budget
from evalkit.errors import InvalidInput
from evalkit.grade import Graded
from evalkit.judge import received
from evalkit.judges.spending import Expected, Spending, expected_of, pay_from, spending_of
from evalkit.judges.standing import given_up_of, stopped_of
from evalkit.records import AS_IS, Approach, Case, Evidence, Judge, Passage, Suite, Trace

Key = tuple[str, str, str, int]
Aside = tuple[int, float]

JUDGE = "the judge"  # what ends probing where no verdict is to be had
NOTHING: Aside = (0, 0.0)
SAMPLE = 300  # answers an estimate is drawn from
TYPICAL = 400  # characters of an answer or a passage of which nothing is known
LONGEST = 2000  # characters of a document that a passage is thought to hold


class Account:
    """One judge in one run. ``evidence`` is what it said of each answer, by key: nothing is asked twice."""

    def __init__(
        self, judge: Judge, suite: Suite, evidence: MutableMapping[Key, Evidence | None]
    ) -> None:
        self.inner, self.suite, self.evidence = judge, suite, evidence
        self.name, self.fingerprint = judge.name, judge.fingerprint
        self.concurrency = int(getattr(judge, "concurrency", None) or 8)
        self.by_judge: dict[str, Graded] = {}  # by system, where people's verdicts replace some
        self.purse: Budget | None = None
        self._budget: Budget | None = None
        self._kept: dict[Key, Aside] = {}
        self._due: dict[tuple[str, bool], Aside] = {}

    # --- grading -----------------------------------------------------------------------------

    async def judge(self, case: Case, trace: Trace) -> Evidence:
        """What the judge says of the trace, or said before; what was put aside for it may now be spent."""
        key = (trace.system, trace.case_id, trace.condition, trace.repeat)
        self.let_go(key)
        known = self.evidence.get(key)
        if known is not None:
            return known
        given = self.inner.judge(case, trace)
        found = received(self.inner, await given if inspect.isawaitable(given) else given)
        self.evidence[key] = found
        if self._budget is not None and stopped_of(self.inner) is not None:
            self._budget.stop(JUDGE)  # an answer that nobody judges proves no cause
        return found

    # --- the budget --------------------------------------------------------------------------

    def pay_from(self, budget: Budget) -> None:
        """Let the judge's calls count against the limits of ``budget``, at a price of their own.

        ``InvalidInput`` where a limit of cost is set and the judge's calls have no known price.
        """
        if not hasattr(self.inner, "pay_from"):
            return
        self._budget, self.purse = budget, budget.beside()
        case = next(iter(self.suite.cases), None)
        one = Expected() if case is None else expected_of(self.inner, case, self.stand_in(case))
        if budget.max_cost is not None and one.calls:
            if one.cost is None:
                message = f"a limit of cost holds for the judge too, and {self.name} has no price"
                raise InvalidInput(message, field="judge", hint="give price in the judge's file")
            self.purse.assume(one.cost / one.calls)
        pay_from(self.inner, self.purse)

    def aside(self, case: Case, approach: Approach) -> Aside:
        """Calls and cost to keep for judging the answer to a case that is about to be asked."""
        if self.purse is None:
            return NOTHING
        place = case.id, approach in (Approach.RAG, Approach.HYBRID)
        if place not in self._due:
            one = expected_of(self.inner, case, self.stand_in(case, passages=place[1]))
            self._due[place] = one.calls, one.cost or 0.0
        return self._due[place]

    def kept(self, key: Key, aside: Aside) -> None:
        """Remember what was put aside for an answer."""
        self._kept[key] = aside

    def let_go(self, key: Key) -> None:
        """What was put aside for an answer is free again: it is judged now, or there is none."""
        calls, cost = self._kept.pop(key, NOTHING)
        if self._budget is not None and (calls or cost):
            self._budget.put_aside(-calls, -cost)

    @property
    def stopped(self) -> str | None:
        """Which limit kept the judge from an answer; None where none did."""
        return None if self.purse is None else self.purse.refused

    @property
    def given_up(self) -> str | None:
        """Why answers are left without a verdict: who gave nothing usable, and what came instead; None where none is."""
        return given_up_of(self.inner)

    @property
    def spending(self) -> Spending | None:
        """What the judge has spent; None for one that keeps no account."""
        return spending_of(self.inner)

    # --- the estimate ------------------------------------------------------------------------

    def expected(
        self, jobs: Iterable[tuple[Case, Approach]], traces: Sequence[Trace] = ()
    ) -> tuple[int, Expected]:
        """How many answers there will be to judge, and what that takes; exact counts up to ``SAMPLE`` answers.

        ``jobs`` are not asked yet: their answers are taken to be like the reference, over passages like the corpus's.
        """
        if not hasattr(self.inner, "calls_for"):
            return 0, Expected()
        cases: Mapping[str, Case] = {case.id: case for case in self.suite.cases}
        pairs: list[tuple[Case, Trace | Approach]] = [*jobs]
        pairs += [(cases[t.case_id], t) for t in traces if t.response is not None]
        sample = random.Random(0).sample(pairs, min(SAMPLE, len(pairs)))
        found = sum((self._one(case, of) for case, of in sample), Expected())
        return len(pairs), found.times(len(pairs) / max(1, len(sample)))

    def of_probes(self, calls: int) -> Expected:
        """What judging the answers to so many probes takes, most of which are answers."""
        if not hasattr(self.inner, "calls_for"):
            return Expected()
        cases = random.Random(0).sample(self.suite.cases, min(SAMPLE // 10, len(self.suite.cases)))
        probes = ((case, replace(self.stand_in(case), condition="probe")) for case in cases)
        found = sum((expected_of(self.inner, case, trace) for case, trace in probes), Expected())
        return found.times(calls / max(1, len(cases)))

    def _one(self, case: Case, of: Trace | Approach) -> Expected:
        if isinstance(of, Trace):
            return expected_of(self.inner, case, of)
        passages = of in (Approach.RAG, Approach.HYBRID)
        return expected_of(self.inner, case, self.stand_in(case, passages=passages))

    def stand_in(self, case: Case, *, passages: bool = True) -> Trace:
        """An answer like the one to come: as long as the reference, with as many passages as the suite's k."""
        points = " ".join(point.text for point in case.key_points or ())
        answer = next(iter(case.reference or ()), "") or points or "x" * TYPICAL
        context = tuple(self._passages(case)) if passages else None
        return Trace(response=answer, context=context, case_id=case.id, condition=AS_IS)

    def _passages(self, case: Case) -> Iterable[Passage]:
        corpus = self.suite.corpus
        gold = [
            corpus[d] for d, grade in (case.relevant or {}).items() if grade > 0 and d in corpus
        ]
        others = (d for d in corpus.values() if d not in gold)
        shown = [*gold, *(d for d, _ in zip(others, range(self.suite.k), strict=False))]
        for place in range(self.suite.k):
            if place < len(shown):
                document = shown[place]
                yield Passage(document.doc_id, text=document.text[:LONGEST], title=document.title)
            else:
                yield Passage(f"passage {place}", text="x" * TYPICAL)


def told_expected(name: str, answers: int, expected: Expected) -> str | None:
    """The estimate in words; None for a judge that makes no call."""
    if not expected.most:
        return None
    takes = f"{answers:,} answer takes" if answers == 1 else f"{answers:,} answers take"
    return f"judge {name}: {takes} {told_effort(expected)}; answers to probes come on top"


def told_effort(expected: Expected) -> str:
    """Calls, tokens and cost in words."""
    calls = f"{expected.calls:,}"
    if expected.most > expected.calls:
        calls += f" to {expected.most:,}"
    tokens = expected.prompt_tokens + expected.completion_tokens
    cost = "unknown (the judge's file gives no price)"
    if expected.cost is not None:
        cost = f"about {expected.cost:.2f}"
    return f"{calls} calls, about {tokens:,} tokens, cost {cost}"


def spending_json(spent: Spending) -> dict[str, Any]:
    """The account as JSON: totals with the number of calls that tell them; null where none does."""

    def total(value: float, missing: int) -> dict[str, Any]:
        n = spent.calls - missing
        known = n > 0 or spent.calls == 0
        return {"total": value if known else None, "n": n, "of": spent.calls}

    return {
        "calls": spent.calls,
        "from_cache": spent.from_cache,
        "prompt_tokens": total(spent.prompt_tokens, spent.untold),
        "completion_tokens": total(spent.completion_tokens, spent.untold),
        "cost": total(spent.cost, spent.unpriced),
    }
