"""Worker processes: the same answers as in process, the load shared, and nothing left behind whatever ends them."""

from __future__ import annotations

import asyncio
import dataclasses
import gc
import os
import signal
import socket
import subprocess
import sys
import time
import uuid
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import evalkit
from evalkit.adapters import python
from evalkit.errors import EndpointUnusable, InvalidInput, SystemFailed
from evalkit.records import (
    Approach,
    Capability,
    Case,
    Document,
    Message,
    Outcome,
    Passage,
    Question,
    Seconds,
    Suite,
    System,
    SystemSpec,
)
from evalkit.workers import build
from evalkit.workers.output import HEAD, TAIL, Output
from evalkit.workers.protocol import BrokenMessageError, Channel, TooLargeError, pack, unpack
from evalkit.workers.restarts import FREE, IN_A_ROW, Restarts

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")

CORPUS = {
    "d1": Document("d1", "Hoàn tiền trong 14 ngày.", "Hoàn tiền"),
    "d2": Document("d2", "返品は三十日以内。"),
}

FEATURE = """
import asyncio, os, time
import numpy as np
from evalkit.records import Outcome, Passage, Seconds, Trace, Usage

def text(query):
    return "ja: " + query

async def later(query):
    await asyncio.sleep(0)
    return {"response": {"ký tự": [1, None, 0.1]}, "citations": ["d1"], "action": "answer"}

def everything(query, **given):
    return {"response": "x", "meta": {"given": given}}

def some(query, *, repeat, messages, inputs, schema=None, budget=None):
    return {"response": "x", "meta": dict(repeat=repeat, messages=messages, inputs=inputs, schema=schema, budget=budget)}

def by_id(query):
    given = [{"doc_id": "d1"}, {"doc_id": "d1", "text": ""}, {"doc_id": "d2", "title": "T"},
             {"doc_id": "d2", "chunk_id": "d2#0"}, {"doc_id": "unknown"}, Passage("d1"), Passage("d1", text="own")]
    return {"response": "x", "retrieved": given, "context": tuple(given[:2])}

def numbers(query):
    passage = {"doc_id": "d", "score": np.float32(0.5)}
    return {"response": np.str_("نعم"), "retrieved": [passage], "usage": {"prompt_tokens": np.int64(3), "cost": 0.1}}

def records(query):
    return Trace(response="x", retrieved=(), case_id="c", seconds=Seconds(1.0, 2.0, 3.0), usage=Usage(1, 2, 0.5))

def truncated(query):
    return Outcome(response="half", error={"kind": "truncated", "message": "cut"})

def refuses(query):
    return {"action": "refuse"}

def empty(query):
    return "　"

def wrong(query):
    return {"respons": 1}

def raises(query):
    raise ValueError("schlecht " + query)

class Pipeline:
    def __init__(self, title="T"):
        self.title = title
    def retrieve(self, query, k):
        return [{"doc_id": f"d{i}", "title": self.title} for i in range(k)]
    def generate(self, query, passages, instructions=None):
        used = [p for p in passages if p["text"]]
        passages.clear()
        return {"response": f"{[p.text for p in used]} {instructions}", "context": used}
    def lookup(self, doc_id):
        return doc_id == "d1"

class Later:
    async def retrieve(self, query, principal=None):
        return [Passage("d1"), Passage("d2", "c", "t", score=1)]
    async def generate(self, query, passages):
        return str([dict(doc=p.doc_id, text=p.text, title=p.title) for p in passages])

class Broken:
    def retrieve(self, query, *, k):
        raise KeyError("no index")
    def generate(self, query, passages):
        return None
    async def lookup(self, doc_id):
        return "yes"

class Retriever:
    def retrieve(self, query, limit):
        return [{"doc_id": "d2"}] * limit

def here(query):
    time.sleep(0.05)
    return str(os.getpid())

def slow(query):
    if query == "hang":
        time.sleep(60)
    return str(os.getpid())

async def waits(query):
    try:
        await asyncio.sleep(60 if query == "wait" else 0)
    except asyncio.CancelledError:
        open(os.environ["CANCELLED"], "w").close()
        raise
    return "x"

async def blocks(query):
    if query == "block":
        time.sleep(60)
    if query == "fork" and os.fork() == 0:
        os.setsid()
        time.sleep(120)
    return "x"

def leaves(query):
    if query.startswith("leave"):
        os._exit(3)
    return "answer to " + query

class Closes:
    def ask(self, query):
        return "x"
    async def aclose(self):
        open(os.environ["CLOSED"], "w").close()
"""
HEALTHY = (
    *("text", "later", "everything", "some", "by_id", "numbers", "records", "truncated", "refuses"),
    *("empty", "wrong", "raises", "Pipeline", "Later", "Broken", "Retriever"),
)
QUESTIONS = (
    Question("câu hỏi"),
    Question(
        "質問",
        messages=(Message("user", "a"), Message("assistant", "ب")),
        inputs={"a": [1, {"b": None}]},
        principal="p",
        repeat=2,
        k=3,
        seed=7,
        schema={"type": "object"},
        instructions="kurz",
        budget=100,
    ),
)
PASSAGES = (Passage("d1", "d1#0", "Text", "Titel", 0.25), Passage("d2"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "feature.py").write_text(FEATURE, "utf-8")
    return tmp_path


def spec_of(folder: Path, target: str, approach: str = "rag", **options: object) -> SystemSpec:
    given = {"target": f"feature:{target}", **options}
    return SystemSpec("s", Approach(approach), "python", given, folder)


def suite_of(folder: Path) -> Suite:
    cases = tuple(Case(query, query) for query in ("a", "b", "leave", "c", "d", "e"))
    return Suite("s", folder, cases, CORPUS, "x")


def worker(folder: Path, target: str, **options: object) -> System:
    return build(spec_of(folder, target, **options), suite_of(folder), logs=folder / "logs")


def gone(pids: list[int] | int, seconds: float = 5.0) -> bool:
    """Whether the processes have ended (a zombie has) within so many seconds."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if not any(running(pid) for pid in ([pids] if isinstance(pids, int) else pids)):
            return True
        time.sleep(0.02)
    return False


def running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def carriers(mark: str) -> list[int]:
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if mark.encode() in (process / "environ").read_bytes():
                found.append(int(process.name))
        except OSError:
            continue
    return found


# --- the same as in process ------------------------------------------------------------------


async def everything_asked(system: System) -> list[object]:
    """What a system gives for everything it can be asked, times left out unless it says them."""
    calls = []
    for question in QUESTIONS:
        if Capability.ASK in system.capabilities:
            calls.append(system.ask(question))
        if Capability.RETRIEVE in system.capabilities:
            calls.append(system.retrieve(question))
        if Capability.GENERATE in system.capabilities:
            calls += [system.generate(question, PASSAGES), system.generate(question, ())]
    if Capability.LOOKUP in system.capabilities:
        calls += [system.lookup("d1"), system.lookup("d9")]
    found = await asyncio.gather(*calls, return_exceptions=True)
    await system.aclose()
    return [timeless(one) for one in found]


def timeless(found: object) -> object:
    if isinstance(found, SystemFailed):
        return found.failure
    if isinstance(found, Outcome) and found.seconds.total != 3.0:
        return dataclasses.replace(found, seconds=Seconds())
    return found


@pytest.mark.parametrize("target", HEALTHY)
def test_a_system_answers_as_it_does_in_process(folder: Path, target: str) -> None:
    approach = "retriever" if target == "Retriever" else "rag"
    spec = spec_of(folder, target, approach)
    here, there = python.build(spec, suite_of(folder)), build(spec, suite_of(folder))
    for name in ("name", "approach", "capabilities", "fingerprint"):
        assert getattr(there, name) == getattr(here, name)
    wanted = asyncio.run(everything_asked(here))
    assert len(wanted) >= 2
    assert asyncio.run(everything_asked(there)) == wanted


@pytest.mark.parametrize(
    ("options", "source"),
    [
        ({"target": "feature:nothing"}, ""),
        ({"target": "featur:text"}, ""),
        ({"target": "broken:ask"}, "def ask(:"),
        ({"target": "broken:ask"}, "import sys; sys.exit(3)"),
        ({"target": "feature:Pipeline", "args": {"titel": 1}}, ""),
        ({"target": "feature:os"}, ""),
        ({"target": "feature:text", "workers": 0}, ""),
        ({"target": "feature:text", "workers": "two"}, ""),
        ({"target": "feature:text", "worker": 2}, ""),
    ],
)
def test_a_wrong_target_is_refused_with_the_same_words(
    folder: Path, options: dict, source: str
) -> None:
    (folder / "broken.py").write_text(source, "utf-8")
    spec = SystemSpec("s", Approach.RAG, "python", options, folder)
    with pytest.raises(InvalidInput) as here:
        python.build(spec, suite_of(folder))
    with pytest.raises(InvalidInput) as there:
        build(spec, suite_of(folder))
    assert str(there.value) == str(here.value)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("import os; print('no licence', flush=True); os._exit(3)", "exit code 3; it printed: no"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "SIGSEGV"),
        ("raise KeyboardInterrupt", "SIGINT"),
    ],
)
def test_an_import_that_ends_the_process_is_refused(folder: Path, source: str, said: str) -> None:
    (folder / "ending.py").write_text(source, "utf-8")
    spec = SystemSpec("s", Approach.RAG, "python", {"target": "ending:ask"}, folder)
    with pytest.raises(
        InvalidInput, match="target: importing ending:ask ended the process"
    ) as error:
        build(spec, suite_of(folder))
    assert said in str(error.value)


def test_arguments_that_are_no_plain_data_are_refused(folder: Path) -> None:
    with pytest.raises(InvalidInput, match="args: cannot be written as JSON"):
        worker(folder, "Pipeline", args={"title": object()})


# --- processes -------------------------------------------------------------------------------


def test_the_load_is_shared_by_the_workers_asked_for(folder: Path) -> None:
    async def main(workers: int) -> set[str | None]:
        system = worker(folder, "here", workers=workers)
        found = await asyncio.gather(*(system.ask(Question("q")) for _ in range(12)))
        await system.aclose()
        return {outcome.response for outcome in found}

    assert len(asyncio.run(main(1))) == 1
    assert len(asyncio.run(main(3))) == 3


def test_one_system_serves_one_event_loop_after_the_other(folder: Path) -> None:
    system = worker(folder, "text")
    found = [asyncio.run(system.ask(Question(query))).response for query in "abc"]
    asyncio.run(system.aclose())
    assert found == ["ja: a", "ja: b", "ja: c"]


def test_threads_lost_in_calls_make_room_for_a_fresh_process(folder: Path) -> None:
    async def main() -> None:
        system = worker(folder, "slow", timeout=0.5)
        before = (await system.ask(Question("q"))).response
        hung = await asyncio.gather(*(system.ask(Question("hang")) for _ in range(4)))
        assert {outcome.error.kind for outcome in hung} == {"timeout"}
        after = (await system.ask(Question("q"))).response
        assert after != before
        assert gone(int(before))
        assert system.restarts == 0
        await system.aclose()
        assert gone(int(after))

    asyncio.run(main())


def test_a_question_that_is_given_up_is_cancelled_in_the_process(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mark = folder / "cancelled"
    monkeypatch.setenv("CANCELLED", str(mark))

    async def main() -> None:
        system = worker(folder, "waits")
        task = asyncio.create_task(system.ask(Question("wait")))
        await asyncio.sleep(0.1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert (await system.ask(Question("q"))).response == "x"
        await system.aclose()
        assert mark.exists()

    asyncio.run(main())


def test_an_object_that_was_made_is_closed_with_the_system(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLOSED", str(folder / "closed"))
    asyncio.run(worker(folder, "Closes").aclose())
    assert (folder / "closed").exists()


def test_a_run_with_a_case_that_ends_the_process_is_a_run_with_one_error(folder: Path) -> None:
    system = worker(folder, "leaves")
    run = evalkit.run(suite_of(folder), [system], out=folder / "run", probes="none", repeats=2)
    traces = {(t.case_id, t.repeat): t for t in run.systems["s"].graded.traces}
    assert len(traces) == 12
    for (case_id, _), trace in traces.items():
        if case_id == "leave":
            assert trace.error.kind == "crashed"
            assert "exit code 3" in trace.error.message
        else:
            assert (trace.response, trace.error) == (f"answer to {case_id}", None)
    assert 2 <= system.restarts <= 4


def test_a_system_that_only_ends_its_processes_ends_the_run(folder: Path) -> None:
    async def main() -> None:
        system = worker(folder, "leaves")
        try:
            assert (await system.ask(Question("q"))).error is None
            questions = [system.ask(Question(f"leave {i}")) for i in range(12)]
            found = await asyncio.gather(*questions, return_exceptions=True)
        finally:
            await system.aclose()
        given_up = [one for one in found if isinstance(one, EndpointUnusable)]
        assert given_up
        assert "system 's' cannot be asked: its process ended again and again" in str(given_up[0])
        assert "exit code 3" in str(given_up[0])
        crashed = [one.error.kind for one in found if isinstance(one, Outcome)]
        assert set(crashed) == {"crashed"}
        assert len(crashed) + len(given_up) == 12
        assert system.restarts == IN_A_ROW

    asyncio.run(main())


def test_restarts_are_counted_against_answers() -> None:
    row, many = Restarts(), Restarts()
    for _ in range(IN_A_ROW // 2):
        assert row.spent is None
        row.ended(hung=True)
    assert "in between" in row.spent
    for _ in range(3 * FREE):  # a case that ends two processes after every two answers
        many.answered()
        many.ended(hung=False)
        many.answered()
        many.ended(hung=False)
        assert many.spent is None
    for _ in range(2 * FREE):
        many.ended(hung=False)
        if many.ends % 5 == 0:
            many.answered()
    assert many.spent is not None


# --- nothing is left behind ------------------------------------------------------------------

PARENT = """
import asyncio, sys
from pathlib import Path
from evalkit.records import *
from evalkit.workers import build
folder = Path(sys.argv[1])
spec = SystemSpec("s", Approach.RAG, "python", {"target": "feature:blocks"}, folder)

async def main():
    system = build(spec, Suite("s", folder, (), {}, "x"))
    try:
        await system.ask(Question("fork"))
        task = asyncio.create_task(system.ask(Question(sys.argv[2])))
        await asyncio.sleep(0.2)
        print("ready", flush=True)
        await task
        await asyncio.sleep(60)
    finally:
        await system.aclose()

if sys.argv[3] == "SIGTERM":
    import signal
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
asyncio.run(main())
"""


@pytest.mark.parametrize("ended_by", ["SIGINT", "SIGTERM", "SIGKILL"])
@pytest.mark.parametrize("busy", ["idle", "block"])
def test_no_process_outlives_evalkit(folder: Path, ended_by: str, busy: str) -> None:
    mark = uuid.uuid4().hex
    command = [sys.executable, "-c", PARENT, str(folder), busy, ended_by]
    environment = {**os.environ, "EVALKIT_TEST_MARK": mark}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment
    ) as parent:
        assert parent.stdout.readline() == b"ready\n"
        started = carriers(mark)
        assert len(started) == 4  # evalkit, the worker, its watcher, the daemon it made
        sent = time.monotonic()
        parent.send_signal(getattr(signal, ended_by))
        parent.wait(10)
    assert gone(started)
    assert time.monotonic() - sent < 5


def test_a_system_that_is_dropped_takes_its_process_along(folder: Path) -> None:
    system = worker(folder, "here")
    pid = int(asyncio.run(system.ask(Question("q"))).response)
    assert running(pid)
    del system
    gc.collect()
    assert gone(pid)


def test_a_closed_system_cannot_be_asked(folder: Path) -> None:
    async def main() -> None:
        system = worker(folder, "text")
        await system.aclose()
        await system.aclose()
        with pytest.raises(RuntimeError, match="closed"):
            await system.ask(Question("q"))

    asyncio.run(main())


# --- messages and output ---------------------------------------------------------------------

plain_data = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.dictionaries(st.text(), plain_data, max_size=3), max_size=5), st.data())
def test_messages_arrive_whole_however_they_are_cut(sent: list[dict], data: st.DataObject) -> None:
    ours, theirs = socket.socketpair()
    came: list[object] = []
    with ours, theirs:
        channel = Channel(ours, came.append, came.append)
        stream = b"".join(pack(message) for message in sent)
        while stream:
            size = data.draw(st.integers(1, len(stream)))
            theirs.sendall(stream[:size])
            stream = stream[size:]
            channel.read()
        assert came == sent
        theirs.close()
        channel.read()
        assert came == [*sent, ""]
        assert not channel.open


@pytest.mark.parametrize(
    "written", [b"\xff\xff\xff\xff", b"\0\0\0\2[]", b"\0\0\0\1{", b"\0\0\0\1\xff"]
)
def test_what_is_no_message_ends_the_connection(written: bytes) -> None:
    ours, theirs = socket.socketpair()
    reasons: list[str] = []
    channel = Channel(ours, lambda _: pytest.fail("no message was sent"), reasons.append)
    theirs.sendall(written)
    channel.read()
    theirs.close()
    assert len(reasons) == 1
    assert "message" in reasons[0]


def test_a_message_has_a_largest_size() -> None:
    with pytest.raises(TooLargeError, match="more than 64 MB"):
        pack({"x": "あ" * (22 * 2**20)})
    with pytest.raises(BrokenMessageError):
        unpack(b"[" * 100_000)


def test_what_is_printed_is_kept_in_bounded_form(tmp_path: Path) -> None:
    path = tmp_path / "logs" / "s.log"
    output = Output(path)
    assert not path.exists()
    for i in range(200):
        output.feed(f"{i:06}".encode() * 5000)
    output.close()
    written = path.read_bytes()
    assert HEAD + TAIL < len(written) < HEAD + TAIL + 100
    assert written.startswith(b"000000")
    assert written.endswith(b"000199")
    assert b"bytes are left out here" in written
    assert output.last.endswith("000199")
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_log_that_cannot_be_written_ends_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    output = Output(tmp_path / "file" / "s.log")
    output.feed(b"printed")
    output.close()
    assert (output.path, output.last) == (None, "printed")


def test_what_a_system_prints_is_in_its_log(folder: Path) -> None:
    (folder / "talks.py").write_text(
        "def ask(query):\n    print('nói', query)\n    return 'x'\n", "utf-8"
    )
    spec = SystemSpec("my/system", Approach.RAG, "python", {"target": "talks:ask"}, folder)
    system = build(spec, suite_of(folder), logs=folder / "logs")
    asyncio.run(system.ask(Question("質問")))
    asyncio.run(system.aclose())
    assert system.printed == "nói 質問\n"
    assert (folder / "logs" / "my-system.log").read_text("utf-8") == "nói 質問\n"
