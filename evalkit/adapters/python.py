"""Systems written in Python: a function, or an object with ask, retrieve, generate or lookup."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from evalkit.adapters.calling import Function, depth_by_position
from evalkit.adapters.options import digest, read_options
from evalkit.adapters.python_system import PythonSystem
from evalkit.adapters.targets import first_on_path, load, make
from evalkit.errors import InvalidInput
from evalkit.records import Approach, Document, Suite, System, SystemSpec

KNOWN = ("target", "args", "timeout", "threads")
TIMEOUT = 600.0  # seconds for one question; a system that hangs must not hang the run
THREADS = 32
LEADING = {"ask": 1, "retrieve": 1, "generate": 2, "lookup": 1}  # arguments handed by position


def wrap(
    target: object,
    *,
    name: str,
    approach: Approach | str,
    fingerprint: str = "",
    threads: int = THREADS,
    timeout: float | None = TIMEOUT,
    corpus: Mapping[str, Document] | None = None,
) -> System:
    """Make a ``System`` of a Python object.

    ``target`` is a function ``f(query) -> str | dict | Trace`` or an object with ``ask``, with ``retrieve``
    and ``generate``, or with ``retrieve`` alone; sync methods run in ``threads`` threads of its own.
    ``timeout`` is in seconds for one question, ``None`` for no limit. ``corpus`` gives the text of
    passages returned by ``doc_id`` alone. Left out, ``fingerprint`` is that of the source file.
    Raises ``InvalidInput`` for an object that cannot be asked.
    """
    return PythonSystem(
        functions_of(target),
        name=name,
        approach=Approach(approach),
        fingerprint=fingerprint or digest(source_of(target)),
        threads=threads,
        timeout=timeout,
        corpus=corpus or {},
    )


def functions_of(target: object) -> dict[str, Function]:
    """The methods of a system that the object offers, by name; a plain callable is its ``ask``."""
    found: dict[str, Callable[..., Any]] = {}
    for method in LEADING:
        attribute = getattr(target, method, None)
        if callable(attribute):
            found[method] = attribute
    if callable(target) and not {"ask", "retrieve", "generate"} & set(found):
        found["ask"] = target
    if not {"ask", "retrieve", "generate"} & set(found):
        raise InvalidInput(
            f"{type(target).__name__} cannot be asked anything",
            field="target",
            hint="give a function, or an object with ask, or with retrieve and generate",
        )
    return {method: _function(target, method, call) for method, call in found.items()}


def _function(target: object, method: str, call: Callable[..., Any]) -> Function:
    by_position = LEADING[method] + (method == "retrieve" and depth_by_position(call))
    owner = target if hasattr(target, "__qualname__") else type(target)
    label = str(getattr(owner, "__qualname__", type(target).__name__))
    return Function(call, label if call is target else f"{label}.{method}", by_position)


def source_of(target: object) -> list[str]:
    """What names the code behind an object: its qualified name and its module's source."""
    inner = getattr(target, "func", target)
    kind = inner if hasattr(inner, "__qualname__") else type(inner)
    module_name = str(getattr(kind, "__module__", ""))
    module = sys.modules.get(module_name)
    file = getattr(module, "__file__", None)
    source = Path(file).read_text("utf-8", "replace") if file and file.endswith(".py") else ""
    return [module_name, str(getattr(kind, "__qualname__", "")), source]


def build(spec: SystemSpec, suite: Suite) -> System:
    """The system that ``target: module:attr`` names; a class, or a function given ``args``, makes it."""
    options = read_options(spec, KNOWN)
    target = options.required("target")
    arguments = options.mapping("args")
    with first_on_path(spec.folder):
        named = load(target, spec.folder, options)
        makes = isinstance(named, type) or arguments is not None
        made = make(named, arguments or {}, options) if makes else named
    system = PythonSystem(
        functions_of(made),
        name=spec.name,
        approach=spec.approach,
        fingerprint=digest(target, source_of(named), arguments),
        threads=options.count("threads", THREADS) or THREADS,
        timeout=options.number("timeout", TIMEOUT, low=0.001),
        corpus=suite.corpus,
    )
    if makes:
        system.own(made)
    return system
