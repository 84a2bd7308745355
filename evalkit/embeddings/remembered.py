"""Vectors that were computed before: found again by the digest of their text, in memory and in a folder of a run."""

from __future__ import annotations

import contextlib
import hashlib
import secrets
from collections.abc import Iterator, Sequence
from contextvars import ContextVar
from io import BytesIO
from pathlib import Path
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from evalkit.embeddings.embedder import Embedder, Vectors
from evalkit.errors import InvalidInput

LATEST = "embedder.txt"  # the fingerprint of the embedder that was used last
_folder: ContextVar[Path | None] = ContextVar("folder of vectors", default=None)
Entries = NDArray[np.void]


@contextlib.contextmanager
def kept_in(folder: Path | None) -> Iterator[None]:
    """What is built within remembers its vectors in ``folder``; in memory alone with ``None``."""
    before = _folder.set(folder)
    try:
        yield
    finally:
        _folder.reset(before)


class Remembered:
    """An embedder that works on each text once: vectors are found by the SHA-256 of the text.

    They lie in ``folder`` (that of ``kept_in`` unless given; ``None`` there is memory alone), below a name for the
    embedder's fingerprint, in plain .npy files. A file that is damaged counts as not there, and a folder that cannot
    be written is not written.
    """

    def __init__(self, embedder: Embedder, folder: Path | None = None) -> None:
        self.name, self.fingerprint = embedder.name, embedder.fingerprint
        self._embedder = embedder
        self._folder = _named(folder or _folder.get(), embedder.fingerprint)
        self._rows: dict[bytes, Vectors] = _read_all(self._folder)
        self._lock = Lock()

    def embed(self, texts: Sequence[str]) -> Vectors:
        """One row a text, in order; only texts that were not seen before are worked on."""
        keys = [_digest(text) for text in texts]
        with self._lock:
            missing = {k: t for k, t in zip(keys, texts, strict=True) if k not in self._rows}
            if missing:
                self._add(missing)
        if not keys:
            return np.zeros((0, 0), np.float32)
        return np.stack([self._rows[key] for key in keys])

    def close(self) -> None:
        """Close the embedder; what is remembered stays."""
        self._embedder.close()

    def _add(self, missing: dict[bytes, str]) -> None:
        vectors = self._embedder.embed(list(missing.values()))
        self._rows.update(zip(missing, vectors, strict=True))
        if self._folder is not None:
            _write(self._folder, self.fingerprint, list(missing), vectors)


class Kept(Remembered):
    """The vectors that the last embedder left in ``folder``, without any model; another text raises ``InvalidInput``."""

    def __init__(self, folder: Path) -> None:
        super().__init__(Nothing(_latest(folder)), folder)


class Nothing:
    """Stands where no model may run."""

    name = "kept vectors"

    def __init__(self, fingerprint: str) -> None:
        self.fingerprint = fingerprint

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Refuse."""
        raise InvalidInput(f"of {len(texts)} texts no vector is kept, and no model is asked")

    def close(self) -> None:
        """Nothing is held open."""


def _latest(folder: Path) -> str:
    """The fingerprint of the embedder that wrote last; empty without one."""
    try:
        return (folder / LATEST).read_text("utf-8")
    except (OSError, ValueError):
        return ""


def _named(folder: Path | None, fingerprint: str) -> Path | None:
    return folder and folder / _digest(fingerprint)[:16].decode()


def _read_all(folder: Path | None) -> dict[bytes, Vectors]:
    rows: dict[bytes, Vectors] = {}
    for file in sorted(folder.glob("*.npy")) if folder else ():
        rows.update(_read(file))
    return rows


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest().encode()


def _write(folder: Path, fingerprint: str, keys: list[bytes], vectors: Vectors) -> None:
    """A new file of these vectors, whole or not at all; not at all where the folder cannot be written."""
    entries = np.empty(len(keys), [("key", "S64"), ("vector", "<f4", vectors.shape[1:])])
    entries["key"], entries["vector"] = keys, vectors
    name = _digest(b"".join(keys).decode())[:32].decode()
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if _latest(folder.parent) != fingerprint:
            _put(folder.parent / LATEST, fingerprint.encode())
        content = BytesIO()
        np.save(content, entries, allow_pickle=False)
        _put(folder / f"{name}.npy", content.getvalue())
    except OSError:  # they can be computed again
        return


def _put(file: Path, content: bytes) -> None:
    """A file whole or not at all, under a name that others may write at the same time."""
    part = file.with_name(f".{file.name}.{secrets.token_hex(4)}")
    try:
        part.write_bytes(content)
        part.replace(file)
    except OSError:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
        raise


def _read(file: Path) -> dict[bytes, Vectors]:
    try:
        entries: Entries = np.load(file, allow_pickle=False)
        keys, vectors = entries["key"], np.asarray(entries["vector"], np.float32)
    except (OSError, ValueError, EOFError, IndexError, MemoryError):
        return {}
    if entries.ndim != 1 or vectors.ndim != 2 or keys.dtype.kind != "S":
        return {}
    return {bytes(k): v for k, v in zip(keys, vectors, strict=True) if np.isfinite(v).all()}
