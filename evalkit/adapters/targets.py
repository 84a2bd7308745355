"""Imports the object that ``target: module:attr`` names, and makes the system of it."""

from __future__ import annotations

import importlib
import inspect
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

from evalkit.adapters.calling import failure_from
from evalkit.adapters.options import Options
from evalkit.errors import did_you_mean


@contextmanager
def first_on_path(folder: Path) -> Iterator[None]:
    """Look for modules in ``folder`` first; the import path is as before afterwards."""
    before = list(sys.path)
    sys.path.insert(0, str(folder.resolve()))
    try:
        yield
    finally:
        sys.path[:] = before


def load(target: str, folder: Path, options: Options) -> Any:
    """The object called ``module:attr``; raises ``InvalidInput`` naming what is missing."""
    module_name, colon, attribute = target.partition(":")
    if not colon or not module_name.strip() or not attribute.strip():
        raise options.refuse("target", f"{target!r} is not of the form module:attr")
    found: Any = _import(module_name, folder, options)
    for part in attribute.split("."):
        if not hasattr(found, part):
            names = [name for name in vars(found) if not name.startswith("_")]
            hint = did_you_mean(part, names)
            raise options.refuse("target", f"{module_name} has no {attribute!r}", hint)
        found = getattr(found, part)
    return found


def make(named: Any, arguments: Mapping[str, Any], options: Options) -> Any:
    """Call a class or factory once with ``args`` as keyword arguments."""
    if not callable(named):
        raise options.refuse("args", "the target takes no arguments: it is no function or class")
    try:
        made = named(**arguments)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        message = f"making the system failed: {failure_from(error).message}"
        raise options.refuse("target", message) from error
    if inspect.iscoroutine(made):
        made.close()
        raise options.refuse("target", "a factory must not be async", "make it a plain function")
    if made is None:
        raise options.refuse("target", "the factory returned None instead of a system")
    return made


def _import(name: str, folder: Path, options: Options) -> ModuleType:
    _forget_namesake(name, folder)
    importlib.invalidate_caches()
    try:
        return importlib.import_module(name)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        hint = None
        if isinstance(error, ModuleNotFoundError) and error.name == name:
            near = [file.stem for file in folder.glob("*.py")]
            hint = did_you_mean(name, near) or f"put {name}.py beside the systems file"
        message = f"cannot import {name}: {failure_from(error).message}"
        raise options.refuse("target", message, hint) from error


def _forget_namesake(name: str, folder: Path) -> None:
    """Two suites may each have a ``system.py``: drop one that was imported from elsewhere."""
    top = name.partition(".")[0]
    known = sys.modules.get(top)
    file = folder.resolve() / f"{top}.py"
    package = folder.resolve() / top / "__init__.py"
    if known is None or not (file.is_file() or package.is_file()):
        return
    if getattr(known, "__file__", None) in (str(file), str(package)):
        return
    for loaded in [n for n in sys.modules if n == top or n.startswith(f"{top}.")]:
        del sys.modules[loaded]
