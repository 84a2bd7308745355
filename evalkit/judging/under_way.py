"""Judging in a run under way: told before it begins, paid with the questions, replaced where people said otherwise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from evalkit.ask import Job
from evalkit.budget import Budget
from evalkit.diagnosis import SystemDiagnosis
from evalkit.errors import BudgetExceeded, EndpointUnusable, Stopped
from evalkit.grade import Graded, grade
from evalkit.judges.spending import Spending
from evalkit.judging.account import JUDGE, NOTHING, Account, told_effort, told_expected
from evalkit.judging.human import with_verdicts
from evalkit.judging.judged import Judged, Replaced, Reviews, all_rates, replaced_in
from evalkit.records import Case, Metric, Trace


class Judging(Account):
    """The account of a run's judge, with ``reviews``, people's verdicts that take the place of the judge's."""

    reviews: Reviews | None = None

    def affords(self, job: Job, budget: Budget) -> bool:
        """Whether a question may be put, and its answer judged; both are then paid for."""
        aside = self.aside(job.case, job.system.approach)
        if not budget.take(1, aside):
            return False
        if aside != NOTHING:
            self.kept(job.key, aside)
        return True

    def answered(self, trace: Trace) -> None:
        """Nothing needs to be kept for an answer that is none."""
        if trace.response is None:
            self.let_go((trace.system, trace.case_id, trace.condition, trace.repeat))

    def told(self, jobs: Sequence[Job], traces: Sequence[Trace]) -> str | None:
        """What judging the answers to ``jobs``, and those that are there, is expected to take; None for nothing."""
        asked = [(job.case, job.system.approach) for job in jobs]
        return told_expected(self.name, *self.expected(asked, traces))

    def told_probes(self, calls: int) -> str:
        """The same for so many probes, as the end of a sentence."""
        expected = self.of_probes(calls)
        return f"; judging them {told_effort(expected)} at most" if expected.most else ""

    def unjudged(self) -> Stopped | None:
        """What to raise where replies that were of no use, or a limit, kept the judge from answers.

        They are grader errors until the run goes on.
        """
        found = [one for one in self.evidence.values() if one is not None]
        failed = sum(one.error is not None for one in found)
        if self.given_up is not None:
            ungraded = sum(any(g.error for g in getattr(one, "grades", ())) for one in found)
            return EndpointUnusable(
                f"{self.given_up}; {max(failed, ungraded)} answers are not judged; "
                "all answers are kept: mend the judge, or name another, and run again with the same --out"
            )
        if self.stopped is None:
            return None
        return BudgetExceeded(
            f"the judge stopped at the limit of {self.stopped}: {failed} answers are not judged; "
            "raise it and run again with the same --out"
        )

    def by_people(
        self, graded: Graded, metrics: Sequence[Metric], cases: Mapping[str, Case]
    ) -> Graded:
        """The same with people's verdicts in place of the judge's; what the judge said is kept beside."""
        if self.reviews is None:
            return graded
        self.by_judge[graded.system] = graded
        evidence = with_verdicts(graded.traces, graded.evidence, self.reviews.by_key, cases)
        return grade(self.suite, graded.system, graded.approach, graded.traces, evidence, metrics)

    def recipe(self) -> dict[str, str]:
        """What grades depend on beside the judge."""
        if self.reviews is None:
            return {}
        return {
            "reviewed": f"{self.reviews.digest}, {len(self.reviews.verdicts)} verdicts of people"
        }

    def summed_up(
        self, found: Mapping[str, SystemDiagnosis], spent: Spending | None, folder: Path | None
    ) -> Judged:
        """How the run was judged, people's part and corrected rates included."""
        own = {name: self.by_judge.get(name, one.graded) for name, one in found.items()}
        return Judged(
            self.inner.name,
            self.inner.fingerprint,
            getattr(self.inner, "parts", {}),
            spent,
            self.reviews,
            self._replaced(found),
            all_rates(self.suite, own, self.inner, self.reviews, folder),
        )

    def _replaced(self, found: Mapping[str, SystemDiagnosis]) -> dict[str, Replaced]:
        both = ((name, self.by_judge.get(name), one.graded) for name, one in found.items())
        return {name: replaced_in(was, now) for name, was, now in both if was is not None}


def told_end(limit: str) -> str:
    """What ended probing before its time, in words."""
    if limit == JUDGE:
        return "probing stopped: nobody is left who could judge its answers"
    return f"probing stopped at the limit of {limit}"
