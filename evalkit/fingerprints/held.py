"""What a function or an object of Python is made of: its code, and the values that it holds, by name."""

from __future__ import annotations

import contextvars
import functools
import hashlib
import json
import sys
import types
import weakref
from collections import deque
from dataclasses import dataclass, field, is_dataclass
from itertools import islice
from typing import Any

from evalkit.fingerprints.code_text import code_text, names_in
from evalkit.fingerprints.object_parts import (
    KEPT_TEXT,
    behind,
    filled,
    full,
    generated,
    in_order,
    inside,
    is_own,
    is_own_class,
    named,
    named_type,
    slow,
    state,
    told,
)
from evalkit.fingerprints.plain_values import (
    PRIVATE,
    PRIVATE_ENTRY,
    SECRET_NAME,
    is_harmless,
    plain,
    without_attributes,
)

MOST = 5_000  # values that are looked at one by one,
DEEPEST = 200  # and how many steps from the system
SLOW = 20  # how many slow digests are made
CLIENT = ("_client", "_base_url")  # what clients keep of where they call
EFFORT = ("timeout", "max_retries")  # and how hard they try, which no answer depends on


@dataclass(slots=True)
class Held:
    """What was found: ``code`` and ``values`` by place, as JSON or ``#`` and a digest.

    ``opaque`` are the places that hold something that cannot be compared, with its type; ``modules`` the names of
    modules of the user's own whose files belong to it.
    """

    code: dict[str, str] = field(default_factory=dict)
    values: dict[str, str] = field(default_factory=dict)
    opaque: list[str] = field(default_factory=list)
    modules: set[str] = field(default_factory=set)

    def digest(self) -> str:
        """Names code and values."""
        text = json.dumps([sorted(self.code.items()), sorted(self.values.items())])
        return hashlib.sha256(text.encode()).hexdigest()


def held_by(target: object) -> Held:
    """Everything of a system's object that its answers may depend on, alike in every process."""
    look = _Look()
    look.visit(target, "")
    look.run()
    look.settle()
    return look.held


class _Look:
    """One look at an object and all it leads to, nearest first; every object is looked at once."""

    def __init__(self) -> None:
        self.held = Held()
        self._waiting: deque[tuple[Any, str, int]] = deque()
        self._met, self._depth = 0, 0
        self._home: str | None = None  # the module of the first code
        self._read: set[tuple[int, str]] = set()  # names of modules that were followed
        self._times: dict[tuple[int, str], int] = {}
        self._places: dict[int, str] = {}
        self._private: dict[str, str] = {}
        self._long: dict[int, str] = {}  # digests of long values
        self._kept: list[object] = []  # so that no other object gets the same id meanwhile
        self._ways: list[tuple[type | tuple[type, ...], Any]] = [
            (types.FunctionType, self._function),
            (types.MethodType, self._method),
            (functools.partial, self._partial),
            ((staticmethod, classmethod, property, weakref.ReferenceType), self._behind),
            (type, self._class),
            (types.ModuleType, self._module),
            (types.BuiltinFunctionType, self._builtin),
            (contextvars.ContextVar, self._context),
            ((dict, types.MappingProxyType), self._mapping),
            ((list, tuple, set, frozenset), self._items),
            ((str, bytes, int, float), self._text),
        ]

    def visit(self, value: Any, place: str) -> None:
        """Note that there is something to look at."""
        if SECRET_NAME.search(place.rstrip("\"]'")) and not callable(value):
            return
        if self._met >= MOST or self._depth >= DEEPEST:
            beyond = f"{MOST} values" if self._met >= MOST else f"{DEEPEST} levels"
            if f"more than {beyond}" not in self.held.opaque[-2:]:
                self.held.opaque.append(f"more than {beyond}")
            return
        self._met += 1
        self._waiting.append((value, place, self._depth + 1))

    def run(self) -> None:
        """Look at all there is; an object that does not let itself be looked at is opaque, whatever it raises."""
        while self._waiting:
            value, place, self._depth = self._waiting.popleft()
            try:
                self._see(value, place)
            except Exception:  # noqa: BLE001 (code of the user's own runs here: properties, proxies)
                self._opaque(value, place)

    def _see(self, value: Any, place: str) -> None:
        text = self._plain(value) if place else None
        if text is not None:
            self._value(place, text)
            return
        if id(value) in self._places:
            self._value(place, json.dumps(f"as {self._places[id(value)]}"))
            return
        self._places[id(value)] = place or "the system"
        self._kept.append(value)
        for kinds, way in self._ways:
            if issubclass(
                type(value), kinds
            ):  # not isinstance: __class__ may say, or raise, anything
                way(value, place)
                return
        self._instance(value, place)

    def _plain(self, value: Any) -> str | None:
        """``plain``, done once for what is long; None for what holds attributes beside its content."""
        known = self._long.get(id(value))
        if known is not None:
            return known
        text = plain(value)
        if text is None or not without_attributes(value):
            return None
        if len(text) > KEPT_TEXT and not isinstance(value, str):
            self._kept.append(value)
            text = text if PRIVATE_ENTRY.search(text) else told(text)
            self._long[id(value)] = text
        return text

    def _value(self, place: str, text: str) -> None:
        name = place.rpartition(".")[2]
        private = PRIVATE.search(name.rstrip("\"]'")) or PRIVATE.search(name.partition("[")[0])
        private = private or PRIVATE_ENTRY.search(text)
        self._put(self._private if private else self.held.values, place, text)

    def _put(self, into: dict[str, str], place: str, text: str) -> None:
        """Note something; two of the same name are told apart."""
        key = (id(into), place)
        self._times[key] = times = self._times.get(key, 0) + 1
        into[place if times == 1 else f"{place} ({times})"] = text

    def _opaque(self, value: Any, place: str) -> None:
        self.held.opaque.append(f"{place or 'the system'} ({named_type(type(value))})")

    def settle(self) -> None:
        """Turn what was found into what is noted."""
        values = {place: told(text) for place, text in self.held.values.items()}
        private = self._private
        if len(private) > SLOW:
            private = {"names such as key and token": json.dumps(sorted(private.items()))}
        within = tuple(f"{place.partition(' ')[0]}." for place in self.held.opaque)
        self.held.opaque = sorted(p for p in self.held.opaque if not p.startswith(within))
        self.held.values = values | {place: slow(place, text) for place, text in private.items()}

    # --- code ------------------------------------------------------------------------------------

    def _function(self, made: types.FunctionType, place: str) -> None:
        label = made.__qualname__
        if not is_own(made.__module__) and not made.__code__.co_filename.startswith("<"):
            self._put(self.held.code, place or label, named(made))
            return
        self.held.modules.add(str(made.__module__))
        same = place in ("", label) or place.endswith(f".{label}")
        self._put(
            self.held.code, (place or label) if same else f"{place} = {label}", code_text(made)
        )
        holder = label if "." not in label else label.rpartition(".")[2]
        for name, cell in zip(made.__code__.co_freevars, made.__closure__ or (), strict=False):
            if filled(cell):
                self.visit(cell.cell_contents, f"{holder}.{name}")
        defaults = made.__defaults__ or ()
        count = made.__code__.co_argcount
        of_defaults = made.__code__.co_varnames[count - len(defaults) : count]
        given = dict(zip(of_defaults, defaults, strict=True)) | (made.__kwdefaults__ or {})
        for name, value in (given | vars(made)).items():
            self.visit(value, f"{holder}.{name}")
        self._globals(made)

    def _globals(self, made: types.FunctionType) -> None:
        """What the code names of its module, and of the own modules it names: values, functions and classes."""
        module = str(made.__module__)
        self._home = self._home or module
        prefix = "" if module == self._home else module
        self._names(made.__globals__, names_in(made.__code__), prefix, set())

    def _names(self, space: dict[str, Any], names: set[str], prefix: str, met: set[int]) -> None:
        for name in sorted(names & space.keys()):
            value, place = space[name], inside(prefix, name)
            if issubclass(type(value), types.ModuleType):
                if id(value) not in met:
                    met.add(id(value))
                    self._module_name(value, place)
                    if is_own(value.__name__):
                        self._names(vars(value), names, place, met)
            elif (id(space), name) not in self._read:
                self._read.add((id(space), name))
                self.visit(value, place)

    def _method(self, made: types.MethodType, place: str) -> None:
        self.visit(made.__func__, place)
        self.visit(made.__self__, inside(place, "self"))

    def _partial(self, made: functools.partial[Any], place: str) -> None:
        self.visit(made.func, place)
        for number, value in enumerate(made.args):
            self.visit(value, inside(place, f"argument {number + 1}"))
        for name, value in made.keywords.items():
            self.visit(value, inside(place, name))

    def _behind(self, made: Any, place: str) -> None:
        for value in behind(made):
            self.visit(value, place)

    def _builtin(self, made: Any, place: str) -> None:
        self._put(self.held.code, place or made.__name__, named(made))
        owner = made.__self__
        if owner is not None and not isinstance(owner, types.ModuleType):
            self.visit(owner, inside(place, "self"))

    def _module_name(self, made: types.ModuleType, place: str) -> None:
        if is_own(made.__name__):
            self.held.modules.add(made.__name__)
        if (id(made), "") not in self._read:
            self._read.add((id(made), ""))
            self._put(self.held.code, place, named(made))

    def _module(self, made: types.ModuleType, place: str) -> None:
        """A module that is held as a value: of one's own, all that is in it, as nobody knows what is asked of it."""
        self._module_name(made, place)
        if is_own(made.__name__):
            names = {name for name in vars(made) if not name.startswith("__")}
            for name in sorted(names):
                self.visit(vars(made)[name], inside(place, name))

    def _class(self, made: type, place: str) -> None:
        if not is_own_class(made):
            self._put(self.held.code, place, named(made))
            return
        self.held.modules.add(made.__module__)
        bases = [named_type(base) for base in made.__mro__[1:-1]]
        self._put(self.held.code, f"class {made.__qualname__}", json.dumps(bases))
        for base in (*made.__mro__[1:-1], type(made)):
            if is_own_class(base):
                self._kind(base)
        for name, value in list(vars(made).items()):
            if not generated(name, value):
                self.visit(value, f"{made.__name__}.{name}")

    def _kind(self, kind: type) -> None:
        """The class of an object, once."""
        if (id(kind), "") not in self._read:
            self._read.add((id(kind), ""))
            self.visit(kind, f"class {kind.__qualname__}")

    # --- values ----------------------------------------------------------------------------------

    def _context(self, made: contextvars.ContextVar[Any], place: str) -> None:
        nothing = object()
        value = made.get(nothing)
        if value is not nothing:
            self.visit(value, place)

    def _text(self, made: Any, place: str) -> None:
        base: Any = next(kind for kind in (str, bytes, int, float) if isinstance(made, kind))
        self._value(place, plain(base.__new__(base, made)) or "")
        self._attributes(made, place)

    def _mapping(self, made: dict[Any, Any], place: str) -> None:
        """Entries one by one, by their names: the order that they came in is that of a set now and then."""
        self._put(self.held.values, place, json.dumps(f"{len(made)} entries"))
        entries = [(plain(k) or named_type(type(k)), v) for k, v in islice(made.items(), MOST + 1)]
        for name, value in sorted(entries, key=lambda entry: entry[0]):
            self.visit(value, f"{place}[{name}]")
        self._attributes(made, place)

    def _items(self, made: Any, place: str) -> None:
        """Items one by one; of a set, whose order differs from process to process, by what they are."""
        self._put(self.held.values, place, json.dumps(f"{len(made)} items"))
        is_set = isinstance(made, set | frozenset)
        items = in_order(islice(made, MOST + 1)) if is_set else islice(made, MOST + 1)
        if items is None:
            self._opaque(made, place)
        for number, value in enumerate(items or ()):
            self.visit(value, f"{place}[{number}]")
        self._attributes(made, place)

    def _attributes(self, made: Any, place: str) -> None:
        """What a text or a container of a class of one's own has beside its content."""
        if is_own_class(type(made)):
            self._kind(type(made))
        for name, value in dict(getattr(made, "__dict__", {})).items():
            self.visit(value, inside(place or "self", name))

    def _instance(self, made: Any, place: str) -> None:
        kind = type(made)
        into, name = (self.held.values, f"type of {place}") if place else (self.held.code, "type")
        self._put(into, name, named(kind))
        if is_harmless(kind):
            if full(made):
                self._opaque(made, place)
            return
        found = dict(state(made))
        if "__wrapped__" in found:  # functools.lru_cache and the like
            self.visit(found["__wrapped__"], place)
            return
        own = is_own_class(kind)
        if own:
            self._kind(kind)
        hidden = not hasattr(made, "__dict__") and not any(
            "__slots__" in vars(k) for k in kind.__mro__
        )
        shown = (own and not hidden) or is_dataclass(made) or hasattr(kind, "__pydantic_fields__")
        stdlib = kind.__module__.partition(".")[0] in sys.stdlib_module_names
        shown = shown or (stdlib and bool(found))
        for name, value in found.items():
            settings = not name.startswith("_") and name not in EFFORT and plain(value) is not None
            if shown or name in CLIENT or settings:
                self.visit(value, inside(place or "self", name))
        if not shown:
            self._opaque(made, place)
