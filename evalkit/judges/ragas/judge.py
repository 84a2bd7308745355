"""The ragas judge: another judge's evidence, and the grades of ragas's metrics beside it."""

from __future__ import annotations

import asyncio
import inspect
from pathlib import Path

from evalkit.adapters.options import digest
from evalkit.adapters.transport import PostJson
from evalkit.judges.embedded import EmbeddedJudge
from evalkit.judges.ragas.calls import JudgeCalls, Spent
from evalkit.judges.ragas.grades import evidence_of
from evalkit.judges.ragas.grading import grade_of
from evalkit.judges.ragas.library import installed, library_of, load
from evalkit.judges.ragas.measures import CallCount, calls_for, chosen
from evalkit.judges.ragas.metrics import metrics_of
from evalkit.judges.ragas.model import GradingEmbeddings, GradingModel
from evalkit.judges.ragas.record import FILE, CallRecord
from evalkit.judges.ragas.settings import Settings
from evalkit.records import AS_IS, Case, Evidence, Judge, Metric, Trace


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
        load()
        files = dict.fromkeys(
            (settings.record, *(folder and folder / FILE for folder in (cache, record)))
        )
        records = [CallRecord(file) for file in files if file is not None] or [CallRecord()]
        self._calls = JudgeCalls(settings, records, transport=transport, offline=offline)
        model, embeddings = GradingModel(self._calls), GradingEmbeddings(self._calls)
        self._library = library_of(self.measures, model, embeddings)

    @property
    def spent(self) -> Spent:
        """Calls, tokens and money used so far."""
        return self._calls.spent

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
