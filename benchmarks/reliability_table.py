"""The public table of reliability: each fault, what is expected, what was measured, and the command that shows it.

Run: python benchmarks/reliability_table.py [--short] [--write]   (``make bench-reliability`` writes docs/reliability.md)
``--short`` runs fewer trials of each; CI runs these as tests. A row whose command fails says MISSED. How far it is, and how
long it will still take, is said on stderr every minute; a command that does not end is ended, and its row MISSED.
"""

from __future__ import annotations

import argparse
import os
import re
import shlex
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "reliability.md"
PASSED = r"((?:\d+ failed, )?\d+ passed[^\n]*?) in"
WRONG = r"^((?:FAILED|ERROR) \S.*|\w*(?:Error|Exception)\b.*)$"  # of pytest, else of a traceback
PYTEST = ("-m", "pytest", "-n0", "-p", "no:cacheprovider")


class Row(NamedTuple):
    """One fault. ``measured`` is what the first group of ``figure`` finds in what the command prints.

    ``minutes`` is about how long the command takes, the long way, on two cores with little else to do.
    """

    id: str
    fault: str
    target: str
    command: tuple[str, ...]
    figure: str = PASSED
    minutes: float = 0.3


def tests(*nodes: str) -> tuple[str, ...]:
    """The command that runs some tests."""
    return (*PYTEST, *(f"tests/{node}" for node in nodes))


def writes(kind: str) -> tuple[str, ...]:
    """The command that tries one kind of fault at every change of a file, or at a few."""
    return ("benchmarks/write_faults.py", "--places", "{all|3}", "--kinds", kind)


def selected(file: str, words: str) -> tuple[str, ...]:
    """The command that runs the tests of a file whose names hold one of the words."""
    return (*tests(file), "-k", words)


KILLS = ("benchmarks/reliability.py", "--trials", "{200|10}")
CROWDS = (*KILLS[:2], "{60|5}", "--cases", "120", "--concurrency", "40")
DAMAGE = ("benchmarks/corruption.py", "--trials", "{500|50}")
LOADS = ("benchmarks/endpoint_load.py", "--calls", "{5000|2000}")
VERDICTS = ("benchmarks/gate_worlds.py", "--sims", "{2000|100}")

ROWS: tuple[Row, ...] = (
    Row("D1", "SIGKILL at random moments, 1 to 3 times a run", "lost 0, repeated 0 beyond those under way, results equal", KILLS, r"kill -9: (.*?), slowest", 12),
    Row("D1", "the same with 40 calls at a time, and up to 8 answers more on their way to the disk", "lost 0, repeated 0 beyond those under way or on their way to the disk, results equal", CROWDS, r"kill -9: (.*?), slowest", 6),
    Row("D2", "killed just before a file is made, written, synced, cut, renamed or deleted", "failed resumes 0, differences 0", writes("before"), r"^before: (.*)", 3),
    Row("D2", "killed just after each of them", "failed resumes 0, differences 0", writes("after"), r"^after: (.*)", 3),
    Row("D3", "the disk is full from any of them on", "exit 6, resumes when there is room, tracebacks 0", writes("enospc"), r"^enospc: (.*)", 3),
    Row("D3", "the quota is used up from any of them on", "exit 6, resumes when there is room, tracebacks 0", writes("edquot"), r"^edquot: (.*)", 3),
    Row("D3", "the folder is read-only from any of them on", "exit 6, resumes, tracebacks 0", writes("erofs"), r"^erofs: (.*)", 3),
    Row("D3", "the disk fails from any of them on", "exit 6, resumes, tracebacks 0", writes("eio"), r"^eio: (.*)", 3),
    Row("D3", "half of a write is written", "goes on, results equal", writes("short"), r"^short: (.*)", 3),
    Row("D3", "a disk of its own that is too small, has no room for a file, or is read-only", "exit 6, no call where nothing can be stored, none repeated", tests("test_small_disks.py")),
    Row("D3", "a gate over a run on a read-only disk", "the verdict is told, exit 6; with a place for it, the verdict's own code", tests("test_gate_read_only.py")),
    Row("D4", "SIGINT", "exit 130 within 5 s, lost 0, repeated 0", KILLS, r"SIGINT: (.*)", 12),
    Row("D4", "SIGTERM", "exit 143 within 5 s, lost 0, repeated 0", KILLS, r"SIGTERM: (.*)", 12),
    Row("D4", "SIGHUP: the terminal is gone", "exit 129 within 5 s, lost 0, repeated 0", KILLS, r"SIGHUP: (.*)", 12),
    Row("D4", "SIGINT twice; the terminal is closed; the parent of the workers dies", "ends at once, in order where there is time; no orphan", tests("test_cli.py::test_130_a_second_interrupt_ends_even_a_module_that_hangs", "test_workers.py::test_no_process_outlives_evalkit", "test_interrupts.py", "test_terminal_gone.py")),
    Row("D5", "a power cut at any of them: what was written since the last sync of its file is gone", "committed answers lost 0: none asked again", writes("power"), r"^power: (.*)", 3),
    Row("D5", "the same where no sync is one, as with synchronous=OFF: the control", "harm: else the trials could see none", ("benchmarks/write_faults.py", "--places", "{20|3}", "--kinds", "unsynced"), r"^unsynced: (.*)", 1),
    Row("D6", "a torn, zeroed, cut or bit-flipped store", "0 crashes, 0 silent losses", DAMAGE, r"(\d+ damaged stores.*)", 2),
    Row("D6", "a store of another version, of another program, without its log, with damaged names or accounts; one that is gone, or taken away under way", "refused or healed, and told; what was there is asked again, or no more", (*tests("test_store.py", "test_resume.py", "test_lost_store.py"), "-k", "foreign or another_version or version_before or log_that or lost_store or silent or changed_letter"), minutes=1),
    Row("D7", "damaged entries of the cache", "never served, one warning", selected("test_cache.py", "damaged")),
    Row("D8", "three writers into one folder: at once, after a kill, by and by, and one of them killed", "paid twice 0; exit 5 for who comes second", KILLS, r"3 writers: (.*)", 12),
    Row("D8", "a reader while a run writes", "sees the store as it was", selected("test_resume.py", "while_another_writes")),
    Row("D8", "a process number that belongs to somebody else now, or to nobody", "taken over; no dead process is named", tests("test_writers.py")),
    Row("D9", "suite, system, prompt, model, code, metric or seed changed", "each refused and named, or only the affected part asked again", selected("test_resume.py", "change or seed or depends")),
    Row("D10", "14 surroundings: hash seeds, time zones, locales, clocks that jump or run backwards, folders", "0 differ", ("benchmarks/surroundings.py",), r"(\d+ surroundings.*)", 1.5),
    Row("D11", "a run folder that cannot be used, or looks odd", "refused before the first call, or used", tests("test_preflight.py")),
    Row("D12, D13", "limits of calls and cost; books", "no call beyond the limit; the summary equals the endpoint's books", tests("test_accounting.py")),
    Row("D12", "calls that are made again: lost with a process, cut off, refused and sent again", "booked before they go out, taken from every limit at the dearest price, told at the end", tests("test_resending.py"), minutes=1),
    Row("D12", "a limit of time", "the run ends with everything kept, and goes on", selected("test_resume.py", "max_time")),
    Row("D12", "a limit of calls, and answers that the cache has", "first answers and probes from the cache take none", tests("test_cached_probes.py")),
    Row("E1", "429 and every spelling of a wait", "never earlier than asked, never beyond the deadline", selected("test_endpoint_faults.py", "wait or date")),
    Row("E1", "a burst of 429", "ends within 1.3 x the theoretical time", selected("test_throttle.py", "burst")),
    Row("E1", "a burst of 429 from a real server, its wait told in each spelling or not at all", "ends within 1.3 x the theoretical time, none earlier than told", LOADS, r"((?:429, .*\n)+)", 4),
    Row("E2", "5xx, resets, cuts, stale connections", "heal", selected("test_endpoint_faults.py", "heals or stale")),
    Row("E3", "400, 401, 403, 404, 413", "one attempt; 401 ends the run and names the key", selected("test_endpoint_faults.py", "refused or key")),
    Row("E4", "hangs, drips, endless streams", "end at the total deadline", selected("test_endpoint_faults.py", "hang or never_went")),
    Row("E5", "replies of every wrong shape, too large, packed", "a status of its own, never scored in silence", selected("test_endpoint_faults.py", "reply or packing")),
    Row("E5", "a judge, or members of a panel, whose replies are of no use, whose endpoint is down, or that is killed under way", "asked no more after 20 in a row, exit 7, answers kept, goes on; each told and counted", tests("test_judge_unusable.py"), minutes=1.5),
    Row("E6", "redirects, echoed keys", "neither prompt nor key goes elsewhere", selected("test_endpoint_faults.py", "redirect or echoed")),
    Row("E7", "many calls at a time", "as many as allowed, none starves", selected("test_endpoint_faults.py", "as_many")),
    Row("E7", "an endpoint's limit is sought, lost and found again", "used in full, the cap kept, nobody starves", tests("test_throttle.py")),
    Row("E7", "1 to 500 calls at a time", "errors 0, as many under way as allowed", LOADS, r"((?:\d+ at a time: .*\n)+)", 4),
    Row("E8", "a fifth of all requests fail", "every call accounted for, extra requests <= 1.3 x theory", LOADS, r"a fifth fails: (.*)", 4),
    Row("E4, E8", "the command line at a sick endpoint: statuses, limits, the key, its end", "each its own status and exit code", tests("test_faults_4b.py")),
    Row("A1", "Python systems in processes of their own: restarts, their cap, lost threads, orphans", "the run goes on, or ends and says why", tests("test_workers.py")),
    Row("A1", "hostile Python systems", "each costs its case, no orphan, stdout clean", tests("test_python_hostile.py")),
    Row("A2", "recordings that do not fit the suite", "refused with the ids", selected("test_traces.py", "fit or named or any_order")),
    Row("A3", "recorded cases in bulk (the columns of the benchmark)", "<= 500 MB; 1,000,000 in 15 minutes: docs/performance.md", ("benchmarks/million.py", "--cases", "{100000|2000}"), r"(\d[\d,]* +\d+\.\d .*)", 8),
    Row("A4", "one answer of 50 MB, of millions of characters; 100,000 passages", "at most ten times as much memory; bounded, or refused with field and limit", tests("test_huge_texts.py")),
    Row("A5", "other seed, zone, folder", "equal to the byte", tests("test_golden.py")),
    Row("A5", "other locale, mask, order of answers, concurrency, number of processes, shares merged", "equal to the byte", tests("test_determinism.py"), minutes=1),
    Row("G", "is a release held back, and only then?", "every bound of docs/gate.md kept", VERDICTS, r"(\d+ s, (?:every|NOT every) bound kept)", 8),
    Row("I5, I7", "files that try to run, reach out or stall", "inert, bounded", tests("test_strict.py")),
    Row("S", "hostile text in every field, every artefact", "nothing runs, everything stays valid and readable", tests("test_hostile_texts.py")),
    Row("S7", "attacks on the viewer", "refused", tests("test_view.py")),
    Row("S9", "instructions to the judge inside answers", "the verdict comes from the judge's own object only", tests("test_judge_injection.py")),
)  # fmt: skip


def spelled(command: Sequence[str], *, short: bool) -> tuple[str, ...]:
    """The command with the long or the short number of trials."""
    return tuple(re.sub(r"\{(.*?)\|(.*?)\}", r"\2" if short else r"\1", word) for word in command)


BEAT = 60.0  # seconds after which it is told how far it is
LATEST = 20.0  # minutes that any command may take, and ten times as long as it usually does


@dataclass
class Bench:
    """The rows that are run; commands that several share are run once."""

    rows: Sequence[Row]
    short: bool
    done: dict[tuple[str, ...], tuple[int, str]] = field(default_factory=dict)
    began: float = field(default_factory=time.monotonic)

    def run(self, row: Row) -> tuple[int, str]:
        """Exit code and output of a row's command."""
        command = self.command(row)
        if command not in self.done:
            self.done[command] = self._run(command, row)
        return self.done[command]

    def command(self, row: Row) -> tuple[str, ...]:
        """The command with the long or the short number of trials."""
        return spelled(row.command, short=self.short)

    def _run(self, command: tuple[str, ...], row: Row) -> tuple[int, str]:
        began = time.monotonic()
        with tempfile.TemporaryFile("w+") as said:
            process = subprocess.Popen(
                [sys.executable, *command],
                cwd=ROOT,
                stdout=said,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # so that all it has started can be ended with it
            )
            try:
                while (code := _ended(process)) is None:
                    said.seek(0)
                    self.tell(row, time.monotonic() - began, said.read())
                    if time.monotonic() - began > 60 * (LATEST + 10 * row.minutes):
                        break
            finally:
                if process.poll() is None:
                    os.killpg(process.pid, signal.SIGKILL)
                    process.wait()
            said.seek(0)
            return (code, said.read()) if code is not None else (124, said.read())

    def tell(self, row: Row, seconds: float, said: str) -> None:
        """Say how far it is, and how long it will still take at the pace so far."""
        usual = {self.command(r): r.minutes for r in self.rows}
        behind = sum(usual[command] for command in self.done)
        now = min(seconds / 60, usual[self.command(row)])
        spent = (time.monotonic() - self.began) / 60
        pace = max(1.0, spent / (behind + now)) if behind + now else 1.0
        left = (sum(usual.values()) - behind - now) * pace
        last = (said.strip().splitlines() or [""])[-1].strip()
        print(
            f"  {len(self.done)} of {len(usual)} commands in {spent:.0f} min, about {left:.0f} min left; "
            f"{row.id} {row.fault}: {last[:80]}",
            file=sys.stderr,
            flush=True,
        )


def _ended(process: subprocess.Popen[bytes]) -> int | None:
    try:
        return process.wait(BEAT)
    except subprocess.TimeoutExpired:
        return None


def measured(row: Row, bench: Bench) -> tuple[bool, str]:
    """Whether a row's command ended well, and its figure."""
    code, said = bench.run(row)
    found = re.search(row.figure, said, re.MULTILINE)
    figure = "<br>".join(found.group(1).strip().splitlines()) if found else "no figure"
    if code == 0:
        return found is not None, figure
    if found is not None and row.figure != PASSED and _harmless(figure):
        return True, figure  # another row of the same command was missed
    wrong = re.findall(WRONG, said, re.MULTILINE)
    why = next((w for w in wrong if w.startswith(("FAILED", "ERROR"))), wrong[-1] if wrong else "")
    return False, f"{figure}; exit code {code}; {why[:200]}".replace("|", "\\|").rstrip("; ")


def _harmless(figure: str) -> bool:
    return re.search(r"harm (?:at|in) 0 of", figure) is not None


def line(row: Row, bench: Bench) -> tuple[bool, str]:
    """A row of the table."""
    fine, figure = measured(row, bench)
    command = shlex.join(bench.command(row)).replace(shlex.join(PYTEST), "-m pytest")
    told = figure if fine else f"**MISSED**: {figure}"
    return fine, f"| {row.id} | {row.fault} | {row.target} | {told} | `python {command}` |"


HEAD = """# Reliability: what was tried, and what happened

`make bench-reliability` runs every row and writes this page, telling every minute how long it will still take; CI runs a short
version of each with the tests. Servers stand on the loopback interface and keep books of their own, so that what evalkit says of
its calls can be checked against what was asked.

- *Harm* is anything lost, paid twice beyond the calls under way, told otherwise in the end, a traceback, or another exit code than
  expected. Beside it stands the highest rate that the count leaves open: the exact one-sided 95 % limit, 3 / n where there was none.
- *All places* is every change of a file (made, written, synced, cut, renamed, deleted) that a run of six cases makes, one fault at
  each. Commits share a write where answers come together, so that a run makes a few changes more or less: where it made fewer,
  it ends with 0. A power cut takes back what was not synced; the control, in which no sync is one, must do harm.
- *Least time* of n calls at an endpoint that lets in `BURST` at once and then `RATE` a second: (n - BURST) / RATE, and one answer.
- Of the design: a wait that a refusal asks for holds back that one question, others go out. A process suspended for longer than the `timeout` (SIGSTOP,
  a closed lid) gives up the answers under way as unknown, and asks them again.

| | fault | expected | measured | command |
|---|---|---|---|---|
"""


def page_of(lines: Sequence[str]) -> str:
    """The page; rows that were not run stand as they stood there."""
    before = PAGE.read_text(encoding="utf-8").splitlines()
    rows = {told.split("|")[2]: told for told in [*before, *lines] if told.count("|") > 5}
    order = [row.fault for row in ROWS]
    kept = [told for fault in order for told in [rows.get(f" {fault} ")] if told is not None]
    return HEAD + "\n".join(kept) + "\n"


def main() -> int:
    """Run every row; with ``--write``, the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--short", action="store_true")
    parser.add_argument("--write", action="store_true")
    parser.add_argument(
        "--only", nargs="+", help="rows whose id or fault begins so; the page keeps its others"
    )
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # what it has started is ended, too
    wanted = tuple(options.only or [""])
    rows = [row for row in ROWS if row.id.startswith(wanted) or row.fault.startswith(wanted)]
    bench, lines, missed = Bench(rows, options.short), [], 0
    for row in rows:
        fine, told = line(row, bench)
        missed += not fine
        lines.append(told)
        print(told, flush=True)
        if options.write:  # after each of them: whatever ends it, what was measured stands
            PAGE.write_text(page_of(lines), encoding="utf-8")
    print(f"{len(lines)} rows, {missed} missed, {(time.monotonic() - bench.began) / 60:.0f} min")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
