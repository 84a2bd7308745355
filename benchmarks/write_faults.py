"""What if a run dies at this very write, or the disk is full or broken from there on? Every change of every file, one after the other.

A small library counts the writes, syncs, renames and deletions below the run folder, and makes one of them the last.
``tests/test_write_faults.py`` runs a sample.
"""

from __future__ import annotations

import argparse
import math
import random
import shutil
import signal
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import takewhile
from pathlib import Path
from typing import Any

from reliability import CONCURRENCY, Bench, answered, bench, results

SOURCE = Path(__file__).with_name("write_faults.c")
DEADLY = ("before", "after")
KINDS = (*DEADLY, "enospc", "eio", "short")
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
    with bench(folder, library) as made:
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


def told(kind: str, trials: list[dict[str, Any]]) -> None:
    """Print the figures of one kind of fault."""
    bad = [t for t in trials if not (t["equal"] and t["as_it_should"]) or t["traceback"]]
    print(
        f"{kind}: {len(trials)} places; exit codes {dict(Counter(t['code'] for t in trials))}, "
        f"failed resumes {sum(t['again'] != 0 for t in trials)}, differences {sum(not t['equal'] for t in trials)}, "
        f"repeated beyond those under way {sum(t['repeated'] for t in trials)}, "
        f"tracebacks {sum(t['traceback'] for t in trials)}" + "".join(f"\n  {t}" for t in bad[:5]),
        flush=True,
    )


def main() -> None:
    """Try every place, or a sample, with every kind of fault."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--places", type=int, help="that many at random for each kind; default all")
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=KINDS)
    parser.add_argument(
        "--minutes", type=float, help="begin no trial of a kind after so many; those tried are told"
    )
    parser.add_argument("--probes", default="auto")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    began, chance = time.monotonic(), random.Random(options.seed)
    with tempfile.TemporaryDirectory() as name, faulty(Path(name)) as all_of:
        number = changes(all_of, options.probes)
        print(f"{number} changes of files in a run of {len(all_of.ledger.asked)} calls", flush=True)
        for kind in options.kinds:
            places: Sequence[int] = range(1, number + 1)
            if options.places or options.minutes:  # in any order: where time ends it, a sample
                places = chance.sample(places, min(number, options.places or number))
            until = time.monotonic() + 60 * (options.minutes or math.inf)
            in_time = takewhile(lambda _: time.monotonic() < until, places)  # noqa: B023 (used here)
            told(kind, [trial(all_of, options.probes, kind, at) for at in in_time])
    print(f"{time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()
