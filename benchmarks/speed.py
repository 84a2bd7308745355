"""What evalkit adds to the calls it makes: wall, CPU and memory beside bare loops, against a server on this machine.

Every figure is measured in a process of its own, beside its floor in the same round; --full asks 10,000 cases.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import types
from collections.abc import Awaitable, Callable, Coroutine, Generator, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from calls import World, serve  # beside this file
from million import family, proportional

import evalkit
from evalkit.ask import plan
from evalkit.budget import Budget
from evalkit.judges.embedded import EmbeddedJudge
from evalkit.metrics.answer import exact
from evalkit.pool import calm, each
from evalkit.records import Approach, Case, CorrectRule, Suite, SystemSpec, Trace
from evalkit.store import Store
from evalkit.tools import tools_for
from evalkit.watch import Watcher
from evalkit.work import Work

ANSWER = "x " * 40  # what the server says
PROMPT = "word " * 30
PAIRS, SLICE = (
    12,
    400,
)  # of a figure that is a small difference of two: how often, and calls of each
LONG = (
    11_000,
    44_000,
)  # cases of suites that are read as streams, of which the memory a further case is told
TICK = 0.2  # seconds between looks at the memory of processes
Figures = dict[str, float]


def suite_of(n: int) -> Suite:
    """``n`` cases, of which every other one has the server's answer as its reference."""
    cases = tuple(
        Case(f"c{i:06}", _query(i), reference=(ANSWER.strip() if i % 2 else "y",)) for i in range(n)
    )
    return Suite("speed", Path(), cases, {}, f"speed {n}", correct=CorrectRule("exact", 1.0))


def _query(i: int) -> str:
    return f"What does number {i} cost? {PROMPT}"


def megabytes() -> float:
    """Peak resident memory of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


# --- jobs: each runs alone in a process ----------------------------------------------------------


def others() -> float:
    """CPU seconds of processes that this one has started and that have ended: those that judge beside the asking."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


class Clock(Watcher):
    """Notes when stages begin and end, and what memory is held at the end of asking."""

    def __init__(self) -> None:
        self.at: dict[str, tuple[float, float]] = {}
        self.stage, self.megabytes = "", 0.0

    def start(self, stage: str, total: int) -> None:
        self.stage = stage.partition(" ")[0]
        self.at.setdefault(self.stage, (time.perf_counter(), time.process_time()))

    def done(self) -> None:
        self.at[f"{self.stage} done"] = (time.perf_counter(), time.process_time())
        if self.stage == "asking":
            self.megabytes = megabytes()


async def _run(systems: Any, n: int, workers: int, out: Path) -> Figures:
    suite, clock = suite_of(n), Clock()
    before = megabytes()
    began, spent = time.perf_counter(), time.process_time()
    run = await evalkit.arun(
        suite, systems, out=out, probes="none", concurrency=workers, watch=clock
    )
    ended, used = time.perf_counter(), time.process_time()
    (found,) = run.systems.values()
    assert found.counts["passed"] == n // 2, found.counts
    beside = others()
    asked, answered = clock.at["asking"], clock.at["asking done"]
    scored = clock.at["grading done"]  # every answer judged and scored, every outcome decided
    return {
        "wall": ended - began,
        "asking": answered[0] - asked[0],
        "asking_cpu": answered[1] - asked[1],
        "scoring_cpu": scored[1] - answered[1] + beside,
        "diagnosing_cpu": used - scored[1],
        "cpu": used - spent + beside,
        "scored": scored[0] - asked[0],
        "scored_cpu": scored[1] - asked[1] + beside,
        "suite_mb": before,
        "asking_mb": clock.megabytes,
        "peak_mb": megabytes(),
    }


async def run_endpoint(url: str, n: int, workers: int, _latency: float, out: Path) -> Figures:
    """Through evalkit's own adapter."""
    import aiohttp  # noqa: F401 (as in the floor, importing it is not measured)

    options = {
        "model": "m",
        "base_url": url,
        "api_key_env": "EVALKIT_BENCHMARK_KEY",
        "concurrency": workers,
    }
    spec = SystemSpec("s", Approach.PROMPT, "openai", options, Path())
    return await _run([spec], n, workers, out)


async def run_sleep(_url: str, n: int, workers: int, latency: float, out: Path) -> Figures:
    """The harness alone: a Python system that only waits, asked by all of asking, with an exact match as its only metric.

    Each intent is durable before its call, and each answer with its row before its worker's next call; it is matched with its
    reference as it comes. The judge and the other metrics are no part of it: they are in the rows that say "scored".
    """

    async def ask(query: str) -> str:  # noqa: ARG001 (called with the query)
        await asyncio.sleep(latency)
        return ANSWER

    suite, one = suite_of(n), evalkit.system("s", ask, approach="prompt")
    matched, tools = Matched(suite), replace(tools_for(suite), judge=Later())
    jobs = list(plan([one], suite.cases, 1, set()))
    with Store(out) as store:
        work = Work(suite, store, tools, matched, workers)
        began, spent = time.perf_counter(), time.process_time()
        await work.ask(jobs, Budget())
        wall, cpu = time.perf_counter() - began, time.process_time() - spent
        assert len(store.done()) == n
    await one.aclose()
    assert matched.right == n // 2
    return {"asking": wall, "asking_cpu": cpu}


class Matched(Watcher):
    """Matches each answer with its reference as it comes."""

    def __init__(self, suite: Suite) -> None:
        self.cases, self.right = {case.id: case for case in suite.cases}, 0.0

    def step(self, trace: Trace | None = None) -> None:
        """One more answer."""
        if trace is not None and trace.response is not None:
            reference = self.cases[trace.case_id].reference or ()
            self.right += exact(trace.response, reference) or 0.0


class Later(EmbeddedJudge):
    """A judge that judges nothing while asking goes on."""


async def run_client(url: str, _n: int, workers: int, _latency: float, out: Path) -> Figures:
    """A user's own openai client, bare and through evalkit, by turns in one process: what asking takes above the bare loop.

    The same client on the same connections is asked a few hundred times by the bare loop, then by evalkit (all of asking: budget,
    intent and answer durable, outcome and row built; too few at a time for judging to begin), then by the bare loop again. What the client's
    own steps take is the same code in both, so it is taken off both: then the clock of the processor, which makes more of a
    difference than evalkit does, only acts on what is compared. The middle of all pairs is told, each against the bare
    slices before and after it; ``whole`` is the same with the client's steps. The garbage collector works alike in both.
    """
    from openai import AsyncOpenAI, DefaultAioHttpClient

    steps, beside = Steps(), DefaultAioHttpClient()
    async with AsyncOpenAI(
        base_url=url, api_key="none", max_retries=0, http_client=beside
    ) as client:

        async def reply(query: str) -> str:
            asked: Any = [{"role": "user", "content": query}]
            got = await client.chat.completions.create(model="m", messages=asked)
            return str(got.choices[0].message.content)

        async def ask(query: str) -> str:
            return await steps.of(reply(query))

        return await _by_turns(ask, steps, workers, out)


class Steps:
    """Adds up the CPU seconds that coroutines take while they run, and not while they wait."""

    def __init__(self) -> None:
        self.seconds = 0.0

    @types.coroutine
    def of(self, work: Coroutine[Any, Any, str]) -> Generator[Any, Any, str]:
        """What ``work`` returns."""
        while True:
            began = time.thread_time()
            try:
                waited_for = work.send(None)
            except StopIteration as done:
                return str(done.value)
            finally:
                self.seconds += time.thread_time() - began
            yield waited_for


async def _by_turns(
    ask: Callable[[str], Awaitable[str]], steps: Steps, workers: int, out: Path
) -> Figures:
    suite, one = suite_of(SLICE * (PAIRS + 1)), evalkit.system("s", ask, approach="prompt")
    taken: list[
        tuple[float, float]
    ] = []  # bare, evalkit, bare, and so on: ms a case, all and other than steps

    async def timed(work: Awaitable[None]) -> None:
        steps.seconds, began = 0.0, time.process_time()
        await work
        took = time.process_time() - began
        taken.append((took / SLICE * 1000, (took - steps.seconds) / SLICE * 1000))

    async def put(case: Case) -> None:
        await ask(case.query)

    async def bare() -> None:
        with calm():
            await each(suite.cases[:SLICE], put, workers)

    with Store(out) as store:
        work = Work(suite, store, tools_for(suite), Watcher(), workers)
        jobs = list(plan([one], suite.cases, 1, set()))
        for i in range(PAIRS + 1):
            await timed(bare())
            await timed(work.ask(jobs[i * SLICE : (i + 1) * SLICE], Budget()))
        await timed(bare())
        assert store.errors() == 0, "a call failed"
    await one.aclose()
    floor, ours = taken[2::2], taken[3::2]  # the first of both made connections
    whole, more = (
        sorted(b[k] - (a[k] + c[k]) / 2 for a, b, c in zip(floor, ours, floor[1:], strict=False))
        for k in (0, 1)
    )
    told = {"above": statistics.median(more), "whole": statistics.median(whole)}
    quarters = {"low": more[PAIRS // 4], "high": more[-1 - PAIRS // 4]}
    return {**told, **quarters, "bare": statistics.median(a[0] for a in floor)}


def _command(url: str, n: int, workers: int, out: Path) -> list[str]:
    """``evalkit run`` of a suite in files, of ``n`` cases, that asks the server."""
    folder = out / "suite"
    folder.mkdir(parents=True)
    suite = suite_of(n)
    rows = (
        {"id": c.id, "query": c.query, "reference": list(c.reference or ())} for c in suite.cases
    )
    (folder / "cases.jsonl").write_text("\n".join(map(json.dumps, rows)))
    head = "format: 1\nname: speed\ncorrect: {metric: exact, at_least: 1.0}\n"
    (folder / "suite.yaml").write_text(head)
    system = f"name: s, approach: prompt, adapter: openai, model: m, base_url: '{url}', concurrency: {workers}"
    key = "api_key_env: EVALKIT_BENCHMARK_KEY"
    (folder / "systems.yaml").write_text(f"systems: [{{{system}, {key}}}]\n")
    command = [sys.executable, "-m", "evalkit", "run", str(folder), "--out", str(out / "run")]
    return [*command, "--concurrency", str(workers), "--probes", "none"]


async def run_again(url: str, n: int, workers: int, _latency: float, out: Path) -> Figures:
    """``evalkit run`` on a folder that holds the finished run already: the whole program, from its start to its end.

    As it is when it is installed: compiled once (by the first run, outside the tree), and not anew each time.
    """
    command = _command(url, n, workers, out)
    environment = {**os.environ, "PYTHONPYCACHEPREFIX": str(out / "compiled")}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    how: Any = {"capture_output": True, "text": True, "env": environment}
    walls = []
    for _ in range(4):
        began = time.perf_counter()
        done = subprocess.run(command, check=True, **how)
        walls.append(time.perf_counter() - began)
    assert "nothing has changed" in done.stderr, done.stderr
    (out / "run" / "scores.csv").unlink()
    began = time.perf_counter()
    subprocess.run(command, check=True, **how)
    return {"first": walls[0], "wall": min(walls[1:]), "anew": time.perf_counter() - began}


async def run_long(url: str, n: int, workers: int, _latency: float, out: Path) -> Figures:
    """``evalkit run`` of a suite too long to be held: the most memory of the leading process, and of all of them together."""
    command = _command(url, n, workers, out)
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    leading = whole = 0.0
    try:
        while process.poll() is None:
            await asyncio.sleep(TICK)
            held = [proportional(pid) for pid in family(process.pid)]
            leading, whole = max(leading, held[0]), max(whole, sum(held))
    finally:
        process.kill()
    assert process.wait() == 0, "the run failed"
    return {"leading_mb": leading, "whole_mb": whole}


async def floor_endpoint(url: str, n: int, workers: int, _latency: float, _out: Path) -> Figures:
    """The same requests by nothing but aiohttp and json."""
    import aiohttp

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as client:
        headers = {"content-type": "application/json"}

        async def ask(i: int) -> None:
            asked = [{"role": "user", "content": _query(i)}]
            body = json.dumps({"model": "m", "messages": asked}).encode()
            async with client.post(f"{url}/chat/completions", data=body, headers=headers) as got:
                json.loads(await got.read())["choices"][0]["message"]["content"]

        return await _floor(ask, n, workers)


async def floor_sleep(_url: str, n: int, workers: int, latency: float, _out: Path) -> Figures:
    """Nothing but waiting."""

    async def ask(_: int) -> None:
        await asyncio.sleep(latency)

    return await _floor(ask, n, workers)


async def _floor(ask: Callable[[int], Awaitable[None]], n: int, workers: int) -> Figures:
    began, spent = time.perf_counter(), time.process_time()
    await each(range(n), ask, workers)
    wall, cpu = time.perf_counter() - began, time.process_time() - spent
    return {"wall": wall, "asking": wall, "asking_cpu": cpu, "cpu": cpu, "peak_mb": megabytes()}


JOBS: dict[str, Callable[..., Awaitable[Figures]]] = {
    "endpoint": run_endpoint,
    "sleep": run_sleep,
    "client": run_client,
    "again": run_again,
    "long": run_long,
    "floor endpoint": floor_endpoint,
    "floor sleep": floor_sleep,
}


# --- the round -----------------------------------------------------------------------------------


@contextmanager
def server(latency: float) -> Iterator[str]:
    """The base URL of a server that answers after ``latency`` seconds, in a process of its own."""
    here, there = multiprocessing.Pipe()
    context = multiprocessing.get_context("spawn")
    process = context.Process(target=serve, args=(World(latency=latency), there))
    process.start()
    try:
        yield f"http://127.0.0.1:{here.recv()}/v1"
    finally:
        process.kill()
        process.join()


def measured(job: str, url: str, n: int, workers: int, latency: float, out: Path) -> Figures:
    """What a job of this name says of itself, run in a process of its own."""
    command = [sys.executable, __file__, "--job", job, "--url", url, "--cases", str(n)]
    command += ["--workers", str(workers), "--latency", str(latency), "--out", str(out)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{job} failed:\n{done.stderr[-2000:]}")
    found: Figures = json.loads(done.stdout.splitlines()[-1])
    return found


def least(rounds: list[Figures]) -> Figures:
    """The least of each figure: what else ran on the machine only ever adds."""
    return {name: min(figures[name] for figures in rounds) for name in rounds[0]}


class Round:
    """All figures of one round, as rows of a table."""

    def __init__(self, workers: int, rounds: int, *, verbose: bool) -> None:
        self.workers, self.rounds, self.verbose = workers, rounds, verbose
        self.rows: list[tuple[str, str, str, str]] = []

    def turns(
        self, kind: str, url: str, n: int, latency: float, out: Path, rounds: int
    ) -> list[tuple[Figures, Figures]]:
        """A floor and its job, in turns; every other time the job comes first."""
        given, found = (url, n, self.workers, latency), []
        for number in range(rounds):
            kinds = [f"floor {kind}", kind][:: 1 if number % 2 == 0 else -1]
            folder = out if number == 0 else Path(f"{out} {number}")
            told = {one: measured(one, *given, folder) for one in kinds}
            found.append((told[f"floor {kind}"], told[kind]))
        return found

    def pair(
        self, kind: str, url: str, n: int, latency: float, out: Path
    ) -> tuple[Figures, Figures]:
        """A job and its floor, each the least of the rounds."""
        turns = self.turns(kind, url, n, latency, out, self.rounds)
        floor, found = (least(list(figures)) for figures in zip(*turns, strict=True))
        if self.verbose:
            for name, figures in ((f"floor {kind}", floor), (kind, found)):
                told = " ".join(f"{k}={v:.3f}" for k, v in figures.items())
                print(f"# {name} n={n} latency={latency}: {told}", file=sys.stderr)
        return floor, found

    def row(self, what: str, target: float, value: float, unit: str, beside: str = "") -> None:
        """One line of the table; targets are upper bounds."""
        mark = "" if value <= target else " (missed)"
        self.rows.append((what, f"<= {target:g}{unit}", f"{value:.2f}{unit}{mark}", beside))

    def print(self) -> None:
        """The table, in Markdown."""
        print("| figure | target | measured | bare loop |\n|---|---|---|---|")
        for row in self.rows:
            print(f"| {' | '.join(row)} |")


def endpoint_rows(table: Round, sizes: list[int], folder: Path) -> None:
    """An endpoint of 50 ms: wall, CPU, memory, and a finished run taken up again."""
    peaks: dict[int, Figures] = {}
    with server(0.05) as url:
        for n in sizes:
            out, ideal = folder / f"endpoint {n}", n * 0.05 / table.workers
            floor, found = table.pair("endpoint", url, n, 0.05, out)
            peaks[n] = found
            bare, bare_cpu = floor["wall"] / ideal, floor["cpu"] / n * 1000
            table.row(
                f"asking {n:,}, wall / ideal", 1.2, found["asking"] / ideal, "", f"{bare:.2f}"
            )
            told = f"{bare:.2f} (asks only)"
            table.row(
                f"asked and scored, {n:,}, wall / ideal", 1.2, found["scored"] / ideal, "", told
            )
            cpu = found["asking_cpu"] / n * 1000
            table.row(f"asking {n:,}, CPU per 1,000", 0.5, cpu, " s", f"{bare_cpu:.2f} s")
            cpu = found["scored_cpu"] / n * 1000
            table.row(
                f"asked and scored, {n:,}, CPU per 1,000", 0.5, cpu, " s", f"{bare_cpu:.2f} s"
            )
        diagnosing = found["diagnosing_cpu"] / (sizes[-1] / 2) * 1000
        again = measured("again", url, sizes[-1], table.workers, 0.05, folder / "again")
        table.row(f"a finished run of {sizes[-1]:,} taken up again", 2.0, again["wall"], " s")
        table.row("the same, one of its files gone: graded again", 10.0, again["anew"], " s")
    table.row("diagnosing and the rest, CPU a failing case", 1.0, diagnosing, " ms")
    few, many = peaks[sizes[0]], peaks[sizes[-1]]
    more = max(1, sizes[-1] - sizes[0]) / 1024
    held = (many["asking_mb"] - many["suite_mb"]) - (few["asking_mb"] - few["suite_mb"])
    table.row("memory a further case while asking, suite apart", 1.0, held / more, " KB")
    table.row(
        "memory a further case, suite and scoring included",
        1.0,
        (many["peak_mb"] - few["peak_mb"]) / more,
        " KB",
    )
    table.row(
        f"peak memory at {sizes[-1]:,}", 150, many["peak_mb"], " MB", f"{floor['peak_mb']:.0f} MB"
    )


def long_rows(table: Round, folder: Path) -> None:
    """Memory a further case, all included, where the suite is a file: of the leading process, and of all together (PSS)."""
    with server(0.005) as url:
        few, many = (
            measured("long", url, n, table.workers, 0.005, folder / f"long {n}") for n in LONG
        )
    more, what = (LONG[1] - LONG[0]) / 1024, f"{LONG[0]:,} to {LONG[1]:,} cases of a file"
    for name, whose in (("leading_mb", "the leading process"), ("whole_mb", "all processes")):
        told = f"{few[name]:.0f} and {many[name]:.0f} MB"
        grown = (many[name] - few[name]) / more
        table.row(f"memory a further case, {what}, {whose}", 1.0, grown, " KB", told)


def other_rows(table: Round, n: int, folder: Path) -> None:
    """Slow endpoints."""
    ideal = n * 0.05 / table.workers
    with server(0.5) as url:
        floor, found = table.pair("endpoint", url, n, 0.5, folder / "slow")
    bare = floor["wall"] / ideal / 10
    table.row(
        f"500 ms, asking {n:,}, wall / ideal", 1.05, found["asking"] / ideal / 10, "", f"{bare:.2f}"
    )


def sleep_rows(table: Round, n: int, folder: Path) -> None:
    """The harness alone, as ``run_sleep`` says."""
    ideal = n * 0.05 / table.workers
    floor, found = table.pair("sleep", "", n, 0.05, folder / f"sleep {n}")
    bare, what = floor["wall"] / ideal, f"the harness alone (durable rows, exact match), {n:,}"
    table.row(f"{what}, wall / ideal", 1.05, found["asking"] / ideal, "", f"{bare:.2f}")
    cpu, bare = found["asking_cpu"] / n * 1000, floor["cpu"] / n * 1000
    table.row(f"{what}, CPU per 1,000", 0.1, cpu, " s", f"{bare:.2f} s")


def client_row(table: Round, folder: Path) -> None:
    """A user's own client, as ``run_client`` says."""
    with server(0.05) as url:
        found = measured("client", url, 0, table.workers, 0.05, folder / "client")
    share = f"{found['above'] / found['bare']:.1%} above it"  # the same however fast the machine is
    spread = f"{share}, half of {PAIRS} pairs {found['low']:.2f} to {found['high']:.2f} ms"
    table.row(
        "a user's openai client, CPU a case above its own loop",
        0.1,
        found["above"],
        " ms",
        f"{found['bare']:.2f} ms ({spread}; with the client's own steps {found['whole']:.2f})",
    )


def commit_seconds(folder: Path) -> float:
    """What one durable write of 4 KB takes on this disk now: the median of a hundred."""
    file = os.open(folder / "disk", os.O_CREAT | os.O_WRONLY)
    taken = []
    for _ in range(100):
        began = time.perf_counter()
        os.write(file, b"x" * 4096)
        os.fsync(file)
        taken.append(time.perf_counter() - began)
    os.close(file)
    return sorted(taken)[50]


def main() -> None:
    """Print the table of a round, or run one job."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true", help="10,000 cases too")
    parser.add_argument("--verbose", action="store_true", help="every figure, on stderr")
    parser.add_argument("--cases", type=int, default=2000)
    parser.add_argument("--workers", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=2, help="each figure is the least of so many")
    parser.add_argument("--only", choices=["endpoint", "other", "long"])
    parser.add_argument("--job", choices=JOBS, help=argparse.SUPPRESS)
    parser.add_argument("--url", default="", help=argparse.SUPPRESS)
    parser.add_argument("--latency", type=float, default=0.05, help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.job:
        job = JOBS[args.job](args.url, args.cases, args.workers, args.latency, args.out)
        print(json.dumps(asyncio.run(job)))  # type: ignore[arg-type]
        return
    table = Round(args.workers, args.rounds, verbose=args.verbose)
    sizes = [args.cases, 10_000] if args.full else [args.cases // 4, args.cases]
    with tempfile.TemporaryDirectory() as folder:
        disk = f"a durable write of 4 KB {commit_seconds(Path(folder)) * 1000:.1f} ms"
        load = os.getloadavg()[0]
        print(f"{args.workers} at a time, {os.cpu_count()} cores, load {load:.1f}, {disk}\n")
        if args.only not in ("other", "long"):
            endpoint_rows(table, sizes, Path(folder))
        if args.only == "long" or (args.full and args.only is None):
            long_rows(table, Path(folder))
        if args.only not in ("endpoint", "long"):
            for n in sizes[0 if args.full else 1 :]:
                sleep_rows(table, n, Path(folder))
            client_row(table, Path(folder))
            other_rows(table, args.cases, Path(folder))
    table.print()


if __name__ == "__main__":
    main()
