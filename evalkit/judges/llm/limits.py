"""How much of a trace a judge is shown: bounds on claims, passages and characters, and fair cuts to keep them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

from evalkit.adapters.options import Options


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds that no answer and no document can exceed; lengths are in characters.

    - ``claims_per_call``: claims judged in one call; ``claims``: of one answer, further ones stay undecided.
    - ``passages``: of the context, from the top; ``passage``: of one of them; ``context``: of all together.
    - ``answer``, ``question``, ``reference`` (all references together), ``claim``, ``item``: of each.
    - ``items``: key points, criteria; further ones stay undecided.
    """

    claims_per_call: int = 20
    claims: int = 40
    passages: int = 40
    passage: int = 8_000
    context: int = 60_000
    answer: int = 12_000
    question: int = 8_000
    reference: int = 12_000
    claim: int = 600
    item: int = 1_000
    items: int = 40

    @property
    def calls(self) -> int:
        """Calls for one trace at most, in each repeat, before any is asked again."""
        return max(1, -(-self.claims // self.claims_per_call))


def read_limits(options: Options | None) -> Limits:
    """The bounds that a judge's file sets; the others keep their defaults."""
    if options is None:
        return Limits()
    known = Limits()
    return Limits(
        **{
            field.name: options.count(field.name) or getattr(known, field.name)
            for field in fields(Limits)
        }
    )


LIMIT_NAMES = tuple(field.name for field in fields(Limits))


def cut(text: str, most: int) -> str:
    """``text``, or its beginning and its end with a note between them, about ``most`` characters long."""
    if len(text) <= most:
        return text
    tail = most // 4
    head = most - tail
    left_out = len(text) - most
    return f"{text[:head]}\n[... {left_out} characters left out ...]\n{text[len(text) - tail :]}"


def shares(lengths: Sequence[int], most_each: int, total: int) -> list[int]:
    """How many characters each text may have so that all fit ``total``: short ones whole, long ones equally.

    So a text of any length takes no room from a short one.
    """
    wanted = [min(length, most_each) for length in lengths]
    allowed = [0] * len(wanted)
    left = total
    order = sorted(range(len(wanted)), key=wanted.__getitem__)
    for place, index in enumerate(order):
        allowed[index] = min(wanted[index], left // (len(order) - place))
        left -= allowed[index]
    return allowed
