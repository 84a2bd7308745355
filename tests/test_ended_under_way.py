"""A run that an endpoint ends loses no answer that was under way, and books no call that was not made."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest

import evalkit
from evalkit.errors import EndpointUnusable
from evalkit.store import Store

AT_A_TIME, CASES = 8, 60


class Endpoint(BaseHTTPRequestHandler):
    """Answers ``good`` requests after a while, and all others at once with ``status``."""

    protocol_version = "HTTP/1.1"
    good, status = 0, 401
    asked = 0
    said: ClassVar[Counter[int]] = Counter()
    lock: ClassVar[threading.Lock] = threading.Lock()

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        with Endpoint.lock:
            Endpoint.asked += 1
            good = Endpoint.asked <= Endpoint.good
        if good:
            time.sleep(0.3)
        status = 200 if good else Endpoint.status
        Endpoint.said[status] += 1
        body = b'{"answer": "ja"}'
        self.send_response(status)
        if status == 429:
            self.send_header("retry-after", "40")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing is printed."""


@pytest.fixture
def suite(tmp_path: Path) -> Iterator[Path]:
    Endpoint.asked, Endpoint.said = 0, Counter()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Endpoint)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    folder = tmp_path / "suite"
    folder.mkdir()
    system = {"name": "svc", "approach": "prompt", "adapter": "http", "request": {"q": "{query}"}}
    system |= {"url": f"http://127.0.0.1:{server.server_port}/", "response": {"response": "answer"}}
    cases = [{"id": f"c{i:02}", "query": f"q{i}", "reference": "ja"} for i in range(CASES)]
    (folder / "suite.yaml").write_text("format: 1\nname: ended\n")
    (folder / "cases.jsonl").write_text("\n".join(map(json.dumps, cases)))
    (folder / "systems.yaml").write_text(json.dumps({"systems": [system]}))
    yield folder
    server.shutdown()
    server.server_close()


def test_answers_under_way_when_the_key_is_refused_are_kept(suite: Path, tmp_path: Path):
    Endpoint.good, Endpoint.status = 21, 401
    specs = evalkit.load_systems(suite / "systems.yaml")
    with pytest.raises(EndpointUnusable):
        evalkit.run(suite, specs, out=tmp_path / "out", probes="none", concurrency=AT_A_TIME)
    with Store(tmp_path / "out", reading=True) as store:
        counts = store.counts()
    assert counts.done == Endpoint.said[200] == 21
    assert (counts.failed, counts.unknown) == (Endpoint.said[401], 0)


def test_what_waits_to_be_sent_when_a_run_is_cut_off_is_no_call_that_may_have_cost(
    suite: Path, tmp_path: Path
):
    Endpoint.good, Endpoint.status = 5, 429
    specs = evalkit.load_systems(suite / "systems.yaml")

    async def main() -> None:
        how = {"out": tmp_path / "out", "probes": "none", "concurrency": AT_A_TIME}
        task = asyncio.ensure_future(evalkit.arun(suite, specs, **how))
        while Endpoint.said[429] < 3:
            await asyncio.sleep(0.05)
        await asyncio.sleep(0.3)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(main())
    with Store(tmp_path / "out", reading=True) as store:
        counts = store.counts()
    assert counts.done == Endpoint.said[200] == 5
    assert (counts.unknown, counts.started) == (0, 0)
    assert counts.failed == Endpoint.said[429]
