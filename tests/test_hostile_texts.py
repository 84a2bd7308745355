"""Hostile texts in every field of a suite, its systems and its playbook: every file that a run writes stays inert and readable."""

from __future__ import annotations

import base64
import csv
import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
import yaml
from pages_example import HIDDEN, Page
from test_pages_browser import Visit, browser  # noqa: F401 (browser is a fixture)

from evalkit.pages.case_cut import case_link

PLAYBOOK = Path(__file__).parents[1] / "evalkit" / "playbook.yaml"
KEY = "sk-hostile-0123456789abcdefghijklmnop"
ACTS = "<script>document.title='owned';alert(1)</script><img src=//evil.example/x onerror=alert(2)><svg onload=alert(3)>"
BREAKS = "\"'`;--> ]]> </script></style></title></textarea> {{ 7*7 }} {% raw %} &lt;b&gt; ${x} <!-- javascript:alert(4)"
TURNS = "left\u202eright\u2066 bell\x07 escape\x1b[31mred\x1b[0m next\x85 zero\u200b\ufeff"
COMMANDS = (
    "\n::error title=owned::owned\n##vso[task.complete result=Failed]owned\n##teamcity[buildStop]"
)
WORD = "W" * 5_000
RAW = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
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
        {
            "id": one_line(f"id-{n}", n),
            "query": hostile(f"query-{n}", n),
            "reference": hostile(f"reference-{n}"),
            "key_points": wanted,
            **common,
        }
        for n in range(4)
    ] + [
        {
            "id": "::error::id\u202e",
            "messages": [{"role": "user", "content": hostile("message")}],
            "reference": {"field": hostile("object")},
            "criteria": [
                {"id": hostile("criterion"), "text": hostile("criterion-text"), "any_of": ["x"]}
            ],
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
        {
            "doc_id": gold,
            "chunk_id": hostile("chunk"),
            "text": hostile("passage"),
            "title": hostile("title"),
        },
        {"doc_id": other, "text": hostile("passage-2")},
    ]
    for n, case in enumerate(cases()):
        for repeat in range(2):
            said = (
                "x y. " * (HUGE // 5) if case["id"] == "huge" else hostile(f"response-{n}", repeat)
            )
            if case["id"] == "huge" and repeat:
                said = "84 euros"
            yield {
                "case_id": case["id"],
                "repeat": repeat,
                "response": said,
                "retrieved": passages,
                "context": passages[:1],
                "citations": [gold, hostile("citation")],
                "action": hostile("action"),
            }
        yield {"case_id": case["id"], "condition": "oracle_context", "response": hostile("probe")}


def write_suite(folder: Path, port: int) -> Path:
    folder.mkdir()
    rules = {
        "banned_phrases": [hostile("banned")],
        "required_phrases": [hostile("required")],
        "opening": hostile("opening"),
    }
    suite = {
        "format": 1,
        "name": f"::error::{hostile('suite')}",
        "description": hostile("description"),
        "licence": hostile("licence"),
        "repeats": 2,
        "style": rules,
        "limits": [{"metric": "correct", "at_least": 0.9, "tags": [one_line("tag")]}],
    }
    systems = [
        {"name": SYSTEM, "approach": "rag", "adapter": "recorded", "path": "traces.jsonl"},
        {
            "name": "failing",
            "approach": "prompt",
            "adapter": "openai",
            "base_url": f"http://127.0.0.1:{port}/v1",
            "model": hostile("model")[:200],
            "api_key_env": "HOSTILE_KEY",
            "prompt": "{query}",
            "attempts": 1,
        },
    ]
    documents = [
        {"_id": one_line("doc-id"), "title": hostile("doc-title"), "text": hostile("doc-text")},
        {"_id": one_line("doc-2"), "text": hostile("doc-2-text")},
    ]
    files = {
        "suite.yaml": [suite],
        "systems.yaml": [{"systems": systems}],
        "corpus.jsonl": documents,
        "cases.jsonl": cases(),
        "traces.jsonl": answers(),
    }
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

    def do_POST(self) -> None:
        length = int(self.headers["content-length"])
        self.rfile.read(length)
        Echo.asked += 1
        said = f"you sent {self.headers['authorization']} {hostile('endpoint')}"
        status = 200 if Echo.asked % 2 else 400
        body: dict[str, Any] = {"error": {"message": said}}
        if status == 200:
            body = {
                "choices": [
                    {
                        "index": 0,
                        "finish_reason": "stop",
                        "message": {"role": "assistant", "content": said},
                    }
                ],
                "id": "1",
                "object": "chat.completion",
                "created": 1,
                "model": "m",
            }
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
    book = ["--playbook", str(suite / "playbook.yaml")]
    commands = {
        "run": ["run", str(suite), "--out", str(out), *book, "--probes", "none"],
        "check": ["check", str(suite)],
        "decide": ["decide", str(out)],
        "score": ["score", str(out), *book],
        "gate": ["gate", str(out), "--system", SYSTEM],
    }
    for name, arguments in commands.items():
        done = subprocess.run(
            [sys.executable, "-m", "evalkit", *arguments],
            check=False,
            env=environment,
            cwd=home,
            capture_output=True,
            timeout=300,
        )
        said[name] = (done.stdout + done.stderr).decode()
        assert done.returncode in (0, 10, 11, 12), f"{name}: {said[name][-3000:]}"
    return out, said


# --- files that programs read --------------------------------------------------------------------


def test_every_json_file_is_strict(made: Any):
    def refuse(word: str) -> None:
        raise ValueError(word)

    for path in made[0].glob("*.json"):
        json.loads(path.read_text(encoding="utf-8"), parse_constant=refuse)
    with (made[0] / "traces.jsonl").open(encoding="utf-8") as lines:
        assert sum(bool(json.loads(line, parse_constant=refuse)) for line in lines) >= 18


def test_no_cell_of_the_scores_starts_a_formula(made: Any):
    with (made[0] / "scores.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert {row["case_id"][1:5] for row in rows} >= {"=1+1", "+1 z", "-1 z", "@SUM"}
    assert {row["system"] for row in rows} == {f"'{SYSTEM}", "failing"}
    for row in rows:
        value = row.pop("value")
        assert value == "" or float(value) == float(value)
        assert not [
            cell for cell in row.values() if cell.startswith(("=", "+", "-", "@", "\t", "\r"))
        ]


def test_junit_is_xml_with_names_that_differ(made: Any):
    root = ET.parse(made[0] / "junit.xml").getroot()
    names = [(one.get("classname"), one.get("name")) for one in root.iter("testcase")]
    assert len(names) == len(set(names)) > len(cases())
    assert {one.tag for one in root.iter()} <= {
        "testsuites",
        "testsuite",
        "testcase",
        "failure",
        "error",
        "skipped",
    }


# --- files and lines that people read -------------------------------------------------------------


@pytest.mark.parametrize("name", ["report.html", "decision.html"])
def test_no_page_gets_an_element_or_a_hidden_character(made: Any, name: str):
    text = (made[0] / name).read_text(encoding="utf-8")
    page = Page(text)
    assert not {"img", "iframe", "object", "embed", "base", "link"} & {
        tag for tag, a in page.tags if a.get("rel") != "icon"
    }
    assert [tag for tag, _ in page.tags].count("style") == 1
    assert not [a for _, a in page.tags for key in a if key.startswith("on") or key == "style"]
    assert not [
        a for _, a in page.tags if (a.get("href") or "").strip().lower().startswith("javascript")
    ]
    assert not HIDDEN.search(text)


@pytest.mark.parametrize("name", ["report.md", "decision.md"])
def test_markdown_stays_text(made: Any, name: str):
    text = (made[0] / name).read_text(encoding="utf-8")
    assert not re.search(r"<(script|img|svg|/?style|!--)", text)
    assert not HIDDEN.search(text)
    assert "javascript:alert" not in re.sub(r"\\\S", "", text) or "](javascript" not in text


@pytest.mark.parametrize("command", ["run", "check", "decide", "score", "gate"])
def test_nothing_on_the_terminal_acts(made: Any, command: str):
    said = made[1][command]
    assert said.strip()
    assert not RAW.search(said)
    ours = re.compile(r"::(error|warning|notice|group|endgroup)( title=evalkit[^:]*)?::(?!error)")
    for line in said.splitlines():
        if line.lstrip().startswith("::"):
            assert command == "gate", line[:200]
            assert ours.match(line), line[:200]
        assert not re.search(r"##\w*\[", line), line[:200]


def test_a_key_is_nowhere(made: Any):
    out, said = made
    forms = [KEY, base64.b64encode(KEY.encode()).decode().rstrip("="), KEY.encode().hex()]
    files = [path.read_bytes() for path in out.rglob("*") if path.is_file()]
    for form in forms:
        assert not [1 for data in files if form.encode() in data]
        assert not [name for name, text in said.items() if form in text]
    assert "you sent Bearer ***" in (out / "traces.jsonl").read_text(encoding="utf-8")


# --- in a browser ---------------------------------------------------------------------------------

SHOWN = (
    *(
        "suite",
        "tag",
        "group",
        "principal",
        "doc-id",
        "key-point",
        "reference-0",
        "query-0",
        "response-0",
    ),
    *(
        "action",
        "chunk",
        "title",
        "passage",
        "citation",
        "message",
        "object",
        "criterion",
        "criterion-text",
    ),
    *("clarified", "probe", "system", "playbook-root_cause", "endpoint"),
)
PRESSED = "() => { for (const one of document.querySelectorAll('#case-page summary, #case-page button')) one.click(); }"


@pytest.mark.browser
def test_nothing_runs_and_everything_can_be_read(browser: Any, made: Any):  # noqa: F811 (the fixture)
    report = made[0] / "report.html"
    opened = Visit(browser, report)
    opened.page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true")
    said = [opened.page.inner_text("body")]
    for case in cases():
        for system in (SYSTEM, "failing"):
            opened.go(case_link(case["id"], system))
            opened.wait(
                f"new URLSearchParams(location.hash.slice(1)).get('system') === {json.dumps(system)}"
            )
            opened.page.locator(".systems-bar [aria-current]").get_by_text(system[:9]).wait_for()
            opened.page.evaluate(PRESSED)
            said.append(opened.page.inner_text("#case-page"))
            assert opened.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    opened.go("#cases")
    opened.page.wait_for_selector("#rows .case-row")
    said.append(opened.page.inner_text("#case-list"))
    whole = " ".join(said)
    assert [name for name in SHOWN if f"zq-{name}-zq" not in whole] == []
    assert ACTS in whole
    assert not re.search("[\u202e\u2066\x1b\x85]", whole)
    assert CUT in whole
    assert opened.logged == []
    assert opened.requests == [report.as_uri()]
    assert opened.page.title() != "owned"
    assert opened.page.locator("main :is(script, img, iframe)").count() == 0
    opened.context.close()


@pytest.mark.browser
def test_the_page_of_the_decision_runs_nothing(browser: Any, made: Any):  # noqa: F811 (the fixture)
    context = browser.new_context(offline=True)
    page, heard = context.new_page(), []
    for kind in ("console", "pageerror", "dialog", "request"):
        page.on(kind, lambda found: heard.append(found))  # noqa: PLW0108 (the driver takes no built-in)
    page.goto((made[0] / "decision.html").as_uri())
    assert len(heard) == 1  # the page itself
    assert "zq-suite-zq" in page.inner_text("body")
    context.close()
