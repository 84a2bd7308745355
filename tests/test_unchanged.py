"""A finished run is told again without importing what grades; whatever is another or damaged is seen all the same."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from click.testing import CliRunner

import evalkit.finished
from evalkit import plugins
from evalkit.cli import group
from evalkit.commands import run_command
from evalkit.store.opening import lock

SAME = "nothing has changed"
Change = Callable[[Path, Path, pytest.MonkeyPatch], object]


class Service(BaseHTTPRequestHandler):
    """Answers every question alike."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        body = json.dumps({"response": "月曜日に開きます。"}).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing on stderr."""


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Service)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/ask"
    server.shutdown()
    server.server_close()


@pytest.fixture
def suite(tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "suite"
    folder.mkdir()
    monkeypatch.setenv("TENANT", "tenant-number-one")
    cases = [{"id": f"c{i}", "query": f"q{i}", "reference": "月曜日"} for i in range(3)]
    (folder / "cases.jsonl").write_text("\n".join(map(json.dumps, cases)))
    (folder / "suite.yaml").write_text("format: 1\nname: 日本 tiny\n")
    head = f"name: s, approach: prompt, adapter: http, url: '{url}', headers: {{x-tenant: '${{TENANT}}'}}"
    (folder / "systems.yaml").write_text(f"systems: [{{{head}}}]\n")
    return folder


def command(suite: Path, *options: str) -> list[str]:
    return ["run", str(suite), "--out", str(suite.parent / "out"), "--probes", "none", *options]


@pytest.fixture
def again(suite: Path, monkeypatch: pytest.MonkeyPatch):
    """Runs the command; what it printed, what it said beside it, and whether it took the long way."""
    asked: list[object] = []
    long_way = run_command._asked
    monkeypatch.setattr(
        run_command, "_asked", lambda *given: asked.append(given) or long_way(*given)
    )

    def run(*options: str) -> tuple[str, str, bool]:
        asked.clear()
        done = CliRunner().invoke(group, command(suite, *options), standalone_mode=False)
        assert done.exception is None or asked, "refused, and not by the long way"
        assert done.exception is None, done.exception
        return done.stdout, done.stderr, bool(asked)

    return run


def content(folder: Path) -> dict[str, bytes]:
    files = (f for f in folder.rglob("*") if f.is_file() and not f.name.endswith(("-shm", "-wal")))
    return {str(file): file.read_bytes() for file in files}


def test_what_stands_is_told_in_the_same_words_and_nothing_is_written(again, suite):
    story, _, long = again()
    assert long
    before = content(suite.parent / "out")
    assert again() == (story, f"finished before, and {SAME}: the files are as they were\n", False)
    assert content(suite.parent / "out") == before


def test_what_grades_and_what_calls_is_not_imported(again, suite):
    again()
    heavy = {"evalkit.api", "evalkit.metrics", "evalkit.judges.embedded", "numpy", "aiohttp"}
    code = (
        "import sys; from evalkit.cli import group\n"
        f"group(sys.argv[1:], standalone_mode=False)\nprint(sorted({heavy!r} & sys.modules.keys()))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *command(suite)], capture_output=True, text=True, check=True
    )
    assert SAME in done.stderr
    assert done.stdout.splitlines()[-1] == "[]"


def edited(file: Path, old: str, new: str) -> None:
    text = file.read_text("utf-8")
    assert old in text
    file.write_text(text.replace(old, new), "utf-8")


def stored(out: Path, statement: str) -> None:
    db = sqlite3.connect(out / "run.sqlite")
    with db:
        assert db.execute(statement).rowcount == 1
    db.close()


def killed(out: Path) -> None:
    """As a session leaves it that did not end in order."""
    from evalkit.store.session import SessionFile, read_session

    file = out / "run.sqlite-session"
    left = SessionFile(file, read_session(file).commits)
    left._session["open"] = True
    left._write()


CHANGES: dict[str, Change] = {
    "a label": lambda suite, _, __: edited(suite / "cases.jsonl", "q1", "q1?"),
    "a setting": lambda suite, _, __: (suite / "suite.yaml").write_text(
        "format: 1\nname: 日本 tiny\nmax_error_rate: 0.5\n"
    ),
    "an option": lambda suite, _, __: edited(suite / "systems.yaml", "x-tenant", "x-customer"),
    "a variable": lambda _, __, patch: patch.setenv("TENANT", "tenant-number-two"),
    "the code": lambda _, __, patch: patch.setattr(evalkit.finished, "code_digest", lambda: "new"),
    "a plugin": lambda _, __, patch: patch.setattr(plugins, "only_ours", lambda: False),
    "an answer": lambda _, out, __: stored(
        out, "UPDATE traces SET trace = replace(trace, '月', '火') WHERE case_id = 'c1'"
    ),
    "an answer gone": lambda _, out, __: stored(out, "DELETE FROM traces WHERE case_id = 'c1'"),
    "a call": lambda _, out, __: stored(out, "UPDATE attempts SET calls = 7 WHERE case_id = 'c1'"),
    "a file": lambda _, out, __: (out / "scores.csv").write_text("system\n"),
    "a file gone": lambda _, out, __: (out / "report.html").unlink(),
    "a file more": lambda _, out, __: (out / "more.json").write_text("{}"),
    "the story": lambda _, out, __: edited(out / "finished.json", "3/3", "2/3"),
    "a killed session": lambda _, out, __: killed(out),
    "a commit": lambda suite, _, __: commit(suite),
    "the place": lambda _, out, __: stored(
        out, "UPDATE notes SET value = 'elsewhere' WHERE name = 'suite_folder'"
    ),
}


def commit(suite: Path) -> None:
    (suite / ".git").mkdir()
    (suite / ".git" / "HEAD").write_text("5" * 40)


@pytest.mark.parametrize("what", CHANGES)
def test_whatever_is_another_takes_the_long_way(again, suite, monkeypatch, what):
    again()
    CHANGES[what](suite, suite.parent / "out", monkeypatch)
    try:
        _, said, long = again()
    except AssertionError as refused:  # by the long way, which says what is another
        said, long = str(refused), True
    assert long
    assert SAME not in said or what == "a killed session"  # whose answers are all there


def test_a_change_is_refused_as_ever(again, suite):
    again()
    edited(suite / "systems.yaml", "x-tenant", "x-customer")
    with pytest.raises(AssertionError, match="started with something else"):
        again()


@pytest.mark.parametrize(
    "options",
    [
        *(["--limit", "2"], ["--case", "c1"], ["--repeats", "2"], ["--probes", "auto"]),
        *(["--retry-errors"], ["--judge", "embedded"], ["--rerun", "changed"]),
    ],
)
def test_other_options_take_the_long_way(again, options):
    again()
    assert again(*options)[2]


def test_a_folder_in_use_is_refused(again, suite):
    again()
    held = lock(suite.parent / "out")
    try:
        with pytest.raises(AssertionError, match="another run is writing here"):
            again()
    finally:
        held.close()
