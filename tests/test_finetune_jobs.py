"""Starting and following a job, against a real server on this machine that speaks /files and /fine_tuning/jobs."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from evalkit.commands.finetune_command import command
from evalkit.errors import EndpointUnusable, EvalkitError, InvalidInput, NothingToDo, UsageError
from evalkit.finetune.jobs import upload_of
from evalkit.finetune.systems_entry import add_entry
from evalkit.suite import load_systems

KEY = "sk-not-a-real-key-4711"


class Server(ThreadingHTTPServer):
    """Keeps what it was sent; ``refuse`` maps a path to a status and a message, ``stages`` are the job's."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.seen: list[tuple[str, str, str | None, bytes]] = []
        self.refuse: dict[str, tuple[int, str]] = {}
        self.stages = ["succeeded"]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.noted(body):
            return
        if self.path == "/v1/files":
            self.say(
                {
                    "id": "file-1",
                    "object": "file",
                    "bytes": len(body),
                    "created_at": 1,
                    "filename": "t",
                    "purpose": "fine-tune",
                    "status": "processed",
                }
            )
        else:
            self.say(job("queued"))

    def do_GET(self) -> None:
        if not self.noted(b""):
            stages = self.server.stages
            self.say(job(stages.pop(0) if len(stages) > 1 else stages[0]))

    def noted(self, body: bytes) -> bool:
        self.server.seen.append((self.command, self.path, self.headers.get("Authorization"), body))
        status, said = self.server.refuse.get(self.path, (200, ""))
        if status != 200:
            self.say({"error": {"message": said}}, status)
        return status != 200

    def say(self, value: dict[str, Any], status: int = 200) -> None:
        text = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_: Any) -> None:
        pass


def job(status: str) -> dict[str, Any]:
    done, failed = status == "succeeded", status == "failed"
    return {
        "id": "ftjob-1", "object": "fine_tuning.job", "created_at": 1, "organization_id": "o", "model": "small-model",
        "hyperparameters": {"n_epochs": 3}, "result_files": [], "seed": 0, "training_file": "file-1", "status": status,
        "fine_tuned_model": "ft:small-model:acme" if done else None, "trained_tokens": 4321 if done else None,
        "error": {"code": "bad", "message": "line 3 is not valid", "param": None} if failed else None,
    }  # fmt: skip


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("TUNING_KEY", KEY)
    found = Server()
    thread = threading.Thread(target=found.serve_forever, daemon=True)
    thread.start()
    yield found
    found.shutdown()
    found.server_close()
    thread.join()


@pytest.fixture
def chat_file(tmp_path: Path) -> Path:
    file = tmp_path / "chat.jsonl"
    row = {
        "messages": [{"role": "user", "content": "Frage"}, {"role": "assistant", "content": "答え"}]
    }
    file.write_text((json.dumps(row, ensure_ascii=False) + "\n") * 12, encoding="utf-8")
    return file


def call(*arguments: object, typed: str | None = None) -> Result:
    return CliRunner().invoke(
        command, [str(a) for a in arguments], input=typed, standalone_mode=False
    )


def at(server: Server) -> tuple[str, ...]:
    return "--base-url", server.url, "--api-key-env", "TUNING_KEY"


def test_submit_uploads_the_file_and_starts_a_job_with_the_key(server, chat_file):
    result = call(
        "submit",
        chat_file,
        "--model",
        "small-model",
        *at(server),
        "--epochs",
        2,
        "--price-per-million",
        1000,
        "--yes",
    )
    assert result.exception is None, result.output
    (_, files, key, body), (_, jobs, _, wanted) = server.seen
    assert (files, jobs, key) == ("/v1/files", "/v1/fine_tuning/jobs", f"Bearer {KEY}")
    assert chat_file.read_bytes() in body
    assert b"fine-tune" in body
    assert json.loads(wanted) == {
        "model": "small-model",
        "training_file": "file-1",
        "hyperparameters": {"n_epochs": 2},
    }
    assert "12 examples" in result.output
    assert "job ftjob-1: queued" in result.output


def test_the_price_is_tokens_times_epochs(chat_file):
    upload = upload_of(chat_file, epochs=2, price=3.0)
    assert upload.cost == pytest.approx(upload.tokens * 2 * 3e-6)
    assert upload_of(chat_file, epochs=None, price=None).cost is None
    assert "unknown" in upload_of(chat_file, epochs=None, price=None).told()


@pytest.mark.parametrize(("typed", "error"), [("n\n", NothingToDo), ("", UsageError)])
def test_nothing_is_sent_without_agreement(server, chat_file, typed, error):
    result = call("submit", chat_file, "--model", "m", *at(server), typed=typed)
    assert isinstance(result.exception, error)
    assert server.seen == []


def test_agreement_can_be_typed(server, chat_file):
    assert call("submit", chat_file, "--model", "m", *at(server), typed="y\n").exception is None
    assert len(server.seen) == 2


@pytest.mark.parametrize(
    ("path", "status", "wanted"),
    [
        ("/v1/files", 401, "check the variable TUNING_KEY"),
        ("/v1/files", 404, "check --base-url"),
        ("/v1/fine_tuning/jobs", 400, "refuses the file or the model"),
        ("/v1/fine_tuning/jobs", 429, "no credit left"),
        ("/v1/fine_tuning/jobs", 500, "500"),
    ],
)
def test_a_refusal_says_what_to_look_at_and_never_the_key(server, chat_file, path, status, wanted):
    server.refuse[path] = (status, f"the key {KEY} is odd")
    result = call("submit", chat_file, "--model", "m", *at(server), "--yes")
    assert isinstance(result.exception, EndpointUnusable)
    assert wanted in str(result.exception)
    assert server.url + path.removeprefix("/v1") in str(result.exception)
    assert KEY not in str(result.exception) + result.output
    assert [seen[1] for seen in server.seen].count(path) == 1, "no retries"


def test_a_missing_key_names_its_variable(chat_file, monkeypatch):
    monkeypatch.delenv("ABSENT_KEY", raising=False)
    result = call(
        "submit",
        chat_file,
        "--model",
        "m",
        "--base-url",
        "https://tuning.example/v1",
        "--api-key-env",
        "ABSENT_KEY",
        "--yes",
    )
    assert isinstance(result.exception, EndpointUnusable)
    assert "ABSENT_KEY is not set" in str(result.exception)


def test_a_server_on_this_machine_needs_no_key(server, chat_file, monkeypatch):
    monkeypatch.delenv("TUNING_KEY")
    assert call("submit", chat_file, "--model", "m", *at(server), "--yes").exception is None
    assert call("status", "ftjob-1", *at(server)).exception is None
    assert [seen[2] for seen in server.seen] == [None, None, None]


def test_nobody_there_is_said(chat_file):
    result = call(
        "submit", chat_file, "--model", "m", "--base-url", "http://127.0.0.1:9/v1", "--yes"
    )
    assert isinstance(result.exception, EndpointUnusable)
    assert "cannot be reached" in str(result.exception)


@pytest.mark.parametrize(
    "text", ["", '{"messages": [{"role": "user", "content": "a"}]}\n', "no json\n"]
)
def test_a_bad_file_is_refused_before_anything_is_sent(server, tmp_path, text):
    file = tmp_path / "bad.jsonl"
    file.write_text(text)
    result = call("submit", file, "--model", "m", *at(server), "--yes")
    assert isinstance(result.exception, InvalidInput)
    assert server.seen == []


SYSTEMS = """# ours
systems:
  - name: prompt     # the plain one
    approach: prompt
    adapter: local
  # more to come
"""


def test_status_follows_the_job_and_adds_the_model_with_comments_kept(server, tmp_path):
    server.stages = ["validating_files", "running", "running", "succeeded"]
    file = tmp_path / "systems.yaml"
    file.write_text(SYSTEMS)
    result = call(
        "status",
        "ftjob-1",
        *at(server),
        "--follow",
        "--every",
        0.05,
        "--add-to",
        file,
        "--name",
        "tuned",
    )
    assert result.exception is None, result.output
    assert result.output.count("job ftjob-1: running") == 1
    text = file.read_text()
    assert text.startswith(SYSTEMS)
    spec = load_systems(file)[1]
    assert (spec.name, spec.approach, spec.adapter) == ("tuned", "finetuned", "openai")
    assert spec.options == {
        "base_url": server.url,
        "model": "ft:small-model:acme",
        "api_key_env": "TUNING_KEY",
    }
    assert KEY not in text


def test_a_running_job_changes_nothing(server, tmp_path):
    server.stages = ["running"]
    file = tmp_path / "systems.yaml"
    assert call("status", "ftjob-1", *at(server), "--add-to", file).exception is None
    assert not file.exists()


def test_a_failed_job_says_why(server):
    server.stages = ["failed"]
    result = call("status", "ftjob-1", *at(server))
    assert isinstance(result.exception, EvalkitError)
    assert "line 3 is not valid" in str(result.exception)
    assert result.exception.exit_code == 7


@pytest.mark.parametrize(
    "text",
    [
        "systems:\n- name: a\n  approach: rag\n  adapter: local\n",
        "systems:\n\n    # first\n    -   name: a\n        approach: rag\n        adapter: local\n\n\n",
        "systems: # all\n  - {name: a, approach: rag, adapter: local}",
    ],
)
def test_an_entry_fits_into_any_block_list(tmp_path, text):
    file = tmp_path / "systems.yaml"
    file.write_text(text)
    add_entry(file, "neu", "m:1", "https://x.example/v1", "KEY")
    assert [spec.name for spec in load_systems(file)] == ["a", "neu"]
    assert file.read_text().startswith(text.rstrip())


@pytest.mark.parametrize(
    ("text", "name", "said"),
    [
        ("systems: [{name: a, approach: rag, adapter: local}]\n", "b", "write this under"),
        ("systems:\n- name: a\n  approach: rag\n  adapter: local\n", "a", "already"),
        ("systems:\n- name: a\n  approach: rag\n  adapter: local\n", "b c", "name"),
    ],
)
def test_an_entry_that_cannot_be_added_leaves_the_file_alone(tmp_path, text, name, said):
    file = tmp_path / "systems.yaml"
    file.write_text(text)
    with pytest.raises(InvalidInput, match=said):
        add_entry(file, name, "m", "https://x.example/v1", "KEY")
    assert file.read_text() == text


def test_a_systems_file_is_started_where_there_is_none(tmp_path):
    add_entry(tmp_path / "new.yaml", "tuned", "m", "https://x.example/v1", "KEY")
    assert load_systems(tmp_path / "new.yaml")[0].options["model"] == "m"


@pytest.mark.parametrize("price", ["nan", "inf", "-inf", "-1"])
def test_a_price_that_is_none_is_a_usage_error(price, tmp_path):
    from evalkit.commands.finetune_jobs import submit_command

    arguments = [str(tmp_path / "a.jsonl"), "--model", "m", f"--price-per-million={price}"]
    assert CliRunner().invoke(submit_command, arguments).exit_code == 2
