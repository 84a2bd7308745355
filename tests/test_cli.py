import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from evalkit.cli import COMMANDS, _run, group
from evalkit.errors import EvalkitError
from evalkit.store import Store

ENVIRONMENT = {**os.environ, "PYTHONWARNINGS": "error"}
SYSTEMS = "systems: [{name: mine, approach: rag, adapter: python, target: 'my_system:answer'}]\n"
ANSWER = "def answer(query):\n    return 'Open on Mondays.'\n"
FAIL = "def answer(query):\n    raise RuntimeError('down')\n"
SLOW = "import time\ndef answer(query, repeat):\n    time.sleep(0.05 if query < 'q3' else 60)\n    return 'yes'\n"


@pytest.fixture
def suite(tmp_path):
    """A suite folder with one Python system."""

    def write(code=ANSWER, *, cases=2, systems=SYSTEMS, head="format: 1\nname: tiny\n") -> Path:
        folder = tmp_path / "suite"
        folder.mkdir(exist_ok=True)
        lines = [
            json.dumps({"id": f"c{i}", "query": f"q{i}", "reference": "Open on Mondays."})
            for i in range(cases)
        ]
        files = {
            "suite.yaml": head,
            "cases.jsonl": "\n".join(lines),
            "systems.yaml": systems,
            "my_system.py": code,
        }
        for name, text in files.items():
            (folder / name).write_text(text)
        return folder

    return write


def start(*arguments, **options):
    command = [sys.executable, "-m", "evalkit", *map(str, arguments)]
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, **options}
    return subprocess.Popen(command, env=ENVIRONMENT, **options)


def evalkit(*arguments, code: int, **options):
    """Run the program; its exit code must be ``code``, and a failure must be told in one line."""
    process = start(*arguments, **options)
    out, err = process.communicate(timeout=120)
    assert process.returncode == code, err
    assert "Traceback" not in err
    if code not in (0, 12):
        assert len(err.splitlines()) == 1, err
        assert err.startswith("evalkit: ")
    return out, err


# --- exit codes ------------------------------------------------------------------------------


def test_0_a_run_that_finished_with_its_verdict_last(suite, tmp_path):
    out, err = evalkit("run", suite(), "--out", tmp_path / "out", code=0)
    assert "report.html" in out
    assert err == ""
    assert json.loads((tmp_path / "out" / "verdict.json").read_text())["exit_code"] == 0


def test_1_a_fault_of_ours_is_one_line_and_a_log_outside_the_folder(suite, tmp_path):
    code = "import evalkit.report, evalkit.cli\ndef broken(*a): raise KeyError('two\\nlines')\n"
    code += "evalkit.report.write_all = broken\nevalkit.cli.main()"
    arguments = ["run", str(suite()), "--out", "out"]
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        check=False,
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("evalkit: internal error (KeyError")
    log = Path(line.rpartition(" ")[2])
    assert "Traceback" in log.read_text()
    log.unlink()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "suite"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["rnu"], "there is no command 'rnu'. Did you mean 'run'?"),
        (["xyz"], "there is no command 'xyz'."),
        (["run"], "Missing argument 'SUITE'."),
        (["run", "x", "--limt", "2"], "Did you mean '--limit'?"),
        (["run", "x", "--limit", "0"], "0 is not in the range"),
        (["run", "x", "--limit", "two"], "not a valid integer"),
        (["run", "x", "--repeats", "0"], "not in the range"),
        (["run", "x", "--repeats", "1000000"], "not in the range"),
        (["run", "x", "--concurrency", "0"], "not in the range"),
        (["run", "x", "--concurrency", "100000"], "not in the range"),
        (["run", "x", "--seed", "-1"], "not in the range"),
        (["run", "x", "y"], "unexpected extra argument"),
        (["import", "nope", "x", "y"], "'nope' is not"),
        (["--nope"], "No such option"),
    ],
)
def test_2_a_command_line_that_makes_no_sense(arguments, said, capsys):
    assert _run(arguments) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert said in line
    assert line.endswith("--help`.")


def test_2_without_a_command_the_help_is_shown(capsys):
    assert _run([]) == 2
    assert "Commands:" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"head": "format: 1\nnmae: x\n"}, "suite.yaml:2: nmae: unknown field; did you mean 'name'?"),
        ({"head": ""}, "suite.yaml: is empty"),
        ({"head": "- a\n"}, "suite.yaml: holds ['a']"),
        ({"systems": "systems: [{name: a, approach: rag, adapter: pyton}]"}, "did you mean 'python'?"),
        ({"systems": "systems: [{name: a, approach: rag, adapter: 'no.such:thing'}]"}, "cannot be imported"),
        ({"systems": "systems: [{name: a, approach: rag, adapter: python, target: 'nowhere:f'}]"}, "nowhere"),
        ({"systems": "systems: [{name: a, approach: rag, adapter: recorded, path: gone.jsonl}]"}, "gone.jsonl"),
        ({"systems": "systems: [{name: a, approach: rag, adapter: recorded, path: cases.jsonl}]"}, "cases.jsonl"),
        ({"head": "format: 1\nname: x\ncorrect: {metric: exakt, at_least: 1}\n"}, "did you mean 'exact'?"),
    ],
)  # fmt: skip
def test_3_files_that_are_wrong(suite, tmp_path, capsys, change, said):
    for command in ("run", "check"):
        if command == "check" and "exakt" in str(change):
            continue  # metrics are only loaded by a run
        arguments = ["--out", str(tmp_path / "out")] if command == "run" else []
        assert _run([command, str(suite(**change)), *arguments]) == 3
        (line,) = capsys.readouterr().err.splitlines()
        assert said in line
    assert not (tmp_path / "out").exists()


def test_3_names_that_are_not_there(suite, tmp_path, capsys):
    folder = str(suite())
    for arguments, said in (
        (["run", folder, "--system", "mien"], "did you mean 'mine'?"),
        (["run", folder, "--systems", "nowhere.yaml"], "nowhere.yaml: the file does not exist"),
        (["run", folder, "--playbook", "nowhere.yaml"], "nowhere.yaml: the file does not exist"),
        (["run", str(tmp_path / "nowhere")], "evalkit init"),
        (["score", str(tmp_path / "nowhere")], "there is no run"),
        (["import", "clapnq", folder, str(tmp_path / "x")], "qa.jsonl: the file does not exist"),
        (["init", folder], "already there"),
    ):
        assert _run(arguments) == 3
        (line,) = capsys.readouterr().err.splitlines()
        assert said in line


def test_3_a_run_that_was_started_with_something_else(suite, tmp_path, capsys):
    out = ["--out", str(tmp_path / "out")]
    assert _run(["run", str(suite()), *out]) == 0
    assert _run(["run", str(suite()), *out, "--seed", "7"]) == 3
    assert "seed was 0, now 7" in capsys.readouterr().err
    folder = str(suite(cases=3))
    assert _run(["run", folder, *out]) == 3
    assert _run(["score", out[1], "--suite", folder]) == 3


def test_4_nothing_to_do(suite, tmp_path, capsys):
    assert _run(["run", str(suite(cases=0)), "--out", str(tmp_path / "out")]) == 4
    folder = suite()
    Store(tmp_path / "empty").close()
    assert _run(["score", str(tmp_path / "empty"), "--suite", str(folder)]) == 4
    assert len(capsys.readouterr().err.splitlines()) == 2


def test_5_a_folder_that_another_run_holds(suite, tmp_path, capsys):
    out = tmp_path / "out"
    evalkit("run", suite(), "--out", out, code=0)
    with Store(out):
        _, err = evalkit("run", suite(), "--out", out, code=5)
        assert f"{out}: another run is writing here (process {os.getpid()} on " in err
        evalkit("score", out, code=0)  # whoever reads need not wait


def test_6_what_cannot_be_written(suite, tmp_path, capsys):
    folder = str(suite())
    (tmp_path / "file").touch()
    (tmp_path / "damaged").mkdir()
    (tmp_path / "damaged" / "run.sqlite").write_bytes(b"no database " * 1000)
    for out in ("file", "file/below", "damaged"):
        assert _run(["run", folder, "--out", str(tmp_path / out)]) == 6
    assert _run(["score", str(tmp_path / "damaged")]) == 6
    assert _run(["check", folder, "--schemas", str(tmp_path / "file" / "below")]) == 6
    assert _run(["init", str(tmp_path / "file" / "below")]) == 6
    assert len(capsys.readouterr().err.splitlines()) == 6


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no /dev/full")
def test_6_an_output_that_is_full():
    with Path("/dev/full").open("w") as full:
        _, err = evalkit("plugins", "--cards", code=6, stdout=full)
    assert "No space left" in err


def test_12_more_errors_than_the_suite_tolerates(suite, tmp_path):
    out, _ = evalkit("run", suite(FAIL), "--out", tmp_path / "out", code=12)
    assert "Incomplete: mine: 2 of 2 cases ended in an error" in out
    assert json.loads((tmp_path / "out" / "verdict.json").read_text())["exit_name"] == "incomplete"
    evalkit("run", suite(FAIL), "--out", tmp_path / "out", "--retry-errors", code=12)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_130_and_143_an_interrupted_run_says_how_to_go_on_and_does(suite, tmp_path, number, code):
    folder, out = suite(SLOW, cases=6), tmp_path / "out"
    process = start("run", folder, "--out", out)
    _wait_for_answers(out, 3)
    process.send_signal(number)
    _, err = process.communicate(timeout=20)
    assert process.returncode == code, err
    assert (
        err.strip() == f"evalkit: interrupted; the same command with --out {out} goes on from here"
    )
    with Store(out) as store:
        kept = store.done()
    assert len(kept) >= 3
    evalkit("run", folder, "--out", out, "--limit", 3, code=0)
    with Store(out) as store:
        assert store.done() == kept


def test_130_a_second_interrupt_ends_even_a_module_that_hangs(suite, tmp_path):
    here = tmp_path / "here"
    body = f"from pathlib import Path\nPath({str(here)!r}).touch()\nimport time\ntime.sleep(60)\n"
    process = start("check", suite(body))
    deadline = time.monotonic() + 30
    while not here.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    for _ in range(2):  # asyncio hands the first one to a task that never gets its turn
        process.send_signal(signal.SIGINT)
        time.sleep(0.3)
    _, err = process.communicate(timeout=20)
    assert (process.returncode, err.strip()) == (130, "evalkit: interrupted")


def _wait_for_answers(out: Path, wanted: int) -> None:
    import sqlite3

    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            with sqlite3.connect(f"file:{out / 'run.sqlite'}?mode=ro", uri=True) as db:
                (found,) = db.execute("SELECT count(*) FROM traces").fetchone()
            db.close()
            if found >= wanted:
                return
        except sqlite3.Error:
            pass
        time.sleep(0.05)
    raise AssertionError("the run did not answer")


def test_every_error_has_its_published_code():
    def below(kind):
        return {kind, *(inner for one in kind.__subclasses__() for inner in below(one))}

    codes = {kind.exit_name: kind.exit_code for kind in below(EvalkitError)}
    assert codes == {
        "internal": 1, "usage": 2, "invalid input": 3, "nothing to do": 4, "busy": 5, "storage": 6,
        "endpoint": 7, "budget": 8, "incomplete": 12,
    }  # fmt: skip


# --- output ----------------------------------------------------------------------------------


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command):
    result = CliRunner().invoke(group, [command, "--help"])
    assert result.exit_code == 0, result.output
    assert (
        result.output.startswith(f"Usage: {group.name or 'group'} {command}")
        or command in result.output
    )
    assert "--help" in result.output


def test_the_help_names_every_command_and_every_exit_code():
    out, _ = evalkit("--help", code=0)
    assert all(f"\n  {name} " in out for name in COMMANDS)
    told = " ".join(out.split())
    assert all(f" {code} " in told for code in (0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 12))


def test_a_reader_that_leaves_early_ends_the_program_quietly():
    process = start("plugins", "--cards")
    process.stdout.close()
    assert process.wait(timeout=60) == 141  # as if SIGPIPE had ended it: never taken for a pass
    assert process.stderr.read() == ""
    process.stderr.close()


def test_a_verdict_is_not_lost_when_nobody_reads(suite, tmp_path):
    process = start("run", suite(), "--out", tmp_path / "out")
    process.stdout.close()
    assert process.wait(timeout=60) == 141
    assert "Traceback" not in process.stderr.read()
    process.stderr.close()
    assert (tmp_path / "out" / "verdict.json").exists()


def test_output_survives_a_terminal_without_the_letters(suite, tmp_path):
    folder = suite(head="format: 1\nname: 見積もり\n")
    environment = {**ENVIRONMENT, "PYTHONIOENCODING": "ascii:strict", "PYTHONUTF8": "0"}
    for command in (["check"], ["run", "--out", str(tmp_path / "out")]):
        arguments = [sys.executable, "-m", "evalkit", *command, str(folder)]
        done = subprocess.run(arguments, check=False, env=environment, capture_output=True)
        assert done.returncode == 0, done.stderr
        assert b": 2 cases" in done.stdout


def test_check_says_what_a_suite_holds(suite, capsys, tmp_path):
    assert _run(["check", str(suite()), "--schemas", str(tmp_path / "schemas")]) == 0
    out = capsys.readouterr().out
    assert "tiny: 2 cases, 0 documents" in out
    assert "system mine (rag, python): can ask" in out
    assert json.loads((tmp_path / "schemas" / "case.schema.json").read_text())["title"] == "CaseRow"


def test_score_diagnose_and_report_work_on_a_run_again(suite, tmp_path, capsys):
    folder, out = str(suite()), tmp_path / "out"
    assert _run(["run", folder, "--out", str(out)]) == 0
    first = (out / "scores.csv").read_bytes()
    for command in ("score", "diagnose", "report"):
        (out / "scores.csv").unlink()
        assert _run([command, str(out)]) == 0
        assert (out / "scores.csv").read_bytes() == first
    assert "correct" in capsys.readouterr().out


def test_a_run_folder_is_named_after_the_suite_and_stays_below_reports(
    suite, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    assert _run(["run", str(suite(head="format: 1\nname: ../../My suite/..\n"))]) == 0
    (made,) = (tmp_path / "reports").iterdir()
    assert made.name.startswith("My-suite-")
    assert not [path for path in tmp_path.iterdir() if path.name not in ("reports", "suite")]
