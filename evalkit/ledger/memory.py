"""Keeps a process that grades part after part small: what was remembered of texts goes with the part."""

from __future__ import annotations

import ctypes
import gc
import sys
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

REMEMBERED = ("evalkit.text.", "evalkit.judges.", "evalkit.metrics.")
FEW = 256  # results a function may remember for good: patterns, schemas, tables of a language
_CACHED = type(lru_cache(lambda: None))


def forget_texts() -> None:
    """Let go of all that functions remember of texts, and give the memory back to the machine where it can be."""
    for function in _remembering():
        function.cache_clear()
    gc.collect()
    _trim()


def _remembering() -> Iterator[Any]:
    """Functions of the language layer, the judges and the metrics that remember results of many texts."""
    modules = [m for name, m in list(sys.modules.items()) if name.startswith(REMEMBERED)]
    for module in modules:
        for value in vars(module).values():
            if isinstance(value, _CACHED) and (value.cache_parameters()["maxsize"] or 0) > FEW:
                yield value


def _trim() -> None:
    """Free pages go back at once; only the C library of Linux knows how."""
    try:
        ctypes.CDLL(None).malloc_trim(0)
    except (OSError, AttributeError, TypeError):  # another system, another C library
        return
