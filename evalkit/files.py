"""The file formats as models: what users write in a suite folder, checked and published as JSON Schema."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StrictFloat, StrictInt
from pydantic_core import PydanticCustomError


def _rising(band: list[float]) -> list[float]:
    if band[0] > band[1]:
        raise PydanticCustomError("band", "[lowest, highest], the lower bound first")
    return band


LARGEST = 10**15  # whole numbers beyond it are no longer exact as floats
Number = Annotated[StrictInt, Field(ge=-LARGEST, le=LARGEST)] | StrictFloat
NotNegative = Annotated[float, Field(ge=0, le=LARGEST, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=0, le=LARGEST)]
Band = Annotated[list[Number], Field(min_length=2, max_length=2), AfterValidator(_rising)]
Text = Annotated[str, Field(min_length=1)]
Id = Annotated[
    str,
    Field(
        pattern=r"^\S(.*\S)?$",
        max_length=500,
        description="One line that neither starts nor ends with a space.",
    ),
]
Grades = dict[Text, Annotated[StrictInt, Field(ge=-100, le=100)]]


# Of each case: a default that can change is copied for every row, which takes longer than reading it.
_NONE: Any = ()
_NO_NAMES: Any = Field(default_factory=dict, json_schema_extra={"default": {}})


class _Model(BaseModel):
    # Built when it is first used: of most of them only as a part of another.
    model_config = ConfigDict(
        extra="forbid", strict=True, use_attribute_docstrings=True, defer_build=True
    )


class KeyPointRow(_Model):
    """One thing a complete answer says."""

    text: Text
    """What a complete answer says."""
    evidence: list[Text] = []
    """Documents any one of which supports it."""


class MessageRow(_Model):
    """One turn of a conversation."""

    role: Literal["user", "assistant", "system"]
    content: str


class CriterionRow(_Model):
    """One point that a review must address."""

    id: Text
    text: Text
    any_of: list[Text] = []
    """Phrases by which an answer is seen to address the point."""
    verdict: Literal["met", "unmet", "n/a"] | None = None
    """The right finding, where there is one."""


class FormatRow(_Model):
    """The shape of an answer where no schema says it."""

    kind: Literal["json", "csv", "sections", "label"]
    columns: list[Text] = []
    headings: list[Text] = []
    labels: list[Text] = []


class StyleRow(_Model):
    """Style rules; `style` is the share of the given ones that hold."""

    max_sentences: Annotated[int, Field(ge=1, le=LARGEST)] | None = None
    min_words: Count | None = None
    max_words: Annotated[int, Field(ge=1, le=LARGEST)] | None = None
    sentence_words: Band | None = None
    """Mean words a sentence: [lowest, highest]."""
    reading_grade: Band | None = None
    """School years needed to read it: [lowest, highest]."""
    register_: Literal["formal", "neutral", "informal"] | None = Field(
        default=None, alias="register"
    )
    forbid_first_person: bool = False
    forbid_emoji: bool = False
    forbid_exclamation: bool = False
    banned_phrases: list[Text] = []
    required_phrases: list[Text] = []
    opening: Text | None = None
    """The words an answer starts with."""
    closing: Text | None = None
    """The words an answer ends with."""
    politeness: Band | None = None
    language: Text | None = None
    """ISO 639-1 code of the language answers are written in."""
    sections: list[Text] = []
    exemplars: Text | None = None
    """A JSONL file of approved answers ({"text": ...}) the brand voice is learned from."""


class CorrectRow(_Model):
    """What a right answer is: the metric reaches at_least."""

    metric: Text
    at_least: Number


class LimitRow(_Model):
    """A line that a metric, or the share of a cause, must not cross."""

    metric: Text
    at_least: Number | None = None
    at_most: Number | None = None
    margin: Number = 0
    """How much worse than the limit the truth may still be when the gate says pass."""
    coverage: Annotated[float, Field(gt=0, le=1)] | None = None
    """The share of the cases that ask for the metric for which it must have been measured; alone or beside a limit."""
    tags: list[Text] = []
    """Only the cases that carry all of these."""


class ProfileRow(_Model):
    """What the team knows about its task; it weighs in when an approach is recommended."""

    knowledge_changes: (
        Literal["never", "yearly", "monthly", "weekly", "daily", "realtime"] | None
    ) = None
    citations: bool | None = None
    explainability: bool | None = None
    access_control: bool | None = None
    sensitive_training_data: bool | None = None
    narrow_task: bool | None = None
    format_style_critical: bool | None = None
    corpus_documents: Count | None = None
    domains: Count | None = None
    labelled_examples: Count | None = None
    task_changes: (
        Literal["never", "yearly", "monthly", "weekly", "daily", "realtime"] | bool | None
    ) = None
    latency_ms: Annotated[float, Field(gt=0, le=LARGEST, allow_inf_nan=False)] | None = None
    queries_per_day: NotNegative | None = None
    unit_costs: dict[str, NotNegative] | None = None
    """Prices by name, as docs/decide.md lists them."""
    upfront_budget: NotNegative | None = None
    expertise: list[Literal["retrieval", "training"]] | None = None


class SuiteFile(_Model):
    """The file suite.yaml."""

    format: Literal[1] | FormatRow
    """1, the version of this format; or the shape of every answer, which implies version 1."""
    name: Text
    description: str = ""
    licence: str = ""
    cases: Text = "cases.jsonl"
    """The labelled queries: JSONL, or CSV with the same column names."""
    corpus: Text | None = None
    """The documents, in BEIR's layout; corpus.jsonl if that file is there."""
    train: Text | None = None
    schema_: Text | dict[str, Any] | None = Field(default=None, alias="schema")
    """The JSON Schema (2020-12) every answer must satisfy: a path, or the schema itself."""
    style: Text | StyleRow | None = None
    """The style rules: a YAML file, or the rules themselves."""
    k: Annotated[int, Field(ge=1, le=10_000)] = 5
    """Where the ranked list is cut."""
    pool: Annotated[int, Field(ge=1, le=100_000)] | None = None
    """How deep a candidate list counts as "found, ranked low"; 4 x k."""
    repeats: Annotated[int, Field(ge=1, le=1000)] = 1
    correct: CorrectRow | None = None
    """What a right answer is; left out, it follows from the labels."""
    limits: list[LimitRow] = []
    hierarchy: list[Text] = []
    """The order in which the gate tests metrics (NAME or NAME[TAG]), each at full alpha, instead of Holm's correction."""
    max_error_rate: Share = 0.02
    profile: ProfileRow = ProfileRow()


class CaseRow(_Model):
    """One line of cases.jsonl."""

    id: Id
    query: str | None = None
    """The user's words."""
    messages: Annotated[list[MessageRow], Field(min_length=1)] | None = None
    """A conversation, instead of a query; the last turn is the user's."""
    reference: str | list[str] | dict[str, Any] | None = None
    """Ideal answer(s), any one of which suffices; an object for structured output."""
    relevant: Grades | list[Text] | None = None
    """Gold documents, with grades; absent is unlabelled, {} is "nothing is relevant"."""
    key_points: list[KeyPointRow] | None = None
    expected: Literal["answer", "refuse", "clarify", "partial", "correct_premise"] = "answer"
    expected_action: Annotated[str, Field(pattern="^(retrieve|answer|refuse|tool:.+)$")] | None = (
        None
    )
    """What a routing system should decide: retrieve, answer, refuse or tool:NAME."""
    schema_: Text | dict[str, Any] | None = Field(default=None, alias="schema")
    """Overrides the suite's schema; null switches it off."""
    format: FormatRow | None = None
    style: StyleRow | None = None
    criteria: list[CriterionRow] | None = None
    paraphrases: list[Text] = _NONE
    leading: list[Text] = _NONE
    clarified: Text | None = None
    principal: Text | None = None
    forbidden: list[Text] | None = None
    inputs: dict[str, Any] = _NO_NAMES
    group: Text | None = None
    tags: list[Text] = _NONE
    split: Literal["train", "test"] | None = None
    metadata: dict[str, Any] = _NO_NAMES


class DocumentRow(_Model):
    """One line of corpus.jsonl."""

    id: Id = Field(alias="_id")
    title: str = ""
    text: str
    valid_from: str | None = None
    superseded_by: Text | None = None
    metadata: dict[str, Any] = _NO_NAMES


class SystemRow(BaseModel):
    """One entry of systems.yaml; what else it may hold depends on the adapter."""

    model_config = ConfigDict(
        extra="allow", strict=True, use_attribute_docstrings=True, defer_build=True
    )

    name: Annotated[str, Field(pattern=r"^[^\s/\\:*?\"<>|\x00-\x1f]{1,80}$")]
    """Up to 80 characters that a file name can hold, without spaces."""
    approach: Literal["prompt", "rag", "finetuned", "hybrid", "retriever"]
    adapter: Text
    """python, openai, http, recorded, local, or module:attr."""


class SystemsFile(_Model):
    """The file systems.yaml."""

    systems: Annotated[list[SystemRow], Field(min_length=1)]


PUBLISHED: dict[str, type[BaseModel]] = {
    "suite": SuiteFile,
    "case": CaseRow,
    "document": DocumentRow,
    "systems": SystemsFile,
    "style": StyleRow,
}


def published_schema(name: str) -> dict[str, Any]:
    """The JSON Schema of one suite file, as it lies in ``evalkit/schemas``."""
    schema = PUBLISHED[name].model_json_schema(by_alias=True)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
