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
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, TypeVar

from evalkit.ask import CROWD
from evalkit.store import Store

Job = TypeVar("Job")

CASES, CONCURRENCY = 24, 4
BUSY = 5  # the exit code of who is told that another run writes in the folder
ENDS: dict[str, int] = {
    "kill -9": signal.SIGKILL,
    "SIGINT": signal.SIGINT,
    "SIGTERM": signal.SIGTERM,
    "SIGHUP": getattr(signal, "SIGHUP", signal.SIGTERM),
}
RIVALS = ("together", "after a kill", "by and by", "bereaved")
TIMED = ("seconds", "latency")  # what differs between any two runs

# A process that has evalkit loaded and forks for every run, so that a trial takes tenths of a second. Warmed by a run of
# its own, it has built what every run builds anew (rules, templates, models of files), and a trial takes half as long.
FORKER = """
import gc, json, os, signal, sys, threading
import aiohttp, numpy
import evalkit.api, evalkit.cli, evalkit.report, evalkit.pages, evalkit.terminal, evalkit.adapters.http
import evalkit.commands.run_command
evalkit.plugins.members("metrics"), evalkit.plugins.members("causes")
def log_to(name):
    out = os.open(name, os.O_CREAT | os.O_WRONLY | os.O_APPEND)
    os.dup2(out, 1), os.dup2(out, 2), os.close(out)
for line in sys.stdin:
    told = json.loads(line)
    if "warm" in told:
        kept = os.dup(1), os.dup(2)
        log_to(told["log"])
        code = evalkit.cli._run(told["warm"])
        sys.stdout.flush(), os.dup2(kept[0], 1), os.dup2(kept[1], 2)
        gc.collect(), gc.freeze()
        print(code or threading.active_count() - 1, flush=True)
        continue
    if "wait" in told:
        print(os.waitstatus_to_exitcode(os.waitpid(told["wait"], 0)[1]), flush=True)
        continue
    child = os.fork()
    if child == 0:
        log_to(told["log"]), os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job ignores it
        signal.signal(signal.SIGHUP, signal.SIG_DFL)  # so does what nohup has started with this
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

    def warm(self, *argv: object) -> None:
        """A whole run within the process that forks, so that every later one finds built what it would build."""
        left = self._tell({"warm": list(map(str, argv)), "log": str(self.log)})
        assert left == 0, self.log.read_text()  # an exit code, or threads that a fork would lose

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
    """What the endpoint was asked, in order, and how many questions were under way at most."""

    asked: list[str] = field(default_factory=list)
    inside: int = 0
    peak: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def move(self, change: int) -> None:
        """A question comes in (1), or is about to be answered (-1)."""
        with self.lock:
            self.inside += change
            self.peak = max(self.peak, self.inside)

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
            ledger.move(1)
            time.sleep(random.random() * slow)
            ledger.move(-1)
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

    class Server(ThreadingHTTPServer):
        request_queue_size = 1024  # who is not let in at once tries again after a second, and is heard when a trial is over

    server = Server(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/ask"
    finally:
        server.shutdown()
        server.server_close()


def make_suite(folder: Path, url: str, count: int = CASES) -> Path:
    """A suite of one system that asks the endpoint."""
    folder.mkdir()
    cases = [
        {"id": f"c{i}", "query": f"When is shop {i} open?", "reference": "It is open on Mondays."}
        for i in range(count)
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
    concurrency: int = CONCURRENCY
    expected: dict[str, Any] = field(default_factory=dict)
    trials: int = 0

    def run(self, out: Path, probes: str, env: Mapping[str, str] | None = None) -> int:
        """Start a run into ``out``."""
        limits = ("--concurrency", self.concurrency, "--probes", probes)
        return self.programs.start("run", self.suite, "--out", out, *limits, env=env)

    @property
    def open(self) -> int:
        """How many questions may be without a stored answer at a time: under way, or answered and on their way to the disk."""
        return self.concurrency + self.concurrency**2 // CROWD

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
def bench(
    folder: Path,
    preload: Path | None = None,
    cases: int = CASES,
    concurrency: int = CONCURRENCY,
) -> Iterator[Bench]:
    """An endpoint, a suite and a process that forks runs, a library loaded into it."""
    ledger = Ledger()
    programs = Programs(folder / "log.txt", preload)
    try:
        with endpoint(ledger) as url:
            suite = make_suite(folder / "suite", url, cases)
            programs.warm("run", suite, "--out", folder / "warm", "--concurrency", concurrency)
            yield Bench(folder, suite, ledger, programs, concurrency)
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
        "number": number,
        "kills": kills,
        "code": code,
        "codes": codes,
        "seconds": slowest,
        "lost": _lost(all_of, out),
        "repeated": repeated,
        "allowed": kills * all_of.open,
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


def rivals(all_of: Bench, chance: random.Random, how: str, writers: int = 3) -> dict[str, Any]:
    """Several writers into one folder: one works, the others are told who does.

    ``how`` they come: ``together``; ``after a kill``; ``by and by``, each at a random moment; ``bereaved``, where one of
    them is killed at a random moment and whoever is left, or comes next, takes over.
    """
    _, calls = all_of.undisturbed("none")
    out, codes = all_of.fresh(), []
    if how == "after a kill":
        process = all_of.run(out, "none")
        all_of.ledger.wait_for(calls // 2)
        os.kill(process, signal.SIGKILL)
        codes.append(all_of.programs.wait(process))
    apart = 0.1 if how in ("by and by", "bereaved") else 0.0  # seconds; a run takes about 0.3
    started = []
    for _ in range(writers):
        started.append(all_of.run(out, "none"))
        time.sleep(chance.random() * apart)
    if how == "bereaved":
        all_of.ledger.wait_for(chance.randint(0, calls - 1), 1.0)
        os.kill(chance.choice(started), signal.SIGKILL)
    codes += [all_of.programs.wait(process) for process in started]
    last = all_of.programs.wait(all_of.run(out, "none"))  # with nothing left to ask, or all
    repeated = sum((Counter(all_of.ledger.asked) - answered(out)).values())
    return {
        "codes": sorted(codes),
        "twice": max(0, repeated - all_of.open * codes.count(-signal.SIGKILL)),
        "equal": last == 0 and results(out) == all_of.expected["none"][0],
        "as_it_should": set(codes) <= {0, BUSY, -signal.SIGKILL},
    }


def told_rivals(crowds: list[dict[str, Any]]) -> int:
    """Print the figures of writers into one folder; how many rounds went wrong."""
    codes = Counter(code for crowd in crowds for code in crowd["codes"])
    bad = sum(bool(c["twice"]) or not (c["equal"] and c["as_it_should"]) for c in crowds)
    print(
        f"3 writers: {len(crowds)} rounds, harm in {bounded(bad, len(crowds))}; "
        f"paid twice {sum(c['twice'] for c in crowds)}, "
        f"results equal {sum(c['equal'] for c in crowds)}, exit codes {dict(codes)}",
        flush=True,
    )
    return bad


def bounded(bad: int, trials: int) -> str:
    """A count with the highest rate it leaves open: the one-sided exact 95 % limit, about 3 / n where nothing went wrong."""
    from scipy.stats import beta

    limit = 1.0 if bad >= trials else float(beta.ppf(0.95, bad + 1, trials - bad))
    return f"{bad} of {trials} (95 %: at most {limit:.2g})".replace("(95 %: at most 1)", "")


def watch(jobs: Iterable[Job], number: int, what: str) -> Iterator[Job]:
    """The jobs one by one; says on stderr every half minute how far it is and how long it will still take."""
    began = said = time.monotonic()
    for done, job in enumerate(jobs):
        now = time.monotonic()
        if now - said > 30:
            left = (now - began) / done * (number - done)
            print(
                f"  {what} {done} of {number}, {left / 60:.1f} min left",
                file=sys.stderr,
                flush=True,
            )
            said = now
        yield job


def wrong(trial: dict[str, Any]) -> bool:
    """Whether anything was lost, paid twice beyond what was under way, or told otherwise in the end."""
    late = trial["number"] != signal.SIGKILL and trial["seconds"] > 5
    amiss = late or not set(trial["codes"]) <= {code_of(trial["number"]), 0}
    return bool(
        trial["lost"] or trial["repeated"] > trial["allowed"] or amiss or not trial["equal"]
    )


def code_of(number: int) -> int:
    """The exit code of a run that a signal ended, in order where it can."""
    return -number if number == signal.SIGKILL else 128 + number


def told(what: str, trials: list[dict[str, Any]]) -> int:
    """Print the figures of one kind of end; how many trials went wrong."""
    ends = Counter(code for trial in trials for code in trial["codes"])
    bad = sum(map(wrong, trials))
    assert any(ends[code_of(trial["number"])] for trial in trials), f"no run was ended: {ends}"
    beyond = sum(max(0, trial["repeated"] - trial["allowed"]) for trial in trials)
    print(
        f"{what}: {len(trials)} trials, {sum(t['kills'] for t in trials)} ends; "
        f"harm in {bounded(bad, len(trials))}; lost {sum(t['lost'] for t in trials)}, "
        f"repeated beyond those under way {beyond} (repeated in all {sum(t['repeated'] for t in trials)}), "
        f"results equal {sum(t['equal'] for t in trials)}, slowest end {max(t['seconds'] for t in trials):.1f} s, "
        f"exit codes {dict(ends)}",
        flush=True,
    )
    return bad


def main() -> int:
    """Run the trials and print their figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--trials", type=int, default=30, help="kills; a tenth as many of the others"
    )
    parser.add_argument("--cases", type=int, default=CASES)
    parser.add_argument("--concurrency", type=int, default=CONCURRENCY)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    chance, began, bad = random.Random(options.seed), time.monotonic(), 0
    others, size = max(3, options.trials // 10), (options.cases, options.concurrency)
    with tempfile.TemporaryDirectory() as name, bench(Path(name), None, *size) as all_of:
        for what, number in ENDS.items():
            rounds = options.trials if number == signal.SIGKILL else others
            trials = watch(range(rounds), rounds, what)
            bad += told(what, [killed(all_of, chance, number=number) for _ in trials])
        crowds = watch(RIVALS * others, len(RIVALS) * others, "3 writers")
        bad += told_rivals([rivals(all_of, chance, how) for how in crowds])
    print(f"{time.monotonic() - began:.0f} s")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
