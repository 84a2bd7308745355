"""Is anything lost or paid twice when a run dies? Kills, interrupts and rival writers against an endpoint with its own books.

The endpoint counts what it is asked; the program knows nothing of that ledger. ``tests/test_kill.py`` runs a short
version of the same trials.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from evalkit.store import Store

CASES, CONCURRENCY = 24, 4
TIMED = ("seconds", "latency")  # what differs between any two runs

# A process that has evalkit loaded and forks for every run, so that a trial takes tenths of a second.
FORKER = """
import json, os, signal, sys
import aiohttp, numpy
import evalkit.api, evalkit.cli, evalkit.report, evalkit.pages, evalkit.terminal, evalkit.adapters.http
import evalkit.commands.run_command
evalkit.plugins.members("metrics"), evalkit.plugins.members("causes")
for line in sys.stdin:
    told = json.loads(line)
    if "wait" in told:
        print(os.waitstatus_to_exitcode(os.waitpid(told["wait"], 0)[1]), flush=True)
        continue
    child = os.fork()
    if child == 0:
        out = os.open(told["log"], os.O_CREAT | os.O_WRONLY | os.O_APPEND)
        os.dup2(out, 1), os.dup2(out, 2), os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job ignores it
        os.environ.update(told["env"])
        sys.argv = ["evalkit", *told["argv"]]
        try:
            evalkit.cli.main()
        except SystemExit as stop:
            os._exit(stop.code or 0)
        os._exit(99)
    print(child, flush=True)
"""


class Programs:
    """Runs of the command line, each a process of its own that may be killed."""

    def __init__(self, log: Path, preload: Path | None = None) -> None:
        command = [sys.executable, "-c", FORKER]
        loaded = {"LD_PRELOAD": str(preload)} if preload else {}
        self.log = log
        self.forker = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **loaded},
        )

    def start(self, *argv: object, env: Mapping[str, str] | None = None) -> int:
        """Start a run, ``env`` added to its environment; its process id."""
        told = {"argv": list(map(str, argv)), "log": str(self.log), "env": dict(env or {})}
        return self._tell(told)

    def wait(self, process: int) -> int:
        """The exit code; a negative one is the signal that ended it."""
        return self._tell({"wait": process})

    def close(self) -> None:
        """End the process that forks."""
        self.forker.communicate(timeout=20)

    def _tell(self, what: dict[str, Any]) -> int:
        assert self.forker.stdin
        assert self.forker.stdout
        self.forker.stdin.write(json.dumps(what) + "\n")
        self.forker.stdin.flush()
        return int(self.forker.stdout.readline())


@dataclass
class Ledger:
    """What the endpoint was asked, in order."""

    asked: list[str] = field(default_factory=list)

    def wait_for(self, count: int, seconds: float = 10.0) -> None:
        """Until so many questions were asked in all, or the time is up."""
        deadline = time.monotonic() + seconds
        while len(self.asked) < count and time.monotonic() < deadline:
            time.sleep(0.0005)


@contextmanager
def endpoint(ledger: Ledger, slow: float = 0.02) -> Iterator[str]:
    """A service that answers by the question alone, every third time wrongly, after up to ``slow`` seconds."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            query = json.loads(self.rfile.read(int(self.headers["content-length"])))["query"]
            ledger.asked.append(query)
            time.sleep(random.random() * slow)
            right = sum(query.encode()) % 3
            answer = "It is open on Mondays." if right else "It is closed."
            body = json.dumps({"response": answer, "usage": {"cost": 0.01}}).encode()
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

        def handle(self) -> None:
            with suppress(ConnectionError):  # whoever asked was killed
                super().handle()

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/ask"
    finally:
        server.shutdown()
        server.server_close()


def make_suite(folder: Path, url: str) -> Path:
    """A suite of one system that asks the endpoint."""
    folder.mkdir()
    cases = [
        {"id": f"c{i}", "query": f"When is shop {i} open?", "reference": "It is open on Mondays."}
        for i in range(CASES)
    ]
    system = {"name": "mine", "approach": "prompt", "adapter": "http", "url": url}
    (folder / "suite.yaml").write_text("format: 1\nname: tiny\n")
    (folder / "cases.jsonl").write_text("\n".join(map(json.dumps, cases)))
    (folder / "systems.yaml").write_text(json.dumps({"systems": [system | {"attempts": 1}]}))
    return folder


def results(out: Path) -> dict[str, Any]:
    """The derived files, without the times."""
    traces = [json.loads(line) for line in (out / "traces.jsonl").read_text().splitlines()]
    scores = list(csv.DictReader(io.StringIO((out / "scores.csv").read_text(encoding="utf-8"))))
    summary = json.loads((out / "summary.json").read_text())
    for system in summary["systems"].values():
        del system["latency"]
        system["metrics"] = {n: m for n, m in system["metrics"].items() if m["unit"] != "s"}
    timed = {s["metric"] for s in scores if any(word in s["metric"] for word in TIMED)}
    return {
        "traces": [{n: v for n, v in t.items() if n != "seconds"} for t in traces],
        "scores": [s for s in scores if s["metric"] not in timed],
        "summary": summary,
        "diagnosis": json.loads((out / "diagnosis.json").read_text()),
        "verdict": json.loads((out / "verdict.json").read_text()),
    }


@dataclass
class Bench:
    """Everything the trials share."""

    folder: Path
    suite: Path
    ledger: Ledger
    programs: Programs
    expected: dict[str, Any] = field(default_factory=dict)
    trials: int = 0

    def run(self, out: Path, probes: str, env: Mapping[str, str] | None = None) -> int:
        """Start a run into ``out``."""
        limits = ("--concurrency", CONCURRENCY, "--probes", probes)
        return self.programs.start("run", self.suite, "--out", out, *limits, env=env)

    def fresh(self) -> Path:
        """A run folder of its own for one trial, and empty books."""
        self.trials += 1
        self.ledger.asked.clear()
        return self.folder / f"out-{self.trials}"

    def undisturbed(self, probes: str) -> tuple[dict[str, Any], int]:
        """What a run gives when nothing happens, and how many calls it takes."""
        if probes not in self.expected:
            out = self.fresh()
            code = self.programs.wait(self.run(out, probes))
            assert code == 0, self.programs.log.read_text()
            self.expected[probes] = results(out), len(self.ledger.asked)
        return self.expected[probes]


@contextmanager
def bench(folder: Path, preload: Path | None = None) -> Iterator[Bench]:
    """An endpoint, a suite and a process that forks runs, a library loaded into it."""
    ledger = Ledger()
    programs = Programs(folder / "log.txt", preload)
    try:
        with endpoint(ledger) as url:
            yield Bench(folder, make_suite(folder / "suite", url), ledger, programs)
    finally:
        programs.close()


def answered(out: Path) -> Counter[str]:
    """How many answers to each question the store holds."""
    if not (out / "run.sqlite").exists() or not (out / "run.sqlite").stat().st_size:
        return Counter()
    with Store(out, reading=True) as store:
        return Counter(f"When is shop {t.case_id[1:]} open?" for t in store.traces("mine"))


def killed(all_of: Bench, chance: random.Random, *, number: int = signal.SIGKILL) -> dict[str, Any]:
    """End a run one to three times at random moments, then let it finish."""
    probes = chance.choice(["none", "auto"])
    expected, calls = all_of.undisturbed(probes)
    out, codes, slowest = all_of.fresh(), [], 0.0
    kills = chance.randint(1, 3)
    for _ in range(kills):
        before = len(all_of.ledger.asked)
        process = all_of.run(out, probes)
        all_of.ledger.wait_for(before + chance.randint(1, max(1, calls // 2)), 2.0)
        time.sleep(chance.random() * 0.01)
        began = time.monotonic()
        os.kill(process, number)
        codes.append(all_of.programs.wait(process))
        slowest = max(slowest, time.monotonic() - began)
    code = all_of.programs.wait(all_of.run(out, probes))
    repeated = sum((Counter(all_of.ledger.asked) - answered(out)).values())
    return {
        "kills": kills,
        "code": code,
        "codes": codes,
        "seconds": slowest,
        "lost": _lost(all_of, out),
        "repeated": repeated,
        "allowed": kills * CONCURRENCY,
        "equal": code == 0 and results(out) == expected,
        "out": out,
    }


def _lost(all_of: Bench, out: Path) -> int:
    """Calls in the endpoint's books that the store knows nothing of, and answers that it had and asked for again."""
    with Store(out, reading=True) as store:
        counts = store.counts()
    with closing(sqlite3.connect(out / "run.sqlite")) as db:
        (again,) = db.execute(
            "SELECT count(*) FROM (SELECT 1 FROM attempts WHERE state = 'done' "
            "GROUP BY system, case_id, condition, repeat HAVING count(*) > 1)"
        ).fetchone()
    unknown_to_us = len(all_of.ledger.asked) - counts.done - counts.failed - counts.unknown
    return int(max(0, unknown_to_us) + again)


def rivals(all_of: Bench, *, after_kill: bool, writers: int = 3) -> dict[str, Any]:
    """Several writers into one folder at once: one works, the others are told who does."""
    _, calls = all_of.undisturbed("none")
    out = all_of.fresh()
    if after_kill:
        process = all_of.run(out, "none")
        all_of.ledger.wait_for(calls // 2)
        os.kill(process, signal.SIGKILL)
        all_of.programs.wait(process)
    codes = [all_of.programs.wait(p) for p in [all_of.run(out, "none") for _ in range(writers)]]
    repeated = sum((Counter(all_of.ledger.asked) - answered(out)).values())
    return {
        "codes": sorted(codes),
        "twice": max(0, repeated - CONCURRENCY * after_kill),
        "equal": results(out) == all_of.expected["none"][0],
    }


def told(what: str, trials: list[dict[str, Any]]) -> None:
    """Print the figures of one kind of end."""
    ends = Counter(code for trial in trials for code in trial["codes"])
    beyond = sum(max(0, trial["repeated"] - trial["allowed"]) for trial in trials)
    print(
        f"{what}: {len(trials)} trials, {sum(t['kills'] for t in trials)} ends; lost {sum(t['lost'] for t in trials)}, "
        f"repeated beyond those under way {beyond} (repeated in all {sum(t['repeated'] for t in trials)}), "
        f"results equal {sum(t['equal'] for t in trials)}, slowest end {max(t['seconds'] for t in trials):.1f} s, "
        f"exit codes {dict(ends)}",
        flush=True,
    )


def main() -> None:
    """Run the trials and print their figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--trials", type=int, default=30, help="kills; a tenth as many of the others"
    )
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    chance, began = random.Random(options.seed), time.monotonic()
    others = max(3, options.trials // 10)
    with tempfile.TemporaryDirectory() as name, bench(Path(name)) as all_of:
        told("kill -9", [killed(all_of, chance) for _ in range(options.trials)])
        for what, number in (("SIGINT", signal.SIGINT), ("SIGTERM", signal.SIGTERM)):
            told(what, [killed(all_of, chance, number=number) for _ in range(others)])
        crowds = [rivals(all_of, after_kill=i % 2 == 1) for i in range(others)]
    codes = Counter(code for crowd in crowds for code in crowd["codes"])
    print(
        f"3 writers: {len(crowds)} rounds; paid twice {sum(t['twice'] for t in crowds)}, "
        f"results equal {sum(t['equal'] for t in crowds)}, exit codes {dict(codes)}"
    )
    print(f"{time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()
