"""Searches untrusted regular expressions in bounded time, so that no schema can stall a scoring run.

Python's engine backtracks: ``(a+)+$`` takes exponential time on the wrong answer. A pattern with at
most one unbounded repeat and few choices is left to it; every other is run as a nondeterministic
automaton (Thompson 1968), in time linear in the text. What an automaton cannot express (back
references, look-around) is refused where backtracking could be costly.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any

_PARSER: Any = re._parser  # type: ignore[attr-defined]  # noqa: SLF001 - the only access to re's own syntax tree
MAX_STATES = 4000
MANY = 32  # a repeat that may vary by more than this counts as unbounded
MAX_COST = 20_000.0  # one unbounded repeat and a few choices
MAX_BACKTRACKED = 4_000  # characters that may be given to Python's engine, quadratic at worst

_REPEATS = ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT")
Test = Callable[[str], bool]
Node = tuple[Any, Any]


class UnsafePatternError(ValueError):
    """The pattern is invalid, or could take exponential time and cannot be run otherwise."""


def search(pattern: str, text: str) -> bool:
    """Whether ``pattern`` matches anywhere in ``text``; raises ``UnsafePatternError``."""
    compiled, automaton = _compile(pattern)
    if automaton is None or (len(text) <= MAX_BACKTRACKED and compiled is not None):
        if len(text) > MAX_BACKTRACKED:
            raise UnsafePatternError(
                f"pattern {pattern[:80]!r}: the text is too long to search safely"
            )
        return compiled is not None and compiled.search(text) is not None
    return automaton.search(text)


@lru_cache(512)
def _compile(pattern: str) -> tuple[re.Pattern[str] | None, _Automaton | None]:
    """Python's compiled pattern where that is safe, and the automaton where there can be one."""
    translated = _ecma(pattern)
    try:
        compiled = re.compile(translated)
        tree = list(_PARSER.parse(translated))
    except (re.error, RecursionError, OverflowError, ValueError) as error:
        raise UnsafePatternError(
            f"pattern {pattern[:80]!r} is no regular expression: {error}"
        ) from None
    safe = _cost(tree) <= MAX_COST
    try:
        automaton = _Automaton(tree)
    except NotImplementedError as error:
        if not safe:
            raise UnsafePatternError(
                f"pattern {pattern[:80]!r} could take exponential time and {error}; simplify it"
            ) from None
        return compiled, None
    return (compiled if safe else None), automaton


_CATEGORY = {
    "L": r"[^\W\d_]",
    "Letter": r"[^\W\d_]",
    "N": r"\d",
    "Nd": r"\d",
    "digit": r"\d",
}


def _ecma(pattern: str) -> str:
    r"""JSON Schema's dialect in Python's spelling where they differ: ``$`` and ``\p{L}``."""
    pattern = re.sub(
        r"(\\\\)|\\p\{(\w+)\}",
        lambda found: found.group(1) or _CATEGORY.get(found.group(2), found.group()),
        pattern,
    )
    return re.sub(r"(\\.|\[(?:\\.|[^\]\\])*\])|\$", lambda found: found.group(1) or r"\Z", pattern)


def _cost(tree: Iterable[Node]) -> float:
    """In how many ways a match could be tried from one place: what backtracking costs at worst.

    An unbounded repeat of something fixed counts 1,000; one of something that has a choice itself
    (``(a|aa)+``, ``(a+)+``) is exponential and counts as infinite.
    """
    total = 1.0
    for op, argument in tree:
        if op.name == "BRANCH":
            total *= sum(_cost(branch) for branch in argument[1])
            continue
        inside = math.prod(_cost(part) for part in _parts(argument))
        if op.name in _REPEATS:
            low, high = int(argument[0]), int(argument[1])
            inside = _repeated(inside, low, high)
        total *= inside
    return total


def _repeated(inside: float, low: int, high: int) -> float:
    if high - low > MANY:
        return 1000.0 if inside == 1 else math.inf
    if high > MANY and inside > 1:
        return math.inf
    return (high - low + 1) * (inside**high if inside > 1 else 1.0)


def _parts(argument: Any) -> list[Any]:
    """The sub-patterns an operation holds."""
    if isinstance(argument, _PARSER.SubPattern):
        return [argument]
    if isinstance(argument, (tuple, list)):
        return [part for item in argument for part in _parts(item)]
    return []


class _Automaton:
    """A pattern as numbered states: one either tests a character or leads on without one."""

    def __init__(self, tree: Iterable[Node]) -> None:
        self.tests: list[Test | None] = []
        self.guards: list[str | None] = []
        self.next: list[list[int]] = []
        self.final = self.state()
        self.first = self.sequence(list(tree), self.final)

    def state(self, *following: int, test: Test | None = None, guard: str | None = None) -> int:
        if len(self.next) >= MAX_STATES:
            raise NotImplementedError("is too large for an automaton")
        self.tests.append(test)
        self.guards.append(guard)
        self.next.append(list(following))
        return len(self.next) - 1

    def sequence(self, tree: Iterable[Node], after: int) -> int:
        for op, argument in reversed(list(tree)):
            after = self.one(op.name, argument, after)
        return after

    def one(self, op: str, argument: Any, after: int) -> int:
        if op in ("LITERAL", "NOT_LITERAL", "ANY", "IN"):
            return self.state(after, test=_test(op, argument))
        if op == "BRANCH":
            return self.state(*(self.sequence(branch, after) for branch in argument[1]))
        if op == "SUBPATTERN" and not argument[1] and not argument[2]:  # no inline flags
            return self.sequence(argument[3], after)
        if op in _REPEATS[:2]:
            return self.repeat(*argument, after=after)
        if op == "AT" and argument.name in _GUARDS:
            return self.state(after, guard=argument.name)
        raise NotImplementedError(f"uses {op.lower().replace('_', ' ')}, which no automaton has")

    def repeat(self, low: int, high: Any, body: Any, *, after: int) -> int:
        if high == _PARSER.MAXREPEAT:
            loop = self.state(after)
            self.next[loop].append(self.sequence(body, loop))
            after = loop
        else:
            end = after
            for _ in range(int(high) - low):
                after = self.state(end, self.sequence(body, after))
        for _ in range(low):
            after = self.sequence(body, after)
        return after

    def search(self, text: str) -> bool:
        active: set[int] = set()
        for at in range(len(text) + 1):
            reached = self.closure({*active, self.first}, text, at)
            if self.final in reached:
                return True
            char = text[at : at + 1]
            active = set()
            for state in reached:
                test = self.tests[state]
                if char and test is not None and test(char):
                    active.update(self.next[state])
        return False

    def closure(self, states: set[int], text: str, at: int) -> set[int]:
        """All states reachable from ``states`` at this place without taking a character."""
        seen = set(states)
        waiting = list(states)
        while waiting:
            state = waiting.pop()
            guard = self.guards[state]
            if self.tests[state] is not None or (
                guard is not None and not _GUARDS[guard](text, at)
            ):
                continue
            fresh = [one for one in self.next[state] if one not in seen]
            seen.update(fresh)
            waiting.extend(fresh)
        return seen


def _word(char: str) -> bool:
    return char.isalnum() or char == "_"


def _boundary(text: str, at: int) -> bool:
    before, after = text[at - 1 : at] if at else "", text[at : at + 1]
    return _word(before) != _word(after)


_GUARDS: dict[str, Callable[[str, int], bool]] = {
    "AT_BEGINNING": lambda _text, at: at == 0,
    "AT_BEGINNING_STRING": lambda _text, at: at == 0,
    "AT_END": lambda text, at: at == len(text) or (at == len(text) - 1 and text[at] == "\n"),
    "AT_END_STRING": lambda text, at: at == len(text),
    "AT_BOUNDARY": _boundary,
    "AT_NON_BOUNDARY": lambda text, at: not _boundary(text, at),
}
_CATEGORIES: dict[str, Test] = {
    "CATEGORY_DIGIT": lambda char: unicodedata.category(char) == "Nd",
    "CATEGORY_SPACE": str.isspace,
    "CATEGORY_WORD": _word,
}


def _test(op: str, argument: Any) -> Test:
    if op == "ANY":
        return lambda char: char != "\n"
    if op == "LITERAL":
        return lambda char: ord(char) == argument
    if op == "NOT_LITERAL":
        return lambda char: ord(char) != argument
    negated = argument[0][0].name == "NEGATE"
    members = [_member(kind.name, value) for kind, value in argument[negated:]]
    return lambda char: any(member(char) for member in members) != negated


def _member(kind: str, value: Any) -> Test:
    if kind == "LITERAL":
        return lambda char: ord(char) == value
    if kind == "RANGE":
        return lambda char: value[0] <= ord(char) <= value[1]
    positive = _CATEGORIES[value.name.replace("_NOT_", "_")]
    return positive if "_NOT_" not in value.name else lambda char: not positive(char)
