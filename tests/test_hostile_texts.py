"""Hostile texts in every field of a suite, its systems and its playbook: every file that a run writes stays inert and readable."""

from __future__ import annotations

import csv
import json
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import quote
from xml.etree import ElementTree as ET

import pytest
import yaml
from pages_example import HIDDEN, Page
from test_pages_browser import ARGUMENTS

PLAYBOOK = Path(__file__).parents[1] / "evalkit" / "playbook.yaml"
KEY = "sk-hostile-0123456789abcdefghijklmnop"
ACTS = "<script>document.title='owned';alert(1)</script><img src=//evil.example/x onerror=alert(2)><svg onload=alert(3)>"
BREAKS = "\"'`;--> ]]> </script></style></title></textarea> {{ 7*7 }} {% raw %} &lt;b&gt; ${x} <!-- javascript:alert(4)"
TURNS = "left\u202eright\u2066 bell\x07 escape\x1b[31mred\x1b[0m next\x85 zero\u200b\ufeff"
COMMANDS = "\n::error title=owned::owned\n##vso[task.complete result=Failed]owned\n##teamcity[buildStop]"
WORD = "W" * 5_000
FORMULAS = ("=1+1", "+1", "-1", "@SUM(1)")
HUGE = 50_000  # characters of one answer
CUT = "cut, 50,000 characters in all"


SYSTEM = "=zq-system-zq'&lt;b&gt;{{7+7}}`#$(x)\u202e\x7f\u200b"  # a name that files can have


def hostile(name: str, n: int = 0) -> str:
    """A text that tries everything, and names the field it stands in."""
    return f"{FORMULAS[n % 4]} zq-{name}-zq {ACTS} {BREAKS} {TURNS} {COMMANDS} {WORD[:900]}"


def one_line(name: str, n: int = 0) -> str:
    """The same for ids and names, which take one line of at most 500 characters."""
    return re.sub(r"[\n\x07\x1b\x85]", " ", hostile(name, n))[:495]


def cases() -> list[dict[str, Any]]:
    gold = one_line("doc-id")
    common = {
        "tags": [one_line("tag"), f"::error::tag {WORD}"],
        "group": one_line("group"),
        "principal": one_line("principal"),
        "relevant": {gold: 1},
        "metadata": {"key": hostile("metadata")},
        "inputs": {"key": hostile("inputs")},
    }
    wanted = [{"text": hostile("key-point"), "evidence": [gold]}, {"text": "the fee is 84 euros"}]
    return [
        {"id": one_line(f"id-{n}", n), "query": hostile(f"query-{n}", n), "reference": hostile(f"reference-{n}"), "key_points": wanted, **common}
        for n in range(4)
    ] + [
        {
            "id": "::error::id\u202e",
            "messages": [{"role": "user", "content": hostile("message")}],
            "reference": {"field": hostile("object")},
            "criteria": [{"id": hostile("criterion"), "text": hostile("criterion-text"), "any_of": ["x"]}],
            "forbidden": [one_line("doc-2")],
            "clarified": hostile("clarified"),
            "paraphrases": [hostile("paraphrase")],
            "leading": [hostile("leading")],
            **common,
        },
        {"id": "huge", "query": "What is huge?", "reference": "84 euros", **common},
    ]


def answers() -> Iterator[dict[str, Any]]:
    gold, other = one_line("doc-id"), one_line("doc-2")
    passages = [
        {"doc_id": gold, "chunk_id": hostile("chunk"), "text": hostile("passage"), "title": hostile("title")},
        {"doc_id": other, "text": hostile("passage-2")},
    ]
    for n, case in enumerate(cases()):
        for repeat in range(2):
            said = "x y. " * (HUGE // 5) if case["id"] == "huge" else hostile(f"response-{n}", repeat)
            if case["id"] == "huge" and repeat:
                said = "84 euros"
            yield {"case_id": case["id"], "repeat": repeat, "response": said, "retrieved": passages, "context": passages[:1], "citations": [gold, hostile("citation")], "action": hostile("action")}
        yield {"case_id": case["id"], "condition": "oracle_context", "response": hostile("probe")}
    

def write_suite(folder: Path, port: int) -> Path:
    folder.mkdir()
    rules = {"banned_phrases": [hostile("banned")], "required_phrases": [hostile("required")], "opening": hostile("opening")}
    suite = {"format": 1, "name": f"::error::{hostile('suite')}", "description": hostile("description"), "licence": hostile("licence"), "repeats": 2, "style": rules, "limits": [{"metric": "correct", "at_least": 0.9, "tags": [one_line("tag")]}]}
    systems = [
        {"name": SYSTEM, "approach": "rag", "adapter": "recorded", "path": "traces.jsonl"},
        {"name": "failing", "approach": "prompt", "adapter": "openai", "base_url": f"http://127.0.0.1:{port}/v1", "model": hostile("model")[:200], "api_key_env": "HOSTILE_KEY", "prompt": "{query}", "attempts": 1},
    ]
    documents = [{"_id": one_line("doc-id"), "title": hostile("doc-title"), "text": hostile("doc-text")}, {"_id": one_line("doc-2"), "text": hostile("doc-2-text")}]
    files = {"suite.yaml": [suite], "systems.yaml": [{"systems": systems}], "corpus.jsonl": documents, "cases.jsonl": cases(), "traces.jsonl": answers()}
    for name, rows in files.items():
        with (folder / name).open("w") as file:
            file.writelines(json.dumps(row) + "\n" for row in rows)
    playbook = yaml.safe_load(PLAYBOOK.read_text())
    for rule in playbook["symptoms"]:
        for field in ("symptom", "root_cause", "approach", "fine_tuning", "unmeasured"):
            rule[field] = hostile(f"playbook-{field}")
    (folder / "playbook.yaml").write_text(json.dumps(playbook))
    return folder


class Echo(BaseHTTPRequestHandler):
    """An endpoint that gives back the key it was sent, in an answer or in an error."""

    asked = 0

    def do_POST(self) -> None:  # noqa: N802 (the name that http.server calls)
        length = int(self.headers["content-length"])
        self.rfile.read(length)
        Echo.asked += 1
        said = f"you sent {self.headers['authorization']} {hostile('endpoint')}"
        status = 200 if Echo.asked % 2 else 400
        body: dict[str, Any] = {"error": {"message": said}}
        if status == 200:
            body = {"choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": said}}], "id": "1", "object": "chat.completion", "created": 1, "model": "m"}
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (its own name)
        """Nothing: the test's output is what evalkit says."""


@pytest.fixture(scope="module")
def echo() -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, echo: int) -> tuple[Path, dict[str, str]]:
    """A run folder with everything that the commands write, and what each of them said."""
    home = tmp_path_factory.mktemp("hostile")
    suite, out = write_suite(home / "suite", echo), home / "run"
    environment = {**os.environ, "HOSTILE_KEY": KEY, "GITHUB_ACTIONS": "true"}
    said = {}
    commands = {
        "run": ["run", str(suite), "--out", str(out), "--playbook", str(suite / "playbook.yaml"), "--probes", "none"],
        "check": ["check", str(suite)],
        "decide": ["decide", str(out)],
        "score": ["score", str(out)],
        "gate": ["gate", str(out), "--system", SYSTEM],
    }
    for name, arguments in commands.items():
        done = subprocess.run([sys.executable, "-m", "evalkit", *arguments], env=environment, cwd=home, capture_output=True, timeout=300)
        said[name] = (done.stdout + done.stderr).decode()
        assert done.returncode in (0, 10, 11, 12), f"{name}: {said[name][-3000:]}"
    return out, said
