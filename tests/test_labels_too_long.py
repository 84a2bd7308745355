"""A label that is too long to be judged by: the run, its report and the terminal name the field and what to do."""

import json
import time

import pytest
from test_gate_command import RIGHT, make_run, write_suite

from evalkit.cli import _run
from evalkit.judges.portion import LABEL
from evalkit.ledger.ungraded import too_long

HUGE = "Der Schalter öffnet montags um neun. " * (LABEL // 30)


@pytest.mark.parametrize(
    ("reason", "field"),
    [
        ("reference has 400,000 characters; the judge reads at most 200,000", "reference"),
        ("TooLong: response has 500,001 characters; at most 500,000 are read", "response"),
        ("timeout: 5 s", None),
        ("the reply has 40 characters", None),
        (None, None),
    ],
)
def test_the_field_is_read_from_the_reason(reason, field):
    assert too_long(reason) == field


def test_a_label_that_is_too_long_is_named_and_no_endpoint_is_blamed(tmp_path, capsys):
    suite = write_suite(tmp_path / "suite", cases=20)
    file = suite / "cases.jsonl"
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    for row in rows[:3]:
        row["reference"] = HUGE
    file.write_text("\n".join(json.dumps(row) for row in rows))
    started = time.perf_counter()
    run = make_run(suite, tmp_path / "run", {"rag": lambda query: RIGHT})
    assert time.perf_counter() - started < 60
    report = (run / "report.md").read_text()
    assert "The texts are too long to be judged in 3 of 20 cases of rag" in report
    assert "Shorten the reference of these cases" in report
    assert "endpoint" not in report
    assert _run(["score", str(run)]) == 12
    said = capsys.readouterr().out
    assert "the texts are too long to be judged in 3 of 20 cases (most often: reference has" in said
    assert "could not be read" not in said


def test_shortened_labels_are_judged_without_asking_again(tmp_path):
    ASKED.clear()
    suite = write_suite(tmp_path / "suite", cases=15)
    file = suite / "cases.jsonl"
    text = file.read_text()
    file.write_text(text.replace(json.dumps(RIGHT), json.dumps(HUGE), 1))
    make_run(suite, tmp_path / "run", {"rag": answering})
    file.write_text(text)
    run = make_run(suite, tmp_path / "run", {"rag": answering}, rerun="changed")
    assert len(ASKED) == 15
    verdict = json.loads((run / "verdict.json").read_text())
    assert (verdict["verdict"], verdict["counts"]["ungraded"]) == ("none", 0)


ASKED: list[str] = []


def answering(query: str) -> str:
    ASKED.append(query)
    return RIGHT
