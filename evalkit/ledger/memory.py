"""Keeps a process that grades part after part quick and small: when it looks for cycles, and when it forgets texts."""

from __future__ import annotations

import ctypes
import gc
import mmap
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

REMEMBERED = ("evalkit.text.", "evalkit.judges.", "evalkit.metrics.", "evalkit.said")
FEW = 256  # results a function may remember for good: patterns, schemas, tables of a language
ROOM = (
    240 << 20
)  # bytes of all processes that grade, between two parts, from which they forget texts
_CACHED = type(lru_cache(lambda: None))
_STATM = Path("/proc/self/statm")


@contextmanager
def without_cycles() -> Iterator[None]:
    """Meanwhile nobody looks for cycles: a part makes hardly any, and ``between_parts`` finds these at less cost."""
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def between_parts(room: int) -> None:
    """Let go of the cycles of the last part; of what is remembered of texts only where the process has more than ``room`` bytes."""
    gc.collect(0)
    if _held() > room:
        forget_texts()


def _held() -> int:
    """Bytes of memory that this process has; more than any room where the system does not tell."""
    try:
        pages = int(_STATM.read_text(encoding="ascii").split()[1])
    except (OSError, ValueError, IndexError):
        return sys.maxsize
    return pages * mmap.PAGESIZE


def forget_texts() -> None:
    """Let go of all that functions remember of texts, and give the memory back to the machine where it can be."""
    for function in {id(f): f for f in _remembering()}.values():  # it stands in many modules
        function.cache_clear()
    gc.collect()
    give_back()


def _remembering() -> Iterator[Any]:
    """Functions of the language layer, the judges and the metrics that remember results of many texts."""
    modules = [m for name, m in list(sys.modules.items()) if name.startswith(REMEMBERED)]
    for module in modules:
        for value in vars(module).values():
            if isinstance(value, _CACHED) and (value.cache_parameters()["maxsize"] or 0) > FEW:
                yield value


def give_back() -> None:
    """Free pages go back at once; only the C library of Linux knows how."""
    try:
        ctypes.CDLL(None).malloc_trim(0)
    except (OSError, AttributeError, TypeError):  # another system, another C library
        return
