"""What can be watched of production traffic without a label: each signal, how it is read, what its change points to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from evalkit.records import FAILURE_KINDS, Evidence, Format, JsonObject, Trace

REFUSES = 0.5  # probability of a refusal from which on an answer counts as one


class Kind(StrEnum):
    """What a signal's values are, which decides its test, its effect and the least change that matters."""

    RATE = "rate"  # yes or no
    MIX = "mix"  # one of several names
    SHARE = "share"  # 0..1
    AMOUNT = "amount"  # 0 and up, read in ratios
    SCORE = "score"  # on a scale of its own


# The least change that matters: a difference of shares or means, a ratio, Cliff's delta.
MINIMUM = {
    Kind.RATE: 0.02,
    Kind.MIX: 0.02,
    Kind.SHARE: 0.02,
    Kind.AMOUNT: 1.1,
    Kind.SCORE: 0.1,
}
MINIMUM_ERRORS = 0.01


@dataclass(frozen=True, slots=True)
class Seen:
    """One trace with what was worked out about it. ``similarity`` is that of its query to the nearest known one."""

    trace: Trace
    query: str | None = None
    similarity: float | None = None
    evidence: Evidence | None = None
    schema: JsonObject | None = None
    format: Format | None = None

    @property
    def answer(self) -> str | None:
        """The response of a trace that did not err."""
        return None if self.trace.error is not None else self.trace.response


Value = float | str | None


@dataclass(frozen=True, slots=True)
class Signal:
    """One thing to compare. ``part`` places it on the way from the traffic to the bill.

    ``read`` gives a trace's value, ``None`` where it does not show it. ``up`` and ``down`` say what a rise or a
    fall usually points to: causes of ``evalkit.causes``, and where to look. ``less`` asks only for a fall.
    """

    name: str
    part: str
    kind: Kind
    title: str
    read: Callable[[Seen], Value]
    up: tuple[tuple[str, ...], str]
    down: tuple[tuple[str, ...], str]
    minimum: float = 0.0
    less: bool = False
    greater: bool = False

    @property
    def least(self) -> float:
        """The least change that matters."""
        return self.minimum or MINIMUM[self.kind]


# --- how they are read -----------------------------------------------------------------------


def _erred(seen: Seen) -> float:
    return float(seen.trace.error is not None)


def _erred_as(kind: str) -> Callable[[Seen], float]:
    return lambda seen: float(seen.trace.error is not None and seen.trace.error.kind == kind)


def _query_language(seen: Seen) -> str | None:
    from evalkit.text.languages import detect_language

    return detect_language(seen.query) if seen.query else None


def _answer_language(seen: Seen) -> str | None:
    from evalkit.text.languages import detect_language

    return detect_language(seen.answer) if seen.answer else None


def _query_words(seen: Seen) -> float | None:
    return _words(seen.query)


def _answer_words(seen: Seen) -> float | None:
    return _words(seen.answer)


def _words(text: str | None) -> float | None:
    from evalkit.text.readability import word_count

    return None if text is None else float(word_count(text))


def _nothing_found(seen: Seen) -> float | None:
    return None if seen.trace.retrieved is None else float(not seen.trace.retrieved)


def _scores(seen: Seen) -> list[float]:
    found = [p.score for p in seen.trace.retrieved or () if p.score is not None]
    return sorted(found, reverse=True)


def _top_score(seen: Seen) -> float | None:
    return next(iter(_scores(seen)), None)


def _score_gap(seen: Seen) -> float | None:
    best = _scores(seen)[:2]
    return best[0] - best[1] if len(best) == 2 else None


def _passages(seen: Seen) -> float | None:
    return None if seen.trace.context is None else float(len(seen.trace.context))


def _redundancy(seen: Seen) -> float | None:
    from evalkit.metrics.context import redundancy

    context = seen.trace.context
    return None if context is None else redundancy(context, k=len(context))


def _refused(seen: Seen) -> float | None:
    from evalkit.text.refusal import refusal_probability

    return None if seen.answer is None else float(refusal_probability(seen.answer) >= REFUSES)


def _supported(seen: Seen) -> list[bool]:
    claims = seen.evidence.claims if seen.evidence is not None else None
    return [claim.supported for claim in claims or () if claim.supported is not None]


def _groundedness(seen: Seen) -> float | None:
    supported = _supported(seen)
    return sum(supported) / len(supported) if supported else None


def _unsupported(seen: Seen) -> float | None:
    supported = _supported(seen)
    return float(not all(supported)) if supported else None


def _cites(seen: Seen) -> float | None:
    shown = seen.answer is not None and seen.trace.citations is not None
    return float(bool(seen.trace.citations)) if shown else None


def _is_json(seen: Seen) -> float | None:
    from evalkit.text.extract import parse_json

    if seen.answer is None:
        return None
    parsed = parse_json(seen.answer)
    return float(parsed.parses and isinstance(parsed.value, dict | list))


def _invalid(seen: Seen) -> float | None:
    from evalkit.metrics.format import format_valid, schema_valid
    from evalkit.text.extract import parse_json

    if seen.answer is None:
        return None
    if seen.schema is not None:
        return 1 - schema_valid(seen.schema, parse_json(seen.answer))
    valid = None if seen.format is None else format_valid(seen.format, seen.answer)
    return None if valid is None else 1 - valid


def _seconds(seen: Seen) -> float | None:
    taken = seen.trace.seconds
    if taken.total is not None:
        return taken.total
    stages = [s for s in (taken.retrieval, taken.generation) if s is not None]
    return sum(stages) if stages else None


def _prompt_tokens(seen: Seen) -> float | None:
    return seen.trace.usage.prompt_tokens


def _completion_tokens(seen: Seen) -> float | None:
    return seen.trace.usage.completion_tokens


# --- the signals, in the order in which data flows ---------------------------------------------

_ERRORS = (
    ("infra_error",),
    "the error messages of these traces; retries, timeouts and token limits",
)
_FEWER = ((), "good news, if the traffic is the same; check that errors are still recorded")
_TRAFFIC = ((), "who asks now, and whether the logging changed; new kinds of queries become cases")
_NOVEL = (
    ("corpus_gap", "retrieval_miss"),
    "read the least similar queries; add cases for the new topic, then documents for it",
)
_INDEX = ("retrieval_miss", "corpus_gap", "ranking_low")
_SCORES = "whether the index, the embedding model or the chunks changed; else the new queries find nothing near"

SIGNALS: tuple[Signal, ...] = (
    Signal("error_rate", "system", Kind.RATE, "answers that ended in an error", _erred, _ERRORS, _FEWER, MINIMUM_ERRORS),
    *(
        Signal(f"error:{kind}", "system", Kind.RATE, f"errors of kind {kind}", _erred_as(kind), _ERRORS, _FEWER, MINIMUM_ERRORS)
        for kind in FAILURE_KINDS
    ),
    Signal("query_language", "traffic", Kind.MIX, "language of the queries", _query_language, _TRAFFIC, _TRAFFIC),
    Signal("query_words", "traffic", Kind.AMOUNT, "words in a query", _query_words, _TRAFFIC, (("query_underspecified",), "shorter queries leave more open; rewrite them with the history, or ask back")),
    Signal("query_similarity", "traffic", Kind.SHARE, "likeness to the nearest known query", lambda seen: seen.similarity, _TRAFFIC, _NOVEL, less=True),
    Signal("novel_queries", "traffic", Kind.RATE, "queries unlike any known one", lambda seen: seen.similarity, _NOVEL, _TRAFFIC, greater=True),
    Signal("nothing_found", "retrieval", Kind.RATE, "searches that found nothing", _nothing_found, (("retrieval_miss", "corpus_gap", "access_violation"), "is the index complete and reachable? filters and permissions, then the queries themselves"), _FEWER),
    Signal("top_score", "retrieval", Kind.SCORE, "score of the best passage", _top_score, (_INDEX, _SCORES), (_INDEX, _SCORES)),
    Signal("score_gap", "retrieval", Kind.SCORE, "lead of the best passage over the second", _score_gap, (("ranking_low",), _SCORES), (("ranking_low", "noise_distraction"), "near duplicates in the index, or queries that match nothing in particular")),
    Signal("passages", "context", Kind.AMOUNT, "passages in the prompt", _passages, (("noise_distraction", "position_sensitivity"), "k, filters and the context budget"), (("context_truncated", "retrieval_miss"), "k, filters and the context budget; is the index complete?")),
    Signal("redundancy", "context", Kind.SHARE, "passages that repeat another", _redundancy, (("context_truncated", "ranking_low"), "documents ingested twice, chunk overlap"), ((), "whether documents were retired on purpose")),
    Signal("refusal_rate", "generation", Kind.RATE, "answers that refuse", _refused, (("over_refusal", "retrieval_miss", "corpus_gap"), "if retrieval or traffic drifted too, start there; else the prompt and the model version"), (("missing_refusal",), "answers where it used to decline: the refusal rule, the prompt and the model version")),
    Signal("action", "generation", Kind.MIX, "action taken", lambda seen: seen.trace.action, (("over_refusal", "missing_refusal", "misinterpretation"), "the routing prompt and the model version"), ((), "")),
    Signal("groundedness", "generation", Kind.SHARE, "claims that the context supports", _groundedness, (("parametric_override",), "usually good news; check that answers still say enough"), (("ungrounded_content", "parametric_override", "retrieval_miss"), "if retrieval drifted too, start there; else the prompt and the model version")),
    Signal("unsupported_claims", "generation", Kind.RATE, "answers with a claim that the context does not support", _unsupported, (("ungrounded_content", "parametric_override"), "the claims of these answers against their passages; the prompt and the model version"), _FEWER),
    Signal("answer_words", "generation", Kind.AMOUNT, "words in an answer", _answer_words, (("style_violation",), "the prompt, the token limit and the model version"), (("incomplete_answer", "over_refusal"), "the prompt, the token limit and the model version")),
    Signal("answer_language", "contract", Kind.MIX, "language of the answers", _answer_language, (("style_violation",), "if the queries' language changed too it may be right; else the prompt"), ((), "")),
    Signal("cites", "contract", Kind.RATE, "answers that cite", _cites, (("citation_error",), "whether citations are still to the point"), (("citation_error", "ungrounded_content"), "the citation rule of the prompt, and the parser that reads citations")),
    Signal("json_answers", "contract", Kind.RATE, "answers that are JSON as a whole", _is_json, (("format_violation",), "does something downstream expect prose?"), (("format_violation",), "structured output was switched off, or answers are cut short")),
    Signal("invalid_format", "contract", Kind.RATE, "answers that break their schema or format", _invalid, (("format_violation",), "the schema against these answers; structured output, the model version"), _FEWER),
    Signal("seconds", "cost", Kind.AMOUNT, "seconds to an answer", _seconds, (("infra_error",), "longer prompts or answers (see tokens), else the endpoint, its region and its load"), _FEWER),
    Signal("prompt_tokens", "cost", Kind.AMOUNT, "tokens in the prompt", _prompt_tokens, (("context_truncated",), "the prompt template, the number and size of passages"), (("context_truncated",), "the prompt template; are passages missing?")),
    Signal("completion_tokens", "cost", Kind.AMOUNT, "tokens in the answer", _completion_tokens, (("style_violation",), "the prompt, the token limit and the model version"), (("incomplete_answer",), "the prompt, the token limit and the model version")),
    Signal("cost", "cost", Kind.AMOUNT, "cost of an answer", lambda seen: seen.trace.usage.cost, ((), "tokens first, then the price list and the model"), _FEWER),
)  # fmt: skip
