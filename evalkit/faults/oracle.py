"""A known-good RAG system that knows the labels: what every injected fault is measured against."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from evalkit.faults.corrupt import misread
from evalkit.faults.drafts import draft, ideal
from evalkit.faults.edits import apply, follow
from evalkit.faults.labels import Cases, dice, gold_of, points_of, shows
from evalkit.faults.stocks import FAMILIAR, stock_named
from evalkit.records import (
    Approach,
    Capability,
    Case,
    Document,
    Expected,
    Outcome,
    Passage,
    Question,
    Suite,
)
from evalkit.retrievers import Retriever, build_retriever

STRAY = 40  # passages asked beyond the number wanted, so that gold and stale ones can be taken out


class OracleSystem:
    """Finds the gold documents within the first ranks and says what the passages it is given support.

    It stands in for a healthy system, so it may look at the labels; its answers still follow causally from
    the passages: without the evidence sentence of a key point it does not state that point, with none
    it refuses; where a passage was edited, it says what the passage says. ``seed`` chooses ranks and
    wordings; ``depth`` is how many candidates its answers show (None: the suite's pool), of which the first
    ``question.k`` reach the prompt. Without any passage it answers a share ``memory`` of the cases from
    memory, every other one of them wrongly. ``stock`` names the phrases that it speaks with.
    """

    approach = Approach.RAG
    capabilities = frozenset(
        {Capability.ASK, Capability.RETRIEVE, Capability.GENERATE, Capability.LOOKUP}
    )

    def __init__(
        self,
        suite: Suite,
        *,
        name: str = "oracle",
        seed: int = 0,
        depth: int | None = None,
        memory: float = 0.0,
        stock: str = FAMILIAR,
    ) -> None:
        self.name = name
        self.depth = suite.pool if depth is None else depth
        spoken = "" if stock == FAMILIAR else f" {stock}"
        self.fingerprint = f"oracle {suite.digest} {seed} {self.depth} {memory}{spoken}"
        self._phrases = stock_named(stock)
        self._memory = memory
        self._suite, self._seed, self._cases = suite, seed, Cases(suite)
        options = {"kind": "bm25", "chunk": {"by": "document"}, "current_only": True}
        self._index: Retriever = build_retriever({**options, "enforce_access": True}, suite.corpus)

    async def ask(self, question: Question) -> Outcome:
        """Retrieve ``depth`` candidates and answer from the first ``question.k`` of them."""
        found = await self.retrieve(replace(question, k=max(question.k, self.depth)))
        outcome = await self.generate(question, found[: question.k])
        return replace(outcome, retrieved=found)

    async def retrieve(self, question: Question) -> tuple[Passage, ...]:
        """Gold among the first ranks, real candidates of BM25 around it."""
        case = self._cases.find(question)
        ranked = self._index.retrieve(question.query, question.k + STRAY, question.principal)
        if case is None:
            return tuple(ranked[: question.k])
        hidden = {*gold_of(case), *(case.forbidden or ())}
        others = [p for p in ranked if p.doc_id not in hidden]
        return tuple(self._with_gold(case, others)[: question.k])

    def _with_gold(self, case: Case, others: Sequence[Passage]) -> list[Passage]:
        """Gold at chance places within the suite's k; what exceeds k is left to the end."""
        gold = [self._passage(self._suite.corpus[d]) for d in _needed(case, self._suite)]
        random = dice(self._seed, "rank", case.id)
        width = min(self._suite.k, len(gold) + len(others))
        places = sorted(random.sample(range(width), min(len(gold), width)))
        listed = list(others)
        for place, passage in zip(places, gold, strict=False):
            listed.insert(place, passage)
        return [*listed, *gold[len(places) :]]

    def _passage(self, document: Document) -> Passage:
        return Passage(document.doc_id, f"{document.doc_id}#0", document.text, document.title)

    async def generate(self, question: Question, passages: Sequence[Passage]) -> Outcome:
        """What the passages support of the right answer, cited; a refusal when that is nothing."""
        case = self._cases.find(question)
        random = dice(self._seed, "words", question.query, question.repeat)
        if case is None:
            case = Case(question.query, question.query, expected=Expected.REFUSE)
        if not passages and (known := self._remembered(case)):
            return Outcome(known, None, (), (), "answer")
        read, edited = follow(passages, self._suite.corpus)
        said = draft(case, read, self._suite.corpus, random, self._phrases)
        action = "refuse" if said.refused else ("retrieve" if said.documents else "answer")
        text = apply(edited, said.text)
        return Outcome(text, None, tuple(passages), said.documents, action)

    def _remembered(self, case: Case) -> str | None:
        """What the model knows of an answerable case by itself, right or wrong; mostly nothing."""
        random = dice(self._seed, "memory", case.id)
        if not gold_of(case) or random.random() >= self._memory:
            return None
        right = random.random() < 0.5
        if right:
            return ideal(case)
        return misread(ideal(case), case, self._suite, random, self._phrases)

    async def lookup(self, doc_id: str) -> bool:
        """Every document of the corpus is in the index."""
        return doc_id in self._suite.corpus

    async def aclose(self) -> None:
        """Nothing to close."""


def _needed(case: Case, suite: Suite) -> list[str]:
    """The gold documents, those that together support the answer first."""
    gold = [d for d in gold_of(case) if d in suite.corpus]
    first: list[str] = []
    for point in points_of(case):
        held = [d for d in point.evidence if d in gold]
        if held and not set(held) & set(first):
            first.append(next((d for d in held if _tells(suite, d, point.text)), held[0]))
    return [*first, *(d for d in gold if d not in first)]


def _tells(suite: Suite, doc_id: str, statement: str) -> bool:
    document = suite.corpus[doc_id]
    return shows([Passage(doc_id, text=document.text)], document, statement)
