"""What if a run dies at this very write, or the disk is full or broken from there on? Every change of every file, one after the other.

A small library counts what changes files below the run folder (they are made, written, synced, cut, renamed, deleted)
and makes one of these changes the last. The suite is tiny, and runs fork from a process that has made one before, so that
a place costs a third of a second of CPU and all can be tried. ``tests/test_write_faults.py`` runs a sample.
"""

from __future__ import annotations

import argparse
import math
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import takewhile
from pathlib import Path
from typing import Any

from reliability import CONCURRENCY, Bench, answered, bench, bounded, results, watch

CASES = 6  # more add more of the same changes
SOURCE = Path(__file__).with_name("write_faults.c")
CONTROL = "unsynced"  # a power cut where no sync is one, as with synchronous=OFF: it must do harm, or the trials see none
DEADLY = ("before", "after", "power", CONTROL)
KINDS = ("before", "after", "power", "enospc", "edquot", "eio", "erofs", "short")
STORAGE = 6  # the exit code of a disk that is full or broken


def compiler() -> str | None:
    """The C compiler of this machine, if it has one."""
    return shutil.which("cc") or shutil.which("gcc")


@contextmanager
def faulty(folder: Path) -> Iterator[Bench]:
    """A bench whose runs can be made to die at a write."""
    library = folder / "write_faults.so"
    subprocess.run(
        [compiler() or "cc", "-shared", "-fPIC", "-O1", "-o", library, SOURCE, "-ldl"], check=True
    )
    with bench(folder, library, CASES) as made:
        yield made


def _settings(out: Path, kind: str = "", at: int = 0) -> dict[str, str]:
    return {
        "EVALKIT_FAULT_FOLDER": str(out),
        "EVALKIT_FAULT_COUNT": str(out.with_suffix(".count")),
        "EVALKIT_FAULT_KIND": kind,
        "EVALKIT_FAULT_AT": str(at),
    }


def changes(all_of: Bench, probes: str) -> int:
    """How many changes of files a whole run makes."""
    all_of.undisturbed(probes)
    out = all_of.fresh()
    assert all_of.programs.wait(all_of.run(out, probes, _settings(out))) == 0
    return int(out.with_suffix(".count").read_text())


def trial(all_of: Bench, probes: str, kind: str, at: int) -> dict[str, Any]:
    """One run that meets a fault at its ``at``-th change, and the run that takes it up."""
    expected, _ = all_of.undisturbed(probes)
    out, log = all_of.fresh(), all_of.programs.log
    told = log.stat().st_size if log.exists() else 0
    code = all_of.programs.wait(all_of.run(out, probes, _settings(out, kind, at)))
    said = log.read_bytes()[told:].decode()
    again = all_of.programs.wait(all_of.run(out, probes))
    known = answered(out) if again == 0 else Counter(all_of.ledger.asked)  # else told as failed
    repeated = sum((Counter(all_of.ledger.asked) - known).values())
    return {
        "kind": kind,
        "at": at,
        "code": code,
        "again": again,
        "repeated": max(0, repeated - CONCURRENCY),
        "equal": again == 0 and results(out) == expected,
        "traceback": "Traceback" in said,
        "as_it_should": _ended_well(kind, code),
    }


def _ended_well(kind: str, code: int) -> bool:
    """Killed where it should be; a disk's fault is told (or came too late to matter); half a write is made good."""
    if kind in DEADLY:
        return code in (-signal.SIGKILL, 0)
    return code == 0 if kind == "short" else code in (STORAGE, 0)


def told(kind: str, trials: list[dict[str, Any]], number: int) -> int:
    """Print the figures of one kind of fault; how many places it did harm at."""
    bad = [t for t in trials if not well(t)]
    of_all = "all " if len(trials) == number else ""
    print(
        f"{kind}: {of_all}{len(trials)} places, harm at {bounded(len(bad), len(trials))}; exit codes {dict(Counter(t['code'] for t in trials))}, "
        f"failed resumes {sum(t['again'] != 0 for t in trials)}, differences {sum(not t['equal'] for t in trials)}, "
        f"repeated beyond those under way {sum(t['repeated'] for t in trials)}, "
        f"tracebacks {sum(t['traceback'] for t in trials)}" + "".join(f"\n  {t}" for t in bad[:5]),
        flush=True,
    )
    return len(bad)


def well(trial: dict[str, Any]) -> bool:
    """Whether a run ended as it should, nothing was lost or paid twice, and the one that took it up made the same files."""
    fine = trial["equal"] and trial["as_it_should"]
    return bool(fine and not trial["traceback"] and not trial["repeated"])


def _places(text: str) -> int | None:
    return None if text == "all" else int(text)


def main() -> int:
    """Try every place, or a sample, with every kind of fault."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--places", type=_places, help="all, or that many at random for each kind")
    parser.add_argument("--kinds", nargs="+", choices=(*KINDS, CONTROL), default=KINDS)
    parser.add_argument(
        "--minutes", type=float, help="begin no trial of a kind after so many; those tried are told"
    )
    parser.add_argument("--probes", default="auto")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    began, chance, bad = time.monotonic(), random.Random(options.seed), 0
    with tempfile.TemporaryDirectory() as name, faulty(Path(name)) as all_of:
        number = changes(all_of, options.probes)
        print(f"{number} changes of files in a run of {len(all_of.ledger.asked)} calls", flush=True)
        for kind in options.kinds:
            places: Sequence[int] = range(1, number + 1)
            if options.places or options.minutes:  # in any order: where time ends it, a sample
                places = chance.sample(places, min(number, options.places or number))
            until = time.monotonic() + 60 * (options.minutes or math.inf)
            in_time = takewhile(lambda _: time.monotonic() < until, places)  # noqa: B023 (used here)
            watched = watch(in_time, len(places), kind)
            harm = told(kind, [trial(all_of, options.probes, kind, at) for at in watched], number)
            bad += harm == 0 if kind == CONTROL else harm
    print(f"{time.monotonic() - began:.0f} s")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
