"""The run folder of a run in shares: where the shares lie, and how the merged whole takes its place beside them."""

from __future__ import annotations

import re
import shutil
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from evalkit.api import Run
from evalkit.engines import SHARDS
from evalkit.errors import InvalidInput, StorageError
from evalkit.merge import assemble, clear, graded
from evalkit.records import Suite
from evalkit.shards import Share
from evalkit.store.lost import check_vacant
from evalkit.store.opening import LOCK, SESSION, STORE, NothingStoredError, lock, open_to_read
from evalkit.store.session import read_session
from evalkit.watch import Watcher

WHOLE, MERGED = "whole", "merged"  # beside the shares
PER_SHARE = 500_000  # cases; every share looks through the whole suite, so few large ones take less
_SPENT = (
    "SELECT coalesce(sum(calls), 0), coalesce(sum(cost), 0) + coalesce(max(cost / max(calls, 1)), 0) * "
    "coalesce(sum(calls) FILTER (WHERE cost IS NULL AND state IN ('unknown', 'started')), 0) FROM attempts"
)


def folder_of(out: Path, share: Share) -> Path:
    """Where a share of the run in ``out`` lies."""
    return out / SHARDS / f"{share.number}-of-{share.of}"


def split_of(out: Path, cases: int, workers: int) -> int:
    """Into how many shares the run in ``out`` is cut: as it was before, else one a worker, more where they are large."""
    found = {
        int(m[1]) for name in _names(out / SHARDS) if (m := re.fullmatch(r"\d+-of-(\d+)", name))
    }
    if len(found) > 1:
        raise InvalidInput("holds shares of different splits", file=out / SHARDS)
    if found:
        return found.pop()
    return max(1, min(cases, max(workers, -(-cases // PER_SHARE))))


def _names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()] if folder.is_dir() else []


def check_ours(out: Path) -> None:
    """``InvalidInput`` where the run in ``out`` is not one in shares, or was gone on with since they were merged.

    ``Busy`` where somebody writes there now, ``StorageError`` where a run was there of which nothing is left.
    """
    if (out / LOCK).exists():
        lock(out).close()
    if not any((out / SHARDS).glob(f"*/{STORE}")):
        check_vacant(out)
    if not (out / STORE).exists():
        return
    marked = out / SHARDS / MERGED
    before = marked.read_text("ascii").strip() if marked.exists() else None
    if before != _commits(out):
        was = "was made" if before is None else "was gone on with"
        raise InvalidInput(
            f"this run {was} by the local engine",
            file=out,
            hint="go on with --engine local, or give another --out",
        )


def _commits(folder: Path) -> str:
    session = read_session(folder / SESSION)
    return "?" if session is None else str(session.commits)


def spent(folder: Path) -> tuple[int, float]:
    """Calls made in a share so far, those under way included, and what they cost, unknown ones as the dearest known."""
    if not (folder / STORE).exists():
        return 0, 0.0
    try:
        db = open_to_read(folder / STORE)
    except NothingStoredError:
        return 0, 0.0
    try:
        calls, cost = db.execute(_SPENT).fetchone()
        return int(calls), float(cost)
    finally:
        db.close()


def put_together(
    out: Path, shares: Sequence[Share], suite: Suite, watch: Watcher, playbook: Path | None = None
) -> Run:
    """Merge the shares in ``out``; the whole stands there once all its answers are together, and an earlier one until then."""
    making = out / SHARDS / WHOLE
    clear(making)
    try:
        folders = [folder_of(out, share) for share in shares]
        assemble(making, folders, suite, watch, out, partly=True)
        _take_its_place(making, out)
    except OSError as error:
        raise StorageError(f"{out}: cannot be made: {error.strerror or error}") from error
    finally:
        shutil.rmtree(making, ignore_errors=True)
    return graded(out, suite, watch, playbook)


def _take_its_place(making: Path, out: Path) -> None:
    """Move a merged run to where an earlier one may be; its store last, since without one nothing is read."""
    with closing(lock(out)):
        for suffix in ("", "-wal", "-shm"):  # a log of the earlier store must not meet the new one
            (out / f"{STORE}{suffix}").unlink(missing_ok=True)
        (out / SHARDS / MERGED).write_text(_commits(making), "ascii")
        found = (path for path in making.iterdir() if path.name != LOCK)
        for path in sorted(found, key=lambda path: path.name == STORE):
            if (out / path.name).is_dir():
                shutil.rmtree(out / path.name)
            path.replace(out / path.name)
