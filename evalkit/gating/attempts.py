"""How often it was tried: the other runs of the same suite and commit, and what gates said of them."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

from evalkit.errors import InvalidInput
from evalkit.strict import read_json

Json = dict[str, Any]

EARLIER = ("verdict", "exit_code", "system", "commit", "allow", "settings")


def commit_of(folder: Path) -> str | None:
    """The git commit that is checked out around ``folder``; None outside a repository or without git."""
    git = shutil.which("git")
    if git is None:
        return None
    command = [git, "-C", str(folder), "rev-parse", "HEAD"]
    try:
        done = subprocess.run(  # noqa: S603 (fixed arguments)
            command, capture_output=True, text=True, timeout=10, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() or None if done.returncode == 0 else None


def runs_beside(folder: Path, digest: str, commit: str | None) -> list[Json]:
    """Every run of the same suite in the folder around this one, by name, with the verdict it got if any.

    A run judged at another commit is left out; one that was never judged may belong to this one and is listed.
    """
    found = []
    here = folder.resolve()
    for path in sorted(here.parent.glob("*/manifest.json")):
        suite = read_verdict(path).get("suite")
        verdict = read_verdict(path.parent / "verdict.json")
        if not isinstance(suite, dict) or suite.get("digest") != digest:
            continue
        known, this = verdict.get("commit"), path.parent == here
        if not this and None not in (known, commit) and known != commit:
            continue
        said = _last(verdict) if this else verdict
        told = {name: said.get(name) for name in ("verdict", "system", "commit")}
        found.append({"run": path.parent.name, "this": this, **told})
    return found


def _last(verdict: Json) -> Json:
    """What was said last of the run that is being judged: its own verdict is withdrawn meanwhile."""
    older = verdict.get("earlier")
    known = [entry for entry in older if isinstance(entry, dict)] if isinstance(older, list) else []
    return verdict if "tests" in verdict or not known else known[-1]


def earlier_verdicts(folder: Path) -> list[Json]:
    """What gates said of this folder before, oldest first; without entries that say the same twice."""
    return earlier_in(folder / "verdict.json")


def earlier_in(file: Path) -> list[Json]:
    """The same as one verdict file has it."""
    before = read_verdict(file)
    older = before.get("earlier")
    found = [entry for entry in older if isinstance(entry, dict)] if isinstance(older, list) else []
    if "tests" not in before:  # written by a run, which does not judge
        return found
    last = {name: before.get(name) for name in EARLIER}
    return [*(entry for entry in found if entry != last), last]


def attempt() -> int | None:
    """How often CI has run this job on this commit, where it says so (GitHub: 1 for the first time)."""
    told = os.environ.get("GITHUB_RUN_ATTEMPT", "")
    return int(told) if told.isascii() and told.isdecimal() else None


def read_verdict(path: Path) -> Json:
    """What a JSON file of a run holds; empty where it is missing, damaged or no object."""
    try:
        found = read_json(path)
    except (InvalidInput, OSError):
        return {}
    return found if isinstance(found, dict) else {}
