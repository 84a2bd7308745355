"""Runs that die, at random moments and for real: nothing is lost, nothing beyond the calls under way is paid twice.

The long version is ``benchmarks/reliability.py``.
"""

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from evalkit.store import Store

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))

from reliability import CONCURRENCY, RIVALS, answered, bench, killed, rivals

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="runs are forked")
TRIALS, SECONDS = 12, 40.0


@pytest.fixture(scope="module")
def all_of(tmp_path_factory):
    with bench(tmp_path_factory.mktemp("bench")) as made:
        yield made


def test_kill_9_at_random_moments_loses_nothing_and_repeats_only_what_was_under_way(all_of):
    chance, began, trials = random.Random(1), time.monotonic(), []
    while len(trials) < TRIALS and (len(trials) < 3 or time.monotonic() - began < SECONDS):
        trials.append(killed(all_of, chance))
    assert [t["lost"] for t in trials] == [0] * len(trials)
    assert all(t["repeated"] <= t["allowed"] for t in trials), trials
    assert all(t["equal"] for t in trials), trials
    assert any(code == -signal.SIGKILL for t in trials for code in t["codes"])


def test_no_more_are_under_way_than_may_be_while_further_answers_wait_for_the_disk(tmp_path):
    at_a_time = 30  # with some more at work, so that answers on their way to the disk hold up none
    with bench(tmp_path, None, 90, at_a_time) as crowded:
        crowded.undisturbed("none")
        assert at_a_time / 2 <= crowded.ledger.peak <= at_a_time < crowded.open
        trial = killed(crowded, random.Random(2))
    assert (trial["lost"], trial["equal"]) == (0, True)
    assert 0 < trial["repeated"] <= trial["allowed"]


def test_calls_that_were_cut_off_are_counted_as_unknown(all_of):
    chance = random.Random(5)
    for _ in range(5):
        trial = killed(all_of, chance)
        with Store(trial["out"], reading=True) as store:
            counts = store.counts()
        assert (counts.started, counts.failed, counts.planned) == (0, 0, 0)
        assert trial["repeated"] <= counts.unknown <= trial["allowed"]
        if counts.unknown:
            assert counts.possible_cost == pytest.approx(0.01 * counts.unknown)
            return
    pytest.fail("no call was under way at any of the ends")


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_one_interrupt_ends_in_order_and_pays_nothing_twice(all_of, number, code):
    trial = killed(all_of, random.Random(number), number=number)
    assert set(trial["codes"]) <= {code, 0}
    assert trial["seconds"] < 5
    assert (trial["lost"], trial["repeated"], trial["equal"]) == (0, 0, True)


@pytest.mark.parametrize("how", RIVALS)
def test_three_writers_into_one_folder_pay_once(all_of, how):
    chance = random.Random(how)
    for _ in range(1 if how in ("together", "after a kill") else 3):
        round_ = rivals(all_of, chance, how)
        assert (round_["twice"], round_["equal"], round_["as_it_should"]) == (0, True, True)
        if how in ("together", "after a kill"):
            assert round_["codes"][-3:] == [0, 5, 5], round_
    assert "process " in all_of.programs.log.read_text()
    assert CONCURRENCY > 1


@pytest.mark.skipif(sys.platform == "win32", reason="there is no limit of a file's size")
def test_a_full_disk_ends_with_its_own_code_and_the_run_goes_on_when_there_is_room(
    all_of, tmp_path
):
    out = all_of.fresh()
    command = f"ulimit -f 60; exec {sys.executable} -m evalkit run {all_of.suite} --out {out}"
    done = subprocess.run(
        ["bash", "-c", command], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 6, done.stderr
    (line,) = done.stderr.splitlines()
    assert "run.sqlite" in line
    assert all_of.programs.wait(all_of.run(out, "none")) == 0
    repeated = sum((Counter(all_of.ledger.asked) - answered(out)).values())
    assert repeated <= 8  # the program's own concurrency
