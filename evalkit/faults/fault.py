"""The shape of a fault, and the layer that injects one into any system for the cases chosen."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from random import Random

from evalkit.faults.labels import Cases, dice, gold_of
from evalkit.records import Capability, Case, KeyPoint, Outcome, Passage, Question, Suite, System

MARGIN = 60  # passages asked beyond the number wanted, so that a hook can take some away
Passages = tuple[Passage, ...]


@dataclass(frozen=True, slots=True)
class Scene:
    """One question put to a faulty system: the case, and the source of chance of this fault in it."""

    suite: Suite
    case: Case
    question: Question
    fault: str
    seed: int

    @property
    def random(self) -> Random:
        """The same for every repeat and condition of the case: what is wrong stays wrong in one way."""
        return dice(self.seed, self.fault, self.case.id)

    @property
    def gold(self) -> frozenset[str]:
        """All documents that the case needs."""
        return frozenset(gold_of(self.case))

    @property
    def target(self) -> tuple[KeyPoint, ...]:
        """The key points whose evidence is lost: all, or a single one of several."""
        points = tuple(p for p in self.case.key_points or () if p.evidence)
        random = dice(self.seed, "target", self.case.id)
        return points if random.random() < 0.5 or len(points) < 2 else (random.choice(points),)

    @property
    def lost(self) -> frozenset[str]:
        """The documents that the fault keeps away: every evidence of the target, else all gold."""
        named = frozenset(d for point in self.target for d in point.evidence)
        return named or self.gold


@dataclass(frozen=True, slots=True)
class Fault:
    """One way to go wrong. ``needs`` says to which cases it applies; each hook changes one step.

    ``retrieved`` edits the ranked list, ``shown`` the context of an ``as_is`` answer, ``read`` what the
    generator attends to, ``answered`` its answer (given the passages it got), ``known`` what a look-up says.
    ``spoil`` is a fault of the suite instead: it changes the case, and the system is left alone.
    """

    id: str
    cause: str
    meaning: str
    needs: Callable[[Suite, Case], bool]
    retrieved: Callable[[Scene, Passages], Sequence[Passage]] | None = None
    shown: Callable[[Scene, Passages], Sequence[Passage]] | None = None
    read: Callable[[Scene, Passages], Sequence[Passage]] | None = None
    answered: Callable[[Scene, Passages, Outcome], Outcome] | None = None
    known: Callable[[Scene, str], bool] | None = None
    spoil: Callable[[Suite, Case, Random], Case] | None = None

    def wrap(
        self, system: System, suite: Suite, case_ids: frozenset[str], seed: int = 0
    ) -> FaultyLayer:
        """``system`` with this fault in the cases named; every other question passes through."""
        return FaultyLayer(system, self, suite, case_ids, seed)


class FaultyLayer:
    """A system around a system: one fault, in some cases. Layers compose."""

    def __init__(
        self, inner: System, fault: Fault, suite: Suite, case_ids: frozenset[str], seed: int
    ) -> None:
        self.name, self.approach = inner.name, inner.approach
        self.depth = int(getattr(inner, "depth", suite.k))
        chosen = ",".join(sorted(case_ids))
        self.fingerprint = f"{inner.fingerprint} + {fault.id} {seed} [{chosen}]"
        self._forced = {Capability.RETRIEVE, Capability.GENERATE} <= inner.capabilities
        more = {Capability.BUDGET, Capability.SCHEMA, Capability.INSTRUCTIONS}
        self.capabilities = inner.capabilities | (more if self._forced else frozenset())
        self._inner, self._fault, self._suite = inner, fault, suite
        self._ids, self._seed, self._cases = case_ids, seed, Cases(suite)

    def _scene(self, question: Question) -> Scene | None:
        case = self._cases.find(question)
        if case is None or case.id not in self._ids:
            return None
        return Scene(self._suite, case, question, self._fault.id, self._seed)

    async def ask(self, question: Question) -> Outcome:
        """Retrieve, show and generate through all layers; a system that cannot be forced is asked whole."""
        if not self._forced:
            outcome = await self._inner.ask(question)
            return self._said(self._scene(question), outcome.context or (), outcome)
        found = await self.retrieve(replace(question, k=max(question.k, self.depth)))
        outcome = await self.generate(question, self.show(question, found))
        return replace(outcome, retrieved=found)

    async def retrieve(self, question: Question) -> Passages:
        """The inner ranking, edited."""
        scene, hook = self._scene(question), self._fault.retrieved
        if scene is None or hook is None:
            return await self._inner.retrieve(question)
        wide = max(question.k, self._suite.pool) + MARGIN
        found = await self._inner.retrieve(replace(question, k=wide))
        return tuple(hook(scene, found))[: question.k]

    def show(self, question: Question, found: Passages) -> Passages:
        """What of the ranked list reaches the prompt: the first k, less what the fault keeps out."""
        inner = getattr(self._inner, "show", None)
        context: Passages = inner(question, found) if inner else found[: question.k]
        scene, hook = self._scene(question), self._fault.shown
        return context if scene is None or hook is None else tuple(hook(scene, context))

    async def generate(self, question: Question, passages: Sequence[Passage]) -> Outcome:
        """The inner answer from what this layer reads of the passages, changed."""
        given = tuple(passages)
        scene, hook = self._scene(question), self._fault.read
        read = given if scene is None or hook is None else tuple(hook(scene, given))
        outcome = await self._inner.generate(question, read)
        return self._said(scene, given, replace(outcome, context=given))

    def _said(self, scene: Scene | None, given: Passages, outcome: Outcome) -> Outcome:
        hook = self._fault.answered
        if scene is None or hook is None or outcome.error is not None:
            return outcome
        return hook(scene, given, outcome)

    async def lookup(self, doc_id: str) -> bool:
        """What the inner index says, unless the fault hides the document in one of its cases."""
        hook = self._fault.known
        for case in self._suite.cases if hook else ():
            if case.id in self._ids and doc_id in gold_of(case):
                scene = Scene(self._suite, case, Question(case.query), self._fault.id, self._seed)
                if hook is not None and not hook(scene, doc_id):
                    return False
        return await self._inner.lookup(doc_id)

    async def aclose(self) -> None:
        """Close the inner system."""
        closed = self._inner.aclose()
        if inspect.isawaitable(closed):
            await closed
