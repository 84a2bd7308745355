"""What a killed session's judge was paid is in the account of the next one: read from the records of calls."""

import json
from pathlib import Path

import pytest

from evalkit.judges.llm.kept import CALLS, Recording
from evalkit.judges.ragas.record import FILE, Call, CallRecord
from evalkit.judges.spending import Spending
from evalkit.judging.uncounted import COUNTED, Unanswered, counted_now, unanswered, uncounted
from evalkit.records import Usage

PAID = {"prompt_tokens": 100, "completion_tokens": 10, "cost": 0.5}
FAILED = {"prompt_tokens": None, "completion_tokens": None, "cost": None}


def record(folder: Path, *rows: dict) -> None:
    kept = Recording(folder)
    for row in rows:
        kept.add(row)


def record_ragas(folder: Path, *keys: str) -> None:
    kept = CallRecord(folder / FILE)
    for key in keys:
        kept.add(Call(key, "s", {}, "{}", usage=Usage(70, 4, cost=0.25)))
    kept.close()


def test_without_an_account_everything_recorded_counts(tmp_path):
    record(tmp_path, PAID, FAILED, PAID)
    record_ragas(tmp_path, "a", "b")
    found = uncounted({}, tmp_path, settled=False)
    assert found == Spending(5, 0, 340, 28, 1.5, 1, 1)


def test_only_what_came_after_the_account_counts(tmp_path):
    record(tmp_path, PAID)
    record_ragas(tmp_path, "a")
    noted = {COUNTED: counted_now(tmp_path)}
    assert uncounted(noted, tmp_path, settled=True) == Spending()
    record(tmp_path, PAID, PAID)
    record_ragas(tmp_path, "b")
    assert uncounted(noted, tmp_path, settled=True) == Spending(3, 0, 270, 24, 1.25)
    assert uncounted({COUNTED: counted_now(tmp_path)}, tmp_path, settled=True) == Spending()


def test_a_line_that_was_cut_off_counts_for_nothing(tmp_path):
    record(tmp_path, PAID)
    with (tmp_path / CALLS).open("a") as stream:
        stream.write('{"prompt_tokens": 1')
    assert uncounted({}, tmp_path, settled=False).calls == 1


@pytest.mark.parametrize("settled", [True, False])
def test_no_record_and_an_older_run_have_nothing_uncounted(tmp_path, settled):
    assert uncounted({}, tmp_path, settled=settled) == Spending()
    assert json.loads(counted_now(tmp_path)) == {CALLS: 0, FILE: None}
    record(tmp_path, PAID)
    assert uncounted({}, tmp_path, settled=True) == Spending()


def test_attempts_whose_reply_was_lost_may_have_been_charged(tmp_path):
    record(tmp_path, PAID, {**PAID, "lost": 2}, {**FAILED, "lost": 1})
    assert unanswered(tmp_path) == Unanswered(3, 1.5)


def test_without_a_lost_call_nothing_is_told(tmp_path):
    record(tmp_path, PAID, FAILED)
    assert unanswered(tmp_path) is None
