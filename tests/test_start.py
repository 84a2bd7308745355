import subprocess
import sys
from pathlib import Path

import pytest

from evalkit.errors import InvalidInput, StorageError
from evalkit.start import find_columns, start_suite, suite_from_csv
from evalkit.suite import load_suite, load_systems


@pytest.fixture
def table(tmp_path):
    def write(text: str, name: str = "Questions & Answers.csv") -> Path:
        path = tmp_path / name
        path.write_bytes(text.encode())
        return path

    return write


def evalkit(*arguments, cwd):
    command = [sys.executable, "-m", "evalkit", *map(str, arguments)]
    return subprocess.run(
        command, check=False, cwd=cwd, capture_output=True, text=True, timeout=120
    )


def test_the_example_suite_loads_without_a_warning(tmp_path):
    written = start_suite(tmp_path / "mine")
    suite = load_suite(tmp_path / "mine")
    assert sorted(tmp_path.joinpath("mine").iterdir()) == sorted(written)
    assert (suite.name, len(suite.cases), suite.warnings) == ("mine", 3, ())
    assert [s.name for s in load_systems(tmp_path / "mine" / "systems.yaml")] == [
        "mine",
        "baseline",
    ]


def test_the_example_suite_runs_from_end_to_end(tmp_path):
    for arguments in (["init", "mine"], ["run", "mine", "--limit", "2", "--out", "out"]):
        done = evalkit(*arguments, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
    assert (tmp_path / "out" / "report.html").exists()
    assert (tmp_path / "out" / "verdict.json").exists()


def test_a_spreadsheet_becomes_a_suite_that_runs(tmp_path, table):
    table(
        "\ufeffQuestion;Ideal Answer;Document;Category\r\n"
        '"When is\r\nit open?";On Mondays;"Open on Mondays; closed else.";hours, shop\r\n'
        '[urgent] Wo?;"Im Hof ""links""";Im Hof links;\r\n'
        "休業日は？;火曜日;Open on Mondays; closed else.\r\n".replace("; closed else.\r\n", "\r\n"),
        "qa.csv",
    )
    done = evalkit("init", "made", "--from", "qa.csv", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    suite = load_suite(tmp_path / "made")
    first, second, third = suite.cases
    assert first.query == "When is\r\nit open?"
    assert first.tags == ("hours", "shop")
    assert (second.query, second.reference) == ("[urgent] Wo?", ('Im Hof "links"',))
    assert (third.query, third.reference, third.tags) == ("休業日は？", ("火曜日",), ())
    assert [d.text for d in suite.corpus.values()] == [
        "Open on Mondays; closed else.", "Im Hof links", "Open on Mondays",
    ]  # fmt: skip
    assert [list(c.relevant) for c in suite.cases] == [["doc-001"], ["doc-002"], ["doc-003"]]
    done = evalkit("run", "made", "--limit", "2", "--out", "out", cwd=tmp_path)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("header", "question", "answer"),
    [
        ("query,reference", "query", "reference"),
        (" QUESTION , Expected_Answer ", "QUESTION", "Expected_Answer"),
        ("nr,Prompt,ground-truth", "Prompt", "ground-truth"),
        ("Frage,Antwort", "Frage", "Antwort"),
        ("質問,回答", "質問", "回答"),
        ("input,notes", "input", None),
        ("question,query,output", "query", "output"),
    ],
)
def test_columns_are_known_by_many_names(table, header, question, answer):
    found = find_columns([name.strip() for name in header.split(",")], Path("x.csv"))
    assert (found.question, found.answer) == (question, answer)


def test_columns_may_be_named(tmp_path, table):
    file = table("what they say,our line,query\nhello?,hi!,x\n")
    suite_from_csv(tmp_path / "s", file, question="what they say", answer="our line")
    (case,) = load_suite(tmp_path / "s").cases
    assert (case.query, case.reference) == ("hello?", ("hi!",))


@pytest.mark.parametrize(
    ("text", "named", "message"),
    [
        ("a,b\n1,2\n", {}, "columns: a, b; name it with --question"),
        ("query,b\n1,2\n", {"question": "qeury"}, "no column 'qeury'"),
        ("query,b\n1,2\n", {"answer": "nope"}, "no column 'nope'"),
        ("query,answer\n,2\n", {}, "no column can be taken"),
        ("query,answer\nq,1\n\n,2\n", {}, "csv:4: query: the question is missing"),
        ("id,query\nx,q\nX,r\n", {}, "csv:3: id: id 'X' differs from 'x'"),
        ("query,answer\nq,[1] see\n", {}, "csv:2: answer: is not JSON"),
        ("query\n", {}, "holds no rows"),
        ("", {}, "no header"),
    ],
)
def test_a_spreadsheet_that_will_not_do_is_refused_before_anything_is_written(
    tmp_path, table, text, named, message
):
    with pytest.raises(InvalidInput) as caught:
        suite_from_csv(tmp_path / "s", table(text), **named)
    assert message in str(caught.value)
    assert not (tmp_path / "s").exists()


@pytest.mark.parametrize("there", ["suite.yaml", "my_system.py"])
def test_a_folder_with_a_suite_is_left_as_it_is(tmp_path, table, there):
    (tmp_path / there).write_text("mine")
    before = {*tmp_path.iterdir(), table("query\nq\n")}
    for start in (start_suite, lambda folder: suite_from_csv(folder, table("query\nq\n"))):
        with pytest.raises(InvalidInput, match="already there"):
            start(tmp_path)
    assert set(tmp_path.iterdir()) == before
    assert (tmp_path / there).read_text() == "mine"


def test_the_names_of_spreadsheets_make_usable_suite_names(tmp_path, table):
    for file, name in (
        ("Questions & Answers.csv", "questions-answers"),
        ("…!.csv", "suite"),
        ("質問.csv", "質問"),
    ):
        folder = tmp_path / name
        suite_from_csv(folder, table("query\nq\n", file))
        assert load_suite(folder).name == name


def test_a_folder_that_cannot_be_made_is_a_storage_error(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(StorageError):
        start_suite(tmp_path / "file" / "below")
