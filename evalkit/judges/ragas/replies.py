"""What may be read from a reply of an embeddings endpoint, and what is none that can be used."""

from __future__ import annotations

import math
from typing import Any


class UnusableReplyError(ValueError):
    """The text of a reply is not what was asked for."""


def listed(value: Any) -> Any:
    """The vectors of an embeddings reply in the order of the texts."""
    try:
        rows = sorted(value["data"], key=lambda row: row.get("index", 0))
        return [row["embedding"] for row in rows]
    except (TypeError, KeyError, AttributeError):
        raise UnusableReplyError("the reply is not a list of embeddings") from None


def vectors_in(found: Any, count: int) -> list[list[float]]:
    """The vectors themselves, ``count`` of one length, finite and not zero; raises ``UnusableReplyError``."""
    if not isinstance(found, list) or len(found) != count:
        raise UnusableReplyError(f"the reply has not one embedding for each of the {count} texts")
    if not all(isinstance(vector, list) and vector for vector in found):
        raise UnusableReplyError("an embedding is not a list of numbers")
    numbers = all(isinstance(x, (int, float)) and math.isfinite(x) for row in found for x in row)
    if not numbers or len({len(vector) for vector in found}) != 1:
        raise UnusableReplyError("the embeddings are not finite numbers of one length")
    if not all(any(vector) for vector in found):
        raise UnusableReplyError("an embedding is zero")
    return found
