"""A recorded run of very many cases, end to end in a process of its own: peak memory, wall, CPU, cases a second.

The suite is the helpdesk one many times over, with other names, companies and openings; the answers are those of
the local rag system and, for most cases, the reference; some calls fail. ``--full`` goes on to 1,000,000 cases.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HELPDESK = Path(__file__).parents[1] / "datasets" / "helpdesk"
SIZES, FULL = (2_000, 20_000, 100_000), 1_000_000
NAMES = (
    "Priya",
    "Jonas",
    "Mei",
    "Amara",
    "Luca",
    "Zeynep",
    "Noah",
    "Ingrid",
    "Tomás",
    "Hiroko",
    "Dana",
    "Olu",
)
FIRMS = (
    "Harbour Bakery",
    "Café Lindgren",
    "Nordlicht Hotel",
    "Kite Logistics",
    "Sapori",
    "Green Door",
    "Oak & Vine",
)
OPENINGS = (
    "Hello {name}.",
    "Hi {name}, thank you for writing.",
    "Good morning {name}.",
    "Dear {name}.",
    "",
)
RIGHT, ERRORS = 0.7, 0.01  # shares of answers that are the reference, and of calls that fail
PASSAGES = 5  # retrieved for each question
TICK = 0.5  # seconds between two looks at the processes: a look at the memory of large ones takes time itself
EVERY = 30.0  # seconds between two lines on how far a run has come
PART = 500  # cases of a part
STARTED = 0.001  # size of the store, against that of the recording, from which on answers are filed
# Answers of a new run are filed while others are graded; those of one that was stopped before that.
PHASES = ("reading and checking", "filing", "grading, diagnosing, filing", "adding up and writing")

Json = dict[str, Any]


def mould() -> list[tuple[Json, Json]]:
    """Every helpdesk case with the answer of the local rag system to it."""
    import evalkit
    from evalkit.records import Approach, SystemSpec
    from evalkit.traces import trace_to_json

    spec = SystemSpec("rag", Approach.RAG, "local", {"kind": "rag"}, HELPDESK)
    with tempfile.TemporaryDirectory() as folder:
        run = evalkit.run(HELPDESK, [spec], out=folder, repeats=1, probes="none")
        traces = {t.case_id: trace_to_json(t) for t in run.systems["rag"].graded.traces}
    for trace in traces.values():
        trace["retrieved"] = trace["retrieved"][:PASSAGES]
    lines = (HELPDESK / "cases.jsonl").read_text(encoding="utf-8").splitlines()
    return [(case, traces[case["id"]]) for case in map(json.loads, lines)]


def make_suite(folder: Path, n: int, made: list[tuple[Json, Json]]) -> None:
    """A suite of ``n`` cases in ``folder``, with the traces of one system."""
    folder.mkdir(parents=True)
    for name in ("corpus.jsonl", "exemplars.jsonl", "style.yaml"):
        shutil.copy(HELPDESK / name, folder / name)
    settings = "format: 1\nname: million\ncases: cases.jsonl\ncorpus: corpus.jsonl\nstyle: style.yaml\nk: 5\n"
    (folder / "suite.yaml").write_text(settings, encoding="utf-8")
    system = (
        "systems:\n  - {name: recorded, approach: rag, adapter: recorded, path: traces.jsonl}\n"
    )
    (folder / "systems.yaml").write_text(system, encoding="utf-8")
    with (
        (folder / "cases.jsonl").open("w", encoding="utf-8") as cases,
        (folder / "traces.jsonl").open("w", encoding="utf-8") as traces,
    ):
        for case, trace in varied(n, made):
            cases.write(json.dumps(case, ensure_ascii=False) + "\n")
            traces.write(json.dumps(trace, ensure_ascii=False) + "\n")


def varied(n: int, made: list[tuple[Json, Json]]) -> Iterator[tuple[Json, Json]]:
    """``n`` cases with their traces, no two alike."""
    chance = random.Random(0)
    for i in range(n):
        case, trace = (dict(part) for part in made[i % len(made)])
        name, firm = chance.choice(NAMES), f"{chance.choice(FIRMS)} {i // len(made)}"
        case["id"] = trace["case_id"] = f"{case['id']}-{i:07}"
        case["query"] = f"{name} from {firm} here. {case['query']}" if "query" in case else None
        if "messages" in case:
            del case["query"]
            first, *rest = case["messages"]
            case["messages"] = [{**first, "content": f"{name}, {firm}. {first['content']}"}, *rest]
        if "group" in case:
            case["group"] = f"{case['group']}-{i // len(made)}"
        trace["response"] = _answer(case, trace, name, chance)
        trace["seconds"] = {"total": round(chance.uniform(0.2, 3.0), 3)}
        trace["usage"] = {
            "prompt_tokens": chance.randrange(500, 3000),
            "completion_tokens": chance.randrange(9, 200),
        }
        if chance.random() < ERRORS:
            trace["response"], trace["error"] = (
                None,
                {"kind": "timeout", "message": "no answer within 60 s"},
            )
        yield (
            case,
            {
                "system": "recorded",
                **{k: v for k, v in trace.items() if k != "system" and v is not None},
            },
        )


def _answer(case: Json, trace: Json, name: str, chance: random.Random) -> str | None:
    reference = case.get("reference")
    right = chance.random() < RIGHT
    if right:
        shown = {passage["doc_id"] for passage in trace.get("context", ())}
        trace["citations"] = [d for d in case.get("relevant", {}) if d in shown]
    if isinstance(reference, dict):
        return json.dumps(reference) if right else trace.get("response")
    said = reference if right and isinstance(reference, str) else trace.get("response")
    opening = chance.choice(OPENINGS).format(name=name)
    return f"{opening} {said}".strip() if said else said


# --- measuring -----------------------------------------------------------------------------------


@dataclass
class Spent:
    """Wall and CPU seconds of a phase of a run, and the CPU seconds of the leading process alone."""

    wall: float = 0.0
    cpu: float = 0.0
    leading: float = 0.0


@dataclass
class Measured:
    """A run as it was watched: seconds by phase, and the peak memory of all its processes and of the leading one in MB.

    Memory is the sum of what each process holds for itself and its share of what it shares (PSS).
    """

    phases: dict[str, Spent] = field(default_factory=dict)
    peak: float = 0.0
    leading: float = 0.0
    peak_in: str = ""
    code: int = 0

    @property
    def wall(self) -> float:
        """Seconds from beginning to end."""
        return sum(spent.wall for spent in self.phases.values())

    @property
    def cpu(self) -> float:
        """CPU seconds of all processes together."""
        return sum(spent.cpu for spent in self.phases.values())


def measured(command: list[str], suite: Path, out: Path, n: int) -> Measured:
    """Run a command and watch it; it ends with this process, whatever ends this one."""
    found = Measured()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        _watch(process, found, suite, out, n)
    finally:
        process.terminate()
        found.code = process.wait()
    return found


def _watch(
    process: subprocess.Popen[bytes], found: Measured, suite: Path, out: Path, n: int
) -> None:
    before, cpu_before, told, left_off = time.perf_counter(), 0.0, 0.0, (0.0, 0.0)
    own_before = 0.0
    phase, began = PHASES[0], before
    while process.poll() is None:
        time.sleep(TICK)
        now, cpu = time.perf_counter(), max(_cpu(process.pid), cpu_before)
        spent = found.phases.setdefault(phase, Spent())
        spent.wall, spent.cpu = spent.wall + now - before, spent.cpu + cpu - cpu_before
        own = max(_own_cpu(process.pid), own_before)
        spent.leading += own - own_before
        before, cpu_before, own_before = now, cpu, own
        held = [proportional(pid) for pid in family(process.pid)] or [0.0]
        if sum(held) > found.peak:
            found.peak, found.peak_in = sum(held), phase
        found.leading = max(found.leading, held[0])
        seen, done = _progress(suite, out, n)
        if seen != phase:
            phase, began, left_off = seen, now, (done, now)
        if now - told >= EVERY:
            told = now
            _tell(phase, done, n, (done - left_off[0]) / max(now - began, 1e-9), sum(held))


def _tell(phase: str, done: float, n: int, rate: float, held: float) -> None:
    """How far a phase has come: cases, cases a second, and the seconds that are left of it at this rate."""
    left = f"{(n - done) / rate:,.0f} s left of it" if rate > 0 and done < n else ""
    text = f"  {phase}: {done:,.0f} of {n:,} cases, {rate:,.0f} a second, {held:,.0f} MB  {left}"
    print(text, file=sys.stderr, flush=True)


def _progress(suite: Path, out: Path, n: int) -> tuple[str, float]:
    """The phase that a run is in, and for how many cases it is done, as its folder shows."""
    store, recorded = out / "run.sqlite", suite / "traces.jsonl"
    pages = len(list((out / "cases").glob("*.html")))
    parts = next(out.glob(".parts-*"), None)
    if pages or (out / ".scores.csv.part").exists() or (out / "scores.csv").exists():
        return PHASES[3], min(n, pages * PART)
    if parts is not None:
        graded = len(list(parts.glob("*.page")))
        return (PHASES[2], min(n, graded * PART)) if graded * PART < n else (PHASES[3], 0)
    try:
        share = store.stat().st_size / recorded.stat().st_size
    except OSError:
        return PHASES[0], 0
    return (PHASES[1], min(n, n * share)) if share > STARTED else (PHASES[0], 0)


def _cpu(root: int) -> float:
    """CPU seconds of a process and all its descendants, those that have ended included."""
    total = 0
    for pid in family(root):
        with suppress(OSError, IndexError):
            told = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            total += sum(map(int, told[11:15]))
    return total / os.sysconf("SC_CLK_TCK")


def _own_cpu(pid: int) -> float:
    """CPU seconds of a process alone."""
    try:
        told = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return sum(map(int, told[11:13])) / os.sysconf("SC_CLK_TCK")


def family(pid: int) -> Iterator[int]:
    """A process and all its descendants."""
    yield pid
    try:
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                yield from family(int(child))
    except OSError:
        return


def proportional(pid: int) -> float:
    """Proportional set size in MB: pages that several processes share count once among them."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("Pss:")), 0.0)


def report(found: Measured, n: int) -> None:
    """One line of the table, and what each phase took."""
    print(
        f"{n:10,} {found.wall:8.1f} {found.cpu:8.1f} {1000 * found.cpu / n:8.2f} {n / found.wall:8.0f} "
        f"{found.peak:8.0f} {found.leading:8.0f}  {found.code}   (peak while {found.peak_in})"
    )
    for phase, spent in found.phases.items():
        share = f"{1000 * spent.cpu / n:8.3f} ms CPU a case, {1000 * spent.leading / n:.3f} of the leading process"
        print(f"{'':10} {spent.wall:8.1f} {spent.cpu:8.1f}  {phase}: {share}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true", help=f"{FULL:,} cases as well")
    parser.add_argument("--cases", type=int, nargs="*", help=f"instead of {SIZES}")
    parser.add_argument(
        "--keep",
        type=Path,
        help="make suites and runs here, and leave them: suites that are there are not made again, runs that ended "
        "are not run again, and one that was stopped is taken up (its answers are filed and graded anew)",
    )
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(130))  # the run is ended, too
    root = given.keep or Path(tempfile.mkdtemp(prefix="million-"))
    print(
        f"{'cases':>10} {'wall s':>8} {'CPU s':>8} {'ms/case':>8} {'cases/s':>8} {'PSS MB':>8} {'leading':>8}  exit"
    )
    try:
        for n in given.cases or (*SIZES, *((FULL,) if given.full else ())):
            suite, out = root / f"suite-{n}", root / f"run-{n}"
            if (out / "report.html").exists():
                print(f"{n:10,} has been run: {out / 'report.html'}")
                continue
            if not suite.exists():
                _made(suite, n)
            command = [sys.executable, "-m", "evalkit", "run", str(suite), "--out", str(out)]
            report(measured(command, suite, out, n), n)
            if given.keep is None:
                shutil.rmtree(suite)
                shutil.rmtree(out, ignore_errors=True)
    finally:
        if given.keep is None:
            shutil.rmtree(root, ignore_errors=True)


def _made(suite: Path, n: int) -> None:
    """The suite, under its name once it is whole."""
    half = suite.with_name(f"{suite.name}.part")
    shutil.rmtree(half, ignore_errors=True)
    make_suite(half, n, mould())
    half.rename(suite)


if __name__ == "__main__":
    main()
