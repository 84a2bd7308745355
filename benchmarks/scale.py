"""What very many cases take: unit costs measured here, and the sums that follow from them for 100,000 to 100 million.

Every unit cost is a slope between two sizes, each measured in a process of its own, against a service on this machine
that answers like the helpdesk suite. Prints both tables in Markdown; ``--latency`` and the others are yours to set.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import multiprocessing
import os
import resource
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

HELPDESK = Path(__file__).parents[1] / "datasets" / "helpdesk"
# Cases. Of 2,000 and more answers are judged while others are asked for, above 10,000 a suite is a stream: measure on one side.
SIZES = (650, 1950)
SHARES = 2  # that are merged
PASSAGES = 5
TARGETS = (100_000, 1_000_000, 100_000_000)
RIGHT = 0.9  # share of answers that are the reference
Figures = dict[str, float]
Json = dict[str, Any]


# --- a suite of any size, and the service that answers it ------------------------------------------


def rows(n: int) -> list[Json]:
    """``n`` cases, no two alike."""
    lines = (HELPDESK / "cases.jsonl").read_text("utf-8").splitlines()
    made = [json.loads(line) for line in lines]
    made = [case for case in made if isinstance(case.get("reference"), str) and "query" in case]
    found = []
    for i in range(n):
        case = dict(made[i % len(made)])
        case.pop("group", None)
        found.append({**case, "id": f"c{i:08}", "query": f"{case['query']} (ticket {i})"})
    return found


def make_suite(folder: Path, n: int, url: str) -> None:
    """A suite of ``n`` cases of one system behind ``url``."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name in ("corpus.jsonl", "exemplars.jsonl", "style.yaml"):
        shutil.copy(HELPDESK / name, folder / name)
    (folder / "suite.yaml").write_text("format: 1\nname: scale\nk: 5\nstyle: style.yaml\n", "utf-8")
    (folder / "systems.yaml").write_text(
        f"systems:\n  - {{name: service, approach: rag, adapter: http, url: '{url}', concurrency: 100}}\n",
        "utf-8",
    )
    with (folder / "cases.jsonl").open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows(n))


def serve(told: Connection, n: int) -> None:
    """Answer every question with its reference, or wrongly, and five passages; tell the port."""
    from aiohttp import web

    answers = {row["query"]: (i, row) for i, row in enumerate(rows(n))}
    documents = (HELPDESK / "corpus.jsonl").read_text("utf-8").splitlines()
    corpus = {row["_id"]: row["text"] for row in map(json.loads, documents)}
    names = list(corpus)

    async def answer(request: web.Request) -> web.Response:
        i, row = answers[(await request.json())["query"]]
        wanted = row.get("relevant") or {}
        found = list(
            dict.fromkeys([*wanted, *(names[(i + j) % len(names)] for j in range(PASSAGES))])
        )
        passages = [
            {"doc_id": name, "text": corpus[name]} for name in found[:PASSAGES] if name in corpus
        ]
        right = (i * 7919 % 100) < RIGHT * 100
        response = row["reference"] if right else "Please ask your administrator."
        usage = {"prompt_tokens": 900, "completion_tokens": 60}
        return web.json_response(
            {"response": response, "retrieved": passages, "context": passages, "usage": usage}
        )

    async def main() -> None:
        application = web.Application()
        application.router.add_post("/ask", answer)
        runner = web.AppRunner(application, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        told.send(runner.addresses[0][1])
        await asyncio.Event().wait()

    asyncio.run(main())


# --- jobs, each alone in a process -------------------------------------------------------------------


def ask(suite: Path, out: Path) -> Figures:
    """Ask every case, without scoring; what the store takes."""
    import evalkit

    began = spent()
    loaded = loaded_from(suite)
    read = spent()
    held = peak()
    specs = evalkit.load_systems(suite / "systems.yaml")
    how: Json = {"probes": "none", "concurrency": 100, "answers_only": True}
    evalkit.run(loaded, specs, out=out, **how)
    asked = spent()
    shares = [Path(f"{out}-{number}") for number in range(SHARES)]
    for number, folder in enumerate(shares, 1):
        evalkit.run(loaded, specs, out=folder, shard=f"{number}/{SHARES}", **how)
    # Whatever two shares take more than one run of all, each share takes for a suite of that size.
    return {
        "read": read - began,
        "ask": asked - read,
        "share": spent() - asked - (asked - read),
        "suite_mb": held,
        "store": size(out),
    }


def score(suite: Path, out: Path) -> Figures:
    """Grade and diagnose the answers, and write every file."""
    import evalkit

    loaded = loaded_from(suite)
    began, before = spent(), size(out)
    run = evalkit.open_run(loaded, out)
    graded = spent()
    run.write()
    return {
        "grade": graded - began,
        "write": spent() - graded,
        "score_mb": peak(),
        "files": size(out) - before,
    }


def merge(suite: Path, out: Path) -> Figures:
    """Merge the shares, as ``evalkit merge`` does."""
    from evalkit.merge import merge as merged

    loaded = loaded_from(suite)
    began = spent()
    merged(f"{out}-whole", [f"{out}-{number}" for number in range(SHARES)], suite=loaded)
    return {"merge": spent() - began, "merge_mb": peak()}


JOBS = {"ask": ask, "score": score, "merge": merge}


STREAM = "EVALKIT_SCALE_STREAM"  # set: suites of any size are read as streams


def loaded_from(suite: Path) -> Any:
    """The suite; as a stream, with all that goes with it, where that was asked for."""
    from evalkit.suite import load_suite

    if STREAM not in os.environ:
        return load_suite(suite)
    import evalkit.ledger.large
    import evalkit.stats.intervals

    evalkit.ledger.large.LARGE = 0  # the doctor of a large run
    evalkit.stats.intervals.MANY = 0  # no interval is bootstrapped above that many cases
    return load_suite(suite, large=0)


def spent() -> float:
    """CPU seconds of this process and of those it has waited for: parts are graded in others."""
    return sum(os.times()[:4])


def peak() -> float:
    """Peak resident memory of this process so far, in MB; of a stream's, those that grade parts have a fixed size."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def size(folder: Path) -> float:
    """Bytes of the files in a folder."""
    return float(sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()))


def measured(small: int, large: int) -> Figures:
    """Unit costs: seconds, bytes and MB for each further case."""
    here, there = multiprocessing.Pipe()
    server = multiprocessing.get_context("spawn").Process(
        target=serve, args=(there, large), daemon=True
    )
    server.start()
    found: list[Figures] = []
    try:
        url = f"http://127.0.0.1:{here.recv()}/ask"
        with tempfile.TemporaryDirectory() as scratch:
            for n in (small, large):
                suite, out = Path(scratch) / f"suite-{n}", Path(scratch) / f"run-{n}"
                make_suite(suite, n, url)
                found.append({k: v for job in JOBS for k, v in _job(job, suite, out).items()})
    finally:
        server.kill()
        server.join()
    few, many = found
    return {name: (many[name] - few[name]) / (large - small) for name in few}


def _job(job: str, suite: Path, out: Path) -> Figures:
    command = [sys.executable, __file__, "--job", job, "--suite", str(suite), "--out", str(out)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{job} failed:\n{done.stderr[-2000:]}")
    told: Figures = json.loads(done.stdout.splitlines()[-1])
    return told


# --- what follows ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class World:
    """What the reader knows: seconds a call takes, calls at a time in all, and so on."""

    latency: float
    concurrency: int
    failing: float
    probes: float
    per_share: int
    workers: int
    cores: int


@dataclass(frozen=True)
class Sum:
    """What ``cases`` take, from unit costs; hours, cores, GB."""

    cases: int
    world: World
    unit: Figures

    @property
    def shares(self) -> int:
        """As the Ray engine cuts them."""
        return max(self.world.workers, math.ceil(self.cases / self.world.per_share))

    @property
    def calls(self) -> float:
        """First answers, probes of failing cases, and the controls and repeats that each share asks."""
        return self.cases * (1 + self.world.failing * self.world.probes) + 50 * self.shares

    @property
    def waiting(self) -> float:
        return self.calls * self.world.latency / self.world.concurrency / 3600

    @property
    def asking_cpu(self) -> float:
        """Hours of one core: every call; each worker reads the whole suite, and each share looks through it."""
        through = self.shares * max(0.0, self.unit["share"])
        reading = 2 * self.world.workers * self.unit["read"]  # for asking and for scoring
        return (self.calls * self.unit["ask"] + self.cases * (through + reading)) / 3600

    @property
    def scoring_cpu(self) -> float:
        return self.cases * (self.unit["grade"] + self.unit["write"]) / 3600

    @property
    def merging(self) -> float:
        """Hours of the one core that merges and writes the whole."""
        return self.cases * (self.unit["merge"] + self.unit["write"]) / 3600

    @property
    def disk(self) -> float:
        """GB of the shares and of the whole, store and files."""
        calls = self.calls / self.cases
        return self.cases * 2 * (self.unit["store"] * calls + self.unit["files"]) / 1e9

    @property
    def share_memory(self) -> float:
        """GB of the worker of a share: the whole suite, and the answers of its share while they are graded."""
        own = self.cases / self.shares * max(0.0, self.unit["score_mb"] - self.unit["suite_mb"])
        return (self.cases * self.unit["suite_mb"] + own) / 1e3

    @property
    def merge_memory(self) -> float:
        return self.cases * self.unit["merge_mb"] / 1e3

    @property
    def hours(self) -> dict[str, float]:
        """What each thing would take if nothing else took time."""
        cores = self.world.cores
        return {
            "the endpoint": self.waiting,
            "cores of the workers": (self.asking_cpu + self.scoring_cpu) / cores,
            "merging": self.merging,
        }


def table(found: list[Sum]) -> str:
    """The sums, one column a size."""
    lines: list[tuple[str, list[str]]] = [
        ("shares", [f"{s.shares:,}" for s in found]),
        ("calls", [f"{s.calls:,.0f}" for s in found]),
        ("waiting for the endpoint", [hours(s.waiting) for s in found]),
        ("CPU of asking, all workers together", [hours(s.asking_cpu) for s in found]),
        ("CPU of scoring the shares", [hours(s.scoring_cpu) for s in found]),
        ("merging, on one core", [hours(s.merging) for s in found]),
        ("disk, shares and whole", [f"{s.disk:,.1f} GB" for s in found]),
        ("memory of a worker", [f"{s.share_memory:,.2f} GB" for s in found]),
        ("memory of merging", [f"{s.merge_memory:,.1f} GB" for s in found]),
        ("takes longest", [max(s.hours, key=lambda name: s.hours[name]) for s in found]),
    ]
    head = f"| | {' | '.join(f'{s.cases:,}' for s in found)} |"
    rule = "|---" * (len(found) + 1) + "|"
    return "\n".join([head, rule, *(f"| {name} | {' | '.join(cells)} |" for name, cells in lines)])


def hours(value: float) -> str:
    """A time as people read it."""
    if value < 1:
        return f"{value * 60:.1f} min"
    return f"{value:,.1f} h" if value < 48 else f"{value / 24:,.0f} days"


def units(unit: Figures) -> str:
    """The unit costs as a table."""
    told = {
        "reading the suite": f"{unit['read'] * 1e3:.2f} ms",
        "a share's look through the whole suite": f"{unit['share'] * 1e3:.3f} ms",
        "asking: one call over HTTP, checked and kept": f"{unit['ask'] * 1e3:.2f} ms",
        "grading and diagnosing": f"{unit['grade'] * 1e3:.2f} ms",
        "writing the derived files": f"{unit['write'] * 1e3:.2f} ms",
        "merging: copying and grading again": f"{unit['merge'] * 1e3:.2f} ms",
        "the store": f"{unit['store'] / 1e3:.1f} KB",
        "the derived files": f"{unit['files'] / 1e3:.1f} KB",
        "memory: the suite": f"{unit['suite_mb'] * 1e3:.1f} KB",
        "memory: the suite, graded and diagnosed": f"{unit['score_mb'] * 1e3:.1f} KB",
        "memory: merging": f"{unit['merge_mb'] * 1e3:.1f} KB",
    }
    return "\n".join(
        ["| of a further case | |", "|---|---|", *(f"| {k} | {v} |" for k, v in told.items())]
    )


def main() -> None:
    """Print both tables, or run one job."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--latency", type=float, default=2.0, help="seconds a call takes [2]")
    parser.add_argument("--concurrency", type=int, default=1000, help="calls at a time [1000]")
    parser.add_argument("--failing", type=float, default=0.1, help="share of failing cases [0.1]")
    parser.add_argument("--probes", type=float, default=5.0, help="calls a failing case [5]")
    parser.add_argument("--per-share", type=int, default=500_000, help="cases of a share [500000]")
    parser.add_argument("--workers", type=int, default=16, help="that ask shares [16]")
    parser.add_argument("--cores", type=int, default=16, help="of all workers together [16]")
    parser.add_argument(
        "--sizes", type=int, nargs=2, default=SIZES, help="cases measured [650 1950]"
    )
    parser.add_argument(
        "--stream",
        action="store_true",
        help="read suites of any size as streams, as those of more than 10,000 cases are",
    )
    parser.add_argument("--units", type=Path, help="a JSON file: unit costs measured before")
    parser.add_argument("--job", choices=JOBS, help=argparse.SUPPRESS)
    parser.add_argument("--suite", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.job:
        print(json.dumps(JOBS[args.job](args.suite, args.out)))
        return
    if args.stream:
        os.environ[STREAM] = "1"
    load = os.getloadavg()[0]
    unit = (
        json.loads(args.units.read_text())
        if args.units and args.units.exists()
        else measured(*args.sizes)
    )
    if args.units:
        args.units.write_text(json.dumps(unit))
    world = World(
        *(args.latency, args.concurrency, args.failing, args.probes),
        *(args.per_share, args.workers, args.cores),
    )
    print(f"{os.cpu_count()} cores, load {load:.1f}\n\n{units(unit)}\n")
    print(table([Sum(cases, world, unit) for cases in TARGETS]))


if __name__ == "__main__":
    main()
