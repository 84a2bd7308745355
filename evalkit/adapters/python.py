"""Systems written in Python: a function, or an object with ask, retrieve, generate or lookup."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evalkit.adapters.calling import Function, depth_by_position
from evalkit.adapters.options import Options, digest, read_options
from evalkit.adapters.python_system import InProcess, PythonSystem
from evalkit.adapters.targets import first_on_path, load, make
from evalkit.errors import InvalidInput
from evalkit.fingerprints.held import Held, held_by
from evalkit.records import Approach, Document, JsonObject, Suite, System, SystemSpec

KNOWN = ("target", "args", "timeout", "threads", "workers")
TIMEOUT = 120.0  # seconds for one question; a system that hangs must not hang the run
THREADS = 32
LEADING = {"ask": 1, "retrieve": 1, "generate": 2, "lookup": 1}  # arguments handed by position


def wrap(  # noqa: PLR0913 (keyword-only settings)
    target: object,
    *,
    name: str,
    approach: Approach | str,
    fingerprint: str = "",
    version: str | None = None,
    threads: int = THREADS,
    timeout: float | None = TIMEOUT,
    corpus: Mapping[str, Document] | None = None,
    owned: object = None,
) -> PythonSystem:
    """Make a ``System`` of a Python object.

    ``target`` is a function ``f(query) -> str | dict | Trace`` or an object with ``ask``, with ``retrieve``
    and ``generate``, or with ``retrieve`` alone; sync methods run in ``threads`` threads of its own.
    ``timeout`` is in seconds for one question, ``None`` for no limit. ``corpus`` gives the text of
    passages returned by ``doc_id`` alone; ``owned`` is closed with the system. Left out, ``fingerprint`` is that of
    the object's code and of what it holds; ``version`` stands for what it holds.
    Raises ``InvalidInput`` for an object that cannot be asked.
    """
    given: dict[str, Any] = {
        "name": name,
        "approach": Approach(approach),
        "timeout": timeout,
        "corpus": corpus or {},
    }
    callee = InProcess(functions_of(target), threads, owned)
    if fingerprint:
        return PythonSystem(callee, fingerprint=fingerprint, **given)
    return ObjectSystem(callee, target, version, **given)


class ObjectSystem(PythonSystem):
    """A function or object of this process. ``held`` is what it is made of, as it was when the run began."""

    def __init__(
        self, callee: InProcess, target: object, version: str | None, **given: Any
    ) -> None:
        super().__init__(callee, fingerprint="", **given)
        self._target, self._version = target, version
        self.look()

    def look(self) -> None:
        """See anew what the object is made of, before it is asked anything.

        What an earlier run of this process left as it is now (a counter, a memory) counts as it was before that run.
        """
        self.held = _held(self._target, self._version)
        self.held.values = _BEFORE.get(self.held.digest(), self.held.values)
        self.fingerprint = digest(source_of(self._target), self.held.code, self.held.values)

    async def aclose(self) -> None:
        """Note what answering has changed, and let the threads go; a second call does nothing."""
        left = _held(self._target, self._version)
        if left.code == self.held.code and left.values != self.held.values:
            _BEFORE[left.digest()] = self.held.values
        await super().aclose()


_BEFORE: dict[str, dict[str, str]] = {}  # what objects held before a run, by what it left them as


def _held(target: object, version: str | None) -> Held:
    found = held_by(target)
    if version is not None:
        found.values, found.opaque = {"version": json.dumps(version)}, []
    return found


def functions_of(target: object) -> dict[str, Function]:
    """The methods of a system that the object offers, by name; a plain callable is its ``ask``."""
    found: dict[str, Callable[..., Any]] = {}
    for method in LEADING:
        attribute = None
        with suppress(Exception):  # a foreign __getattr__ may raise anything
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


@dataclass(frozen=True, slots=True)
class Settings:
    """The options of a python system, checked; nothing is imported for it.

    ``timeout`` is in seconds for one question. ``workers`` is the number of processes where it runs in
    processes of its own; in this process it has no meaning.
    """

    options: Options
    target: str
    arguments: JsonObject | None
    threads: int
    timeout: float | None
    workers: int


@dataclass(frozen=True, slots=True)
class Imported:
    """The methods of an imported system, the name of its code, and the object to close if we made it."""

    functions: Mapping[str, Function]
    fingerprint: str
    owned: object


def settings_of(spec: SystemSpec) -> Settings:
    """The options of ``spec``; raises ``InvalidInput``."""
    options = read_options(spec, KNOWN)
    return Settings(
        options,
        options.required("target"),
        options.mapping("args"),
        threads=options.count("threads", THREADS) or THREADS,
        timeout=options.number("timeout", TIMEOUT, low=0.001),
        workers=options.count("workers", 1) or 1,
    )


def import_target(settings: Settings, folder: Path) -> Imported:
    """Import ``target: module:attr``; a class, or a function given ``args``, makes the system."""
    arguments = settings.arguments
    with first_on_path(folder):
        named = load(settings.target, folder, settings.options)
        makes = isinstance(named, type) or arguments is not None
        made = make(named, arguments or {}, settings.options) if makes else named
    fingerprint = digest(settings.target, source_of(named), arguments)
    return Imported(functions_of(made), fingerprint, made if makes else None)


def build(spec: SystemSpec, suite: Suite) -> System:
    """The system that ``target`` names, in this process; ``evalkit.workers.build`` gives it processes of its own."""
    settings = settings_of(spec)
    imported = import_target(settings, spec.folder)
    return PythonSystem(
        InProcess(imported.functions, settings.threads, imported.owned),
        name=spec.name,
        approach=spec.approach,
        fingerprint=imported.fingerprint,
        timeout=settings.timeout,
        corpus=suite.corpus,
    )
