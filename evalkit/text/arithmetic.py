"""Whether a number follows from two others: "21,000 pounds, rising by 1,500 pounds" gives 22,500 pounds."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from itertools import permutations

from evalkit.text.quantities import quantities
from evalkit.text.sentences import spans

MOST = 40  # numbers that are combined
Amount = tuple[float, str]  # a number and its unit, "" for none


def derivable(wanted: Iterable[str], given: Iterable[str]) -> bool:
    """Whether every wanted quantity that is not given follows from two given ones, units observed.

    Amounts of one unit are added, subtracted or divided, one is taken a number of times, or by a percentage more or
    less. Quantities are in the normal form of ``evalkit.text.quantities``.
    """
    held = set(given)
    lacking = [amount for text in wanted if text not in held and (amount := _amount(text))]
    known = sorted({amount for text in held if (amount := _amount(text))})[:MOST]
    found = [result for a, b in permutations(known, 2) for result in _results(a, b)]
    return bool(lacking) and all(any(_same(amount, other) for other in found) for amount in lacking)


def follows_in(statement: str, text: str) -> bool:
    """Whether the numbers of a statement that a text lacks follow from those of two neighbouring sentences of it."""
    wanted = quantities(statement)
    held = [quantities(text[start:end]) for start, end in spans(text)] if wanted else []
    return any(derivable(wanted, {*a, *b}) for a, b in zip(held, [*held[1:], ()], strict=False))


def _amount(quantity: str) -> Amount | None:
    number, _, unit = quantity.partition(" ")
    if number.endswith("%"):
        number, unit = number[:-1], "%"
    try:
        return float(number), unit
    except ValueError:
        return None


def _results(a: Amount, b: Amount) -> Iterator[Amount]:
    (x, unit), (y, other) = a, b
    if unit == other:
        yield x + y, unit
        yield abs(x - y), unit
        if y and unit:
            yield x / y, ""
    elif not other:
        yield x * y, unit
        if y:
            yield x / y, unit
    elif other == "%":
        yield x * y / 100, unit
        yield x * (100 + y) / 100, unit
        yield x * (100 - y) / 100, unit


def _same(wanted: Amount, found: Amount) -> bool:
    return wanted[1] == found[1] and math.isclose(wanted[0], found[0], rel_tol=1e-6)
