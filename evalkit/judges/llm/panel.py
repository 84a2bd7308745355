"""Several judges as one: the majority counts, and who dissents is said."""

from __future__ import annotations

from collections.abc import Sequence

from evalkit.adapters.options import digest
from evalkit.judge import judge_traces
from evalkit.judges.llm.grading import Grading
from evalkit.judges.llm.judge import LlmJudge, together
from evalkit.judges.llm.panel_grades import metrics_of_members, with_grades
from evalkit.judges.llm.vote import vote
from evalkit.judges.spending import (
    Expected,
    Purse,
    Spending,
    ask_anew,
    expected_of,
    pay_from,
    sum_of,
)
from evalkit.records import Case, Evidence, Judge, Trace

DEFAULT = 8  # traces at a time where no member says


class PanelJudge:
    """Asks every member about each trace; words and truths need a majority, numbers are the median.

    Members may be any judges. There is evidence as long as more than half of them give some. ``metrics`` are those
    that members bring, such as ragas's: their grades are the medians of the members that give them.
    """

    def __init__(self, members: Sequence[Judge]) -> None:
        self.members = tuple(members)
        self.metrics = metrics_of_members(self.members)
        self.name = f"panel of {', '.join(member.name for member in self.members)}"
        self.fingerprint = f"panel/1 {digest([member.fingerprint for member in self.members])}"
        at_a_time = (getattr(member, "concurrency", None) for member in self.members)
        self.concurrency = min((n for n in at_a_time if n), default=DEFAULT)

    def calls_for(self, case: Case, trace: Trace) -> int:
        """Calls of all members together, at most where one tells a range; one that does not tell makes none."""
        counts = (m.calls_for(case, trace) for m in self.members if hasattr(m, "calls_for"))
        return sum(int(getattr(count, "most", count)) for count in counts)

    @property
    def parts(self) -> dict[str, str]:
        """What the fingerprint stands for, member by member."""
        found = {"name": self.name}
        for number, member in enumerate(self.members, start=1):
            given = getattr(member, "parts", {"name": member.name})
            found |= {f"member {number} {name}": value for name, value in given.items()}
        return found

    @property
    def spending(self) -> Spending:
        """Calls, tokens and money of all members so far."""
        return sum_of(self.members)

    def expected(self, case: Case, trace: Trace) -> Expected:
        """What all members together are expected to take for the trace."""
        return sum((expected_of(m, case, trace) for m in self.members), Expected())

    def ask_anew(self, number: int) -> None:
        """Let no member that remembers its replies take them from another round than ``number``."""
        for member in self.members:
            ask_anew(member, number)

    def pay_from(self, purse: Purse | None) -> None:
        """Let all members take their calls from one purse."""
        for member in self.members:
            pay_from(member, purse)

    async def judge(self, case: Case, trace: Trace) -> Evidence:
        """Evidence about one trace."""

        async def one(number: int) -> Grading:
            return await _grading(self.members[number], case, trace)

        gradings = await together(len(self.members), one)
        evidence = vote(self.name, gradings, "judge").shown()
        return with_grades(evidence, self.members, [grading.evidence for grading in gradings])

    async def aclose(self) -> None:
        """Close all members that can be closed."""
        for member in self.members:
            close = getattr(member, "aclose", None)
            if close is not None:
                await close()


async def _grading(member: Judge, case: Case, trace: Trace) -> Grading:
    if isinstance(member, LlmJudge):
        return await member.grade(case, trace)
    found = (await judge_traces({trace.case_id: case}, [trace], member, concurrency=1))[0]
    return Grading(found or Evidence(member.name))
