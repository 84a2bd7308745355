"""How much of an ideal object an answer's object has, leaf by leaf."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from typing import Any

from evalkit.text.quantities import found_in, quantities
from evalkit.text.similarity import answer_tokens, token_f1
from evalkit.text.tokens import normalise

FREE_TEXT_WORDS = 5  # a longer string is free text
EQUIVALENT_F1 = 0.5
RELATIVE_TOLERANCE = 1e-9
PAIRS = 20_000  # comparisons one array may cost; larger arrays are aligned by position

Tally = tuple[float, float]  # credit, leaves due


def field_credit(reference: Any, given: Any) -> float:
    """Share of leaves that agree, 0..1; leaves the answer has beyond the reference count as wrong.

    An empty object, list or string, and null, are leaves too.
    """
    credit, due = _compare(reference, given, PAIRS)
    return credit / due if due else 1.0


def _compare(wanted: Any, given: Any, budget: int) -> Tally:
    if isinstance(wanted, Mapping) and wanted:
        return _objects(wanted, given, budget) if isinstance(given, Mapping) else _missing(wanted)
    if isinstance(wanted, list | tuple) and wanted:
        return _arrays(list(wanted), given, budget) if isinstance(given, list) else _missing(wanted)
    if isinstance(wanted, Mapping | list | tuple):  # empty: agrees with empty only
        same_kind = isinstance(given, Mapping) == isinstance(wanted, Mapping)
        empty = isinstance(given, Mapping | list) and same_kind and not given
        return (1.0 if empty else 0.0), max(1, _leaves(given) if same_kind else 1)
    return _scalar(wanted, given), 1


def _missing(wanted: Any) -> Tally:
    return 0.0, _leaves(wanted)


def _leaves(value: Any) -> int:
    """The number of leaves of a value; an empty container is one."""
    total, waiting = 0, [value]
    while waiting:
        node = waiting.pop()
        if isinstance(node, Mapping) and node:
            waiting.extend(node.values())
        elif isinstance(node, list | tuple) and node:
            waiting.extend(node)
        else:
            total += 1
    return total


def _objects(wanted: Mapping[str, Any], given: Mapping[str, Any], budget: int) -> Tally:
    pairs = [
        _compare(value, given[key], budget) if key in given else _missing(value)
        for key, value in wanted.items()
    ]
    extra = sum(_leaves(value) for key, value in given.items() if key not in wanted)
    return sum(credit for credit, _ in pairs), sum(due for _, due in pairs) + extra


def _arrays(wanted: list[Any], given: list[Any], budget: int) -> Tally:
    """Align the elements by best match, greedily, best pair first; order carries no weight."""
    cells = len(wanted) * len(given)
    inner = max(1, budget // max(1, cells))
    places = (
        [(i, j) for i in range(len(wanted)) for j in range(len(given))]
        if cells <= budget
        else [(i, i) for i in range(min(len(wanted), len(given)))]
    )
    tallies = {(i, j): _compare(wanted[i], given[j], inner) for i, j in places}
    ranked = sorted(
        tallies, key=lambda at: (-tallies[at][0] / tallies[at][1], abs(at[0] - at[1]), at)
    )
    rows: dict[int, int] = {}
    taken: set[int] = set()
    for i, j in ranked:
        if i not in rows and j not in taken and tallies[i, j][0] > 0:
            rows[i] = j
            taken.add(j)
    matched = [tallies[at] for at in rows.items()]
    lost = sum(_leaves(value) for i, value in enumerate(wanted) if i not in rows)
    spare = sorted(_leaves(value) for j, value in enumerate(given) if j not in taken)
    # A spare element stands in the place of a lost one; only what is more than that is extra.
    extra = sum(spare[: max(0, len(given) - len(wanted))])
    return sum(credit for credit, _ in matched), sum(due for _, due in matched) + lost + extra


def _scalar(wanted: Any, given: Any) -> float:
    if isinstance(wanted, bool) or wanted is None:
        return float(given is wanted)
    if isinstance(wanted, int | float):
        number = isinstance(given, int | float) and not isinstance(given, bool)
        return float(number and _close(wanted, given))
    return _text(wanted, given) if isinstance(given, str) else 0.0


def _close(wanted: float, given: float) -> bool:
    if wanted == given:
        return True
    try:
        return abs(wanted - given) <= RELATIVE_TOLERANCE * max(abs(wanted), abs(given))
    except OverflowError:  # integers beyond a double's range that are not equal
        return False


def _text(wanted: str, given: str) -> float:
    if _plain(wanted) == _plain(given):
        return 1.0
    if not is_free_text(wanted):
        return 0.0
    agreement = token_f1(given, wanted)
    numbers = quantities(wanted)
    if len(found_in(numbers, quantities(given))) < len(numbers):
        return min(agreement, EQUIVALENT_F1) / 2  # another number is another statement
    return 1.0 if agreement >= EQUIVALENT_F1 else agreement


def is_free_text(text: str) -> bool:
    """More than five words; in scripts without spaces, more than ten characters."""
    tokens = answer_tokens(normalise(text))
    spaceless = sum(len(token) == 1 and not token.isascii() for token in tokens)
    return len(tokens) - spaceless / 2 > FREE_TEXT_WORDS


def _plain(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).split()).rstrip(".。")
