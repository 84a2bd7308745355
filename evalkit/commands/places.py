"""Room for a file that a command is to write: its folder, made before any work whose result would have no place."""

from __future__ import annotations

from pathlib import Path


def make_room(file: Path | None) -> None:
    """Make the folder that ``file`` is to lie in; ``StorageError`` where that cannot be. Nothing for None."""
    if file is None:
        return
    from evalkit.errors import StorageError

    try:
        file.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(f"{file.parent}: cannot be made: {error.strerror or error}") from error
