"""What a function or an object of Python is made of: its code, and the values that it holds, by name."""

from __future__ import annotations

import functools
import hashlib
import json
import sys
import types
from collections.abc import Iterator
from dataclasses import dataclass, field, is_dataclass
from typing import Any

from evalkit.fingerprints.code_text import code_text, names_in
from evalkit.fingerprints.module_search import installed_as, is_ours
from evalkit.fingerprints.plain_values import PRIVATE, SECRET_NAME, is_harmless, plain

MOST = 5_000  # values that are looked at one by one
KEPT = 2_000  # characters of a value that are kept to show a difference,
KEPT_TEXT = 20_000  # and of a text
ROUNDS = 100_000  # of a digest that must not be guessed from,
SLOW = 20  # and how many of these are made
CLIENT = ("_client", "_base_url")  # what clients keep of where they call
_HEAP = 1 << 9  # set in classes that Python code has made
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
    look.settle()
    return look.held


def _told(text: str) -> str:
    """A value as it is noted: short ones as they are, long ones as a digest."""
    if text.startswith("#") or len(text) <= (KEPT_TEXT if text.startswith('"') else KEPT):
        return text
    return f"#{hashlib.sha256(text.encode()).hexdigest()[:16]}"


def _slow(place: str, text: str) -> str:
    """A digest for what may be a secret: salted with its place, and too slow to try many guesses."""
    salt = f"evalkit {place}".encode()
    return f"#{hashlib.pbkdf2_hmac('sha256', text.encode(), salt, ROUNDS).hex()[:16]}"


class _Look:
    """One look at an object and all it leads to; every object is looked at once."""

    def __init__(self) -> None:
        self.held = Held()
        self._places: dict[int, str] = {}
        self._private: dict[str, str] = {}
        self._long: dict[int, str] = {}  # digests of long values
        self._kept: list[object] = []  # so that no other object gets the same id meanwhile
        self._ways: list[tuple[type | tuple[type, ...], Any]] = [
            (types.FunctionType, self._function),
            (types.MethodType, self._method),
            (functools.partial, self._partial),
            ((staticmethod, classmethod), self._wrapped),
            (property, self._property),
            (type, self._class),
            (types.ModuleType, self._module),
            (types.BuiltinFunctionType, self._builtin),
            ((dict, types.MappingProxyType), self._mapping),
            ((list, tuple, set, frozenset), self._items),
        ]

    def visit(self, value: Any, place: str) -> None:
        if SECRET_NAME.search(place.rpartition(".")[2]) and not callable(value):
            return
        if len(self.held.values) + len(self.held.code) >= MOST:
            if not self.held.opaque or not self.held.opaque[-1].startswith("more than"):
                self.held.opaque.append(f"more than {MOST} values")
            return
        text = self._plain(value) if place else None
        if text is not None:
            private = PRIVATE.search(place.rpartition(".")[2].partition("[")[0])
            _put(self._private if private else self.held.values, place, text)
            return
        if id(value) in self._places:
            _put(self.held.values, place, json.dumps(f"as {self._places[id(value)]}"))
            return
        self._places[id(value)] = place or "the system"
        self._kept.append(value)
        for kinds, way in self._ways:
            if isinstance(value, kinds):
                way(value, place)
                return
        self._instance(value, place)

    def _plain(self, value: Any) -> str | None:
        """``plain``, done once for what is long."""
        known = self._long.get(id(value))
        if known is not None:
            return known
        text = plain(value)
        if text is not None and len(text) > KEPT_TEXT and not isinstance(value, str):
            self._kept.append(value)
            self._long[id(value)] = text = _told(text)
        return text

    def settle(self) -> None:
        """Turn what was found into what is noted."""
        values = {place: _told(text) for place, text in self.held.values.items()}
        private = self._private
        if len(private) > SLOW:
            private = {"names such as key and token": json.dumps(sorted(private.items()))}
        inside = tuple(f"{place.partition(' ')[0]}." for place in self.held.opaque)
        self.held.opaque = sorted(p for p in self.held.opaque if not p.startswith(inside))
        self.held.values = values | {place: _slow(place, text) for place, text in private.items()}

    # --- code ------------------------------------------------------------------------------------

    def _function(self, made: types.FunctionType, place: str) -> None:
        label = made.__qualname__
        if not _own(made.__module__) and not made.__code__.co_filename.startswith("<"):
            _put(self.held.code, place or label, _named(made))
            return
        self.held.modules.add(str(made.__module__))
        _put(
            self.held.code, label if place in ("", label) else f"{place} = {label}", code_text(made)
        )
        inside = f"{label}." if "." not in label else f"{label.rpartition('.')[2]}."
        for name, cell in zip(made.__code__.co_freevars, made.__closure__ or (), strict=False):
            if _filled(cell):
                self.visit(cell.cell_contents, f"{inside}{name}")
        defaults = made.__defaults__ or ()
        count = made.__code__.co_argcount
        named = made.__code__.co_varnames[count - len(defaults) : count]
        given = dict(zip(named, defaults, strict=True)) | (made.__kwdefaults__ or {})
        for name, value in given.items():
            self.visit(value, f"{inside}{name}")
        for name, value in vars(made).items():
            self.visit(value, f"{inside}{name}")
        self._globals(made)

    def _globals(self, made: types.FunctionType) -> None:
        """What the code names of its module: values, and functions and classes of the same module."""
        names = names_in(made.__code__)
        for name in sorted(names & made.__globals__.keys()):
            value = made.__globals__[name]
            if isinstance(value, types.ModuleType):
                self._module(value, name)
                if _own(value.__name__):
                    for inner in sorted(names & vars(value).keys()):
                        self._global(vars(value)[inner], f"{name}.{inner}", value.__name__)
            else:
                self._global(value, name, str(made.__module__))

    def _global(self, value: Any, place: str, module: str) -> None:
        of = getattr(value, "__module__", None)
        code = isinstance(value, types.FunctionType | type)
        if code and str(of) != module:
            if _own(of):
                self.held.modules.add(str(of))
            _put(self.held.code, place, _named(value))
            return
        self.visit(value, place)

    def _method(self, made: types.MethodType, place: str) -> None:
        self.visit(made.__func__, place)
        self.visit(made.__self__, _inside(place, "self"))

    def _partial(self, made: functools.partial[Any], place: str) -> None:
        self.visit(made.func, place)
        for number, value in enumerate(made.args):
            self.visit(value, _inside(place, f"argument {number + 1}"))
        for name, value in made.keywords.items():
            self.visit(value, _inside(place, name))

    def _wrapped(self, made: Any, place: str) -> None:
        self.visit(made.__func__, place)

    def _property(self, made: property, place: str) -> None:
        for function in (made.fget, made.fset):
            if function is not None:
                self.visit(function, place)

    def _builtin(self, made: Any, place: str) -> None:
        _put(self.held.code, place or made.__name__, _named(made))
        owner = made.__self__
        if owner is not None and not isinstance(owner, types.ModuleType):
            self.visit(owner, _inside(place, "self"))

    def _module(self, made: types.ModuleType, place: str) -> None:
        if _own(made.__name__):
            self.held.modules.add(made.__name__)
        _put(self.held.code, place, _named(made))

    def _class(self, made: type, place: str) -> None:
        if not _own_class(made):
            _put(self.held.code, place, _named(made))
            return
        self.held.modules.add(made.__module__)
        bases = [_named_type(base) for base in made.__mro__[1:-1]]
        _put(self.held.code, f"class {made.__qualname__}", json.dumps(bases))
        for base in made.__mro__[1:-1]:
            if _own_class(base):
                self.visit(base, f"class {base.__qualname__}")
        for name, value in vars(made).items():
            if not _generated(name, value):
                self.visit(value, f"{made.__name__}.{name}")

    # --- values ----------------------------------------------------------------------------------

    def _mapping(self, made: dict[Any, Any], place: str) -> None:
        _put(self.held.values, place, json.dumps(f"{len(made)} entries"))
        for name, value in made.items():
            self.visit(value, f"{place}[{plain(name) or _named_type(type(name))}]")

    def _items(self, made: Any, place: str) -> None:
        """Items one by one; of a set, whose order differs from process to process, by their names."""
        _put(self.held.values, place, json.dumps(f"{len(made)} items"))
        if isinstance(made, set | frozenset):
            made = sorted(made, key=lambda item: (_named_type(type(item)), _label(item)))
        for number, value in enumerate(made):
            self.visit(value, f"{place}[{number}]")

    def _instance(self, made: Any, place: str) -> None:
        kind = type(made)
        if place:
            _put(self.held.values, f"type of {place}", _named(kind))
        else:
            _put(self.held.code, "type", _named(kind))
        if is_harmless(kind):
            return
        if "__wrapped__" in getattr(made, "__dict__", {}):  # functools.lru_cache and the like
            self.visit(made.__wrapped__, place)
            return
        own = _own_class(kind)
        if own:
            self.visit(kind, f"class {kind.__qualname__}")
        state = dict(_state(made))
        hidden = not hasattr(made, "__dict__") and not any(
            "__slots__" in vars(k) for k in kind.__mro__
        )
        shown = (own and not hidden) or is_dataclass(made) or hasattr(kind, "__pydantic_fields__")
        shown = shown or (
            kind.__module__.partition(".")[0] in sys.stdlib_module_names and bool(state)
        )
        for name, value in state.items():
            settings = not name.startswith("_") and name not in EFFORT and plain(value) is not None
            if shown or name in CLIENT or settings:
                self.visit(value, _inside(place or "self", name))
        if not shown:
            self.held.opaque.append(f"{place or 'the system'} ({_named_type(kind)})")


def _put(into: dict[str, str], place: str, text: str) -> None:
    """Note a value; two of the same name are told apart."""
    while place in into:
        place += "'"
    into[place] = text


def _inside(place: str, name: str) -> str:
    return f"{place}.{name}" if place else name


def _state(made: Any) -> Iterator[tuple[str, Any]]:
    yield from getattr(made, "__dict__", {}).items()
    for kind in type(made).__mro__:
        slots = vars(kind).get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            slot = vars(kind).get(name)
            if isinstance(slot, types.MemberDescriptorType) and hasattr(made, name):
                yield name, getattr(made, name)


def _generated(name: str, value: Any) -> bool:
    """Whether Python, or a library, put something into a class that its source does not hold."""
    if isinstance(value, types.FunctionType):
        return value.__code__.co_filename.startswith("<string") and name.startswith("__")
    if name.startswith(("__", "_abc_")) or (name.startswith("_") and name.endswith("_")):
        return True
    return isinstance(value, types.MemberDescriptorType | types.GetSetDescriptorType)


def _filled(cell: types.CellType) -> bool:
    try:
        return cell.cell_contents is not cell
    except ValueError:  # nothing is in it yet
        return False


def _label(value: Any) -> str:
    return str(getattr(value, "__qualname__", "")) or plain(value) or ""


def _own(module: str | None) -> bool:
    """Whether a module is neither of Python, nor installed, nor evalkit's."""
    top = str(module or "__main__").partition(".")[0]
    if top == "__main__":
        return True
    if top in sys.stdlib_module_names or is_ours(top):
        return False
    return installed_as(top) is None


def _own_class(kind: type) -> bool:
    """As ``_own``; a class that code without a module makes calls itself one of Python's own."""
    made_here = kind.__module__ == "builtins" and bool(kind.__flags__ & _HEAP)
    return made_here or _own(kind.__module__)


def _named_type(kind: type) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"


def _named(made: Any) -> str:
    """A function, class or module by its name, with the version of the package it is installed with."""
    module = str(getattr(made, "__module__", None) or getattr(made, "__name__", ""))
    package = installed_as(module.partition(".")[0])
    name = str(getattr(made, "__qualname__", "")) or str(getattr(made, "__name__", ""))
    return json.dumps(" ".join([f"{module}.{name}" if name != module else name, *(package or ())]))
