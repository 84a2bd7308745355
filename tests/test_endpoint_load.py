"""A limited, a failing and a crowded endpoint, for real: the short version of ``benchmarks/endpoint_load.py``."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))

from endpoint_load import at_a_time, burst, by_chance


@pytest.mark.parametrize("spelling", ["fractions", "date"])
def test_a_burst_of_refusals_ends_within_a_third_of_the_least_time(spelling: str) -> None:
    tries = [burst(300, spelling)]
    if not tries[0][0]:  # a machine that is busy with other tests tells little of seconds
        tries.append(burst(300, spelling))
    assert tries[-1][0], tries


def test_each_call_is_accounted_for_where_a_fifth_of_all_requests_fail() -> None:
    fine, told = by_chance(1000)
    assert fine, told


@pytest.mark.parametrize("cap", [1, 500])
def test_as_many_are_under_way_as_allowed_and_none_is_left_out(cap: int) -> None:
    fine, told = at_a_time(cap)
    assert fine, told
