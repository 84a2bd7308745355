"""The code of a function: its source where that is certainly what runs, else what the interpreter runs."""

from __future__ import annotations

import ast
import hashlib
import json
import linecache
from collections.abc import Iterator
from functools import lru_cache
from importlib.abc import InspectLoader
from types import CodeType, FunctionType
from typing import Any

_Node = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
_BY_TEXT = {"getattr", "globals", "vars", "attrgetter", "__dict__"}
_LARGEST = 2 << 20  # characters of a file that is searched


def code_text(made: FunctionType) -> str:
    """The source without comments and layout, as JSON.

    Where there is none, or the file has changed since it was loaded: ``#`` and a digest of bytecode, constants and
    names, which other versions of Python make otherwise.
    """
    node = _node(made.__code__, "".join(linecache.getlines(made.__code__.co_filename)))
    if node is None:
        return f"#{hashlib.sha256(repr(_compiled(made.__code__)).encode()).hexdigest()[:16]}"
    return json.dumps(ast.unparse(node), ensure_ascii=True)


def names_in(code: CodeType) -> set[str]:
    """The global names and attributes that code mentions, that of functions inside it too.

    Where it looks names up by text (``getattr``, ``globals``), its texts count as names.
    """
    names = {name for inner in _all(code) for name in inner.co_names}
    if names & _BY_TEXT:
        constants = (constant for inner in _all(code) for constant in inner.co_consts)
        names.update(text for text in constants if isinstance(text, str) and text.isidentifier())
    return names


def _node(code: CodeType, source: str) -> _Node | None:
    """Where the code stands in the source that it was made of; None where it was not made of that."""
    parsed = _parsed(source, code.co_filename) if 0 < len(source) < _LARGEST else None
    if parsed is None or code not in parsed[1]:
        return None
    places = [p for p in code.co_positions() if None not in p and p[2] != p[3]]
    fitting = [node for node in parsed[0] if _first_line(node) == code.co_firstlineno]
    around = [node for node in fitting if _name(node) == code.co_name and _spans(node, places)]
    return min(around, key=lambda node: len(ast.unparse(node)), default=None)


@lru_cache(maxsize=64)
def _parsed(source: str, filename: str) -> tuple[list[_Node], frozenset[CodeType]] | None:
    try:
        tree = ast.parse(source)
        code = InspectLoader.source_to_code(source, filename)  # compiled, never run
    except (SyntaxError, ValueError, RecursionError):
        return None
    return [node for node in ast.walk(tree) if isinstance(node, _Node)], frozenset(_all(code))


def _all(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _all(constant)


def _first_line(node: _Node) -> int:
    decorators = [] if isinstance(node, ast.Lambda) else node.decorator_list
    return min([node.lineno, *(decorator.lineno for decorator in decorators)])


def _name(node: _Node) -> str:
    return "<lambda>" if isinstance(node, ast.Lambda) else node.name


def _spans(node: _Node, places: list[Any]) -> bool:
    if not isinstance(node, ast.Lambda):
        return True
    start = (node.body.lineno, node.body.col_offset)
    end = (node.body.end_lineno or 0, node.body.end_col_offset or 0)
    return all(
        start <= (line, column) and (last, stop) <= end for line, last, column, stop in places
    )


def _compiled(code: CodeType) -> list[Any]:
    constants = [_compiled(c) if isinstance(c, CodeType) else _constant(c) for c in code.co_consts]
    shape = (code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount, code.co_flags)
    names = (code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars)
    return [code.co_code.hex(), constants, names, shape, code.co_exceptiontable.hex()]


def _constant(value: Any) -> Any:
    if isinstance(value, frozenset):
        return sorted(map(repr, value))
    return [_constant(item) for item in value] if isinstance(value, tuple) else repr(value)
