"""The nouns: frozen records, enumerations and protocols that every stage shares; no behaviour.

``None`` always means "not given or not observed"; an empty value means "observed and empty".
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol

JsonObject = Mapping[str, Any]


class Approach(StrEnum):
    """How a system was built; decides which observations can be expected of it."""

    PROMPT = "prompt"
    RAG = "rag"
    FINETUNED = "finetuned"
    HYBRID = "hybrid"
    RETRIEVER = "retriever"


class Expected(StrEnum):
    """The behaviour a case asks for."""

    ANSWER = "answer"
    REFUSE = "refuse"
    CLARIFY = "clarify"
    PARTIAL = "partial"
    CORRECT_PREMISE = "correct_premise"


class Capability(StrEnum):
    """What a system can be asked to do; conditions are planned from these."""

    ASK = "ask"  # answers a question end to end
    RETRIEVE = "retrieve"  # returns ranked passages for a question
    GENERATE = "generate"  # answers from passages that we choose
    LOOKUP = "lookup"  # says whether a document is in its index
    SCHEMA = "schema"  # takes an output schema
    INSTRUCTIONS = "instructions"  # takes extra instructions
    BUDGET = "budget"  # takes a larger context budget


class Status(StrEnum):
    """Why a score has a value or has none (see docs/denominators.md)."""

    SCORED = "scored"
    NOT_APPLICABLE = "not_applicable"
    UNOBSERVED = "unobserved"
    SYSTEM_ERROR = "system_error"
    GRADER_ERROR = "grader_error"


class Stage(StrEnum):
    """Where in the pipeline a metric looks or a cause sits, in the order in which data flows."""

    SYSTEM = "system"
    SUITE = "suite"
    CORPUS = "corpus"
    CHUNKING = "chunking"
    RETRIEVAL = "retrieval"
    RANKING = "ranking"
    CONTEXT = "context"
    GENERATION = "generation"
    CONTRACT = "contract"


class Side(StrEnum):
    """Who has to act: the parts of the lost pass rate."""

    RETRIEVAL = "retrieval"
    GENERATION = "generation"
    CONTRACT = "contract"
    SUITE = "suite"
    SYSTEM = "system"


class Certainty(StrEnum):
    """How well a finding is founded."""

    PROVEN = "proven"
    SUSPECTED = "suspected"
    UNDETERMINED = "undetermined"  # labels or traces are missing, or the answer may be right
    UNEXPLAINED = "unexplained"  # our rules are incomplete


AS_IS = "as_is"  # the condition under which a system simply answers


# --- the suite -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Document:
    """One document of the corpus, in BEIR's layout."""

    doc_id: str
    text: str
    title: str = ""
    valid_from: str | None = None
    superseded_by: str | None = None
    metadata: JsonObject = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class KeyPoint:
    """One thing a complete answer says, and the documents any one of which supports it."""

    text: str
    evidence: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Criterion:
    """One point a review must address; ``verdict`` is the right finding where there is one."""

    id: str
    text: str
    any_of: tuple[str, ...] = ()
    verdict: str | None = None  # met, unmet, n/a


@dataclass(frozen=True, slots=True)
class Format:
    """Shape of the output where no JSON Schema says it."""

    kind: str  # json, csv, sections, label
    columns: tuple[str, ...] = ()
    headings: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StyleRules:
    """House style as measurable rules; a rule that is ``None``, false or empty is not given."""

    max_sentences: int | None = None
    min_words: int | None = None
    max_words: int | None = None
    sentence_words: tuple[float, float] | None = None
    reading_grade: tuple[float, float] | None = None
    register: str | None = None  # formal, neutral, informal
    forbid_first_person: bool = False
    forbid_emoji: bool = False
    forbid_exclamation: bool = False
    banned_phrases: tuple[str, ...] = ()
    required_phrases: tuple[str, ...] = ()
    opening: str | None = None
    closing: str | None = None
    politeness: tuple[float, float] | None = None
    language: str | None = None
    sections: tuple[str, ...] = ()
    exemplars: tuple[str, ...] = ()  # the approved answers themselves, read from the file


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation."""

    role: str
    content: str


@dataclass(frozen=True, slots=True)
class Case:
    """One labelled query. Suite-wide ``schema``, ``format`` and ``style`` are already folded in.

    ``reference`` holds the ideal answers, any one of which suffices; ``reference_object`` the ideal
    object of a structured output. ``relevant`` maps document ids to grades (grade > 0 is gold):
    ``None`` is unlabelled, empty is "labelled, and nothing is relevant".
    """

    id: str
    query: str
    messages: tuple[Message, ...] | None = None
    reference: tuple[str, ...] | None = None
    reference_object: JsonObject | None = None
    relevant: Mapping[str, int] | None = None
    key_points: tuple[KeyPoint, ...] | None = None
    expected: Expected = Expected.ANSWER
    expected_action: str | None = None
    schema: JsonObject | None = None
    format: Format | None = None
    style: StyleRules | None = None
    criteria: tuple[Criterion, ...] | None = None
    paraphrases: tuple[str, ...] = ()
    leading: tuple[str, ...] = ()
    clarified: str | None = None
    principal: str | None = None
    forbidden: tuple[str, ...] | None = None
    inputs: JsonObject = field(default_factory=dict)
    group: str | None = None
    tags: tuple[str, ...] = ()
    split: str | None = None
    metadata: JsonObject = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CorrectRule:
    """What a right answer is: ``metric`` reaches ``at_least``."""

    metric: str
    at_least: float


@dataclass(frozen=True, slots=True)
class Limit:
    """A line a metric (or a cause's share) must not cross; used by the gate."""

    metric: str
    at_least: float | None = None
    at_most: float | None = None
    margin: float = 0.0
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SystemSpec:
    """One entry of systems.yaml; ``options`` is what the adapter reads, ``folder`` where paths start."""

    name: str
    approach: Approach
    adapter: str
    options: JsonObject
    folder: Path


@dataclass(frozen=True, slots=True)
class Suite:
    """A loaded suite: labelled cases, the corpus they speak of, and how they are judged.

    ``k`` is the cut of the ranked list, ``pool`` the depth at which a document counts as "found,
    ranked low". ``digest`` names the content of every file that was read.
    """

    name: str
    folder: Path
    cases: tuple[Case, ...]
    corpus: Mapping[str, Document]
    digest: str
    description: str = ""
    licence: str = ""
    train: Path | None = None
    k: int = 5
    pool: int = 20
    repeats: int = 1
    correct: CorrectRule | None = None
    limits: tuple[Limit, ...] = ()
    max_error_rate: float = 0.02
    profile: JsonObject = field(default_factory=dict)
    warnings: tuple[str, ...] = ()


# --- asking a system -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Passage:
    """A piece of a document as a retriever returns it; several pieces of one document are normal."""

    doc_id: str
    chunk_id: str | None = None
    text: str = ""
    title: str | None = None
    score: float | None = None

    def __getitem__(self, name: str) -> Any:
        """Let systems written for dicts read ``passage["text"]``."""
        if name not in ("doc_id", "chunk_id", "text", "title", "score"):
            raise KeyError(name)
        return getattr(self, name)


@dataclass(frozen=True, slots=True)
class Question:
    """Everything a system may know of a case: never a label."""

    query: str
    messages: tuple[Message, ...] | None = None
    inputs: JsonObject = field(default_factory=dict)
    principal: str | None = None
    repeat: int = 0
    k: int = 5
    seed: int = 0
    schema: JsonObject | None = None
    instructions: str | None = None
    budget: int | None = None


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a system gave no usable answer. ``kind`` is one of ``FAILURE_KINDS``."""

    kind: str
    message: str


FAILURE_KINDS = (
    "exception",
    "timeout",
    "truncated",
    "content_filter",
    "empty",
    "malformed",
    "rate_limit",
    "auth",
    "connection",
    "crashed",
)


@dataclass(frozen=True, slots=True)
class Seconds:
    """Wall time by stage, in seconds; ``None`` where the stage was not observed."""

    retrieval: float | None = None
    generation: float | None = None
    total: float | None = None


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens and money one answer took; ``None`` is unknown, never zero."""

    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    cost: float | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a system did with one question, before it is filed under a case.

    ``retrieved`` is what the retriever returned, ranked, possibly deeper than k; ``context`` what
    really reached the prompt. ``citations`` are the document ids the answer names.
    """

    response: str | None = None
    retrieved: tuple[Passage, ...] | None = None
    context: tuple[Passage, ...] | None = None
    citations: tuple[str, ...] | None = None
    action: str | None = None
    error: Failure | None = None
    seconds: Seconds = Seconds()
    usage: Usage = Usage()
    meta: JsonObject = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Trace(Outcome):
    """What a system did with one case under one condition; ``repeat`` counts from 0."""

    system: str = ""
    case_id: str = ""
    condition: str = AS_IS
    repeat: int = 0


class System(Protocol):
    """A system under test as the stages see it; adapters make them. Every method is a coroutine.

    Only the methods named by ``capabilities`` may be called. A method that raises is recorded as
    a ``Failure``; an adapter that knows better (a timeout, a truncated reply) returns it in the
    ``Outcome`` itself. ``fingerprint`` names everything about the system that could change its answers.
    """

    name: str
    approach: Approach
    capabilities: frozenset[Capability]
    fingerprint: str

    async def ask(self, question: Question) -> Outcome:
        """The system's own answer."""
        ...

    async def retrieve(self, question: Question) -> tuple[Passage, ...]:
        """The passages it finds, ranked; at most ``question.k`` of them."""
        ...

    async def generate(self, question: Question, passages: Sequence[Passage]) -> Outcome:
        """Its answer from these passages and no others."""
        ...

    async def lookup(self, doc_id: str) -> bool:
        """Whether its index holds the document."""
        ...

    async def aclose(self) -> None:
        """Let go of connections and threads; may be called twice."""
        ...


Adapter = Callable[[SystemSpec, "Suite"], System]


# --- judging and scoring ---------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Claim:
    """One statement of an answer, as the characters ``start:end`` of the response.

    ``supported`` is ``None`` when the judge cannot tell; ``passage`` is the index in ``context`` of
    the passage that supports (or contradicts) it best; ``in_reference`` says the ideal answer has it.
    """

    text: str
    start: int
    end: int
    supported: bool | None
    contradicted: bool = False
    passage: int | None = None
    in_reference: bool | None = None


@dataclass(frozen=True, slots=True)
class Evidence:
    """A judge's statements about one trace; the only place where an opinion enters.

    ``correct`` is the probability (0..1) that the answer means what the reference means;
    ``covered`` has one entry a key point of the case, ``refused`` the probability of a refusal; ``cited``
    one entry a citation of the trace: whether the cited document supports anything the answer says.
    ``None`` anywhere means "not asked or cannot tell"; ``error`` that the judge itself failed.
    """

    judge: str
    claims: tuple[Claim, ...] | None = None
    covered: tuple[float | None, ...] | None = None
    correct: float | None = None
    refused: float | None = None
    cited: tuple[bool | None, ...] | None = None
    reasons: tuple[str, ...] = ()
    error: str | None = None


class Judge(Protocol):
    """Grades one trace of one case."""

    name: str
    fingerprint: str

    def judge(self, case: Case, trace: Trace) -> Evidence | Awaitable[Evidence]:
        """What the judge says of the trace; only called for traces with a response."""
        ...


class Level(StrEnum):
    """What one value of a metric is about."""

    TRACE = "trace"  # one answer
    CASE = "case"  # all repeats of a case
    SUITE = "suite"  # all cases of a system


@dataclass(frozen=True, slots=True)
class Metric:
    """A measure as a value: canonical name, place, direction, range and a pure function.

    The positional parameters of ``compute`` name what it needs (see ``evalkit.needs``); its
    keyword-only parameters are settings, bound beforehand. It returns a float in ``low..high``, or
    ``None`` where the measure is undefined. With ``columns`` it is given whole columns (one entry a
    trace) and returns an array in which NaN is "undefined". ``outcome`` metrics take their worst
    value when the system erred; all others then have none.
    """

    name: str
    stage: Stage
    compute: Callable[..., Any]
    card: str
    higher_is_better: bool = True
    low: float = 0.0
    high: float = 1.0
    level: Level = Level.TRACE
    outcome: bool = False
    columns: bool = False
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Score:
    """One cell of scores.csv; ``value`` is ``None`` where ``status`` allows none."""

    system: str
    case_id: str | None
    condition: str
    repeat: int | None
    metric: str
    value: float | None
    status: Status
    note: str = ""


# --- diagnosis -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Fact:
    """One checkable observation behind a finding: its name, its value, and a sentence."""

    fact: str
    value: Any
    text: str


@dataclass(frozen=True, slots=True)
class Finding:
    """Why one case failed (or passed with a warning)."""

    case_id: str
    repeat: int
    outcome: str  # fail, warn
    status: Certainty
    cause: str | None = None
    side: Side | None = None
    stage: Stage | None = None
    confidence: float | None = None
    also: tuple[str, ...] = ()
    set: tuple[str, ...] = ()
    evidence: tuple[Fact, ...] = ()
    probes: Mapping[str, str] = field(default_factory=dict)
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate with its 95 % interval and the number of cases behind it."""

    value: float
    low: float
    high: float
    n: int
