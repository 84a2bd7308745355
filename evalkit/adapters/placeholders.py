"""Fills ``{name}`` placeholders in texts and JSON trees; what is filled in is never read again."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Callable, Mapping
from typing import Any

_PLACEHOLDER = re.compile(r"\{([a-z_]+(?:\.[^{}\s]+)?)\}")
_INPUT = "inputs."


def names_in(tree: Any) -> list[str]:
    """Every ``{name}`` in the strings of a JSON tree, in order."""
    if isinstance(tree, str):
        return _PLACEHOLDER.findall(tree)
    if isinstance(tree, Mapping):
        return [name for value in tree.values() for name in names_in(value)]
    if isinstance(tree, (list, tuple)):
        return [name for value in tree for name in names_in(value)]
    return []


def misspelt(tree: Any, known: tuple[str, ...]) -> tuple[str, str] | None:
    """The first ``{name}`` that is not known but nearly, with the name that is meant."""
    for name in names_in(tree):
        if name in known or name.startswith(_INPUT):
            continue
        near = difflib.get_close_matches(name, known, n=1, cutoff=0.7)
        if near:
            return name, near[0]
    return None


def fill_text(template: str, values: Mapping[str, Any]) -> str:
    """``template`` with each known ``{name}`` replaced; other braces stay as they are."""

    def replaced(found: re.Match[str]) -> str:
        return _as_text(_value(found[1], values)) if _known(found[1], values) else found[0]

    return _PLACEHOLDER.sub(replaced, template)


def fill_tree(tree: Any, values: Mapping[str, Any]) -> Any:
    """A copy of a JSON tree: a string that is just ``{name}`` becomes the value itself, whatever its type."""
    if isinstance(tree, str):
        whole = _PLACEHOLDER.fullmatch(tree)
        if whole and _known(whole[1], values):
            return _value(whole[1], values)
        return fill_text(tree, values)
    return _mapped(tree, lambda part: fill_tree(part, values))


def _mapped(tree: Any, do: Callable[[Any], Any]) -> Any:
    if isinstance(tree, Mapping):
        return {name: do(value) for name, value in tree.items()}
    return [do(value) for value in tree] if isinstance(tree, (list, tuple)) else tree


def _known(name: str, values: Mapping[str, Any]) -> bool:
    return name in values or (name.startswith(_INPUT) and "inputs" in values)


def _value(name: str, values: Mapping[str, Any]) -> Any:
    if name in values:
        return values[name]
    value: Any = values["inputs"]
    for part in name.removeprefix(_INPUT).split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


def _as_text(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
