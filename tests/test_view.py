"""The local viewer: what it shows of runs, whom it refuses, and that it neither writes nor tells of the machine."""

from __future__ import annotations

import http.client
import json
import os
import re
import select
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from pages_example import SCRIPT, hostile_run

from evalkit.commit import COMMIT, commit_of, note_commit
from evalkit.errors import Busy, InvalidInput
from evalkit.pages import html
from evalkit.records import Trace, Usage
from evalkit.store import Store
from evalkit.viewing.account import read_account, under_way
from evalkit.viewing.places import Place, find_runs
from evalkit.viewing.server import CONNECTIONS
from evalkit.viewing.serving import started

HOSTILE = "a <img src=x onerror=alert(1)> & %2e%2e \u202e'\" 日本"
SECRET = "the-secret-of-another-folder"
FOUND = re.compile(rb"Traceback|File \"|/tmp|site-packages|" + SECRET.encode())


def fill(folder: Path, *, note: str | None = "a" * 40, answers: int = 3) -> None:
    """A run folder with a store, as a run that has ended leaves it."""
    with Store(folder) as store:
        store.note_recipe({"suite": "feedbeef", "seed": 0, "system plain": "rag 1"})
        store.note("suite_folder", "../suites/choir")
        if note:
            store.note(COMMIT, note)
        store.plan(answers)
        traces = [
            Trace(system="plain", case_id=str(i), response="yes", usage=Usage(10, 5, 0.25))
            for i in range(answers)
        ]
        store.put_all(traces)


def figures(passed: float, *, name: str = "plain", metric: Any = 0.5) -> dict[str, Any]:
    rate = {"value": passed, "low": max(0.0, passed - 0.1), "high": min(1.0, passed + 0.1), "n": 40}
    cell = {"mean": metric, "low": None, "high": None, "n": 40, "scored": 40, "due": 40}
    system = {
        "approach": "rag",
        "cases": {"due": 40, "passed": 20, "failed": 20, "errors": 0, "ungraded": 0},
        "pass_rate": rate,
        "metrics": {"R@5": {**cell, "stage": "retrieval", "unit": "", "higher_is_better": True}},
        "usage": {"cost": {"total": 1.5, "n": 40, "of": 40}},
    }
    return {
        "format": 1,
        "suite": {"name": "choir", "digest": "feedbeef", "cases": 40},
        "recipe": {"judge": "embedded/4"},
        "systems": {name: system},
    }


def write(folder: Path, passed: float, **how: Any) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    summary = figures(passed, **how)
    found = [{"cause": "ranking_low", "side": "retrieval", "outcome": "fail"}]
    systems = {
        n: {"causes": {"ranking_low": {"cases": 12}}, "findings": found} for n in summary["systems"]
    }
    (folder / "summary.json").write_text(json.dumps(summary), encoding="utf-8")
    (folder / "diagnosis.json").write_text(json.dumps({"systems": systems}), encoding="utf-8")
    (folder / "verdict.json").write_text(json.dumps({"verdict": "none", "exit_name": "pass"}))


@pytest.fixture(scope="module")
def hostile_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    with ThreadPoolExecutor(1) as aside:  # the browser's driver keeps an event loop in this thread
        run = aside.submit(hostile_run).result()
    folder = tmp_path_factory.mktemp("hostile")
    summary, diagnosis = run.summary(), run.diagnosis()
    (folder / "report.html").write_text(html(run, summary, diagnosis), encoding="utf-8")
    (folder / "summary.json").write_text(json.dumps(summary))
    (folder / "diagnosis.json").write_text(json.dumps(diagnosis, default=str))
    return folder


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory, hostile_folder: Path) -> Path:
    above = tmp_path_factory.mktemp("above")
    (above / "summary.json").write_text(SECRET)
    (above / "report.html").write_text(SECRET)
    root = above / "reports"
    for number, passed in enumerate((0.5, 0.6, 0.7), 1):
        folder = root / f"run-{number}"
        fill(folder, note=str(number) * 40)
        write(folder, passed)
    write(root / "deep" / "merged" / "whole", 0.4)
    write(root / HOSTILE, 0.3, name=SCRIPT)
    shutil.copytree(hostile_folder, root / "pages")
    (root / "run-1" / "secret.txt").write_text(SECRET)
    (root / "run-2" / "report.html").symlink_to(above / "report.html")
    (root / "link").symlink_to(above)
    (root / ".hidden.part").mkdir()
    (root / ".hidden.part" / "summary.json").write_text("{}")
    return root


@pytest.fixture(scope="module")
def port(root: Path) -> Iterator[int]:
    with started(root, 0) as servers:
        yield servers[0].server_port


def send(port: int, raw: bytes, timeout: float = 5.0) -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=timeout) as connection:
        try:
            connection.sendall(raw)
            parts = []
            while part := connection.recv(65536):
                parts.append(part)
        except ConnectionError:
            pass
    return b"".join(parts)


def ask(
    port: int, target: str, method: str = "GET", **headers: str
) -> tuple[int, dict[str, str], bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request(method, target, headers={k.replace("_", "-"): v for k, v in headers.items()})
    reply = connection.getresponse()
    found = reply.status, {k.lower(): v for k, v in reply.getheaders()}, reply.read()
    connection.close()
    return found


def page(port: int, target: str) -> str:
    status, _, body = ask(port, target)
    assert status == 200
    return body.decode()


class Outline(HTMLParser):
    """The elements of a page, and the addresses in it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.names: list[str] = []
        self.links: list[str] = []
        self.handlers: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.append(tag)
        self.links += [v for k, v in attrs if k in ("href", "src", "action") and v]
        self.handlers += [k for k, _ in attrs if k.startswith("on") or k == "style"]


# --- what is shown -------------------------------------------------------------------------------


def test_the_list_holds_every_run_with_its_figures(port: int):
    text = page(port, "/")
    for name in ("run-1", "run-3", "deep/merged/whole", "pages"):
        assert f">{name}</a>" in text
    assert "6\u00a0runs of 2\u00a0suites" in text
    assert "60\u00a0%" in text
    assert "n = 40" in text
    assert "ranking low" in text
    assert "12 of 20" in text
    assert "1.50" in text
    assert "commit <code>33333333</code>" in text


def test_a_run_that_ended_before_its_summary_was_written_is_stopped(tmp_path: Path):
    fill(tmp_path / "cut")
    with started(tmp_path, 0) as servers:
        told = json.loads(ask(servers[0].server_port, "/api/run/cut")[2])
    assert told["state"] == "stopped"


def test_a_run_under_way_tells_how_far_it_is(tmp_path: Path):
    code = f"""
import asyncio, sys
from pathlib import Path
from evalkit.records import Failure, Trace, Usage
from evalkit.store import Store
async def work():
    with Store(Path({str(tmp_path / "live")!r})) as store:
        store.note_recipe({{"suite": "feed", "system plain": "rag 1"}})
        store.plan(8)
        for i in range(3):
            key = ("plain", str(i), "as_is", 0)
            number = await store.begin(key)
            error = Failure("exception", "x") if i == 2 else None
            trace = Trace(system="plain", case_id=str(i), response="a", error=error, usage=Usage(4, 2, 0.5))
            await store.put(trace, number)
        await store.begin(("plain", "9", "as_is", 0))
        print("ready", flush=True)
        sys.stdin.read()
asyncio.run(work())
"""
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline().strip() == b"ready"
        place = Place(tmp_path, ("live",))
        assert under_way(place)
        with started(tmp_path, 0) as servers:
            port = servers[0].server_port
            told = json.loads(ask(port, "/api/run/live")[2])
            shown = page(port, "/run/live/")
        writer.kill()
        writer.communicate()
    assert not under_way(place)
    assert (told["state"], told["asked"], told["share"]) == ("under way", "3 of 8", 0.375)
    assert (told["errors"], told["spent"], told["tokens"]) == ("1", "1.50", "18")
    assert told["systems"] == [
        {"name": "plain", "first": "3", "probed": "0", "open": "1", "errors": "1"}
    ]
    assert "asking: 3 of 8 first answers" in shown


def test_a_run_that_asks_nothing_is_not_said_to_have_asked_none_of_none(tmp_path: Path):
    with Store(tmp_path / "recorded") as store:
        store.note_recipe({"suite": "feed", "system plain": "rag 1"})
        store.put_all([Trace(system="plain", case_id="1", response="a")])
    with started(tmp_path, 0) as servers:
        told = json.loads(ask(servers[0].server_port, "/api/run/recorded")[2])
    assert (told["asked"], told["share"]) == ("none asked", None)


def test_looking_changes_nothing_in_a_run_folder(tmp_path: Path):
    fill(tmp_path / "one")
    write(tmp_path / "one", 0.5)
    before = {p.name: (p.stat().st_mtime_ns, p.read_bytes()) for p in (tmp_path / "one").iterdir()}
    with started(tmp_path, 0) as servers:
        for target in ("/", "/run/one/", "/trend", "/api/runs"):
            assert ask(servers[0].server_port, target)[0] == 200
    after = {p.name: (p.stat().st_mtime_ns, p.read_bytes()) for p in (tmp_path / "one").iterdir()}
    assert after == before


def test_a_trend_gives_every_run_in_time_with_interval_and_n(port: int):
    text = page(port, "/trend?suite=choir")
    titles = re.findall(r"<title>(run-\d[^<]*)</title>", text)
    assert [t.partition(",")[0] for t in titles] == ["run-1", "run-2", "run-3"]
    assert "commit 2222222: 60\u00a0% [50,\u00a070], n = 40" in titles[1]
    assert "ranking low, run-3" in text
    assert "12 of 40\u00a0cases" in text


def test_a_trend_shows_the_metric_that_is_chosen(port: int):
    text = page(port, "/trend?suite=choir&metric=R%405")
    assert re.search(r"run-2[^<]*: 0\.500 , n = 40", text)
    assert '<option value="R@5" selected>' in text


def test_of_very_many_runs_the_newest_are_shown_first(tmp_path: Path):
    for i in range(103):
        write(tmp_path / f"n{i}", 0.5)
    with started(tmp_path, 0) as servers:
        port = servers[0].server_port
        few, every = page(port, "/"), page(port, "/?all=1")
        trend = page(port, "/trend?suite=choir")
    assert (few.count("<article"), every.count("<article")) == (100, 103)
    assert "3 older runs" in few
    assert "3 older runs" in trend
    assert "older runs" not in every


def test_figures_that_are_none_are_left_out(tmp_path: Path):
    write(tmp_path / "odd", 0.5, metric=float("inf"))
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "summary.json").write_text("[" * 100_000)
    (tmp_path / "list").mkdir()
    (tmp_path / "list" / "summary.json").write_text('{"systems": {"a": [], "b": {"metrics": 3}}}')
    with started(tmp_path, 0) as servers:
        port = servers[0].server_port
        text = page(port, "/")
        assert "NaN" not in page(port, "/trend?suite=choir&metric=R%405")
        states = {r["key"]: r["state"] for r in json.loads(ask(port, "/api/runs")[2])["runs"]}
    assert states["broken"] == "unreadable"
    assert "not graded" in text


def test_a_database_that_never_ends_is_given_up(tmp_path: Path):
    folder = tmp_path / "endless"
    fill(folder)
    with sqlite3.connect(folder / "run.sqlite") as db:
        db.executescript(
            "DROP TABLE sessions; CREATE TABLE sessions_ (id); PRAGMA writable_schema = ON;"
            "CREATE VIEW sessions AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) "
            "SELECT i AS id, 0 AS began, 0 AS planned FROM n;"
        )
    db.close()
    began = time.monotonic()
    assert read_account(Place(tmp_path, ("endless",))) is None
    assert time.monotonic() - began < 8


# --- comparing -----------------------------------------------------------------------------------


def test_two_runs_are_compared_by_their_stores(tmp_path: Path):
    import evalkit
    from evalkit import load_suite

    suite = load_suite(Path(__file__).parents[1] / "datasets" / "helpdesk")
    for name, answer in (("old", "I do not know."), ("new", "Please contact support.")):
        options = {"out": tmp_path / name, "limit": 6, "probes": "none", "repeats": 1}
        evalkit.run(suite, {"plain": lambda query, said=answer: said}, **options).write()
    with started(tmp_path, 0) as servers:
        port = servers[0].server_port
        target = "/compare?run=old&run=new"
        assert "Comparing." in page(port, target)
        deadline = time.monotonic() + 60
        while json.loads(ask(port, f"/api{target}")[2])["again"] and time.monotonic() < deadline:
            time.sleep(0.2)
        text = page(port, target)
        found = json.loads(ask(port, target.replace("compare?", "compare.json?"))[2])
    assert [p["cases"] for c in found for p in c["pairs"]] == [6]
    assert "plain <span" in text
    assert "not told apart" in text


def test_runs_ticked_in_the_list_are_compared_from_the_older_to_the_newer(port: int):
    listed = re.findall(r'name="run" value="([^"]+)"', page(port, "/"))[:2]  # the newest first
    both = "&".join(f"run={quote(name, safe='')}" for name in listed)
    assert 'name="ticked"' in page(port, "/")
    chosen = r'<option value="([^"]+)" selected'
    assert re.findall(chosen, page(port, f"/compare?ticked=1&{both}")) == listed[::-1]
    assert re.findall(chosen, page(port, f"/compare?{both}")) == listed  # as they were chosen


@pytest.mark.parametrize(
    ("query", "why"),
    [
        ("run=run-1&run=deep%2Fmerged%2Fwhole", "has no store that can be read"),
        ("run=run-1&run=run-2", "not where it was"),
    ],
)
def test_what_hinders_a_comparison_is_said(port: int, query: str, why: str):
    deadline = time.monotonic() + 30
    while (
        json.loads(ask(port, f"/api/compare?{query}")[2])["again"] and time.monotonic() < deadline
    ):
        time.sleep(0.2)
    assert why in page(port, f"/compare?{query}")


def test_a_judge_that_is_code_is_not_run(tmp_path: Path):
    for name in ("one", "two"):
        fill(tmp_path / name)
        write(tmp_path / name, 0.5)
        with Store(tmp_path / name) as store:
            store.note("judge options", json.dumps("os:system"))
    with started(tmp_path, 0) as servers:
        text = page(servers[0].server_port, "/compare?run=one&run=two")
    assert "a judge that may be code" in text


# --- hostile texts -------------------------------------------------------------------------------


@pytest.mark.parametrize("target", ["/", "/trend?suite=choir", "/compare", "/run/pages/"])
def test_hostile_names_stay_text(port: int, target: str):
    found = Outline(page(port, target))
    assert found.names.count("script") == 1
    assert "img" not in found.names
    assert found.handlers == []
    assert all(link.startswith(("/", "#", "data:,")) and "<" not in link for link in found.links)


def test_a_name_of_any_letters_leads_to_its_run(port: int):
    links = [link for link in Outline(page(port, "/")).links if link.startswith("/run/a%20")]
    assert links
    status, _, body = ask(port, links[0])
    assert status == 200
    assert "‹U+202E›" in body.decode()
    assert "<img" not in body.decode()


def test_every_link_of_the_list_leads_somewhere(port: int):
    links = {link.partition("#")[0] for link in Outline(page(port, "/")).links}
    wanted = {link for link in links if link.startswith("/") and "report.html" not in link}
    assert {link: ask(port, link)[0] for link in wanted} == dict.fromkeys(wanted, 200)


# --- who is refused ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT", "PROPFIND", "BREW"]
)
def test_only_get_and_head_are_answered(port: int, method: str):
    status, headers, body = ask(port, "/", method)
    assert status == 405
    assert headers["allow"] == "GET, HEAD"
    assert b"run-1" not in body


def test_head_has_the_head_of_get_and_no_body(port: int):
    status, headers, body = ask(port, "/", "HEAD")
    assert (status, body) == (200, b"")
    assert headers["content-length"] == str(len(ask(port, "/")[2]))


@pytest.mark.parametrize(
    "host",
    [
        *(
            "evil.example",
            "evil.example:{port}",
            "127.0.0.1",
            "localhost",
            "localhost:1",
            "127.0.0.1.nip.io:{port}",
        ),
        *(
            "localhost.:{port}",
            "0.0.0.0:{port}",
            "[::]:{port}",
            "2130706433:{port}",
            "127.1:{port}",
            "",
        ),
        *(
            "localhost:{port}@evil.example",
            "evil.example\tlocalhost:{port}",
            "localhost:{port},evil.example",
        ),
    ],
)
def test_other_names_for_this_machine_are_refused(port: int, host: str):
    raw = f"GET / HTTP/1.1\r\nHost: {host.format(port=port)}\r\n\r\n".encode()
    reply = send(port, raw)
    assert reply.startswith(b"HTTP/1.0 421")
    assert b"run-1" not in reply


@pytest.mark.parametrize(
    "host", ["localhost:{port}", "127.0.0.1:{port}", "[::1]:{port}", "LOCALHOST:{port}"]
)
def test_our_own_names_are_answered(port: int, host: str):
    assert ask(port, "/", Host=host.format(port=port))[0] == 200


@pytest.mark.parametrize(
    "raw",
    [
        "GET / HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: localhost:{port}\r\nHost: localhost:{port}\r\n\r\n",
        "GET / HTTP/1.1\r\nHost : localhost:{port}\r\n\r\n",
        "GET http://evil.example/ HTTP/1.1\r\nHost: localhost:{port}\r\n\r\n",
        "GET //evil.example/ HTTP/1.1\r\nHost: localhost:{port}\r\n\r\n",
        "GET \\run-1 HTTP/1.1\r\nHost: localhost:{port}\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: localhost:{port}\r\nContent-Length: 4\r\n\r\nGET ",
        "GET / HTTP/1.1\r\nHost: localhost:{port}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: localhost:{port}\r\nContent-Length: 0\r\nContent-Length: 9\r\n\r\n",
        "GET / HTTP/2.0\r\nHost: localhost:{port}\r\n\r\n",
        "GET / HTTP/1.1 x\r\nHost: localhost:{port}\r\n\r\n",
        "GET /\r\n\r\n",
        "\x00\x01\x02\r\n\r\n",
        "GET /" + "a" * 5000 + " HTTP/1.1\r\nHost: localhost:{port}\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: localhost:{port}\r\n" + "X: y\r\n" * 500 + "\r\n",
    ],
)
def test_misshapen_requests_are_refused(port: int, raw: str):
    reply = send(port, raw.replace("{port}", str(port)).encode())
    assert b"run-1" not in reply
    assert b"200 OK" not in reply
    assert not FOUND.search(reply)


def test_a_request_of_any_size_ends(port: int):
    head = f"GET / HTTP/1.1\r\nHost: localhost:{port}\r\n".encode()
    assert b"200 OK" not in send(port, head + b"X: " + b"y" * 1_000_000 + b"\r\n\r\n")


def test_a_second_request_on_a_connection_is_not_read(port: int):
    one = f"GET /api/runs HTTP/1.1\r\nHost: localhost:{port}\r\nConnection: keep-alive\r\n\r\n".encode()
    assert send(port, one + one).count(b"HTTP/1.0 200") == 1


@pytest.mark.parametrize(
    "origin",
    [
        "null",
        "https://evil.example",
        "http://localhost",
        "http://localhost:1",
        "http://localhost.evil.example:{port}",
        "file://",
    ],
)
def test_other_origins_are_refused(port: int, origin: str):
    assert ask(port, "/api/runs", Origin=origin.format(port=port))[0] == 403


@pytest.mark.parametrize("site", ["cross-site", "same-site", "CROSS-SITE", "anything"])
def test_requests_that_another_site_starts_are_refused(port: int, site: str):
    assert ask(port, "/", Sec_Fetch_Site=site)[0] == 403
    assert (
        ask(port, "/run/pages/report.html", Sec_Fetch_Site=site, Sec_Fetch_Mode="navigate")[0]
        == 403
    )


def test_our_own_pages_may_ask(port: int):
    assert (
        ask(port, "/api/runs", Sec_Fetch_Site="same-origin", Origin=f"http://localhost:{port}")[0]
        == 200
    )


def test_a_websocket_is_not_opened(port: int):
    head = f"GET / HTTP/1.1\r\nHost: localhost:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
    assert b"101" not in send(port, head.encode()).split(b"\r\n")[0]


@pytest.mark.parametrize(
    "target",
    [
        *(
            "/run/../summary.json",
            "/run/..%2f/summary.json",
            "/run/%2e%2e/summary.json",
            "/run/run-1/../../summary.json",
        ),
        *(
            "/run/run-1/..%2f..%2fsummary.json",
            "/run/run-1%2f..%2f../summary.json",
            "/run/run-1/%2e%2e/summary.json",
        ),
        *(
            "/run/..%5c/summary.json",
            "/run/%252e%252e/summary.json",
            "/run/%c0%ae%c0%ae/summary.json",
            "/run/./summary.json",
        ),
        *(
            "/run/link/summary.json",
            "/run/run-2/report.html",
            "/run/.hidden.part/summary.json",
            "/run//summary.json",
        ),
        *(
            "/run/run-1/secret.txt",
            "/run/run-1/run.sqlite",
            "/run/run-1/run.lock",
            "/run/run-1/logs/",
            "/run/run-1//",
        ),
        *(
            "/run/run-1/summary.json/",
            "/run/run-1/SUMMARY.JSON",
            "/run/run-1/summary.json%00.html",
            "/run/run-1%00/",
        ),
        *(
            "/run/run-1/summary%2ejson%20",
            "/run/",
            "/run",
            "/api",
            "/api/",
            "/etc/passwd",
            "/%2fetc%2fpasswd",
        ),
        *(
            "/view.js",
            "/templates/view.css",
            "/favicon.ico",
            "/run/deep/",
            "/run/deep%2fmerged/",
            "/.git/config",
            "/trend/",
        ),
        *(
            "/run/@root/summary.json",
            "/run/run-1/cases/0001.html",
            "/run/run-1/cases/..%2fsummary.json",
            "/run/run-1/cases/",
            "/run/%40root/",
            "/run/../reports/run-1/",
            "/run/C:%5c/summary.json",
        ),
    ],
)
def test_nothing_but_known_files_of_runs_is_served(port: int, target: str):
    reply = send(port, f"GET {target} HTTP/1.1\r\nHost: localhost:{port}\r\n\r\n".encode())
    assert reply.split(b" ")[1] in (b"404", b"400", b"301")
    assert not FOUND.search(reply)
    assert b"feedbeef" not in reply


def test_every_answer_says_how_it_may_be_used(port: int):
    for target in (
        "/",
        "/nothing",
        "/api/runs",
        "/run/run-1/summary.json",
        "/run/pages/report.html",
    ):
        _, headers, _ = ask(port, target)
        assert headers["x-frame-options"] == "DENY"
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert headers["content-security-policy"].startswith("default-src 'none'")
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cache-control"] == "no-store"
        assert "server" not in headers
        assert "access-control-allow-origin" not in headers
        assert "unsafe-eval" not in headers["content-security-policy"]


def test_a_page_that_evalkit_did_not_write_is_shut_off_from_the_viewer(tmp_path: Path):
    write(tmp_path / "foreign", 0.5)
    (tmp_path / "foreign" / "report.html").write_text(
        "<meta http-equiv=Content-Security-Policy content=\"script-src 'unsafe-inline'\"><script>1</script>"
    )
    with started(tmp_path, 0) as servers:
        _, headers, _ = ask(servers[0].server_port, "/run/foreign/report.html")
    assert "sandbox allow-scripts" in headers["content-security-policy"]
    assert "allow-same-origin" not in headers["content-security-policy"]


def test_a_slow_client_is_given_up(root: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("evalkit.viewing.server.PATIENCE", 0.5)
    with started(root, 0) as servers:
        address = "127.0.0.1", servers[0].server_port
        with socket.create_connection(address, timeout=5) as slow:
            slow.sendall(b"GET / HTTP/1.1\r\nHost: ")
            assert _dripped(slow) < 3


def _dripped(slow: socket.socket) -> float:
    """Seconds until the other end gives up a client that sends a letter now and then."""
    began = time.monotonic()
    while time.monotonic() - began < 5:
        try:
            slow.sendall(b"l")
            if select.select([slow], [], [], 0.1)[0] and slow.recv(1) == b"":
                break
        except ConnectionError:
            break
    return time.monotonic() - began


def test_many_silent_clients_do_not_use_the_machine_up(root: Path):
    with started(root, 0) as servers:
        port = servers[0].server_port
        silent = [
            socket.create_connection(("127.0.0.1", port), timeout=5)
            for _ in range(CONNECTIONS + 20)
        ]
        time.sleep(0.3)
        turned_away = 0
        for one in silent:
            one.setblocking(False)
            try:
                turned_away += one.recv(1) == b""
            except (BlockingIOError, ConnectionError):
                continue
        for one in silent:
            one.close()
        time.sleep(0.5)
        assert ask(port, "/api/runs")[0] == 200
    assert turned_away >= 20


def test_it_is_heard_on_the_loopback_alone(root: Path):
    with started(root, 0) as servers:
        assert servers[0].server_address[0] == "127.0.0.1"
        assert len(servers) == 1


def test_another_user_of_the_machine_is_a_stranger(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    from evalkit.viewing import guard

    table = tmp_path / "tcp"
    line = "0: 0100007F:9C40 0100007F:223D 01 00000000:00000000 00:00000000 00000000 {uid} 0 1"
    monkeypatch.setattr(guard, "TABLES", (table,))
    monkeypatch.setattr(os, "getuid", lambda: 1000)
    for uid, strange in ((1000, False), (0, False), (1001, True)):
        table.write_text("head\n" + line.format(uid=uid) + "\n")
        assert guard.stranger(("127.0.0.1", 40000), ("127.0.0.1", 8765)) is strange


# --- places and commits ----------------------------------------------------------------------------


def test_links_and_hidden_folders_are_passed_over(root: Path):
    names = {place.name for place in find_runs(root)}
    assert names == {"run-1", "run-2", "run-3", "deep/merged/whole", HOSTILE, "pages"}


def test_a_run_folder_itself_can_be_viewed(root: Path):
    with started(root / "run-1", 0) as servers:
        port = servers[0].server_port
        assert ask(port, "/run/@root/summary.json")[0] == 200
        assert ">run-1</a>" in page(port, "/")


def test_the_commit_of_a_work_tree_is_noted(tmp_path: Path):
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b.c", "-C", str(tmp_path)]
    if shutil.which("git") is None:
        pytest.skip("git is not installed")
    for arguments in (["init", "-q"], ["commit", "-q", "--allow-empty", "-m", "one"]):
        subprocess.run([*git, *arguments], check=True, capture_output=True)
    head = subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True)
    (tmp_path / "suite").mkdir()
    assert commit_of(tmp_path / "suite") == head.stdout.strip()
    subprocess.run([*git, "pack-refs", "--all"], check=True, capture_output=True)
    assert commit_of(tmp_path / "suite") == head.stdout.strip()
    with Store(tmp_path / "run") as store:
        note_commit(store, tmp_path / "suite")
        note_commit(store, tmp_path / "suite")
        assert store.notes()[COMMIT] == head.stdout.strip()


def test_no_work_tree_no_commit(tmp_path: Path):
    (tmp_path / ".git").write_text("gitdir: /nowhere")
    assert commit_of(tmp_path) is None


# --- the command -----------------------------------------------------------------------------------


@pytest.fixture
def command(root: Path) -> Iterator[Any]:
    began: list[subprocess.Popen[str]] = []

    def start(*arguments: str) -> subprocess.Popen[str]:
        words = [sys.executable, "-m", "evalkit", "view", *arguments]
        began.append(
            subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        )
        return began[-1]

    yield start
    for one in began:
        one.kill()
        one.communicate()


def spent(process: int) -> float:
    """Seconds of the processor that a process has used, however busy the machine is; 0 where nobody can tell."""
    told = Path(f"/proc/{process}/stat")
    if not told.exists():
        return 0.0
    cells = told.read_text().rpartition(")")[2].split()
    return (int(cells[11]) + int(cells[12])) / os.sysconf("SC_CLK_TCK")


def test_it_prints_its_address_answers_soon_and_ends_quietly(command: Any, root: Path):
    began = time.monotonic()
    started_ = command(str(root), "--port", "0", "--no-browser")
    line = started_.stdout.readline()
    found = re.search(r"http://127\.0\.0\.1:(\d+)/", line)
    assert found is not None
    assert ask(int(found[1]), "/")[0] == 200
    assert time.monotonic() - began < 10  # well under a second on an idle machine
    assert spent(started_.pid) < 1.0
    started_.send_signal(signal.SIGINT)
    out, err = started_.communicate(timeout=10)
    assert (started_.returncode, out, err) == (0, "", "")


def test_a_port_that_is_taken_is_named(port: int, command: Any, root: Path):
    with pytest.raises(Busy, match=f"port {port} .* is taken.*--port 0"), started(root, port):
        pass
    taken = command(str(root), "--port", str(port), "--no-browser")
    _, err = taken.communicate(timeout=20)
    assert taken.returncode == 5
    assert f"port {port}" in err


def test_a_folder_that_is_not_there_is_named(tmp_path: Path):
    with pytest.raises(InvalidInput, match="no such folder"), started(tmp_path / "nowhere", 0):
        pass


# --- in a browser ----------------------------------------------------------------------------------


@pytest.mark.browser
def test_a_browser_shows_it_without_an_error(port: int, root: Path, tmp_path: Path):
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        pytest.skip("no Chromium on this machine")
    arguments = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-sync"]
    logged: list[str] = []
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=arguments)
        opened = browser.new_page(viewport={"width": 360, "height": 800})
        opened.on("console", lambda message: logged.append(message.text))
        opened.on("pageerror", lambda error: logged.append(str(error)))
        base = f"http://localhost:{port}"
        outside: list[str] = []
        opened.on(
            "request", lambda r: outside.append(r.url) if not r.url.startswith(base) else None
        )
        for target in ("/", "/trend?suite=choir", "/compare", "/run/run-1/", "/run/pages/"):
            opened.goto(base + target)
            assert opened.evaluate("document.documentElement.scrollWidth") == 360, target
        opened.goto(f"{base}/trend?suite=choir")
        opened.select_option("select[name=metric]", "R@5")
        opened.wait_for_url("**metric=R%405**")
        opened.goto(base)
        opened.check("input[value=run-1]")
        opened.check("input[value=run-2]")
        opened.click("text=Compare the two runs ticked")
        opened.wait_for_selector("text=Not compared.", timeout=30_000)
        opened.goto(f"{base}/run/pages/")
        opened.click("text=Open the report")
        opened.wait_for_selector("main h1", state="attached")
        opened.wait_for_timeout(500)
        assert "owned" not in opened.title()
        browser.close()
    assert logged == []
    assert [url for url in outside if not url.startswith("data:")] == []
