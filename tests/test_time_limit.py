"""A limit of time holds for calls that wait: for what an endpoint asks to wait, and behind others that do."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

import evalkit
from evalkit.errors import BudgetExceeded
from evalkit.store import Store

ANSWERED, CASES, LIMIT, WAIT = 4, 12, 1.5, 40


class Busy(BaseHTTPRequestHandler):
    """Answers a few questions, and refuses the others for a while, until it is ``well``."""

    protocol_version = "HTTP/1.1"
    asked = 0
    well = False

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        Busy.asked += 1
        good = Busy.well or Busy.asked <= ANSWERED
        self.send_response(200 if good else 429)
        if not good:
            self.send_header("retry-after", str(WAIT))
        body = b'{"answer": "ja"}'
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing is printed."""


@pytest.fixture
def suite(tmp_path: Path) -> Iterator[Path]:
    Busy.asked, Busy.well = 0, False
    server = ThreadingHTTPServer(("127.0.0.1", 0), Busy)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    folder = tmp_path / "suite"
    folder.mkdir()
    system = {"name": "svc", "approach": "prompt", "adapter": "http", "request": {"q": "{query}"}}
    system |= {"url": f"http://127.0.0.1:{server.server_port}/", "response": {"response": "answer"}}
    cases = [{"id": f"c{i:02}", "query": f"q{i}", "reference": "ja"} for i in range(CASES)]
    (folder / "suite.yaml").write_text("format: 1\nname: busy\n")
    (folder / "cases.jsonl").write_text("\n".join(map(json.dumps, cases)))
    (folder / "systems.yaml").write_text(json.dumps({"systems": [system]}))
    yield folder
    server.shutdown()
    server.server_close()


def test_a_wait_that_is_longer_than_what_is_left_ends_at_the_limit(suite: Path, tmp_path: Path):
    out = tmp_path / "out"
    specs = evalkit.load_systems(suite / "systems.yaml")
    how = {"out": out, "probes": "none", "concurrency": 4}
    with pytest.raises(BudgetExceeded, match=f"limit of time: {ANSWERED} of {CASES} questions"):
        evalkit.run(suite, specs, max_time=LIMIT, **how)
    with closing(sqlite3.connect(out / "run.sqlite")) as db:  # a busy disk is not counted
        ((longest,),) = db.execute("SELECT max(seconds) FROM attempts")
    assert longest < WAIT / 2
    with Store(out, reading=True) as store:
        assert len(store.done()) == ANSWERED  # what was given up is open, not an error
        assert store.counts().unknown == 0  # and what was refused cost nothing
    Busy.well = True
    assert evalkit.run(suite, specs, **how).systems["svc"].counts["passed"] == CASES
