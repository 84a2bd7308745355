"""Several judges as one: the majority counts, and who dissents is said."""

from __future__ import annotations

from collections.abc import Sequence

from evalkit.adapters.options import digest
from evalkit.errors import EndpointUnusable
from evalkit.judge import judge_traces
from evalkit.judges.llm.grading import Grading
from evalkit.judges.llm.judge import LlmJudge, together
from evalkit.judges.llm.panel_grades import metrics_of_members, with_grades
from evalkit.judges.llm.vote import vote
from evalkit.judges.replied import Models, added_models, models_of
from evalkit.judges.spending import (
    Expected,
    Purse,
    Spending,
    ask_anew,
    expected_of,
    pay_from,
    sum_of,
)
from evalkit.judges.standing import Member, given_up_of
from evalkit.records import Case, Evidence, Judge, Trace

DEFAULT = 8  # traces at a time where no member says


class PanelJudge:
    """Asks every member about each trace; words and truths need a majority, numbers are the median.

    Members may be any judges. There is evidence as long as more than half of them give some: one whose endpoint is
    down, or whose replies are of no use, leaves the others at work; once half of them are lost nobody is asked any
    more. A refused key ends the run. ``metrics`` are those that members bring, such as ragas's: their grades are the
    medians of the members that give them. ``troubles`` says which members failed.
    """

    def __init__(self, members: Sequence[Judge]) -> None:
        self.members = tuple(members)
        self._standing = [Member(member) for member in self.members]
        self._spared = 0
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

    @property
    def models(self) -> Models:
        """Which models the replies to the members have named so far."""
        return added_models(map(models_of, self.members))

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

    @property
    def stopped(self) -> str | None:
        """Why there is no majority any more; None while there may be one."""
        lost = [why for member in self._standing if (why := member.stopped) is not None]
        if 2 * len(lost) < len(self.members):
            return None
        return (
            f"{len(lost)} of {len(self.members)} judges of the panel are lost, the first: {lost[0]}"
        )

    @property
    def given_up(self) -> str | None:
        """Why answers have no verdict of the panel's."""
        left_out = self._spared or any(given_up_of(member) for member in self.members)
        return self.stopped if left_out else None

    @property
    def troubles(self) -> tuple[str, ...]:
        """A sentence for each member that failed."""
        return tuple(text for member in self._standing for text in member.told())

    async def judge(self, case: Case, trace: Trace) -> Evidence:
        """Evidence about one trace."""
        if (lost := self.stopped) is not None:
            self._spared += 1
            return Evidence(self.name, error=f"not judged: {lost}")

        async def one(number: int) -> Grading:
            return await _noted(self._standing[number], case, trace)

        gradings = await together(len(self.members), one)
        evidence = vote(self.name, gradings, "judge").shown()
        return with_grades(evidence, self.members, [grading.evidence for grading in gradings])

    async def aclose(self) -> None:
        """Close all members that can be closed."""
        for member in self.members:
            close = getattr(member, "aclose", None)
            if close is not None:
                await close()


async def _noted(member: Member, case: Case, trace: Trace) -> Grading:
    """What a member says, an error where its endpoint is down; a refused key is for the user to mend at once."""
    try:
        found = await _grading(member.judge, case, trace)
    except EndpointUnusable as error:
        if not getattr(member.judge, "down", False):
            raise
        member.down = str(error)
        found = Grading(Evidence(member.judge.name, error=str(error)))
    member.note(found.evidence.error)
    return found


async def _grading(member: Judge, case: Case, trace: Trace) -> Grading:
    if isinstance(member, LlmJudge):
        return await member.grade(case, trace)
    found = (await judge_traces({trace.case_id: case}, [trace], member, concurrency=1))[0]
    return Grading(found or Evidence(member.name))
