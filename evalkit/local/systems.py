"""The embedded systems as plain Python objects, in the shape any user's own system has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from evalkit.local.answering import fit_budget
from evalkit.local.conversation import Turn
from evalkit.local.request import Request, Written
from evalkit.local.sampling import seeded
from evalkit.local.skills import Skills
from evalkit.local.usage import ESTIMATED, estimated_usage
from evalkit.records import JsonObject, Outcome, Passage
from evalkit.retrievers import Retriever


@dataclass(frozen=True, slots=True)
class Model:
    """The generator: skills, a seed and a context budget in characters (``None`` is no bound)."""

    skills: Skills
    seed: int = 0
    budget: int | None = None

    def answer(
        self, request: Request, passages: Sequence[Passage] | None, budget: int | None
    ) -> Outcome:
        """The outcome of one call; ``passages`` of ``None`` means there is no context at all."""
        used = None
        if passages is not None:
            used = fit_budget(passages, self.budget if budget is None else budget)
        chance = seeded(self.seed, request.seed, request.query, request.repeat)
        written: Written = self.skills.respond(request, used or (), chance)
        return Outcome(
            response=written.text,
            context=used,
            citations=written.cited,
            action="refuse" if written.refused else "retrieve" if used else "answer",
            usage=estimated_usage(request.query, used or (), written.text),
            meta=ESTIMATED,
        )


class ModelAlone:
    """A system without retrieval (prompt only, fine-tuned); it can still be handed passages."""

    def __init__(self, model: Model) -> None:
        self._model = model

    def ask(
        self,
        query: str,
        *,
        repeat: int = 0,
        seed: int = 0,
        messages: Sequence[Turn] | None = None,
        inputs: Mapping[str, Any] | None = None,
        schema: JsonObject | None = None,
        instructions: str | None = None,
    ) -> Outcome:
        """Answer without any context."""
        request = Request(query, repeat, seed, messages, inputs or {}, schema, instructions)
        return self._model.answer(request, None, None)

    def generate(  # noqa: PLR0913  as above
        self,
        query: str,
        passages: Sequence[Passage],
        *,
        repeat: int = 0,
        seed: int = 0,
        messages: Sequence[Turn] | None = None,
        inputs: Mapping[str, Any] | None = None,
        schema: JsonObject | None = None,
        instructions: str | None = None,
        budget: int | None = None,
    ) -> Outcome:
        """Answer from the passages put into the prompt; without any, as ``ask`` does."""
        request = Request(query, repeat, seed, messages, inputs or {}, schema, instructions)
        return self._model.answer(request, passages or None, budget)


class RetrievingModel:
    """A system that retrieves, then generates (RAG, hybrid)."""

    def __init__(self, model: Model, retriever: Retriever, *, k: int | None, usual_k: int) -> None:
        self._model = model
        self._retriever = retriever
        self._k = k
        self._usual_k = usual_k

    def retrieve(
        self,
        query: str,
        k: int,
        *,
        principal: str | None = None,
        messages: Sequence[Turn] | None = None,
    ) -> list[Passage]:
        """The ``k`` best passages; the system's own k takes the place of the suite's usual one."""
        wanted = self._k if self._k is not None and k == self._usual_k else k
        question = self._model.skills.question(Request(query, messages=messages))
        return self._retriever.retrieve(question, wanted, principal)

    def generate(  # noqa: PLR0913  the keyword parameters are the contract with users' systems
        self,
        query: str,
        passages: Sequence[Passage],
        *,
        repeat: int = 0,
        seed: int = 0,
        messages: Sequence[Turn] | None = None,
        inputs: Mapping[str, Any] | None = None,
        schema: JsonObject | None = None,
        instructions: str | None = None,
        budget: int | None = None,
    ) -> Outcome:
        """Answer from the passages that fit the budget."""
        request = Request(query, repeat, seed, messages, inputs or {}, schema, instructions)
        return self._model.answer(request, passages, budget)

    def lookup(self, doc_id: str) -> bool:
        """Whether the index has the document."""
        return self._retriever.lookup(doc_id)
