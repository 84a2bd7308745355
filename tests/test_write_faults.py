"""A run that dies at a write, or whose disk is full or broken from there on, ends as it should and is taken up again.

A sample of places; ``benchmarks/write_faults.py`` tries every one.
"""

import random
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))

from write_faults import CONTROL, KINDS, changes, compiler, faulty, trial, well

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux") or compiler() is None,
    reason="the faults are made by a library that a C compiler builds on Linux",
)
PLACES = 2


@pytest.fixture(scope="module")
def all_of(tmp_path_factory):
    with faulty(tmp_path_factory.mktemp("faulty")) as made:
        yield made


@pytest.fixture(scope="module")
def number(all_of):
    return changes(all_of, "none")


@pytest.mark.parametrize("kind", KINDS)
def test_a_fault_of_the_disk_loses_nothing_and_is_told(all_of, number, kind):
    for at in random.Random(kind).sample(range(1, number), PLACES):
        found = trial(all_of, "none", kind, at)
        assert found["as_it_should"], found
        assert found["equal"], found
        assert not found["traceback"], found
        assert found["repeated"] == 0, found


@pytest.mark.parametrize("kind", ["before", "after"])
def test_a_run_that_dies_while_its_store_is_made_is_taken_up(all_of, kind):
    for at in range(6, 13):  # the first tables, the change to a log, the session's file
        found = trial(all_of, "none", kind, at)
        assert found["as_it_should"], found
        assert found["equal"], found


def test_a_power_cut_does_harm_where_no_sync_is_one(all_of, number):
    assert not well(trial(all_of, "none", CONTROL, 4 * number // 5))  # all answers are there


def test_every_change_of_a_file_is_counted(number):
    assert number > 50
