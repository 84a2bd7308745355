"""Reads the tensors of a safetensors file: a length, a JSON table of contents, the numbers."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from evalkit.errors import InvalidInput

_TYPES = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8", "I32": "<i4"}
LARGEST_TABLE = 100_000_000  # bytes, the format's own limit


def read_weights(path: Path) -> dict[str, NDArray[np.float32]]:
    """The tensors of ``path`` by name, as 32-bit floats; raises ``InvalidInput`` for a damaged file.

    https://github.com/huggingface/safetensors: 8 bytes of length, little-endian, then the JSON, then the data.
    """
    data = path.read_bytes()
    size = int.from_bytes(data[:8], "little")
    if len(data) < 8 or size > min(LARGEST_TABLE, len(data) - 8):
        raise InvalidInput("is no safetensors file", file=path)
    try:
        table = json.loads(data[8 : 8 + size])
    except ValueError:
        raise InvalidInput("has a damaged table of contents", file=path) from None
    entries = {name: entry for name, entry in table.items() if name != "__metadata__"}
    return {name: _tensor(data, 8 + size, name, entry, path) for name, entry in entries.items()}


def _tensor(
    data: bytes, begin: int, name: str, entry: dict[str, object], path: Path
) -> NDArray[np.float32]:
    kind, shape, offsets = entry.get("dtype"), entry.get("shape"), entry.get("data_offsets")
    if not isinstance(shape, list) or not isinstance(offsets, list) or len(offsets) != 2:
        raise InvalidInput(f"does not say where {name} is", file=path)
    start, end = (begin + int(offset) for offset in offsets)
    if not begin <= start <= end <= len(data):
        raise InvalidInput(f"ends before {name} does", file=path)
    if kind == "BF16":  # the upper half of a 32-bit float
        halves = np.frombuffer(data[start:end], dtype="<u2").astype(np.uint32)
        values: NDArray[np.float32] = (halves << 16).view(np.float32)
    elif kind in _TYPES:
        values = np.frombuffer(data[start:end], dtype=_TYPES[str(kind)]).astype(np.float32)
    else:
        raise InvalidInput(f"holds {name} as {kind}, which cannot be read", file=path)
    if values.size != math.prod(shape):
        raise InvalidInput(f"has {values.size} numbers for the shape {shape} of {name}", file=path)
    return values.reshape(shape)
