"""What suite.yaml asks of the gate beside limits of values: how much must be measured, and a declared hierarchy."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from evalkit.errors import InvalidInput, did_you_mean
from evalkit.files import LimitRow, SuiteFile
from evalkit.gate import Line
from evalkit.gating.scope import check_tags
from evalkit.records import Level, Metric, Suite
from evalkit.strict import read_yaml
from evalkit.validation import validate

Name = tuple[str, tuple[str, ...]]  # a metric or cause, and the tags of its slice

_SLICED = re.compile(r"(?P<metric>.+?)(?:\[(?P<tags>[^\[\]]+)\])?")


@dataclass(frozen=True, slots=True)
class Policy:
    """``coverage`` is the share (0..1) of its measurements that each metric must have, in the order of the limits.

    ``hierarchy`` holds the names (NAME or NAME[TAG]) in the order in which they are tested; empty for Holm's correction.
    """

    coverage: Mapping[Name, float] = field(default_factory=dict)
    hierarchy: tuple[str, ...] = ()

    def covered_metrics(self) -> list[str]:
        """The metrics and causes of which a share must be measured, each once."""
        return list(dict.fromkeys(name for name, _ in self.coverage))

    def tolerance(self, name: Name) -> float | None:
        """The share of a metric's measurements that may be missing; None where nothing is said of it."""
        least = self.coverage.get(name)
        return None if least is None else 1 - least


def read_policy(path: Path) -> Policy:
    """The policy of the suite in folder ``path`` (or the suite.yaml given); an empty one where there is no file."""
    file = path if path.suffix in (".yaml", ".yml") else path / "suite.yaml"
    if not file.exists():
        return Policy()
    yaml = read_yaml(file)
    row = validate(SuiteFile, yaml.value, file=file, lines=yaml.lines)
    return Policy(_coverage(row.limits, file), tuple(row.hierarchy))


def named(text: str) -> Name:
    """Metric and tags of NAME or NAME[TAG, ...]."""
    found = _SLICED.fullmatch(text)
    assert found is not None  # the first group takes anything
    tags = found["tags"]
    return found["metric"], tuple(part.strip() for part in tags.split(",")) if tags else ()


def _coverage(limits: Sequence[LimitRow], file: Path) -> dict[Name, float]:
    found: dict[Name, float] = {}
    for i, limit in enumerate(limits):
        name = (limit.metric, tuple(limit.tags))
        if limit.coverage is None:
            continue
        if found.setdefault(name, limit.coverage) != limit.coverage:
            message = f"the coverage of {_text(name)} is {found[name]:g} in another limit"
            raise InvalidInput(message, file=file, field=f"limits[{i}].coverage")
    return found


def _text(name: Name) -> str:
    return f"{name[0]}[{', '.join(name[1])}]" if name[1] else name[0]


# --- does it make sense? ---------------------------------------------------------------------


def check_policy(
    suite: Suite, policy: Policy, metrics: Mapping[str, Metric], causes: Sequence[str]
) -> None:
    """``InvalidInput`` for a name that nothing bears or that has no cases, and for what could guard nothing."""
    file = suite.folder / "suite.yaml"
    known = [*metrics, *causes]
    for field_, name in _names(policy):
        if name[0] not in known:
            told = f"no metric and no cause is called {name[0]!r}"
            raise InvalidInput(told, file=file, field=field_, hint=did_you_mean(name[0], known))
        if name[0] in metrics and metrics[name[0]].level is Level.SUITE:
            told = (
                f"{name[0]} has one value for the whole suite: it has neither coverage nor a test"
            )
            hint = "give it at_least or at_most, and the coverage of `passed` a limit"
            raise InvalidInput(told, file=file, field=field_, hint=hint)
        check_tags(suite, name[1], file=file, field=field_)
    _check_twice(policy, file)
    least = policy.coverage.get(("passed", ()))
    if least is not None and least < 1 - suite.max_error_rate - 1e-9:
        told = (
            f"asks for less of `passed` than max_error_rate does, which is {suite.max_error_rate:g}"
        )
        hint = f"raise max_error_rate to {1 - least:g}, or leave the coverage of `passed` out"
        raise InvalidInput(told, file=file, field="limits.coverage", hint=hint)


def _names(policy: Policy) -> Iterator[tuple[str, Name]]:
    for name in policy.coverage:
        yield "limits.coverage", name
    for i, text in enumerate(policy.hierarchy):
        yield f"hierarchy[{i}]", named(text)


def _check_twice(policy: Policy, file: Path) -> None:
    seen: set[Name] = set()
    for i, text in enumerate(policy.hierarchy):
        if named(text) in seen:
            told = f"{text} stands in the hierarchy twice: what is tested once is not tested again"
            raise InvalidInput(told, file=file, field=f"hierarchy[{i}]")
        seen.add(named(text))


# --- the lines in their order ----------------------------------------------------------------


def in_steps(lines: Sequence[Line], policy: Policy, file: Path) -> list[Line]:
    """The lines, each with its step in the hierarchy; as they are without one.

    Of one metric the limit comes before the comparison. Exact lines are no tests and have no step. ``InvalidInput``
    for a line that the hierarchy does not name: its place would have to be guessed.
    """
    if not policy.hierarchy:
        return list(lines)
    order = {named(text): i for i, text in enumerate(policy.hierarchy)}
    tested = [i for i, line in enumerate(lines) if not line.exact]
    for i in tested:
        name = (lines[i].metric, lines[i].tags)
        if name not in order:
            why = "has a limit" if lines[i].limit is not None else "is compared with the baseline"
            raise InvalidInput(
                f"leaves out {_text(name)}, which {why}: a hierarchy orders everything that is tested",
                file=file,
                field="hierarchy",
                hint=f"put {_text(name)} where it belongs, the most important first",
            )
    tested.sort(key=lambda i: (order[lines[i].metric, lines[i].tags], lines[i].limit is None, i))
    steps = {i: step for step, i in enumerate(tested)}
    return [replace(line, step=steps.get(i)) for i, line in enumerate(lines)]
