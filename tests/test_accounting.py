"""What a run says it asked and paid is what the endpoint's own books say, and no limit is passed by more than is under way."""

import json
import os
import signal
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))

from reliability import CONCURRENCY, bench

from evalkit.store import Store

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="runs are forked")
PRICE, BUDGET = 0.01, 8


@pytest.fixture(scope="module")
def all_of(tmp_path_factory):
    with bench(tmp_path_factory.mktemp("bench")) as made:
        yield made


def limited(all_of, out, *limits):
    settings = ("--out", out, "--concurrency", CONCURRENCY, "--probes", "auto", *limits)
    return all_of.programs.wait(all_of.programs.start("run", all_of.suite, *settings))


@pytest.mark.parametrize("most", [1, 7, 20])
def test_no_call_is_made_beyond_the_limit_of_calls(all_of, most):
    assert limited(all_of, all_of.fresh(), "--max-calls", most) == BUDGET
    assert len(all_of.ledger.asked) == most


def test_no_more_is_paid_than_the_limit_and_what_is_under_way(all_of):
    assert limited(all_of, all_of.fresh(), "--max-cost", 10 * PRICE) == BUDGET
    assert 10 <= len(all_of.ledger.asked) <= 10 + CONCURRENCY


def test_a_run_that_was_stopped_by_a_limit_goes_on_where_it_was(all_of):
    _, calls = all_of.undisturbed("auto")
    out = all_of.fresh()
    assert limited(all_of, out, "--max-calls", 5) == BUDGET
    assert limited(all_of, out) == 0
    assert len(all_of.ledger.asked) == calls


def test_calls_and_cost_of_the_summary_are_those_of_the_books(all_of):
    out = all_of.fresh()
    assert limited(all_of, out) == 0
    usage = json.loads((out / "summary.json").read_text())["systems"]["mine"]["usage"]["cost"]
    assert usage["n"] == len(all_of.ledger.asked)
    assert usage["total"] == pytest.approx(PRICE * len(all_of.ledger.asked))


def test_calls_of_a_run_that_was_killed_are_all_accounted_for(all_of):
    out = all_of.fresh()
    process = all_of.run(out, "none")
    all_of.ledger.wait_for(9)
    os.kill(process, signal.SIGKILL)
    all_of.programs.wait(process)
    assert limited(all_of, out) == 0
    with Store(out, reading=True) as store:
        counts = store.counts()
    assert counts.done + counts.failed + counts.unknown >= len(all_of.ledger.asked)
    assert counts.unknown <= CONCURRENCY
