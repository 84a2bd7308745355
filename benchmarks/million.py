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
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
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
TICK = 0.1  # seconds between two looks at the memory

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


def measured(command: list[str]) -> tuple[float, float, float, float, int]:
    """(wall s, CPU s, peak MB of all its processes together, and of the leading one, exit code) of a command.

    Memory is the sum of what each process holds for itself and its share of what it shares (PSS).
    """
    began, before = time.perf_counter(), os.times()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    peak = [0.0, 0.0]
    watcher = threading.Thread(target=_watch, args=(process, peak))
    watcher.start()
    code = process.wait()
    watcher.join()
    after = os.times()
    cpu = (
        after.children_user + after.children_system - before.children_user - before.children_system
    )
    return time.perf_counter() - began, cpu, *peak, code


def _watch(process: subprocess.Popen[bytes], peak: list[float]) -> None:
    while process.poll() is None:
        held = [_proportional(pid) for pid in family(process.pid)]
        peak[:] = max(peak[0], sum(held)), max(peak[1], held[0])
        time.sleep(TICK)


def family(pid: int) -> Iterator[int]:
    """A process and all its descendants."""
    yield pid
    try:
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                yield from family(int(child))
    except OSError:
        return


def _proportional(pid: int) -> float:
    """Proportional set size in MB: pages that several processes share count once among them."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("Pss:")), 0.0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true", help=f"{FULL:,} cases as well")
    parser.add_argument("--cases", type=int, nargs="*", help=f"instead of {SIZES}")
    parser.add_argument("--keep", type=Path, help="make suites and runs here, and leave them")
    given = parser.parse_args()
    made = mould()
    root = given.keep or Path(tempfile.mkdtemp(prefix="million-"))
    print(
        f"{'cases':>10} {'wall s':>8} {'CPU s':>8} {'ms/case':>8} {'cases/s':>8} {'PSS MB':>8} {'leading':>8}  exit"
    )
    try:
        for n in given.cases or (*SIZES, *((FULL,) if given.full else ())):
            suite, out = root / f"suite-{n}", root / f"run-{n}"
            if not suite.exists():
                make_suite(suite, n, made)
            shutil.rmtree(out, ignore_errors=True)
            command = [sys.executable, "-m", "evalkit", "run", str(suite), "--out", str(out)]
            wall, cpu, peak, leading, code = measured(command)
            print(
                f"{n:10,} {wall:8.1f} {cpu:8.1f} {1000 * cpu / n:8.2f} {n / wall:8.0f} {peak:8.0f} {leading:8.0f}  {code}",
                flush=True,
            )
            if given.keep is None:
                shutil.rmtree(suite)
                shutil.rmtree(out, ignore_errors=True)
    finally:
        if given.keep is None:
            shutil.rmtree(root, ignore_errors=True)


if __name__ == "__main__":
    main()
