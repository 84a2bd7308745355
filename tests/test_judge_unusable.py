"""A judge whose replies are of no use: it is asked no more, the answers are kept, and the run goes on once it is well."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from test_gate_command import RIGHT, write_suite
from test_judge_in_runs import judge_file, summary
from test_llm_judge import Heard, honest

from evalkit.judges.llm.kept import Recording
from evalkit.judges.llm.streak import MOST, Streak
from evalkit.judges.llm.under_way import UnderWay, never_ended
from evalkit.judging.uncounted import unanswered
from evalkit.store import Store

CASES, AT_ONCE = 45, 4
USAGE = {"prompt_tokens": 100, "completion_tokens": 10}
A_CALL = (100 + 2 * 10) / 1e6

Reply = tuple[int, dict[str, Any], str]  # status, message, finish_reason


def text(said: str, status: int = 200) -> Reply:
    return status, {"role": "assistant", "content": said}, "stop"


def well(heard: Heard) -> Reply:
    return text(json.dumps(honest(heard)))


USELESS: dict[str, Callable[[Heard], Reply]] = {
    "invalid JSON": lambda _: text("Die Antwort ist gut: 10/10 \x1b[31m"),
    "empty": lambda _: text(""),
    "refusing": lambda _: (200, {"content": None, "refusal": "I cannot help with that."}, "stop"),
    "filtered": lambda _: (200, {"content": ""}, "content_filter"),
    "cut off": lambda _: (200, {"content": '{"canary": '}, "length"),
    "error status": lambda _: text("no such parameter", 400),
}


class Endpoint:
    """A judge's endpoint on this machine; ``mode`` makes the replies."""

    def __init__(self, mode: Callable[[Heard], Reply]) -> None:
        self.mode, self.heard, self.url = mode, list[Heard](), ""


@contextmanager
def endpoint(mode: Callable[[Heard], Reply]) -> Iterator[Endpoint]:
    made = Endpoint(mode)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            heard = Heard(json.loads(self.rfile.read(int(self.headers["content-length"]))))
            made.heard.append(heard)
            status, message, ended = made.mode(heard)
            choices = [{"message": message, "finish_reason": ended}]
            body = {"model": "m", "choices": choices, "usage": USAGE}
            if status != 200:
                body = {"error": {"message": message["content"]}}
            sent = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(sent)))
            self.end_headers()
            self.wfile.write(sent)

        def log_message(self, *_: object) -> None:
            return

    class Quiet(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: object) -> None:  # who asked is gone
            return

    server = Quiet(("127.0.0.1", 0), Handler)
    made.url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        thread.join(10)
        server.server_close()


@pytest.fixture
def suite(tmp_path) -> Path:
    made = write_suite(tmp_path / "suite", cases=CASES)
    (made / "systems.yaml").write_text(
        "systems: [{name: rag, approach: prompt, adapter: python, target: 'desk:answer'}]\n"
    )
    (made / "desk.py").write_text(
        f"def answer(query):\n    open({str(tmp_path / 'asked')!r}, 'a').write('1')\n"
        f"    return f'{RIGHT} Desk {{query.split()[3]}} has a bell.'\n"
    )
    return made


def command(suite: Path, *more: object) -> list[str]:
    given = [*map(str, more), "--probes", "none", "--in-process", "--concurrency", "4"]
    return [sys.executable, "-m", "evalkit", "run", str(suite), *given]


def run(suite: Path, *more: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(suite, *more), capture_output=True, text=True, check=False, timeout=120
    )


def asked(tmp_path: Path) -> int:
    return len((tmp_path / "asked").read_text())


@pytest.mark.parametrize("kind", USELESS)
def test_it_is_asked_no_more_and_the_run_goes_on_when_it_is_well(suite, tmp_path, kind):
    out = tmp_path / "run"
    with endpoint(USELESS[kind]) as server:
        judge = judge_file(tmp_path, server, concurrency=AT_ONCE, structured="prompt")
        done = run(suite, "--out", out, "--judge", judge)
        assert done.returncode == 7, done.stderr
        paid = len(server.heard)
        assert MOST <= paid < MOST + 2 * AT_ONCE  # those under way, and those that were about to be
        assert f"judge llm:m (model m at {server.url}) was asked no more after 20" in done.stderr
        assert "it said: " in done.stderr or "it was empty" in done.stderr
        assert "Traceback" not in done.stderr
        assert "\x1b[31m" not in done.stderr + done.stdout
        assert asked(tmp_path) == CASES
        told = summary(out)["judge"]
        assert told["spending"]["calls"] == paid
        assert told["troubles"][0].startswith("judge llm:m (model m")
        assert "was asked no more" in (out / "report.md").read_text()
        server.mode = well
        done = run(suite, "--out", out)
        assert (done.returncode, asked(tmp_path)) == (0, CASES), done.stderr
        assert len(server.heard) == paid + CASES
    told = summary(out)["judge"]
    assert told["spending"]["calls"] == paid + CASES
    assert "troubles" not in told
    assert "was asked no more" not in done.stdout + (out / "report.md").read_text()


def test_one_usable_reply_in_between_begins_the_count_anew(suite, tmp_path):
    def mode(heard: Heard) -> Reply:
        return well(heard) if len(server.heard) % 15 == 0 else text("no")

    with endpoint(mode) as server:
        judge = judge_file(tmp_path, server, concurrency=1)
        done = run(suite, "--out", tmp_path / "run", "--judge", judge)
        assert done.returncode == 12, done.stderr
        assert len(server.heard) > CASES


def test_nothing_is_said_of_stopping_where_no_answer_was_left_out(suite, tmp_path):
    with endpoint(USELESS["invalid JSON"]) as server:
        judge = judge_file(tmp_path, server, unusable=0, concurrency=AT_ONCE)
        done = run(suite, "--out", tmp_path / "run", "--judge", judge)
        assert (done.returncode, len(server.heard)) == (12, 2 * CASES)
    assert "asked no more" not in done.stderr + done.stdout


def test_the_judge_of_a_run_may_be_told_to_be_patient_for_ever():
    streak = Streak("judge", most=0)
    for _ in range(100):
        streak.unusable("no JSON", "no")
    assert streak.stopped is None


def panel(folder: Path, *servers: Endpoint) -> str:
    members = [{"base_url": s.url, "model": f"m{i}"} for i, s in enumerate(servers)]
    file = judge_file(folder, servers[0], model=None, base_url=None, panel=members)
    return f"panel{file.removeprefix('llm')}"


def test_one_member_of_a_panel_stops_and_the_others_go_on(suite, tmp_path):
    out = tmp_path / "run"
    with endpoint(well) as a, endpoint(USELESS["refusing"]) as b, endpoint(well) as c:
        done = run(suite, "--out", out, "--judge", panel(tmp_path, a, b, c))
        assert done.returncode == 0, done.stderr
        assert (len(a.heard), len(c.heard)) == (CASES, CASES)
        assert MOST <= len(b.heard) <= MOST + 2 * 32
        (line,) = (one for one in done.stdout.splitlines() if "was asked no more" in one)
        assert line.startswith(f"judge llm:m1 (model m1 at {b.url}) was asked no more")
        assert "I cannot help with that." in line
        assert line.endswith(f"(failed on {CASES} of {CASES} answers)")
        assert "judge llm:m1 (model m1" in (out / "report.md").read_text()
    scored = subprocess.run(
        [sys.executable, "-m", "evalkit", "score", str(out)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert scored.returncode == 0, scored.stderr
    assert "judge llm:m1 (model m1" in (out / "report.md").read_text()


def test_a_panel_without_a_majority_is_asked_no_more(suite, tmp_path):
    with endpoint(well) as a, endpoint(USELESS["empty"]) as b, endpoint(USELESS["cut off"]) as c:
        done = run(suite, "--out", tmp_path / "run", "--judge", panel(tmp_path, a, b, c))
        assert done.returncode == 7
        assert "2 of 3 judges of the panel are lost" in done.stderr
        assert len(a.heard) < CASES
        for server in (a, b, c):
            server.mode = well
        done = run(suite, "--out", tmp_path / "run")
        assert (done.returncode, len(a.heard)) == (0, CASES), done.stderr


def test_a_member_whose_endpoint_is_down_is_told_and_the_others_go_on(suite, tmp_path):
    with endpoint(well) as gone:
        pass
    with endpoint(well) as a, endpoint(well) as b:
        done = run(suite, "--out", tmp_path / "run", "--judge", panel(tmp_path, a, gone, b))
        assert done.returncode == 0, done.stderr
        assert (len(a.heard), len(b.heard)) == (CASES, CASES)
    (line,) = (one for one in done.stdout.splitlines() if "times in a row" in one)
    assert line.startswith(f"judge llm:m1: {gone.url.split('/')[2]} failed 2")


def test_a_refused_key_of_a_member_ends_the_run_at_once_and_names_it(suite, tmp_path):
    with (
        endpoint(well) as a,
        endpoint(lambda _: text("who are you?", 401)) as b,
        endpoint(well) as c,
    ):
        done = run(suite, "--out", tmp_path / "run", "--judge", panel(tmp_path, a, b, c))
    assert done.returncode == 7
    assert "judge llm:m1: HTTP 401" in done.stderr


def test_an_endpoint_that_is_down_is_called_the_judges(suite, tmp_path):
    with endpoint(well) as gone:
        judge = judge_file(tmp_path, gone)
    done = run(suite, "--out", tmp_path / "run", "--judge", judge)
    assert done.returncode == 7
    assert f"judge llm:m: {gone.url.split('/')[2]} failed 2" in done.stderr
    assert "--retry-errors" not in done.stderr
    assert asked(tmp_path) == CASES


# --- calls under way when the process dies -------------------------------------------------------


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="nothing is killed so here")
def test_calls_under_way_at_a_kill_are_told_as_perhaps_charged(suite, tmp_path):
    out, held = tmp_path / "run", threading.Event()

    def mode(heard: Heard) -> Reply:
        if len(server.heard) > 10:
            held.wait(30)
        return well(heard)

    with endpoint(mode) as server:
        judge = judge_file(tmp_path, server, concurrency=AT_ONCE, timeout=60)
        killed = subprocess.Popen(
            command(suite, "--out", out, "--judge", judge), stderr=subprocess.DEVNULL
        )
        deadline = time.monotonic() + 60
        while len(server.heard) < 10 + AT_ONCE and time.monotonic() < deadline:
            time.sleep(0.02)
        time.sleep(0.2)
        os.kill(killed.pid, signal.SIGKILL)
        assert killed.wait() == -signal.SIGKILL
        held.set()
        assert never_ended(out) == AT_ONCE
        done = run(suite, "--out", out)
        assert done.returncode == 0, done.stderr
        assert len(server.heard) == CASES + AT_ONCE
    lost = {"calls": AT_ONCE, "possible_cost": pytest.approx(AT_ONCE * A_CALL)}
    told = summary(out)["judge"]
    assert told["unanswered"] == lost
    assert told["spending"]["calls"] == CASES  # of which the end was seen
    sentence = "4 calls of the judge were sent without a reply coming back, perhaps carried out"
    assert sentence in done.stdout
    assert "up to 0.00048" in done.stdout
    assert sentence in (out / "report.md").read_text()
    with Store(out, reading=True) as store:
        assert store.counts().unknown == 0  # the system's own calls are another account


def test_what_ended_is_not_under_way_whoever_began_it(tmp_path):
    first, second = UnderWay(tmp_path), UnderWay(tmp_path)
    names = [first.begin(), second.begin(), second.begin()]
    assert never_ended(tmp_path) == 3
    first.end(names[0])
    second.end(names[2])
    assert never_ended(tmp_path) == 1
    assert unanswered(tmp_path).possible_cost is None  # no call is known that cost anything
    assert never_ended(tmp_path / "elsewhere") == 0


# --- who spent what ------------------------------------------------------------------------------


def test_what_an_edited_judge_spent_before_is_not_charged_to_it(suite, tmp_path):
    out = tmp_path / "run"
    with endpoint(well) as server:
        judge = judge_file(tmp_path, server)
        run(suite, "--out", out, "--judge", judge)
        first = summary(out)["judge"]
        judge_file(tmp_path, server, temperature=0.5)
        done = run(suite, "--out", out, "--judge", judge)
        told = summary(out)["judge"]
        assert len(server.heard) == 2 * CASES
        assert told["spending"]["calls"] == CASES
        (earlier,) = told["earlier"]
        assert earlier["fingerprint"] == first["fingerprint"] != told["fingerprint"]
        assert earlier["spending"] == first["spending"]
        assert f"judging took {CASES} calls" in done.stdout
        assert f"before that, judging took {CASES} calls" in done.stdout
        judge_file(tmp_path, server)  # as it was: its verdicts are there, and so is its account
        run(suite, "--out", out, "--judge", judge)
        assert len(server.heard) == 2 * CASES
    back = summary(out)["judge"]
    assert (back["fingerprint"], back["spending"]["calls"]) == (first["fingerprint"], CASES)
    assert [one["fingerprint"] for one in back["earlier"]] == [told["fingerprint"]]


def test_what_a_killed_session_spent_is_the_account_of_its_judge(suite, tmp_path):
    out = tmp_path / "run"
    with endpoint(well) as server:
        run(suite, "--out", out, "--judge", judge_file(tmp_path, server))
        fingerprint = summary(out)["judge"]["fingerprint"]
        kept = Recording(out)
        kept.add({"prompt_tokens": 100, "completion_tokens": 10, "cost": A_CALL})  # and was killed
        run(suite, "--out", out, "--judge", judge_file(tmp_path, server, model="other"))
    told = summary(out)["judge"]
    assert told["spending"]["calls"] == CASES
    (earlier,) = told["earlier"]
    assert (earlier["fingerprint"], earlier["spending"]["calls"]) == (fingerprint, CASES + 1)
