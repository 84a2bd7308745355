"""Token counts of the embedded systems: an estimate, marked as one."""

from __future__ import annotations

from collections.abc import Iterable

from evalkit.records import Passage, Usage

INSTRUCTION_TOKENS = 60  # the fixed part of a typical prompt
ESTIMATED = {"tokens": "estimated"}  # goes to Outcome.meta


def estimate_tokens(text: str) -> int:
    """Word pieces of ``text``: four bytes of UTF-8 each, the usual rule of thumb."""
    return (len(text.encode()) + 3) // 4


def estimated_usage(query: str, context: Iterable[Passage], response: str) -> Usage:
    """Prompt and completion tokens; the cost of a local stand-in is unknown, not 0."""
    prompt = estimate_tokens(query) + sum(estimate_tokens(passage.text) for passage in context)
    return Usage(INSTRUCTION_TOKENS + prompt, estimate_tokens(response), None)
