"""The ragas judge: another judge's evidence, and the grades of ragas's metrics beside it."""

from __future__ import annotations

import asyncio
import inspect
from pathlib import Path

from evalkit.adapters.options import digest
from evalkit.adapters.transport import PostJson
from evalkit.judges.embedded import EmbeddedJudge
from evalkit.judges.llm.under_way import UnderWay
from evalkit.judges.ragas.calls import JudgeCalls
from evalkit.judges.ragas.grades import evidence_of
from evalkit.judges.ragas.grading import grade_of
from evalkit.judges.ragas.library import installed, library_of, load
from evalkit.judges.ragas.measures import CallCount, Measure, calls_for, chosen, samples_of
from evalkit.judges.ragas.metrics import metrics_of
from evalkit.judges.ragas.model import GradingEmbeddings, GradingModel
from evalkit.judges.ragas.record import FILE, CallRecord
from evalkit.judges.ragas.settings import Settings
from evalkit.judges.ragas.spent import Spent
from evalkit.judges.spending import (
    Expected,
    Purse,
    Spending,
    ask_anew,
    expected_of,
    pay_from,
    priced,
    spending_of,
    tokens_of,
)
from evalkit.judges.standing import given_up_of, stopped_of
from evalkit.records import AS_IS, Case, Evidence, Judge, Metric, Trace

REPLY_TOKENS = 150  # of a reply as a rule: some statements with a reason each


class RagasJudge:
    """Grades answers with metrics of ragas; every call goes through evalkit's own layer to one endpoint.

    ``inner`` gives the evidence that ragas does not have (claims, equivalence, refusals), the embedded judge by
    default. ``cache`` and ``record`` are folders for a file of calls each (neither: memory); ``offline`` makes no call.
    ``metrics`` are the entries for the shelf of metrics, ``concurrency`` how many answers are worth grading at a time.
    Use it in one event loop at a time, and close it. Raises ``InvalidInput`` where ragas is not to be had or a metric
    is unknown, ``EndpointUnusable`` without a key.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        inner: Judge | None = None,
        cache: Path | None = None,
        record: Path | None = None,
        offline: bool = False,
        transport: PostJson | None = None,
    ) -> None:
        self.settings, self.name = settings, settings.name
        embeds = settings.embedding_model is not None
        self.measures = chosen(settings.metrics, settings.critics, embeddings=embeds)
        self.metrics: tuple[Metric, ...] = metrics_of(self.measures)
        self.concurrency = settings.concurrency or 16
        self._inner: Judge = inner or EmbeddedJudge()
        means = digest(settings.fingerprint(), installed(), self._inner.fingerprint)
        self.fingerprint = f"ragas-{installed()} {settings.model} {means}"
        self.parts = {
            **settings.parts(),
            "ragas": str(installed()),
            "inner": self._inner.fingerprint,
        }
        load()
        files = dict.fromkeys(
            (settings.record, *(folder and folder / FILE for folder in (cache, record)))
        )
        records = [CallRecord(file) for file in files if file is not None] or [CallRecord()]
        noted = None if record is None or offline else UnderWay(record)
        self._calls = JudgeCalls(
            settings, records, transport=transport, offline=offline, under_way=noted
        )
        model, embeddings = GradingModel(self._calls), GradingEmbeddings(self._calls)
        self._library = library_of(self.measures, model, embeddings)

    @property
    def spent(self) -> Spent:
        """Calls, tokens and money used so far."""
        return self._calls.spent

    @property
    def spending(self) -> Spending:
        """The same with the inner judge's, in the words that all judges share."""
        return self.spent.total() + (spending_of(self._inner) or Spending())

    @property
    def down(self) -> bool:
        """Whether an endpoint was given up because it only failed."""
        return self._calls.down or bool(getattr(self._inner, "down", False))

    @property
    def stopped(self) -> str | None:
        """Why the inner judge, whose evidence counts, is asked no more."""
        return stopped_of(self._inner)

    @property
    def given_up(self) -> str | None:
        """Why answers have no grade of ragas's, or no evidence."""
        return self._calls.streak.given_up or given_up_of(self._inner)

    def ask_anew(self, number: int) -> None:
        """From now on take no answer from another round than ``number``: a check of how steady the judge is wants its own."""
        self._calls.round = number
        ask_anew(self._inner, number)

    def pay_from(self, purse: Purse | None) -> None:
        """Take every call from ``purse`` first; what it refuses is not graded."""
        self._calls.purse = purse
        pay_from(self._inner, purse)

    def expected(self, case: Case, trace: Trace) -> Expected:
        """What grading the answer is expected to take, nothing saved by the record."""
        inner = expected_of(self._inner, case, trace)
        if trace.condition != AS_IS and not self.settings.probes:
            return inner
        return sum((self._expected(m, case, trace) for m in self.measures), inner)

    def _expected(self, measure: Measure, case: Case, trace: Trace) -> Expected:
        count, samples = calls_for(measure, case, trace), samples_of(measure, case, trace)
        if isinstance(samples, str):
            return Expected()
        calls = (count.least + count.most) // 2
        shown = tokens_of(repr(samples[0])) + self._library.constant_tokens(measure)
        prompt, reply = calls * shown, calls * REPLY_TOKENS
        least, most = count.least + count.embeddings, count.most + count.embeddings
        return Expected(least, most, prompt, reply, priced(prompt, reply, self.settings.price))

    async def judge(self, case: Case, trace: Trace) -> Evidence:
        """The inner judge's evidence with one grade a metric; answers to probes are not graded unless told to."""
        given = self._inner.judge(case, trace)
        evidence = await given if inspect.isawaitable(given) else given
        if trace.condition != AS_IS and not self.settings.probes:
            return evidence
        if len(self.measures) == 1:
            grades = [await grade_of(self.measures[0], case, trace, self._library, self._calls)]
        else:
            grading = (grade_of(m, case, trace, self._library, self._calls) for m in self.measures)
            grades = await asyncio.gather(*grading)
        return evidence_of(evidence, grades)

    def calls_for(self, case: Case, trace: Trace | None = None) -> CallCount:
        """The calls that grading one answer takes, all metrics together; see ``measures.calls_for``."""
        counts = [calls_for(measure, case, trace) for measure in self.measures]
        return CallCount(
            sum(count.least for count in counts),
            sum(count.most for count in counts),
            sum(count.embeddings for count in counts),
        )

    async def aclose(self) -> None:
        """Close the connections and the record, the inner judge's too; a second call does nothing."""
        await self._calls.aclose()
        close = getattr(self._inner, "aclose", None)
        if close is not None:
            await close()
