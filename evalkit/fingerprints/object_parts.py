"""What is read off a single object of Python: its name, its attributes, and whose code it is."""

from __future__ import annotations

import hashlib
import json
import sys
import types
import weakref
from collections.abc import Iterable, Iterator
from typing import Any

from evalkit.fingerprints.code_text import code_text
from evalkit.fingerprints.module_search import installed_as, is_ours
from evalkit.fingerprints.plain_values import plain

KEPT = 2_000  # characters of a value that are kept to show a difference,
KEPT_TEXT = 20_000  # and of a text
ROUNDS = 100_000  # of a digest that must not be guessed from
_HEAP = 1 << 9  # set in classes that Python code has made


def told(text: str) -> str:
    """A value as it is noted: short ones as they are, long ones as a digest."""
    if text.startswith("#") or len(text) <= (KEPT_TEXT if text.startswith('"') else KEPT):
        return text
    return f"#{hashlib.sha256(text.encode()).hexdigest()[:16]}"


def slow(place: str, text: str) -> str:
    """A digest for what may be a secret: salted with its place, and too slow to try many guesses."""
    salt = f"evalkit {place}".encode()
    return f"#{hashlib.pbkdf2_hmac('sha256', text.encode(), salt, ROUNDS).hex()[:16]}"


def inside(place: str, name: str) -> str:
    """The place of what an object at ``place`` calls ``name``."""
    return f"{place}.{name}" if place else name


def state(made: Any) -> Iterator[tuple[str, Any]]:
    """The attributes of an object and the slots that are filled; what its class computes is not asked for."""
    yield from dict(getattr(made, "__dict__", {})).items()
    for kind in type(made).__mro__:
        slots = vars(kind).get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            slot = vars(kind).get(name)
            if isinstance(slot, types.MemberDescriptorType) and _has(slot, made):
                yield name, slot.__get__(made)


def _has(slot: types.MemberDescriptorType, made: Any) -> bool:
    try:
        slot.__get__(made)
    except AttributeError:
        return False
    return True


def generated(name: str, value: Any) -> bool:
    """Whether Python, or a library, put something into a class that its source does not hold."""
    if isinstance(value, types.FunctionType):
        return value.__code__.co_filename.startswith("<string") and name.startswith("__")
    if name.startswith(("__", "_abc_")) or (name.startswith("_") and name.endswith("_")):
        return True
    return isinstance(value, types.MemberDescriptorType | types.GetSetDescriptorType)


def filled(cell: types.CellType) -> bool:
    """Whether there is something in a closure's cell."""
    try:
        return cell.cell_contents is not cell
    except ValueError:  # nothing is in it yet
        return False


def in_order(items: Iterable[Any]) -> list[Any] | None:
    """What a set holds, by type and content; None where that gives no order that is alike in every process."""
    labels = [(named_type(type(item)), _label(item), item) for item in items]
    keys = {(kind, label) for kind, label, _ in labels}
    if len(keys) < len(labels) or any(label is None for _, label, _ in labels):
        return None
    return [item for _, _, item in sorted(labels, key=lambda entry: (entry[0], entry[1] or ""))]


def _label(value: Any) -> str | None:
    if isinstance(value, types.FunctionType):
        return f"{value.__qualname__} {code_text(value)}"
    if isinstance(value, type):
        return named_type(value)
    return plain(value) or plain(dict(state(value)))


def full(made: Any) -> bool | None:
    """Whether something is in an object that is otherwise only a tool: a queue, what a thread keeps, a weak mapping.

    None for other objects.
    """
    module = type(made).__module__.partition(".")[0]
    if hasattr(type(made), "empty") and module in ("queue", "_queue", "asyncio"):
        return not made.empty()
    if module == "_thread" and type(made).__name__ == "_local":
        return bool(vars(made))
    return len(made) > 0 if module == "weakref" and hasattr(type(made), "__len__") else None


def is_own(module: str | None) -> bool:
    """Whether a module is neither of Python, nor installed, nor evalkit's."""
    top = str(module or "__main__").partition(".")[0]
    if top == "__main__":
        return True
    if top in sys.stdlib_module_names or is_ours(top):
        return False
    return installed_as(top) is None


def is_own_class(kind: type) -> bool:
    """As ``is_own``; a class that code without a module makes calls itself one of Python's own."""
    made_here = kind.__module__ == "builtins" and bool(kind.__flags__ & _HEAP)
    return made_here or is_own(kind.__module__)


def named_type(kind: type) -> str:
    """A class by its module and name."""
    return f"{kind.__module__}.{kind.__qualname__}"


def named(made: Any) -> str:
    """A function, class or module by its name, with the version of the package it is installed with."""
    module = str(getattr(made, "__module__", None) or getattr(made, "__name__", ""))
    package = installed_as(module.partition(".")[0])
    name = str(getattr(made, "__qualname__", "")) or str(getattr(made, "__name__", ""))
    return json.dumps(" ".join([f"{module}.{name}" if name != module else name, *(package or ())]))


def behind(made: Any) -> list[Any]:
    """What a property, a static or class method or a weak reference leads to."""
    if isinstance(made, weakref.ReferenceType):
        return [made()]
    found = [made.fget, made.fset] if isinstance(made, property) else [made.__func__]
    return [function for function in found if function is not None]
