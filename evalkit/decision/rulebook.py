"""The rules that weigh approaches, read from a file that users can edit, and what each says of given facts."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from evalkit.errors import InvalidInput, did_you_mean
from evalkit.strict import read_yaml

APPROACHES = (
    "no_change",
    "mend_suite",
    "prompt",
    "rag",
    "finetuned",
    "hybrid",
    "stronger_model",
)
Facts = Mapping[str, Any]  # by name; None, or absent, is unknown

_TESTS: Mapping[str, Callable[[Any, Any], bool]] = {
    "is": operator.eq,
    "one_of": lambda value, allowed: value in allowed,
    "at_least": operator.ge,
    "at_most": operator.le,
    "above": operator.gt,
    "below": operator.lt,
}


PLACE = re.compile(
    r"\{(\w+)(?::(\.\d[f%]))?\}"
)  # {fact}, {fact:.0%} or {fact:.1f}, and nothing else


def _filled(value: Any, form: str | None) -> str:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return format(value, form) if form and number else str(value)


@dataclass(frozen=True, slots=True)
class Term:
    """One comparison of one fact."""

    fact: str
    test: str
    value: Any

    def holds(self, facts: Facts) -> bool | None:
        """Whether it holds; None where the fact is unknown."""
        known = facts.get(self.fact)
        try:
            return None if known is None else _TESTS[self.test](known, self.value)
        except TypeError:
            raise InvalidInput(
                f"{known!r} cannot be compared with {self.value!r}", field=self.fact
            ) from None


@dataclass(frozen=True, slots=True)
class Rule:
    """A condition on the facts, the points it gives to approaches, and why."""

    id: str
    when: tuple[Term, ...]
    why: str
    points: Mapping[str, float] = field(default_factory=dict)
    settle: str = ""

    def fires(self, facts: Facts) -> bool | None:
        """Whether every term holds; None where that turns on an unknown fact."""
        found = [term.holds(facts) for term in self.when]
        if False in found:
            return False
        return None if None in found else True

    def told(self, facts: Facts) -> str:
        """Its reason, with the facts filled in."""
        return PLACE.sub(lambda m: _filled(facts.get(m[1]), m[2]), self.why)

    def unknown(self, facts: Facts) -> tuple[str, ...]:
        """The facts it lacks."""
        return tuple(t.fact for t in self.when if facts.get(t.fact) is None)


@dataclass(frozen=True, slots=True)
class Rulebook:
    """All rules, and what each approach requires."""

    rules: tuple[Rule, ...]
    requirements: Mapping[str, tuple[Rule, ...]]


@cache
def load_rulebook(path: Path | None = None) -> Rulebook:
    """The rules of a file; our own without a path. ``InvalidInput`` names what is wrong."""
    file = path or Path(str(files("evalkit") / "rulebook.yaml"))
    value = read_yaml(file).value
    try:
        rules = tuple(_rule(row, file) for row in value["rules"])
        needs = {
            _approach(name, file): tuple(_rule(row, file) for row in rows)
            for name, rows in (value.get("requirements") or {}).items()
        }
    except (KeyError, TypeError, AttributeError) as error:
        raise InvalidInput(f"is not a rulebook: {error}", file=file, field="rules") from None
    return Rulebook(rules, needs)


def _rule(row: Mapping[str, Any], file: Path) -> Rule:
    points = {_approach(name, file): float(n) for name, n in (row.get("points") or {}).items()}
    terms = tuple(_term(term, file) for term in row["when"])
    return Rule(str(row["id"]), terms, str(row["why"]), points, str(row.get("settle", "")))


def _term(row: Mapping[str, Any], file: Path) -> Term:
    tests = [name for name in row if name != "fact"]
    if len(tests) != 1 or tests[0] not in _TESTS:
        known = ", ".join(_TESTS)
        raise InvalidInput(
            f"a term has one comparison of {known}", file=file, field=str(row["fact"])
        )
    return Term(str(row["fact"]), tests[0], row[tests[0]])


def _approach(name: str, file: Path) -> str:
    if name not in APPROACHES:
        raise InvalidInput(
            f"there is no approach {name!r}",
            file=file,
            field="points",
            hint=did_you_mean(name, APPROACHES),
        )
    return name


def check_facts(book: Rulebook, known: Collection[str]) -> None:
    """Every fact that a rule asks for, or names in its reason, must be one; ``InvalidInput`` names the rule."""
    rules = (*book.rules, *(r for needs in book.requirements.values() for r in needs))
    for rule in rules:
        named = (*(t.fact for t in rule.when), *(m[1] for m in PLACE.finditer(rule.why)))
        for name in named:
            if name not in known:
                raise InvalidInput(
                    f"there is no fact {name!r}",
                    field=f"rule {rule.id}",
                    hint=did_you_mean(name, known),
                )


def unknown_facts(rules: Sequence[Rule], facts: Facts) -> dict[str, tuple[str, ...]]:
    """The facts that keep rules from being judged, with the ids of those rules."""
    found: dict[str, tuple[str, ...]] = {}
    for rule in rules:
        if rule.fires(facts) is None:
            for name in rule.unknown(facts):
                found[name] = (*found.get(name, ()), rule.id)
    return found
