"""Stage 10: everything a run folder holds besides the store, derived and rebuildable."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evalkit.artefacts import (
    score_blocks,
    write_joined,
    write_json,
    write_scores,
    write_text,
    write_traces,
)
from evalkit.errors import StorageError
from evalkit.gating.attempts import earlier_verdicts
from evalkit.gating.intact import note_digests
from evalkit.store.lost import check_writable
from evalkit.store.opening import STORE
from evalkit.traces import trace_line

if TYPE_CHECKING:
    from evalkit.api import Run


def write_all(run: Run, folder: Path) -> Path:
    """Write every derived file, the verdict last; the path of report.html."""
    from evalkit.pages import html, markdown
    from evalkit.pages.cases import pages_beside

    if run.folder is None or folder.resolve() != run.folder.resolve():
        check_writable(folder, manifest_of(run))
    elif not (folder / STORE).exists():
        raise StorageError(f"{folder / STORE}: is gone; the run's files are not written without it")
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise StorageError(f"{folder}: cannot be made: {error.strerror}") from error
    with ThreadPoolExecutor(1) as beside:  # of a large run: copied, and waited for by the disk
        rows = beside.submit(_write_rows, run, folder) if run.large is not None else None
        summary, diagnosis = run.summary(), run.diagnosis()
        if rows is None:
            _write_rows(run, folder)
        write_json(folder / "summary.json", summary)
        write_json(folder / "diagnosis.json", diagnosis)
        write_json(folder / "manifest.json", manifest_of(run))
        write_text(folder / "report.md", markdown(run, summary, diagnosis))
        if rows is not None:
            rows.result()
    pages = pages_beside(run, diagnosis, folder)
    write_text(folder / "report.html", html(run, summary, diagnosis, pages))
    note_digests(folder, run.answers)
    earlier = earlier_verdicts(folder)
    kept = {"earlier": earlier} if earlier else {}
    write_json(folder / "verdict.json", {**verdict_of(run), **kept})
    return folder / "report.html"


def _write_rows(run: Run, folder: Path) -> None:
    """The two files with a line an answer, or several."""
    files = run.large.trace_files() if run.large is not None else []
    if files:
        write_joined(folder / "traces.jsonl", files)
    else:
        write_traces(folder / "traces.jsonl", _traces(run))
    write_scores(folder / "scores.csv", _scores(run))


def _traces(run: Run) -> Iterator[str]:
    if run.large is not None:
        yield from run.large.traces()
        return
    for found in run.systems.values():
        yield from map(trace_line, found.graded.traces)


def _scores(run: Run) -> Iterator[str] | Iterator[bytes]:
    if run.large is not None:
        return run.large.scores()
    graded = (found.graded.scores for found in run.systems.values())
    return (block for scores in graded for block in score_blocks(scores))


def manifest_of(run: Run) -> dict[str, Any]:
    """What the run is made of, so that tables of different recipes are not compared by mistake."""
    return {
        "format": 1,
        "suite": {"name": run.suite.name, "digest": run.suite.digest},
        "recipe": dict(run.recipe),
        "systems": {
            name: {"approach": found.graded.approach.value, "traces": found.ledger.traces}
            for name, found in run.systems.items()
        },
    }


def verdict_of(run: Run) -> dict[str, Any]:
    """A run never gates: its verdict is ``none``, or ``incomplete`` with more errors than the suite tolerates.

    A case that the judge failed on counts like one that ended in an error; one without any label does not.
    """
    from evalkit.pages.ended import lacks

    every = [found.counts for found in run.systems.values()]
    keys = ("passed", "failed", "errors", "ungraded")
    counts = {key: sum(one[key] for one in every) for key in keys}
    reasons = lacks(run)
    incomplete = bool(reasons)
    code, name = (12, "incomplete") if incomplete else (0, "pass")
    if run.stopped is not None:
        code, name = run.stopped.exit_code, run.stopped.exit_name
    return {
        "format": 1,
        "verdict": "incomplete" if incomplete else "none",
        "exit_code": code,
        "exit_name": name,
        "suite_digest": run.suite.digest,
        "counts": counts,
        "limits": [],
        "reason": "; ".join(reasons) or None,
    }
