"""The public table of reliability: each fault, what is expected, what was measured, and the command that shows it.

Run: python benchmarks/reliability_table.py [--short] [--write]   (``make bench-reliability`` writes docs/reliability.md)
``--short`` runs fewer trials of each; CI runs these as tests. A row whose command fails says MISSED.
"""

from __future__ import annotations

import argparse
import re
import shlex
import subprocess
import sys
import time
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "reliability.md"
PASSED = r"((?:\d+ failed, )?\d+ passed[^\n]*?) in"
WRONG = r"^((?:FAILED|ERROR) \S.*|\w*(?:Error|Exception)\b.*)$"  # of pytest, else of a traceback
PYTEST = ("-m", "pytest", "-n0", "-p", "no:cacheprovider")


class Row(NamedTuple):
    """One fault. ``measured`` is what the first group of ``figure`` finds in what the command prints."""

    id: str
    fault: str
    target: str
    command: tuple[str, ...]
    figure: str = PASSED


def tests(*nodes: str) -> tuple[str, ...]:
    """The command that runs some tests."""
    return (*PYTEST, *(f"tests/{node}" for node in nodes))


def selected(file: str, words: str) -> tuple[str, ...]:
    """The command that runs the tests of a file whose names hold one of the words."""
    return (*tests(file), "-k", words)


KILLS = ("benchmarks/reliability.py", "--trials", "{200|10}")
WRITES = ("benchmarks/write_faults.py", "--places", "{60|3}")
DAMAGE = ("benchmarks/corruption.py", "--trials", "{500|50}")
VERDICTS = ("benchmarks/gate_worlds.py", "--sims", "{2000|100}")

ROWS: tuple[Row, ...] = (
    Row("D1", "SIGKILL at random moments, 1 to 3 times a run", "lost 0, repeated 0 beyond those under way, results equal", KILLS, r"kill -9: ([^;]+; .*?), slowest"),
    Row("D2", "killed just before a write, sync, rename or deletion (without `--places`: before every one)", "failed resumes 0, differences 0", WRITES, r"before: (.*)"),
    Row("D2", "killed just after each of them", "failed resumes 0, differences 0", WRITES, r"after: (.*)"),
    Row("D3", "the disk is full from any of them on", "exit 6, resumes when there is room, tracebacks 0", WRITES, r"enospc: (.*)"),
    Row("D3", "the disk fails from any of them on", "exit 6, resumes, tracebacks 0", WRITES, r"eio: (.*)"),
    Row("D3", "half of a write is written", "goes on, results equal", WRITES, r"short: (.*)"),
    Row("D4", "SIGINT", "exit 130 within 5 s, lost 0, repeated 0", KILLS, r"SIGINT: (.*)"),
    Row("D4", "SIGTERM", "exit 143 within 5 s, lost 0, repeated 0", KILLS, r"SIGTERM: (.*)"),
    Row("D4", "SIGINT twice; the parent of the workers dies", "ends at once; no orphan", tests("test_cli.py::test_130_a_second_interrupt_ends_even_a_module_that_hangs", "test_workers.py::test_no_process_outlives_evalkit")),
    Row("D5", "a power cut after a commit", "every committed answer is there", selected("test_store.py", "power_cut or mid_write")),
    Row("D6", "a torn, zeroed, cut or bit-flipped store", "0 crashes, 0 silent losses", DAMAGE, r"(\d+ damaged stores.*)"),
    Row("D7", "damaged entries of the cache", "never served, one warning", selected("test_cache.py", "damaged")),
    Row("D8", "three writers into one folder, half of them after a kill", "paid twice 0; exit 5 for two", KILLS, r"3 writers: (.*)"),
    Row("D9", "suite, system, prompt, model, code, metric or seed changed", "each refused and named, or only the affected part asked again", selected("test_resume.py", "change or seed or depends")),
    Row("D10", "14 surroundings: hash seeds, time zones, locales, clocks that jump or run backwards, folders", "0 differ", ("benchmarks/surroundings.py",), r"(\d+ surroundings.*)"),
    Row("D11", "a run folder that cannot be used, or looks odd", "refused before the first call, or used", tests("test_preflight.py")),
    Row("D12, D13", "limits of calls and cost; books", "no call beyond the limit; the summary equals the endpoint's books", tests("test_accounting.py")),
    Row("E1", "429 and every spelling of a wait", "never earlier than asked, never beyond the deadline", selected("test_endpoint_faults.py", "wait or date")),
    Row("E1", "a burst of 429", "ends within 1.3 x the theoretical time", selected("test_throttle.py", "burst")),
    Row("E2", "5xx, resets, cuts, stale connections", "heal", selected("test_endpoint_faults.py", "heals or stale")),
    Row("E3", "400, 401, 403, 404, 413", "one attempt; 401 ends the run and names the key", selected("test_endpoint_faults.py", "refused or key")),
    Row("E4", "hangs, drips, endless streams", "end at the total deadline", selected("test_endpoint_faults.py", "hang or never_went")),
    Row("E5", "replies of every wrong shape, too large, packed", "a status of its own, never scored in silence", selected("test_endpoint_faults.py", "reply or packing")),
    Row("E6", "redirects, echoed keys", "neither prompt nor key goes elsewhere", selected("test_endpoint_faults.py", "redirect or echoed")),
    Row("E7", "many calls at a time", "as many as allowed, none starves", selected("test_endpoint_faults.py", "as_many")),
    Row("E7", "an endpoint's limit is sought, lost and found again", "used in full, the cap kept, nobody starves", tests("test_throttle.py")),
    Row("E8", "a fifth of all calls fail", "every call accounted for", selected("test_endpoint_faults.py", "fifth")),
    Row("A1", "hostile Python systems", "each costs its case, no orphan, stdout clean", tests("test_python_hostile.py")),
    Row("A2", "recordings that do not fit the suite", "refused with the ids", selected("test_traces.py", "fit or named")),
    Row("A3", "100,000 recorded cases (cases, wall s, CPU s, ms a case, cases a second, peak MB, exit code)", "<= 500 MB; 1,000,000 in 15 minutes: docs/performance.md", ("benchmarks/million.py", "--cases", "{100000|2000}"), r"(\d[\d,]* +\d+\.\d .*)"),
    Row("A5", "other seed, zone, folder", "equal to the byte", tests("test_golden.py")),
    Row("G", "is a release held back, and only then?", "every bound of docs/gate.md kept", VERDICTS, r"(\d+ s, (?:every|NOT every) bound kept)"),
    Row("I5, I7", "files that try to run, reach out or stall", "inert, bounded", tests("test_strict.py")),
    Row("S", "hostile text in every field, every artefact", "nothing runs, everything stays valid and readable", tests("test_hostile_texts.py")),
    Row("S7", "attacks on the viewer", "refused", tests("test_view.py")),
    Row("S9", "instructions to the judge inside answers", "the verdict comes from the judge's own object only", tests("test_judge_injection.py")),
)  # fmt: skip


def spelled(command: Sequence[str], *, short: bool) -> tuple[str, ...]:
    """The command with the long or the short number of trials."""
    return tuple(re.sub(r"\{(.*?)\|(.*?)\}", r"\2" if short else r"\1", word) for word in command)


@cache
def run(command: tuple[str, ...]) -> tuple[int, str]:
    """Exit code and output of a command; rows that share one run it once."""
    done = subprocess.run(
        [sys.executable, *command], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout + done.stderr


def measured(row: Row, *, short: bool) -> tuple[bool, str]:
    """Whether a row's command ended well, and its figure."""
    code, said = run(spelled(row.command, short=short))
    found = re.search(row.figure, said)
    figure = found.group(1).strip() if found else "no figure"
    if code == 0:
        return found is not None, figure
    wrong = re.findall(WRONG, said, re.MULTILINE)
    why = next((w for w in wrong if w.startswith(("FAILED", "ERROR"))), wrong[-1] if wrong else "")
    return False, f"{figure}; exit code {code}; {why[:200]}".replace("|", "\\|").rstrip("; ")


def line(row: Row, *, short: bool) -> tuple[bool, str]:
    """A row of the table."""
    fine, figure = measured(row, short=short)
    command = shlex.join(spelled(row.command, short=short)).replace(shlex.join(PYTEST), "-m pytest")
    told = figure if fine else f"**MISSED**: {figure}"
    return fine, f"| {row.id} | {row.fault} | {row.target} | {told} | `python {command}` |"


HEAD = """# Reliability: what was tried, and what happened

`make bench-reliability` runs every row and writes this page; CI runs a short version of each with the tests. Servers stand on
the loopback interface and keep books of their own, so that what evalkit says of its calls can be checked against what was asked.

| | fault | expected | measured | command |
|---|---|---|---|---|
"""


def page_of(lines: Sequence[str], only: str | None) -> str:
    """The page; with ``only``, the other rows as they stood there."""
    rows = {told.split("|")[2]: told for told in lines}
    if only is not None:
        before = PAGE.read_text(encoding="utf-8").splitlines()
        rows = {told.split("|")[2]: told for told in before if told.count("|") > 5} | rows
    order = [row.fault for row in ROWS]
    kept = [told for fault in order for told in [rows.get(f" {fault} ")] if told is not None]
    return HEAD + "\n".join(kept) + "\n"


def main() -> int:
    """Run every row; with ``--write``, the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--short", action="store_true")
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--only", help="ids that begin with this; the page keeps its other rows")
    options = parser.parse_args()
    began, lines, missed = time.monotonic(), [], 0
    for row in ROWS:
        if options.only and not row.id.startswith(options.only):
            continue
        fine, told = line(row, short=options.short)
        missed += not fine
        lines.append(told)
        print(told, flush=True)
    print(f"{len(lines)} rows, {missed} missed, {time.monotonic() - began:.0f} s")
    if options.write:
        PAGE.write_text(page_of(lines, options.only), encoding="utf-8")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
