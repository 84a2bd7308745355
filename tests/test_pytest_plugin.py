"""``pytest --evalkit SUITE``: every case a test, one run a session, and no effect without the option."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest

import evalkit
from evalkit.pytesting.items import marker_of

pytest_plugins = ["pytester"]
INSTALLED = "evalkit" in {point.name for point in entry_points(group="pytest11")}
WITH = [] if INSTALLED else ["-p", "evalkit.pytesting.plugin"]
CASES = [
    {"id": "france", "query": "Capital of France?", "reference": "Paris", "tags": ["easy one"]},
    {"id": "spain", "query": "Capital of Spain?", "reference": "Madrid", "relevant": ["spain"], "tags": ["skip", "地理"]},
    {"id": "boom", "query": "What breaks?", "reference": "Nothing"},
    {"id": "bare", "query": "No label here"},
]  # fmt: skip
SYSTEM = """
from pathlib import Path

def answer(query):
    with (Path(__file__).parent / "calls.txt").open("a") as calls:
        calls.write(query + "\\n")
    if "breaks" in query:
        raise RuntimeError("the socket closed")
    if "Spain" in query:
        return {"response": "Barcelona.", "retrieved": [], "context": []}
    return "Paris."

def silent(query):
    return "I do not know."
"""


@pytest.fixture(scope="module", autouse=True)
def everything_loaded(tmp_path_factory: pytest.TempPathFactory) -> None:
    """pytester forgets what an inner session imported, and numpy and scipy can be loaded only once."""
    folder = tmp_path_factory.mktemp("loaded")
    (folder / "suite.yaml").write_text("format: 1\nname: loaded\n")
    (folder / "cases.jsonl").write_text(json.dumps(CASES[0]) + "\n")
    evalkit.run(folder, {"wrong": lambda query: "Rome."}, out=folder / "run").write()


@pytest.fixture
def suite(pytester: pytest.Pytester) -> Path:
    folder = pytester.mkdir("quiz")
    limits = [
        {"metric": "passed", "at_least": 0.9},
        {"metric": "passed", "at_least": 1, "tags": ["easy one"]},
    ]
    (folder / "suite.yaml").write_text(f"format: 1\nname: quiz\nlimits: {json.dumps(limits)}\n")
    (folder / "cases.jsonl").write_text("".join(json.dumps(case) + "\n" for case in CASES))
    document = {"_id": "spain", "title": "Spain", "text": "Madrid is the capital of Spain."}
    (folder / "corpus.jsonl").write_text(json.dumps(document) + "\n")
    mine = "{name: mine, approach: rag, adapter: python, target: 'quiz_system:answer'}"
    other = "{name: other, approach: prompt, adapter: python, target: 'quiz_system:silent'}"
    (folder / "systems.yaml").write_text(f"systems:\n- {mine}\n- {other}\n")
    (folder / "quiz_system.py").write_text(SYSTEM)
    return folder


def mine(pytester: pytest.Pytester, *options: str) -> pytest.RunResult:
    given = [*WITH, "--evalkit", "quiz", "--evalkit-system", "mine", *options]
    return pytester.runpytest(
        *given, "-W", "error", "-p", "no:xdist" if "-n" not in options else "xdist"
    )


def calls(suite: Path) -> list[str]:
    file = suite / "calls.txt"
    return sorted(file.read_text().splitlines()) if file.exists() else []


def ended(result: pytest.RunResult) -> dict[str, int]:
    found = result.parseoutcomes()
    return {name: n for name, n in found.items() if name != "seconds"}


def test_cases_and_limits_are_tests_and_each_way_to_end_is_told_apart(pytester, suite):
    result = mine(pytester, "-rsfE")
    assert ended(result) == {"passed": 2, "failed": 2, "errors": 1, "skipped": 1}
    result.stdout.fnmatch_lines(
        [
            "collected 6 items",
            "*ERROR at setup of mine: boom*",
            "*exception: RuntimeError: the socket closed",
            "*mine: spain*",
            "retrieval_miss (retrieval,*",
            "  asked:     Capital of Spain?",
            "  evidence:  gold document spain *",
            "  first fix: *",
            "incomplete: passed 50.0 % of 2 cases of 3 *, limit at least 90.0 %: 33.3 % *",
            "SKIPPED*not graded: not applicable",
            "FAILED quiz::mine::spain*",
            "FAILED quiz::mine::limit passed >= 0.9*",
            "ERROR quiz::mine::boom*",
        ]
    )
    assert len(calls(suite)) == 4


def test_every_system_of_the_file_is_asked_without_a_name(pytester, suite):
    result = pytester.runpytest(*WITH, "--evalkit", "quiz", "--collect-only", "-q")
    lines = result.stdout.str().splitlines()
    assert "quiz::mine::france" in lines
    assert "quiz::other::france" in lines
    assert calls(suite) == []


@pytest.mark.parametrize(
    ("options", "asked"),
    [
        (["-k", "spain"], ["Capital of Spain?"]),
        (["-m", "easy_one"], ["Capital of France?"]),
        (["-m", "地理"], ["Capital of Spain?"]),
        (["-m", "tag_skip"], ["Capital of Spain?"]),
    ],
)
def test_only_what_was_chosen_is_asked(pytester, suite, options, asked):
    result = mine(pytester, "--strict-markers", *options)
    assert sum(ended(result).get(name, 0) for name in ("passed", "failed")) == 1
    assert calls(suite) == asked


def test_a_limit_alone_asks_every_case(pytester, suite):
    result = mine(pytester, "-k", "limit and easy")
    assert ended(result)["passed"] == 1
    assert len(calls(suite)) == 4


def test_the_first_failure_ends_the_session_with_x(pytester, suite):
    result = mine(pytester, "-x")
    assert ended(result) == {"passed": 1, "failed": 1}


def test_only_the_last_failures_are_run_again_with_lf(pytester, suite):
    mine(pytester)
    (suite / "calls.txt").unlink()
    result = mine(pytester, "--lf", "-k", "not limit")
    assert ended(result) == {"failed": 1, "errors": 1, "deselected": 4}
    assert calls(suite) == ["Capital of Spain?", "What breaks?"]


def test_two_workers_share_one_run(pytester, suite):
    arguments = [sys.executable, "-m", "pytest", *WITH, "--evalkit", "quiz", "-n", "2"]
    done = subprocess.run(
        [*arguments, "--evalkit-system", "mine"], capture_output=True, text=True, check=False
    )
    assert "2 failed, 2 passed, 1 skipped, 1 error" in done.stdout, done.stdout + done.stderr
    assert len(calls(suite)) == 4


def test_a_kept_run_has_a_report_and_is_not_asked_again(pytester, suite):
    first = mine(pytester, "--evalkit-out", "kept", "-k", "france")
    first.stdout.fnmatch_lines(["evalkit report: *report.html"])
    second = mine(pytester, "--evalkit-out", "kept", "-k", "spain")
    assert ended(second)["failed"] == 1
    assert calls(suite) == ["Capital of France?", "Capital of Spain?"]


def test_the_users_own_tests_run_beside_the_cases(pytester, suite):
    pytester.makepyfile("def test_one(): pass")
    assert ended(mine(pytester, "-k", "test_one or france")) == {"passed": 2, "deselected": 5}


def test_a_run_that_cannot_be_made_is_an_error_of_every_test(pytester, suite):
    (pytester.path / "kept").mkdir()
    (pytester.path / "kept" / "run.sqlite").write_text("no database")
    result = mine(pytester, "--evalkit-out", "kept", "-k", "france or spain")
    assert ended(result) == {"errors": 2, "deselected": 4}
    result.stdout.fnmatch_lines(["*evalkit: *run.sqlite: *"])


def test_a_suite_that_is_not_there_is_a_usage_error(pytester):
    result = pytester.runpytest(*WITH, "--evalkit", "nowhere")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "nowhere" in result.stderr.str()


def test_markers_never_act_on_their_own():
    assert [marker_of(tag) for tag in ("easy one", "skip", "not", "2nd", "価格", "!!")] == [
        *("easy_one", "tag_skip", "tag_not", "tag_2nd", "価格", "tag"),
    ]


# --- limits are the gate's ----------------------------------------------------------------------


def numbered(pytester: pytest.Pytester, limits: list[dict], right: int, of: int) -> Path:
    """A suite of which a system gets the first so many cases right; its name would turn a terminal round."""
    folder = pytester.mkdir("many")
    name = json.dumps("desk \u202e\u0007 fin")
    (folder / "suite.yaml").write_text(f"format: 1\nname: {name}\nlimits: {json.dumps(limits)}\n")
    rows = [
        {"id": f"c{i}-{'long' * (i == 1) * 100}", "query": f"What is {i}?", "reference": "Paris"}
        for i in range(of)
    ]
    (folder / "cases.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    system = "{name: s, approach: prompt, adapter: python, target: 'many_system:answer'}"
    (folder / "systems.yaml").write_text(f"systems:\n- {system}\n")
    (folder / "many_system.py").write_text(
        f"def answer(query):\n    return 'Paris' if int(query.split()[2][:-1]) < {right} else 'Rome'\n"
    )
    return folder


@pytest.mark.parametrize(
    ("right", "margin", "code", "told"),
    [
        (21, 0.1, 11, "inconclusive: passed 70.0 % *"),
        (6, 0.1, 10, "regression: passed 20.0 % *"),
        (30, 0.1, 0, None),
    ],
)
def test_a_limit_is_a_test_that_says_what_the_gate_says(pytester, right, margin, code, told):
    from evalkit.cli import _run

    limits = [
        {"metric": "passed", "at_least": 0.8, "margin": margin},
        {"metric": "R@5", "at_least": 0.5},
    ]
    numbered(pytester, limits, right, of=30)
    given = [*WITH, "--evalkit", "many", "--evalkit-out", "kept", "-k", "limit", "-p", "no:xdist"]
    result = pytester.runpytest(*given, "-rs")
    ends = {"passed": 1} if told is None else {"failed": 1}
    assert ended(result) == {**ends, "skipped": 1, "deselected": 30}
    result.stdout.fnmatch_lines(["SKIPPED*R?5*not applicable: s is a system of approach prompt*"])
    if told:
        result.stdout.fnmatch_lines([told])
    assert _run(["gate", str(pytester.path / "kept")]) == code


def test_names_and_texts_do_not_act_on_the_terminal(pytester):
    numbered(pytester, [], 0, of=3)
    result = pytester.runpytest(*WITH, "--evalkit", "many", "-v", "-p", "no:xdist")
    shown = result.stdout.str()
    assert ended(result)["failed"] == 3
    assert "desk \\u202e\\x07 fin" in shown
    assert not {"\u202e", "\x07"} & set(shown)
    assert "long" * 30 not in shown


def test_a_limit_for_a_tag_that_no_case_has_is_a_usage_error(pytester):
    numbered(pytester, [{"metric": "passed", "at_least": 1, "tags": ["goldne"]}], 3, of=3)
    result = pytester.runpytest(*WITH, "--evalkit", "many")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "no case has the tag 'goldne'" in result.stderr.str()


# --- the fixture -------------------------------------------------------------------------------


def test_the_fixture_asserts_a_rate_with_the_evidence(pytester, suite):
    pytester.makepyfile(
        """
        def right(query):
            return "Paris." if "France" in query else "Madrid." if "Spain" in query else "Nothing"

        def test_good(evalkit_run):
            result = evalkit_run("quiz", right, probes="none")
            result.assert_passed(min_rate=0.9)
            assert result.pass_rate == 1 and result.failures() == {}

        def test_bad(evalkit_run):
            evalkit_run("quiz", lambda query: "Rome.").assert_passed(min_rate=0.5)
        """
    )
    result = pytester.runpytest(*WITH, "-W", "error", "-p", "no:xdist")
    assert ended(result) == {"passed": 1, "failed": 1}
    result.stdout.fnmatch_lines(
        [
            "*AssertionError: 0 passed, wanted 0.5 (0 of 4 cases)",
            "*france: *",
            "*would tell: oracle_context",
        ]
    )


# --- no effect without the option ----------------------------------------------------------------


def test_nothing_is_collected_loaded_or_marked_without_the_option(pytester, suite):
    pytester.makepyfile("def test_one(): pass")
    result = pytester.runpytest(*WITH, "--markers")
    assert "evalkit" not in result.stdout.str()
    assert ended(pytester.runpytest(*WITH)) == {"passed": 1}
    assert calls(suite) == []


def test_the_plugin_costs_less_than_five_milliseconds_and_loads_nothing_else():
    code = (
        "import sys, time, pytest\nbefore = set(sys.modules)\nstart = time.perf_counter()\n"
        "import evalkit.pytesting.plugin\nprint(time.perf_counter() - start)\nprint(*set(sys.modules) - before)"
    )
    runs = [
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        for _ in range(3)
    ]
    seconds, loaded = zip(*(run.stdout.splitlines() for run in runs), strict=True)
    assert set(loaded[0].split()) == {"evalkit", "evalkit.pytesting", "evalkit.pytesting.plugin"}
    assert min(map(float, seconds)) < 0.005


def test_the_recipe_runs(pytester, suite):
    recipe = Path(__file__).parents[1] / "docs" / "recipes" / "pytest.md"
    (snippet,) = re.findall(r"```python\n(.*?)```", recipe.read_text(encoding="utf-8"), re.DOTALL)
    suite.rename(pytester.path / "my-suite")
    pytester.makepyfile(snippet)
    assert ended(pytester.runpytest(*WITH, "-p", "no:xdist")) == {"passed": 1}


def test_the_judge_of_the_session_can_be_named(pytester, suite):
    kept = pytester.path / "kept"
    judge = '{"kind": "llm", "base_url": "http://127.0.0.1:9/v1", "model": "m", "attempts": 1}'
    (suite / "judge.yaml").write_text(judge)
    asked = "llm:quiz/judge.yaml"
    result = mine(pytester, "--evalkit-out", str(kept), "--evalkit-judge", asked, "-k", "france")
    assert "passed" not in ended(result)  # nobody is there to judge
    assert "llm" in evalkit.open_run(suite, kept).recipe["judge"]


def test_a_judge_that_is_not_there_is_an_error_of_every_test(pytester, suite):
    result = mine(pytester, "--evalkit-judge", "nobody", "-k", "france or spain")
    assert ended(result)["errors"] == 2
    result.stdout.fnmatch_lines(["*nobody*"])
